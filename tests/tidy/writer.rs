//! One door to the write transaction, one place for SQL.
//!
//! Every change of state goes through the engine's writer, which takes the write lock, reads the
//! clock and appends to the log. A second place that could open a write transaction would be a
//! second door.

use crate::tree::{File, files, verdict};

/// Spelled in halves, so that this file does not find itself.
const DOOR: &str = concat!("Write", "Transaction");

/// `store` defines the type, `engine` is the one that uses it.
const DOOR_KEEPERS: &[&str] = &["crates/store/", "crates/engine/"];

/// Statements that differ by dialect stand in pairs in `sql`; migrations write the schema; tests
/// may tamper with it.
const SQL_PLACES: &[&str] = &["crates/store/src/sql", "migrations/", "tests/"];

/// How a literal of SQL begins. Capitals only: help texts also say "select" and "update".
const STATEMENTS: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "BEGIN IMMEDIATE",
    "CREATE TABLE ",
    "ALTER TABLE ",
    "PRAGMA ",
    "NOTIFY ",
];

#[test]
fn only_the_engine_opens_write_transactions() -> anyhow::Result<()> {
    check(second_doors)
}

#[test]
fn sql_stands_in_one_place() -> anyhow::Result<()> {
    check(stray_sql)
}

fn check(rule: fn(&File) -> Vec<String>) -> anyhow::Result<()> {
    let complaints: Vec<String> = files()?
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(rule)
        .collect();
    verdict(&complaints)
}

fn second_doors(file: &File) -> Vec<String> {
    if DOOR_KEEPERS.iter().any(|it| file.path.starts_with(it)) {
        return Vec::new();
    }
    let cure = "send a command to the engine instead (tests/tidy/writer.rs)";
    lines_with(file, |line| line.contains(DOOR))
        .map(|at| format!("{}:{at}: {DOOR}: {cure}", file.path))
        .collect()
}

fn stray_sql(file: &File) -> Vec<String> {
    if SQL_PLACES.iter().any(|it| file.path.starts_with(it)) {
        return Vec::new();
    }
    lines_with(file, begins_sql)
        .map(|at| format!("{}:{at}: SQL belongs into crates/store/src/sql", file.path))
        .collect()
}

/// A string literal that begins with a statement, also when the literal begins in the line above.
fn begins_sql(line: &str) -> bool {
    let begin = line.trim_start();
    STATEMENTS
        .iter()
        .any(|it| begin.starts_with(it) || line.contains(&format!("\"{it}")))
}

fn lines_with(file: &File, matches: impl Fn(&str) -> bool) -> impl Iterator<Item = usize> {
    let lines = file.text.lines().enumerate();
    lines
        .filter(move |(_, line)| matches(line))
        .map(|(index, _)| index + 1)
}

#[test]
fn a_second_door_is_seen() {
    let text = format!("use countersign_store::{DOOR};\n");
    for path in [
        "crates/server/src/x.rs",
        "crates/scheduler/src/x.rs",
        "tests/conformance/x.rs",
    ] {
        assert_eq!(second_doors(&File::sample(path, &text)).len(), 1, "{path}");
    }
    for path in ["crates/engine/src/writer.rs", "crates/store/src/write.rs"] {
        assert_eq!(second_doors(&File::sample(path, &text)).len(), 0, "{path}");
    }
}

#[test]
fn stray_sql_is_seen() {
    let samples = [
        "    let text = \"SELECT 1\";\n",
        "    query(\n        r\"\n        INSERT INTO task VALUES (1)\",\n    )\n",
        "    connection.execute(\"PRAGMA user_version\")\n",
    ];
    for text in samples {
        assert_eq!(
            stray_sql(&File::sample("crates/engine/src/x.rs", text)).len(),
            1,
            "{text}"
        );
        assert_eq!(
            stray_sql(&File::sample("crates/store/src/sql/x.rs", text)).len(),
            0
        );
    }
    let help = "    /// Select tasks, update nothing.\n    help(\"update a policy\")\n";
    assert_eq!(
        stray_sql(&File::sample("crates/cli/src/x.rs", help)).len(),
        0
    );
}
