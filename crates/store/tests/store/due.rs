//! What is due, and when.

use countersign_domain::batch::Changes;
use countersign_domain::ids::CrNumber;
use countersign_domain::rows::{CrRow, TaskRow};
use countersign_domain::task::{TaskSpec, Window};

use crate::gate::{Gate, second};
use crate::place::{Place, on_both};
use crate::sample::{create, settle, task};

on_both!(
    what_is_due_comes_in_order,
    many_tasks_of_one_change_request_hide_no_other
);

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
    assert_eq!(gate.store.next_due().await.unwrap(), Some(second(2_000)));
    assert_eq!(due(&gate, 1_999, 10).await, []);
    assert_eq!(due(&gate, 2_000, 10).await, [(2_000, 2), (2_000, 4)]);
    let all = [(2_000, 2), (2_000, 4), (3_000, 1)];
    assert_eq!(due(&gate, 9_000, 10).await, all);
    assert_eq!(due(&gate, 9_000, 1).await, [(2_000, 2)]);
    assert_eq!(due(&gate, 9_000, 0).await, []);
    gate.now = second(2_000);
    gate.grant(&[settle(CrNumber(2)), settle(CrNumber(4))])
        .await;
    assert_eq!(due(&gate, 9_000, 10).await, [(3_000, 1)]);
    assert_eq!(gate.store.next_due().await.unwrap(), Some(second(3_000)));
}

/// A thousand tasks of one, then five hundred of another, then a change request that is due itself,
/// and the task of one more: whatever is asked for is complete up to where it ends.
async fn many_tasks_of_one_change_request_hide_no_other(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let made = gate.grant(&[create(&gate.directory, task("a"))]).await;
    let row = TaskRow::new(made[0].tasks.values().next().unwrap());
    let of = |number: u64, count: u64, due: i64| {
        let row = row.clone();
        (0..count).map(move |n| TaskRow {
            id: format!("{number}-{n}"),
            change_request: number,
            due_at: Some(second(due)),
            ..row.clone()
        })
    };
    let change_request = CrRow {
        number: 12,
        due_at: Some(second(2_002)),
        ..CrRow::new(&made[0].change_request)
    };
    let changes = Changes {
        new_change_requests: vec![change_request],
        new_tasks: of(10, 1_000, 2_000)
            .chain(of(11, 500, 2_001))
            .chain(of(12, 1, 2_004))
            .chain(of(13, 1, 2_003))
            .collect(),
        ..Changes::default()
    };
    let mut transaction = gate.writer.begin().await.unwrap();
    transaction.save(&[], &changes).await.unwrap();
    transaction.commit().await.unwrap();
    let all = [(2_000, 10), (2_001, 11), (2_002, 12), (2_003, 13)];
    for limit in 0..6 {
        let found = due(&gate, 9_000, limit as u64).await;
        assert_eq!(found, all[..limit.min(4)], "{limit}");
    }
    assert_eq!(due(&gate, 2_002, 10).await, all[..3]);
}

async fn due(gate: &Gate, until: i64, limit: u64) -> Vec<(i64, u64)> {
    let found = gate.store.due(second(until), limit).await.unwrap();
    let plain = found.iter().map(|(at, number)| (at.micros(), number.0));
    plain.map(|(at, number)| (at / 1_000_000, number)).collect()
}
