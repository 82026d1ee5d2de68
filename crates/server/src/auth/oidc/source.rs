//! Where the keys of a provider are read from.

use std::path::{Path, PathBuf};

use http::Uri;
use tokio::io::AsyncReadExt;

use super::config::{OidcConfig, OidcError};
use super::discovery::{self, Fault};
use super::fetch::{Fetcher, SIZE_LIMIT};

/// A place of keys.
pub(super) enum Source {
    /// Wherever the provider says each time.
    Discovery {
        at: Uri,
        issuer: String,
    },
    Url(Uri),
    File(PathBuf),
}

impl Source {
    /// The place that was configured.
    pub(super) fn new(config: &OidcConfig) -> Result<Self, OidcError> {
        if let Some(path) = &config.jwks_file {
            return Ok(Self::File(path.clone()));
        }
        Ok(match config.keys_at()? {
            Some(url) => Self::Url(url),
            None => Self::Discovery {
                at: config.discovery()?,
                issuer: config.issuer.clone(),
            },
        })
    }

    /// The text that should be a JWK set.
    pub(super) async fn read(&self, fetcher: &Fetcher) -> Result<Vec<u8>, Fault> {
        let at = match self {
            Self::Discovery { at, issuer } => discovery::keys_at(fetcher, at, issuer).await?,
            Self::Url(url) => url.clone(),
            Self::File(path) => return read_file(path).await,
        };
        let answer = fetcher.get(&at).await;
        answer.map_err(|source| Fault::Fetch { at, source })
    }
}

async fn read_file(path: &Path) -> Result<Vec<u8>, Fault> {
    let fault = |found: String| Fault::File {
        at: path.display().to_string(),
        found,
    };
    let file = tokio::fs::File::open(path).await;
    let file = file.map_err(|error| fault(error.to_string()))?;
    let mut text = Vec::new();
    let read = file
        .take(SIZE_LIMIT as u64 + 1)
        .read_to_end(&mut text)
        .await;
    read.map_err(|error| fault(error.to_string()))?;
    match text.len() > SIZE_LIMIT {
        true => Err(fault("more than 1 MiB".to_owned())),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(more: &str) -> Source {
        let text = format!("issuer = 'https://a.example.com'\naudiences = ['gate']\n{more}");
        Source::new(&toml::from_str(&text).unwrap()).unwrap()
    }

    #[test]
    fn discovery_is_used_where_no_place_is_named() {
        assert!(matches!(source(""), Source::Discovery { .. }));
        let url = source("jwks_url = 'https://a.example.com/keys'");
        assert!(matches!(url, Source::Url(_)));
        assert!(matches!(source("jwks_file = 'keys.json'"), Source::File(_)));
    }

    #[tokio::test]
    async fn a_file_is_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let missing = read_file(&path).await.unwrap_err().to_string();
        assert!(missing.contains("keys.json"), "{missing}");
        for (length, good) in [(0, true), (SIZE_LIMIT, true), (SIZE_LIMIT + 1, false)] {
            std::fs::write(&path, vec![b' '; length]).unwrap();
            assert_eq!(read_file(&path).await.is_ok(), good, "{length}");
        }
    }
}
