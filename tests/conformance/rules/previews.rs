//! W3, W5, F1: what PreviewSchedule says of a policy, a freeze, a draft of either, and a task.

use countersign_proto::v1::preview_schedule_request::Subject;
use countersign_proto::v1::{
    Freeze, Policy, PreviewScheduleRequest, PreviewScheduleResponse, TaskSpec, TransitionKind,
};
use prost_types::Timestamp;
use tonic::Code;

use crate::gate::{
    Caller, Expect, FreezeSpec, PolicySpec, Setup, TokenSpec, deployment, hourly, instant, lasting,
    once, recurring, turns, until, window,
};

fn policy_id(id: &str) -> Subject {
    Subject::PolicyId(id.to_owned())
}

fn freeze_id(id: &str) -> Subject {
    Subject::FreezeId(id.to_owned())
}

fn task_id(id: &str) -> Subject {
    Subject::TaskId(id.to_owned())
}

/// The first transitions from an instant on.
async fn first(
    caller: &Caller,
    of: Subject,
    from: Option<Timestamp>,
    count: u32,
) -> PreviewScheduleResponse {
    let request = PreviewScheduleRequest {
        subject: Some(of),
        from,
        count,
    };
    caller.schedule_with(request).await.granted()
}

on_both_stores! {
    async fn w5_a_policys_windows_with_local_times_over_a_shift(gate) {
        let nights = lasting("30 1 * * *", "Europe/Berlin", 90);
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(nights);
        gate.admin().policy(policy).await.granted();
        let entries = gate.entries().await;
        let from = instant("2027-03-27T12:00:00Z");
        let found = first(&gate.as_("bob"), policy_id("prod"), from, 4).await;
        assert_eq!(turns(&found.transitions), [
            "OPENS 2027-03-28T01:30:00+01:00[Europe/Berlin]",
            "CLOSES 2027-03-28T04:00:00+02:00[Europe/Berlin]",
            "OPENS 2027-03-29T01:30:00+02:00[Europe/Berlin]",
            "CLOSES 2027-03-29T03:00:00+02:00[Europe/Berlin]",
        ]);
        assert_eq!(found.transitions[1].at, instant("2027-03-28T02:00:00Z"));
        assert!(found.transitions.iter().all(|it| it.freeze_id.is_empty()));
        assert!(found.transitions.iter().all(|it| !it.reason.is_empty()));
        assert_eq!((found.open, found.from), (false, from));
        // The release of the database of zones, such as 2026b.
        let version = &found.tz_database_version;
        assert!(version.len() == 5 && version.starts_with("20"), "{version}");
        let inside = instant("2027-03-28T01:00:00Z");
        let found = first(&gate.as_("bob"), policy_id("prod"), inside, 1).await;
        assert_eq!(turns(&found.transitions), ["CLOSES 2027-03-28T04:00:00+02:00[Europe/Berlin]"]);
        assert!(found.open);
        assert_eq!(gate.entries().await, entries);
    }

    async fn w3_a_policy_without_windows_is_open_and_stays_so(gate) {
        gate.alice_approves().await;
        let found = first(&gate.as_("bob"), policy_id("prod"), None, 0).await;
        assert_eq!((found.open, found.transitions.len(), found.from), (true, 0, gate.at(0)));
    }

    async fn w3_a_draft_is_looked_at_before_it_is_saved(gate) {
        let entries = gate.entries().await;
        // Only the windows are looked at.
        let draft = Policy {
            windows: vec![once(gate.at(60), gate.at(120)), once(gate.at(120), gate.at(180)),
                once(gate.at(-60), gate.at(0))],
            ..Policy::default()
        };
        let found = gate.as_("bob").schedule(Subject::Policy(draft)).await.granted();
        assert_eq!(turns(&found.transitions),
            ["OPENS 2026-11-23T00:01:00Z", "CLOSES 2026-11-23T00:03:00Z"]);
        let draft = Freeze {
            start: gate.at(60),
            end: gate.at(3_600),
            recurrence: Some(until("*/30 * * * *", "UTC", "00:20")),
            ..Freeze::default()
        };
        let found = gate.as_("bob").schedule(Subject::Freeze(draft)).await.granted();
        // The occurrence of yesterday is cut to the start, and the first of today goes on.
        assert_eq!(found.transitions[0].at, gate.at(60));
        assert_eq!(found.transitions.last().unwrap().at, gate.at(3_600));
        let endless = Freeze { start: gate.at(60), ..Freeze::default() };
        let found = gate.as_("bob").schedule(Subject::Freeze(endless)).await.granted();
        assert_eq!(turns(&found.transitions), ["FREEZE_BEGINS 2026-11-23T00:01:00Z"]);
        assert_eq!(gate.entries().await, entries);
    }

    async fn w5_a_bad_draft_is_refused_by_its_field(gate) {
        let windows = vec![recurring(lasting("0 2 * * *", "CEST", 60))];
        let policy = Policy { windows, ..Policy::default() };
        let refused = gate.as_("bob").schedule(Subject::Policy(policy)).await;
        let refused = refused.refused("INVALID_FIELD", "W3");
        assert_eq!(refused.fact("field"), "policy.windows[0].recurring.time_zone");
        let recurrence = Some(lasting("0 25 * * *", "UTC", 60));
        let freeze = Freeze { recurrence, ..Freeze::default() };
        let refused = gate.as_("bob").schedule(Subject::Freeze(freeze)).await;
        refused.bad_field("freeze.recurrence.starts", "F1");
    }

    async fn f1_a_freeze_and_the_time_in_which_it_was_lifted(gate) {
        gate.frozen(FreezeSpec::new("f").recurring(hourly())).await;
        let found = first(&gate.as_("bob"), freeze_id("f"), None, 3).await;
        assert_eq!(turns(&found.transitions), [
            "FREEZE_BEGINS 2026-11-23T00:00:00+00:00[UTC]",
            "FREEZE_ENDS 2026-11-23T00:10:00+00:00[UTC]",
            "FREEZE_BEGINS 2026-11-23T01:00:00+00:00[UTC]",
        ]);
        assert!(found.open, "it is in force");
        assert!(found.transitions.iter().all(|it| it.freeze_id == "f"));
        assert!(found.transitions[0].reason.contains("Nobody is here."), "{found:?}");
        gate.pass(60).await;
        gate.admin().lift("f").await.granted();
        let found = first(&gate.as_("bob"), freeze_id("f"), None, 1).await;
        assert_eq!(turns(&found.transitions), ["FREEZE_BEGINS 2026-11-23T01:00:00+00:00[UTC]"]);
        assert!(!found.open, "it was lifted");
        let found = first(&gate.as_("bob"), freeze_id("f"), gate.at(-1), 2).await;
        assert_eq!(turns(&found.transitions), [
            "FREEZE_ENDS 2026-11-23T00:01:00+00:00[UTC]",
            "FREEZE_BEGINS 2026-11-23T01:00:00+00:00[UTC]",
        ]);
        assert!(found.open, "it was not lifted then");
    }

    async fn w4_a_tasks_periods_and_the_freezes_that_match_it(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(hourly());
        gate.admin().policy(policy).await.granted();
        let task = TaskSpec { window: window(None, gate.at(2 * 3_600)), ..deployment("t1") };
        gate.waiting(task).await;
        let freeze = FreezeSpec::new("f").between(gate.at(300), gate.at(4_000));
        gate.frozen(freeze).await;
        gate.frozen(FreezeSpec::new("elsewhere").only(&["api"], &["*"])).await;
        let found = first(&gate.as_("bob"), task_id("t1"), None, 0).await;
        let kinds: Vec<_> = found.transitions.iter().map(|it| (it.kind(), it.at)).collect();
        assert_eq!(kinds, [
            (TransitionKind::Opens, gate.at(0)),
            (TransitionKind::FreezeBegins, gate.at(300)),
            (TransitionKind::Closes, gate.at(600)),
            (TransitionKind::Opens, gate.at(3_600)),
            (TransitionKind::FreezeEnds, gate.at(4_000)),
            (TransitionKind::Closes, gate.at(4_200)),
        ]);
        assert!(found.open);
        let rows = [(299, true), (300, false), (3_999, false), (4_000, true), (4_200, false)];
        for (seconds, open) in rows {
            let found = first(&gate.as_("bob"), task_id("t1"), gate.at(seconds), 1).await;
            assert_eq!(found.open, open, "{seconds}");
        }
        gate.as_("alice").reject("t1").await.granted();
        let ended = first(&gate.as_("bob"), task_id("t1"), None, 0).await;
        assert_eq!((ended.open, ended.transitions.len()), (false, 0));
    }

    async fn w5_a_reason_names_the_policy_whose_window_turns(gate) {
        let admin = gate.admin();
        let ahead = || PolicySpec::new("ahead").users(&["alice"]);
        let behind = || PolicySpec::new("behind").users(&["alice"]);
        admin.policy(ahead().recurring(lasting("0 * * * *", "UTC", 30))).await.granted();
        admin.policy(behind().recurring(lasting("10 * * * *", "UTC", 20))).await.granted();
        let task = TaskSpec { window: window(None, gate.at(3_600 + 1_200)), ..deployment("t1") };
        gate.waiting(task).await;
        let found = first(&gate.as_("bob"), task_id("t1"), None, 0).await;
        let told: Vec<_> = found.transitions.iter().map(|it| (it.at, it.reason.as_str())).collect();
        assert_eq!(told, [
            (gate.at(600), "the change window opens (policy behind)"),
            (gate.at(1_800), "the change window closes (policy ahead, behind)"),
            (gate.at(4_200), "the change window opens (policy behind)"),
            (gate.at(4_800), "the change window closes (the task's own window)"),
        ]);
        // Of a policy all windows are its own.
        let found = first(&gate.as_("bob"), policy_id("ahead"), gate.at(1), 2).await;
        let told: Vec<_> = found.transitions.iter().map(|it| it.reason.as_str()).collect();
        assert_eq!(told, ["the change window closes", "the change window opens"]);
        // Where no policy has windows there is only one whose they could be.
        admin.delete_policy("ahead").await.granted();
        admin.update_policy(behind(), &["windows"]).await.granted();
        let task = TaskSpec { window: window(gate.at(60), gate.at(120)), ..deployment("t2") };
        gate.waiting(task).await;
        let found = first(&gate.as_("bob"), task_id("t2"), None, 0).await;
        let told: Vec<_> = found.transitions.iter().map(|it| it.reason.as_str()).collect();
        assert_eq!(told, ["the change window opens", "the change window closes"]);
    }

    async fn w3_how_many_and_from_when_have_limits(gate) {
        let policy = PolicySpec::new("prod").users(&["alice"]).recurring(hourly());
        gate.admin().policy(policy).await.granted();
        let bob = gate.as_("bob");
        for (count, found) in [(0, 20), (1, 1), (20, 20), (200, 200)] {
            let answer = first(&bob, policy_id("prod"), None, count).await;
            assert_eq!(answer.transitions.len(), found, "{count}");
        }
        let ask = |of: Option<Subject>, from, count| PreviewScheduleRequest {
            subject: of,
            from,
            count,
        };
        for count in [201, u32::MAX] {
            let request = ask(Some(policy_id("prod")), None, count);
            bob.schedule_with(request).await.bad_field("count", "E1");
        }
        let no_instant = Some(Timestamp { seconds: -1, nanos: 0 });
        let request = ask(Some(policy_id("prod")), no_instant, 1);
        let refused = bob.schedule_with(request).await.refused("INVALID_FIELD", "W1");
        assert_eq!(refused.fact("field"), "from");
        bob.schedule_with(ask(None, None, 1)).await.bad_field("subject", "E1");
        let far = instant("2030-01-01T00:30:00Z");
        let answer = first(&bob, policy_id("prod"), far, 1).await;
        assert_eq!(answer.transitions[0].at, instant("2030-01-01T01:00:00Z"));
        // It is at most ten years ahead that anybody may ask.
        let beyond = ask(Some(policy_id("prod")), instant("2037-01-01T00:00:00Z"), 1);
        bob.schedule_with(beyond).await.bad_field("from", "E1");
    }

    async fn e1_what_is_not_there_is_not_found(gate) {
        let bob = gate.as_("bob");
        for (subject, kind) in [
            (policy_id("absent"), "policy"),
            (freeze_id("absent"), "freeze"),
            (task_id("absent"), "task"),
        ] {
            let refused = bob.schedule(subject).await.refused("NOT_FOUND", "E1");
            assert_eq!((refused.code, refused.fact("kind")), (Code::NotFound, kind));
        }
        bob.schedule(policy_id("")).await.bad_field("policy_id", "E1");
        bob.schedule(freeze_id("a\u{0}")).await.bad_field("freeze_id", "E1");
        bob.schedule(task_id("")).await.bad_field("task_id", "E1");
    }
}

/// One person with an unlimited credential, one with a limited one.
fn limited() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("ci", &["orchestrator"]),
        TokenSpec::person("everywhere", "alice"),
        TokenSpec::person("only-api", "bob").projects(&["api"]),
    ]
}

on_both_stores! { with Setup::with_tokens(limited);
    async fn e1_a_task_is_shown_to_those_whose_grant_covers_it(gate) {
        gate.with_token("ci").create(deployment("t1")).await.granted();
        gate.with_token("everywhere").schedule(task_id("t1")).await.granted();
        let there = gate.with_token("only-api").schedule(task_id("t1")).await;
        let there = there.refused("NOT_FOUND", "E1");
        let absent = gate.with_token("only-api").schedule(task_id("t0")).await;
        let absent = absent.refused("NOT_FOUND", "E1");
        assert_eq!(there.message.replace("t1", "t0"), absent.message);
    }
}
