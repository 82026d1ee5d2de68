//! Lists of tasks.

use countersign_domain::access::Grant;
use countersign_domain::ids::{CrNumber, EnvironmentId, ProjectId, ReleaseId, RunnerName, TaskId};
use countersign_store::{Store, TaskFilter};

use crate::eight::{eight, grant, with};
use crate::place::{Place, on_both};

on_both!(tasks_are_filtered, tasks_come_in_pages);

async fn tasks_are_filtered(place: Place) {
    let gate = eight(&place).await;
    let head = gate.head().await.sequence;
    let all = TaskFilter::new(Grant::unlimited(), 100);
    let last_of = async |number: u64| {
        let cases = gate.store.cases(&[CrNumber(number)]).await.unwrap();
        cases[0]
            .tasks
            .values()
            .map(|task| task.stamp.sequence)
            .max()
            .unwrap()
    };
    let (rejected, withdrawn) = (last_of(4).await, last_of(7).await);
    let named = |name: &str| Some(name.to_owned());
    let open = "B5 a1 a2 a3 z8";
    let open_of_pool = with(&all, |f| {
        f.runner = RunnerName::parse("pool").ok();
        f.open_only = true;
    });
    let open_since_ever = with(&all, |f| {
        f.changed_after = Some(0);
        f.open_only = true;
    });
    let in_test = EnvironmentId::parse("test").ok();
    let rows = [
        (all.clone(), "B5 a1 a2 a3 a4 b6 z8 é7"),
        (with(&all, |f| f.waiting_for = Some("approval")), "a1 z8"),
        (with(&all, |f| f.waiting_for = Some("window")), ""),
        (with(&all, |f| f.state = named("CLEARED")), "B5 a2"),
        (with(&all, |f| f.state = named("SUCCEEDED")), "b6"),
        (with(&all, |f| f.state = named("TERMINATED")), "a4 é7"),
        (with(&all, |f| f.open_only = true), open),
        (
            with(&all, |f| f.project = ProjectId::parse("api").ok()),
            "a3 a4 b6 z8",
        ),
        (with(&all, |f| f.environment = in_test), "é7"),
        (
            with(&all, |f| f.release = ReleaseId::parse("1.1").ok()),
            "a2 b6",
        ),
        (
            with(&all, |f| f.runner = RunnerName::parse("other").ok()),
            "a2",
        ),
        (open_of_pool, "B5 a1 a3 z8"),
        (with(&all, |f| f.change_request = Some(CrNumber(5))), "B5"),
        (with(&all, |f| f.changed_after = Some(head)), ""),
        (with(&all, |f| f.changed_after = Some(withdrawn - 1)), "é7"),
        (
            with(&all, |f| f.changed_after = Some(rejected - 1)),
            "a4 b6 é7",
        ),
        (open_since_ever, open),
        (with(&all, |f| f.grant = grant(&["web"], &["test"])), "é7"),
    ];
    for (filter, expected) in rows {
        assert_eq!(
            ids(&gate.store, &filter).await.join(" "),
            expected,
            "{filter:?}"
        );
    }
}

async fn ids(store: &Store, filter: &TaskFilter) -> Vec<String> {
    let found = store.list_tasks(filter).await.unwrap();
    assert!(found.iter().all(|(id, case)| case.tasks.contains_key(id)));
    found.into_iter().map(|(id, _)| id.to_string()).collect()
}

/// Byte by byte on every store: capital letters first, other alphabets last.
async fn tasks_come_in_pages(place: Place) {
    let gate = eight(&place).await;
    let mut filter = TaskFilter::new(Grant::unlimited(), 3);
    let mut pages = Vec::new();
    loop {
        let page = ids(&gate.store, &filter).await;
        let Some(last) = page.last() else { break };
        filter.after = TaskId::parse(last).ok();
        pages.push(page);
    }
    assert_eq!(
        pages,
        [
            vec!["B5", "a1", "a2"],
            vec!["a3", "a4", "b6"],
            vec!["z8", "é7"]
        ]
    );
}
