//! D1, D2: a credential that has ended is worth nothing, and only a person's own decides.

use countersign_domain::Instant;
use countersign_domain::access::{CredentialKind, CredentialRef, Principal, PrincipalKind};
use countersign_domain::batch::{Action, Command, Reply};
use countersign_domain::change_request::CrEvent;
use countersign_domain::ids::CrNumber;
use countersign_domain::log::{AggregateKey, Cause, Event};

use crate::harness::Gate;
use crate::harness::access::bearer;
use crate::harness::facts::reply_name;
use crate::harness::people::{at, caller, person};

/// A gate with three tokens that are worth nothing at second 50: `off` was revoked, `old` has ended
/// and `who` was never made; and a token `good`, of the same person.
fn gate() -> Gate {
    let mut gate = Gate::new();
    gate.play(
        "0 adm policy p users=ann,bob min=2
         0 adm team dev members=dan
         0 adm freeze f envs=dev
         0 acc token off as=ann until=900
         0 acc token old as=ann until=50
         0 acc token good as=ann until=900
         1 orc create t1
         1 orc create t2 window=..40
         1 orc create t3 env=none
         2 #off approve t1 request=r1          -> Done counted=1
         3 run start t3                        -> RUNNING
         9 acc revoke-token off",
    );
    gate
}

/// One call of each kind; those that would be refused anyway, too.
const CALLS: &[&str] = &[
    "create t9",
    "create t1",
    "approve t1",
    "approve t9",
    "approve t1 request=r1",
    "approve t1 request=r2",
    "revoke t1 request=r1",
    "reject t1",
    "reject t9",
    "revoke t1",
    "withdraw t1",
    "start t1",
    "start t3",
    "finish t3",
    "policy q users=ann",
    "policy p users=ann",
    "edit-policy p name=Other",
    "drop-policy p",
    "team ops",
    "edit-team dev members=ann",
    "drop-team dev",
    "freeze g envs=dev",
    "edit-freeze f envs=test",
    "lift-freeze f",
    "drop-freeze f",
    "token new",
    "token good",
    "revoke-token good",
    "revoke-token off",
    "accept-clock -",
];

#[test]
fn i12_a_credential_that_has_ended_is_refused_before_anything_else() {
    for call in CALLS {
        let mut gate = gate();
        for token in ["off", "old", "who"] {
            gate.play(&format!("50 #{token} {call} -> CredentialEnded entries=0"));
        }
        let (good, _) = gate.say(&format!("50 #good {call}"));
        assert_ne!(reply_name(&good), "CredentialEnded", "{call}");
        gate.check_all();
    }
}

/// Whatever would have happened by then: what has ended lets nothing happen, not even time.
#[test]
fn i12_a_credential_that_has_ended_settles_nothing() {
    let mut gate = gate();
    gate.play(
        "50 #off approve t2                    -> CredentialEnded PENDING entries=0
         50 #old reject t2                     -> CredentialEnded PENDING entries=0
         50 sam approve t2                     -> NotAnApprover EXPIRED entries=2",
    );
}

#[test]
fn i22_a_repeat_with_a_credential_that_has_ended_learns_nothing() {
    Gate::played(
        "0 adm policy p users=ann
         0 acc token key as=ann until=20
         0 acc token new as=ann until=900
         1 orc create t1
         2 #key approve t1 request=r1          -> Done CLEARED entries=3
         3 #key approve t1 request=r1          -> Done entries=0
         20 #key approve t1 request=r1         -> CredentialEnded entries=0
         20 #key revoke t1 request=r1          -> CredentialEnded entries=0
         21 #new approve t1 request=r1         -> Done entries=0
         21 #new revoke t1 request=r1          -> RequestIdReused entries=0
         22 ann approve t1 request=r1          -> Done entries=0",
    );
}

#[test]
fn d1_what_was_decided_before_a_token_was_revoked_stays() {
    Gate::played(
        "0 adm policy p users=ann recheck
         0 acc token key as=ann
         1 orc create t1
         2 #key approve t1                     -> APPROVED CLEARED counted=1
         3 acc revoke-token key
         4 run start t1                        -> Done RUNNING counted=1",
    );
}

#[test]
fn d2_one_person_counts_once_through_tokens_and_logins() {
    Gate::played(
        "0 adm policy p users=ann,bob min=2
         0 acc token a as=ann
         0 acc token b as=ann
         1 orc create t1
         2 #a approve t1                       -> PENDING counted=1
         3 #b approve t1                       -> Done PENDING counted=1 entries=0
         4 ann approve t1                      -> Done PENDING counted=1 entries=0
         5 #b revoke t1                        -> Done PENDING counted=0
         6 ann approve t1                      -> PENDING counted=1
         7 bob approve t1                      -> CLEARED counted=2",
    );
}

const KINDS: [CredentialKind; 4] = [
    CredentialKind::InsecureDev,
    CredentialKind::ApiToken,
    CredentialKind::Oidc,
    CredentialKind::Mtls,
];

#[test]
fn i12_every_kind_of_credential_ends_at_its_instant() {
    for kind in KINDS {
        for (micros, expected) in [(-1, "CredentialEnded"), (0, "CredentialEnded"), (1, "Done")] {
            let mut gate = gate();
            let mut ann = bearer(&gate, "good");
            ann.credential.kind = kind;
            ann.expires_at = at(30).plus_micros(micros);
            let (Command { action, .. }, clock) = gate.read("30 ann reject t1");
            let reply = gate.step(&ann, action, clock);
            assert_eq!(reply_name(&reply), expected, "{kind:?} {micros}");
        }
    }
}

