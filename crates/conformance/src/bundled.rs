//! The cases of this release.

use crate::{BadCase, Case, read};

/// Topic and text of each file.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// All cases of `tests/cases/`, by topic.
pub fn bundled() -> Result<Vec<Case>, BadCase> {
    let mut cases = Vec::new();
    for (topic, text) in FILES {
        cases.extend(read(topic, text)?);
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rules;

    /// How many cases were promised.
    const PROMISED: usize = 60;

    #[test]
    fn there_are_as_many_as_promised_and_each_has_a_title_of_its_own() {
        let cases = bundled().unwrap();
        let titles: BTreeSet<String> = cases.iter().map(Case::title).collect();
        assert_eq!(titles.len(), cases.len());
        assert!(cases.len() >= PROMISED, "{} cases", cases.len());
    }

    /// What no case shows, because nobody can see it from outside of a store of their own: numbers
    /// without a gap, the order in which a late settling ends tasks, a clock that is behind.
    const NOT_SHOWN: &[&str] = &["C4", "T4", "K2"];

    #[test]
    fn every_rule_that_can_be_seen_from_outside_is_shown() {
        let cases = bundled().unwrap();
        let shown: BTreeSet<&str> = cases
            .iter()
            .flat_map(|case| case.rules.iter().map(String::as_str))
            .collect();
        let missing: Vec<String> = rules::all()
            .filter(|it| !shown.contains(it.as_str()))
            .collect();
        assert_eq!(missing, NOT_SHOWN);
    }
}
