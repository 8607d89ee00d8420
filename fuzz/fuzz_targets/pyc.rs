//! Compiled files load, and their code is verified, or they are refused.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rspy_fuzz::pyc(data));
