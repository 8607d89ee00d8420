//! The values of number and string literals.

use num_bigint::BigInt;
use rspy_code::{Text, TextBuilder};

use crate::ast::Constant;

/// A decimal literal with more digits than may be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyDigits {
    pub digits: usize,
}

/// The value of a number literal the lexer has accepted. `max_digits` limits decimal integers; 0 lifts the limit.
pub(crate) fn parse_number(text: &str, max_digits: usize) -> Result<Constant, TooManyDigits> {
    if text.contains('_') {
        return parse_plain_number(&text.replace('_', ""), max_digits);
    }
    parse_plain_number(text, max_digits)
}

fn parse_plain_number(text: &str, max_digits: usize) -> Result<Constant, TooManyDigits> {
    let bytes = text.as_bytes();
    if bytes.len() > 2 && bytes[0] == b'0' {
        let radix = match bytes[1] | 0x20 {
            b'x' => Some(16),
            b'o' => Some(8),
            b'b' => Some(2),
            _ => None,
        };
        if let Some(radix) = radix {
            return Ok(integer(&text[2..], radix));
        }
    }
    if bytes.iter().all(u8::is_ascii_digit) {
        let digits = bytes.len();
        // CPython counts digits only in numbers long enough to take time.
        if max_digits != 0 && digits > max_digits && digits > 640 {
            return Err(TooManyDigits { digits });
        }
        return Ok(integer(text, 10));
    }
    Ok(match text.strip_suffix(['j', 'J']) {
        Some(imag) => Constant::Complex { real: 0.0, imag: imag.parse().unwrap_or_default() },
        None => Constant::Float(text.parse().unwrap_or_default()),
    })
}

fn integer(digits: &str, radix: u32) -> Constant {
    match i64::from_str_radix(digits, radix) {
        Ok(value) => Constant::Int(value),
        Err(_) => BigInt::parse_bytes(digits.as_bytes(), radix).unwrap_or_default().into(),
    }
}

/// A string literal without replacement fields, taken apart.
pub(crate) struct StringLiteral<'a> {
    /// Whether it makes bytes.
    pub is_bytes: bool,
    /// Whether backslashes stand for themselves.
    pub is_raw: bool,
    /// Whether its prefix is `u`.
    pub is_unicode: bool,
    /// What stands between the quotes.
    pub body: &'a str,
}

impl<'a> StringLiteral<'a> {
    /// Takes apart the text of a `STRING` token.
    pub(crate) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let prefix = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let quote = bytes[prefix];
        let rest = &text[prefix..];
        let is_triple = rest.len() >= 6 && rest.as_bytes()[1] == quote && rest.as_bytes()[2] == quote;
        let width = if is_triple { 3 } else { 1 };
        let has = |letter: u8| bytes[..prefix].iter().any(|byte| byte | 0x20 == letter);
        let body = &rest[width..rest.len() - width];
        Self {
            is_bytes: has(b'b'),
            is_raw: has(b'r') || !body.contains('\\'),
            is_unicode: bytes[0] == b'u',
            body,
        }
    }
}

/// The first escape sequence of a literal that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidEscape {
    /// Where the character behind the backslash stands, in bytes of the text as CPython decodes it.
    pub position: usize,
    /// Line feeds before it.
    pub lines: u32,
    /// How far it is from the last line feed, in the bytes CPython counts.
    pub column: usize,
    /// What is behind the backslash: one character, or three octal digits.
    pub spelling: [u8; 3],
}

impl InvalidEscape {
    /// Whether it is an octal number above 0o377.
    pub(crate) fn is_octal(&self) -> bool {
        matches!(self.spelling[0], b'4'..=b'7')
    }

    /// The characters behind the backslash that messages show.
    pub(crate) fn shown(&self) -> String {
        let length = if self.is_octal() { 3 } else { 1 };
        String::from_utf8_lossy(&self.spelling[..length]).into_owned()
    }
}

