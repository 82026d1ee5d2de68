//! What a token claims, and whether that is for us, now, and well-typed.
//!
//! A claim of the wrong type is a reason to refuse, never a reason to skip its check
//! (CVE-2026-25537). Clocks may differ by a minute where a token says when it began. Where it says
//! when it ends nothing is added: it is over at `exp`, and so is a stream that it opened.

use std::collections::BTreeSet;

use countersign_domain::Instant;
use countersign_domain::text;
use serde_json::Value;

use super::config::OidcConfig;
use super::json::Object;

/// By how much the provider's clock may be ahead of ours.
const LEEWAY_MICROS: i64 = 60 * 1_000_000;
/// The last whole second that is an instant.
const LAST_SECOND: f64 = 253_402_300_799.0;
/// Claims of tokens that are no credentials by themselves: of a security event, such as a logout,
/// and of a key whose possession the bearer would have to prove.
const OTHER_PURPOSES: [&str; 2] = ["events", "cnf"];

/// What tokens must claim, and where names and groups stand.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    groups_claim: Option<String>,
    name_claim: String,
}

/// What a good token claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) subject: String,
    pub(super) display_name: String,
    pub(super) groups: BTreeSet<String>,
    pub(super) auth_time: Option<Instant>,
    pub(super) expires_at: Instant,
    pub(super) jti: Option<String>,
}

impl Expected {
    pub(super) fn new(config: &OidcConfig) -> Self {
        Self {
            issuer: config.issuer.clone(),
            audiences: config.audiences.clone(),
            groups_claim: config.groups_claim.clone(),
            name_claim: config.name_claim.clone(),
        }
    }

    /// The claims, if they are good at this instant.
    pub(super) fn judge(&self, payload: &Object, now: Instant) -> Result<Claims, &'static str> {
        if payload.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err("iss is not our issuer");
        }
        self.check_audience(payload.get("aud"))?;
        if OTHER_PURPOSES.iter().any(|it| payload.contains_key(*it)) {
            return Err("a token for another purpose");
        }
        let expires_at = instant(payload, "exp")?.ok_or("exp is missing")?;
        if now >= expires_at {
            return Err("exp is over");
        }
        began(payload, "nbf", now)?;
        began(payload, "iat", now)?;
        let auth_time = began(payload, "auth_time", now)?;
        let subject = payload.get("sub").and_then(Value::as_str);
        let subject = subject.filter(|it| text::subject(it).is_ok());
        let subject = subject.ok_or("sub is not 1 to 200 visible characters")?;
        if is_of_a_client(payload, subject) {
            return Err("a token of a client, not of a person");
        }
        let fit = |name: &str| {
            let text = payload.get(name).and_then(Value::as_str);
            text.filter(|it| text::name(it).is_ok()).map(str::to_owned)
        };
        Ok(Claims {
            subject: subject.to_owned(),
            display_name: fit(&self.name_claim).unwrap_or_else(|| subject.to_owned()),
            groups: self.groups(payload)?,
            auth_time,
            expires_at,
            jti: fit("jti"),
        })
    }

    fn check_audience(&self, aud: Option<&Value>) -> Result<(), &'static str> {
        let is_ours = |found: &String| self.audiences.contains(found);
        let found = aud.and_then(texts).ok_or("aud is no text and no texts")?;
        match found.iter().any(is_ours) {
            true => Ok(()),
            false => Err("aud is not ours"),
        }
    }

    /// Without the claim a person is in no group.
    fn groups(&self, payload: &Object) -> Result<BTreeSet<String>, &'static str> {
        let claim = self.groups_claim.as_deref();
        match claim.and_then(|claim| payload.get(claim)) {
            None => Ok(BTreeSet::new()),
            Some(groups) => texts(groups).ok_or("the groups are no text and no texts"),
        }
    }
}

/// Whether a provider says that nobody logged in: a client got the token for itself. By RFC 9068
/// its `sub` is then its `client_id`; others say so in claims of their own.
fn is_of_a_client(payload: &Object, subject: &str) -> bool {
    let says = |claim: &str, value: &str| payload.get(claim).and_then(Value::as_str) == Some(value);
    says("client_id", subject)
        || says("azp", subject)
        || says("gty", "client-credentials")
        || says("idtyp", "app")
}

/// One text, or several.
fn texts(value: &Value) -> Option<BTreeSet<String>> {
    match value {
        Value::String(text) => Some([text.clone()].into()),
        Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

/// An instant that must not lie ahead, if it is there at all.
fn began(payload: &Object, claim: &str, now: Instant) -> Result<Option<Instant>, &'static str> {
    let began = instant(payload, claim)?;
    let limit = now.plus_micros(LEEWAY_MICROS).unwrap_or(Instant::LAST);
    match began {
        Some(began) if began > limit => Err("nbf, iat or auth_time lies ahead"),
        _ => Ok(began),
    }
}

/// Seconds since 1970, perhaps with a fraction.
fn instant(payload: &Object, claim: &str) -> Result<Option<Instant>, &'static str> {
    let Some(value) = payload.get(claim) else {
        return Ok(None);
    };
    let instant = match (value.as_i64(), value.as_f64()) {
        (Some(seconds), _) => Instant::from_seconds_and_nanos(seconds, 0),
        (None, Some(seconds)) => from_fraction(seconds),
        (None, None) => None,
    };
    let wrong = "exp, nbf, iat or auth_time is no number of seconds from 1970 to 9999";
    instant.map(Some).ok_or(wrong)
}

