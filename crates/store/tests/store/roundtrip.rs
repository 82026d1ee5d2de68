//! What is saved is what is loaded.

use countersign_domain::batch::{Reply, Wanted};
use countersign_domain::change_request::Case;
use countersign_domain::ids::{CrNumber, CrRef, TaskId};
use countersign_domain::log::{AggregateKey, Entry};
use countersign_domain::task::{TaskState, Window};
use countersign_store::{EntryFilter, Store};

use crate::gate::{Gate, second};
use crate::place::{Place, on_both};
use crate::sample::{
    approve, create, create_policy, create_team, finish, four_eyes, policy, reject, start, task,
    with_request, withdraw,
};

on_both!(
    cases_come_back_as_they_were,
    a_batch_of_many_comes_back,
    rows_are_written_in_their_last_form,
    entries_come_back_in_order,
    the_head_is_the_newest_entry,
    missing_things_are_missing,
);

async fn cases_come_back_as_they_were(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[create_policy(policy(
        "four-eyes",
        "production",
        &["alice"],
        &["ops"],
    ))])
    .await;
    let mut windowed = task("windowed");
    windowed.window = Window {
        start: Some(second(2_000)),
        end: Some(second(3_000)),
    };
    windowed.runner = None;
    windowed.release = None;
    let made = gate
        .grant(&[
            create(&gate.directory, task("Größe 1/a")),
            create(&gate.directory, windowed),
        ])
        .await;
    assert_same(&gate.store, &made).await;

    let numbers: Vec<CrNumber> = made.iter().map(Case::number).collect();
    gate.now = second(1_500);
    let approved = gate
        .grant(&[approve("alice", numbers[0]), approve("carol", numbers[1])])
        .await;
    assert_same(&gate.store, &approved).await;

    let started = gate
        .grant(&[start("Größe 1/a"), reject("alice", "windowed")])
        .await;
    assert_same(&gate.store, &started).await;
    let finished = gate.grant(&[finish("Größe 1/a")]).await;
    assert_same(&gate.store, &finished).await;
    let states: Vec<bool> = gate
        .store
        .cases(&numbers)
        .await
        .unwrap()
        .iter()
        .map(Case::could_start)
        .collect();
    assert_eq!(states, [false, false]);
}

/// As the writer loads them, and as readers see them.
async fn assert_same(store: &Store, cases: &[Case]) {
    let numbers: Vec<CrNumber> = cases.iter().map(Case::number).collect();
    let ids: Vec<TaskId> = cases
        .iter()
        .flat_map(|case| case.tasks.keys().cloned())
        .collect();
    assert_eq!(store.cases(&numbers).await.unwrap(), cases);
    assert_eq!(store.cases_of_tasks(&ids).await.unwrap(), cases);
    let mut writer = store.writer(1).await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    for wanted in [
        Wanted {
            change_requests: numbers.iter().copied().collect(),
            ..Wanted::default()
        },
        Wanted {
            tasks: ids.iter().cloned().collect(),
            ..Wanted::default()
        },
    ] {
        assert_eq!(transaction.load(&wanted).await.unwrap().cases, cases);
    }
    transaction.rollback().await;
    for case in cases {
        let number = CrRef::Number(case.number());
        assert_eq!(store.case(&number).await.unwrap().as_ref(), Some(case));
        for id in case.tasks.keys() {
            let found = store.case(&CrRef::Task(id.clone())).await.unwrap();
            assert_eq!(found.as_ref(), Some(case));
        }
    }
}

async fn a_batch_of_many_comes_back(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[four_eyes()]).await;
    let ids: Vec<String> = (0..128).map(|n| format!("task-{n}")).collect();
    let commands: Vec<_> = ids
        .iter()
        .map(|id| create(&gate.directory, task(id)))
        .collect();
    let made = gate.grant(&commands).await;
    assert_eq!(made.len(), 128);
    assert_same(&gate.store, &made).await;
    let approvals: Vec<_> = made
        .iter()
        .map(|case| approve("alice", case.number()))
        .collect();
    let approved = gate.grant(&approvals).await;
    assert_same(&gate.store, &approved).await;
    let starts: Vec<_> = ids.iter().map(|id| start(id)).collect();
    let started = gate.grant(&starts).await;
    assert_same(&gate.store, &started).await;
    let running = |case: &Case| {
        case.tasks
            .values()
            .all(|task| matches!(task.state, TaskState::Running { .. }))
    };
    assert!(started.iter().all(running));
}

