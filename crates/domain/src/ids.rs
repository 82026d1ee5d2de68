//! Names and numbers that identify things. Each is its own type, so that none is taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::{self, Problem};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks a text that comes from outside.
            pub fn parse(text: &str) -> Result<Self, Problem> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }

            /// Takes a text that was checked when it was written.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// The orchestrator's id of a task.
    TaskId, text::name
);
text_id!(
    /// The id of a policy.
    PolicyId, text::name
);
text_id!(
    /// The id of a team.
    TeamId, text::name
);
text_id!(
    /// The id of a freeze.
    FreezeId, text::name
);
text_id!(
    /// The id of an API token.
    TokenId, text::name
);
text_id!(
    /// The id of a project.
    ProjectId, text::name
);
text_id!(
    /// The id of an environment.
    EnvironmentId, text::name
);
text_id!(
    /// The id of a release.
    ReleaseId, text::name
);
text_id!(
    /// The id of a tenant.
    TenantId, text::name
);
text_id!(
    /// The name of a runner or of a pool of runners.
    RunnerName, text::name
);
text_id!(
    /// The id of one attempt to start a task.
    ClaimId, text::name
);
text_id!(
    /// The id that makes a repeated call safe.
    RequestId, text::name
);
text_id!(
    /// The digest of what will run.
    ArtifactDigest, digest
);
text_id!(
    /// A tag, as `set/tag`.
    Tag, tag
);

fn digest(text: &str) -> Result<(), Problem> {
    text::bytes(text, 256)?;
    text::visible(text, |_| false)?;
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(Problem::new(
            "an empty text or white space",
            "a digest such as sha256:…",
        ));
    }
    Ok(())
}

fn tag(text: &str) -> Result<(), Problem> {
    let allowed = "a tag as set/tag, for example tier/critical";
    let Some((set, tag)) = text.split_once('/') else {
        return Err(Problem::new(format!("{text:?}"), allowed));
    };
    if tag.contains('/') {
        return Err(Problem::new(format!("{text:?}"), allowed));
    }
    text::name(set)?;
    text::name(tag)
}

impl Tag {
    /// The set the tag belongs to.
    pub fn set(&self) -> &str {
        self.0
            .split_once('/')
            .map_or(self.0.as_str(), |(set, _)| set)
    }
}

/// The number of a change request, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CrNumber(pub u64);

/// What stands before the number: `CR` gives `CR-42`. Fixed when the store is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CrPrefix(String);

impl CrPrefix {
    /// Checks a prefix: 1 to 16 capital letters and digits, beginning with a letter.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let fits = (1..=16).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if fits {
            return Ok(Self(text.to_owned()));
        }
        let allowed = "1 to 16 capital letters and digits, beginning with a letter";
        Err(Problem::new(format!("{text:?}"), allowed))
    }

    /// The number as people write it; `CR-?` for 0, which stands for one that is not given yet.
    pub fn format(&self, number: CrNumber) -> String {
        match number.0 {
            0 => format!("{}-?", self.0),
            given => format!("{}-{given}", self.0),
        }
    }

    /// Reads a number as people write it; `None` for any other text.
    pub fn parse_number(&self, text: &str) -> Option<CrNumber> {
        let digits = text.strip_prefix(self.0.as_str())?.strip_prefix('-')?;
        let canonical = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        canonical
            .then(|| digits.parse().ok().map(CrNumber))
            .flatten()
    }

    /// The prefix alone.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a caller names a change request by: its number, or a task it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrRef {
    /// By number.
    Number(CrNumber),
    /// By a task it holds.
    Task(TaskId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_only_as_they_are_written() {
        let prefix = CrPrefix::parse("CR").unwrap();
        let rows = [
            ("CR-42", Some(42)),
            ("CR-1", Some(1)),
            ("CR-0", None),
            ("CR-042", None),
            ("cr-42", None),
            ("CR-+4", None),
            ("CR-", None),
            ("OCT-42", None),
            ("CR-99999999999999999999", None),
        ];
        for (text, number) in rows {
            assert_eq!(prefix.parse_number(text).map(|n| n.0), number, "{text}");
        }
        assert_eq!(prefix.format(CrNumber(42)), "CR-42");
    }

    #[test]
    fn tags_name_their_set() {
        assert_eq!(Tag::parse("tier/critical").unwrap().set(), "tier");
        for bad in ["tier", "/critical", "tier/", "a/b/c", ""] {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn prefixes_are_plain() {
        for bad in ["", "cr", "1R", "C-R", "ABCDEFGHIJKLMNOPQ"] {
            assert!(CrPrefix::parse(bad).is_err(), "{bad:?}");
        }
        assert!(CrPrefix::parse("OCT2").is_ok());
    }
}
