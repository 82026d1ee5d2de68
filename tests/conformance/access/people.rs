//! Whom a token stands for, and what they count.

use countersign_proto::v1::{ChangeRequestState, Person, PrincipalKind, Role, Token};
use countersign_server::AccessSettings;

use crate::gate::{Caller, Expect, Gate, PolicySpec, Setup, TokenSpec, deployment, person};

/// Tokens of two issuers of people.
fn of_two_issuers() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("ci", &["orchestrator"]),
        TokenSpec::service("admin", &["policy_admin"]),
        TokenSpec::person("root", "root").roles(&["policy_admin"]),
        TokenSpec::service("ada", &["access_admin"]),
        TokenSpec::person("alice-local", "alice"),
        TokenSpec::person("alice-corp", "alice").issuer("corp"),
        TokenSpec::person("bob-corp", "bob").issuer("corp"),
    ]
}

/// People come from `corp` from now on.
fn people_of_corp() -> AccessSettings {
    AccessSettings::parse("people_issuer = \"corp\"").unwrap()
}

fn of(issuer: &str, subject: &str) -> Person {
    Person {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
    }
}

/// Nothing that a caller says decides on a task.
async fn cannot_decide(caller: &Caller, target: &str) {
    caller.approve(target).await.refused("CANNOT_DECIDE", "D1");
    caller.reject(target).await.refused("CANNOT_DECIDE", "D1");
    caller.revoke(target).await.refused("CANNOT_DECIDE", "D1");
}

on_both_stores! {
    async fn d2_two_tokens_of_one_person_count_once(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        gate.waiting(deployment("t1")).await;
        let laptop = gate.bearer(gate.token_of("laptop", "alice")).await;
        let phone = gate.bearer(gate.token_of("phone", "alice")).await;
        let first = laptop.approve("t1").await.granted();
        assert_eq!((first.approvals_counted, first.state()), (1, ChangeRequestState::Pending));
        let before = gate.entries().await;
        // Through the other token, by name alone, and after the first token has ended.
        assert_eq!(phone.approve("t1").await.granted(), first);
        gate.access_admin().revoke_token("laptop").await.granted();
        assert_eq!(gate.as_("alice").approve("t1").await.granted(), first);
        assert_eq!(gate.entries().await, before + 1);
        // What one token gave the other takes back.
        let less = phone.revoke("t1").await.granted();
        assert_eq!(less.approvals_counted, 0);
        phone.approve("t1").await.granted();
        let bob = gate.bearer(gate.token_of("bob", "bob")).await;
        let cr = bob.approve("t1").await.granted();
        assert_eq!((cr.approvals_counted, cr.state()), (2, ChangeRequestState::Approved));
    }

    async fn d2_a_token_stands_for_people_of_one_issuer_only(gate) {
        let admin = gate.access_admin();
        let before = gate.entries().await;
        for issuer in ["corp", "Local", "local ", "mtls", "https://login.example.com"] {
            let token = Token {
                person: Some(of(issuer, "alice")),
                ..gate.token_of("laptop", "alice")
            };
            admin.create_token(token).await.bad_field("token.person.issuer", "D2");
        }
        assert_eq!(gate.entries().await, before);
        let named = Token {
            person: Some(of("local", "alice")),
            ..gate.token_of("laptop", "alice")
        };
        let made = admin.create_token(named).await.granted().token.unwrap();
        let other = admin.create_token(gate.token_of("phone", "alice")).await.granted();
        assert_eq!(other.token.unwrap().person, made.person);
        // Services may be of any issuer: they never count.
        let robot = Token {
            person: Some(of("corp", "robot")),
            ..gate.token_of_service("robot", &[Role::Orchestrator])
        };
        let made = admin.create_token(robot).await.granted().token.unwrap();
        assert_eq!(made.person, Some(of("corp", "robot")));
    }

    async fn all_tokens_of_one_subject_are_of_one_kind(gate) {
        let admin = gate.access_admin();
        admin.create_token(gate.token_of("alice-1", "alice")).await.granted();
        admin.create_token(gate.token_of_service("robot", &[])).await.granted();
        let before = gate.entries().await;
        let service = Token {
            person: Some(person("alice")),
            ..gate.token_of_service("alice-2", &[])
        };
        admin.create_token(service.clone()).await.bad_field("token.kind", "E1");
        let human = gate.token_of("robot-2", "robot");
        admin.create_token(human.clone()).await.bad_field("token.kind", "E1");
        assert_eq!(gate.entries().await, before);
        // Ended tokens are remembered: what was a robot never becomes a person.
        admin.revoke_token("robot").await.granted();
        admin.create_token(human).await.bad_field("token.kind", "E1");
        let elsewhere = Token { person: Some(of("corp", "alice")), ..service };
        admin.create_token(elsewhere).await.granted();
    }

    async fn d1_tokens_of_services_never_decide(gate) {
        let admin = gate.admin();
        let names = ["plain", "admin-robot", "ci", "runner"];
        let policy = PolicySpec::new("prod").users(&names);
        admin.policy(policy).await.granted();
        gate.waiting(deployment("t1")).await;
        let roles: [&[Role]; 4] =
            [&[], &[Role::PolicyAdmin], &[Role::Orchestrator], &[Role::Runner]];
        let before = gate.entries().await;
        for (name, roles) in names.into_iter().zip(roles) {
            let caller = gate.bearer(gate.token_of_service(name, roles)).await;
            assert!(!caller.who_am_i().await.granted().may_decide, "{name}");
            cannot_decide(&caller, "t1").await;
        }
        assert_eq!(gate.entries().await, before + 4, "four tokens, and nothing else");
        let person = Token {
            kind: PrincipalKind::Person.into(),
            ..gate.token_of("someone", "someone")
        };
        let person = gate.bearer(person).await;
        person.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
    }
}

