//! API tokens come back as they were made, on both stores, and in a store that knew none before.

use std::sync::Arc;

use countersign_domain::access::{
    Grant, GrantSide, PrincipalKind, Role, SecretHash, Token, TokenDraft,
};
use countersign_domain::batch::{Answer, Command, Reply};
use countersign_domain::ids::{RunnerName, TeamId, TokenId};
use countersign_domain::log::Entry;
use countersign_domain::rows::TokenRow;
use countersign_store::{EntryFilter, Store};

use crate::gate::{Gate, second};
use crate::place::{Place, on_both};
use crate::sample::{
    at_the_store, create, create_freeze, create_team, create_token, four_eyes, freeze, person,
    revoke_token, task, token, with_request,
};
use crate::tampering::Intruder;

on_both!(
    tokens_come_back_as_they_were,
    all_tokens_are_there_after_a_start,
    token_entries_are_the_directory_s,
    a_repeated_call_on_a_token_is_known,
    a_store_that_knew_no_tokens_learns_of_them,
);

/// Of a person and of a service, with everything that can be said.
fn drafts() -> [TokenDraft; 2] {
    let of_a_person = TokenDraft {
        description: "Größe \"1\" \u{1f680}\nsecond line".to_owned(),
        roles: [Role::Auditor, Role::AccessAdmin].into(),
        teams: [TeamId::parse("ops").unwrap()].into(),
        ..token("alice key")
    };
    let of_a_service = TokenDraft {
        kind: PrincipalKind::Service,
        person: person("web-1"),
        roles: [Role::Runner].into(),
        runner: Some(RunnerName::parse("pool").unwrap()),
        grant: Grant {
            projects: GrantSide::Only(["web".to_owned(), "api".to_owned()].into()),
            environments: GrantSide::Any,
        },
        ..token("web-1")
    };
    [of_a_person, of_a_service]
}

async fn tokens_come_back_as_they_were(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let [person, service] = drafts();
    let first = kept(&mut gate, at_the_store(create_token(person.clone()))).await;
    assert_eq!((&first.draft, &first.created_by), (&person, &None));
    let second_one = kept(&mut gate, create_token(service.clone())).await;
    assert_eq!(second_one.draft, service);
    assert_eq!(second_one.created_by, Some(crate::sample::person("admin")));

    gate.now = second(1_100);
    let revoked = kept(&mut gate, revoke_token("web-1")).await;
    let end = revoked.revoked.as_ref().unwrap();
    assert_eq!((end.at, end.comment.as_str()), (gate.now, "it leaked"));
    let again = kept(&mut gate, revoke_token("web-1")).await;
    assert_eq!(again, revoked);
    let report = gate.store.verify(None).await.unwrap();
    assert_eq!((report.tokens, report.entries), (2, 4));
}

/// Runs a command on a token, which must be stored as it is answered.
async fn kept(gate: &mut Gate, command: Command) -> Arc<Token> {
    let replies = gate.run(&[command]).await;
    let [Reply::Done(Answer::Token(token))] = &replies[..] else {
        panic!("not granted: {replies:?}")
    };
    let id = &token.draft.id;
    assert_eq!(gate.directory.token(id), Some(token));
    let hash = &token.draft.secret_hash;
    assert_eq!(gate.directory.token_of(hash), Some(token));
    Arc::clone(token)
}

async fn all_tokens_are_there_after_a_start(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    for id in ["b", "a", "é", "B"] {
        gate.grant(&[create_token(token(id))]).await;
    }
    gate.grant(&[revoke_token("a")]).await;
    let known = tokens(&gate);
    let ids: Vec<_> = known.iter().map(|token| token.draft.id.as_str()).collect();
    assert_eq!(ids, ["B", "a", "b", "é"]);
    drop(gate);
    let again = Gate::open(&place.config).await;
    assert_eq!(tokens(&again), known);
    assert_eq!(again.directory.revision(), 6);
    let unknown = SecretHash::of("secret of nobody");
    assert_eq!(again.directory.token_of(&unknown), None);
    // A process that only proves reads them, too.
    let reader = Store::open_read_only(&place.config).await.unwrap();
    let directory = reader.directory().await.unwrap();
    assert_eq!(directory.tokens_after(None).count(), 4);
}

fn tokens(gate: &Gate) -> Vec<Token> {
    let all = gate.directory.tokens_after(None);
    all.map(|token| token.as_ref().clone()).collect()
}

