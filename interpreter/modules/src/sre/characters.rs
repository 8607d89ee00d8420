//! Characters as patterns see them: categories, folding of case, and the widths in which a subject keeps them.

/// A character in the width of the subject.
pub trait Character: Copy + Eq + Send + Sync + 'static {
    /// The code point.
    fn code(self) -> u32;

    /// The character in this width, if it fits.
    fn from_code(code: u32) -> Option<Self>;

    /// The first place of `wanted`.
    fn find(text: &[Self], wanted: Self) -> Option<usize> {
        // Blocks without a hit are passed over without a branch for each character.
        const BLOCK: usize = 16;
        let mut start = 0;
        for block in text.chunks_exact(BLOCK) {
            if block.iter().fold(false, |hit, &c| hit | (c == wanted)) {
                break;
            }
            start += BLOCK;
        }
        text[start..].iter().position(|&c| c == wanted).map(|place| start + place)
    }

    /// The last place of `wanted`.
    fn find_last(text: &[Self], wanted: Self) -> Option<usize> {
        text.iter().rposition(|&c| c == wanted)
    }

    /// Where `wanted` begins in the text; the finder, if there is one, looks for it in bytes.
    fn find_all(text: &[Self], wanted: &[u32], _finder: Option<&memchr::memmem::Finder<'static>>) -> Option<usize> {
        let first = Self::from_code(*wanted.first()?)?;
        let mut start = 0;
        while text.len() - start >= wanted.len() {
            start += Self::find(&text[start..=text.len() - wanted.len()], first)?;
            if text[start..].iter().zip(wanted).all(|(c, w)| c.code() == *w) {
                return Some(start);
            }
            start += 1;
        }
        None
    }
}

impl Character for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        u32::from(self)
    }

    #[inline(always)]
    fn from_code(code: u32) -> Option<Self> {
        u8::try_from(code).ok()
    }

    #[inline(always)]
    fn find(text: &[Self], wanted: Self) -> Option<usize> {
        memchr::memchr(wanted, text)
    }

    #[inline(always)]
    fn find_last(text: &[Self], wanted: Self) -> Option<usize> {
        memchr::memrchr(wanted, text)
    }

    fn find_all(text: &[Self], _: &[u32], finder: Option<&memchr::memmem::Finder<'static>>) -> Option<usize> {
        // Without a finder the wanted text does not fit bytes.
        finder?.find(text)
    }
}

impl Character for u16 {
    #[inline(always)]
    fn code(self) -> u32 {
        u32::from(self)
    }

    #[inline(always)]
    fn from_code(code: u32) -> Option<Self> {
        u16::try_from(code).ok()
    }
}

impl Character for u32 {
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }

    #[inline(always)]
    fn from_code(code: u32) -> Option<Self> {
        Some(code)
    }
}

/// A category of characters, with the numbers of `re._constants`. The odd ones are the complements of those before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Category(u32);

impl Category {
    /// The category of a number.
    pub fn new(number: u32) -> Option<Self> {
        (number <= 17).then_some(Category(number))
    }

    /// Whether the character is in it.
    pub fn contains(self, c: u32) -> bool {
        let inside = match self.0 & !1 {
            0 => c < 128 && (c as u8).is_ascii_digit(),
            2 => matches!(c, 9..=13 | 32),
            4 => is_ascii_word(c),
            6 => is_line_break(c),
            8 => is_locale_word(c),
            10 => unicode::is_decimal(c),
            12 => unicode::is_space(c),
            14 => unicode::is_alphanumeric(c) || c == '_' as u32,
            _ => unicode::is_line_break(c),
        };
        inside != (self.0 & 1 != 0)
    }
}

/// The only character that `^`, `$` and `.` take for the end of a line.
#[inline(always)]
pub fn is_line_break(c: u32) -> bool {
    c == '\n' as u32
}

/// `\w` under `re.ASCII`.
#[inline]
pub fn is_ascii_word(c: u32) -> bool {
    c < 128 && ((c as u8).is_ascii_alphanumeric() || c as u8 == b'_')
}

/// `\w` under `re.LOCALE`: the locale is always the one named C.
#[inline]
pub fn is_locale_word(c: u32) -> bool {
    is_ascii_word(c)
}

/// `\w` for text.
#[inline]
pub fn is_unicode_word(c: u32) -> bool {
    if c < 128 { is_ascii_word(c) } else { unicode::is_alphanumeric(c) }
}

/// How case is taken away before characters are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fold {
    /// It is not.
    None,
    /// For ASCII letters.
    Ascii,
    /// For letters of the locale.
    Locale,
    /// For all letters.
    Unicode,
}

impl Fold {
    /// The character in lower case.
    #[inline]
    pub fn lower(self, c: u32) -> u32 {
        match self {
            Fold::None => c,
            Fold::Ascii | Fold::Locale => lower_ascii(c),
            Fold::Unicode => lower_unicode(c),
        }
    }
}

/// An ASCII letter in lower case.
#[inline(always)]
pub fn lower_ascii(c: u32) -> u32 {
    if c < 128 { u32::from((c as u8).to_ascii_lowercase()) } else { c }
}

/// An ASCII letter in upper case.
#[inline(always)]
pub fn upper_ascii(c: u32) -> u32 {
    if c < 128 { u32::from((c as u8).to_ascii_uppercase()) } else { c }
}

/// A character in lower case.
#[inline(always)]
pub fn lower_unicode(c: u32) -> u32 {
    if c < 128 { lower_ascii(c) } else { unicode::lower(c) }
}

/// A character in upper case.
#[inline(always)]
pub fn upper_unicode(c: u32) -> u32 {
    if c < 128 { upper_ascii(c) } else { unicode::upper(c) }
}

/// The character database.
mod unicode {
    pub fn is_decimal(c: u32) -> bool {
        rspy_runtime::format::digits::decimal_value(c).is_some()
    }

    pub fn is_space(c: u32) -> bool {
        matches!(c, 9..=13 | 28..=32 | 0x85 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000)
    }

    pub fn is_alphanumeric(c: u32) -> bool {
        char::from_u32(c).is_some_and(char::is_alphanumeric)
    }

    pub fn is_line_break(c: u32) -> bool {
        matches!(c, 10..=13 | 28..=30 | 0x85 | 0x2028 | 0x2029)
    }

    pub fn lower(c: u32) -> u32 {
        char::from_u32(c).and_then(|c| c.to_lowercase().next()).map_or(c, |c| c as u32)
    }

    pub fn upper(c: u32) -> u32 {
        char::from_u32(c).and_then(|c| c.to_uppercase().next()).map_or(c, |c| c as u32)
    }
}
