//! C: asking for permission.

use countersign_domain::batch::{Action, Command, Reply};
use countersign_domain::ids::CrNumber;
use countersign_domain::log::AggregateKey;
use countersign_domain::person::Person;

use crate::harness::Gate;
use crate::harness::facts::reply_name;
use crate::harness::people::{at, caller, creator, spec, task_id};

#[test]
fn c1_everything_the_orchestrator_says_is_kept() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann");
    let mut asked = spec("t1");
    asked.description = "first\nsecond".to_owned();
    asked.labels.insert("ticket".to_owned(), "OPS-1".to_owned());
    asked.artifact_digest = crate::harness::people::digest("sha256:1");
    let action = gate.prepare(asked.clone());
    let reply = gate.step(&caller("orc"), action, at(1));
    assert_eq!(reply_name(&reply), "Done");
    let case = gate.case("t1").unwrap();
    let content = &case.change_request.content;
    assert_eq!(case.tasks[&task_id("t1")].content.spec, asked);
    assert_eq!(content.project, asked.project);
    assert_eq!(content.environment, asked.environment);
    assert_eq!(content.artifact_digest, asked.artifact_digest);
    assert_eq!(content.creator, Some(creator("carl")));
    assert_eq!(content.created_at, at(1));
}

#[test]
fn c2_the_same_id_and_content_is_one_effect_at_any_time() {
    Gate::played(
        "0  adm policy p users=ann,bob
         1  orc create t1 window=..50 title=A    -> Done PENDING CR-1 entries=2
         2  orc create t1 window=..50 title=A    -> Done PENDING CR-1 entries=0
         3  ann approve t1                       -> Done CLEARED
         4  orc create t1 window=..50 title=A    -> Done CLEARED CR-1 entries=0
         5  adm drop-policy p                    -> Done
         6  orc create t1 window=..50 title=A    -> Done CLEARED required=true entries=0
         7  bob reject t1                        -> Done REJECTED
         8  orc create t1 window=..50 title=A    -> Done REJECTED TERMINATED:rejected entries=0
         60 orc create t1 window=..50 title=A    -> Done REJECTED entries=0
         60 orc create t2 window=..50 title=A    -> WindowPast absent",
    );
}

#[test]
fn c2_the_same_id_with_any_other_content_is_taken() {
    let asked = "orc create t1 window=5..50 digest=d1 label=a";
    let others = [
        "window=5..51",
        "window=6..50",
        "window=..50",
        "digest=d2",
        "digest=none",
        "label=b",
        "title=Other",
        "creator=ann",
        "creator=none",
        "runner=pool",
        "project=api",
        "env=dr",
        "release=r1",
        "tenant=acme",
        "ptags=a/b",
        "etags=a/b",
        "kind=runbook",
    ];
    let mut gate = Gate::new();
    gate.play(&format!("0 {asked}"));
    for other in others {
        gate.play(&format!("1 {asked} {other} -> TaskIdTaken entries=0 CR-1"));
    }
    gate.play(&format!("1 {asked} -> Done entries=0 CR-1"));
}

#[test]
fn c2_the_id_is_looked_up_before_policies_and_time() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann\n 1 orc create t1 window=..50 creator=none");
    // What would refuse a new task: a passed window, a required policy, a required creator.
    gate.play("2 adm edit-policy p block");
    gate.play("60 orc create t1 window=..50 creator=none -> Done EXPIRED");
    gate.play("60 orc create t2 creator=none -> CreatorRequired");
    gate.play("61 adm drop-policy p");
    gate.settings.require_policy = true;
    gate.play("62 orc create t1 window=..50 creator=none -> Done EXPIRED");
    gate.play("62 orc create t2 -> PolicyRequired");
    // And a creation that was prepared with an older directory.
    let (command, clock) = gate.read("63 orc create t1 window=..50 creator=none");
    let (fresh, _) = gate.read("63 orc create t3");
    gate.play("63 adm policy q users=ann");
    let replies = gate.run(&[command, fresh], clock).replies;
    assert_eq!(reply_name(&replies[0]), "Done");
    assert_eq!(reply_name(&replies[1]), "Stale");
}

#[test]
fn c2_a_grant_that_does_not_cover_the_task_learns_nothing() {
    Gate::played(
        "0 orc create t1                       -> Done CR-1
         1 far create t1                       -> OutsideGrant entries=0
         1 far create t2                       -> OutsideGrant absent entries=0
         1 far create t1 project=api           -> OutsideGrant entries=0
         1 far create t3 project=api           -> Done CR-2
         2 far withdraw t1                     -> NotFound entries=0
         2 far withdraw t9                     -> NotFound entries=0",
    );
}

#[test]
fn c3_a_creator_block_needs_a_creator() {
    Gate::played(
        "0 adm policy p users=ann block
         1 orc create t1 creator=none          -> CreatorRequired absent entries=0
         2 orc create t1 creator=carl          -> PENDING CR-1
         3 orc create t2 creator=none env=dev  -> APPROVED
         4 adm edit-policy p block=no
         5 orc create t3 creator=none          -> PENDING
         6 ann approve t3                      -> APPROVED",
    );
}

#[test]
fn c3_a_service_may_be_the_creator_but_never_approves() {
    let gate = Gate::played(
        "0 adm policy p users=ann,svc
         1 orc create t1 creator=svc           -> PENDING
         2 svc approve t1                      -> CannotDecide
         3 svc reject t1                       -> CannotDecide
         4 ann approve t1                      -> APPROVED",
    );
    let case = gate.case("t1").unwrap();
    assert!(
        case.change_request
            .content
            .creator
            .as_ref()
            .unwrap()
            .service
    );
}

