//! `fcntl`: control of descriptors, and locks on files.

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, c};
use rspy_runtime::native_module;
use rspy_runtime::paths::{FileDescriptor, OrRaise};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "fcntl",
    doc: "This module performs file control and I/O control on file\ndescriptors.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        for (name, number) in NUMBERS {
            module.set_int(vm, name, *number);
        }
        Ok(())
    },
}

/// The numbers of the module.
const NUMBERS: &[(&str, i64)] = &[
    ("DN_ACCESS", 1), ("DN_ATTRIB", 32), ("DN_CREATE", 4), ("DN_DELETE", 8), ("DN_MODIFY", 2),
    ("DN_MULTISHOT", 2147483648), ("DN_RENAME", 16), ("FASYNC", 8192), ("FD_CLOEXEC", 1),
    ("FICLONE", 1074041865), ("FICLONERANGE", 1075876877), ("F_ADD_SEALS", 1033), ("F_DUPFD", 0),
    ("F_DUPFD_CLOEXEC", 1030), ("F_DUPFD_QUERY", 1027), ("F_EXLCK", 4), ("F_GETFD", 1), ("F_GETFL", 3),
    ("F_GETLEASE", 1025), ("F_GETLK", 5), ("F_GETLK64", 5), ("F_GETOWN", 9), ("F_GETOWN_EX", 16),
    ("F_GETPIPE_SZ", 1032), ("F_GETSIG", 11), ("F_GET_FILE_RW_HINT", 1037), ("F_GET_RW_HINT", 1035),
    ("F_GET_SEALS", 1034), ("F_NOTIFY", 1026), ("F_OFD_GETLK", 36), ("F_OFD_SETLK", 37),
    ("F_OFD_SETLKW", 38), ("F_OWNER_PGRP", 2), ("F_OWNER_PID", 1), ("F_OWNER_TID", 0), ("F_RDLCK", 0),
    ("F_SEAL_FUTURE_WRITE", 16), ("F_SEAL_GROW", 4), ("F_SEAL_SEAL", 1), ("F_SEAL_SHRINK", 2),
    ("F_SEAL_WRITE", 8), ("F_SETFD", 2), ("F_SETFL", 4), ("F_SETLEASE", 1024), ("F_SETLK", 6),
    ("F_SETLK64", 6), ("F_SETLKW", 7), ("F_SETLKW64", 7), ("F_SETOWN", 8), ("F_SETOWN_EX", 15),
    ("F_SETPIPE_SZ", 1031), ("F_SETSIG", 10), ("F_SET_FILE_RW_HINT", 1038), ("F_SET_RW_HINT", 1036),
    ("F_SHLCK", 8), ("F_UNLCK", 2), ("F_WRLCK", 1), ("LOCK_EX", 2), ("LOCK_MAND", 32), ("LOCK_NB", 4),
    ("LOCK_READ", 64), ("LOCK_RW", 192), ("LOCK_SH", 1), ("LOCK_UN", 8), ("LOCK_WRITE", 128),
    ("RWH_WRITE_LIFE_EXTREME", 5), ("RWH_WRITE_LIFE_LONG", 4), ("RWH_WRITE_LIFE_MEDIUM", 3),
    ("RWH_WRITE_LIFE_NONE", 1), ("RWH_WRITE_LIFE_NOT_SET", 0), ("RWH_WRITE_LIFE_SHORT", 2),
];

/// Room for a structure, with some to spare where the system writes more than it was given.
const ROOM: usize = 1024;
const SPARE: usize = 256;

/// An argument that is a structure: the bytes of a buffer or a text.
fn structure(vm: &Vm, argument: &Value) -> PyResult<Option<Vec<u8>>> {
    if let Some(text) = argument.downcast::<Str>() {
        return rspy_runtime::paths::encode(vm, text).map(Some);
    }
    if rspy_runtime::buffer::has_buffer(argument) {
        return Ok(Some(rspy_runtime::buffer::view(vm, argument)?.to_vec()));
    }
    Ok(None)
}

