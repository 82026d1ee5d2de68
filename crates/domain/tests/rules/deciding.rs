//! D: approving, rejecting, revoking.

use countersign_domain::batch::Action;
use countersign_domain::change_request::{Approve, CrState, Decision, Verdict};
use countersign_domain::ids::CrRef;

use crate::harness::Gate;
use crate::harness::facts::reply_name;
use crate::harness::people::{at, caller, person, task_id, team_id};

#[test]
fn d1_only_an_approver_may_approve() {
    Gate::played(
        "0 adm team dev members=dan
         0 adm policy p users=ann teams=dev min=9
         1 orc create t1
         2 ann approve t1                     -> Done counted=1
         2 dan approve t1                     -> Done counted=2
         2 sam approve t1                     -> NotAnApprover counted=2
         2 carl approve t1                    -> NotAnApprover counted=2
         2 orc approve t1                     -> CannotDecide counted=2
         2 run approve t1                     -> CannotDecide counted=2
         2 svc approve t1                     -> CannotDecide counted=2
         2 adm approve t1                     -> NotAnApprover counted=2",
    );
}

#[test]
fn d1_the_creator_is_refused_when_blocked_also_through_a_team() {
    Gate::played(
        "0 adm team dev members=carl,dan
         0 adm policy p users=carl env=prod block
         0 adm policy q teams=dev envs=dr block
         0 adm policy r teams=dev envs=dev
         1 orc create t1 env=prod             -> PENDING
         1 orc create t2 env=dr               -> PENDING
         1 orc create t3 env=dev              -> PENDING
         1 orc create t4 env=prod creator=dan -> PENDING
         2 carl approve t1                    -> CreatorBlocked PENDING
         2 carl approve t2                    -> CreatorBlocked PENDING
         2 dan approve t2                     -> Done APPROVED
         2 carl approve t3                    -> Done APPROVED
         2 carl approve t4                    -> Done APPROVED",
    );
}

#[test]
fn d1_a_credential_with_a_role_of_machines_never_decides() {
    use countersign_domain::access::Role;
    for (role, expected) in [
        (Role::Orchestrator, "CannotDecide"),
        (Role::Runner, "CannotDecide"),
        (Role::PolicyAdmin, "Done"),
        (Role::Auditor, "Done"),
        (Role::Operator, "Done"),
    ] {
        let mut gate = Gate::new();
        gate.play("0 adm policy p users=ann\n 1 orc create t1");
        let mut ann = caller("ann");
        ann.roles.insert(role);
        let reply = gate.step(&ann, approve_t1(), at(2));
        assert_eq!(reply_name(&reply), expected, "{role:?}");
    }
}

#[test]
fn d2_one_person_counts_once_through_however_many_teams_and_credentials() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm team red members=ann
         0 adm team dev members=ann,bob
         0 adm team open claimed
         0 adm policy p users=ann teams=red,dev,open min=2
         1 orc create t1
         2 ann approve t1            -> PENDING counted=1
         3 ann+open approve t1       -> Done PENDING counted=1 entries=0",
    );
    let mut other_token = caller("ann");
    other_token.credential.id = "another".to_owned();
    assert_eq!(
        reply_name(&gate.step(&other_token, approve_t1(), at(4))),
        "Done"
    );
    gate.play(
        "5 time settle t1            -> PENDING counted=1
         6 bob approve t1            -> APPROVED counted=2",
    );
}

#[test]
fn d2_only_issuer_and_subject_decide_who_it_is() {
    // issuer, subject, whether that is the approver ann
    let rows = [
        ("people", "ann", true),
        ("people", "Ann", false),
        ("people", "ann ", false),
        ("people", "an\u{ff4e}", false),
        ("people", "\u{430}nn", false),
        ("people", "anna", false),
        ("people", "", false),
        ("People", "ann", false),
        ("robots", "ann", false),
    ];
    for (issuer, subject, is_ann) in rows {
        let mut gate = Gate::new();
        gate.play("0 adm policy p users=ann\n 1 orc create t1");
        let mut someone = caller("ann");
        someone.person.issuer = issuer.to_owned();
        someone.person.subject = subject.to_owned();
        let expected = if is_ann { "Done" } else { "NotAnApprover" };
        let reply = gate.step(&someone, approve_t1(), at(2));
        assert_eq!(reply_name(&reply), expected, "{issuer} {subject:?}");
    }
}

