//! `countersign token`: makes, lists, shows and revokes API tokens.
//!
//! - [`arguments`]: its command line.
//! - [`run`]: which verb is meant.
//! - [`place`]: where the tokens are reached: at the store itself, as the first ones are made, or
//!   at a server, with a credential.
//! - [`create`], [`list`], [`show`], [`revoke`]: one verb each.
//! - [`life`]: how long a token is to live, as people write it.
//! - [`secret_file`]: a file for a secret, which only its owner can read.
//! - [`words`]: what people read about tokens, and about callers.
//! - `table`: columns.

mod arguments;
mod create;
mod life;
mod list;
mod place;
mod revoke;
mod run;
mod secret_file;
mod show;
mod table;
mod words;

pub(crate) use arguments::Token;
pub(crate) use run::run;
pub(crate) use table::table;
pub(crate) use words::{instant, kind, or_dash, person, role, text_or_dash};
