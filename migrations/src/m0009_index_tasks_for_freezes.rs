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
        // What a freeze that begins or ends can change at once, which is little: most open tasks
        // wait for approval, and there may be a million of them. The price is that PostgreSQL no
        // longer clears and starts tasks in place: the index depends on their state.
        let place = ["change_request", "id"];
        let mut swept = index("tasks_held_or_cleared", "tasks", &place);
        swept.cond_where(
            Expr::col("state")
                .eq("CLEARED")
                .or(Expr::col("waiting_for").eq("freeze")),
        );
        manager.create_index(swept).await?;

        let mut open = index("tasks_open_by_change_request", "tasks", &place);
        open.cond_where(Expr::col("ended").not());
        manager.create_index(open).await
    }
}
