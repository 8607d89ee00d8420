//! Words on the evaluation stack: values that own their reference or borrow it.
//!
//! # Safety argument
//!
//! A stack word is 0 (nothing), a [`Value`]'s word that owns its reference, or a pointer with the tag `100`, whose
//! object is kept alive by a local variable of the same frame or of a caller for as long as the word is on the stack.
//! The compiler emits `LOAD_FAST_BORROW` only where that holds.

use crate::object::{Borrow, Header, Object, Payload};
use crate::value::Value;

/// Marks a pointer on the stack that does not own a reference.
pub const BORROWED: u64 = 0b100;
const POINTER_MASK: u64 = 0b11;

/// Whether the word is a pointer, owned or borrowed.
#[inline(always)]
pub const fn is_pointer(word: u64) -> bool {
    word & POINTER_MASK == 0
}

/// The word as a value's word.
#[inline(always)]
pub const fn untagged(word: u64) -> u64 {
    if is_pointer(word) { word & !BORROWED } else { word }
}

/// The word as a borrowed one.
#[inline(always)]
pub const fn borrowed(word: u64) -> u64 {
    if is_pointer(word) { word | BORROWED } else { word }
}

/// Whether the word owns a reference that is counted: a pointer without tags. Nothing wraps around to a number that no address
/// comes near, so that one comparison tells.
#[inline(always)]
pub const fn owns(word: u64) -> bool {
    const TAGS: u64 = POINTER_MASK | BORROWED;
    word.wrapping_sub(TAGS + 1) & (1 << 63 | TAGS) == 0
}

/// Whether the word is of an object that is never freed, or of a small integer, which is one in CPython.
///
/// # Safety
/// The word is not 0, and that of a value that is alive.
#[inline(always)]
pub unsafe fn is_immortal(word: u64) -> bool {
    if is_pointer(word) {
        // SAFETY: as promised.
        return unsafe { (*(untagged(word) as *const Header)).is_immortal() };
    }
    // Looked at as a word, not as a value: handlers keep the registers to themselves.
    word & 1 == 1 && (-5..=256).contains(&(word as i64 >> 1))
}

/// Looks at the value without taking it.
///
/// # Safety
/// The word is not 0 and stays on the stack for `'a`.
#[inline(always)]
pub unsafe fn look<'a>(word: u64) -> Borrow<'a> {
    // SAFETY: as promised.
    unsafe { Borrow::from_bits(untagged(word)) }
}

/// The object in a word, if it is exactly of a type.
///
/// # Safety
/// The word is valid and stays on the stack for `'a`; 0 is allowed.
#[inline(always)]
pub unsafe fn exact<'a, T: Payload>(word: u64) -> Option<&'a Object<T>> {
    if !is_pointer(word) || word == 0 {
        return None;
    }
    // SAFETY: a pointer word's object is alive while it is on the stack.
    unsafe {
        let object = &*(untagged(word) as *const Object<T>);
        std::ptr::eq(object.type_of(), T::static_type()).then_some(object)
    }
}

/// Takes the value; a borrowed word gets a reference of its own.
///
/// # Safety
/// The word is not 0 and leaves the stack.
#[inline(always)]
pub unsafe fn take(word: u64) -> Value {
    // SAFETY: as promised; the borrowed object is alive.
    unsafe {
        if word & (POINTER_MASK | BORROWED) == BORROWED {
            let bits = word & !BORROWED;
            (*(bits as *const Header)).add_reference();
            Value::from_bits(bits)
        } else {
            Value::from_bits(word)
        }
    }
}

/// Copies the word; the copy owns what the original owns.
///
/// # Safety
/// The word is valid; 0 is allowed.
#[inline(always)]
pub unsafe fn duplicate(word: u64) -> u64 {
    if owns(word) {
        // SAFETY: an owned pointer's object is alive.
        unsafe { (*(word as *const Header)).add_reference() };
    }
    word
}

/// Gives back what the word owns.
///
/// # Safety
/// The word is valid and leaves the stack; 0 is allowed.
#[inline(always)]
pub unsafe fn close(word: u64) {
    if owns(word) {
        // SAFETY: the reference owned by the word is given back once.
        unsafe { crate::object::release(word as *mut Header) };
    }
}

/// Whether giving the word back frees nothing, so that no Python code can run.
///
/// # Safety
/// The word is valid; 0 is allowed.
#[inline(always)]
pub unsafe fn closes_quietly(word: u64) -> bool {
    // SAFETY: an owned pointer's object is alive.
    !owns(word) || unsafe { (*(word as *const Header)).reference_count() != 1 }
}

/// Gives back a word for which [`closes_quietly`] holds.
///
/// # Safety
/// As for [`close`], and `closes_quietly` holds.
#[inline(always)]
pub unsafe fn close_quietly(word: u64) {
    if owns(word) {
        // SAFETY: the count stays above zero.
        unsafe { (*(word as *const Header)).remove_reference_quietly() };
    }
}

/// The word as it may be kept in a variable: one that owns its reference.
///
/// # Safety
/// The word is valid and leaves the stack.
#[inline(always)]
pub unsafe fn keep(word: u64) -> u64 {
    if word & (POINTER_MASK | BORROWED) == BORROWED {
        let bits = word & !BORROWED;
        // SAFETY: the borrowed object is alive.
        unsafe { (*(bits as *const Header)).add_reference() };
        bits
    } else {
        word
    }
}
