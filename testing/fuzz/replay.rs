//! What `cargo test` does with the targets of the fuzzer: each is run over its committed inputs, whole, cut off after
//! every byte, and with every byte left out.

use std::{fs, path::Path};

pub fn replay(target: &str, run: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testing/fuzz");
    assert!(fuzz.join("src/bin").join(target).with_extension("rs").exists(), "{target} is no program of the fuzzer");
    let files: Vec<_> =
        fs::read_dir(fuzz.join("seeds").join(target)).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty(), "{target} has no seeds");
    for file in files {
        println!("{}", file.display()); // shown when it fails
        let input = fs::read(&file).unwrap();
        run(&input);
        for at in 0..input.len() {
            run(&input[..at]);
            run(&[&input[..at], &input[at + 1..]].concat());
        }
    }
}
