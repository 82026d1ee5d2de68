//! Lengths, whitespace, leftovers.

use crate::tree::{File, files, verdict};

const LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;

/// Marks that say "not finished"; spelled in halves, so that this file does not find itself.
const MARKS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("HA", "CK"),
];

/// Code that is not finished, was left from a search, or does not say why it is as it is.
const CALLS: &[(&str, &str)] = &[
    (concat!("db", "g!("), "remove it"),
    (concat!("unimple", "mented!("), "implement it"),
    (concat!("to", "do!("), "do it"),
    (
        concat!("#[ign", "ore]"),
        "say when the test runs: `= \"fault programme: ..\"`",
    ),
];

#[test]
fn files_are_short_and_finished() -> anyhow::Result<()> {
    let complaints: Vec<String> = files()?
        .iter()
        .filter(|file| file.is_code())
        .flat_map(complaints)
        .collect();
    verdict(&complaints)
}

fn complaints(file: &File) -> Vec<String> {
    let mut found = whole(file);
    for (index, line) in file.text.lines().enumerate() {
        let said = in_line(line, file.is_rust());
        found.extend(
            said.into_iter()
                .map(|it| format!("{}:{}: {it}", file.path, index + 1)),
        );
    }
    found
}

fn whole(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        found.push(format!(
            "{}: {lines} lines, {LINES_MAX} at most: split it by verb",
            file.path
        ));
    }
    let ends_well = file.text.ends_with('\n') && !file.text.ends_with("\n\n");
    if !ends_well && !file.text.is_empty() {
        found.push(format!("{}: does not end with one newline", file.path));
    }
    found
}

fn in_line(line: &str, is_rust: bool) -> Vec<String> {
    let mut found = Vec::new();
    let columns = line.chars().count();
    if is_rust && columns > COLUMNS_MAX {
        found.push(format!("{columns} columns, {COLUMNS_MAX} at most"));
    }
    if line.contains('\t') {
        found.push("a tab".to_owned());
    }
    for mark in MARKS {
        if has_word(line, mark) {
            found.push(format!("{mark}: finish it, or open an issue"));
        }
    }
    for (call, cure) in CALLS {
        if line.contains(call) {
            found.push(format!("{call}: {cure}"));
        }
    }
    found
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|it: char| !it.is_alphanumeric())
        .any(|it| it == word)
}

#[test]
fn a_long_file_is_seen() {
    let text = |lines: usize| "//! A line.\n".repeat(lines);
    assert_eq!(
        complaints(&File::sample("a.rs", &text(LINES_MAX))),
        Vec::<String>::new()
    );
    assert_eq!(
        complaints(&File::sample("a.rs", &text(LINES_MAX + 1))).len(),
        1
    );
}

#[test]
fn a_wide_line_is_seen_in_rust() {
    let wide = format!("{}\n", "é".repeat(COLUMNS_MAX + 1));
    assert_eq!(complaints(&File::sample("a.rs", &wide)).len(), 1);
    assert_eq!(complaints(&File::sample("a.py", &wide)).len(), 0);
    assert_eq!(
        complaints(&File::sample("a.rs", &wide["é".len()..])).len(),
        0
    );
}

#[test]
fn bad_whitespace_is_seen() {
    for text in ["no end", "two ends\n\n", "a\ttab\n"] {
        assert_eq!(complaints(&File::sample("a.sh", text)).len(), 1, "{text:?}");
    }
    assert_eq!(complaints(&File::sample("empty.sh", "")).len(), 0);
}

#[test]
fn leftovers_are_seen() {
    for mark in MARKS {
        let line = format!("// {mark}: later\n");
        assert_eq!(complaints(&File::sample("a.rs", &line)).len(), 1, "{line}");
        let inside_a_word = format!("// A{mark}B\n");
        assert_eq!(complaints(&File::sample("a.rs", &inside_a_word)).len(), 0);
    }
    for (call, _) in CALLS {
        let line = format!("    {call}\n");
        assert_eq!(complaints(&File::sample("a.rs", &line)).len(), 1, "{line}");
    }
}

#[test]
fn scripts_without_extension_are_code() {
    assert!(File::sample("tests/tools/x", "#!/bin/sh\n").is_code());
    assert!(!File::sample("README.md", "# Countersign\n").is_code());
}
