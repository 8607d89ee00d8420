//! `str`: text with one, two or four bytes a character (PEP 393), so that indexing is direct and lone surrogates exist.
//!
//! # Safety argument
//!
//! The characters lie behind the payload, in the width that [`Kind`] names; `length` of them were written before
//! anyone saw the object, and they never change. A string is in the narrowest kind that holds its largest
//! character, so equal strings have equal bytes.

pub mod build;
mod case;
pub mod hash;
pub mod intern;
pub mod iterator;
mod methods;
mod parts;
pub mod protocol;
pub mod quote;
pub mod unicode;

use std::borrow::Cow;
use std::cell::Cell;
use std::ptr::NonNull;

use rspy_macros::pyclass;

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::value::Value;
use crate::vm::Vm;

/// Text: a sequence of Unicode code points.
#[pyclass(name = "str", subclassable, variable, extent, match_self, str_subclass, methods(TEXT_METHODS))]
#[repr(C)]
pub struct Str {
    /// 0 until it is asked for.
    hash: Cell<i64>,
    /// Length in characters, and in the top bytes kind and flags.
    shape: Cell<u64>,
    data: [u64; 0],
}

const LENGTH_MASK: u64 = (1 << 48) - 1;
const KIND_SHIFT: u32 = 48;
const INTERNED: u64 = 1 << 56;

impl Str {
    /// Where in a string its shape and its characters lie, for those who read the memory of another process.
    pub(crate) const SHAPE_PLACE: usize = Object::<Str>::PAYLOAD_PLACE + std::mem::offset_of!(Str, shape);
    pub(crate) const DATA_PLACE: usize = Object::<Str>::PAYLOAD_PLACE + std::mem::offset_of!(Str, data);

    /// The number of characters that a shape tells of, and the bytes of each.
    pub(crate) const fn size_of_shape(shape: u64) -> (usize, usize) {
        ((shape & LENGTH_MASK) as usize, Kind::from_bits(shape >> KIND_SHIFT & 0xff).width())
    }
}

/// Bytes a character, and for one byte whether all are ASCII.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Kind {
    /// One byte, below 128.
    Ascii = 0,
    /// One byte.
    Latin1 = 1,
    /// Two bytes.
    Two = 2,
    /// Four bytes.
    Four = 4,
}

impl Kind {
    /// Bytes a character.
    #[inline(always)]
    pub const fn width(self) -> usize {
        match self {
            Kind::Ascii | Kind::Latin1 => 1,
            Kind::Two => 2,
            Kind::Four => 4,
        }
    }

    /// The narrowest kind that holds the character.
    #[inline(always)]
    pub const fn of(character: u32) -> Kind {
        match character {
            0..=0x7f => Kind::Ascii,
            0x80..=0xff => Kind::Latin1,
            0x100..=0xffff => Kind::Two,
            _ => Kind::Four,
        }
    }

    const fn from_bits(bits: u64) -> Kind {
        match bits {
            0 => Kind::Ascii,
            1 => Kind::Latin1,
            2 => Kind::Two,
            _ => Kind::Four,
        }
    }
}

