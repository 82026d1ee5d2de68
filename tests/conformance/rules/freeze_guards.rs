//! E1, D11, F1: asking only, repeating a call, guarding a change, lists; for freezes.

use countersign_proto::v1::{
    CreateFreezeRequest, DeleteFreezeRequest, FreezeState, LiftFreezeRequest, ListFreezesRequest,
    TaskSpec, TaskState, UpdateFreezeRequest,
};
use tonic::Code;

use crate::gate::{Expect, FreezeSpec, Gate, Setup, TokenSpec, deployment, mask, window};

fn create(freeze: FreezeSpec, request_id: &str) -> CreateFreezeRequest {
    CreateFreezeRequest {
        freeze: Some(freeze.build()),
        validate_only: false,
        request_id: request_id.to_owned(),
    }
}

/// Sets the reason.
fn update(reason: &str, etag: &str, request_id: &str) -> UpdateFreezeRequest {
    let freeze = FreezeSpec::new("f").with(|it| it.reason = reason.to_owned());
    UpdateFreezeRequest {
        freeze: Some(freeze.build()),
        update_mask: mask(&["reason"]),
        etag: etag.to_owned(),
        request_id: request_id.to_owned(),
        ..UpdateFreezeRequest::default()
    }
}

fn lift(etag: &str, request_id: &str) -> LiftFreezeRequest {
    LiftFreezeRequest {
        freeze_id: "f".to_owned(),
        etag: etag.to_owned(),
        request_id: request_id.to_owned(),
        ..LiftFreezeRequest::default()
    }
}

fn delete(etag: &str, request_id: &str) -> DeleteFreezeRequest {
    DeleteFreezeRequest {
        freeze_id: "f".to_owned(),
        etag: etag.to_owned(),
        request_id: request_id.to_owned(),
    }
}

/// Tasks that wait and are cleared, in the project `web` and elsewhere.
async fn some_tasks(gate: &Gate) {
    gate.alice_approves().await;
    gate.cleared(deployment("cleared")).await;
    gate.waiting(deployment("waiting")).await;
    gate.running(deployment("running"), "claim").await;
    gate.waiting(deployment("rejected")).await;
    gate.as_("alice").reject("rejected").await.granted();
    let api = TaskSpec {
        project: "api".to_owned(),
        ..deployment("elsewhere")
    };
    gate.waiting(api).await;
    let over = TaskSpec {
        window: window(None, gate.at(60)),
        ..deployment("over-by-then")
    };
    gate.waiting(over).await;
}

