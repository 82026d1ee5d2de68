//! What handshakes use at present, and how it changes while the server runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics::{counter, gauge};
use rustls::ServerConfig;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::authorities::ClientAuthorities;
use super::files::{TlsError, TlsFiles};
use super::load::{Loaded, load};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What handshakes use at present.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    config: ArcSwap<ServerConfig>,
    authorities: Option<ClientAuthorities>,
    seen: Mutex<Seen>,
}

/// How the files were found last.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    State([u8; 32]),
    Unreadable(String),
}

impl Tls {
    /// Reads the files for the first time.
    pub(crate) fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let bytes = files.read()?;
        let loaded = load(&files, &bytes)?;
        tell(&loaded);
        Ok(Self {
            seen: Mutex::new(Seen::State(bytes.digest())),
            config: ArcSwap::new(loaded.config),
            authorities: loaded.verifier.map(ClientAuthorities::new),
            files,
        })
    }

    /// What a handshake that begins now uses.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Whose client certificates are believed, if any are asked for.
    pub(crate) fn authorities(&self) -> Option<&ClientAuthorities> {
        self.authorities.as_ref()
    }

    /// Looks at the files again and again until it is stopped.
    pub(crate) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let tls = Arc::clone(&self);
            // A file system may be slow; calls shall not wait for it.
            if let Err(error) = tokio::task::spawn_blocking(move || tls.look()).await {
                tracing::error!(%error, "looking at the TLS files ended by a panic");
            }
        }
    }

    /// Takes over what has changed. What cannot be used changes nothing, and is told of once.
    fn look(&self) {
        let found = self.files.read();
        let now = match &found {
            Ok(bytes) => Seen::State(bytes.digest()),
            Err(error) => Seen::Unreadable(with_sources(error)),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return;
        }
        *seen = now;
        match found.and_then(|bytes| load(&self.files, &bytes)) {
            Ok(loaded) => {
                tell(&loaded);
                self.take(loaded);
                tracing::info!("the TLS files have changed; new handshakes use them");
            }
            Err(error) => {
                counter!("countersign_tls_reload_failures_total").increment(1);
                tracing::error!(
                    error = with_sources(&error),
                    "the TLS files have changed and cannot be used; handshakes use what was \
                     there before"
                );
            }
        }
    }

    fn take(&self, loaded: Loaded) {
        // First those who judge: nobody shall get in by an authority that is gone.
        if let (Some(authorities), Some(verifier)) = (&self.authorities, loaded.verifier) {
            authorities.replace(verifier);
        }
        self.config.store(loaded.config);
    }
}

fn tell(loaded: &Loaded) {
    gauge!("countersign_tls_certificate_expires_seconds").set(loaded.expires as f64);
}

fn with_sources(error: &TlsError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::tls::fixture::{Authority, Folder};

    #[test]
    fn new_files_are_taken_over_and_broken_ones_are_not() {
        let authority = Authority::new("one");
        let folder = Folder::new(&authority.server());
        let tls = Tls::open(folder.files(None)).unwrap();
        let first = tls.config();
        tls.look();
        assert!(Arc::ptr_eq(&first, &tls.config()), "nothing has changed");

        std::fs::write(folder.path("server.pem"), "broken").unwrap();
        tls.look();
        assert!(Arc::ptr_eq(&first, &tls.config()));
        std::fs::remove_file(folder.path("server.pem")).unwrap();
        tls.look();
        assert!(Arc::ptr_eq(&first, &tls.config()));

        // One file after the other: in between they do not belong together.
        let next = authority.server();
        std::fs::write(folder.path("server.pem"), &next.certificate).unwrap();
        tls.look();
        assert!(Arc::ptr_eq(&first, &tls.config()));
        std::fs::write(folder.path("server.key"), &next.key).unwrap();
        tls.look();
        assert!(!Arc::ptr_eq(&first, &tls.config()));
    }
}
