//! Memory for heap objects, straight from mimalloc.
//!
//! # Safety argument
//!
//! Blocks come from `mi_malloc` and go back to `mi_free`, which needs no size. Both are called with the
//! interpreter's lock held or not; mimalloc is thread-safe either way. Running out of memory ends the process
//! with a message: the places that take sizes from Python code ask [`can_allocate`] first.

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc, mi_zalloc_aligned,
};

/// The allocator of everything else: vectors, boxes, strings.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Whether blocks of the layout are aligned without asking.
#[inline(always)]
const fn is_plain(layout: Layout) -> bool {
    layout.align() <= 8 || layout.align() == 16 && layout.size() >= 16
}

// SAFETY: mimalloc's blocks are as large and as aligned as asked for, and blocks of all its functions are given back
// by `mi_free`.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size may be asked for; a layout's alignment is a power of two.
        unsafe {
            if is_plain(layout) {
                mi_malloc(layout.size()).cast()
            } else {
                mi_malloc_aligned(layout.size(), layout.align()).cast()
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        unsafe {
            if is_plain(layout) {
                mi_zalloc(layout.size()).cast()
            } else {
                mi_zalloc_aligned(layout.size(), layout.align()).cast()
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the block came from this allocator.
        unsafe { mi_free(block.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the block came from this allocator.
        unsafe {
            if layout.align() <= 8 {
                mi_realloc(block.cast(), size).cast()
            } else {
                mi_realloc_aligned(block.cast(), size, layout.align()).cast()
            }
        }
    }
}

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
