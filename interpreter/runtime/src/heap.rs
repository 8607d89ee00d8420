//! Memory for heap objects: mimalloc's, with the thread's own chains of small blocks before it.
//!
//! # Safety argument
//!
//! Blocks come from `mi_malloc` and go back to `mi_free`, which needs no size. Both are called with the
//! interpreter's lock held or not; mimalloc is thread-safe either way. Every block is a multiple of [`STEP`] bytes, so
//! that one given back with its size serves any object of that step; a block may end in another thread than it began
//! in. While allocations are traced, no thread keeps blocks. Running out of memory ends the process
//! with a message: the places that take sizes from Python code ask [`can_allocate`] first.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use libmimalloc_sys::{
    mi_collect, mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc,
    mi_zalloc_aligned,
};

use crate::allocations::{self, Purpose};

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
        let block = unsafe {
            if is_plain(layout) {
                mi_malloc(layout.size()).cast()
            } else {
                mi_malloc_aligned(layout.size(), layout.align()).cast()
            }
        };
        recorded(block, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        let block = unsafe {
            if is_plain(layout) {
                mi_zalloc(layout.size()).cast()
            } else {
                mi_zalloc_aligned(layout.size(), layout.align()).cast()
            }
        };
        recorded(block, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the block came from this allocator.
        unsafe { give_back(block) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the block came from this allocator.
        let new: *mut u8 = unsafe {
            if layout.align() <= 8 {
                mi_realloc(block.cast(), size).cast()
            } else {
                mi_realloc_aligned(block.cast(), size, layout.align()).cast()
            }
        };
        if allocations::are_traced() && !new.is_null() {
            allocations::forget(block);
        }
        recorded(new, size)
    }
}

/// The block, which is recorded if blocks are.
#[inline(always)]
fn recorded(block: *mut u8, size: usize) -> *mut u8 {
    if allocations::are_traced() {
        allocations::record(block, size, Purpose::Other);
    }
    block
}

/// Gives a block back to the allocator.
///
/// # Safety
/// The block came from the allocator, and nobody uses it any more.
#[inline(always)]
unsafe fn give_back(block: *mut u8) {
    if allocations::are_traced() {
        allocations::forget(block);
    }
    // SAFETY: as promised.
    unsafe { mi_free(block.cast()) }
}

/// Blocks of objects come in steps of so many bytes.
const STEP: usize = 16;
/// Blocks up to this size are kept by the thread when an object ends, for the next one.
const LARGEST_KEPT: usize = 512;
/// The most blocks of one size that a thread keeps.
const MOST_KEPT: u16 = 1000;
const SIZES: usize = LARGEST_KEPT / STEP + 1;

/// The blocks that a thread keeps, a chain for each size: every block holds the address of the next.
struct Kept {
    first: [Cell<*mut u8>; SIZES],
    count: [Cell<u16>; SIZES],
}

thread_local! {
    static KEPT: Kept = const {
        Kept { first: [const { Cell::new(ptr::null_mut()) }; SIZES], count: [const { Cell::new(0) }; SIZES] }
    };
}

/// A block of at least `size` bytes, aligned to 16, with unspecified contents.
#[inline(always)]
pub(crate) unsafe fn allocate(size: usize) -> *mut u8 {
    // SAFETY: any size may be asked for.
    unsafe { allocate_for(size, Purpose::Object) }
}

/// As [`allocate`], for an object or something else.
#[inline(always)]
unsafe fn allocate_for(size: usize, purpose: Purpose) -> *mut u8 {
    if size <= LARGEST_KEPT {
        let step = size.div_ceil(STEP);
        let kept = KEPT.with(|kept| {
            let block = kept.first[step].get();
            if !block.is_null() {
                // SAFETY: a kept block belongs to nobody and begins with the address of the next.
                kept.first[step].set(unsafe { block.cast::<*mut u8>().read() });
                kept.count[step].set(kept.count[step].get() - 1);
            }
            block
        });
        if !kept.is_null() {
            return kept;
        }
    }
    // SAFETY: any size may be asked for.
    unsafe { allocate_anew(size, purpose) }
}

#[inline(never)]
unsafe fn allocate_anew(size: usize, purpose: Purpose) -> *mut u8 {
    // SAFETY: any size may be asked for.
    let block = unsafe { mi_malloc(size.next_multiple_of(STEP)) }.cast::<u8>();
    if block.is_null() {
        out_of_memory(size);
    }
    if allocations::are_traced() {
        allocations::record(block, size, purpose);
    }
    block
}

/// As [`allocate`], filled with zeros.
#[inline(always)]
pub(crate) unsafe fn allocate_zeroed(size: usize) -> *mut u8 {
    // SAFETY: the block has at least `size` bytes.
    unsafe {
        let block = allocate(size);
        block.write_bytes(0, size);
        block
    }
}

/// Gives back a block whose size is not known.
#[inline(always)]
pub(crate) unsafe fn free(block: *mut u8) {
    // SAFETY: the block came from `allocate` or `allocate_zeroed`.
    unsafe { give_back(block) }
}

/// Gives back a block that was allocated with `size` bytes at least; the thread keeps it if it has few of that size.
#[inline(always)]
pub(crate) unsafe fn free_sized(block: *mut u8, size: usize) {
    if size <= LARGEST_KEPT {
        let step = size.div_ceil(STEP);
        let is_kept = KEPT.with(|kept| {
            let count = kept.count[step].get();
            if count < MOST_KEPT {
                // SAFETY: nobody uses the block any more, and it has room for an address.
                unsafe { block.cast::<*mut u8>().write(kept.first[step].get()) };
                kept.first[step].set(block);
                kept.count[step].set(count + 1);
            }
            count < MOST_KEPT
        });
        if is_kept {
            return;
        }
    }
    // SAFETY: the block came from `allocate` or `allocate_zeroed`.
    unsafe { give_back(block) }
}

/// Makes a block larger, which may move it; what it holds stays.
pub(crate) unsafe fn grow(block: *mut u8, size: usize) -> *mut u8 {
    if allocations::are_traced() {
        allocations::forget(block);
    }
    // SAFETY: the block came from `allocate` or `allocate_zeroed`.
    let block = unsafe { mi_realloc(block.cast(), size.next_multiple_of(STEP)) }.cast::<u8>();
    if block.is_null() {
        out_of_memory(size);
    }
    if allocations::are_traced() {
        allocations::record(block, size, Purpose::Object);
    }
    block
}

/// Words of memory from the same chains, with whatever was there before.
pub(crate) struct Words {
    start: *mut u64,
    length: usize,
}

impl Words {
    /// So many words.
    pub(crate) fn new(length: usize) -> Words {
        // SAFETY: blocks are aligned to 16.
        #[allow(clippy::cast_ptr_alignment)]
        let start = unsafe { allocate_for(length * 8, Purpose::Other) }.cast();
        Words { start, length }
    }

    /// The first.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *mut u64 {
        self.start
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.length
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: the block was allocated with this size, and nobody uses it any more.
        unsafe { free_sized(self.start.cast(), self.length * 8) }
    }
}

