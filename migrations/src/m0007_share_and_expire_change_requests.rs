//! By what tasks find a change request to share, and when time alone changes one.

use sea_orm_migration::prelude::*;

use crate::columns::{index, optional_number, optional_text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [optional_text("sharing_key"), optional_number("due_at")] {
            let mut table = Table::alter();
            table.table("change_requests").add_column(column);
            manager.alter_table(table).await?;
        }

        // The newest of a key is one look away, however many there are.
        let mut shared = index(
            "change_requests_shared",
            "change_requests",
            &["sharing_key", "number"],
        );
        shared.cond_where(Expr::col("sharing_key").is_not_null());
        manager.create_index(shared).await?;

        let mut due = index(
            "change_requests_due",
            "change_requests",
            &["due_at", "number"],
        );
        due.cond_where(Expr::col("due_at").is_not_null());
        manager.create_index(due).await
    }
}