async fn token_entries_are_the_directory_s(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[create_token(token("key"))]).await;
    gate.grant(&[create(&gate.directory, task("a"))]).await;
    gate.grant(&[create_freeze(freeze("winter", "production"))])
        .await;
    gate.grant(&[revoke_token("key")]).await;
    let mut transaction = gate.writer.begin().await.unwrap();
    let found = transaction.directory_entries(1).await.unwrap();
    transaction.rollback().await;
    let events = found
        .iter()
        .map(|entry| (entry.head.directory_revision, entry.event));
    assert_eq!(
        events.collect::<Vec<_>>(),
        [
            (2, "token.created"),
            (3, "freeze.created"),
            (4, "token.revoked")
        ]
    );
    let of_the_key = EntryFilter {
        aggregate: Some(("token", Some("key".to_owned()))),
        ..everything()
    };
    let found = gate.store.entries(&of_the_key).await.unwrap();
    assert_eq!(found.len(), 2);
}

fn everything() -> EntryFilter {
    EntryFilter {
        after: 0,
        aggregate: None,
        limit: 1_000,
    }
}

/// I-22: the answer to a repeat is the token as it is by now.
async fn a_repeated_call_on_a_token_is_known(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let call = with_request(create_token(token("key")), "request", "digest");
    let made = kept(&mut gate, call.clone()).await;
    assert_eq!(kept(&mut gate, call.clone()).await, made);
    gate.grant(&[revoke_token("key")]).await;
    assert!(kept(&mut gate, call).await.revoked.is_some());
    assert_eq!(gate.head().await.sequence, 3);
}

/// Takes a store back to what the release before tokens left, with all that is in it.
async fn a_store_that_knew_no_tokens_learns_of_them(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[four_eyes()]).await;
    gate.grant(&[create_freeze(freeze("winter", "staging"))])
        .await;
    let made = gate.grant(&[create(&gate.directory, task("a"))]).await;
    let log = gate.store.entries(&everything()).await.unwrap();
    gate.store.close().await;
    drop(gate);
    let intruder = Intruder::into(&place.config).await;
    intruder.forget_tokens().await;
    assert!(Store::open_read_only(&place.config).await.is_ok());

    let mut gate = Gate::open(&place.config).await;
    assert_eq!(gate.store.entries(&everything()).await.unwrap(), log);
    assert_eq!(
        gate.store.cases(&[made[0].number()]).await.unwrap(),
        made,
        "what was there is there"
    );
    assert_eq!(gate.directory.revision(), 3);
    assert_eq!(gate.directory.tokens_after(None).count(), 0);
    let mut transaction = gate.writer.begin().await.unwrap();
    assert_eq!(transaction.directory_entries(0).await.unwrap().len(), 3);
    transaction.rollback().await;
    kept(&mut gate, at_the_store(create_token(token("key")))).await;
    let report = gate.store.verify(None).await.unwrap();
    assert_eq!((report.tokens, report.freezes), (1, 1));
    // The release before this one reads by its own index.
    for name in [
        "entries_of_directory",
        "entries_of_directory_with_freezes",
        "entries_of_directory_with_tokens",
    ] {
        assert!(intruder.has_index(name).await, "{name}");
    }
}

/// I-24: the same calls at the same instants leave the same log and the same rows.
mod both_stores_keep_the_same {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let here = left_in(crate::place::sqlite()).await;
        let there = left_in(crate::place::postgres().await).await;
        assert_eq!(here, there);
        assert_eq!(here.1.len(), 2);
    }

    async fn left_in(place: Place) -> (Vec<Entry>, Vec<TokenRow>) {
        let mut gate = Gate::open(&place.config).await;
        let [person, service] = drafts();
        gate.grant(&[at_the_store(create_token(person))]).await;
        gate.grant(&[create_token(service)]).await;
        gate.now = second(1_100);
        gate.grant(&[revoke_token("alice key")]).await;
        gate.grant(&[revoke_token("alice key")]).await;
        let log = gate.store.entries(&everything()).await.unwrap();
        let id = TokenId::parse("alice key").unwrap();
        assert!(gate.directory.token(&id).unwrap().revoked.is_some());
        let rows = tokens(&gate).iter().map(TokenRow::new).collect();
        (log, rows)
    }
}
