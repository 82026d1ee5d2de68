//! Reads the files of TLS, and refuses a key that others may read.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// More than this is no set of certificates.
const BYTES_LIMIT: u64 = 1_024 * 1_024;

/// Where TLS is read from; all files are PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the server, and after it those that prove it.
    pub certificate: PathBuf,
    /// Its private key. Nobody but its owner may read it; if that is root, also its group, because
    /// this is how secrets are mounted.
    pub key: PathBuf,
    /// The authorities whose client certificates are believed. Without it none is asked for.
    pub client_authorities: Option<PathBuf>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("failed to read {}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is too large.
    #[error("{}: more than {limit} bytes; this is not a set of certificates", .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// How many bytes are allowed.
        limit: u64,
    },
    /// The key is no secret.
    #[error(
        "{}: found mode {found:04o}, so others than its owner may use the key; allowed: 0600, and \
         0640 if root owns it; run `chmod 600 {}`",
        .file.display(), .file.display()
    )]
    KeyNotSecret {
        /// The file.
        file: PathBuf,
        /// Its mode.
        found: u32,
    },
    /// There is no certificate in a file.
    #[error("{}: found no certificate; needed: `-----BEGIN CERTIFICATE-----`", .file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// There is no key in a file.
    #[error("{}: found no private key; needed: `-----BEGIN PRIVATE KEY-----`", .file.display())]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// A certificate cannot be read.
    #[error("{}: found a certificate that cannot be read; make it anew", .file.display())]
    BadCertificate {
        /// The file.
        file: PathBuf,
    },
    /// Key and certificate cannot be used together.
    #[error("{} and {} cannot be used together", .certificate.display(), .key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// An authority cannot be used.
    #[error("{}: found an authority that cannot be used: {why}", .file.display())]
    BadAuthority {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
}

/// The bytes of all files.
pub(super) struct Bytes {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_authorities: Option<Vec<u8>>,
}

impl TlsFiles {
    /// Refuses files that no server could use, before anything else is set up.
    pub fn check(&self) -> Result<(), TlsError> {
        super::load::load(self, &self.read()?).map(drop)
    }

    /// Reads all files.
    pub(super) fn read(&self) -> Result<Bytes, TlsError> {
        let authorities = self.client_authorities.as_deref();
        Ok(Bytes {
            certificate: read(&self.certificate, |_| Ok(()))?,
            key: read(&self.key, |mode| secret(&self.key, mode))?,
            client_authorities: authorities.map(|it| read(it, |_| Ok(()))).transpose()?,
        })
    }
}

impl Bytes {
    /// What tells one state of the files from another.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let authorities = self.client_authorities.as_deref().unwrap_or_default();
        for part in [&*self.certificate, &*self.key, authorities] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// Who owns a file, and what may be done with it by whom.
struct Mode {
    owner: u32,
    bits: u32,
}

fn read(
    path: &Path,
    check: impl FnOnce(Mode) -> Result<(), TlsError>,
) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read {
        file: path.to_owned(),
        source,
    };
    // The opened file is looked at, not its name: that may be another file by now.
    let file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    check(Mode {
        owner: found.uid(),
        bits: found.mode() & 0o777,
    })?;
    let mut bytes = Vec::new();
    let mut some = file.take(BYTES_LIMIT + 1);
    some.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > BYTES_LIMIT {
        return Err(TlsError::TooLarge {
            file: path.to_owned(),
            limit: BYTES_LIMIT,
        });
    }
    Ok(bytes)
}

fn secret(key: &Path, mode: Mode) -> Result<(), TlsError> {
    let allowed = if mode.owner == 0 { 0o740 } else { 0o700 };
    if mode.bits & !allowed == 0 {
        return Ok(());
    }
    Err(TlsError::KeyNotSecret {
        file: key.to_owned(),
        found: mode.bits,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let key = Path::new("server.key");
        for (owner, bits, good) in [
            (1_000, 0o600, true),
            (1_000, 0o400, true),
            (1_000, 0o640, false),
            (1_000, 0o604, false),
            (0, 0o600, true),
            (0, 0o640, true),
            (0, 0o660, false),
            (0, 0o644, false),
        ] {
            let found = secret(key, Mode { owner, bits });
            assert_eq!(found.is_ok(), good, "{owner} {bits:o}");
            if let Err(error) = found {
                let said = error.to_string();
                assert!(said.contains("chmod 600 server.key"), "{said}");
                assert!(said.contains(&format!("{bits:04o}")), "{said}");
            }
        }
    }

    #[test]
    fn files_are_read_with_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, mode| {
            let path = folder.path().join(name);
            std::fs::write(&path, name).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let mut files = TlsFiles {
            certificate: file("cert", 0o644),
            key: file("key", 0o600),
            client_authorities: Some(file("ca", 0o644)),
        };
        let first = files.read().unwrap().digest();
        assert_eq!(files.read().unwrap().digest(), first);
        files.client_authorities = None;
        assert_ne!(files.read().unwrap().digest(), first);
        files.key = file("open-key", 0o644);
        assert!(matches!(
            files.read(),
            Err(TlsError::KeyNotSecret { found: 0o644, .. })
        ));
        files.key = folder.path().join("none");
        assert!(matches!(files.read(), Err(TlsError::Read { .. })));
        files.key = file("key", 0o600);
        std::fs::write(&files.certificate, vec![b'x'; BYTES_LIMIT as usize + 1]).unwrap();
        assert!(matches!(files.read(), Err(TlsError::TooLarge { .. })));
    }
}
