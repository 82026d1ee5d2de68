//! E: refusals, and what a call that is made twice does.

use countersign_domain::Refusal;
use countersign_domain::batch::Reply;

use crate::harness::Gate;
use crate::harness::facts::variant;
use crate::harness::people::policy_id;

#[test]
fn e1_permission_is_checked_before_state() {
    Gate::played(
        "0 adm policy p users=ann,carl block
         1 orc create t1 digest=d1 runner=pool
         2 ann reject t1                       -> REJECTED
         3 sam approve t1 etag=other           -> NotAnApprover
         3 sam reject t1 digest=d2             -> NotAnApprover
         3 carl approve t1                     -> CreatorBlocked
         3 svc reject t1                       -> CannotDecide
         3 orc revoke t1                       -> CannotDecide
         3 sam withdraw t1                     -> NotTheCreator
         3 rex start t1                        -> NotFound
         3 rex finish t1                       -> NotFound",
    );
}

#[test]
fn e1_absent_and_forbidden_look_alike() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=near projects=*\n 1 orc create t1 project=api");
    let pairs = [
        ("near approve", "by=task"),
        ("near reject", "by=task"),
        ("near revoke", "by=task"),
        ("far withdraw", ""),
        ("far finish", ""),
        ("rex start", ""),
    ];
    gate.play("1 orc create t2 project=web runner=pool");
    for (command, options) in pairs {
        let hidden = if command.starts_with("near") {
            "t1"
        } else {
            "t2"
        };
        let [(forbidden, _), (absent, _)] =
            [hidden, "t9"].map(|id| gate.say(&format!("2 {command} {id} {options}")));
        let (Reply::Refused(forbidden), Reply::Refused(absent)) = (forbidden, absent) else {
            panic!("{command} is not refused");
        };
        let text = forbidden.to_string().replace(hidden, "t9");
        assert_eq!(text, absent.to_string(), "{command}");
        assert_eq!(variant(&forbidden), "NotFound", "{command}");
    }
    gate.play(
        "3 near approve t1 by=number           -> NotFound PENDING entries=0
         3 near approve t9 by=number           -> NotFound entries=0
         3 near approve t2                     -> Done APPROVED",
    );
}

#[test]
fn e1_a_refused_call_of_somebody_else_still_lets_time_pass() {
    Gate::played(
        "0 adm policy p users=ann
         1 orc create t1 window=..10
         10 sam approve t1                     -> NotAnApprover EXPIRED entries=2
         10 far withdraw t1                    -> NotFound EXPIRED entries=0",
    );
}

/// One way to each refusal, and the rule it names.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("OutsideGrant", "C2", "5 far create t9"),
    ("CannotDecide", "D1", "5 svc approve t1"),
    ("NotAnApprover", "D1", "5 sam approve t1"),
    ("CreatorBlocked", "D1", "5 carl approve t1"),
    ("NotTheCreator", "P7", "5 sam withdraw t1"),
    ("NotFound", "E1", "5 ann approve t9"),
    ("InvalidField", "M1", "5 adm policy r teams=none"),
    ("InvalidField", "D10", "5 adm team q members=ann claimed"),
    ("WindowPast", "W1", "5 orc create t9 window=..5"),
    ("CreatorRequired", "C3", "5 orc create t9 creator=none"),
    ("TaskIdTaken", "C2", "5 orc create t1 title=Other"),
    ("PolicyIdTaken", "M1", "5 adm policy p users=ann"),
    ("TeamIdTaken", "M1", "5 adm team dev"),
    ("RequestIdReused", "E1", "5 ann revoke t1 request=r1"),
    ("EtagMismatch", "D11", "5 bob approve t1 etag=other"),
    ("DigestMismatch", "D11", "5 bob approve t1 digest=d2"),
    ("ChangeRequestEnded", "D5", "5 bob approve t2"),
    ("NothingCanStart", "D12", "5 ann reject t3"),
    ("NothingToRevoke", "D7", "5 bob revoke t1"),
    ("StartNotNow", "P4", "5 run start t1"),
    ("StartNever", "P4", "5 run start t2"),
    ("ClaimTaken", "P3", "5 run start t3 claim=c2"),
    ("NotWithdrawable", "P7", "5 orc withdraw t3"),
    ("NotRunning", "P6", "5 run finish t1"),
    ("OutcomeDiffers", "P6", "5 run finish t4 outcome=failed"),
    ("TeamInUse", "D10", "5 adm drop-team dev"),
    ("InvalidField", "M5", "5 adm policy r users=ann min=0"),
    ("InvalidField", "M2", "5 adm policy r users=ann envs="),
    ("InvalidField", "W1", "5 orc create t9 window=9..8"),
    ("ClockBehind", "K2", "-9 run start t5"),
    ("AuthenticationTooOld", "D1", "5 ann approve t6"),
    (
        "ScopeOutsideGrant",
        "E1",
        "5 near policy r users=ann projects=*",
    ),
    ("CredentialEnded", "E1", "5 #none approve t1"),
    ("TokenIdTaken", "E1", "5 acc token key"),
];

