//! Folders: their entries, the current one, making and leaving them.

use std::ffi::CStr;
use std::ptr::NonNull;

use super::call::check;
use super::{Errno, Result};

/// A folder being read.
pub struct Directory(NonNull<libc::DIR>);

// SAFETY: the folder is only read through a mutable reference.
unsafe impl Send for Directory {}
// SAFETY: as above.
unsafe impl Sync for Directory {}

/// An entry of a folder.
#[derive(Clone, Debug)]
pub struct DirectoryEntry {
    /// Its name.
    pub name: Vec<u8>,
    /// Its file's number.
    pub inode: u64,
    /// What kind of file it is, `DT_UNKNOWN` where the file system does not say.
    pub kind: u8,
}

impl Directory {
    /// Opens a folder by path.
    pub fn open(path: &CStr) -> Result<Directory> {
        // SAFETY: the path ends with a zero byte.
        NonNull::new(unsafe { libc::opendir(path.as_ptr()) }).map(Directory).ok_or_else(Errno::last)
    }

    /// Opens a folder by a descriptor, which stays the caller's.
    pub fn open_descriptor(descriptor: i32) -> Result<Directory> {
        let own = super::duplicate(descriptor)?;
        // SAFETY: the descriptor is this folder's own.
        match NonNull::new(unsafe { libc::fdopendir(own) }) {
            Some(folder) => {
                // SAFETY: the folder is open; other descriptors of it share the position.
                unsafe { libc::rewinddir(folder.as_ptr()) };
                Ok(Directory(folder))
            }
            None => {
                let error = Errno::last();
                let _ = super::close(own);
                Err(error)
            }
        }
    }

    /// The next entry but for `.` and `..`; `None` at the end.
    pub fn next_entry(&mut self) -> Result<Option<DirectoryEntry>> {
        loop {
            // SAFETY: the entry is valid until the next call, and its name ends with a zero byte.
            unsafe {
                *libc::__errno_location() = 0;
                let entry = libc::readdir64(self.0.as_ptr());
                if entry.is_null() {
                    return match Errno::last() {
                        Errno(0) => Ok(None),
                        error => Err(error),
                    };
                }
                let name = CStr::from_ptr((&raw const (*entry).d_name).cast()).to_bytes();
                if name == b"." || name == b".." {
                    continue;
                }
                return Ok(Some(DirectoryEntry {
                    name: name.to_vec(),
                    inode: (*entry).d_ino,
                    kind: (*entry).d_type,
                }));
            }
        }
    }

    /// Goes back to the first entry.
    pub fn rewind(&mut self) {
        // SAFETY: the folder is open.
        unsafe { libc::rewinddir(self.0.as_ptr()) }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: the folder is closed once.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}

system_calls! {unit
    /// Makes a folder the current one.
    change_folder(path: &CStr) = libc::chdir(path.as_ptr());
    /// Makes a folder the current one.
    change_folder_to(descriptor: i32) = libc::fchdir(descriptor);
    /// Makes a folder the root.
    change_root(path: &CStr) = libc::chroot(path.as_ptr());
    /// Makes a folder.
    make_folder(folder: i32, path: &CStr, mode: u32) = libc::mkdirat(folder, path.as_ptr(), mode);
}

/// The current folder.
pub fn current_folder() -> Result<Vec<u8>> {
    let mut length = 1024;
    loop {
        let mut path = vec![0u8; length];
        // SAFETY: the buffer is as long as said.
        let found = unsafe { libc::getcwd(path.as_mut_ptr().cast(), path.len()) };
        if !found.is_null() {
            let end = path.iter().position(|&byte| byte == 0).unwrap_or(length);
            path.truncate(end);
            return Ok(path);
        }
        match Errno::last() {
            Errno(libc::ERANGE) => length *= 2,
            error => return Err(error),
        }
    }
}

/// Sets which permissions new files do not get; answers what was set.
pub fn set_file_mask(mask: u32) -> u32 {
    // SAFETY: the call has no conditions.
    unsafe { libc::umask(mask) }
}

/// Detaches parts of the process's surroundings from those of others.
pub fn unshare(flags: i32) -> Result {
    // SAFETY: the call takes a number only.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

/// Joins the surroundings that a descriptor stands for.
pub fn join_namespace(descriptor: i32, kind: i32) -> Result {
    // SAFETY: the call takes numbers only.
    check(unsafe { libc::setns(descriptor, kind) }).map(drop)
}
