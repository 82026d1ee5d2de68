//! What people read about tokens, and about callers.

use countersign_proto::v1;
use prost_types::Timestamp;

/// What stands for nothing.
const NOTHING: &str = "-";

/// A list, or a dash.
pub(crate) fn or_dash(items: &[String]) -> String {
    if items.is_empty() {
        NOTHING.to_owned()
    } else {
        items.join(", ")
    }
}

/// A text, or a dash.
pub(crate) fn text_or_dash(text: &str) -> String {
    let text = if text.is_empty() { NOTHING } else { text };
    text.to_owned()
}

/// The name of a role, as settings spell it.
pub(crate) fn role(value: i32) -> String {
    match v1::Role::try_from(value) {
        Ok(role) => role
            .as_str_name()
            .trim_start_matches("ROLE_")
            .to_lowercase(),
        // A newer server may know more of them.
        Err(_) => format!("role {value}"),
    }
}

/// A person or a service.
pub(crate) fn kind(value: i32) -> String {
    match v1::PrincipalKind::try_from(value) {
        Ok(kind) => kind
            .as_str_name()
            .trim_start_matches("PRINCIPAL_KIND_")
            .to_lowercase(),
        Err(_) => format!("kind {value}"),
    }
}

/// Somebody, with where they come from.
pub(crate) fn person(person: Option<&v1::Person>) -> String {
    person.map_or_else(
        || NOTHING.to_owned(),
        |person| format!("{} of {}", person.subject, person.issuer),
    )
}

/// An instant to the second, or a dash.
pub(crate) fn instant(at: Option<&Timestamp>) -> String {
    at.map_or_else(
        || NOTHING.to_owned(),
        |at| {
            let seconds = at.seconds;
            Timestamp { seconds, nanos: 0 }.to_string()
        },
    )
}

/// Whether a token lets its bearer in.
pub(super) fn state(token: &v1::Token, now: i64) -> &'static str {
    let end = token.expires_at.as_ref().map(|end| end.seconds);
    if token.revoked_at.is_some() {
        "revoked"
    } else if end.is_some_and(|end| end <= now) {
        "expired"
    } else {
        "live"
    }
}

/// The roles of a token.
pub(super) fn roles(token: &v1::Token) -> String {
    let roles: Vec<String> = token.roles.iter().map(|&it| role(it)).collect();
    or_dash(&roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_kinds_are_called_as_in_settings() {
        assert_eq!(role(v1::Role::PolicyAdmin.into()), "policy_admin");
        assert_eq!(role(v1::Role::Runner.into()), "runner");
        assert_eq!(role(99), "role 99");
        assert_eq!(kind(v1::PrincipalKind::Service.into()), "service");
    }

    #[test]
    fn a_token_is_live_until_it_ends() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let token = |expires_at, revoked_at| v1::Token {
            expires_at,
            revoked_at,
            ..v1::Token::default()
        };
        assert_eq!(state(&token(at(10), None), 9), "live");
        assert_eq!(state(&token(at(10), None), 10), "expired");
        assert_eq!(state(&token(at(10), at(5)), 11), "revoked");
    }

    #[test]
    fn instants_are_shown_to_the_second() {
        let at = Timestamp {
            seconds: 1_803_859_200,
            nanos: 5,
        };
        assert_eq!(instant(Some(&at)), "2027-03-01T00:00:00Z");
        assert_eq!(instant(None), "-");
    }
}
