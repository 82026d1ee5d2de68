//! `countersign demo`, as whoever tries it first sees it.

use tokio::process::Command;

use crate::process::program;
use crate::tool::output;

/// What is printed, in this order: of the scenes about tokens and time the title and what they
/// come to.
const TOLD: &[&str] = &[
    "1. Everybody calls with a token of their own",
    "countersign token create --id erin --kind person --role access_admin",
    "--out erin.token",
    "countersign token create --id mallory --kind person --subject mallory --project web",
    "mallory of local, a person; projects web",
    "countersign token revoke mallory",
    "token mallory was revoked at ",
    "refused: a credential is missing or not accepted",
    "2. ",
    "7. A policy says when, by the clocks of Berlin",
    "closes at 2026-03-27T17:00:00+01:00[Europe/Berlin]",
    "opens at 2026-03-30T09:00:00+02:00[Europe/Berlin]",
    "runner  hears PROCEED (generation 1), but is busy",
    "8. A freeze holds what is cleared, and lets it go",
    "runner  hears HOLD",
    "freeze database-trouble holds it until it is lifted (the database is slow)",
    "refused: ",
    "operator  lifts the freeze",
    "started with generation 2; nothing starts with generation 1 any more",
    "9. ",
    "10. ",
];

#[tokio::test]
async fn the_whole_story_is_told() {
    let mut command = Command::new(program());
    command.arg("demo");
    let output = output(command).await;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{complained}");
    let mut left = &*said;
    for part in TOLD {
        let Some((_, behind)) = left.split_once(part) else {
            panic!("{part}\nnot at its place in\n{said}");
        };
        left = behind;
    }
}
