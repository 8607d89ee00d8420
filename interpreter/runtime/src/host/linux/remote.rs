//! Calls from other processes: one of the same executable leaves the path of a script in this one's memory
//! (`process_vm_writev`) and sets a bit that has the interpreter look up.
//!
//! # Safety argument
//!
//! Both processes run the same file, so the mailbox lies at the same place in it and is laid out alike; all of it is
//! atomic words and bytes, which another process may change at any time. What is read from there is checked: a path ends
//! within its room, and an address comes from the very process it is used in.

use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering};

use super::call::check;
use super::{Errno, Result};

/// The longest path that can be left, with the zero byte behind it.
pub const LONGEST_REMOTE_PATH: usize = 512;

#[repr(C)]
struct Mailbox {
    /// What a bit is set in for the interpreter to look; null where no calls are taken.
    requests: AtomicPtr<AtomicU32>,
    /// The byte of that word with the bit, and the bit: nobody else sets bits of that byte.
    byte: AtomicU32,
    bit: AtomicU32,
    /// Whether a path waits.
    waiting: AtomicU32,
    path: [AtomicU8; LONGEST_REMOTE_PATH],
}

static MAILBOX: Mailbox = Mailbox {
    requests: AtomicPtr::new(std::ptr::null_mut()),
    byte: AtomicU32::new(0),
    bit: AtomicU32::new(0),
    waiting: AtomicU32::new(0),
    path: [const { AtomicU8::new(0) }; LONGEST_REMOTE_PATH],
};

/// Why a call could not be left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RemoteError {
    /// The system's error.
    System(Errno),
    /// The process does not run the same executable.
    Stranger,
    /// The process takes no calls.
    Refused,
}

impl From<Errno> for RemoteError {
    fn from(error: Errno) -> Self {
        RemoteError::System(error)
    }
}

/// Takes calls from now on: `bit`, alone in its byte of the word, is set when there is one.
pub fn accept_remote_calls(requests: &'static AtomicU32, bit: u32) {
    let place = bit.trailing_zeros() / 8;
    MAILBOX.byte.store(place, Ordering::Relaxed);
    MAILBOX.bit.store(bit >> (place * 8), Ordering::Relaxed);
    MAILBOX.requests.store(std::ptr::from_ref(requests).cast_mut(), Ordering::Release);
}

/// Whether a call waits.
pub fn remote_call_waits() -> bool {
    MAILBOX.waiting.load(Ordering::Acquire) != 0
}

/// The path that another process has left.
pub fn take_remote_call() -> Option<Vec<u8>> {
    if MAILBOX.waiting.swap(0, Ordering::AcqRel) == 0 {
        return None;
    }
    let bytes = MAILBOX.path.iter().map(|byte| byte.load(Ordering::Relaxed));
    Some(bytes.take_while(|&byte| byte != 0).collect())
}

/// Where a process has the executable: its device and number, and the lowest address.
fn executable_of(process: &str) -> std::result::Result<Option<(u64, u64, u64)>, Errno> {
    let error = |error: std::io::Error| Errno(error.raw_os_error().unwrap_or(libc::EIO));
    let maps = match std::fs::read_to_string(format!("/proc/{process}/maps")) {
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        maps => maps.map_err(error)?,
    };
    let Ok(file) = std::fs::metadata(format!("/proc/{process}/exe")) else { return Ok(None) };
    let number = file.ino().to_string();
    let lowest = maps.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let range = words.next()?;
        (words.nth(3) == Some(&number)).then(|| u64::from_str_radix(range.split('-').next()?, 16).ok())?
    });
    Ok(lowest.map(|lowest| (file.dev(), file.ino(), lowest)))
}

/// The memory of another process that runs the same executable, which it has `shift` bytes further up.
pub struct RemoteMemory {
    process: i32,
    shift: u64,
}

impl RemoteMemory {
    /// Finds the executable in a process.
    ///
    /// # Errors
    /// The system's errors, and [`RemoteError::Stranger`] where the process does not run it.
    pub fn open(process: i32) -> std::result::Result<RemoteMemory, RemoteError> {
        let own = executable_of("self")?;
        let other = if process > 0 { executable_of(&process.to_string())? } else { None };
        let (Some(own), Some(other)) = (own, other) else { return Err(RemoteError::Stranger) };
        if (own.0, own.1) != (other.0, other.1) {
            return Err(RemoteError::Stranger);
        }
        Ok(RemoteMemory { process, shift: other.2.wrapping_sub(own.2) })
    }

    /// Where the other process has a static that lies at an address here.
    pub fn static_address(&self, address: usize) -> usize {
        self.there(address).addr()
    }

    /// Reads bytes at an address of the other process.
    ///
    /// # Errors
    /// The system's, where nothing is there or reading is forbidden.
    pub fn read(&self, address: usize, bytes: &mut [u8]) -> Result {
        self.read_from(std::ptr::without_provenance_mut(address), bytes)
    }

    fn there(&self, address: usize) -> *mut libc::c_void {
        std::ptr::without_provenance_mut((address as u64).wrapping_add(self.shift) as usize)
    }

    fn read_from(&self, address: *mut libc::c_void, bytes: &mut [u8]) -> Result {
        let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let remote = libc::iovec { iov_base: address, iov_len: bytes.len() };
        // SAFETY: the local buffer is as long as said; the other address is the other process's business.
        let count = check(unsafe {
            libc::process_vm_readv(self.process, &raw const local, 1, &raw const remote, 1, 0)
        })?;
        if count as usize == bytes.len() { Ok(()) } else { Err(Errno(libc::EFAULT)) }
    }

    fn write(&self, address: *mut libc::c_void, bytes: &[u8]) -> Result {
        let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let remote = libc::iovec { iov_base: address, iov_len: bytes.len() };
        // SAFETY: as above; the local buffer is only read.
        check(unsafe {
            libc::process_vm_writev(self.process, &raw const local, 1, &raw const remote, 1, 0)
        })?;
        Ok(())
    }

    fn word(&self, address: usize) -> std::result::Result<u32, Errno> {
        let mut bytes = [0; 4];
        self.read_from(self.there(address), &mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }
}

/// Leaves the path of a script, shorter than [`LONGEST_REMOTE_PATH`], for another process to run.
///
/// # Errors
/// The system's errors, and what the kinds of [`RemoteError`] say.
pub fn leave_remote_call(process: i32, path: &[u8]) -> std::result::Result<(), RemoteError> {
    let memory = RemoteMemory::open(process)?;
    let address = |place: *const u8| place.addr();
    let mut requests = [0; size_of::<usize>()];
    memory.read_from(memory.there(address((&raw const MAILBOX.requests).cast())), &mut requests)?;
    let requests = usize::from_ne_bytes(requests);
    if requests == 0 {
        return Err(RemoteError::Refused);
    }
    let byte = memory.word(address((&raw const MAILBOX.byte).cast()))?;
    let bit = memory.word(address((&raw const MAILBOX.bit).cast()))?;
    let mut text = path[..path.len().min(LONGEST_REMOTE_PATH - 1)].to_vec();
    text.push(0);
    memory.write(memory.there(address((&raw const MAILBOX.path).cast())), &text)?;
    memory.write(memory.there(address((&raw const MAILBOX.waiting).cast())), &1u32.to_ne_bytes())?;
    let flag = std::ptr::without_provenance_mut(requests + byte as usize);
    memory.write(flag, &[bit as u8])?;
    Ok(())
}
