#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| connection::fuzzing::answer(data));
