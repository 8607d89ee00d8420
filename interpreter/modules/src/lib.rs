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

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    MODULES
}
