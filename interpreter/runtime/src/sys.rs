//! The module `sys`.

pub mod flags;
pub mod hooks;
pub mod input;
pub mod introspection;
pub mod monitoring;
pub mod printer;
pub mod process;
pub mod prompt;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::exceptions::PyResult;
use crate::object::Object;
use crate::struct_sequence;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::none::none;
use crate::types::structseq;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Version of CPython whose behaviour this is.
pub const VERSION: (i32, i32, i32) = (3, 14, 10);

struct_sequence! {
    /// sys.version_info
    ///
    /// Version information as a named tuple.
    pub struct VersionInfo("sys", "version_info") {
        visible {
            major: "Major release number", minor: "Minor release number", micro: "Patch release number",
            releaselevel: "'alpha', 'beta', 'candidate', or 'final'", serial: "Serial release number",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// sys.float_info
    ///
    /// A named tuple holding information about the float type.
    pub struct FloatInfo("sys", "float_info") {
        visible {
            max: "DBL_MAX -- maximum representable finite float",
            max_exp: "DBL_MAX_EXP -- maximum int e such that radix**(e-1) is representable",
            max_10_exp: "DBL_MAX_10_EXP -- maximum int e such that 10**e is representable",
            min: "DBL_MIN -- Minimum positive normalized float",
            min_exp: "DBL_MIN_EXP -- minimum int e such that radix**(e-1) is a normalized float",
            min_10_exp: "DBL_MIN_10_EXP -- minimum int e such that 10**e is a normalized float",
            dig: "DBL_DIG -- maximum number of decimal digits that can be faithfully represented in a float",
            mant_dig: "DBL_MANT_DIG -- mantissa digits",
            epsilon: "DBL_EPSILON -- Difference between 1 and the next representable float",
            radix: "FLT_RADIX -- radix of exponent",
            rounds: "FLT_ROUNDS -- rounding mode used for arithmetic operations",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// sys.int_info
    ///
    /// A named tuple that holds information about Python's internal representation of integers.
    pub struct IntInfo("sys", "int_info") {
        visible {
            bits_per_digit: "size of a digit in bits", sizeof_digit: "size in bytes of the type of a digit",
            default_max_str_digits: "maximum string conversion digits limitation",
            str_digits_check_threshold: "minimum positive value for int_max_str_digits",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// sys.hash_info
    ///
    /// A named tuple providing parameters used for computing hashes.
    pub struct HashInfo("sys", "hash_info") {
        visible {
            width: "width of the type used for hashing, in bits",
            modulus: "prime number giving the modulus on which the hash function is based",
            inf: "value to be used for hash of a positive infinity",
            nan: "value to be used for hash of a nan",
            imag: "multiplier used for the imaginary part of a complex number",
            algorithm: "name of the algorithm for hashing of str, bytes and memoryviews",
            hash_bits: "internal output size of hash algorithm", seed_bits: "seed size of hash algorithm",
            cutoff: "small string optimization cutoff",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// sys.thread_info
    ///
    /// A named tuple holding information about the thread implementation.
    pub struct ThreadInfo("sys", "thread_info") {
        visible {
            name: "name of the thread implementation", lock: "name of the lock implementation",
            version: "name and version of the thread library",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// asyncgen_hooks
    pub struct AsyncGeneratorHooks("sys", "asyncgen_hooks") {
        visible { firstiter: "called when an asynchronous generator is first iterated", finalizer: "called when one is collected" }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// UnraisableHookArgs
    ///
    /// Type used to pass arguments to sys.unraisablehook.
    pub struct UnraisableHookArgs("sys", "UnraisableHookArgs") {
        visible {
            exc_type: "Exception type", exc_value: "Exception value", exc_traceback: "Exception traceback",
            err_msg: "Error message", object: "Object causing the exception",
        }
        unnamed 0
        hidden {}
    }
}

/// `sys.version`: CPython's version, and what this is.
pub fn version_text(compiler: &str) -> String {
    format!("{}.{}.{} (rspy {}) [{compiler}]", VERSION.0, VERSION.1, VERSION.2, env!("CARGO_PKG_VERSION"))
}

/// The release as a number.
pub const HEX_VERSION: i64 =
    (VERSION.0 as i64) << 24 | (VERSION.1 as i64) << 16 | (VERSION.2 as i64) << 8 | 0xf0;

crate::native_module! {
    name: "sys",
    doc: "This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with the interpreter.",
    functions: [introspection::Introspection::FUNCTIONS, hooks::Hooks::FUNCTIONS, process::Process::FUNCTIONS],
    types: [],
    execute: |vm, module| fill(vm, module),
}

/// Words of the command line, with undecodable bytes as lone surrogates (PEP 383).
fn words(vm: &Vm, words: &[OsString]) -> Vec<Value> {
    words.iter().map(|word| vm.fs_decode(word.as_bytes()).into_value()).collect()
}

fn texts(vm: &Vm, texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| vm.new_str(text)).collect()
}

fn fill(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    structseq::prepare_closed::<VersionInfo>(vm);
    structseq::prepare::<FloatInfo>(vm);
    structseq::prepare::<IntInfo>(vm);
    structseq::prepare::<HashInfo>(vm);
    structseq::prepare::<ThreadInfo>(vm);
    structseq::prepare::<AsyncGeneratorHooks>(vm);
    structseq::prepare::<UnraisableHookArgs>(vm);
    let configuration = &vm.interpreter.configuration;
    let int = |value: i64| crate::types::int::new(value);
    let text = |text: &str| vm.new_str(text);
    let float = crate::types::float::new;
    module.set(vm, "modules", vm.interpreter.modules.clone());
    module.set_str(vm, "version", &version_text(&configuration.compiler));
    module.set_int(vm, "hexversion", HEX_VERSION);
    let version = structseq::new::<VersionInfo>(vec![
        int(i64::from(VERSION.0)),
        int(i64::from(VERSION.1)),
        int(i64::from(VERSION.2)),
        text("final"),
        int(0),
    ]);
    module.set(vm, "version_info", version.clone());
    module.set_int(vm, "api_version", 1013);
    module.set_str(vm, "copyright", COPYRIGHT);
    module.set_str(vm, "platform", "linux");
    module.set_str(vm, "byteorder", "little");
    module.set_int(vm, "maxsize", i64::MAX);
    module.set_int(vm, "maxunicode", 0x10_ffff);
    module.set_str(vm, "float_repr_style", "short");
    module.set_str(vm, "platlibdir", "lib");
    module.set_str(vm, "abiflags", "");
    module.set(
        vm,
        "float_info",
        structseq::new::<FloatInfo>(vec![
            float(f64::MAX),
            int(1024),
            int(308),
            float(f64::MIN_POSITIVE),
            int(-1021),
            int(-307),
            int(15),
            int(53),
            float(f64::EPSILON),
            int(2),
            int(1),
        ]),
    );
    module.set(vm, "int_info", structseq::new::<IntInfo>(vec![int(30), int(4), int(4300), int(640)]));
    module.set(
        vm,
        "hash_info",
        structseq::new::<HashInfo>(vec![
            int(64),
            int((1 << 61) - 1),
            int(314_159),
            int(0),
            int(1_000_003),
            text("siphash13"),
            int(64),
            int(128),
            int(0),
        ]),
    );
    module.set(
        vm,
        "thread_info",
        structseq::new::<ThreadInfo>(vec![text("pthread"), text("semaphore"), text("NPTL")]),
    );
    let attributes = Dict::new();
    for (name, value) in [
        ("name", text("rspy")),
        ("cache_tag", text("cpython-314")),
        ("version", version),
        ("hexversion", int(HEX_VERSION)),
        ("_multiarch", text(crate::import::extension::MULTIARCH)),
        ("supports_isolated_interpreters", crate::types::bool::boolean(false)),
    ] {
        attributes.set_str(&vm.intern(name), value);
    }
    module.set(vm, "implementation", crate::types::namespace::Namespace::from_dict(vm, &attributes)?);
    module.set(vm, "flags", flags::make(vm, configuration));
    module.set(vm, "argv", List::from_vec(words(vm, &configuration.arguments)));
    module.set(vm, "orig_argv", List::from_vec(words(vm, &configuration.original_arguments)));
    module.set(vm, "warnoptions", List::from_vec(texts(vm, &configuration.warn_options)));
    let x_options = Dict::new();
    for (name, value) in &configuration.x_options {
        let value = value.as_ref().map_or_else(|| crate::types::bool::boolean(true), |value| text(value));
        x_options.set_str(&vm.intern(name), value);
    }
    module.set(vm, "_xoptions", x_options);
    let executable = &configuration.executable;
    module.set_str(vm, "executable", &configuration.program);
    let base = if configuration.environment.is_some() { executable } else { &configuration.program };
    module.set_str(vm, "_base_executable", base);
    let prefix = configuration.environment.as_ref().unwrap_or(executable);
    for (name, prefix) in [
        ("prefix", prefix),
        ("exec_prefix", prefix),
        ("base_prefix", executable),
        ("base_exec_prefix", executable),
    ] {
        module.set_str(vm, name, prefix);
    }
    if configuration.application.is_some() {
        module.set(vm, "frozen", crate::types::bool::boolean(true));
    }
    module.set_str(vm, "_stdlib_dir", &format!("{executable}/lib/python3.14"));
    module.set(vm, "path", List::new());
    module.set(vm, "meta_path", List::new());
    module.set(vm, "path_hooks", List::new());
    module.set(vm, "path_importer_cache", Dict::new());
    module.set(vm, "dont_write_bytecode", crate::types::bool::boolean(configuration.dont_write_bytecode));
    module.set(
        vm,
        "pycache_prefix",
        configuration.pycache_prefix.as_ref().map_or_else(none, |prefix| text(prefix)),
    );
    let git = Tuple::from_values([text("CPython"), text(""), text("")]);
    module.set(vm, "_git", git);
    module.set(vm, "_framework", text(""));
    let mut builtin: Vec<String> =
        vm.interpreter.native_modules.borrow().iter().map(|module| module.name.to_owned()).collect();
    builtin.extend(["sys".to_owned(), "builtins".to_owned()]);
    builtin.sort();
    builtin.dedup();
    module.set(vm, "builtin_module_names", Tuple::from_values(texts(vm, &builtin)));
    let library: Vec<Value> =
        LIBRARY_NAMES.split_ascii_whitespace().map(|name| vm.intern(name).into_value()).collect();
    module.set(vm, "stdlib_module_names", crate::types::set::FrozenSet::from_values(vm, library)?);
    let jit = process::jit_module(vm).into_value();
    vm.interpreter.modules.set_str(&vm.intern("sys._jit"), jit.clone());
    module.set(vm, "_jit", jit);
    let monitoring = monitoring::module(vm)?.into_value();
    vm.interpreter.modules.set_str(&vm.intern("sys.monitoring"), monitoring.clone());
    module.set(vm, "monitoring", monitoring);
    for (hook, original) in [
        ("displayhook", "__displayhook__"),
        ("excepthook", "__excepthook__"),
        ("breakpointhook", "__breakpointhook__"),
        ("unraisablehook", "__unraisablehook__"),
    ] {
        if let Some(function) = module.dict().get_str(&vm.intern(hook)) {
            module.set(vm, original, function);
        }
    }
    Ok(())
}

/// `sys.copyright`: the notice that CPython's library, frozen into the executable, asks for.
pub const COPYRIGHT: &str = "Copyright (c) 2001 Python Software Foundation.\nAll Rights Reserved.\n\nCopyright (c) 2000 BeOpen.com.\nAll Rights Reserved.\n\nCopyright (c) 1995-2001 Corporation for National Research Initiatives.\nAll Rights Reserved.\n\nCopyright (c) 1991-1995 Stichting Mathematisch Centrum, Amsterdam.\nAll Rights Reserved.";

/// Whether a module of the standard library has a name, which is not to say that it is there.
pub fn is_library_name(name: &str) -> bool {
    LIBRARY_NAMES.split_ascii_whitespace().any(|known| known == name)
}

/// Names of the library's modules (`sys.stdlib_module_names`).
const LIBRARY_NAMES: &str = "\
    __future__ _abc _aix_support _android_support _apple_support _ast _ast_unparse _asyncio _bisect _blake2 \
    _bz2 _codecs _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _collections \
    _collections_abc _colorize _compat_pickle _contextvars _csv _ctypes _curses _curses_panel _datetime _dbm \
    _decimal _elementtree _frozen_importlib _frozen_importlib_external _functools _gdbm _hashlib _heapq _hmac \
    _imp _interpchannels _interpqueues _interpreters _io _ios_support _json _locale _lsprof _lzma _markupbase \
    _md5 _multibytecodec _multiprocessing _opcode _opcode_metadata _operator _osx_support _overlapped _pickle \
    _posixshmem _posixsubprocess _py_abc _py_warnings _pydatetime _pydecimal _pyio _pylong _pyrepl _queue \
    _random _remote_debugging _scproxy _sha1 _sha2 _sha3 _signal _sitebuiltins _socket _sqlite3 _sre _ssl \
    _stat _statistics _string _strptime _struct _suggestions _symtable _sysconfig _thread _threading_local \
    _tkinter _tokenize _tracemalloc _types _typing _uuid _warnings _weakref _weakrefset _winapi _wmi _zoneinfo \
    _zstd abc annotationlib antigravity argparse array ast asyncio atexit base64 bdb binascii bisect builtins \
    bz2 cProfile calendar cmath cmd code codecs codeop collections colorsys compileall compression concurrent \
    configparser contextlib contextvars copy copyreg csv ctypes curses dataclasses datetime dbm decimal \
    difflib dis doctest email encodings ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch \
    fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac \
    html http idlelib imaplib importlib inspect io ipaddress itertools json keyword linecache locale logging \
    lzma mailbox marshal math mimetypes mmap modulefinder msvcrt multiprocessing netrc nt ntpath nturl2path \
    numbers opcode operator optparse os pathlib pdb pickle pickletools pkgutil platform plistlib poplib posix \
    posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re \
    readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site \
    smtplib socket socketserver sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string \
    stringprep struct subprocess symtable sys sysconfig syslog tabnanny tarfile tempfile termios textwrap this \
    threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo \
    types typing unicodedata unittest urllib uuid venv warnings wave weakref webbrowser winreg winsound \
    wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo \
";
