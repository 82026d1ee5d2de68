//! API tokens: who may make and revoke which, and until when they are worth something.

use countersign_domain::access::{
    LONGEST_LIFE_MICROS, Revocation, SecretHash, TOKENS_LIMIT, Token, TokenEvent, apply_token,
};
use countersign_domain::batch::{Answer, Reply};
use countersign_domain::directory::{Directory, DirectoryCommand, decide};
use countersign_domain::log::{AggregateKey, Cause, Event, Stamp};
use countersign_domain::{Instant, Refusal};

use crate::harness::Gate;
use crate::harness::access::{bearer, token_draft};
use crate::harness::facts::variant;
use crate::harness::people::{at, caller, person, token_id};

#[test]
fn e1_tokens_are_made_and_revoked_by_callers_and_at_the_store_itself() {
    let gate = Gate::played(
        "1 acc token key as=ann                -> Done live by=acc entries=1
         1 program token first as=adm          -> Done live by=program entries=1
         2 program revoke-token key comment=it_leaked  -> Done revoked by=acc entries=1
         3 acc revoke-token first              -> Done revoked by=program entries=1",
    );
    let token = gate.directory.token(&token_id("key")).unwrap();
    let revoked = Revocation {
        at: at(2),
        by: None,
        comment: "it_leaked".to_owned(),
    };
    assert_eq!(token.revoked, Some(revoked));
    let by_the_program = |id: &str, index: usize| {
        let history = &gate.store.history[&AggregateKey::Token(token_id(id))];
        history[index].body.cause == Cause::Program
    };
    let found = [("key", 0), ("key", 1), ("first", 0), ("first", 1)];
    let found = found.map(|(id, index)| by_the_program(id, index));
    assert_eq!(found, [false, true, true, false]);
}

/// What is asked behind `5 acc token key`, and what is wrong with it.
const WRONG: &[(&str, &str, &str)] = &[
    ("until=5", "token.expires_at", "a later instant"),
    ("until=4.999999", "token.expires_at", "a later instant"),
    (
        "until=31622405.000001",
        "token.expires_at",
        "at most 366 days from now",
    ),
    (
        "roles=orchestrator",
        "token.roles",
        "that role for a service only",
    ),
    (
        "roles=auditor,runner",
        "token.roles",
        "that role for a service only",
    ),
    (
        "kind=service runner=pool",
        "token.runner",
        "both, or no name",
    ),
    (
        "kind=service roles=orchestrator runner=pool",
        "token.runner",
        "both, or no name",
    ),
    (
        "as=ci",
        "token.kind",
        "one kind for all tokens of a subject: it is a person or a service",
    ),
    (
        "as=bob kind=service",
        "token.kind",
        "one kind for all tokens of a subject: it is a person or a service",
    ),
];

#[test]
fn e1_a_token_that_cannot_be_is_refused_by_field() {
    let mut gate = Gate::new();
    gate.play(
        "1 acc token ci kind=service roles=orchestrator
         1 acc token bob
         2 acc revoke-token bob",
    );
    for (options, field, allowed) in WRONG {
        for who in ["acc", "program"] {
            let reply = gate.say(&format!("5 {who} token key {options}"));
            let (Reply::Refused(refusal), 0) = reply else {
                panic!("{options}: {reply:?}");
            };
            let text = refusal.to_string();
            assert!(text.starts_with(field) && text.contains(allowed), "{text}");
            assert_eq!(refusal.rule(), "E1", "{options}");
        }
    }
    assert_eq!(gate.directory.token(&token_id("key")), None);
}

#[test]
fn e1_what_is_close_to_wrong_is_made() {
    Gate::played(
        "5 acc token a until=5.000001                           -> live
         5 acc token b until=31622405                           -> live
         5 acc token c kind=service roles=orchestrator,runner   -> live
         5 acc token d kind=service roles=runner runner=pool    -> live
         5 acc token e kind=service roles=runner                -> live
         5 acc token f kind=service                             -> live
         5 acc token g roles=policy_admin,auditor,operator,access_admin teams=dev  -> live
         5 acc token a2 as=a                                    -> live
         5 acc token c2 as=c kind=service                       -> live",
    );
    assert_eq!(LONGEST_LIFE_MICROS, 31_622_400 * 1_000_000);
}

