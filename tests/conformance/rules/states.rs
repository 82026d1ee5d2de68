//! T1 to T4: the states, what ends with what, and the order in which time ends things.

use std::collections::BTreeMap;

use countersign_proto::v1::{
    AggregateKind, ChangeRequestState, ChangeRequestView, ExpiryCause, ListChangeRequestsRequest,
    Task, TaskOutcome, TaskSpec, TaskState,
};

use crate::gate::{Expect, Gate, deployment, said_in, window};

/// Every way in which a task can end, with its name here and the state of its change request.
const ENDS: [(&str, TaskState, ChangeRequestState); 8] = [
    (
        "succeeded",
        TaskState::Succeeded,
        ChangeRequestState::Approved,
    ),
    ("failed", TaskState::Failed, ChangeRequestState::Approved),
    (
        "rejected",
        TaskState::Terminated,
        ChangeRequestState::Rejected,
    ),
    (
        "rejected-late",
        TaskState::Terminated,
        ChangeRequestState::Rejected,
    ),
    ("closed", TaskState::Terminated, ChangeRequestState::Expired),
    (
        "closed-late",
        TaskState::Terminated,
        ChangeRequestState::Approved,
    ),
    (
        "withdrawn",
        TaskState::Terminated,
        ChangeRequestState::Withdrawn,
    ),
    (
        "withdrawn-late",
        TaskState::Terminated,
        ChangeRequestState::Approved,
    ),
];

/// Brings one task to each of its ends, 10 seconds from now.
async fn bring_to_their_ends(gate: &Gate) {
    gate.alice_approves().await;
    let (alice, runner) = (gate.as_("alice"), gate.runner());
    for (id, outcome) in [
        ("succeeded", TaskOutcome::Succeeded),
        ("failed", TaskOutcome::Failed),
    ] {
        gate.running(deployment(id), "claim").await;
        runner.finish(id, "claim", outcome).await.granted();
    }
    gate.waiting(deployment("rejected")).await;
    alice.reject("rejected").await.granted();
    gate.cleared(deployment("rejected-late")).await;
    alice.reject("rejected-late").await.granted();
    let closing = |id| TaskSpec {
        window: window(None, gate.at(10)),
        ..deployment(id)
    };
    gate.waiting(closing("closed")).await;
    gate.cleared(closing("closed-late")).await;
    gate.waiting(deployment("withdrawn")).await;
    gate.orchestrator().withdraw("withdrawn").await.granted();
    gate.cleared(deployment("withdrawn-late")).await;
    gate.orchestrator()
        .withdraw("withdrawn-late")
        .await
        .granted();
    gate.pass(10).await;
}

/// All ended tasks as they are shown, with the states of their change requests.
async fn ended(gate: &Gate) -> BTreeMap<&'static str, (Task, ChangeRequestState)> {
    let mut found = BTreeMap::new();
    for (id, ..) in ENDS {
        let cr = gate.orchestrator().change_request(id).await.granted();
        found.insert(id, (gate.task(id).await, cr.state()));
    }
    found
}

/// The change requests of a view, oldest first.
async fn listed(gate: &Gate, view: ChangeRequestView) -> Vec<String> {
    let request = ListChangeRequestsRequest {
        view: view.into(),
        ..ListChangeRequestsRequest::default()
    };
    let found = gate
        .as_("alice")
        .list(request)
        .await
        .granted()
        .change_requests;
    found
        .into_iter()
        .rev()
        .map(|cr| cr.tasks[0].id.clone())
        .collect()
}