async fn rows_are_written_in_their_last_form(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[four_eyes()]).await;
    let number = CrNumber(1);
    let batch = [
        create(&gate.directory, task("a")),
        approve("alice", number),
        start("a"),
        create(&gate.directory, task("b")),
        withdraw("b"),
    ];
    let left = gate.grant(&batch).await;
    let last = [left[2].clone(), left[4].clone()];
    assert_same(&gate.store, &last).await;
}

async fn entries_come_back_in_order(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[four_eyes()]).await;
    let call = with_request(create(&gate.directory, task("a")), "request-1", "digest");
    gate.grant(&[call]).await;
    gate.grant(&[approve("alice", CrNumber(1)), start("a")])
        .await;

    let store = &gate.store;
    let filter = EntryFilter {
        after: 0,
        aggregate: None,
        limit: 1_000,
    };
    let all = store.entries(&filter).await.unwrap();
    let sequences: Vec<u64> = all.iter().map(|entry| entry.head.sequence).collect();
    assert_eq!(
        sequences,
        (1..=gate.head().await.sequence).collect::<Vec<u64>>()
    );
    assert_eq!(store.first_entry().await.unwrap().as_ref(), all.first());
    assert!(
        all.iter().any(|entry| entry.request.is_some()),
        "the call is marked"
    );

    let page = EntryFilter {
        after: 2,
        limit: 2,
        ..filter.clone()
    };
    assert_eq!(store.entries(&page).await.unwrap(), all[2..4]);
    let of_task = EntryFilter {
        aggregate: Some(("task", Some("a".to_owned()))),
        ..filter.clone()
    };
    let key = AggregateKey::Task(TaskId::parse("a").unwrap());
    let expected: Vec<_> = all
        .iter()
        .filter(|entry| entry.aggregate == key)
        .cloned()
        .collect();
    assert_eq!(store.entries(&of_task).await.unwrap(), expected);
    let of_policies = EntryFilter {
        aggregate: Some(("policy", None)),
        ..filter
    };
    assert_eq!(store.entries(&of_policies).await.unwrap(), all[1..2]);

    assert_by_aggregate(store, all).await;
}

async fn assert_by_aggregate(store: &Store, all: Vec<Entry>) {
    let mut by_aggregate = all.clone();
    by_aggregate.sort_by_key(position);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .entries_by_aggregate(after.as_ref(), u64::MAX, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(position(last));
        found.extend(page);
    }
    assert_eq!(found, by_aggregate);
    assert_eq!(
        store.entries_by_aggregate(None, 1, 100).await.unwrap(),
        all[..1]
    );
}

fn position(entry: &Entry) -> (String, String, u64) {
    let kind = entry.aggregate.kind().to_owned();
    (kind, entry.aggregate.id(), entry.head.sequence)
}

async fn the_head_is_the_newest_entry(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create(&gate.directory, task("a"))]).await;
    let mut transaction = gate.writer.begin().await.unwrap();
    let (clock, head) = transaction.clock_and_head().await.unwrap();
    let head = head.unwrap();
    assert_eq!(
        transaction.entry_hash(head.sequence).await.unwrap(),
        Some(head.hash)
    );
    assert_eq!(
        transaction.entry_hash(head.sequence + 1).await.unwrap(),
        None
    );
    transaction.rollback().await;
    assert_eq!(gate.head().await, head);
    assert_eq!(head.change_requests_given, 1);
    assert_eq!(clock.is_some(), gate.store.is_postgres());
    let later = gate.store.clock().await.unwrap();
    assert!(later >= clock, "{later:?} {clock:?}");
    if let Some(clock) = clock {
        // Between the years 2020 and 2100: the unit is right.
        assert!((1_577_836_800..4_102_444_800).contains(&(clock.micros() / 1_000_000)));
    }
}

async fn missing_things_are_missing(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    assert_eq!(
        gate.store.case(&CrRef::Number(CrNumber(7))).await.unwrap(),
        None
    );
    assert_eq!(
        gate.store
            .case(&CrRef::Number(CrNumber(u64::MAX)))
            .await
            .unwrap(),
        None
    );
    let nobody = TaskId::parse("nobody").unwrap();
    assert_eq!(gate.store.case(&CrRef::Task(nobody)).await.unwrap(), None);
    assert_eq!(gate.store.cases(&[]).await.unwrap(), []);
    let replies = gate.run(&[start("nobody")]).await;
    assert!(matches!(replies[..], [Reply::Refused(_)]), "{replies:?}");
    assert_eq!(gate.head().await.sequence, 1);
}
