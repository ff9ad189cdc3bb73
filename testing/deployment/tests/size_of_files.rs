//! No source file is too long to be read at one go.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// The most lines that a source file may have.
const LINES: usize = 400;

/// Collects the Rust and Python files under a folder, without those that builds and package managers put there.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            if !["target", "node_modules", "site-packages"].contains(&&*name) {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            found.push(path);
        }
    }
}

#[test]
fn no_source_file_has_more_than_four_hundred_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["functions", "shared", "testing", "tools"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 200, "{} files found", files.len());
    let lines = |path: &PathBuf| read_to_string(path).unwrap().lines().count();
    let long: Vec<_> = files.iter().map(|path| (path, lines(path))).filter(|(_, lines)| *lines > LINES).collect();
    assert!(long.is_empty(), "{long:#?}");
}
