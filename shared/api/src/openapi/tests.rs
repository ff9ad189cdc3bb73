//! The document is in `openapi.json`, and true.

use std::{env, fs, path::Path};

use super::*;

fn workspace(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn openapi_json_is_up_to_date() {
    let document = document().to_pretty_json().unwrap() + "\n";
    let file = workspace("openapi.json");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &document).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap_or_default() == document,
        "openapi.json is out of date: UPDATE_DOCS=1 cargo test -p api openapi"
    );
}
