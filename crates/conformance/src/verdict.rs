//! How a case came out.

use std::fmt;

/// How a case came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The server did what the case expects.
    Passed,
    /// It did not.
    Failed(Failure),
    /// The case was not played, for this reason.
    Skipped(String),
}

/// Where a case failed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The step, in words.
    pub(crate) step: String,
    /// What was sent, as grpcurl takes it.
    pub(crate) sent: Option<String>,
    /// What was expected and what was found, line by line.
    pub(crate) told: Vec<String>,
}

impl Failure {
    pub(crate) fn new(step: &str, told: Vec<String>) -> Self {
        Self {
            step: step.to_owned(),
            sent: None,
            told,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)?;
        if let Some(sent) = &self.sent {
            write!(f, "\nsent {sent}")?;
        }
        for line in &self.told {
            write!(f, "\n{line}")?;
        }
        Ok(())
    }
}
