//! Entries and marks, as answers carry them.

use countersign_domain::Refusal;
use countersign_domain::log::{AggregateKey, Entry};
use countersign_engine::{Mark, MarkKind};
use countersign_proto::v1;

use super::fields::{self, ANY_FIELD};
use super::window::timestamp;

/// An entry, exactly as it is stored.
pub(crate) fn show_entry(entry: &Entry) -> v1::LogEntry {
    let kind = match &entry.aggregate {
        AggregateKey::Store => v1::AggregateKind::Store,
        AggregateKey::ChangeRequest(_) => v1::AggregateKind::ChangeRequest,
        AggregateKey::Task(_) => v1::AggregateKind::Task,
        AggregateKey::Policy(_) => v1::AggregateKind::Policy,
        AggregateKey::Team(_) => v1::AggregateKind::Team,
        AggregateKey::Freeze(_) => v1::AggregateKind::Freeze,
        AggregateKey::Token(_) => v1::AggregateKind::Token,
    };
    v1::LogEntry {
        sequence: entry.head.sequence,
        instant: Some(timestamp(entry.head.instant)),
        aggregate: kind.into(),
        aggregate_id: entry.aggregate.id(),
        event: entry.event.to_owned(),
        body: entry.body.clone(),
        hash: entry.head.hash.to_string(),
        previous_hash: entry.previous.to_string(),
        format: u32::from(entry.head.format),
    }
}

/// What kind of thing, and which one, entries are asked for about.
pub(crate) type Aggregate = (&'static str, Option<String>);

/// The aggregate that a list of entries is narrowed to.
pub(crate) fn aggregate(kind: i32, id: &str) -> Result<Option<Aggregate>, Refusal> {
    let name = match v1::AggregateKind::try_from(kind) {
        Ok(v1::AggregateKind::Unspecified) => None,
        Ok(v1::AggregateKind::Store) => Some("store"),
        Ok(v1::AggregateKind::ChangeRequest) => Some("change_request"),
        Ok(v1::AggregateKind::Task) => Some("task"),
        Ok(v1::AggregateKind::Policy) => Some("policy"),
        Ok(v1::AggregateKind::Team) => Some("team"),
        Ok(v1::AggregateKind::Freeze) => Some("freeze"),
        Ok(v1::AggregateKind::Token) => Some("token"),
        Err(_) => {
            return Err(fields::bad_enum(
                "aggregate",
                kind,
                "a value of AggregateKind",
            ));
        }
    };
    fields::line("aggregate_id", id)?;
    let id = (!id.is_empty()).then(|| id.to_owned());
    match (name, id) {
        (None, Some(id)) => {
            let found = format!("{id:?} without `aggregate`");
            Err(Refusal::field(
                "aggregate_id",
                found,
                "both, or none",
                ANY_FIELD,
            ))
        }
        (None, None) => Ok(None),
        (Some(name), id) => Ok(Some((name, id))),
    }
}

/// "You have seen everything up to here."
pub(crate) fn show_mark(mark: &Mark, heartbeat_interval_ms: u32) -> v1::Mark {
    let kind = match mark.kind {
        MarkKind::Synced => v1::MarkKind::Synced,
        MarkKind::Heartbeat => v1::MarkKind::Heartbeat,
    };
    v1::Mark {
        kind: kind.into(),
        resume_token: mark.token.encode(),
        sequence: mark.token.sequence,
        head_instant: Some(timestamp(mark.head_instant)),
        heartbeat_interval_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::field_of;
    use super::*;

    #[test]
    fn e2_entries_are_asked_for_by_kind_and_then_by_id() {
        let task = v1::AggregateKind::Task.into();
        assert_eq!(aggregate(0, ""), Ok(None));
        assert_eq!(aggregate(task, ""), Ok(Some(("task", None))));
        assert_eq!(
            aggregate(task, "a"),
            Ok(Some(("task", Some("a".to_owned()))))
        );
        assert_eq!(field_of(aggregate(0, "a")), "aggregate_id");
        assert_eq!(field_of(aggregate(99, "")), "aggregate");
    }
}
