//! W4: which period a task is bound to, and what becomes of it when that closes before it started.

use countersign_proto::v1::{
    AggregateKind, ChangeRequestState, ExpiryCause, OnClose, Sharing, Signal, Task, TaskSignal,
    TaskSpec, TaskState, TerminationReason, WatchSignalsResponse,
};
use tonic::Code;

use crate::gate::{
    Expect, Followed, Gate, PolicySpec, blocked_by, deployment, hourly, instant, lasting, period,
    window,
};

/// A policy that `alice` meets, open in the first ten minutes of every hour.
fn every_hour(id: &str) -> PolicySpec {
    PolicySpec::new(id).users(&["alice"]).recurring(hourly())
}

async fn save(gate: &Gate, policy: PolicySpec) {
    gate.admin().policy(policy).await.granted();
}

/// The next signal of a stream about one task.
async fn next(stream: &mut Followed<WatchSignalsResponse>) -> TaskSignal {
    let message = stream.until(|message| !message.signals.is_empty()).await;
    let mut signals = message.into_iter().flat_map(|it| it.signals);
    let signal = signals.next().unwrap();
    assert_eq!(signals.next(), None);
    signal
}

/// A task that no other period follows.
async fn window_closed(gate: &Gate, id: &str) -> Task {
    let task = gate.task(id).await;
    assert_eq!(
        (task.state(), task.signal()),
        (TaskState::Terminated, Signal::Terminate)
    );
    assert_eq!(task.termination_reason(), TerminationReason::WindowClosed);
    assert_eq!(task.earliest_start, None);
    task
}

