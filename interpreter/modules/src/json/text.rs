//! Strings in quotes, as JSON writes them.

use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::string::{Characters, Str};

/// Which characters are written as escapes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escapes {
    /// Those that must be.
    Needed,
    /// Those beyond ASCII too.
    NonAscii,
}

/// A string in quotes.
pub fn quoted(text: &Object<Str>, escapes: Escapes) -> Ref<Str> {
    let mut out = StrBuilder::with_capacity(text.length() + 2);
    push_quoted(&mut out, text, escapes);
    out.finish()
}

/// Appends a string in quotes.
pub fn push_quoted(out: &mut StrBuilder, text: &Object<Str>, escapes: Escapes) {
    out.push('"' as u32);
    match text.characters() {
        Characters::One(data) if data.iter().all(|&c| is_plain(u32::from(c), escapes)) => {
            out.push_characters(text.characters());
        }
        characters => characters.iter().for_each(|c| push_character(out, c, escapes)),
    }
    out.push('"' as u32);
}

fn is_plain(c: u32, escapes: Escapes) -> bool {
    match escapes {
        Escapes::NonAscii => matches!(c, 0x20..0x7f) && c != '"' as u32 && c != '\\' as u32,
        Escapes::Needed => c >= 0x20 && c != '"' as u32 && c != '\\' as u32,
    }
}

fn push_character(out: &mut StrBuilder, c: u32, escapes: Escapes) {
    if is_plain(c, escapes) {
        out.push(c);
        return;
    }
    let short = match char::from_u32(c) {
        Some('"') => "\\\"",
        Some('\\') => "\\\\",
        Some('\n') => "\\n",
        Some('\r') => "\\r",
        Some('\t') => "\\t",
        Some('\x08') => "\\b",
        Some('\x0c') => "\\f",
        _ => {
            if c > 0xffff {
                let c = c - 0x10000;
                push_escape(out, 0xd800 | c >> 10);
                push_escape(out, 0xdc00 | c & 0x3ff);
            } else {
                push_escape(out, c);
            }
            return;
        }
    };
    out.push_str(short);
}

fn push_escape(out: &mut StrBuilder, unit: u32) {
    out.push_str(&format!("\\u{unit:04x}"));
}