/// Why a literal has no value: the text behind `(unicode error)` or `(value error)`.
pub(crate) type DecodeError = String;

/// Finds characters by name, for `\N{…}`.
pub type CharacterNames = fn(&str) -> Option<char>;

/// The value of a string literal's body with escape sequences.
///
/// CPython rewrites characters beyond ASCII as `\UXXXXXXXX` before it decodes, and its positions count that, so
/// they take ten bytes each here as well.
pub(crate) fn decode_text(
    body: &str,
    names: CharacterNames,
) -> Result<(Text, Option<InvalidEscape>), DecodeError> {
    TextDecoder { bytes: body.as_bytes(), body, at: 0, names, invalid: None }.decode()
}

struct TextDecoder<'a> {
    bytes: &'a [u8],
    body: &'a str,
    at: usize,
    names: CharacterNames,
    invalid: Option<InvalidEscape>,
}

impl TextDecoder<'_> {
    fn decode(mut self) -> Result<(Text, Option<InvalidEscape>), DecodeError> {
        let mut text = TextBuilder::with_capacity(self.bytes.len());
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            if plain > 0 {
                let piece = &self.body[self.at..self.at + plain];
                text.push_str(piece);
                self.at += plain;
                continue;
            }
            self.escape(&mut text)?;
        }
        Ok((text.finish(), self.invalid))
    }

    /// Reads one escape sequence.
    fn escape(&mut self, text: &mut TextBuilder) -> Result<(), DecodeError> {
        let start = self.at;
        self.at += 1;
        let Some(&byte) = self.bytes.get(self.at) else {
            // CPython turns a last backslash into `\u005c`.
            text.push(u32::from(b'\\'));
            return Ok(());
        };
        if byte >= 0x80 {
            // Likewise before characters beyond ASCII.
            text.push(u32::from(b'\\'));
            return Ok(());
        }
        self.at += 1;
        let simple = match byte {
            b'\n' => return Ok(()),
            b'\\' | b'\'' | b'"' => byte,
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'0'..=b'7' => {
                self.at -= 1;
                let point = self.octal(start);
                text.push(point);
                return Ok(());
            }
            b'x' => return self.hexadecimal(start, 2, "truncated \\xXX escape", text),
            b'u' => return self.hexadecimal(start, 4, "truncated \\uXXXX escape", text),
            b'U' => return self.hexadecimal(start, 8, "truncated \\UXXXXXXXX escape", text),
            b'N' => return self.named(start, text),
            _ => {
                self.note_invalid(start + 1);
                text.push(u32::from(b'\\'));
                byte
            }
        };
        text.push(u32::from(simple));
        Ok(())
    }

    fn octal(&mut self, start: usize) -> u32 {
        let (point, length) = read_octal(&self.bytes[self.at..]);
        if point > 0o377 {
            self.note_invalid(start + 1);
        }
        self.at += length;
        point
    }

    fn note_invalid(&mut self, position: usize) {
        if self.invalid.is_some() {
            return;
        }
        let before = &self.body[..position];
        let last_line = before.rfind('\n').map_or(0, |index| index + 1);
        let widths = |piece: &str| piece.chars().map(|c| if c.is_ascii() { 1 } else { 10 }).sum::<usize>();
        self.invalid = Some(InvalidEscape {
            position: position + self.widening(position),
            lines: before.bytes().filter(|&byte| byte == b'\n').count() as u32,
            column: widths(&before[last_line..]),
            spelling: spelling_at(self.bytes, position),
        });
    }

    fn hexadecimal(
        &mut self,
        start: usize,
        length: usize,
        message: &str,
        text: &mut TextBuilder,
    ) -> Result<(), DecodeError> {
        let digits =
            self.bytes[self.at..].iter().take(length).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let number = &self.body[self.at..self.at + digits];
        self.at += digits;
        if digits < length {
            return Err(self.error(start, self.at, message));
        }
        let point = u32::from_str_radix(number, 16).unwrap_or(u32::MAX);
        if point > 0x10FFFF {
            return Err(self.error(start, self.at, "illegal Unicode character"));
        }
        text.push(point);
        Ok(())
    }

    /// `\N{name}`.
    fn named(&mut self, start: usize, text: &mut TextBuilder) -> Result<(), DecodeError> {
        let malformed = "malformed \\N character escape";
        if self.bytes.get(self.at) != Some(&b'{') {
            return Err(self.error(start, self.at, malformed));
        }
        let name_start = self.at + 1;
        let Some(length) = memchr::memchr(b'}', &self.bytes[name_start..]) else {
            return Err(self.error(start, self.bytes.len(), malformed));
        };
        let name_end = name_start + length;
        if length == 0 {
            return Err(self.error(start, name_end, malformed));
        }
        let name = &self.body[name_start..name_end];
        self.at = name_end + 1;
        match (self.names)(name) {
            Some(character) => {
                text.push(u32::from(character));
                Ok(())
            }
            None => Err(self.error(start, self.at, "unknown Unicode character name")),
        }
    }

    fn error(&self, start: usize, end: usize, message: &str) -> DecodeError {
        let (start, last) = (start + self.widening(start), end + self.widening(end) - 1);
        if start == last {
            return format!("'unicodeescape' codec can't decode byte 0x5c in position {start}: {message}");
        }
        format!("'unicodeescape' codec can't decode bytes in position {start}-{last}: {message}")
    }

    /// How many bytes more CPython's text has before this place.
    fn widening(&self, end: usize) -> usize {
        let mut widening = 0;
        let mut is_escaped = false;
        for character in self.body[..end].chars() {
            if !character.is_ascii() {
                widening += 10 - character.len_utf8() + if is_escaped { 5 } else { 0 };
            }
            is_escaped = character == '\\' && !is_escaped;
        }
        widening
    }
}

