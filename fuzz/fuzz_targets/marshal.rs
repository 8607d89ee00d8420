//! Marshal data gives values or an error.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rspy_fuzz::marshal(data));