#[test]
fn e1_the_id_of_a_token_is_never_used_again() {
    let mut gate = Gate::new();
    gate.play(
        "1 acc token key as=ann until=10
         1 acc token other as=ann until=10
         2 acc token key as=ann                -> TokenIdTaken live entries=0
         3 acc revoke-token key                -> revoked
         4 acc token key as=ann                -> TokenIdTaken revoked entries=0
         10 acc token other as=ann             -> TokenIdTaken over entries=0
         99 program token other as=ann         -> TokenIdTaken over entries=0",
    );
    let Reply::Refused(refusal) = gate.say("99 acc token key").0 else {
        panic!("not refused");
    };
    assert_eq!(
        refusal.to_string(),
        "token id key is taken, or was once; choose another one"
    );
    gate.check_all();
}

#[test]
fn e1_a_token_is_good_until_the_instant_it_ends_at_and_not_at_it() {
    Gate::played(
        "0 adm policy p users=ann min=2
         1 acc token key as=ann until=50
         1 orc create t1
         49.999999 #key approve t1             -> Done counted=1 entries=1
         50 #key revoke t1                     -> CredentialEnded counted=1 entries=0
         51 #key revoke t1                     -> CredentialEnded counted=1 entries=0
         52 ann revoke t1                      -> Done counted=0",
    );
}

#[test]
fn e1_a_repeated_revocation_is_silent_and_keeps_the_first_comment() {
    let mut gate = Gate::new();
    gate.play(
        "1 acc token key as=ann until=50
         2 acc revoke-token key comment=first  -> Done revoked entries=1
         3 acc revoke-token key comment=second -> Done revoked entries=0
         4 program revoke-token key            -> Done revoked entries=0",
    );
    let Reply::Done(Answer::Token(token)) = gate.say("60 acc revoke-token key").0 else {
        panic!("a repeat answers the token");
    };
    let revoked = token.revoked.as_ref().unwrap();
    assert_eq!((revoked.comment.as_str(), revoked.at), ("first", at(2)));
    gate.play(
        "60 acc token old as=ann until=70
         80 acc revoke-token old               -> Done revoked entries=1
         80 acc revoke-token none              -> NotFound entries=0",
    );
    gate.check_all();
}

#[test]
fn e1_nobody_hands_out_more_than_their_own_grant() {
    Gate::played(
        "0 program token web roles=access_admin projects=web
         0 program token edge roles=access_admin projects=web,api envs=prod
         1 #web token a projects=web                -> Done live by=web
         1 #web token b projects=web envs=prod      -> Done live
         1 #web token c projects=web,api            -> ScopeOutsideGrant entries=0
         1 #web token d projects=api                -> ScopeOutsideGrant entries=0
         1 #web token e envs=prod                   -> ScopeOutsideGrant entries=0
         1 #web token f                             -> ScopeOutsideGrant entries=0
         2 #edge token g projects=api envs=prod     -> Done live
         2 #edge token h projects=api               -> ScopeOutsideGrant entries=0
         2 #edge token i projects=web envs=prod,dev -> ScopeOutsideGrant entries=0
         3 acc token j                              -> Done live
         3 program token k                          -> Done live",
    );
}

/// A runner acts on every task that names it, wherever that is.
#[test]
fn p5_a_limited_grant_gives_no_runner_a_name() {
    Gate::played(
        "0 program token web roles=access_admin projects=web
         1 #web token a kind=service roles=runner projects=web             -> Done live
         1 #web token b kind=service roles=runner runner=pool projects=web -> ScopeOutsideGrant
         1 acc token c kind=service roles=runner runner=pool projects=web  -> Done live
         1 program token d kind=service roles=runner runner=pool           -> Done live",
    );
}

#[test]
fn e1_a_token_beyond_the_own_grant_looks_as_if_it_were_not_there() {
    let mut gate = Gate::new();
    gate.play(
        "0 program token web roles=access_admin projects=web
         1 acc token wide
         1 acc token api projects=api
         1 acc token own projects=web
         2 #web revoke-token own               -> Done revoked
         2 #web revoke-token wide              -> NotFound live entries=0
         2 #web revoke-token api               -> NotFound live entries=0",
    );
    let refusal = |gate: &mut Gate, id: &str| match gate.say(&format!("3 #web revoke-token {id}")).0
    {
        Reply::Refused(refusal) => refusal.to_string().replace(id, "?"),
        reply => panic!("{reply:?}"),
    };
    assert_eq!(refusal(&mut gate, "wide"), refusal(&mut gate, "none"));
    gate.play("4 acc revoke-token wide -> Done revoked");
    assert_eq!(refusal(&mut gate, "wide"), refusal(&mut gate, "none"));
}

