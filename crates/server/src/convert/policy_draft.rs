//! What a policy administrator says about a policy (M1 to M5).

use std::collections::BTreeSet;

use countersign_domain::Refusal;
use countersign_domain::ids::{PolicyId, TeamId, TenantId};
use countersign_domain::person::Person;
use countersign_domain::policy::{Approvers, PolicyDraft, PolicyField, Scope, ScopeSide, Terms};
use countersign_domain::text;
use countersign_proto::v1;

use super::{fields, identity, schedule, task_spec, terms};

const SCOPES_LIMIT: usize = 100;
const IDS_LIMIT: usize = 1_000;
const TENANTS_LIMIT: usize = 1_000;
const APPROVERS_LIMIT: usize = 1_000;
const MINIMUM_LIMIT: u32 = 99;
/// Stands for everything where ids are listed.
const EVERYTHING: &str = "*";

/// All fields: what a new policy is made of.
pub(crate) const ALL: [PolicyField; 15] = [
    PolicyField::Name,
    PolicyField::Description,
    PolicyField::Disabled,
    PolicyField::Scopes,
    PolicyField::Approvers,
    PolicyField::MinimumApprovals,
    PolicyField::BlockCreator,
    PolicyField::Quorum,
    PolicyField::Sharing,
    PolicyField::RecheckApprovers,
    PolicyField::ApprovalTtl,
    PolicyField::ExecutionTtl,
    PolicyField::MaxAuthAge,
    PolicyField::Windows,
    PolicyField::OnClose,
];

/// The named fields of a policy, checked; the others are left empty, and nobody takes them over.
pub(crate) fn policy_draft(
    message: &v1::Policy,
    named: &BTreeSet<PolicyField>,
    people_issuer: &str,
) -> Result<PolicyDraft, Refusal> {
    let id = fields::id("policy.id", &message.id, PolicyId::parse)?;
    let mut draft = PolicyDraft {
        id,
        name: String::new(),
        description: String::new(),
        disabled: message.disabled,
        scopes: Vec::new(),
        approvers: Approvers::default(),
        minimum_approvals: 0,
        block_creator: message.block_creator,
        terms: Terms {
            recheck_approvers: message.recheck_approvers,
            ..Terms::default()
        },
    };
    let ttl = terms::time_to_live;
    for field in named {
        match field {
            PolicyField::Name => {
                draft.name = name("policy.name", &message.name, draft.id.as_str())?;
            }
            PolicyField::Description => {
                draft.description = fields::paragraph("policy.description", &message.description)?;
            }
            PolicyField::Disabled | PolicyField::BlockCreator | PolicyField::RecheckApprovers => {}
            PolicyField::Scopes => draft.scopes = scopes("policy.scopes", &message.scopes)?,
            PolicyField::Approvers => {
                draft.approvers = approvers(message.approvers.as_ref(), people_issuer)?;
            }
            PolicyField::MinimumApprovals => {
                draft.minimum_approvals = minimum(message.minimum_approvals)?;
            }
            PolicyField::Quorum => draft.terms.quorum = terms::quorum(message.quorum)?,
            PolicyField::Sharing => draft.terms.sharing = terms::sharing(message.sharing)?,
            PolicyField::ApprovalTtl => {
                let found = message.approval_ttl.as_ref();
                draft.terms.approval_ttl = ttl("policy.approval_ttl", found)?;
            }
            PolicyField::ExecutionTtl => {
                let found = message.execution_ttl.as_ref();
                draft.terms.execution_ttl = ttl("policy.execution_ttl", found)?;
            }
            PolicyField::MaxAuthAge => {
                let found = message.max_auth_age.as_ref();
                draft.terms.max_auth_age = ttl("policy.max_auth_age", found)?;
            }
            PolicyField::Windows => {
                draft.terms.windows = schedule::windows("policy.windows", &message.windows)?;
            }
            PolicyField::OnClose => draft.terms.on_close = schedule::on_close(message.on_close)?,
        }
    }
    Ok(draft)
}

