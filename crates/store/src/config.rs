//! Where the store is.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};

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

impl StoreConfig {
    /// Whether the database is asked over a network without proof that it is the one that is meant:
    /// only `sslmode=verify-full` asks for that.
    pub fn trusts_the_network(&self) -> bool {
        let Self::Postgres { url } = self else {
            return false;
        };
        let Ok(options) = PgConnectOptions::from_str(url) else {
            return false;
        };
        let host = options.get_host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let here = options.get_socket().is_some()
            || host == "localhost"
            || host.starts_with('/')
            || address.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        !here && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
    }
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
    fn only_a_verified_server_is_trusted_over_a_network() {
        for (url, trusts) in [
            ("postgres://gate@db.example.com/gate", true),
            ("postgres://gate@db.example.com/gate?sslmode=require", true),
            (
                "postgres://gate@db.example.com/gate?sslmode=verify-ca",
                true,
            ),
            (
                "postgres://gate@db.example.com/gate?sslmode=verify-full",
                false,
            ),
            ("postgres://gate@localhost/gate", false),
            ("postgres://gate@127.0.0.1:5433/gate", false),
            ("postgres://gate@[::1]/gate", false),
            ("postgres://gate@10.0.0.1/gate", true),
            ("postgres:///gate?host=/run/postgresql", false),
        ] {
            let config = StoreConfig::Postgres {
                url: url.to_owned(),
            };
            assert_eq!(config.trusts_the_network(), trusts, "{url}");
        }
    }

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
