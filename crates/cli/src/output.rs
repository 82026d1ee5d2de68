//! What people read: results on standard output, complaints on standard error.

use std::io::Write as _;

use clap::ValueEnum;

/// How a result is shown.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For machines: JSON.
    Json,
}

/// Prints a line of a result.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// Prints why something failed. A closed standard error is no reason to fail once more.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "countersign: {text}"));
}

/// Prints what is beside the result, on standard error. If that is closed, nobody wants to know.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}