#[test]
fn d3_a_repeat_changes_nothing_and_keeps_the_first_comment() {
    let gate = Gate::played(
        "0 adm policy p users=ann,bob,cat min=2
         1 orc create t1
         2 ann approve t1 comment=first        -> Done entries=1
         3 ann approve t1 comment=second       -> Done entries=0
         4 bob revoke t1                       -> NothingToRevoke
         5 bob approve t1                      -> CLEARED
         6 bob revoke t1 comment=first         -> PENDING
         7 bob revoke t1 comment=second        -> Done PENDING entries=0
         8 cat reject t1 comment=first         -> REJECTED
         9 cat reject t1 comment=second        -> Done REJECTED entries=0
         9 ann approve t1 comment=third        -> Done REJECTED entries=0
         9 bob revoke t1 comment=third         -> Done REJECTED entries=0",
    );
    for name in ["ann", "bob", "cat"] {
        assert_eq!(decision(&gate, name).comment, "first", "{name}");
    }
}

#[test]
fn d3_on_an_ended_change_request_only_the_exact_repeat_is_ok() {
    Gate::played(
        "0 adm policy p users=ann,bob,cat min=3
         1 orc create t1 window=..50
         2 ann approve t1
         3 bob approve t1
         4 bob revoke t1
         50 ann approve t1                     -> Done EXPIRED
         51 ann reject t1                      -> ChangeRequestEnded
         51 ann revoke t1                      -> ChangeRequestEnded
         51 bob revoke t1                      -> Done entries=0
         51 bob approve t1                     -> ChangeRequestEnded
         51 cat approve t1                     -> ChangeRequestEnded
         51 cat reject t1                      -> ChangeRequestEnded
         51 cat revoke t1                      -> NothingToRevoke",
    );
}

#[test]
fn d4_further_approvals_count_and_leave_the_generation() {
    Gate::played(
        "0 adm policy p users=ann,bob,cat min=2
         1 orc create t1
         2 ann approve t1                      -> PENDING gen=0
         3 bob approve t1                      -> CLEARED gen=1 counted=2
         4 cat approve t1                      -> CLEARED gen=1 counted=3 entries=1
         5 ann revoke t1                       -> APPROVED CLEARED gen=1 counted=2
         6 bob revoke t1                       -> PENDING PAUSED:approval gen=1 counted=1
         7 ann approve t1                      -> CLEARED gen=2 counted=2",
    );
}

#[test]
fn d5_reject_before_the_threshold_terminates_a_waiting_task() {
    Gate::played(
        "0 adm policy p users=ann,bob min=2
         1 orc create t1
         2 ann approve t1                      -> PENDING
         3 bob reject t1                       -> REJECTED TERMINATED:rejected signal=TERMINATE",
    );
}

#[test]
fn d5_reject_after_the_threshold_terminates_a_cleared_task() {
    Gate::played(
        "0 adm policy p users=ann,bob
         1 orc create t1
         2 ann approve t1                      -> APPROVED CLEARED signal=PROCEED
         3 bob reject t1                       -> REJECTED TERMINATED:rejected signal=TERMINATE
         4 run start t1 gen=1                  -> StartNever
         5 ann approve t1                      -> Done REJECTED entries=0",
    );
}

#[test]
fn d5_reject_of_an_approved_task_that_waits_for_its_window() {
    Gate::played(
        "0 adm policy p users=ann,bob
         1 orc create t1 window=50..60
         2 ann approve t1                      -> APPROVED PAUSED:window
         3 bob reject t1                       -> REJECTED TERMINATED:rejected",
    );
}

#[test]
fn d5_approve_then_reject_by_the_same_person_is_a_rejection() {
    let gate = Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         2 ann approve t1                      -> CLEARED counted=1
         3 ann reject t1                       -> REJECTED counted=0",
    );
    assert_eq!(decision(&gate, "ann").verdict, Verdict::Rejected);
}

#[test]
fn d5_the_first_creator_may_reject_listed_or_not_blocked_or_not() {
    for policy in [
        "users=ann",
        "users=ann block",
        "users=ann,carl",
        "users=ann,carl block",
    ] {
        let mut gate = Gate::new();
        gate.play(&format!("0 adm policy p {policy}"));
        gate.play(
            "1 orc create t1 creator=carl
             2 ann approve t1                  -> CLEARED
             3 dan reject t1                   -> NotAnApprover
             4 carl reject t1                  -> REJECTED TERMINATED:rejected",
        );
        assert!(decision(&gate, "carl").eligibility.as_creator, "{policy}");
    }
    Gate::played(
        "0 orc create t1 creator=carl          -> APPROVED CLEARED required=false
         1 sam reject t1                       -> NotAnApprover
         2 carl reject t1                      -> REJECTED",
    );
}

