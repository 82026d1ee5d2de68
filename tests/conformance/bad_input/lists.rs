//! Bad lists: sizes, tokens, enums and conditions.

use countersign_proto::v1::{
    AggregateKind, ListChangeRequestsRequest, ListEntriesRequest, ListPoliciesRequest,
    ListTasksRequest, ListTeamsRequest,
};
use data_encoding::BASE64URL_NOPAD;

use super::bad_names;
use crate::gate::{Caller, Expect, Gate, PolicySpec, deployment, team};

/// Texts that are no tokens.
const NO_TOKENS: [&str; 6] = ["x", "AAAA", "not a token", "=", "\u{0}", "AQ"];

/// What three lists have in common: a size and a token.
async fn of_every_list(caller: &Caller, page_size: u32, page_token: &str, field: &str) {
    let page_token = page_token.to_owned();
    let request = ListTasksRequest {
        page_size,
        page_token: page_token.clone(),
        ..ListTasksRequest::default()
    };
    caller.tasks(request).await.bad_field(field, "E1");
    let request = ListChangeRequestsRequest {
        page_size,
        page_token: page_token.clone(),
        ..ListChangeRequestsRequest::default()
    };
    caller.list(request).await.bad_field(field, "E1");
    let request = ListPoliciesRequest {
        page_size,
        page_token: page_token.clone(),
    };
    caller.policies(request).await.bad_field(field, "E1");
    let request = ListTeamsRequest {
        page_size,
        page_token,
    };
    caller.teams(request).await.bad_field(field, "E1");
}

/// Three of everything that is listed.
async fn stage(gate: &Gate) {
    for number in 0..3 {
        gate.admin()
            .team(team(&format!("team-{number}"), &["alice"]))
            .await
            .granted();
        let policy = PolicySpec::new(&format!("policy-{number}")).users(&["alice"]);
        gate.admin().policy(policy).await.granted();
    }
    for number in 0..3 {
        gate.waiting(deployment(&format!("t{number}"))).await;
    }
}

/// A token with another version, or with other text behind its conditions.
fn spoilt(token: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    change(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes)
}

