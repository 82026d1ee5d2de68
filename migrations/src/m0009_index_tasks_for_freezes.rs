//! The tasks that freezes hold, let go, or would hold, in the order of what holds them.

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
        // Of all open tasks, although a freeze changes only those that are cleared or held: an
        // index of these would depend on their state, and PostgreSQL would no longer clear and
        // start tasks in place. A freeze turns seldom, and looking through a million takes a second
        // or two.
        let place = ["change_request", "id"];
        let mut open = index("tasks_open_by_change_request", "tasks", &place);
        open.cond_where(Expr::col("ended").not());
        manager.create_index(open).await
    }
}
