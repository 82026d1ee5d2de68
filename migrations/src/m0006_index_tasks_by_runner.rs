//! The tasks of a runner, in the order of the change requests that hold them, also those that have
//! ended: a watch that is narrowed to a runner reads them page by page.

use sea_orm_migration::prelude::*;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Neither column ever changes, so a task is still updated in place.
        let mut runner = index("tasks_by_runner", "tasks", &["runner", "change_request"]);
        runner.cond_where(Expr::col("runner").is_not_null());
        manager.create_index(runner).await
    }
}
