//! The rules of the gate are built without a runtime, a database or a network.
//!
//! What cannot be reached cannot be awaited, queried or dialled: this keeps decisions a function of
//! their arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::Context;
use cargo_metadata::{DependencyKind, MetadataCommand, Node};

use crate::tree::{root, verdict};

const PURE: &str = "countersign-domain";

/// Each stands for its family too: `tokio` for `tokio-util`.
const FORBIDDEN: &[&str] = &["tokio", "sea-orm", "sqlx", "tonic", "hyper"];

/// Crate, by name and version, and the crates it is built with.
type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_domain_is_pure() -> anyhow::Result<()> {
    verdict(&complaints(&resolved()?, PURE))
}

/// What cargo resolved for this machine; for another it would have to fetch crates that nobody
/// builds here.
fn resolved() -> anyhow::Result<Graph> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--offline", "--filter-platform", &host()?].map(str::to_owned))
        .exec()?;
    let name_of = |id| {
        let package = &metadata[id];
        if metadata.workspace_members.contains(id) {
            package.name.to_string()
        } else {
            format!("{} {}", package.name, package.version)
        }
    };
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo resolved nothing")?;
    let mut graph = Graph::new();
    for node in &resolve.nodes {
        let needs = built_with(node).map(name_of).collect();
        graph.insert(name_of(&node.id), needs);
    }
    Ok(graph)
}

fn built_with(node: &Node) -> impl Iterator<Item = &cargo_metadata::PackageId> {
    let not_only_tests = |dependency: &&cargo_metadata::NodeDep| {
        dependency
            .dep_kinds
            .iter()
            .any(|it| it.kind != DependencyKind::Development)
    };
    node.deps
        .iter()
        .filter(not_only_tests)
        .map(|dependency| &dependency.pkg)
}

fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("failed to run rustc")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn complaints(graph: &Graph, start: &str) -> Vec<String> {
    if !graph.contains_key(start) {
        return vec![format!(
            "there is no crate {start}; this test looked at nothing"
        )];
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![vec![start]];
    while let Some(way) = open.pop() {
        let needs = way
            .last()
            .and_then(|end| graph.get(*end))
            .into_iter()
            .flatten();
        for need in needs {
            if !seen.insert(need) {
                continue;
            }
            let longer: Vec<&str> = way.iter().copied().chain([need.as_str()]).collect();
            if is_forbidden(need) {
                found.push(format!("{}; see tests/tidy/pure.rs", longer.join(" → ")));
            } else {
                open.push(longer);
            }
        }
    }
    found
}

fn is_forbidden(name_and_version: &str) -> bool {
    let name = name_and_version.split(' ').next().unwrap_or_default();
    FORBIDDEN.iter().any(|family| {
        name.strip_prefix(family)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

#[test]
fn an_impure_crate_is_seen_however_deep() {
    let graph = sample(&[
        ("countersign-domain", &["serde 1.0.0", "calendar 2.0.0"]),
        ("calendar 2.0.0", &["clock 0.1.0", "tokyo 1.0.0"]),
        ("clock 0.1.0", &["tokio-util 0.7.0"]),
        ("server 1.0.0", &["hyper 1.0.0"]),
    ]);
    let found = complaints(&graph, PURE);
    assert_eq!(found.len(), 1, "{found:?}");
    let way = "countersign-domain → calendar 2.0.0 → clock 0.1.0 → tokio-util 0.7.0";
    assert!(found[0].starts_with(way), "{found:?}");
}

#[test]
fn a_missing_crate_is_no_pass() {
    assert_eq!(complaints(&Graph::new(), PURE).len(), 1);
}

/// Without this, a change in how cargo names things would make the test above pass for ever.
#[test]
fn the_store_is_seen_to_be_impure() -> anyhow::Result<()> {
    let found = complaints(&resolved()?, "countersign-store");
    assert!(found.iter().any(|it| it.contains("sea-orm")), "{found:?}");
    Ok(())
}

fn sample(rows: &[(&str, &[&str])]) -> Graph {
    let owned = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    rows.iter()
        .map(|(name, needs)| ((*name).to_owned(), owned(needs)))
        .collect()
}
