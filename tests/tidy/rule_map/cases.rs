//! The conformance cases of a YAML file: each has a `name`, and the `rules` it shows.
//!
//! Two keys are all the map needs, so they are read line by line; whoever runs the cases reads them
//! properly and refuses what is no case.

use super::shown::{Place, Shown};
use crate::tree::File;

/// Every case that names rules.
pub(super) fn cases(file: &File) -> Vec<Shown> {
    let is_yaml = [".yaml", ".yml"].iter().any(|it| file.path.ends_with(it));
    if !is_yaml {
        return Vec::new();
    }
    let mut reader = Reader::default();
    for line in file.text.lines() {
        reader.line(line);
    }
    reader.end_case();
    let shown = |(name, rules)| Shown {
        path: file.path.clone(),
        name,
        rules,
        place: Place::Elsewhere,
    };
    reader.found.into_iter().map(shown).collect()
}

#[derive(Default)]
struct Reader {
    /// The column of a case's own keys, not of keys of its steps.
    column: Option<usize>,
    name: String,
    rules: Vec<String>,
    in_rules: bool,
    found: Vec<(String, Vec<String>)>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim_start();
        let (begins_item, text) = match trimmed.strip_prefix("- ") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, trimmed),
        };
        let column = line.len() - text.len();
        let (key, value) = text.split_once(':').unwrap_or((text, ""));
        let is_own_key =
            matches!(key, "name" | "rules") && *self.column.get_or_insert(column) == column;
        if is_own_key {
            if begins_item || (key == "name" && !self.name.is_empty()) {
                self.end_case();
            }
            self.in_rules = key == "rules";
            if self.in_rules {
                self.rules = items(value).collect();
            } else {
                self.name = plain(value).to_owned();
            }
        } else if self.in_rules && begins_item {
            self.rules.extend(items(text));
        } else if !text.is_empty() && !text.starts_with('#') {
            self.in_rules = false;
        }
    }

    fn end_case(&mut self) {
        self.in_rules = false;
        let (name, rules) = (
            std::mem::take(&mut self.name),
            std::mem::take(&mut self.rules),
        );
        if !rules.is_empty() {
            self.found.push((name, rules));
        }
    }
}

/// The items of `[D5, P1]`, or the one of `D5`; without a comment.
fn items(text: &str) -> impl Iterator<Item = String> {
    let text = text.split(" #").next().unwrap_or_default().trim();
    let list = text.trim_start_matches('[').trim_end_matches(']');
    let items = list.split(',').map(plain);
    items.filter(|it| !it.is_empty()).map(str::to_owned)
}

fn plain(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
fn read(path: &str, text: &str) -> Vec<String> {
    let found = cases(&File::sample(path, text)).into_iter();
    found
        .map(|case| format!("{}: {}", case.name, case.rules.join(" ")))
        .collect()
}

#[test]
fn cases_are_read_with_their_rules() {
    let text = "\
# A comment.
cases:
  - name: one rejection: enough
    rules: [D5, P1]   # why
    steps:
      - name: not a case
        rules: [X9]
  - rules:
      - 'D6'
      - D7
    name: \"written as a list\"
  - name: about no rule
    steps: []
";
    let both = ["one rejection: enough: D5 P1", "written as a list: D6 D7"];
    assert_eq!(read("tests/cases/a.yaml", text), both);
    assert_eq!(read("tests/cases/README.md", text), Vec::<String>::new());
    assert_eq!(
        read("tests/cases/b.yml", "name: alone\nrules: [K1]\n"),
        ["alone: K1"]
    );
}
