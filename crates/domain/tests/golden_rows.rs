//! The golden corpus of rows: what stands in the texts of rows after some steps. What a release has
//! written, every later one must read; and no change of a type may change a stored text unnoticed.
//!
//! New steps get their lines by running this with `COUNTERSIGN_WRITE_GOLDEN=1`. Lines that are
//! there never change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of tests fail loudly"
)]

mod harness;

use std::path::PathBuf;

use countersign_domain::log::FoldedRow;
use countersign_domain::rows::{CrRow, FreezeRow, PolicyRow, TaskRow, TeamRow, TokenRow};

use harness::Gate;

/// Each kind of row, without windows and freezes, and with them; then logins and tokens.
const STEPS: &str = "
    0 adm team dev members=dan
    0 adm policy plain users=ann teams=dev envs=dev min=1
    0 adm policy timed users=ann share=release ettl=9000 windows=*/10_*_*_*_*@UTC@3m;0..9000
    0 adm policy closing min=0 envs=test windows=0_22_*_*_5@Europe/Berlin@24:00 close=terminate
    1 orc create t1 env=dev
    1 orc create t2 release=r1
    1 orc create t3 env=test window=..900000
    2 ann approve t1
    2 ann approve t2
    3 run start t1
    4 adm freeze f reason=audit
    4 time settle t2
    5 adm freeze g from=9 to=99 every=*/10_*_*_*_*@UTC@3m tenants=x
    6 adm freeze h envs=dev to=99
    7 adm lift-freeze h
    8 adm freeze i projects=*
    9 adm drop-freeze i
    10 adm policy watched users=ann envs=aged age=60
    10 orc create t4 env=aged
    11 ann!10 approve t4
    12 acc token key as=ci kind=service roles=runner runner=pool projects=web until=90
    12 program token first as=adm roles=access_admin teams=dev
    13 acc revoke-token first comment=done";

fn lines(gate: &Gate) -> Vec<String> {
    let texts = gate.store.rows().flat_map(|row| match row {
        FoldedRow::ChangeRequest(row) => vec![row.frozen.clone(), row.live.clone()],
        FoldedRow::Task(row) => vec![row.frozen.clone(), row.live.clone()],
        FoldedRow::Policy(_, Some(PolicyRow { document, .. }))
        | FoldedRow::Team(_, Some(TeamRow { document, .. }))
        | FoldedRow::Freeze(_, Some(FreezeRow { document, .. }))
        | FoldedRow::Token(TokenRow { document, .. }) => vec![document.clone()],
        FoldedRow::Store
        | FoldedRow::Policy(_, None)
        | FoldedRow::Team(_, None)
        | FoldedRow::Freeze(_, None) => Vec::new(),
    });
    texts.collect()
}

#[test]
fn rows_are_read_as_they_were_and_still_written_so() {
    let gate = Gate::played(STEPS);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rows.jsonl");
    let now = lines(&gate);
    if std::env::var_os("COUNTERSIGN_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, now.join("\n") + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    let mut kept = kept.lines();
    let mut next = || kept.next().unwrap();
    for row in gate.store.rows() {
        match row {
            FoldedRow::ChangeRequest(row) => {
                let read = CrRow::parse(next(), next()).unwrap();
                assert_eq!(CrRow::new(&read), *row);
            }
            FoldedRow::Task(row) => {
                let read = TaskRow::parse(next(), next()).unwrap();
                assert_eq!(TaskRow::new(&read), *row);
            }
            FoldedRow::Policy(_, row) => {
                let read = PolicyRow::parse(next()).unwrap();
                assert_eq!(Some(PolicyRow::new(&read)), *row);
            }
            FoldedRow::Team(_, row) => {
                let read = TeamRow::parse(next()).unwrap();
                assert_eq!(Some(TeamRow::new(&read)), *row);
            }
            FoldedRow::Freeze(_, row) => {
                let read = FreezeRow::parse(next()).unwrap();
                assert_eq!(Some(FreezeRow::new(&read)), *row);
            }
            FoldedRow::Token(row) => {
                let read = TokenRow::parse(next()).unwrap();
                assert_eq!(TokenRow::new(&read), *row);
            }
            FoldedRow::Store => {}
        }
    }
    assert_eq!(kept.next(), None, "every text has its line");
}

/// A row of the time before windows and freezes is read, and says that there are none.
#[test]
fn a_task_of_before_there_were_periods_is_read() {
    let gate = Gate::played("1 orc create t1");
    let texts = lines(&gate);
    let live = &texts[3];
    assert!(!live.contains("period"), "{live}");
    let task = TaskRow::parse(&texts[2], live).unwrap();
    assert_eq!(task.period, None);
}
