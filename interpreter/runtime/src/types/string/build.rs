//! Making strings: from UTF-8, from code points, by joining, and piece by piece with [`StrBuilder`].

use std::ptr::NonNull;

use crate::cell::GilCell;
use crate::object::{Object, Ref};
use crate::types::string::{Characters, Kind, Str};

/// The strings of one Latin-1 character and the empty one, made when first needed.
static SINGLE: [GilCell<Option<Ref<Str>>>; 257] = [const { GilCell::new(None) }; 257];

/// The string of one character, or the empty one.
pub(super) fn character(character: Option<u32>) -> Ref<Str> {
    let index = match character {
        None => 256,
        Some(c) if c < 256 => c as usize,
        Some(c) => return from_characters_of(Characters::Four(&[c]), Kind::Four),
    };
    if let Some(made) = &*SINGLE[index].borrow() {
        return made.clone();
    }
    let byte = [index as u8];
    let text = if index == 256 { &[][..] } else { &byte[..] };
    let made = copy_bytes(text, if text.is_ascii() { Kind::Ascii } else { Kind::Latin1 });
    let made = crate::types::string::intern::intern(&made);
    made.header().make_immortal();
    SINGLE[index].set(Some(made.clone()));
    made
}

fn copy_bytes(bytes: &[u8], kind: Kind) -> Ref<Str> {
    // SAFETY: all characters are written.
    unsafe {
        Str::allocate(bytes.len(), kind, |data| data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()))
    }
}

/// A string of ASCII bytes.
pub fn from_ascii(bytes: &[u8]) -> Ref<Str> {
    debug_assert!(bytes.is_ascii());
    match bytes {
        [] => character(None),
        [byte] => character(Some(*byte as u32)),
        _ => copy_bytes(bytes, Kind::Ascii),
    }
}

/// A string of Latin-1 bytes.
pub fn from_latin1(bytes: &[u8]) -> Ref<Str> {
    if bytes.is_ascii() {
        from_ascii(bytes)
    } else {
        from_characters_of(Characters::One(bytes), Kind::Latin1)
    }
}

/// A string of an UTF-8 text.
pub fn from_utf8(text: &str) -> Ref<Str> {
    if text.is_ascii() {
        return from_ascii(text.as_bytes());
    }
    let mut kind = Kind::Latin1;
    let mut length = 0;
    for c in text.chars() {
        kind = kind.max(Kind::of(c as u32));
        length += 1;
    }
    fill(length, kind, text.chars().map(|c| c as u32))
}

/// A string of code points.
pub fn from_characters(characters: Characters<'_>) -> Ref<Str> {
    from_characters_of(characters, Kind::Four)
}

/// A string of code points that `at_most` holds; finds the narrowest kind.
pub fn from_characters_of(characters: Characters<'_>, at_most: Kind) -> Ref<Str> {
    if characters.len() <= 1 {
        match characters.iter().next() {
            None => return character(None),
            Some(c) if c < 256 => return character(Some(c)),
            Some(_) => {}
        }
    }
    let kind = match (at_most, characters) {
        (Kind::Ascii, _) => Kind::Ascii,
        (_, Characters::One(data)) => {
            if data.is_ascii() {
                Kind::Ascii
            } else {
                Kind::Latin1
            }
        }
        (_, Characters::Two(data)) => Kind::of(data.iter().fold(0, |all, &c| all | c) as u32),
        (_, Characters::Four(data)) => Kind::of(data.iter().copied().max().unwrap_or(0)),
    };
    match (kind, characters) {
        (Kind::Ascii | Kind::Latin1, Characters::One(data)) => copy_bytes(data, kind),
        (Kind::Ascii | Kind::Latin1, Characters::Two(data)) => convert(data, kind, |c| c as u8),
        (Kind::Ascii | Kind::Latin1, Characters::Four(data)) => convert(data, kind, |c| c as u8),
        (Kind::Two, Characters::One(data)) => convert(data, kind, u16::from),
        (Kind::Two, Characters::Two(data)) => convert(data, kind, |c| c),
        (Kind::Two, Characters::Four(data)) => convert(data, kind, |c| c as u16),
        (Kind::Four, Characters::One(data)) => convert(data, kind, u32::from),
        (Kind::Four, Characters::Two(data)) => convert(data, kind, u32::from),
        (Kind::Four, Characters::Four(data)) => convert(data, kind, |c| c),
    }
}

