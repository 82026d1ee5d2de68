//! The conformance cases of `tests/cases/` on both stores, with a clock that is driven.
//!
//! Orchestrator authors play the same cases against servers of their own; see
//! `docs/conformance.md`. Here nothing may be skipped.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_conformance::{
    Callers, Case, Clock, Options, Player, Target, Verdict, bundled, read,
};
use countersign_proto::v1::{
    ListFreezesRequest, ListPoliciesRequest, ListTasksRequest, ListTeamsRequest, TaskState,
};
use jiff::Timestamp;

use crate::gate::{Expect, Gate, Setup, StoreKind};

/// How long to wait for what must be seen; and where a case must fail, how long that takes.
const PATIENCE: Duration = Duration::from_secs(10);
const SHORT_PATIENCE: Duration = Duration::from_millis(300);

/// The clock of a server under test: time passes at once, and what is due is settled.
struct DrivenClock<'a>(&'a Gate);

impl Clock for DrivenClock<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.clock.now().micros()).unwrap()
    }

    async fn reach(&self, instant: Timestamp) {
        let left = instant.as_microsecond() - self.0.clock.now().micros();
        self.0.clock.advance_micros(left.max(0));
        self.0.pass(0).await;
    }

    fn is_driven(&self) -> bool {
        true
    }
}

async fn player(gate: &Gate, patience: Duration) -> Player<DrivenClock<'_>> {
    let run = "suite".to_owned();
    let target = Target::look(&gate.url(), Callers::insecure_dev(), &run).await;
    let options = Options {
        run,
        slow: false,
        patience,
    };
    Player::new(target.unwrap(), DrivenClock(gate), options)
}

fn cases_of(topic: &str) -> Vec<Case> {
    let mut cases = bundled().unwrap();
    cases.retain(|case| case.topic == topic);
    assert!(!cases.is_empty(), "no cases about {topic}");
    cases
}

/// Plays all cases of a topic, and tells of all that do not pass.
async fn plays(gate: &Gate, topic: &str) {
    let player = player(gate, PATIENCE).await;
    let mut told = Vec::new();
    for (number, case) in cases_of(topic).iter().enumerate() {
        match player.play(number, case).await {
            Verdict::Passed => {}
            Verdict::Failed(failure) => told.push(format!("{}\n{failure}", case.title())),
            Verdict::Skipped(why) => told.push(format!("{}: skipped: {why}", case.title())),
        }
    }
    // A case leaves nothing behind that somebody would stumble over.
    let policies = gate.admin().policies(ListPoliciesRequest::default()).await;
    assert_eq!(policies.granted().policies, []);
    let teams = gate.admin().teams(ListTeamsRequest::default()).await;
    assert_eq!(teams.granted().teams, []);
    let freezes = gate
        .admin()
        .list_freezes(ListFreezesRequest::default())
        .await;
    assert_eq!(freezes.granted().freezes, []);
    for state in [TaskState::Paused, TaskState::Cleared, TaskState::Running] {
        let request = ListTasksRequest {
            state: state.into(),
            ..ListTasksRequest::default()
        };
        let tasks = gate.orchestrator().tasks(request).await.granted().tasks;
        assert_eq!(tasks, []);
    }
    assert!(
        told.is_empty(),
        "{} failed\n\n{}\n",
        told.len(),
        told.join("\n\n")
    );
}

/// A server that refuses tasks no policy matches.
fn requiring() -> Setup {
    Setup {
        require_policy: true,
        ..Setup::default()
    }
}

/// Makes tests of topics, and the list of them.
macro_rules! topics {
    ($($topic:ident: $setup:expr;)*) => {
        const TOPICS: &[&str] = &[$(stringify!($topic)),*];
        $(on_both_stores! { with $setup;
            async fn $topic(gate) {
                plays(gate, stringify!($topic)).await;
            }
        })*
    };
}

topics! {
    approving: Setup::default();
    creation: Setup::default();
    finishing: Setup::default();
    freezes: Setup::default();
    frozen: Setup::default();
    guards: Setup::default();
    lists: Setup::default();
    matching: Setup::default();
    merging: Setup::default();
    no_policy: Setup::default();
    periods: Setup::default();
    policy_required: requiring();
    quorum_own: Setup::default();
    recheck: Setup::default();
    rejecting: Setup::default();
    revoking: Setup::default();
    sentences: Setup::default();
    sharing: Setup::default();
    starting: Setup::default();
    teams: Setup::default();
    time_to_live: Setup::default();
    windows: Setup::default();
}

#[test]
fn every_topic_has_its_tests() {
    let cases = bundled().unwrap();
    let topics: BTreeSet<&str> = cases.iter().map(|case| case.topic.as_str()).collect();
    let tested: BTreeSet<&str> = TOPICS.iter().copied().collect();
    assert_eq!(topics, tested);
}

