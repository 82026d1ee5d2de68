//! People and services, and the person who triggered a task.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The issuer of everybody where nobody else vouches for them.
pub const LOCAL_ISSUER: &str = "local";

/// Who it is: two persons are one exactly when issuer and subject are equal, byte for byte (D2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Person {
    /// Who vouches for the subject.
    pub issuer: String,
    /// The subject the issuer knows.
    pub subject: String,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)
    }
}

/// The person who triggered a task (C3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creator {
    /// Who it is.
    pub person: Person,
    /// How to show them; decides nothing.
    pub display_name: String,
    /// True when a service triggered the task.
    pub service: bool,
}
