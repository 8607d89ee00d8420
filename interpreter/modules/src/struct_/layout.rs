//! Format strings: which items lie where, and how many bytes they take together.

use super::codec::Codec;

/// Why a format string means nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormatError {
    /// A character that stands for no type.
    BadCharacter,
    /// A count with nothing behind it.
    CountAlone,
    /// The bytes cannot be counted.
    TooLong,
}

impl FormatError {
    /// The message.
    pub fn message(self) -> &'static str {
        match self {
            FormatError::BadCharacter => "bad char in struct format",
            FormatError::CountAlone => "repeat count given without format specifier",
            FormatError::TooLong => "total struct size too long",
        }
    }
}

/// What an item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Bytes that are passed over.
    Pad,
    /// One byte as `bytes`.
    Character,
    /// Bytes of a fixed length.
    Text,
    /// Bytes with their length in front.
    PascalText,
    /// An integer with a sign.
    Signed,
    /// An integer without a sign.
    Unsigned,
    /// An address.
    Pointer,
    /// A truth value.
    Bool,
    /// A floating-point number.
    Float,
    /// Two floating-point numbers: a complex number.
    Complex,
}

/// Items of one kind that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What they are.
    pub kind: Kind,
    /// The character in the format string.
    pub code: u8,
    /// Where the first one lies.
    pub offset: usize,
    /// Bytes of each.
    pub size: usize,
    /// How many.
    pub count: usize,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// What packs and unpacks them.
    pub codec: Codec,
}

/// A parsed format string.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The items; padding is left out.
    pub runs: Vec<Run>,
    /// Bytes of all.
    pub size: usize,
    /// How many values they stand for.
    pub values: usize,
}

/// What a character stands for: kind, bytes, and alignment in native formats.
fn item_of(code: u8, native: bool) -> Option<(Kind, usize, usize)> {
    let (kind, size) = match code {
        b'x' => (Kind::Pad, 1),
        b'c' => (Kind::Character, 1),
        b's' => (Kind::Text, 1),
        b'p' => (Kind::PascalText, 1),
        b'b' => (Kind::Signed, 1),
        b'B' => (Kind::Unsigned, 1),
        b'?' => (Kind::Bool, 1),
        b'h' => (Kind::Signed, 2),
        b'H' => (Kind::Unsigned, 2),
        b'i' => (Kind::Signed, 4),
        b'I' => (Kind::Unsigned, 4),
        b'l' => (Kind::Signed, if native { size_of::<std::ffi::c_long>() } else { 4 }),
        b'L' => (Kind::Unsigned, if native { size_of::<std::ffi::c_long>() } else { 4 }),
        b'q' => (Kind::Signed, 8),
        b'Q' => (Kind::Unsigned, 8),
        b'n' if native => (Kind::Signed, size_of::<isize>()),
        b'N' if native => (Kind::Unsigned, size_of::<usize>()),
        b'P' if native => (Kind::Pointer, size_of::<usize>()),
        b'e' => (Kind::Float, 2),
        b'f' => (Kind::Float, 4),
        b'd' => (Kind::Float, 8),
        b'F' => (Kind::Complex, 8),
        b'D' => (Kind::Complex, 16),
        _ => return None,
    };
    let alignment = match kind {
        _ if !native => 1,
        Kind::Complex => size / 2,
        _ => size,
    };
    Some((kind, size, alignment))
}

impl Layout {
    /// Parses a format string.
    pub fn parse(format: &[u8]) -> Result<Layout, FormatError> {
        let (native, big_endian, items) = match format {
            [b'@', rest @ ..] => (true, cfg!(target_endian = "big"), rest),
            [b'=', rest @ ..] => (false, cfg!(target_endian = "big"), rest),
            [b'<', rest @ ..] => (false, false, rest),
            [b'>' | b'!', rest @ ..] => (false, true, rest),
            rest => (true, cfg!(target_endian = "big"), rest),
        };
        // One character at least for a run; long formats mostly repeat counts.
        let mut layout = Layout { runs: Vec::with_capacity(items.len().min(16)), ..Layout::default() };
        let mut rest = items.iter().copied().peekable();
        while let Some(first) = rest.next() {
            if is_space(first) {
                continue;
            }
            let mut code = first;
            let mut count = 1;
            if first.is_ascii_digit() {
                count = usize::from(first - b'0');
                loop {
                    code = rest.next().ok_or(FormatError::CountAlone)?;
                    if !code.is_ascii_digit() {
                        break;
                    }
                    count = count
                        .checked_mul(10)
                        .and_then(|count| count.checked_add(usize::from(code - b'0')))
                        .filter(|&count| count <= isize::MAX as usize)
                        .ok_or(FormatError::TooLong)?;
                }
            }
            layout.add(code, count, native, big_endian)?;
        }
        Ok(layout)
    }

    fn add(&mut self, code: u8, count: usize, native: bool, big_endian: bool) -> Result<(), FormatError> {
        let (kind, size, alignment) = item_of(code, native).ok_or(FormatError::BadCharacter)?;
        let limit = |size: usize| Some(size).filter(|&size| size <= isize::MAX as usize);
        // Alignments are powers of two.
        let aligned = self.size.checked_add(alignment - 1).map(|size| size & !(alignment - 1));
        let offset = aligned.and_then(limit).ok_or(FormatError::TooLong)?;
        let end = size.checked_mul(count).and_then(|bytes| offset.checked_add(bytes)).and_then(limit);
        self.size = end.ok_or(FormatError::TooLong)?;
        let (size, count) = match kind {
            Kind::Pad => return Ok(()),
            Kind::Text | Kind::PascalText => (count, 1),
            _ if count == 0 => return Ok(()),
            _ => (size, count),
        };
        let codec = Codec::of(kind, size, big_endian);
        self.runs.push(Run { kind, code, offset, size, count, big_endian, codec });
        self.values += count;
        Ok(())
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}
