#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| api::fuzzing::vehicle_update(data));
