//! Waiting for a word in memory to change (futexes).

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use super::Result;
use super::call::check;

/// Waits until somebody wakes the word's waiters, unless the word is not `expected` any more (`EAGAIN`), for a time at
/// most (`ETIMEDOUT`). Signals interrupt it (`EINTR`).
pub fn wait_on(word: &AtomicU32, expected: u32, time: Option<Duration>) -> Result {
    let time = time.map(|time| libc::timespec {
        tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: word and time outlive the call.
    check(unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, expected, time) }).map(drop)
}

/// Wakes so many of those that wait for the word.
pub fn wake(word: &AtomicU32, count: i32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word outlives the call, which cannot fail.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, count) };
}
