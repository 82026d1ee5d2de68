//! Nobody gives what they have not.

use countersign_proto::v1::{PrincipalKind, Role, Token};
use tonic::Code;

use crate::gate::{Expect, Gate, Setup, TokenSpec, deployment};

/// Access administrators with and without limits, and somebody with every other role.
fn admins() -> Vec<TokenSpec> {
    vec![
        TokenSpec::person("all", "ada").roles(&["access_admin"]),
        TokenSpec::person("of-web", "wanda")
            .roles(&["access_admin"])
            .projects(&["web"]),
        TokenSpec::person("of-two", "tina")
            .roles(&["access_admin"])
            .projects(&["api", "web"])
            .environments(&["staging", "test"]),
        TokenSpec::person("others", "otto").roles(&["policy_admin", "auditor", "operator"]),
        TokenSpec::service("ci", &["orchestrator", "runner"]),
        TokenSpec::service("robot", &["access_admin"]),
    ]
}

fn limited(gate: &Gate, projects: &[&str], environments: &[&str]) -> Token {
    let owned = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
    Token {
        projects: owned(projects),
        environments: owned(environments),
        ..gate.token_of("new", "mallory")
    }
}

on_both_stores! { with Setup::with_tokens(admins);
    async fn e1_nobody_may_give_a_token_more_than_they_have(gate) {
        let before = gate.entries().await;
        let rows: [(&str, &[&str], &[&str]); 12] = [
            ("of-web", &["*"], &["*"]),
            ("of-web", &["api"], &["*"]),
            ("of-web", &["web", "api"], &["*"]),
            ("of-web", &["Web"], &["*"]),
            ("of-web", &["we"], &["*"]),
            ("of-web", &["web2"], &["staging"]),
            ("of-two", &["web"], &["*"]),
            ("of-two", &["*"], &["test"]),
            ("of-two", &["web"], &["production"]),
            ("of-two", &["web"], &["production", "test"]),
            ("of-two", &["shop"], &["test"]),
            ("of-two", &["api", "shop", "web"], &["staging", "test"]),
        ];
        for (admin, projects, environments) in rows {
            let token = limited(gate, projects, environments);
            let refused = gate.with_token(admin).create_token(token).await;
            let refused = refused.refused("OUTSIDE_GRANT", "E1");
            assert_eq!(refused.code, Code::PermissionDenied, "{admin} {projects:?}");
        }
        assert_eq!(gate.entries().await, before);
    }

    async fn e1_whoever_makes_tokens_may_give_all_they_have_or_less(gate) {
        let rows: [(&str, &[&str], &[&str]); 8] = [
            ("all", &["*"], &["*"]),
            ("all", &["api"], &["*"]),
            ("robot", &["*"], &["*"]),
            ("of-web", &["web"], &["*"]),
            ("of-web", &["web"], &["production", "test"]),
            ("of-two", &["api", "web"], &["staging", "test"]),
            ("of-two", &["web"], &["test"]),
            ("of-two", &["api", "api"], &["test"]),
        ];
        for (number, (admin, projects, environments)) in rows.into_iter().enumerate() {
            let token = Token {
                id: format!("new-{number}"),
                ..limited(gate, projects, environments)
            };
            let made = gate.with_token(admin).create_token(token).await.granted();
            gate.as_(&made.secret).who_am_i().await.granted();
        }
    }

    async fn e1_only_access_admins_make_tokens(gate) {
        let before = gate.entries().await;
        for id in ["others", "ci"] {
            let caller = gate.with_token(id);
            // Neither for somebody else nor for themselves, and not the least of them.
            for token in [limited(gate, &["web"], &["test"]), gate.token_of("new", id)] {
                let refused = caller.create_token(token).await.refused("ROLE_REQUIRED", "E1");
                assert_eq!(refused.fact("allowed"), "access_admin");
            }
            caller.revoke_token("of-web").await.refused("ROLE_REQUIRED", "E1");
        }
        // Auditors may read what tokens there are, others not even that.
        gate.with_token("others").get_token("ci").await.granted();
        gate.with_token("ci").get_token("ci").await.refused("ROLE_REQUIRED", "E1");
        assert_eq!(gate.entries().await, before);
    }

    async fn e1_a_role_reaches_no_further_than_its_grant(gate) {
        let every = [Role::PolicyAdmin, Role::Auditor, Role::Operator, Role::AccessAdmin];
        let mine = Token {
            roles: every.iter().map(|&role| role.into()).collect(),
            ..limited(gate, &["web"], &["*"])
        };
        let made = gate.with_token("of-web").create_token(mine).await.granted();
        let mallory = gate.as_(&made.secret);
        let before = gate.entries().await;
        let entries = countersign_proto::v1::ListEntriesRequest::default();
        mallory.entries(entries).await.refused("OUTSIDE_GRANT", "E1");
        mallory.log(None).await.unwrap_err();
        mallory.accept_clock("").await.refused("OUTSIDE_GRANT", "E1");
        let all = gate.token_of("more", "mallory");
        mallory.create_token(all).await.refused("OUTSIDE_GRANT", "E1");
        mallory.revoke_token("all").await.refused("NOT_FOUND", "E1");
        assert_eq!(gate.entries().await, before);
    }

    async fn d1_people_get_no_roles_of_services(gate) {
        let before = gate.entries().await;
        for role in [Role::Orchestrator, Role::Runner] {
            let token = Token {
                roles: vec![Role::Auditor.into(), role.into()],
                ..gate.token_of("new", "mallory")
            };
            let refused = gate.with_token("all").create_token(token).await;
            refused.bad_field("token.roles", "E1");
        }
        assert_eq!(gate.entries().await, before);
    }

    async fn p5_a_runners_name_comes_with_its_role_only(gate) {
        let all = gate.with_token("all");
        let named = |id: &str, roles: &[Role]| Token {
            runner: "web-1".to_owned(),
            ..gate.token_of_service(id, roles)
        };
        let before = gate.entries().await;
        all.create_token(named("new", &[])).await.bad_field("token.runner", "E1");
        let ci = named("new", &[Role::Orchestrator]);
        all.create_token(ci).await.bad_field("token.runner", "E1");
        let person = Token { kind: PrincipalKind::Person.into(), ..named("new", &[Role::Auditor]) };
        all.create_token(person).await.bad_field("token.runner", "E1");
        assert_eq!(gate.entries().await, before);
        let made = all.create_token(named("new", &[Role::Runner])).await.granted();
        let runner = gate.as_(&made.secret);
        runner.signals(&[], "").await.granted();
        // Without a name there is nothing of its own to follow.
        let nameless = gate.token_of_service("nameless", &[Role::Runner]);
        let made = all.create_token(nameless).await.granted();
        let refused = gate.as_(&made.secret).signals(&[], "").await;
        refused.bad_field("task_ids", "P5");
    }

    async fn tokens_outlive_whoever_made_them(gate) {
        let all = gate.with_token("all");
        let token = limited(gate, &["web"], &["*"]);
        let token = Token { roles: vec![Role::AccessAdmin.into()], ..token };
        let made = all.create_token(token).await.granted();
        let second = gate.as_(&made.secret);
        let third = Token { id: "third".to_owned(), ..limited(gate, &["web"], &["*"]) };
        let third = second.create_token(third).await.granted();
        all.revoke_token("new").await.granted();
        second.get_token("third").await.refused("UNAUTHENTICATED", "E1");
        let third = gate.as_(&third.secret);
        gate.with_token("ci").create(deployment("t1")).await.granted();
        third.task("t1").await.granted();
        all.revoke_token("third").await.granted();
        third.task("t1").await.refused("UNAUTHENTICATED", "E1");
    }
}
