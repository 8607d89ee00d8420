//! How much of what the compiler makes is what CPython makes, byte for byte.
//!
//! The record is a text file, a line a source file: the first 16 digits of the SHA-256 of the source; the first 8 of those
//! of the marshalled code that CPython compiles it to, at optimisation levels 0, 1 and 2, and at the same levels without
//! columns (`-X no_debug_ranges`), with commas between; and the path below the library's folder, under which name it was
//! compiled. Where CPython refuses the file, an exclamation mark stands in the place of the code, and behind the path, a tab
//! between each, what the exception says: type, message, line, column, end line, end column. A `#` begins a comment.
//! `tests/parity/record` writes it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::{CompileFailure, Variant, charset, compile_variant};

/// What became of one file of the record.
#[derive(Debug)]
pub enum Outcome {
    /// The code is CPython's, byte for byte, in every variant; or the error is.
    Identical,
    /// The code differs in some variants.
    Different(Vec<Variant>),
    /// It compiles, and the evaluator would refuse the bytecode if it came from outside.
    Refused(rspy_code::verify::Refusal),
    /// The file does not compile, or not for the reason that CPython gives.
    Failed(CompileFailure),
    /// The file compiles, and should not.
    NotRefused,
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
    /// What CPython makes of it.
    pub expected: Expected,
    /// The path below the library's folder.
    pub path: String,
}

/// What CPython makes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The digests of its code, in the order of [`Variant::ALL`].
    Code(Vec<String>),
    /// The error, its parts with tabs between.
    Error(String),
}

/// The number of digits of a source's digest that are recorded.
const SOURCE_DIGITS: usize = 16;
/// The number of digits of a code's digest that are recorded.
const CODE_DIGITS: usize = 8;

/// Reads a record; `None` when a line is not of its form.
pub fn parse_record(text: &str) -> Option<Vec<Recorded>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Recorded> {
    let is_digest = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    let mut parts = line.splitn(3, ' ');
    let (source, code, rest) = (parts.next()?, parts.next()?, parts.next()?);
    if !is_digest(source, SOURCE_DIGITS) {
        return None;
    }
    let (expected, path) = if code == "!" {
        let (path, error) = rest.split_once('\t')?;
        (Expected::Error(error.to_owned()), path)
    } else {
        let digests: Vec<String> = code.split(',').map(str::to_owned).collect();
        let complete = digests.len() == Variant::ALL.len();
        if !complete || !digests.iter().all(|digest| is_digest(digest, CODE_DIGITS)) {
            return None;
        }
        (Expected::Code(digests), rest)
    };
    Some(Recorded { source: source.to_owned(), expected, path: path.to_owned() })
}

/// The digest of a record for some bytes.
pub(crate) fn digest(bytes: &[u8], digits: usize) -> String {
    Sha256::digest(bytes).iter().take(digits / 2).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every text");
        text
    })
}

/// Compiles each recorded file below `library`, on all cores, and compares.
pub fn compare(record: &[Recorded], library: &Path) -> Vec<Outcome> {
    record.par_iter().map(|file| outcome(file, library)).collect()
}

fn outcome(file: &Recorded, library: &Path) -> Outcome {
    let source = match fs::read(library.join(&file.path)) {
        Ok(source) => source,
        Err(error) => return Outcome::Unreadable(error),
    };
    if digest(&source, SOURCE_DIGITS) != file.source {
        return Outcome::OtherSource;
    }
    let decode = |encoding: &str, bytes: &[u8]| {
        charset::decode(library, encoding, bytes).ok_or_else(|| format!("unknown encoding: {encoding}"))
    };
    match &file.expected {
        Expected::Error(expected) => {
            match compile_variant(&source, &file.path, Variant::default(), Some(&decode)) {
                Ok(_) => Outcome::NotRefused,
                Err(failure) if failure.report().as_ref() == Some(expected) => Outcome::Identical,
                Err(failure) => Outcome::Failed(failure),
            }
        }
        Expected::Code(digests) => {
            let mut different = Vec::new();
            for (&variant, expected) in Variant::ALL.iter().zip(digests) {
                let (code, bytes) = match compile_variant(&source, &file.path, variant, Some(&decode)) {
                    Ok(compiled) => compiled,
                    Err(failure) => return Outcome::Failed(failure),
                };
                if let Err(refusal) = rspy_code::verify::verify_all(&code) {
                    return Outcome::Refused(refusal);
                }
                if digest(&bytes, CODE_DIGITS) != *expected {
                    different.push(variant);
                }
            }
            if different.is_empty() { Outcome::Identical } else { Outcome::Different(different) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back() {
        let digests = ["0123abcd"; 6].join(",");
        let text = format!(
            "# comment\n0123456789abcdef {digests} a folder/file.py\n\
             0123456789abcdef ! bad.py\tSyntaxError\tinvalid syntax\t1\t2\t1\t3\n"
        );
        let record = parse_record(&text).unwrap();
        assert_eq!(record.len(), 2);
        assert_eq!(record[0].path, "a folder/file.py");
        assert_eq!(record[1].expected, Expected::Error("SyntaxError\tinvalid syntax\t1\t2\t1\t3".into()));
        assert!(parse_record("0123456789abcdef 0123abcd x.py").is_none());
        assert!(parse_record("0123456789abcdef").is_none());
    }

    #[test]
    fn a_digest_is_the_start_of_a_sha256() {
        assert_eq!(digest(b"", 16), "e3b0c44298fc1c14");
    }
}