/// A name for people, which is the id where none is given.
pub(crate) fn name(field: &str, text: &str, id: &str) -> Result<String, Refusal> {
    let name = fields::line(field, text)?;
    Ok(if name.is_empty() { id.to_owned() } else { name })
}

/// A minimum; whether it may be left out depends on the rest of the policy.
fn minimum(found: u32) -> Result<u32, Refusal> {
    if found <= MINIMUM_LIMIT {
        return Ok(found);
    }
    let allowed = format!("1 to {MINIMUM_LIMIT}");
    Err(Refusal::field(
        "policy.minimum_approvals",
        found.to_string(),
        allowed,
        "M5",
    ))
}

/// Those who may approve; whether there must be any depends on the rest of the policy.
fn approvers(message: Option<&v1::Approvers>, people_issuer: &str) -> Result<Approvers, Refusal> {
    let field = "policy.approvers";
    let Some(message) = message else {
        return Ok(Approvers::default());
    };
    let found = message.users.len() + message.teams.len();
    fields::at_most(field, found, APPROVERS_LIMIT)?;
    Ok(Approvers {
        users: people(&format!("{field}.users"), &message.users, people_issuer)?,
        teams: fields::ids(
            &format!("{field}.teams"),
            &message.teams,
            APPROVERS_LIMIT,
            TeamId::parse,
        )?,
    })
}

/// People, each under its own place in the list.
pub(crate) fn people(
    field: &str,
    messages: &[v1::Person],
    people_issuer: &str,
) -> Result<BTreeSet<Person>, Refusal> {
    let person = |(place, message): (usize, &v1::Person)| {
        identity::person(&format!("{field}[{place}]"), message, people_issuer)
    };
    messages.iter().enumerate().map(person).collect()
}

/// Scopes, of which there is at least one.
pub(crate) fn scopes(field: &str, messages: &[v1::Scope]) -> Result<Vec<Scope>, Refusal> {
    if messages.is_empty() {
        let allowed = format!("1 to {SCOPES_LIMIT} scopes");
        return Err(Refusal::field(field, "no scope", allowed, "M2"));
    }
    fields::at_most(field, messages.len(), SCOPES_LIMIT)?;
    let scope = |(place, message)| scope(&format!("{field}[{place}]"), message);
    messages.iter().enumerate().map(scope).collect()
}

fn scope(field: &str, message: &v1::Scope) -> Result<Scope, Refusal> {
    let kinds = message.kinds.iter().enumerate();
    let tenants = format!("{field}.tenants");
    if message.tenants.iter().any(|tenant| tenant == EVERYTHING) {
        let allowed = "ids of tenants; none at all for every task";
        return Err(Refusal::field(tenants, "`*`", allowed, "M3"));
    }
    Ok(Scope {
        projects: side(&format!("{field}.projects"), message.projects.as_ref())?,
        environments: side(
            &format!("{field}.environments"),
            message.environments.as_ref(),
        )?,
        kinds: kinds
            .map(|(place, kind)| task_spec::kind(&format!("{field}.kinds[{place}]"), *kind))
            .collect::<Result<_, _>>()?,
        tenants: fields::ids(&tenants, &message.tenants, TENANTS_LIMIT, TenantId::parse)?,
    })
}