/// Threads that allocate objects, and the most of them there were since memory was given back last.
static THREADS: AtomicUsize = AtomicUsize::new(0);
static CROWD: AtomicUsize = AtomicUsize::new(0);
/// Whether memory is to be given back once more when the last thread of a crowd has gone.
static EBBS: AtomicBool = AtomicBool::new(false);
/// A crowd of fewer threads leaves so little behind that the allocator may take its time.
const SMALLEST_CROWD: usize = 16;

/// The chains of all threads, as addresses. Who touches the chains of another thread holds the interpreter's lock and this
/// one; a thread gives its own up holding this one alone.
static CHAINS: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Has no thread keep blocks any more, or has all of them keep blocks again. The interpreter's lock must be held.
pub(crate) fn keep_nothing(nothing: bool) {
    let chains = CHAINS.lock().unwrap_or_else(PoisonError::into_inner);
    for &address in &*chains {
        // SAFETY: threads take their chains off the list before they end, and touch them with the interpreter's lock only.
        unsafe { &*(address as *const Kept) }.free(nothing);
    }
}

/// Counts a thread in.
pub(crate) fn thread_begins() {
    KEPT.with(|kept| {
        if allocations::are_traced() {
            kept.free(true);
        }
        let mut chains = CHAINS.lock().unwrap_or_else(PoisonError::into_inner);
        chains.push(std::ptr::from_ref(kept) as usize);
    });
    let threads = THREADS.fetch_add(1, Ordering::Relaxed) + 1;
    CROWD.fetch_max(threads, Ordering::Relaxed);
}

/// Counts a thread out and gives back all blocks that it keeps. When half of a crowd has gone, and half of the rest, and in
/// the end all, the system gets its memory back at once: the allocator itself does that some time later, and only while
/// somebody allocates.
pub(crate) fn thread_ends() {
    free_kept();
    let threads = THREADS.fetch_sub(1, Ordering::Relaxed) - 1;
    let crowd = CROWD.load(Ordering::Relaxed);
    let is_halved = crowd >= SMALLEST_CROWD && threads <= crowd / 2;
    if is_halved {
        CROWD.store(threads, Ordering::Relaxed);
        EBBS.store(true, Ordering::Relaxed);
    }
    if is_halved || threads <= 1 && EBBS.swap(false, Ordering::Relaxed) {
        // SAFETY: may be called at any time.
        unsafe { mi_collect(true) }
    }
}

fn free_kept() {
    KEPT.with(|kept| {
        let mut chains = CHAINS.lock().unwrap_or_else(PoisonError::into_inner);
        kept.free(allocations::are_traced());
        let own = chains.iter().position(|&address| address == std::ptr::from_ref(kept) as usize);
        own.map(|place| chains.swap_remove(place));
    });
}

impl Kept {
    /// Gives all blocks back. Where nothing is to be kept from now on, the chains count as full.
    fn free(&self, keeps_nothing: bool) {
        for (first, count) in self.first.iter().zip(&self.count) {
            let mut block = first.replace(ptr::null_mut());
            count.set(if keeps_nothing { MOST_KEPT } else { 0 });
            while !block.is_null() {
                // SAFETY: kept blocks belong to nobody, and each begins with the address of the next.
                unsafe {
                    let next = block.cast::<*mut u8>().read();
                    mi_free(block.cast());
                    block = next;
                }
            }
        }
    }
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
