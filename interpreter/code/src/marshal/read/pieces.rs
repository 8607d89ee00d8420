//! Reading code piece by piece: code objects without their bodies first, and each body when somebody wants it.

use super::{Builder, CodeExtent, Outline, Place, ReadError, Reader, Source};

/// What of a code object is known before its body is read. The fields are those of [`CodeObject`](crate::CodeObject).
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct CodeHead<V> {
    pub arg_count: i32,
    pub positional_only_arg_count: i32,
    pub keyword_only_arg_count: i32,
    pub stack_size: i32,
    pub flags: i32,
    pub name: V,
    pub qualified_name: V,
    pub first_line: i32,
    /// How many locals, cells and free variables there are.
    pub variables: u32,
    /// How many of these are free.
    pub free: u32,
}

/// What of a code object only those need who run it or look into it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct CodeBody<V> {
    pub code: V,
    pub constants: V,
    pub names: V,
    pub locals_plus_names: V,
    pub locals_plus_kinds: V,
    pub line_table: V,
    pub exception_table: V,
}

/// Marshal data whose code objects are read piece by piece: the bytes, their outline, and the values on the list of
/// references that were read so far.
pub struct Pieces<'a, V> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The bytes' outline.
    pub outline: &'a Outline,
    /// What was read of the list of references; empty in the beginning.
    pub references: &'a mut Vec<Option<V>>,
}

impl<V: Clone> Pieces<'_, V> {
    /// Reads the value at the beginning, with all code objects that it has without their bodies.
    pub fn read<B: Builder<Value = V>>(&mut self, builder: &mut B) -> Result<V, B::Error> {
        self.at(Place::default(), builder, |reader| reader.expect("object"))
    }

    /// Reads the body of the code object with a number, with the code objects in it without theirs.
    pub fn read_body<B: Builder<Value = V>>(
        &mut self,
        number: usize,
        builder: &mut B,
    ) -> Result<CodeBody<V>, B::Error> {
        let extent = *self.outline.code(number).ok_or(ReadError::InvalidReference)?;
        self.at(extent.body, builder, |reader| reader.body(&extent))
    }

    /// Has a reader at a place do something.
    fn at<B: Builder<Value = V>, R>(
        &mut self,
        place: Place,
        builder: &mut B,
        read: impl FnOnce(&mut Reader<'_, Outlined<'_>, B>) -> Result<R, B::Error>,
    ) -> Result<R, B::Error> {
        self.references.resize(self.outline.reference_count(), None);
        let mut source = Outlined { bytes: self.bytes, at: place.at as usize, outline: self.outline };
        read(&mut Reader {
            source: &mut source,
            builder,
            references: self.references,
            next_reference: place.references as usize,
            depth: 0,
            promised: 0,
            allow_code: true,
        })
    }
}

/// Bytes with their outline.
struct Outlined<'a> {
    bytes: &'a [u8],
    at: usize,
    outline: &'a Outline,
}

impl<E: From<ReadError>> Source<E> for Outlined<'_> {
    fn byte(&mut self) -> Result<u8, E> {
        let byte = *self.bytes.get(self.at).ok_or(ReadError::UnexpectedEnd)?;
        self.at += 1;
        Ok(byte)
    }

    fn bytes(&mut self, count: usize) -> Result<&[u8], E> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..count).ok_or(ReadError::TooShort)?;
        self.at += count;
        Ok(taken)
    }

    fn remaining(&self) -> Option<usize> {
        Some(self.bytes.len().saturating_sub(self.at))
    }

    fn outline(&self) -> Option<(&Outline, usize)> {
        Some((self.outline, self.at))
    }

    fn go_to(&mut self, at: usize) {
        self.at = at;
    }
}

impl<S: Source<B::Error>, B: Builder> Reader<'_, S, B> {
    /// A code object without its body. It is not put on the list of references: nothing in compiled code refers to a code
    /// object, and whoever keeps the list for the bodies would keep it as well.
    pub(super) fn head(&mut self, number: usize, extent: &CodeExtent) -> Result<B::Value, B::Error> {
        const WHAT: &str = "code object";
        let numbers = [self.int32()?, self.int32()?, self.int32()?, self.int32()?, self.int32()?];
        let [arg_count, positional_only_arg_count, keyword_only_arg_count, stack_size, flags] = numbers;
        self.go_to(extent.name);
        let head = CodeHead {
            arg_count,
            positional_only_arg_count,
            keyword_only_arg_count,
            stack_size,
            flags,
            name: self.expect(WHAT)?,
            qualified_name: self.expect(WHAT)?,
            first_line: self.int32()?,
            variables: extent.variables,
            free: extent.free,
        };
        self.go_to(extent.end);
        self.builder.code_without_body(number, head)
    }

    /// What [`head`](Self::head) leaves out; the source is at its beginning.
    fn body(&mut self, extent: &CodeExtent) -> Result<CodeBody<B::Value>, B::Error> {
        const WHAT: &str = "code object";
        let [code, constants, names, locals_plus_names, locals_plus_kinds] = [
            self.expect(WHAT)?,
            self.expect(WHAT)?,
            self.expect(WHAT)?,
            self.expect(WHAT)?,
            self.expect(WHAT)?,
        ];
        self.go_to(extent.tables);
        Ok(CodeBody {
            code,
            constants,
            names,
            locals_plus_names,
            locals_plus_kinds,
            line_table: self.expect(WHAT)?,
            exception_table: self.expect(WHAT)?,
        })
    }

    /// Reads a value that was referred to and lies in a body that has not been read.
    #[cold]
    pub(super) fn passed_over(&mut self, index: usize) -> Result<B::Value, B::Error> {
        let found = self.source.outline().and_then(|(outline, at)| Some((outline.reference(index)?, at)));
        let (place, at) = found.ok_or(ReadError::InvalidReference)?;
        let back = Place { at: at as u32, references: self.next_reference as u32 };
        self.go_to(place);
        let value = self.expect("object")?;
        self.go_to(back);
        Ok(value)
    }

    fn go_to(&mut self, place: Place) {
        self.source.go_to(place.at as usize);
        self.next_reference = place.references as usize;
    }
}
