//! Every state by every command: what is answered, and where it leads.
//!
//! A column is a state of a change request together with its task, a row is a command. In a cell,
//! `repeat` is an OK that leaves no entry in the log, `Done` one that leaves some; behind the arrow
//! stands the next state, and without an arrow the state stays.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail loudly"
)]

mod harness;

use harness::Gate;
use harness::facts::{reply_name, states};

/// The name of a state, what it is, and the steps to it behind [`BEGIN`]. `bob` rejects or approves
/// with `ann`, `cat` has decided nothing yet.
const STATES: &[(&str, &str, &str)] = &[
    ("PENDING", "PENDING PAUSED:approval", ""),
    ("WINDOW", "APPROVED PAUSED:window", "11 bob approve t1"),
    ("CLEARED", "APPROVED CLEARED", "11 bob approve t1"),
    (
        "FREEZE",
        "APPROVED PAUSED:freeze",
        "11 bob approve t1
         12 adm freeze f
         12 time sweep f",
    ),
    (
        "RUNNING",
        "APPROVED RUNNING",
        "11 bob approve t1
         12 run start t1",
    ),
    (
        "SUCCEEDED",
        "APPROVED SUCCEEDED",
        "11 bob approve t1
         12 run start t1
         13 run finish t1",
    ),
    (
        "FAILED",
        "APPROVED FAILED",
        "11 bob approve t1
         12 run start t1
         13 run finish t1 outcome=failed",
    ),
    (
        "REJECTED",
        "REJECTED TERMINATED:rejected",
        "11 bob reject t1",
    ),
    (
        "EXPIRED",
        "EXPIRED TERMINATED:window_closed",
        "100 time settle t1",
    ),
    (
        "WITHDRAWN",
        "WITHDRAWN TERMINATED:withdrawn",
        "11 orc withdraw t1",
    ),
    (
        "CLOSED",
        "APPROVED TERMINATED:window_closed",
        "11 bob approve t1
         100 time settle t1",
    ),
    (
        "GONE",
        "APPROVED TERMINATED:withdrawn",
        "11 bob approve t1
         12 orc withdraw t1",
    ),
];

/// The way to every state begins with these.
const BEGIN: &str = "0 adm policy two users=ann,bob,cat,carl,svc min=2 block
                     1 {create}
                     10 ann approve t1 comment=first";

/// What the commands of the five tables are, in this order.
const COMMANDS: &str = "
orc create same
orc create other
far create same
cat approve
ann approve
sam approve
carl approve
svc approve
orc approve
bob reject
cat reject
carl reject
sam reject
svc reject
ann revoke
cat revoke
sam revoke
carl withdraw
orc withdraw
sam withdraw
run start
run start gen=0
run start claim=c2
ran start
rex start
run start digest=d2
run start digest=none
run finish
run finish outcome=failed
run finish claim=c2
ran finish
orc finish
rex finish
time settle
";

