//! What an administrator says about a policy, its scopes and its schedule.

use countersign_proto::v1::recurrence::Length;
use countersign_proto::v1::{Approvers, ChangeWindow, Policy, Recurrence, Scope, ScopeSide};
use prost_types::{Duration, Timestamp};

use super::super::call::{Call, policy};
use super::{Row, at_least, at_most, bytes, many, points};
use crate::gate::{hourly, ids, instant, once, person, recurring};

const DAY_SECONDS: usize = 86_400;
/// The longest time that anything is looked ahead or lives.
const TEN_YEARS_SECONDS: usize = 3_653 * DAY_SECONDS;

fn try_(what: &str, count: usize, change: impl FnOnce(&mut Policy)) -> Call {
    policy(&format!("{what} {count}"), change)
}

/// With another scope, for tasks that there are none of.
fn scoped(what: &str, count: usize, change: impl FnOnce(&mut Scope)) -> Call {
    try_(what, count, |it| change(&mut it.scopes[0]))
}

fn seconds(count: usize) -> Option<Duration> {
    let seconds = i64::try_from(count).unwrap();
    Some(Duration { seconds, nanos: 0 })
}

/// So many seconds after an instant that is ahead of every test.
fn after(count: usize) -> Option<Timestamp> {
    let mut at = instant("2026-12-01T00:00:00Z").unwrap();
    at.seconds += i64::try_from(count).unwrap();
    Some(at)
}

/// A cron expression of so many characters.
fn cron(count: usize) -> String {
    let tail = " * * * *";
    let zeros = count - tail.len();
    // 00,00,…,0 or 00,00,…,00: the same minute again and again.
    let mut minutes = "00,".repeat(zeros / 3);
    match zeros % 3 {
        0 => minutes.truncate(zeros - 1),
        1 => minutes.push('0'),
        _ => minutes.push_str("00"),
    }
    let padding = " ".repeat(zeros - minutes.len());
    format!("{minutes}{padding}{tail}")
}

fn window(what: &str, count: usize, window: ChangeWindow) -> Call {
    try_(what, count, |it| it.windows = vec![window])
}

fn lasting(count: usize) -> Recurrence {
    Recurrence {
        starts: "0 0 1 1 *".to_owned(),
        length: seconds(count).map(Length::Duration),
        ..hourly()
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = texts_and_numbers();
    rows.extend(scopes());
    rows.extend(times_to_live());
    rows.extend(schedules());
    rows
}

fn texts_and_numbers() -> Vec<Row> {
    vec![
        at_most("Policy.id", "policy.id", 200, |n| {
            policy("", |it| it.id = points(n))
        }),
        at_least("Policy.id", "policy.id", 1, |n| {
            policy("", |it| it.id = points(n))
        }),
        at_most("Policy.description", "policy.description", 4_096, |n| {
            try_("description", n, |it| it.description = bytes(n))
        }),
        at_most(
            "Policy.minimum_approvals",
            "policy.minimum_approvals",
            99,
            |n| {
                try_("minimum", n, |it| {
                    it.minimum_approvals = u32::try_from(n).unwrap();
                })
            },
        )
        .by("M5"),
        at_least(
            "Policy.minimum_approvals",
            "policy.minimum_approvals",
            1,
            |n| {
                try_("minimum", n, |it| {
                    it.minimum_approvals = u32::try_from(n).unwrap();
                })
            },
        )
        .by("M5"),
        at_most("Approvers.users", "policy.approvers", 1_000, |n| {
            let users = many("person-", n).iter().map(|it| person(it)).collect();
            try_("users", n, |it| {
                it.approvers = Some(Approvers {
                    users,
                    teams: Vec::new(),
                });
            })
        }),
        // Together with teams; the team is there.
        at_most("Approvers.users", "policy.approvers", 1_000, |n| {
            let users = many("person-", n - 1).iter().map(|it| person(it)).collect();
            let teams = vec!["security".to_owned()];
            try_("users and a team", n, |it| {
                it.approvers = Some(Approvers { users, teams });
            })
        }),
    ]
}

fn scopes() -> Vec<Row> {
    vec![
        at_most("Policy.scopes", "policy.scopes", 100, |n| {
            try_("scopes", n, |it| it.scopes = vec![it.scopes[0].clone(); n])
        }),
        at_least("Policy.scopes", "policy.scopes", 1, |n| {
            try_("scopes", n, |it| it.scopes.truncate(n))
        })
        .by("M2"),
        at_most(
            "ScopeSide.ids",
            "policy.scopes[0].projects.ids",
            1_000,
            |n| {
                let side = ScopeSide {
                    ids: many("p-", n),
                    tags: Vec::new(),
                };
                scoped("ids", n, |it| it.projects = Some(side))
            },
        ),
        at_most(
            "ScopeSide.tags",
            "policy.scopes[0].environments.tags",
            64,
            |n| {
                let side = ScopeSide {
                    ids: Vec::new(),
                    tags: many("set/", n),
                };
                scoped("tags", n, |it| {
                    (it.projects, it.environments) = (ids(&["none"]), Some(side));
                })
            },
        ),
        at_most("Scope.tenants", "policy.scopes[0].tenants", 1_000, |n| {
            scoped("tenants", n, |it| it.tenants = many("t-", n))
        }),
    ]
}

fn times_to_live() -> Vec<Row> {
    let most = TEN_YEARS_SECONDS;
    let rows = [
        at_most("Policy.approval_ttl", "policy.approval_ttl", most, |n| {
            try_("approval", n, |it| it.approval_ttl = seconds(n))
        }),
        at_least("Policy.approval_ttl", "policy.approval_ttl", 1, |n| {
            try_("approval", n, |it| it.approval_ttl = seconds(n))
        }),
        at_most("Policy.execution_ttl", "policy.execution_ttl", most, |n| {
            try_("execution", n, |it| it.execution_ttl = seconds(n))
        }),
        at_least("Policy.execution_ttl", "policy.execution_ttl", 1, |n| {
            try_("execution", n, |it| it.execution_ttl = seconds(n))
        }),
        at_most("Policy.max_auth_age", "policy.max_auth_age", most, |n| {
            try_("login", n, |it| it.max_auth_age = seconds(n))
        }),
        at_least("Policy.max_auth_age", "policy.max_auth_age", 1, |n| {
            try_("login", n, |it| it.max_auth_age = seconds(n))
        }),
    ];
    rows.map(|row| row.by("W7")).into()
}

fn schedules() -> Vec<Row> {
    let rows = [
        at_most(
            "Recurrence.starts",
            "policy.windows[0].recurring.starts",
            300,
            |n| {
                window(
                    "cron",
                    n,
                    recurring(Recurrence {
                        starts: cron(n),
                        ..hourly()
                    }),
                )
            },
        ),
        at_most(
            "Recurrence.duration",
            "policy.windows[0].recurring.duration",
            366 * DAY_SECONDS,
            |n| window("long", n, recurring(lasting(n))),
        ),
        at_least(
            "Recurrence.duration",
            "policy.windows[0].recurring.duration",
            60,
            |n| window("short", n, recurring(lasting(n))),
        ),
        at_least("ChangeWindow.once", "policy.windows[0].once", 60, |n| {
            window("once", n, once(after(0), after(n)))
        }),
    ];
    let mut rows: Vec<Row> = rows.map(|row| row.by("W3")).into();
    rows.push(at_most("Policy.windows", "policy.windows", 32, |n| {
        try_("windows", n, |it| it.windows = vec![recurring(hourly()); n])
    }));
    rows
}
