//! Files and descriptors.

use std::ffi::CStr;
use std::io::{IoSlice, IoSliceMut};

use super::call::check;
use super::{Errno, Result};
use crate::host::room::Destination;

/// The folder that relative paths are seen from, unless a descriptor names another.
pub const CURRENT_FOLDER: i32 = libc::AT_FDCWD;

/// What the system knows of a file.
pub type FileStatus = libc::stat;

/// What the system knows of a file system.
pub type FileSystemStatus = libc::statvfs;

/// The most bytes that one read or write takes.
const MOST_BYTES: usize = 0x7fff_f000;

/// Opens a file.
pub fn open(folder: i32, path: &CStr, flags: i32, mode: u32) -> Result<i32> {
    // SAFETY: the path ends with a zero byte.
    check(unsafe { libc::openat(folder, path.as_ptr(), flags, mode) })
}

/// Closes a descriptor. An interruption is no error: the descriptor is closed then too.
pub fn close(descriptor: i32) -> Result {
    // SAFETY: the caller owns the descriptor; a wrong one is an error of the system's.
    match check(unsafe { libc::close(descriptor) }) {
        Err(error) if error.is_interruption() => Ok(()),
        result => result.map(drop),
    }
}

/// Closes all descriptors from `low` to `high`, both included.
pub fn close_range(low: i32, high: i32) {
    if low > high {
        return;
    }
    // SAFETY: closing descriptors has no conditions on memory.
    unsafe {
        if libc::syscall(libc::SYS_close_range, low, high, 0) != 0 {
            let most = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 1 << 20) as i32;
            for descriptor in low..=high.min(most) {
                libc::close(descriptor);
            }
        }
    }
}

/// Reads into a buffer.
pub fn read(descriptor: i32, buffer: &mut (impl Destination + ?Sized)) -> Result<usize> {
    let (place, length) = buffer.place();
    // SAFETY: the place is as long as said, and as many bytes are written as the system says.
    unsafe {
        let count = check(libc::read(descriptor, place.cast(), length.min(MOST_BYTES)))? as usize;
        buffer.written(count);
        Ok(count)
    }
}

/// Writes from a buffer.
pub fn write(descriptor: i32, buffer: &[u8]) -> Result<usize> {
    // SAFETY: the buffer is as long as said.
    check(unsafe { libc::write(descriptor, buffer.as_ptr().cast(), buffer.len().min(MOST_BYTES)) })
        .map(|count| count as usize)
}

/// Reads from a position.
pub fn read_at(descriptor: i32, buffer: &mut (impl Destination + ?Sized), offset: i64) -> Result<usize> {
    let (place, length) = buffer.place();
    // SAFETY: the place is as long as said, and as many bytes are written as the system says.
    unsafe {
        let count = check(libc::pread(descriptor, place.cast(), length.min(MOST_BYTES), offset))? as usize;
        buffer.written(count);
        Ok(count)
    }
}

/// Writes to a position.
pub fn write_at(descriptor: i32, buffer: &[u8], offset: i64) -> Result<usize> {
    // SAFETY: the buffer is as long as said.
    check(unsafe { libc::pwrite(descriptor, buffer.as_ptr().cast(), buffer.len().min(MOST_BYTES), offset) })
        .map(|count| count as usize)
}