on_both_stores! {
    async fn t1_every_end_is_reached(gate) {
        bring_to_their_ends(gate).await;
        let found = ended(gate).await;
        for (id, state, of_change_request) in ENDS {
            let (task, change_request) = &found[id];
            assert_eq!((task.state(), *change_request), (state, of_change_request), "{id}");
            assert!(task.ended_at.is_some() && task.blockers.is_empty(), "{id}");
        }
    }

    async fn t1_ends_are_absorbing(gate) {
        bring_to_their_ends(gate).await;
        let (before, entries) = (ended(gate).await, gate.entries().await);
        gate.advance(1_000);
        for (id, ..) in ENDS {
            // What is said again is OK, everything else refused; neither changes anything.
            drop(gate.as_("alice").approve(id).await);
            drop(gate.as_("alice").reject(id).await);
            drop(gate.as_("carol").reject(id).await);
            drop(gate.as_("alice").revoke(id).await);
            drop(gate.orchestrator().withdraw(id).await);
            drop(gate.orchestrator().create(deployment(id)).await);
            for claim in ["claim", "other"] {
                gate.runner().start(id, 1, claim).await.refused("START_NEVER", "P4");
                drop(gate.runner().finish(id, claim, TaskOutcome::Succeeded).await);
                drop(gate.runner().finish(id, claim, TaskOutcome::Failed).await);
            }
        }
        gate.pass(1_000_000).await;
        assert_eq!(gate.entries().await, entries);
        gate.restart().await;
        assert_eq!(ended(gate).await, before);
    }

    async fn t1_an_approved_change_request_goes_back_to_pending_and_its_task_with_it(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let cr = gate.as_("alice").revoke("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Pending);
        assert_eq!(cr.tasks[0].state(), TaskState::Paused);
        let auditor = gate.as_("auditor:audit");
        let of_change_request = auditor.events(AggregateKind::ChangeRequest, "1").await;
        assert_eq!(of_change_request, [
            "change_request.created",
            "change_request.approval_recorded",
            "change_request.quorum_reached",
            "change_request.approval_revoked",
            "change_request.quorum_lost",
        ]);
        let of_task = auditor.events(AggregateKind::Task, "t1").await;
        assert_eq!(of_task, ["task.created", "task.cleared", "task.held"]);
    }

    async fn t2_a_pending_change_request_ends_with_its_last_task(gate) {
        gate.alice_approves().await;
        gate.waiting(deployment("by-will")).await;
        let closing = TaskSpec { window: window(None, gate.at(10)), ..deployment("by-time") };
        gate.waiting(closing).await;
        gate.orchestrator().withdraw("by-will").await.granted();
        gate.pass(10).await;
        let rows = [
            ("by-will", ChangeRequestState::Withdrawn, ExpiryCause::Unspecified),
            ("by-time", ChangeRequestState::Expired, ExpiryCause::WindowClosed),
        ];
        for (id, state, cause) in rows {
            let cr = gate.orchestrator().change_request(id).await.granted();
            assert_eq!((cr.state(), cr.expiry_cause()), (state, cause), "{id}");
            assert_eq!(cr.ended_at, cr.tasks[0].ended_at, "{id}");
        }
    }

    async fn t2_an_approved_change_request_keeps_its_state(gate) {
        gate.alice_approves().await;
        let closing = |id| TaskSpec { window: window(None, gate.at(10)), ..deployment(id) };
        gate.cleared(closing("by-time")).await;
        gate.cleared(deployment("by-will")).await;
        gate.orchestrator().withdraw("by-will").await.granted();
        gate.pass(10).await;
        for id in ["by-will", "by-time"] {
            let cr = gate.orchestrator().change_request(id).await.granted();
            assert_eq!((cr.state(), cr.ended_at), (ChangeRequestState::Approved, None), "{id}");
        }
    }

    async fn t3_the_views_are_what_needs_approval_what_is_completed_and_all(gate) {
        bring_to_their_ends(gate).await;
        gate.waiting(deployment("waiting")).await;
        gate.cleared(deployment("cleared")).await;
        gate.cleared(deployment("revoked")).await;
        gate.as_("alice").revoke("revoked").await.granted();
        assert_eq!(listed(gate, ChangeRequestView::NeedsApproval).await, ["waiting", "revoked"]);
        let mut completed: Vec<&str> = ENDS.iter().map(|(id, ..)| *id).collect();
        completed.push("cleared");
        assert_eq!(listed(gate, ChangeRequestView::Completed).await, completed);
        let all = listed(gate, ChangeRequestView::All).await;
        assert_eq!(all.len(), ENDS.len() + 3);
        assert_eq!(listed(gate, ChangeRequestView::Unspecified).await, all);
    }

    async fn t4_a_late_settling_ends_tasks_in_the_order_of_their_due_instants(gate) {
        gate.alice_approves().await;
        let begun = gate.clock.now().micros();
        for (id, end) in [("third", 30), ("first", 10), ("second", 20)] {
            gate.waiting(TaskSpec { window: window(None, gate.at(end)), ..deployment(id) }).await;
        }
        let entries = gate.entries().await;
        gate.pass(1_000).await;
        let written = gate.as_("auditor:audit").entries_from(entries + 1).await;
        let terminated: Vec<_> =
            written.iter().filter(|entry| entry.event == "task.terminated").collect();
        let ids: Vec<&str> = terminated.iter().map(|entry| entry.aggregate_id.as_str()).collect();
        assert_eq!(ids, ["first", "second", "third"]);
        for (entry, due) in terminated.iter().zip([10, 20, 30]) {
            let due_at = &said_in(entry)["cause"]["time"]["due_at"];
            assert_eq!(due_at.as_i64(), Some(begun + due * 1_000_000), "{entry:?}");
            assert_eq!(entry.instant, gate.at(0), "the log says when it was written");
        }
    }

    async fn t4_a_late_settling_gives_the_reason_of_a_punctual_one(gate) {
        gate.alice_approves().await;
        let closing = |id| TaskSpec { window: window(None, gate.at(10)), ..deployment(id) };
        gate.waiting(closing("t1")).await;
        gate.cleared(closing("t2")).await;
        // Withdrawn, approved and started too late: the window had ended both before.
        gate.advance(1_000);
        gate.orchestrator().withdraw("t1").await.refused("NOT_WITHDRAWABLE", "P7");
        gate.as_("alice").reject("t2").await.refused("NOTHING_CAN_START", "D12");
        for id in ["t1", "t2"] {
            let last = gate.as_("auditor:audit").bodies(id).await.pop().unwrap();
            assert_eq!(last["event"]["terminated"]["reason"], "window_closed", "{id}");
            assert!(last["cause"]["time"]["due_at"].is_i64(), "{id}: {last}");
        }
    }

    async fn t4_holds_and_clears_reflect_only_now(gate) {
        gate.alice_approves().await;
        let start = gate.at(10);
        gate.approved(TaskSpec { window: window(start, None), ..deployment("open") }).await;
        let brief = TaskSpec { window: window(start, gate.at(20)), ..deployment("gone-by") };
        gate.approved(brief).await;
        gate.pass(1_000).await;
        let auditor = gate.as_("auditor:audit");
        let open = auditor.bodies("open").await.pop().unwrap();
        assert_eq!(open["event"]["cleared"]["generation"], 1);
        assert!(open["cause"]["time"]["due_at"].is_i64(), "{open}");
        let events = auditor.events(AggregateKind::Task, "gone-by").await;
        assert!(!events.contains(&"task.cleared".to_owned()), "{events:?}");
    }
}
