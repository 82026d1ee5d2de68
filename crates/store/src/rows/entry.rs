//! Entries and heads.

use countersign_domain::ids::{CrNumber, FreezeId, PolicyId, RequestId, TaskId, TeamId, TokenId};
use countersign_domain::log::{AggregateKey, Entry, Head};
use countersign_domain::person::Person;
use sea_orm::QueryResult;

use super::RowReader;
use crate::UnreadableRow;

const TABLE: &str = "entries";

/// An entry, from its columns in the order of `sql::log::entry_columns`.
pub(crate) fn entry(row: &QueryResult) -> Result<Entry, UnreadableRow> {
    let (reader, sequence) = RowReader::numbered(row, TABLE, "sequence")?;
    let event = reader.text(8, "event")?;
    let format = reader.number(9, "format")?;
    Ok(Entry {
        head: Head {
            sequence,
            instant: reader.instant(1, "instant")?,
            hash: reader.hash(3, "hash")?,
            format: format16(&reader, format)?,
            directory_revision: reader.number(10, "directory_revision")?,
            change_requests_given: reader.number(11, "change_requests_given")?,
            clock_accepted_until: reader.instant(12, "clock_accepted_until")?,
        },
        previous: reader.hash(2, "previous_hash")?,
        body: reader.text(5, "body")?,
        body_hash: reader.hash(4, "body_hash")?,
        aggregate: aggregate(&reader)?,
        event: known_event(&event)
            .ok_or_else(|| reader.problem("event", format!("{event:?} is not an event")))?,
        request: request(&reader)?,
    })
}

/// A head, from the columns after the first one; `None` where there is no entry.
pub(crate) fn head(row: &QueryResult) -> Result<Option<Head>, UnreadableRow> {
    let mut reader = RowReader::new(row, TABLE, "newest".to_owned());
    let Some(sequence) = reader.value::<Option<i64>>(1, "sequence")? else {
        return Ok(None);
    };
    reader = RowReader::new(row, TABLE, sequence.to_string());
    let format = reader.number(4, "format")?;
    Ok(Some(Head {
        sequence: reader.number(1, "sequence")?,
        instant: reader.instant(2, "instant")?,
        hash: reader.hash(3, "hash")?,
        format: format16(&reader, format)?,
        directory_revision: reader.number(5, "directory_revision")?,
        change_requests_given: reader.number(6, "change_requests_given")?,
        clock_accepted_until: reader.instant(7, "clock_accepted_until")?,
    }))
}

fn format16(reader: &RowReader<'_>, format: u64) -> Result<u16, UnreadableRow> {
    u16::try_from(format).map_err(|_| reader.problem("format", format!("{format} is not one")))
}

fn aggregate(reader: &RowReader<'_>) -> Result<AggregateKey, UnreadableRow> {
    let kind = reader.text(6, "aggregate_kind")?;
    let id = reader.text(7, "aggregate_id")?;
    match kind.as_str() {
        "store" => Ok(AggregateKey::Store),
        "change_request" => id
            .parse()
            .map(|number| AggregateKey::ChangeRequest(CrNumber(number)))
            .map_err(|_| reader.problem("aggregate_id", format!("{id:?} is not a number"))),
        "task" => Ok(AggregateKey::Task(TaskId::from_stored(id))),
        "policy" => Ok(AggregateKey::Policy(PolicyId::from_stored(id))),
        "team" => Ok(AggregateKey::Team(TeamId::from_stored(id))),
        "freeze" => Ok(AggregateKey::Freeze(FreezeId::from_stored(id))),
        "token" => Ok(AggregateKey::Token(TokenId::from_stored(id))),
        _ => Err(reader.problem("aggregate_kind", format!("{kind:?} is not a kind"))),
    }
}

fn request(reader: &RowReader<'_>) -> Result<Option<(Person, RequestId)>, UnreadableRow> {
    let issuer = reader.optional_text(13, "request_issuer")?;
    let subject = reader.optional_text(14, "request_subject")?;
    let id = reader.optional_text(15, "request_id")?;
    match (issuer, subject, id) {
        (None, None, None) => Ok(None),
        (Some(issuer), Some(subject), Some(id)) => Ok(Some((
            Person { issuer, subject },
            RequestId::from_stored(id),
        ))),
        _ => Err(reader.problem(
            "request_id",
            "a call is named by all three columns or by none",
        )),
    }
}

/// The events of all aggregates, by name.
const EVENTS: [&str; 34] = [
    "change_request.approval_lapsed",
    "change_request.approval_recorded",
    "change_request.approval_revoked",
    "change_request.created",
    "change_request.expired",
    "change_request.quorum_lost",
    "change_request.quorum_reached",
    "change_request.rejected",
    "change_request.task_joined",
    "change_request.time_to_live_passed",
    "change_request.withdrawn",
    "freeze.created",
    "freeze.deleted",
    "freeze.lifted",
    "freeze.swept",
    "freeze.updated",
    "policy.created",
    "policy.deleted",
    "policy.updated",
    "store.clock_accepted",
    "store.created",
    "store.format_raised",
    "task.bound",
    "task.cleared",
    "task.created",
    "task.finished",
    "task.held",
    "task.started",
    "task.terminated",
    "team.created",
    "team.deleted",
    "team.updated",
    "token.created",
    "token.revoked",
];

fn known_event(name: &str) -> Option<&'static str> {
    EVENTS
        .binary_search(&name)
        .ok()
        .and_then(|at| EVENTS.get(at))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the names out of the domain's source: it has no list of its own events.
    #[test]
    fn all_events_of_the_domain_are_known() {
        let sources = [
            include_str!("../../../domain/src/access/token.rs"),
            include_str!("../../../domain/src/change_request/event.rs"),
            include_str!("../../../domain/src/directory/event.rs"),
            include_str!("../../../domain/src/freeze/event.rs"),
            include_str!("../../../domain/src/log/body.rs"),
            include_str!("../../../domain/src/task/event.rs"),
        ];
        let mut names: Vec<&str> = sources
            .iter()
            .flat_map(|source| source.split('"').skip(1).step_by(2))
            .filter(|text| text.contains('.') && !text.contains(' '))
            .collect();
        names.sort_unstable();
        assert_eq!(names, EVENTS);
    }
}
