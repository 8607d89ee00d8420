//! Native modules of the standard library.

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