#[test]
fn e2_a_refusal_says_what_was_found_and_names_its_rule() {
    for (name, rule, step) in REFUSALS {
        let refusal = refused(step);
        assert_eq!(
            (variant(&refusal).as_str(), refusal.rule()),
            (*name, *rule),
            "{step}"
        );
        let text = refusal.to_string();
        assert!(
            text.len() > 20 && !text.contains('{') && !text.ends_with('.'),
            "{text}"
        );
    }
    let mut gate = Gate::new();
    gate.settings.require_policy = true;
    for (name, rule) in [("PolicyRequired", "M6"), ("TooManyPolicies", "G1")] {
        let Reply::Refused(refusal) = gate.say("0 orc create t1").0 else {
            panic!("not refused");
        };
        let found = (variant(&refusal), refusal.rule());
        assert_eq!(found, (name.to_owned(), rule));
        for number in 0..65 {
            gate.play(&format!("0 adm policy {name}{number} users=ann"));
        }
    }
}

#[test]
fn e2_refusals_read_well() {
    let rows = [
        (
            "5 run start t1",
            "the task is held: approvals are missing; do not start, wait for the next signal",
        ),
        (
            "5 run start t5 gen=0",
            "the call names generation 0, the current one is 1; do not start, \
             wait for the next signal",
        ),
        (
            "5 run start t2",
            "found task in state TERMINATED; it never starts again, stop waiting",
        ),
        (
            "5 bob approve t2",
            "found change request in state REJECTED; allowed in PENDING and APPROVED; \
             a new task gets a new change request",
        ),
        (
            "5 bob approve t1 digest=d2",
            "the task was created with no artifact digest, the call names artifact digest d2",
        ),
        (
            "5 orc create t9 creator=none",
            "task.creator: found nothing; allowed: the person who triggered the task, \
             because policies p block the creator",
        ),
        (
            "5 adm drop-team dev",
            "team dev is named by policies p; take it out of them first",
        ),
        ("5 #none approve t1", "the credential has ended"),
    ];
    for (step, text) in rows {
        assert_eq!(refused(step).to_string(), text, "{step}");
    }
}

