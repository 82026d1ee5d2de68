//! One process for one file.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Held as long as this process serves the file. The operating system frees it when the process
/// ends, however it ends.
#[derive(Debug)]
pub(crate) struct LockFile {
    _file: File,
}

impl LockFile {
    /// Takes the lock of a store, or says that another process has it.
    pub(crate) fn take(store: &Path) -> Result<Self, StoreError> {
        let path = lock_path(store);
        let unusable = |source| StoreError::File {
            path: path.clone(),
            source,
        };
        let file = open_private(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(store.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

/// Opens a file for writing, creating it for its owner alone where it is missing.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Beside the file itself, by whatever name or link it was called.
fn lock_path(store: &Path) -> PathBuf {
    let real = store.canonicalize().unwrap_or_else(|_| store.to_owned());
    let mut path = OsString::from(real);
    path.push(".lock");
    PathBuf::from(path)
}
