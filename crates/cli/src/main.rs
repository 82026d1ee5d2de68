//! `countersign`: the one binary.

mod arguments;
mod demo;
mod migrate;
mod output;
mod serve;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Verb};

/// The command was carried out.
const DONE: u8 = 0;
/// It could not be carried out, or `verify` found a store that does not prove.
const FAILED: u8 = 1;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Serve(arguments) => serve::run(*arguments).await,
        Verb::Demo { keep } => demo::run(keep).await,
        Verb::Verify(arguments) => verify::run(arguments).await,
        Verb::Migrate(arguments) => migrate::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::from(DONE),
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}
