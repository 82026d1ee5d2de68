//! Bad schedules: the windows of policies, and the recurrences of windows and freezes alike.

use countersign_proto::v1::recurrence::Length;
use countersign_proto::v1::{ChangeWindow, CreatePolicyRequest, OnClose, Recurrence};
use prost_types::{Duration, Timestamp};

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, hourly, instant, lasting, once, recurring, until,
};

/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

fn policy(windows: Vec<ChangeWindow>) -> PolicySpec {
    let policy = PolicySpec::new("prod").users(&["alice"]);
    policy.with(|it| it.windows = windows)
}

fn for_long(seconds: i64, nanos: i32) -> Recurrence {
    let length = Some(Length::Duration(Duration { seconds, nanos }));
    Recurrence { length, ..hourly() }
}

/// Each is refused by its part, in a window and in a freeze, and nothing is written.
async fn all_refused(gate: &Gate, rows: Vec<(&str, Recurrence)>) {
    let entries = gate.entries().await;
    for (part, recurrence) in rows {
        let windows = vec![recurring(hourly()), recurring(recurrence.clone())];
        let field = format!("policy.windows[1].recurring.{part}");
        let refused = gate.admin().policy(policy(windows)).await;
        refused.bad_field(&field, "W3");
        let freeze = FreezeSpec::new("f").recurring(recurrence);
        let field = format!("freeze.recurrence.{part}");
        let refused = gate.admin().freeze(freeze.clone()).await;
        refused.bad_field(&field, "F1");
        let refused = gate.admin().preview_freeze(freeze).await;
        refused.bad_field(&field, "F1");
    }
    assert_eq!(gate.entries().await, entries);
}

/// Each is taken, in a window and in a freeze, and comes back as it was said.
async fn all_taken(gate: &Gate, rows: Vec<Recurrence>) {
    for (number, recurrence) in rows.into_iter().enumerate() {
        let id = format!("taken-{number}");
        let policy = PolicySpec::new(&id).users(&["alice"]);
        let kept = gate
            .admin()
            .policy(policy.recurring(recurrence.clone()))
            .await;
        let kept = kept.granted().policy.unwrap();
        assert_eq!(kept.windows, [recurring(recurrence.clone())]);
        let freeze = FreezeSpec::new(&id).recurring(recurrence.clone());
        let kept = gate.admin().freeze(freeze).await.granted().freeze.unwrap();
        assert_eq!(kept.recurrence, Some(recurrence));
    }
}

