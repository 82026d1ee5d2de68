//! W5: local times where clocks are shifted. Windows are read narrow and freezes wide, with whole
//! and half hours, at midnight too; and a clock that passes over a shift.

use countersign_proto::v1::preview_schedule_request::Subject;
use countersign_proto::v1::{
    AggregateKind, Freeze, Policy, PreviewScheduleRequest, Recurrence, TaskState,
};

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, deployment, instant, lasting, period, recurring, spoken,
    turns, until,
};

const BERLIN: &str = "Europe/Berlin";
/// Half an hour forward on 3 October 2027, half an hour back on 4 April 2027, both at 2:00.
const LORD_HOWE: &str = "Australia/Lord_Howe";
/// An hour forward at midnight, when 30 April 2027 would begin.
const CAIRO: &str = "Africa/Cairo";

/// What a recurrence does first from an instant on: as windows, and as a freeze.
struct Row {
    recurrence: Recurrence,
    from: &'static str,
    window: [&'static str; 2],
    freeze: [&'static str; 2],
}

fn row(
    recurrence: Recurrence,
    from: &'static str,
    window: [&'static str; 2],
    freeze: [&'static str; 2],
) -> Row {
    Row {
        recurrence,
        from,
        window,
        freeze,
    }
}

/// Asks for the first transitions of a recurrence, as windows and as a freeze, and compares.
async fn are(gate: &Gate, rows: Vec<Row>) {
    for Row {
        recurrence,
        from,
        window,
        freeze,
    } in rows
    {
        let policy = Policy {
            windows: vec![recurring(recurrence.clone())],
            ..Policy::default()
        };
        let draft = Freeze {
            recurrence: Some(recurrence.clone()),
            ..Freeze::default()
        };
        for (subject, expected) in [
            (Subject::Policy(policy), window),
            (Subject::Freeze(draft), freeze),
        ] {
            let request = PreviewScheduleRequest {
                subject: Some(subject),
                from: instant(from),
                count: 2,
            };
            let found = gate.as_("alice").schedule_with(request).await.granted();
            let found = found.transitions.iter().map(|it| spoken(it.at));
            let found: Vec<String> = found.collect();
            assert_eq!(found, expected, "{recurrence:?} from {from}");
        }
    }
}

on_both_stores! {
    async fn w5_in_the_spring_gap(gate) {
        // At 1:00 UTC on 28 March 2027 clocks in Berlin go from 2:00 to 3:00.
        let from = "2027-03-27T12:00:00Z";
        are(gate, vec![
            // The window opens later by the gap; the freeze begins at the jump.
            row(lasting("30 2 * * *", BERLIN, 60), from,
                ["2027-03-28T01:30:00Z", "2027-03-28T02:30:00Z"],
                ["2027-03-28T01:00:00Z", "2027-03-28T02:30:00Z"]),
            // Of the window until 3:15 nothing is left, so it opens the day after.
            row(until("30 2 * * *", BERLIN, "03:15"), from,
                ["2027-03-29T00:30:00Z", "2027-03-29T01:15:00Z"],
                ["2027-03-28T01:00:00Z", "2027-03-28T01:15:00Z"]),
            // An end in the gap: the window ends at the earlier reading, the freeze at the later.
            row(until("0 1 * * *", BERLIN, "02:30"), from,
                ["2027-03-28T00:00:00Z", "2027-03-28T00:30:00Z"],
                ["2027-03-28T00:00:00Z", "2027-03-28T01:30:00Z"]),
            // Elapsed is elapsed: two hours from 1:00 are until 4:00 there.
            row(lasting("0 1 * * *", BERLIN, 120), from,
                ["2027-03-28T00:00:00Z", "2027-03-28T02:00:00Z"],
                ["2027-03-28T00:00:00Z", "2027-03-28T02:00:00Z"]),
            // A local day of 23 hours.
            row(until("0 0 * * 0", BERLIN, "24:00"), from,
                ["2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"],
                ["2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"]),
        ]).await;
    }

    async fn w5_in_the_autumn_fold(gate) {
        // At 1:00 UTC on 31 October 2027 clocks in Berlin go from 3:00 to 2:00.
        let from = "2027-10-30T12:00:00Z";
        are(gate, vec![
            // The window opens at the first occurrence, the freeze begins at both.
            row(lasting("30 2 * * *", BERLIN, 60), from,
                ["2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"],
                ["2027-10-31T00:30:00Z", "2027-10-31T02:30:00Z"]),
            row(lasting("30 2 * * *", BERLIN, 10), from,
                ["2027-10-31T00:30:00Z", "2027-10-31T00:40:00Z"],
                ["2027-10-31T00:30:00Z", "2027-10-31T00:40:00Z"]),
            row(lasting("30 2 * * *", BERLIN, 10), "2027-10-31T00:40:00Z",
                ["2027-11-01T01:30:00Z", "2027-11-01T01:40:00Z"],
                ["2027-10-31T01:30:00Z", "2027-10-31T01:40:00Z"]),
            row(until("0 1 * * *", BERLIN, "02:30"), from,
                ["2027-10-30T23:00:00Z", "2027-10-31T00:30:00Z"],
                ["2027-10-30T23:00:00Z", "2027-10-31T01:30:00Z"]),
            row(until("30 2 * * *", BERLIN, "04:00"), from,
                ["2027-10-31T00:30:00Z", "2027-10-31T03:00:00Z"],
                ["2027-10-31T00:30:00Z", "2027-10-31T03:00:00Z"]),
            // A local day of 25 hours.
            row(until("0 0 * * 0", BERLIN, "24:00"), from,
                ["2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z"],
                ["2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z"]),
        ]).await;
    }

    async fn w5_a_shift_may_be_half_an_hour(gate) {
        are(gate, vec![
            // At 15:30 UTC on 2 October 2027 clocks go from 2:00 to 2:30.
            row(lasting("15 2 * * *", LORD_HOWE, 60), "2027-10-02T12:00:00Z",
                ["2027-10-02T15:45:00Z", "2027-10-02T16:45:00Z"],
                ["2027-10-02T15:30:00Z", "2027-10-02T16:45:00Z"]),
            row(until("0 1 * * *", LORD_HOWE, "02:15"), "2027-10-02T12:00:00Z",
                ["2027-10-02T14:30:00Z", "2027-10-02T15:15:00Z"],
                ["2027-10-02T14:30:00Z", "2027-10-02T15:45:00Z"]),
            // At 15:00 UTC on 3 April 2027 clocks go from 2:00 to 1:30.
            row(lasting("45 1 * * *", LORD_HOWE, 30), "2027-04-03T12:00:00Z",
                ["2027-04-03T14:45:00Z", "2027-04-03T15:15:00Z"],
                ["2027-04-03T14:45:00Z", "2027-04-03T15:45:00Z"]),
            row(until("0 1 * * *", LORD_HOWE, "01:45"), "2027-04-03T12:00:00Z",
                ["2027-04-03T14:00:00Z", "2027-04-03T14:45:00Z"],
                ["2027-04-03T14:00:00Z", "2027-04-03T15:15:00Z"]),
        ]).await;
    }

    async fn w5_a_shift_may_fall_on_midnight(gate) {
        let days = || until("0 0 * * 4,5", CAIRO, "24:00");
        // Thursday ends at the midnight that is skipped, where Friday begins. Read narrow, the end
        // is an hour before the jump; read wide, there is no hole.
        are(gate, vec![
            row(days(), "2027-04-28T12:00:00Z",
                ["2027-04-28T22:00:00Z", "2027-04-29T21:00:00Z"],
                ["2027-04-28T22:00:00Z", "2027-04-30T21:00:00Z"]),
            row(days(), "2027-04-29T22:00:00Z",
                ["2027-04-29T22:00:00Z", "2027-04-30T21:00:00Z"],
                ["2027-04-30T21:00:00Z", "2027-05-05T21:00:00Z"]),
        ]).await;
    }

    async fn w5_a_task_is_bound_over_a_shift(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        let policy = policy.recurring(lasting("30 2 * * *", BERLIN, 60));
        gate.admin().policy(policy).await.granted();
        gate.advance_to("2027-03-28T00:59:59Z");
        let task = gate.approved(deployment("t1")).await;
        assert_eq!(task.period, period("2027-03-28T01:30:00Z", "2027-03-28T02:30:00Z"));
        gate.advance_to("2027-03-28T01:29:59Z");
        gate.runner().start("t1", 1, "early").await.refused("START_NOT_NOW", "P4");
        gate.advance_to("2027-03-28T01:30:00Z");
        gate.runner().start("t1", 1, "claim").await.granted();
        // In autumn it opens once, although its local time comes twice.
        gate.advance_to("2027-10-31T00:00:00Z");
        gate.approved(deployment("t2")).await;
        gate.pass_to("2027-10-31T00:30:00Z").await;
        assert_eq!(gate.task("t2").await.state(), TaskState::Cleared);
        gate.pass_to("2027-10-31T01:30:00Z").await;
        let task = gate.task("t2").await;
        assert_eq!(task.state(), TaskState::Paused);
        assert_eq!(task.period, period("2027-11-01T01:30:00Z", "2027-11-01T02:30:00Z"));
    }

    async fn w5_a_weekend_in_pieces_has_no_hole_at_midnight(gate) {
        gate.alice_approves().await;
        // Three freezes, each a piece; on this Sunday clocks go forward.
        let pieces = [
            ("friday", until("0 18 * * 5", BERLIN, "24:00")),
            ("saturday", until("0 0 * * 6", BERLIN, "24:00")),
            ("sunday", until("0 0 * * 0", BERLIN, "24:00")),
        ];
        gate.advance_to("2027-03-26T12:00:00Z");
        for (id, recurrence) in pieces {
            gate.frozen(FreezeSpec::new(id).recurring(recurrence)).await;
        }
        let task = gate.cleared(deployment("t1")).await;
        let begins = instant("2027-03-26T17:00:00Z");
        assert_eq!(task.permit.unwrap().valid_until, begins);
        gate.pass_to("2027-03-26T17:00:00Z").await;
        let held = gate.task("t1").await;
        assert_eq!(held.state(), TaskState::Paused);
        assert_eq!(held.earliest_start, instant("2027-03-28T22:00:00Z"));
        // A microsecond before and at each midnight, and at the shift between them.
        for text in [
            "2027-03-26T22:59:59.999999Z",
            "2027-03-26T23:00:00Z",
            "2027-03-27T22:59:59.999999Z",
            "2027-03-27T23:00:00Z",
            "2027-03-28T01:00:00Z",
            "2027-03-28T21:59:59.999999Z",
        ] {
            gate.advance_to(text);
            let refused = gate.runner().start("t1", 2, "c").await.refused("START_NOT_NOW", "P4");
            assert_eq!((refused.fact("found"), refused.fact("waiting_for")), ("HELD", "freeze"));
            gate.pass(0).await;
            assert_eq!(gate.task("t1").await.generation, 1, "{text}");
        }
        gate.pass_to("2027-03-28T22:00:00Z").await;
        gate.runner().start("t1", 2, "c").await.granted();
        let events = gate.as_("auditor:audit").events(AggregateKind::Task, "t1").await;
        let turns: Vec<&str> = events.iter().map(String::as_str).collect();
        let expected =
            ["task.created", "task.cleared", "task.held", "task.cleared", "task.started"];
        assert_eq!(turns, expected);
    }

    async fn w5_a_weekend_of_one_recurrence_is_one_period(gate) {
        let weekend = until("0 0 * * 6,0", BERLIN, "24:00");
        let freeze = FreezeSpec::new("weekend").recurring(weekend).build();
        let request = PreviewScheduleRequest {
            subject: Some(Subject::Freeze(freeze)),
            from: instant("2027-03-26T12:00:00Z"),
            count: 4,
        };
        let found = gate.as_("alice").schedule_with(request).await.granted();
        assert_eq!(turns(&found.transitions), [
            "FREEZE_BEGINS 2027-03-27T00:00:00+01:00[Europe/Berlin]",
            "FREEZE_ENDS 2027-03-29T00:00:00+02:00[Europe/Berlin]",
            "FREEZE_BEGINS 2027-04-03T00:00:00+02:00[Europe/Berlin]",
            "FREEZE_ENDS 2027-04-05T00:00:00+02:00[Europe/Berlin]",
        ]);
        assert!(!found.open);
    }

    async fn w5_the_same_name_is_needed_everywhere(gate) {
        for zone in ["europe/berlin", "CEST", "+02:00", "UTC+2", "", "Europe/Atlantis"] {
            let policy = PolicySpec::new("prod").users(&["alice"]);
            let policy = policy.recurring(lasting("0 2 * * *", zone, 60));
            let field = "policy.windows[0].recurring.time_zone";
            let refused = gate.admin().policy(policy).await.refused("INVALID_FIELD", "W3");
            assert_eq!(refused.fact("field"), field, "{zone}");
            let freeze = FreezeSpec::new("f").recurring(lasting("0 2 * * *", zone, 60));
            let refused = gate.admin().freeze(freeze).await.refused("INVALID_FIELD", "F1");
            assert_eq!(refused.fact("field"), "freeze.recurrence.time_zone", "{zone}");
        }
        let policy = PolicySpec::new("prod").users(&["alice"]);
        let policy = policy.recurring(lasting("0 2 * * *", "europe/berlin", 60));
        let refused = gate.admin().policy(policy).await.unwrap_err();
        assert!(refused.fact("allowed").contains(BERLIN), "{refused:?}");
    }
}
