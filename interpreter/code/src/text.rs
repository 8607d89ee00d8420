//! [`Text`]: an owned Python string as plain data.
//!
//! A Python string is a sequence of code points, lone surrogates included, so Rust's `str` cannot hold every one of
//! them. `Text` keeps the generalised UTF-8 form in which a surrogate takes three bytes like any other code point of
//! its range; this is also the form marshal writes (`surrogatepass`). Comparing bytes compares code points.

use std::borrow::Borrow;
use std::fmt;
use std::str::Utf8Error;
use std::sync::Arc;

/// An immutable Python string, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<[u8]>);

/// Bytes that are not generalised UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidText {
    /// Where the first offending sequence starts.
    pub position: usize,
}

impl Text {
    /// The string made of the given code points.
    pub fn from_code_points(points: impl IntoIterator<Item = u32>) -> Self {
        let mut builder = TextBuilder::new();
        for point in points {
            builder.push(point);
        }
        builder.finish()
    }

    /// Takes bytes in generalised UTF-8 after checking that they are.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidText> {
        check(bytes)?;
        Ok(Self(bytes.into()))
    }

    /// The string as generalised UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The string as a `str`, unless it has lone surrogates.
    pub fn as_utf8(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The string as a `str`, or where its first surrogate stands (a byte offset).
    pub fn try_utf8(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(&self.0)
    }

    /// The code points in order.
    pub fn chars(&self) -> Chars<'_> {
        Chars { bytes: &self.0 }
    }

    /// How many code points there are: Python's `len`.
    pub fn char_count(&self) -> usize {
        self.0.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
    }

    /// How many bytes the generalised UTF-8 form takes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this is the empty string.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every code point is below 128.
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }

    /// Whether two texts are the same allocation.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Text {
    fn from(string: &str) -> Self {
        Self(string.as_bytes().into())
    }
}

impl From<String> for Text {
    fn from(string: String) -> Self {
        Self(string.into_bytes().into())
    }
}

impl From<Arc<str>> for Text {
    fn from(string: Arc<str>) -> Self {
        Self(string.into())
    }
}

impl From<char> for Text {
    fn from(character: char) -> Self {
        Self::from(character.encode_utf8(&mut [0; 4]) as &str)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the text with surrogates replaced by U+FFFD.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_utf8() {
            Some(string) => f.pad(string),
            None => self
                .chars()
                .try_for_each(|point| write!(f, "{}", char::from_u32(point).unwrap_or('\u{FFFD}'))),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_utf8() {
            Some(string) => write!(f, "{string:?}"),
            None => {
                f.write_str("\"")?;
                for point in self.chars() {
                    match char::from_u32(point) {
                        Some(character) => write!(f, "{}", character.escape_debug())?,
                        None => write!(f, "\\u{{{point:x}}}")?,
                    }
                }
                f.write_str("\"")
            }
        }
    }
}

/// The code points of a [`Text`].
#[derive(Clone, Debug)]
pub struct Chars<'a> {
    bytes: &'a [u8],
}

impl Iterator for Chars<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (point, width) = decode(self.bytes)?;
        self.bytes = &self.bytes[width..];
        Some(point)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.bytes.len().div_ceil(4), Some(self.bytes.len()))
    }
}

/// Puts a [`Text`] together piece by piece.
#[derive(Clone, Debug, Default)]
pub struct TextBuilder(Vec<u8>);

impl TextBuilder {
    /// An empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty text with room for `bytes` bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Appends one code point, surrogate or not.
    ///
    /// # Panics
    /// If `point` is above 0x10FFFF.
    pub fn push(&mut self, point: u32) {
        assert!(point <= 0x10FFFF, "not a code point: {point:#x}");
        let continuation = |shift: u32| (point >> shift) as u8 & 0x3F | 0x80;
        match point {
            0..0x80 => self.0.push(point as u8),
            0x80..0x800 => self.0.extend([(point >> 6) as u8 | 0xC0, continuation(0)]),
            0x800..0x10000 => self.0.extend([(point >> 12) as u8 | 0xE0, continuation(6), continuation(0)]),
            _ => self.0.extend([
                (point >> 18) as u8 | 0xF0,
                continuation(12),
                continuation(6),
                continuation(0),
            ]),
        }
    }

    /// Appends a piece without surrogates.
    pub fn push_str(&mut self, string: &str) {
        self.0.extend_from_slice(string.as_bytes());
    }

    /// Appends another text.
    pub fn push_text(&mut self, text: &Text) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes were appended.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The text put together.
    pub fn finish(self) -> Text {
        Text(self.0.into())
    }
}

/// The first code point of bytes known to be generalised UTF-8, and its width.
fn decode(bytes: &[u8]) -> Option<(u32, usize)> {
    let first = *bytes.first()?;
    let tail = |index: usize| u32::from(bytes[index] & 0x3F);
    Some(match first {
        0..0x80 => (u32::from(first), 1),
        0x80..0xE0 => (u32::from(first & 0x1F) << 6 | tail(1), 2),
        0xE0..0xF0 => (u32::from(first & 0x0F) << 12 | tail(1) << 6 | tail(2), 3),
        _ => (u32::from(first & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
    })
}

/// Checks that `bytes` is UTF-8 in which surrogates may appear as well.
fn check(mut bytes: &[u8]) -> Result<(), InvalidText> {
    let mut position = 0;
    loop {
        match std::str::from_utf8(bytes) {
            Ok(_) => return Ok(()),
            Err(error) => {
                let start = error.valid_up_to();
                let is_surrogate = matches!(bytes[start..], [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..]);
                if !is_surrogate {
                    return Err(InvalidText { position: position + start });
                }
                position += start + 3;
                bytes = &bytes[start + 3..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_survive() {
        let text = Text::from_code_points([0x61, 0xD800, 0xDC00, 0x1F600]);
        assert_eq!(text.chars().collect::<Vec<_>>(), [0x61, 0xD800, 0xDC00, 0x1F600]);
        assert_eq!(text.char_count(), 4);
        assert_eq!(text.as_utf8(), None);
        assert_eq!(Text::from_bytes(text.as_bytes()), Ok(text));
    }

    #[test]
    fn bad_bytes_are_refused() {
        assert_eq!(Text::from_bytes(b"ab\xFF"), Err(InvalidText { position: 2 }));
        assert_eq!(Text::from_bytes(b"\xED\xA0"), Err(InvalidText { position: 0 }));
    }
}
