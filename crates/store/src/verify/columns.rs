//! Folded rows as the columns they must be stored in.

use countersign_domain::Instant;
use countersign_domain::ids::{FreezeId, PolicyId, TeamId};
use countersign_domain::log::FoldedRow;
use countersign_domain::rows::{CrRow, FreezeRow, PolicyRow, TaskRow, TeamRow, TokenRow};

use crate::UnreadableRow;
use crate::rows::RowReader;

/// A table whose rows are folded.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    ChangeRequests,
    Tasks,
    Policies,
    Teams,
    Freezes,
    Tokens,
}

impl Table {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ChangeRequests => "change_requests",
            Self::Tasks => "tasks",
            Self::Policies => "policies",
            Self::Teams => "teams",
            Self::Freezes => "freezes",
            Self::Tokens => "tokens",
        }
    }

    /// The kind of aggregate that a row of the table is.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::ChangeRequests => "change_request",
            Self::Tasks => "task",
            Self::Policies => "policy",
            Self::Teams => "team",
            Self::Freezes => "freeze",
            Self::Tokens => "token",
        }
    }

    /// Where the sequence stands; it is the last column of all tables.
    pub(super) fn sequence_column(self) -> usize {
        match self {
            Self::ChangeRequests => 12,
            Self::Tasks => 11,
            Self::Freezes => 3,
            Self::Policies | Self::Teams | Self::Tokens => 2,
        }
    }
}

/// What a column must hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Column {
    Text(Option<String>),
    Number(Option<i64>),
    Truth(bool),
}

impl Column {
    /// Whether the stored row has it.
    pub(super) fn is_stored(
        &self,
        reader: &RowReader<'_>,
        index: usize,
        name: &'static str,
    ) -> Result<bool, UnreadableRow> {
        Ok(match self {
            Self::Text(expected) => reader.value::<Option<String>>(index, name)? == *expected,
            Self::Number(expected) => reader.value::<Option<i64>>(index, name)? == *expected,
            Self::Truth(expected) => reader.value::<bool>(index, name)? == *expected,
        })
    }
}

/// A folded row: its key, and its columns in the order in which `sql::verify` reads them; no
/// columns once it was deleted.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) key: String,
    pub(super) columns: Option<Vec<(&'static str, Column)>>,
}

impl Folded {
    pub(super) fn new(row: &FoldedRow) -> Option<Self> {
        match row {
            FoldedRow::Store => None,
            FoldedRow::ChangeRequest(row) => Some(Self::change_request(row)),
            FoldedRow::Task(row) => Some(Self::task(row)),
            FoldedRow::Policy(id, row) => Some(Self::policy(id, row.as_ref())),
            FoldedRow::Team(id, row) => Some(Self::team(id, row.as_ref())),
            FoldedRow::Freeze(id, row) => Some(Self::freeze(id, row.as_ref())),
            FoldedRow::Token(row) => Some(Self::token(row)),
        }
    }

    pub(super) fn change_request(row: &CrRow) -> Self {
        let columns = vec![
            ("number", number(row.number)),
            ("state", text(row.state)),
            ("kind", text(row.kind)),
            ("project", text(&row.project)),
            ("environment", text(&row.environment)),
            ("release", Column::Text(row.release.clone())),
            ("approval_required", Column::Truth(row.approval_required)),
            ("resultant", text(&row.resultant)),
            ("sharing_key", Column::Text(row.sharing_key.clone())),
            ("frozen", text(&row.frozen)),
            ("live", text(&row.live)),
            ("due_at", Column::Number(row.due_at.map(Instant::micros))),
            ("sequence", number(row.sequence)),
        ];
        Self {
            key: row.number.to_string(),
            columns: Some(columns),
        }
    }

    pub(super) fn task(row: &TaskRow) -> Self {
        let columns = vec![
            ("id", text(&row.id)),
            ("change_request", number(row.change_request)),
            ("state", text(row.state)),
            (
                "waiting_for",
                Column::Text(row.waiting_for.map(str::to_owned)),
            ),
            ("project", text(&row.project)),
            ("environment", text(&row.environment)),
            ("release", Column::Text(row.release.clone())),
            ("runner", Column::Text(row.runner.clone())),
            ("frozen", text(&row.frozen)),
            ("live", text(&row.live)),
            ("due_at", Column::Number(row.due_at.map(Instant::micros))),
            ("sequence", number(row.sequence)),
        ];
        Self {
            key: row.id.clone(),
            columns: Some(columns),
        }
    }

    pub(super) fn policy(id: &PolicyId, row: Option<&PolicyRow>) -> Self {
        let columns = row.map(|row| document(&row.id, &row.document, row.sequence));
        Self {
            key: id.to_string(),
            columns,
        }
    }

    pub(super) fn team(id: &TeamId, row: Option<&TeamRow>) -> Self {
        let columns = row.map(|row| document(&row.id, &row.document, row.sequence));
        Self {
            key: id.to_string(),
            columns,
        }
    }

    pub(super) fn freeze(id: &FreezeId, row: Option<&FreezeRow>) -> Self {
        let columns = row.map(|row| {
            vec![
                ("id", text(&row.id)),
                ("document", text(&row.document)),
                ("due_at", Column::Number(row.due_at.map(Instant::micros))),
                ("sequence", number(row.sequence)),
            ]
        });
        Self {
            key: id.to_string(),
            columns,
        }
    }

    pub(super) fn token(row: &TokenRow) -> Self {
        Self {
            key: row.id.clone(),
            columns: Some(document(&row.id, &row.document, row.sequence)),
        }
    }
}

fn document(id: &str, content: &str, sequence: u64) -> Vec<(&'static str, Column)> {
    vec![
        ("id", text(id)),
        ("document", text(content)),
        ("sequence", number(sequence)),
    ]
}

fn text(value: &str) -> Column {
    Column::Text(Some(value.to_owned()))
}

fn number(value: u64) -> Column {
    Column::Number(i64::try_from(value).ok())
}
