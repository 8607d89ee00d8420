//! Files and anonymous memory mapped into the address space.
//!
//! # Safety argument
//!
//! A [`Mapping`] owns its pages until it is dropped, and moves them only in [`Mapping::resize`], which needs it
//! exclusively. Other processes may change shared pages at any time: bytes are copied in and out, and what is searched is
//! plain data for which every value is valid. A file that is cut short under its mapping costs the process a signal, as
//! the system has it.

use std::ptr::NonNull;

use super::call::check;
use super::{Errno, Result};

/// Pages of the address space.
pub struct Mapping {
    address: NonNull<u8>,
    length: usize,
}

// SAFETY: the pages belong to the mapping alone; access is ordered by the interpreter's lock.
unsafe impl Send for Mapping {}
// SAFETY: as for `Send`.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a file from an offset on, or anonymous memory.
    pub fn new(length: usize, protection: i32, flags: i32, descriptor: i32, offset: i64) -> Result<Mapping> {
        // SAFETY: the system chooses the address, so that no other memory is touched.
        let address =
            unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, descriptor, offset) };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let address = NonNull::new(address.cast()).ok_or(Errno(libc::ENOMEM))?;
        Ok(Mapping { address, length })
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Where the bytes are.
    pub fn address(&self) -> NonNull<u8> {
        self.address
    }

    /// The bytes, which must be readable.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the pages are mapped as long as the mapping lives.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.length) }
    }

    /// The bytes, which must be writable.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as for `as_slice`.
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr(), self.length) }
    }

    /// Changes the number of bytes; they may move.
    pub fn resize(&mut self, length: usize) -> Result {
        // SAFETY: the pages are the mapping's own, and it is held exclusively.
        let address =
            unsafe { libc::mremap(self.address.as_ptr().cast(), self.length, length, libc::MREMAP_MAYMOVE) };
        if address == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        self.address = NonNull::new(address.cast()).ok_or(Errno(libc::ENOMEM))?;
        self.length = length;
        Ok(())
    }

    /// Writes changes of some of the bytes to the file.
    pub fn flush(&self, start: usize, length: usize) -> Result {
        assert!(start.checked_add(length).is_some_and(|end| end <= self.length));
        // SAFETY: the range lies inside the mapping.
        check(unsafe { libc::msync(self.address.as_ptr().add(start).cast(), length, libc::MS_SYNC) })
            .map(drop)
    }

    /// Tells the system how some of the bytes will be used.
    pub fn advise(&self, start: usize, length: usize, advice: i32) -> Result {
        assert!(start.checked_add(length).is_some_and(|end| end <= self.length));
        // SAFETY: the range lies inside the mapping. Advice that drops pages leaves readable ones.
        check(unsafe { libc::madvise(self.address.as_ptr().add(start).cast(), length, advice) }).map(drop)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the pages are not used any more.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.length) };
    }
}
