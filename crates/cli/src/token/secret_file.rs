//! A file for a secret, which only its owner can read.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Read and written by its owner, and by nobody else.
const MODE: u32 = 0o600;

/// A file that a secret will be written to. It is made before the secret is, so that no secret is
/// made that could not be written; dropped without one, it is removed again.
pub(super) struct SecretFile {
    path: PathBuf,
    file: File,
    written: bool,
}

impl SecretFile {
    /// Makes the file; one that is there already is refused.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(path)
            .with_context(|| format!("failed to make the new file {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            written: false,
        })
    }

    /// Writes the secret.
    pub(super) fn write(mut self, secret: &str) -> anyhow::Result<()> {
        self.file
            .write_all(format!("{secret}\n").as_bytes())
            .and_then(|()| self.file.sync_all())
            .with_context(|| format!("failed to write to {}", self.path.display()))?;
        self.written = true;
        Ok(())
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        if !self.written {
            // Should this fail too, an empty file is left behind, which harms nobody.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_owner_reads_it_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ci.token");
        SecretFile::create(&path).unwrap().write("csn_1").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "csn_1\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        assert!(SecretFile::create(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "csn_1\n");
    }

    #[test]
    fn without_a_secret_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ci.token");
        drop(SecretFile::create(&path).unwrap());
        assert!(!path.exists());
    }
}
