//! Source that parses compiles, or is refused with an error.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rspy_fuzz::compiler(data));
