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
    bisect
    blake2
    collections
    contextvars
    functools
    heapq
    io
    itertools
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
    thread
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

mod support;

macro_rules! modules {
    ($($name:ident)*) => {
        $(pub mod $name;)*

        static MODULES: &[&NativeModule] = &[$(&$name::MODULE,)*];
    };
}

// One a line, in alphabetical order.
modules! {
    atexit
    bisect
    collections
    contextvars
    collections
    errno
    fcntl
    functools
    grp
    heapq
    io
    itertools
    locale
    math
    opcode
    operator
    posix
    posixsubprocess
    pwd
    random
    select
    signal
    sre
    stat
    thread
    time
}

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    MODULES
}
