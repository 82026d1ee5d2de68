//! Change requests as the log has folded them.

use sea_orm_migration::prelude::*;

use crate::columns::{index, number, optional_text, text};
use crate::postgres::{compress, leave_room_for_updates};

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
            .table("change_requests")
            .col(number("number").primary_key())
            .col(text("state"))
            .col(text("kind"))
            .col(text("project"))
            .col(text("environment"))
            .col(optional_text("release"))
            .col(ColumnDef::new("approval_required").boolean().not_null())
            .col(text("resultant"))
            .col(text("frozen"))
            .col(text("live"))
            .col(number("sequence"));
        manager.create_table(table).await?;
        leave_room_for_updates(manager, "change_requests").await?;
        compress(manager, "change_requests", &["frozen", "live"]).await?;

        // Of what changes, only whether it is pending is indexed, so that a decision that turns
        // nothing rewrites the row in place.
        let mut pending = index("change_requests_pending", "change_requests", &["number"]);
        pending.cond_where(Expr::col("state").eq("PENDING"));
        manager.create_index(pending).await?;

        let project = ["project", "environment", "number"];
        manager
            .create_index(index(
                "change_requests_by_project",
                "change_requests",
                &project,
            ))
            .await?;
        let environment = ["environment", "number"];
        manager
            .create_index(index(
                "change_requests_by_environment",
                "change_requests",
                &environment,
            ))
            .await?;
        let mut release = index(
            "change_requests_by_release",
            "change_requests",
            &["release", "number"],
        );
        release.cond_where(Expr::col("release").is_not_null());
        manager.create_index(release).await
    }
}
