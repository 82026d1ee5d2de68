//! Programs of other people that the test run has installed.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// No call of a tool takes longer; one that does has hung.
const LIMIT: Duration = Duration::from_secs(180);

/// A tool that the test run names in a variable. Without it the test fails: what was not tested
/// must not look tested.
pub(crate) fn tool(variable: &str, script: &str) -> Command {
    Command::new(installed(variable, script))
}

/// Where a script has installed something, which the test run names in a variable.
pub(crate) fn installed(variable: &str, script: &str) -> String {
    let Ok(path) = std::env::var(variable) else {
        panic!("{variable} is not set: run `make test`, or set it to what `{script}` prints");
    };
    path
}

/// Runs a command to its end; one that outlives the limit is killed.
pub(crate) async fn output(mut command: Command) -> Output {
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let ended = timeout(LIMIT, running).await;
    ended
        .unwrap_or_else(|_| panic!("{command:?} hangs"))
        .unwrap()
}

/// What a command prints, which has to succeed.
pub(crate) async fn printed(command: Command) -> String {
    let called = format!("{:?}", command.as_std());
    let output = output(command).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{called}: {}\n{said}\n{complained}",
        output.status
    );
    said
}
