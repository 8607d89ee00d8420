//! Functions that work on descriptors.

use std::ffi::CString;
use std::io::{IoSlice, IoSliceMut};

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::buffer::BufferView;
use rspy_runtime::exceptions::{PyResult, hierarchy};
use rspy_runtime::host::{self, Errno, Room, c};
use rspy_runtime::object::Payload;
use rspy_runtime::paths::{self, FileDescriptor, FolderDescriptor, OrRaise, PathName, PathOrDescriptor, folder_or_current};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions.
pub struct Functions;

/// The most bytes that one call reads.
const MOST_BYTES: usize = 0x7fff_f000;

/// Opens a file, or a file of the frozen library where the path leads there.
///
/// # Errors
/// Those of the system and of signal handlers.
pub(crate) fn open_path(vm: &Vm, folder: i32, path: &PathName, flags: i32, mode: u32) -> PyResult<i32> {
    if let Some(inner) = paths::archived(vm, path.bytes()) {
        return open_archived(vm, inner, flags).or_raise_for(vm, &path.object);
    }
    vm.blocking(|| host::open(folder, path.as_c_str(), flags | c::O_CLOEXEC, mode))?.or_raise_for(vm, &path.object)
}

/// A descriptor of a file of the frozen library.
pub(crate) fn open_archived(vm: &Vm, inner: &str, flags: i32) -> host::Result<i32> {
    let library = vm.interpreter.library.borrow();
    let Some(library) = &*library else { return Err(Errno(c::ENOTDIR)) };
    match library.entry(inner) {
        None if flags & c::O_CREAT != 0 => Err(Errno(c::EROFS)),
        None => Err(Errno(c::ENOENT)),
        Some(_) if flags & c::O_ACCMODE != c::O_RDONLY || flags & c::O_TRUNC != 0 => Err(Errno(c::EROFS)),
        Some(entry) if entry.is_folder => Err(Errno(c::EISDIR)),
        Some(_) if flags & c::O_DIRECTORY != 0 => Err(Errno(c::ENOTDIR)),
        Some(_) => {
            let contents = library.read(inner).ok_or(Errno(c::EIO))?;
            let name = inner.rsplit('/').next().and_then(|name| CString::new(name).ok()).unwrap_or_default();
            host::sealed_file(&name, &contents)
        }
    }
}

/// Several buffers to be read into: the views, and room of their sizes.
fn reading_room(vm: &Vm, function: &str, buffers: &Value) -> PyResult<(Vec<BufferView>, Vec<Vec<u8>>)> {
    let views = views(vm, function, buffers, true)?;
    let room = views.iter().map(|view| vec![0; view.len()]).collect();
    Ok((views, room))
}

fn views(vm: &Vm, function: &str, buffers: &Value, writable: bool) -> PyResult<Vec<BufferView>> {
    if !is_sequence(buffers) {
        return Err(vm.type_error(format!("{function}() arg 2 must be a sequence")));
    }
    vm.collect(buffers)?
        .iter()
        .map(|item| {
            if writable {
                rspy_runtime::buffer::writable_view(vm, item)
            } else {
                rspy_runtime::buffer::view(vm, item)
            }
        })
        .collect()
}

/// Whether an object can be indexed like a sequence (`PySequence_Check`).
pub(crate) fn is_sequence(value: &Value) -> bool {
    let typ = value.type_of();
    !rspy_runtime::types::dict::is_dict(value) && typ.slots().get_item.get().is_some()
        || typ.slots().item.get().is_some()
}

/// Hands what was read out to the views.
fn hand_out(views: &mut [BufferView], room: &[Vec<u8>], count: usize) {
    let mut rest = count;
    for (view, part) in views.iter_mut().zip(room) {
        let part = &part[..part.len().min(rest)];
        view.as_mut_slice()[..part.len()].copy_from_slice(part);
        rest -= part.len();
    }
}

