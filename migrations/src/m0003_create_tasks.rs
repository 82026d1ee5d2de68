//! Tasks as the log has folded them.

use sea_orm_migration::prelude::*;

use crate::columns::{id, index, number, optional_number, optional_text, text};
use crate::postgres::{compress, leave_room_for_updates};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A column of its own, because most changes of state do not change it: an index on it lets
        // a task be cleared and started without touching any index.
        let ended = Expr::col("state").is_in(["SUCCEEDED", "FAILED", "TERMINATED"]);
        let mut table = Table::create();
        table
            .table("tasks")
            .col(id(manager, "id").primary_key())
            .col(number("change_request"))
            .col(text("state"))
            .col(ColumnDef::new("ended").boolean().generated(ended, true))
            .col(optional_text("waiting_for"))
            .col(text("project"))
            .col(text("environment"))
            .col(optional_text("release"))
            .col(optional_text("runner"))
            .col(text("frozen"))
            .col(text("live"))
            .col(optional_number("due_at"))
            .col(number("sequence"));
        manager.create_table(table).await?;
        leave_room_for_updates(manager, "tasks").await?;
        compress(manager, "tasks", &["frozen", "live"]).await?;

        let held = index("tasks_by_change_request", "tasks", &["change_request"]);
        manager.create_index(held).await?;

        let mut due = index("tasks_due", "tasks", &["due_at", "change_request"]);
        due.cond_where(Expr::col("due_at").is_not_null());
        manager.create_index(due).await?;

        let mut open = index("tasks_open", "tasks", &["id"]);
        open.cond_where(Expr::col("ended").not());
        manager.create_index(open).await?;

        let mut runner = index("tasks_open_by_runner", "tasks", &["runner", "id"]);
        runner.cond_where(
            Expr::col("ended")
                .not()
                .and(Expr::col("runner").is_not_null()),
        );
        manager.create_index(runner).await?;

        let mut release = index("tasks_by_release", "tasks", &["release", "id"]);
        release.cond_where(Expr::col("release").is_not_null());
        manager.create_index(release).await?;

        let place = ["project", "environment", "id"];
        manager
            .create_index(index("tasks_by_project", "tasks", &place))
            .await
    }
}
