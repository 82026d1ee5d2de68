//! C and D: calls at the same moment. Whatever the order, there is one end, and all see it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use countersign_engine::Engine;
use countersign_proto::v1::{
    AggregateKind, ChangeRequest, ChangeRequestState, Decision, TaskState, TerminationReason,
    Verdict,
};
use futures::future::{join, join_all};
use tokio_util::sync::CancellationToken;

use crate::gate::{Caller, Expect, Gate, PolicySpec, StoreKind, deployment, team};

/// Another way in: on PostgreSQL through a second server, on SQLite through the one there is.
struct Second<'a> {
    gate: &'a Gate,
    replica: Option<(Engine, SocketAddr, CancellationToken)>,
}

impl<'a> Second<'a> {
    async fn of(gate: &'a Gate) -> Self {
        let replica = match gate.kind {
            StoreKind::Sqlite => None,
            StoreKind::Postgres => Some(gate.replica().await),
        };
        Self { gate, replica }
    }

    fn as_(&self, bearer: &str) -> Caller {
        match &self.replica {
            None => self.gate.as_(bearer),
            Some((_, address, _)) => Gate::at_replica(*address, bearer),
        }
    }
}

impl Drop for Second<'_> {
    fn drop(&mut self) {
        if let Some((_, _, stop)) = &self.replica {
            stop.cancel();
        }
    }
}

fn count(events: &[String], name: &str) -> usize {
    events.iter().filter(|event| *event == name).count()
}

fn verdict_of(cr: &ChangeRequest, subject: &str) -> Option<Verdict> {
    let by = |who: &&Decision| {
        who.person
            .as_ref()
            .is_some_and(|person| person.subject == subject)
    };
    cr.decisions.iter().find(by).map(Decision::verdict)
}

/// What the log says of a task and of its change request.
async fn log_of(gate: &Gate, cr: &ChangeRequest) -> (Vec<String>, Vec<String>) {
    let auditor = gate.as_("auditor:audit");
    let number = cr.id.trim_start_matches("CR-");
    let task = auditor.events(AggregateKind::Task, &cr.tasks[0].id).await;
    (
        auditor.events(AggregateKind::ChangeRequest, number).await,
        task,
    )
}

/// Lets everybody approve at once, and checks that this approved and cleared exactly once.
async fn all_approve(gate: &Gate, approvers: &[Caller], task_id: &str) {
    let opened = gate.orchestrator().opened(deployment(task_id)).await;
    for answer in join_all(approvers.iter().map(|who| who.approve(task_id))).await {
        answer.granted();
    }
    let cr = gate
        .orchestrator()
        .change_request(&opened.id)
        .await
        .granted();
    assert_eq!(cr.state(), ChangeRequestState::Approved);
    assert_eq!(cr.approvals_counted as usize, approvers.len());
    assert_eq!(
        (cr.tasks[0].state(), cr.tasks[0].generation),
        (TaskState::Cleared, 1)
    );
    let (of_cr, of_task) = log_of(gate, &cr).await;
    assert_eq!(
        count(&of_cr, "change_request.approval_recorded"),
        approvers.len()
    );
    assert_eq!(count(&of_cr, "change_request.quorum_reached"), 1);
    assert_eq!(count(&of_task, "task.cleared"), 1);
}

