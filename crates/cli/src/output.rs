//! What people read: results on standard output, complaints on standard error.

use std::io::Write as _;

/// Prints a line of a result.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// Prints why something failed. A closed standard error is no reason to fail once more.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "countersign: {text}"));
}
