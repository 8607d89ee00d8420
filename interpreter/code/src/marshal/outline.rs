//! Where the parts of marshalled code lie, so that what a function is made of can be read when it first runs.
//!
//! A value of marshal data can refer to any that was written before it, also inside a code object that nobody has read. So
//! an outline knows where every value begins that is on the list of references, and where every code object begins and ends.
//! Making one takes a pass over the bytes that makes no values.

use super::{FLAG_REFERENCE, MAXIMUM_DEPTH, ReadError, code_of};

/// Where things lie in marshal data.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Where the values begin that are on the list of references, in its order.
    references: Vec<u32>,
    /// The code objects in the order of where they begin; those inside another follow it.
    codes: Vec<CodeExtent>,
}

/// A place in marshal data: how far from its beginning, and how many values are on the list of references there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the beginning.
    pub at: u32,
    /// Values on the list of references that begin before.
    pub references: u32,
}

/// Where a code object lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeExtent {
    /// Its first number, behind the type code.
    pub start: Place,
    /// Its bytecode.
    pub body: Place,
    /// Its name.
    pub name: Place,
    /// Its table of lines.
    pub tables: Place,
    /// What follows it.
    pub end: Place,
    /// How many variables it has: locals, cells and free ones.
    pub variables: u32,
    /// How many of these are free.
    pub free: u32,
}

impl Outline {
    /// The outline of the value that `bytes` begin with.
    ///
    /// # Errors
    /// Where the bytes end early, nest too deeply, or are not of the form that code has: a code object's variables must
    /// have their kinds in bytes, and references must lead back.
    pub fn of(bytes: &[u8]) -> Result<Outline, ReadError> {
        if u32::try_from(bytes.len()).is_err() {
            return Err(ReadError::SizeOutOfRange("object"));
        }
        // One value in ten bytes is on the list, about.
        let outline = Outline { references: Vec::with_capacity(bytes.len() / 10), codes: Vec::new() };
        let mut walk = Walk { bytes, at: 0, depth: 0, outline };
        walk.value()?;
        if walk.at > bytes.len() {
            return Err(ReadError::TooShort);
        }
        Ok(walk.outline)
    }

    /// How many values are on the list of references.
    pub fn reference_count(&self) -> usize {
        self.references.len()
    }

    /// Where a value on the list of references begins.
    pub fn reference(&self, index: usize) -> Option<Place> {
        Some(Place { at: *self.references.get(index)?, references: index as u32 })
    }

    /// The number of the code object whose first number lies at a place.
    pub fn code_at(&self, start: usize) -> Option<usize> {
        self.codes.binary_search_by_key(&start, |code| code.start.at as usize).ok()
    }

    /// A code object by its number.
    pub fn code(&self, number: usize) -> Option<&CodeExtent> {
        self.codes.get(number)
    }
}

/// How far a value reaches behind its type code.
#[derive(Clone, Copy)]
enum Shape {
    /// So many bytes.
    Fixed(u8),
    /// A byte with a length, and as many bytes.
    Short,
    /// A number of 32 bits with a length, and as many bytes.
    Long,
    /// That takes a closer look.
    Other,
}

/// The shapes by type code.
static SHAPES: [Shape; 128] = {
    let mut shapes = [Shape::Other; 128];
    let fixed = [
        (code_of::NONE, 0),
        (code_of::STOP_ITERATION, 0),
        (code_of::ELLIPSIS, 0),
        (code_of::FALSE, 0),
        (code_of::TRUE, 0),
        (code_of::REFERENCE, 4),
        (code_of::INT, 4),
        (code_of::INT64, 8),
        (code_of::BINARY_FLOAT, 8),
        (code_of::BINARY_COMPLEX, 16),
    ];
    let mut index = 0;
    while index < fixed.len() {
        shapes[fixed[index].0 as usize] = Shape::Fixed(fixed[index].1);
        index += 1;
    }
    shapes[code_of::SHORT_ASCII as usize] = Shape::Short;
    shapes[code_of::SHORT_ASCII_INTERNED as usize] = Shape::Short;
    shapes[code_of::FLOAT as usize] = Shape::Short;
    shapes[code_of::BYTES as usize] = Shape::Long;
    shapes[code_of::ASCII as usize] = Shape::Long;
    shapes[code_of::ASCII_INTERNED as usize] = Shape::Long;
    shapes[code_of::TEXT as usize] = Shape::Long;
    shapes[code_of::INTERNED as usize] = Shape::Long;
    shapes
};

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    outline: Outline,
}