#[test]
fn while_it_waits() {
    every_cell(
        20,
        "
                         | PENDING              | WINDOW               | CLEARED
orc create same          | repeat               | repeat               | repeat
orc create other         | TaskIdTaken          | TaskIdTaken          | TaskIdTaken
far create same          | OutsideGrant         | OutsideGrant         | OutsideGrant
cat approve              | Done → CLEARED       | Done                 | Done
ann approve              | repeat               | repeat               | repeat
sam approve              | NotAnApprover        | NotAnApprover        | NotAnApprover
carl approve             | CreatorBlocked       | CreatorBlocked       | CreatorBlocked
svc approve              | CannotDecide         | CannotDecide         | CannotDecide
orc approve              | CannotDecide         | CannotDecide         | CannotDecide
bob reject               | Done → REJECTED      | Done → REJECTED      | Done → REJECTED
cat reject               | Done → REJECTED      | Done → REJECTED      | Done → REJECTED
carl reject              | Done → REJECTED      | Done → REJECTED      | Done → REJECTED
sam reject               | NotAnApprover        | NotAnApprover        | NotAnApprover
svc reject               | CannotDecide         | CannotDecide         | CannotDecide
ann revoke               | Done                 | Done → PENDING       | Done → PENDING
cat revoke               | NothingToRevoke      | NothingToRevoke      | NothingToRevoke
sam revoke               | NothingToRevoke      | NothingToRevoke      | NothingToRevoke
carl withdraw            | Done → WITHDRAWN     | Done → GONE          | Done → GONE
orc withdraw             | Done → WITHDRAWN     | Done → GONE          | Done → GONE
sam withdraw             | NotTheCreator        | NotTheCreator        | NotTheCreator
run start                | StartNotNow:approval | StartNotNow:window   | Done → RUNNING
run start gen=0          | StartNotNow:approval | StartNotNow:window   | StartNotNow:stale
run start claim=c2       | StartNotNow:approval | StartNotNow:window   | Done → RUNNING
ran start                | StartNotNow:approval | StartNotNow:window   | Done → RUNNING
rex start                | NotFound             | NotFound             | NotFound
run start digest=d2      | StartNotNow:approval | StartNotNow:window   | DigestMismatch
run start digest=none    | StartNotNow:approval | StartNotNow:window   | DigestMismatch
run finish               | NotRunning           | NotRunning           | NotRunning
run finish outcome=failed| NotRunning           | NotRunning           | NotRunning
run finish claim=c2      | NotRunning           | NotRunning           | NotRunning
ran finish               | NotRunning           | NotRunning           | NotRunning
orc finish               | NotRunning           | NotRunning           | NotRunning
rex finish               | NotFound             | NotFound             | NotFound
time settle              | repeat               | repeat               | repeat
",
    );
}

/// A freeze holds the task; nothing else is in its way.
#[test]
fn while_a_freeze_holds() {
    every_cell(
        20,
        "
                         | FREEZE
orc create same          | repeat
orc create other         | TaskIdTaken
far create same          | OutsideGrant
cat approve              | Done
ann approve              | repeat
sam approve              | NotAnApprover
carl approve             | CreatorBlocked
svc approve              | CannotDecide
orc approve              | CannotDecide
bob reject               | Done → REJECTED
cat reject               | Done → REJECTED
carl reject              | Done → REJECTED
sam reject               | NotAnApprover
svc reject               | CannotDecide
ann revoke               | Done → PENDING
cat revoke               | NothingToRevoke
sam revoke               | NothingToRevoke
carl withdraw            | Done → GONE
orc withdraw             | Done → GONE
sam withdraw             | NotTheCreator
run start                | StartNotNow:freeze
run start gen=0          | StartNotNow:freeze
run start claim=c2       | StartNotNow:freeze
ran start                | StartNotNow:freeze
rex start                | NotFound
run start digest=d2      | StartNotNow:freeze
run start digest=none    | StartNotNow:freeze
run finish               | NotRunning
run finish outcome=failed| NotRunning
run finish claim=c2      | NotRunning
ran finish               | NotRunning
orc finish               | NotRunning
rex finish               | NotFound
time settle              | repeat
",
    );
}

/// The window of a task that a freeze holds closes, and nobody has settled.
#[test]
fn the_window_closed_under_a_freeze_and_nobody_looked() {
    cells(
        100,
        "
               | FREEZE
time settle    | Done → CLOSED
orc create same| Done → CLOSED
cat approve    | Done → CLOSED
sam approve    | NotAnApprover → CLOSED
carl reject    | NothingCanStart → CLOSED
ann revoke     | NothingCanStart → CLOSED
orc withdraw   | NotWithdrawable → CLOSED
run start      | StartNever → CLOSED
run finish     | NotRunning → CLOSED
",
    );
}

