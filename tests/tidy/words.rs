//! Nothing that is only true where the code was written.

use crate::tree::{File, files, verdict};

/// Directories of a workplace. Spelled in halves, so that this file does not find itself.
const PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Where packages come from is the business of whoever runs the tools: many sit behind a mirror.
const HOSTS: &[&str] = &[
    concat!("crates.io", "/index"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("registry.", "npmjs.org"),
    concat!("deb.", "debian.org"),
];

#[test]
fn nothing_names_the_place_it_was_written_at() -> anyhow::Result<()> {
    // The lock file says itself where each crate came from.
    let files = files()?;
    let own = files.iter().filter(|file| file.path != "Cargo.lock");
    let complaints: Vec<String> = own.flat_map(complaints).collect();
    verdict(&complaints)
}

fn complaints(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for path in PATHS.iter().filter(|path| has_path(line, path)) {
            found.push(format!(
                "{}:{}: a path of one machine: {path}",
                file.path,
                index + 1
            ));
        }
        for host in HOSTS.iter().filter(|host| line.contains(*host)) {
            found.push(format!(
                "{}:{}: a package registry: {host}",
                file.path,
                index + 1
            ));
        }
    }
    found
}

/// Absolute only: a directory of the same name further down belongs to somebody else.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|it| it.is_alphanumeric() || "_-.}".contains(it))
    })
}

#[test]
fn workplaces_and_registries_are_seen() {
    for word in PATHS.iter().chain(HOSTS) {
        let file = File::sample("notes.md", &format!("First.\nSee {word}x for more.\n"));
        let found = complaints(&file);
        assert_eq!(found.len(), 1, "{word}: {found:?}");
        assert!(found[0].starts_with("notes.md:2: "), "{found:?}");
    }
    for path in PATHS {
        let file = File::sample("notes.md", &format!("Unpack it to build{path}x.\n"));
        assert_eq!(complaints(&file).len(), 0, "{path}");
    }
}
