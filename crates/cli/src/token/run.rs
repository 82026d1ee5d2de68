//! Which verb is meant.

use super::arguments::{Token, Verb};
use super::{create, list, revoke, show};

/// Does what was asked for about tokens.
pub(crate) async fn run(arguments: Token) -> anyhow::Result<()> {
    match arguments.verb {
        Verb::Create(arguments) => create::run(*arguments).await,
        Verb::List(arguments) => list::run(arguments).await,
        Verb::Show(arguments) => show::run(arguments).await,
        Verb::Revoke(arguments) => revoke::run(arguments).await,
    }
}
