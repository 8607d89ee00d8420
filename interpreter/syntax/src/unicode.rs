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
    if let Some((_, character)) = CORRECTED_NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) {
        return Some(*character);
    }
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

/// Names that correct mistaken ones, and other second names of characters that have a first.
#[rustfmt::skip]
static CORRECTED_NAMES: [(&str, char); 37] = [
    ("LATIN CAPITAL LETTER GHA", '\u{1A2}'),
    ("LATIN SMALL LETTER GHA", '\u{1A3}'),
    ("SYRIAC SUBLINEAR COLON SKEWED LEFT", '\u{709}'),
    ("KANNADA LETTER LLLA", '\u{CDE}'),
    ("LAO LETTER FO FON", '\u{E9D}'),
    ("LAO LETTER FO FAY", '\u{E9F}'),
    ("LAO LETTER RO", '\u{EA3}'),
    ("LAO LETTER LO", '\u{EA5}'),
    ("TIBETAN MARK BKA- SHOG GI MGO RGYAN", '\u{FD0}'),
    ("HANGUL JONGSEONG YESIEUNG-KIYEOK", '\u{11EC}'),
    ("HANGUL JONGSEONG YESIEUNG-SSANGKIYEOK", '\u{11ED}'),
    ("HANGUL JONGSEONG SSANGYESIEUNG", '\u{11EE}'),
    ("HANGUL JONGSEONG YESIEUNG-KHIEUKH", '\u{11EF}'),
    ("SUNDANESE LETTER ARCHAIC I", '\u{1BBD}'),
    ("WEIERSTRASS ELLIPTIC FUNCTION", '\u{2118}'),
    ("MICR ON US SYMBOL", '\u{2448}'),
    ("MICR DASH SYMBOL", '\u{2449}'),
    ("LEFTWARDS TRIANGLE-HEADED ARROW WITH DOUBLE VERTICAL STROKE", '\u{2B7A}'),
    ("RIGHTWARDS TRIANGLE-HEADED ARROW WITH DOUBLE VERTICAL STROKE", '\u{2B7C}'),
    ("YI SYLLABLE ITERATION MARK", '\u{A015}'),
    ("MYANMAR LETTER KHAMTI LLA", '\u{AA6E}'),
    ("PRESENTATION FORM FOR VERTICAL RIGHT WHITE LENTICULAR BRACKET", '\u{FE18}'),
    ("CUNEIFORM SIGN NU11 TENU", '\u{122D4}'),
    ("CUNEIFORM SIGN NU11 OVER NU11 BUR OVER BUR", '\u{122D5}'),
    ("BAMUM LETTER PHASE-A MAEMGBIEE", '\u{1680B}'),
    ("MEDEFAIDRIN CAPITAL LETTER H", '\u{16E56}'),
    ("MEDEFAIDRIN CAPITAL LETTER NG", '\u{16E57}'),
    ("MEDEFAIDRIN SMALL LETTER H", '\u{16E76}'),
    ("MEDEFAIDRIN SMALL LETTER NG", '\u{16E77}'),
    ("HENTAIGANA LETTER E-1", '\u{1B001}'),
    ("BYZANTINE MUSICAL SYMBOL FTHORA SKLIRON CHROMA VASIS", '\u{1D0C5}'),
    ("BYTE ORDER MARK", '\u{FEFF}'),
    ("ARABIC SMALL HIGH LIGATURE ALEF WITH YEH BARREE", '\u{616}'),
    ("PADDING CHARACTER", '\u{80}'),
    ("HIGH OCTET PRESET", '\u{81}'),
    ("INDEX", '\u{84}'),
    ("SINGLE GRAPHIC CHARACTER INTRODUCER", '\u{99}'),
];

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
