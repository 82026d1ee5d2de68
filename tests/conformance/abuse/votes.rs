//! One person is one vote, through however many servers and credentials at once.

use countersign_proto::v1::{AggregateKind, ChangeRequestState};
use futures::future::join_all;

use super::stage::{SecondDoor, believing, cast, times};
use crate::gate::{Expect, Gate, PolicySpec, TokenSpec, deployment, team};

const ROUNDS: usize = 12;

/// Everybody, and alice with a second credential.
fn two_of_alice() -> Vec<TokenSpec> {
    let mut tokens = cast();
    tokens.push(TokenSpec::person("alice-phone", "alice"));
    tokens
}

/// Two of alice and bob; alice is named by herself and by two teams.
async fn two_people(gate: &Gate) {
    for id in ["security", "developers"] {
        gate.admin()
            .team(team(id, &["alice", "bob"]))
            .await
            .granted();
    }
    let policy = PolicySpec::new("prod").users(&["alice"]).minimum(2);
    let policy = policy.teams(&["security", "developers"]);
    gate.admin().policy(policy).await.granted();
}

on_both_stores! { with believing(two_of_alice);
    async fn abuse_one_person_at_two_doors_at_once_counts_once(gate) {
        two_people(gate).await;
        let other = SecondDoor::open(gate).await;
        let doors = [
            gate.with_token("alice"),
            other.with_token("alice-phone"),
            gate.as_("alice"),
            other.as_("alice"),
            other.with_token("alice"),
            gate.with_token("alice-phone"),
        ];
        for round in 1..=ROUNDS {
            let id = format!("t{round}");
            gate.waiting(deployment(&id)).await;
            for approved in join_all(doors.iter().map(|door| door.approve(&id))).await {
                let cr = approved.granted();
                assert_eq!((cr.approvals_counted, cr.approvals_missing), (1, 1), "{cr:?}");
                assert_eq!(cr.state(), ChangeRequestState::Pending);
            }
            let (cr, event) = (round.to_string(), "change_request.approval_recorded");
            assert_eq!(times(gate, AggregateKind::ChangeRequest, &cr, event).await, 1);
            gate.runner().start(&id, 1, "claim").await.refused("START_NOT_NOW", "P4");
            let cr = other.with_token("bob").approve(&id).await.granted();
            assert_eq!((cr.approvals_counted, cr.decisions.len()), (2, 2));
            assert_eq!(cr.state(), ChangeRequestState::Approved);
        }
    }

    async fn abuse_approving_and_revoking_at_two_doors_never_adds_up(gate) {
        two_people(gate).await;
        let other = SecondDoor::open(gate).await;
        let (here, there) = (gate.with_token("alice"), other.with_token("alice-phone"));
        for round in 1..=ROUNDS {
            let id = format!("t{round}");
            gate.waiting(deployment(&id)).await;
            here.approve(&id).await.granted();
            let (_, approved, again) =
                tokio::join!(there.revoke(&id), here.approve(&id), there.approve(&id));
            for cr in [approved.granted(), again.granted()] {
                assert!(cr.approvals_counted <= 1, "{cr:?}");
                assert_eq!(cr.state(), ChangeRequestState::Pending);
            }
            let cr = gate.orchestrator().change_request(&id).await.granted();
            assert!(cr.approvals_counted <= 1 && cr.decisions.len() == 1, "{cr:?}");
            here.approve(&id).await.granted();
            let cr = gate.with_token("bob").approve(&id).await.granted();
            assert_eq!(cr.state(), ChangeRequestState::Approved);
        }
    }
}
