//! The files of the tree: what git tracks, and what it would track.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// One text file, by its path from the top of the repository.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// A sample for the tests of the rules.
    pub(crate) fn sample(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    /// Rust, protobuf, Python, JavaScript, and scripts, which may go without an extension.
    pub(crate) fn is_code(&self) -> bool {
        ["rs", "proto", "py", "js", "sh"]
            .iter()
            .any(|it| self.has_extension(it))
            || self.text.starts_with("#!/")
    }

    fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|it| it == extension)
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every text file that is tracked, or is new and not ignored.
pub(crate) fn files() -> anyhow::Result<Vec<File>> {
    let listing = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .context("failed to run git")?;
    ensure!(
        listing.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&listing.stderr)
    );
    let paths = String::from_utf8(listing.stdout).context("a path is not UTF-8")?;

    let mut files = Vec::new();
    for path in paths.split_terminator('\0') {
        // A file that was removed and not committed yet is still listed, and an image is not text.
        if let Ok(text) = std::fs::read_to_string(root().join(path)) {
            files.push(File {
                path: path.to_owned(),
                text,
            });
        }
    }
    ensure!(!files.is_empty(), "git lists no file");
    Ok(files)
}

/// Turns complaints into the failure of a test.
pub(crate) fn verdict(complaints: &[String]) -> anyhow::Result<()> {
    ensure!(
        complaints.is_empty(),
        "{} to mend\n{}",
        complaints.len(),
        complaints.join("\n")
    );
    Ok(())
}
