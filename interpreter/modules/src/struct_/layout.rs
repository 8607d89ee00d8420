//! Format strings: which items lie where, and how many bytes they take together.

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
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
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
        let mut layout = Layout { big_endian, ..Layout::default() };
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
            layout.add(code, count, native)?;
        }
        Ok(layout)
    }

    fn add(&mut self, code: u8, count: usize, native: bool) -> Result<(), FormatError> {
        let (kind, size, alignment) = item_of(code, native).ok_or(FormatError::BadCharacter)?;
        let limit = |size: usize| Some(size).filter(|&size| size <= isize::MAX as usize);
        let offset = self.size.checked_next_multiple_of(alignment).and_then(limit).ok_or(FormatError::TooLong)?;
        let end = size.checked_mul(count).and_then(|bytes| offset.checked_add(bytes)).and_then(limit);
        self.size = end.ok_or(FormatError::TooLong)?;
        match kind {
            Kind::Pad => {}
            Kind::Text | Kind::PascalText => {
                self.runs.push(Run { kind, code, offset, size: count, count: 1 });
                self.values += 1;
            }
            _ if count > 0 => {
                self.runs.push(Run { kind, code, offset, size, count });
                self.values += count;
            }
            _ => {}
        }
        Ok(())
    }

    /// Each item on its own, with its place.
    pub fn items(&self) -> Items<'_> {
        Items { runs: self.runs.iter(), run: None, place: 0, left: 0, all: self.values }
    }
}

/// The items of a layout.
pub struct Items<'a> {
    runs: std::slice::Iter<'a, Run>,
    run: Option<&'a Run>,
    /// Where the next item of the run lies.
    place: usize,
    /// How many items of the run are left.
    left: usize,
    /// How many of all are.
    all: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = (&'a Run, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let run = self.runs.next()?;
            self.run = Some(run);
            self.place = run.offset;
            self.left = run.count;
        }
        let run = self.run?;
        let place = self.place;
        self.place += run.size;
        self.left -= 1;
        self.all -= 1;
        Some((run, place))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.all, Some(self.all))
    }
}

impl ExactSizeIterator for Items<'_> {}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}
