//! What processes share by name: semaphores and memory.

use std::ffi::CStr;
use std::ptr::NonNull;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::call::check;
use super::{Errno, Result};

/// The greatest value of a semaphore.
pub const SEMAPHORE_MAX: i32 = i32::MAX;

/// An open named semaphore.
pub struct Semaphore(NonNull<libc::sem_t>);

impl Semaphore {
    /// Makes a semaphore with a value, of a name that there is none of.
    pub fn create(name: &CStr, value: u32) -> Result<Semaphore> {
        const OWNER_ONLY: libc::mode_t = 0o600;
        // SAFETY: the name ends with a zero byte.
        let opened =
            unsafe { libc::sem_open(name.as_ptr(), libc::O_CREAT | libc::O_EXCL, OWNER_ONLY, value) };
        Semaphore::opened(opened)
    }

    /// Opens the semaphore of a name.
    pub fn open(name: &CStr) -> Result<Semaphore> {
        // SAFETY: the name ends with a zero byte.
        Semaphore::opened(unsafe { libc::sem_open(name.as_ptr(), 0) })
    }

    fn opened(semaphore: *mut libc::sem_t) -> Result<Semaphore> {
        if semaphore == libc::SEM_FAILED {
            return Err(Errno::last());
        }
        NonNull::new(semaphore).map(Semaphore).ok_or(Errno(libc::EINVAL))
    }

    /// Where the process sees the semaphore.
    pub fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// Takes one off the value unless that is 0, which is `EAGAIN`.
    pub fn try_take(&self) -> Result {
        // SAFETY: the semaphore is open.
        check(unsafe { libc::sem_trywait(self.0.as_ptr()) }).map(drop)
    }

    /// Waits until the value is not 0 and takes one off it.
    pub fn take(&self) -> Result {
        // SAFETY: the semaphore is open.
        check(unsafe { libc::sem_wait(self.0.as_ptr()) }).map(drop)
    }

    /// As [`take`](Self::take), until a moment after which it is `ETIMEDOUT`.
    pub fn take_until(&self, end: SystemTime) -> Result {
        let since = end.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let end = libc::timespec {
            tv_sec: libc::time_t::try_from(since.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: since.subsec_nanos().into(),
        };
        // SAFETY: the semaphore is open, and the time outlives the call.
        check(unsafe { libc::sem_timedwait(self.0.as_ptr(), &raw const end) }).map(drop)
    }

    /// Adds one to the value.
    pub fn give(&self) -> Result {
        // SAFETY: the semaphore is open.
        check(unsafe { libc::sem_post(self.0.as_ptr()) }).map(drop)
    }

    /// The value, which others may have changed already.
    pub fn value(&self) -> Result<i32> {
        let mut value = 0;
        // SAFETY: the semaphore is open, and the place outlives the call.
        check(unsafe { libc::sem_getvalue(self.0.as_ptr(), &raw mut value) })?;
        // Some systems count those that wait below zero.
        Ok(value.max(0))
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: the semaphore is open and is not used again.
        unsafe { libc::sem_close(self.0.as_ptr()) };
    }
}

system_calls! {unit
    /// Takes a semaphore's name away; it goes when the last process closes it.
    unlink_semaphore(name: &CStr) = libc::sem_unlink(name.as_ptr());
    /// Takes the name of shared memory away; it goes when the last process lets go of it.
    unlink_shared_memory(name: &CStr) = libc::shm_unlink(name.as_ptr());
}

system_calls! {
    /// Opens shared memory by its name.
    open_shared_memory(name: &CStr, flags: i32, mode: u32) -> i32 =
        libc::shm_open(name.as_ptr(), flags | libc::O_CLOEXEC, mode);
}
