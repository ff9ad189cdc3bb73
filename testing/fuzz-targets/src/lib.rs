//! What the fuzzer runs: one function for each reader of bytes from outside. A target panics if an assertion fails, for which it
//! is enough that the reader says one thing of two inputs that mean the same, or another thing than a document does that was
//! written for people.
//!
//! `testing/fuzz` holds a program of libFuzzer for each target. `cargo test` replays their committed inputs (below).
//!
//! A new target is a function here, a line in [`TARGETS`], a program in `testing/fuzz/src/bin` and at least one input in
//! `testing/fuzz/seeds`; a test names what is missing. The body of a new endpoint needs no assertions of its own: see
//! [`new_vehicle`].

mod bodies;
mod requests;
mod table;
mod tag;
mod text;

pub use bodies::{access_id_update, batch, new_access_id, new_vehicle, revocation, vehicle_update};
pub use requests::{event, request, rfid_body};
pub use table::{credential, cursor, decision, refusal, stored_item};
pub use tag::tag;
pub use text::text;

/// A target: takes any bytes, and panics if an assertion fails.
pub type Target = fn(&[u8]);

/// Every target by the name of its program and of the folder of its inputs.
pub const TARGETS: [(&str, Target); 16] = [
    ("access-id-update", access_id_update),
    ("batch", batch),
    ("credential", credential),
    ("cursor", cursor),
    ("decision", decision),
    ("event", event),
    ("new-access-id", new_access_id),
    ("new-vehicle", new_vehicle),
    ("refusal", refusal),
    ("request", request),
    ("revocation", revocation),
    ("rfid-body", rfid_body),
    ("stored-item", stored_item),
    ("tag", tag),
    ("text", text),
    ("vehicle-update", vehicle_update),
];

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    fn files(folder: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(folder);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    #[test]
    fn every_target_has_a_program_and_inputs() {
        let names = TARGETS.map(|(name, _)| name);
        for folder in ["src/bin", "seeds"] {
            let found: Vec<_> = files(folder).iter().map(|file| file.file_stem().unwrap().to_owned()).collect();
            assert_eq!(found, names, "testing/fuzz/{folder}");
        }
    }

    /// Each input is run whole, cut off after every byte, and with every byte left out.
    #[test]
    fn committed_inputs_keep_to_every_assertion() {
        for (name, target) in TARGETS {
            for file in files(&format!("seeds/{name}")) {
                println!("{}", file.display()); // shown when it fails
                let input = fs::read(&file).unwrap();
                target(&input);
                for at in 0..input.len() {
                    target(&input[..at]);
                    target(&[&input[..at], &input[at + 1..]].concat());
                }
            }
        }
    }
}
