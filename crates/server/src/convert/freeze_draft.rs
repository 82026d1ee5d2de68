//! What somebody says about a freeze (F1).

use std::collections::BTreeSet;

use countersign_domain::Refusal;
use countersign_domain::freeze::{FreezeDraft, FreezeField};
use countersign_domain::ids::FreezeId;
use countersign_proto::v1;

use super::window::optional_instant;
use super::{fields, policy_draft, schedule};

/// All fields: what a new freeze is made of.
pub(crate) const ALL: [FreezeField; 5] = [
    FreezeField::Reason,
    FreezeField::Scopes,
    FreezeField::Start,
    FreezeField::End,
    FreezeField::Recurrence,
];

/// The fields that say when a freeze holds.
pub(crate) const TIMES: [FreezeField; 3] = [
    FreezeField::Start,
    FreezeField::End,
    FreezeField::Recurrence,
];

/// The named fields of a freeze, checked; the others are left empty, and nobody takes them over.
pub(crate) fn freeze_draft(
    message: &v1::Freeze,
    named: &BTreeSet<FreezeField>,
) -> Result<FreezeDraft, Refusal> {
    let id = fields::id("freeze.id", &message.id, FreezeId::parse)?;
    named_fields(message, named, id)
}

/// When a freeze that is not saved would hold; the rest of it does not matter.
pub(crate) fn freeze_times(message: &v1::Freeze) -> Result<FreezeDraft, Refusal> {
    let id = fields::optional_id("freeze.id", &message.id, FreezeId::parse)?;
    let id = id.unwrap_or_else(|| FreezeId::from_stored("draft".to_owned()));
    let mut draft = named_fields(message, &TIMES.into(), id)?;
    draft.reason = fields::paragraph("freeze.reason", &message.reason)?;
    Ok(draft)
}

fn named_fields(
    message: &v1::Freeze,
    named: &BTreeSet<FreezeField>,
    id: FreezeId,
) -> Result<FreezeDraft, Refusal> {
    let mut draft = FreezeDraft {
        id,
        reason: String::new(),
        scopes: Vec::new(),
        start: None,
        end: None,
        recurrence: None,
    };
    for field in named {
        match field {
            FreezeField::Reason => draft.reason = reason(&message.reason)?,
            FreezeField::Scopes => {
                draft.scopes = policy_draft::scopes("freeze.scopes", &message.scopes)?;
            }
            FreezeField::Start => {
                draft.start = optional_instant("freeze.start", message.start.as_ref())?;
            }
            FreezeField::End => {
                draft.end = optional_instant("freeze.end", message.end.as_ref())?;
            }
            FreezeField::Recurrence => {
                let recurrence = message.recurrence.as_ref();
                draft.recurrence = recurrence
                    .map(|it| schedule::recurrence("freeze.recurrence", it, "F1"))
                    .transpose()?;
            }
        }
    }
    Ok(draft)
}

/// A reason, which must be given: people wait for it.
fn reason(text: &str) -> Result<String, Refusal> {
    let reason = fields::paragraph("freeze.reason", text)?;
    if reason.trim().is_empty() {
        let allowed = "why, for the people who wait";
        return Err(Refusal::field("freeze.reason", "nothing", allowed, "F1"));
    }
    Ok(reason)
}

#[cfg(test)]
pub(crate) mod tests {
    use prost_types::Timestamp;

    use super::super::fields::tests::field_of;
    use super::super::policy_draft::tests::ids;
    use super::*;

    /// A freeze with every field.
    pub(crate) fn full() -> v1::Freeze {
        v1::Freeze {
            id: "year-end".to_owned(),
            reason: "Nobody is here.".to_owned(),
            scopes: vec![v1::Scope {
                projects: ids(&["*"]),
                environments: ids(&["production"]),
                kinds: Vec::new(),
                tenants: Vec::new(),
            }],
            start: Some(Timestamp {
                seconds: 1_796_000_000,
                nanos: 0,
            }),
            end: Some(Timestamp {
                seconds: 1_798_000_000,
                nanos: 0,
            }),
            recurrence: Some(schedule::tests::weekly()),
            ..v1::Freeze::default()
        }
    }

    #[test]
    fn f1_every_field_is_read_and_a_bad_one_is_named() {
        let draft = freeze_draft(&full(), &ALL.into()).unwrap();
        assert_eq!(draft.reason, "Nobody is here.");
        assert!(draft.start.is_some() && draft.end.is_some() && draft.recurrence.is_some());
        assert_eq!(draft.scopes.len(), 1);
        type Spoil = fn(&mut v1::Freeze);
        let rows: [(&str, Spoil); 6] = [
            ("freeze.id", |it| it.id = String::new()),
            ("freeze.reason", |it| it.reason = " \n".to_owned()),
            ("freeze.scopes", |it| it.scopes.clear()),
            ("freeze.start", |it| {
                it.start = Some(Timestamp {
                    seconds: -1,
                    nanos: 0,
                });
            }),
            ("freeze.scopes[0].environments", |it| {
                it.scopes[0].environments = None;
            }),
            ("freeze.recurrence.time_zone", |it| {
                it.recurrence.as_mut().unwrap().time_zone = "CEST".to_owned();
            }),
        ];
        for (field, spoil) in rows {
            let mut message = full();
            spoil(&mut message);
            assert_eq!(field_of(freeze_draft(&message, &ALL.into())), field);
        }
    }

    #[test]
    fn f1_only_named_fields_are_taken_over() {
        let draft = freeze_draft(&full(), &[FreezeField::Reason].into()).unwrap();
        assert_eq!(draft.scopes, []);
        assert_eq!(
            (draft.start, draft.end, draft.recurrence),
            (None, None, None)
        );
    }
}
