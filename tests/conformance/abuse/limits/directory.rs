//! What is said about teams, freezes and tokens.

use countersign_proto::v1::{Freeze, Team, Token};

use super::super::call::{Call, create_team, freeze, token};
use super::{Row, at_least, at_most, bytes, many, points};
use crate::gate::{instant, person};

const DAY_SECONDS: usize = 86_400;

fn in_team(what: &str, count: usize, change: impl FnOnce(&mut Team)) -> Call {
    create_team(&format!("{what} {count}"), change)
}

fn in_freeze(what: &str, count: usize, change: impl FnOnce(&mut Freeze)) -> Call {
    freeze(&format!("{what} {count}"), change)
}

fn in_token(what: &str, count: usize, change: impl FnOnce(&mut Token)) -> Call {
    token(&format!("{what} {count}"), change)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = teams();
    rows.extend(freezes());
    rows.extend(tokens());
    rows
}

fn teams() -> Vec<Row> {
    vec![
        at_most("Team.id", "team.id", 200, |n| {
            create_team("", |it| it.id = points(n))
        }),
        at_least("Team.id", "team.id", 1, |n| {
            create_team("", |it| it.id = points(n))
        }),
        at_most("Team.description", "team.description", 4_096, |n| {
            in_team("description", n, |it| it.description = bytes(n))
        }),
        at_most("Team.members", "team.members", 1_000, |n| {
            let members = many("person-", n);
            in_team("members", n, |it| {
                it.members = members.iter().map(|it| person(it)).collect();
            })
        }),
    ]
}

fn freezes() -> Vec<Row> {
    vec![
        at_most("Freeze.id", "freeze.id", 200, |n| {
            freeze("", |it| it.id = points(n))
        }),
        at_least("Freeze.id", "freeze.id", 1, |n| {
            freeze("", |it| it.id = points(n))
        }),
        at_most("Freeze.reason", "freeze.reason", 4_096, |n| {
            in_freeze("reason", n, |it| it.reason = bytes(n))
        }),
        at_least("Freeze.reason", "freeze.reason", 1, |n| {
            in_freeze("reason", n, |it| it.reason = bytes(n))
        })
        .by("F1"),
        at_most("Freeze.scopes", "freeze.scopes", 100, |n| {
            in_freeze("scopes", n, |it| it.scopes = vec![it.scopes[0].clone(); n])
        }),
        at_least("Freeze.scopes", "freeze.scopes", 1, |n| {
            in_freeze("scopes", n, |it| it.scopes.truncate(n))
        })
        .by("M2"),
    ]
}

/// An instant so many seconds after the beginning of every test.
fn lives(count: usize) -> Option<prost_types::Timestamp> {
    let mut at = instant("2026-11-23T00:00:00Z").unwrap();
    at.seconds += i64::try_from(count).unwrap();
    Some(at)
}

fn tokens() -> Vec<Row> {
    vec![
        at_most("Token.id", "token.id", 200, |n| {
            token("", |it| it.id = points(n))
        }),
        at_least("Token.id", "token.id", 1, |n| {
            token("", |it| it.id = points(n))
        }),
        at_most("Token.description", "token.description", 4_096, |n| {
            in_token("description", n, |it| it.description = bytes(n))
        }),
        at_most("Token.teams", "token.teams", 1_000, |n| {
            in_token("teams", n, |it| it.teams = many("team-", n))
        }),
        at_most("Token.projects", "token.projects", 1_000, |n| {
            in_token("projects", n, |it| it.projects = many("project-", n))
        }),
        at_least("Token.projects", "token.projects", 1, |n| {
            in_token("projects", n, |it| it.projects = many("project-", n))
        }),
        at_most("Token.environments", "token.environments", 1_000, |n| {
            in_token("environments", n, |it| {
                it.environments = many("environment-", n);
            })
        }),
        at_most(
            "Token.expires_at",
            "token.expires_at",
            366 * DAY_SECONDS,
            |n| in_token("life", n, |it| it.expires_at = lives(n)),
        ),
        at_least("Token.expires_at", "token.expires_at", 1, |n| {
            in_token("life", n, |it| it.expires_at = lives(n))
        }),
        at_most("Person.issuer", "token.person.issuer", 200, |n| {
            in_token("issuer", n, |it| {
                it.person.as_mut().unwrap().issuer = points(n);
            })
        }),
    ]
}
