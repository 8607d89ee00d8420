//! What the lexer must know about characters beyond ASCII.

use std::cmp::Ordering;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use crate::unicode_ranges::{IDENTIFIER_CONTINUE, IDENTIFIER_START, NOT_PRINTABLE};

/// Whether an identifier may start with `character`.
pub(crate) fn is_identifier_start(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '_' => true,
        '\0'..='\x7F' => false,
        _ => contains(&IDENTIFIER_START, character),
    }
}

/// Whether `character` may stand inside an identifier.
pub(crate) fn is_identifier_continue(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '_' | '0'..='9' => true,
        '\0'..='\x7F' => false,
        _ => contains(&IDENTIFIER_CONTINUE, character),
    }
}

/// Python's `str.isprintable` for one character.
pub(crate) fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\x7F' => false,
        _ => !contains(&NOT_PRINTABLE, character),
    }
}

/// The character with this name or alias, in letters of either case.
pub(crate) fn character_named(name: &str) -> Option<char> {
    let character = unicode_names2::character(name)?;
    // Control characters have only aliases.
    let Some(official) = unicode_names2::name(character) else { return Some(character) };
    let official = official.to_string();
    if name.eq_ignore_ascii_case(&official) {
        return Some(character);
    }
    // The look-up is loose about spaces and hyphens; Python is not.
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    };
    (letters(name) != letters(&official)).then_some(character)
}

/// The identifier in normal form NFKC, unless it already is (PEP 3131).
pub(crate) fn normalize_identifier(identifier: &str) -> Option<String> {
    match is_nfkc_quick(identifier.chars()) {
        IsNormalized::Yes => None,
        _ => Some(identifier.nfkc().collect()),
    }
}

fn contains(ranges: &[(u32, u32)], character: char) -> bool {
    let point = u32::from(character);
    ranges
        .binary_search_by(|&(first, last)| match (first > point, last < point) {
            (true, _) => Ordering::Greater,
            (_, true) => Ordering::Less,
            _ => Ordering::Equal,
        })
        .is_ok()
}
