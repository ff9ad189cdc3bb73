//! What is measured, built as it is deployed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Result;

/// Where the programs that are compared with are built, in the folder of the workspace.
pub const FOLDER: &str = "target/bench";

/// The folder of the workspace.
pub fn root() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?)
}

/// Builds functions.
pub fn functions(names: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let bins = names.iter().flat_map(|name| ["--bin", name]);
    build(["--package", "functions"].into_iter().chain(bins))
}

/// Builds a program of a workspace of its own, below this package: it must share neither the functions' features nor their
/// place in `cargo test`.
pub fn reference(name: &str) -> Result<PathBuf> {
    let manifest = format!("tools/bench/{name}/Cargo.toml");
    let built = build(["--locked", "--manifest-path", &manifest, "--target-dir", FOLDER])?;
    built.into_values().next().ok_or_else(|| format!("{name} was not built").into())
}

fn build<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(root()?)
        .args(["build", "--release", "--message-format", "json-render-diagnostics"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    if !built.status.success() {
        return Err("what is to be measured could not be built".into());
    }
    let messages = built.stdout.split(|byte| *byte == b'\n');
    let messages = messages.filter_map(|message| serde_json::from_slice::<Value>(message).ok());
    Ok(messages
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, message["executable"].as_str()?.into()))
        })
        .collect())
}
