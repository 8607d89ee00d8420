//! Native modules of the standard library.

use rspy_runtime::native::NativeModule;

macro_rules! modules {
    ($($name:ident)*) => {
        $(pub mod $name;)*

        static MODULES: &[&NativeModule] = &[$(&$name::MODULE,)*];
    };
}

// One a line, in alphabetical order.
modules! {
    atexit
    collections
    errno
    fcntl
    functools
    grp
    io
    itertools
    locale
    math
    operator
    posix
    posixsubprocess
    pwd
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
