//! Memory for heap objects, straight from mimalloc.
//!
//! # Safety argument
//!
//! Blocks come from `mi_malloc` and go back to `mi_free`, which needs no size. Both are called with the
//! interpreter's lock held or not; mimalloc is thread-safe either way. Running out of memory ends the process
//! with a message: the places that take sizes from Python code ask [`try_reserve`] first.

use libmimalloc_sys::{mi_free, mi_malloc, mi_zalloc};

/// A block of `size` bytes, aligned to 16, with unspecified contents.
#[inline(always)]
pub(crate) unsafe fn allocate(size: usize) -> *mut u8 {
    // SAFETY: any size may be asked for.
    let block = unsafe { mi_malloc(size) }.cast::<u8>();
    if block.is_null() {
        out_of_memory(size);
    }
    block
}

/// A block of `size` bytes, aligned to 16, filled with zeros.
#[inline(always)]
pub(crate) unsafe fn allocate_zeroed(size: usize) -> *mut u8 {
    // SAFETY: any size may be asked for.
    let block = unsafe { mi_zalloc(size) }.cast::<u8>();
    if block.is_null() {
        out_of_memory(size);
    }
    block
}

/// Gives a block back.
#[inline(always)]
pub(crate) unsafe fn free(block: *mut u8) {
    // SAFETY: the block came from `allocate` or `allocate_zeroed`.
    unsafe { mi_free(block.cast()) }
}

/// Whether a block of `size` bytes can be had; asked before memory whose size a program chose is allocated.
pub fn can_allocate(size: usize) -> bool {
    if size < 1 << 24 {
        return true;
    }
    if size > isize::MAX as usize / 2 {
        return false;
    }
    // SAFETY: the block is given back at once.
    unsafe {
        let block = mi_malloc(size);
        let had = !block.is_null();
        mi_free(block);
        had
    }
}

#[cold]
fn out_of_memory(size: usize) -> ! {
    eprintln!("rspy: out of memory (asked for {size} bytes)");
    std::process::abort()
}