impl Walk<'_> {
    fn place(&self) -> Place {
        Place { at: self.at as u32, references: self.outline.references.len() as u32 }
    }

    fn int32(&mut self) -> Result<i32, ReadError> {
        let bytes = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk).ok_or(ReadError::TooShort)?;
        self.at += 4;
        Ok(i32::from_le_bytes(*bytes))
    }

    fn size(&mut self, what: &'static str) -> Result<usize, ReadError> {
        usize::try_from(self.int32()?).map_err(|_| ReadError::SizeOutOfRange(what))
    }

    /// Goes past a value; answers whether it is one, not a null. That it ends within the bytes is seen when the next is looked
    /// for, or at the end.
    #[inline]
    fn value(&mut self) -> Result<bool, ReadError> {
        let first = *self.bytes.get(self.at).ok_or(ReadError::UnexpectedEnd)?;
        if first & FLAG_REFERENCE != 0 {
            self.outline.references.push(self.at as u32);
        }
        let kind = first & !FLAG_REFERENCE;
        self.at += 1;
        match SHAPES[usize::from(kind)] {
            Shape::Fixed(length) => self.at += usize::from(length),
            Shape::Short => {
                let length = *self.bytes.get(self.at).ok_or(ReadError::UnexpectedEnd)?;
                self.at += 1 + usize::from(length);
            }
            Shape::Long => self.at += self.size("string")?,
            Shape::Other => return self.other(kind),
        }
        Ok(true)
    }

    fn other(&mut self, kind: u8) -> Result<bool, ReadError> {
        match kind {
            code_of::NULL => return Ok(false),
            code_of::LONG => self.at += self.int32()?.unsigned_abs() as usize * 2,
            code_of::COMPLEX => {
                for _ in 0..2 {
                    let length = *self.bytes.get(self.at).ok_or(ReadError::UnexpectedEnd)?;
                    self.at += 1 + usize::from(length);
                }
            }
            composite => self.composite(composite)?,
        }
        Ok(true)
    }

    fn composite(&mut self, kind: u8) -> Result<(), ReadError> {
        if self.depth >= MAXIMUM_DEPTH {
            return Err(ReadError::TooDeep);
        }
        self.depth += 1;
        match kind {
            code_of::SMALL_TUPLE => {
                let length = *self.bytes.get(self.at).ok_or(ReadError::UnexpectedEnd)?;
                self.at += 1;
                self.values(usize::from(length))?;
            }
            code_of::TUPLE | code_of::LIST | code_of::SET | code_of::FROZEN_SET => {
                let length = self.size("container")?;
                self.values(length)?;
            }
            code_of::SLICE => self.values(3)?,
            code_of::DICT => while self.value()? && self.value()? {},
            code_of::CODE => self.code()?,
            _ => return Err(ReadError::UnknownType),
        }
        self.depth -= 1;
        Ok(())
    }

    fn values(&mut self, count: usize) -> Result<(), ReadError> {
        for _ in 0..count {
            if !self.value()? {
                return Err(ReadError::Null("container"));
            }
        }
        Ok(())
    }

    fn code(&mut self) -> Result<(), ReadError> {
        let number = self.outline.codes.len();
        let start = self.place();
        self.outline.codes.push(CodeExtent { start, ..CodeExtent::default() });
        self.at += 5 * 4;
        let body = self.place();
        // Bytecode, constants, names, names of variables.
        self.values(4)?;
        let kinds = self.at;
        self.values(1)?;
        let (variables, free) = self.variables(kinds)?;
        self.values(1)?;
        let name = self.place();
        self.values(2)?;
        self.at += 4;
        let tables = self.place();
        self.values(2)?;
        let end = self.place();
        self.outline.codes[number] = CodeExtent { start, body, name, tables, end, variables, free };
        Ok(())
    }

    /// How many variables there are, and how many free ones, by the bytes at a place that have their kinds.
    fn variables(&self, mut at: usize) -> Result<(u32, u32), ReadError> {
        let int32 = |at: usize| {
            let bytes = self.bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(ReadError::TooShort)?;
            usize::try_from(i32::from_le_bytes(*bytes)).map_err(|_| ReadError::SizeOutOfRange("bytes object"))
        };
        let kind = |at: usize| self.bytes.get(at).map(|first| first & !FLAG_REFERENCE);
        if kind(at) == Some(code_of::REFERENCE) {
            at = *self.outline.references.get(int32(at + 1)?).ok_or(ReadError::InvalidReference)? as usize;
        }
        if kind(at) != Some(code_of::BYTES) {
            return Err(ReadError::UnknownType);
        }
        let length = int32(at + 1)?;
        let kinds = self.bytes.get(at + 5..at + 5 + length).ok_or(ReadError::TooShort)?;
        let free = kinds.iter().filter(|&&kind| kind & crate::code_object::local_kind::FREE != 0).count();
        Ok((length as u32, free as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_bytes_are_an_error() {
        let bytes = [b')', 2, b'Z' | FLAG_REFERENCE, 2, b'a', b'b', b'i', 1, 0, 0, 0];
        let outline = Outline::of(&bytes).unwrap();
        assert_eq!(outline.reference(0), Some(Place { at: 2, references: 0 }));
        for end in 0..bytes.len() {
            assert!(Outline::of(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(Outline::of(b"q").err(), Some(ReadError::UnknownType));
        assert_eq!(Outline::of(&[[b')', 1]; 5000].concat()).err(), Some(ReadError::TooDeep));
        assert_eq!(Outline::of(b"(\xFF\xFF\xFF\x7F0").err(), Some(ReadError::Null("container")));
    }
}