/// One side of a scope. An empty one is refused, also in a disabled policy: it would match nothing
/// or everything, depending on who reads it.
fn side(field: &str, message: Option<&v1::ScopeSide>) -> Result<ScopeSide, Refusal> {
    let refused = |found: &str, allowed: &str| Err(Refusal::field(field, found, allowed, "M2"));
    let (ids, tags) = match message {
        Some(message) => (message.ids.as_slice(), message.tags.as_slice()),
        None => (&[][..], &[][..]),
    };
    match (ids, tags) {
        ([], []) => refused("nothing", "ids, or tags, or the id `*` for everything"),
        ([_, ..], [_, ..]) => refused("ids and tags", "either ids or tags"),
        ([id], []) if id == EVERYTHING => Ok(ScopeSide::Any),
        (ids, []) if ids.iter().any(|id| id == EVERYTHING) => {
            refused("`*` among other ids", "`*` alone, or ids")
        }
        (ids, []) => {
            let checked = |text: &str| text::name(text).map(|()| text.to_owned());
            fields::ids(&format!("{field}.ids"), ids, IDS_LIMIT, checked).map(ScopeSide::Ids)
        }
        ([], tags) => task_spec::tags(&format!("{field}.tags"), tags).map(ScopeSide::Tags),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use countersign_domain::Instant;
    use countersign_domain::log::Stamp;
    use countersign_domain::policy::Policy;

    use super::super::fields::tests::field_of;
    use super::super::policy::show_policy;
    use super::*;

    pub(crate) fn ids(ids: &[&str]) -> Option<v1::ScopeSide> {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        Some(v1::ScopeSide {
            ids,
            tags: Vec::new(),
        })
    }

    /// A policy with every field.
    pub(crate) fn full() -> v1::Policy {
        let user = |subject: &str| v1::Person {
            issuer: "local".to_owned(),
            subject: subject.to_owned(),
        };
        let tags = v1::ScopeSide {
            ids: Vec::new(),
            tags: vec!["tier/critical".to_owned()],
        };
        v1::Policy {
            id: "prod-four-eyes".to_owned(),
            name: "Four eyes".to_owned(),
            description: "Two people.".to_owned(),
            disabled: false,
            scopes: vec![
                v1::Scope {
                    projects: Some(tags),
                    environments: ids(&["production"]),
                    kinds: vec![v1::TaskKind::Deployment.into()],
                    tenants: vec!["acme".to_owned()],
                },
                v1::Scope {
                    projects: ids(&["*"]),
                    environments: ids(&["dr"]),
                    kinds: Vec::new(),
                    tenants: Vec::new(),
                },
            ],
            approvers: Some(v1::Approvers {
                users: vec![user("alice"), user("bob")],
                teams: vec!["security".to_owned()],
            }),
            minimum_approvals: 2,
            block_creator: true,
            quorum: v1::Quorum::Own.into(),
            sharing: v1::Sharing::PerRelease.into(),
            recheck_approvers: true,
            approval_ttl: Some(prost_types::Duration {
                seconds: 3_600,
                nanos: 0,
            }),
            execution_ttl: Some(prost_types::Duration {
                seconds: 86_400,
                nanos: 500_000_000,
            }),
            windows: vec![v1::ChangeWindow {
                window: Some(v1::change_window::Window::Recurring(
                    schedule::tests::weekly(),
                )),
            }],
            on_close: v1::OnClose::Terminate.into(),
            max_auth_age: Some(prost_types::Duration {
                seconds: 900,
                nanos: 0,
            }),
            // Set by the server. Every field is named here, so that a new one is not forgotten.
            revision: 0,
            etag: String::new(),
            created_at: None,
            updated_at: None,
        }
    }

    pub(crate) fn read(message: &v1::Policy) -> Result<PolicyDraft, Refusal> {
        policy_draft(message, &ALL.into(), "local")
    }

    #[test]
    fn m1_every_field_that_is_said_is_kept() {
        let stamp = Stamp {
            sequence: 0,
            instant: Instant::EPOCH,
        };
        let said = v1::Policy {
            disabled: true,
            ..full()
        };
        let kept = show_policy(&Policy {
            draft: read(&said).unwrap(),
            revision: 0,
            created: stamp,
            stamp,
        });
        let expected = v1::Policy {
            etag: kept.etag.clone(),
            created_at: kept.created_at,
            updated_at: kept.updated_at,
            ..said
        };
        assert_eq!(kept, expected);
    }

    type Spoil = fn(&mut v1::Policy);

    /// Switching a policy off excuses nothing.
    fn check(rows: &[(&str, Spoil)]) {
        assert!(read(&full()).is_ok());
        for (field, spoil) in rows {
            let mut message = full();
            message.disabled = true;
            spoil(&mut message);
            assert_eq!(field_of(read(&message)), format!("policy.{field}"));
        }
    }

    fn numbers(count: usize) -> Vec<String> {
        (0..count).map(|n| n.to_string()).collect()
    }

    #[test]
    fn m2_bad_scopes_are_refused_by_field() {
        fn side(ids: Vec<String>, tags: &[&str]) -> Option<v1::ScopeSide> {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            Some(v1::ScopeSide { ids, tags })
        }
        check(&[
            ("scopes", |policy| policy.scopes.clear()),
            ("scopes", |policy| {
                policy.scopes = vec![policy.scopes[0].clone(); 101];
            }),
            ("scopes[0].projects", |policy| {
                policy.scopes[0].projects = None;
            }),
            ("scopes[0].environments", |policy| {
                policy.scopes[0].environments = ids(&[]);
            }),
            ("scopes[0].projects", |policy| {
                policy.scopes[0].projects = side(numbers(1), &["a/b"]);
            }),
            ("scopes[0].projects", |policy| {
                policy.scopes[0].projects = ids(&["*", "web"]);
            }),
            ("scopes[0].projects.ids", |policy| {
                policy.scopes[0].projects = side(numbers(1_001), &[]);
            }),
            ("scopes[0].projects.tags[0]", |policy| {
                policy.scopes[0].projects = side(Vec::new(), &["a"]);
            }),
            ("scopes[0].kinds[0]", |policy| policy.scopes[0].kinds[0] = 0),
            ("scopes[0].tenants", |policy| {
                policy.scopes[0].tenants = vec!["*".to_owned()];
            }),
        ]);
    }

    #[test]
    fn m5_bad_policies_are_refused_by_field() {
        fn approvers(policy: &mut v1::Policy) -> &mut v1::Approvers {
            policy.approvers.as_mut().unwrap()
        }
        check(&[
            ("id", |policy| policy.id.clear()),
            ("name", |policy| policy.name = "\u{1b}".to_owned()),
            ("description", |policy| {
                policy.description = "x".repeat(4_097);
            }),
            ("approvers", |policy| {
                approvers(policy).teams = numbers(1_000);
            }),
            ("approvers.users[1].subject", |policy| {
                approvers(policy).users[1].subject.clear();
            }),
            ("minimum_approvals", |policy| policy.minimum_approvals = 100),
            ("windows", |policy| {
                policy.windows = vec![policy.windows[0].clone(); 33];
            }),
            ("windows[0]", |policy| policy.windows[0].window = None),
            ("on_close", |policy| policy.on_close = 3),
            ("quorum", |policy| policy.quorum = 99),
            ("sharing", |policy| policy.sharing = -1),
            ("approval_ttl", |policy| {
                policy.approval_ttl = Some(prost_types::Duration::default());
            }),
            ("execution_ttl", |policy| {
                policy.execution_ttl.as_mut().unwrap().seconds = i64::MAX;
            }),
        ]);
    }

    #[test]
    fn m1_the_name_is_the_id_where_none_is_given() {
        let message = v1::Policy {
            name: String::new(),
            ..full()
        };
        assert_eq!(read(&message).unwrap().name, "prod-four-eyes");
    }

    #[test]
    fn updates_check_only_what_they_name() {
        let message = v1::Policy {
            id: "p".to_owned(),
            disabled: true,
            ..v1::Policy::default()
        };
        let named = [PolicyField::Disabled].into();
        assert!(policy_draft(&message, &named, "local").unwrap().disabled);
        let named = [PolicyField::Scopes].into();
        let found = policy_draft(&message, &named, "local");
        assert_eq!(field_of(found), "policy.scopes");
    }
}
