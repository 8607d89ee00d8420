//! The standard descriptors as the process got them. Rust's own start opens those that are closed.

use std::sync::atomic::{AtomicU8, Ordering};

/// A bit for each that was closed.
static CLOSED: AtomicU8 = AtomicU8::new(0);

extern "C" fn note_closed() {
    for descriptor in 0..3 {
        // SAFETY: asking for a descriptor's flags touches no memory.
        if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1 {
            CLOSED.fetch_or(1 << descriptor, Ordering::Relaxed);
        }
    }
}

// SAFETY: the section holds functions without arguments that the C library calls before `main`; this one needs nothing
// that is set up later.
#[used]
#[unsafe(link_section = ".init_array")]
static NOTE_CLOSED: extern "C" fn() = note_closed;

/// Closes what was closed when the process began.
pub fn close_reopened() {
    for descriptor in 0..3 {
        if CLOSED.load(Ordering::Relaxed) & 1 << descriptor != 0 {
            // Whether it is open or not, it is closed afterwards.
            drop(super::close(descriptor));
        }
    }
}
