//! Only the right people: a certified identity provider, TLS, client certificates and API tokens
//! against the real program.
//!
//! - [`person`]: somebody signs in and approves from Python; services come with certificates.
//! - [`rotation`]: the provider changes its key under a running server.
//! - [`away`]: the provider is away, before the server starts and later.
//! - [`strangers`]: tokens that are not good, which [`forged`] makes of a good one.
//! - [`swapping`]: certificates and authorities change under open connections.
//! - [`doors`]: what does not get as far as a credential, and addresses that are refused.
//! - [`secrets`]: nothing that lets somebody in is ever printed.
//!
//! What they share: [`provider`] runs the provider and signs people in, [`authority`] makes
//! certificates, [`place`] is a server's folder and whoever calls it, [`scene`] what they do.

mod authority;
mod away;
mod doors;
mod forged;
mod person;
mod place;
mod provider;
mod rotation;
mod scene;
mod secrets;
mod strangers;
mod swapping;
