"""Record what this CPython compiles a library to: record.py LIBRARY DESTINATION.

A line a file: 16 digits of the source's SHA-256; 8 of the marshalled code's at optimisation levels 0, 1 and 2, and at
those levels without columns, with commas between; and the path below LIBRARY, which is also the file name that the code
bears. For files that do not compile, an exclamation mark in the place of the code, and behind the path what the exception
says. Two records: `library`, and `tests` for what is below `test`.
"""

import hashlib
import json
import marshal
import os
import pathlib
import platform
import subprocess
import sys
import warnings

HEAD = """\
# What CPython {version} compiles {what} to, written by tests/parity/record. A line a file: the start of the SHA-256 of
# its source; those of its marshalled code at optimisation levels 0, 1, 2, and again without columns; and the name it is
# compiled under. Where it does not compile: !, the name, and what the exception says.
"""


def digest(data, digits):
    return hashlib.sha256(data).hexdigest()[:digits]


def compiled(source, name):
    """The digests of the code at each level, or what the exception says."""
    digests = []
    for level in 0, 1, 2:
        try:
            code = compile(source, name, "exec", dont_inherit=True, optimize=level)
        except SyntaxError as error:
            return [type(error).__name__, error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset]
        digests.append(digest(marshal.dumps(code), 8))
        # While it lives, its strings are interned, which would show in the next one.
        del code
    return ",".join(digests)


def compiled_alone(path, name):
    """As `compiled`, in a process of its own: what other files leave interned would show."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open(writer, "w") as pipe:
            json.dump(compiled(path.read_bytes(), name), pipe)
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        found = json.load(pipe)
    os.waitpid(child, 0)
    return found


def collect(library):
    """By name, what each file below the library compiles to."""
    names = {path.relative_to(library).as_posix(): path for path in library.rglob("*.py")}
    return {name: compiled_alone(path, name) for name, path in names.items()}


def line(library, name, with_columns, without_columns):
    source = digest((library / name).read_bytes(), 16)
    if isinstance(with_columns, str):
        return f"{source} {with_columns},{without_columns} {name}\n"
    return "\t".join([f"{source} ! {name}", *map(str, with_columns)]) + "\n"


def main():
    warnings.simplefilter("ignore")
    if sys.argv[1] == "--collect":
        json.dump(collect(pathlib.Path(sys.argv[2])), sys.stdout)
        return
    library, destination = map(pathlib.Path, sys.argv[1:])
    pinned = (library / ".version").read_text().strip()
    if sys.implementation.name != "cpython" or platform.python_version() != pinned:
        sys.exit(f"this is {sys.implementation.name} {platform.python_version()}; CPython {pinned} is to be recorded")
    with_columns = collect(library)
    command = [sys.executable, "-I", "-B", "-X", "no_debug_ranges", __file__, "--collect", str(library)]
    without_columns = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    for name, what in ("library", "the library"), ("tests", "the library's tests"):
        names = sorted(path for path in with_columns if path.startswith("test/") == (name == "tests"))
        lines = [line(library, path, with_columns[path], without_columns[path]) for path in names]
        (destination / name).write_text(HEAD.format(version=pinned, what=what) + "".join(lines))


main()
