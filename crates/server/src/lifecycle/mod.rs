//! The life of a server: it binds, serves, and leaves in good order.
//!
//! - [`config`]: what a server is told, and which addresses it refuses.
//! - [`server`]: binds and serves; on a stop it says so, takes no more, lets the engine finish and
//!   every stream end, all within a limit.
//! - [`limits`]: how much of everything it takes.
//! - [`accept`]: the way in, from the listener to calls.
//! - [`tls`]: what it shows, and whose client certificates it believes.
//! - [`routes`]: all services behind their layers.
//! - [`health`]: tells the health of the engine.
//! - [`telemetry`], [`scrape`]: the metrics, what each means, and their listener.

pub(crate) mod accept;
pub(crate) mod config;
pub(crate) mod health;
pub(crate) mod limits;
pub(crate) mod routes;
pub(crate) mod scrape;
pub(crate) mod server;
pub(crate) mod telemetry;
pub(crate) mod tls;

pub use config::ServerConfig;
pub use limits::Limits;
pub use server::{BindError, BoundServer, ServeError, Server};
pub use tls::{TlsError, TlsFiles};
