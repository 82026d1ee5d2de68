//! Services never decide, whoever names them, and a runner touches only what is its own.

use countersign_proto::v1::{
    ChangeRequestState, PrincipalKind, Role, TaskOutcome, TaskSpec, TaskState, Team,
};
use tonic::Code;

use super::stage::{Kept, believing, cast};
use crate::gate::{Expect, FreezeSpec, Gate, PolicySpec, TokenSpec, deployment, team};

/// Everybody, and services that would like to decide.
fn bots() -> Vec<TokenSpec> {
    let mut tokens = cast();
    tokens.extend([
        TokenSpec::service("bot", &[]),
        TokenSpec::service("claiming-bot", &["policy_admin"]).claims(&["claimed"]),
        TokenSpec::service("api-runner", &["runner"]).projects(&["api"]),
    ]);
    tokens
}

/// A task for one runner, or for any.
fn for_runner(id: &str, runner: &str) -> TaskSpec {
    TaskSpec {
        runner: runner.to_owned(),
        ..deployment(id)
    }
}

/// `theirs` is cleared for web-2 and `running` runs there; `free` names nobody and is cleared.
async fn stage(gate: &Gate) {
    gate.alice_approves().await;
    gate.cleared(for_runner("theirs", "web-2")).await;
    gate.cleared(for_runner("running", "web-2")).await;
    gate.cleared(deployment("free")).await;
    let runner = gate.with_token("web-2");
    runner.start("running", 1, "claim").await.granted();
}

on_both_stores! { with believing(bots);
    async fn abuse_a_service_never_decides(gate) {
        let services = ["bot", "ci", "web-1", "claiming-bot"];
        let admin = gate.admin();
        admin.team(team("services", &services)).await.granted();
        admin.team(Team { claimed: true, ..team("claimed", &[]) }).await.granted();
        let policy = PolicySpec::new("prod").users(&services).users(&["alice"]);
        admin.policy(policy.teams(&["services", "claimed"])).await.granted();
        gate.waiting(deployment("t1")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        for service in services {
            let caller = gate.with_token(service);
            let refused = caller.approve("t1").await.refused("CANNOT_DECIDE", "D1");
            assert_eq!(refused.code, Code::PermissionDenied, "{service}");
            caller.reject("t1").await.refused("CANNOT_DECIDE", "D1");
            caller.revoke("t1").await.refused("CANNOT_DECIDE", "D1");
            assert!(!caller.who_am_i().await.granted().may_decide);
        }
        kept.holds(gate).await;
        let approved = gate.with_token("alice").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn abuse_no_token_makes_a_person_of_a_service(gate) {
        let (ada, entries) = (gate.access_admin(), gate.entries().await);
        // A person's token for the subject of a service, and the other way round.
        let person = gate.token_of("new", "bot");
        ada.create_token(person).await.bad_field("token.kind", "E1");
        let service = gate.token_of("new", "alice");
        let service =
            countersign_proto::v1::Token { kind: PrincipalKind::Service.into(), ..service };
        ada.create_token(service).await.bad_field("token.kind", "E1");
        // A person who is orchestrator or runner as well.
        for role in [Role::Orchestrator, Role::Runner] {
            let mut both = gate.token_of("new", "erin");
            both.roles = vec![role.into()];
            ada.create_token(both).await.bad_field("token.roles", "E1");
        }
        assert_eq!(gate.entries().await, entries);
        let erin = gate.bearer(gate.token_of("new", "erin")).await;
        assert!(erin.who_am_i().await.granted().may_decide);
    }

    async fn abuse_a_person_who_is_called_a_service_is_blocked_all_the_same(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "carol"]).block_creator();
        gate.admin().policy(policy).await.granted();
        let mut task = deployment("t1");
        task.creator.as_mut().unwrap().service = true;
        gate.waiting(task).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1"]).await;
        for carol in [gate.with_token("carol"), gate.as_("carol")] {
            carol.approve("t1").await.refused("CREATOR_BLOCKED", "D1");
        }
        kept.holds(gate).await;
        let approved = gate.with_token("alice").approve("t1").await.granted();
        assert_eq!(approved.state(), ChangeRequestState::Approved);
    }

    async fn abuse_a_runner_touches_only_its_own_tasks(gate) {
        stage(gate).await;
        let own = gate.with_token("web-2");
        own.start("free", 1, "claim").await.granted();
        let all = ["theirs", "running", "free"];
        let kept = Kept::of(gate, &gate.orchestrator(), &all).await;
        let other = gate.with_token("web-1");
        for id in ["theirs", "running", "absent"] {
            let refused = other.start(id, 1, "claim").await.refused("NOT_FOUND", "E1");
            assert_eq!(refused.code, Code::NotFound, "{id}");
            let report = other.finish(id, "claim", TaskOutcome::Succeeded).await;
            report.refused("NOT_FOUND", "E1");
            other.signals(&[id], "").await.map(drop).refused("NOT_FOUND", "E1");
        }
        // Knowing the claim of a start is not holding it.
        other.start("free", 1, "claim").await.refused("CLAIM_TAKEN", "P3");
        let report = other.finish("free", "claim", TaskOutcome::Failed).await;
        report.refused("CLAIM_TAKEN", "P3");
        // Nor is a runner of another project one of these tasks.
        let stranger = gate.with_token("api-runner");
        for id in all {
            stranger.start(id, 1, "claim").await.refused("NOT_FOUND", "E1");
            stranger.signals(&[id], "").await.map(drop).refused("NOT_FOUND", "E1");
        }
        let (present, _) = other.signals(&[], "").await.granted().synced().await;
        assert!(present.iter().all(|message| message.signals.is_empty()), "{present:?}");
        kept.holds(gate).await;
        own.start("theirs", 1, "claim").await.granted();
        let done = own.finish("running", "claim", TaskOutcome::Succeeded).await.granted();
        assert_eq!(done.state(), TaskState::Succeeded);
    }

    async fn abuse_a_runner_does_nothing_else(gate) {
        stage(gate).await;
        gate.waiting(deployment("t1")).await;
        let kept = Kept::of(gate, &gate.orchestrator(), &["t1", "theirs", "free"]).await;
        let runner = gate.with_token("web-1");
        runner.approve("t1").await.refused("CANNOT_DECIDE", "D1");
        runner.reject("t1").await.refused("CANNOT_DECIDE", "D1");
        runner.withdraw("t1").await.refused("NOT_THE_CREATOR", "P7");
        let policy = PolicySpec::new("open").users(&["mallory"]);
        let token = gate.token_of("new", "mallory");
        let role = [
            runner.create(deployment("t2")).await.map(drop),
            runner.policy(policy).await.map(drop),
            runner.delete_policy("prod").await.map(drop),
            runner.team(team("ops", &["mallory"])).await.map(drop),
            runner.freeze(FreezeSpec::new("all")).await.map(drop),
            runner.accept_clock("because").await.map(drop),
            runner.create_token(token).await.map(drop),
            runner.revoke_token("alice").await.map(drop),
            runner.log(None).await.map(drop),
            runner.head().await.map(drop),
        ];
        for refused in role {
            refused.refused("ROLE_REQUIRED", "E1");
        }
        kept.holds(gate).await;
        runner.start("free", 1, "claim").await.granted();
    }
}
