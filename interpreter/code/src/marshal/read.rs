//! Reading marshal bytes into values that a [`Builder`] makes.
//!
//! The bytes are not trusted: memory and time stay in proportion to what was read, whatever sizes the bytes claim.

mod pieces;

use std::fmt;

use num_bigint::{BigInt, BigUint, Sign};

use super::outline::{CodeExtent, Outline, Place};
use super::{FLAG_REFERENCE, MAXIMUM_DEPTH, code_of};

pub use pieces::{CodeBody, CodeHead, Pieces};

/// Makes the values that a reader finds.
pub trait Builder {
    /// A value. Cloning it is taking another reference to the same object.
    type Value: Clone;
    /// What can go wrong.
    type Error: From<ReadError>;

    /// `None`
    fn none(&mut self) -> Self::Value;
    /// `...`
    fn ellipsis(&mut self) -> Self::Value;
    /// The class `StopIteration`, which marshal knows for reasons of its own.
    fn stop_iteration(&mut self) -> Result<Self::Value, Self::Error>;
    /// `True` or `False`
    fn bool(&mut self, value: bool) -> Self::Value;
    /// An integer of up to 64 bits.
    fn int(&mut self, value: i64) -> Result<Self::Value, Self::Error>;
    /// An integer of any size.
    fn big_int(&mut self, value: BigInt) -> Result<Self::Value, Self::Error>;
    /// A float.
    fn float(&mut self, value: f64) -> Result<Self::Value, Self::Error>;
    /// A complex number.
    fn complex(&mut self, real: f64, imaginary: f64) -> Result<Self::Value, Self::Error>;
    /// A bytes object.
    fn bytes(&mut self, bytes: &[u8]) -> Result<Self::Value, Self::Error>;
    /// A string given as UTF-8 in which surrogates may stand. The bytes are unchecked.
    fn utf8(&mut self, bytes: &[u8], interned: bool) -> Result<Self::Value, Self::Error>;
    /// A string given as Latin-1.
    fn latin1(&mut self, bytes: &[u8], interned: bool) -> Result<Self::Value, Self::Error>;
    /// Makes an empty container that will be filled by [`Builder::container`], so that its own items can refer to it.
    /// With `None`, such a reference is an error.
    fn reserve(&mut self, kind: Container, length: usize) -> Option<Self::Value> {
        let _ = (kind, length);
        None
    }
    /// A container of the given items, in place of what was reserved for it; a dict's keys and values alternate.
    fn container(
        &mut self,
        kind: Container,
        reserved: Option<Self::Value>,
        items: Vec<Self::Value>,
    ) -> Result<Self::Value, Self::Error>;
    /// A slice.
    fn slice(
        &mut self,
        start: Self::Value,
        stop: Self::Value,
        step: Self::Value,
    ) -> Result<Self::Value, Self::Error>;
    /// A code object; what its parts are is unchecked.
    fn code(&mut self, parts: CodeParts<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// A code object whose other parts are read later, by [`Pieces::read_body`]; `number` is its own in the outline. Only
    /// asked for by [`Pieces::read`] and by that.
    fn code_without_body(
        &mut self,
        number: usize,
        head: CodeHead<Self::Value>,
    ) -> Result<Self::Value, Self::Error> {
        let _ = (number, head);
        Err(ReadError::CodeDisallowed.into())
    }
}

/// The kinds of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// A tuple.
    Tuple,
    /// A list.
    List,
    /// A dict.
    Dict,
    /// A set.
    Set,
    /// A frozen set.
    FrozenSet,
}

/// What a code object is made of. The fields are those of [`CodeObject`](crate::CodeObject).
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct CodeParts<V> {
    pub arg_count: i32,
    pub positional_only_arg_count: i32,
    pub keyword_only_arg_count: i32,
    pub stack_size: i32,
    pub flags: i32,
    pub code: V,
    pub constants: V,
    pub names: V,
    pub locals_plus_names: V,
    pub locals_plus_kinds: V,
    pub filename: V,
    pub name: V,
    pub qualified_name: V,
    pub first_line: i32,
    pub line_table: V,
    pub exception_table: V,
}

