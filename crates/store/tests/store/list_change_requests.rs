//! Lists of change requests, and which of them a watch follows.

use countersign_domain::access::Grant;
use countersign_domain::batch::{part_of_person, part_of_policy, part_of_team};
use countersign_domain::ids::{
    CrNumber, CrRef, EnvironmentId, PolicyId, ProjectId, ReleaseId, RunnerName, TaskId, TeamId,
};
use countersign_store::{CrFilter, CrStates, Store, WatchFilter};

use crate::eight::{eight, grant, with};
use crate::place::{Place, on_both};
use crate::sample::person;

on_both!(
    change_requests_are_filtered,
    change_requests_come_in_pages,
    watches_match,
    watches_match_runners_and_what_is_open,
    open_change_requests_are_counted,
);

async fn change_requests_are_filtered(place: Place) {
    let gate = eight(&place).await;
    let all = CrFilter::new(Grant::unlimited(), 100);
    let alice = part_of_person(&person("alice"));
    let dave = part_of_person(&person("dave"));
    let ops = gate.directory.team(&TeamId::parse("ops").unwrap()).unwrap();
    let ops = part_of_team(&ops.draft.id, ops.created.sequence);
    let many = with(&all, |f| {
        f.states = Some(CrStates::Pending);
        f.project = ProjectId::parse("api").ok();
        f.environment = EnvironmentId::parse("production").ok();
        f.release = ReleaseId::parse("1.0").ok();
        f.parts = Some(vec![alice.clone(), dave.clone()]);
        f.approval_required_only = true;
        f.grant = grant(&["api"], &["production", "test"]);
        f.before = Some(CrNumber(9));
    });
    let staging = EnvironmentId::parse("staging").ok();
    let rows = [
        (all.clone(), "8 7 6 5 4 3 2 1"),
        (with(&all, |f| f.states = Some(CrStates::Pending)), "8 1"),
        (
            with(&all, |f| f.states = Some(CrStates::NotPending)),
            "7 6 5 4 3 2",
        ),
        (
            with(&all, |f| f.project = ProjectId::parse("web").ok()),
            "7 5 2 1",
        ),
        (with(&all, |f| f.environment = staging), "6 5"),
        (
            with(&all, |f| f.release = ReleaseId::parse("1.1").ok()),
            "6 2",
        ),
        (with(&all, |f| f.task = TaskId::parse("a4").ok()), "4"),
        (with(&all, |f| f.task = TaskId::parse("none").ok()), ""),
        (
            with(&all, |f| f.approval_required_only = true),
            "8 7 4 3 2 1",
        ),
        (with(&all, |f| f.parts = Some(vec![alice])), "8 7 4 3 2 1"),
        (with(&all, |f| f.parts = Some(vec![ops, dave.clone()])), "7"),
        (with(&all, |f| f.parts = Some(vec![dave])), ""),
        (with(&all, |f| f.parts = Some(vec![])), ""),
        (with(&all, |f| f.grant = grant(&["web"], &["*"])), "7 5 2 1"),
        (
            with(&all, |f| f.grant = grant(&["web"], &["test", "staging"])),
            "7 5",
        ),
        (with(&all, |f| f.grant = grant(&[], &["*"])), ""),
        (many, "8"),
    ];
    for (filter, expected) in rows {
        assert_eq!(numbers(&gate.store, &filter).await, expected, "{filter:?}");
    }
}

async fn numbers(store: &Store, filter: &CrFilter) -> String {
    let found = store.list_change_requests(filter).await.unwrap();
    let numbers = found.iter().map(|case| case.number().0.to_string());
    numbers.collect::<Vec<String>>().join(" ")
}

async fn change_requests_come_in_pages(place: Place) {
    let gate = eight(&place).await;
    let mut filter = CrFilter::new(Grant::unlimited(), 3);
    let mut pages = Vec::new();
    loop {
        let page = gate.store.list_change_requests(&filter).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some(last.number());
        let alone = gate
            .store
            .case(&CrRef::Number(last.number()))
            .await
            .unwrap();
        assert_eq!(alone.as_ref(), Some(last));
        pages.push(
            page.iter()
                .map(|case| case.number().0)
                .collect::<Vec<u64>>(),
        );
    }
    assert_eq!(pages, [vec![8, 7, 6], vec![5, 4, 3], vec![2, 1]]);
}

