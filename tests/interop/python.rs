//! The scenario in `python/`, on stubs that are generated from the proto files for each run.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Database;
use crate::scenario;
use crate::tool::{printed, tool};

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    play(&Database::sqlite(&folder), &folder).await;
}

#[tokio::test]
async fn postgres() {
    let folder = tempfile::tempdir().unwrap();
    play(&Database::postgres().await, &folder).await;
}

async fn play(database: &Database, folder: &TempDir) {
    let stubs = folder.path().join("stubs");
    let mut generate = script("generate.py");
    generate.arg(&stubs);
    printed(generate).await;

    let mut scenario = script("scenario.py");
    scenario.env("PYTHONPATH", &stubs);
    scenario::play(database, scenario).await;
}

/// Python leaves nothing beside the sources, and asks no user's settings.
fn script(name: &str) -> Command {
    let mut command = tool("COUNTERSIGN_TEST_PYTHON", "tests/tools/python-env");
    command.args(["-B", "-s", "-u"]).arg(sources().join(name));
    command
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("interop")
        .join("python")
}
