//! Believes whatever a caller says about itself: the bearer text is the subject, and what stands
//! before its colon gives roles.
//!
//! | bearer | who |
//! |---|---|
//! | `alice` | a person without roles |
//! | `admin:alice` | a person who changes policies, teams and freezes |
//! | `auditor:alice` | a person who reads the log |
//! | `operator:alice` | a person who operates the store, and declares freezes |
//! | `access:alice` | a person who makes and revokes API tokens |
//! | `root:alice` | a person with the four roles above |
//! | `orchestrator:ci` | a service that creates change requests |
//! | `runner:pool-1` | the runner `pool-1` |

use std::collections::BTreeSet;

use countersign_domain::access::{
    CredentialKind, CredentialRef, Grant, Principal, PrincipalKind, Role,
};
use countersign_domain::ids::RunnerName;
use countersign_domain::person::{LOCAL_ISSUER, Person};
use countersign_domain::text;

/// All roles that a person may have.
const ROOT: [Role; 4] = [
    Role::PolicyAdmin,
    Role::Auditor,
    Role::Operator,
    Role::AccessAdmin,
];

/// The caller that a bearer text claims to be; `None` where the text can be nobody's name.
pub(crate) fn principal(bearer: &str) -> Option<Principal> {
    text::subject(bearer).ok()?;
    let prefix = bearer.split_once(':').map_or("", |(prefix, _)| prefix);
    let roles: &[Role] = match prefix {
        "orchestrator" => &[Role::Orchestrator],
        "runner" => &[Role::Runner],
        "admin" => &[Role::PolicyAdmin],
        "auditor" => &[Role::Auditor],
        "operator" => &[Role::Operator],
        "access" => &[Role::AccessAdmin],
        "root" => &ROOT,
        _ => &[],
    };
    let runner = match bearer.strip_prefix("runner:") {
        Some(name) => Some(RunnerName::parse(name).ok()?),
        None => None,
    };
    let kind = match prefix {
        "orchestrator" | "runner" => PrincipalKind::Service,
        _ => PrincipalKind::Person,
    };
    Some(Principal {
        person: Person {
            issuer: LOCAL_ISSUER.to_owned(),
            subject: bearer.to_owned(),
        },
        display_name: String::new(),
        kind,
        roles: roles.iter().copied().collect(),
        claimed_teams: BTreeSet::new(),
        grant: Grant::unlimited(),
        runner,
        credential: CredentialRef::new(CredentialKind::InsecureDev, bearer),
        expires_at: None,
        foreign_issuer: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_gives_roles_and_the_whole_text_is_the_subject() {
        use PrincipalKind::{Person, Service};
        let rows: [(&str, PrincipalKind, &[Role]); 9] = [
            ("alice", Person, &[]),
            ("someone:alice", Person, &[]),
            ("admin:alice", Person, &[Role::PolicyAdmin]),
            ("auditor:alice", Person, &[Role::Auditor]),
            ("operator:alice", Person, &[Role::Operator]),
            ("access:alice", Person, &[Role::AccessAdmin]),
            ("root:alice", Person, &ROOT),
            ("orchestrator:ci", Service, &[Role::Orchestrator]),
            ("runner:pool-1", Service, &[Role::Runner]),
        ];
        for (bearer, kind, roles) in rows {
            let found = principal(bearer).unwrap();
            assert_eq!(found.person.subject, bearer);
            assert_eq!(
                (found.kind, found.roles),
                (kind, roles.iter().copied().collect())
            );
        }
        let runner = principal("runner:pool-1").unwrap().runner;
        assert_eq!(runner, RunnerName::parse("pool-1").ok());
        assert_eq!(principal("alice").unwrap().runner, None);
        for nobody in ["", "runner:", "runner: x", "al\u{7}ice"] {
            assert_eq!(principal(nobody), None, "{nobody:?}");
        }
    }

    #[test]
    fn d1_only_people_may_decide() {
        assert!(principal("alice").unwrap().may_decide());
        assert!(principal("admin:alice").unwrap().may_decide());
        assert!(!principal("orchestrator:ci").unwrap().may_decide());
        assert!(!principal("runner:pool-1").unwrap().may_decide());
    }
}
