//! Only the right people: API tokens, grants, and who may call what.
//!
//! - `tokens`: tokens are made, shown, listed and revoked.
//! - `revoking`, `expiring`: what a token that has ended is worth.
//! - `people`: whom a token stands for, and what they count.
//! - `escalation`: nobody gives what they have not.
//! - `who_am_i`: who each kind of caller is told to be.
//! - `logged`: what the log has of credentials, and what it never has.
//! - `metadata`: nothing but the credential says who calls.
//! - `grants`: what a limited credential may do and see.
//! - `matrix`: every method for every caller.

mod escalation;
mod expiring;
mod grants;
mod logged;
mod matrix;
mod metadata;
mod people;
mod revoking;
mod tokens;
mod who_am_i;
