//! Where the store is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnectOptions;

/// Where the store is.
#[derive(Clone)]
pub enum StoreConfig {
    /// A file, served by one process.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A PostgreSQL database, served by any number of processes.
    Postgres {
        /// Its URL; may hold a password.
        url: String,
    },
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Without the password, so that it may be logged.
impl fmt::Display for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite:{}", path.display()),
            Self::Postgres { url } => match PgConnectOptions::from_str(url) {
                Ok(options) => write!(
                    f,
                    "postgres://{}@{}:{}/{}",
                    options.get_username(),
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or_default(),
                ),
                Err(_) => f.write_str("postgres://(not a URL)"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for url in [
            "postgres://alice:s3cret@db:5433/gate",
            "postgres://alice:s3cret@db:x/gate",
        ] {
            let config = StoreConfig::Postgres {
                url: url.to_owned(),
            };
            assert!(
                !format!("{config:?} {config}").contains("s3cret"),
                "{config}"
            );
        }
    }
}
