//! Bad tokens: each field, at its limits and beyond; unknown ids, bad lists and comments.

use countersign_proto::v1::{
    CreateTokenRequest, ListTokensRequest, Person, RevokeTokenRequest, Role, Token,
};
use prost_types::Timestamp;

use super::{bad_comments, bad_names, good_names};
use crate::gate::{Expect, Gate, person};

const LONGEST_SECONDS: i64 = 366 * 86_400;
/// A value that no enum of the API has.
const UNKNOWN: i32 = 99;

/// A token with one change.
fn with(gate: &Gate, change: impl FnOnce(&mut Token)) -> Token {
    let mut token = gate.token_of("laptop", "alice");
    change(&mut token);
    token
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("name-{number}")).collect()
}

/// Subjects and issuers that are none. Spaces around a name, and decomposed letters, are somebody
/// else's name, but a name.
fn bad_subjects() -> Vec<String> {
    let kept = |name: &String| name.trim() != name || name == "e\u{301}" || name == "\u{2126}";
    bad_names().into_iter().filter(|name| !kept(name)).collect()
}

/// Each is refused by its field; nothing is written.
async fn all_refused(gate: &Gate, tokens: Vec<(&str, Token)>) {
    let entries = gate.entries().await;
    for (field, token) in tokens {
        let refused = gate.access_admin().create_token(token).await;
        refused.bad_field(&format!("token.{field}"), "E1");
    }
    assert_eq!(gate.entries().await, entries);
}

/// Names where names are asked for.
fn badly_named(gate: &Gate) -> Vec<(&'static str, Token)> {
    let mut rows = vec![
        ("id", with(gate, |token| token.id.clear())),
        (
            "person.subject",
            with(gate, |token| token.person = Some(person(""))),
        ),
    ];
    for name in bad_names() {
        let services = |change: &dyn Fn(&mut Token)| {
            let mut token = gate.token_of_service("laptop", &[Role::Runner]);
            change(&mut token);
            token
        };
        rows.extend([
            ("id", with(gate, |token| token.id.clone_from(&name))),
            (
                "teams[0]",
                with(gate, |token| token.teams = vec![name.clone()]),
            ),
            ("runner", services(&|token| token.runner.clone_from(&name))),
            (
                "projects",
                with(gate, |token| token.projects = vec![name.clone()]),
            ),
            (
                "environments",
                with(gate, |token| token.environments = vec![name.clone()]),
            ),
        ]);
    }
    for name in bad_subjects() {
        rows.push((
            "person.subject",
            with(gate, |token| token.person = Some(person(&name))),
        ));
        let mut token = gate.token_of_service("laptop", &[]);
        token.person = Some(Person {
            issuer: name,
            subject: "robot".to_owned(),
        });
        rows.push(("person.issuer", token));
    }
    rows
}

