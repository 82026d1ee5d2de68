//! The scenario in `node/`, which reads the proto files when it starts.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Database;
use crate::scenario;
use crate::tool::installed;

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

/// Node looks for packages in the folders above a source, so the two are brought together in a
/// folder of this run: the sources say `import` as everywhere, and nothing is installed beside
/// them.
async fn play(database: &Database, folder: &TempDir) {
    let packages = installed("COUNTERSIGN_TEST_NODE_MODULES", "tests/tools/node-packages");
    symlink(packages, folder.path().join("node_modules")).unwrap();
    symlink(
        top().join("tests/interop/node"),
        folder.path().join("client"),
    )
    .unwrap();

    let mut scenario = Command::new("node");
    scenario
        .args(["--preserve-symlinks", "--preserve-symlinks-main"])
        .arg(folder.path().join("client").join("scenario.js"))
        .arg(top().join("proto"))
        // A user's own settings and folders of packages are not asked.
        .env_remove("NODE_OPTIONS")
        .env_remove("NODE_PATH");
    scenario::play(database, scenario).await;
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
