//! What the scenarios of all languages have in common: a server that they may have killed, and a
//! proof of its store when they have ended.

use tokio::process::Command;

use crate::control::Control;
use crate::process::{Database, Server};
use crate::tool::printed;

/// Runs a scenario, which is told where the server is and where it is controlled.
pub(crate) async fn play(database: &Database, mut scenario: Command) {
    let server = Server::start(database).await;
    let address = server.address();
    let control = Control::over(server).await;
    scenario.args([&address, &control.address]);
    let told = printed(scenario).await;
    assert!(
        told.contains("stories"),
        "the scenario ended well without a word: {told}"
    );
    let mut server = control.end().await;
    server.kill().await;
    database.verify().await;
}
