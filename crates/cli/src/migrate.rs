//! `countersign migrate`: brings a store to the schema of this release.

use anyhow::Context as _;
use countersign_server::migrate;

use crate::arguments::Migrate;
use crate::output;

/// Migrates a store, and prints its format.
pub(crate) async fn run(arguments: Migrate) -> anyhow::Result<()> {
    let store = arguments.store.config()?;
    let (found, newest) = migrate(&store)
        .await
        .context("failed to migrate the store")?;
    output::line("the schema is that of this release")?;
    match found {
        None => output::line("the store is empty; the first `serve` names it"),
        Some(found) if arguments.finalize && found == newest => output::line(&format!(
            "the store has format {found}, the newest: nothing to raise"
        )),
        Some(found) => output::line(&format!("the store has format {found}")),
    }
}
