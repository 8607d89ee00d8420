//! [`Value`], the 64-bit word that every Python object is handled by.
//!
//! | low bits | meaning |
//! | --- | --- |
//! | `…1` | a small `int`: 63 bits, sign-extended, in the word itself |
//! | `…10` | a `float` in the word itself: rotated so that exponents near zero fit (CRuby's "flonum") |
//! | `…000` | a pointer to a heap object, which begins with a [`Header`] |
//! | `…100` | never in a `Value`; the evaluation stack marks borrowed pointers with it |
//!
//! # Safety argument
//!
//! A `Value` with pointer tag owns one reference of the object's count (or the object is immortal), so the
//! object stays alive as long as the `Value` does. `Clone` adds a reference, `Drop` gives it back and frees the
//! object with the last one. Words are only made here, in `object.rs` and by the evaluator, which keeps the
//! same promise for the words on its stack. Counts are not atomic: every thread that touches values holds the
//! interpreter's lock.

use std::num::NonZeroU64;
use std::ptr::NonNull;

use crate::object::{Header, Object, Payload, Ref, TypeObject};

/// An owned reference to a Python object.
#[repr(transparent)]
pub struct Value(NonZeroU64);

// SAFETY: values are only touched by the thread that holds the interpreter's lock; the lock's hand-over
// orders the accesses of different threads.
unsafe impl Send for Value {}
// SAFETY: as for `Send`.
unsafe impl Sync for Value {}

/// The smallest `int` kept in the word itself.
pub const SMALL_INT_MIN: i64 = i64::MIN >> 1;
/// The largest `int` kept in the word itself.
pub const SMALL_INT_MAX: i64 = i64::MAX >> 1;

const INT_TAG: u64 = 0b1;
const FLOAT_TAG: u64 = 0b10;
const TAG_MASK: u64 = 0b11;
/// The word of `0.0`, whose exponent does not fit the rotation.
const ZERO_WORD: u64 = 0x8000_0000_0000_0002;

impl Value {
    /// The word itself.
    #[inline(always)]
    pub const fn bits(&self) -> u64 {
        self.0.get()
    }

    /// Takes back a word that [`Value::into_bits`] gave out.
    ///
    /// # Safety
    /// The word must be a valid value whose reference the caller owns and gives up.
    #[inline(always)]
    pub const unsafe fn from_bits(bits: u64) -> Self {
        // SAFETY: no valid word is zero.
        Value(unsafe { NonZeroU64::new_unchecked(bits) })
    }

    /// Gives up the word and with it the reference that it owns.
    #[inline(always)]
    pub const fn into_bits(self) -> u64 {
        let bits = self.0.get();
        std::mem::forget(self);
        bits
    }

    /// Whether the value is a pointer to a heap object.
    #[inline(always)]
    pub const fn is_object(&self) -> bool {
        self.0.get() & TAG_MASK == 0
    }

    /// Whether the value is an `int` in the word itself.
    #[inline(always)]
    pub const fn is_small_int(&self) -> bool {
        self.0.get() & INT_TAG != 0
    }

    /// Whether the value is a `float` in the word itself.
    #[inline(always)]
    pub const fn is_small_float(&self) -> bool {
        self.0.get() & TAG_MASK == FLOAT_TAG
    }

    /// The `int` in the word, if it is one.
    #[inline(always)]
    pub const fn small_int(&self) -> Option<i64> {
        if self.is_small_int() { Some((self.0.get() as i64) >> 1) } else { None }
    }

    /// The `float` in the word, if it is one.
    #[inline(always)]
    pub const fn small_float(&self) -> Option<f64> {
        if self.is_small_float() { Some(decode_float(self.0.get())) } else { None }
    }

    /// An `int` in the word, if it fits 63 bits.
    #[inline(always)]
    pub const fn from_small_int(value: i64) -> Option<Value> {
        let word = value << 1;
        if word >> 1 == value {
            // SAFETY: the tag makes the word non-zero; an int owns nothing.
            Some(Value(unsafe { NonZeroU64::new_unchecked(word as u64 | INT_TAG) }))
        } else {
            None
        }
    }

    /// An `int` that is known to fit the word, such as a length or an index.
    #[inline(always)]
    pub const fn int(value: i32) -> Value {
        // SAFETY: the tag makes the word non-zero; an int owns nothing.
        Value(unsafe { NonZeroU64::new_unchecked(((value as i64) << 1) as u64 | INT_TAG) })
    }

    /// A `float` in the word, if its exponent fits.
    #[inline(always)]
    pub const fn from_small_float(value: f64) -> Option<Value> {
        match encode_float(value) {
            // SAFETY: the tag makes the word non-zero; a float owns nothing.
            Some(word) => Some(Value(unsafe { NonZeroU64::new_unchecked(word) })),
            None => None,
        }
    }

    /// The header of the heap object, if the value is one.
    #[inline(always)]
    pub const fn header(&self) -> Option<&Header> {
        if self.is_object() {
            // SAFETY: a pointer word points to a live object, which begins with a header.
            Some(unsafe { &*(self.0.get() as *const Header) })
        } else {
            None
        }
    }

