//! Native modules of the standard library.
//!
//! Those that CPython of Debian has in its executable are built in. For the others, files in the executable's folder stand
//! (`rspy_runtime::import::extension`), so that programs find them as they find CPython's, and may have modules of the
//! same names.

mod dbm;
mod decompression;
mod hashes;
pub mod own_executable;
mod sponge;
mod support;
mod testing;

use rspy_runtime::import::extension::ExtensionFile;
use rspy_runtime::native::NativeModule;
use rspy_runtime::startup::NativeModules;

macro_rules! modules {
    (built_in: $($name:ident)*; files: $($file:ident)*;) => {
        $(pub mod $name;)*
        $(pub mod $file;)*

        static BUILT_IN: &[&NativeModule] = &[$(&$name::MODULE,)*];

        static FILES: &[ExtensionFile] = &[
            $(ExtensionFile::Library(&$file::MODULE),)*
            ExtensionFile::Library(&dbm::gnu::MODULE),
            ExtensionFile::Library(&dbm::ndbm::MODULE),
            ExtensionFile::Library(&interpreters::channels::functions::MODULE),
            ExtensionFile::Library(&interpreters::queues::MODULE),
            ExtensionFile::Library(&multibyte::providers::cn::MODULE),
            ExtensionFile::Library(&multibyte::providers::hk::MODULE),
            ExtensionFile::Library(&multibyte::providers::iso2022_::MODULE),
            ExtensionFile::Library(&multibyte::providers::jp::MODULE),
            ExtensionFile::Library(&multibyte::providers::kr::MODULE),
            ExtensionFile::Library(&multibyte::providers::tw::MODULE),
            ExtensionFile::Library(&testing::capi::MODULE),
            ExtensionFile::Library(&testing::internal::MODULE),
            ExtensionFile::Library(&testing::limited::MODULE),
            testing::multi_phase::FILE,
            testing::single_phase::FILE,
        ];
    };
}

// One a line, in alphabetical order.
modules! {
    built_in:
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
    datetime
    elementtree
    errno
    expat
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
    math
    md5
    opcode
    operator
    pickle
    posix
    posixsubprocess
    pwd
    random
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
    thread
    time
    tokenize
    tracemalloc
    unicodedata
    zlib
    ;
    files:
    asyncio
    bz2
    decimal
    hashlib
    interpreters
    lsprof
    lzma
    mmap
    multibyte
    multiprocessing
    posixshmem
    queue
    remote_debugging
    resource
    sqlite
    termios
    uuid
    zoneinfo
    zstd
    ;
}

/// All modules.
pub fn modules() -> NativeModules {
    NativeModules { built_in: BUILT_IN, files: FILES }
}
