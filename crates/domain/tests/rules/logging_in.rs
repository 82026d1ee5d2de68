//! D1: a policy may want to know that its approvers were there a short while ago.

use countersign_domain::Refusal;
use countersign_domain::batch::Reply;
use countersign_domain::policy::TimeToLive;

use crate::harness::Gate;
use crate::harness::facts::variant;
use crate::harness::people::{at, policy_id};

#[test]
fn d1_an_approver_logged_in_at_most_so_long_ago() {
    for (login, expected) in [
        ("39.999999", "AuthenticationTooOld PENDING entries=0"),
        ("40", "Done APPROVED"),
        ("40.000001", "Done APPROVED"),
        ("99", "Done APPROVED"),
        ("100", "Done APPROVED"),
        ("0", "AuthenticationTooOld PENDING entries=0"),
    ] {
        let mut gate = Gate::new();
        gate.play("0 adm policy p users=ann age=60\n 1 orc create t1");
        gate.play(&format!("100 ann!{login} approve t1 -> {expected}"));
        gate.check_all();
    }
}

#[test]
fn d1_a_credential_that_tells_of_no_login_is_too_old_for_any_limit() {
    Gate::played(
        "0 adm policy p users=ann envs=prod age=31536000
         0 adm policy q users=ann envs=dev
         0 acc token key as=ann
         1 orc create t1
         1 orc create t2 env=dev
         2 ann approve t1                      -> AuthenticationTooOld PENDING entries=0
         2 #key approve t1                     -> AuthenticationTooOld PENDING entries=0
         2 ann approve t2                      -> Done APPROVED
         3 ann!3 approve t1                    -> Done APPROVED",
    );
}

#[test]
fn d1_what_a_refusal_for_an_old_login_says() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann age=60\n 1 orc create t1");
    let rows = [
        (
            "ann",
            "the credential tells of no login, and policy p asks for one at most 60 s ago; \
             log in again and repeat the call",
        ),
        (
            "ann!10",
            "the credential tells of a login at 2027-01-15T08:00:10Z, and policy p asks for one \
             at most 60 s ago; log in again and repeat the call",
        ),
    ];
    for (who, text) in rows {
        let Reply::Refused(refusal) = gate.say(&format!("100 {who} approve t1")).0 else {
            panic!("not refused");
        };
        assert_eq!(refusal.to_string(), text);
        assert_eq!(
            (variant(&refusal).as_str(), refusal.rule()),
            ("AuthenticationTooOld", "D1")
        );
    }
}

#[test]
fn d1_g1_the_shortest_of_several_limits_wins_and_its_policy_is_named() {
    let rows = [
        ("a age=90;b age=60;c", "b", 60),
        ("a;b age=60;c age=90", "b", 60),
        ("a age=30;b age=30;c age=31", "a", 30),
        ("c age=30;b age=30;a", "b", 30),
        ("a age=60;b age=20 envs=dev;c age=10 disabled", "a", 60),
    ];
    for (policies, named, seconds) in rows {
        let mut gate = Gate::new();
        for policy in policies.split(';') {
            gate.play(&format!("0 adm policy {policy} users=ann"));
        }
        gate.play("1 orc create t1");
        let login = 200 - seconds;
        let said = format!("200 ann!{}.999999 approve t1", login - 1);
        let Reply::Refused(Refusal::AuthenticationTooOld {
            policy,
            limit_micros,
            auth_time,
            change_request,
        }) = gate.say(&said).0
        else {
            panic!("{policies}: not refused");
        };
        assert_eq!(policy, policy_id(named), "{policies}");
        assert_eq!(limit_micros, seconds * 1_000_000);
        assert_eq!(auth_time, at(login).plus_micros(-1));
        assert_eq!(change_request.0, 1);
        gate.play(&format!("200 ann!{login} approve t1 -> Done APPROVED"));
    }
}

/// Who stops something, or takes their own word back, may do so at once.
#[test]
fn d5_d7_rejecting_and_revoking_take_no_recent_login() {
    Gate::played(
        "0 adm policy p users=ann,bob age=60 min=2
         1 orc create t1
         1 orc create t2
         10 ann!10 approve t1                  -> counted=1
         200 ann!10 revoke t1                  -> Done counted=0
         201 ann!10 approve t1                 -> AuthenticationTooOld counted=0
         202 ann!10 reject t1                  -> Done REJECTED
         203 ann reject t2                     -> Done REJECTED",
    );
    Gate::played(
        "0 adm policy p users=ann age=60
         1 orc create t1
         2 carl reject t1                      -> Done REJECTED",
    );
}

