//! Several servers on one PostgreSQL: one order, one truth, whoever is asked.

use countersign_engine::Engine;
use countersign_proto::v1::{
    AggregateKind, ChangeRequestState, LogEntry, Signal, TaskSpec, TaskState, WatchStatusRequest,
};
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::gate::{Caller, Expect, Gate, PolicySpec, deployment, person, team, window};

/// A second server on the same store.
struct Other {
    engine: Engine,
    address: std::net::SocketAddr,
    stop: CancellationToken,
}

impl Other {
    async fn start(gate: &Gate) -> Self {
        let (engine, address, stop) = gate.replica().await;
        Self {
            engine,
            address,
            stop,
        }
    }

    fn as_(&self, bearer: &str) -> Caller {
        Gate::at_replica(self.address, bearer)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Makes one test of a body with two servers on one PostgreSQL.
macro_rules! on_two_replicas {
    ($(async fn $name:ident($gate:ident, $other:ident) $body:block)*) => {
        $(mod $name {
            use super::*;

            async fn body($gate: &Gate, $other: &Other) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let kind = crate::gate::StoreKind::Postgres;
                let gate = Gate::start(kind, crate::gate::Setup::default()).await;
                let other = Other::start(&gate).await;
                body(&gate, &other).await;
                drop(other);
                crate::gate::check(gate).await;
            }
        })*
    };
}

mod freezes;
mod tokens;

/// How many entries of a task have this event.
async fn count(gate: &Gate, id: &str, event: &str) -> usize {
    let events = gate
        .as_("auditor:audit")
        .events(AggregateKind::Task, id)
        .await;
    events.iter().filter(|found| *found == event).count()
}

on_two_replicas! {
    async fn d2_one_persons_approvals_through_two_replicas_count_once(gate, other) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        for round in 0..10 {
            let id = format!("t{round}");
            gate.waiting(deployment(&id)).await;
            let (here, there) = (gate.as_("alice"), other.as_("alice"));
            let approvals = (0..8).map(|number| {
                let caller = if number % 2 == 0 { &here } else { &there };
                caller.approve(&id)
            });
            for approved in join_all(approvals).await {
                let cr = approved.granted();
                assert_eq!((cr.approvals_counted, cr.state()), (1, ChangeRequestState::Pending));
            }
            let cr = other.as_("bob").approve(&id).await.granted();
            assert_eq!((cr.approvals_counted, cr.state()), (2, ChangeRequestState::Approved));
            assert_eq!(cr.decisions.len(), 2);
        }
    }

    async fn p3_of_claims_through_two_replicas_exactly_one_wins(gate, other) {
        gate.alice_approves().await;
        for round in 0..10 {
            let id = format!("t{round}");
            gate.cleared(deployment(&id)).await;
            let (here, there) = (gate.as_("runner:a"), other.as_("runner:b"));
            let claims = tokio::join!(here.start(&id, 1, "claim"), there.start(&id, 1, "claim"));
            assert_ne!(claims.0.is_ok(), claims.1.is_ok(), "{claims:?}");
            assert_eq!(count(gate, &id, "task.started").await, 1);
        }
    }

    async fn d5_of_a_rejection_here_and_a_start_there_exactly_one_wins(gate, other) {
        gate.alice_approves().await;
        for round in 0..20 {
            let id = format!("t{round}");
            gate.cleared(deployment(&id)).await;
            let (alice, runner) = (gate.as_("alice"), other.as_("runner:web-1"));
            let both = tokio::join!(alice.reject(&id), runner.start(&id, 1, "claim"));
            assert_ne!(both.0.is_ok(), both.1.is_ok(), "{both:?}");
            let started = count(gate, &id, "task.started").await;
            assert_eq!(started + count(gate, &id, "task.terminated").await, 1);
        }
    }

    async fn m1_a_policy_created_here_binds_a_task_created_there_at_once(gate, other) {
        let admin = gate.admin();
        for round in 0..20 {
            let project = format!("project-{round}");
            let policy = PolicySpec::new(&project).only(&[&project], &["*"]).users(&["alice"]);
            admin.policy(policy).await.granted();
            let task = TaskSpec { project, ..deployment(&format!("t{round}")) };
            let there = other.as_("orchestrator:ci");
            let cr = there.create(task).await.granted().change_request.unwrap();
            assert_eq!(cr.state(), ChangeRequestState::Pending, "{cr:?}");
            assert_eq!(cr.resultant_policy.unwrap().policies[0].id, cr.project);
        }
    }

