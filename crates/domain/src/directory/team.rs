//! A team as kept, and as somebody wants it to be.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::TeamId;
use crate::log::Stamp;
use crate::person::Person;

/// What people say about a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamDraft {
    /// Its id.
    pub id: TeamId,
    /// Its name for people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The members kept here.
    pub members: BTreeSet<Person>,
    /// Members are those whose credential claims the team; none are kept here (D10).
    pub claimed: bool,
}

/// A field that an update may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamField {
    /// The name for people.
    Name,
    /// What it is for.
    Description,
    /// The members.
    Members,
}

impl TeamDraft {
    /// Takes over the named fields of another draft.
    pub fn merge(&mut self, other: Self, fields: &BTreeSet<TeamField>) {
        for field in fields {
            match field {
                TeamField::Name => self.name.clone_from(&other.name),
                TeamField::Description => self.description.clone_from(&other.description),
                TeamField::Members => self.members.clone_from(&other.members),
            }
        }
    }
}

/// A team as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// What people said.
    pub draft: TeamDraft,
    /// How often it was changed, from 1.
    pub revision: u64,
    /// Its first entry in the log; a team made again under the same id has another one (D10).
    pub created: Stamp,
    /// Its newest entry in the log.
    pub stamp: Stamp,
}

impl Team {
    /// Changes with each change.
    pub fn etag(&self) -> String {
        self.stamp.sequence.to_string()
    }
}