#[test]
fn after_the_start() {
    every_cell(
        20,
        "
                         | RUNNING              | SUCCEEDED            | FAILED
orc create same          | repeat               | repeat               | repeat
orc create other         | TaskIdTaken          | TaskIdTaken          | TaskIdTaken
far create same          | OutsideGrant         | OutsideGrant         | OutsideGrant
cat approve              | Done                 | Done                 | Done
ann approve              | repeat               | repeat               | repeat
sam approve              | NotAnApprover        | NotAnApprover        | NotAnApprover
carl approve             | CreatorBlocked       | CreatorBlocked       | CreatorBlocked
svc approve              | CannotDecide         | CannotDecide         | CannotDecide
orc approve              | CannotDecide         | CannotDecide         | CannotDecide
bob reject               | NothingCanStart      | NothingCanStart      | NothingCanStart
cat reject               | NothingCanStart      | NothingCanStart      | NothingCanStart
carl reject              | NothingCanStart      | NothingCanStart      | NothingCanStart
sam reject               | NotAnApprover        | NotAnApprover        | NotAnApprover
svc reject               | CannotDecide         | CannotDecide         | CannotDecide
ann revoke               | NothingCanStart      | NothingCanStart      | NothingCanStart
cat revoke               | NothingToRevoke      | NothingToRevoke      | NothingToRevoke
sam revoke               | NothingToRevoke      | NothingToRevoke      | NothingToRevoke
carl withdraw            | NotWithdrawable      | NotWithdrawable      | NotWithdrawable
orc withdraw             | NotWithdrawable      | NotWithdrawable      | NotWithdrawable
sam withdraw             | NotTheCreator        | NotTheCreator        | NotTheCreator
run start                | repeat               | StartNever           | StartNever
run start gen=0          | ClaimTaken           | StartNever           | StartNever
run start claim=c2       | ClaimTaken           | StartNever           | StartNever
ran start                | ClaimTaken           | StartNever           | StartNever
rex start                | NotFound             | NotFound             | NotFound
run start digest=d2      | DigestMismatch       | StartNever           | StartNever
run start digest=none    | DigestMismatch       | StartNever           | StartNever
run finish               | Done → SUCCEEDED     | repeat               | OutcomeDiffers
run finish outcome=failed| Done → FAILED        | OutcomeDiffers       | repeat
run finish claim=c2      | ClaimTaken           | ClaimTaken           | ClaimTaken
ran finish               | ClaimTaken           | ClaimTaken           | ClaimTaken
orc finish               | Done → SUCCEEDED     | repeat               | OutcomeDiffers
rex finish               | NotFound             | NotFound             | NotFound
time settle              | repeat               | repeat               | repeat
",
    );
}

#[test]
fn after_the_end_of_the_change_request() {
    every_cell(
        110,
        "
                         | REJECTED             | EXPIRED              | WITHDRAWN
orc create same          | repeat               | repeat               | repeat
orc create other         | TaskIdTaken          | TaskIdTaken          | TaskIdTaken
far create same          | OutsideGrant         | OutsideGrant         | OutsideGrant
cat approve              | ChangeRequestEnded   | ChangeRequestEnded   | ChangeRequestEnded
ann approve              | repeat               | repeat               | repeat
sam approve              | NotAnApprover        | NotAnApprover        | NotAnApprover
carl approve             | CreatorBlocked       | CreatorBlocked       | CreatorBlocked
svc approve              | CannotDecide         | CannotDecide         | CannotDecide
orc approve              | CannotDecide         | CannotDecide         | CannotDecide
bob reject               | repeat               | ChangeRequestEnded   | ChangeRequestEnded
cat reject               | ChangeRequestEnded   | ChangeRequestEnded   | ChangeRequestEnded
carl reject              | ChangeRequestEnded   | ChangeRequestEnded   | ChangeRequestEnded
sam reject               | NotAnApprover        | NotAnApprover        | NotAnApprover
svc reject               | CannotDecide         | CannotDecide         | CannotDecide
ann revoke               | ChangeRequestEnded   | ChangeRequestEnded   | ChangeRequestEnded
cat revoke               | NothingToRevoke      | NothingToRevoke      | NothingToRevoke
sam revoke               | NothingToRevoke      | NothingToRevoke      | NothingToRevoke
carl withdraw            | NotWithdrawable      | NotWithdrawable      | repeat
orc withdraw             | NotWithdrawable      | NotWithdrawable      | repeat
sam withdraw             | NotTheCreator        | NotTheCreator        | NotTheCreator
run start                | StartNever           | StartNever           | StartNever
run start gen=0          | StartNever           | StartNever           | StartNever
run start claim=c2       | StartNever           | StartNever           | StartNever
ran start                | StartNever           | StartNever           | StartNever
rex start                | NotFound             | NotFound             | NotFound
run start digest=d2      | StartNever           | StartNever           | StartNever
run start digest=none    | StartNever           | StartNever           | StartNever
run finish               | NotRunning           | NotRunning           | NotRunning
run finish outcome=failed| NotRunning           | NotRunning           | NotRunning
run finish claim=c2      | NotRunning           | NotRunning           | NotRunning
ran finish               | NotRunning           | NotRunning           | NotRunning
orc finish               | NotRunning           | NotRunning           | NotRunning
rex finish               | NotFound             | NotFound             | NotFound
time settle              | repeat               | repeat               | repeat
",
    );
}

