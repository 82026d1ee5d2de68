//! Puts the case files into the program, so that nobody needs a checkout to run them.

use std::path::{Path, PathBuf};
use std::{env, error, fs};

fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "yaml") {
            paths.push(path.canonicalize()?);
        }
    }
    paths.sort();

    let mut table = "&[".to_owned();
    for path in paths {
        println!("cargo:rerun-if-changed={}", path.display());
        let topic = path.file_stem().unwrap_or_default().display().to_string();
        table.push_str(&format!(
            "({topic:?}, include_str!({:?})),",
            path.display().to_string()
        ));
    }
    table.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("files.rs"), table)?;
    Ok(())
}
