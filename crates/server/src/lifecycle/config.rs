//! What a server is told, and which addresses it refuses.

use std::net::SocketAddr;
use std::time::Duration;

use super::limits::Limits;
use super::server::BindError;
use super::tls::TlsFiles;
use crate::auth::{AccessSettings, SecurityLogConfig};

/// Settings of a server; each has a default but for where it listens and who is let in.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where calls come in. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// What credentials are checked against.
    pub access: AccessSettings,
    /// Where TLS is read from. Without it calls travel in the clear.
    pub tls: Option<TlsFiles>,
    /// Allows an address that other machines reach although calls travel in the clear there: a
    /// proxy has to end TLS. With TLS this is about metrics alone, which always do.
    pub plaintext: bool,
    /// Where denied calls, and reads of the log, are told.
    pub security_log: SecurityLogConfig,
    /// Where metrics are read, if anywhere. They hold no secrets, but tell how busy the gate is.
    pub metrics: Option<SocketAddr>,
    /// Whether what becomes due is settled at once. Without it nothing is decided otherwise, only
    /// later: whoever touches a change request settles it first.
    pub scheduler: bool,
    /// How much of everything is taken.
    pub limits: Limits,
    /// How long leaving in good order may take.
    pub drain: Duration,
}

impl ServerConfig {
    /// The defaults.
    pub fn new(listen: SocketAddr, access: AccessSettings) -> Self {
        Self {
            listen,
            access,
            tls: None,
            plaintext: false,
            security_log: SecurityLogConfig::default(),
            metrics: None,
            scheduler: true,
            limits: Limits::default(),
            drain: Duration::from_secs(10),
        }
    }

    /// Refuses addresses on which credentials would be worth nothing, or could be read on the way.
    pub fn check_addresses(&self) -> Result<(), BindError> {
        let exposed = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
        let listen = Some(self.listen).filter(exposed);
        let metrics = self.metrics.filter(exposed);
        if let Some(address) = listen.or(metrics)
            && self.access.is_insecure()
        {
            return Err(BindError::InsecureDev { address });
        }
        if self.plaintext {
            return Ok(());
        }
        match (listen, metrics) {
            (Some(address), _) if self.tls.is_none() => Err(BindError::Plaintext { address }),
            (_, Some(address)) => Err(BindError::PlaintextMetrics { address }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Told {
        access: AccessSettings,
        tls: bool,
        plaintext: bool,
    }

    fn refused(listen: &str, metrics: Option<&str>, told: Told) -> &'static str {
        let config = ServerConfig {
            tls: told.tls.then(|| TlsFiles {
                certificate: "server.pem".into(),
                key: "server.key".into(),
                client_authorities: None,
            }),
            plaintext: told.plaintext,
            metrics: metrics.map(|it| it.parse().unwrap()),
            ..ServerConfig::new(listen.parse().unwrap(), told.access)
        };
        match config.check_addresses() {
            Ok(()) => "accepted",
            Err(BindError::InsecureDev { .. }) => "insecure",
            Err(BindError::Plaintext { .. }) => "plaintext",
            Err(BindError::PlaintextMetrics { .. }) => "metrics",
            Err(_) => "other",
        }
    }

    const NOTHING: (bool, bool) = (false, false);
    const TLS: (bool, bool) = (true, false);
    const PLAINTEXT: (bool, bool) = (false, true);
    const BOTH: (bool, bool) = (true, true);

    #[test]
    fn what_other_machines_reach_needs_tokens_and_tls_or_a_word() {
        let dev = AccessSettings::insecure_dev;
        let tokens = AccessSettings::default;
        let rows = [
            ("127.0.0.1:1", dev(), NOTHING, "accepted"),
            ("127.8.8.8:1", dev(), NOTHING, "accepted"),
            ("[::1]:1", dev(), NOTHING, "accepted"),
            ("[::ffff:127.0.0.1]:1", dev(), NOTHING, "accepted"),
            ("127.0.0.1:1", dev(), TLS, "accepted"),
            ("0.0.0.0:1", dev(), NOTHING, "insecure"),
            ("0.0.0.0:1", dev(), PLAINTEXT, "insecure"),
            ("0.0.0.0:1", dev(), TLS, "insecure"),
            ("[::]:1", dev(), BOTH, "insecure"),
            ("192.168.0.1:1", dev(), PLAINTEXT, "insecure"),
            ("127.0.0.1:1", tokens(), NOTHING, "accepted"),
            ("127.0.0.1:1", tokens(), TLS, "accepted"),
            ("0.0.0.0:1", tokens(), NOTHING, "plaintext"),
            ("[::ffff:10.0.0.1]:1", tokens(), NOTHING, "plaintext"),
            ("0.0.0.0:1", tokens(), PLAINTEXT, "accepted"),
            ("0.0.0.0:1", tokens(), TLS, "accepted"),
        ];
        for (listen, access, (tls, plaintext), expected) in rows {
            let told = Told {
                access,
                tls,
                plaintext,
            };
            let found = refused(listen, None, told);
            assert_eq!(found, expected, "{listen} {tls} {plaintext}");
        }
    }

    #[test]
    fn metrics_travel_in_the_clear_and_need_a_word_for_it() {
        let tokens = AccessSettings::default;
        let (inside, outside) = ("127.0.0.1:1", "0.0.0.0:2");
        let rows = [
            (inside, inside, tokens(), NOTHING, "accepted"),
            (
                inside,
                outside,
                AccessSettings::insecure_dev(),
                BOTH,
                "insecure",
            ),
            (inside, outside, tokens(), NOTHING, "metrics"),
            (outside, outside, tokens(), NOTHING, "plaintext"),
            (outside, outside, tokens(), TLS, "metrics"),
            (outside, outside, tokens(), BOTH, "accepted"),
            (outside, outside, tokens(), PLAINTEXT, "accepted"),
        ];
        for (listen, metrics, access, (tls, plaintext), expected) in rows {
            let told = Told {
                access,
                tls,
                plaintext,
            };
            let found = refused(listen, Some(metrics), told);
            assert_eq!(found, expected, "{listen} {metrics} {tls} {plaintext}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let address = "0.0.0.0:1".parse().unwrap();
        let said = BindError::Plaintext { address }.to_string();
        for way in ["--tls-cert", "--tls-key", "--plaintext", "127.0.0.1"] {
            assert!(said.contains(way), "{said}");
        }
    }
}
