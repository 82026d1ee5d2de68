//! People, and what change requests are named by.

use countersign_domain::Refusal;
use countersign_domain::access::CredentialRef;
use countersign_domain::ids::{CrNumber, CrPrefix, CrRef, TaskId};
use countersign_domain::person::{Creator, Person};
use countersign_domain::text;
use countersign_proto::v1;

use super::fields::{self, ANY_FIELD};
use super::window::timestamp;

/// A person: the issuer may be left out, and is then the one that people are accepted from (C3).
pub(crate) fn person(
    field: &str,
    message: &v1::Person,
    people_issuer: &str,
) -> Result<Person, Refusal> {
    if !message.issuer.is_empty() && message.issuer != people_issuer {
        let found = format!("{:?}", message.issuer);
        let allowed = format!("{people_issuer:?}, the issuer that people are accepted from");
        return Err(Refusal::field(
            format!("{field}.issuer"),
            found,
            allowed,
            "C3",
        ));
    }
    text::subject(&message.subject)
        .map_err(|problem| fields::refused(&format!("{field}.subject"), problem))?;
    Ok(Person {
        issuer: people_issuer.to_owned(),
        subject: message.subject.clone(),
    })
}

/// The person who triggered a task.
pub(crate) fn creator(
    field: &str,
    message: &v1::Creator,
    people_issuer: &str,
) -> Result<Creator, Refusal> {
    let field_of_person = format!("{field}.person");
    let named = fields::required(&field_of_person, message.person.as_ref())?;
    Ok(Creator {
        person: person(&field_of_person, named, people_issuer)?,
        display_name: fields::line(&format!("{field}.display_name"), &message.display_name)?,
        service: message.service,
    })
}

/// What a caller names a change request by: its number, or a task it holds.
pub(crate) fn target(field: &str, text: &str, prefix: &CrPrefix) -> Result<CrRef, Refusal> {
    match prefix.parse_number(text) {
        Some(number) => Ok(CrRef::Number(number)),
        None => fields::id(field, text, TaskId::parse).map(CrRef::Task),
    }
}

/// A number where only a number will do; empty is any.
pub(crate) fn optional_number(
    field: &str,
    text: &str,
    prefix: &CrPrefix,
) -> Result<Option<CrNumber>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    prefix.parse_number(text).map(Some).ok_or_else(|| {
        let allowed = format!(
            "the number of a change request, for example {}-42",
            prefix.as_str()
        );
        Refusal::field(field, format!("{text:?}"), allowed, ANY_FIELD)
    })
}

/// The id of a new task; it must not be taken for the number of a change request.
pub(crate) fn new_task_id(field: &str, text: &str, prefix: &CrPrefix) -> Result<TaskId, Refusal> {
    let digits = text
        .strip_prefix(prefix.as_str())
        .and_then(|rest| rest.strip_prefix('-'));
    if digits.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())) {
        let found = format!("{text:?}, which reads as a change request");
        return Err(Refusal::field(field, found, "an id of another form", "C1"));
    }
    fields::id(field, text, TaskId::parse)
}

/// A person as answers name them.
pub(crate) fn show_person(person: &Person) -> v1::Person {
    v1::Person {
        issuer: person.issuer.clone(),
        subject: person.subject.clone(),
    }
}

/// A creator as answers name them.
pub(crate) fn show_creator(creator: &Creator) -> v1::Creator {
    v1::Creator {
        person: Some(show_person(&creator.person)),
        display_name: creator.display_name.clone(),
        service: creator.service,
    }
}

/// A credential as answers name it. Where the call came from is for the log only.
pub(crate) fn show_credential(credential: &CredentialRef) -> v1::Credential {
    v1::Credential {
        kind: credential.kind.name().to_owned(),
        id: credential.id.clone(),
        auth_time: credential.auth_time.map(timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::field_of;
    use super::*;

    fn message(issuer: &str, subject: &str) -> v1::Person {
        v1::Person {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        }
    }

    #[test]
    fn c3_the_issuer_is_the_one_that_people_are_accepted_from() {
        let of = |issuer, subject| person("creator.person", &message(issuer, subject), "local");
        assert_eq!(of("", "alice"), of("local", "alice"));
        assert_eq!(of("local", "alice").unwrap().issuer, "local");
        assert_eq!(field_of(of("elsewhere", "alice")), "creator.person.issuer");
        assert_eq!(field_of(of("", "")), "creator.person.subject");
        assert_eq!(field_of(of("", "al\u{202e}ice")), "creator.person.subject");
        let nobody = v1::Creator::default();
        assert_eq!(
            field_of(creator("task.creator", &nobody, "local")),
            "task.creator.person"
        );
    }

    #[test]
    fn d2_subjects_are_kept_byte_for_byte() {
        for subject in ["Alice", "alice ", "e\u{301}", "ａlice"] {
            let found = person("p", &message("", subject), "local").unwrap();
            assert_eq!(found.subject, subject);
        }
    }

    #[test]
    fn c1_tasks_are_not_named_like_change_requests() {
        let prefix = CrPrefix::parse("CR").unwrap();
        for (text, good) in [
            ("deploy-7", true),
            ("CR-42", false),
            ("CR-042", false),
            ("CR-42a", true),
            ("CR-", true),
            ("OCT-42", true),
            ("", false),
        ] {
            assert_eq!(
                new_task_id("task.id", text, &prefix).is_ok(),
                good,
                "{text:?}"
            );
        }
        assert_eq!(
            target("t", "CR-42", &prefix),
            Ok(CrRef::Number(CrNumber(42)))
        );
        assert!(matches!(
            target("t", "deploy-7", &prefix),
            Ok(CrRef::Task(_))
        ));
        assert_eq!(field_of(target("t", "", &prefix)), "t");
        assert_eq!(optional_number("n", "", &prefix), Ok(None));
        assert_eq!(field_of(optional_number("n", "deploy-7", &prefix)), "n");
    }
}
