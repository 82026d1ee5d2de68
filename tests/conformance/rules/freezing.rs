//! F1, F2, F4: what a freeze matches, what it does to tasks that wait, are cleared or run, and how
//! several of them hold.

use countersign_proto::v1::{
    FreezeState, ListTasksRequest, Scope, Signal, TaskKind, TaskOutcome, TaskSpec, TaskState,
    TerminationReason, WaitingFor,
};
use tonic::Code;

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, blocked_by, deployment, hourly, ids, instant, lasting,
    spoken, tags, window,
};

/// The ids of the tasks that wait for a freeze.
async fn frozen_tasks(gate: &Gate) -> Vec<String> {
    let request = ListTasksRequest {
        waiting_for: WaitingFor::Freeze.into(),
        ..ListTasksRequest::default()
    };
    let listed = gate.orchestrator().tasks(request).await.granted();
    listed.tasks.into_iter().map(|task| task.id).collect()
}

/// A start is refused for now, because these freezes hold the task.
async fn is_held_by(gate: &Gate, id: &str, generation: u64, freezes: &str) {
    let start = gate.runner().start(id, generation, "held").await;
    let refused = start.refused("START_NOT_NOW", "P4");
    assert_eq!(refused.code, Code::FailedPrecondition);
    assert_eq!(
        (refused.fact("found"), refused.fact("waiting_for")),
        ("HELD", "freeze")
    );
    assert_eq!(refused.fact("freezes"), freezes);
}

fn scope(change: impl FnOnce(&mut Scope)) -> Scope {
    let mut scope = Scope {
        projects: ids(&["*"]),
        environments: ids(&["*"]),
        ..Scope::default()
    };
    change(&mut scope);
    scope
}

