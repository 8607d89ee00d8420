//! [`CodeObject`] and [`Constant`]: compiled code as plain data.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use num_bigint::BigInt;
use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::Text;

/// Bits of [`CodeObject::flags`], as `inspect` names them.
pub mod flags {
    /// Local variables live in the frame's array.
    pub const OPTIMIZED: u32 = 0x1;
    /// A call makes a new namespace.
    pub const NEWLOCALS: u32 = 0x2;
    /// Takes `*args`.
    pub const VARARGS: u32 = 0x4;
    /// Takes `**kwargs`.
    pub const VARKEYWORDS: u32 = 0x8;
    /// Stands inside another function.
    pub const NESTED: u32 = 0x10;
    /// Is a generator.
    pub const GENERATOR: u32 = 0x20;
    /// Is a coroutine.
    pub const COROUTINE: u32 = 0x80;
    /// Is a generator that may be awaited.
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    /// Is an asynchronous generator.
    pub const ASYNC_GENERATOR: u32 = 0x200;
    /// `from __future__ import division`
    pub const FUTURE_DIVISION: u32 = 0x2_0000;
    /// `from __future__ import absolute_import`
    pub const FUTURE_ABSOLUTE_IMPORT: u32 = 0x4_0000;
    /// `from __future__ import with_statement`
    pub const FUTURE_WITH_STATEMENT: u32 = 0x8_0000;
    /// `from __future__ import print_function`
    pub const FUTURE_PRINT_FUNCTION: u32 = 0x10_0000;
    /// `from __future__ import unicode_literals`
    pub const FUTURE_UNICODE_LITERALS: u32 = 0x20_0000;
    /// `from __future__ import barry_as_FLUFL`
    pub const FUTURE_BARRY_AS_BDFL: u32 = 0x40_0000;
    /// `from __future__ import generator_stop`
    pub const FUTURE_GENERATOR_STOP: u32 = 0x80_0000;
    /// `from __future__ import annotations`
    pub const FUTURE_ANNOTATIONS: u32 = 0x100_0000;
    /// `sys.monitoring` does not see it.
    pub const NO_MONITORING_EVENTS: u32 = 0x200_0000;
    /// Its first constant is its documentation.
    pub const HAS_DOCSTRING: u32 = 0x400_0000;
    /// Was defined in a class body.
    pub const METHOD: u32 = 0x800_0000;
    /// Every flag that a future statement sets.
    pub const FUTURES: u32 = FUTURE_DIVISION
        | FUTURE_ABSOLUTE_IMPORT
        | FUTURE_WITH_STATEMENT
        | FUTURE_PRINT_FUNCTION
        | FUTURE_UNICODE_LITERALS
        | FUTURE_BARRY_AS_BDFL
        | FUTURE_GENERATOR_STOP
        | FUTURE_ANNOTATIONS;
}

/// Bits of an entry of [`CodeObject::locals_plus_kinds`].
pub mod local_kind {
    /// A parameter that may be given by position.
    pub const ARG_POSITIONAL: u8 = 0x02;
    /// A parameter that may be given by keyword.
    pub const ARG_KEYWORD: u8 = 0x04;
    /// A parameter that takes what is left over.
    pub const ARG_VARIABLE: u8 = 0x08;
    /// A variable of an inlined comprehension, not to be seen in `locals()` (PEP 709).
    pub const HIDDEN: u8 = 0x10;
    /// A local variable.
    pub const LOCAL: u8 = 0x20;
    /// A variable that nested functions use.
    pub const CELL: u8 = 0x40;
    /// A variable of an enclosing function.
    pub const FREE: u8 = 0x80;
}

/// A code object. Its fields are those of `types.CodeType`, as marshal keeps them.
#[derive(Clone, Debug)]
pub struct CodeObject {
    /// How many parameters may be given by position.
    pub arg_count: u32,
    /// How many parameters may be given by position only.
    pub positional_only_arg_count: u32,
    /// How many parameters may be given by keyword only.
    pub keyword_only_arg_count: u32,
    /// How deep the stack gets.
    pub stack_size: u32,
    /// See [`flags`].
    pub flags: u32,
    /// The bytecode, two bytes a code unit, inline caches empty.
    pub code: Arc<[u8]>,
    /// The constants.
    pub constants: Arc<[Constant]>,
    /// The names of globals, attributes and imports.
    pub names: Arc<[Text]>,
    /// The names of local, cell and free variables.
    pub locals_plus_names: Arc<[Text]>,
    /// What each of those is; see [`local_kind`].
    pub locals_plus_kinds: Arc<[u8]>,
    /// The file it was compiled from.
    pub filename: Text,
    /// The function's, class's or module's name.
    pub name: Text,
    /// The name with those of what it stands in.
    pub qualified_name: Text,
    /// The line it starts on.
    pub first_line: i32,
    /// Where each instruction stands in the source; see [`crate::location`].
    pub line_table: Arc<[u8]>,
    /// Which handler guards which instructions; see [`crate::exception_table`].
    pub exception_table: Arc<[u8]>,
}

impl CodeObject {
    /// The names of the variables of the given kinds.
    pub fn variables(&self, kinds: u8) -> impl Iterator<Item = &Text> {
        self.locals_plus_names
            .iter()
            .zip(self.locals_plus_kinds.iter())
            .filter(move |&(_, &kind)| kind & kinds != 0)
            .map(|(name, _)| name)
    }

    /// How many variables of the given kinds there are.
    pub fn variable_count(&self, kinds: u8) -> usize {
        self.locals_plus_kinds.iter().filter(|&&kind| kind & kinds != 0).count()
    }

