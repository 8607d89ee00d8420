//! Native modules of the standard library.

mod decompression;
mod hashes;
mod support;
mod testing;

use rspy_runtime::native::NativeModule;

macro_rules! modules {
    ($($name:ident)*) => {
        $(pub mod $name;)*

        static MODULES: &[&NativeModule] = &[
            $(&$name::MODULE,)*
            &interpreters::queues::MODULE,
            &multibyte::providers::cn::MODULE,
            &multibyte::providers::hk::MODULE,
            &multibyte::providers::iso2022_::MODULE,
            &multibyte::providers::jp::MODULE,
            &multibyte::providers::kr::MODULE,
            &multibyte::providers::tw::MODULE,
            &testing::capi::MODULE,
            &testing::internal::MODULE,
            &testing::limited::MODULE,
            &testing::multi_phase::MODULE,
        ];
    };
}

// One a line, in alphabetical order.
modules! {
    array
    ast
    asyncio
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
    decimal
    errno
    expat
    faulthandler
    fcntl
    functools
    gc
    grp
    heapq
    interpreters
    io
    itertools
    json
    locale
    lsprof
    lzma
    math
    md5
    mmap
    multibyte
    multiprocessing
    opcode
    operator
    pickle
    posix
    posixshmem
    posixsubprocess
    pwd
    queue
    random
    remote_debugging
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
