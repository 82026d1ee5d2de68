//! Resultant policies, each once under its digest, and what they are searched by.

use sea_orm_migration::prelude::*;

use crate::columns::{id, index, text};
use crate::postgres::compress;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut resultants = Table::create();
        resultants
            .table("resultants")
            .col(id(manager, "digest").primary_key())
            .col(text("document"));
        manager.create_table(resultants).await?;
        compress(manager, "resultants", &["document"]).await?;

        let mut key = Index::create();
        key.col("part").col("digest");
        let mut parts = Table::create();
        parts
            .table("resultant_parts")
            .col(id(manager, "part"))
            .col(id(manager, "digest"))
            .primary_key(&mut key);
        manager.create_table(parts).await?;

        // For proving that a resultant policy has these parts and no others.
        let whole = index("resultant_parts_by_digest", "resultant_parts", &["digest"]);
        manager.create_index(whole).await
    }
}
