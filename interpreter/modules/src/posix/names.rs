//! Functions that work on the names of files: making, renaming, removing, permissions, owners, times.

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, Errno, FileTime, c};
use rspy_runtime::paths::{
    self, FileDescriptor, FolderDescriptor, OrRaise, PathName, PathOrDescriptor, folder_or_current,
};
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::identity::{GroupId, UserId};
use super::status::check_descriptor;

/// The functions.
pub struct Functions;

/// Whether the frozen library lets a file be used in a way.
fn archived_access(vm: &Vm, inner: &str, mode: i32) -> bool {
    let found = vm.interpreter.library.borrow().as_ref().and_then(|library| library.entry(inner));
    match found {
        Some(entry) => mode & c::W_OK == 0 && (entry.is_folder || mode & c::X_OK == 0),
        None => false,
    }
}

/// The error of changing something in the frozen library.
fn reject_archived(vm: &Vm, path: &PathName) -> PyResult<()> {
    let Some(inner) = paths::archived(vm, path.bytes()) else { return Ok(()) };
    let exists = match vm.interpreter.library.borrow().as_ref() {
        Some(library) => library.entry(&inner).is_some(),
        None => return Ok(()),
    };
    Err(path.error(vm, Errno(if exists { c::EROFS } else { c::ENOENT })))
}

/// As [`reject_archived`], for removing: what is not there is missing, and nothing else.
fn reject_archived_removal(vm: &Vm, path: &PathName) -> PyResult<()> {
    let Some(inner) = paths::archived(vm, path.bytes()) else { return Ok(()) };
    let there = vm.interpreter.library.borrow().as_ref().map(|library| library.entry(inner).is_some());
    match there {
        Some(true) => Err(path.error(vm, Errno(c::EROFS))),
        Some(false) => Err(path.error(vm, Errno(c::ENOENT))),
        None => Ok(()),
    }
}

fn link_flag(follow_symlinks: bool) -> i32 {
    if follow_symlinks { 0 } else { c::AT_SYMLINK_NOFOLLOW }
}