/// Reads into several buffers, from a position where one is given.
pub fn read_vectored(
    descriptor: i32,
    buffers: &mut [IoSliceMut<'_>],
    offset: Option<i64>,
    flags: i32,
) -> Result<usize> {
    let (start, count) = (buffers.as_mut_ptr().cast::<libc::iovec>(), buffers.len() as i32);
    // SAFETY: `IoSliceMut` has the layout of `iovec`, and the buffers are borrowed for writing.
    let read = unsafe {
        match offset {
            None => libc::readv(descriptor, start, count),
            Some(offset) if flags == 0 => libc::preadv(descriptor, start, count, offset),
            Some(offset) => libc::preadv2(descriptor, start, count, offset, flags),
        }
    };
    check(read).map(|count| count as usize)
}

/// Writes from several buffers, to a position where one is given.
pub fn write_vectored(
    descriptor: i32,
    buffers: &[IoSlice<'_>],
    offset: Option<i64>,
    flags: i32,
) -> Result<usize> {
    let (start, count) = (buffers.as_ptr().cast::<libc::iovec>(), buffers.len() as i32);
    // SAFETY: `IoSlice` has the layout of `iovec`.
    let written = unsafe {
        match offset {
            None => libc::writev(descriptor, start, count),
            Some(offset) if flags == 0 => libc::pwritev(descriptor, start, count, offset),
            Some(offset) => libc::pwritev2(descriptor, start, count, offset, flags),
        }
    };
    check(written).map(|count| count as usize)
}

system_calls! {
    /// Moves the position of a descriptor.
    seek(descriptor: i32, offset: i64, whence: i32) -> i64 = libc::lseek(descriptor, offset, whence);
    /// Another descriptor of the same open file, closed when a program is executed.
    duplicate(descriptor: i32) -> i32 = libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 0);
    /// Makes `target` a descriptor of the same open file.
    duplicate_to(descriptor: i32, target: i32) -> i32 = libc::dup2(descriptor, target);
    /// As `duplicate_to`, with flags.
    duplicate_to_with(descriptor: i32, target: i32, flags: i32) -> i32 = libc::dup3(descriptor, target, flags);
    /// A descriptor that counts.
    event_descriptor(initial: u32, flags: i32) -> i32 = libc::eventfd(initial, flags);
    /// A descriptor that becomes readable when a timer runs out.
    timer_descriptor(clock: i32, flags: i32) -> i32 = libc::timerfd_create(clock, flags);
    /// `fcntl` with a number.
    control(descriptor: i32, command: i32, argument: i64) -> i32 = libc::fcntl(descriptor, command, argument);
    /// `ioctl` with a number.
    device_control(descriptor: i32, request: u64, argument: u64) -> i32 =
        libc::ioctl(descriptor, request as _, argument);
}

system_calls! {unit
    /// Cuts or extends a file.
    truncate_descriptor(descriptor: i32, length: i64) = libc::ftruncate(descriptor, length);
    /// Cuts or extends a file.
    truncate(path: &CStr, length: i64) = libc::truncate(path.as_ptr(), length);
    /// Writes what is kept back to the disk.
    synchronize(descriptor: i32) = libc::fsync(descriptor);
    /// As `synchronize`, without what only describes the file.
    synchronize_data(descriptor: i32) = libc::fdatasync(descriptor);
    /// Sets the permissions of a file.
    change_mode_of(descriptor: i32, mode: u32) = libc::fchmod(descriptor, mode);
    /// Sets the permissions of a file.
    change_mode(folder: i32, path: &CStr, mode: u32, flags: i32) = libc::fchmodat(folder, path.as_ptr(), mode, flags);
    /// Sets the owner of a file.
    change_owner_of(descriptor: i32, user: u32, group: u32) = libc::fchown(descriptor, user, group);
    /// Sets the owner of a file.
    change_owner(folder: i32, path: &CStr, user: u32, group: u32, flags: i32) =
        libc::fchownat(folder, path.as_ptr(), user, group, flags);
    /// Locks a part of a file.
    lock_part(descriptor: i32, command: i32, length: i64) = libc::lockf(descriptor, command, length);
    /// Locks a whole file.
    lock_whole(descriptor: i32, operation: i32) = libc::flock(descriptor, operation);
    /// Gives another name to a file.
    link(from_folder: i32, from: &CStr, to_folder: i32, to: &CStr, flags: i32) =
        libc::linkat(from_folder, from.as_ptr(), to_folder, to.as_ptr(), flags);
    /// Makes a symbolic link.
    symbolic_link(target: &CStr, folder: i32, path: &CStr) =
        libc::symlinkat(target.as_ptr(), folder, path.as_ptr());
    /// Renames a file.
    rename(from_folder: i32, from: &CStr, to_folder: i32, to: &CStr) =
        libc::renameat(from_folder, from.as_ptr(), to_folder, to.as_ptr());
    /// Removes a name of a file, or with `AT_REMOVEDIR` a folder.
    unlink(folder: i32, path: &CStr, flags: i32) = libc::unlinkat(folder, path.as_ptr(), flags);
    /// Makes a named pipe.
    make_fifo(folder: i32, path: &CStr, mode: u32) = libc::mkfifoat(folder, path.as_ptr(), mode);
    /// Makes a file of any kind.
    make_node(folder: i32, path: &CStr, mode: u32, device: u64) = libc::mknodat(folder, path.as_ptr(), mode, device);
    /// Sets one of a program's attributes of a file.
    set_attribute(path: &CStr, name: &CStr, value: &[u8], flags: i32) =
        libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), flags);
    /// As `set_attribute`, of a symbolic link itself.
    set_attribute_of_link(path: &CStr, name: &CStr, value: &[u8], flags: i32) =
        libc::lsetxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), flags);
    /// As `set_attribute`, of an open file.
    set_attribute_of(descriptor: i32, name: &CStr, value: &[u8], flags: i32) =
        libc::fsetxattr(descriptor, name.as_ptr(), value.as_ptr().cast(), value.len(), flags);
    /// Removes one of a program's attributes of a file.
    remove_attribute(path: &CStr, name: &CStr) = libc::removexattr(path.as_ptr(), name.as_ptr());
    /// As `remove_attribute`, of a symbolic link itself.
    remove_attribute_of_link(path: &CStr, name: &CStr) = libc::lremovexattr(path.as_ptr(), name.as_ptr());
    /// As `remove_attribute`, of an open file.
    remove_attribute_of(descriptor: i32, name: &CStr) = libc::fremovexattr(descriptor, name.as_ptr());
}