    async fn d8_a_member_removed_here_cannot_approve_there(gate, other) {
        let admin = gate.admin();
        admin.team(team("security", &["alice", "bob"])).await.granted();
        admin.policy(PolicySpec::new("prod").teams(&["security"])).await.granted();
        for round in 0..10 {
            let id = format!("t{round}");
            gate.waiting(deployment(&id)).await;
            admin.members(team("security", &["alice"])).await.granted();
            other.as_("bob").approve(&id).await.refused("NOT_AN_APPROVER", "D1");
            admin.members(team("security", &["alice", "bob"])).await.granted();
            other.as_("bob").approve(&id).await.granted();
        }
    }

    async fn i24_what_was_written_here_is_shown_there_at_once(gate, other) {
        let admin = gate.admin();
        for round in 0..20 {
            let id = format!("team-{round}");
            admin.team(team(&id, &["alice"])).await.granted();
            let shown = other.as_("bob").get_team(&id).await.granted();
            assert_eq!(shown.members[0].subject, person("alice").subject);
            let policy = PolicySpec::new(&format!("policy-{round}")).teams(&[&id]);
            admin.policy(policy).await.granted();
            other.as_("bob").get_policy(&format!("policy-{round}")).await.granted();
        }
    }

    async fn i44_a_stream_there_hears_what_is_written_here(gate, other) {
        gate.alice_approves().await;
        let task = |id: &str| TaskSpec { runner: "web-1".to_owned(), ..deployment(id) };
        gate.waiting(task("t1")).await;
        let mut signals = other.as_("runner:web-1").signals(&[], "").await.granted();
        let (present, _) = signals.synced().await;
        assert_eq!(present[0].signals[0].signal(), Signal::Hold);
        let request =
            WatchStatusRequest { project: "web".to_owned(), ..WatchStatusRequest::default() };
        let mut status = other.as_("bob").status(request).await.granted();
        status.synced().await;
        let mut log = other.as_("auditor:audit").log(None).await.granted();
        log.synced().await;
        let approved = gate.as_("alice").approve("t1").await.granted();
        assert_eq!(signals.next().await.signals[0].signal(), Signal::Proceed);
        assert_eq!(status.next().await.change_requests, [approved]);
        gate.waiting(task("t2")).await;
        assert_eq!(signals.next().await.signals[0].task_id, "t2");
        let head = gate.entries().await;
        let newest = |entries: &[LogEntry]| entries.last().map(|entry| entry.sequence);
        log.until(|message| newest(&message.entries) == Some(head)).await;
    }

    async fn i41_a_token_from_here_is_good_there(gate, other) {
        gate.alice_approves().await;
        for round in 0..10 {
            let id = format!("t{round}");
            let task = TaskSpec { runner: "web-1".to_owned(), ..deployment(&id) };
            gate.waiting(task).await;
            let mut here = gate.runner().signals(&[], "").await.granted();
            let (_, from) = here.synced().await;
            gate.orchestrator().withdraw(&id).await.granted();
            let there = other.as_("runner:web-1").signals(&[], &from.resume_token).await;
            let (present, mark) = there.granted().synced().await;
            let told = present.iter().flat_map(|message| &message.signals);
            let told: Vec<_> = told.map(|it| (it.task_id.as_str(), it.state())).collect();
            assert!(told.contains(&(id.as_str(), TaskState::Terminated)), "{told:?}");
            assert!(mark.sequence >= from.sequence, "{mark:?}");
        }
    }

    async fn i32_two_sweeps_at_once_settle_once(gate, other) {
        gate.alice_approves().await;
        for number in 0..30 {
            let id = format!("t{number}");
            let task = TaskSpec { window: window(gate.at(10), gate.at(20)), ..deployment(&id) };
            gate.approved(task).await;
        }
        for (seconds, event) in [(10, "task.cleared"), (10, "task.terminated")] {
            let entries = gate.entries().await;
            gate.advance(seconds);
            let (here, there) =
                tokio::join!(gate.engine().settle_due(1_000), other.engine.settle_due(1_000));
            assert!(here.unwrap() + there.unwrap() >= 30);
            assert_eq!(gate.entries().await, entries + 30);
            for number in 0..30 {
                assert_eq!(count(gate, &format!("t{number}"), event).await, 1);
            }
        }
    }
}
