"""What `sysconfig` tells of how the interpreter was built.

There is no Makefile behind it: the interpreter is one static file that loads no shared modules. The names are those
that programs ask for; paths are where the executable shows its library.
"""
import sys

_prefix = sys.base_prefix
_library = f"{_prefix}/lib/python3.14"
_multiarch = sys.implementation._multiarch
_machine = _multiarch.partition("-")[0]
_system = f"{_machine}-{'pc' if _machine == 'x86_64' else 'unknown'}-linux-gnu"
_abi = f"{sys.implementation.cache_tag}-{_multiarch}"

build_time_vars = {
    "ABIFLAGS": sys.abiflags,
    "ALT_SOABI": "",
    "BINDIR": f"{_prefix}/bin",
    "BINLIBDEST": _library,
    "BUILD_GNU_TYPE": _system,
    "CONFIG_ARGS": "",
    "DESTSHARED": f"{_library}/lib-dynload",
    "ENABLE_IPV6": 1,
    "EXE": "",
    "EXT_SUFFIX": f".{_abi}.so",
    "HAVE_DYNAMIC_LOADING": 0,
    "HAVE_FORK": 1,
    "HOST_GNU_TYPE": _system,
    "INCLUDEDIR": f"{_prefix}/include",
    "INCLUDEPY": f"{_prefix}/include/python3.14",
    "LDVERSION": "3.14",
    "LIBDEST": _library,
    "LIBDIR": f"{_prefix}/lib",
    "MACHDEP": "linux",
    "MULTIARCH": _multiarch,
    "PLATLIBDIR": sys.platlibdir,
    "PYTHONFRAMEWORK": "",
    "PYTHONFRAMEWORKPREFIX": "",
    "Py_DEBUG": 0,
    "Py_ENABLE_SHARED": 0,
    "Py_GIL_DISABLED": 0,
    "Py_TRACE_REFS": 0,
    "SHLIB_SUFFIX": ".so",
    "SIZEOF_LONG": 8,
    "SIZEOF_SIZE_T": 8,
    "SIZEOF_TIME_T": 8,
    "SIZEOF_VOID_P": 8,
    "SIZEOF_WCHAR_T": 4,
    "SOABI": _abi,
    "TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo",
    "VERSION": "3.14",
    "WITH_DOC_STRINGS": 1,
    "abs_builddir": _prefix,
    "abs_srcdir": _prefix,
    "exec_prefix": _prefix,
    "prefix": _prefix,
    "projectbase": _prefix,
    "srcdir": _prefix,
}
