//! Freezes come back as they were saved.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_domain::batch::{Action, Answer, Command, Reply};
use countersign_domain::calendar::{Cron, Elapsed, Length, Recurrence, Zone};
use countersign_domain::directory::DirectoryCommand;
use countersign_domain::freeze::{Freeze, FreezeDraft, FreezeField, Sweep};
use countersign_domain::ids::{CrNumber, FreezeId};
use countersign_domain::task::{Task, TaskState};

use crate::gate::{Gate, second};
use crate::place::{Place, on_both};
use crate::sample::{
    create, create_freeze, create_team, delete_freeze, freeze, lift_freeze, settle, sweep, task,
};

on_both!(
    freezes_come_back_as_they_were,
    what_is_left_of_a_freeze_goes_with_its_sweep,
    a_freeze_without_effect_is_gone_at_once,
    freeze_entries_are_the_directory_s,
);

async fn freezes_come_back_as_they_were(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let plain = kept(&mut gate, create_freeze(freeze("winter", "production"))).await;
    assert_eq!(plain.due_at, Some(gate.now), "it holds at once");
    let weekend = FreezeDraft {
        start: Some(second(5_000)),
        end: Some(second(5_000_000)),
        recurrence: Some(weekends()),
        ..freeze("weekends", "production")
    };
    let weekend = kept(&mut gate, create_freeze(weekend)).await;
    assert!(weekend.due_at > Some(gate.now), "it does not hold yet");

    gate.now = second(1_100);
    let lifted = kept(&mut gate, lift_freeze("winter")).await;
    assert_eq!(lifted.lifted.unwrap().from, gate.now);
    gate.now = second(1_200);
    let update = DirectoryCommand::UpdateFreeze {
        draft: Box::new(FreezeDraft {
            reason: "another one".to_owned(),
            ..freeze("weekends", "production")
        }),
        fields: BTreeSet::from([FreezeField::Reason, FreezeField::Recurrence]),
        etag: None,
    };
    let update = Command {
        action: Action::Directory(update),
        ..lift_freeze("weekends")
    };
    let updated = kept(&mut gate, update).await;
    assert_eq!(updated.draft.recurrence, None);
    assert_eq!(gate.directory.freezes_after(None).count(), 2);
}

/// Runs a command on a freeze, which must be stored as it is answered.
async fn kept(gate: &mut Gate, command: Command) -> Arc<Freeze> {
    let replies = gate.run(&[command]).await;
    let [Reply::Done(Answer::Freeze(freeze))] = &replies[..] else {
        panic!("not granted: {replies:?}")
    };
    assert_eq!(gate.directory.freeze(&freeze.draft.id), Some(freeze));
    Arc::clone(freeze)
}

fn weekends() -> Recurrence {
    Recurrence {
        starts: Cron::parse("0 0 * * 6").unwrap(),
        zone: Zone::parse("Europe/Berlin").unwrap(),
        length: Length::Elapsed(Elapsed::from_micros(172_800_000_000).unwrap()),
    }
}

async fn what_is_left_of_a_freeze_goes_with_its_sweep(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_freeze(freeze("winter", "production"))])
        .await;
    let made = gate.grant(&[create(&gate.directory, task("a"))]).await;
    gate.grant(&[delete_freeze("winter")]).await;
    let id = FreezeId::parse("winter").unwrap();
    assert_eq!(gate.directory.freeze(&id), None);
    let remains = gate.directory.freeze_or_remains(&id).unwrap();
    assert!(remains.deleted && remains.due_at == Some(gate.now));

    gate.grant(&[settle(made[0].number())]).await;
    let case = gate.store.cases(&[made[0].number()]).await.unwrap();
    let state = |task: &Task| task.state.clone();
    let states: Vec<TaskState> = case[0].tasks.values().map(state).collect();
    assert_eq!(states, [TaskState::Cleared { since: gate.now }]);

    gate.grant(&[sweep(&gate.directory, "winter", Some(1))])
        .await;
    let remains = gate.directory.freeze_or_remains(&id).unwrap();
    let under_way = Sweep {
        began_at: gate.now,
        through: CrNumber(1),
    };
    assert_eq!(remains.sweep, Some(under_way));
    gate.grant(&[sweep(&gate.directory, "winter", None)]).await;
    assert_eq!(gate.directory.freeze_or_remains(&id), None);
    gate.grant(&[create_freeze(freeze("winter", "staging"))])
        .await;
    assert_eq!(gate.directory.freeze(&id).unwrap().revision, 1);
}

async fn a_freeze_without_effect_is_gone_at_once(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    let later = FreezeDraft {
        start: Some(second(5_000)),
        ..freeze("later", "production")
    };
    gate.grant(&[create_freeze(later)]).await;
    gate.grant(&[delete_freeze("later")]).await;
    let id = FreezeId::parse("later").unwrap();
    assert_eq!(gate.directory.freeze_or_remains(&id), None);
    assert_eq!(gate.store.verify(None).await.unwrap().freezes, 0);
}

async fn freeze_entries_are_the_directory_s(place: Place) {
    let mut gate = Gate::open(&place.config).await;
    gate.grant(&[create_team("ops", &["carol"])]).await;
    gate.grant(&[create_freeze(freeze("winter", "production"))])
        .await;
    gate.grant(&[create(&gate.directory, task("a"))]).await;
    gate.grant(&[lift_freeze("winter")]).await;
    gate.grant(&[sweep(&gate.directory, "winter", None)]).await;
    assert_eq!(gate.directory.revision(), 4);
    let mut transaction = gate.writer.begin().await.unwrap();
    let found = transaction.directory_entries(1).await.unwrap();
    transaction.rollback().await;
    let events = found
        .iter()
        .map(|entry| (entry.head.directory_revision, entry.event));
    assert_eq!(
        events.collect::<Vec<_>>(),
        [
            (2, "freeze.created"),
            (3, "freeze.lifted"),
            (4, "freeze.swept")
        ]
    );
}
