//! The map itself, `docs/rule-map.md`: generated, checked in, and compared with what it would be.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::book::{Book, Rule};
use super::shown::{Place, Shown, whole_tree};
use crate::tree::{root, verdict};

const PATH: &str = "docs/rule-map.md";
/// Set by `make rule-map`: write the map instead of comparing it.
const WRITE: &str = "COUNTERSIGN_WRITE_RULE_MAP";

#[test]
fn the_rule_map_is_up_to_date() -> anyhow::Result<()> {
    let (book, shown) = whole_tree()?;
    let page = page(&book, &shown);
    let path = root().join(PATH);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path, page)?;
        return Ok(());
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    verdict(&complaints(&kept, &page))
}

fn complaints(kept: &str, page: &str) -> Vec<String> {
    if kept == page {
        return Vec::new();
    }
    let lines = kept.lines().zip(page.lines());
    let line = lines.take_while(|(kept, page)| kept == page).count() + 1;
    vec![format!(
        "{PATH}:{line}: not what the tests say; run `make rule-map` and commit the file"
    )]
}

fn page(book: &Book, shown: &[Shown]) -> String {
    let mut text = head(book, shown);
    for rule in &book.rules {
        let showing = shown.iter().filter(|it| it.rules.contains(&rule.number));
        let (on_both, elsewhere): (Vec<_>, Vec<_>) =
            showing.partition(|it| it.place == Place::BothStores);
        text.push('\n');
        text.push_str(&section(rule, &on_both, &elsewhere));
    }
    text
}

fn head(book: &Book, shown: &[Shown]) -> String {
    let on_both = shown.iter().filter(|it| it.place == Place::BothStores);
    let on_both = on_both.count();
    let reserved: Vec<&str> = book.reserved.iter().map(String::as_str).collect();
    let reserved = match reserved.as_slice() {
        [] => String::new(),
        numbers => format!(" Reserved, without tests: {}.", numbers.join(", ")),
    };
    format!(
        "\
# The rule map

Which tests show which rule of the [rule book](rules.md). `make rule-map` generates it from the
names of the tests; the build fails where this page is out of date, and where a rule has no test
on both stores.

**{} rules, shown by {on_both} tests on both stores and {} elsewhere.** A test of several rules is
counted once here and stands under each of them.{reserved}

\"On both stores\" is over gRPC against a real server, once on SQLite and once on PostgreSQL; run
one with `cargo nextest run -p countersign-tests --test conformance NAME`. \"Elsewhere\" is the
rest: tables and properties of the pure rules, the server's own tests, several replicas, and the
conformance cases.
",
        book.rules.len(),
        shown.len() - on_both,
    )
}

fn section(rule: &Rule, on_both: &[&Shown], elsewhere: &[&Shown]) -> String {
    let Rule { number, title } = rule;
    let anchor = number.to_lowercase();
    let mut text = format!("## <a id=\"{anchor}\"></a>[{number}](rules.md#{anchor}) {title}\n");
    if !on_both.is_empty() {
        let _ = writeln!(text, "\nOn both stores: {}\n", on_both.len());
    }
    for Shown { path, name, .. } in on_both {
        let _ = writeln!(text, "- [`{name}`](../{path})");
    }
    if !elsewhere.is_empty() {
        let _ = writeln!(text, "\nElsewhere: {}\n", elsewhere.len());
    }
    let mut by_path = BTreeMap::<&str, Vec<String>>::new();
    for Shown { path, name, .. } in elsewhere {
        by_path.entry(path).or_default().push(format!("`{name}`"));
    }
    for (path, names) in by_path {
        let _ = writeln!(text, "- [{path}](../{path}): {}", names.join(", "));
    }
    text
}

#[cfg(test)]
fn sample() -> String {
    let shown = |name: &str, rules: &[&str], place| Shown {
        path: "tests/x.rs".to_owned(),
        name: name.to_owned(),
        rules: rules.iter().map(|it| (*it).to_owned()).collect(),
        place,
    };
    let book = super::book::sample(&["D5", "D6"], &["W3"]);
    let tests = [
        shown("rules::d5_d6_x", &["D5", "D6"], Place::BothStores),
        shown("d5_y", &["D5"], Place::Elsewhere),
        shown("d5_z", &["D5"], Place::Elsewhere),
    ];
    page(&book, &tests)
}

#[test]
fn the_map_lists_each_rule_with_its_tests() {
    let page = sample();
    let summary = "**2 rules, shown by 1 tests on both stores and 2 elsewhere.**";
    assert!(page.contains(summary), "{page}");
    let sections = "
## <a id=\"d5\"></a>[D5](rules.md#d5) The title

On both stores: 1

- [`rules::d5_d6_x`](../tests/x.rs)

Elsewhere: 2

- [tests/x.rs](../tests/x.rs): `d5_y`, `d5_z`

## <a id=\"d6\"></a>[D6](rules.md#d6) The title

On both stores: 1

- [`rules::d5_d6_x`](../tests/x.rs)
";
    assert!(page.ends_with(sections), "{page}");
}

#[test]
fn an_old_map_is_seen() {
    let page = sample();
    assert_eq!(complaints(&page, &page), Vec::<String>::new());
    for old in [
        "",
        &page.replace("d5_z", "d5_gone"),
        &format!("{page}\n- more\n"),
    ] {
        let found = complaints(old, &page);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("make rule-map"), "{found:?}");
    }
}
