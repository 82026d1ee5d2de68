//! The tests of a source file, by the rules in their names.
//!
//! The code is as rustfmt leaves it, so a block ends with the first closing brace at the depth it
//! began at. Running the tests to ask for their names would take a build of everything.

use super::number::numbers_of;
use super::shown::{Place, Shown};
use crate::functions;
use crate::tree::File;

/// The macro that makes a test for each store of one body.
const BOTH_STORES: &str = "on_both_stores";
const CONFORMANCE: &str = "tests/conformance/";

/// Every test whose name begins with the number of a rule.
pub(super) fn tests(file: &File) -> Vec<Shown> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut block: Option<Block<'_>> = None;
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match block {
            Some(inside) if inside.ends_with(line) => block = None,
            Some(_) => {}
            None => block = Block::begins(line),
        }
        let Some(name) = functions::name(line) else {
            continue;
        };
        let rules = numbers_of(name);
        let attributes = Attributes::before(&lines[..index]);
        if rules.is_empty() || !(attributes.is_test || block.is_some()) {
            continue;
        }
        let on_both = block.is_some_and(|it| it.name == BOTH_STORES) && !attributes.is_ignored;
        found.push(shown(file, name, rules, on_both));
    }
    found
}

fn shown(file: &File, name: &str, rules: Vec<String>, on_both: bool) -> Shown {
    let module = file.path.strip_prefix(CONFORMANCE).filter(|_| on_both);
    let (name, place) = match module {
        Some(module) => {
            let module = module.trim_end_matches(".rs").trim_end_matches("/mod");
            let module = module.replace('/', "::");
            (format!("{module}::{name}"), Place::BothStores)
        }
        None => (name.to_owned(), Place::Elsewhere),
    };
    Shown {
        path: file.path.clone(),
        name,
        rules,
        place,
    }
}

/// The call of a macro that makes tests of the functions in its braces.
#[derive(Clone, Copy)]
struct Block<'a> {
    name: &'a str,
    depth: usize,
}

impl<'a> Block<'a> {
    fn begins(line: &'a str) -> Option<Self> {
        let (name, rest) = line.trim_start().split_once("! ")?;
        let is_name = name.chars().all(|it| it.is_alphanumeric() || it == '_');
        let begins = is_name && name != "macro_rules" && rest.starts_with('{');
        (begins && !rest.ends_with('}')).then(|| Self {
            name,
            depth: depth(line),
        })
    }

    fn ends_with(self, line: &str) -> bool {
        depth(line) == self.depth && line.trim_start().starts_with('}')
    }
}

/// What the lines before a function say about it.
#[derive(Default)]
struct Attributes {
    is_test: bool,
    is_ignored: bool,
}

impl Attributes {
    fn before(lines: &[&str]) -> Self {
        let mut found = Self::default();
        for line in lines.iter().rev().map(|line| line.trim()) {
            if line.is_empty() || line.ends_with(['{', '}', ';']) {
                break;
            }
            found.is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            found.is_ignored |= line.starts_with("#[ignore");
        }
        found
    }
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
fn names(path: &str, text: &str, place: Place) -> Vec<String> {
    let found = tests(&File::sample(path, text)).into_iter();
    let here = found.filter(|shown| shown.place == place);
    here.map(|shown| shown.name).collect()
}

#[test]
fn tests_on_both_stores_are_known_by_their_block() {
    let text = "\
async fn d1_helper(gate: &Gate) {
}

on_both_stores! {
    async fn d5_first(gate) {
        gate.run(|| {
        });
    }

    #[ignore = \"fault programme: it takes an hour\"]
    async fn d6_ignored(gate) {
    }

    async fn no_rule(gate) {
    }
}

on_both_stores! { with Setup { prefix, ..Setup::default() };
    async fn d7_d8_second(gate) {
    }
}

async fn d9_no_test_at_all() {
}

on_two_replicas! {
    async fn d10_one_store(gate, other) {
    }
}
";
    let path = "tests/conformance/rules/mod.rs";
    let both = names(path, text, Place::BothStores);
    assert_eq!(both, ["rules::d5_first", "rules::d7_d8_second"]);
    let elsewhere = names(path, text, Place::Elsewhere);
    assert_eq!(elsewhere, ["d6_ignored", "d10_one_store"]);
    let other_target = names("tests/faults/storm.rs", text, Place::BothStores);
    assert_eq!(other_target, Vec::<String>::new());
}

#[test]
fn other_tests_are_known_by_their_attribute() {
    let text = "\
#[cfg(test)]
mod tests {
    proptest! {
        #![proptest_config(config())]

        #[test]
        fn i14_g1_in_a_macro(all in policies()) {
        }
    }

    /// What it is about.
    #[tokio::test(flavor = \"multi_thread\")]
    #[ignore = \"fault programme: it takes an hour\"]
    async fn p8_asynchronous() {
    }

    #[test]
    fn w1_plain() -> Result<()> {
    }

    fn w2_helper() {
    }
}
";
    let found = names("crates/domain/src/x.rs", text, Place::Elsewhere);
    assert_eq!(found, ["i14_g1_in_a_macro", "p8_asynchronous", "w1_plain"]);
}
