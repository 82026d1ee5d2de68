//! W5, F2: tasks and freezes over shifts of clocks and the ends of months and years, from creation
//! through sweeps to starts, a microsecond before each edge and at it.

use countersign_proto::v1::{AggregateKind, Recurrence, Signal, TaskSignal, TaskSpec, TaskState};

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, blocked_by, deployment, instant, lasting, period, until,
};

const BERLIN: &str = "Europe/Berlin";
/// Half an hour back on 4 April 2027 at 2:00, half an hour forward on 3 October 2027 at 2:00.
const LORD_HOWE: &str = "Australia/Lord_Howe";
/// An hour forward at midnight, when 30 April 2027 would begin; an hour back at the midnight at
/// which 28 October 2027 would end.
const CAIRO: &str = "Africa/Cairo";

/// When a schedule is open or in force: from the first instant up to the second.
type Span = [&'static str; 2];

/// Three tasks of a project of their own, in the order in which they shall be started.
fn tasks(project: &str) -> [TaskSpec; 3] {
    ["first", "last", "late"].map(|name| TaskSpec {
        project: project.to_owned(),
        ..deployment(&format!("{project}-{name}"))
    })
}

/// A start is refused for now; the task waits for this.
async fn waits(gate: &Gate, id: &str, generation: u64, waiting_for: &str) {
    let start = gate.runner().start(id, generation, "early").await;
    let refused = start.refused("START_NOT_NOW", "P4");
    let found = (refused.fact("found"), refused.fact("waiting_for"));
    assert_eq!(found, ("HELD", waiting_for), "{id}");
}

/// The task is told this signal, as the log has it.
async fn is_told(gate: &Gate, id: &str, signal: Signal, generation: u64) {
    let task = gate.task(id).await;
    assert_eq!(
        (task.signal(), task.generation),
        (signal, generation),
        "{id}: {task:?}"
    );
}

/// Moves the clock to a microsecond before an instant, and has settled what became due.
async fn pass_just_before(gate: &Gate, text: &str) {
    gate.advance_to(text);
    gate.clock.advance_micros(-1);
    gate.pass(0).await;
}

/// Tasks under a policy whose windows these are: they start from the opening on, up to a
/// microsecond before the closing, and what is left is told to hold.
async fn through_a_window(gate: &Gate, project: &str, windows: Recurrence, open: Span) {
    let [opens, closes] = open;
    let policy = PolicySpec::new(project)
        .only(&[project], &["*"])
        .users(&["alice"]);
    gate.admin()
        .policy(policy.recurring(windows))
        .await
        .granted();
    for task in tasks(project) {
        let task = gate.approved(task).await;
        assert_eq!(
            (task.state(), task.period),
            (TaskState::Paused, period(opens, closes))
        );
    }
    let [first, last, late] = tasks(project).map(|task| task.id);
    pass_just_before(gate, opens).await;
    is_told(gate, &first, Signal::Hold, 0).await;
    waits(gate, &first, 1, "window").await;
    gate.clock.advance_micros(1);
    gate.pass(0).await;
    for id in [&first, &last, &late] {
        is_told(gate, id, Signal::Proceed, 1).await;
    }
    assert_eq!(
        gate.task(&first).await.permit.unwrap().valid_until,
        instant(closes)
    );
    gate.runner().start(&first, 1, "claim").await.granted();
    pass_just_before(gate, closes).await;
    gate.runner().start(&last, 1, "claim").await.granted();
    is_told(gate, &late, Signal::Proceed, 1).await;
    gate.clock.advance_micros(1);
    gate.pass(0).await;
    is_told(gate, &late, Signal::Hold, 1).await;
    waits(gate, &late, 1, "window").await;
}

/// Tasks that nobody has to approve under a freeze: they start up to a microsecond before it
/// begins, and from its end on.
async fn through_a_freeze(gate: &Gate, project: &str, recurrence: Recurrence, in_force: Span) {
    let [begins, ends] = in_force;
    for task in tasks(project) {
        let created = gate.orchestrator().create(task).await.granted();
        assert_eq!(created.task.unwrap().state(), TaskState::Cleared);
    }
    let [first, last, late] = tasks(project).map(|task| task.id);
    let freeze = FreezeSpec::new(project)
        .only(&[project], &["*"])
        .recurring(recurrence);
    assert_eq!(gate.frozen(freeze).await.next_begins_at, instant(begins));
    pass_just_before(gate, begins).await;
    is_told(gate, &last, Signal::Proceed, 1).await;
    gate.runner().start(&first, 1, "claim").await.granted();
    gate.clock.advance_micros(1);
    // It binds before anything is swept.
    waits(gate, &last, 1, "freeze").await;
    gate.pass(0).await;
    for id in [&last, &late] {
        is_told(gate, id, Signal::Hold, 1).await;
        assert_eq!(
            blocked_by(&gate.task(id).await),
            [format!("freeze {project} {ends}")]
        );
    }
    pass_just_before(gate, ends).await;
    is_told(gate, &last, Signal::Hold, 1).await;
    waits(gate, &last, 1, "freeze").await;
    gate.clock.advance_micros(1);
    gate.pass(0).await;
    for id in [&last, &late] {
        is_told(gate, id, Signal::Proceed, 2).await;
        gate.runner().start(id, 2, "claim").await.granted();
    }
    gate.admin().delete_freeze(project).await.granted();
}

/// Before the first shift on Lord Howe, and before the second one.
const LORD_HOWE_DAYS: Span = ["2027-04-03T12:00:00Z", "2027-10-02T12:00:00Z"];
/// The same in Cairo.
const CAIRO_DAYS: Span = ["2027-04-29T12:00:00Z", "2027-10-28T12:00:00Z"];

fn nights() -> Recurrence {
    until("0 22 * * *", BERLIN, "02:00")
}

on_both_stores! {
    async fn w5_windows_over_shifts_of_half_an_hour(gate) {
        // Opens at the first of two readings of 1:45.
        gate.advance_to(LORD_HOWE_DAYS[0]);
        let fold = ["2027-04-03T14:45:00Z", "2027-04-03T15:15:00Z"];
        through_a_window(gate, "fold", lasting("45 1 * * *", LORD_HOWE, 30), fold).await;
        // 2:15 does not come, so it opens at 2:45.
        gate.advance_to(LORD_HOWE_DAYS[1]);
        let gap = ["2027-10-02T15:45:00Z", "2027-10-02T16:45:00Z"];
        through_a_window(gate, "gap", lasting("15 2 * * *", LORD_HOWE, 60), gap).await;
    }

    async fn w5_freezes_over_shifts_of_half_an_hour(gate) {
        // Both readings of 1:45 begin it, and without a hole between them.
        gate.advance_to(LORD_HOWE_DAYS[0]);
        let fold = ["2027-04-03T14:45:00Z", "2027-04-03T15:45:00Z"];
        through_a_freeze(gate, "fold", lasting("45 1 * * *", LORD_HOWE, 30), fold).await;
        // It begins at the jump.
        gate.advance_to(LORD_HOWE_DAYS[1]);
        let gap = ["2027-10-02T15:30:00Z", "2027-10-02T16:45:00Z"];
        through_a_freeze(gate, "gap", lasting("15 2 * * *", LORD_HOWE, 60), gap).await;
    }

    async fn w5_windows_over_shifts_at_midnight(gate) {
        gate.advance_to(CAIRO_DAYS[0]);
        let gap = ["2027-04-29T22:30:00Z", "2027-04-29T23:30:00Z"];
        through_a_window(gate, "gap", lasting("30 0 30 4 *", CAIRO, 60), gap).await;
        gate.advance_to(CAIRO_DAYS[1]);
        let fold = ["2027-10-28T20:30:00Z", "2027-10-28T21:30:00Z"];
        through_a_window(gate, "fold", lasting("30 23 28 10 *", CAIRO, 60), fold).await;
        // A whole day whose last hour comes twice ends where the next one begins.
        gate.advance_to("2027-10-29T12:00:00Z");
        let day = ["2028-04-26T22:00:00Z", "2028-04-27T21:00:00Z"];
        through_a_window(gate, "day", until("0 0 27 4 *", CAIRO, "24:00"), day).await;
    }

    async fn w5_freezes_over_shifts_at_midnight(gate) {
        gate.advance_to(CAIRO_DAYS[0]);
        let gap = ["2027-04-29T22:00:00Z", "2027-04-29T23:30:00Z"];
        through_a_freeze(gate, "gap", lasting("30 0 30 4 *", CAIRO, 60), gap).await;
        gate.advance_to(CAIRO_DAYS[1]);
        let fold = ["2027-10-28T20:30:00Z", "2027-10-28T22:30:00Z"];
        through_a_freeze(gate, "fold", lasting("30 23 28 10 *", CAIRO, 60), fold).await;
        // A Thursday and a Friday with the jump between them are one period.
        gate.advance_to("2028-04-26T12:00:00Z");
        let days = ["2028-04-26T22:00:00Z", "2028-04-28T21:00:00Z"];
        through_a_freeze(gate, "days", until("0 0 * 4 4,5", CAIRO, "24:00"), days).await;
    }

    async fn w5_windows_at_night_over_the_ends_of_years_and_of_february(gate) {
        gate.advance_to("2027-12-31T12:00:00Z");
        let year = ["2027-12-31T21:00:00Z", "2028-01-01T01:00:00Z"];
        through_a_window(gate, "year", nights(), year).await;
        gate.advance_to("2028-02-28T12:00:00Z");
        let twenty_eighth = ["2028-02-28T21:00:00Z", "2028-02-29T01:00:00Z"];
        through_a_window(gate, "28th", nights(), twenty_eighth).await;
        gate.advance_to("2028-02-29T12:00:00Z");
        let leap = ["2028-02-29T21:00:00Z", "2028-03-01T01:00:00Z"];
        through_a_window(gate, "leap", until("0 22 29 2 *", BERLIN, "02:00"), leap).await;
    }

    async fn w5_freezes_at_night_over_the_ends_of_years_and_of_february(gate) {
        gate.advance_to("2027-12-31T12:00:00Z");
        let year = ["2027-12-31T21:00:00Z", "2028-01-01T01:00:00Z"];
        through_a_freeze(gate, "year", nights(), year).await;
        gate.advance_to("2028-02-28T12:00:00Z");
        let twenty_eighth = ["2028-02-28T21:00:00Z", "2028-02-29T01:00:00Z"];
        through_a_freeze(gate, "28th", nights(), twenty_eighth).await;
        gate.advance_to("2028-02-29T12:00:00Z");
        let leap = ["2028-02-29T21:00:00Z", "2028-03-01T01:00:00Z"];
        through_a_freeze(gate, "leap", until("0 22 29 2 *", BERLIN, "02:00"), leap).await;
    }

    async fn w5_sweeps_alone_find_no_hole_in_a_weekend_in_pieces(gate) {
        gate.advance_to("2027-03-26T12:00:00Z");
        gate.orchestrator().create(deployment("t1")).await.granted();
        let pieces = [
            ("friday", until("0 18 * * 5", BERLIN, "24:00")),
            ("saturday", until("0 0 * * 6", BERLIN, "24:00")),
            ("sunday", until("0 0 * * 0", BERLIN, "24:00")),
        ];
        for (id, recurrence) in pieces {
            gate.frozen(FreezeSpec::new(id).recurring(recurrence)).await;
        }
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        stream.synced().await;
        // The edges of the pieces, and the shift in the last one.
        for edge in [
            "2027-03-26T17:00:00Z",
            "2027-03-26T23:00:00Z",
            "2027-03-27T23:00:00Z",
            "2027-03-28T01:00:00Z",
            "2027-03-28T22:00:00Z",
        ] {
            pass_just_before(gate, edge).await;
            gate.clock.advance_micros(1);
            gate.pass(0).await;
        }
        let told = stream.until(|it| it.signals.iter().any(|it| it.signal() == Signal::Proceed));
        let told: Vec<_> = told.await.into_iter().flat_map(|it| it.signals).collect();
        let told: Vec<_> = told.iter().map(TaskSignal::signal).collect();
        assert_eq!(told.last(), Some(&Signal::Proceed));
        assert!(told[..told.len() - 1].iter().all(|it| *it == Signal::Hold), "{told:?}");
        let events = gate.as_("auditor:audit").events(AggregateKind::Task, "t1").await;
        assert_eq!(events, ["task.created", "task.cleared", "task.held", "task.cleared"]);
        gate.runner().start("t1", 2, "claim").await.granted();
    }
}
