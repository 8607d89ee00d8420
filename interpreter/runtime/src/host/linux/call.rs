//! How a system call's result becomes a `Result`, and the macro that declares the plain ones in batches.

/// An error number of the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub i32);

/// What system calls answer.
pub type Result<T = ()> = std::result::Result<T, Errno>;

impl Errno {
    /// Makes it the number of the thread's last failed call.
    pub fn set_last(self) {
        // SAFETY: the thread's own error number may be written.
        unsafe { *libc::__errno_location() = self.0 };
    }

    /// The error of the call that failed last on this thread.
    pub fn last() -> Errno {
        Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    /// Whether the call was interrupted by a signal.
    pub const fn is_interruption(self) -> bool {
        self.0 == libc::EINTR
    }

    /// The system's text for the error.
    pub fn message(self) -> String {
        let mut text = [0 as libc::c_char; 256];
        // SAFETY: the buffer is as long as said, and the text ends with a zero byte.
        unsafe {
            if libc::strerror_r(self.0, text.as_mut_ptr(), text.len()) != 0 && text[0] == 0 {
                return format!("Unknown error {}", self.0);
            }
            std::ffi::CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
        }
    }
}

/// Numbers whose value -1 tells of an error.
pub(super) trait Outcome: Copy {
    /// Whether the number tells of an error.
    fn failed(self) -> bool;
}

impl Outcome for i32 {
    fn failed(self) -> bool {
        self == -1
    }
}

impl Outcome for i64 {
    fn failed(self) -> bool {
        self == -1
    }
}

impl Outcome for isize {
    fn failed(self) -> bool {
        self == -1
    }
}

/// The number, or the error that -1 tells of.
#[inline]
pub(super) fn check<T: Outcome>(outcome: T) -> Result<T> {
    if outcome.failed() { Err(Errno::last()) } else { Ok(outcome) }
}

/// Declares functions that hand their arguments to a call of the C library.
macro_rules! system_calls {
    ($($(#[$attribute:meta])* $name:ident($($parameter:ident: $typ:ty),* $(,)?) -> $result:ty = $call:expr;)*) => {$(
        $(#[$attribute])*
        pub fn $name($($parameter: $typ),*) -> crate::host::Result<$result> {
            // SAFETY: pointers come from references that outlive the call, with the lengths of what they refer to.
            crate::host::linux::call::check(unsafe { $call }).map(|number| number as $result)
        }
    )*};
    (unit $($(#[$attribute:meta])* $name:ident($($parameter:ident: $typ:ty),* $(,)?) = $call:expr;)*) => {$(
        $(#[$attribute])*
        pub fn $name($($parameter: $typ),*) -> crate::host::Result {
            // SAFETY: pointers come from references that outlive the call, with the lengths of what they refer to.
            crate::host::linux::call::check(unsafe { $call }).map(drop)
        }
    )*};
}