async fn watches_match(place: Place) {
    let gate = eight(&place).await;
    let head = gate.head().await.sequence;
    let store = &gate.store;
    let all = WatchFilter::new(Grant::unlimited());
    let rejected = store.cases(&[CrNumber(4)]).await.unwrap();
    let before_rejection = rejected[0].change_request.stamp.sequence - 1;
    let rows: Vec<(WatchFilter, &[u64])> = vec![
        (all.clone(), &[1, 2, 3, 4, 5, 6, 7, 8]),
        (
            with(&all, |f| f.project = ProjectId::parse("api").ok()),
            &[3, 4, 6, 8],
        ),
        (
            with(&all, |f| f.environment = EnvironmentId::parse("test").ok()),
            &[7],
        ),
        (
            with(&all, |f| f.grant = grant(&["*"], &["staging"])),
            &[5, 6],
        ),
        (with(&all, |f| f.changed_after = Some(head)), &[]),
        (
            with(&all, |f| f.changed_after = Some(0)),
            &[1, 2, 3, 4, 5, 6, 7, 8],
        ),
        (
            with(&all, |f| f.changed_after = Some(before_rejection)),
            &[4, 6, 7],
        ),
    ];
    matches(store, rows).await;
    assert_eq!(store.count_matching(&all, 3).await.unwrap(), 3);
    let page = store
        .matching_numbers(&all, Some(CrNumber(2)), 3)
        .await
        .unwrap();
    assert_eq!(page, [CrNumber(3), CrNumber(4), CrNumber(5)]);
}

async fn watches_match_runners_and_what_is_open(place: Place) {
    let gate = eight(&place).await;
    let head = gate.head().await.sequence;
    let store = &gate.store;
    let all = WatchFilter::new(Grant::unlimited());
    let runner = |name: &str| with(&all, |f| f.runner = RunnerName::parse(name).ok());
    let rejected = store.cases(&[CrNumber(4)]).await.unwrap();
    let before_rejection = rejected[0].change_request.stamp.sequence - 1;
    let rows: Vec<(WatchFilter, &[u64])> = vec![
        (runner("pool"), &[1, 3, 5, 6, 7, 8]),
        (runner("other"), &[2]),
        (runner("poo"), &[]),
        (
            with(&runner("pool"), |f| {
                f.project = ProjectId::parse("api").ok();
            }),
            &[3, 6, 8],
        ),
        (with(&all, |f| f.open = true), &[1, 2, 3, 5, 8]),
        (with(&runner("pool"), |f| f.open = true), &[1, 3, 5, 8]),
        (
            with(&all, |f| {
                (f.open, f.changed_after) = (true, Some(before_rejection));
            }),
            &[1, 2, 3, 4, 5, 6, 7, 8],
        ),
        (
            with(&runner("pool"), |f| {
                (f.open, f.changed_after) = (true, Some(head));
            }),
            &[1, 3, 5, 8],
        ),
    ];
    matches(store, rows).await;
    let pool = runner("pool");
    let second = store.matching_numbers(&pool, Some(CrNumber(3)), 2);
    assert_eq!(second.await.unwrap(), [CrNumber(5), CrNumber(6)]);
}

async fn matches(store: &Store, rows: Vec<(WatchFilter, &[u64])>) {
    for (filter, expected) in rows {
        let found = store.matching_numbers(&filter, None, 100).await.unwrap();
        assert_eq!(
            found.iter().map(|n| n.0).collect::<Vec<_>>(),
            expected,
            "{filter:?}"
        );
        let count = store.count_matching(&filter, 100).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
    }
}

async fn open_change_requests_are_counted(place: Place) {
    let gate = eight(&place).await;
    let of = async |part: &str, limit| {
        let (count, found) = gate.store.open_change_requests(part, limit).await.unwrap();
        (
            count,
            found.into_iter().map(|number| number.0).collect::<Vec<_>>(),
        )
    };
    let four_eyes = part_of_policy(&PolicyId::parse("four-eyes").unwrap());
    // Of 1, 2, 3, 4 and 8 one runs and one was rejected.
    assert_eq!(of(&four_eyes, 10).await, (3, vec![8, 2, 1]));
    assert_eq!(of(&four_eyes, 2).await, (3, vec![8, 2]));
    assert_eq!(of("policy:none", 10).await, (0, vec![]));
}