/// Cases whose server does all that the rules say, and which expect something else: the place that
/// is complained about, what was expected, what was found.
const WRONG: &[(&str, &[&str])] = &[
    (
        "expect: {change_request: {state: APPROVED}, task: {state: PAUSED}}",
        &[
            "step 1: orchestrator calls CreateChangeRequest",
            "sent countersign.v1.ChangeRequestService/CreateChangeRequest '{\"task\":",
            "change_request.state: expected \"CHANGE_REQUEST_STATE_APPROVED\", \
             found \"CHANGE_REQUEST_STATE_PENDING\"",
        ],
    ),
    (
        "expect: {change_request: {warnings: [{kind: NO_POLICY_MATCHED}]}}",
        &["change_request.warnings: expected [{\"kind\":", "found []"],
    ),
    (
        "refused: {code: ALREADY_EXISTS, reason: TASK_ID_TAKEN, rule: C2}",
        &[
            "expected a refusal: ALREADY_EXISTS TASK_ID_TAKEN",
            "found an answer: {",
        ],
    ),
    (
        "keep: {cr: change_request.number}",
        &["keep: the answer has no change_request.number"],
    ),
    (
        "then: {tasks: {deploy-1: {state: CLEARED}}}",
        &[
            "then",
            "deploy-1: state: expected \"TASK_STATE_CLEARED\", found \"TASK_STATE_PAUSED\"",
        ],
    ),
    (
        "then: {change_requests: {deploy-1: {approvals_missing: 2}}}",
        &["deploy-1: approvals_missing: expected 2, found 1"],
    ),
    (
        "then: {signals: {deploy-1: {signal: PROCEED}}}",
        &["deploy-1: signal: expected \"SIGNAL_PROCEED\", found \"SIGNAL_HOLD\""],
    ),
    (
        "then: {tasks: {deploy-2: {state: PAUSED}}}",
        &["deploy-2: found a refusal", "NOT_FOUND"],
    ),
];

/// The same for a call that is refused.
const WRONGLY_REFUSED: &[(&str, &[&str])] = &[
    (
        "expect: {change_request: {}}",
        &[
            "step 2: mallory calls Approve",
            "expected an answer",
            "found a refusal: {\"code\":",
        ],
    ),
    (
        "refused: {code: NOT_FOUND, reason: NOT_FOUND, rule: E1}",
        &[
            "code: expected \"NOT_FOUND\", found \"PERMISSION_DENIED\"",
            "rule: expected \"E1\"",
        ],
    ),
    (
        "refused: {code: PERMISSION_DENIED, reason: NOT_AN_APPROVER, rule: D1, \
         metadata: {change_request: deploy-1}}",
        &["metadata.change_request: expected \"deploy-1\", found \"CR-"],
    ),
];

/// One approver, one task, and a step that ends in this.
fn case(first: &str, second: &str) -> Case {
    let text = format!(
        "about: Wrong.
cases:
  - name: wrong
    rules: [C2, D1, E1]
    given:
      task: {{kind: DEPLOYMENT, project: web, environment: production}}
      policies:
        - id: prod
          minimum_approvals: 1
          approvers: {{users: [alice]}}
          scopes: [{{projects: {{ids: [web]}}, environments: {{ids: [production]}}}}]
    steps:
      - as: orchestrator
        call: CreateChangeRequest
        request: {{task: {{id: deploy-1}}}}
        {first}
      - as: mallory
        call: Approve
        request: {{change_request: deploy-1}}
        {second}
"
    );
    read("wrong", &text).unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_does_differently_is_seen_and_told() {
    let gate = Gate::start(StoreKind::Sqlite, Setup::default()).await;
    let player = player(&gate, SHORT_PATIENCE).await;
    let refused = "refused: {code: PERMISSION_DENIED, reason: NOT_AN_APPROVER, rule: D1}";
    let right = player.play(0, &case("expect: {}", refused)).await;
    assert_eq!(right, Verdict::Passed);
    let created = WRONG
        .iter()
        .map(|(wrong, told)| (case(wrong, refused), told));
    let approved = WRONGLY_REFUSED.iter();
    let approved = approved.map(|(wrong, told)| (case("expect: {}", wrong), told));
    for (number, (case, told)) in created.chain(approved).enumerate() {
        let verdict = player.play(number + 1, &case).await;
        let Verdict::Failed(failure) = verdict else {
            panic!("{told:?} was not seen: {verdict:?}");
        };
        let failure = failure.to_string();
        for part in *told {
            assert!(failure.contains(part), "{part}\nnot in\n{failure}");
        }
    }
}
