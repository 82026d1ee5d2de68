//! What an intruder with the database's password could do to a store.

use countersign_store::{StoreConfig, testing};
use sea_orm::sea_query::{
    DeleteStatement, Expr, ExprTrait, Index, InsertStatement, Query, Table, UpdateStatement,
};
use sea_orm::{ConnectionTrait, DbBackend};

/// An intruder.
pub(crate) struct Intruder {
    connection: sea_orm::DatabaseConnection,
}

impl Intruder {
    pub(crate) async fn into(config: &StoreConfig) -> Self {
        Self {
            connection: testing::intrude(config).await.unwrap(),
        }
    }

    pub(crate) async fn update(&self, statement: &UpdateStatement) {
        let done = self.connection.execute(statement).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement:?} hit nothing");
    }

    pub(crate) async fn delete(&self, statement: &DeleteStatement) {
        let done = self.connection.execute(statement).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement:?} hit nothing");
    }

    /// A stored value, to be put back later.
    pub(crate) async fn keep(
        &self,
        table: &'static str,
        key: (&'static str, Expr),
        column: &'static str,
    ) -> Expr {
        let mut query = Query::select();
        query
            .column(column)
            .from(table)
            .and_where(Expr::col(key.0).eq(key.1));
        let row = self
            .connection
            .query_one(&query.take())
            .await
            .unwrap()
            .unwrap();
        if let Ok(text) = row.try_get_by::<Option<String>, usize>(0) {
            return Expr::val(text);
        }
        if let Ok(number) = row.try_get_by::<Option<i64>, usize>(0) {
            return Expr::val(number);
        }
        Expr::val(row.try_get_by::<bool, usize>(0).unwrap())
    }

    /// Copies a change request under another number.
    pub(crate) async fn copy_change_request(&self, from: i64, to: i64) -> i64 {
        let columns = [
            "state",
            "kind",
            "project",
            "environment",
            "release",
            "approval_required",
            "resultant",
            "frozen",
            "live",
            "sequence",
        ];
        let mut original = Query::select();
        original
            .expr(Expr::val(to))
            .columns(columns)
            .from("change_requests");
        original.and_where(Expr::col("number").eq(from));
        let mut copy = Query::insert();
        copy.into_table("change_requests")
            .columns(["number"].into_iter().chain(columns));
        copy.select_from(original.take()).unwrap();
        self.connection.execute(&copy.take()).await.unwrap();
        to
    }

    /// Takes the schema back to what it was before there were tokens.
    pub(crate) async fn forget_tokens(&self) {
        let mut index = Index::drop();
        index.name("entries_of_directory_with_tokens");
        self.connection.execute(&index).await.unwrap();
        let mut table = Table::drop();
        table.table("tokens");
        self.connection.execute(&table).await.unwrap();
        let applied = ("version", Expr::val("m0010_create_tokens"));
        self.delete(&delete("seaql_migrations", applied)).await;
    }

    /// Whether the store has an index of this name.
    pub(crate) async fn has_index(&self, name: &str) -> bool {
        let (table, column) = match self.connection.get_database_backend() {
            DbBackend::Postgres => ("pg_indexes", "indexname"),
            _ => ("sqlite_master", "name"),
        };
        let mut query = Query::select();
        query
            .column(column)
            .from(table)
            .and_where(Expr::col(column).eq(name));
        let found = self.connection.query_one(&query.take()).await.unwrap();
        found.is_some()
    }

    pub(crate) async fn insert(&self, statement: &InsertStatement) {
        self.connection.execute(statement).await.unwrap();
    }
}

/// Sets a column of one row.
pub(crate) fn set(
    table: &'static str,
    key: (&'static str, Expr),
    column: &'static str,
    value: impl Into<Expr>,
) -> UpdateStatement {
    let mut statement = Query::update();
    statement
        .table(table)
        .value(column, value)
        .and_where(Expr::col(key.0).eq(key.1));
    statement.take()
}

/// Deletes one row.
pub(crate) fn delete(table: &'static str, key: (&'static str, Expr)) -> DeleteStatement {
    let mut statement = Query::delete();
    statement
        .from_table(table)
        .and_where(Expr::col(key.0).eq(key.1));
    statement.take()
}
