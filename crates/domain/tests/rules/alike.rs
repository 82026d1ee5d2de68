//! D2: who looks like somebody else is another person all the same, and is pointed out.

use std::sync::Arc;

use countersign_domain::confusable::{among, of_case};
use countersign_domain::policy::{Warning, confusable_warnings};

use crate::harness::Gate;
use crate::harness::people::person;

/// With a Cyrillic а.
const ALICE: &str = "\u{430}lice";

#[test]
fn abuse_d2_who_looks_like_an_approver_is_none() {
    for looks_like_alice in [ALICE, "Alice", "ALICE", "a1ice", "aIice", "ａｌｉｃｅ"] {
        Gate::played(&format!(
            "0 adm team dev members=alice
             0 adm policy p users=alice envs=prod
             0 adm policy q teams=dev envs=dr
             1 orc create t1
             1 orc create t2 env=dr
             2 {looks_like_alice} approve t1      -> NotAnApprover PENDING counted=0
             2 {looks_like_alice} reject t1       -> NotAnApprover PENDING
             2 {looks_like_alice} approve t2      -> NotAnApprover PENDING counted=0
             3 alice approve t1                   -> Done APPROVED counted=1
             3 alice approve t2                   -> Done APPROVED counted=1
             4 {looks_like_alice} revoke t1       -> NothingToRevoke APPROVED counted=1",
        ));
    }
}

#[test]
fn d2_two_approvers_who_look_alike_count_twice_and_each_once() {
    let mut gate = Gate::new();
    gate.play(&format!(
        "0 adm policy p users=alice,{ALICE} min=3
         1 orc create t1
         2 alice approve t1                       -> Done counted=1
         3 {ALICE} approve t1                     -> Done counted=2
         4 {ALICE} approve t1                     -> Done counted=2
         5 alice revoke t1                        -> Done counted=1",
    ));
    assert_eq!(pairs(&gate), [("alice".to_owned(), ALICE.to_owned())]);
}

#[test]
fn d2_a_creator_block_bars_the_creator_and_nobody_who_looks_alike() {
    let mut gate = Gate::new();
    gate.play(&format!(
        "0 adm policy p users=alice,{ALICE} block
         1 orc create t1 creator={ALICE}          -> PENDING",
    ));
    let found = [("alice".to_owned(), ALICE.to_owned())];
    assert_eq!(pairs(&gate), found, "before anybody decides");
    gate.play(&format!(
        "2 {ALICE} approve t1                     -> CreatorBlocked PENDING
         3 alice approve t1                       -> Done APPROVED",
    ));
    assert_eq!(pairs(&gate), found, "alice has decided too");
}

#[test]
fn d2_who_decided_through_a_team_is_compared_once_they_have() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm team dev members=alice,dan
         0 adm policy p teams=dev users=carl,bob min=2
         1 orc create t1 creator=Alice            -> PENDING",
    );
    assert_eq!(pairs(&gate), [], "the members of teams change");
    gate.play("2 alice approve t1                 -> Done counted=1");
    assert_eq!(pairs(&gate), [("alice".to_owned(), "Alice".to_owned())]);
}

#[test]
fn d2_all_creators_are_looked_at_and_by_the_names_that_are_shown() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=alice,bob share=release ettl=60
         1 orc create t1 release=r1 creator=carl
         2 orc create t2 release=r1 creator=Bob   -> CR-1 tasks=2
         3 orc create t3 release=r1 creator=bob   -> CR-1 tasks=3",
    );
    assert_eq!(pairs(&gate), [("bob".to_owned(), "Bob".to_owned())]);
    let mut case = gate.case("t1").unwrap().clone();
    let mut task = case.tasks.values().next().unwrap().clone();
    let content = Arc::make_mut(&mut task.content);
    content.spec.creator.as_mut().unwrap().display_name = "Alice".to_owned();
    case.tasks = [(task.id().clone(), task)].into();
    let found = of_case(&case);
    assert_eq!(found.len(), 1);
    let (named, creator) = &found[0];
    assert_eq!(
        (&named.person, &creator.person),
        (&person("alice"), &person("carl"))
    );
    assert_eq!(
        (named.text.as_str(), creator.text.as_str()),
        ("alice", "Alice")
    );
}

#[test]
fn d2_one_person_is_not_like_themselves_and_another_issuer_is_another_person() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=alice,bob
         1 orc create t1 creator=alice            -> PENDING
         2 alice approve t1                       -> Done APPROVED",
    );
    assert_eq!(pairs(&gate), []);
    let mut other = person("alice");
    other.issuer = "elsewhere".to_owned();
    assert_eq!(among([&person("alice"), &other].into_iter()).len(), 1);
}

#[test]
fn d2_approvers_who_look_alike_are_warned_of_at_saving() {
    let mut gate = Gate::new();
    let saved = gate.save(&format!("0 adm policy p users=alice,{ALICE},bob min=2"));
    assert_eq!(
        sentences(&saved),
        [
            "two approvers of policy p look alike and are two persons, of whom each counts: \
          \"alice\" (U+0061 lice) of issuer \"people\" and \
          \"\u{430}lice\" (U+0430 lice) of issuer \"people\"; \
          compare issuer and subject, and take out whoever is not meant"
        ]
    );
    let many: Vec<String> = ["a", "A", "\u{430}", "\u{3b1}"]
        .into_iter()
        .flat_map(|a| ["l", "1", "I", "|"].map(|l| format!("{a}{l}ice")))
        .collect();
    let saved = gate.save(&format!("1 adm policy q users={}", many.join(",")));
    assert_eq!(sentences(&saved).len(), 10, "of {} at most ten", many.len());
    let saved = gate.save("2 adm policy r users=ann,bob,carl");
    assert_eq!(sentences(&saved), [""; 0]);
}

#[test]
fn d2_a_creator_who_looks_like_an_approver_is_warned_of() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=alice block\n 1 orc create t1 creator=aIice");
    let found = confusable_warnings(gate.case("t1").unwrap());
    assert_eq!(
        sentences(&found),
        [
            "two persons look alike, and neither counts as the other nor is barred with the other: \
          \"alice\" (a U+006C ice) of issuer \"people\" and \
          \"aIice\" (a U+0049 ice) of issuer \"people\"; \
          compare issuer and subject before you decide; where the wrong one is named, withdraw the \
          task, mend that, and create a new task"
        ]
    );
    gate.play("2 orc create t2 creator=carl -> CR-2");
    assert_eq!(confusable_warnings(gate.case("t2").unwrap()), []);
}

fn sentences(warnings: &[Warning]) -> Vec<String> {
    let alike = |it: &&Warning| matches!(it, Warning::ConfusableNames { .. });
    warnings
        .iter()
        .filter(alike)
        .map(Warning::sentence)
        .collect()
}

/// By what those are seen who look alike.
fn pairs(gate: &Gate) -> Vec<(String, String)> {
    let found = of_case(gate.case("t1").unwrap()).into_iter();
    found.map(|(one, other)| (one.text, other.text)).collect()
}
