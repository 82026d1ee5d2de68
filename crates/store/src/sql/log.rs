//! Reading the log.

use sea_orm::{DbBackend, Statement};

use super::conditions::Conditions;
use super::{Pair, number};
use crate::EntryFilter;

/// The columns of an entry, in the order in which they are read.
macro_rules! entry_columns {
    () => {
        "sequence, instant, previous_hash, hash, body_hash, body, aggregate_kind, aggregate_id, \
         event, format, directory_revision, change_requests_given, clock_accepted_until, \
         request_issuer, request_subject, request_id"
    };
}
pub(crate) use entry_columns;

/// Entries in order.
pub(crate) fn entries(backend: DbBackend, filter: &EntryFilter) -> Statement {
    let mut conditions = Conditions::new(backend);
    conditions.and("sequence > ?", number(filter.after));
    if let Some((kind, id)) = &filter.aggregate {
        conditions.and("aggregate_kind = ?", (*kind).into());
        if let Some(id) = id {
            conditions.and("aggregate_id = ?", id.clone().into());
        }
    }
    let limit = conditions.value(number(filter.limit));
    let found = conditions.found();
    let text = format!(
        concat!(
            "SELECT ",
            entry_columns!(),
            " FROM entries {} ORDER BY sequence LIMIT {}"
        ),
        found, limit
    );
    conditions.statement(text)
}

/// Entry 1.
pub(crate) fn first_entry(backend: DbBackend) -> Statement {
    Pair::both(concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entries WHERE sequence = 1"
    ))
    .with(backend, [])
}

/// Entries aggregate by aggregate, after a position, up to a sequence.
pub(crate) fn entries_by_aggregate(
    backend: DbBackend,
    after: Option<&(String, String, u64)>,
    up_to: u64,
    limit: u64,
) -> Statement {
    let (kind, id, sequence) = after.map_or(("", "", 0), |(k, i, s)| (k.as_str(), i.as_str(), *s));
    Pair::both(concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entries
        WHERE (aggregate_kind, aggregate_id, sequence) > ($1, $2, $3) AND sequence <= $4
        ORDER BY aggregate_kind, aggregate_id, sequence LIMIT $5"
    ))
    .with(
        backend,
        [
            kind.into(),
            id.into(),
            number(sequence),
            number(up_to),
            number(limit),
        ],
    )
}

/// Policy, team, freeze and token entries after a revision of the directory.
pub(crate) fn directory_entries(backend: DbBackend, after_revision: u64) -> Statement {
    DIRECTORY_ENTRIES.with(backend, [number(after_revision)])
}

const DIRECTORY_ENTRIES: Pair = Pair {
    // Without being told, SQLite reads all of them.
    sqlite: concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entries INDEXED BY entries_of_directory_with_tokens
        WHERE aggregate_kind IN ('policy', 'team', 'freeze', 'token') AND directory_revision > $1
        ORDER BY directory_revision"
    ),
    postgres: concat!(
        "SELECT ",
        entry_columns!(),
        " FROM entries
        WHERE aggregate_kind IN ('policy', 'team', 'freeze', 'token') AND directory_revision > $1
        ORDER BY directory_revision"
    ),
};
