//! Pages, filters, and what is due.

use countersign_domain::access::{Grant, GrantSide};
use countersign_domain::batch::{part_of_person, part_of_policy, part_of_team};
use countersign_domain::ids::{CrNumber, EnvironmentId, ProjectId, ReleaseId, RunnerName, TaskId};
use countersign_domain::task::{TaskSpec, Window};
use countersign_store::{CrFilter, CrStates, Store, TaskFilter, WatchFilter};

use crate::gate::{Gate, second};
use crate::place::{Place, on_both};
use crate::sample::{
    approve, create, create_policy, create_team, finish, person, policy, reject, settle, start,
    task, withdraw,
};

on_both!(
    change_requests_are_filtered,
    change_requests_come_in_pages,
    tasks_are_filtered,
    tasks_come_in_pages,
    watches_match,
    what_is_due_comes_in_order,
    open_change_requests_are_counted,
);

/// Eight tasks; the number of the change request of each is its place.
///
/// | | project | environment | release | runner | state |
/// |---|---|---|---|---|---|
/// | a1 | web | production | 1.0 | pool | pending |
/// | a2 | web | production | 1.1 | other | approved, cleared |
/// | a3 | api | production | 1.0 | pool | approved, running |
/// | a4 | api | production | none | none | rejected |
/// | B5 | web | staging | 1.0 | pool | approved at once, cleared |
/// | b6 | api | staging | 1.1 | pool | succeeded |
/// | é7 | web | test | 1.0 | pool | withdrawn |
/// | z8 | api | production | 1.0 | pool | pending, with a window |
async fn eight(place: &Place) -> Gate {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[create_policy(policy(
        "four-eyes",
        "production",
        &["alice"],
        &[],
    ))])
    .await;
    gate.grant(&[create_policy(policy(
        "ops-too",
        "test",
        &["alice"],
        &["ops"],
    ))])
    .await;
    let mut windowed = spec("z8", "api", "production", Some("1.0"), Some("pool"));
    windowed.window = Window {
        start: Some(second(2_000)),
        end: Some(second(3_000)),
    };
    let specs = [
        spec("a1", "web", "production", Some("1.0"), Some("pool")),
        spec("a2", "web", "production", Some("1.1"), Some("other")),
        spec("a3", "api", "production", Some("1.0"), Some("pool")),
        spec("a4", "api", "production", None, None),
        spec("B5", "web", "staging", Some("1.0"), Some("pool")),
        spec("b6", "api", "staging", Some("1.1"), Some("pool")),
        spec("é7", "web", "test", Some("1.0"), Some("pool")),
        windowed,
    ];
    let commands = specs.map(|spec| create(&gate.directory, spec));
    gate.grant(&commands).await;
    let decisions = [approve("alice", CrNumber(2)), approve("alice", CrNumber(3))];
    gate.grant(&decisions).await;
    let ends = [
        start("a3"),
        reject("alice", "a4"),
        start("b6"),
        finish("b6"),
        withdraw("é7"),
    ];
    gate.grant(&ends).await;
    gate
}

fn spec(
    id: &str,
    project: &str,
    environment: &str,
    release: Option<&str>,
    runner: Option<&str>,
) -> TaskSpec {
    TaskSpec {
        project: ProjectId::parse(project).unwrap(),
        environment: EnvironmentId::parse(environment).unwrap(),
        release: release.map(|release| ReleaseId::parse(release).unwrap()),
        runner: runner.map(|runner| RunnerName::parse(runner).unwrap()),
        ..task(id)
    }
}

fn only(ids: &[&str]) -> GrantSide {
    GrantSide::Only(ids.iter().map(|id| (*id).to_owned()).collect())
}

fn grant(projects: GrantSide, environments: GrantSide) -> Grant {
    Grant {
        projects,
        environments,
    }
}

