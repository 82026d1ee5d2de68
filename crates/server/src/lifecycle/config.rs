//! What a server is told, and which addresses it refuses.

use std::net::SocketAddr;
use std::time::Duration;

use super::server::BindError;
use crate::auth::AccessSettings;

/// Settings of a server; each has a default but for where it listens and who is let in.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where calls come in. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// What credentials are checked against.
    pub access: AccessSettings,
    /// Allows an address that other machines reach. There is no TLS here: a proxy has to end it.
    pub plaintext: bool,
    /// Where metrics are read, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Whether what becomes due is settled at once. Without it nothing is decided otherwise, only
    /// later: whoever touches a change request settles it first.
    pub scheduler: bool,
    /// How many connections may be open.
    pub connections: usize,
    /// How long leaving in good order may take.
    pub drain: Duration,
}

impl ServerConfig {
    /// The defaults.
    pub fn new(listen: SocketAddr, access: AccessSettings) -> Self {
        Self {
            listen,
            access,
            plaintext: false,
            metrics: None,
            scheduler: true,
            connections: 4_000,
            drain: Duration::from_secs(10),
        }
    }

    /// Refuses addresses on which credentials would be worth nothing, or could be read on the way.
    pub fn check_addresses(&self) -> Result<(), BindError> {
        for address in [Some(self.listen), self.metrics].into_iter().flatten() {
            if address.ip().to_canonical().is_loopback() {
                continue;
            }
            if self.access.is_insecure() {
                return Err(BindError::InsecureDev { address });
            }
            if !self.plaintext {
                return Err(BindError::Plaintext { address });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(listen: &str, access: AccessSettings, plaintext: bool) -> &'static str {
        let config = ServerConfig {
            plaintext,
            ..ServerConfig::new(listen.parse().unwrap(), access)
        };
        match config.check_addresses() {
            Ok(()) => "accepted",
            Err(BindError::InsecureDev { .. }) => "insecure",
            Err(BindError::Plaintext { .. }) => "plaintext",
            Err(_) => "other",
        }
    }

    #[test]
    fn what_other_machines_reach_needs_tokens_and_a_word() {
        let dev = AccessSettings::insecure_dev;
        let tokens = AccessSettings::default;
        let rows = [
            ("127.0.0.1:1", dev(), false, "accepted"),
            ("127.8.8.8:1", dev(), false, "accepted"),
            ("[::1]:1", dev(), false, "accepted"),
            ("[::ffff:127.0.0.1]:1", dev(), false, "accepted"),
            ("0.0.0.0:1", dev(), false, "insecure"),
            ("0.0.0.0:1", dev(), true, "insecure"),
            ("[::]:1", dev(), true, "insecure"),
            ("192.168.0.1:1", dev(), true, "insecure"),
            ("127.0.0.1:1", tokens(), false, "accepted"),
            ("0.0.0.0:1", tokens(), false, "plaintext"),
            ("[::ffff:10.0.0.1]:1", tokens(), false, "plaintext"),
            ("0.0.0.0:1", tokens(), true, "accepted"),
        ];
        for (listen, access, plaintext, expected) in rows {
            assert_eq!(refused(listen, access, plaintext), expected, "{listen}");
        }
    }

    #[test]
    fn the_metrics_address_is_checked_too() {
        let mut config = ServerConfig::new(
            "127.0.0.1:1".parse().unwrap(),
            AccessSettings::insecure_dev(),
        );
        config.metrics = Some("0.0.0.0:2".parse().unwrap());
        assert!(config.check_addresses().is_err());
    }
}
