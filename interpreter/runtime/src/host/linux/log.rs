//! The system's log.

use std::ffi::{CStr, CString};
use std::sync::{Mutex, PoisonError};

/// The name that the C library keeps a pointer to.
static IDENTITY: Mutex<Option<CString>> = Mutex::new(None);

/// Says what messages begin with, and where they go.
pub fn open_log(identity: Option<CString>, options: i32, facility: i32) {
    let mut kept = IDENTITY.lock().unwrap_or_else(PoisonError::into_inner);
    let place = identity.as_ref().map_or(std::ptr::null(), |name| name.as_ptr());
    // SAFETY: the name is kept as long as the C library uses it: until the log is opened again or closed.
    unsafe { libc::openlog(place, options, facility) };
    *kept = identity;
}

/// Sends a message.
pub fn write_log(priority: i32, message: &CStr) {
    // SAFETY: the format takes one text, which ends with a zero byte.
    unsafe { libc::syslog(priority, c"%s".as_ptr(), message.as_ptr()) };
}

/// Closes the log.
pub fn close_log() {
    let mut kept = IDENTITY.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the call takes nothing; the name is let go of afterwards.
    unsafe { libc::closelog() };
    *kept = None;
}

/// Says which priorities are logged; answers what held before.
pub fn set_log_mask(mask: i32) -> i32 {
    // SAFETY: the call takes a number only.
    unsafe { libc::setlogmask(mask) }
}
