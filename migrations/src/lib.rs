//! The schema, as migrations that only go forward.
//!
//! One file states one intent and is never edited once it was released. Migrations expand: what an
//! older release reads stays readable, because two releases run at once during an update. Instants
//! are integers (microseconds), enums are text, documents are text.
//!
//! To add one: a file `mNNNN_<what_it_does>.rs`, a line in [`Migrator::migrations`], and a run of
//! the store's tests, which apply all of them on SQLite and on PostgreSQL.

mod columns;
mod m0001_create_entries;
mod m0002_create_change_requests;
mod m0003_create_tasks;
mod m0004_create_resultants;
mod m0005_create_policies_and_teams;
mod m0006_index_tasks_by_runner;
mod m0007_share_and_expire_change_requests;
mod m0008_create_freezes;
mod m0009_index_tasks_for_freezes;
mod m0010_create_tokens;
mod postgres;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseConnection;

/// Applies the migrations.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_create_entries::Migration),
            Box::new(m0002_create_change_requests::Migration),
            Box::new(m0003_create_tasks::Migration),
            Box::new(m0004_create_resultants::Migration),
            Box::new(m0005_create_policies_and_teams::Migration),
            Box::new(m0006_index_tasks_by_runner::Migration),
            Box::new(m0007_share_and_expire_change_requests::Migration),
            Box::new(m0008_create_freezes::Migration),
            Box::new(m0009_index_tasks_for_freezes::Migration),
            Box::new(m0010_create_tokens::Migration),
        ]
    }
}

/// Applies what is missing. A database that a newer release has already expanded is left as it is:
/// this release reads it all the same.
pub async fn migrate(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let applied = Migrator::get_migration_models(connection).await?;
    let is_applied = |name: &str| applied.iter().any(|found| found.version == name);
    if Migrator::migrations()
        .iter()
        .all(|migration| is_applied(migration.name()))
    {
        return Ok(());
    }
    Migrator::up(connection, None).await
}