/// A time of a file, from a number of seconds.
fn file_time(vm: &Vm, value: &Value) -> PyResult<(i64, i64)> {
    if let Some(seconds) = float::as_f64(value).filter(|_| !int::is_int(value)) {
        if seconds.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let whole = seconds.floor();
        let nanoseconds = ((seconds - whole) * 1e9).floor();
        let (whole, nanoseconds) = if nanoseconds >= 1e9 { (whole + 1.0, 0.0) } else { (whole, nanoseconds) };
        if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
            return Err(vm.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok((whole as i64, nanoseconds as i64));
    }
    if value.type_of().slots().index.get().is_none() {
        return Err(
            vm.type_error(format!("argument must be int or float, not {}", value.type_of().full_name()))
        );
    }
    let seconds = vm.index(value)?;
    match int::small_value(&seconds) {
        Some(seconds) => Ok((seconds, 0)),
        None => Err(vm.overflow_error("timestamp out of range for platform time_t")),
    }
}

/// A time of a file, from a number of nanoseconds.
fn file_time_from_nanoseconds(vm: &Vm, value: &Value) -> PyResult<(i64, i64)> {
    let divided = vm.divmod(value, &int::new(1_000_000_000))?;
    let parts = divided.downcast::<Tuple>().map(|parts| parts.items().to_vec()).unwrap_or_default();
    let [seconds, nanoseconds] = &parts[..] else {
        return Err(vm.type_error(format!(
            "{}.__divmod__() must return a 2-tuple, not {}",
            value.type_of().name(),
            divided.type_of().name()
        )));
    };
    Ok((int::to_fixed(vm, seconds, "time_t")?, int::to_fixed(vm, nanoseconds, "long")?))
}

fn two_items(value: &Value) -> Option<[Value; 2]> {
    let tuple = value.downcast::<Tuple>()?;
    <[Value; 2]>::try_from(tuple.items().to_vec()).ok()
}

/// The times that the arguments of `utime` mean.
fn times_of(vm: &Vm, times: Option<&Value>, ns: Option<&Value>) -> PyResult<(FileTime, FileTime)> {
    let times = times.filter(|times| !is_none(times));
    match (times, ns) {
        (Some(_), Some(_)) => {
            Err(vm.value_error("utime: you may specify either 'times' or 'ns' but not both"))
        }
        (Some(times), None) => match two_items(times) {
            Some([accessed, modified]) => {
                Ok((Some(file_time(vm, &accessed)?), Some(file_time(vm, &modified)?)))
            }
            None => Err(vm.type_error("utime: 'times' must be either a tuple of two ints or None")),
        },
        (None, Some(ns)) => match two_items(ns) {
            Some([accessed, modified]) => Ok((
                Some(file_time_from_nanoseconds(vm, &accessed)?),
                Some(file_time_from_nanoseconds(vm, &modified)?),
            )),
            None => Err(vm.type_error("utime: 'ns' must be a tuple of two ints")),
        },
        (None, None) => Ok((None, None)),
    }
}

fn rename(
    vm: &Vm,
    src: &PathName,
    dst: &PathName,
    src_dir_fd: Option<FolderDescriptor>,
    dst_dir_fd: Option<FolderDescriptor>,
) -> PyResult<()> {
    let event = || vec![src.object.clone(), dst.object.clone(), audit::folder(src_dir_fd), audit::folder(dst_dir_fd)];
    audit::raise_event(vm, "os.rename", event)?;
    reject_archived(vm, src)?;
    reject_archived(vm, dst)?;
    let (from, to) = (folder_or_current(src_dir_fd), folder_or_current(dst_dir_fd));
    vm.allow_threads(|| host::rename(from, src.as_c_str(), to, dst.as_c_str()))
        .or_raise_for_both(vm, &src.object, &dst.object)
}

fn unlink(vm: &Vm, path: &PathName, dir_fd: Option<FolderDescriptor>, flags: i32) -> PyResult<()> {
    let event = if flags & c::AT_REMOVEDIR != 0 { "os.rmdir" } else { "os.remove" };
    audit::raise_event(vm, event, || vec![path.object.clone(), audit::folder(dir_fd)])?;
    reject_archived_removal(vm, path)?;
    let folder = folder_or_current(dir_fd);
    vm.allow_threads(|| host::unlink(folder, path.as_c_str(), flags)).or_raise_for(vm, &path.object)
}

fn raise_chown(
    vm: &Vm,
    file: &Value,
    uid: UserId,
    gid: GroupId,
    dir_fd: Option<FolderDescriptor>,
) -> PyResult<()> {
    audit::raise_event(vm, "os.chown", || {
        vec![file.clone(), int::new(uid.0.into()), int::new(gid.0.into()), audit::folder(dir_fd)]
    })
}

#[pyfunctions]
impl Functions {
    /// Use the real uid/gid to test for access to a path.
    #[function("access(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)")]
    fn access(
        vm: &Vm,
        path: PathName,
        mode: i32,
        dir_fd: Option<FolderDescriptor>,
        effective_ids: bool,
        follow_symlinks: bool,
    ) -> bool {
        if let Some(inner) = paths::archived(vm, path.bytes()) {
            return archived_access(vm, inner, mode);
        }
        let flags = link_flag(follow_symlinks) | if effective_ids { c::AT_EACCESS } else { 0 };
        let folder = folder_or_current(dir_fd);
        vm.allow_threads(|| host::access(folder, path.as_c_str(), mode, flags)).is_ok()
    }

    /// Change the current working directory to the specified path.
    #[function("chdir(path)")]
    fn chdir(vm: &Vm, path: PathOrDescriptor) -> PyResult<()> {
        audit::raise_event(vm, "os.chdir", || vec![path.object.clone()])?;
        vm.allow_threads(|| match path.descriptor {
            Some(-1) => Err(Errno(c::EFAULT)),
            Some(descriptor) => host::change_folder_to(descriptor),
            None => host::change_folder(path.as_c_str()),
        })
        .or_raise_for(vm, &path.object)
    }

    /// Change to the directory of the given file descriptor.
    #[function("fchdir(fd)")]
    fn fchdir(vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        audit::raise_event(vm, "os.chdir", || vec![int::new(fd.0.into())])?;
        vm.blocking(|| host::change_folder_to(fd.0))?.or_raise(vm)
    }

    /// Change root directory to path.
    #[function("chroot(path)")]
    fn chroot(vm: &Vm, path: PathName) -> PyResult<()> {
        vm.allow_threads(|| host::change_root(path.as_c_str())).or_raise_for(vm, &path.object)
    }

    /// Change the access permissions of a file.
    #[function("chmod(path, mode, *, dir_fd=None, follow_symlinks=(os.name != 'nt'))")]
    fn chmod(
        vm: &Vm,
        path: PathOrDescriptor,
        mode: i32,
        dir_fd: Option<FolderDescriptor>,
        follow_symlinks: Option<bool>,
    ) -> PyResult<()> {
        let event = || vec![path.object.clone(), int::new(mode.into()), audit::folder(dir_fd)];
        audit::raise_event(vm, "os.chmod", event)?;
        let folder = folder_or_current(dir_fd);
        let flags = link_flag(follow_symlinks.unwrap_or(true));
        let result = vm.allow_threads(|| match path.descriptor {
            Some(-1) => Err(Errno(c::EFAULT)),
            Some(descriptor) => host::change_mode_of(descriptor, mode as u32),
            None => host::change_mode(folder, path.as_c_str(), mode as u32, flags),
        });
        match result {
            Err(Errno(c::EOPNOTSUPP)) if flags != 0 && dir_fd.is_some() => {
                Err(vm.value_error("chmod: cannot use dir_fd and follow_symlinks together on this platform"))
            }
            Err(Errno(c::EOPNOTSUPP)) if flags != 0 => Err(vm.not_implemented_error(
                "chmod: follow_symlinks unavailable on this platform",
            )),
            result => result.or_raise_for(vm, &path.object),
        }
    }

    /// Change the access permissions of the file given by file descriptor fd.
    #[function("fchmod(fd, mode)")]
    fn fchmod(vm: &Vm, fd: i32, mode: i32) -> PyResult<()> {
        audit::raise_event(vm, "os.chmod", || [fd, mode, -1].map(|number| int::new(number.into())).to_vec())?;
        vm.blocking(|| host::change_mode_of(fd, mode as u32))?.or_raise(vm)
    }

    /// Change the owner and group id of path to the numeric uid and gid.
    #[function("chown(path, uid, gid, *, dir_fd=None, follow_symlinks=True)")]
    fn chown(
        vm: &Vm,
        path: PathOrDescriptor,
        uid: UserId,
        gid: GroupId,
        dir_fd: Option<FolderDescriptor>,
        follow_symlinks: bool,
    ) -> PyResult<()> {
        if path.descriptor.is_some() && dir_fd.is_some() {
            return Err(vm.value_error("chown: can't specify both dir_fd and fd"));
        }
        check_descriptor(vm, "chown", &path, dir_fd, follow_symlinks)?;
        raise_chown(vm, &path.object, uid, gid, dir_fd)?;
        let folder = folder_or_current(dir_fd);
        vm.allow_threads(|| match path.descriptor {
            Some(-1) => Err(Errno(c::EFAULT)),
            Some(descriptor) => host::change_owner_of(descriptor, uid.0, gid.0),
            None => host::change_owner(folder, path.as_c_str(), uid.0, gid.0, link_flag(follow_symlinks)),
        })
        .or_raise_for(vm, &path.object)
    }

    /// Change the owner and group id of the file specified by file descriptor.
    #[function("fchown(fd, uid, gid)")]
    fn fchown(vm: &Vm, fd: i32, uid: UserId, gid: GroupId) -> PyResult<()> {
        raise_chown(vm, &int::new(fd.into()), uid, gid, None)?;
        vm.blocking(|| host::change_owner_of(fd, uid.0, gid.0))?.or_raise(vm)
    }

    /// Change the owner and group id of path, without following symbolic links.
    #[function("lchown(path, uid, gid)")]
    fn lchown(vm: &Vm, path: PathName, uid: UserId, gid: GroupId) -> PyResult<()> {
        raise_chown(vm, &path.object, uid, gid, None)?;
        let flags = c::AT_SYMLINK_NOFOLLOW;
        vm.allow_threads(|| host::change_owner(host::CURRENT_FOLDER, path.as_c_str(), uid.0, gid.0, flags))
            .or_raise_for(vm, &path.object)
    }

    /// Create a hard link to a file.
    #[function("link(src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=(os.name != 'nt'))")]
    fn link(
        vm: &Vm,
        src: PathName,
        dst: PathName,
        src_dir_fd: Option<FolderDescriptor>,
        dst_dir_fd: Option<FolderDescriptor>,
        follow_symlinks: Option<bool>,
    ) -> PyResult<()> {
        audit::raise_event(vm, "os.link", || {
            vec![src.object.clone(), dst.object.clone(), audit::folder(src_dir_fd), audit::folder(dst_dir_fd)]
        })?;
        let flags = if follow_symlinks.unwrap_or(true) { c::AT_SYMLINK_FOLLOW } else { 0 };
        let (from, to) = (folder_or_current(src_dir_fd), folder_or_current(dst_dir_fd));
        vm.allow_threads(|| host::link(from, src.as_c_str(), to, dst.as_c_str(), flags))
            .or_raise_for_both(vm, &src.object, &dst.object)
    }

    /// Create a symbolic link pointing to src named dst.
    #[function("symlink(src, dst, target_is_directory=False, *, dir_fd=None)")]
    fn symlink(
        vm: &Vm,
        src: PathName,
        dst: PathName,
        target_is_directory: bool,
        dir_fd: Option<FolderDescriptor>,
    ) -> PyResult<()> {
        // Only Windows tells links to folders from others.
        let _ = target_is_directory;
        let event = || vec![src.object.clone(), dst.object.clone(), audit::folder(dir_fd)];
        audit::raise_event(vm, "os.symlink", event)?;
        let folder = folder_or_current(dir_fd);
        vm.allow_threads(|| host::symbolic_link(src.as_c_str(), folder, dst.as_c_str()))
            .or_raise_for_both(vm, &src.object, &dst.object)
    }

    /// Return a string representing the path to which the symbolic link points.
    #[function("readlink(path, *, dir_fd=None)")]
    fn readlink(vm: &Vm, path: PathName, dir_fd: Option<FolderDescriptor>) -> PyResult {
        let folder = folder_or_current(dir_fd);
        let target = match paths::archived(vm, path.bytes()) {
            Some(inner) => {
                let found = vm.interpreter.library.borrow().as_ref().and_then(|library| library.entry(inner));
                Err(Errno(if found.is_some() { c::EINVAL } else { c::ENOENT }))
            }
            None => vm.allow_threads(|| host::read_link(folder, path.as_c_str())),
        };
        Ok(path.result(&target.or_raise_for(vm, &path.object)?))
    }

    /// Rename a file or directory.
    #[function("rename(src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    fn rename(
        vm: &Vm,
        src: PathName,
        dst: PathName,
        src_dir_fd: Option<FolderDescriptor>,
        dst_dir_fd: Option<FolderDescriptor>,
    ) -> PyResult<()> {
        rename(vm, &src, &dst, src_dir_fd, dst_dir_fd)
    }

    /// Rename a file or directory, overwriting the destination.
    #[function("replace(src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    fn replace(
        vm: &Vm,
        src: PathName,
        dst: PathName,
        src_dir_fd: Option<FolderDescriptor>,
        dst_dir_fd: Option<FolderDescriptor>,
    ) -> PyResult<()> {
        rename(vm, &src, &dst, src_dir_fd, dst_dir_fd)
    }

    /// Remove a file (same as unlink()).
    #[function("remove(path, *, dir_fd=None)")]
    fn remove(vm: &Vm, path: PathName, dir_fd: Option<FolderDescriptor>) -> PyResult<()> {
        unlink(vm, &path, dir_fd, 0)
    }

    /// Remove a file (same as remove()).
    #[function("unlink(path, *, dir_fd=None)")]
    fn unlink(vm: &Vm, path: PathName, dir_fd: Option<FolderDescriptor>) -> PyResult<()> {
        unlink(vm, &path, dir_fd, 0)
    }

    /// Remove a directory.
    #[function("rmdir(path, *, dir_fd=None)")]
    fn rmdir(vm: &Vm, path: PathName, dir_fd: Option<FolderDescriptor>) -> PyResult<()> {
        unlink(vm, &path, dir_fd, c::AT_REMOVEDIR)
    }

    /// Create a directory.
    #[function("mkdir(path, mode=511, *, dir_fd=None)")]
    fn mkdir(vm: &Vm, path: PathName, mode: i32, dir_fd: Option<FolderDescriptor>) -> PyResult<()> {
        let event = || vec![path.object.clone(), int::new(mode.into()), audit::folder(dir_fd)];
        audit::raise_event(vm, "os.mkdir", event)?;
        reject_archived(vm, &path)?;
        let folder = folder_or_current(dir_fd);
        vm.allow_threads(|| host::make_folder(folder, path.as_c_str(), mode as u32)).or_raise_for(vm, &path.object)
    }

    /// Create a "fifo" (a POSIX named pipe).
    #[function("mkfifo(path, mode=438, *, dir_fd=None)")]
    fn mkfifo(vm: &Vm, path: PathName, mode: i32, dir_fd: Option<FolderDescriptor>) -> PyResult<()> {
        let folder = folder_or_current(dir_fd);
        vm.blocking(|| host::make_fifo(folder, path.as_c_str(), mode as u32))?.or_raise(vm)
    }

    /// Create a node in the file system.
    #[function("mknod(path, mode=384, device=0, *, dir_fd=None)")]
    fn mknod(
        vm: &Vm,
        path: PathName,
        mode: i32,
        device: u64,
        dir_fd: Option<FolderDescriptor>,
    ) -> PyResult<()> {
        let folder = folder_or_current(dir_fd);
        vm.blocking(|| host::make_node(folder, path.as_c_str(), mode as u32, device))?.or_raise(vm)
    }

    /// Set the access and modified time of path.
    #[function("utime(path, times=None, *, ns=<unrepresentable>, dir_fd=None, follow_symlinks=True)")]
    fn utime(
        vm: &Vm,
        path: PathOrDescriptor,
        times: Option<&Value>,
        ns: Option<&Value>,
        dir_fd: Option<FolderDescriptor>,
        follow_symlinks: bool,
    ) -> PyResult<()> {
        let (accessed, modified) = times_of(vm, times, ns)?;
        check_descriptor(vm, "utime", &path, dir_fd, follow_symlinks)?;
        audit::raise_event(vm, "os.utime", || {
            let given = |times: Option<&Value>| times.cloned().unwrap_or_else(none);
            vec![path.object.clone(), given(times), given(ns), audit::folder(dir_fd)]
        })?;
        let folder = folder_or_current(dir_fd);
        vm.allow_threads(|| match path.descriptor {
            Some(-1) => Err(Errno(c::EFAULT)),
            Some(descriptor) => host::set_file_times_of(descriptor, accessed, modified),
            None => {
                host::set_file_times(folder, path.as_c_str(), accessed, modified, link_flag(follow_symlinks))
            }
        })
        .or_raise_for(vm, &path.object)
    }

    /// Set the current numeric umask and return the previous umask.
    #[function("umask(mask, /)")]
    fn umask(mask: i32) -> u32 {
        host::set_file_mask(mask as u32)
    }
}
