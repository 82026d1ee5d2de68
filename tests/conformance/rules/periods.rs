//! W3, W6: the periods of policies: any window of one policy, those of all policies, cut to the
//! task's window; and both edges of a period to the microsecond.

use countersign_proto::v1::{Period, Signal, TaskSpec, TaskState, TerminationReason};

use crate::gate::{
    Expect, Gate, PolicySpec, blocked_by, deployment, lasting, period, spoken, until, window,
};

const SECOND: i64 = 1_000_000;

/// A policy that `alice` meets, open from and until these seconds from now.
fn open(gate: &Gate, id: &str, periods: &[(i64, i64)]) -> PolicySpec {
    let policy = PolicySpec::new(id).users(&["alice"]);
    periods.iter().fold(policy, |policy, &(start, end)| {
        policy.once(gate.at(start), gate.at(end))
    })
}

async fn save(gate: &Gate, policy: PolicySpec) {
    gate.admin().policy(policy).await.granted();
}

/// The period from and until these seconds from now.
fn from_now(gate: &Gate, start: i64, end: i64) -> Option<Period> {
    Some(Period {
        start: gate.at(start),
        end: gate.at(end),
    })
}

/// The period that a new task of an environment is bound to.
async fn bound(gate: &Gate, id: &str) -> Option<Period> {
    gate.waiting(deployment(id)).await.period
}

