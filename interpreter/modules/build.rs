//! Packs the text files of `unicodedata`, which are unpacked when somebody asks for what they say.

use std::path::{Path, PathBuf};

/// As hard as zstd packs.
const LEVEL: i32 = 22;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/unicodedata");
    let output = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo says where to write"));
    for name in ["decompositions", "names", "numbers", "numbers-3.2", "properties", "properties-3.2"] {
        let path = folder.join(name).with_added_extension("txt");
        println!("cargo::rerun-if-changed={}", path.display());
        let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut packed = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
        zstd_safe::compress(&mut packed, &text, LEVEL).expect("there is room");
        let place = output.join(name).with_added_extension("zst");
        std::fs::write(&place, packed).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    }
    println!("cargo::rerun-if-changed=build.rs");
}
