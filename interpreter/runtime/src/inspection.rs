//! The frames of another process's threads, read from its memory while it runs (PEP 768's counterpart for looking).
//!
//! # How it works
//!
//! Both processes run the same executable, so statics lie at the same places and everything is laid out alike. Threads
//! stand in a chain of plain words ([`Listed`]) that begins in a static; from there the way goes to frames, code objects
//! and their texts.
//!
//! # Safety argument
//!
//! What is read from the other process is bytes and addresses in it, never references: it may change while it is read, or
//! be wrong. An address is only used to read from that process again, which fails where nothing is; chains and texts have
//! a greatest length.

use std::cell::Cell;
use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use rspy_code::location;

use crate::eval::frame::Frame;
use crate::host::{self, RemoteError, RemoteMemory};
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::string::Str;
use crate::vm::Vm;

/// A thread as other processes find it.
#[repr(C)]
pub(crate) struct Listed {
    next: AtomicPtr<Listed>,
    /// The place of the thread's innermost frame.
    frame: AtomicPtr<c_void>,
    /// The system's number of the thread.
    native: AtomicI32,
}

/// The thread that was listed last; the main thread comes last in the chain.
static LAST: AtomicPtr<Listed> = AtomicPtr::new(std::ptr::null_mut());

/// The thread that holds the interpreter's lock.
static ACTIVE: AtomicPtr<Listed> = AtomicPtr::new(std::ptr::null_mut());

impl Listed {
    /// Notes which thread holds the interpreter's lock; none where the pointer is null.
    pub(crate) fn activate(listed: *const Listed) {
        ACTIVE.store(listed.cast_mut(), Ordering::Release);
    }

    /// Lists a thread, until [`Listed::remove`]. The interpreter's lock is held.
    pub(crate) fn add(vm: &Vm, native: i32) -> *const Listed {
        let listed = Box::leak(Box::new(Listed {
            next: AtomicPtr::new(LAST.load(Ordering::Relaxed)),
            frame: AtomicPtr::new((&raw const vm.frame).cast_mut().cast()),
            native: AtomicI32::new(native),
        }));
        LAST.store(listed, Ordering::Release);
        listed
    }

    /// Takes a thread off the list, where it may not be any more after a fork. The interpreter's lock is held.
    ///
    /// # Safety
    /// The pointer came from [`Listed::add`] and is not used again.
    pub(crate) unsafe fn remove(listed: *const Listed) {
        // SAFETY: entries stay until they are taken off, which only the holder of the lock does.
        unsafe {
            let next = (*listed).next.load(Ordering::Relaxed);
            let mut place = &LAST;
            loop {
                let at = place.load(Ordering::Relaxed);
                if std::ptr::eq(at, listed) {
                    place.store(next, Ordering::Release);
                    break;
                }
                if at.is_null() {
                    break;
                }
                place = &(*at).next;
            }
            drop(Box::from_raw(listed.cast_mut()));
        }
    }

    /// Has the number of the thread that goes on in the child of a fork, where it is the only one.
    ///
    /// # Safety
    /// The pointer came from [`Listed::add`].
    pub(crate) unsafe fn stay_alone(listed: *const Listed, native: i32) {
        // SAFETY: as promised; the other threads' entries are never looked at again.
        unsafe {
            (*listed).native.store(native, Ordering::Relaxed);
            (*listed).next.store(std::ptr::null_mut(), Ordering::Relaxed);
        }
        LAST.store(listed.cast_mut(), Ordering::Release);
    }
}

/// A frame of another process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameInfo {
    /// `co_filename`.
    pub file: String,
    /// The line being executed.
    pub line: i32,
    /// `co_qualname`.
    pub function: String,
}

/// A thread of another process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadInfo {
    /// The system's number of the thread.
    pub native: i32,
    /// Its frames, the innermost first.
    pub frames: Vec<FrameInfo>,
}

/// Which threads of a process are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// The main thread.
    Main,
    /// The thread that holds the interpreter's lock, if one does.
    Active,
    /// All, the main one first.
    All,
}

/// A process whose threads can be looked at.
pub struct Process {
    memory: RemoteMemory,
}

/// The most threads, frames, and bytes of a text or table that are read.
const MOST_THREADS: usize = 1 << 16;
const MOST_FRAMES: usize = 1 << 20;
const MOST_BYTES: usize = 1 << 24;

/// The memory of the other process has changed too much while it was read, or it has ended.
fn unreadable() -> RemoteError {
    RemoteError::System(host::Errno(host::c::EFAULT))
}