#[test]
fn d5_a_rejection_after_the_start_comes_too_late() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         2 ann approve t1
         3 run start t1                        -> RUNNING
         4 ann reject t1                       -> NothingCanStart APPROVED RUNNING
         5 carl reject t1                      -> NothingCanStart APPROVED RUNNING",
    );
}

#[test]
fn d5_the_rejection_lists_what_it_stopped() {
    let gate = Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         2 ann reject t1",
    );
    let CrState::Rejected {
        by,
        at: when,
        stopped,
    } = &gate.case("t1").unwrap().change_request.state
    else {
        panic!("not rejected");
    };
    assert_eq!(
        (by, *when, stopped),
        (&person("ann"), at(2), &vec![task_id("t1")])
    );
}

#[test]
fn d6_after_a_rejection_a_new_task_gets_a_fresh_change_request() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1 release=r1            -> CR-1
         2 ann approve t1
         3 ann reject t1                       -> REJECTED
         4 orc create t2 release=r1            -> CR-2 PENDING counted=0
         5 orc create t1 release=r1            -> CR-1 REJECTED TERMINATED:rejected",
    );
}

#[test]
fn d7_a_revocation_that_loses_the_quorum_holds_the_task() {
    Gate::played(
        "0 adm policy p users=ann,bob
         1 orc create t1 window=10..
         2 ann approve t1                      -> APPROVED PAUSED:window
         3 ann revoke t1                       -> PENDING PAUSED:approval
         4 ann approve t1                      -> APPROVED PAUSED:window
         10 time settle t1                     -> CLEARED gen=1 signal=PROCEED
         11 ann revoke t1                      -> PENDING PAUSED:approval gen=1 signal=HOLD
         12 run start t1 gen=1                 -> StartNotNow:approval
         13 bob approve t1                     -> CLEARED gen=2
         14 run start t1 gen=1                 -> StartNotNow:stale
         15 run start t1 gen=2                 -> RUNNING
         16 bob revoke t1                      -> NothingCanStart RUNNING",
    );
}

#[test]
fn d7_a_revocation_needs_no_present_eligibility() {
    Gate::played(
        "0 adm team dev members=ann,bob
         0 adm policy p teams=dev
         1 orc create t1
         2 ann approve t1                      -> CLEARED
         3 adm edit-team dev members=bob
         4 ann revoke t1                       -> PENDING
         5 ann approve t1                      -> NotAnApprover
         6 adm edit-team dev members=ann
         7 ann approve t1                      -> CLEARED gen=2",
    );
}

#[test]
fn d7_only_the_own_approval_can_be_revoked() {
    Gate::played(
        "0 adm policy p users=ann,bob min=2
         1 orc create t1
         2 ann approve t1                      -> counted=1
         3 bob revoke t1                       -> NothingToRevoke counted=1
         3 carl revoke t1                      -> NothingToRevoke counted=1
         3 orc revoke t1                       -> CannotDecide counted=1
         4 bob reject t1                       -> REJECTED
         5 bob revoke t1                       -> NothingToRevoke REJECTED",
    );
}

#[test]
fn d8_team_members_are_read_when_the_person_decides() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p teams=dev min=2
         1 orc create t1
         2 bob approve t1                      -> NotAnApprover
         3 adm edit-team dev members=bob       -> entries=1
         4 bob approve t1                      -> Done counted=1
         5 ann approve t1                      -> NotAnApprover
         6 adm edit-team dev members=ann
         7 ann approve t1                      -> Done CLEARED counted=2",
    );
}

#[test]
fn d8_how_they_were_eligible_is_kept() {
    let gate = Gate::played(
        "0 adm team dev members=ann
         0 adm team ops members=ann
         0 adm team open claimed
         0 adm policy p users=ann,bob teams=dev,ops,open min=3
         1 orc create t1
         2 ann approve t1
         3 adm edit-team dev
         4 cat+open approve t1
         5 cat approve t1                      -> entries=0",
    );
    let ann = decision(&gate, "ann");
    assert!(ann.eligibility.directly && !ann.eligibility.as_creator);
    assert_eq!(ann.eligibility.through, [team_id("dev"), team_id("ops")]);
    let cat = decision(&gate, "cat");
    assert!(!cat.eligibility.directly);
    assert_eq!(cat.eligibility.through, [team_id("open")]);
    assert_eq!(cat.credential.id, "token-of-cat");
}

#[test]
fn d8_a_claimed_team_counts_only_what_the_credential_claims() {
    Gate::played(
        "0 adm team open claimed
         0 adm team kept members=bob
         0 adm policy p teams=open,kept min=3
         1 orc create t1
         2 ann approve t1                      -> NotAnApprover
         2 ann+kept approve t1                 -> NotAnApprover
         2 ann+other approve t1                -> NotAnApprover
         2 ann+open approve t1                 -> Done counted=1
         3 bob approve t1                      -> Done counted=2",
    );
}

