//! A token that ended here is worth nothing there: for commands at once, for the rest in a moment.

use std::time::Duration;

use countersign_domain::access::SecretHash;
use countersign_domain::batch::{Action, Command};
use countersign_domain::change_request::Approve;
use countersign_domain::ids::{CrRef, TaskId};
use countersign_engine::Failure;
use countersign_proto::v1::{
    ChangeRequestState, ListTokensRequest, Role, TaskSpec, Token, WatchStatusRequest,
};

use super::Other;
use crate::gate::{Caller, Expect, Gate, LIMIT, PolicySpec, deployment, moment};

/// By when the other server must have heard of it.
const SOON: Duration = Duration::from_secs(1);
const ROUNDS: usize = 10;

/// Until when a call goes on as it was, and how it is refused then.
async fn until_out(caller: &Caller) -> Duration {
    let since = moment();
    let trying = async { while caller.who_am_i().await.is_ok() {} };
    let tried = tokio::time::timeout(LIMIT, trying).await;
    tried.expect("the other server hears of the revocation");
    let took = since.elapsed();
    caller.who_am_i().await.refused("UNAUTHENTICATED", "E1");
    took
}

async fn until_in(caller: &Caller) -> Duration {
    let since = moment();
    let trying = async {
        while let Err(refused) = caller.who_am_i().await {
            assert_eq!(refused.reason, "UNAUTHENTICATED");
        }
    };
    let tried = tokio::time::timeout(LIMIT, trying).await;
    tried.expect("the other server hears of the token");
    since.elapsed()
}

/// Makes a token here, and waits until it is known there.
async fn known_there(gate: &Gate, other: &Other, token: Token) -> (String, Caller) {
    let made = gate.access_admin().create_token(token).await.granted();
    let there = other.as_(&made.secret);
    until_in(&there).await;
    (made.secret, there)
}