/// A count that must not be negative.
fn count_of(vm: &Vm, count: isize, name: &str) -> PyResult<usize> {
    usize::try_from(count).map_err(|_| vm.value_error(format!("negative value for '{name}' not allowed")))
}

fn offset_of(vm: &Vm, offset: Option<&Value>) -> PyResult<Option<i64>> {
    offset.filter(|offset| !is_none(offset)).map(|offset| int::to_fixed(vm, offset, "long")).transpose()
}

#[pyfunctions]
impl Functions {
    /// Open a file for low level IO.  Returns a file descriptor (integer).
    #[function("open(path, flags, mode=511, *, dir_fd=None)")]
    fn open(vm: &Vm, path: PathName, flags: i32, mode: i32, dir_fd: Option<FolderDescriptor>) -> PyResult<i32> {
        let event = || vec![path.object.clone(), none(), int::new((flags | c::O_CLOEXEC).into())];
        audit::raise_event(vm, "open", event)?;
        open_path(vm, folder_or_current(dir_fd), &path, flags, mode as u32)
    }

    /// Close a file descriptor.
    #[function("close(fd)")]
    fn close(vm: &Vm, fd: i32) -> PyResult<()> {
        vm.allow_threads(|| host::close(fd)).or_raise(vm)
    }

    /// Closes all file descriptors in [fd_low, fd_high), ignoring errors.
    #[function("closerange(fd_low, fd_high, /)")]
    fn closerange(vm: &Vm, fd_low: i32, fd_high: i32) {
        vm.allow_threads(|| host::close_range(fd_low.max(0), fd_high.saturating_sub(1)));
    }

    /// Return a duplicate of a file descriptor.
    #[function("dup(fd, /)")]
    fn dup(vm: &Vm, fd: i32) -> PyResult<i32> {
        host::duplicate(fd).or_raise(vm)
    }

    /// Duplicate file descriptor.
    #[function("dup2(fd, fd2, inheritable=True)")]
    fn dup2(vm: &Vm, fd: i32, fd2: i32, inheritable: bool) -> PyResult<i32> {
        if fd < 0 || fd2 < 0 {
            return Err(vm.os_error(c::EBADF, None, None));
        }
        if inheritable || fd == fd2 {
            let result = vm.allow_threads(|| host::duplicate_to(fd, fd2)).or_raise(vm)?;
            if !inheritable {
                host::set_inheritable(result, false).or_raise(vm)?;
            }
            return Ok(result);
        }
        vm.allow_threads(|| host::duplicate_to_with(fd, fd2, c::O_CLOEXEC)).or_raise(vm)
    }

    /// Read from a file descriptor.  Returns a bytes object.
    #[function("read(fd, length, /)")]
    fn read(vm: &Vm, fd: i32, length: isize) -> PyResult {
        let length = usize::try_from(length).map_err(|_| vm.os_error(c::EINVAL, None, None))?.min(MOST_BYTES);
        read_bytes(vm, length, |room| vm.blocking(|| host::read(fd, room))?.or_raise(vm).map(drop))
    }

    /// Read into a buffer object from a file descriptor.
    #[function("readinto(fd, buffer, /)")]
    fn readinto(vm: &Vm, fd: i32, buffer: &Value) -> PyResult<usize> {
        let mut view = writable_argument(vm, "readinto", 2, buffer)?;
        vm.blocking(|| host::read(fd, view.as_mut_slice()))?.or_raise(vm)
    }

    /// Read a number of bytes from a file descriptor starting at a particular offset.
    #[function("pread(fd, length, offset, /)")]
    fn pread(vm: &Vm, fd: i32, length: isize, offset: i64) -> PyResult {
        let length = usize::try_from(length).map_err(|_| vm.os_error(c::EINVAL, None, None))?.min(MOST_BYTES);
        read_bytes(vm, length, |room| vm.blocking(|| host::read_at(fd, room, offset))?.or_raise(vm).map(drop))
    }