    /// The object's type.
    #[inline(always)]
    pub fn type_of(&self) -> &TypeObject {
        match self.header() {
            Some(header) => header.type_of(),
            None if self.is_small_int() => crate::types::int::Int::static_type(),
            None => crate::types::float::Float::static_type(),
        }
    }

    /// Whether both are the same object (`is`).
    #[inline(always)]
    pub const fn is(&self, other: &Value) -> bool {
        self.0.get() == other.0.get()
    }

    /// The object as `T`, if its type is `T`'s or derived from it.
    #[inline(always)]
    pub fn downcast<T: Payload>(&self) -> Option<&Object<T>> {
        let header = self.header()?;
        let of = header.type_of();
        if std::ptr::eq(of, T::static_type()) || of.is_native_subtype(T::static_type()) {
            // SAFETY: an object whose type derives from T's begins with T's layout.
            Some(unsafe { &*(self.0.get() as *const Object<T>) })
        } else {
            None
        }
    }

    /// The object as `T`, if its type is exactly `T`'s.
    #[inline(always)]
    pub fn downcast_exact<T: Payload>(&self) -> Option<&Object<T>> {
        let header = self.header()?;
        if std::ptr::eq(header.type_of(), T::static_type()) {
            // SAFETY: the object has T's layout.
            Some(unsafe { &*(self.0.get() as *const Object<T>) })
        } else {
            None
        }
    }

    /// The object as `T` where the type is known already.
    ///
    /// # Safety
    /// The value must be a heap object whose type derives from `T`'s.
    #[inline(always)]
    pub unsafe fn downcast_unchecked<T: Payload>(&self) -> &Object<T> {
        debug_assert!(
            self.downcast::<T>().is_some(),
            "{} is no {}",
            self.type_of().name(),
            T::static_type().name()
        );
        // SAFETY: as promised by the caller.
        unsafe { &*(self.0.get() as *const Object<T>) }
    }

    /// Takes the value as a typed reference, or gives it back.
    #[inline]
    pub fn downcast_into<T: Payload>(self) -> Result<Ref<T>, Value> {
        if self.downcast::<T>().is_some() {
            // SAFETY: just checked; the reference moves over.
            Ok(unsafe { Ref::from_raw(NonNull::new_unchecked(self.into_bits() as *mut Object<T>)) })
        } else {
            Err(self)
        }
    }

    /// Number of references, as far as it is counted.
    pub fn reference_count(&self) -> u32 {
        self.header().map_or(u32::MAX, Header::reference_count)
    }

    /// What `id()` answers.
    #[inline]
    pub fn id(&self) -> u64 {
        self.0.get()
    }
}

impl Clone for Value {
    #[inline(always)]
    fn clone(&self) -> Self {
        if let Some(header) = self.header() {
            header.add_reference();
        }
        Value(self.0)
    }
}

impl Drop for Value {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_object() {
            let header = self.0.get() as *mut Header;
            // SAFETY: the reference owned by this value is given back once, here.
            unsafe { crate::object::release(header) }
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(int) = self.small_int() {
            write!(f, "{int}")
        } else if let Some(float) = self.small_float() {
            write!(f, "{float}")
        } else if let Some(text) = self.downcast::<crate::types::string::Str>() {
            write!(f, "{:?}", text.to_string_lossy())
        } else {
            write!(f, "<{} object at {:#x}>", self.type_of().name(), self.bits())
        }
    }
}

#[inline(always)]
const fn encode_float(value: f64) -> Option<u64> {
    let bits = value.to_bits();
    // The three bits below the sign are 011 or 100 for magnitudes from 2⁻²⁵⁵ to 2²⁵⁶.
    let top = (bits >> 60) & 0b111;
    if (top == 3 || top == 4) && bits != 0x3000_0000_0000_0000 {
        Some((bits.rotate_left(3) & !TAG_MASK) | FLOAT_TAG)
    } else if bits == 0 {
        Some(ZERO_WORD)
    } else {
        None
    }
}

#[inline(always)]
const fn decode_float(word: u64) -> f64 {
    if word == ZERO_WORD {
        0.0
    } else {
        let b63 = word >> 63;
        f64::from_bits(((2 - b63) | (word & !TAG_MASK)).rotate_right(3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_survive_the_word() {
        let mut held = 0;
        for &x in &[0.0, 1.0, -1.0, 1.5, -2.25, 1e70, -1e-70, 3.141592653589793, 0.1, 1e-77, 1e300, -0.0] {
            if let Some(v) = Value::from_small_float(x) {
                held += 1;
                assert_eq!(v.small_float().map(f64::to_bits), Some(x.to_bits()));
            }
        }
        assert!(held >= 9, "the common range is held in the word");
        assert!(Value::from_small_float(f64::NAN).is_none());
        assert!(Value::from_small_float(f64::INFINITY).is_none());
        assert!(Value::from_small_float(-0.0).is_none());
    }

    #[test]
    fn ints_survive_the_word() {
        for x in [0, 1, -1, SMALL_INT_MAX, SMALL_INT_MIN] {
            assert_eq!(Value::from_small_int(x).and_then(|v| v.small_int()), Some(x));
        }
        assert!(Value::from_small_int(SMALL_INT_MAX + 1).is_none());
        assert!(Value::from_small_int(SMALL_INT_MIN - 1).is_none());
    }
}
