//! Sources in encodings of one byte a character, by the tables that the library has for them: `encodings/koi8_r.py` and
//! its like. The freezer has no interpreter that could ask the codecs themselves.

use std::fs;
use std::path::Path;

use rspy_syntax::ast::{Constant, ExprKind, Mod, StmtKind};
use rspy_syntax::{ParseOptions, Source, parse_module};

/// Decodes bytes in an encoding that is declared by name, if the library has a table for it.
pub fn decode(library: &Path, encoding: &str, bytes: &[u8]) -> Option<String> {
    let name = encoding.to_ascii_lowercase().replace('-', "_");
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let source = fs::read(library.join("encodings").join(name).with_extension("py")).ok()?;
    let table = decoding_table(&source)?;
    let decoded = bytes.iter().map(|&byte| table.get(usize::from(byte)).copied());
    decoded.map(|character| character.filter(|&character| character != UNDEFINED)).collect()
}

/// What stands in a table for bytes that mean nothing.
const UNDEFINED: char = '\u{FFFE}';

/// The string that a module calls its `decoding_table`.
fn decoding_table(source: &[u8]) -> Option<Vec<char>> {
    let parsed = parse_module(&Source::Bytes(source), &ParseOptions::default()).ok()?;
    let Mod::Module { body, .. } = &parsed.tree else { return None };
    body.iter().find_map(|statement| {
        let StmtKind::Assign { targets, value, .. } = &statement.kind else { return None };
        let is_table = targets.iter().any(
            |target| matches!(&target.kind, ExprKind::Name { id, .. } if id.to_string() == "decoding_table"),
        );
        match &value.kind {
            ExprKind::Constant { value: Constant::Str(text), .. } if is_table => {
                Some(text.as_utf8()?.chars().collect())
            }
            _ => None,
        }
    })
}