fn from_fraction(seconds: f64) -> Option<Instant> {
    if !(0.0..=LAST_SECOND).contains(&seconds) {
        return None;
    }
    // Within these bounds nothing wraps; what is finer than a microsecond is cut off.
    Instant::from_micros((seconds * 1e6) as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_392_000;

    fn expected() -> Expected {
        let text = "issuer = 'https://login.example.com'\naudiences = ['countersign', 'gate']\n\
            groups_claim = 'groups'";
        Expected::new(&toml::from_str(text).unwrap())
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds_and_nanos(seconds, 0).unwrap()
    }

    fn good() -> Value {
        json!({
            "iss": "https://login.example.com",
            "aud": "countersign",
            "sub": "alice",
            "exp": NOW + 300,
        })
    }

    fn judge(payload: &Value) -> Result<Claims, &'static str> {
        expected().judge(payload.as_object().unwrap(), at(NOW))
    }

    fn with(claim: &str, value: Value) -> Result<Claims, &'static str> {
        let mut payload = good();
        payload[claim] = value;
        judge(&payload)
    }

    #[test]
    fn the_least_token_is_a_person() {
        let claims = judge(&good()).unwrap();
        assert_eq!(claims.subject, "alice");
        assert_eq!(claims.display_name, "alice");
        assert_eq!(claims.expires_at, at(NOW + 300));
        assert_eq!((claims.auth_time, claims.jti), (None, None));
        assert!(claims.groups.is_empty());
    }

    #[test]
    fn d1_a_client_is_no_person() {
        for (claim, client, person) in [
            ("client_id", "alice", "countersign-cli"),
            ("azp", "alice", "countersign-cli"),
            ("gty", "client-credentials", "password"),
            ("idtyp", "app", "user"),
        ] {
            let refused = with(claim, json!(client)).unwrap_err();
            assert_eq!(refused, "a token of a client, not of a person");
            assert!(with(claim, json!(person)).is_ok(), "{claim}");
        }
    }

    #[test]
    fn a_subject_stays_as_it_is() {
        for subject in [
            "Alice",
            " alice",
            "alice@example.com",
            "ａlice",
            "a\u{301}lice",
        ] {
            assert_eq!(with("sub", json!(subject)).unwrap().subject, subject);
        }
    }

    #[test]
    fn it_is_over_at_exp_and_not_before() {
        assert!(with("exp", json!(NOW + 1)).is_ok());
        assert!(with("exp", json!(NOW)).is_err());
        let fraction = with("exp", json!(NOW as f64 + 0.5)).unwrap();
        assert_eq!(fraction.expires_at, at(NOW).plus_micros(500_000).unwrap());
    }

    #[test]
    fn instants_are_numbers_within_bounds() {
        for claim in ["exp", "nbf", "iat", "auth_time"] {
            for wrong in [
                json!("1795392300"),
                json!(null),
                json!(true),
                json!([NOW]),
                json!({}),
                json!(-1),
                json!(-0.5),
                json!(i64::MAX),
                json!(u64::MAX),
                json!(1e300),
                json!(253_402_300_800_i64),
            ] {
                assert!(with(claim, wrong.clone()).is_err(), "{claim}: {wrong}");
            }
        }
        assert!(with("exp", json!(253_402_300_799_i64)).is_ok());
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        for claim in ["nbf", "iat", "auth_time"] {
            assert!(with(claim, json!(0)).is_ok());
            assert!(with(claim, json!(NOW + 60)).is_ok());
            assert!(with(claim, json!(NOW as f64 + 60.5)).is_err());
            assert!(with(claim, json!(NOW + 61)).is_err());
        }
        let claims = with("auth_time", json!(NOW - 5)).unwrap();
        assert_eq!(claims.auth_time, Some(at(NOW - 5)));
    }

    #[test]
    fn one_audience_of_ours_is_enough() {
        for good in [json!("gate"), json!(["gate"]), json!(["web", "gate"])] {
            assert!(with("aud", good.clone()).is_ok(), "{good}");
        }
        for wrong in [
            json!([]),
            json!(["web"]),
            json!(["gate", 7]),
            json!({}),
            json!(null),
        ] {
            assert!(with("aud", wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups_are_one_text_or_several() {
        let several = with("groups", json!(["b", "a", "a"])).unwrap().groups;
        assert_eq!(several, ["a".to_owned(), "b".to_owned()].into());
        let one = with("groups", json!("a b")).unwrap().groups;
        assert_eq!(one, ["a b".to_owned()].into());
        assert!(with("groups", json!([])).unwrap().groups.is_empty());
        for wrong in [json!(7), json!(null), json!({"a": true}), json!(["a", 7])] {
            assert!(with("groups", wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_that_is_unfit_is_not_shown() {
        assert_eq!(
            with("name", json!("Alice B.")).unwrap().display_name,
            "Alice B."
        );
        for unfit in [
            json!(""),
            json!("a\u{202e}b"),
            json!(7),
            json!("x".repeat(201)),
        ] {
            assert_eq!(with("name", unfit).unwrap().display_name, "alice");
        }
        assert_eq!(
            with("jti", json!("t-1")).unwrap().jti.as_deref(),
            Some("t-1")
        );
        assert_eq!(with("jti", json!("t\n1")).unwrap().jti, None);
    }
}
