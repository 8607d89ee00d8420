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
        Characters::One(data) => push_pieces(out, data, Characters::One, escapes),
        Characters::Two(data) => push_pieces(out, data, Characters::Two, escapes),
        Characters::Four(data) => push_pieces(out, data, Characters::Four, escapes),
    }
    out.push('"' as u32);
}

/// Appends characters: those that stand for themselves in one go, the others one by one.
fn push_pieces<'a, C: Copy + Into<u32>>(
    out: &mut StrBuilder,
    mut characters: &'a [C],
    wrap: fn(&'a [C]) -> Characters<'a>,
    escapes: Escapes,
) {
    loop {
        let plain = count_plain(characters, escapes);
        out.push_characters(wrap(&characters[..plain]));
        let Some((&escaped, rest)) = characters[plain..].split_first() else { return };
        push_escaped(out, escaped.into());
        characters = rest;
    }
}

/// How many characters stand for themselves before the first that does not.
fn count_plain<C: Copy + Into<u32>>(characters: &[C], escapes: Escapes) -> usize {
    // Whole chunks are looked at without a jump in between.
    const CHUNK: usize = 16;
    let last = if escapes == Escapes::NonAscii { '~' as u32 } else { u32::MAX };
    let is_plain = |c: &C| {
        let c: u32 = (*c).into();
        (c >= 0x20) & (c <= last) & (c != '"' as u32) & (c != '\\' as u32)
    };
    let chunks = characters.chunks_exact(CHUNK);
    let start = chunks.take_while(|chunk| chunk.iter().fold(true, |all, c| all & is_plain(c))).count() * CHUNK;
    let rest = &characters[start..];
    start + rest.iter().position(|c| !is_plain(c)).unwrap_or(rest.len())
}

fn push_escaped(out: &mut StrBuilder, c: u32) {
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
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(u32::from(b"0123456789abcdef"[unit as usize >> shift & 0xf]));
    }
}