#[test]
fn i12_without_an_end_a_credential_is_good_for_ever_but_a_token_must_be_there() {
    for kind in KINDS {
        let mut gate = gate();
        let mut ann = caller("ann");
        ann.credential = CredentialRef::new(kind, "good");
        assert_eq!(ann.expires_at, None);
        let (Command { action, .. }, _) = gate.read("30 ann reject t1");
        let late = if kind == CredentialKind::ApiToken {
            "CredentialEnded"
        } else {
            "Done"
        };
        for (second, expected) in [(30, "Done"), (9_000_000, late)] {
            let reply = gate.step(&ann, action.clone(), at(second));
            assert_eq!(reply_name(&reply), expected, "{kind:?} at {second}");
        }
    }
}

/// By the log, if the clock is behind it (K1).
#[test]
fn k1_a_credential_ends_by_the_instant_of_the_transaction() {
    Gate::played(
        "0 adm policy p users=ann
         0 acc token key as=ann until=50
         1 orc create t1
         60 orc create t2
         49 #key approve t1                    -> CredentialEnded entries=0",
    );
}

#[test]
fn i12_in_a_batch_only_the_calls_of_ended_credentials_are_refused() {
    let mut gate = gate();
    let lines = [
        "50 #off approve t1",
        "50 bob approve t1",
        "50 #old reject t1",
        "50 run start t1 gen=1",
        "50 #who approve t1",
        "50 #good approve t1",
    ];
    let commands = lines.map(|line| gate.read(line).0);
    let outcome = gate.run(&commands, at(50));
    let found: Vec<_> = outcome.replies.iter().map(reply_name).collect();
    let ended = "CredentialEnded";
    assert_eq!(found, [ended, "Done", ended, "Done", ended, "Done"]);
}

fn decide_t1(gate: &mut Gate, who: &Principal, verb: &str, now: Instant) -> String {
    let (Command { action, .. }, _) = gate.read(&format!("5 ann {verb} t1"));
    reply_name(&gate.step(who, action, now))
}

#[test]
fn d1_d2_a_credential_of_another_issuer_than_people_come_from_never_decides() {
    for (foreign, expected) in [(false, "Done"), (true, "CannotDecide")] {
        let mut gate = gate();
        let mut ann = caller("ann");
        ann.foreign_issuer = foreign;
        for verb in ["approve", "revoke", "reject"] {
            let found = decide_t1(&mut gate, &ann, verb, at(10));
            assert_eq!(found, expected, "{verb} foreign={foreign}");
        }
    }
}

#[test]
fn d1_a_credential_of_another_issuer_does_what_needs_no_decision() {
    let mut gate = gate();
    let mut carl = caller("carl");
    carl.foreign_issuer = true;
    assert_eq!(decide_t1(&mut gate, &carl, "withdraw", at(10)), "Done");
    let mut runner = caller("run");
    runner.foreign_issuer = true;
    let (Command { action, .. }, _) = gate.read("11 run finish t3");
    assert_eq!(reply_name(&gate.step(&runner, action, at(11))), "Done");
}

#[test]
fn i12_what_a_credential_shows_and_where_it_comes_from_decide_nothing() {
    let plain = caller("ann");
    let mut shown = plain.clone();
    shown.display_name = "Bob, the approver".to_owned();
    shown.credential.peer = Some("192.0.2.7".to_owned());
    let mut stranger = shown.clone();
    stranger.person = person("sam");
    let mut service = shown.clone();
    service.kind = PrincipalKind::Service;
    for (who, expected) in [
        (plain, "Done"),
        (shown, "Done"),
        (stranger, "NotAnApprover"),
        (service, "CannotDecide"),
    ] {
        assert_eq!(decide_t1(&mut gate(), &who, "approve", at(10)), expected);
    }
}

#[test]
fn d8_the_credential_is_kept_with_the_decision_as_it_was() {
    let mut gate = gate();
    let mut bob = caller("bob");
    bob.credential = CredentialRef {
        kind: CredentialKind::Mtls,
        id: "sha256:ab".to_owned(),
        auth_time: Some(at(7)),
        peer: Some("192.0.2.7".to_owned()),
    };
    assert_eq!(decide_t1(&mut gate, &bob, "approve", at(10)), "Done");
    let case = gate.case("t1").unwrap();
    let decision = case.change_request.decision_of(&bob.person).unwrap();
    assert_eq!(decision.credential, bob.credential);
    let history = &gate.store.history[&AggregateKey::ChangeRequest(CrNumber(1))];
    let kept = history.iter().find_map(|kept| {
        let Ok(Event::ChangeRequest(
            _,
            CrEvent::ApprovalRecorded {
                credential, person, ..
            },
        )) = kept.body.typed_event()
        else {
            return None;
        };
        (person == bob.person).then_some((credential, &kept.body.cause))
    });
    let (credential, cause) = kept.unwrap();
    assert_eq!(credential, bob.credential);
    assert!(matches!(cause, Cause::Call { .. }), "{cause:?}");
}

/// Time itself has no credential, and no call can be made in its name.
#[test]
fn i12_time_needs_no_credential_and_a_settling_that_names_one_is_judged_by_it() {
    let mut gate = gate();
    let settle = Command {
        caller: Some(bearer(&gate, "off")),
        action: Action::Settle {
            number: CrNumber(2),
            due_at: None,
        },
        request: None,
    };
    let outcome = gate.run(&[settle], at(50));
    assert!(matches!(outcome.replies[0], Reply::Refused(_)));
    gate.play("50 time settle t2 -> Done EXPIRED entries=2");
}