#[test]
fn after_the_end_of_the_task_under_an_approved_change_request() {
    every_cell(
        110,
        "
                         | CLOSED               | GONE
orc create same          | repeat               | repeat
orc create other         | TaskIdTaken          | TaskIdTaken
far create same          | OutsideGrant         | OutsideGrant
cat approve              | Done                 | Done
ann approve              | repeat               | repeat
sam approve              | NotAnApprover        | NotAnApprover
carl approve             | CreatorBlocked       | CreatorBlocked
svc approve              | CannotDecide         | CannotDecide
orc approve              | CannotDecide         | CannotDecide
bob reject               | NothingCanStart      | NothingCanStart
cat reject               | NothingCanStart      | NothingCanStart
carl reject              | NothingCanStart      | NothingCanStart
sam reject               | NotAnApprover        | NotAnApprover
svc reject               | CannotDecide         | CannotDecide
ann revoke               | NothingCanStart      | NothingCanStart
cat revoke               | NothingToRevoke      | NothingToRevoke
sam revoke               | NothingToRevoke      | NothingToRevoke
carl withdraw            | NotWithdrawable      | repeat
orc withdraw             | NotWithdrawable      | repeat
sam withdraw             | NotTheCreator        | NotTheCreator
run start                | StartNever           | StartNever
run start gen=0          | StartNever           | StartNever
run start claim=c2       | StartNever           | StartNever
ran start                | StartNever           | StartNever
rex start                | NotFound             | NotFound
run start digest=d2      | StartNever           | StartNever
run start digest=none    | StartNever           | StartNever
run finish               | NotRunning           | NotRunning
run finish outcome=failed| NotRunning           | NotRunning
run finish claim=c2      | NotRunning           | NotRunning
ran finish               | NotRunning           | NotRunning
orc finish               | NotRunning           | NotRunning
rex finish               | NotFound             | NotFound
time settle              | repeat               | repeat
",
    );
}

/// The command comes at the very end of the window, and nobody has settled: it finds the states
/// that a punctual settling would have left.
#[test]
fn the_window_closed_and_nobody_looked() {
    cells(
        100,
        "
               | PENDING                      | WINDOW                   | CLEARED
time settle    | Done → EXPIRED               | Done → CLOSED            | Done → CLOSED
orc create same| Done → EXPIRED               | Done → CLOSED            | Done → CLOSED
cat approve    | ChangeRequestEnded → EXPIRED | Done → CLOSED            | Done → CLOSED
ann approve    | Done → EXPIRED               | Done → CLOSED            | Done → CLOSED
sam approve    | NotAnApprover → EXPIRED      | NotAnApprover → CLOSED   | NotAnApprover → CLOSED
bob reject     | ChangeRequestEnded → EXPIRED | NothingCanStart → CLOSED | NothingCanStart → CLOSED
carl reject    | ChangeRequestEnded → EXPIRED | NothingCanStart → CLOSED | NothingCanStart → CLOSED
ann revoke     | ChangeRequestEnded → EXPIRED | NothingCanStart → CLOSED | NothingCanStart → CLOSED
orc withdraw   | NotWithdrawable → EXPIRED    | NotWithdrawable → CLOSED | NotWithdrawable → CLOSED
run start      | StartNever → EXPIRED         | StartNever → CLOSED      | StartNever → CLOSED
run finish     | NotRunning → EXPIRED         | NotRunning → CLOSED      | NotRunning → CLOSED
",
    );
}

