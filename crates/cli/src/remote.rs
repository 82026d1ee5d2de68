//! A server that a verb calls, and the credential it is called with.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;
use countersign_client::{Connection, Tls, reason};
use tonic::Status;
use tonic::transport::Uri;

/// Where the file of a credential is looked for when none is named.
const CREDENTIAL_FILE: &str = "COUNTERSIGN_CREDENTIAL_FILE";

/// Who calls a server, and what is believed of it.
#[derive(Debug, Args)]
pub(crate) struct Caller {
    /// A file with the credential: the text of an API token, or of a login. Also by the
    /// environment, as COUNTERSIGN_CREDENTIAL_FILE.
    #[arg(long, value_name = "FILE")]
    credential_file: Option<PathBuf>,
    /// Believe these authorities (PEM) about the server, instead of those that browsers believe.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Show this client certificate (PEM), followed in the file by those that prove it.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// The private key (PEM) of the client certificate.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Allow an http address of another machine, although the credential can be read on the way.
    #[arg(long)]
    plaintext: bool,
}

impl Caller {
    /// Whether anything of this was said on the command line.
    pub(crate) fn is_named(&self) -> bool {
        self.credential_file.is_some()
            || self.ca_file.is_some()
            || self.client_cert.is_some()
            || self.client_key.is_some()
            || self.plaintext
    }

    /// A connection to a server.
    pub(crate) fn connection(&self, address: &str) -> anyhow::Result<Connection> {
        let uri: Option<Uri> = address.parse().ok();
        let scheme = uri.as_ref().and_then(Uri::scheme_str);
        let host = uri.as_ref().and_then(Uri::host);
        let token = self.token()?;
        match (scheme, host) {
            (Some("https"), Some(_)) => {
                ensure!(
                    token.is_some() || self.client_cert.is_some(),
                    "a server needs a credential: name its file with --credential-file or \
                     {CREDENTIAL_FILE}, or a client certificate with --client-cert"
                );
                let tls = self.tls()?;
                Ok(Connection::secure(address, token.as_deref(), tls)?)
            }
            (Some("http"), Some(host)) => {
                ensure!(
                    self.plaintext || is_loopback(host),
                    "the credential could be read on the way to {address}; use https, or \
                     allow it with --plaintext"
                );
                ensure!(
                    self.ca_file.is_none() && self.client_cert.is_none(),
                    "certificates are for an https address; found {address}"
                );
                let token = token.with_context(|| {
                    format!(
                        "a server needs a credential: name its file with --credential-file or \
                         {CREDENTIAL_FILE}"
                    )
                })?;
                Ok(Connection::new(address, &token)?)
            }
            _ => bail!("found the address {address:?}; allowed: for example http://127.0.0.1:7733"),
        }
    }

    /// The text of the credential.
    fn token(&self) -> anyhow::Result<Option<String>> {
        let named = self.credential_file.clone();
        let Some(file) = named.or_else(|| std::env::var_os(CREDENTIAL_FILE).map(PathBuf::from))
        else {
            return Ok(None);
        };
        let text = String::from_utf8(read(&file)?).ok();
        let text = text.with_context(|| format!("{} is not text", file.display()))?;
        let text = text.trim();
        ensure!(!text.is_empty(), "{} is empty", file.display());
        Ok(Some(text.to_owned()))
    }

    fn tls(&self) -> anyhow::Result<Tls> {
        let authorities_pem = self.ca_file.as_deref().map(read).transpose()?;
        let identity = match (&self.client_cert, &self.client_key) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            _ => None,
        };
        Ok(Tls {
            authorities_pem,
            identity,
            ..Tls::default()
        })
    }
}

/// Why a call was not answered. What the gate itself says needs no more words; else what the
/// network says is at the end of a chain that repeats itself.
pub(crate) fn refused(status: Status) -> anyhow::Error {
    if let Some(reason) = reason(&status) {
        return anyhow!("{} ({})", status.message(), reason.wire_name());
    }
    let (code, message) = (status.code(), status.message().to_owned());
    let error = anyhow::Error::from(status);
    match error.chain().skip(1).last() {
        Some(cause) => anyhow!("the server does not answer: {cause} ({code:?})"),
        None => anyhow!("the call failed: {message} ({code:?})"),
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("failed to read {}", file.display()))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn caller(credential: Option<&Path>, plaintext: bool) -> Caller {
        Caller {
            credential_file: credential.map(Path::to_owned),
            ca_file: None,
            client_cert: None,
            client_key: None,
            plaintext,
        }
    }

    #[tokio::test]
    async fn credentials_are_not_sent_in_the_clear_to_other_machines() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"csn_1\n").unwrap();
        for (address, plaintext, said) in [
            ("http://127.0.0.1:7733", false, ""),
            ("http://localhost:7733", false, ""),
            ("http://[::1]:7733", false, ""),
            ("https://gate.example:7733", false, ""),
            ("http://gate.example:7733", false, "use https"),
            ("http://10.0.0.1:7733", false, "use https"),
            ("http://gate.example:7733", true, ""),
            ("127.0.0.1:7733", false, "found the address"),
            ("gate.example", true, "found the address"),
        ] {
            let found = caller(Some(file.path()), plaintext).connection(address);
            let found = found.err().map_or(String::new(), |it| it.to_string());
            assert!(found.contains(said), "{address}: {found}");
            assert_eq!(found.is_empty(), said.is_empty(), "{address}: {found}");
        }
    }

    #[test]
    fn a_credential_is_the_text_of_its_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let caller = caller(Some(file.path()), false);
        assert!(caller.token().unwrap_err().to_string().contains("is empty"));
        file.write_all(b"csn_1\n").unwrap();
        assert_eq!(caller.token().unwrap().as_deref(), Some("csn_1"));
    }
}