    /// Write a bytes object to a file descriptor.
    #[function("write(fd, data, /)")]
    fn write(vm: &Vm, fd: i32, data: BufferView) -> PyResult<usize> {
        vm.blocking(|| host::write(fd, data.as_slice()))?.or_raise(vm)
    }

    /// Write bytes to a file descriptor starting at a particular offset.
    #[function("pwrite(fd, buffer, offset, /)")]
    fn pwrite(vm: &Vm, fd: i32, buffer: BufferView, offset: i64) -> PyResult<usize> {
        vm.blocking(|| host::write_at(fd, buffer.as_slice(), offset))?.or_raise(vm)
    }

    /// Read from a file descriptor fd into an iterable of buffers.
    #[function("readv(fd, buffers, /)")]
    fn readv(vm: &Vm, fd: i32, buffers: &Value) -> PyResult<usize> {
        let (mut views, mut room) = reading_room(vm, "readv", buffers)?;
        let count = vm
            .blocking(|| {
                let mut slices: Vec<_> = room.iter_mut().map(|part| IoSliceMut::new(part)).collect();
                host::read_vectored(fd, &mut slices, None, 0)
            })?
            .or_raise(vm)?;
        hand_out(&mut views, &room, count);
        Ok(count)
    }

    /// Reads from a file descriptor into a number of mutable bytes-like objects, starting at an offset.
    #[function("preadv(fd, buffers, offset, flags=0, /)")]
    fn preadv(vm: &Vm, fd: i32, buffers: &Value, offset: i64, flags: i32) -> PyResult<usize> {
        let (mut views, mut room) = reading_room(vm, "preadv", buffers)?;
        let count = vm
            .blocking(|| {
                let mut slices: Vec<_> = room.iter_mut().map(|part| IoSliceMut::new(part)).collect();
                host::read_vectored(fd, &mut slices, Some(offset), flags)
            })?
            .or_raise(vm)?;
        hand_out(&mut views, &room, count);
        Ok(count)
    }

    /// Iterate over buffers, and write the contents of each to a file descriptor.
    #[function("writev(fd, buffers, /)")]
    fn writev(vm: &Vm, fd: i32, buffers: &Value) -> PyResult<usize> {
        let data: Vec<Vec<u8>> = views(vm, "writev", buffers, false)?.iter().map(|view| view.to_vec()).collect();
        vm.blocking(|| {
            let slices: Vec<_> = data.iter().map(|part| IoSlice::new(part)).collect();
            host::write_vectored(fd, &slices, None, 0)
        })?
        .or_raise(vm)
    }

    /// Writes the contents of bytes-like objects to a file descriptor at a given offset.
    #[function("pwritev(fd, buffers, offset, flags=0, /)")]
    fn pwritev(vm: &Vm, fd: i32, buffers: &Value, offset: i64, flags: i32) -> PyResult<usize> {
        let data: Vec<Vec<u8>> = views(vm, "pwritev", buffers, false)?.iter().map(|view| view.to_vec()).collect();
        vm.blocking(|| {
            let slices: Vec<_> = data.iter().map(|part| IoSlice::new(part)).collect();
            host::write_vectored(fd, &slices, Some(offset), flags)
        })?
        .or_raise(vm)
    }

    /// Set the position of a file descriptor.  Return the new position.
    #[function("lseek(fd, position, whence, /)")]
    fn lseek(vm: &Vm, fd: i32, position: i64, whence: i32) -> PyResult<i64> {
        vm.allow_threads(|| host::seek(fd, position, whence)).or_raise(vm)
    }

    /// Copy count bytes from file descriptor in_fd to file descriptor out_fd.
    #[function("sendfile(out_fd, in_fd, offset, count)")]
    fn sendfile(vm: &Vm, out_fd: i32, in_fd: i32, offset: &Value, count: isize) -> PyResult<usize> {
        let offset = offset_of(vm, Some(offset))?;
        vm.blocking(|| host::send_file(out_fd, in_fd, offset, count as usize))?.or_raise(vm)
    }

