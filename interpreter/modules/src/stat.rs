//! `_stat`: what the bits of a file's mode mean.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::Ref;
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "_stat",
    doc: "S_IFMT_: file type bits\nS_IFDIR: directory\nS_IFCHR: character device\nS_IFBLK: block device",
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
    ("SF_APPEND", 0o1000000), ("SF_ARCHIVED", 0o200000), ("SF_DATALESS", 0o10000000000),
    ("SF_FIRMLINK", 0o40000000), ("SF_IMMUTABLE", 0o400000), ("SF_NOUNLINK", 0o4000000),
    ("SF_SETTABLE", 0o37777600000), ("SF_SNAPSHOT", 0o10000000), ("ST_ATIME", 0o7), ("ST_CTIME", 0o11),
    ("ST_DEV", 0o2), ("ST_GID", 0o5), ("ST_INO", 0o1), ("ST_MODE", 0o0), ("ST_MTIME", 0o10),
    ("ST_NLINK", 0o3), ("ST_SIZE", 0o6), ("ST_UID", 0o4), ("S_ENFMT", 0o2000), ("S_IEXEC", 0o100),
    ("S_IFBLK", 0o60000), ("S_IFCHR", 0o20000), ("S_IFDIR", 0o40000), ("S_IFDOOR", 0o0),
    ("S_IFIFO", 0o10000), ("S_IFLNK", 0o120000), ("S_IFPORT", 0o0), ("S_IFREG", 0o100000),
    ("S_IFSOCK", 0o140000), ("S_IFWHT", 0o0), ("S_IREAD", 0o400), ("S_IRGRP", 0o40), ("S_IROTH", 0o4),
    ("S_IRUSR", 0o400), ("S_IRWXG", 0o70), ("S_IRWXO", 0o7), ("S_IRWXU", 0o700), ("S_ISGID", 0o2000),
    ("S_ISUID", 0o4000), ("S_ISVTX", 0o1000), ("S_IWGRP", 0o20), ("S_IWOTH", 0o2), ("S_IWRITE", 0o200),
    ("S_IWUSR", 0o200), ("S_IXGRP", 0o10), ("S_IXOTH", 0o1), ("S_IXUSR", 0o100), ("UF_APPEND", 0o4),
    ("UF_COMPRESSED", 0o40), ("UF_DATAVAULT", 0o200), ("UF_HIDDEN", 0o100000), ("UF_IMMUTABLE", 0o2),
    ("UF_NODUMP", 0o1), ("UF_NOUNLINK", 0o20), ("UF_OPAQUE", 0o10), ("UF_SETTABLE", 0o177777),
    ("UF_TRACKED", 0o100),
];

const KIND: u32 = 0o170_000;

/// The mode in an argument.
fn mode_of(vm: &Vm, mode: &Value) -> PyResult<u32> {
    let number: i128 = int::to_fixed(vm, mode, "unsigned long")?;
    u32::try_from(number).map_err(|_| vm.overflow_error("mode out of range"))
}

fn is_kind(vm: &Vm, mode: &Value, kind: u32) -> PyResult<bool> {
    Ok(mode_of(vm, mode)? & KIND == kind)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return the portion of the file's mode that can be set by os.chmod().
    #[function("S_IMODE(object, /)")]
    fn permissions(vm: &Vm, object: &Value) -> PyResult<u32> {
        Ok(mode_of(vm, object)? & 0o7777)
    }

    /// Return the portion of the file's mode that describes the file type.
    #[function("S_IFMT(object, /)")]
    fn kind(vm: &Vm, object: &Value) -> PyResult<u32> {
        Ok(mode_of(vm, object)? & KIND)
    }

    /// Return True if mode is from a directory.
    #[function("S_ISDIR(object, /)")]
    fn isdir(vm: &Vm, object: &Value) -> PyResult<bool> {
        is_kind(vm, object, 0o040_000)
    }

    /// Return True if mode is from a character special device file.
    #[function("S_ISCHR(object, /)")]
    fn ischr(vm: &Vm, object: &Value) -> PyResult<bool> {
        is_kind(vm, object, 0o020_000)
    }

    /// Return True if mode is from a block special device file.
    #[function("S_ISBLK(object, /)")]
    fn isblk(vm: &Vm, object: &Value) -> PyResult<bool> {
        is_kind(vm, object, 0o060_000)
    }

    /// Return True if mode is from a regular file.
    #[function("S_ISREG(object, /)")]
    fn isreg(vm: &Vm, object: &Value) -> PyResult<bool> {
        is_kind(vm, object, 0o100_000)
    }

    /// Return True if mode is from a FIFO (named pipe).
    #[function("S_ISFIFO(object, /)")]
    fn isfifo(vm: &Vm, object: &Value) -> PyResult<bool> {
        is_kind(vm, object, 0o010_000)
    }

    /// Return True if mode is from a symbolic link.
    #[function("S_ISLNK(object, /)")]
    fn islnk(vm: &Vm, object: &Value) -> PyResult<bool> {
        is_kind(vm, object, 0o120_000)
    }

    /// Return True if mode is from a socket.
    #[function("S_ISSOCK(object, /)")]
    fn issock(vm: &Vm, object: &Value) -> PyResult<bool> {
        is_kind(vm, object, 0o140_000)
    }

    /// Return True if mode is from a door, which this system does not have.
    #[function("S_ISDOOR(object, /)")]
    fn isdoor(vm: &Vm, object: &Value) -> PyResult<bool> {
        mode_of(vm, object).map(|_| false)
    }

    /// Return True if mode is from a event port, which this system does not have.
    #[function("S_ISPORT(object, /)")]
    fn isport(vm: &Vm, object: &Value) -> PyResult<bool> {
        mode_of(vm, object).map(|_| false)
    }

    /// Return True if mode is from a whiteout, which this system does not have.
    #[function("S_ISWHT(object, /)")]
    fn iswht(vm: &Vm, object: &Value) -> PyResult<bool> {
        mode_of(vm, object).map(|_| false)
    }

    /// Convert a file's mode to a string of the form '-rwxrwxrwx'.
    #[function("filemode(object, /)")]
    fn filemode(vm: &Vm, object: &Value) -> PyResult<Ref<Str>> {
        let mode = mode_of(vm, object)?;
        let kind = match mode & KIND {
            0o100_000 => '-',
            0o120_000 => 'l',
            0o140_000 => 's',
            0o060_000 => 'b',
            0o040_000 => 'd',
            0o020_000 => 'c',
            0o010_000 => 'p',
            _ => '?',
        };
        let mut text = String::from(kind);
        for (shift, special, set, unset) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
            let bits = mode >> shift;
            text.push(if bits & 4 != 0 { 'r' } else { '-' });
            text.push(if bits & 2 != 0 { 'w' } else { '-' });
            text.push(match (mode & special != 0, bits & 1 != 0) {
                (true, true) => set,
                (true, false) => unset,
                (false, true) => 'x',
                (false, false) => '-',
            });
        }
        Ok(Str::new(&text))
    }
}
