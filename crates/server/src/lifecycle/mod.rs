//! The life of a server: it binds, serves, and leaves in good order.
//!
//! - [`config`]: what a server is told, and which addresses it refuses.
//! - [`server`]: binds and serves; on a stop it says so, takes no more, lets the engine finish and
//!   every stream end, all within a limit.
//! - [`incoming`]: the accept loop, which outlives a lack of file descriptors.
//! - [`routes`]: all services behind their layers.
//! - [`health`]: tells the health of the engine.
//! - [`telemetry`]: the metrics, what each means, and their listener.

pub(crate) mod config;
pub(crate) mod health;
pub(crate) mod incoming;
pub(crate) mod limits;
pub(crate) mod routes;
pub(crate) mod server;
pub(crate) mod telemetry;

pub use config::ServerConfig;
pub use limits::Limits;
pub use server::{BindError, BoundServer, ServeError, Server};