async fn change_requests_are_filtered(place: Place) {
    let gate = eight(&place).await;
    let all = CrFilter::new(Grant::unlimited(), 100);
    let ops = gate
        .directory
        .team(&countersign_domain::ids::TeamId::parse("ops").unwrap())
        .unwrap();
    let parts = |parts: &[String]| Some(parts.to_vec());
    let rows: Vec<(CrFilter, &[u64])> = vec![
        (all.clone(), &[8, 7, 6, 5, 4, 3, 2, 1]),
        (
            CrFilter {
                states: Some(CrStates::Pending),
                ..all.clone()
            },
            &[8, 1],
        ),
        (
            CrFilter {
                states: Some(CrStates::NotPending),
                ..all.clone()
            },
            &[7, 6, 5, 4, 3, 2],
        ),
        (
            CrFilter {
                project: ProjectId::parse("web").ok(),
                ..all.clone()
            },
            &[7, 5, 2, 1],
        ),
        (
            CrFilter {
                environment: EnvironmentId::parse("staging").ok(),
                ..all.clone()
            },
            &[6, 5],
        ),
        (
            CrFilter {
                release: ReleaseId::parse("1.1").ok(),
                ..all.clone()
            },
            &[6, 2],
        ),
        (
            CrFilter {
                task: TaskId::parse("a4").ok(),
                ..all.clone()
            },
            &[4],
        ),
        (
            CrFilter {
                task: TaskId::parse("none").ok(),
                ..all.clone()
            },
            &[],
        ),
        (
            CrFilter {
                approval_required_only: true,
                ..all.clone()
            },
            &[8, 7, 4, 3, 2, 1],
        ),
        (
            CrFilter {
                parts: parts(&[part_of_person(&person("alice"))]),
                ..all.clone()
            },
            &[8, 7, 4, 3, 2, 1],
        ),
        (
            CrFilter {
                parts: parts(&[part_of_team(&ops.draft.id, ops.created.sequence)]),
                ..all.clone()
            },
            &[7],
        ),
        (
            CrFilter {
                parts: parts(&[part_of_person(&person("dave"))]),
                ..all.clone()
            },
            &[],
        ),
        (
            CrFilter {
                parts: parts(&[]),
                ..all.clone()
            },
            &[],
        ),
        (
            CrFilter {
                grant: grant(only(&["web"]), GrantSide::Any),
                ..all.clone()
            },
            &[7, 5, 2, 1],
        ),
        (
            CrFilter {
                grant: grant(only(&["web"]), only(&["test", "staging"])),
                ..all.clone()
            },
            &[7, 5],
        ),
        (
            CrFilter {
                grant: grant(only(&[]), GrantSide::Any),
                ..all.clone()
            },
            &[],
        ),
        (
            CrFilter {
                states: Some(CrStates::Pending),
                project: ProjectId::parse("api").ok(),
                release: ReleaseId::parse("1.0").ok(),
                parts: parts(&[part_of_person(&person("alice")), "user:nobody".to_owned()]),
                approval_required_only: true,
                ..all.clone()
            },
            &[8],
        ),
    ];
    for (filter, expected) in rows {
        assert_eq!(numbers(&gate.store, &filter).await, expected, "{filter:?}");
    }
}

async fn numbers(store: &Store, filter: &CrFilter) -> Vec<u64> {
    let found = store.list_change_requests(filter).await.unwrap();
    found.iter().map(|case| case.number().0).collect()
}

async fn change_requests_come_in_pages(place: Place) {
    let gate = eight(&place).await;
    let mut filter = CrFilter::new(Grant::unlimited(), 3);
    let mut pages = Vec::new();
    loop {
        let page = gate.store.list_change_requests(&filter).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some(last.number());
        assert_eq!(
            gate.store
                .case(&countersign_domain::ids::CrRef::Number(last.number()))
                .await
                .unwrap()
                .as_ref(),
            Some(last)
        );
        pages.push(
            page.iter()
                .map(|case| case.number().0)
                .collect::<Vec<u64>>(),
        );
    }
    assert_eq!(pages, [vec![8, 7, 6], vec![5, 4, 3], vec![2, 1]]);
}

