//! Too much of anything is refused by name, never cut: what the API's comments call a limit is
//! taken, and one more is not.
//!
//! - [`tasks`], [`policies`], [`directory`]: what is created.
//! - [`decisions`], [`requests`], [`lists`]: what is decided, repeated and asked for.
//! - [`tried`]: each row just inside and just beyond, and that no limit is without a row.
//! - [`large`]: what is as large as may be counts to its last member.

mod decisions;
mod directory;
mod large;
mod lists;
mod policies;
mod requests;
mod tasks;
mod tried;

use super::call::Call;

/// One limit.
struct Row {
    /// The field as the proto files name it.
    of: &'static str,
    /// The field as refusals name it, and their rule.
    field: &'static str,
    rule: &'static str,
    /// How much is still taken, and how much is not.
    inside: usize,
    beyond: usize,
    /// The call with so much; what it creates has an id of its own for each number.
    call: fn(usize) -> Call,
}

/// At most so much.
fn at_most(of: &'static str, field: &'static str, most: usize, call: fn(usize) -> Call) -> Row {
    Row {
        of,
        field,
        rule: "E1",
        inside: most,
        beyond: most + 1,
        call,
    }
}

/// At least so much.
fn at_least(of: &'static str, field: &'static str, least: usize, call: fn(usize) -> Call) -> Row {
    Row {
        of,
        field,
        rule: "E1",
        inside: least,
        beyond: least - 1,
        call,
    }
}

impl Row {
    /// Refused by another rule than the general one.
    fn by(self, rule: &'static str) -> Self {
        Self { rule, ..self }
    }
}

/// A text of so many code points, of two bytes each.
fn points(count: usize) -> String {
    "é".repeat(count)
}

/// A text of so many bytes.
fn bytes(count: usize) -> String {
    "x".repeat(count)
}

/// So many different texts.
fn many(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}{number}"))
        .collect()
}

/// A request id of so many code points, of its own for each method: a used one is refused.
fn request(mark: char, count: usize) -> String {
    format!("{mark}{}", points(count - 1))
}
