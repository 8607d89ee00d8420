//! Random bytes and files in memory.

use std::ffi::CStr;

use super::call::check;
use super::{Errno, Result};

/// Fills a buffer with random bytes; falls back on the device where the call is missing.
pub fn random_bytes(buffer: &mut [u8]) {
    let mut done = 0;
    while done < buffer.len() {
        match get_random(&mut buffer[done..], 0) {
            Ok(count) => done += count,
            Err(error) if error.is_interruption() => {}
            Err(_) => return random_from_device(&mut buffer[done..]),
        }
    }
}

fn random_from_device(buffer: &mut [u8]) {
    let device = super::open(super::CURRENT_FOLDER, c"/dev/urandom", libc::O_RDONLY | libc::O_CLOEXEC, 0);
    let Ok(device) = device else {
        eprintln!("Fatal Python error: no source of random bytes");
        std::process::abort();
    };
    let mut done = 0;
    while done < buffer.len() {
        done += super::read(device, &mut buffer[done..]).unwrap_or(0);
    }
    let _ = super::close(device);
}

/// Random bytes as the system gives them: perhaps fewer than asked for.
pub fn get_random(buffer: &mut [u8], flags: u32) -> Result<usize> {
    // SAFETY: the buffer is as long as said.
    check(unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len(), flags) })
        .map(|count| count as usize)
}

/// Whether memory, which ends with a zero byte, can be read. Where it is mapped from a file that has become shorter it
/// cannot, and touching it would end the process.
pub fn can_read(text: &[u8]) -> bool {
    // The system reads the text as a path, and says by its error whether it could; what there is at the path does not
    // matter.
    // SAFETY: nothing is read in this process.
    let answer = check(unsafe { libc::access(text.as_ptr().cast(), libc::F_OK) });
    !answer.is_err_and(|error| error.0 == libc::EFAULT)
}

/// Lets go of the memory of a part of a file, which comes back from the file when it is read again.
///
/// # Safety
/// The bytes are mapped from a file, and nothing has written to them.
pub unsafe fn forget_file(bytes: &[u8]) {
    const PAGE: usize = 4096;
    let start = bytes.as_ptr().addr().next_multiple_of(PAGE);
    let end = (bytes.as_ptr().addr() + bytes.len()) / PAGE * PAGE;
    if start < end {
        let first = bytes.as_ptr().with_addr(start).cast_mut();
        // SAFETY: these whole pages lie inside the bytes, and by the caller's promise the file has what they hold. That the
        // system may refuse costs memory and nothing else.
        unsafe { libc::madvise(first.cast(), end - start, libc::MADV_DONTNEED) };
    }
}

/// A file in memory.
pub fn memory_file(name: &CStr, flags: u32) -> Result<i32> {
    // SAFETY: the name ends with a zero byte.
    check(unsafe { libc::memfd_create(name.as_ptr(), flags) })
}

/// A descriptor that reads the given bytes and can be neither written nor changed in size.
pub fn sealed_file(name: &CStr, contents: &[u8]) -> Result<i32> {
    let descriptor = memory_file(name, libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)?;
    let result = fill_and_seal(descriptor, contents);
    if result.is_err() {
        let _ = super::close(descriptor);
    }
    result.map(|()| descriptor)
}

fn fill_and_seal(descriptor: i32, contents: &[u8]) -> Result {
    let mut rest = contents;
    while !rest.is_empty() {
        match super::write(descriptor, rest) {
            Ok(0) => return Err(Errno(libc::EIO)),
            Ok(count) => rest = &rest[count..],
            Err(error) if error.is_interruption() => {}
            Err(error) => return Err(error),
        }
    }
    super::seek(descriptor, 0, libc::SEEK_SET)?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    super::control(descriptor, libc::F_ADD_SEALS, i64::from(seals)).map(drop)
}