/// I-22: the same call has one effect, whatever happened since; another call under its id none.
#[test]
fn e1_a_call_that_names_a_request_id_has_one_effect() {
    Gate::played(
        "0 adm policy p users=ann,bob min=2
         1 orc create t1 request=r0
         1 orc create t1 request=r0                 -> Done CR-1 entries=0
         1 orc create t2 request=r0                 -> RequestIdReused absent entries=0
         2 ann approve t1 request=r1                -> Done counted=1 entries=1
         3 ann revoke t1 request=r2                 -> Done counted=0 entries=1
         4 ann approve t1 request=r1                -> Done counted=0 entries=0
         4 ann approve t1 request=r2                -> RequestIdReused counted=0 entries=0
         4 bob approve t1 request=r1                -> Done counted=1 entries=1
         5 ann approve t1 request=r3                -> Done CLEARED counted=2
         6 carl reject t1 request=r1                -> Done REJECTED
         7 carl reject t1 request=r1                -> Done REJECTED entries=0
         8 adm team dev members=ann request=r1      -> Done entries=1
         9 adm team dev members=ann request=r1      -> Done entries=0
         9 adm team dev members=bob request=r1      -> RequestIdReused entries=0
         9 adm drop-team dev request=r2             -> Done entries=1
         9 adm drop-team dev request=r2             -> Done entries=0
         9 adm drop-policy p request=r3             -> Done entries=1
         9 adm drop-policy p request=r3             -> Done entries=0
         9 ops accept-clock - request=r1            -> Done entries=1
         9 ops accept-clock - request=r1            -> Done entries=0",
    );
}

#[test]
fn e1_a_repeat_with_a_credential_that_covers_less_learns_nothing() {
    use countersign_domain::access::GrantSide;
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann\n 1 orc create t1");
    let (mut command, clock) = gate.read("2 ann approve t1 request=r1");
    let narrow = GrantSide::Only(["api".to_owned()].into());
    for (side, expected) in [(GrantSide::Any, "Done"), (narrow, "NotFound")] {
        command.caller.as_mut().unwrap().grant.projects = side;
        let outcome = gate.run(std::slice::from_ref(&command), clock);
        let name = crate::harness::facts::reply_name(&outcome.replies[0]);
        assert_eq!(name, expected);
    }
}

#[test]
fn e1_a_repeat_within_one_batch_has_one_effect() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann\n 1 orc create t1");
    let lines = [
        "2 ann approve t1 request=r1",
        "2 ann revoke t1 request=r2",
        "2 ann approve t1 request=r1",
        "2 ann approve t1 request=r2",
    ];
    let commands = lines.map(|line| gate.read(line).0);
    let outcome = gate.run(&commands, crate::harness::people::at(2));
    let names: Vec<_> = outcome
        .replies
        .iter()
        .map(crate::harness::facts::reply_name)
        .collect();
    assert_eq!(names, ["Done", "Done", "Done", "RequestIdReused"]);
    gate.play("3 time settle t1 -> PENDING counted=0");
}

fn refused(step: &str) -> Refusal {
    let mut gate = Gate::new();
    gate.play(
        "0 adm team dev members=dan
         0 adm policy p users=ann,bob,carl teams=dev block min=2
         0 adm policy q users=ann envs=free
         0 adm policy s users=ann envs=aged age=9
         0 acc token key
         1 orc create t1
         1 orc create t2
         1 orc create t6 env=aged
         1 orc create t3 env=free
         1 orc create t4 env=free
         1 orc create t5 env=none
         2 ann reject t2
         2 ann approve t3
         2 ann approve t4
         3 run start t3
         3 run start t4
         4 run finish t4
         4 ann approve t1 request=r1",
    );
    match gate.say(step).0 {
        Reply::Refused(refusal) => refusal,
        other => panic!("{step}: {other:?}"),
    }
}

#[test]
fn e2_no_period_says_what_to_do() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann windows=100..200");
    let rows = [
        (
            "1 orc create t1 window=..50",
            "the change windows of policies p are not open within the task's window, but at \
             2027-01-15T08:01:40Z; create the task with a window in which they are",
        ),
        (
            "200 orc create t1",
            "the change windows of policies p are not open together within ten years; mend them, \
             PreviewSchedule shows when each is open",
        ),
    ];
    for (step, text) in rows {
        let Reply::Refused(refusal) = gate.say(step).0 else {
            panic!("{step} is not refused");
        };
        assert_eq!(refusal.to_string(), text);
        assert_eq!(
            (variant(&refusal).as_str(), refusal.rule()),
            ("NoPeriod", "W4")
        );
    }
    assert!(gate.directory.policy(&policy_id("p")).is_some());
}
