//! Verifying proves what is sound.

use countersign_domain::ids::CrNumber;
use countersign_domain::log::Hash;
use countersign_domain::task::Window;
use countersign_store::{Store, VerifyError, VerifyReport};

use crate::gate::{Gate, second};
use crate::place::{Place, on_both};
use crate::sample::{
    approve, create, create_freeze, create_policy, create_team, create_token, delete_freeze,
    delete_policy, finish, four_eyes, freeze, policy, reject, revoke_token, settle, start, sweep,
    task, token, with_request,
};

on_both!(
    a_sound_store_is_proven,
    an_empty_store_is_sound,
    rows_that_move_meanwhile_are_no_alarm,
);

/// A bit of everything.
pub(crate) async fn busy(place: &Place) -> Gate {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[create_policy(policy(
        "four-eyes",
        "production",
        &["alice"],
        &["ops"],
    ))])
    .await;
    gate.grant(&[create_policy(policy("gone", "production", &["bob"], &[]))])
        .await;
    gate.grant(&[create(&gate.directory, task("a"))]).await;
    gate.grant(&[delete_policy("gone")]).await;
    let mut windowed = task("b");
    windowed.window = Window {
        start: Some(second(2_000)),
        end: Some(second(3_000)),
    };
    let call = with_request(create(&gate.directory, windowed), "request", "digest");
    gate.grant(&[call, create(&gate.directory, task("c"))])
        .await;
    gate.grant(&[approve("alice", CrNumber(1)), approve("alice", CrNumber(2))])
        .await;
    gate.grant(&[start("a"), reject("alice", "c")]).await;
    gate.grant(&[finish("a")]).await;
    for id in ["winter", "thawed"] {
        gate.grant(&[create_freeze(freeze(id, "production"))]).await;
    }
    gate.grant(&[settle(CrNumber(2))]).await;
    gate.grant(&[delete_freeze("thawed")]).await;
    for through in [Some(2), None] {
        gate.grant(&[sweep(&gate.directory, "thawed", through)])
            .await;
    }
    for id in ["key", "leaked"] {
        gate.grant(&[create_token(token(id))]).await;
    }
    gate.grant(&[revoke_token("leaked")]).await;
    gate
}

pub(crate) async fn verify(place: &Place) -> Result<VerifyReport, VerifyError> {
    Store::open_read_only(&place.config)
        .await
        .unwrap()
        .verify(None)
        .await
}

async fn a_sound_store_is_proven(place: Place) {
    let gate = busy(&place).await;
    let head = gate.head().await;
    let report = verify(&place).await.unwrap();
    let expected = VerifyReport {
        head: Some(head),
        entries: head.sequence,
        change_requests: 3,
        tasks: 3,
        policies: 1,
        teams: 1,
        freezes: 1,
        tokens: 2,
        resultants: 2,
        moved: 0,
    };
    assert_eq!(report, expected);
    gate.store
        .verify(Some((head.sequence, head.hash)))
        .await
        .unwrap();
    let first = gate.store.first_entry().await.unwrap().unwrap();
    gate.store.verify(Some((1, first.head.hash))).await.unwrap();
}

async fn an_empty_store_is_sound(place: Place) {
    let store = Store::open(&place.config).await.unwrap();
    assert_eq!(store.verify(None).await.unwrap(), VerifyReport::default());
    let error = store.verify(Some((3, Hash::ZERO))).await.unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::Cut {
                expected: 3,
                found: 0
            }
        ),
        "{error:?}"
    );
}

async fn rows_that_move_meanwhile_are_no_alarm(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[four_eyes()]).await;
    let reader = Store::open_read_only(&place.config).await.unwrap();
    let proving = tokio::spawn(async move {
        let mut moved = 0;
        for _ in 0..12 {
            moved += reader.verify(None).await.unwrap().moved;
        }
        moved
    });
    let mut round = 0_u64;
    while !proving.is_finished() {
        let ids: Vec<String> = (0..20).map(|n| format!("task-{round}-{n}")).collect();
        let commands: Vec<_> = ids
            .iter()
            .map(|id| create(&gate.directory, task(id)))
            .collect();
        let made = gate.grant(&commands).await;
        let approvals: Vec<_> = made
            .iter()
            .map(|case| approve("alice", case.number()))
            .collect();
        gate.grant(&approvals).await;
        let starts: Vec<_> = ids.iter().map(|id| start(id)).collect();
        gate.grant(&starts).await;
        gate.grant(&[create_policy(policy("passing", "test", &["bob"], &[]))])
            .await;
        gate.grant(&[delete_policy("passing")]).await;
        gate.grant(&[create_freeze(freeze("passing", "test"))])
            .await;
        gate.grant(&[delete_freeze("passing")]).await;
        let passing = format!("passing-{round}");
        gate.grant(&[create_token(token(&passing))]).await;
        gate.grant(&[revoke_token(&passing)]).await;
        round += 1;
    }
    proving.await.unwrap();
    gate.store.verify(None).await.unwrap();
}