    /// How many parameters there are, `*args` and `**kwargs` included.
    pub fn total_arg_count(&self) -> usize {
        self.arg_count as usize
            + self.keyword_only_arg_count as usize
            + usize::from(self.flags & flags::VARARGS != 0)
            + usize::from(self.flags & flags::VARKEYWORDS != 0)
    }

    /// This code and all code nested in it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a CodeObject)) {
        visit(self);
        for constant in self.constants.iter() {
            if let Constant::Code(code) = constant {
                code.walk(visit);
            }
        }
    }
}

/// Python's `==` on code objects, which leaves out file name and qualified name.
impl PartialEq for CodeObject {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.arg_count == other.arg_count
            && self.positional_only_arg_count == other.positional_only_arg_count
            && self.keyword_only_arg_count == other.keyword_only_arg_count
            && self.flags == other.flags
            && self.first_line == other.first_line
            && self.code == other.code
            && self.constants == other.constants
            && self.names == other.names
            && self.locals_plus_names == other.locals_plus_names
            && self.line_table == other.line_table
            && self.exception_table == other.exception_table
    }
}

impl Eq for CodeObject {}

impl Hash for CodeObject {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.first_line.hash(state);
        self.code.hash(state);
        self.line_table.hash(state);
    }
}

/// A value that can stand in code.
///
/// Two constants are equal if a compiler may use one for the other: same type and same value, where `0.0` and `-0.0`
/// differ and so do `1` and `True`.
#[derive(Clone, Debug)]
pub enum Constant {
    /// `None`
    None,
    /// `...`
    Ellipsis,
    /// `True` or `False`
    Bool(bool),
    /// An integer of up to 64 bits.
    Int(i64),
    /// An integer that does not fit 64 bits.
    BigInt(Arc<BigInt>),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex {
        /// The real part.
        real: f64,
        /// The imaginary part.
        imaginary: f64,
    },
    /// A string.
    Str(Text),
    /// A bytes object.
    Bytes(Arc<[u8]>),
    /// A tuple.
    Tuple(Arc<[Constant]>),
    /// A frozen set, its items each once, in any order.
    FrozenSet(Arc<[Constant]>),
    /// A slice: start, stop, step.
    Slice(Arc<[Constant; 3]>),
    /// A code object.
    Code(Arc<CodeObject>),
}

impl Constant {
    /// The constant for an integer of any size.
    pub fn from_integer(integer: BigInt) -> Self {
        match i64::try_from(&integer) {
            Ok(small) => Self::Int(small),
            Err(_) => Self::BigInt(Arc::new(integer)),
        }
    }

    /// A tuple of constants.
    pub fn tuple(items: impl IntoIterator<Item = Constant>) -> Self {
        Self::Tuple(items.into_iter().collect())
    }

    /// The integer, if it is one, `bool` not included.
    pub fn to_integer(&self) -> Option<BigInt> {
        match self {
            Self::Int(small) => Some(BigInt::from(*small)),
            Self::BigInt(big) => Some(BigInt::clone(big)),
            _ => None,
        }
    }

    /// Python's truth of it.
    pub fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Ellipsis | Self::Slice(_) | Self::Code(_) | Self::BigInt(_) => true,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex { real, imaginary } => *real != 0.0 || *imaginary != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Tuple(items) | Self::FrozenSet(items) => !items.is_empty(),
        }
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Ellipsis, Self::Ellipsis) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Int(left), Self::Int(right)) => left == right,
            (Self::BigInt(left), Self::BigInt(right)) => left == right,
            (Self::Float(left), Self::Float(right)) => left.to_bits() == right.to_bits(),
            (
                Self::Complex { real, imaginary },
                Self::Complex { real: other_real, imaginary: other_imaginary },
            ) => real.to_bits() == other_real.to_bits() && imaginary.to_bits() == other_imaginary.to_bits(),
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::Bytes(left), Self::Bytes(right)) => left == right,
            (Self::Tuple(left), Self::Tuple(right)) => Arc::ptr_eq(left, right) || left == right,
            (Self::FrozenSet(left), Self::FrozenSet(right)) => {
                Arc::ptr_eq(left, right) || left.len() == right.len() && have_same_items(left, right)
            }
            (Self::Slice(left), Self::Slice(right)) => left == right,
            (Self::Code(left), Self::Code(right)) => Arc::ptr_eq(left, right) || left == right,
            _ => false,
        }
    }
}

impl Eq for Constant {}

/// Whether two sets of one size have the same items.
fn have_same_items(left: &[Constant], right: &[Constant]) -> bool {
    const FEW: usize = 16;
    if left.len() <= FEW {
        return left.iter().all(|item| right.contains(item));
    }
    let right: FxHashSet<&Constant> = right.iter().collect();
    left.iter().all(|item| right.contains(item))
}

impl Hash for Constant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::None | Self::Ellipsis => {}
            Self::Bool(value) => value.hash(state),
            Self::Int(value) => value.hash(state),
            Self::BigInt(value) => value.hash(state),
            Self::Float(value) => value.to_bits().hash(state),
            Self::Complex { real, imaginary } => (real.to_bits(), imaginary.to_bits()).hash(state),
            Self::Str(text) => text.hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::Tuple(items) => items.hash(state),
            // The sum, for the order does not matter.
            Self::FrozenSet(items) => {
                let hashes = items.iter().map(|item| FxBuildHasher.hash_one(item));
                hashes.fold(0, u64::wrapping_add).hash(state);
            }
            Self::Slice(items) => items.hash(state),
            Self::Code(code) => code.hash(state),
        }
    }
}
