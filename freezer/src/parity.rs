//! How much of what the compiler makes is what CPython makes, byte for byte.
//!
//! The record is a text file, a line a source file: the first 16 digits of the SHA-256 of the source, those of
//! the marshalled code that CPython compiles it to, and its path below the library's folder, under which name it
//! was compiled. A `#` begins a comment. `tests/parity/record` writes it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::CompileFailure;

/// What became of one file of the record.
#[derive(Debug)]
pub enum Outcome {
    /// The code is CPython's, byte for byte.
    Identical,
    /// The code differs.
    Different,
    /// The file does not compile.
    Failed(CompileFailure),
    /// The source is not the one that was recorded, so nothing can be said.
    OtherSource,
    /// The source cannot be read.
    Unreadable(io::Error),
}

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The source's digest.
    pub source: String,
    /// The code's digest.
    pub code: String,
    /// The path below the library's folder.
    pub path: String,
}

/// The number of digits of a digest that are recorded.
const DIGITS: usize = 16;

/// Reads a record; `None` when a line is not of its form.
pub fn parse_record(text: &str) -> Option<Vec<Recorded>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let (source, code, path) = (parts.next()?, parts.next()?, parts.next()?);
            let is_digest =
                |text: &str| text.len() == DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit());
            (is_digest(source) && is_digest(code)).then(|| Recorded {
                source: source.into(),
                code: code.into(),
                path: path.into(),
            })
        })
        .collect()
}

/// The digest of a record for some bytes.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(DIGITS / 2).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every text");
        text
    })
}

/// Compiles each recorded file below `library`, on all cores, and compares.
pub fn compare(
    record: &[Recorded],
    library: &Path,
    compile: impl Fn(&[u8], &str, u8) -> Result<Vec<u8>, CompileFailure> + Sync,
) -> Vec<Outcome> {
    record
        .par_iter()
        .map(|file| {
            let source = match fs::read(library.join(&file.path)) {
                Ok(source) => source,
                Err(error) => return Outcome::Unreadable(error),
            };
            if digest(&source) != file.source {
                return Outcome::OtherSource;
            }
            match compile(&source, &file.path, 0) {
                Err(failure) => Outcome::Failed(failure),
                Ok(code) if digest(&code) == file.code => Outcome::Identical,
                Ok(_) => Outcome::Different,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back() {
        let text = "# comment\n0123456789abcdef fedcba9876543210 a folder/file.py\n";
        let record = parse_record(text).unwrap();
        assert_eq!(record.len(), 1);
        assert_eq!(record[0].path, "a folder/file.py");
        assert!(parse_record("0123 fedcba9876543210 x.py").is_none());
        assert!(parse_record("0123456789abcdef").is_none());
    }

    #[test]
    fn a_digest_is_the_start_of_a_sha256() {
        assert_eq!(digest(b""), "e3b0c44298fc1c14");
    }
}