on_both_stores! {
    async fn e1_sizes_of_pages_have_a_limit(gate) {
        stage(gate).await;
        let alice = gate.as_("alice");
        for page_size in [201, 1_000, u32::MAX] {
            of_every_list(&alice, page_size, "", "page_size").await;
        }
        for page_size in [0, 1, 200] {
            alice.tasks(ListTasksRequest { page_size, ..Default::default() }).await.granted();
        }
        let auditor = gate.as_("auditor:audit");
        for page_size in [1_001, u32::MAX] {
            let request = ListEntriesRequest { page_size, ..ListEntriesRequest::default() };
            auditor.entries(request).await.bad_field("page_size", "E1");
        }
    }

    async fn e1_tokens_of_pages_are_bound_to_their_list(gate) {
        stage(gate).await;
        let alice = gate.as_("alice");
        for token in NO_TOKENS {
            of_every_list(&alice, 1, token, "page_token").await;
        }
        let request = |token: &str, project: &str| ListTasksRequest {
            page_size: 1,
            page_token: token.to_owned(),
            project: project.to_owned(),
            ..ListTasksRequest::default()
        };
        let first = alice.tasks(request("", "web")).await.granted();
        let token = first.next_page_token;
        assert_eq!(first.tasks[0].id, "t0");
        alice.tasks(request(&token, "api")).await.bad_field("page_token", "E1");
        alice.tasks(request(&token, "")).await.bad_field("page_token", "E1");
        for page_size in [1, 2] {
            of_every_list(&alice, page_size, &token, "page_token").await;
        }
        let other_version = spoilt(&token, |bytes| bytes[0] = 9);
        alice.tasks(request(&other_version, "web")).await.bad_field("page_token", "E1");
        let no_id = spoilt(&token, |bytes| bytes.extend([0, 1]));
        alice.tasks(request(&no_id, "web")).await.bad_field("page_token", "E1");
        let second = alice.tasks(request(&token, "web")).await.granted();
        assert_eq!(second.tasks[0].id, "t1");
    }

    async fn e1_forged_positions_lead_nowhere(gate) {
        stage(gate).await;
        let alice = gate.as_("alice");
        let request = |token: &str| ListChangeRequestsRequest {
            page_size: 1,
            page_token: token.to_owned(),
            ..ListChangeRequestsRequest::default()
        };
        let token = alice.list(request("")).await.granted().next_page_token;
        let behind = |position: &str| spoilt(&token, |bytes| {
            bytes.truncate(bytes.len() - 1);
            bytes.extend(position.bytes());
        });
        for position in ["", "x", "-1", "3.5", " 3", "99999999999999999999"] {
            alice.list(request(&behind(position))).await.bad_field("page_token", "E1");
        }
        // A number is a number: these begin before the first and behind the last.
        let page = alice.list(request(&behind("0"))).await.granted();
        assert!(page.change_requests.is_empty());
        let page = alice.list(request(&behind("18446744073709551615"))).await.granted();
        assert_eq!(page.change_requests[0].id, "CR-3");
    }

    async fn e1_unknown_enums_are_refused(gate) {
        let (alice, auditor) = (gate.as_("alice"), gate.as_("auditor:audit"));
        for unknown in [99, -1, i32::MAX] {
            let view = ListChangeRequestsRequest { view: unknown, ..Default::default() };
            alice.list(view).await.bad_field("view", "E1");
            let waiting_for = ListTasksRequest { waiting_for: unknown, ..Default::default() };
            alice.tasks(waiting_for).await.bad_field("waiting_for", "E1");
            let state = ListTasksRequest { state: unknown, ..Default::default() };
            alice.tasks(state).await.bad_field("state", "E1");
            let aggregate = ListEntriesRequest { aggregate: unknown, ..Default::default() };
            auditor.entries(aggregate).await.bad_field("aggregate", "E1");
        }
    }

    async fn e1_bad_conditions_are_refused_by_field(gate) {
        let alice = gate.as_("alice");
        for name in bad_names() {
            let tasks = ListTasksRequest::default;
            for (field, request) in [
                ("project", ListTasksRequest { project: name.clone(), ..tasks() }),
                ("environment", ListTasksRequest { environment: name.clone(), ..tasks() }),
                ("release", ListTasksRequest { release: name.clone(), ..tasks() }),
                ("runner", ListTasksRequest { runner: name.clone(), ..tasks() }),
            ] {
                alice.tasks(request).await.bad_field(field, "E1");
            }
            let all = ListChangeRequestsRequest::default;
            for (field, request) in [
                ("project", ListChangeRequestsRequest { project: name.clone(), ..all() }),
                ("environment", ListChangeRequestsRequest { environment: name.clone(), ..all() }),
                ("release", ListChangeRequestsRequest { release: name.clone(), ..all() }),
                ("task_id", ListChangeRequestsRequest { task_id: name, ..all() }),
            ] {
                alice.list(request).await.bad_field(field, "E1");
            }
        }
        for text in ["t1", "CR-0", "CR-01", "cr-1", "CR-", "CR-1 ", "OCT-1"] {
            let request =
                ListTasksRequest { change_request: text.to_owned(), ..ListTasksRequest::default() };
            alice.tasks(request).await.bad_field("change_request", "E1");
        }
    }

    async fn e1_entries_are_asked_for_by_kind_and_then_by_id(gate) {
        let auditor = gate.as_("auditor:audit");
        let of = |aggregate: AggregateKind, id: &str| ListEntriesRequest {
            aggregate: aggregate.into(),
            aggregate_id: id.to_owned(),
            ..ListEntriesRequest::default()
        };
        let nothing = AggregateKind::Unspecified;
        auditor.entries(of(nothing, "t1")).await.bad_field("aggregate_id", "E1");
        for id in ["a\u{0}", "a\u{202e}", &"x".repeat(201)] {
            auditor.entries(of(AggregateKind::Task, id)).await.bad_field("aggregate_id", "E1");
        }
        let unknown = auditor.entries(of(AggregateKind::Task, "absent")).await.granted();
        assert!(unknown.entries.is_empty() && unknown.next_sequence == 0);
        for from_sequence in [2, 1_000, u64::MAX] {
            let beyond = ListEntriesRequest { from_sequence, ..ListEntriesRequest::default() };
            assert!(auditor.entries(beyond).await.granted().entries.is_empty());
        }
    }
}
