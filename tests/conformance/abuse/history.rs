//! What was decided, by whom, why they could and under which policies, can be read for ever.

use countersign_proto::v1::{
    AggregateKind, ChangeRequest, ChangeRequestState, RejectRequest, TaskOutcome, TaskState,
};

use super::stage::{believing, cast};
use crate::gate::{Expect, Gate, PolicySpec, at_any_time, deployment, said_in, team};

/// `t1` ran with two approvals, one of them through a team and by a token; `t2` was rejected; `t3`
/// waits.
async fn stage(gate: &Gate) {
    let admin = gate.admin();
    admin.team(team("ops", &["olga", "bob"])).await.granted();
    let policy = PolicySpec::new("prod")
        .users(&["alice"])
        .teams(&["ops"])
        .minimum(2);
    admin
        .policy(policy.with(|it| it.name = "Four eyes".to_owned()))
        .await
        .granted();
    for id in ["t1", "t2", "t3"] {
        gate.waiting(deployment(id)).await;
    }
    let olga = gate.bearer(gate.token_of("olga-1", "olga")).await;
    gate.as_("alice").approve("t1").await.granted();
    olga.approve("t1").await.granted();
    gate.runner().start("t1", 1, "claim").await.granted();
    gate.runner()
        .finish("t1", "claim", TaskOutcome::Succeeded)
        .await
        .granted();
    let rejection = RejectRequest {
        change_request: "t2".to_owned(),
        comment: "Not on a Friday.".to_owned(),
        ..RejectRequest::default()
    };
    olga.reject_with(rejection).await.granted();
}

/// A change request without what is judged by the teams of now: whom it waits for, and what to
/// know of it.
fn decided(mut cr: ChangeRequest) -> ChangeRequest {
    cr.warnings.clear();
    for task in &mut cr.tasks {
        task.blockers.clear();
    }
    at_any_time(cr)
}

async fn all(gate: &Gate) -> Vec<ChangeRequest> {
    let mut all = Vec::new();
    for id in ["t1", "t2", "t3"] {
        all.push(decided(
            gate.orchestrator().change_request(id).await.granted(),
        ));
    }
    all
}

/// Removes everybody and everything that the decisions came from.
async fn remove_all(gate: &Gate) {
    let admin = gate.admin();
    admin.members(team("ops", &[])).await.granted();
    admin.delete_policy("prod").await.granted();
    admin.delete_team("ops").await.granted();
    gate.access_admin().revoke_token("olga-1").await.granted();
}

on_both_stores! { with believing(cast);
    async fn abuse_history_outlives_policies_teams_and_people(gate) {
        stage(gate).await;
        let (before, entries) = (all(gate).await, gate.entries().await);
        remove_all(gate).await;
        assert_eq!(gate.entries().await, entries + 4);
        gate.admin().get_policy("prod").await.refused("NOT_FOUND", "E1");
        gate.admin().get_team("ops").await.refused("NOT_FOUND", "E1");
        assert_eq!(all(gate).await, before);
        gate.restart().await;
        gate.pass(86_400 * 400).await;
        assert_eq!(all(gate).await, before);
        // Who, how they could, by which credential, and under which policy in which revision.
        let ran = &before[0];
        assert_eq!((ran.state(), ran.tasks[0].state()),
            (ChangeRequestState::Approved, TaskState::Succeeded));
        let [alice, olga] = ran.decisions.as_slice() else { panic!("two decided: {ran:?}") };
        assert!(alice.eligible_directly && alice.eligible_through.is_empty());
        assert_eq!((olga.eligible_directly, olga.eligible_through.as_slice()),
            (false, &["ops".to_owned()][..]));
        assert_eq!(olga.credential.as_ref().unwrap().id, "olga-1");
        let policy = &ran.resultant_policy.as_ref().unwrap().policies[0];
        assert_eq!((policy.id.as_str(), policy.revision, policy.name.as_str()),
            ("prod", 1, "Four eyes"));
        assert_eq!(before[1].decisions[0].comment, "Not on a Friday.");
    }

    async fn abuse_the_log_outlives_policies_teams_and_people(gate) {
        stage(gate).await;
        let before = gate.as_("auditor:audit").entries_from(1).await;
        remove_all(gate).await;
        gate.restart().await;
        let after = gate.as_("auditor:audit").entries_from(1).await;
        assert_eq!(after[..before.len()], before);
        let auditor = gate.as_("auditor:audit");
        for (kind, id, events) in [
            (AggregateKind::Policy, "prod", ["policy.created", "policy.deleted"]),
            (AggregateKind::Token, "olga-1", ["token.created", "token.revoked"]),
        ] {
            assert_eq!(auditor.events(kind, id).await, events);
        }
        let of_team = auditor.events(AggregateKind::Team, "ops").await;
        assert_eq!(of_team, ["team.created", "team.updated", "team.deleted"]);
        let created = after.iter().find(|entry| entry.event == "team.created").unwrap();
        assert!(said_in(created).to_string().contains("olga"), "{created:?}");
    }

    async fn abuse_what_is_made_again_under_an_old_id_rewrites_nothing(gate) {
        stage(gate).await;
        let before = all(gate).await;
        remove_all(gate).await;
        let admin = gate.admin();
        admin.team(team("ops", &["mallory"])).await.granted();
        let policy = PolicySpec::new("prod").teams(&["ops"]);
        admin.policy(policy.with(|it| it.name = "Nobody".to_owned())).await.granted();
        let token = gate.token_of("olga-1", "mallory");
        gate.access_admin().create_token(token).await.refused("TOKEN_ID_TAKEN", "E1");
        assert_eq!(all(gate).await, before);
        // What is new is under the new one, and says which revision it is of.
        let new = gate.orchestrator().opened(deployment("t4")).await;
        let policy = &new.resultant_policy.as_ref().unwrap().policies[0];
        assert_eq!(policy.name, "Nobody");
        gate.as_("mallory").approve("t3").await.refused("NOT_AN_APPROVER", "D1");
        gate.as_("mallory").approve("t4").await.granted();
    }
}