/// Where bytes come from.
pub trait Source<E> {
    /// The next byte.
    fn byte(&mut self) -> Result<u8, E>;
    /// The next `count` bytes.
    fn bytes(&mut self, count: usize) -> Result<&[u8], E>;
    /// A bound for how many bytes are left, if one is known.
    fn remaining(&self) -> Option<usize> {
        None
    }
    /// Where things lie in the bytes, and how far from their beginning the source is, if code objects are to be read without
    /// their bodies.
    fn outline(&self) -> Option<(&Outline, usize)> {
        None
    }
    /// Goes to a place of the outline.
    fn go_to(&mut self, at: usize) {
        let _ = at;
    }
}

/// Bytes in memory, as `marshal.loads` reads them.
impl<E: From<ReadError>> Source<E> for &[u8] {
    fn byte(&mut self) -> Result<u8, E> {
        let (&first, rest) = self.split_first().ok_or(ReadError::UnexpectedEnd)?;
        *self = rest;
        Ok(first)
    }

    fn bytes(&mut self, count: usize) -> Result<&[u8], E> {
        let (taken, rest) = self.split_at_checked(count).ok_or(ReadError::TooShort)?;
        *self = rest;
        Ok(taken)
    }

    fn remaining(&self) -> Option<usize> {
        Some(self.len())
    }
}

/// Why bytes could not be read. The texts are CPython's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The bytes end where a value's first byte should be.
    NoObject,
    /// The bytes end where one byte was expected.
    UnexpectedEnd,
    /// The bytes end inside a longer piece.
    TooShort,
    /// No type has this code.
    UnknownType,
    /// A size is negative or above 2³¹-1; of what, the text says.
    SizeOutOfRange(&'static str),
    /// An integer's highest digit is zero.
    UnnormalizedInteger,
    /// An integer's digit has more than 15 bits.
    DigitOutOfRange,
    /// A reference to what is not, or not yet, on the list.
    InvalidReference,
    /// There is a null where a value must stand; in what, the text says.
    Null(&'static str),
    /// Values are nested too deeply.
    TooDeep,
    /// There is a code object and the caller wants none.
    CodeDisallowed,
    /// A float's text is no float.
    BadFloat(String),
}

/// The exception class that goes with a [`ReadError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// `EOFError`
    EndOfFile,
    /// `ValueError`
    Value,
    /// `TypeError`
    Type,
}

impl ReadError {
    /// The exception class CPython raises.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NoObject | Self::UnexpectedEnd | Self::TooShort => ErrorClass::EndOfFile,
            Self::Null(_) => ErrorClass::Type,
            _ => ErrorClass::Value,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoObject => f.write_str("EOF read where object expected"),
            Self::UnexpectedEnd => f.write_str("EOF read where not expected"),
            Self::TooShort => f.write_str("marshal data too short"),
            Self::UnknownType => f.write_str("bad marshal data (unknown type code)"),
            Self::SizeOutOfRange(what) => write!(f, "bad marshal data ({what} size out of range)"),
            Self::UnnormalizedInteger => f.write_str("bad marshal data (unnormalized long data)"),
            Self::DigitOutOfRange => f.write_str("bad marshal data (digit out of range in long)"),
            Self::InvalidReference => f.write_str("bad marshal data (invalid reference)"),
            Self::Null(what) => write!(f, "NULL object in marshal data for {what}"),
            Self::TooDeep => f.write_str("recursion limit exceeded"),
            Self::CodeDisallowed => f.write_str("unmarshalling code objects is disallowed"),
            Self::BadFloat(text) => write!(f, "could not convert string to float: '{text}'"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads one value.
pub fn read<B: Builder>(
    source: &mut impl Source<B::Error>,
    builder: &mut B,
    allow_code: bool,
) -> Result<B::Value, B::Error> {
    let references = &mut Vec::new();
    let mut reader =
        Reader { source, builder, references, next_reference: 0, depth: 0, promised: 0, allow_code };
    reader.expect("object")
}

/// How many items room is made for before they are read, where the number of bytes left is not known.
const MOST_UNREAD: usize = 1 << 16;

struct Reader<'a, S, B: Builder> {
    source: &'a mut S,
    builder: &'a mut B,
    /// What was flagged so far; `None` while a value is still being read.
    references: &'a mut Vec<Option<B::Value>>,
    /// How many values on the list begin before what is read next.
    next_reference: usize,
    depth: u32,
    /// How many items are announced that were not read yet, in all containers that are being read.
    promised: usize,
    allow_code: bool,
}

type Read<B> = Result<Option<<B as Builder>::Value>, <B as Builder>::Error>;

impl<S: Source<B::Error>, B: Builder> Reader<'_, S, B> {
    /// A value that must not be null.
    fn expect(&mut self, what: &'static str) -> Result<B::Value, B::Error> {
        self.value()?.ok_or_else(|| ReadError::Null(what).into())
    }

