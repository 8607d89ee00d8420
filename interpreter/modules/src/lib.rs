//! Native modules of the standard library.

mod hashes;
mod support;

use rspy_runtime::native::NativeModule;

macro_rules! modules {
    ($($name:ident)*) => {
        $(pub mod $name;)*

        static MODULES: &[&NativeModule] = &[$(&$name::MODULE,)*];
    };
}

// One a line, in alphabetical order.
modules! {
    binascii
    bisect
    blake2
    collections
    contextvars
    functools
    heapq
    io
    itertools
    json
    math
    md5
    opcode
    operator
    posix
    random
    sha1
    sha2
    sha3
    sre
    struct_
    thread
    zlib
}

pub mod atexit;
pub mod errno;
pub mod fcntl;
pub mod functools;
pub mod grp;
pub mod io;
pub mod itertools;
pub mod locale;
pub mod operator;
pub mod posix;
pub mod posixsubprocess;
pub mod pwd;
pub mod select;
pub mod signal;
pub mod sre;
pub mod stat;
pub mod thread;
pub mod time;

use rspy_runtime::native::NativeModule;

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    &[
        &atexit::MODULE,
        &errno::MODULE,
        &fcntl::MODULE,
        &functools::MODULE,
        &grp::MODULE,
        &io::MODULE,
        &itertools::MODULE,
        &locale::MODULE,
        &operator::MODULE,
        &posix::MODULE,
        &posixsubprocess::MODULE,
        &pwd::MODULE,
        &select::MODULE,
        &signal::MODULE,
        &sre::MODULE,
        &stat::MODULE,
        &thread::MODULE,
        &time::MODULE,
    ]
}
