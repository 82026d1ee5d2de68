//! `countersign`: the one binary.

mod arguments;
mod conformance;
mod demo;
mod descriptors;
mod json;
mod limits;
mod migrate;
mod output;
mod remote;
mod serve;
mod store;
mod token;
mod verify;
mod whoami;

use std::process::ExitCode;

use clap::Parser as _;
use countersign_server::VerifyError;

use arguments::{Arguments, Verb};

/// The command was carried out.
const DONE: u8 = 0;
/// It could not be carried out.
const FAILED: u8 = 1;
/// `verify` found a store that does not prove; 2 is a wrong command line.
const FOUND: u8 = 3;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Serve(arguments) => serve::run(*arguments).await,
        Verb::Demo { keep } => demo::run(keep).await,
        Verb::Token(arguments) => token::run(arguments).await,
        Verb::WhoAmI(arguments) => whoami::run(arguments).await,
        Verb::Verify(arguments) => verify::run(arguments).await,
        Verb::Migrate(arguments) => migrate::run(arguments).await,
        Verb::Conformance(arguments) => conformance::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::from(DONE),
        Err(error) => {
            output::complain(&format!("{error:#}"));
            let found = error
                .downcast_ref::<VerifyError>()
                .is_some_and(VerifyError::is_finding);
            ExitCode::from(if found { FOUND } else { FAILED })
        }
    }
}