    /// A value, or `None` for null.
    fn value(&mut self) -> Read<B> {
        let first = self.first_byte()?;
        if self.depth >= MAXIMUM_DEPTH {
            return Err(ReadError::TooDeep.into());
        }
        self.depth += 1;
        let flagged = first & FLAG_REFERENCE != 0;
        let value = match first & !FLAG_REFERENCE {
            code_of::NULL => None,
            code_of::NONE => Some(self.builder.none()),
            code_of::STOP_ITERATION => Some(self.builder.stop_iteration()?),
            code_of::ELLIPSIS => Some(self.builder.ellipsis()),
            code_of::FALSE => Some(self.builder.bool(false)),
            code_of::TRUE => Some(self.builder.bool(true)),
            code_of::REFERENCE => Some(self.reference()?),
            code_of::SMALL_TUPLE => {
                let length = usize::from(self.source.byte()?);
                Some(self.container(Container::Tuple, length, flagged)?)
            }
            code_of::TUPLE => {
                let length = self.size("tuple")?;
                Some(self.container(Container::Tuple, length, flagged)?)
            }
            code_of::LIST => {
                let length = self.size("list")?;
                Some(self.container(Container::List, length, flagged)?)
            }
            code_of::DICT => Some(self.dict(flagged)?),
            code_of::SET => {
                let length = self.size("set")?;
                Some(self.container(Container::Set, length, flagged)?)
            }
            code_of::FROZEN_SET => {
                let length = self.size("set")?;
                Some(self.container(Container::FrozenSet, length, flagged)?)
            }
            code_of::SLICE => Some(self.slice(flagged)?),
            code_of::CODE => Some(self.code(flagged)?),
            code => {
                let place = self.reserve(flagged, None);
                let scalar = self.scalar(code)?;
                Some(self.register(place, scalar))
            }
        };
        self.depth -= 1;
        Ok(value)
    }

    /// A value's first byte. That it is missing has its own text.
    fn first_byte(&mut self) -> Result<u8, B::Error> {
        if self.source.remaining() == Some(0) {
            return Err(ReadError::NoObject.into());
        }
        self.source.byte()
    }

