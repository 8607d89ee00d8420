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
use std::ptr::NonNull;

use rspy_macros::pyclass;

pub use bytearray::ByteArray;
pub use construct::bytes_of_object;
pub use hex::{hex_text, parse_hex};
pub use iterator::{ByteArrayIterator, BytesIterator};
pub use memoryview::{MemoryView, memoryview_of};

use crate::buffer::BufferView;
use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::value::Value;

/// bytes(iterable_of_ints) -> bytes
/// bytes(string, encoding[, errors]) -> bytes
/// bytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer
/// bytes(int) -> bytes object of size given by the parameter initialized with null bytes
/// bytes() -> empty bytes object
///
/// An immutable array of bytes.
#[pyclass(name = "bytes", subclassable, variable, extent, match_self, methods(SHARED_METHODS))]
#[repr(C)]
pub struct Bytes {
    /// The bytes lie in a block of their own or, if they are few, behind the payload.
    start: NonNull<u8>,
    length: usize,
    /// -1 until it is asked for.
    hash: Cell<i64>,
    behind: [u8; 0],
}

/// The most bytes that lie behind the payload: such objects are among the blocks that threads keep.
const MOST_BEHIND: usize = 512 - size_of::<Object<Bytes>>();

impl Bytes {
    /// Where in an object the place and number of its bytes lie, for those who read the memory of another process.
    pub(crate) const DATA_PLACE: usize = Object::<Bytes>::PAYLOAD_PLACE + std::mem::offset_of!(Bytes, start);

    fn is_behind(&self) -> bool {
        std::ptr::eq(self.start.as_ptr(), self.behind.as_ptr())
    }

    /// How many bytes lie behind the payload.
    fn extent(&self) -> usize {
        if self.is_behind() { self.length } else { 0 }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if !self.is_behind() {
            let whole = std::ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.length);
            // SAFETY: the block was a box, which nobody else owns.
            drop(unsafe { Box::from_raw(whole) });
        }
    }
}

static SINGLE: [GilCell<Option<Ref<Bytes>>>; 256] = [const { GilCell::new(None) }; 256];
static EMPTY: GilCell<Option<Ref<Bytes>>> = GilCell::new(None);

impl Bytes {
    /// A `bytes` object.
    pub fn new(data: impl AsRef<[u8]> + Into<Vec<u8>>) -> Ref<Bytes> {
        match *data.as_ref() {
            [] => Bytes::empty(),
            [byte] => Bytes::single(byte),
            _ => Bytes::of_type(Bytes::static_type(), data),
        }
    }

    /// A `bytes` object of a known length, whose bytes are zeros until `fill` writes them.
    ///
    /// # Errors
    /// Those of `fill`.
    #[inline]
    pub fn filled(length: usize, fill: impl FnOnce(&mut [u8]) -> PyResult<()>) -> PyResult<Ref<Bytes>> {
        if !(2..=MOST_BEHIND).contains(&length) {
            let mut data = vec![0; length];
            fill(&mut data)?;
            return Ok(Bytes::new(data));
        }
        let bytes = Bytes::allocate(length);
        // SAFETY: the object has so many bytes, and nobody else has seen it yet.
        let room = unsafe {
            bytes.start.as_ptr().write_bytes(0, length);
            std::slice::from_raw_parts_mut(bytes.start.as_ptr(), length)
        };
        fill(room)?;
        Ok(bytes)
    }

    /// An object with so many bytes behind its payload, which are to be written before anyone looks.
    #[inline]
    fn allocate(length: usize) -> Ref<Bytes> {
        // SAFETY: header and payload are written at once; the block has room for the bytes.
        unsafe {
            let size = size_of::<Object<Bytes>>() + length;
            let object = crate::object::allocate_plain(Bytes::static_type(), size);
            let payload = object.cast::<u8>().add(Object::<Bytes>::PAYLOAD_PLACE).cast::<Bytes>();
            let start = NonNull::new_unchecked((&raw mut (*payload).behind).cast());
            payload.write(Bytes { start, length, hash: Cell::new(-1), behind: [] });
            Ref::from_raw(NonNull::new_unchecked(object.cast()))
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
    pub fn of_type(typ: &TypeObject, data: impl AsRef<[u8]> + Into<Vec<u8>>) -> Ref<Bytes> {
        let given = data.as_ref();
        if given.len() <= MOST_BEHIND && std::ptr::eq(typ, Bytes::static_type()) {
            let bytes = Bytes::allocate(given.len());
            // SAFETY: the object has so many bytes, and nobody else has seen it yet.
            unsafe { bytes.start.as_ptr().copy_from_nonoverlapping(given.as_ptr(), given.len()) };
            return bytes;
        }
        let start = NonNull::from(Box::leak(data.into().into_boxed_slice()));
        Object::with_type(
            typ,
            Bytes { start: start.cast(), length: start.len(), hash: Cell::new(-1), behind: [] },
        )
    }

    /// The bytes.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the object has so many bytes, which nobody changes.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// Number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
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