async fn tasks_are_filtered(place: Place) {
    let gate = eight(&place).await;
    let head = gate.head().await;
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
    let rows: Vec<(TaskFilter, &[&str])> = vec![
        (
            all.clone(),
            &["B5", "a1", "a2", "a3", "a4", "b6", "z8", "é7"],
        ),
        (
            TaskFilter {
                waiting_for: Some("approval"),
                ..all.clone()
            },
            &["a1", "z8"],
        ),
        (
            TaskFilter {
                waiting_for: Some("window"),
                ..all.clone()
            },
            &[],
        ),
        (
            TaskFilter {
                state: Some("CLEARED".to_owned()),
                ..all.clone()
            },
            &["B5", "a2"],
        ),
        (
            TaskFilter {
                state: Some("SUCCEEDED".to_owned()),
                ..all.clone()
            },
            &["b6"],
        ),
        (
            TaskFilter {
                state: Some("TERMINATED".to_owned()),
                ..all.clone()
            },
            &["a4", "é7"],
        ),
        (
            TaskFilter {
                open_only: true,
                ..all.clone()
            },
            &["B5", "a1", "a2", "a3", "z8"],
        ),
        (
            TaskFilter {
                project: ProjectId::parse("api").ok(),
                ..all.clone()
            },
            &["a3", "a4", "b6", "z8"],
        ),
        (
            TaskFilter {
                environment: EnvironmentId::parse("test").ok(),
                ..all.clone()
            },
            &["é7"],
        ),
        (
            TaskFilter {
                release: ReleaseId::parse("1.1").ok(),
                ..all.clone()
            },
            &["a2", "b6"],
        ),
        (
            TaskFilter {
                runner: RunnerName::parse("other").ok(),
                ..all.clone()
            },
            &["a2"],
        ),
        (
            TaskFilter {
                runner: RunnerName::parse("pool").ok(),
                open_only: true,
                ..all.clone()
            },
            &["B5", "a1", "a3", "z8"],
        ),
        (
            TaskFilter {
                change_request: Some(CrNumber(5)),
                ..all.clone()
            },
            &["B5"],
        ),
        (
            TaskFilter {
                changed_after: Some(head.sequence),
                ..all.clone()
            },
            &[],
        ),
        (
            TaskFilter {
                changed_after: Some(last_of(7).await - 1),
                ..all.clone()
            },
            &["é7"],
        ),
        (
            TaskFilter {
                changed_after: Some(last_of(4).await - 1),
                ..all.clone()
            },
            &["a4", "b6", "é7"],
        ),
        (
            TaskFilter {
                changed_after: Some(0),
                open_only: true,
                ..all.clone()
            },
            &["B5", "a1", "a2", "a3", "z8"],
        ),
        (
            TaskFilter {
                grant: grant(only(&["web"]), only(&["test"])),
                ..all.clone()
            },
            &["é7"],
        ),
    ];
    for (filter, expected) in rows {
        assert_eq!(ids(&gate.store, &filter).await, expected, "{filter:?}");
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

async fn watches_match(place: Place) {
    let gate = eight(&place).await;
    let head = gate.head().await.sequence;
    let store = &gate.store;
    let all = WatchFilter {
        project: None,
        environment: None,
        grant: Grant::unlimited(),
        changed_after: None,
    };
    let rejected = store.cases(&[CrNumber(4)]).await.unwrap();
    let before_rejection = rejected[0].change_request.stamp.sequence - 1;
    let rows: Vec<(WatchFilter, &[u64])> = vec![
        (all.clone(), &[1, 2, 3, 4, 5, 6, 7, 8]),
        (
            WatchFilter {
                project: ProjectId::parse("api").ok(),
                ..all.clone()
            },
            &[3, 4, 6, 8],
        ),
        (
            WatchFilter {
                environment: EnvironmentId::parse("test").ok(),
                ..all.clone()
            },
            &[7],
        ),
        (
            WatchFilter {
                grant: grant(GrantSide::Any, only(&["staging"])),
                ..all.clone()
            },
            &[5, 6],
        ),
        (
            WatchFilter {
                changed_after: Some(head),
                ..all.clone()
            },
            &[],
        ),
        (
            WatchFilter {
                changed_after: Some(0),
                ..all.clone()
            },
            &[1, 2, 3, 4, 5, 6, 7, 8],
        ),
        (
            WatchFilter {
                changed_after: Some(before_rejection),
                ..all.clone()
            },
            &[4, 6, 7],
        ),
    ];
    for (filter, expected) in rows {
        let found = store.matching_numbers(&filter, None, 100).await.unwrap();
        assert_eq!(
            found.iter().map(|n| n.0).collect::<Vec<_>>(),
            expected,
            "{filter:?}"
        );
    }
    let page = store
        .matching_numbers(&all, Some(CrNumber(2)), 3)
        .await
        .unwrap();
    assert_eq!(page, [CrNumber(3), CrNumber(4), CrNumber(5)]);
}

async fn what_is_due_comes_in_order(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    assert_eq!(gate.store.next_due().await.unwrap(), None);
    for (id, end) in [
        ("late", 3_000),
        ("early", 2_000),
        ("none", 0),
        ("early too", 2_000),
    ] {
        let end = (end > 0).then(|| second(end));
        let spec = TaskSpec {
            window: Window { start: None, end },
            ..task(id)
        };
        gate.grant(&[create(&gate.directory, spec)]).await;
    }
    let due = async |gate: &Gate, at, limit| {
        let found = gate.store.due(at, limit).await.unwrap();
        found.into_iter().map(|number| number.0).collect::<Vec<_>>()
    };
    assert_eq!(gate.store.next_due().await.unwrap(), Some(second(2_000)));
    assert!(due(&gate, second(1_999), 10).await.is_empty());
    assert_eq!(due(&gate, second(2_000), 10).await, [2, 4]);
    assert_eq!(due(&gate, second(9_000), 10).await, [2, 4, 1]);
    assert_eq!(due(&gate, second(9_000), 1).await, [2]);
    gate.now = second(2_000);
    gate.grant(&[settle(CrNumber(2)), settle(CrNumber(4))])
        .await;
    assert_eq!(due(&gate, second(9_000), 10).await, [1]);
    assert_eq!(gate.store.next_due().await.unwrap(), Some(second(3_000)));
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
    let four_eyes = part_of_policy(&countersign_domain::ids::PolicyId::parse("four-eyes").unwrap());
    // Of 1, 2, 3, 4 and 8 one runs and one was rejected.
    assert_eq!(of(&four_eyes, 10).await, (3, vec![8, 2, 1]));
    assert_eq!(of(&four_eyes, 2).await, (3, vec![8, 2]));
    assert_eq!(of("policy:none", 10).await, (0, vec![]));
}
