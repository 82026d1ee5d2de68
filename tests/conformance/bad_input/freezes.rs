//! Bad freezes: each field, at its limits and beyond; masks, guards, unknown ids.

use countersign_proto::v1::{
    CreateFreezeRequest, DeleteFreezeRequest, Freeze, LiftFreezeRequest, Scope, ScopeSide,
    UpdateFreezeRequest,
};
use prost_types::Timestamp;
use tonic::Code;

use super::{bad_comments, bad_names, good_names};
use crate::gate::{Expect, FreezeSpec, Gate, ids, mask, tags};

/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// A freeze with one change.
fn with(change: impl FnOnce(&mut Freeze)) -> Freeze {
    FreezeSpec::new("f").with(change).build()
}

/// A freeze whose one scope is changed.
fn scoped(change: impl FnOnce(&mut Scope)) -> Freeze {
    with(|freeze| change(&mut freeze.scopes[0]))
}

fn create(freeze: Freeze) -> CreateFreezeRequest {
    CreateFreezeRequest {
        freeze: Some(freeze),
        ..CreateFreezeRequest::default()
    }
}

fn many(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}{number}"))
        .collect()
}

/// Each is refused by its field and rule, also when it is only asked about; nothing is written.
async fn all_refused(gate: &Gate, rule: &str, freezes: Vec<(&str, Freeze)>) {
    let entries = gate.entries().await;
    for (field, freeze) in freezes {
        for validate_only in [false, true] {
            let request = CreateFreezeRequest {
                validate_only,
                ..create(freeze.clone())
            };
            gate.admin()
                .freeze_with(request)
                .await
                .bad_field(&format!("freeze.{field}"), rule);
        }
    }
    assert_eq!(gate.entries().await, entries);
}

/// Each is taken, under an id of its own where it has none.
async fn all_taken(gate: &Gate, freezes: Vec<Freeze>) {
    for (number, mut freeze) in freezes.into_iter().enumerate() {
        if freeze.id == "f" {
            freeze.id = format!("taken-{number}");
        }
        gate.admin().freeze_with(create(freeze)).await.granted();
    }
}

