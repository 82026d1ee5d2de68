//! `countersign conformance`: plays the conformance cases against a server.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use countersign_conformance::{
    CALLERS, Callers, Case, Options, Player, RealClock, Target, Verdict, bundled, read,
};
use futures::StreamExt as _;

use crate::arguments::Conformance;
use crate::output;

/// How many cases are played at once; most of them only wait.
const AT_ONCE: usize = 8;
/// How long to wait for what must be seen, such as a signal.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays the cases that are asked for, and prints one line for each.
pub(crate) async fn run(arguments: Conformance) -> anyhow::Result<()> {
    if arguments.callers {
        return list_callers();
    }
    let cases = chosen(&arguments)?;
    let Some(address) = &arguments.address else {
        return list(&cases);
    };
    let callers = match &arguments.credentials {
        Some(file) => Callers::read(&text(file)?)?,
        None => Callers::insecure_dev(),
    };
    let run = new_run();
    let target = Target::look(address, callers, &run).await?;
    let clock = RealClock::ahead_by(target.ahead);
    let options = Options {
        run,
        slow: arguments.slow,
        patience: PATIENCE,
    };
    let player = Player::new(target, clock, options);
    play(&player, &cases).await
}

async fn play(player: &Player<RealClock>, cases: &[Case]) -> anyhow::Result<()> {
    let playing = cases.iter().enumerate();
    let playing = playing.map(|(number, case)| player.play(number, case));
    let mut verdicts = futures::stream::iter(playing).buffered(AT_ONCE);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for case in cases {
        let Some(verdict) = verdicts.next().await else {
            bail!("a case did not come out at all: {}", case.title());
        };
        let title = case.title();
        match verdict {
            Verdict::Passed => {
                passed += 1;
                output::line(&format!("ok       {title}"))?;
            }
            Verdict::Failed(failure) => {
                failed += 1;
                output::line(&format!("failed   {title} ({})", case.rules.join(", ")))?;
                for line in failure.to_string().lines() {
                    output::line(&format!("         {line}"))?;
                }
            }
            Verdict::Skipped(why) => {
                skipped += 1;
                output::line(&format!("skipped  {title}: {why}"))?;
            }
        }
    }
    output::line(&format!(
        "{passed} passed, {failed} failed, {skipped} skipped"
    ))?;
    ensure!(
        failed == 0,
        "the server does not do what {failed} cases expect"
    );
    ensure!(passed > 0, "no case was played");
    Ok(())
}

/// The cases that are asked for, in the order in which they are played.
fn chosen(arguments: &Conformance) -> anyhow::Result<Vec<Case>> {
    let mut cases = match &arguments.cases {
        Some(folder) => read_folder(folder)?,
        None => bundled()?,
    };
    if let Some(part) = &arguments.case {
        cases.retain(|case| case.title().contains(part.as_str()));
        ensure!(!cases.is_empty(), "no case has {part:?} in its title");
    }
    ensure!(!cases.is_empty(), "there are no cases");
    Ok(cases)
}

/// All cases of a folder: its files with the extension `yaml`, by name.
fn read_folder(folder: &Path) -> anyhow::Result<Vec<Case>> {
    let context = || format!("failed to read {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        if path.extension().is_some_and(|it| it == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let topic = file.file_stem().unwrap_or_default().to_string_lossy();
        cases.extend(read(&topic, &text(&file)?)?);
    }
    Ok(cases)
}

fn text(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))
}

fn list(cases: &[Case]) -> anyhow::Result<()> {
    for case in cases {
        output::line(&format!("{} ({})", case.title(), case.rules.join(", ")))?;
    }
    output::line(&format!("{} cases", cases.len()))
}

fn list_callers() -> anyhow::Result<()> {
    for (name, role) in CALLERS {
        output::line(&format!("{name}: {role}"))?;
    }
    output::line("each with a grant for all projects and environments")
}

/// The name of this run, short because it stands before every id.
#[expect(
    clippy::disallowed_methods,
    reason = "the one edge where a run of the cases gets its name"
)]
fn new_run() -> String {
    let id = uuid::Uuid::now_v7().simple().to_string();
    // The last digits are random; the first ones tell the time.
    format!("run{}", &id[id.len() - 8..])
}
