//! `repr` of texts.

use crate::object::{Object, Ref};
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::string::unicode::is_printable;

/// The text in quotes, with escapes for what cannot be shown.
pub fn quoted(text: &Object<Str>) -> Ref<Str> {
    let characters = text.characters();
    let has = |wanted: char| characters.iter().any(|c| c == wanted as u32);
    let quote = if has('\'') && !has('"') { '"' } else { '\'' } as u32;
    let mut out = StrBuilder::with_capacity(characters.len() + 2);
    out.push(quote);
    for c in characters.iter() {
        match c {
            0x09 => out.push_str("\\t"),
            0x0a => out.push_str("\\n"),
            0x0d => out.push_str("\\r"),
            0x5c => out.push_str("\\\\"),
            c if c == quote => {
                out.push(0x5c);
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            0..=0xff => out.push_str(&format!("\\x{c:02x}")),
            0x100..=0xffff => out.push_str(&format!("\\u{c:04x}")),
            _ => out.push_str(&format!("\\U{c:08x}")),
        }
    }
    out.push(quote);
    out.finish()
}
