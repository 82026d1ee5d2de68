//! What only PostgreSQL has: room for updates in place, and cheap compression.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Leaves room in each page, so that a live text is rewritten in the page it is in (a HOT update),
/// without touching any index.
pub(crate) async fn leave_room_for_updates(
    manager: &SchemaManager<'_>,
    table: &str,
) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let statement = format!("ALTER TABLE {table} SET (fillfactor = 80)");
    manager
        .get_connection()
        .execute_unprepared(&statement)
        .await
        .map(drop)
}

/// Compresses long texts with LZ4 where the server has it: a fraction of the time of the default.
pub(crate) async fn compress(
    manager: &SchemaManager<'_>,
    table: &str,
    columns: &[&str],
) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for column in columns {
        let statement = format!(
            "DO $$ BEGIN
                EXECUTE 'ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4';
            EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
                NULL;
            END $$"
        );
        manager
            .get_connection()
            .execute_unprepared(&statement)
            .await?;
    }
    Ok(())
}
