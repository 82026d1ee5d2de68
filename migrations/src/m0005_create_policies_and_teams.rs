//! Policies and teams as the log has folded them.

use sea_orm_migration::prelude::*;

use crate::columns::{id, number, text};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["policies", "teams"] {
            let mut table = Table::create();
            table
                .table(name)
                .col(id(manager, "id").primary_key())
                .col(text("document"))
                .col(number("sequence"));
            manager.create_table(table).await?;
        }
        Ok(())
    }
}
