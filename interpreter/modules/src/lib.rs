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
    array
    ast
    atexit
    binascii
    bisect
    blake2
    cmath
    collections
    contextvars
    csv
    errno
    fcntl
    functools
    gc
    grp
    heapq
    io
    itertools
    json
    locale
    math
    md5
    opcode
    operator
    posix
    posixsubprocess
    pwd
    random
    resource
    select
    sha1
    sha2
    sha3
    signal
    sre
    stat
    struct_
    symtable
    thread
    time
    tokenize
    zlib
}

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    MODULES
}