on_both_stores! {
    async fn d5_an_approval_against_a_rejection_has_one_end(gate) {
        gate.admin().policy(PolicySpec::new("prod").users(&["alice", "bob"])).await.granted();
        let (alice, bob) = (gate.as_("alice"), gate.as_("bob"));
        for round in 0..24 {
            let id = format!("t{round}");
            let opened = gate.orchestrator().opened(deployment(&id)).await;
            let (approval, rejection) = if round % 2 == 0 {
                let both = join(alice.approve(&id), bob.reject(&id));
                both.await
            } else {
                let both = join(bob.reject(&id), alice.approve(&id));
                let (rejection, approval) = both.await;
                (approval, rejection)
            };
            assert_eq!(rejection.granted().terminated_task_ids, [id.as_str()]);
            let cr = alice.change_request(&opened.id).await.granted();
            assert_eq!(cr.state(), ChangeRequestState::Rejected);
            assert_eq!(cr.tasks[0].termination_reason(), TerminationReason::Rejected);
            let (of_cr, of_task) = log_of(gate, &cr).await;
            assert_eq!(count(&of_cr, "change_request.rejected"), 1);
            assert_eq!(count(&of_task, "task.terminated"), 1);
            let counted = count(&of_cr, "change_request.approval_recorded");
            match approval {
                Ok(_) => assert_eq!(verdict_of(&cr, "alice"), Some(Verdict::Approved)),
                Err(refused) => assert_eq!(refused.reason, "CHANGE_REQUEST_ENDED"),
            }
            assert_eq!(usize::from(verdict_of(&cr, "alice").is_some()), counted);
            assert_eq!(count(&of_task, "task.cleared"), counted);
            gate.runner().start(&id, 1, "c1").await.refused("START_NEVER", "P4");
        }
    }

    async fn d5_rejections_at_once_end_it_once(gate) {
        let people: Vec<String> = (0..8).map(|n| format!("person-{n}")).collect();
        let names: Vec<&str> = people.iter().map(String::as_str).collect();
        gate.admin().policy(PolicySpec::new("prod").users(&names)).await.granted();
        gate.orchestrator().create(deployment("t1")).await.granted();
        let callers: Vec<_> = names.iter().map(|name| gate.as_(name)).collect();
        let answers = join_all(callers.iter().map(|who| who.reject("t1"))).await;
        let (ended, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((ended.len(), late.len()), (1, 7));
        for answer in late {
            answer.refused("CHANGE_REQUEST_ENDED", "D5");
        }
    }

    async fn d4_approvals_at_once_clear_once(gate) {
        let people: Vec<String> = (0..8).map(|n| format!("person-{n}")).collect();
        let names: Vec<&str> = people.iter().map(String::as_str).collect();
        let policy = PolicySpec::new("prod").users(&names).minimum(2);
        gate.admin().policy(policy).await.granted();
        let callers: Vec<_> = names.iter().map(|name| gate.as_(name)).collect();
        for round in 0..12 {
            let some = &callers[..2 + round % 7];
            all_approve(gate, some, &format!("t{round}")).await;
        }
    }

    async fn d4_approvals_through_two_servers_clear_once(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        let second = Second::of(gate).await;
        let approvers = [gate.as_("alice"), second.as_("bob")];
        for round in 0..12 {
            all_approve(gate, &approvers, &format!("t{round}")).await;
        }
    }

    async fn c2_one_id_through_two_servers_is_one_change_request(gate) {
        let second = Second::of(gate).await;
        let (here, there) = (gate.orchestrator(), second.as_("orchestrator:other"));
        for round in 1..=12 {
            let id = format!("t{round}");
            let creates = (0..8).map(|n| {
                let caller = if n % 2 == 0 { &here } else { &there };
                caller.create(deployment(&id))
            });
            for created in join_all(creates).await {
                let cr = created.granted().change_request.unwrap();
                assert_eq!((cr.id, cr.tasks.len()), (format!("CR-{round}"), 1));
            }
        }
    }

    async fn c4_numbers_through_two_servers_are_gapless(gate) {
        let second = Second::of(gate).await;
        let callers = [gate.orchestrator(), second.as_("orchestrator:other")];
        let creates = (0..32).map(|n| callers[n % 2].create(deployment(&format!("t{n}"))));
        let created = join_all(creates).await.into_iter();
        let ids: BTreeSet<String> =
            created.map(|it| it.granted().change_request.unwrap().id).collect();
        assert_eq!(ids, (1..=32).map(|n| format!("CR-{n}")).collect());
    }

    async fn c1_a_preview_while_policies_change_is_before_or_after(gate) {
        let admin = gate.admin();
        admin.policy(PolicySpec::new("prod").users(&["alice"])).await.granted();
        let orchestrator = gate.orchestrator();
        let changes = async {
            for n in 0..40 {
                let policy = PolicySpec::new("prod").minimum(1 + n % 2);
                admin.update_policy(policy, &["minimum_approvals"]).await.granted();
            }
        };
        let previews = async {
            for _ in 0..200 {
                let seen = orchestrator.preview(deployment("t1")).await.granted();
                let cr = seen.change_request.unwrap();
                let policy = &cr.resultant_policy.unwrap().policies[0];
                assert_eq!(cr.approvals_missing, policy.minimum_approvals);
            }
        };
        join(changes, previews).await;
    }

    async fn d7_a_revocation_against_the_last_approval_leaves_a_sound_state(gate) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        let (alice, bob) = (gate.as_("alice"), gate.as_("bob"));
        for round in 0..12 {
            let id = format!("t{round}");
            gate.orchestrator().create(deployment(&id)).await.granted();
            alice.approve(&id).await.granted();
            let both = join(alice.revoke(&id), bob.approve(&id));
            let (revoked, approved) = both.await;
            revoked.granted();
            approved.granted();
            let cr = bob.change_request(&id).await.granted();
            assert_eq!((cr.state(), cr.approvals_counted), (ChangeRequestState::Pending, 1));
            assert_eq!(cr.tasks[0].state(), TaskState::Paused);
            let (_, of_task) = log_of(gate, &cr).await;
            assert_eq!(count(&of_task, "task.cleared"), count(&of_task, "task.held"));
            assert_eq!(cr.tasks[0].generation as usize, count(&of_task, "task.cleared"));
        }
    }

    async fn d8_a_team_changed_at_once_with_an_approval_is_before_or_after_it(gate) {
        let admin = gate.admin();
        for round in 0..8 {
            let (ops, id) = (format!("ops-{round}"), format!("t{round}"));
            admin.team(team(&ops, &["olga"])).await.granted();
            admin.policy(PolicySpec::new(&ops).teams(&[&ops])).await.granted();
            let cr = gate.orchestrator().opened(deployment(&id)).await;
            let olga = gate.as_("olga");
            let emptied = admin.members(team(&ops, &[]));
            let (saved, approval) = join(emptied, olga.approve(&id)).await;
            saved.granted();
            let after = olga.change_request(&cr.id).await.granted();
            match approval {
                Ok(_) => assert_eq!(after.state(), ChangeRequestState::Approved),
                Err(refused) => {
                    assert_eq!(refused.reason, "NOT_AN_APPROVER");
                    assert_eq!(after.state(), ChangeRequestState::Pending);
                }
            }
            admin.delete_policy(&ops).await.granted();
        }
    }
}
