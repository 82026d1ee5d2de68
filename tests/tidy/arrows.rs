//! Which crate may depend on which.
//!
//! The rooms of the workspace and the arrows between them are a decision, not an accident of what
//! was handy. Whoever needs a new arrow changes the table below in the same change, where a
//! reviewer sees it.

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::tree::{root, verdict};

/// The tests look into every room.
const TESTS: &str = "countersign-tests";

/// Room, and the rooms it may lean on. `store` is reached through `engine` only.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "countersign",
        &[
            "countersign-server",
            "countersign-client",
            "countersign-conformance",
            "countersign-proto",
        ],
    ),
    ("countersign-client", &["countersign-proto"]),
    (
        "countersign-conformance",
        &["countersign-client", "countersign-proto"],
    ),
    (
        "countersign-server",
        &[
            "countersign-engine",
            "countersign-scheduler",
            "countersign-proto",
            "countersign-domain",
        ],
    ),
    (
        "countersign-scheduler",
        &["countersign-engine", "countersign-domain"],
    ),
    (
        "countersign-engine",
        &["countersign-store", "countersign-domain"],
    ),
    (
        "countersign-store",
        &["countersign-domain", "countersign-migrations"],
    ),
    ("countersign-migrations", &[]),
    ("countersign-domain", &[]),
    ("countersign-proto", &[]),
];

struct Arrow {
    from: String,
    to: String,
    is_dev: bool,
}

#[test]
fn crates_depend_only_along_the_arrows() -> anyhow::Result<()> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let mut rooms: Vec<String> = Vec::new();
    let mut arrows = Vec::new();
    for package in &metadata.packages {
        rooms.push(package.name.to_string());
        arrows.extend(arrows_of(package));
    }
    verdict(&complaints(&rooms, &arrows))
}

fn arrows_of(package: &Package) -> impl Iterator<Item = Arrow> {
    let inside = package.dependencies.iter().filter(|it| it.path.is_some());
    inside.map(|dependency| Arrow {
        from: package.name.to_string(),
        to: dependency.name.clone(),
        is_dev: dependency.kind == DependencyKind::Development,
    })
}

fn complaints(rooms: &[String], arrows: &[Arrow]) -> Vec<String> {
    let place = "the arrows stand in tests/tidy/arrows.rs";
    let mut found = Vec::new();
    for room in rooms {
        if room != TESTS && allowed(room).is_none() {
            found.push(format!("the crate {room} is not in the table; {place}"));
        }
    }
    for Arrow { from, to, is_dev } in arrows {
        if from == TESTS {
            if !is_dev {
                found.push(format!(
                    "{from} may use {to} as a dev-dependency only; {place}"
                ));
            }
        } else if !allowed(from).unwrap_or_default().contains(&to.as_str()) {
            found.push(format!("{from} → {to} is a new arrow; {place}"));
        }
    }
    found
}

fn allowed(room: &str) -> Option<&'static [&'static str]> {
    ARROWS
        .iter()
        .find(|(from, _)| *from == room)
        .map(|(_, to)| *to)
}

#[test]
fn a_new_arrow_is_seen() {
    let check = |from: &str, to: &str, is_dev: bool| {
        let arrow = Arrow {
            from: from.to_owned(),
            to: to.to_owned(),
            is_dev,
        };
        complaints(&[], &[arrow]).len()
    };
    assert_eq!(check("countersign-server", "countersign-engine", false), 0);
    assert_eq!(check("countersign-server", "countersign-store", false), 1);
    assert_eq!(check("countersign-server", "countersign-store", true), 1);
    assert_eq!(check("countersign-domain", "countersign-store", false), 1);
    assert_eq!(check("countersign", "countersign-store", false), 1);
    assert_eq!(check(TESTS, "countersign-store", true), 0);
    assert_eq!(check(TESTS, "countersign-store", false), 1);
}

#[test]
fn a_new_crate_is_seen() {
    let rooms = ["countersign-domain", "countersign-annex", TESTS].map(str::to_owned);
    let found = complaints(&rooms, &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("countersign-annex"), "{found:?}");
}
