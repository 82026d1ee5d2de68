//! Policies and warnings, as answers carry them.

use std::collections::BTreeSet;

use countersign_domain::ids::{FreezeId, PolicyId, TeamId, TenantId};
use countersign_domain::policy::{Policy, Scope, ScopeSide, Warning};
use countersign_domain::task::TaskKind;
use countersign_proto::v1;

use super::identity::show_person;
use super::schedule::{show_on_close, show_window};
use super::task_spec::show_kind;
use super::terms::{show_quorum, show_sharing, show_time_to_live};
use super::window::timestamp;

/// A policy as kept.
pub(crate) fn show_policy(policy: &Policy) -> v1::Policy {
    let draft = &policy.draft;
    v1::Policy {
        id: draft.id.to_string(),
        name: draft.name.clone(),
        description: draft.description.clone(),
        disabled: draft.disabled,
        scopes: draft.scopes.iter().map(show_scope).collect(),
        approvers: Some(v1::Approvers {
            users: draft.approvers.users.iter().map(show_person).collect(),
            teams: draft
                .approvers
                .teams
                .iter()
                .map(TeamId::to_string)
                .collect(),
        }),
        minimum_approvals: draft.minimum_approvals,
        block_creator: draft.block_creator,
        revision: policy.revision,
        etag: policy.etag(),
        created_at: Some(timestamp(policy.created.instant)),
        updated_at: Some(timestamp(policy.stamp.instant)),
        quorum: show_quorum(draft.terms.quorum).into(),
        sharing: show_sharing(draft.terms.sharing).into(),
        recheck_approvers: draft.terms.recheck_approvers,
        approval_ttl: draft.terms.approval_ttl.map(show_time_to_live),
        execution_ttl: draft.terms.execution_ttl.map(show_time_to_live),
        max_auth_age: draft.terms.max_auth_age.map(show_time_to_live),
        windows: draft.terms.windows.iter().map(show_window).collect(),
        on_close: show_on_close(draft.terms.on_close).into(),
    }
}

pub(crate) fn show_scope(scope: &Scope) -> v1::Scope {
    let kinds: &BTreeSet<TaskKind> = &scope.kinds;
    v1::Scope {
        projects: Some(show_side(&scope.projects)),
        environments: Some(show_side(&scope.environments)),
        kinds: kinds.iter().map(|kind| show_kind(*kind)).collect(),
        tenants: scope.tenants.iter().map(TenantId::to_string).collect(),
    }
}

fn show_side(side: &ScopeSide) -> v1::ScopeSide {
    let (ids, tags) = match side {
        ScopeSide::Any => (vec!["*".to_owned()], Vec::new()),
        ScopeSide::Ids(ids) => (ids.iter().cloned().collect(), Vec::new()),
        ScopeSide::Tags(tags) => (Vec::new(), tags.iter().map(ToString::to_string).collect()),
    };
    v1::ScopeSide { ids, tags }
}

/// A warning, with the cure.
pub(crate) fn show_warning(warning: &Warning) -> v1::Warning {
    let (kind, policy) = match warning {
        Warning::MinimumUnreachable { policy, .. } => {
            (v1::WarningKind::MinimumUnreachable, policy.as_ref())
        }
        Warning::OwnApproversNotNeeded { policy } => {
            (v1::WarningKind::OwnApproversNotNeeded, Some(policy))
        }
        Warning::NoPolicyMatched => (v1::WarningKind::NoPolicyMatched, None),
        Warning::SharingWithoutExecutionTtl { policy } => {
            (v1::WarningKind::SharingWithoutExecutionTtl, Some(policy))
        }
        Warning::ClaimedTeamNotRechecked { policy, .. } => {
            (v1::WarningKind::ClaimedTeamNotRechecked, Some(policy))
        }
        Warning::WindowPast { policy, .. } => (v1::WarningKind::WindowPast, Some(policy)),
        Warning::WindowsNeverMeet { policy, .. } => {
            (v1::WarningKind::WindowsNeverMeet, Some(policy))
        }
        Warning::WindowsInsideFreezes { policy, .. } => {
            (v1::WarningKind::WindowsInsideFreezes, Some(policy))
        }
        Warning::ConfusableNames { policy, .. } => {
            (v1::WarningKind::ConfusableNames, policy.as_ref())
        }
    };
    let freeze = match warning {
        Warning::WindowsInsideFreezes { freezes, .. } => freezes.first(),
        Warning::MinimumUnreachable { .. }
        | Warning::OwnApproversNotNeeded { .. }
        | Warning::NoPolicyMatched
        | Warning::SharingWithoutExecutionTtl { .. }
        | Warning::ClaimedTeamNotRechecked { .. }
        | Warning::WindowPast { .. }
        | Warning::WindowsNeverMeet { .. }
        | Warning::ConfusableNames { .. } => None,
    };
    v1::Warning {
        kind: kind.into(),
        message: warning.sentence(),
        policy: policy.map(PolicyId::to_string).unwrap_or_default(),
        freeze: freeze.map(FreezeId::to_string).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::Instant;
    use countersign_domain::log::Stamp;

    use super::super::policy_draft::tests::{full, read};
    use super::*;

    #[test]
    fn m1_policies_come_back_with_what_the_server_set() {
        let message = full();
        let created = Stamp {
            sequence: 2,
            instant: Instant::EPOCH,
        };
        let stamp = Stamp {
            sequence: 9,
            instant: Instant::EPOCH,
        };
        let draft = read(&message).unwrap();
        let shown = show_policy(&Policy {
            draft,
            revision: 3,
            created,
            stamp,
        });
        let expected = v1::Policy {
            revision: 3,
            etag: "9".to_owned(),
            created_at: Some(timestamp(Instant::EPOCH)),
            updated_at: Some(timestamp(Instant::EPOCH)),
            ..message
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn g6_warnings_name_their_policy_where_they_have_one() {
        let policy = PolicyId::parse("prod").unwrap();
        let own = show_warning(&Warning::OwnApproversNotNeeded { policy });
        assert_eq!(own.policy, "prod");
        assert_eq!(own.kind(), v1::WarningKind::OwnApproversNotNeeded);
        let none = show_warning(&Warning::NoPolicyMatched);
        assert_eq!((none.policy.as_str(), none.message.is_empty()), ("", false));
    }
}