on_both_stores! {
    async fn w3_what_is_no_cron_expression_is_refused(gate) {
        let long = format!("{} * * * *", ["0"; 200].join(","));
        let texts = [
            "", " ", "0", "0 22 * *", "0 22 * * 5 2027", "0 0 22 * * 5", "@daily", "@reboot",
            "60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 32 * *", "0 0 * 13 *", "0 0 * 0 *",
            "0 0 * * 8", "-1 * * * *", "0 0 * * MONDAY", "0 0 * FEBR *", "MON 0 * * *",
            "0 0 L * *", "0 0 15W * *", "0 0 * * 5#2", "? * * * *", "*/0 * * * *",
            "*/60000 * * * *", "1,,2 * * * *", ",1 * * * *", "1- * * * *", "5-1 * * * *",
            "1-2-3 * * * *", "1/2 * * * *", "*,5 * * * *", "0\u{0} 0 * * *", "0\t0 * * *",
            "0\n0 * * *", "０ 0 * * *", "0 0 * * \u{202e}5",
            "$(id) 0 * * *", "0 22 * * 5; DROP TABLE policies", &long,
        ];
        let rows = texts.map(|text| ("starts", lasting(text, "UTC", 10)));
        all_refused(gate, rows.to_vec()).await;
    }

    async fn w3_what_is_a_cron_expression_is_taken(gate) {
        let texts = [
            "* * * * *", "0,15,30,45 0-23 1-31 1-12 0-7", "*/59 * * * *", "0 22 * JAN-MAR MON,FRI",
            "59 23 31 12 *", "0 0 29 2 *", "5-10/2 8-18/3 */2 * *", "0 0 13 * 5", "00 07 * * 7",
        ];
        all_taken(gate, texts.map(|text| lasting(text, "UTC", 10)).to_vec()).await;
    }

    async fn w5_what_is_no_zone_is_refused(gate) {
        let long = "Europe/".repeat(60);
        let zones = [
            "", " ", "europe/berlin", "EUROPE/BERLIN", "Europe/Berlin ", " Europe/Berlin",
            "Europe/Berlin\n", "Europe/Berlin\u{0}", "Europe/Atlantis", "Europe", "Europe/",
            "CEST", "Z", "GMT+2", "UTC+2", "+02:00", "-03", "Etc/Unknown", "Factory", "Local",
            "localtime", "CET-1CEST,M3.5.0,M10.5.0/3", "../Europe/Berlin", "/etc/localtime",
            "Europe\u{2215}Berlin", "\u{202e}nilreB/eporuE", "Ευρώπη/Αθήνα", &long,
        ];
        let rows = zones.map(|zone| ("time_zone", lasting("0 2 * * *", zone, 10)));
        all_refused(gate, rows.to_vec()).await;
        let zones = ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3"];
        all_taken(gate, zones.map(|zone| lasting("0 2 * * *", zone, 10)).to_vec()).await;
    }

    async fn w3_what_is_no_length_is_refused(gate) {
        const YEAR: i64 = 366 * 86_400;
        let mut rows: Vec<(&str, Recurrence)> = [
            (0, 0), (59, 999_999_999), (-60, 0), (60, -1), (-1, 1), (60, 1_000_000_000),
            (YEAR, 1_000), (YEAR + 1, 0), (i64::MAX, 0), (i64::MIN, 0),
        ].map(|(seconds, nanos)| ("duration", for_long(seconds, nanos))).to_vec();
        let ends = [
            "", "7:00", "07:0", "0700", "24:01", "25:00", "12:60", "-1:00", "+1:00", "12:00:00",
            "12.00", "noon", "12:00 ", " 12:00", "12:00\u{0}", "١٢:٠٠", "12:00\u{202e}", "1e:00",
        ];
        rows.extend(ends.map(|end| ("local_end", until("0 2 * * *", "UTC", end))));
        rows.push(("length", Recurrence { length: None, ..hourly() }));
        all_refused(gate, rows).await;
        let mut taken = vec![for_long(60, 0), for_long(YEAR, 0), for_long(60, 1_000)];
        let ends = ["00:00", "24:00", "02:00", "02:01", "23:59"];
        taken.extend(ends.map(|end| until("0 2 * * *", "UTC", end)));
        all_taken(gate, taken).await;
    }

    async fn w3_what_is_no_period_is_refused(gate) {
        let Timestamp { seconds, .. } = gate.at(60).unwrap();
        let end = gate.at(120);
        let rows = [
            ("[1]", "W3", ChangeWindow { window: None }),
            ("[1].once.start", "E1", once(None, end)),
            ("[1].once.end", "E1", once(gate.at(60), None)),
            ("[1].once.end", "W3", once(gate.at(60), gate.at(60))),
            ("[1].once.end", "W3", once(gate.at(60), at(seconds, 999))),
            ("[1].once.end", "W3", once(gate.at(120), gate.at(60))),
            ("[1].once", "W3", once(gate.at(60), at(seconds + 59, 999_999_999))),
        ];
        let entries = gate.entries().await;
        for (field, rule, window) in rows {
            let windows = vec![recurring(hourly()), window];
            let field = format!("policy.windows{field}");
            gate.admin().policy(policy(windows)).await.bad_field(&field, rule);
        }
        for instant in [at(-1, 0), at(0, -1), at(0, 1_000_000_000), at(LAST_SECOND + 1, 0)] {
            for (part, window) in [("start", once(instant, end)), ("end", once(end, instant))] {
                let refused = gate.admin().policy(policy(vec![window])).await;
                let refused = refused.refused("INVALID_FIELD", "W1");
                assert_eq!(refused.fact("field"), format!("policy.windows[0].once.{part}"));
            }
        }
        assert_eq!(gate.entries().await, entries);
        let widest = policy(vec![once(at(0, 0), at(LAST_SECOND, 999_999_000))]);
        gate.admin().policy(widest).await.granted();
    }

    async fn w3_windows_have_their_limits(gate) {
        let entries = gate.entries().await;
        let many = |count| policy(vec![recurring(hourly()); count]);
        gate.admin().policy(many(33)).await.bad_field("policy.windows", "E1");
        for on_close in [3, -1, i32::MAX] {
            let policy = policy(vec![recurring(hourly())]).with(|it| it.on_close = on_close);
            gate.admin().policy(policy).await.bad_field("policy.on_close", "E1");
        }
        assert_eq!(gate.entries().await, entries);
        let kept = gate.admin().policy_with(CreatePolicyRequest {
            policy: Some(many(32).on_close(OnClose::Terminate).build()),
            ..CreatePolicyRequest::default()
        }).await.granted().policy.unwrap();
        assert_eq!((kept.windows.len(), kept.on_close()), (32, OnClose::Terminate));
        assert_eq!(kept.updated_at, instant("2026-11-23T00:00:00Z"));
    }
}
