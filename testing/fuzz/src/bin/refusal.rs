#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| table_client::fuzzing::refusal(data));
