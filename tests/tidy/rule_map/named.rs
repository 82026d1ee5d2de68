//! Whoever meets the number of a rule, in a refusal or in the API's comments, can look it up.

use super::book::{self, Book};
use super::number::is_number;
use super::shown::whole_tree;
use crate::tree::{File, files, verdict};

/// Where the rules of most refusals are named.
const REFUSALS: &str = "crates/domain/src/refusal.rs";

#[test]
fn every_rule_that_is_named_is_in_the_book() -> anyhow::Result<()> {
    let (book, _) = whole_tree()?;
    let files = files()?;
    let mut complaints: Vec<String> = files.iter().flat_map(|it| unknown(&book, it)).collect();
    for path in [REFUSALS, "proto/countersign/v1/policy.proto"] {
        let mut looked_at = files.iter().filter(|file| file.path == path);
        if looked_at.all(|file| named(file).is_empty()) {
            complaints.push(format!("{path} names no rule; this test looked at nothing"));
        }
    }
    verdict(&complaints)
}

fn unknown(book: &Book, file: &File) -> Vec<String> {
    let named = named(file).into_iter();
    let unknown = named.filter(|(_, number)| !book.has(number));
    unknown
        .map(|(line, number)| format!("{}:{line}: {number} is not in {}", file.path, book::PATH))
        .collect()
}

/// The rules that a file names to those who use the product, each with its line.
fn named(file: &File) -> Vec<(usize, &str)> {
    let of_line: fn(&str) -> Vec<&str> = if file.path.ends_with(".proto") {
        in_comment
    } else if file.is_rust() && file.path.starts_with("crates/") && file.path.contains("/src/") {
        in_literals
    } else {
        return Vec::new();
    };
    let lines = file.text.lines().enumerate();
    lines
        .flat_map(|(index, line)| of_line(line).into_iter().map(move |it| (index + 1, it)))
        .collect()
}

/// Numbers in the running text of `// … (rules G2, G3)`.
fn in_comment(line: &str) -> Vec<&str> {
    let comment = line.split_once("//").map_or("", |(_, comment)| comment);
    let words = comment.split(|it: char| !it.is_alphanumeric());
    words.filter(|word| is_number(word)).collect()
}

/// String literals that are a number and nothing else.
fn in_literals(line: &str) -> Vec<&str> {
    line.split('"').filter(|text| is_number(text)).collect()
}

#[test]
fn a_rule_that_cannot_be_looked_up_is_seen() {
    let book = book::sample(&["D5", "G2"], &["W3"]);
    let rust = "Self::Ended => \"D5\",\nSelf::New => \"D55\",\nlet text = \"D6 is no number\";\n";
    let proto = "// One is enough (rules D5, G2 to G3).\nstring w3 = 1; // Later (rule W3).\n";
    let rows = [
        ("crates/server/src/x.rs", rust, 1),
        ("tests/x.rs", rust, 0),
        ("proto/x.proto", proto, 2),
        ("README.md", proto, 0),
    ];
    for (path, text, count) in rows {
        let found = unknown(&book, &File::sample(path, text));
        assert_eq!(found.len(), count, "{path}: {found:?}");
    }
}
