//! Source comes apart into tokens or is refused with an error.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rspy_fuzz::tokens(data));