#[test]
fn c3_the_creator_is_known_by_issuer_and_subject() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=carl block\n 1 orc create t1 creator=other");
    let mut asked = spec("t2");
    asked.creator = Some(creator("carl"));
    asked.creator.as_mut().unwrap().person.issuer = "elsewhere".to_owned();
    let action = gate.prepare(asked);
    assert_eq!(
        reply_name(&gate.step(&caller("orc"), action, at(2))),
        "Done"
    );
    gate.play(
        "3 carl approve t2                     -> Done APPROVED
         3 carl withdraw t2                    -> NotTheCreator",
    );
}

#[test]
fn c4_numbers_start_at_1_and_leave_no_gap() {
    let mut gate = Gate::played(
        "0 adm policy p users=ann envs=prod block
         1 orc create t1                       -> CR-1
         1 orc create t2 creator=none          -> CreatorRequired absent
         1 orc create t3 window=..1            -> WindowPast absent
         1 far create t4                       -> OutsideGrant absent
         1 orc create t1                       -> CR-1
         1 orc create t1 title=Other           -> TaskIdTaken CR-1
         1 orc create t5                       -> CR-2",
    );
    let read = |line: &str| gate.read(line).0;
    let batch: Vec<Command> = vec![
        read("2 orc create u1"),
        read("2 orc create u2 creator=none"),
        read("2 orc create u3"),
        read("2 orc create u1"),
        read("2 orc create u4"),
    ];
    let outcome = gate.run(&batch, at(2));
    let names: Vec<_> = outcome.replies.iter().map(reply_name).collect();
    assert_eq!(names, ["Done", "CreatorRequired", "Done", "Done", "Done"]);
    for (id, number) in [("u1", 3), ("u3", 4), ("u4", 5)] {
        assert_eq!(gate.case(id).unwrap().number(), CrNumber(number));
    }
}

#[test]
fn c6_policies_are_frozen_into_the_change_request() {
    Gate::played(
        "0  adm policy p users=ann,bob min=2
         1  orc create t1                      -> PENDING min=2
         2  ann approve t1                     -> PENDING missing=1
         3  adm edit-policy p min=1            -> Done
         4  time settle t1                     -> PENDING missing=1 entries=0
         5  adm edit-policy p users=cat block  -> Done
         6  cat approve t1                     -> NotAnApprover PENDING
         7  adm edit-policy p disabled=yes     -> Done
         8  time settle t1                     -> PENDING entries=0
         9  adm drop-policy p                  -> Done
         10 time settle t1                     -> PENDING entries=0
         11 bob approve t1                     -> APPROVED CLEARED
         12 orc create t2                      -> APPROVED required=false",
    );
}

#[test]
fn c7_approval_is_required_exactly_where_a_policy_matched() {
    let gate = Gate::played(
        "0 adm policy p users=ann
         1 orc create t1                       -> required=true
         1 orc create t2 env=dev               -> required=false
         1 orc create t3 env=dev window=9..    -> required=false APPROVED PAUSED:window",
    );
    let entries = |id: u64| gate.store.history[&AggregateKey::ChangeRequest(CrNumber(id))].len();
    assert_eq!([entries(1), entries(2), entries(3)], [1, 1, 1]);
}

#[test]
fn c4_c6_a_policy_made_again_under_its_id_is_another_one() {
    let gate = Gate::played(
        "0 adm policy p users=ann
         1 orc create t1
         2 adm drop-policy p
         3 adm policy p users=ann
         4 orc create t2",
    );
    let digest = |id: &str| {
        gate.case(id)
            .unwrap()
            .change_request
            .content
            .resultant
            .clone()
    };
    assert_ne!(digest("t1"), digest("t2"));
}

/// Who shows up as creator is who was named, whoever called.
#[test]
fn c3_the_caller_is_not_the_creator() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann block");
    let action = gate.prepare(spec("t1"));
    assert!(matches!(action, Action::Create(_)));
    let reply = gate.step(&caller("orc"), action, at(1));
    assert!(matches!(reply, Reply::Done(_)));
    let found = gate
        .case("t1")
        .unwrap()
        .change_request
        .content
        .creator
        .clone()
        .unwrap();
    let Person { subject, .. } = found.person;
    assert_eq!(subject, "carl");
}

/// All of a batch is made under the store's write lock, so a batch that has grown large leaves the
/// rest to the next one; nothing of the rest has happened.
#[test]
fn a_batch_that_has_grown_large_defers_what_is_left() {
    let mut gate = Gate::new();
    let orchestrator = caller("orc");
    let command = |gate: &Gate, number: usize| Command {
        caller: Some(orchestrator.clone()),
        action: gate.prepare(spec(&format!("t{number}"))),
        request: None,
    };
    let commands: Vec<Command> = (0..1_500).map(|number| command(&gate, number)).collect();
    let outcome = gate.run(&commands, at(1));
    let deferred = |reply: &&Reply| **reply == Reply::Deferred;
    let first = outcome.replies.iter().position(|it| deferred(&it)).unwrap();
    // Three entries for each: the change request, the task, and that it may start.
    assert_eq!(first, 4_096_usize.div_ceil(3));
    assert!(outcome.replies[first..].iter().all(|it| deferred(&it)));
    assert_eq!(outcome.entries.len(), first * 3);
    let rest = gate.run(&commands[first..], at(2));
    assert!(rest.replies.iter().all(|it| matches!(it, Reply::Done(_))));
    assert_eq!(gate.store.cases.len(), commands.len());
}
