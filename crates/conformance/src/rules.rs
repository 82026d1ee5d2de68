//! Which rules there are; the rule book, `docs/rules.md`, says what they mean.

use std::ops::RangeInclusive;

/// The numbers of each family, by its letter. Reserved ones are not among them.
const FAMILIES: &[(&str, RangeInclusive<u8>)] = &[
    ("M", 1..=6),
    ("G", 1..=6),
    ("C", 1..=7),
    ("S", 1..=5),
    ("D", 1..=12),
    ("W", 1..=7),
    ("F", 1..=5),
    ("P", 1..=8),
    ("T", 1..=4),
    ("E", 1..=2),
    ("K", 1..=2),
];

/// All rules, as a case names them.
pub(crate) fn all() -> impl Iterator<Item = String> {
    FAMILIES
        .iter()
        .flat_map(|(letter, numbers)| numbers.clone().map(move |it| format!("{letter}{it}")))
}

/// Whether there is such a rule.
pub(crate) fn is_known(rule: &str) -> bool {
    all().any(|known| known == rule)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn only_rules_that_there_are_are_known() {
        for known in ["M1", "G6", "D12", "W3", "W7", "F1", "F5", "K2"] {
            assert!(is_known(known), "{known}");
        }
        for (letter, number) in [("M", 0), ("M", 7), ("W", 8), ("F", 6), ("D", 13)] {
            assert!(!is_known(&format!("{letter}{number}")), "{letter}{number}");
        }
        for unknown in ["", "M", "d5", "D5 ", "D+5", "5"] {
            assert!(!is_known(unknown), "{unknown:?}");
        }
    }

    #[test]
    fn they_are_those_of_the_rule_book() {
        let book = include_str!("../../../docs/rules.md");
        let headings = book.lines().filter(|line| line.starts_with("### "));
        let anchors = headings.filter_map(|line| line.split("<a id=\"").nth(1)?.split('"').next());
        let in_book: BTreeSet<String> = anchors.map(str::to_uppercase).collect();
        assert_eq!(all().collect::<BTreeSet<_>>(), in_book);
    }
}
