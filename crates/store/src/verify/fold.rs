//! The second reading: aggregate by aggregate, against the stored rows.

use countersign_domain::ids::{FreezeId, PolicyId, TeamId};
use countersign_domain::log::{Body, Entry, Fold, FoldError, FoldedRow};
use countersign_domain::rows::{CrRow, FreezeRow, PolicyRow, TaskRow, TeamRow, TokenRow};

use super::columns::Folded;
use super::{ENTRY_PAGE, VerifyError, VerifyReport, compare};
use crate::Store;

/// Folded rows that wait to be compared, a page at a time.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) change_requests: Vec<CrRow>,
    pub(super) tasks: Vec<TaskRow>,
    pub(super) policies: Vec<(PolicyId, Option<PolicyRow>)>,
    pub(super) teams: Vec<(TeamId, Option<TeamRow>)>,
    pub(super) freezes: Vec<(FreezeId, Option<FreezeRow>)>,
    pub(super) tokens: Vec<TokenRow>,
}

impl Waiting {
    fn push(&mut self, row: FoldedRow) {
        match row {
            FoldedRow::Store => {}
            FoldedRow::ChangeRequest(row) => self.change_requests.push(row),
            FoldedRow::Task(row) => self.tasks.push(row),
            FoldedRow::Policy(id, row) => self.policies.push((id, row)),
            FoldedRow::Team(id, row) => self.teams.push((id, row)),
            FoldedRow::Freeze(id, row) => self.freezes.push((id, row)),
            FoldedRow::Token(row) => self.tokens.push(row),
        }
    }

    fn len(&self) -> usize {
        self.change_requests.len()
            + self.tasks.len()
            + self.policies.len()
            + self.teams.len()
            + self.freezes.len()
            + self.tokens.len()
    }
}

/// Folds all entries up to a sequence and compares the rows.
pub(super) async fn check(
    store: &Store,
    up_to: u64,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    const COMPARED_AT_ONCE: usize = 200;
    let mut fold = Fold::default();
    let mut waiting = Waiting::default();
    let mut after = None;
    loop {
        let page = store
            .entries_by_aggregate(after.as_ref(), up_to, ENTRY_PAGE)
            .await?;
        let Some(last) = page.last() else { break };
        let position = (
            last.aggregate.kind().to_owned(),
            last.aggregate.id(),
            last.head.sequence,
        );
        after = Some(position);
        for entry in &page {
            if let Some(row) = push(&mut fold, entry)? {
                waiting.push(row);
            }
        }
        if waiting.len() >= COMPARED_AT_ONCE {
            compare::check(store, std::mem::take(&mut waiting), up_to, report).await?;
        }
    }
    if let Some(row) = fold.finish() {
        waiting.push(row);
    }
    compare::check(store, waiting, up_to, report).await
}

/// The row of one aggregate, folded from its entries up to a sequence.
pub(super) async fn one(
    store: &Store,
    kind: &'static str,
    id: &str,
    up_to: u64,
) -> Result<Option<Folded>, VerifyError> {
    let statement = crate::sql::verify::history(store.backend(), kind, id, up_to);
    let found = store
        .read("read the entries of one aggregate", statement)
        .await?;
    let mut fold = Fold::default();
    for entry in crate::read::entries(&found)? {
        push(&mut fold, &entry)?;
    }
    Ok(fold.finish().as_ref().and_then(Folded::new))
}

fn push(fold: &mut Fold, entry: &Entry) -> Result<Option<FoldedRow>, FoldError> {
    let body = Body::parse(&entry.body).map_err(|problem| FoldError::Unreadable {
        sequence: entry.head.sequence,
        problem: problem.to_string(),
    })?;
    fold.push(&body, entry.head.stamp())
}
