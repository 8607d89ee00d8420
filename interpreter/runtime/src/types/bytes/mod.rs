//! `bytes`, `bytearray` and `memoryview`: sequences of numbers from 0 to 255, and views of memory.

pub mod bytearray;
mod constant;
mod construct;
mod hex;
mod iterator;
pub mod memoryview;
mod methods;
pub mod search;
pub mod text;

use std::cell::Cell;

use rspy_macros::pyclass;

pub use bytearray::ByteArray;
pub use construct::bytes_of_object;
pub use hex::{hex_text, parse_hex};
pub use iterator::{ByteArrayIterator, BytesIterator};
pub use memoryview::{MemoryView, memoryview_of};

use crate::buffer::BufferView;
use crate::cell::GilCell;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::value::Value;

/// bytes(iterable_of_ints) -> bytes
/// bytes(string, encoding[, errors]) -> bytes
/// bytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer
/// bytes(int) -> bytes object of size given by the parameter initialized with null bytes
/// bytes() -> empty bytes object
///
/// An immutable array of bytes.
#[pyclass(name = "bytes", subclassable, variable, match_self, methods(SHARED_METHODS))]
pub struct Bytes {
    data: Box<[u8]>,
    /// -1 until it is asked for.
    hash: Cell<i64>,
}

impl Bytes {
    /// Where in an object the place and number of its bytes lie, for those who read the memory of another process.
    pub(crate) const DATA_PLACE: usize = Object::<Bytes>::PAYLOAD_PLACE + std::mem::offset_of!(Bytes, data);
}

static SINGLE: [GilCell<Option<Ref<Bytes>>>; 256] = [const { GilCell::new(None) }; 256];
static EMPTY: GilCell<Option<Ref<Bytes>>> = GilCell::new(None);

impl Bytes {
    /// A `bytes` object.
    pub fn new(data: impl Into<Vec<u8>>) -> Ref<Bytes> {
        let data = data.into();
        match data[..] {
            [] => Bytes::empty(),
            [byte] => Bytes::single(byte),
            _ => Bytes::of_type(Bytes::static_type(), data),
        }
    }

    /// The `bytes` object of one byte.
    fn single(byte: u8) -> Ref<Bytes> {
        let known = &SINGLE[usize::from(byte)];
        if let Some(single) = &*known.borrow() {
            return single.clone();
        }
        let single = Bytes::of_type(Bytes::static_type(), vec![byte]);
        single.header().make_immortal();
        known.set(Some(single.clone()));
        single
    }

    /// The empty `bytes` object.
    pub fn empty() -> Ref<Bytes> {
        if let Some(empty) = &*EMPTY.borrow() {
            return empty.clone();
        }
        let empty = Bytes::of_type(Bytes::static_type(), Vec::new());
        empty.header().make_immortal();
        EMPTY.set(Some(empty.clone()));
        empty
    }

    /// An object of a class derived from `bytes`.
    pub fn of_type(typ: &TypeObject, data: Vec<u8>) -> Ref<Bytes> {
        Object::with_type(typ, Bytes { data: data.into_boxed_slice(), hash: Cell::new(-1) })
    }

    /// The bytes.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        &self.data
    }

    /// Number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}

impl Object<Bytes> {
    /// A view of the bytes.
    #[inline]
    pub fn view(&self) -> BufferView {
        BufferView::of_constant(self, Bytes::as_slice)
    }
}

/// Whether a value is a `bytes` object or of a class derived from it.
pub fn is_bytes(value: &Value) -> bool {
    value.downcast::<Bytes>().is_some()
}