on_both_stores! {
    async fn f1_what_is_only_asked_names_tasks_and_changes_nothing(gate) {
        some_tasks(gate).await;
        let admin = gate.admin();
        let head = gate.as_("auditor:audit").head().await.granted();
        let web = || FreezeSpec::new("f").only(&["web"], &["*"]);
        let asked = admin.preview_freeze(web().between(gate.at(60), None)).await.granted();
        let impact = asked.impact.unwrap();
        assert_eq!((impact.waiting, impact.cleared, impact.incomplete), (1, 1, false));
        let named: Vec<_> = impact.tasks.iter()
            .map(|it| (it.task_id.as_str(), it.change_request.as_str(), it.state())).collect();
        assert_eq!(named,
            [("cleared", "CR-1", TaskState::Cleared), ("waiting", "CR-2", TaskState::Paused)]);
        let freeze = asked.freeze.unwrap();
        assert_eq!((freeze.state(), freeze.revision), (FreezeState::Upcoming, 1));
        // At once it would hold the task whose window ends in a minute, too.
        let asked = admin.preview_freeze(web()).await.granted();
        assert_eq!(asked.impact.unwrap().waiting, 2);
        assert_eq!(gate.as_("auditor:audit").head().await.granted(), head);
        admin.get_freeze("f").await.refused("NOT_FOUND", "E1");
        gate.runner().start("cleared", 1, "c").await.granted();
    }

    async fn f1_what_is_declared_says_what_it_holds(gate) {
        some_tasks(gate).await;
        let created = gate.admin().freeze(FreezeSpec::new("f")).await.granted();
        let impact = created.impact.unwrap();
        assert_eq!((impact.waiting, impact.cleared, impact.tasks.len()), (3, 1, 4));
        gate.pass(0).await;
        let entries = gate.entries().await;
        // A change that is only asked about: what it would hold, and nothing is held or let go.
        let narrower = FreezeSpec::new("f").only(&["api"], &["*"]);
        let request = UpdateFreezeRequest {
            freeze: Some(narrower.build()),
            update_mask: mask(&["scopes"]),
            validate_only: true,
            ..UpdateFreezeRequest::default()
        };
        let asked = gate.admin().update_freeze_with(request).await.granted();
        let impact = asked.impact.unwrap();
        assert_eq!((impact.waiting, impact.cleared), (1, 0));
        assert_eq!(asked.freeze.unwrap().revision, 2);
        assert_eq!(impact.tasks[0].task_id, "elsewhere");
        gate.pass(0).await;
        assert_eq!(gate.entries().await, entries);
        assert_eq!(gate.freeze("f").await.revision, 1);
    }

    async fn f1_of_many_tasks_the_first_hundred_are_named(gate) {
        gate.alice_approves().await;
        for number in 0..101 {
            gate.orchestrator().create(deployment(&format!("t{number}"))).await.granted();
        }
        let asked = gate.admin().preview_freeze(FreezeSpec::new("f")).await.granted();
        let impact = asked.impact.unwrap();
        assert_eq!((impact.waiting, impact.tasks.len()), (101, 100));
        assert_eq!(impact.tasks[99].change_request, "CR-100");
    }

    async fn e1_the_same_call_about_a_freeze_has_one_effect(gate) {
        some_tasks(gate).await;
        let admin = gate.admin();
        let made = admin.freeze_with(create(FreezeSpec::new("f"), "r1")).await.granted();
        gate.pass(0).await;
        let entries = gate.entries().await;
        let again = admin.freeze_with(create(FreezeSpec::new("f"), "r1")).await.granted();
        let (made, again) = (made.freeze.unwrap(), again.freeze.unwrap());
        assert_eq!((again.revision, again.etag, again.start), (1, made.etag, made.start));
        admin.freeze_with(create(FreezeSpec::new("f"), "")).await.refused("FREEZE_ID_TAKEN", "F1");
        let other = create(FreezeSpec::new("g"), "r1");
        let refused = admin.freeze_with(other).await.refused("REQUEST_ID_REUSED", "E1");
        assert_eq!((refused.code, refused.fact("request_id")), (Code::AlreadyExists, "r1"));
        assert_eq!(gate.entries().await, entries);
        admin.update_freeze_with(update("Later.", "", "r2")).await.granted();
        admin.lift_with(lift("", "r3")).await.granted();
        gate.pass(0).await;
        let entries = gate.entries().await;
        admin.update_freeze_with(update("Later.", "", "r2")).await.granted();
        admin.lift_with(lift("", "r3")).await.granted();
        assert_eq!((gate.entries().await, gate.freeze("f").await.revision), (entries, 3));
        admin.delete_freeze_with(delete("", "r4")).await.granted();
        gate.pass(0).await;
        let entries = gate.entries().await;
        admin.delete_freeze_with(delete("", "r4")).await.granted();
        // Of what is gone nothing is shown, and nothing comes back.
        admin.lift_with(lift("", "r3")).await.refused("NOT_FOUND", "E1");
        admin.freeze_with(create(FreezeSpec::new("f"), "r1")).await.refused("NOT_FOUND", "E1");
        admin.delete_freeze_with(delete("", "r5")).await.refused("NOT_FOUND", "E1");
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_a_repeat_after_the_present_occurrence_lifts_nothing_else(gate) {
        some_tasks(gate).await;
        let admin = gate.admin();
        let hourly = FreezeSpec::new("f").recurring(crate::gate::hourly());
        gate.frozen(hourly).await;
        admin.lift_with(lift("", "r1")).await.granted();
        gate.pass(3_600).await;
        let repeated = admin.lift_with(lift("", "r1")).await.granted();
        assert_eq!(repeated.state(), FreezeState::InForce);
        gate.pass(0).await;
        assert_eq!(gate.task("cleared").await.state(), TaskState::Paused);
    }

    async fn d11_a_freeze_that_is_not_what_was_read_is_not_changed(gate) {
        let admin = gate.admin();
        let first = gate.frozen(FreezeSpec::new("f").recurring(crate::gate::hourly())).await;
        let updated = admin.update_freeze_with(update("Later.", &first.etag, "")).await.granted();
        let second = updated.freeze.unwrap();
        assert_ne!(first.etag, second.etag);
        let entries = gate.entries().await;
        let refusals = [
            admin.update_freeze_with(update("No.", &first.etag, "")).await.map(drop),
            admin.lift_with(lift(&first.etag, "")).await.map(drop),
            admin.delete_freeze_with(delete(&first.etag, "")).await,
        ];
        for refusal in refusals {
            let refused = refusal.refused("ETAG_MISMATCH", "D11");
            assert_eq!(refused.code, Code::Aborted);
            assert_eq!(refused.fact("named"), first.etag);
            assert_eq!(refused.fact("found"), second.etag);
        }
        assert_eq!(gate.entries().await, entries);
        // What a sweep remembers is no change of what was read.
        gate.pass(3_600).await;
        assert_eq!(gate.freeze("f").await.etag, second.etag);
        let lifted = admin.lift_with(lift(&second.etag, "")).await.granted();
        admin.delete_freeze_with(delete(&lifted.etag, "")).await.granted();
    }

    async fn f1_a_change_that_changes_nothing_leaves_no_entry(gate) {
        let first = gate.frozen(FreezeSpec::new("f")).await;
        let entries = gate.entries().await;
        let same = gate.admin().update_freeze_with(update("Nobody is here.", "", "")).await;
        assert_eq!(same.granted().freeze.unwrap().etag, first.etag);
        assert_eq!(gate.entries().await, entries);
    }

    async fn e1_freezes_are_listed_by_id_in_pages(gate) {
        for id in ["c", "a", "b"] {
            gate.admin().freeze(FreezeSpec::new(id).between(None, gate.at(60))).await.granted();
        }
        gate.pass(60).await;
        let bob = gate.as_("bob");
        let page = |page_size, page_token: &str| ListFreezesRequest {
            page_size,
            page_token: page_token.to_owned(),
            ..ListFreezesRequest::default()
        };
        let ids = |it: &countersign_proto::v1::ListFreezesResponse| {
            it.freezes.iter().map(|it| it.id.clone()).collect::<Vec<_>>()
        };
        // Those that have ended too.
        let all = bob.list_freezes(page(0, "")).await.granted();
        assert_eq!((ids(&all).join(" "), all.next_page_token.as_str()), ("a b c".to_owned(), ""));
        assert!(all.freezes.iter().all(|it| it.state() == FreezeState::Ended));
        let first = bob.list_freezes(page(2, "")).await.granted();
        assert_eq!(ids(&first), ["a", "b"]);
        let rest = bob.list_freezes(page(2, &first.next_page_token)).await.granted();
        assert_eq!((ids(&rest).join(" "), rest.next_page_token.as_str()), ("c".to_owned(), ""));
        bob.list_freezes(page(201, "")).await.bad_field("page_size", "E1");
        bob.list_freezes(page(2, "nonsense")).await.bad_field("page_token", "E1");
    }
}

/// Somebody who may declare freezes of `api` only, and somebody who may of everything.
fn limited() -> Vec<TokenSpec> {
    vec![
        TokenSpec::service("ci", &["orchestrator"]),
        TokenSpec::person("of-api", "olga")
            .roles(&["operator"])
            .projects(&["api"]),
        TokenSpec::person("of-all", "paul").roles(&["policy_admin"]),
    ]
}

on_both_stores! { with Setup::with_tokens(limited);
    async fn e1_what_a_freeze_holds_is_counted_within_the_grant(gate) {
        for (id, project) in [("t1", "web"), ("t2", "api"), ("t3", "web")] {
            let task = TaskSpec { project: project.to_owned(), ..deployment(id) };
            gate.with_token("ci").create(task).await.granted();
        }
        let of_api = |id: &str| FreezeSpec::new(id).only(&["api"], &["*"]);
        let rows: [(&str, FreezeSpec, &[&str]); 3] = [
            ("of-api", of_api("a"), &["t2"]),
            ("of-all", of_api("b"), &["t2"]),
            ("of-all", FreezeSpec::new("c"), &["t1", "t2", "t3"]),
        ];
        for (token, freeze, expected) in rows {
            let caller = gate.with_token(token);
            let asked = caller.preview_freeze(freeze.clone()).await.granted();
            let made = caller.freeze(freeze).await.granted();
            for impact in [asked.impact.unwrap(), made.impact.unwrap()] {
                let counted = impact.waiting + impact.cleared;
                assert_eq!((counted, impact.incomplete), (expected.len() as u64, false));
                let named: Vec<&str> = impact.tasks.iter().map(|it| it.task_id.as_str()).collect();
                assert_eq!(named, expected, "{token}");
            }
        }
        // How many tasks of others wait, nobody learns by asking what a wider freeze would hold.
        let wide = gate.with_token("of-api").preview_freeze(FreezeSpec::new("d")).await;
        wide.refused("OUTSIDE_GRANT", "E1");
    }
}
