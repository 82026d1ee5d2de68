//! Who each kind of caller is told to be.

use countersign_proto::v1::{Credential, Person, PrincipalKind, Role, Token, WhoAmIResponse};

use crate::gate::{Expect, Gate, Setup, TokenSpec};

fn local(subject: &str) -> Option<Person> {
    Some(Person {
        issuer: "local".to_owned(),
        subject: subject.to_owned(),
    })
}

fn credential(kind: &str, id: &str) -> Option<Credential> {
    Some(Credential {
        kind: kind.to_owned(),
        id: id.to_owned(),
        auth_time: None,
    })
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// A person without anything, by name.
fn somebody(bearer: &str) -> WhoAmIResponse {
    WhoAmIResponse {
        person: local(bearer),
        kind: PrincipalKind::Person.into(),
        projects: everything(),
        environments: everything(),
        credential: credential("insecure_dev", bearer),
        may_decide: true,
        people_issuer: "local".to_owned(),
        ..WhoAmIResponse::default()
    }
}

fn roles(roles: &[Role]) -> Vec<i32> {
    roles.iter().map(|&role| role.into()).collect()
}

/// What tokens that say this make of their bearer.
fn bearer_of(token: &Token) -> WhoAmIResponse {
    let serves = token.kind() == PrincipalKind::Service;
    WhoAmIResponse {
        person: local(&token.person.as_ref().unwrap().subject),
        kind: token.kind,
        roles: token.roles.clone(),
        teams: token.teams.clone(),
        runner: token.runner.clone(),
        projects: token.projects.clone(),
        environments: token.environments.clone(),
        credential: credential("api_token", &token.id),
        expires_at: token.expires_at,
        may_decide: !serves,
        people_issuer: "local".to_owned(),
        ..WhoAmIResponse::default()
    }
}

/// Tokens with everything a token can say.
fn all_kinds(gate: &Gate) -> Vec<Token> {
    let every = [
        Role::PolicyAdmin,
        Role::Auditor,
        Role::Operator,
        Role::AccessAdmin,
    ];
    vec![
        gate.token_of("plain", "alice"),
        Token {
            roles: roles(&every),
            ..gate.token_of("root", "root")
        },
        Token {
            teams: vec!["ops".to_owned(), "release".to_owned()],
            projects: vec!["api".to_owned(), "web".to_owned()],
            environments: vec!["production".to_owned()],
            expires_at: gate.at_micros(1),
            ..gate.token_of("limited", "bob")
        },
        gate.token_of_service("nothing-much", &[]),
        gate.token_of_service("ci", &[Role::Orchestrator]),
        Token {
            runner: "web-1".to_owned(),
            ..gate.token_of_service("runner", &[Role::Runner])
        },
        gate.token_of_service("any-runner", &[Role::Runner]),
        gate.token_of_service("reporter", &[Role::Auditor]),
    ]
}

on_both_stores! {
    async fn whoever_is_believed_by_name_is_told_so(gate) {
        let every = [Role::PolicyAdmin, Role::Auditor, Role::Operator, Role::AccessAdmin];
        let service = |bearer: &str, role: Role| WhoAmIResponse {
            kind: PrincipalKind::Service.into(),
            roles: roles(&[role]),
            may_decide: false,
            ..somebody(bearer)
        };
        let person = |bearer: &str, given: &[Role]| WhoAmIResponse {
            roles: roles(given),
            ..somebody(bearer)
        };
        let rows = [
            somebody("alice"),
            somebody("Alice Example"),
            person("admin:root", &[Role::PolicyAdmin]),
            person("auditor:audit", &[Role::Auditor]),
            person("operator:olga", &[Role::Operator]),
            person("access:ada", &[Role::AccessAdmin]),
            person("root:root", &every),
            service("orchestrator:ci", Role::Orchestrator),
            WhoAmIResponse {
                runner: "web-1".to_owned(),
                ..service("runner:web-1", Role::Runner)
            },
        ];
        for expected in rows {
            let bearer = expected.person.as_ref().unwrap().subject.clone();
            assert_eq!(gate.as_(&bearer).who_am_i().await.granted(), expected);
        }
    }

    async fn the_bearer_of_a_token_is_who_it_says(gate) {
        for token in all_kinds(gate) {
            let expected = bearer_of(&token);
            let caller = gate.bearer(token).await;
            assert_eq!(caller.who_am_i().await.granted(), expected);
        }
    }

    async fn asking_who_one_is_leaves_no_entry(gate) {
        let before = gate.entries().await;
        gate.as_("alice").who_am_i().await.granted();
        assert_eq!(gate.entries().await, before);
    }
}

/// A server that believes nobody by name.
fn tokens() -> Vec<TokenSpec> {
    vec![TokenSpec::person("laptop", "alice")]
}

on_both_stores! { with Setup::with_tokens(tokens);
    async fn names_alone_are_nobody_where_tokens_are_asked_for(gate) {
        for name in ["alice", "root:alice", "orchestrator:ci", "runner:web-1", "laptop"] {
            gate.as_(name).who_am_i().await.refused("UNAUTHENTICATED", "E1");
        }
        let me = gate.with_token("laptop").who_am_i().await.granted();
        assert_eq!((me.person, me.display_name.as_str()), (local("alice"), ""));
    }
}
