import argparse
import importlib.resources
import inspect
import os
import pkgutil
import subprocess
import sys
import traceback

import pkg

from . import sub
from .sub import mod

print(__name__, __package__, __spec__.name, __file__, sub.VALUE)
print(sorted(os.listdir(os.path.dirname(__file__))))
print(importlib.resources.files("pkg").joinpath("data/a.txt").read_text(), end="")
with importlib.resources.as_file(importlib.resources.files(pkg) / "data" / "a.txt") as path:
    print(path.is_file(), path.stat().st_size, os.access(path, os.W_OK))
print([module.name for module in pkgutil.walk_packages(pkg.__path__, "pkg.")])
print(pkgutil.get_data("pkg", "data/a.txt"))
print(inspect.getsource(mod.g), end="")
try:
    mod.g()
except ValueError:
    traceback.print_exc(file=sys.stdout)


def run(*words):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    print(words, done.returncode, done.stdout, done.stderr, sep="|")


if len(sys.argv) == 1:
    run("-c", "import sys, pkg; print(sys.argv, sys.executable, sys.orig_argv[0], pkg.__file__)")
    run("-m", "pkg.sub.mod")
    run("-I", "script.py", "word")
    run("--again")
    run(sys.argv[0], "again")
else:
    print(sys.argv)
argparse.ArgumentParser().print_usage()
