//! `stat` and its like: what the system knows of files and file systems.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, Errno, FileStatus, FileSystemStatus, c};
use rspy_runtime::object::Payload;
use rspy_runtime::paths::{
    self, FolderDescriptor, OrRaise, PathArgument, PathName, PathOrDescriptor, folder_or_current,
};
use rspy_runtime::struct_sequence;
use rspy_runtime::types::structseq;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

struct_sequence! {
    /// stat_result: Result from stat, fstat, or lstat.
    ///
    /// This object may be accessed either as a tuple of
    ///   (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime)
    /// or via the attributes st_mode, st_ino, st_dev, st_nlink, and so on.
    pub struct StatResult("os", "stat_result") {
        visible {
            st_mode: "protection bits", st_ino: "inode", st_dev: "device", st_nlink: "number of hard links",
            st_uid: "user ID of owner", st_gid: "group ID of owner", st_size: "total size, in bytes",
        }
        unnamed 3
        hidden {
            st_atime: "time of last access", st_mtime: "time of last modification", st_ctime: "time of last change",
            st_atime_ns: "time of last access in nanoseconds",
            st_mtime_ns: "time of last modification in nanoseconds",
            st_ctime_ns: "time of last change in nanoseconds",
            st_blksize: "blocksize for filesystem I/O", st_blocks: "number of blocks allocated",
            st_rdev: "device type (if inode device)",
        }
    }
}

struct_sequence! {
    /// statvfs_result: Result from statvfs or fstatvfs.
    ///
    /// This object may be accessed either as a tuple of
    ///   (bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax),
    /// or via the attributes f_bsize, f_frsize, f_blocks, f_bfree, and so on.
    pub struct StatvfsResult("os", "statvfs_result") {
        visible {
            f_bsize: "", f_frsize: "", f_blocks: "", f_bfree: "", f_bavail: "", f_files: "", f_ffree: "",
            f_favail: "", f_flag: "", f_namemax: "",
        }
        unnamed 0
        hidden { f_fsid: "", }
    }
}

/// Makes the types usable before the module has been imported.
pub fn ready(vm: &Vm) {
    structseq::prepare::<StatResult>(vm);
}

fn number(value: impl Into<i128>) -> Value {
    int::from_i128(value.into())
}

/// The `os.stat_result` of a status.
pub(crate) fn status_value(vm: &Vm, status: &FileStatus) -> Value {
    if !StatResult::static_type().has_flag(rspy_runtime::types::typ::TypeFlags::READY) {
        ready(vm);
    }
    let times =
        [(status.st_atime, status.st_atime_nsec), (status.st_mtime, status.st_mtime_nsec), (status.st_ctime, status.st_ctime_nsec)];
    let mut fields = Vec::with_capacity(19);
    fields.extend([
        number(status.st_mode),
        number(status.st_ino),
        number(status.st_dev),
        number(status.st_nlink),
        number(status.st_uid),
        number(status.st_gid),
        number(status.st_size),
    ]);
    fields.extend(times.iter().map(|&(seconds, _)| number(seconds)));
    fields.extend(times.iter().map(|&(seconds, nanoseconds)| float::new(seconds as f64 + 1e-9 * nanoseconds as f64)));
    fields.extend(times.iter().map(|&(seconds, nanoseconds)| {
        int::from_i128(i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds))
    }));
    fields.extend([number(status.st_blksize), number(status.st_blocks), number(status.st_rdev)]);
    structseq::new::<StatResult>(fields)
}

/// The status of a file on disk or in the frozen library.
pub(crate) fn file_status(vm: &Vm, folder: i32, path: &std::ffi::CStr, follow_links: bool) -> host::Result<FileStatus> {
    match paths::archived(vm, path.to_bytes()) {
        Some(inner) => archived_status(vm, inner),
        None => vm.allow_threads(|| host::status(folder, path, follow_links)),
    }
}

