//! Opening a store: files, locks, connections, the schema.

mod lock_file;
mod migrate;
pub(crate) mod postgres;
pub(crate) mod sqlite;

pub(crate) use lock_file::LockFile;
pub(crate) use migrate::{migrate_postgres, migrate_sqlite};
