//! Ten thousand on one stream are told page by page, and one more is refused.

use std::collections::{BTreeMap, BTreeSet};

use countersign_proto::v1::{TaskSpec, WatchSignalsRequest, WatchStatusRequest};
use futures::StreamExt as _;

use super::{quick_heartbeats, shown, signals_of};
use crate::gate::{Expect, Gate, deployment};

/// How many one stream may begin with.
const LIMIT: usize = 10_000;

fn in_environment(environment: &str) -> WatchStatusRequest {
    WatchStatusRequest {
        project: "web".to_owned(),
        environment: environment.to_owned(),
        ..WatchStatusRequest::default()
    }
}

/// As many tasks as one stream may carry, and one in another environment.
async fn one_too_many(gate: &Gate) {
    let orchestrator = gate.orchestrator();
    let creations = (0..=LIMIT).map(|number| {
        let orchestrator = orchestrator.clone();
        let task = TaskSpec {
            runner: "web-1".to_owned(),
            environment: if number < LIMIT { "production" } else { "test" }.to_owned(),
            labels: BTreeMap::from([("last".to_owned(), (number == LIMIT).to_string())]),
            ..deployment(&format!("t{number}"))
        };
        async move { orchestrator.create(task).await.map(drop).granted() }
    });
    futures::stream::iter(creations)
        .buffer_unordered(256)
        .collect::<Vec<()>>()
        .await;
}

on_both_stores! {
    with quick_heartbeats();

    async fn i46_ten_thousand_are_told_and_one_more_is_refused(gate) {
        one_too_many(gate).await;
        let bob = gate.as_("bob");
        for request in [
            in_environment(""),
            WatchStatusRequest { open_only: true, ..in_environment("") },
            WatchStatusRequest { runner: "web-1".to_owned(), ..in_environment("") },
        ] {
            let refused = bob.status(request).await.refused("TOO_MANY_MATCHES", "E1");
            assert_eq!(refused.fact("limit"), LIMIT.to_string());
        }
        gate.runner().signals(&[], "").await.refused("TOO_MANY_MATCHES", "E1");

        let mut all = bob.status(in_environment("production")).await.granted();
        let (messages, mark) = all.synced().await;
        let told: BTreeSet<&str> = shown(&messages).into_iter().collect();
        assert_eq!((told.len(), shown(&messages).len()), (LIMIT, LIMIT));
        assert!(messages.len() > LIMIT / 100, "page by page: {} messages", messages.len());

        // What the store cannot look for is looked through.
        let last = BTreeMap::from([("last".to_owned(), "true".to_owned())]);
        let narrowed = WatchStatusRequest { labels: last.clone(), ..in_environment("") };
        let mut narrowed = bob.status(narrowed).await.granted();
        assert_eq!(shown(&narrowed.synced().await.0), ["t10000"]);
        let others = BTreeMap::from([("last".to_owned(), "false".to_owned())]);
        let others = WatchStatusRequest { labels: others, ..in_environment("") };
        assert_eq!(shown(&bob.status(others).await.granted().synced().await.0).len(), LIMIT);
        let ours = WatchSignalsRequest { labels: last, ..WatchSignalsRequest::default() };
        let mut ours = gate.runner().signals_with(ours).await.granted();
        assert_eq!(signals_of(&ours.synced().await.0).len(), 1);

        // From a token on it is not too much any more.
        gate.orchestrator().withdraw("t7").await.granted();
        let token = mark.resume_token;
        let resumed = WatchStatusRequest { resume_token: token, ..in_environment("") };
        let mut resumed = bob.status(resumed).await.granted();
        assert_eq!(shown(&resumed.synced().await.0), ["t7"]);
    }
}