/// The status of a file of the frozen library. It shares device and owner with the executable.
fn archived_status(vm: &Vm, inner: &str) -> host::Result<FileStatus> {
    let found = vm.interpreter.library.borrow().as_ref().and_then(|library| library.entry(inner));
    let Some(found) = found else {
        let has_library = vm.interpreter.library.borrow().is_some();
        return Err(Errno(if has_library { c::ENOENT } else { c::ENOTDIR }));
    };
    let mut status = host::archived_status(found.is_folder, found.size);
    let executable = std::ffi::CString::new(vm.interpreter.configuration.executable.as_str());
    if let Ok(Ok(own)) = executable.map(|path| host::status(host::CURRENT_FOLDER, &path, true)) {
        status.st_dev = own.st_dev;
        status.st_uid = own.st_uid;
        status.st_gid = own.st_gid;
        (status.st_atime, status.st_atime_nsec) = (own.st_mtime, own.st_mtime_nsec);
        (status.st_mtime, status.st_mtime_nsec) = (own.st_mtime, own.st_mtime_nsec);
        (status.st_ctime, status.st_ctime_nsec) = (own.st_ctime, own.st_ctime_nsec);
    }
    Ok(status)
}

fn file_system_value(status: &FileSystemStatus) -> Value {
    structseq::new::<StatvfsResult>(vec![
        number(status.f_bsize),
        number(status.f_frsize),
        number(status.f_blocks),
        number(status.f_bfree),
        number(status.f_bavail),
        number(status.f_files),
        number(status.f_ffree),
        number(status.f_favail),
        number(status.f_flag),
        number(status.f_namemax),
        number(status.f_fsid),
    ])
}

/// A descriptor goes with neither `dir_fd` nor `follow_symlinks=False`.
pub(super) fn check_descriptor<const NULLABLE: bool>(
    vm: &Vm,
    function: &str,
    path: &PathArgument<true, NULLABLE>,
    folder: Option<FolderDescriptor>,
    follow_symlinks: bool,
) -> PyResult<()> {
    if path.descriptor.is_none() {
        return Ok(());
    }
    if folder.is_some() {
        return Err(vm.value_error(format!("{function}: can't specify dir_fd without matching path")));
    }
    if !follow_symlinks {
        return Err(vm.value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok(())
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Perform a stat system call on the given path.
    #[function("stat(path, *, dir_fd=None, follow_symlinks=True)")]
    fn stat(
        vm: &Vm,
        path: PathOrDescriptor,
        dir_fd: Option<FolderDescriptor>,
        follow_symlinks: bool,
    ) -> PyResult {
        check_descriptor(vm, "stat", &path, dir_fd, follow_symlinks)?;
        let status = match path.descriptor {
            Some(-1) => Err(Errno(c::EFAULT)),
            Some(descriptor) => vm.allow_threads(|| host::status_of(descriptor)),
            None => file_status(vm, folder_or_current(dir_fd), path.as_c_str(), follow_symlinks),
        };
        Ok(status_value(vm, &status.or_raise_for(vm, &path.object)?))
    }

    /// Perform a stat system call on the given path, without following symbolic links.
    #[function("lstat(path, *, dir_fd=None)")]
    fn lstat(vm: &Vm, path: PathName, dir_fd: Option<FolderDescriptor>) -> PyResult {
        let status = file_status(vm, folder_or_current(dir_fd), path.as_c_str(), false);
        Ok(status_value(vm, &status.or_raise_for(vm, &path.object)?))
    }

    /// Perform a stat system call on the given file descriptor.
    #[function("fstat(fd)")]
    fn fstat(vm: &Vm, fd: i32) -> PyResult {
        let status = vm.blocking(|| host::status_of(fd))?.or_raise(vm)?;
        Ok(status_value(vm, &status))
    }

    /// Perform a statvfs system call on the given path.
    #[function("statvfs(path)")]
    fn statvfs(vm: &Vm, path: PathOrDescriptor) -> PyResult {
        let status = match path.descriptor {
            Some(-1) => Err(Errno(c::EFAULT)),
            Some(descriptor) => vm.allow_threads(|| host::file_system_status_of(descriptor)),
            None => vm.allow_threads(|| host::file_system_status(path.as_c_str())),
        };
        Ok(file_system_value(&status.or_raise_for(vm, &path.object)?))
    }

    /// Perform an fstatvfs system call on the given fd.
    #[function("fstatvfs(fd, /)")]
    fn fstatvfs(vm: &Vm, fd: i32) -> PyResult {
        let status = vm.blocking(|| host::file_system_status_of(fd))?.or_raise(vm)?;
        Ok(file_system_value(&status))
    }
}
