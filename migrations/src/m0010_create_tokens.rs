//! Tokens as the log has folded them, and their entries beside those of the rest of the directory.

use sea_orm_migration::prelude::*;

use crate::columns::{id, index, number, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Nothing is asked of hashes and expiries: all tokens are in memory anyway.
        let mut table = Table::create();
        table
            .table("tokens")
            .col(id(manager, "id").primary_key())
            .col(text("document"))
            .col(number("sequence"));
        manager.create_table(table).await?;

        // The index without tokens stays: the release before this one names it.
        let mut directory = index(
            "entries_of_directory_with_tokens",
            "entries",
            &["directory_revision"],
        );
        let kinds = ["policy", "team", "freeze", "token"];
        directory.cond_where(Expr::col("aggregate_kind").is_in(kinds));
        manager.create_index(directory).await
    }
}
