//! The bearer text of a call.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// What a call's headers carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    /// No `authorization` at all.
    Nothing,
    /// One bearer.
    Bearer(&'a str),
    /// Something else, or more than one: it is not clear who calls.
    Unclear,
}

/// The token of `authorization: Bearer <token>`.
pub(super) fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut found = headers.get_all(AUTHORIZATION).iter();
    let value = match (found.next(), found.next()) {
        (None, _) => return Presented::Nothing,
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Presented::Unclear,
    };
    let parts = value.to_str().ok().and_then(|text| text.split_once(' '));
    match parts {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer")
                && !token.is_empty()
                && token.trim() == token =>
        {
            Presented::Bearer(token)
        }
        Some(_) | None => Presented::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn i12_only_one_well_formed_bearer_is_a_credential() {
        use Presented::{Bearer, Nothing, Unclear};
        for (values, expected) in [
            (&["Bearer alice"][..], Bearer("alice")),
            (&["bearer alice"], Bearer("alice")),
            (&["Bearer al ice"], Bearer("al ice")),
            (&[], Nothing),
            (&[""], Unclear),
            (&["Bearer"], Unclear),
            (&["Bearer "], Unclear),
            (&["Bearer  alice"], Unclear),
            (&["Bearer alice "], Unclear),
            (&["Basic alice"], Unclear),
            (&["Bearer é"], Unclear),
            (&["Bearer alice", "Bearer alice"], Unclear),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(AUTHORIZATION, value);
            }
            assert_eq!(presented(&headers), expected, "{values:?}");
        }
    }
}
