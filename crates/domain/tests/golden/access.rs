//! What came with tokens, logins and the addresses that calls come from.

use countersign_domain::access::{
    CredentialKind, CredentialRef, Grant, GrantSide, PrincipalKind, Role, SecretHash, TokenDraft,
    TokenEvent,
};
use countersign_domain::change_request::CrEvent;
use countersign_domain::directory::PolicyEvent;
use countersign_domain::ids::{RunnerName, TeamId, TokenId};
use countersign_domain::log::Event;
use countersign_domain::policy::TimeToLive;

use super::{at, change_request_events, directory_events, person};

/// A decision of which everything is known about the credential.
fn decision() -> Event {
    let mut event = change_request_events().swap_remove(1);
    if let Event::ChangeRequest(_, CrEvent::ApprovalRecorded { credential, .. }) = &mut event {
        *credential = CredentialRef {
            kind: CredentialKind::Oidc,
            id: "session-7".to_owned(),
            auth_time: Some(at(9)),
            peer: Some("192.0.2.7".to_owned()),
        };
    }
    event
}

fn policy() -> Event {
    let mut event = directory_events().swap_remove(0);
    if let Event::Policy(_, PolicyEvent::Created { draft }) = &mut event {
        draft.terms.max_auth_age = TimeToLive::from_micros(900_000_000);
    }
    event
}

fn token_events() -> [TokenEvent; 4] {
    let person_draft = TokenDraft {
        id: TokenId::parse("ci").unwrap(),
        description: "For carol's scripts".to_owned(),
        kind: PrincipalKind::Person,
        person: person("carol"),
        roles: [Role::AccessAdmin, Role::Auditor].into(),
        teams: [TeamId::parse("security").unwrap()].into(),
        runner: None,
        grant: Grant::unlimited(),
        expires_at: at(90),
        secret_hash: SecretHash::of("a text that nobody keeps"),
    };
    let service_draft = TokenDraft {
        kind: PrincipalKind::Service,
        person: person("web-1"),
        roles: [
            Role::Orchestrator,
            Role::Runner,
            Role::Operator,
            Role::PolicyAdmin,
        ]
        .into(),
        teams: [].into(),
        runner: Some(RunnerName::parse("web-1").unwrap()),
        grant: Grant {
            projects: GrantSide::Only(["web".to_owned()].into()),
            environments: GrantSide::Any,
        },
        ..person_draft.clone()
    };
    let comment = "it leaked".to_owned();
    [
        TokenEvent::Created {
            draft: Box::new(person_draft),
            by: None,
        },
        TokenEvent::Created {
            draft: Box::new(service_draft),
            by: Some(person("alice")),
        },
        TokenEvent::Revoked {
            comment: comment.clone(),
            by: None,
        },
        TokenEvent::Revoked {
            comment,
            by: Some(person("alice")),
        },
    ]
}

/// One of each.
pub(crate) fn access_events() -> Vec<Event> {
    let id = TokenId::parse("ci").unwrap();
    let tokens = token_events().map(|event| Event::Token(id.clone(), event));
    [decision(), policy()].into_iter().chain(tokens).collect()
}