on_both_stores! {
    async fn w4_hold_binds_to_the_next_period_and_the_stream_says_so(gate) {
        save(gate, every_hour("prod")).await;
        let task = gate.cleared(deployment("t1")).await;
        assert_eq!(task.period, period("2026-11-23T00:00:00Z", "2026-11-23T00:10:00Z"));
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        let (present, _) = stream.synced().await;
        let proceed = &present[0].signals[0];
        assert_eq!(proceed.permit.unwrap().valid_until, instant("2026-11-23T00:10:00Z"));
        gate.pass_to("2026-11-23T00:10:00Z").await;
        let hold = next(&mut stream).await;
        assert_eq!((hold.signal(), hold.state()), (Signal::Hold, TaskState::Paused));
        assert_eq!(hold.permit, None);
        assert!(hold.message.contains("its window opens at 2026-11-23T01:00:00Z"), "{hold:?}");
        let held = gate.task("t1").await;
        assert_eq!(held.period, period("2026-11-23T01:00:00Z", "2026-11-23T01:10:00Z"));
        assert_eq!(held.earliest_start, instant("2026-11-23T01:00:00Z"));
        assert_eq!(blocked_by(&held), ["window 2026-11-23T01:00:00Z"]);
        gate.pass_to("2026-11-23T01:00:00Z").await;
        let proceed = next(&mut stream).await;
        let permit = proceed.permit.unwrap();
        assert_eq!((proceed.signal(), permit.generation), (Signal::Proceed, 2));
        assert_eq!(permit.valid_until, instant("2026-11-23T01:10:00Z"));
        // The permit of the first period opens nothing in the second.
        let stale = gate.runner().start("t1", 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(stale.fact("found"), "STALE_GENERATION");
        assert_eq!((stale.fact("named_generation"), stale.fact("generation")), ("1", "2"));
        gate.runner().start("t1", 2, "c").await.granted();
        let events = gate.as_("auditor:audit").events(AggregateKind::Task, "t1").await;
        assert_eq!(events, [
            "task.created", "task.cleared", "task.bound", "task.cleared", "task.started",
        ]);
    }

    async fn w4_a_pending_task_is_bound_anew_and_waits_on(gate) {
        save(gate, every_hour("prod")).await;
        gate.waiting(deployment("t1")).await;
        gate.pass_to("2026-11-23T05:10:00Z").await;
        let task = gate.task("t1").await;
        assert_eq!(task.period, period("2026-11-23T06:00:00Z", "2026-11-23T06:10:00Z"));
        assert_eq!(blocked_by(&task), ["approval 1", "window 2026-11-23T06:00:00Z"]);
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(cr.state(), ChangeRequestState::Pending);
        gate.as_("alice").approve("t1").await.granted();
        gate.pass_to("2026-11-23T06:00:00Z").await;
        let task = gate.task("t1").await;
        assert_eq!((task.state(), task.generation), (TaskState::Cleared, 1));
    }

    async fn w4_unset_holds_where_it_recurs_and_ends_where_it_does_not(gate) {
        let at = |id: &str| PolicySpec::new(id).only(&["web"], &[id]).users(&["alice"]);
        let both = |id: &str| at(id).once(gate.at(0), gate.at(600)).recurring(hourly());
        let rows = [
            ("once", at("once").once(gate.at(0), gate.at(600)), false),
            ("recurs", at("recurs").recurring(hourly()), true),
            ("both", both("both"), true),
            ("once-holds", at("once-holds").once(gate.at(0), gate.at(600))
                .once(gate.at(3_600), gate.at(4_000)).on_close(OnClose::Hold), true),
            ("recurs-ends", at("recurs-ends").recurring(hourly())
                .on_close(OnClose::Terminate), false),
            ("both-ends", both("both-ends").on_close(OnClose::Terminate), false),
        ];
        let ids = rows.each_ref().map(|(id, _, holds)| (*id, *holds));
        for (id, policy, holds) in rows {
            save(gate, policy).await;
            let task = TaskSpec { environment: id.to_owned(), ..deployment(id) };
            gate.cleared(task).await;
            let cr = gate.orchestrator().change_request(id).await.granted();
            let resultant = cr.resultant_policy.unwrap();
            let expected = if holds { OnClose::Hold } else { OnClose::Terminate };
            assert_eq!(resultant.on_close(), expected, "{id}");
            assert_eq!(resultant.policies[0].on_close(), expected, "{id}");
        }
        gate.pass(600).await;
        for (id, holds) in ids {
            if holds {
                assert_eq!(gate.task(id).await.state(), TaskState::Paused, "{id}");
            } else {
                window_closed(gate, id).await;
            }
        }
    }

    async fn w4_one_policy_that_ends_tasks_wins(gate) {
        save(gate, every_hour("holds").on_close(OnClose::Hold)).await;
        save(gate, every_hour("ends").on_close(OnClose::Terminate)).await;
        save(gate, PolicySpec::new("no-windows").users(&["alice"])).await;
        gate.cleared(deployment("t1")).await;
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(cr.resultant_policy.unwrap().on_close(), OnClose::Terminate);
        gate.pass(600).await;
        let task = window_closed(gate, "t1").await;
        assert_eq!(task.ended_at, gate.at(0));
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!((cr.state(), cr.expiry_cause()),
            (ChangeRequestState::Approved, ExpiryCause::Unspecified));
    }

    async fn w4_a_closing_period_ends_what_is_pending(gate) {
        save(gate, every_hour("prod").on_close(OnClose::Terminate)).await;
        gate.waiting(deployment("t1")).await;
        gate.pass(600).await;
        window_closed(gate, "t1").await;
        let cr = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!((cr.state(), cr.expiry_cause()),
            (ChangeRequestState::Expired, ExpiryCause::WindowClosed));
    }

    async fn w4_hold_without_a_further_period_in_the_window_ends_it(gate) {
        save(gate, every_hour("prod")).await;
        let until = |id: &str, end: i64| TaskSpec {
            window: window(None, gate.at(end)),
            ..deployment(id)
        };
        // The window of the first ends before the next period, that of the second inside of it.
        gate.cleared(until("none-left", 3_600)).await;
        gate.cleared(until("cut", 3_660)).await;
        gate.pass(600).await;
        window_closed(gate, "none-left").await;
        let cut = gate.task("cut").await;
        assert_eq!(cut.period, period("2026-11-23T01:00:00Z", "2026-11-23T01:01:00Z"));
        gate.pass(3_000).await;
        assert_eq!(gate.task("cut").await.permit.unwrap().valid_until, gate.at(60));
        gate.pass(60).await;
        window_closed(gate, "cut").await;
    }

    async fn w4_without_any_period_a_task_is_refused_with_the_reason(gate) {
        save(gate, every_hour("hourly")).await;
        let half = PolicySpec::new("half-past").users(&["alice"]);
        save(gate, half.only(&["api"], &["*"]).recurring(lasting("30 * * * *", "UTC", 10))).await;
        let entries = gate.entries().await;
        let api = TaskSpec { project: "api".to_owned(), ..deployment("t1") };
        for answer in [
            gate.orchestrator().create(api.clone()).await,
            gate.orchestrator().preview(api).await,
        ] {
            let refused = answer.refused("NO_PERIOD", "W4");
            assert_eq!(refused.code, Code::FailedPrecondition);
            assert_eq!(refused.fact("policies"), "half-past, hourly");
            assert_eq!((refused.fact("why"), refused.fact("next_opens_at")), ("NEVER_OPEN", ""));
        }
        let between = TaskSpec { window: window(gate.at(600), gate.at(3_600)), ..deployment("t2") };
        for answer in [
            gate.orchestrator().create(between.clone()).await,
            gate.orchestrator().preview(between).await,
        ] {
            let refused = answer.refused("NO_PERIOD", "W4");
            assert_eq!(refused.fact("policies"), "hourly");
            assert_eq!(refused.fact("why"), "OUTSIDE_TASK_WINDOW");
            assert_eq!(refused.fact("next_opens_at"), "2026-11-23T01:00:00Z");
        }
        assert_eq!(gate.entries().await, entries);
        // One microsecond more, and there is a period.
        let touching = window(gate.at(600), gate.at_micros(3_600_000_001));
        gate.waiting(TaskSpec { window: touching, ..deployment("t3") }).await;
    }

    async fn w4_a_task_that_is_known_is_not_looked_up_in_calendars(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        save(gate, policy.once(gate.at(0), gate.at(60))).await;
        gate.waiting(deployment("t1")).await;
        gate.pass(60).await;
        // Nothing opens any more, so what is new is refused, and what is not is answered (C2).
        gate.orchestrator().create(deployment("t2")).await.refused("NO_PERIOD", "W4");
        let again = gate.orchestrator().create(deployment("t1")).await.granted();
        assert_eq!(again.task.unwrap().termination_reason(), TerminationReason::WindowClosed);
    }

    async fn w4_editing_the_policy_binds_nobody_anew(gate) {
        save(gate, every_hour("prod")).await;
        gate.approved(deployment("t1")).await;
        let other = PolicySpec::new("prod").recurring(lasting("30 * * * *", "UTC", 10));
        gate.admin().update_policy(other, &["windows"]).await.granted();
        gate.pass_to("2026-11-23T00:10:00Z").await;
        let task = gate.task("t1").await;
        assert_eq!(task.period, period("2026-11-23T01:00:00Z", "2026-11-23T01:10:00Z"));
        let task = gate.approved(deployment("t2")).await;
        assert_eq!(task.period, period("2026-11-23T00:30:00Z", "2026-11-23T00:40:00Z"));
    }

    async fn w4_tasks_that_share_have_a_period_each(gate) {
        let shares = every_hour("prod").with(|it| it.sharing = Sharing::PerRelease.into());
        save(gate, shares).await;
        let task = |id: &str, start: i64| TaskSpec {
            release: "1.0".to_owned(),
            window: window(gate.at(start), None),
            ..deployment(id)
        };
        gate.waiting(task("t1", 0)).await;
        gate.waiting(task("t2", 3_000)).await;
        let cr = gate.as_("alice").approve("t1").await.granted();
        let states: Vec<TaskState> = cr.tasks.iter().map(Task::state).collect();
        assert_eq!(states, [TaskState::Cleared, TaskState::Paused]);
        assert_eq!(cr.tasks[1].period, period("2026-11-23T01:00:00Z", "2026-11-23T01:10:00Z"));
        gate.pass(600).await;
        // Both are bound to the same one now.
        assert_eq!(gate.task("t1").await.period, gate.task("t2").await.period);
        gate.pass(3_000).await;
        assert_eq!((gate.task("t1").await.generation, gate.task("t2").await.generation), (2, 1));
    }

    async fn w4_a_started_task_is_not_touched_by_the_closing(gate) {
        save(gate, every_hour("prod").on_close(OnClose::Terminate)).await;
        gate.running(deployment("t1"), "claim").await;
        gate.pass(7_200).await;
        let task = gate.task("t1").await;
        assert_eq!((task.state(), task.signal()), (TaskState::Running, Signal::Unspecified));
        assert_eq!(task.period, period("2026-11-23T00:00:00Z", "2026-11-23T00:10:00Z"));
    }
}