#[test]
fn d10_a_team_made_again_is_another_one() {
    Gate::played(
        "0 adm team dev members=ann
         0 adm policy p teams=dev
         1 orc create t1                       -> PENDING
         2 adm drop-team dev                   -> TeamInUse entries=0
         3 adm drop-policy p                   -> Done
         4 adm drop-team dev                   -> Done
         5 ann approve t1                      -> NotAnApprover
         6 adm team dev members=ann,bob        -> Done
         7 ann approve t1                      -> NotAnApprover
         8 bob approve t1                      -> NotAnApprover
         9 adm policy p teams=dev              -> Done
         10 orc create t2                      -> PENDING
         11 ann approve t2                     -> APPROVED",
    );
}

#[test]
fn d10_members_are_kept_here_or_claimed_never_both() {
    Gate::played(
        "0 adm team open claimed members=ann   -> InvalidField entries=0
         1 adm team open claimed               -> Done
         2 adm edit-team open members=ann      -> InvalidField entries=0
         3 adm team kept members=ann           -> Done
         4 adm policy p teams=open,kept
         5 orc create t1
         6 bob+kept approve t1                 -> NotAnApprover",
    );
}

#[test]
fn d11_a_decision_on_something_else_than_was_seen_is_refused() {
    Gate::played(
        "0 adm policy p users=ann,bob,cat min=3
         1 orc create t1 digest=d1
         1 orc create t2
         2 ann approve t1 etag=other           -> EtagMismatch counted=0 entries=0
         2 ann approve t1 digest=d2            -> DigestMismatch counted=0 entries=0
         2 ann approve t2 digest=d1            -> DigestMismatch counted=0 entries=0
         2 ann reject t1 etag=other            -> EtagMismatch PENDING entries=0
         2 ann reject t1 digest=d2             -> DigestMismatch PENDING entries=0
         3 ann approve t1 etag=seen digest=d1  -> Done counted=1
         4 bob approve t1 etag=seen            -> Done counted=2
         4 bob approve t1 etag=other           -> EtagMismatch entries=0
         4 bob approve t1 digest=d2            -> DigestMismatch entries=0
         4 bob approve t1 etag=seen digest=d1  -> Done counted=2 entries=0
         5 cat approve t1 by=number            -> Done CLEARED
         6 cat reject t1 etag=seen digest=d1   -> Done REJECTED
         7 bob approve t1 etag=other           -> Done REJECTED entries=0
         7 cat reject t1 digest=d2             -> Done REJECTED entries=0",
    );
}

#[test]
fn d11_the_etag_covers_what_is_decided_on_and_not_who_has_decided() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann,bob min=2\n 1 orc create t1\n 1 orc create t2 env=dr");
    let etag = |gate: &Gate, id: &str| gate.case(id).unwrap().change_request.content.etag.clone();
    let before = etag(&gate, "t1");
    gate.play("2 ann approve t1\n 3 bob approve t1\n 4 ann revoke t1");
    assert_eq!(etag(&gate, "t1"), before);
    assert_ne!(etag(&gate, "t2"), before);
    let mut other = Gate::new();
    other.play("0 adm policy p users=ann,bob min=1\n 1 orc create t1");
    assert_ne!(etag(&other, "t1"), before, "another resultant policy");
    let mut other = Gate::new();
    other.play("0 adm policy p users=ann,bob min=2\n 1 orc create t1 title=Other");
    assert_ne!(etag(&other, "t1"), before, "another content");
}

#[test]
fn d12_decisions_are_taken_while_a_task_could_start() {
    Gate::played(
        "0 adm policy p users=ann,bob
         1 orc create t1
         2 ann approve t1
         3 orc withdraw t1                     -> APPROVED TERMINATED:withdrawn
         4 bob reject t1                       -> NothingCanStart APPROVED
         5 ann revoke t1                       -> NothingCanStart APPROVED
         6 bob approve t1                      -> Done APPROVED counted=2",
    );
}

fn approve_t1() -> Action {
    Action::Approve(Approve {
        target: CrRef::Task(task_id("t1")),
        comment: String::new(),
        etag: None,
        artifact_digest: None,
    })
}

fn decision<'a>(gate: &'a Gate, name: &str) -> &'a Decision {
    let change_request = &gate.case("t1").unwrap().change_request;
    change_request.decision_of(&person(name)).unwrap()
}
