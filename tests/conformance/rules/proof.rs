//! W3, W4, F1: the proof at save. What could never be meant is refused, what is worth a second look
//! is warned of; and what a change request keeps of the windows of its policies.

use countersign_proto::v1::{ChangeWindow, OnClose, TaskSpec, Warning, WarningKind};

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, deployment, hourly, instant, lasting, once, recurring,
    until,
};

/// As far ahead as schedules are looked at, in seconds.
const TEN_YEARS: i64 = 3_653 * 86_400;

/// Warnings, each with the policy and the freeze it concerns.
fn told(warnings: &[Warning]) -> Vec<(WarningKind, &str, &str)> {
    warnings
        .iter()
        .map(|it| (it.kind(), it.policy.as_str(), it.freeze.as_str()))
        .collect()
}

fn alice(id: &str) -> PolicySpec {
    PolicySpec::new(id).users(&["alice"])
}

/// A policy with this window is refused by this field, created and updated; nothing is written.
async fn refused(gate: &Gate, field: &str, windows: &[ChangeWindow]) {
    let entries = gate.entries().await;
    let windows = windows.to_vec();
    for disabled in [false, true] {
        let windows = windows.clone();
        let policy = alice("new").with(|it| (it.windows, it.disabled) = (windows, disabled));
        gate.admin().policy(policy).await.bad_field(field, "W3");
    }
    let policy = alice("prod").with(|it| it.windows = windows);
    let updated = gate.admin().update_policy(policy, &["windows"]).await;
    updated.bad_field(field, "W3");
    assert_eq!(gate.entries().await, entries);
}

