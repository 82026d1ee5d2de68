//! Everything in the tree that shows a rule.

use super::book::{self, Book};
use super::{cases, source};
use crate::tree::{File, files};

/// Where a test shows its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Over gRPC, on SQLite and on PostgreSQL, in every run of the tests.
    BothStores,
    /// Anywhere else: a table, a property, one store, the fault programme.
    Elsewhere,
}

/// One test, or one conformance case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// The file it stands in, from the top of the repository.
    pub(super) path: String,
    /// What to call it.
    pub(super) name: String,
    /// The numbers of the rules it shows.
    pub(super) rules: Vec<String>,
    pub(super) place: Place,
}

/// The rule book, and everything that shows a rule, by path.
pub(super) fn whole_tree() -> anyhow::Result<(Book, Vec<Shown>)> {
    let files = files()?;
    let book = book::read(&files)?;
    let mut shown: Vec<Shown> = files.iter().flat_map(shown_in).collect();
    shown.sort_by(|one, other| one.path.cmp(&other.path));
    Ok((book, shown))
}

fn shown_in(file: &File) -> Vec<Shown> {
    if file.is_rust() && !file.path.starts_with("tests/tidy/") {
        source::tests(file)
    } else if file.path.starts_with("tests/cases/") {
        cases::cases(file)
    } else {
        // The samples of this very check stand in tests/tidy, and show nothing.
        Vec::new()
    }
}