/// The value of a bytes literal's body with escape sequences.
pub(crate) fn decode_bytes(body: &str) -> Result<(Vec<u8>, Option<InvalidEscape>), DecodeError> {
    let bytes = body.as_bytes();
    let mut value = Vec::with_capacity(bytes.len());
    let mut invalid = None;
    let mut note = |position: usize| {
        let before = &bytes[..position];
        let last_line = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |index| index + 1);
        invalid.get_or_insert(InvalidEscape {
            position,
            lines: before.iter().filter(|&&byte| byte == b'\n').count() as u32,
            column: position - last_line,
            spelling: spelling_at(bytes, position),
        });
    };
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            value.push(bytes[at]);
            at += 1;
            continue;
        }
        let start = at;
        let Some(&byte) = bytes.get(at + 1) else { return Err("Trailing \\ in string".to_owned()) };
        at += 2;
        let decoded = match byte {
            b'\n' => continue,
            b'\\' | b'\'' | b'"' => byte,
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'0'..=b'7' => {
                let (number, length) = read_octal(&bytes[start + 1..]);
                if number > 0o377 {
                    note(start + 1);
                }
                at = start + 1 + length;
                number as u8
            }
            b'x' => {
                let digits =
                    body.get(at..at + 2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(digits) = digits else {
                    return Err(format!("invalid \\x escape at position {start}"));
                };
                at += 2;
                u8::from_str_radix(digits, 16).unwrap_or_default()
            }
            _ => {
                note(start + 1);
                value.push(b'\\');
                byte
            }
        };
        value.push(decoded);
    }
    Ok((value, invalid))
}

/// Up to three octal digits: their value and how many there are.
fn read_octal(bytes: &[u8]) -> (u32, usize) {
    let digits = bytes.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
    digits.fold((0, 0), |(value, length), &digit| (value * 8 + u32::from(digit - b'0'), length + 1))
}

fn spelling_at(bytes: &[u8], position: usize) -> [u8; 3] {
    std::array::from_fn(|index| bytes.get(position + index).copied().unwrap_or_default())
}
