//! The table of abuse cases, `tests/abuse.md`: each family of bypasses has tests, each of these
//! exists, and whatever is called `abuse_…` stands in the table.
//!
//! A test is known by its attribute, or, in a macro that makes tests of bodies, by its parameters,
//! which have no types there.

use std::collections::BTreeSet;

use crate::functions;
use crate::tree::{File, files, verdict};

const PATH: &str = "tests/abuse.md";
/// How many families the table has. One more is welcome; none goes.
const FAMILIES: usize = 23;
const PREFIX: &str = "abuse_";

#[test]
fn every_abuse_case_is_tried_and_every_try_is_told() -> anyhow::Result<()> {
    verdict(&complaints(&files()?))
}

/// One family: where it stands, its number, and its tests, each as `path::name`.
struct Row<'a> {
    line: usize,
    number: Option<usize>,
    tests: Vec<&'a str>,
}

fn complaints(files: &[File]) -> Vec<String> {
    let Some(page) = files.iter().find(|file| file.path == PATH) else {
        return vec![format!("{PATH} is missing")];
    };
    let rows = rows(&page.text);
    let tests: BTreeSet<String> = files.iter().flat_map(tests).collect();
    let mut found = Vec::new();
    if rows.len() < FAMILIES {
        let count = rows.len();
        found.push(format!(
            "{PATH}: {count} families, {FAMILIES} at least: a bypass is tried for good"
        ));
    }
    for (place, row) in rows.iter().enumerate() {
        let line = row.line;
        if row.number != Some(place + 1) {
            found.push(format!(
                "{PATH}:{line}: the families are numbered from 1, without gaps"
            ));
        }
        if row.tests.is_empty() {
            found.push(format!("{PATH}:{line}: no test: name one as `path::name`"));
        }
        let unknown = row.tests.iter().filter(|test| !tests.contains(**test));
        found.extend(unknown.map(|test| format!("{PATH}:{line}: there is no test {test}")));
    }
    let told: BTreeSet<&str> = rows.iter().flat_map(|row| row.tests.clone()).collect();
    let untold = tests
        .iter()
        .filter(|test| is_abuse(test) && !told.contains(test.as_str()));
    found.extend(untold.map(|test| format!("{test} is in no row of {PATH}")));
    found
}

fn is_abuse(test: &str) -> bool {
    let name = test.rsplit("::").next();
    name.is_some_and(|name| name.starts_with(PREFIX))
}

/// The rows of the table: each begins with a number, and ends with its tests.
fn rows(text: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, number, .., tests, _] = cells.as_slice() else {
            continue;
        };
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let quoted = tests.split('`').skip(1).step_by(2);
        rows.push(Row {
            line: index + 1,
            number: number.parse().ok(),
            tests: quoted.filter(|test| test.contains("::")).collect(),
        });
    }
    rows
}

/// The tests of a source file, each as `path::name`. Samples in this target are none.
fn tests(file: &File) -> Vec<String> {
    if !file.is_rust() || file.path.starts_with("tests/tidy/") {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = functions::name(line) else {
            continue;
        };
        if has_attribute(&lines[..index]) || is_body(line) {
            found.push(format!("{}::{name}", file.path));
        }
    }
    found
}

/// Whether the lines right before a function say that it is a test.
fn has_attribute(lines: &[&str]) -> bool {
    let before = lines.iter().rev().map(|line| line.trim());
    let mut before = before.take_while(|line| !line.is_empty() && !line.ends_with(['{', '}', ';']));
    before.any(|line| line == "#[test]" || line.starts_with("#[tokio::test"))
}

/// Whether a line begins the body of tests that a macro makes: `async fn name(gate) {`.
fn is_body(line: &str) -> bool {
    let parameters = line.trim_start().strip_prefix("async fn ");
    let parameters = parameters.and_then(|rest| rest.split_once('('));
    let names = parameters.and_then(|(_, rest)| rest.strip_suffix(") {"));
    names.is_some_and(|names| !names.is_empty() && !names.contains(':'))
}

#[cfg(test)]
fn page(rows: &[&str]) -> File {
    let head = "| | what | tests |\n|---|---|---|\n";
    let rows = rows.iter().enumerate();
    let rows = rows.map(|(place, tests)| format!("| {} | It. | {tests} |\n", place + 1));
    File::sample(PATH, &format!("{head}{}", rows.collect::<String>()))
}

/// As many families as there must be, all with this test.
#[cfg(test)]
fn full() -> Vec<&'static str> {
    vec!["`tests/x.rs::abuse_one`"; FAMILIES]
}

#[cfg(test)]
fn source() -> File {
    let text = "\
fn abuse_helper(gate: &Gate) {
}

on_both_stores! {
    async fn abuse_one(gate) {
        abuse_helper(gate).await;
    }
}

/// What it is about.
#[tokio::test(flavor = \"multi_thread\")]
async fn it_has_another_name() {
}

async fn abuse_shared(name: &str) {
}
";
    File::sample("tests/x.rs", text)
}

#[test]
fn tests_are_known_by_their_attribute_or_their_parameters() {
    let found = tests(&source());
    assert_eq!(
        found,
        ["tests/x.rs::abuse_one", "tests/x.rs::it_has_another_name"]
    );
    let elsewhere = File::sample("tests/tidy/x.rs", &source().text);
    assert_eq!(tests(&elsewhere), Vec::<String>::new());
}

#[test]
fn a_good_table_is_fine() {
    let mut rows = full();
    rows[1] = "`tests/x.rs::abuse_one`<br>`tests/x.rs::it_has_another_name`";
    assert_eq!(complaints(&[page(&rows), source()]), Vec::<String>::new());
}

#[test]
fn a_family_that_went_or_has_no_test_is_seen() {
    let rows = full();
    let fewer = complaints(&[page(&rows[1..]), source()]);
    assert_eq!(fewer.len(), 1, "{fewer:?}");
    assert!(fewer[0].contains("22 families"), "{fewer:?}");
    for untested in ["", "none yet", "`abuse_one`"] {
        let mut rows = full();
        rows[2] = untested;
        let found = complaints(&[page(&rows), source()]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("tests/abuse.md:5: no test"),
            "{found:?}"
        );
    }
    assert_eq!(complaints(&[source()]), ["tests/abuse.md is missing"]);
}

#[test]
fn a_test_that_is_not_there_and_one_that_is_untold_are_seen() {
    for gone in [
        "`tests/x.rs::abuse_two`",
        "`tests/y.rs::abuse_one`",
        "`tests/x.rs::abuse_shared`",
    ] {
        let mut rows = full();
        rows[0] = gone;
        let found = complaints(&[page(&rows), source()]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("there is no test"), "{found:?}");
    }
    let rows = vec!["`tests/x.rs::it_has_another_name`"; FAMILIES];
    let found = complaints(&[page(&rows), source()]);
    assert_eq!(
        found,
        ["tests/x.rs::abuse_one is in no row of tests/abuse.md"]
    );
}

#[test]
fn numbers_have_no_gaps() {
    let mut table = page(&full());
    table.text = table.text.replace("| 3 |", "| 3a |");
    let found = complaints(&[table, source()]);
    assert_eq!(found.len(), 1, "{found:?}");
}
