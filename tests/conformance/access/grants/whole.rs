//! Teams, the log and the clock are the whole store's: they take a grant without limits.

use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{AggregateKind, ListEntriesRequest, ListTeamsRequest};

use crate::gate::{Expect, Setup, TokenSpec, deployment, team};

/// Limited on either side, and by a list of all there is.
const LIMITED: [&str; 3] = ["of-web", "of-production", "of-all-by-name"];

fn tokens() -> Vec<TokenSpec> {
    let every = ["policy_admin", "auditor", "operator"];
    let person = |id: &str| TokenSpec::person(id, id).roles(&every);
    vec![
        person("of-web").projects(&["web"]),
        person("of-production").environments(&["production"]),
        person("of-all-by-name")
            .projects(&["web"])
            .environments(&["production"]),
        person("all"),
        TokenSpec::service("ci", &["orchestrator"]),
    ]
}

on_both_stores! { with Setup::with_tokens(tokens);
    async fn e1_teams_are_read_by_all_and_changed_by_those_without_limits(gate) {
        let all = gate.with_token("all");
        all.team(team("ops", &["alice"])).await.granted();
        let before = gate.entries().await;
        for id in LIMITED {
            let caller = gate.with_token(id);
            caller.get_team("ops").await.granted();
            let listed = caller.teams(ListTeamsRequest::default()).await.granted();
            assert_eq!(listed.teams.len(), 1);
            caller.team(team("new", &["alice"])).await.refused("OUTSIDE_GRANT", "E1");
            caller.members(team("ops", &[])).await.refused("OUTSIDE_GRANT", "E1");
            caller.delete_team("ops").await.refused("OUTSIDE_GRANT", "E1");
            // Neither is told whether a team is there.
            caller.members(team("absent", &[])).await.refused("OUTSIDE_GRANT", "E1");
            caller.delete_team("absent").await.refused("OUTSIDE_GRANT", "E1");
        }
        assert_eq!(gate.entries().await, before);
        all.members(team("ops", &["alice", "bob"])).await.granted();
        all.delete_team("ops").await.granted();
    }

    async fn e1_the_log_is_read_by_those_without_limits(gate) {
        gate.with_token("ci").create(deployment("t1")).await.granted();
        let about_t1 = ListEntriesRequest {
            aggregate: AggregateKind::Task.into(),
            aggregate_id: "t1".to_owned(),
            ..ListEntriesRequest::default()
        };
        for id in LIMITED {
            let caller = gate.with_token(id);
            // Not even what is told of a task that they see.
            caller.task("t1").await.granted();
            caller.entries(about_t1.clone()).await.refused("OUTSIDE_GRANT", "E1");
            caller.entries(ListEntriesRequest::default()).await.refused("OUTSIDE_GRANT", "E1");
            for start in [None, Some(Start::FromNow(true)), Some(Start::FromSequence(1))] {
                let refused = caller.log(start).await.map(drop);
                refused.refused("OUTSIDE_GRANT", "E1");
            }
            caller.head().await.granted();
        }
        let told = gate.with_token("all").entries(about_t1).await.granted();
        assert_eq!(told.entries.len(), 2, "created, and cleared as no policy matched");
    }

    async fn e1_the_clock_is_accepted_by_those_without_limits(gate) {
        let before = gate.entries().await;
        for id in LIMITED {
            let refused = gate.with_token(id).accept_clock("It jumped.").await;
            refused.refused("OUTSIDE_GRANT", "E1");
        }
        assert_eq!(gate.entries().await, before);
        gate.with_token("all").accept_clock("It jumped.").await.granted();
    }
}
