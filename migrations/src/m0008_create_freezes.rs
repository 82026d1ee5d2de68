//! Freezes as the log has folded them, and their entries beside those of policies and teams.

use sea_orm_migration::prelude::*;

use crate::columns::{id, index, number, optional_number, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Nothing is asked of the due instants: all freezes are in memory anyway.
        let mut table = Table::create();
        table
            .table("freezes")
            .col(id(manager, "id").primary_key())
            .col(text("document"))
            .col(optional_number("due_at"))
            .col(number("sequence"));
        manager.create_table(table).await?;

        // The index without freezes stays: the release before this one names it.
        let mut directory = index(
            "entries_of_directory_with_freezes",
            "entries",
            &["directory_revision"],
        );
        directory.cond_where(Expr::col("aggregate_kind").is_in(["policy", "team", "freeze"]));
        manager.create_index(directory).await
    }
}