#[test]
fn i12_a_bearer_is_who_the_token_says_and_no_more() {
    let mut gate = Gate::new();
    gate.play(
        "1 acc token key as=build kind=service roles=runner,orchestrator runner=pool teams=dev \
         projects=web until=77",
    );
    let found = bearer(&gate, "key");
    let token = gate.directory.token(&token_id("key")).unwrap();
    let draft = &token.draft;
    assert_eq!(
        (&found.person, found.kind, &found.roles, &found.grant),
        (&person("build"), draft.kind, &draft.roles, &draft.grant)
    );
    assert_eq!(
        (&found.claimed_teams, &found.runner),
        (&draft.teams, &draft.runner)
    );
    assert_eq!(found.expires_at, Some(at(77)));
    assert!(!found.foreign_issuer && found.display_name.is_empty());
    let credential = &found.credential;
    assert_eq!(
        (credential.kind.name(), credential.id.as_str()),
        ("api_token", "key")
    );
    assert_eq!((credential.auth_time, &credential.peer), (None, &None));
    let by_hash = |secret| gate.directory.token_of(&SecretHash::of(secret));
    assert_eq!(by_hash("key"), Some(token));
    assert_eq!(by_hash("Key"), None);
    assert_eq!(by_hash(""), None);
}

#[test]
fn what_is_kept_of_a_token_is_its_sha_256() {
    let hash = SecretHash::of("abc");
    let expected = "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"";
    assert_eq!(serde_json::to_string(&hash).unwrap(), expected);
}

#[test]
fn a_creation_prepared_before_a_token_was_made_is_not_stale() {
    let mut gate = Gate::new();
    gate.play("0 adm policy p users=ann");
    let (prepared, _) = gate.read("1 orc create t1");
    gate.play("1 acc token key\n 1 acc revoke-token key");
    let outcome = gate.run(&[prepared], at(2));
    assert!(matches!(outcome.replies[0], Reply::Done(_)), "{outcome:?}");
    gate.check_all();
}

/// So many tokens are live that there is room for `room` more; half as many have ended.
fn full(room: usize) -> Directory {
    let token = |number: usize, until: &str, revoked: bool| {
        let id = format!("n{number}");
        let stamp = Stamp {
            sequence: number as u64 + 2,
            instant: at(0),
        };
        let revoked = revoked.then(|| Revocation {
            at: at(1),
            by: None,
            comment: String::new(),
        });
        Token {
            draft: token_draft(&id, &[("until", until)].into()),
            created_by: None,
            created: stamp,
            revoked,
            stamp,
        }
    };
    let live = TOKENS_LIMIT - room;
    let mut tokens: Vec<Token> = (0..live).map(|n| token(n, "1000", false)).collect();
    tokens.extend((live..live + 100).map(|n| token(n, "1000", true)));
    tokens.extend((live + 100..live + 200).map(|n| token(n, "9", false)));
    Directory::from_rows(1, Vec::new(), Vec::new(), Vec::new(), tokens)
}

#[test]
fn e1_so_many_tokens_may_be_live_and_not_one_more() {
    let made = |directory: &Directory, now: Instant| {
        let draft = token_draft("more", &[("until", "2000")].into());
        let command = DirectoryCommand::CreateToken(Box::new(draft));
        decide(directory, &command, Some(&caller("acc")), now)
    };
    assert!(made(&full(2), at(10)).is_ok());
    assert!(made(&full(1), at(10)).is_ok());
    let refusal = made(&full(0), at(10)).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "token.id: found 10000 live tokens; allowed: at most 10000 live tokens; revoke some"
    );
    // Each of these makes room: the end of one, and a revocation.
    assert!(made(&full(0), at(1_000)).is_ok());
    let mut one_revoked = full(0);
    let stamp = Stamp {
        sequence: 99_999,
        instant: at(10),
    };
    one_revoked
        .apply_token(&token_id("n7"), &revoked(), stamp)
        .unwrap();
    assert!(made(&one_revoked, at(10)).is_ok());
}