/// A number: the low bits of an integer of any sign.
fn number(vm: &Vm, argument: &Value) -> PyResult<i64> {
    let number = int::to_big(vm, &vm.index(argument)?)?;
    let low: u64 = (&number & num_bigint::BigInt::from(u64::MAX)).try_into().unwrap_or(0);
    Ok(low as i64)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Perform the operation cmd on file descriptor fd.
    #[function("fcntl(fd, cmd, arg=0, /)")]
    fn fcntl(vm: &Vm, fd: FileDescriptor, cmd: i32, arg: Option<&Value>) -> PyResult {
        audit::raise_event(vm, "fcntl.fcntl", || {
            vec![Value::int(fd.0), Value::int(cmd), arg.cloned().unwrap_or_else(none)]
        })?;
        let given = arg.map_or(Ok(None), |arg| structure(vm, arg))?;
        if let Some(given) = given {
            if given.len() > ROOM {
                return Err(vm.value_error("fcntl argument 3 is too long"));
            }
            let mut room = vec![0; ROOM + SPARE];
            room[..given.len()].copy_from_slice(&given);
            vm.blocking(|| host::control_with(fd.0, cmd, &mut room))?.or_raise(vm)?;
            room.truncate(given.len());
            return Ok(Bytes::new(room).into_value());
        }
        let arg = arg.map_or(Ok(0), |arg| number(vm, arg))?;
        let result = vm.blocking(|| host::control(fd.0, cmd, arg))?.or_raise(vm)?;
        Ok(Value::int(result))
    }

    /// Perform the operation request on file descriptor fd.
    #[function("ioctl(fd, request, arg=0, mutate_flag=True, /)")]
    fn ioctl(vm: &Vm, fd: FileDescriptor, request: &Value, arg: Option<&Value>, mutate_flag: bool) -> PyResult {
        let request = number(vm, request)? as u64;
        audit::raise_event(vm, "fcntl.ioctl", || {
            let request = int::from_i128(request.into());
            vec![Value::int(fd.0), request, arg.cloned().unwrap_or_else(none)]
        })?;
        let Some(arg) = arg else {
            return vm.allow_threads(|| host::device_control(fd.0, request, 0)).or_raise(vm).map(Value::int);
        };
        if mutate_flag
            && arg.downcast::<Str>().is_none()
            && let Ok(mut view) = rspy_runtime::buffer::writable_view(vm, arg)
        {
            let length = view.len();
            let mut room = vec![0; length.max(ROOM) + SPARE];
            room[..length].copy_from_slice(view.as_slice());
            let result = vm.allow_threads(|| host::device_control_with(fd.0, request, &mut room));
            view.as_mut_slice().copy_from_slice(&room[..length]);
            return result.or_raise(vm).map(Value::int);
        }
        if let Some(given) = structure(vm, arg)? {
            if given.len() > ROOM {
                return Err(vm.value_error("ioctl argument 3 is too long"));
            }
            let mut room = vec![0; ROOM + SPARE];
            room[..given.len()].copy_from_slice(&given);
            vm.allow_threads(|| host::device_control_with(fd.0, request, &mut room)).or_raise(vm)?;
            room.truncate(given.len());
            return Ok(Bytes::new(room).into_value());
        }
        let arg = number(vm, arg)? as u64;
        vm.allow_threads(|| host::device_control(fd.0, request, arg)).or_raise(vm).map(Value::int)
    }

    /// Perform the lock operation on file descriptor fd.
    #[function("flock(fd, operation, /)")]
    fn flock(vm: &Vm, fd: FileDescriptor, operation: i32) -> PyResult<()> {
        audit::raise_event(vm, "fcntl.flock", || vec![Value::int(fd.0), Value::int(operation)])?;
        vm.blocking(|| host::lock_whole(fd.0, operation))?.or_raise(vm)
    }

    /// A wrapper around the fcntl() locking calls.
    #[function("lockf(fd, cmd, len=0, start=0, whence=0, /)")]
    fn lockf(
        vm: &Vm,
        fd: FileDescriptor,
        cmd: i32,
        len: Option<i64>,
        start: Option<i64>,
        whence: i32,
    ) -> PyResult<()> {
        audit::raise_event(vm, "fcntl.lockf", || {
            let place = |given: Option<i64>| given.map_or_else(none, int::new);
            vec![Value::int(fd.0), Value::int(cmd), place(len), place(start), Value::int(whence)]
        })?;
        let (len, start) = (len.unwrap_or(0), start.unwrap_or(0));
        let kind = if cmd & c::LOCK_UN != 0 {
            c::F_UNLCK
        } else if cmd & c::LOCK_SH != 0 {
            c::F_RDLCK
        } else if cmd & c::LOCK_EX != 0 {
            c::F_WRLCK
        } else {
            return Err(vm.value_error("unrecognized lockf argument"));
        };
        let command = if cmd & c::LOCK_NB != 0 { c::F_SETLK } else { c::F_SETLKW };
        vm.blocking(|| host::lock_record(fd.0, command, kind, start, len, whence))?.or_raise(vm)
    }
}
