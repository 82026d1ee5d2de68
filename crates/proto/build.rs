//! Compiles the proto files with a compiler written in Rust, so that no `protoc` is needed.

use std::path::{Path, PathBuf};
use std::{env, error, fs};

fn main() -> Result<(), Box<dyn error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true);
    for file in proto_files(&root.join("countersign/v1"))? {
        compiler.open_file(file)?;
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("countersign.bin"),
        compiler.encode_file_descriptor_set(),
    )?;

    fs::write(
        out.join("methods.rs"),
        methods(&compiler.file_descriptor_set()),
    )?;

    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .emit_rerun_if_changed(false)
        .btree_map(".countersign.v1.TaskSpec.labels")
        .btree_map(".countersign.v1.WatchStatusRequest.labels")
        .btree_map(".countersign.v1.WatchSignalsRequest.labels")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// The full paths of all methods of this API, as Rust.
fn methods(set: &prost_types::FileDescriptorSet) -> String {
    let ours = set
        .file
        .iter()
        .filter(|file| file.package().starts_with("countersign."));
    let mut paths = Vec::new();
    for file in ours {
        for service in &file.service {
            let methods = service.method.iter();
            paths.extend(
                methods.map(|it| format!("/{}.{}/{}", file.package(), service.name(), it.name())),
            );
        }
    }
    format!("&{paths:?}")
}

/// All proto files of a folder, in one order.
fn proto_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn error::Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "proto") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