on_both_stores! {
    async fn f1_bad_names_and_reasons_are_refused_by_field(gate) {
        let mut rows = vec![("id", with(|freeze| freeze.id.clear()))];
        rows.extend(bad_names().into_iter().map(|name| ("id", with(|freeze| freeze.id = name))));
        for text in bad_comments() {
            rows.push(("reason", with(|freeze| freeze.reason = text)));
        }
        all_refused(gate, "E1", rows).await;
        // Somebody waits for it, so it says why.
        let empty = ["", " ", "\n", "\u{3000}"];
        let empty = empty.map(|text| ("reason", with(|it| it.reason = text.to_owned())));
        all_refused(gate, "F1", empty.to_vec()).await;
        let odd = good_names().into_iter().map(|name| with(|freeze| {
            freeze.id = name;
            freeze.reason = "x".repeat(4_096);
        }));
        all_taken(gate, odd.collect()).await;
        let none = CreateFreezeRequest::default();
        gate.admin().freeze_with(none).await.bad_field("freeze", "E1");
    }

    async fn f1_bad_scopes_are_refused_by_field(gate) {
        let both = ScopeSide { ids: vec!["web".to_owned()], tags: vec!["a/b".to_owned()] };
        all_refused(gate, "M2", vec![
            ("scopes", with(|freeze| freeze.scopes.clear())),
            ("scopes[0].projects", scoped(|scope| scope.projects = None)),
            ("scopes[0].environments", scoped(|scope| scope.environments = None)),
            ("scopes[0].projects", scoped(|scope| scope.projects = ids(&[]))),
            ("scopes[0].environments", scoped(|scope| scope.environments = tags(&[]))),
            ("scopes[0].projects", scoped(|scope| scope.projects = Some(both))),
            ("scopes[0].projects", scoped(|scope| scope.projects = ids(&["*", "web"]))),
        ]).await;
        let tenant = scoped(|scope| scope.tenants = vec!["acme".to_owned(), "*".to_owned()]);
        all_refused(gate, "M3", vec![("scopes[0].tenants", tenant)]).await;
        let mut rows = Vec::new();
        for kind in [0, 3, -1] {
            rows.push(("scopes[0].kinds[1]", scoped(|scope| scope.kinds = vec![1, kind])));
        }
        for tag in ["tier", "/critical", "tier/", "a/b/c", ""] {
            let spoilt = scoped(|scope| scope.projects = tags(&["set/tag", tag]));
            rows.push(("scopes[0].projects.tags[1]", spoilt));
        }
        for name in bad_names().into_iter().chain([String::new()]) {
            let spoilt = scoped(|scope| scope.environments = ids(&["production", &name]));
            rows.push(("scopes[0].environments.ids[1]", spoilt));
            rows.push(("scopes[0].tenants[0]", scoped(|scope| scope.tenants = vec![name])));
        }
        all_refused(gate, "E1", rows).await;
    }

    async fn f1_scopes_have_their_limits(gate) {
        let side = |count| Some(ScopeSide { ids: many("project-", count), tags: Vec::new() });
        let tagged = |count| Some(ScopeSide { ids: Vec::new(), tags: many("set/", count) });
        let scopes = |count| with(|freeze| freeze.scopes = vec![freeze.scopes[0].clone(); count]);
        all_refused(gate, "E1", vec![
            ("scopes", scopes(101)),
            ("scopes[0].projects.ids", scoped(|scope| scope.projects = side(1_001))),
            ("scopes[0].projects.tags", scoped(|scope| scope.projects = tagged(65))),
            ("scopes[0].tenants", scoped(|scope| scope.tenants = many("tenant-", 1_001))),
        ]).await;
        all_taken(gate, vec![
            scopes(100),
            scoped(|scope| scope.projects = side(1_000)),
            scoped(|scope| scope.projects = tagged(64)),
            scoped(|scope| scope.tenants = many("tenant-", 1_000)),
        ]).await;
    }

    async fn f1_what_is_no_instant_is_refused(gate) {
        let at = |seconds, nanos| Some(Timestamp { seconds, nanos });
        let entries = gate.entries().await;
        for instant in [
            at(-1, 0), at(0, -1), at(0, 1_000_000_000), at(LAST_SECOND + 1, 0), at(i64::MAX, 0),
            at(i64::MIN, 0),
        ] {
            for (field, freeze) in [
                ("freeze.start", with(|it| it.start = instant)),
                ("freeze.end", with(|it| it.end = instant)),
            ] {
                let refused = gate.admin().freeze_with(create(freeze)).await;
                let refused = refused.refused("INVALID_FIELD", "W1");
                assert_eq!((refused.fact("field"), refused.code), (field, Code::InvalidArgument));
            }
        }
        assert_eq!(gate.entries().await, entries);
        let last = at(LAST_SECOND, 999_999_000);
        all_taken(gate, vec![with(|it| (it.start, it.end) = (at(0, 0), last))]).await;
    }

    async fn e1_bad_masks_and_guards_are_refused(gate) {
        let admin = gate.admin();
        let kept = gate.frozen(FreezeSpec::new("f")).await;
        let entries = gate.entries().await;
        let update = |paths: &[&str], etag: &str| UpdateFreezeRequest {
            freeze: Some(with(|freeze| freeze.reason = "Later.".to_owned())),
            update_mask: mask(paths),
            etag: etag.to_owned(),
            ..UpdateFreezeRequest::default()
        };
        let none = UpdateFreezeRequest { update_mask: None, ..update(&[], "") };
        admin.update_freeze_with(none).await.bad_field("update_mask", "E1");
        for paths in [
            &[][..], &["id"], &["*"], &[""], &["revision"], &["etag"], &["state"], &["settling"],
            &["lifted_until"], &["scopes.projects"], &["recurrence.starts"], &["reason", "unknown"],
            &["Reason"],
        ] {
            admin.update_freeze_with(update(paths, "")).await.bad_field("update_mask", "E1");
        }
        let wrong = admin.update_freeze_with(update(&["reason"], "wrong")).await;
        assert_eq!(wrong.refused("ETAG_MISMATCH", "D11").code, Code::Aborted);
        let long = "7".repeat(257);
        admin.update_freeze_with(update(&["reason"], &long)).await.bad_field("etag", "E1");
        let missing = UpdateFreezeRequest { freeze: None, ..update(&["reason"], "") };
        admin.update_freeze_with(missing).await.bad_field("freeze", "E1");
        let cleared = with(|freeze| freeze.reason.clear());
        let cleared = UpdateFreezeRequest { freeze: Some(cleared), ..update(&["reason"], "") };
        admin.update_freeze_with(cleared).await.bad_field("freeze.reason", "F1");
        let bare = Freeze { id: "f".to_owned(), ..Freeze::default() };
        let bare = UpdateFreezeRequest { freeze: Some(bare), ..update(&["scopes"], "") };
        admin.update_freeze_with(bare).await.bad_field("freeze.scopes", "M2");
        for request_id in bad_names() {
            let id = || request_id.clone();
            let request = UpdateFreezeRequest { request_id: id(), ..update(&["reason"], "") };
            admin.update_freeze_with(request).await.bad_field("request_id", "E1");
            let request = CreateFreezeRequest { request_id: id(), ..create(with(|_| {})) };
            admin.freeze_with(request).await.bad_field("request_id", "E1");
            let freeze_id = "f".to_owned();
            let request =
                LiftFreezeRequest { freeze_id, request_id: id(), ..LiftFreezeRequest::default() };
            admin.lift_with(request).await.bad_field("request_id", "E1");
        }
        for comment in bad_comments() {
            let freeze_id = "f".to_owned();
            let request = LiftFreezeRequest { freeze_id, comment, ..LiftFreezeRequest::default() };
            admin.lift_with(request).await.bad_field("comment", "E1");
        }
        assert_eq!(gate.entries().await, entries);
        assert_eq!(gate.freeze("f").await, kept_after_sweep(kept));
    }

    async fn e1_unknown_freezes_are_not_found(gate) {
        let (admin, entries) = (gate.admin(), gate.entries().await);
        let absent = || FreezeSpec::new("absent");
        let refusals = [
            admin.get_freeze("absent").await.map(drop),
            admin.lift("absent").await.map(drop),
            admin.delete_freeze("absent").await,
            admin.update_freeze(absent(), &["reason"]).await.map(drop),
        ];
        for refusal in refusals {
            let refused = refusal.refused("NOT_FOUND", "E1");
            assert_eq!((refused.fact("kind"), refused.fact("id")), ("freeze", "absent"));
        }
        for id in bad_names().into_iter().chain([String::new()]) {
            admin.get_freeze(&id).await.bad_field("freeze_id", "E1");
            admin.lift(&id).await.bad_field("freeze_id", "E1");
            let request = DeleteFreezeRequest { freeze_id: id, ..DeleteFreezeRequest::default() };
            admin.delete_freeze_with(request).await.bad_field("freeze_id", "E1");
        }
        assert_eq!(gate.entries().await, entries);
    }
}

/// A freeze that was answered while what it holds was still to be held, once that is done.
fn kept_after_sweep(kept: Freeze) -> Freeze {
    Freeze {
        settling: false,
        ..kept
    }
}
