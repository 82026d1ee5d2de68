//! A stage on which every class of refusals can be met, and one refusal of each kind.

use std::fmt::Debug;

use countersign_proto::v1::{ApproveRequest, StartTaskRequest, TaskOutcome, TaskSpec};
use tonic::Code;

use crate::gate::{
    Expect, FreezeSpec, Gate, PolicySpec, Refused, deployment, hourly, team, window,
};

/// Refusals, with the code and the reason that each shall have.
#[derive(Default)]
pub(super) struct Kinds(pub(super) Vec<(Refused, Code, &'static str)>);

impl Kinds {
    /// Adds the refusal that an answer is.
    #[track_caller]
    pub(super) fn add<T: Debug>(
        &mut self,
        code: Code,
        reason: &'static str,
        answer: Result<T, Refused>,
    ) {
        let refused = answer.expect_err("expected a refusal");
        self.0.push((refused, code, reason));
    }
}

/// What every refusal has: the code of its class, a reason, a rule, a text for people.
#[track_caller]
pub(super) fn is_told(refused: &Refused, code: Code, reason: &str) {
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (code, reason),
        "{refused:?}"
    );
    assert!(
        !refused.rule.is_empty() && !refused.message.is_empty(),
        "{refused:?}"
    );
    // Whoever has no role is found with none; everything else is said.
    let empty = refused.metadata.iter().filter(|(_, fact)| fact.is_empty());
    let empty: Vec<&str> = empty.map(|(key, _)| key.as_str()).collect();
    let found_no_role = empty == ["found"] && reason == "ROLE_REQUIRED";
    assert!(empty.is_empty() || found_no_role, "{refused:?}");
}

/// A policy that bars `carol`, who triggers tasks, and tasks in several states.
pub(super) async fn stage(gate: &Gate) {
    let approvers = ["alice", "bob", "carol"];
    let policy = PolicySpec::new("prod").users(&approvers).block_creator();
    gate.admin().policy(policy).await.granted();
    gate.admin()
        .team(team("security", &["alice"]))
        .await
        .granted();
    gate.waiting(deployment("waiting")).await;
    gate.cleared(deployment("cleared")).await;
    gate.running(deployment("running"), "claim").await;
    gate.running(deployment("done"), "claim").await;
    let done = TaskOutcome::Succeeded;
    gate.runner().finish("done", "claim", done).await.granted();
    gate.waiting(deployment("rejected")).await;
    gate.as_("alice").reject("rejected").await.granted();
    times(gate).await;
}

/// A freeze over `api`, with a task that it holds, one that is still to come, and change windows of
/// `hours`.
async fn times(gate: &Gate) {
    let hours = PolicySpec::new("hours").only(&["hours"], &["*"]);
    let hours = hours.users(&["alice"]).recurring(hourly());
    gate.admin().policy(hours).await.granted();
    let halt = FreezeSpec::new("halt").only(&["api"], &["*"]);
    gate.frozen(halt).await;
    let later = FreezeSpec::new("later").only(&["api"], &["*"]);
    gate.frozen(later.between(gate.at(3_600), None)).await;
    let held = TaskSpec {
        project: "api".to_owned(),
        ..deployment("frozen")
    };
    gate.approved(held).await;
}

/// One refusal of each kind that the stage allows.
pub(super) async fn of_every_kind(gate: &Gate) -> Vec<(Refused, Code, &'static str)> {
    let mut kinds = Kinds::default();
    denials(gate, &mut kinds).await;
    absent_and_bad(gate, &mut kinds).await;
    taken_and_changed(gate, &mut kinds).await;
    too_late_and_too_early(gate, &mut kinds).await;
    by_windows_and_freezes(gate, &mut kinds).await;
    kinds.0
}

/// Whoever is not entitled.
async fn denials(gate: &Gate, kinds: &mut Kinds) {
    let denied = Code::PermissionDenied;
    let (carol, mallory) = (gate.as_("carol"), gate.as_("mallory"));
    let service = gate.orchestrator();
    let policy = PolicySpec::new("new").users(&["mallory"]);
    kinds.add(
        denied,
        "ROLE_REQUIRED",
        mallory.create(deployment("new")).await,
    );
    kinds.add(
        denied,
        "ROLE_REQUIRED",
        mallory.start("cleared", 1, "a").await,
    );
    kinds.add(denied, "ROLE_REQUIRED", mallory.policy(policy).await);
    kinds.add(denied, "ROLE_REQUIRED", mallory.head().await);
    kinds.add(denied, "NOT_AN_APPROVER", mallory.approve("waiting").await);
    kinds.add(denied, "NOT_AN_APPROVER", mallory.reject("waiting").await);
    kinds.add(denied, "CREATOR_BLOCKED", carol.approve("waiting").await);
    kinds.add(denied, "NOT_THE_CREATOR", mallory.withdraw("waiting").await);
    kinds.add(denied, "CANNOT_DECIDE", service.approve("waiting").await);
    kinds.add(denied, "CANNOT_DECIDE", service.reject("waiting").await);
    kinds.add(
        denied,
        "CANNOT_DECIDE",
        gate.runner().revoke("cleared").await,
    );
    // Permission comes before state.
    kinds.add(denied, "NOT_AN_APPROVER", mallory.approve("rejected").await);
    kinds.add(denied, "CREATOR_BLOCKED", carol.approve("rejected").await);
    kinds.add(denied, "NOT_THE_CREATOR", mallory.withdraw("done").await);
}

/// Unknown ids, bad and missing fields.
async fn absent_and_bad(gate: &Gate, kinds: &mut Kinds) {
    let (absent, bad) = (Code::NotFound, Code::InvalidArgument);
    let (alice, service) = (gate.as_("alice"), gate.orchestrator());
    let windowed = |start, end| TaskSpec {
        window: window(start, end),
        ..deployment("new")
    };
    let past = windowed(None, gate.at(-1));
    let inverted = windowed(gate.at(9), gate.at(9));
    let nobody = TaskSpec {
        creator: None,
        ..deployment("new")
    };
    kinds.add(absent, "NOT_FOUND", alice.approve("absent").await);
    kinds.add(absent, "NOT_FOUND", alice.approve("CR-99").await);
    kinds.add(bad, "INVALID_FIELD", alice.approve("").await);
    kinds.add(bad, "WINDOW_PAST", service.create(past).await);
    kinds.add(bad, "INVALID_FIELD", service.create(inverted).await);
    kinds.add(bad, "CREATOR_REQUIRED", service.create(nobody).await);
}

/// Taken ids and claims, and what is not as it was read.
async fn taken_and_changed(gate: &Gate, kinds: &mut Kinds) {
    let (taken, changed) = (Code::AlreadyExists, Code::Aborted);
    let (alice, admin, runner) = (gate.as_("alice"), gate.admin(), gate.runner());
    let other = TaskSpec {
        title: "other".to_owned(),
        ..deployment("waiting")
    };
    let policy = PolicySpec::new("prod").users(&["alice"]);
    let security = team("security", &[]);
    let named = |etag: &str, digest: &str| ApproveRequest {
        change_request: "waiting".to_owned(),
        etag: etag.to_owned(),
        artifact_digest: digest.to_owned(),
        ..ApproveRequest::default()
    };
    let (etag, digest) = (named("7", ""), named("", "sha256:aa"));
    let start = StartTaskRequest {
        task_id: "cleared".to_owned(),
        generation: 1,
        artifact_digest: "sha256:aa".to_owned(),
        claim_id: "other".to_owned(),
    };
    kinds.add(
        taken,
        "TASK_ID_TAKEN",
        gate.orchestrator().create(other).await,
    );
    kinds.add(taken, "POLICY_ID_TAKEN", admin.policy(policy).await);
    kinds.add(taken, "TEAM_ID_TAKEN", admin.team(security).await);
    kinds.add(
        taken,
        "CLAIM_TAKEN",
        runner.start("running", 1, "other").await,
    );
    kinds.add(changed, "ETAG_MISMATCH", alice.approve_with(etag).await);
    kinds.add(changed, "DIGEST_MISMATCH", alice.approve_with(digest).await);
    kinds.add(changed, "DIGEST_MISMATCH", runner.start_with(start).await);
}

/// What the state forbids.
async fn too_late_and_too_early(gate: &Gate, kinds: &mut Kinds) {
    let forbidden = Code::FailedPrecondition;
    let (alice, bob, runner) = (gate.as_("alice"), gate.as_("bob"), gate.runner());
    let service = gate.orchestrator();
    let failed = TaskOutcome::Failed;
    kinds.add(
        forbidden,
        "CHANGE_REQUEST_ENDED",
        bob.reject("rejected").await,
    );
    kinds.add(
        forbidden,
        "NOTHING_CAN_START",
        alice.reject("running").await,
    );
    kinds.add(
        forbidden,
        "NOTHING_TO_REVOKE",
        alice.revoke("waiting").await,
    );
    kinds.add(
        forbidden,
        "START_NOT_NOW",
        runner.start("waiting", 1, "a").await,
    );
    kinds.add(
        forbidden,
        "START_NOT_NOW",
        runner.start("cleared", 9, "a").await,
    );
    kinds.add(
        forbidden,
        "START_NEVER",
        runner.start("rejected", 1, "a").await,
    );
    kinds.add(
        forbidden,
        "NOT_WITHDRAWABLE",
        service.withdraw("running").await,
    );
    kinds.add(
        forbidden,
        "NOT_RUNNING",
        runner.finish("cleared", "a", failed).await,
    );
    kinds.add(
        forbidden,
        "OUTCOME_DIFFERS",
        runner.finish("done", "claim", failed).await,
    );
}

/// What change windows and freezes forbid.
async fn by_windows_and_freezes(gate: &Gate, kinds: &mut Kinds) {
    let forbidden = Code::FailedPrecondition;
    let (admin, runner) = (gate.admin(), gate.runner());
    let between = TaskSpec {
        project: "hours".to_owned(),
        window: window(gate.at(900), gate.at(1_200)),
        ..deployment("between")
    };
    kinds.add(
        forbidden,
        "NO_PERIOD",
        gate.orchestrator().create(between).await,
    );
    kinds.add(
        forbidden,
        "START_NOT_NOW",
        runner.start("frozen", 1, "a").await,
    );
    kinds.add(forbidden, "FREEZE_NOT_IN_FORCE", admin.lift("later").await);
    kinds.add(
        Code::AlreadyExists,
        "FREEZE_ID_TAKEN",
        admin.freeze(FreezeSpec::new("halt")).await,
    );
    kinds.add(
        Code::PermissionDenied,
        "ROLE_REQUIRED",
        gate.as_("mallory").lift("halt").await,
    );
    kinds.add(Code::NotFound, "NOT_FOUND", admin.lift("absent").await);
}
