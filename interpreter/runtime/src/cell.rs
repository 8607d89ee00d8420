//! [`GilCell`], interior mutability for the insides of Python objects.
//!
//! # Safety argument
//!
//! The insides of an object are only touched by the thread that holds the interpreter's lock, and no borrow of
//! them is held across a call that can run Python code (dropping a value is such a call). Debug builds count
//! the borrows and panic where that rule is broken; release builds pay nothing.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

#[cfg(debug_assertions)]
use std::cell::Cell;

/// A mutable place inside a Python object.
#[derive(Default)]
pub struct GilCell<T> {
    #[cfg(debug_assertions)]
    borrows: Cell<i32>,
    value: UnsafeCell<T>,
}

// SAFETY: the rule of the module: only the thread that holds the interpreter's lock looks inside.
unsafe impl<T> Sync for GilCell<T> {}

impl<T> GilCell<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Self {
        GilCell {
            #[cfg(debug_assertions)]
            borrows: Cell::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Borrows the inside for reading.
    #[inline(always)]
    #[track_caller]
    pub fn borrow(&self) -> Borrowed<'_, T> {
        #[cfg(debug_assertions)]
        {
            assert!(self.borrows.get() >= 0, "an object's inside is read while it is being changed");
            self.borrows.set(self.borrows.get() + 1);
        }
        // SAFETY: no exclusive borrow is alive (checked in debug builds, the rule of the module otherwise).
        Borrowed {
            value: unsafe { &*self.value.get() },
            #[cfg(debug_assertions)]
            borrows: &self.borrows,
        }
    }

    /// Borrows the inside for changing.
    #[inline(always)]
    #[track_caller]
    pub fn borrow_mut(&self) -> BorrowedMut<'_, T> {
        #[cfg(debug_assertions)]
        {
            assert!(self.borrows.get() == 0, "an object's inside is changed while it is borrowed");
            self.borrows.set(-1);
        }
        // SAFETY: no other borrow is alive (checked in debug builds, the rule of the module otherwise).
        BorrowedMut {
            value: unsafe { &mut *self.value.get() },
            #[cfg(debug_assertions)]
            borrows: &self.borrows,
        }
    }

    /// Puts `value` in and hands out what was there.
    #[inline(always)]
    #[track_caller]
    pub fn replace(&self, value: T) -> T {
        std::mem::replace(&mut *self.borrow_mut(), value)
    }

    /// Puts `value` in; what was there is dropped after the borrow has ended.
    #[inline(always)]
    #[track_caller]
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }

    /// The address of the inside, for the evaluator's fast paths.
    #[inline(always)]
    pub const fn as_ptr(&self) -> *mut T {
        self.value.get()
    }
}

impl<T: Default> GilCell<T> {
    /// Takes the inside out and leaves the default.
    #[inline(always)]
    #[track_caller]
    pub fn take(&self) -> T {
        self.replace(T::default())
    }
}

impl<T: Clone> GilCell<T> {
    /// A clone of the inside.
    #[inline(always)]
    #[track_caller]
    pub fn get(&self) -> T {
        self.borrow().clone()
    }
}

/// A shared borrow of a [`GilCell`].
pub struct Borrowed<'a, T> {
    value: &'a T,
    #[cfg(debug_assertions)]
    borrows: &'a Cell<i32>,
}

/// An exclusive borrow of a [`GilCell`].
pub struct BorrowedMut<'a, T> {
    value: &'a mut T,
    #[cfg(debug_assertions)]
    borrows: &'a Cell<i32>,
}

impl<T> Deref for Borrowed<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> Deref for BorrowedMut<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> DerefMut for BorrowedMut<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        self.value
    }
}

#[cfg(debug_assertions)]
impl<T> Drop for Borrowed<'_, T> {
    fn drop(&mut self) {
        self.borrows.set(self.borrows.get() - 1);
    }
}

#[cfg(debug_assertions)]
impl<T> Drop for BorrowedMut<'_, T> {
    fn drop(&mut self) {
        self.borrows.set(0);
    }
}