    /// Copy count bytes from one file descriptor to another.
    #[function("copy_file_range(src, dst, count, offset_src=None, offset_dst=None)")]
    fn copy_file_range(
        vm: &Vm,
        src: i32,
        dst: i32,
        count: isize,
        offset_src: Option<&Value>,
        offset_dst: Option<&Value>,
    ) -> PyResult<usize> {
        let count = count_of(vm, count, "count")?;
        let (from, to) = (offset_of(vm, offset_src)?, offset_of(vm, offset_dst)?);
        vm.blocking(|| host::copy_range(src, from, dst, to, count, 0))?.or_raise(vm)
    }

    /// Transfer count bytes from one pipe to a descriptor or vice versa.
    #[function("splice(src, dst, count, offset_src=None, offset_dst=None, flags=0)")]
    fn splice(
        vm: &Vm,
        src: i32,
        dst: i32,
        count: isize,
        offset_src: Option<&Value>,
        offset_dst: Option<&Value>,
        flags: u32,
    ) -> PyResult<usize> {
        let count = count_of(vm, count, "count")?;
        let (from, to) = (offset_of(vm, offset_src)?, offset_of(vm, offset_dst)?);
        vm.blocking(|| host::splice(src, from, dst, to, count, flags))?.or_raise(vm)
    }

    /// Force write of fd to disk.
    #[function("fsync(fd)")]
    fn fsync(vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        vm.blocking(|| host::synchronize(fd.0))?.or_raise(vm)
    }

    /// Force write of fd to disk without forcing update of metadata.
    #[function("fdatasync(fd)")]
    fn fdatasync(vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        vm.blocking(|| host::synchronize_data(fd.0))?.or_raise(vm)
    }

    /// Force write of everything to disk.
    #[function("sync()")]
    fn sync(vm: &Vm) {
        vm.allow_threads(host::synchronize_all);
    }

    /// Truncate a file, specified by file descriptor, to a specific length.
    #[function("ftruncate(fd, length, /)")]
    fn ftruncate(vm: &Vm, fd: i32, length: i64) -> PyResult<()> {
        audit::raise_event(vm, "os.truncate", || vec![int::new(fd.into()), int::new(length)])?;
        vm.blocking(|| host::truncate_descriptor(fd, length))?.or_raise(vm)
    }

    /// Truncate a file, specified by path, to a specific length.
    #[function("truncate(path, length)")]
    fn truncate(vm: &Vm, path: PathOrDescriptor, length: i64) -> PyResult<()> {
        audit::raise_event(vm, "os.truncate", || vec![path.object.clone(), int::new(length)])?;
        match path.descriptor {
            Some(-1) => Err(path.error(vm, Errno(c::EFAULT))),
            Some(descriptor) => vm.blocking(|| host::truncate_descriptor(descriptor, length))?.or_raise(vm),
            None => vm.allow_threads(|| host::truncate(path.as_c_str(), length)).or_raise_for(vm, &path.object),
        }
    }

    /// Ensure a file has allocated at least a particular number of bytes on disk.
    #[function("posix_fallocate(fd, offset, length, /)")]
    fn posix_fallocate(vm: &Vm, fd: i32, offset: i64, length: i64) -> PyResult<()> {
        vm.blocking(|| host::allocate(fd, offset, length))?.or_raise(vm)
    }

    /// Announce an intention to access data in a specific pattern.
    #[function("posix_fadvise(fd, offset, length, advice, /)")]
    fn posix_fadvise(vm: &Vm, fd: i32, offset: i64, length: i64, advice: i32) -> PyResult<()> {
        vm.blocking(|| host::advise(fd, offset, length, advice))?.or_raise(vm)
    }

    /// Apply, test or remove a POSIX lock on an open file descriptor.
    #[function("lockf(fd, command, length, /)")]
    fn lockf(vm: &Vm, fd: i32, command: i32, length: i64) -> PyResult<()> {
        let event = || vec![int::new(fd.into()), int::new(command.into()), int::new(length)];
        audit::raise_event(vm, "os.lockf", event)?;
        vm.allow_threads(|| host::lock_part(fd, command, length)).or_raise(vm)
    }

