//! The tests that the documents name exist.

use std::fs::{read_dir, read_to_string};
use std::path::Path;

/// Collects the names of all test functions under a folder.
fn tests(folder: &Path, found: &mut Vec<String>) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().unwrap() != "target" {
                tests(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = read_to_string(&path).unwrap();
            let functions = text.split("#[test]").chain(text.split("#[tokio::test")).skip(1);
            let names = functions.filter_map(|rest| rest.split_once("fn ")?.1.split('(').next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_test_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut existing = Vec::new();
    for folder in ["functions", "shared", "testing", "tools"] {
        tests(&root.join(folder), &mut existing);
    }
    let mut count = 0;
    for document in ["security.md", "reliability.md", "adding-an-endpoint.md"] {
        let text = read_to_string(root.join("docs").join(document)).unwrap();
        for name in text.split('`').skip(1).step_by(2) {
            // The name of a test is a sentence, so it has at least two underscores.
            if name.matches('_').count() >= 2
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
            {
                assert!(existing.iter().any(|test| test == name), "{document} names {name}");
                count += 1;
            }
        }
    }
    assert!(count > 40, "{count} names found");
}
