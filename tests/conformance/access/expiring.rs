//! A token ends at its instant, to the microsecond of the clock that decides.

use std::time::Duration;

use countersign_engine::EngineConfig;
use countersign_proto::v1::watch_log_request::Start;
use countersign_proto::v1::{ListTokensRequest, Role, TaskSpec, Token, WatchStatusRequest};

use crate::gate::{Caller, Expect, Gate, Headers, LIMIT, Setup, Told, deployment};

/// How long the tokens of these tests live.
const LIFE_SECONDS: i64 = 10;

/// Streams are told that they live so often that a test can wait for it.
fn quick_heartbeats() -> Setup {
    let configure = |config: &mut EngineConfig| {
        config.heartbeat = Duration::from_millis(50);
    };
    Setup {
        configure,
        ..Setup::default()
    }
}

fn short(gate: &Gate, token: Token) -> Token {
    Token {
        expires_at: gate.at(LIFE_SECONDS),
        ..token
    }
}

/// A microsecond before the tokens end.
fn almost(gate: &Gate) {
    gate.clock.advance_micros(LIFE_SECONDS * 1_000_000 - 1);
}

fn then(gate: &Gate) {
    gate.clock.advance_micros(1);
}

async fn is_out(caller: &Caller) {
    caller.who_am_i().await.refused("UNAUTHENTICATED", "E1");
    caller.task("t1").await.refused("UNAUTHENTICATED", "E1");
    caller.approve("t2").await.refused("UNAUTHENTICATED", "E1");
    caller.reject("t1").await.refused("UNAUTHENTICATED", "E1");
    let request = WatchStatusRequest::default();
    caller.status(request).await.unwrap_err();
}

on_both_stores! {
    async fn a_token_ends_at_its_instant(gate) {
        gate.alice_approves().await;
        for id in ["t1", "t2"] {
            gate.waiting(deployment(id)).await;
        }
        let token = short(gate, gate.token_of("laptop", "alice"));
        let made = gate.access_admin().create_token(token).await.granted();
        let alice = gate.as_(&made.secret);
        almost(gate);
        let me = alice.who_am_i().await.granted();
        assert_eq!(me.expires_at, gate.at_micros(1));
        alice.approve("t1").await.granted();
        then(gate);
        is_out(&alice).await;
        let bearer = Headers::authorization(&format!("Bearer {}", made.secret));
        let path = "/countersign.v1.AccessService/WhoAmI";
        let raw = gate.raw();
        let expired = raw.call(path, &bearer, Vec::new(), |_| false).await.unwrap_err();
        let nobody = raw.call(path, &Headers::default(), Vec::new(), |_| false).await.unwrap_err();
        assert_eq!(Told::from(&expired), Told::from(&nobody));
        // Time that runs back brings nobody back: the newest entry of the log is from then. Under
        // the lock that is known at once, at the door as soon as the feed has told of the entry.
        gate.waiting(deployment("t3")).await;
        gate.advance(-5);
        alice.approve("t2").await.refused("UNAUTHENTICATED", "E1");
        let told = async { while alice.who_am_i().await.is_ok() {} };
        tokio::time::timeout(LIMIT, told).await.expect("the feed tells of the entry");
        is_out(&alice).await;
        gate.restart().await;
        let alice = gate.as_(&made.secret);
        is_out(&alice).await;
    }

    async fn a_token_may_live_for_366_days_and_ends_then(gate) {
        let longest = 366 * 86_400;
        let token = Token { expires_at: gate.at(longest), ..gate.token_of("laptop", "alice") };
        let alice = gate.bearer(token).await;
        gate.advance(longest - 1);
        alice.who_am_i().await.granted();
        gate.advance(1);
        alice.who_am_i().await.refused("UNAUTHENTICATED", "E1");
    }

    async fn an_expired_token_is_shown_as_not_live(gate) {
        let admin = gate.access_admin();
        admin.create_token(short(gate, gate.token_of("laptop", "alice"))).await.granted();
        let live = ListTokensRequest { live: true, ..ListTokensRequest::default() };
        almost(gate);
        assert_eq!(admin.list_tokens(live.clone()).await.granted().tokens.len(), 1);
        then(gate);
        assert_eq!(admin.list_tokens(live).await.granted().tokens, []);
        let kept = admin.get_token("laptop").await.granted();
        assert_eq!((kept.expires_at, kept.revoked_at), (gate.at(0), None));
    }
}

on_both_stores! { with quick_heartbeats();
    async fn streams_end_with_their_token(gate) {
        gate.alice_approves().await;
        gate.waiting(TaskSpec { runner: "web-1".to_owned(), ..deployment("t1") }).await;
        let token = gate.token_of_service("r", &[Role::Runner, Role::Auditor]);
        let token = Token { runner: "web-1".to_owned(), ..token };
        let caller = gate.bearer(short(gate, token)).await;
        let project = "web".to_owned();
        let request = WatchStatusRequest { project, ..WatchStatusRequest::default() };
        let mut status = caller.status(request).await.granted();
        let mut signals = caller.signals(&[], "").await.granted();
        let mut log = caller.log(Some(Start::FromNow(true))).await.granted();
        status.synced().await;
        signals.synced().await;
        log.synced().await;
        almost(gate);
        // What was on its way before the clock moved says nothing yet.
        for _ in 0..3 {
            status.heartbeat().await;
            signals.heartbeat().await;
            log.heartbeat().await;
        }
        then(gate);
        for ended in [status.end().await.1, signals.end().await.1, log.end().await.1] {
            ended.refused("UNAUTHENTICATED", "E1");
        }
    }
}