/// A string of characters, each as `convert` has it in the kind's width.
fn convert<From: Copy, To>(from: &[From], kind: Kind, convert: impl Fn(From) -> To) -> Ref<Str> {
    debug_assert_eq!(size_of::<To>(), kind.width());
    // SAFETY: all characters are written, in the width of the kind.
    unsafe {
        Str::allocate(from.len(), kind, |data| {
            let data = data.cast::<To>();
            for (index, &character) in from.iter().enumerate() {
                data.add(index).write(convert(character));
            }
        })
    }
}

fn fill(length: usize, kind: Kind, characters: impl Iterator<Item = u32>) -> Ref<Str> {
    // SAFETY: the iterator yields `length` characters that fit the kind.
    unsafe {
        Str::allocate(length, kind, |data| {
            let mut written = 0;
            match kind.width() {
                1 => characters.take(length).enumerate().for_each(|(i, c)| {
                    data.add(i).write(c as u8);
                    written = i + 1;
                }),
                2 => characters.take(length).enumerate().for_each(|(i, c)| {
                    data.cast::<u16>().add(i).write(c as u16);
                    written = i + 1;
                }),
                _ => characters.take(length).enumerate().for_each(|(i, c)| {
                    data.cast::<u32>().add(i).write(c);
                    written = i + 1;
                }),
            }
            assert!(written == length);
        })
    }
}

/// Both texts one after the other.
pub fn concat(left: &Object<Str>, right: &Object<Str>) -> Ref<Str> {
    if right.length() == 0 {
        return left.to_exact();
    }
    if left.length() == 0 {
        return right.to_exact();
    }
    join(&[left.characters(), right.characters()], left.kind().max(right.kind()))
}

/// Appends `right` to `left` in place, if nobody else has `left` and its kind holds the new characters; otherwise hands
/// `left` back.
///
/// # Errors
/// `left`, unchanged.
pub(crate) fn append(left: Ref<Str>, right: &Object<Str>) -> Result<Ref<Str>, Ref<Str>> {
    let (old, kind) = (left.length(), left.kind());
    let length = old + right.length();
    let size = size_of::<Object<Str>>() + length * kind.width();
    let alone = left.header().reference_count() == 1 && !left.is_interned();
    if !alone || right.kind() > kind || old == 0 || !crate::heap::can_allocate(size) {
        return Err(left);
    }
    // SAFETY: the only reference is ours, and exact strings lie at the start of their block. `right` is another
    // object, since that has a reference too.
    unsafe {
        let block = std::mem::ManuallyDrop::new(left).as_ptr().cast::<u8>();
        let block = crate::heap::grow(block, size);
        let text = Ref::from_raw(NonNull::new_unchecked(block.cast::<Object<Str>>()));
        write_at(block.add(size_of::<Object<Str>>()), kind, old, right.characters());
        text.set_length(length);
        Ok(text)
    }
}

