//! The rule book, `docs/rules.md`: the one list of rules.
//!
//! A rule is a heading that begins with an anchor of its number, because a heading with a title
//! would otherwise be found under its title only. Reserved numbers stand in a table of their own.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};

use super::number::is_number;
use crate::tree::{File, files, verdict};

pub(super) const PATH: &str = "docs/rules.md";

const RESERVED: &str = "## Reserved numbers";

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) number: String,
    pub(super) title: String,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    /// In the order of the book.
    pub(super) rules: Vec<Rule>,
    /// Numbers of what a later release brings.
    pub(super) reserved: BTreeSet<String>,
}

impl Book {
    pub(super) fn has(&self, number: &str) -> bool {
        self.rules.iter().any(|rule| rule.number == number)
    }
}

/// The rule book of the tree.
pub(super) fn read(files: &[File]) -> anyhow::Result<Book> {
    let book = parse(&text(files)?.text);
    ensure!(!book.rules.is_empty(), "{PATH} holds no rule");
    Ok(book)
}

fn text(files: &[File]) -> anyhow::Result<&File> {
    let found = files.iter().find(|file| file.path == PATH);
    found.with_context(|| format!("there is no {PATH}"))
}

#[test]
fn the_rule_book_can_be_looked_up() -> anyhow::Result<()> {
    verdict(&complaints(text(&files()?)?))
}

fn parse(text: &str) -> Book {
    let mut book = Book::default();
    let mut is_reserved = false;
    for line in text.lines() {
        is_reserved = if line.starts_with("## ") {
            line == RESERVED
        } else {
            is_reserved
        };
        if let Some((_, number, title)) = line.strip_prefix("### ").and_then(anchored) {
            book.rules.push(Rule {
                number: number.to_owned(),
                title: title.to_owned(),
            });
        } else if let Some((_, number, _)) = line.strip_prefix("| ").and_then(anchored)
            && is_reserved
        {
            book.reserved.insert(number.to_owned());
        }
    }
    book
}

/// Anchor, number and what follows of `<a id="d5"></a>D5 One rejection ends it`.
fn anchored(text: &str) -> Option<(&str, &str, &str)> {
    let (anchor, rest) = text.strip_prefix("<a id=\"")?.split_once("\"></a>")?;
    let (number, title) = rest.split_once(' ')?;
    is_number(number).then_some((anchor, number, title))
}

fn complaints(file: &File) -> Vec<String> {
    let anchors: Vec<&str> = between(&file.text, "<a id=\"", "\"").collect();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, line) in file.text.lines().enumerate() {
        let place = format!("{}:{}", file.path, index + 1);
        let heading = line.strip_prefix("### ");
        let entry = heading.or_else(|| line.strip_prefix("| "));
        match entry.and_then(anchored) {
            Some((anchor, number, _)) => {
                if anchor != number.to_lowercase() {
                    found.push(format!("{place}: {number} is found under #{anchor}"));
                }
                if !seen.insert(number) {
                    found.push(format!("{place}: {number} stands here a second time"));
                }
            }
            None if heading.is_some() => {
                found.push(format!("{place}: no rule: ### <a id=\"d5\"></a>D5 Title"));
            }
            None => {}
        }
        for link in between(line, "](#", ")").filter(|link| !anchors.contains(link)) {
            found.push(format!("{place}: #{link} leads nowhere"));
        }
    }
    found
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, begin: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    let rest = text.split(begin).skip(1);
    rest.filter_map(move |it| it.split_once(end).map(|(inside, _)| inside))
}

#[cfg(test)]
pub(super) fn sample(rules: &[&str], reserved: &[&str]) -> Book {
    let anchor = |it: &str| format!("<a id=\"{}\"></a>{it}", it.to_lowercase());
    let rules = rules
        .iter()
        .map(|it| format!("### {} The title\n\n", anchor(it)));
    let rows = reserved
        .iter()
        .map(|it| format!("| {} | later |\n", anchor(it)));
    let rules: String = rules.collect();
    let rows: String = rows.collect();
    parse(&format!("{rules}{RESERVED}\n\n{rows}"))
}

#[test]
fn rules_and_reserved_numbers_are_told_apart() {
    let book = sample(&["D5", "D12"], &["W3"]);
    assert_eq!(book.rules.len(), 2, "{book:?}");
    assert_eq!(book.rules[1].title, "The title");
    assert!(book.has("D12") && !book.has("W3"));
    assert_eq!(book.reserved, BTreeSet::from(["W3".to_owned()]));
    let row_of_a_rule = "### <a id=\"d5\"></a>D5 A\n\n| <a id=\"d6\"></a>D6 | no rule |\n";
    assert!(parse(row_of_a_rule).reserved.is_empty());
}

#[test]
fn what_cannot_be_looked_up_is_seen() {
    let good = "### <a id=\"d5\"></a>D5 A\n\nAs [D5](#d5) says.\n";
    let samples = [
        ("### D5 Without an anchor\n", "no rule"),
        ("### <a id=\"d7\"></a>D6 B\n", "under #d7"),
        ("### <a id=\"d5\"></a>D5 A\n", "second time"),
        ("See [D8](#d8).\n", "#d8 leads nowhere"),
    ];
    let check = |text: &str| complaints(&File::sample(PATH, text));
    assert_eq!(check(good), Vec::<String>::new());
    for (bad, said) in samples {
        let found = check(&format!("{good}\n{bad}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(said), "{found:?}");
    }
}
