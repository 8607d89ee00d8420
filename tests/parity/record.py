"""Record what this CPython compiles a library to: record.py LIBRARY DESTINATION.

A line a file: 16 digits of the source's SHA-256; 8 of the marshalled code's at optimisation levels 0, 1 and 2, and at
those levels without columns, with commas between; and the path below LIBRARY, which is also the file name that the code
bears. For files that do not compile, an exclamation mark in the place of the code, and behind the path what the exception
says. Two records: `library`, and `tests` for what is below `test`.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import platform
import subprocess
import sys

HEAD = """\
# What CPython {version} compiles {what} to, written by tests/parity/record. A line a file: the start of the SHA-256 of
# its source; those of its marshalled code at optimisation levels 0, 1, 2, and again without columns; and the name it is
# compiled under. Where it does not compile: !, the name, and what the exception says.
"""


def digest(data, digits):
    return hashlib.sha256(data).hexdigest()[:digits]


def compiled(path, name, *options):
    """The digests of the code at each level, or what the exception says; in a process of its own."""
    script = pathlib.Path(__file__).with_name("compile_one.py")
    command = [sys.executable, "-I", "-S", "-B", "-W", "ignore", *options, script, path, name]
    data = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    digests = []
    while data:
        length, data = int.from_bytes(data[:4]), data[4:]
        if not length:
            return json.loads(data)
        digests.append(digest(data[:length], 8))
        data = data[length:]
    return digests


def line(library, path):
    name = path.relative_to(library).as_posix()
    source = digest(path.read_bytes(), 16)
    digests = compiled(path, name)
    if len(digests) != 3:
        return "\t".join([f"{source} ! {name}", *map(str, digests)]) + "\n"
    digests += compiled(path, name, "-X", "no_debug_ranges")
    return f"{source} {','.join(digests)} {name}\n"


def main():
    library, destination = map(pathlib.Path, sys.argv[1:])
    pinned = (library / ".version").read_text().strip()
    if sys.implementation.name != "cpython" or platform.python_version() != pinned:
        sys.exit(f"this is {sys.implementation.name} {platform.python_version()}; CPython {pinned} is to be recorded")
    paths = sorted(library.rglob("*.py"), key=lambda path: path.relative_to(library).as_posix())
    tests = [path for path in paths if path.relative_to(library).parts[0] == "test"]
    rest = [path for path in paths if path.relative_to(library).parts[0] != "test"]
    with concurrent.futures.ThreadPoolExecutor(os.process_cpu_count()) as pool:
        for name, what, group in ("library", "the library", rest), ("tests", "the library's tests", tests):
            lines = pool.map(lambda path: line(library, path), group)
            (destination / name).write_text(HEAD.format(version=pinned, what=what) + "".join(lines))


main()
