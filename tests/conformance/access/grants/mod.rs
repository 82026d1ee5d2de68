//! What a limited credential may do and see of policies, freezes, teams and the log.
//!
//! Policies and freezes bind tasks: whoever changes one must cover all it may match. What a grant
//! does not touch at all looks as if it were not there. Teams and the log are everybody's: they
//! take a grant without limits.
//!
//! - `scopes`: the table, scopes by grants.
//! - `policies`, `freezes`: each command on each row of it.
//! - `reading`: lists, previews and warnings show nothing that lies outside.
//! - `whole`: what takes a grant without limits.

mod freezes;
mod policies;
mod reading;
mod scopes;
mod whole;
