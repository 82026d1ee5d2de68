//! F3, F5: lifting, narrowing and deleting; and who may declare and end a freeze.

use countersign_proto::v1::{
    AggregateKind, DeleteFreezeRequest, Freeze, FreezeState, LiftFreezeRequest, ListFreezesRequest,
    Signal, TaskState,
};
use tonic::Code;

use crate::gate::{Expect, FreezeSpec, Gate, blocked_by, deployment, hourly, instant, lasting};

/// A task that was cleared, and is held by a freeze over everything.
async fn held(gate: &Gate, freeze: FreezeSpec) {
    gate.alice_approves().await;
    gate.cleared(deployment("t1")).await;
    gate.frozen(freeze).await;
    let task = gate.task("t1").await;
    assert_eq!(
        (task.state(), task.signal()),
        (TaskState::Paused, Signal::Hold)
    );
}

/// The task may start, under the permit with this number.
async fn is_free(gate: &Gate, generation: u64) {
    let task = gate.task("t1").await;
    assert_eq!(
        (task.state(), task.generation),
        (TaskState::Cleared, generation),
        "{task:?}"
    );
}

fn standing(freeze: &Freeze) -> (FreezeState, u64) {
    (freeze.state(), freeze.revision)
}

on_both_stores! {
    async fn f3_a_freeze_that_is_lifted_early_lets_go(gate) {
        held(gate, FreezeSpec::new("f").between(None, gate.at(3_600))).await;
        let mut stream = gate.runner().signals(&["t1"], "").await.granted();
        stream.synced().await;
        gate.advance(60);
        let lifted = gate.admin().lift("f").await.granted();
        assert_eq!(standing(&lifted), (FreezeState::Lifted, 2));
        assert_eq!((lifted.lifted_until, lifted.ends_at), (gate.at(3_540), None));
        assert_eq!((lifted.next_begins_at, lifted.settling), (None, true));
        gate.pass(0).await;
        let proceed = stream.next().await.signals.remove(0);
        assert_eq!((proceed.signal(), proceed.permit.unwrap().generation), (Signal::Proceed, 2));
        assert!(!gate.freeze("f").await.settling);
        gate.pass(3_540).await;
        // Its end changes nothing any more.
        is_free(gate, 2).await;
        assert_eq!(gate.freeze("f").await.state(), FreezeState::Ended);
    }

    async fn f3_a_start_is_free_from_the_answer_on_before_anything_is_swept(gate) {
        held(gate, FreezeSpec::new("f")).await;
        gate.admin().lift("f").await.granted();
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        gate.runner().start("t1", 2, "c").await.granted();
        gate.pass(0).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Running);
    }

    async fn f3_lifting_ends_the_present_occurrence_and_a_recurring_one_returns(gate) {
        held(gate, FreezeSpec::new("f").recurring(hourly())).await;
        let lifted = gate.admin().lift("f").await.granted();
        assert_eq!(lifted.state(), FreezeState::Lifted);
        assert_eq!(lifted.lifted_until, instant("2026-11-23T00:10:00Z"));
        assert_eq!(lifted.next_begins_at, instant("2026-11-23T01:00:00Z"));
        gate.pass(0).await;
        let task = gate.task("t1").await;
        assert_eq!(task.permit.unwrap().valid_until, instant("2026-11-23T01:00:00Z"));
        gate.pass_to("2026-11-23T00:10:00Z").await;
        assert_eq!(standing(&gate.freeze("f").await), (FreezeState::Upcoming, 2));
        is_free(gate, 2).await;
        gate.pass_to("2026-11-23T01:00:00Z").await;
        assert_eq!(blocked_by(&gate.task("t1").await), ["freeze f 2026-11-23T01:10:00Z"]);
        gate.admin().lift("f").await.granted();
        gate.pass(0).await;
        is_free(gate, 3).await;
        gate.pass_to("2026-11-23T02:00:00Z").await;
        let refused = gate.runner().start("t1", 3, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("freezes"), "f");
        let events = gate.as_("auditor:audit").events(AggregateKind::Freeze, "f").await;
        let changes = events.iter().filter(|event| *event != "freeze.swept");
        let expected = ["freeze.created", "freeze.lifted", "freeze.lifted"];
        assert_eq!(changes.collect::<Vec<_>>(), expected);
    }

    async fn f3_lifting_again_changes_nothing_and_is_ok(gate) {
        held(gate, FreezeSpec::new("f").recurring(hourly())).await;
        let first = gate.admin().lift("f").await.granted();
        gate.pass(0).await;
        let entries = gate.entries().await;
        let again = gate.as_("operator:op").lift("f").await.granted();
        assert_eq!((again.revision, &again.etag), (first.revision, &first.etag));
        assert_eq!(gate.entries().await, entries);
    }

    async fn f3_only_what_is_in_force_can_be_lifted(gate) {
        let admin = gate.admin();
        gate.frozen(FreezeSpec::new("later").between(gate.at(3_600), gate.at(7_200))).await;
        gate.frozen(FreezeSpec::new("past").between(None, gate.at(60))).await;
        gate.frozen(FreezeSpec::new("daily").recurring(lasting("0 5 * * *", "UTC", 60))).await;
        gate.pass(60).await;
        let entries = gate.entries().await;
        for (id, begins) in [
            ("later", "2026-11-23T01:00:00Z"),
            ("past", ""),
            ("daily", "2026-11-23T05:00:00Z"),
        ] {
            let refused = admin.lift(id).await.refused("FREEZE_NOT_IN_FORCE", "F3");
            assert_eq!(refused.code, Code::FailedPrecondition);
            assert_eq!((refused.fact("freeze"), refused.fact("next_begins_at")), (id, begins));
        }
        assert_eq!(gate.entries().await, entries);
    }

    async fn f3_what_is_lifted_for_ever_stays_lifted(gate) {
        held(gate, FreezeSpec::new("f")).await;
        let lifted = gate.admin().lift("f").await.granted();
        assert_eq!((lifted.state(), lifted.lifted_until), (FreezeState::Lifted, None));
        gate.pass(0).await;
        is_free(gate, 2).await;
        gate.pass(50 * 366 * 86_400).await;
        assert_eq!(gate.freeze("f").await.state(), FreezeState::Lifted);
        gate.admin().lift("f").await.granted();
        is_free(gate, 2).await;
    }

    async fn f3_new_times_take_an_earlier_lifting_back(gate) {
        held(gate, FreezeSpec::new("f").between(None, gate.at(3_600))).await;
        let admin = gate.admin();
        admin.lift("f").await.granted();
        gate.pass(0).await;
        // A new reason does not.
        let reason = FreezeSpec::new("f").with(|it| it.reason = "Still nobody.".to_owned());
        let updated = admin.update_freeze(reason, &["reason"]).await.granted().freeze.unwrap();
        assert_eq!(standing(&updated), (FreezeState::Lifted, 3));
        gate.pass(0).await;
        is_free(gate, 2).await;
        let longer = FreezeSpec::new("f").between(None, gate.at(7_200));
        let updated = admin.update_freeze(longer, &["end"]).await.granted().freeze.unwrap();
        assert_eq!(standing(&updated), (FreezeState::InForce, 4));
        assert_eq!(updated.ends_at, gate.at(7_200));
        gate.pass(0).await;
        assert_eq!(gate.task("t1").await.state(), TaskState::Paused);
        assert_eq!(gate.freeze("f").await.reason, "Still nobody.");
    }

    async fn f3_deleting_ends_all_occurrences(gate) {
        held(gate, FreezeSpec::new("f").recurring(hourly())).await;
        gate.admin().delete_freeze("f").await.granted();
        gate.as_("bob").get_freeze("f").await.refused("NOT_FOUND", "E1");
        assert_eq!(blocked_by(&gate.task("t1").await), ["Settling"]);
        gate.pass(0).await;
        is_free(gate, 2).await;
        gate.pass_to("2026-11-23T02:00:00Z").await;
        is_free(gate, 2).await;
        let listed = gate.as_("bob").list_freezes(ListFreezesRequest::default()).await.granted();
        assert_eq!(listed.freezes, []);
        gate.admin().delete_freeze("f").await.refused("NOT_FOUND", "E1");
        gate.admin().lift("f").await.refused("NOT_FOUND", "E1");
    }

    async fn f3_an_id_that_was_deleted_may_be_used_again_at_once(gate) {
        held(gate, FreezeSpec::new("f")).await;
        let admin = gate.admin();
        admin.delete_freeze("f").await.granted();
        // What the first one held is not let go yet, and the second holds something else.
        let second = FreezeSpec::new("f").only(&["api"], &["*"]);
        let second = admin.freeze(second).await.granted().freeze.unwrap();
        assert_eq!((standing(&second), second.settling), ((FreezeState::InForce, 1), true));
        gate.pass(0).await;
        is_free(gate, 2).await;
        let taken = admin.freeze(FreezeSpec::new("f")).await.refused("FREEZE_ID_TAKEN", "F1");
        assert_eq!((taken.code, taken.fact("freeze")), (Code::AlreadyExists, "f"));
    }

    async fn f5_a_freeze_is_passed_by_narrowing_it(gate) {
        held(gate, FreezeSpec::new("f")).await;
        let narrower = FreezeSpec::new("f").only(&["api"], &["*"]);
        let updated = gate.admin().update_freeze(narrower, &["scopes"]).await.granted();
        assert_eq!(updated.impact.unwrap().waiting, 0);
        gate.pass(0).await;
        is_free(gate, 2).await;
        // And it holds again what it is widened to.
        let wider = FreezeSpec::new("f").only(&["api", "web"], &["*"]);
        let updated = gate.admin().update_freeze(wider, &["scopes"]).await.granted();
        assert_eq!(updated.impact.unwrap().cleared, 1);
        let refused = gate.runner().start("t1", 2, "c").await.refused("START_NOT_NOW", "P4");
        assert_eq!(refused.fact("freezes"), "f");
    }

    async fn f5_nobody_passes_a_freeze_that_is_in_force(gate) {
        held(gate, FreezeSpec::new("f")).await;
        // More approvals, other runners and other generations open nothing.
        gate.as_("alice").approve("t1").await.granted();
        for bearer in ["runner:web-1", "runner:web-2"] {
            for generation in 1..4 {
                let start = gate.as_(bearer).start("t1", generation, "c").await;
                assert_eq!(start.refused("START_NOT_NOW", "P4").fact("waiting_for"), "freeze");
            }
        }
        let task = gate.task("t1").await;
        assert_eq!((task.state(), task.generation), (TaskState::Paused, 1));
    }

    async fn f5_an_end_that_is_cleared_holds_until_it_is_lifted(gate) {
        held(gate, FreezeSpec::new("f").between(None, gate.at(60))).await;
        let updated = gate.admin().update_freeze(FreezeSpec::new("f"), &["end"]).await.granted();
        let freeze = updated.freeze.unwrap();
        assert_eq!((freeze.end, freeze.ends_at), (None, None));
        gate.pass(60).await;
        assert_eq!(blocked_by(&gate.task("t1").await), ["freeze f -"]);
        // The other way round: an end that has come lets go.
        let short = FreezeSpec::new("f").between(None, gate.at(30));
        gate.admin().update_freeze(short, &["end"]).await.granted();
        gate.pass(30).await;
        is_free(gate, 2).await;
    }

    async fn f5_policy_admins_and_operators_keep_freezes_and_nobody_else(gate) {
        gate.frozen(FreezeSpec::new("f")).await;
        let entries = gate.entries().await;
        for bearer in ["alice", "auditor:audit", "orchestrator:ci", "runner:web-1"] {
            let caller = gate.as_(bearer);
            let refusals = [
                caller.freeze(FreezeSpec::new("g")).await.map(drop),
                caller.preview_freeze(FreezeSpec::new("g")).await.map(drop),
                caller.update_freeze(FreezeSpec::new("f"), &["reason"]).await.map(drop),
                caller.lift("f").await.map(drop),
                caller.delete_freeze("f").await,
            ];
            for refusal in refusals {
                let refused = refusal.refused("ROLE_REQUIRED", "E1");
                assert_eq!(refused.code, Code::PermissionDenied);
                assert!(refused.fact("allowed").contains("operator"), "{refused:?}");
                assert!(refused.fact("allowed").contains("policy_admin"), "{refused:?}");
            }
            // Reading is for everybody.
            assert_eq!(caller.get_freeze("f").await.granted().id, "f");
            let listed = caller.list_freezes(ListFreezesRequest::default()).await.granted();
            assert_eq!(listed.freezes.len(), 1);
        }
        assert_eq!(gate.entries().await, entries);
        let operator = gate.as_("operator:op");
        let lift = LiftFreezeRequest { comment: "Somebody is.".to_owned(), ..request() };
        operator.lift_with(lift).await.granted();
        operator.delete_freeze_with(DeleteFreezeRequest {
            freeze_id: "f".to_owned(),
            ..DeleteFreezeRequest::default()
        }).await.granted();
        operator.freeze(FreezeSpec::new("g")).await.granted();
        let said = gate.as_("auditor:audit").entries_from(entries + 1).await;
        let lifted = crate::gate::said_in(&said[0]);
        assert_eq!(lifted["event"]["lifted"]["comment"], "Somebody is.");
        assert_eq!(lifted["cause"]["call"]["person"]["subject"], "operator:op");
    }
}

fn request() -> LiftFreezeRequest {
    LiftFreezeRequest {
        freeze_id: "f".to_owned(),
        ..LiftFreezeRequest::default()
    }
}