/// Calls that answer an error number and not -1.
fn by_number(error: i32) -> Result {
    if error == 0 { Ok(()) } else { Err(Errno(error)) }
}

/// Reserves room for a part of a file.
pub fn allocate(descriptor: i32, offset: i64, length: i64) -> Result {
    // SAFETY: the call takes numbers only.
    by_number(unsafe { libc::posix_fallocate(descriptor, offset, length) })
}

/// Says how a part of a file will be used.
pub fn advise(descriptor: i32, offset: i64, length: i64, advice: i32) -> Result {
    // SAFETY: the call takes numbers only.
    by_number(unsafe { libc::posix_fadvise(descriptor, offset, length, advice) })
}

/// Whether the process may use a file in a way.
pub fn access(folder: i32, path: &CStr, mode: i32, flags: i32) -> Result {
    // SAFETY: the path ends with a zero byte.
    check(unsafe { libc::faccessat(folder, path.as_ptr(), mode, flags) }).map(drop)
}

/// What the system knows of a file.
pub fn status(folder: i32, path: &CStr, follow_links: bool) -> Result<FileStatus> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut status = std::mem::zeroed();
        let flags = if follow_links { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        check(libc::fstatat(folder, path.as_ptr(), &raw mut status, flags))?;
        Ok(status)
    }
}

/// What the system knows of an open file.
pub fn status_of(descriptor: i32) -> Result<FileStatus> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut status = std::mem::zeroed();
        check(libc::fstat(descriptor, &raw mut status))?;
        Ok(status)
    }
}

/// The status of a file of the frozen library.
pub fn archived_status(is_folder: bool, size: u64) -> FileStatus {
    // SAFETY: all zeros are a valid status.
    let mut status: FileStatus = unsafe { std::mem::zeroed() };
    status.st_mode = if is_folder { libc::S_IFDIR | 0o555 } else { libc::S_IFREG | 0o444 };
    status.st_nlink = 1;
    status.st_size = size as i64;
    status.st_blksize = 4096;
    status.st_blocks = size.div_ceil(512) as i64;
    status
}

/// What the system knows of the file system that a file is on.
pub fn file_system_status(path: &CStr) -> Result<FileSystemStatus> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut status = std::mem::zeroed();
        check(libc::statvfs(path.as_ptr(), &raw mut status))?;
        Ok(status)
    }
}

