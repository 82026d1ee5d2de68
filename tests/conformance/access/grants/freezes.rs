//! Each command on freezes, for each row of the table, by operators and policy administrators.

use countersign_proto::v1::preview_schedule_request::Subject;
use countersign_proto::v1::{CreateFreezeRequest, ListFreezesRequest, Scope, UpdateFreezeRequest};

use super::scopes::{Reach, rows, tokens};
use crate::gate::{Caller, Expect, FreezeSpec, Gate, Setup, TokenSpec, mask};

/// Both roles that declare freezes.
fn both_roles() -> Vec<TokenSpec> {
    let mut all = tokens("operator");
    all.extend(tokens("policy_admin"));
    all
}

fn freeze(id: &str, scopes: &[Scope]) -> FreezeSpec {
    FreezeSpec::new(id).with(|freeze| freeze.scopes = scopes.to_vec())
}

fn creation(freeze: FreezeSpec, validate_only: bool) -> CreateFreezeRequest {
    CreateFreezeRequest {
        freeze: Some(freeze.build()),
        validate_only,
        ..CreateFreezeRequest::default()
    }
}

fn update(freeze: FreezeSpec, path: &str, validate_only: bool) -> UpdateFreezeRequest {
    UpdateFreezeRequest {
        freeze: Some(freeze.build()),
        update_mask: mask(&[path]),
        validate_only,
        ..UpdateFreezeRequest::default()
    }
}

/// Everything that can be done with one freeze that has these scopes.
async fn cell(gate: &Gate, caller: &Caller, scopes: &[Scope], reach: Reach, number: usize) {
    let root = gate.with_token("all-operator");
    let (mine, theirs) = (format!("mine-{number}"), format!("theirs-{number}"));
    let before = gate.entries().await;
    reach.making(
        caller
            .freeze_with(creation(freeze(&mine, scopes), true))
            .await,
    );
    assert_eq!(gate.entries().await, before);
    reach.making(
        caller
            .freeze_with(creation(freeze(&mine, scopes), false))
            .await,
    );
    if reach == Reach::Covers {
        caller.delete_freeze(&mine).await.granted();
    }
    root.freeze(freeze(&theirs, scopes)).await.granted();
    let before = gate.entries().await;
    reach.showing(caller.get_freeze(&theirs).await);
    reach.showing(caller.schedule(Subject::FreezeId(theirs.clone())).await);
    let in_force = ListFreezesRequest {
        in_force: true,
        ..ListFreezesRequest::default()
    };
    for request in [ListFreezesRequest::default(), in_force] {
        let listed = caller.list_freezes(request).await.granted();
        assert_eq!(!listed.freezes.is_empty(), reach.shows(), "{listed:?}");
    }
    let other = || freeze(&theirs, scopes).with(|it| it.reason = "Others.".to_owned());
    reach.changing(
        caller
            .update_freeze_with(update(other(), "reason", true))
            .await,
    );
    assert_eq!(gate.entries().await, before);
    reach.changing(
        caller
            .update_freeze_with(update(other(), "reason", false))
            .await,
    );
    reach.changing(caller.lift(&theirs).await);
    reach.changing(caller.delete_freeze(&theirs).await);
    if reach != Reach::Covers {
        assert_eq!(gate.entries().await, before);
        root.delete_freeze(&theirs).await.granted();
    }
}

on_both_stores! { with Setup::with_tokens(both_roles);
    async fn e1_each_grant_changes_freezes_whose_scopes_it_covers(gate) {
        let mut number = 0;
        for row in rows() {
            for (grant, reach) in row.cells() {
                number += 1;
                let role = if number % 2 == 0 { "operator" } else { "policy_admin" };
                println!("{} by {grant}-{role}: {reach:?}", row.about);
                let caller = gate.with_token(&format!("{grant}-{role}"));
                cell(gate, &caller, &row.scopes, reach, number).await;
            }
        }
    }

    async fn e1_a_freeze_is_moved_neither_out_of_a_grant_nor_into_one(gate) {
        let rows = rows();
        let of = |about: &str| {
            let row = rows.iter().find(|row| row.about == about);
            row.unwrap().scopes.clone()
        };
        let (web, root) = (gate.with_token("web-operator"), gate.with_token("all-operator"));
        root.freeze(freeze("f", &of("web"))).await.granted();
        let before = gate.entries().await;
        for about in ["everything", "api", "web, and api", "tagged projects", "production"] {
            for validate_only in [true, false] {
                let moved = update(freeze("f", &of(about)), "scopes", validate_only);
                web.update_freeze_with(moved).await.refused("OUTSIDE_GRANT", "E1");
            }
        }
        assert_eq!(gate.entries().await, before);
        web.update_freeze(freeze("f", &of("web in production")), &["scopes"]).await.granted();
        root.update_freeze(freeze("f", &of("everything")), &["scopes"]).await.granted();
        let before = gate.entries().await;
        let taken = update(freeze("f", &of("web")), "scopes", false);
        web.update_freeze_with(taken).await.refused("OUTSIDE_GRANT", "E1");
        // A freeze of everything holds `web` too, and is not theirs to lift.
        web.lift("f").await.refused("OUTSIDE_GRANT", "E1");
        assert_eq!(gate.entries().await, before);
    }
}