    /// Create a pipe.  Returns a tuple of two file descriptors, (read_fd, write_fd).
    #[function("pipe()")]
    fn pipe(vm: &Vm) -> PyResult<(i32, i32)> {
        host::pipe(c::O_CLOEXEC).or_raise(vm)
    }

    /// Create a pipe with flags set atomically.
    #[function("pipe2(flags, /)")]
    fn pipe2(vm: &Vm, flags: i32) -> PyResult<(i32, i32)> {
        host::pipe(flags).or_raise(vm)
    }

    /// Get the close-on-exe flag of the specified file descriptor.
    #[function("get_inheritable(fd, /)")]
    fn get_inheritable(vm: &Vm, fd: i32) -> PyResult<bool> {
        host::is_inheritable(fd).or_raise(vm)
    }

    /// Set the inheritable flag of the specified file descriptor.
    #[function("set_inheritable(fd, inheritable, /)")]
    fn set_inheritable(vm: &Vm, fd: i32, inheritable: i32) -> PyResult<()> {
        host::set_inheritable(fd, inheritable != 0).or_raise(vm)
    }

    /// Get the blocking mode of the file descriptor.
    #[function("get_blocking(fd, /)")]
    fn get_blocking(vm: &Vm, fd: i32) -> PyResult<bool> {
        host::is_blocking(fd).or_raise(vm)
    }

    /// Set the blocking mode of the specified file descriptor.
    #[function("set_blocking(fd, blocking, /)")]
    fn set_blocking(vm: &Vm, fd: i32, blocking: bool) -> PyResult<()> {
        host::set_blocking(fd, blocking).or_raise(vm)
    }

    /// Return True if the fd is connected to a terminal.
    #[function("isatty(fd, /)")]
    fn isatty(fd: i32) -> bool {
        host::is_terminal(fd)
    }

    /// Return a string describing the encoding of a terminal's file descriptor.
    #[function("device_encoding(fd)")]
    fn device_encoding(vm: &Vm, fd: i32) -> Option<Value> {
        host::is_terminal(fd).then(|| vm.new_str("utf-8"))
    }

    /// Creates and returns an event notification file descriptor.
    #[function("eventfd(initval, flags=2048)")]
    fn eventfd(vm: &Vm, initval: &Value, flags: Option<i32>) -> PyResult<i32> {
        let initial = unsigned(vm, initval)?;
        host::event_descriptor(initial, flags.unwrap_or(c::EFD_CLOEXEC)).or_raise(vm)
    }

    /// Read eventfd value.
    #[function("eventfd_read(fd)")]
    fn eventfd_read(vm: &Vm, fd: FileDescriptor) -> PyResult<u64> {
        vm.allow_threads(|| host::read_event(fd.0)).or_raise(vm)
    }

    /// Write eventfd value.
    #[function("eventfd_write(fd, value)")]
    fn eventfd_write(vm: &Vm, fd: FileDescriptor, value: u64) -> PyResult<()> {
        vm.allow_threads(|| host::write_event(fd.0, value)).or_raise(vm)
    }

    /// Create an anonymous file that lives in memory.
    #[function("memfd_create(name, flags=1)")]
    fn memfd_create(vm: &Vm, name: &Value, flags: u32) -> PyResult<i32> {
        let name = paths::to_system(vm, name)?;
        vm.allow_threads(|| host::memory_file(&name, flags)).or_raise(vm)
    }

    /// Returns a device number's major part.
    #[function("major(device, /)")]
    fn major(vm: &Vm, device: &Value) -> PyResult {
        device_part(vm, device, |device| host::device_parts(device).0)
    }

    /// Returns a device number's minor part.
    #[function("minor(device, /)")]
    fn minor(vm: &Vm, device: &Value) -> PyResult {
        device_part(vm, device, |device| host::device_parts(device).1)
    }

