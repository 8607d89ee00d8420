//! Whether altered sources give the errors that CPython gives.
//!
//! The record is text compressed with Zstandard, a line an alteration, its parts with tabs between: the file below the
//! library's folder, the range of bytes that is replaced, by what, and the result. That is `=` and the first 8 digits of the
//! SHA-256 of the marshalled code, or what the exception says: type, message, line, column, end line, end column.
//! Backslashes escape tabs, line ends and backslashes. `tests/mutations/record.py` writes it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use rayon::prelude::*;

use crate::parity::digest;
use crate::{Variant, compile_variant};

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// The file below the library's folder.
    pub path: String,
    /// Where the replaced bytes begin.
    pub start: usize,
    /// Behind the last of them.
    pub end: usize,
    /// What they are replaced by.
    pub replacement: String,
    /// What CPython makes of it.
    pub expected: String,
}

/// What became of an alteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What CPython makes of it.
    Equal,
    /// Something else.
    Different(String),
    /// The file is not there or too short: it is another release's.
    Incomparable,
}

/// Reads a record.
///
/// # Errors
/// Where it is not compressed, or a line is not of its form.
pub fn read_record(path: &Path) -> io::Result<Vec<Mutation>> {
    let text = zstd::decode_all(fs::File::open(path)?)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    text.lines()
        .map(|line| {
            parse_line(line).ok_or_else(|| io::Error::other(format!("not a line of a record: {line}")))
        })
        .collect()
}

fn parse_line(line: &str) -> Option<Mutation> {
    let mut parts = line.splitn(5, '\t');
    Some(Mutation {
        path: parts.next()?.to_owned(),
        start: parts.next()?.parse().ok()?,
        end: parts.next()?.parse().ok()?,
        replacement: unescape(parts.next()?),
        expected: parts.next()?.to_owned(),
    })
}

fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    let mut plain = String::new();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            other => other,
        });
    }
    plain
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

/// Compiles each altered file, on all cores, and compares.
pub fn compare(record: &[Mutation], library: &Path) -> Vec<Outcome> {
    let mut sources = HashMap::new();
    for mutation in record {
        let path = mutation.path.as_str();
        sources.entry(path).or_insert_with(|| fs::read(library.join(path)).unwrap_or_default());
    }
    record.par_iter().map(|mutation| outcome(mutation, &sources[mutation.path.as_str()])).collect()
}

fn outcome(mutation: &Mutation, source: &[u8]) -> Outcome {
    let (Some(before), Some(after)) = (source.get(..mutation.start), source.get(mutation.end..)) else {
        return Outcome::Incomparable;
    };
    let altered = [before, mutation.replacement.as_bytes(), after].concat();
    let found = match compile_variant(&altered, &mutation.path, Variant::default(), None) {
        Ok((_, bytes)) => format!("={}", digest(&bytes, 8)),
        Err(failure) => match failure.report() {
            // The parts keep their tabs; what is in them is escaped.
            Some(report) => report.split('\t').map(escape).collect::<Vec<_>>().join("\t"),
            None => failure.to_string(),
        },
    };
    if found == mutation.expected { Outcome::Equal } else { Outcome::Different(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let mutation = parse_line("a.py\t3\t4\t\\n\\\\\tSyntaxError\tinvalid syntax\t1\t2\t1\t3").unwrap();
        assert_eq!((mutation.start, mutation.end), (3, 4));
        assert_eq!(mutation.replacement, "\n\\");
        assert_eq!(mutation.expected, "SyntaxError\tinvalid syntax\t1\t2\t1\t3");
        assert_eq!(escape(&mutation.replacement), "\\n\\\\");
    }
}
