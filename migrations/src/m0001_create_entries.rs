//! The log.

use sea_orm_migration::prelude::*;

use crate::columns::{id, index, number, optional_text, text};
use crate::postgres::compress;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("entries")
            .col(number("sequence").primary_key())
            .col(number("instant"))
            .col(text("previous_hash"))
            .col(text("hash"))
            .col(text("body_hash"))
            .col(text("body"))
            .col(id(manager, "aggregate_kind"))
            .col(id(manager, "aggregate_id"))
            .col(text("event"))
            .col(number("format"))
            .col(number("directory_revision"))
            .col(number("change_requests_given"))
            .col(number("clock_accepted_until"))
            .col(optional_text("request_issuer"))
            .col(optional_text("request_subject"))
            .col(optional_text("request_id"));
        manager.create_table(table).await?;
        compress(manager, "entries", &["body"]).await?;

        // The second guard of idempotency: a call that may be repeated has one entry.
        let call = ["request_issuer", "request_subject", "request_id"];
        let mut calls = index("entries_by_request", "entries", &call);
        calls
            .unique()
            .cond_where(Expr::col("request_id").is_not_null());
        manager.create_index(calls).await?;

        let history = ["aggregate_kind", "aggregate_id", "sequence"];
        manager
            .create_index(index("entries_by_aggregate", "entries", &history))
            .await?;

        let mut directory = index("entries_of_directory", "entries", &["directory_revision"]);
        directory.cond_where(Expr::col("aggregate_kind").is_in(["policy", "team"]));
        manager.create_index(directory).await
    }
}