    fn scalar(&mut self, code: u8) -> Result<B::Value, B::Error> {
        match code {
            code_of::INT => {
                let value = self.int32()?;
                self.builder.int(i64::from(value))
            }
            code_of::INT64 => {
                let bytes = self.array()?;
                self.builder.int(i64::from_le_bytes(bytes))
            }
            code_of::LONG => self.long(),
            code_of::FLOAT => {
                let value = self.text_float()?;
                self.builder.float(value)
            }
            code_of::BINARY_FLOAT => {
                let bytes = self.array()?;
                self.builder.float(f64::from_le_bytes(bytes))
            }
            code_of::COMPLEX => {
                let real = self.text_float()?;
                let imaginary = self.text_float()?;
                self.builder.complex(real, imaginary)
            }
            code_of::BINARY_COMPLEX => {
                let real = f64::from_le_bytes(self.array()?);
                let imaginary = f64::from_le_bytes(self.array()?);
                self.builder.complex(real, imaginary)
            }
            code_of::BYTES => {
                let length = self.size("bytes object")?;
                self.builder.bytes(self.source.bytes(length)?)
            }
            code_of::ASCII | code_of::ASCII_INTERNED => {
                let length = self.size("string")?;
                self.builder.latin1(self.source.bytes(length)?, code == code_of::ASCII_INTERNED)
            }
            code_of::SHORT_ASCII | code_of::SHORT_ASCII_INTERNED => {
                let length = usize::from(self.source.byte()?);
                self.builder.latin1(self.source.bytes(length)?, code == code_of::SHORT_ASCII_INTERNED)
            }
            code_of::TEXT | code_of::INTERNED => {
                let length = self.size("string")?;
                self.builder.utf8(self.source.bytes(length)?, code == code_of::INTERNED)
            }
            _ => Err(ReadError::UnknownType.into()),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], B::Error> {
        let bytes = self.source.bytes(N)?;
        Ok(bytes.try_into().unwrap_or([0; N]))
    }

    fn int32(&mut self) -> Result<i32, B::Error> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn size(&mut self, what: &'static str) -> Result<usize, B::Error> {
        usize::try_from(self.int32()?).map_err(|_| ReadError::SizeOutOfRange(what).into())
    }

    /// An integer in digits of 15 bits, the lowest first; its sign is that of the number of digits.
    fn long(&mut self) -> Result<B::Value, B::Error> {
        let length = self.int32()?;
        let count = length.unsigned_abs() as usize;
        if length == i32::MIN {
            return Err(ReadError::SizeOutOfRange("long").into());
        }
        let mut words = Vec::with_capacity(self.bounded(count));
        let mut pending = 0u64;
        let mut bits = 0;
        for index in 0..count {
            let digit = u16::from_le_bytes(self.array()?);
            if digit > 0x7FFF {
                return Err(ReadError::DigitOutOfRange.into());
            }
            if digit == 0 && index + 1 == count {
                return Err(ReadError::UnnormalizedInteger.into());
            }
            pending |= u64::from(digit) << bits;
            bits += 15;
            if bits >= 32 {
                words.push(pending as u32);
                pending >>= 32;
                bits -= 32;
            }
        }
        words.push(pending as u32);
        let sign = if length < 0 { Sign::Minus } else { Sign::Plus };
        let integer = BigInt::from_biguint(sign, BigUint::new(words));
        match i64::try_from(&integer) {
            Ok(small) => self.builder.int(small),
            Err(_) => self.builder.big_int(integer),
        }
    }

    fn text_float(&mut self) -> Result<f64, B::Error> {
        let length = usize::from(self.source.byte()?);
        let bytes = self.source.bytes(length)?;
        let text = String::from_utf8_lossy(bytes);
        // Rust takes all that Python takes here, and "infinity" and "nan" in any case as well.
        text.parse().map_err(|_| ReadError::BadFloat(text.into_owned()).into())
    }

    /// How many digits to make room for when `count` are announced.
    fn bounded(&self, count: usize) -> usize {
        count.min(self.source.remaining().unwrap_or(256))
    }

    fn reference(&mut self) -> Result<B::Value, B::Error> {
        let index = usize::try_from(self.int32()?).map_err(|_| ReadError::InvalidReference)?;
        match self.references.get(index) {
            Some(Some(value)) => Ok(value.clone()),
            _ => self.passed_over(index),
        }
    }

    /// Takes a place on the list of references for a value that is about to be read.
    fn reserve(&mut self, flagged: bool, value: Option<B::Value>) -> Option<usize> {
        if !flagged {
            return None;
        }
        let place = self.next_reference;
        self.next_reference += 1;
        match self.references.get_mut(place) {
            None => self.references.push(value),
            Some(known) if known.is_none() => *known = value,
            Some(_) => {}
        }
        Some(place)
    }

    /// Puts a value on the list of references. One that was read before, when something referred to it, stays the one.
    fn register(&mut self, place: Option<usize>, value: B::Value) -> B::Value {
        match place {
            Some(place) => self.references[place].get_or_insert(value).clone(),
            None => value,
        }
    }

    fn container(&mut self, kind: Container, length: usize, flagged: bool) -> Result<B::Value, B::Error> {
        // Every item takes a byte at least, so more items than bytes end in an error anyway.
        self.promised = self.promised.saturating_add(length);
        let possible = self.promised <= self.source.remaining().unwrap_or(MOST_UNREAD);
        let early = match kind {
            Container::FrozenSet => false,
            Container::Tuple => flagged && possible,
            Container::List | Container::Dict | Container::Set => flagged,
        };
        let reserved = if early { self.builder.reserve(kind, length) } else { None };
        let place = self.reserve(flagged, reserved.clone());
        let mut items = Vec::with_capacity(if possible { length } else { 0 });
        let what = match kind {
            Container::Tuple => "tuple",
            Container::List => "list",
            Container::Dict => "dict",
            Container::Set | Container::FrozenSet => "set",
        };
        for _ in 0..length {
            items.push(self.expect(what)?);
            self.promised -= 1;
        }
        let value = self.builder.container(kind, reserved, items)?;
        Ok(self.register(place, value))
    }

    /// A dict ends with a null in place of a key or a value.
    fn dict(&mut self, flagged: bool) -> Result<B::Value, B::Error> {
        let reserved = if flagged { self.builder.reserve(Container::Dict, 0) } else { None };
        let place = self.reserve(flagged, reserved.clone());
        let mut items = Vec::new();
        while let Some(key) = self.value()? {
            let Some(value) = self.value()? else { break };
            items.extend([key, value]);
        }
        let value = self.builder.container(Container::Dict, reserved, items)?;
        Ok(self.register(place, value))
    }

    fn slice(&mut self, flagged: bool) -> Result<B::Value, B::Error> {
        let place = self.reserve(flagged, None);
        let start = self.expect("object")?;
        let stop = self.expect("object")?;
        let step = self.expect("object")?;
        let value = self.builder.slice(start, stop, step)?;
        Ok(self.register(place, value))
    }

    fn code(&mut self, flagged: bool) -> Result<B::Value, B::Error> {
        if !self.allow_code {
            return Err(ReadError::CodeDisallowed.into());
        }
        let place = self.reserve(flagged, None);
        if let Some((outline, at)) = self.source.outline() {
            let number = outline.code_at(at).ok_or(ReadError::InvalidReference)?;
            let extent = *outline.code(number).ok_or(ReadError::InvalidReference)?;
            return self.head(number, &extent);
        }
        const WHAT: &str = "code object";
        let parts = CodeParts {
            arg_count: self.int32()?,
            positional_only_arg_count: self.int32()?,
            keyword_only_arg_count: self.int32()?,
            stack_size: self.int32()?,
            flags: self.int32()?,
            code: self.expect(WHAT)?,
            constants: self.expect(WHAT)?,
            names: self.expect(WHAT)?,
            locals_plus_names: self.expect(WHAT)?,
            locals_plus_kinds: self.expect(WHAT)?,
            filename: self.expect(WHAT)?,
            name: self.expect(WHAT)?,
            qualified_name: self.expect(WHAT)?,
            first_line: self.int32()?,
            line_table: self.expect(WHAT)?,
            exception_table: self.expect(WHAT)?,
        };
        let value = self.builder.code(parts)?;
        Ok(self.register(place, value))
    }
}