/// The characters of a string in the width they are kept in.
#[derive(Clone, Copy, Debug)]
pub enum Characters<'a> {
    /// One byte each.
    One(&'a [u8]),
    /// Two bytes each.
    Two(&'a [u16]),
    /// Four bytes each.
    Four(&'a [u32]),
}

impl Characters<'_> {
    /// How many.
    #[inline]
    pub const fn len(&self) -> usize {
        match self {
            Characters::One(data) => data.len(),
            Characters::Two(data) => data.len(),
            Characters::Four(data) => data.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    #[inline(always)]
    pub fn get(&self, index: usize) -> u32 {
        match self {
            Characters::One(data) => data[index] as u32,
            Characters::Two(data) => data[index] as u32,
            Characters::Four(data) => data[index],
        }
    }

    /// A part of them.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        match self {
            Characters::One(data) => Characters::One(&data[start..end]),
            Characters::Two(data) => Characters::Two(&data[start..end]),
            Characters::Four(data) => Characters::Four(&data[start..end]),
        }
    }

    /// All of them, as code points.
    pub fn to_vec(&self) -> Vec<u32> {
        match self {
            Characters::One(data) => data.iter().copied().map(u32::from).collect(),
            Characters::Two(data) => data.iter().copied().map(u32::from).collect(),
            Characters::Four(data) => data.to_vec(),
        }
    }

    /// All of them in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// A one-word constant string in a static, interned and immortal.
#[repr(C)]
pub struct StaticStr<const N: usize> {
    object: Object<Str>,
    data: [u8; N],
}

impl<const N: usize> StaticStr<N> {
    /// The string of an ASCII text of exactly `N` characters.
    pub const fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        assert!(bytes.len() == N);
        let mut data = [0; N];
        let mut index = 0;
        while index < N {
            assert!(bytes[index] < 128);
            data[index] = bytes[index];
            index += 1;
        }
        StaticStr {
            object: Object::immortal(
                std::ptr::null::<TypeObject>().wrapping_add(1),
                Str { hash: Cell::new(0), shape: Cell::new(N as u64 | INTERNED), data: [] },
            ),
            data,
        }
    }
}

impl<const N: usize> std::ops::Deref for StaticStr<N> {
    type Target = Object<Str>;
    #[inline(always)]
    fn deref(&self) -> &Object<Str> {
        // The view must reach over the data that lies behind the object: take it from the whole.
        let whole: *const Self = self;
        // SAFETY: the object is the first field of the whole, which is a static.
        unsafe { &*whole.cast::<Object<Str>>() }
    }
}

impl Str {
    fn shape_of(length: usize, kind: Kind) -> u64 {
        length as u64 | (kind as u64) << KIND_SHIFT
    }

    /// A string of an UTF-8 text.
    pub fn new(text: &str) -> Ref<Str> {
        build::from_utf8(text)
    }

    /// The empty string.
    pub fn empty() -> Ref<Str> {
        build::character(None)
    }

    /// A string of one character.
    #[inline]
    pub fn from_char(character: u32) -> Ref<Str> {
        build::character(Some(character))
    }

    /// A string of code points, lone surrogates among them.
    pub fn from_code_points(characters: &[u32]) -> Ref<Str> {
        build::from_characters(Characters::Four(characters))
    }

    /// Room for `length` characters of a kind, to be written by `fill`.
    ///
    /// # Safety
    /// `fill` writes all `length` characters, and the largest belongs to `kind`.
    pub(crate) unsafe fn allocate(length: usize, kind: Kind, fill: impl FnOnce(*mut u8)) -> Ref<Str> {
        // SAFETY: the payload is written here and the characters by `fill`.
        unsafe {
            let size = size_of::<Object<Str>>() + length * kind.width();
            let object = crate::object::allocate_plain(Str::static_type(), size).cast::<Object<Str>>();
            let payload =
                (&raw mut *object).cast::<u8>().add(size_of::<crate::object::Header>()).cast::<Str>();
            payload.write(Str {
                hash: Cell::new(0),
                shape: Cell::new(Str::shape_of(length, kind)),
                data: [],
            });
            fill(object.cast::<u8>().add(size_of::<Object<Str>>()));
            Ref::from_raw(NonNull::new_unchecked(object))
        }
    }

    /// A copy of the string as an object of a subclass.
    pub(crate) fn with_type(typ: &TypeObject, text: &Object<Str>) -> Ref<Str> {
        let bytes = text.bytes();
        // SAFETY: the type derives from `str`; payload and characters are copied whole.
        unsafe {
            let object = crate::object::allocate(typ, bytes.len()).cast::<Object<Str>>();
            let payload = object.cast::<u8>().add(size_of::<crate::object::Header>()).cast::<Str>();
            payload.write(Str {
                hash: Cell::new(text.hash.get()),
                shape: Cell::new(text.shape.get() & !INTERNED),
                data: [],
            });
            object
                .cast::<u8>()
                .add(size_of::<Object<Str>>())
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            if typ.has_flag(crate::types::typ::TypeFlags::TRACKED) {
                crate::gc::track(object.cast());
            }
            Ref::from_raw(NonNull::new_unchecked(object))
        }
    }
}

impl Str {
    /// Bytes of the characters, which lie behind the payload.
    fn extent(&self) -> usize {
        let (length, width) = Str::size_of_shape(self.shape.get());
        length * width
    }
}

/// What was made of a text, or the text itself if it is the same: formatting that changes nothing gives back what it was
/// given.
pub fn same_or_made(original: &Object<Str>, made: Ref<Str>) -> Ref<Str> {
    if made.same_text(original) { original.to_exact() } else { made }
}

impl Object<Str> {
    /// Gives a string in a static its type; done once for each when the interpreter starts.
    pub(crate) fn bind_static_type(&self) {
        // SAFETY: `str` has the layout of the object.
        unsafe { self.header().set_type(Str::static_type()) }
    }

    /// Length in characters.
    #[inline(always)]
    pub fn length(&self) -> usize {
        (self.shape.get() & LENGTH_MASK) as usize
    }

    /// The kind.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        Kind::from_bits(self.shape.get() >> KIND_SHIFT & 0xff)
    }

    /// Whether all characters are ASCII.
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.kind() == Kind::Ascii
    }

    /// Whether the string is the one of its text in the table of interned strings.
    #[inline(always)]
    pub fn is_interned(&self) -> bool {
        self.shape.get() & INTERNED != 0
    }

    /// Says that the string has more characters than before, which have been written.
    pub(super) fn set_length(&self, length: usize) {
        self.shape.set(self.shape.get() & !LENGTH_MASK | length as u64);
        self.hash.set(0);
    }

    pub(crate) fn set_interned(&self, interned: bool) {
        let shape = self.shape.get();
        self.shape.set(if interned { shape | INTERNED } else { shape & !INTERNED });
    }

    #[inline(always)]
    fn data(&self) -> *const u8 {
        // SAFETY: the characters lie behind the object.
        unsafe { std::ptr::from_ref(self).cast::<u8>().add(size_of::<Object<Str>>()) }
    }

    /// The characters' memory.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `length` characters of the kind's width were written when the object was made.
        unsafe { std::slice::from_raw_parts(self.data(), self.length() * self.kind().width()) }
    }

    /// The characters.
    #[inline(always)]
    pub fn characters(&self) -> Characters<'_> {
        let length = self.length();
        // SAFETY: `length` characters of the kind's width were written when the object was made; objects are aligned.
        unsafe {
            match self.kind() {
                Kind::Ascii | Kind::Latin1 => {
                    Characters::One(std::slice::from_raw_parts(self.data(), length))
                }
                Kind::Two => Characters::Two(std::slice::from_raw_parts(self.data().cast(), length)),
                Kind::Four => Characters::Four(std::slice::from_raw_parts(self.data().cast(), length)),
            }
        }
    }

    /// The character at an index below the length.
    #[inline(always)]
    pub fn char_at(&self, index: usize) -> u32 {
        self.characters().get(index)
    }

    /// The text if all of it is ASCII.
    #[inline(always)]
    pub fn as_ascii(&self) -> Option<&str> {
        // SAFETY: ASCII bytes are UTF-8.
        self.is_ascii().then(|| unsafe { std::str::from_utf8_unchecked(self.bytes()) })
    }

    /// The text as UTF-8, if it has no lone surrogates.
    pub fn as_utf8(&self) -> Option<Cow<'_, str>> {
        if let Some(text) = self.as_ascii() {
            return Some(Cow::Borrowed(text));
        }
        self.characters().iter().map(char::from_u32).collect::<Option<String>>().map(Cow::Owned)
    }

    /// The text as UTF-8.
    ///
    /// # Errors
    /// `UnicodeEncodeError` for lone surrogates.
    pub fn to_utf8(&self, vm: &Vm) -> PyResult<Cow<'_, str>> {
        self.payload_utf8(vm)
    }

    /// As [`to_utf8`](Self::to_utf8).
    ///
    /// # Errors
    /// `UnicodeEncodeError` for lone surrogates.
    pub fn payload_utf8(&self, vm: &Vm) -> PyResult<Cow<'_, str>> {
        match self.as_utf8() {
            Some(text) => Ok(text),
            None => Err(crate::exceptions::unicode::surrogates_not_allowed(vm, self)),
        }
    }

    /// The text as UTF-8, with a replacement for lone surrogates. For messages, never for data.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        if let Some(text) = self.as_ascii() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(self.characters().iter().map(|c| char::from_u32(c).unwrap_or('\u{fffd}')).collect())
    }

    /// The text as UTF-8 with surrogates encoded like other characters (`surrogatepass`).
    pub fn to_wtf8(&self) -> Cow<'_, [u8]> {
        if self.is_ascii() {
            return Cow::Borrowed(self.bytes());
        }
        let mut out = Vec::with_capacity(self.length() * 2);
        for c in self.characters().iter() {
            build::push_wtf8(&mut out, c);
        }
        Cow::Owned(out)
    }

    /// Whether the text is `other`.
    pub fn equals_str(&self, other: &str) -> bool {
        match self.as_ascii() {
            Some(text) => text == other,
            None => {
                let own = self.characters();
                let mut characters = own.iter();
                other.chars().all(|c| characters.next() == Some(c as u32)) && characters.next().is_none()
            }
        }
    }

    /// Whether both have the same text.
    #[inline]
    pub fn same_text(&self, other: &Object<Str>) -> bool {
        std::ptr::eq(self, other)
            || ((self.shape.get() ^ other.shape.get()) & !INTERNED == 0 && self.bytes() == other.bytes())
    }

    /// Whether a glance tells that another string has another text.
    #[inline(always)]
    pub(crate) fn differs_at_sight(&self, other: &Object<Str>) -> bool {
        let (own, others) = (self.shape.get(), other.shape.get());
        // SAFETY: it is only read where there is a character, which begins with a byte.
        let first = |text: &Object<Str>| unsafe { text.data().read() };
        (own ^ others) & !INTERNED != 0 || own & LENGTH_MASK != 0 && first(self) != first(other)
    }

    /// The order of both texts by code points.
    pub fn order(&self, other: &Object<Str>) -> std::cmp::Ordering {
        match (self.characters(), other.characters()) {
            (Characters::One(a), Characters::One(b)) => a.cmp(b),
            (Characters::Two(a), Characters::Two(b)) => a.cmp(b),
            (Characters::Four(a), Characters::Four(b)) => a.cmp(b),
            (a, b) => a.iter().cmp(b.iter()),
        }
    }

    /// The part from `start` to `end`.
    pub fn slice(&self, start: usize, end: usize) -> Ref<Str> {
        if start == 0 && end == self.length() && std::ptr::eq(self.type_of(), Str::static_type()) {
            return self.to_ref();
        }
        build::from_characters_of(self.characters().slice(start, end), self.kind())
    }

    /// The hash.
    #[inline(always)]
    pub fn hash_value(&self) -> i64 {
        let hash = self.hash.get();
        if hash != 0 { hash } else { self.compute_hash() }
    }

    /// The hash, if something has asked for it before.
    #[inline(always)]
    pub(crate) fn known_hash(&self) -> Option<i64> {
        Some(self.hash.get()).filter(|&hash| hash != 0)
    }

    #[cold]
    fn compute_hash(&self) -> i64 {
        let hash = hash::hash_bytes(self.bytes());
        self.hash.set(hash);
        hash
    }

    /// The string as an exact `str`: itself, or a copy of a subclass's object.
    pub fn to_exact(&self) -> Ref<Str> {
        if std::ptr::eq(self.type_of(), Str::static_type()) {
            self.to_ref()
        } else {
            build::from_characters_of(self.characters(), self.kind())
        }
    }
}

impl From<&Object<Str>> for Value {
    fn from(text: &Object<Str>) -> Value {
        text.to_value()
    }
}