#[test]
fn d3_repeating_the_own_approval_takes_no_recent_login() {
    Gate::played(
        "0 adm policy p users=ann,bob age=60 min=2
         1 orc create t1
         10 ann!10 approve t1                  -> counted=1
         200 ann!10 approve t1                 -> Done counted=1 entries=0
         200 ann approve t1                    -> Done counted=1 entries=0
         200 bob!10 approve t1                 -> AuthenticationTooOld counted=1 entries=0
         200 bob!190 approve t1                -> Done CLEARED counted=2
         900 run start t1                      -> Done RUNNING",
    );
}

#[test]
fn e1_permission_to_approve_is_checked_before_the_login_and_the_login_before_state() {
    Gate::played(
        "0 adm policy p users=ann,carl age=60 block
         1 orc create t1
         1 orc create t2
         2 ann reject t2                       -> REJECTED
         3 svc!3 approve t1                    -> CannotDecide
         3 sam approve t1                      -> NotAnApprover
         3 carl approve t1                     -> CreatorBlocked
         3 ann approve t2                      -> AuthenticationTooOld
         3 ann!3 approve t2                    -> ChangeRequestEnded
         3 ann approve t1 etag=other           -> AuthenticationTooOld
         3 ann!3 approve t1 etag=other         -> EtagMismatch",
    );
}

/// An identity provider's clock may be a little ahead.
#[test]
fn d1_a_login_that_is_still_to_come_is_recent() {
    Gate::played(
        "0 adm policy p users=ann age=60
         1 orc create t1
         10 ann!12 approve t1                  -> Done APPROVED",
    );
}

#[test]
fn d1_a_login_is_judged_by_the_instant_of_the_transaction() {
    Gate::played(
        "0 adm policy p users=ann age=60
         1 orc create t1
         100 orc create t2
         98 ann!39.999999 approve t1           -> AuthenticationTooOld
         98 ann!40 approve t1                  -> Done APPROVED",
    );
}

#[test]
fn c6_a_limit_is_frozen_into_the_change_request() {
    Gate::played(
        "0 adm policy p users=ann age=60
         1 orc create t1
         2 adm edit-policy p age=
         3 orc create t2
         4 ann approve t1                      -> AuthenticationTooOld
         4 ann approve t2                      -> Done APPROVED
         5 adm edit-policy p age=10
         6 orc create t3
         50 ann!0 approve t1                   -> Done APPROVED
         50 ann!0 approve t3                   -> AuthenticationTooOld
         51 adm drop-policy p
         52 ann!41 approve t3                  -> AuthenticationTooOld
         52 ann!42 approve t3                  -> Done APPROVED",
    );
}

/// Policies that differ in it are other ones: nothing joins under another limit.
#[test]
fn s3_a_changed_limit_is_a_changed_policy() {
    Gate::played(
        "0 adm policy p users=ann share=release ettl=900
         1 orc create t1 release=r1            -> CR-1
         2 orc create t2 release=r1            -> CR-1
         3 adm edit-policy p age=60
         4 orc create t3 release=r1            -> CR-2
         5 orc create t4 release=r1            -> CR-2 tasks=2",
    );
}

#[test]
fn m1_the_limit_of_a_policy_is_changed_by_its_mask_alone() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=ann age=60
         1 adm edit-policy p name=Other",
    );
    let limit = |gate: &Gate| {
        let policy = gate.directory.policy(&policy_id("p")).unwrap();
        policy.draft.terms.max_auth_age
    };
    assert_eq!(limit(&gate), TimeToLive::from_micros(60_000_000));
    gate.play("2 adm edit-policy p age=90 -> Done entries=1");
    assert_eq!(limit(&gate), TimeToLive::from_micros(90_000_000));
    gate.play("3 adm edit-policy p age= -> Done entries=1");
    assert_eq!(limit(&gate), None);
    gate.play("4 adm edit-policy p age= -> Done entries=0");
}
