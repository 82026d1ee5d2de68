//! The gate's face on the network: who calls, what they ask for, and how they are told.
//!
//! - [`lifecycle`]: binds, serves, leaves in good order.
//! - [`auth`]: who is calling, and what they may call.
//! - [`edge`]: between the wire and the services.
//! - [`rpc`]: the services, one file per verb.
//! - [`tokens`]: API tokens at the store itself, where the first ones are made.
//! - [`convert`]: between messages and the domain; everything that comes in is checked there.
//! - [`fault`], [`status`], [`facts`]: every way in which a call can end other than with an answer,
//!   and how that is said in gRPC's terms: code, reason, metadata.
//!
//! What the engine and the domain offer to whoever runs a server is passed on here, so that the
//! binary needs nothing else.

mod auth;
mod convert;
mod edge;
mod facts;
mod fault;
mod lifecycle;
mod rpc;
mod status;
pub mod tokens;

pub use auth::{AccessError, AccessSettings, SecurityLogConfig};
pub use countersign_domain::ids::CrPrefix;
pub use countersign_domain::log::Hash;
pub use countersign_engine::{
    Clock, Engine, EngineConfig, ManualClock, OpenError, StoreConfig, StoreError, VerifyError,
    VerifyReport, migrate, verify,
};
pub use lifecycle::{
    BindError, BoundServer, Limits, ServeError, Server, ServerConfig, TlsError, TlsFiles,
};