/// The window of a task that has started closes: nothing happens to it (F4).
#[test]
fn a_started_task_is_not_touched_by_the_end_of_its_window() {
    cells(
        100,
        "
               | RUNNING           | SUCCEEDED
time settle    | repeat            | repeat
cat approve    | Done              | Done
carl reject    | NothingCanStart   | NothingCanStart
run start      | repeat            | StartNever
run finish     | Done → SUCCEEDED  | repeat
",
    );
}

/// The window opened and nobody has settled: commands find the task cleared.
#[test]
fn the_window_opened_and_nobody_looked() {
    cells(
        50,
        "
                  | WINDOW
time settle       | Done → CLEARED
orc create same   | Done → CLEARED
cat approve       | Done → CLEARED
sam approve       | NotAnApprover → CLEARED
ann revoke        | Done → PENDING
cat reject        | Done → REJECTED
orc withdraw      | Done → GONE
run start gen=1   | Done → RUNNING
run start gen=0   | StartNotNow:stale → CLEARED
",
    );
}

/// A table that has a row for every command.
fn every_cell(now: i64, table: &str) {
    let rows = table
        .lines()
        .skip(2)
        .map(|row| row.split('|').next().unwrap().trim());
    let rows: Vec<&str> = rows.collect();
    let commands: Vec<&str> = COMMANDS.trim().lines().collect();
    assert_eq!(rows, commands);
    cells(now, table);
}

fn cells(now: i64, table: &str) {
    let mut lines = table.trim_start_matches('\n').lines();
    let columns: Vec<&str> = lines.next().unwrap().split('|').map(str::trim).collect();
    for line in lines {
        let words: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(words.len(), columns.len(), "{line}");
        for (state, expected) in columns.iter().zip(&words).skip(1) {
            cell(state, words[0], now, expected);
        }
    }
}

fn cell(state: &str, command: &str, now: i64, expected: &str) {
    let (mut gate, create) = in_state(state);
    let found = match command.split_whitespace().collect::<Vec<_>>()[..] {
        [actor, "create", "same"] => gate.say(&format!("{now} {actor} {create}")),
        [actor, "create", _] => gate.say(&format!("{now} {actor} {create} title=Other")),
        [actor, verb, ref options @ ..] => {
            gate.say(&format!("{now} {actor} {verb} t1 {}", options.join(" ")))
        }
        _ => panic!("not a command: {command}"),
    };
    let reply = match found {
        (reply, 0) if reply_name(&reply) == "Done" => "repeat".to_owned(),
        (reply, _) => reply_name(&reply),
    };
    let (reply_expected, next) = expected.split_once(" → ").unwrap_or((expected, state));
    let name_of = |found: &str| STATES.iter().find(|(_, what, _)| *what == found).unwrap().0;
    let next_found = states(&gate, "t1");
    assert_eq!(
        (reply.as_str(), name_of(&next_found)),
        (reply_expected, next),
        "{command} in {state}"
    );
    gate.check_all();
}

/// A gate in a state, and how its task was created.
fn in_state(name: &str) -> (Gate, String) {
    let (_, what, steps) = STATES.iter().find(|(state, ..)| *state == name).unwrap();
    let window = if name == "WINDOW" { "50..100" } else { "..100" };
    let create = format!("create t1 runner=pool digest=d1 window={window}");
    let mut gate = Gate::new();
    gate.play(&BEGIN.replace("{create}", &format!("orc {create}")));
    gate.play(steps);
    assert_eq!(states(&gate, "t1"), *what);
    (gate, create)
}
