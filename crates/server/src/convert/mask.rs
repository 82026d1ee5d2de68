//! Which fields an update names. Nothing is changed that is not named, and nothing unknown is
//! passed over.

use std::collections::BTreeSet;

use countersign_domain::Refusal;
use countersign_domain::directory::TeamField;
use countersign_domain::freeze::FreezeField;
use countersign_domain::policy::PolicyField;
use prost_types::FieldMask;

use super::fields::ANY_FIELD;
use super::{freeze_draft, policy_draft, team_draft};

const FIELD: &str = "update_mask";

/// The fields of a policy that a mask names.
pub(crate) fn policy_fields(mask: Option<&FieldMask>) -> Result<BTreeSet<PolicyField>, Refusal> {
    named(
        mask,
        &policy_draft::ALL.map(|field| (policy_path(field), field)),
    )
}

/// The fields of a team that a mask names.
pub(crate) fn team_fields(mask: Option<&FieldMask>) -> Result<BTreeSet<TeamField>, Refusal> {
    named(
        mask,
        &team_draft::ALL.map(|field| (team_path(field), field)),
    )
}

fn policy_path(field: PolicyField) -> &'static str {
    match field {
        PolicyField::Name => "name",
        PolicyField::Description => "description",
        PolicyField::Disabled => "disabled",
        PolicyField::Scopes => "scopes",
        PolicyField::Approvers => "approvers",
        PolicyField::MinimumApprovals => "minimum_approvals",
        PolicyField::BlockCreator => "block_creator",
        PolicyField::Quorum => "quorum",
        PolicyField::Sharing => "sharing",
        PolicyField::RecheckApprovers => "recheck_approvers",
        PolicyField::ApprovalTtl => "approval_ttl",
        PolicyField::ExecutionTtl => "execution_ttl",
        PolicyField::MaxAuthAge => "max_auth_age",
        PolicyField::Windows => "windows",
        PolicyField::OnClose => "on_close",
    }
}

/// The fields of a freeze that a mask names.
pub(crate) fn freeze_fields(mask: Option<&FieldMask>) -> Result<BTreeSet<FreezeField>, Refusal> {
    named(
        mask,
        &freeze_draft::ALL.map(|field| (freeze_path(field), field)),
    )
}

fn freeze_path(field: FreezeField) -> &'static str {
    match field {
        FreezeField::Reason => "reason",
        FreezeField::Scopes => "scopes",
        FreezeField::Start => "start",
        FreezeField::End => "end",
        FreezeField::Recurrence => "recurrence",
    }
}

fn team_path(field: TeamField) -> &'static str {
    match field {
        TeamField::Name => "name",
        TeamField::Description => "description",
        TeamField::Members => "members",
    }
}

fn named<F: Copy + Ord>(
    mask: Option<&FieldMask>,
    known: &[(&str, F)],
) -> Result<BTreeSet<F>, Refusal> {
    let refused = |found: String| {
        let paths: Vec<&str> = known.iter().map(|(path, _)| *path).collect();
        Refusal::field(
            FIELD,
            found,
            format!("paths among {}", paths.join(", ")),
            ANY_FIELD,
        )
    };
    let paths = mask.map_or(&[][..], |mask| &mask.paths);
    if paths.is_empty() {
        return Err(refused("no path".to_owned()));
    }
    let field = |path: &String| {
        let found = known.iter().find(|(name, _)| name == path);
        found
            .map(|(_, field)| *field)
            .ok_or_else(|| refused(format!("{path:?}")))
    };
    paths.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::field_of;
    use super::*;

    fn mask(paths: &[&str]) -> FieldMask {
        FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }
    }

    #[test]
    fn e2_unknown_and_empty_masks_are_refused() {
        let of = |paths: &[&str]| policy_fields(Some(&mask(paths)));
        let both = [PolicyField::Name, PolicyField::Scopes].into();
        assert_eq!(of(&["name", "scopes", "name"]), Ok(both));
        for bad in [
            &[][..],
            &["id"],
            &["*"],
            &["approvers.users"],
            &["name", "revision"],
        ] {
            assert_eq!(field_of(of(bad)), FIELD, "{bad:?}");
        }
        assert_eq!(field_of(policy_fields(None)), FIELD);
        assert_eq!(
            team_fields(Some(&mask(&["members"]))),
            Ok([TeamField::Members].into())
        );
        assert_eq!(field_of(team_fields(Some(&mask(&["claimed"])))), FIELD);
    }
}
