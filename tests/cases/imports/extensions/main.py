import _imp
import builtins
import importlib
import importlib.machinery
import importlib.util
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader


def print(*values, **options):
    """What is printed does not depend on the machine, which the names of files tell."""
    builtins.print(*(str(value).replace(os.uname().machine, "MACHINE") for value in values), **options)



for name in ("_bz2", "_decimal", "_queue", "mmap", "termios", "_testmultiphase"):
    module = importlib.import_module(name)
    folder, file = os.path.split(module.__file__)
    print(name, file, os.path.basename(folder), type(module.__spec__.loader).__name__, module.__package__ == "")
    print(name in sys.builtin_module_names, os.path.isfile(module.__file__), file in os.listdir(folder), folder in sys.path)
print(EXTENSION_SUFFIXES, importlib.util.find_spec("math").loader.__name__)


def attempt(call, *args):
    try:
        print("gave", type(call(*args)).__name__)
    except Exception as error:
        place = os.path.basename(getattr(error, "path", None) or "")
        print(type(error).__name__, str(error).rpartition("/")[2], getattr(error, "name", None), place, error.__cause__)


class Spec:
    def __init__(self, **names):
        self.__dict__.update(names)


multi = importlib.util.find_spec("_testmultiphase").origin
single = importlib.util.find_spec("_testsinglephase").origin
for names in (
    {}, {"name": "x"}, {"name": 3, "origin": "x"}, {"name": "x", "origin": 3}, {"name": "x\0", "origin": "x"},
    {"name": "x", "origin": "x\0"}, {"name": "x", "origin": "/absent.so"}, {"name": "absent", "origin": multi},
    {"name": "package.absent", "origin": multi}, {"name": "fo\xf3", "origin": multi}, {"name": "x", "origin": multi},
):
    attempt(_imp.create_dynamic, Spec(**names))
attempt(_imp.exec_dynamic, 1)
attempt(_imp._override_multi_interp_extensions_check, 1)


def load(name, path):
    loader = ExtensionFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


for kind in """
bad_slot_large bad_slot_negative negative_size export_null export_raise export_unreported_exception create_null create_raise
create_unreported_exception exec_err exec_raise exec_unreported_exception multiple_create_slots
multiple_multiple_interpreters_slots nonmodule nonmodule_with_methods null_slots
""".split():
    print(kind, end=" ")
    attempt(load, "_testmultiphase_" + kind, multi)
print(load("_testmultiphase_nonmodule_with_methods", multi).bar(10, 1))

for kind in ("", "_basic_wrapper", "_basic_copy", "_with_reinit", "_with_state", "_check_cache_first"):
    name = "_testsinglephase" + kind
    first = load(name, single)
    first.added = 1
    again = load(name, single)
    print(kind, first.__name__, again is first, sys.modules[name] is again, hasattr(again, "added"))

for name in ("refused", "resource"):
    try:
        print(hasattr(importlib.import_module(name), "getrlimit"))
    except ImportError as error:
        print(type(error).__name__, error.name, os.path.basename(error.path))
