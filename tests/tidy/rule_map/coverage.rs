//! A rule without a test on both stores is a promise nobody keeps.

use super::book::{self, Book};
use super::shown::{Place, Shown, whole_tree};
use crate::tree::verdict;

#[test]
fn every_rule_has_a_test_on_both_stores() -> anyhow::Result<()> {
    let (book, shown) = whole_tree()?;
    verdict(&untested(&book, &shown))
}

#[test]
fn every_test_shows_a_rule_of_the_book() -> anyhow::Result<()> {
    let (book, shown) = whole_tree()?;
    verdict(&strangers(&book, &shown))
}

fn untested(book: &Book, shown: &[Shown]) -> Vec<String> {
    let is_tested = |number: &String| {
        let mut on_both = shown.iter().filter(|it| it.place == Place::BothStores);
        on_both.any(|it| it.rules.contains(number))
    };
    let untested = book.rules.iter().filter(|rule| !is_tested(&rule.number));
    untested
        .map(|rule| {
            let (number, name) = (&rule.number, rule.number.to_lowercase());
            format!(
                "{}: {number} has no test on both stores; write one named {name}_… with \
                 on_both_stores! in tests/conformance/rules",
                book::PATH
            )
        })
        .collect()
}

/// Tests of rules that are not there. One of a reserved number means that the number is in use, so
/// that it has to move from the reserved ones to the rules.
fn strangers(book: &Book, shown: &[Shown]) -> Vec<String> {
    let mut found = Vec::new();
    for Shown {
        path, name, rules, ..
    } in shown
    {
        for number in rules.iter().filter(|it| !book.has(it)) {
            let fault = if book.reserved.contains(number) {
                "is reserved; say in the rule book what it means now"
            } else {
                "is not in the rule book"
            };
            found.push(format!("{path}: {name}: {number} {fault}"));
        }
    }
    found
}

#[cfg(test)]
fn shown(number: &str, place: Place) -> Shown {
    Shown {
        path: "tests/x.rs".to_owned(),
        name: "x".to_owned(),
        rules: vec![number.to_owned()],
        place,
    }
}

#[test]
fn a_rule_without_a_test_on_both_stores_is_seen() {
    let book = book::sample(&["D5", "D6", "D7"], &["W3"]);
    let tests = [
        shown("D5", Place::BothStores),
        shown("D6", Place::Elsewhere),
    ];
    let found = untested(&book, &tests);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("D6") && found[1].contains("d7_"),
        "{found:?}"
    );
}

#[test]
fn a_test_of_no_rule_and_of_a_reserved_number_is_seen() {
    let book = book::sample(&["D5"], &["W3"]);
    let numbers = ["D5", "W3", "D99"];
    let tests = numbers.map(|it| shown(it, Place::Elsewhere));
    let found = strangers(&book, &tests);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("W3 is reserved"), "{found:?}");
    assert!(found[1].contains("D99 is not in"), "{found:?}");
}