/// All parts one after the other, in a kind that holds them and that one of them needs.
pub fn join(parts: &[Characters<'_>], kind: Kind) -> Ref<Str> {
    let length: usize = parts.iter().map(Characters::len).sum();
    if length == 0 {
        return character(None);
    }
    // SAFETY: all parts together have `length` characters, each of which fits the kind.
    unsafe {
        Str::allocate(length, kind, |data| {
            let mut at = 0;
            for part in parts {
                write_at(data, kind, at, *part);
                at += part.len();
            }
        })
    }
}

/// Writes characters from index `at` on.
///
/// # Safety
/// The data has room for them, and they fit the kind.
unsafe fn write_at(data: *mut u8, kind: Kind, at: usize, part: Characters<'_>) {
    // SAFETY: as promised.
    unsafe {
        match (kind.width(), part) {
            (1, Characters::One(from)) => data.add(at).copy_from_nonoverlapping(from.as_ptr(), from.len()),
            (2, Characters::Two(from)) => {
                data.cast::<u16>().add(at).copy_from_nonoverlapping(from.as_ptr(), from.len());
            }
            (4, Characters::Four(from)) => {
                data.cast::<u32>().add(at).copy_from_nonoverlapping(from.as_ptr(), from.len());
            }
            (1, part) => part.iter().enumerate().for_each(|(i, c)| data.add(at + i).write(c as u8)),
            (2, part) => {
                part.iter().enumerate().for_each(|(i, c)| data.cast::<u16>().add(at + i).write(c as u16))
            }
            (_, part) => part.iter().enumerate().for_each(|(i, c)| data.cast::<u32>().add(at + i).write(c)),
        }
    }
}

/// Appends the UTF-8 form of a code point, surrogates included.
pub fn push_wtf8(out: &mut Vec<u8>, c: u32) {
    match c {
        0..=0x7f => out.push(c as u8),
        0x80..=0x7ff => out.extend([0xc0 | (c >> 6) as u8, 0x80 | (c & 0x3f) as u8]),
        0x800..=0xffff => {
            out.extend([0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8]);
        }
        _ => out.extend([
            0xf0 | (c >> 18) as u8,
            0x80 | (c >> 12 & 0x3f) as u8,
            0x80 | (c >> 6 & 0x3f) as u8,
            0x80 | (c & 0x3f) as u8,
        ]),
    }
}

/// A string from UTF-8 in which surrogates may be encoded like other characters; `None` where the bytes are not that.
pub fn from_wtf8(bytes: &[u8]) -> Option<Ref<Str>> {
    if bytes.is_ascii() {
        return Some(from_ascii(bytes));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(from_utf8(text));
    }
    let mut characters = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let (length, start, least) = match first {
            0..=0x7f => (0, *first as u32, 0),
            0xc2..=0xdf => (1, (*first & 0x1f) as u32, 0x80),
            0xe0..=0xef => (2, (*first & 0x0f) as u32, 0x800),
            0xf0..=0xf4 => (3, (*first & 0x07) as u32, 0x10000),
            _ => return None,
        };
        let following = tail.get(..length)?;
        let mut c = start;
        for byte in following {
            if byte & 0xc0 != 0x80 {
                return None;
            }
            c = c << 6 | (byte & 0x3f) as u32;
        }
        if c < least || c > 0x10_ffff {
            return None;
        }
        characters.push(c);
        rest = &tail[length..];
    }
    Some(from_characters(Characters::Four(&characters)))
}

/// A string made piece by piece; it widens when a character needs it.
#[derive(Default)]
pub struct StrBuilder {
    narrow: Vec<u8>,
    wide: Vec<u32>,
    is_wide: bool,
}

impl StrBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder with room for some characters.
    pub fn with_capacity(capacity: usize) -> Self {
        StrBuilder { narrow: Vec::with_capacity(capacity), ..Self::default() }
    }

    /// Appends one code point.
    #[inline]
    pub fn push(&mut self, c: u32) {
        if !self.is_wide {
            if c < 256 {
                self.narrow.push(c as u8);
                return;
            }
            self.widen();
        }
        self.wide.push(c);
    }

    fn widen(&mut self) {
        self.is_wide = true;
        self.wide = self.narrow.drain(..).map(u32::from).collect();
    }

    /// Appends an UTF-8 text.
    pub fn push_str(&mut self, text: &str) {
        if !self.is_wide && text.is_ascii() {
            self.narrow.extend_from_slice(text.as_bytes());
        } else {
            text.chars().for_each(|c| self.push(c as u32));
        }
    }

    /// Appends a Python string.
    pub fn push_object(&mut self, text: &Object<Str>) {
        self.push_characters(text.characters());
    }

    /// Appends characters.
    pub fn push_characters(&mut self, characters: Characters<'_>) {
        match characters {
            Characters::One(data) if !self.is_wide => self.narrow.extend_from_slice(data),
            Characters::One(data) => self.wide.extend(data.iter().copied().map(u32::from)),
            Characters::Two(data) if self.is_wide => self.wide.extend(data.iter().copied().map(u32::from)),
            Characters::Four(data) if self.is_wide => self.wide.extend_from_slice(data),
            other => other.iter().for_each(|c| self.push(c)),
        }
    }

    /// Appends a character a number of times.
    pub fn push_repeated(&mut self, c: u32, count: usize) {
        for _ in 0..count {
            self.push(c);
        }
    }

    /// How many characters there are.
    pub fn len(&self) -> usize {
        if self.is_wide { self.wide.len() } else { self.narrow.len() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The string.
    pub fn finish(self) -> Ref<Str> {
        if self.is_wide { from_characters(Characters::Four(&self.wide)) } else { from_latin1(&self.narrow) }
    }
}

impl std::fmt::Write for StrBuilder {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_str(text);
        Ok(())
    }
}
