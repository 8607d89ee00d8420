//! Native modules of the standard library.

mod decompression;
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
    bz2
    cmath
    collections
    contextvars
    csv
    datetime
    errno
    faulthandler
    fcntl
    functools
    gc
    grp
    heapq
    io
    itertools
    json
    locale
    lzma
    math
    md5
    mmap
    opcode
    operator
    pickle
    posix
    posixsubprocess
    pwd
    queue
    random
    resource
    select
    sha1
    sha2
    sha3
    signal
    socket
    sre
    stat
    statistics
    struct_
    suggestions
    symtable
    sysconfig
    syslog
    termios
    thread
    time
    tokenize
    unicodedata
    uuid
    zlib
    zoneinfo
    zstd
}

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    MODULES
}