/// What the system knows of the file system that an open file is on.
pub fn file_system_status_of(descriptor: i32) -> Result<FileSystemStatus> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut status = std::mem::zeroed();
        check(libc::fstatvfs(descriptor, &raw mut status))?;
        Ok(status)
    }
}

/// A time of a file in seconds and nanoseconds; `None` for now.
pub type FileTime = Option<(i64, i64)>;

fn file_times(accessed: FileTime, modified: FileTime) -> [libc::timespec; 2] {
    [accessed, modified].map(|time| match time {
        Some((seconds, nanoseconds)) => libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds },
        None => libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_NOW },
    })
}

/// Sets the times of a file.
pub fn set_file_times(
    folder: i32,
    path: &CStr,
    accessed: FileTime,
    modified: FileTime,
    flags: i32,
) -> Result {
    let times = file_times(accessed, modified);
    // SAFETY: there are two times.
    check(unsafe { libc::utimensat(folder, path.as_ptr(), times.as_ptr(), flags) }).map(drop)
}

/// Sets the times of an open file.
pub fn set_file_times_of(descriptor: i32, accessed: FileTime, modified: FileTime) -> Result {
    let times = file_times(accessed, modified);
    // SAFETY: there are two times.
    check(unsafe { libc::futimens(descriptor, times.as_ptr()) }).map(drop)
}

/// Where a symbolic link leads.
pub fn read_link(folder: i32, path: &CStr) -> Result<Vec<u8>> {
    let mut target = vec![0; 4097];
    // SAFETY: the buffer is as long as said.
    let length = check(unsafe { libc::readlinkat(folder, path.as_ptr(), target.as_mut_ptr().cast(), 4096) })?;
    target.truncate(length as usize);
    Ok(target)
}