on_both_stores! {
    async fn f1_a_freeze_says_what_why_and_when(gate) {
        let spec = FreezeSpec::new("year-end").only(&["web"], &["production"]);
        let spec = spec.between(gate.at(60), gate.at(3_600));
        let kept = gate.frozen(spec.clone()).await;
        assert_eq!((kept.id.as_str(), kept.reason.as_str()), ("year-end", "Nobody is here."));
        assert_eq!((kept.scopes.as_slice(), kept.revision), (spec.build().scopes.as_slice(), 1));
        assert_eq!((kept.start, kept.end, kept.recurrence.as_ref()),
            (gate.at(60), gate.at(3_600), None));
        assert_eq!((kept.state(), kept.next_begins_at), (FreezeState::Upcoming, gate.at(60)));
        assert_eq!((kept.created_at, kept.updated_at), (gate.at(0), gate.at(0)));
        assert_eq!((kept.ends_at, kept.lifted_until, kept.settling), (None, None, false));
        gate.pass(60).await;
        let in_force = gate.freeze("year-end").await;
        assert_eq!((in_force.state(), in_force.ends_at), (FreezeState::InForce, gate.at(3_540)));
        assert_eq!(in_force.next_begins_at, None);
        // What time does is no change of it.
        assert_eq!((in_force.revision, &in_force.etag), (1, &kept.etag));
        gate.pass(3_540).await;
        let ended = gate.freeze("year-end").await;
        assert_eq!((ended.state(), ended.ends_at, ended.next_begins_at),
            (FreezeState::Ended, None, None));
    }

    async fn f1_without_a_start_it_halts_at_once_and_without_an_end_for_ever(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let kept = gate.frozen(FreezeSpec::new("halt")).await;
        assert_eq!((kept.start, kept.end), (gate.at(0), None));
        assert_eq!((kept.state(), kept.ends_at), (FreezeState::InForce, None));
        is_held_by(gate, "t1", 1, "halt").await;
        gate.pass(20 * 366 * 86_400).await;
        is_held_by(gate, "t1", 1, "halt").await;
        let task = gate.task("t1").await;
        assert_eq!(blocked_by(&task), ["freeze halt -"]);
        assert_eq!(task.earliest_start, None);
        assert_eq!(task.message, "Deployment blocked by change request CR-1: freeze halt holds it \
            until it is lifted (Nobody is here.)");
    }

    async fn f1_it_holds_what_its_scopes_match_by_what_was_said_at_creation(gate) {
        let acme = |id: &str| TaskSpec { tenant: "acme".to_owned(), ..deployment(id) };
        let tagged = |id: &str| TaskSpec {
            project_tags: vec!["tier/critical".to_owned()],
            ..deployment(id)
        };
        let runbook = |id: &str| TaskSpec { kind: TaskKind::RunbookRun.into(), ..deployment(id) };
        let staging = |id: &str| TaskSpec { environment: "staging".to_owned(), ..deployment(id) };
        for task in [deployment("plain"), acme("acme"), tagged("tagged"), runbook("runbook"),
            staging("staging")] {
            gate.orchestrator().create(task).await.granted();
        }
        type Spec = fn() -> Vec<Scope>;
        let rows: [(Spec, &[&str]); 6] = [
            (|| vec![scope(|it| it.environments = ids(&["staging", "test"]))], &["staging"]),
            (|| vec![scope(|it| it.projects = tags(&["tier/critical", "tier/high"]))], &["tagged"]),
            (|| vec![scope(|it| it.kinds = vec![TaskKind::RunbookRun.into()])], &["runbook"]),
            (|| vec![scope(|it| it.tenants = vec!["acme".to_owned()])], &["acme"]),
            (|| vec![scope(|it| it.projects = ids(&["we", "web2", "WEB"]))], &[]),
            // Scopes of one freeze are alternatives.
            (|| vec![scope(|it| it.environments = ids(&["staging"])),
                scope(|it| it.tenants = vec!["acme".to_owned()])], &["acme", "staging"]),
        ];
        for (number, (scopes, expected)) in rows.into_iter().enumerate() {
            let id = format!("freeze-{number}");
            gate.frozen(FreezeSpec::new(&id).with(|it| it.scopes = scopes())).await;
            assert_eq!(frozen_tasks(gate).await, expected, "{number}");
            gate.admin().delete_freeze(&id).await.granted();
            gate.pass(0).await;
            assert_eq!(frozen_tasks(gate).await, Vec::<String>::new(), "{number}");
        }
    }

    async fn f1_a_freeze_that_outlasts_the_window_ends_in_window_closed(gate) {
        gate.alice_approves().await;
        let task = |id: &str| TaskSpec { window: window(None, gate.at(120)), ..deployment(id) };
        gate.cleared(task("cleared")).await;
        gate.waiting(task("waiting")).await;
        gate.frozen(FreezeSpec::new("long").between(None, gate.at(121))).await;
        let held = gate.task("cleared").await;
        assert_eq!((held.state(), held.earliest_start), (TaskState::Paused, None));
        gate.pass(120).await;
        for id in ["cleared", "waiting"] {
            let task = gate.task(id).await;
            assert_eq!(task.termination_reason(), TerminationReason::WindowClosed, "{id}");
            assert_eq!((task.signal(), task.ended_at), (Signal::Terminate, gate.at(0)));
        }
        gate.pass(1).await;
        gate.runner().start("cleared", 2, "c").await.refused("START_NEVER", "P4");
    }

    async fn f1_a_freeze_over_a_period_does_not_extend_it(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(hourly());
        gate.admin().policy(policy).await.granted();
        gate.cleared(deployment("t1")).await;
        let freeze = FreezeSpec::new("f").between(None, instant("2026-11-23T00:30:00Z"));
        gate.frozen(freeze).await;
        let held = gate.task("t1").await;
        assert_eq!(blocked_by(&held), ["freeze f 2026-11-23T00:30:00Z"]);
        assert_eq!(held.earliest_start, instant("2026-11-23T01:00:00Z"));
        gate.pass_to("2026-11-23T00:10:00Z").await;
        let bound = gate.task("t1").await;
        let both = ["window 2026-11-23T01:00:00Z", "freeze f 2026-11-23T00:30:00Z"];
        assert_eq!(blocked_by(&bound), both);
        // In the log's order of reasons, it is the window that it waits for.
        assert_eq!(frozen_tasks(gate).await, Vec::<String>::new());
        gate.pass_to("2026-11-23T00:30:00Z").await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.pass_to("2026-11-23T01:00:00Z").await;
        gate.runner().start("t1", 2, "c").await.granted();
    }

    async fn f1_a_period_that_opens_under_a_freeze_waits_for_it(gate) {
        gate.alice_approves().await;
        let task = TaskSpec { window: window(gate.at(60), gate.at(600)), ..deployment("t1") };
        gate.approved(task).await;
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(300))).await;
        let waiting = gate.task("t1").await;
        let (opens, ends) = (spoken(gate.at(60)), spoken(gate.at(300)));
        assert_eq!(blocked_by(&waiting), [format!("window {opens}"), format!("freeze f {ends}")]);
        assert_eq!(waiting.earliest_start, gate.at(300));
        gate.pass(60).await;
        assert_eq!(frozen_tasks(gate).await, ["t1"]);
        is_held_by(gate, "t1", 1, "f").await;
        gate.pass(239).await;
        is_held_by(gate, "t1", 1, "f").await;
        gate.pass(1).await;
        assert_eq!(gate.task("t1").await.permit.unwrap().valid_until, gate.at(300));
        gate.runner().start("t1", 1, "c").await.granted();
    }

    async fn f1_its_first_instant_holds_and_its_end_does_not(gate) {
        gate.alice_approves().await;
        for id in ["before", "first", "last", "after"] {
            gate.cleared(deployment(id)).await;
        }
        gate.frozen(FreezeSpec::new("f").between(gate.at(60), gate.at(120))).await;
        // Nothing is swept: each start and approval is judged by its own instant.
        gate.clock.advance_micros(60_000_000 - 1);
        gate.runner().start("before", 1, "c").await.granted();
        gate.clock.advance_micros(1);
        is_held_by(gate, "first", 1, "f").await;
        gate.waiting(deployment("new")).await;
        let approved = gate.as_("alice").approve("new").await.granted();
        let task = &approved.tasks[0];
        assert_eq!((task.state(), task.generation), (TaskState::Paused, 0));
        gate.clock.advance_micros(60_000_000 - 1);
        is_held_by(gate, "last", 1, "f").await;
        gate.clock.advance_micros(1);
        // It was never noticed that "after" was to be held, so its permit is good.
        gate.runner().start("after", 1, "c").await.granted();
        gate.runner().start("new", 1, "c").await.granted();
        gate.runner().start("first", 2, "c").await.granted();
    }

    async fn f2_cleared_tasks_go_back_and_hear_hold_then_proceed_anew(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        stream.synced().await;
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(120))).await;
        let hold = stream.next().await.signals.remove(0);
        assert_eq!((hold.signal(), hold.state()), (Signal::Hold, TaskState::Paused));
        assert!(hold.message.contains("freeze f holds it until 2026-11-23T00:02:00Z"), "{hold:?}");
        gate.pass(120).await;
        let proceed = stream.next().await.signals.remove(0);
        assert_eq!((proceed.signal(), proceed.permit.unwrap().generation), (Signal::Proceed, 2));
        let stale = gate.runner().start("t1", 1, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(stale.fact("found"), "STALE_GENERATION");
        gate.runner().start("t1", 2, "c").await.granted();
    }

    async fn f2_a_start_is_bound_from_the_answer_on_before_anything_is_swept(gate) {
        gate.alice_approves().await;
        for id in ["t1", "t2"] {
            gate.cleared(deployment(id)).await;
        }
        let created = gate.admin().freeze(FreezeSpec::new("f")).await.granted();
        assert!(created.freeze.unwrap().settling);
        // The log still has it cleared, and no start is granted.
        let task = gate.task("t2").await;
        assert_eq!(task.state(), TaskState::Cleared);
        assert_eq!(task.permit.unwrap().valid_until, gate.at(0));
        is_held_by(gate, "t1", 1, "f").await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.pass(0).await;
        assert!(!gate.freeze("f").await.settling);
        assert_eq!(frozen_tasks(gate).await, ["t1", "t2"]);
    }

    async fn f2_overlapping_freezes_are_each_a_blocker_and_the_last_lets_go(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        let (end_a, end_b) = (spoken(gate.at(120)), spoken(gate.at(300)));
        gate.frozen(FreezeSpec::new("a").between(None, gate.at(120))).await;
        gate.frozen(FreezeSpec::new("b").between(gate.at(60), gate.at(300))).await;
        gate.frozen(FreezeSpec::new("c")).await;
        gate.frozen(FreezeSpec::new("elsewhere").only(&["api"], &["*"])).await;
        let task = gate.task("t1").await;
        assert_eq!(blocked_by(&task), [format!("freeze a {end_a}"), "freeze c -".to_owned()]);
        gate.pass(60).await;
        let all = format!("freeze a {end_a}, freeze b {end_b}, freeze c -");
        let request = ListTasksRequest {
            waiting_for: WaitingFor::Freeze.into(),
            ..ListTasksRequest::default()
        };
        let listed = gate.orchestrator().tasks(request).await.granted().tasks;
        assert_eq!((listed.len(), blocked_by(&listed[0]).join(", ")), (1, all));
        is_held_by(gate, "t1", 1, "a, b, c").await;
        gate.pass(60).await;
        is_held_by(gate, "t1", 1, "b, c").await;
        gate.admin().lift("c").await.granted();
        gate.pass(0).await;
        assert_eq!(gate.task("t1").await.earliest_start, gate.at(180));
        is_held_by(gate, "t1", 1, "b").await;
        gate.pass(179).await;
        is_held_by(gate, "t1", 1, "b").await;
        gate.pass(1).await;
        gate.runner().start("t1", 2, "c").await.granted();
    }

    async fn f2_freezes_that_touch_let_go_once(gate) {
        gate.alice_approves().await;
        gate.cleared(deployment("t1")).await;
        gate.frozen(FreezeSpec::new("a").between(None, gate.at(120))).await;
        gate.frozen(FreezeSpec::new("b").between(gate.at(120), gate.at(240))).await;
        gate.pass(120).await;
        let task = gate.task("t1").await;
        assert_eq!((task.state(), task.generation), (TaskState::Paused, 1));
        assert_eq!(task.earliest_start, gate.at(120));
        gate.pass(120).await;
        assert_eq!(gate.task("t1").await.generation, 2);
    }

    async fn f2_things_go_on_where_they_stood(gate) {
        let admin = gate.admin();
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        admin.policy(policy).await.granted();
        gate.frozen(FreezeSpec::new("f").between(None, gate.at(120))).await;
        let created = gate.waiting(deployment("t1")).await;
        let ends = spoken(gate.at(120));
        assert_eq!(blocked_by(&created), ["approval 2".to_owned(), format!("freeze f {ends}")]);
        // People decide while it holds, and what they decided stays.
        gate.as_("alice").approve("t1").await.granted();
        gate.waiting(deployment("rejected")).await;
        gate.as_("bob").reject("rejected").await.granted();
        gate.orchestrator().create(deployment("withdrawn")).await.granted();
        gate.orchestrator().withdraw("withdrawn").await.granted();
        gate.pass(120).await;
        assert_eq!(blocked_by(&gate.task("t1").await), ["approval 1"]);
        let approved = gate.as_("bob").approve("t1").await.granted();
        assert_eq!(approved.tasks[0].state(), TaskState::Cleared);
        for (id, reason) in [("rejected", TerminationReason::Rejected),
            ("withdrawn", TerminationReason::Withdrawn)] {
            assert_eq!(gate.task(id).await.termination_reason(), reason);
        }
    }

    async fn f4_a_started_task_is_never_touched_by_a_freeze(gate) {
        gate.alice_approves().await;
        let running = gate.running(deployment("t1"), "claim").await;
        gate.frozen(FreezeSpec::new("f")).await;
        assert_eq!(gate.task("t1").await, running);
        // The claim that runs is told so, and may report.
        gate.runner().start("t1", 1, "claim").await.granted();
        gate.runner().start("t1", 1, "other").await.refused("CLAIM_TAKEN", "P3");
        let done = gate.runner().finish("t1", "claim", TaskOutcome::Succeeded).await.granted();
        assert_eq!(done.state(), TaskState::Succeeded);
    }

    async fn w6_runnable_is_approved_and_in_window_and_period_and_free(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]);
        let policy = policy.recurring(lasting("0 0 * * *", "UTC", 10));
        gate.admin().policy(policy).await.granted();
        let task = TaskSpec { window: window(gate.at(60), gate.at(400)), ..deployment("t1") };
        gate.waiting(task).await;
        gate.frozen(FreezeSpec::new("f").between(gate.at(60), gate.at(180))).await;
        let steps: [(i64, &str); 3] = [(0, "approval"), (59, "window"), (1, "freeze")];
        for (seconds, waiting_for) in steps {
            gate.advance(seconds);
            let refused = gate.runner().start("t1", 1, "c").await.refused("START_NOT_NOW", "P4");
            assert_eq!(refused.fact("waiting_for"), waiting_for);
            if waiting_for == "approval" {
                gate.as_("alice").approve("t1").await.granted();
            }
        }
        gate.advance(120);
        gate.runner().start("t1", 1, "c").await.granted();
    }
}
