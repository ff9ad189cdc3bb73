#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| api::fuzzing::new_access_id(data));