/// The token, with this person.
fn about(token: Token, issuer: &str, subject: &str) -> Token {
    Token {
        person: Some(of(issuer, subject)),
        ..token
    }
}

/// A policy for this project which these people approve.
async fn policy(gate: &Gate, id: &str, users: &[Person]) {
    let policy = PolicySpec::new(id).only(&[id], &["*"]);
    let policy = policy.with(|policy| {
        policy.approvers.get_or_insert_default().users = users.to_vec();
    });
    gate.with_token("admin").policy(policy).await.granted();
}

fn task(id: &str, project: &str) -> countersign_proto::v1::TaskSpec {
    countersign_proto::v1::TaskSpec {
        project: project.to_owned(),
        creator: None,
        ..deployment(id)
    }
}

on_both_stores! { with Setup::with_tokens(of_two_issuers);
    async fn d2_people_of_an_issuer_that_was_left_decide_nothing(gate) {
        policy(gate, "old", &[of("local", "alice")]).await;
        let ci = gate.with_token("ci");
        ci.create(task("t1", "old")).await.granted();
        ci.create(task("t2", "old")).await.granted();
        cannot_decide(&gate.with_token("alice-corp"), "t1").await;
        gate.with_token("alice-local").approve("t2").await.granted();
        gate.setup.access = people_of_corp;
        gate.restart().await;
        let (local, corp) = (gate.with_token("alice-local"), gate.with_token("alice-corp"));
        let me = local.who_am_i().await.granted();
        assert_eq!((me.may_decide, me.people_issuer.as_str()), (false, "corp"));
        assert_eq!(me.person, Some(of("local", "alice")));
        assert!(corp.who_am_i().await.granted().may_decide);
        let before = gate.entries().await;
        cannot_decide(&local, "t1").await;
        cannot_decide(&local, "t2").await;
        local.task("t1").await.granted();
        // Whom the frozen policy means is somebody else than the one with the same name.
        corp.approve("t1").await.refused("NOT_AN_APPROVER", "D1");
        assert_eq!(gate.entries().await, before);
    }

    async fn d2_after_a_change_of_issuer_one_person_counts_once(gate) {
        gate.setup.access = people_of_corp;
        gate.restart().await;
        let ada = gate.with_token("ada");
        let local = about(gate.token_of("new", "alice"), "local", "alice");
        ada.create_token(local).await.bad_field("token.person.issuer", "D2");
        let made = ada.create_token(gate.token_of("new", "alice")).await.granted();
        assert_eq!(made.token.unwrap().person, Some(of("corp", "alice")));
        let both = [of("corp", "alice"), of("corp", "bob")];
        let two = PolicySpec::new("new").only(&["new"], &["*"]).minimum(2);
        let two = two.with(|it| it.approvers.get_or_insert_default().users = both.to_vec());
        // Whoever came from the issuer that was left has no roles any more.
        let left = gate.with_token("root").policy(two.clone()).await;
        left.refused("ROLE_REQUIRED", "E1");
        gate.with_token("admin").policy(two).await.granted();
        gate.with_token("ci").create(task("t1", "new")).await.granted();
        gate.with_token("alice-corp").approve("t1").await.granted();
        let again = gate.as_(&made.secret).approve("t1").await.granted();
        assert_eq!(again.approvals_counted, 1);
        gate.with_token("alice-local").approve("t1").await.refused("CANNOT_DECIDE", "D1");
        let cr = gate.with_token("bob-corp").approve("t1").await.granted();
        assert_eq!((cr.approvals_counted, cr.state()), (2, ChangeRequestState::Approved));
        // A policy names nobody of another issuer either.
        let foreign = PolicySpec::new("other").with(|it| {
            it.approvers.get_or_insert_default().users = vec![of("local", "alice")];
        });
        gate.with_token("admin").policy(foreign).await.unwrap_err();
    }
}