on_both_stores! {
    async fn w3_windows_that_never_open_are_refused(gate) {
        gate.alice_approves().await;
        let past = once(gate.at(-120), gate.at(0));
        refused(gate, "policy.windows", std::slice::from_ref(&past)).await;
        refused(gate, "policy.windows", &[past, once(gate.at(-60), gate.at(0))]).await;
        // 30 February never comes; 29 February does.
        let never = recurring(lasting("0 0 30 2 *", "UTC", 60));
        refused(gate, "policy.windows[0].recurring", std::slice::from_ref(&never)).await;
        refused(gate, "policy.windows[1].recurring", &[recurring(hourly()), never]).await;
        let leap = alice("leap").recurring(lasting("0 0 29 2 *", "UTC", 60));
        assert_eq!(gate.admin().policy(leap).await.granted().warnings, []);
        // A microsecond that is left is enough to open.
        let last = alice("last").once(gate.at(-60), gate.at_micros(1));
        gate.admin().policy(last).await.granted();
    }

    async fn w3_what_is_shorter_than_a_minute_is_refused(gate) {
        gate.alice_approves().await;
        let short = once(gate.at(60), gate.at_micros(120_000_000 - 1));
        refused(gate, "policy.windows[0].once", &[short]).await;
        let minute = alice("minute").once(gate.at(60), gate.at(120));
        gate.admin().policy(minute).await.granted();
    }

    async fn w3_a_window_that_is_past_is_warned_of(gate) {
        let policy = alice("prod").once(gate.at(-120), gate.at(0)).once(gate.at(60), gate.at(120));
        let saved = gate.admin().policy(policy).await.granted();
        assert_eq!(told(&saved.warnings), [(WarningKind::WindowPast, "prod", "")]);
        assert!(saved.warnings[0].message.contains("windows[0]"), "{saved:?}");
    }

    async fn w4_windows_that_never_meet_are_warned_of_and_refuse_the_task(gate) {
        let admin = gate.admin();
        let whole = admin.policy(alice("on-the-hour").recurring(hourly())).await.granted();
        assert_eq!(whole.warnings, []);
        let half = alice("half-past").recurring(lasting("30 * * * *", "UTC", 10));
        let saved = admin.policy(half.clone()).await.granted();
        assert_eq!(told(&saved.warnings), [(WarningKind::WindowsNeverMeet, "half-past", "")]);
        assert!(saved.warnings[0].message.contains("on-the-hour"), "{saved:?}");
        let task = gate.orchestrator().create(deployment("t1")).await;
        let refused = task.refused("NO_PERIOD", "W4");
        assert_eq!(refused.fact("policies"), "half-past, on-the-hour");
        assert_eq!(refused.fact("why"), "NEVER_OPEN");
        // Where no task could match both, or one is switched off, nothing is wrong.
        let elsewhere = half.clone().only(&["api"], &["*"]);
        let on_web = alice("on-the-hour").only(&["web"], &["*"]);
        admin.update_policy(on_web, &["scopes"]).await.granted();
        assert_eq!(admin.update_policy(elsewhere, &["scopes"]).await.granted().warnings, []);
        let off = half.with(|it| it.disabled = true);
        let saved = admin.update_policy(off, &["scopes", "disabled"]).await.granted();
        assert_eq!(saved.warnings, []);
    }

    async fn w4_windows_that_take_too_long_to_compare_are_warned_of_and_refuse_the_task(gate) {
        // Of the minutes of the next ten years each is in one of them, and none in both.
        let even = alice("even").recurring(lasting("*/2 * * * *", "UTC", 1));
        assert_eq!(gate.admin().policy(even).await.granted().warnings, []);
        let odd = alice("odd").recurring(lasting("1-59/2 * * * *", "UTC", 1));
        let saved = gate.admin().policy(odd).await.granted();
        assert_eq!(told(&saved.warnings), [(WarningKind::WindowsNeverMeet, "odd", "")]);
        let entries = gate.entries().await;
        let seen = gate.orchestrator().preview(deployment("t1")).await;
        let made = gate.orchestrator().create(deployment("t1")).await;
        for refused in [seen, made] {
            let refused = refused.refused("NO_PERIOD", "W4");
            assert_eq!(refused.fact("policies"), "even, odd");
            assert_eq!(refused.fact("why"), "TOO_MUCH_WORK");
            assert!(refused.message.contains("take too long to look through"), "{refused:?}");
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn f1_windows_inside_freezes_are_warned_of_from_both_sides(gate) {
        let admin = gate.admin();
        let weekend = || until("0 0 * * 6,0", "UTC", "24:00");
        let saturdays = alice("saturdays").recurring(lasting("0 9 * * 6", "UTC", 60));
        assert_eq!(admin.policy(saturdays.clone()).await.granted().warnings, []);
        let freeze = FreezeSpec::new("weekend").recurring(weekend());
        let kept = admin.freeze(freeze).await.granted();
        let expected = [(WarningKind::WindowsInsideFreezes, "saturdays", "weekend")];
        assert_eq!(told(&kept.warnings), expected);
        let morning = recurring(lasting("0 8 * * 6", "UTC", 60));
        let morning = saturdays.with(|it| it.windows = vec![morning]);
        let again = admin.update_policy(morning, &["windows"]).await.granted();
        assert_eq!(told(&again.warnings), expected);
        assert!(again.warnings[0].message.contains("(weekend)"), "{again:?}");
        // One window outside is enough, and so is another place.
        let mondays = alice("mondays").recurring(lasting("0 8 * * 6,1", "UTC", 60));
        assert_eq!(admin.policy(mondays).await.granted().warnings, []);
        let api = FreezeSpec::new("other").only(&["api"], &["*"]).recurring(weekend());
        let web = alice("web").only(&["web"], &["*"]).recurring(lasting("0 8 * * 6", "UTC", 60));
        admin.delete_freeze("weekend").await.granted();
        admin.delete_policy("saturdays").await.granted();
        assert_eq!(admin.freeze(api).await.granted().warnings, []);
        assert_eq!(admin.policy(web).await.granted().warnings, []);
    }

    async fn f1_a_freeze_that_holds_nothing_is_refused(gate) {
        let admin = gate.admin();
        let entries = gate.entries().await;
        let freeze = || FreezeSpec::new("f");
        let ahead = |seconds| gate.at(TEN_YEARS + seconds);
        let rows = [
            ("end", freeze().between(gate.at(-120), gate.at(0))),
            ("end", freeze().between(None, gate.at(0))),
            ("end", freeze().between(gate.at(60), gate.at(60))),
            ("end", freeze().between(gate.at(120), gate.at(60))),
            ("end", freeze().between(None, gate.at(59))),
            ("end", freeze().between(gate.at(60), gate.at_micros(120_000_000 - 1))),
            ("start", freeze().between(ahead(1), None)),
            ("start", freeze().between(ahead(1), ahead(3_600))),
            ("recurrence", freeze().recurring(lasting("0 0 30 2 *", "UTC", 60))),
            ("recurrence", freeze().between(None, gate.at(3_600))
                .recurring(lasting("0 5 * * *", "UTC", 60))),
        ];
        for (field, spec) in rows {
            let field = format!("freeze.{field}");
            admin.freeze(spec.clone()).await.bad_field(&field, "F1");
            admin.preview_freeze(spec).await.bad_field(&field, "F1");
        }
        assert_eq!(gate.entries().await, entries);
        admin.freeze(freeze().between(gate.at(-3_600), gate.at(60))).await.granted();
        let far = FreezeSpec::new("far").between(ahead(-1), None);
        assert_eq!(admin.freeze(far).await.granted().freeze.unwrap().start, ahead(-1));
        for end in [gate.at(0), gate.at(-1)] {
            let past = freeze().between(gate.at(-3_600), end);
            admin.update_freeze(past, &["end"]).await.bad_field("freeze.end", "F1");
        }
    }

    async fn w3_a_change_request_keeps_what_each_policy_said_of_windows(gate) {
        let admin = gate.admin();
        let hold = alice("a").recurring(hourly()).once(gate.at(0), gate.at(60));
        admin.policy(hold.clone().on_close(OnClose::Hold)).await.granted();
        admin.policy(alice("b").recurring(hourly())).await.granted();
        admin.policy(alice("c")).await.granted();
        let cr = gate.orchestrator().opened(deployment("t1")).await;
        let resultant = cr.resultant_policy.clone().unwrap();
        assert_eq!(resultant.on_close(), OnClose::Hold);
        let kept: Vec<_> = resultant.policies.iter()
            .map(|it| (it.id.as_str(), it.windows.len(), it.on_close())).collect();
        assert_eq!(kept,
            [("a", 2, OnClose::Hold), ("b", 1, OnClose::Hold), ("c", 0, OnClose::Unspecified)]);
        assert_eq!(resultant.policies[0].windows, hold.build().windows);
        // Later changes leave it as it is.
        let ends = alice("a").on_close(OnClose::Terminate);
        let updated = admin.update_policy(ends, &["on_close"]).await.granted();
        assert_eq!(updated.open_change_requests, 1);
        let found = gate.orchestrator().change_request("t1").await.granted();
        assert_eq!(found.resultant_policy, cr.resultant_policy);
        let cr = gate.orchestrator().opened(deployment("t2")).await;
        assert_eq!(cr.resultant_policy.unwrap().on_close(), OnClose::Terminate);
    }

    async fn w4_what_is_only_asked_about_says_when_it_could_start(gate) {
        let policy = alice("prod").once(gate.at(60), gate.at(300)).recurring(hourly());
        gate.admin().policy(policy.on_close(OnClose::Hold)).await.granted();
        gate.pass(600).await;
        let entries = gate.entries().await;
        let seen = gate.orchestrator().preview(deployment("t1")).await.granted().task.unwrap();
        assert_eq!(seen.earliest_start, instant("2026-11-23T01:00:00Z"));
        assert_eq!(seen.period.unwrap().end, instant("2026-11-23T01:10:00Z"));
        assert_eq!(gate.entries().await, entries);
        // Over the next period and the one after that there is a freeze.
        let over = FreezeSpec::new("f").between(gate.at(0), instant("2026-11-23T02:05:00Z"));
        gate.frozen(over).await;
        let seen = gate.orchestrator().preview(deployment("t1")).await.granted().task.unwrap();
        assert_eq!(seen.earliest_start, instant("2026-11-23T02:05:00Z"));
        let other = TaskSpec { environment: "staging".to_owned(), ..deployment("t2") };
        gate.admin().delete_policy("prod").await.granted();
        let seen = gate.orchestrator().preview(other).await.granted().task.unwrap();
        assert_eq!(seen.earliest_start, instant("2026-11-23T02:05:00Z"));
        gate.frozen(FreezeSpec::new("halt").only(&["*"], &["staging"])).await;
        let other = TaskSpec { environment: "staging".to_owned(), ..deployment("t2") };
        let seen = gate.orchestrator().preview(other).await.granted().task.unwrap();
        assert_eq!(seen.earliest_start, None);
    }
}