on_both_stores! {
    async fn w3_a_task_waits_for_the_period_of_its_policy(gate) {
        save(gate, open(gate, "prod", &[(60, 120)])).await;
        let waiting = gate.waiting(deployment("t1")).await;
        let opens = spoken(gate.at(60));
        assert_eq!(waiting.period, from_now(gate, 60, 120));
        assert_eq!(blocked_by(&waiting), ["approval 1", &format!("window {opens}")]);
        let held = gate.approved(deployment("t2")).await;
        assert_eq!((held.state(), held.signal()), (TaskState::Paused, Signal::Hold));
        assert_eq!(blocked_by(&held), [format!("window {opens}")]);
        assert_eq!(held.earliest_start, gate.at(60));
        assert_eq!(held.message, "Deployment blocked by change request CR-2: \
            its window opens at 2026-11-23T00:01:00Z");
        gate.pass(59).await;
        assert_eq!(gate.task("t2").await.state(), TaskState::Paused);
        gate.pass(1).await;
        let open = gate.task("t2").await;
        assert_eq!((open.state(), open.signal()), (TaskState::Cleared, Signal::Proceed));
        assert_eq!(open.permit.unwrap().valid_until, gate.at(60));
        // Approval is still asked for, in the period too.
        assert_eq!(blocked_by(&gate.task("t1").await), ["approval 1"]);
        gate.runner().start("t2", 1, "claim").await.granted();
    }

    async fn w3_the_start_belongs_to_a_period_and_the_end_does_not(gate) {
        save(gate, open(gate, "prod", &[(60, 120)])).await;
        for id in ["first", "last", "late"] {
            gate.approved(deployment(id)).await;
        }
        // Nothing is swept: each start is judged by its own instant.
        gate.clock.advance_micros(60 * SECOND - 1);
        let early = gate.runner().start("first", 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!((early.fact("found"), early.fact("waiting_for")), ("HELD", "window"));
        assert_eq!(early.fact("freezes"), "");
        gate.clock.advance_micros(1);
        gate.runner().start("first", 1, "c").await.granted();
        gate.clock.advance_micros(60 * SECOND - 1);
        gate.runner().start("last", 1, "c").await.granted();
        gate.clock.advance_micros(1);
        let late = gate.runner().start("late", 1, "c").await.refused("START_NEVER", "P4");
        assert_eq!(late.fact("found"), "TERMINATED");
        let late = gate.task("late").await;
        assert_eq!(late.termination_reason(), TerminationReason::WindowClosed);
    }

    async fn w3_any_window_of_a_policy_is_enough(gate) {
        save(gate, open(gate, "prod", &[(300, 400), (60, 120), (100, 180)])).await;
        // Those that overlap are one.
        assert_eq!(bound(gate, "t1").await, from_now(gate, 60, 180));
        gate.pass(180).await;
        assert_eq!(bound(gate, "t2").await, from_now(gate, 120, 220));
        gate.pass(150).await;
        // It is open, so the task is bound to what is left and has begun.
        assert_eq!(bound(gate, "t3").await, from_now(gate, -30, 70));
    }

    async fn w3_touching_periods_are_one(gate) {
        save(gate, open(gate, "prod", &[(60, 120), (120, 180), (181, 241)])).await;
        let task = gate.approved(deployment("t1")).await;
        assert_eq!(task.period, from_now(gate, 60, 180));
        gate.pass(60).await;
        gate.pass(60).await;
        // Where one ends and the next begins, nothing happens.
        let task = gate.task("t1").await;
        assert_eq!((task.state(), task.generation), (TaskState::Cleared, 1));
        gate.pass(59).await;
        assert_eq!(gate.task("t1").await.generation, 1);
        gate.runner().start("t1", 1, "claim").await.granted();
    }

    async fn w3_all_policies_have_to_be_open(gate) {
        save(gate, open(gate, "one", &[(60, 300), (500, 700)])).await;
        save(gate, open(gate, "other", &[(120, 400), (600, 900)])).await;
        save(gate, PolicySpec::new("at-any-time").users(&["alice"])).await;
        save(gate, open(gate, "off", &[(2_000, 3_000)]).with(|it| it.disabled = true)).await;
        save(gate, open(gate, "elsewhere", &[(2_000, 3_000)]).only(&["api"], &["*"])).await;
        assert_eq!(bound(gate, "t1").await, from_now(gate, 120, 300));
        gate.pass(300).await;
        let task = gate.approved(deployment("t2")).await;
        assert_eq!(task.period, from_now(gate, 300, 400));
        gate.pass(299).await;
        assert_eq!(gate.task("t2").await.state(), TaskState::Paused);
        gate.pass(1).await;
        assert_eq!(gate.task("t2").await.state(), TaskState::Cleared);
    }

    async fn w3_a_period_is_cut_to_the_window_of_the_task(gate) {
        save(gate, open(gate, "prod", &[(60, 300), (500, 700)])).await;
        let rows = [
            ("inside", (100, 200), (100, 200)),
            ("over-its-start", (0, 100), (60, 100)),
            ("over-its-end", (200, 400), (200, 300)),
            ("between", (350, 600), (500, 600)),
            ("around", (1, 1_000), (60, 300)),
        ];
        for (id, (start, end), (from, until)) in rows {
            let task = TaskSpec { window: window(gate.at(start), gate.at(end)), ..deployment(id) };
            let task = gate.waiting(task).await;
            assert_eq!(task.period, from_now(gate, from, until), "{id}");
            assert_eq!(task.earliest_start, gate.at(from), "{id}");
        }
        let open_ended = TaskSpec { window: window(gate.at(600), None), ..deployment("from") };
        assert_eq!(gate.waiting(open_ended).await.period, from_now(gate, 600, 700));
    }

    async fn w3_recurrences_fall_on_the_dates_that_they_name(gate) {
        // It is Monday, 23 November 2026, midnight in UTC.
        let rows = [
            // Across midnight; what began yesterday is still open.
            ("night", lasting("0 22 * * *", "UTC", 240),
                "2026-11-22T22:00:00Z", "2026-11-23T02:00:00Z"),
            // Two days that touch at midnight are one period.
            ("weekend", until("0 0 * * 6,0", "UTC", "24:00"),
                "2026-11-28T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("friday", until("0 22 * * FRI", "Europe/Berlin", "06:00"),
                "2026-11-27T21:00:00Z", "2026-11-28T05:00:00Z"),
            ("year-end", until("0 22 31 12 *", "Europe/Berlin", "02:00"),
                "2026-12-31T21:00:00Z", "2027-01-01T01:00:00Z"),
            ("whole-day", until("0 9 24 12 *", "UTC", "09:00"),
                "2026-12-24T09:00:00Z", "2026-12-25T09:00:00Z"),
            ("leap-day", until("0 0 29 2 *", "UTC", "24:00"),
                "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
            // Both days are named, so either suffices.
            ("either", lasting("0 9 13 * 4", "UTC", 60),
                "2026-11-26T09:00:00Z", "2026-11-26T10:00:00Z"),
            ("steps", lasting("*/20 8-18/2 * * *", "Asia/Kolkata", 5),
                "2026-11-23T02:30:00Z", "2026-11-23T02:35:00Z"),
            ("all-day-pieces", lasting("*/30 6-8 * * *", "UTC", 30),
                "2026-11-23T06:00:00Z", "2026-11-23T09:00:00Z"),
        ];
        for (id, recurrence, start, end) in rows {
            let policy = PolicySpec::new(id).only(&["web"], &[id]).users(&["alice"]);
            save(gate, policy.recurring(recurrence)).await;
            let task = TaskSpec { environment: id.to_owned(), ..deployment(id) };
            assert_eq!(gate.waiting(task).await.period, period(start, end), "{id}");
        }
    }

    async fn w3_a_recurring_and_a_one_off_window_go_together(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        let policy = policy.recurring(lasting("0 2 * * *", "UTC", 60));
        save(gate, policy.once(gate.at(10_000), gate.at(12_000))).await;
        // From 02:00 to 03:00, and from 02:46:40 to 03:20.
        assert_eq!(bound(gate, "t1").await, period("2026-11-23T02:00:00Z", "2026-11-23T03:20:00Z"));
        gate.pass_to("2026-11-23T03:20:00Z").await;
        assert_eq!(bound(gate, "t2").await, period("2026-11-24T02:00:00Z", "2026-11-24T03:00:00Z"));
    }

    async fn w6_a_start_needs_approval_window_and_period(gate) {
        save(gate, open(gate, "prod", &[(60, 300)])).await;
        let task = |id: &str| TaskSpec {
            window: window(gate.at(120), gate.at(240)),
            ..deployment(id)
        };
        gate.waiting(task("t1")).await;
        gate.approved(task("t2")).await;
        // At 59 seconds neither is open, at 60 and at 119 the period is.
        for seconds in [59, 1, 59] {
            gate.advance(seconds);
            let refused = gate.runner().start("t2", 1, "c").await.refused("START_NOT_NOW", "P4");
            assert_eq!(refused.fact("waiting_for"), "window");
        }
        gate.advance(1);
        let refused = gate.runner().start("t1", 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("waiting_for"), "approval");
        gate.runner().start("t2", 1, "c").await.granted();
        gate.as_("alice").approve("t1").await.granted();
        gate.advance(120);
        gate.runner().start("t1", 1, "c").await.refused("START_NEVER", "P4");
    }
}
