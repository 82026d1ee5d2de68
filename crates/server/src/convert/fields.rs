//! Single fields: each check names the field, what was found, and what would be allowed.

use countersign_domain::Refusal;
use countersign_domain::ids::ArtifactDigest;
use countersign_domain::text::{self, Problem};

/// The rule that speaks of bad and missing fields in general.
pub(crate) const ANY_FIELD: &str = "E1";

/// A problem with a field, as a refusal.
pub(crate) fn refused(field: &str, problem: Problem) -> Refusal {
    Refusal::field(field, problem.found, problem.allowed, ANY_FIELD)
}

/// A field that must be there.
pub(crate) fn required<T>(field: &str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::field(field, "nothing", "a value: it is required", ANY_FIELD))
}

/// A name or id that must be there.
pub(crate) fn id<T>(
    field: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Result<T, Refusal> {
    parse(text).map_err(|problem| refused(field, problem))
}

/// A name or id that may be left out.
pub(crate) fn optional_id<T>(
    field: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Result<Option<T>, Refusal> {
    if text.is_empty() {
        Ok(None)
    } else {
        id(field, text, parse).map(Some)
    }
}

/// The digest of an artifact, which may be left out.
pub(crate) fn digest(field: &str, text: &str) -> Result<Option<ArtifactDigest>, Refusal> {
    optional_id(field, text, ArtifactDigest::parse)
}

/// An etag, which may be left out. It is compared, never read.
pub(crate) fn etag(text: &str) -> Result<Option<String>, Refusal> {
    text::bytes(text, 256).map_err(|problem| refused("etag", problem))?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// One line for people, which may be empty.
pub(crate) fn line(field: &str, text: &str) -> Result<String, Refusal> {
    text::line(text).map_err(|problem| refused(field, problem))?;
    Ok(text.to_owned())
}

/// Lines for people, which may be empty.
pub(crate) fn paragraph(field: &str, text: &str) -> Result<String, Refusal> {
    text::paragraph(text).map_err(|problem| refused(field, problem))?;
    Ok(text.to_owned())
}

/// A list of at most so many.
pub(crate) fn at_most(field: &str, found: usize, limit: usize) -> Result<(), Refusal> {
    if found <= limit {
        return Ok(());
    }
    let allowed = format!("at most {limit}");
    Err(Refusal::field(field, found.to_string(), allowed, ANY_FIELD))
}

/// The ids of a list, each under its own place in it.
pub(crate) fn ids<T, C: FromIterator<T>>(
    field: &str,
    texts: &[String],
    limit: usize,
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Result<C, Refusal> {
    at_most(field, texts.len(), limit)?;
    texts
        .iter()
        .enumerate()
        .map(|(place, text)| id(&format!("{field}[{place}]"), text, &parse))
        .collect()
}

/// A refused value of an enum: not set where it must be, or unknown to this build.
pub(crate) fn bad_enum(field: &str, value: i32, allowed: &str) -> Refusal {
    let found = match value {
        0 => "nothing".to_owned(),
        unknown => format!("the unknown value {unknown}"),
    };
    Refusal::field(field, found, allowed, ANY_FIELD)
}

#[cfg(test)]
pub(crate) mod tests {
    use countersign_domain::ids::TaskId;

    use super::*;

    /// The field that a refusal names.
    pub(crate) fn field_of<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        match result {
            Err(Refusal::InvalidField { field, .. }) => field,
            other => format!("no bad field: {other:?}"),
        }
    }

    #[test]
    fn e2_lists_name_the_place_of_a_bad_item() {
        let texts = ["a".to_owned(), String::new()];
        let found: Result<Vec<TaskId>, _> = ids("task_ids", &texts, 2, TaskId::parse);
        assert_eq!(field_of(found), "task_ids[1]");
        let found: Result<Vec<TaskId>, _> = ids("task_ids", &texts, 1, TaskId::parse);
        assert_eq!(field_of(found), "task_ids");
    }

    #[test]
    fn e2_what_is_left_out_is_told_from_what_is_unknown() {
        assert!(
            bad_enum("kind", 0, "a kind")
                .to_string()
                .contains("found nothing")
        );
        assert!(
            bad_enum("kind", 9, "a kind")
                .to_string()
                .contains("unknown value 9")
        );
        assert_eq!(field_of(required::<u8>("task", None)), "task");
        assert_eq!(digest("artifact_digest", ""), Ok(None));
        assert_eq!(
            field_of(digest("artifact_digest", "a b")),
            "artifact_digest"
        );
        assert_eq!(etag(""), Ok(None));
        assert_eq!(field_of(etag(&"7".repeat(257))), "etag");
    }
}