fn revoked() -> TokenEvent {
    TokenEvent::Revoked {
        comment: "over".to_owned(),
        by: None,
    }
}

#[test]
fn i02_a_token_knows_its_edges_and_no_others() {
    let stamp = |sequence| Stamp {
        sequence,
        instant: at(5),
    };
    let draft = Box::new(token_draft("key", &[].into()));
    let created = TokenEvent::Created {
        draft,
        by: Some(person("acc")),
    };
    let live = apply_token(None, &created, stamp(2)).unwrap();
    assert_eq!((live.created, live.stamp), (stamp(2), stamp(2)));
    let over = apply_token(Some(&live), &revoked(), stamp(3)).unwrap();
    assert_eq!((over.created, over.stamp), (stamp(2), stamp(3)));
    assert_eq!(
        (&over.draft, &over.created_by),
        (&live.draft, &live.created_by)
    );
    for (token, event, state) in [
        (Some(&live), &created, "present"),
        (Some(&over), &created, "present"),
        (None, &revoked(), "absent"),
        (Some(&over), &revoked(), "revoked"),
    ] {
        let edge = apply_token(token, event, stamp(9)).unwrap_err();
        assert_eq!(
            (edge.event, edge.state, edge.sequence),
            (event.name(), state, 9)
        );
    }
}

#[test]
fn i22_a_repeated_call_makes_one_token_and_answers_it_as_it_is() {
    Gate::played(
        "1 acc token key as=ann request=r1     -> Done live entries=1
         2 acc token key as=ann request=r1     -> Done live entries=0
         2 acc token key as=bob request=r1     -> RequestIdReused live entries=0
         3 acc revoke-token key request=r2     -> Done revoked entries=1
         4 acc revoke-token key request=r2     -> Done revoked entries=0
         5 acc token key as=ann request=r1     -> Done revoked entries=0
         6 acc token key as=ann                -> TokenIdTaken entries=0",
    );
}

#[test]
fn e1_only_tokens_are_made_and_revoked_without_a_caller() {
    let mut gate = Gate::new();
    gate.play(
        "0 adm team dev
         0 adm policy p users=ann
         0 adm freeze f envs=dev
         0 acc token key
         1 orc create t1",
    );
    for asked in [
        "policy q users=ann",
        "edit-policy p name=Other",
        "drop-policy p",
        "team ops",
        "edit-team dev members=ann",
        "drop-team dev",
        "freeze g",
        "edit-freeze f envs=test",
        "lift-freeze f",
        "drop-freeze f",
        "create t2",
        "approve t1",
        "reject t1",
        "revoke t1",
        "withdraw t1",
        "start t1",
        "finish t1",
        "accept-clock -",
    ] {
        gate.play(&format!("2 program {asked} -> CannotDecide entries=0"));
    }
    gate.play(
        "3 program revoke-token key            -> Done revoked
         3 program token another               -> Done live",
    );
    gate.check_all();
}

/// Nothing that is said about a token holds its secret.
#[test]
fn no_secret_is_kept_or_shown() {
    let mut gate = Gate::new();
    gate.play("1 acc token key as=ann secret=hunter2 comment=-");
    let bodies: String = gate.store.log.iter().map(|entry| &*entry.body).collect();
    let rows: Vec<_> = gate.store.rows().collect();
    let shown = format!("{bodies} {rows:?} {:?}", gate.directory);
    assert!(shown.contains("token.created") || shown.contains("created"));
    assert!(!shown.contains("hunter2"));
    let Reply::Refused(refusal) = gate.say("2 acc token key secret=hunter2").0 else {
        panic!("not refused");
    };
    assert_eq!(variant(&refusal), "TokenIdTaken");
    assert!(!format!("{refusal} {refusal:?}").contains("hunter2"));
    assert!(!matches!(refusal, Refusal::CredentialEnded));
    let event = gate.store.history[&AggregateKey::Token(token_id("key"))][0]
        .body
        .typed_event();
    assert!(matches!(event, Ok(Event::Token(..))));
}