impl Process {
    /// Opens the memory of a process.
    ///
    /// # Errors
    /// The system's errors, and [`RemoteError::Stranger`] where the process does not run this executable.
    pub fn open(process: i32) -> Result<Process, RemoteError> {
        Ok(Process { memory: RemoteMemory::open(process)? })
    }

    /// The threads that were chosen.
    ///
    /// # Errors
    /// The system's errors.
    pub fn threads(&self, choice: Choice) -> Result<Vec<ThreadInfo>, RemoteError> {
        if choice == Choice::Active {
            let active = self.word(self.memory.static_address((&raw const ACTIVE).addr()))?;
            return if active == 0 { Ok(Vec::new()) } else { Ok(vec![self.thread(active)?]) };
        }
        let mut listed = Vec::new();
        let mut at = self.word(self.memory.static_address((&raw const LAST).addr()))?;
        while at != 0 && listed.len() < MOST_THREADS {
            listed.push(at);
            at = self.word(at + offset_of!(Listed, next))?;
        }
        listed.reverse();
        listed.truncate(if choice == Choice::All { MOST_THREADS } else { 1 });
        listed.into_iter().map(|listed| self.thread(listed)).collect()
    }

    fn thread(&self, listed: usize) -> Result<ThreadInfo, RemoteError> {
        let native = self.number(listed + offset_of!(Listed, native))?;
        let mut frame = self.word(self.word(listed + offset_of!(Listed, frame))?)?;
        let mut frames = Vec::new();
        while frame != 0 && frames.len() < MOST_FRAMES {
            frames.push(self.frame(frame)?);
            frame = self.word(frame + offset_of!(Frame, previous))?;
        }
        Ok(ThreadInfo { native, frames })
    }

    fn frame(&self, frame: usize) -> Result<FrameInfo, RemoteError> {
        let code = self.word(frame + offset_of!(Frame, code))?;
        let instruction = self.word(frame + offset_of!(Frame, instruction))?;
        let places = Code::PLACES;
        let start = self.word(code + places.units)?;
        let first_line = self.number(code + places.first_line)?;
        let unit = (instruction.wrapping_sub(start) as isize) / 2;
        let line = match u32::try_from(unit) {
            Ok(unit) => {
                let table = self.bytes(self.word(code + places.line_table)?)?;
                location::location_of(&table, first_line, unit).map_or(first_line, |location| location.line)
            }
            Err(_) => first_line,
        };
        Ok(FrameInfo {
            file: self.text(self.word(code + places.file)?)?,
            line,
            function: self.text(self.word(code + places.qualified_name)?)?,
        })
    }

    fn text(&self, text: usize) -> Result<String, RemoteError> {
        let shape = self.word(text + Str::SHAPE_PLACE)? as u64;
        let (length, width) = Str::size_of_shape(shape);
        let mut data =
            vec![0; length.checked_mul(width).filter(|&size| size <= MOST_BYTES).ok_or_else(unreadable)?];
        self.read(text + Str::DATA_PLACE, &mut data)?;
        let characters = data.chunks_exact(width.max(1)).map(|character| {
            let mut bytes = [0; 4];
            bytes[..width].copy_from_slice(character);
            char::from_u32(u32::from_le_bytes(bytes)).unwrap_or(char::REPLACEMENT_CHARACTER)
        });
        Ok(characters.collect())
    }

    /// What a `bytes` object holds.
    fn bytes(&self, object: usize) -> Result<Vec<u8>, RemoteError> {
        let place = object + Bytes::DATA_PLACE;
        let (start, length) = (self.word(place)?, self.word(place + size_of::<usize>())?);
        if length > MOST_BYTES {
            return Err(unreadable());
        }
        let mut bytes = vec![0; length];
        self.read(start, &mut bytes)?;
        Ok(bytes)
    }

    fn word(&self, address: usize) -> Result<usize, RemoteError> {
        let mut bytes = [0; size_of::<usize>()];
        self.read(address, &mut bytes)?;
        Ok(usize::from_ne_bytes(bytes))
    }

    fn number(&self, address: usize) -> Result<i32, RemoteError> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes)?;
        Ok(i32::from_ne_bytes(bytes))
    }

    fn read(&self, address: usize, bytes: &mut [u8]) -> Result<(), RemoteError> {
        self.memory.read(address, bytes).map_err(RemoteError::from)
    }
}

// The place of a thread's innermost frame is read as one word.
const _: () = assert!(size_of::<Cell<*mut Frame>>() == size_of::<usize>());
