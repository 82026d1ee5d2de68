//! `AccessService`: who is calling, and API tokens.

mod create_token;
mod get_token;
mod list_tokens;
mod revoke_token;
mod service;
mod who_am_i;

pub(crate) use service::Access;