on_two_replicas! {
    async fn no_command_of_a_token_revoked_here_is_carried_out_there(gate, other) {
        gate.alice_approves().await;
        for round in 0..ROUNDS {
            let (id, task) = (format!("laptop-{round}"), format!("t{round}"));
            gate.waiting(deployment(&task)).await;
            let (_, there) = known_there(gate, other, gate.token_of(&id, "alice")).await;
            gate.access_admin().revoke_token(&id).await.granted();
            there.approve(&task).await.refused("UNAUTHENTICATED", "E1");
            let cr = gate.orchestrator().change_request(&task).await.granted();
            assert_eq!((cr.state(), cr.decisions.len()), (ChangeRequestState::Pending, 0));
        }
    }

    async fn whoever_was_let_in_before_the_revocation_is_refused_under_the_lock(gate, other) {
        gate.alice_approves().await;
        for round in 0..ROUNDS {
            let (id, task) = (format!("laptop-{round}"), format!("t{round}"));
            gate.waiting(deployment(&task)).await;
            let (secret, _) = known_there(gate, other, gate.token_of(&id, "alice")).await;
            // What the door there knows of the caller, before it has heard of anything.
            let token = other.engine.bearer_of(&SecretHash::of(&secret)).expect("a live token");
            gate.access_admin().revoke_token(&id).await.granted();
            let before = gate.entries().await;
            let approval = Approve {
                target: CrRef::Task(TaskId::parse(&task).unwrap()),
                comment: String::new(),
                etag: None,
                artifact_digest: None,
            };
            let command = Command {
                caller: Some(token.principal()),
                action: Action::Approve(approval),
                request: None,
            };
            let refused = other.engine.execute(command).await.unwrap_err();
            let refused = format!("{refused:?}");
            assert_eq!(refused, format!("{:?}", Failure::Refused(
                countersign_domain::Refusal::CredentialEnded)));
            assert_eq!(gate.entries().await, before);
        }
    }

    async fn reads_there_end_within_a_second(gate, other) {
        let (mut longest_in, mut longest_out) = (Duration::ZERO, Duration::ZERO);
        for round in 0..ROUNDS {
            let id = format!("laptop-{round}");
            let token = gate.token_of(&id, "alice");
            let secret = gate.access_admin().create_token(token).await.granted().secret;
            let there = other.as_(&secret);
            longest_in = longest_in.max(until_in(&there).await);
            gate.access_admin().revoke_token(&id).await.granted();
            longest_out = longest_out.max(until_out(&there).await);
        }
        println!("known there after at most {longest_in:?}, refused after at most {longest_out:?}");
        assert!(longest_in < SOON && longest_out < SOON, "{longest_in:?} {longest_out:?}");
    }

    async fn streams_there_end_within_a_second(gate, other) {
        gate.alice_approves().await;
        gate.waiting(TaskSpec { runner: "web-1".to_owned(), ..deployment("t1") }).await;
        let mut longest = Duration::ZERO;
        for round in 0..ROUNDS {
            let id = format!("runner-{round}");
            let token = Token {
                runner: "web-1".to_owned(),
                ..gate.token_of_service(&id, &[Role::Runner, Role::Auditor])
            };
            let (_, there) = known_there(gate, other, token).await;
            let project = "web".to_owned();
            let request = WatchStatusRequest { project, ..WatchStatusRequest::default() };
            let mut status = there.status(request).await.granted();
            let mut signals = there.signals(&[], "").await.granted();
            let mut log = there.log(None).await.granted();
            status.synced().await;
            signals.synced().await;
            log.synced().await;
            gate.access_admin().revoke_token(&id).await.granted();
            let since = moment();
            let (status, signals, log) = tokio::join!(status.end(), signals.end(), log.end());
            longest = longest.max(since.elapsed());
            for ended in [status.1, signals.1, log.1] {
                ended.refused("UNAUTHENTICATED", "E1");
            }
        }
        println!("streams there ended after at most {longest:?}");
        assert!(longest < SOON, "{longest:?}");
    }

    async fn d2_two_tokens_of_one_person_at_two_servers_count_once(gate, other) {
        let policy = PolicySpec::new("prod").users(&["alice", "bob"]).minimum(2);
        gate.admin().policy(policy).await.granted();
        let (here, _) = known_there(gate, other, gate.token_of("laptop", "alice")).await;
        let (_, there) = known_there(gate, other, gate.token_of("phone", "alice")).await;
        let here = gate.as_(&here);
        for round in 0..ROUNDS {
            let task = format!("t{round}");
            gate.waiting(deployment(&task)).await;
            let both = tokio::join!(here.approve(&task), there.approve(&task));
            for cr in [both.0.granted(), both.1.granted()] {
                assert_eq!((cr.approvals_counted, cr.decisions.len()), (1, 1));
            }
            let cr = other.as_("bob").approve(&task).await.granted();
            assert_eq!((cr.approvals_counted, cr.state()), (2, ChangeRequestState::Approved));
        }
    }

    async fn an_id_is_taken_by_one_of_two_servers(gate, other) {
        for round in 0..ROUNDS {
            let token = gate.token_of(&format!("laptop-{round}"), "alice");
            let (here, there) = (gate.access_admin(), other.as_("access:eve"));
            let made =
                tokio::join!(here.create_token(token.clone()), there.create_token(token));
            assert_ne!(made.0.is_ok(), made.1.is_ok(), "{made:?}");
            let refused = made.0.err().or(made.1.err()).unwrap();
            assert_eq!(refused.reason, "TOKEN_ID_TAKEN");
        }
        // What was made here or there is shown there at once.
        let all = other.as_("access:eve").list_tokens(ListTokensRequest::default()).await;
        assert_eq!(all.granted().tokens.len(), ROUNDS);
    }

    async fn a_revocation_there_is_ok_here_and_the_other_way_round(gate, other) {
        let token = gate.token_of("laptop", "alice");
        gate.access_admin().create_token(token).await.granted();
        let (here, there) = (gate.access_admin(), other.as_("access:eve"));
        let both = tokio::join!(here.revoke_token("laptop"), there.revoke_token("laptop"));
        assert_eq!(both.0.granted(), both.1.granted());
        let before = gate.entries().await;
        there.revoke_token("laptop").await.granted();
        assert_eq!(gate.entries().await, before);
    }
}