/// Asks twice: for the length and for the bytes.
fn sized(mut ask: impl FnMut(*mut u8, usize) -> isize) -> Result<Vec<u8>> {
    loop {
        let length = check(ask(std::ptr::null_mut(), 0))? as usize;
        let mut bytes = vec![0; length + 1];
        match check(ask(bytes.as_mut_ptr(), length)) {
            Ok(length) => {
                bytes.truncate(length as usize);
                return Ok(bytes);
            }
            Err(Errno(libc::ERANGE)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The value of one of a program's attributes of a file.
pub fn attribute(path: &CStr, name: &CStr, follow_links: bool) -> Result<Vec<u8>> {
    // SAFETY: the buffer is as long as said.
    sized(|buffer, length| unsafe {
        if follow_links {
            libc::getxattr(path.as_ptr(), name.as_ptr(), buffer.cast(), length)
        } else {
            libc::lgetxattr(path.as_ptr(), name.as_ptr(), buffer.cast(), length)
        }
    })
}

/// The value of one of a program's attributes of an open file.
pub fn attribute_of(descriptor: i32, name: &CStr) -> Result<Vec<u8>> {
    // SAFETY: the buffer is as long as said.
    sized(|buffer, length| unsafe { libc::fgetxattr(descriptor, name.as_ptr(), buffer.cast(), length) })
}

/// The names of programs' attributes of a file, each with a zero byte behind it.
pub fn attribute_names(path: &CStr, follow_links: bool) -> Result<Vec<u8>> {
    // SAFETY: the buffer is as long as said.
    sized(|buffer, length| unsafe {
        if follow_links {
            libc::listxattr(path.as_ptr(), buffer.cast(), length)
        } else {
            libc::llistxattr(path.as_ptr(), buffer.cast(), length)
        }
    })
}

/// The names of programs' attributes of an open file.
pub fn attribute_names_of(descriptor: i32) -> Result<Vec<u8>> {
    // SAFETY: the buffer is as long as said.
    sized(|buffer, length| unsafe { libc::flistxattr(descriptor, buffer.cast(), length) })
}

/// Two connected descriptors: what is written to the second is read from the first.
pub fn pipe(flags: i32) -> Result<(i32, i32)> {
    let mut ends = [0; 2];
    // SAFETY: two descriptors are written.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), flags) })?;
    Ok((ends[0], ends[1]))
}

/// Copies between files inside the system.
pub fn send_file(output: i32, input: i32, offset: Option<i64>, count: usize) -> Result<usize> {
    let mut from = offset.unwrap_or(0);
    let place = if offset.is_some() { &raw mut from } else { std::ptr::null_mut() };
    // SAFETY: the offset is a local or null.
    check(unsafe { libc::sendfile(output, input, place, count) }).map(|count| count as usize)
}

/// A place for an offset that may be absent.
fn place(offset: &mut Option<i64>) -> *mut i64 {
    offset.as_mut().map_or(std::ptr::null_mut(), |offset| &raw mut *offset)
}

/// Copies a part of a file inside the system.
pub fn copy_range(
    input: i32,
    mut from: Option<i64>,
    output: i32,
    mut to: Option<i64>,
    count: usize,
    flags: u32,
) -> Result<usize> {
    // SAFETY: the offsets are locals or null.
    let copied =
        unsafe { libc::copy_file_range(input, place(&mut from), output, place(&mut to), count, flags) };
    check(copied).map(|count| count as usize)
}

/// Moves bytes between a pipe and another descriptor.
pub fn splice(
    input: i32,
    mut from: Option<i64>,
    output: i32,
    mut to: Option<i64>,
    count: usize,
    flags: u32,
) -> Result<usize> {
    // SAFETY: the offsets are locals or null.
    let moved = unsafe { libc::splice(input, place(&mut from), output, place(&mut to), count, flags) };
    check(moved).map(|count| count as usize)
}

/// Whether a descriptor is open.
pub fn is_open(descriptor: i32) -> bool {
    control(descriptor, libc::F_GETFD, 0).is_ok()
}

/// Whether programs executed later get the descriptor.
pub fn is_inheritable(descriptor: i32) -> Result<bool> {
    control(descriptor, libc::F_GETFD, 0).map(|flags| flags & libc::FD_CLOEXEC == 0)
}

/// Sets whether programs executed later get the descriptor.
pub fn set_inheritable(descriptor: i32, inheritable: bool) -> Result {
    let flags = control(descriptor, libc::F_GETFD, 0)?;
    let new = if inheritable { flags & !libc::FD_CLOEXEC } else { flags | libc::FD_CLOEXEC };
    if new != flags {
        control(descriptor, libc::F_SETFD, i64::from(new))?;
    }
    Ok(())
}

/// Whether calls on the descriptor block.
pub fn is_blocking(descriptor: i32) -> Result<bool> {
    control(descriptor, libc::F_GETFL, 0).map(|flags| flags & libc::O_NONBLOCK == 0)
}

/// Sets whether calls on the descriptor block.
pub fn set_blocking(descriptor: i32, blocking: bool) -> Result {
    let flags = control(descriptor, libc::F_GETFL, 0)?;
    let new = if blocking { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
    if new != flags {
        control(descriptor, libc::F_SETFL, i64::from(new))?;
    }
    Ok(())
}

/// `fcntl` with a structure, which the system may change.
pub fn control_with(descriptor: i32, command: i32, structure: &mut [u8]) -> Result<i32> {
    // SAFETY: callers give a buffer with room to spare behind the structure that the command takes.
    check(unsafe { libc::fcntl(descriptor, command, structure.as_mut_ptr()) })
}

/// `ioctl` with a structure, which the system may change.
pub fn device_control_with(descriptor: i32, request: u64, structure: &mut [u8]) -> Result<i32> {
    // SAFETY: callers give a buffer with room to spare behind the structure that the request takes.
    check(unsafe { libc::ioctl(descriptor, request as _, structure.as_mut_ptr()) })
}

/// Locks a part of a file as `fcntl` does.
pub fn lock_record(descriptor: i32, command: i32, kind: i32, start: i64, length: i64, whence: i32) -> Result {
    // SAFETY: the structure is initialised.
    unsafe {
        let mut lock: libc::flock = std::mem::zeroed();
        lock.l_type = kind as _;
        lock.l_whence = whence as _;
        lock.l_start = start;
        lock.l_len = length;
        check(libc::fcntl(descriptor, command, &raw const lock)).map(drop)
    }
}

/// Adds to the count of an event descriptor.
pub fn write_event(descriptor: i32, value: u64) -> Result {
    write(descriptor, &value.to_ne_bytes()).map(drop)
}

/// Takes the count of an event descriptor.
pub fn read_event(descriptor: i32) -> Result<u64> {
    let mut count = [0; 8];
    read(descriptor, &mut count[..])?;
    Ok(u64::from_ne_bytes(count))
}

/// Time left and interval of a timer descriptor, in nanoseconds.
pub type DescriptorTimer = (i64, i64);

const NANOSECONDS: i64 = 1_000_000_000;

fn descriptor_timer(timer: &libc::itimerspec) -> DescriptorTimer {
    let nanoseconds = |time: libc::timespec| time.tv_sec * NANOSECONDS + time.tv_nsec;
    (nanoseconds(timer.it_value), nanoseconds(timer.it_interval))
}

/// Sets a timer descriptor; answers what it was.
pub fn set_descriptor_timer(
    descriptor: i32,
    flags: i32,
    initial: i64,
    interval: i64,
) -> Result<DescriptorTimer> {
    let time = |nanoseconds: i64| libc::timespec {
        tv_sec: nanoseconds.div_euclid(NANOSECONDS),
        tv_nsec: nanoseconds.rem_euclid(NANOSECONDS),
    };
    let new = libc::itimerspec { it_value: time(initial), it_interval: time(interval) };
    // SAFETY: both structures are initialised.
    unsafe {
        let mut old = std::mem::zeroed();
        check(libc::timerfd_settime(descriptor, flags, &raw const new, &raw mut old))?;
        Ok(descriptor_timer(&old))
    }
}

/// What a timer descriptor stands at.
pub fn get_descriptor_timer(descriptor: i32) -> Result<DescriptorTimer> {
    // SAFETY: the structure is initialised.
    unsafe {
        let mut timer = std::mem::zeroed();
        check(libc::timerfd_gettime(descriptor, &raw mut timer))?;
        Ok(descriptor_timer(&timer))
    }
}

/// Writes everything that the system keeps back to the disks.
pub fn synchronize_all() {
    // SAFETY: the call has no conditions.
    unsafe { libc::sync() }
}

/// The number of a device.
pub fn make_device(major: u32, minor: u32) -> u64 {
    libc::makedev(major, minor)
}

/// The two parts of a device's number.
pub fn device_parts(device: u64) -> (u32, u32) {
    (libc::major(device), libc::minor(device))
}

/// The whole of a small file, such as `/etc/passwd`.
pub fn read_whole(path: &CStr) -> Result<Vec<u8>> {
    let descriptor = open(CURRENT_FOLDER, path, libc::O_RDONLY | libc::O_CLOEXEC, 0)?;
    let mut contents = Vec::new();
    let mut part = [0; 8192];
    let result = loop {
        match read(descriptor, &mut part[..]) {
            Ok(0) => break Ok(contents),
            Ok(count) => contents.extend_from_slice(&part[..count]),
            Err(error) if error.is_interruption() => {}
            Err(error) => break Err(error),
        }
    };
    let _ = close(descriptor);
    result
}

/// A limit that the system has for a path, by its number; -1 for none.
pub fn path_limit(path: &CStr, name: i32) -> Result<i64> {
    // SAFETY: the path ends with a zero byte; the error number tells "no limit" from an error.
    unsafe {
        *libc::__errno_location() = 0;
        let limit = libc::pathconf(path.as_ptr(), name);
        if limit == -1 && Errno::last().0 != 0 { Err(Errno::last()) } else { Ok(limit) }
    }
}

/// As `path_limit`, for an open file.
pub fn descriptor_limit(descriptor: i32, name: i32) -> Result<i64> {
    // SAFETY: as for `path_limit`.
    unsafe {
        *libc::__errno_location() = 0;
        let limit = libc::fpathconf(descriptor, name);
        if limit == -1 && Errno::last().0 != 0 { Err(Errno::last()) } else { Ok(limit) }
    }
}
