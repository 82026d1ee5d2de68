//! Where a provider's keys are, by its own description (OpenID Connect Discovery 1.0).

use http::Uri;
use serde_json::Value;

use super::config::{endpoint, shown};
use super::fetch::{FetchError, Fetcher};
use super::json;

/// Why a provider's keys could not be read. Only for our own log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{at}: {source}")]
    Fetch { at: Uri, source: FetchError },
    #[error("the file {at}: {found}")]
    File { at: String, found: String },
    #[error("{at}: found {found}; allowed: {allowed}")]
    Refused {
        at: String,
        found: String,
        allowed: String,
    },
}

/// Asks the provider where its keys are.
pub(super) async fn keys_at(
    fetcher: &Fetcher,
    discovery: &Uri,
    issuer: &str,
) -> Result<Uri, Fault> {
    let text = fetcher.get(discovery).await;
    let text = text.map_err(|source| Fault::Fetch {
        at: discovery.clone(),
        source,
    })?;
    read(&text, issuer).map_err(|(found, allowed)| Fault::Refused {
        at: discovery.to_string(),
        found,
        allowed,
    })
}

/// A description of another issuer is somebody else's, wherever it stands.
fn read(text: &[u8], issuer: &str) -> Result<Uri, (String, String)> {
    let document = json::object(text)
        .ok_or_else(|| ("another text".to_owned(), "a JSON object".to_owned()))?;
    let found = document.get("issuer").and_then(Value::as_str);
    if found != Some(issuer) {
        let found = format!("the issuer {}", shown(found.unwrap_or_default()));
        return Err((found, format!("{issuer:?}, the issuer of our settings")));
    }
    let at = document.get("jwks_uri").and_then(Value::as_str);
    endpoint(at.unwrap_or_default())
        .map_err(|problem| (format!("the jwks_uri {}", problem.found), problem.allowed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://login.example.com";

    fn keys(document: &Value) -> Result<String, String> {
        let read = read(document.to_string().as_bytes(), ISSUER);
        read.map(|uri| uri.to_string()).map_err(|(found, _)| found)
    }

    #[test]
    fn a_description_tells_where_the_keys_are() {
        for at in ["https://keys.example.com/set?v=1", "http://127.0.0.1:1/set"] {
            let document = json!({"issuer": ISSUER, "jwks_uri": at, "scopes_supported": []});
            assert_eq!(keys(&document).as_deref(), Ok(at));
        }
    }

    #[test]
    fn somebody_elses_description_is_refused() {
        for issuer in [
            json!("https://login.example.com/"),
            json!("https://LOGIN.example.com"),
            json!("https://evil.example.com"),
            json!(""),
            json!(null),
            json!([ISSUER]),
        ] {
            let document = json!({"issuer": issuer, "jwks_uri": "https://keys.example.com"});
            let found = keys(&document).unwrap_err();
            assert!(found.contains("issuer"), "{found}");
        }
    }

    #[test]
    fn keys_that_could_be_changed_on_the_way_are_refused() {
        for at in [
            json!("http://keys.example.com"),
            json!("file:///keys.json"),
            json!("/keys"),
            json!(""),
            json!(null),
            json!(["https://keys.example.com"]),
        ] {
            let document = json!({"issuer": ISSUER, "jwks_uri": at});
            assert!(keys(&document).unwrap_err().contains("jwks_uri"), "{at}");
        }
        assert!(keys(&json!([])).is_err());
    }
}
