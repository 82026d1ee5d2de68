//! What every answer about a change request needs to know beside it.

use countersign_domain::Instant;
use countersign_domain::ids::{CrNumber, CrPrefix};

/// How this store writes numbers, and the instant that what is shown is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Show<'a> {
    /// What stands before numbers.
    pub(crate) prefix: &'a CrPrefix,
    /// Now.
    pub(crate) now: Instant,
}

impl Show<'_> {
    /// A number as people write it; nothing for 0, which is never given.
    pub(crate) fn number(&self, number: CrNumber) -> String {
        if number.0 == 0 {
            String::new()
        } else {
            self.prefix.format(number)
        }
    }
}