on_both_stores! {
    async fn e1_bad_names_in_tokens_are_refused_by_field(gate) {
        let rows = badly_named(gate);
        all_refused(gate, rows).await;
        let none = CreateTokenRequest::default();
        gate.access_admin().create_token_with(none).await.bad_field("token", "E1");
    }

    async fn e1_bad_tokens_are_refused_by_field(gate) {
        let mut rows: Vec<(&str, Token)> = bad_comments()
            .into_iter()
            .map(|text| ("description", with(gate, |token| token.description = text)))
            .collect();
        let unset = Role::Unspecified.into();
        rows.extend([
            ("kind", with(gate, |token| token.kind = 0)),
            ("kind", with(gate, |token| token.kind = UNKNOWN)),
            ("kind", with(gate, |token| token.kind = -1)),
            ("person", with(gate, |token| token.person = None)),
            ("roles[0]", with(gate, |token| token.roles = vec![unset])),
            ("roles[1]", with(gate, |token| token.roles = vec![Role::Auditor.into(), UNKNOWN])),
            ("teams", with(gate, |token| token.teams = many(1_001))),
            ("teams[1]", with(gate, |token| token.teams = vec!["ops".to_owned(), String::new()])),
            ("projects", with(gate, |token| token.projects.clear())),
            ("projects", with(gate, |token| token.projects.push("web".to_owned()))),
            ("projects", with(gate, |token| token.projects.push("*".to_owned()))),
            ("projects", with(gate, |token| token.projects = many(1_001))),
            ("environments", with(gate, |token| token.environments.clear())),
            ("environments", with(gate, |token| token.environments.push("test".to_owned()))),
            ("environments", with(gate, |token| token.environments = many(1_001))),
        ]);
        all_refused(gate, rows).await;
    }

    async fn e1_a_token_ends_in_time_and_within_366_days(gate) {
        let at = |seconds: i64, nanos: i32| Some(Timestamp { seconds, nanos });
        let now = gate.at(0).unwrap().seconds;
        let ends = [
            None,
            gate.at(0),
            gate.at_micros(-1),
            gate.at(-1_000_000),
            gate.at_micros(LONGEST_SECONDS * 1_000_000 + 1),
            at(0, 0),
        ];
        let rows = ends.map(|end| ("expires_at", with(gate, |token| token.expires_at = end)));
        all_refused(gate, rows.into()).await;
        let admin = gate.access_admin();
        // What is no instant at all is refused as everywhere.
        let none = [(now + 60, -1), (now + 60, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0)];
        for (seconds, nanos) in none {
            let token = with(gate, |token| token.expires_at = at(seconds, nanos));
            admin.create_token(token).await.bad_field("token.expires_at", "W1");
        }
        for (number, end) in [gate.at_micros(1), gate.at(LONGEST_SECONDS)].into_iter().enumerate() {
            let token = with(gate, |token| {
                (token.id, token.expires_at) = (format!("laptop-{number}"), end);
            });
            admin.create_token(token).await.granted();
        }
    }

    async fn e1_tokens_at_their_limits_are_taken(gate) {
        let admin = gate.access_admin();
        let full = with(gate, |token| {
            token.description = "x".repeat(4_096);
            token.person = Some(person(&"é".repeat(200)));
            token.teams = many(1_000);
            token.projects = many(1_000);
            token.environments = many(1_000);
            token.roles = vec![Role::Auditor.into(); 1_000];
        });
        let kept = admin.create_token(full).await.granted().token.unwrap();
        assert_eq!((kept.projects.len(), kept.roles.len()), (1_000, 1));
        for name in good_names() {
            let token = with(gate, |token| {
                token.id.clone_from(&name);
                token.person = Some(person(&name));
                token.teams = vec![name.clone()];
                token.projects = vec![name.clone()];
            });
            let kept = admin.create_token(token).await.granted().token.unwrap();
            assert_eq!(admin.get_token(&name).await.granted(), kept);
        }
    }

    async fn e1_unknown_tokens_are_not_found(gate) {
        let admin = gate.access_admin();
        admin.create_token(with(gate, |_| {})).await.granted();
        let entries = gate.entries().await;
        for id in ["absent", "Laptop", "laptop2"] {
            let refused = admin.get_token(id).await.refused("NOT_FOUND", "E1");
            assert_eq!((refused.fact("kind"), refused.fact("id")), ("token", id));
            admin.revoke_token(id).await.refused("NOT_FOUND", "E1");
        }
        for id in [String::new()].into_iter().chain(bad_names()) {
            admin.get_token(&id).await.bad_field("token_id", "E1");
            admin.revoke_token(&id).await.bad_field("token_id", "E1");
        }
        for comment in bad_comments() {
            let token_id = "laptop".to_owned();
            let revocation = RevokeTokenRequest { token_id, comment };
            admin.revoke_token_with(revocation).await.bad_field("comment", "E1");
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_bad_lists_of_tokens_are_refused(gate) {
        let admin = gate.access_admin();
        for number in 0..3 {
            let token = with(gate, |token| token.id = format!("laptop-{number}"));
            admin.create_token(token).await.granted();
        }
        let page = |page_size: u32, page_token: &str, live: bool| ListTokensRequest {
            page_size,
            page_token: page_token.to_owned(),
            live,
        };
        for page_size in [201, 1_000, u32::MAX] {
            admin.list_tokens(page(page_size, "", false)).await.bad_field("page_size", "E1");
        }
        admin.list_tokens(page(200, "", false)).await.granted();
        for token in ["x", "AAAA", "not a token", "=", "\u{0}", "AQ"] {
            admin.list_tokens(page(1, token, false)).await.bad_field("page_token", "E1");
        }
        let first = admin.list_tokens(page(1, "", false)).await.granted().next_page_token;
        admin.list_tokens(page(1, &first, true)).await.bad_field("page_token", "E1");
        let teams = countersign_proto::v1::ListTeamsRequest {
            page_size: 1,
            page_token: first,
        };
        admin.teams(teams).await.bad_field("page_token", "E1");
    }
}
