//! Each limit just inside and just beyond, and that no limit of the API is without a row.

use std::collections::BTreeSet;

use countersign_proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tonic::Code;

use super::{Row, decisions, directory, lists, policies, requests, tasks};
use crate::gate::{Expect, FreezeSpec, Gate, PolicySpec, deployment, team};

/// Fields whose comments tell of a limit that no request can pass.
const OF_ANSWERS: [&str; 6] = [
    "ChangeRequest.tasks",
    "ChangeRequest.task_count",
    "Decision.comment",
    "DeleteTeamResponse.open_change_requests",
    "UpdateTeamResponse.open_change_requests",
    // How much is looked through, not how much may be asked.
    "WatchStatusRequest.labels",
];
/// `FileDescriptorProto.message_type` and `DescriptorProto.field`, as paths of comments name them.
const MESSAGES: i32 = 4;
const FIELDS: i32 = 2;

/// What decisions, requests and lists are about.
async fn stage(gate: &Gate) {
    let admin = gate.admin();
    let policy = PolicySpec::new("prod")
        .only(&["web"], &["*"])
        .users(&["alice"]);
    admin.policy(policy).await.granted();
    for id in ["approve", "reject", "withdraw"] {
        gate.waiting(deployment(id)).await;
    }
    gate.cleared(deployment("revoke")).await;
    gate.running(deployment("finish"), "claim").await;
    for count in [1, 2, 199, 200] {
        gate.cleared(deployment(&format!("start-{count}"))).await;
    }
    for id in ["security", "kept", "old-199", "old-200"] {
        admin.team(team(id, &["alice"])).await.granted();
        let policy = PolicySpec::new(id)
            .only(&["none"], &["none"])
            .users(&["alice"]);
        admin.policy(policy).await.granted();
        gate.frozen(FreezeSpec::new(id).only(&["none"], &["none"]))
            .await;
    }
    let token = gate.token_of("kept", "erin");
    gate.access_admin().create_token(token).await.granted();
}

/// Beyond, every row is refused by its field and leaves nothing; inside, it is granted.
async fn all_hold(gate: &Gate, rows: Vec<Row>) {
    for row in rows {
        let entries = gate.entries().await;
        let refused = (row.call)(row.beyond).send(gate).await;
        let what = format!("{} {}: {refused:?}", row.of, row.beyond);
        let refused = refused.expect_err(&what);
        assert_eq!(refused.code, Code::InvalidArgument, "{what}");
        assert_eq!(
            (
                refused.reason.as_str(),
                refused.fact("field"),
                refused.rule.as_str()
            ),
            ("INVALID_FIELD", row.field, row.rule),
            "{what}"
        );
        assert_eq!(gate.entries().await, entries, "{what}");
        let further = if row.beyond > row.inside {
            row.inside - 1
        } else {
            row.inside + 1
        };
        for count in [further, row.inside] {
            let granted = (row.call)(count).send(gate).await;
            assert!(granted.is_ok(), "{} {count}: {granted:?}", row.of);
        }
    }
}

fn all() -> Vec<Row> {
    let mut rows = tasks::rows();
    rows.extend(policies::rows());
    rows.extend(directory::rows());
    rows.extend(decisions::rows());
    rows.extend(requests::rows());
    rows.extend(lists::rows());
    rows
}

on_both_stores! {
    async fn abuse_more_than_a_task_may_hold_is_refused(gate) {
        stage(gate).await;
        all_hold(gate, tasks::rows()).await;
    }

    async fn abuse_more_than_a_policy_may_hold_is_refused(gate) {
        stage(gate).await;
        all_hold(gate, policies::rows()).await;
    }

    async fn abuse_more_than_teams_freezes_and_tokens_may_hold_is_refused(gate) {
        stage(gate).await;
        all_hold(gate, directory::rows()).await;
    }

    async fn abuse_more_than_a_decision_may_say_is_refused(gate) {
        stage(gate).await;
        all_hold(gate, decisions::rows()).await;
    }

    async fn abuse_more_than_a_call_may_ask_is_refused(gate) {
        stage(gate).await;
        all_hold(gate, requests::rows()).await;
        all_hold(gate, lists::rows()).await;
    }
}

/// The fields of a file whose comments tell of a limit.
fn limited(file: &FileDescriptorProto) -> Vec<String> {
    let comments = file.source_code_info.as_ref().unwrap();
    let mut found = Vec::new();
    for location in &comments.location {
        let [MESSAGES, message, FIELDS, field] = location.path[..] else {
            continue;
        };
        let words: Vec<&str> = location.leading_comments().split_whitespace().collect();
        let comment = words.join(" ").to_lowercase();
        if comment.contains("at most ")
            || comment.starts_with("1 to ")
            || comment.contains(" 1 to ")
        {
            let message = &file.message_type[usize::try_from(message).unwrap()];
            let field = &message.field[usize::try_from(field).unwrap()];
            found.push(format!("{}.{}", message.name(), field.name()));
        }
    }
    found
}

/// Whoever writes a limit into the API's comments shows here that it holds.
#[test]
fn abuse_every_limit_of_the_api_is_tried() {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let ours = set
        .file
        .iter()
        .filter(|file| file.package() == "countersign.v1");
    let limited: BTreeSet<String> = ours.flat_map(limited).collect();
    let tried: BTreeSet<String> = all().iter().map(|row| row.of.to_owned()).collect();
    let answers: BTreeSet<String> = OF_ANSWERS.map(str::to_owned).into();
    assert!(
        limited.len() > 60,
        "the comments were not read: {limited:?}"
    );
    let untried: Vec<_> = limited.difference(&tried).collect();
    assert!(
        untried.iter().all(|field| answers.contains(*field)),
        "no row: {untried:?}"
    );
    let gone: Vec<_> = answers.difference(&limited).collect();
    assert!(gone.is_empty(), "no limit any more: {gone:?}");
}
