//! Marshal: the byte format in which code and simple values are stored.
//!
//! * [`read`](mod@read) turns bytes into values of the caller's making, by way of a [`Builder`];
//! * [`write`](mod@write) has the primitives from which a walker over any kind of values writes bytes;
//! * [`outline`] tells where code objects lie, so that their bodies can be read when they are needed;
//! * [`code`] reads and writes [`CodeObject`](crate::CodeObject)s by way of these two.
//!
//! A value is a type code and what follows from it. If the code's highest bit is set, the value is put on a list, and a
//! later occurrence of the same object is written as an index into it.

pub mod code;
pub mod outline;
pub mod read;
pub mod write;

pub use code::{dump, dump_held, dump_held_without_columns, load};
pub use outline::Outline;
pub use read::{Builder, CodeBody, CodeHead, CodeParts, Container, Pieces, ReadError, Source};
pub use write::{WriteError, Writer};

/// The version that CPython 3.14 writes.
pub const VERSION: u32 = 5;

/// How deep values may be nested.
pub const MAXIMUM_DEPTH: u32 = 2000;

/// Set in a type code whose value is put on the list of references.
const FLAG_REFERENCE: u8 = 0x80;

/// Type codes.
mod code_of {
    pub const NULL: u8 = b'0';
    pub const NONE: u8 = b'N';
    pub const FALSE: u8 = b'F';
    pub const TRUE: u8 = b'T';
    pub const STOP_ITERATION: u8 = b'S';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    pub const INT64: u8 = b'I';
    pub const FLOAT: u8 = b'f';
    pub const BINARY_FLOAT: u8 = b'g';
    pub const COMPLEX: u8 = b'x';
    pub const BINARY_COMPLEX: u8 = b'y';
    pub const LONG: u8 = b'l';
    pub const BYTES: u8 = b's';
    pub const INTERNED: u8 = b't';
    pub const REFERENCE: u8 = b'r';
    pub const TUPLE: u8 = b'(';
    pub const SMALL_TUPLE: u8 = b')';
    pub const LIST: u8 = b'[';
    pub const DICT: u8 = b'{';
    pub const CODE: u8 = b'c';
    pub const TEXT: u8 = b'u';
    pub const UNKNOWN: u8 = b'?';
    pub const SET: u8 = b'<';
    pub const FROZEN_SET: u8 = b'>';
    pub const ASCII: u8 = b'a';
    pub const ASCII_INTERNED: u8 = b'A';
    pub const SHORT_ASCII: u8 = b'z';
    pub const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub const SLICE: u8 = b':';
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claimed_sizes_cost_nothing() {
        for kind in b"(<>[lsuatA" {
            let bytes = [*kind, 0xFF, 0xFF, 0xFF, 0x7F, b'N'];
            assert!(load(&bytes).is_err());
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let bytes = vec![[b')', 1]; 5000].concat();
        assert_eq!(load(&bytes).err(), Some(code::LoadError::Read(ReadError::TooDeep)));
    }

    #[test]
    fn truncated_data_is_an_error() {
        assert_eq!(load(b"").err(), Some(code::LoadError::Read(ReadError::NoObject)));
        assert_eq!(load(b"i\0").err(), Some(code::LoadError::Read(ReadError::TooShort)));
        assert_eq!(load(b")").err(), Some(code::LoadError::Read(ReadError::UnexpectedEnd)));
        assert_eq!(load(b"q").err(), Some(code::LoadError::Read(ReadError::UnknownType)));
    }
}