    /// Composes a raw device number from the major and minor device numbers.
    #[function("makedev(major, minor, /)")]
    fn makedev(vm: &Vm, major: &Value, minor: &Value) -> PyResult {
        let (major, minor) = (int::to_fixed::<i64>(vm, major, "long")?, int::to_fixed::<i64>(vm, minor, "long")?);
        if major == -1 && minor == -1 {
            return Ok(Value::int(-1));
        }
        let parts = (u32::try_from(major), u32::try_from(minor));
        let (Ok(major), Ok(minor)) = parts else {
            return Err(vm.overflow_error("Python int too large to convert to C unsigned int"));
        };
        Ok(int::from_i128(i128::from(host::make_device(major, minor))))
    }

    /// Return a bytes object containing random bytes suitable for cryptographic use.
    #[function("urandom(size, /)")]
    fn urandom(vm: &Vm, size: isize) -> PyResult {
        let size = usize::try_from(size).map_err(|_| vm.value_error("negative argument not allowed"))?;
        let mut bytes = zeros(vm, size)?;
        host::random_bytes(&mut bytes);
        Ok(Bytes::new(bytes).into_value())
    }

    /// Obtain a series of random bytes.
    #[function("getrandom(size, flags=0)")]
    fn getrandom(vm: &Vm, size: isize, flags: i32) -> PyResult {
        let size = usize::try_from(size).map_err(|_| vm.os_error(c::EINVAL, None, None))?;
        let mut bytes = zeros(vm, size)?;
        let count = vm.blocking(|| host::get_random(&mut bytes, flags as u32))?.or_raise(vm)?;
        bytes.truncate(count);
        Ok(Bytes::new(bytes).into_value())
    }
}

fn device_part(vm: &Vm, device: &Value, part: fn(u64) -> u32) -> PyResult {
    let device: i128 = int::to_fixed(vm, device, "unsigned long")?;
    match u64::try_from(device) {
        Ok(device) => Ok(int::from_i128(i128::from(part(device)))),
        Err(_) if device == -1 => Ok(Value::int(-1)),
        Err(_) => Err(vm.overflow_error("can't convert negative int to unsigned")),
    }
}

/// A number that is not negative.
fn unsigned(vm: &Vm, value: &Value) -> PyResult<u32> {
    if int::is_int(value) && int::sign(value) < 0 {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::to_fixed(vm, value, "unsigned int")
}

/// So many bytes, all zero, or `MemoryError`.
pub(crate) fn zeros(vm: &Vm, length: usize) -> PyResult<Vec<u8>> {
    if !rspy_runtime::heap::can_allocate(length) {
        return Err(vm.memory_error());
    }
    Ok(vec![0; length])
}

/// Room for so many bytes behind a vector, or `MemoryError`.
pub(crate) fn room_behind<'a>(vm: &Vm, bytes: &'a mut Vec<u8>, length: usize) -> PyResult<Room<'a>> {
    Room::behind(bytes, length).ok_or_else(|| vm.memory_error())
}

/// The bytes object of what one call reads into room for `length` bytes.
pub(crate) fn read_bytes(
    vm: &Vm,
    length: usize,
    read: impl FnOnce(&mut Room<'_>) -> PyResult<()>,
) -> PyResult {
    let mut bytes = Vec::new();
    read(&mut room_behind(vm, &mut bytes, length)?)?;
    Ok(Bytes::new(host::fitted(bytes)).into_value())
}

/// A buffer argument that is written to.
pub(crate) fn writable_argument(vm: &Vm, function: &str, position: usize, value: &Value) -> PyResult<BufferView> {
    rspy_runtime::buffer::writable_view(vm, value).map_err(|error| {
        if !error.is(hierarchy::BufferError::static_type()) && !error.is_type_error() {
            return error;
        }
        let place = if position == 0 { String::new() } else { format!(" {position}") };
        vm.type_error(format!(
            "{function}() argument{place} must be read-write bytes-like object, not {}",
            value.type_of().full_name()
        ))
    })
}
