"""Record what this CPython compiles a library to: record.py LIBRARY DESTINATION.

A line a file: 16 digits of the source's SHA-256, 16 of the marshalled code's, and the path below LIBRARY, which
is also the file name that the code bears. Two records: `library`, and `tests` for what is below `test`.
"""

import hashlib
import marshal
import pathlib
import platform
import sys
import warnings

HEAD = """\
# What CPython {version} compiles {what} to, written by tests/parity/record. A line a file: the start of the
# SHA-256 of its source, that of its marshalled code (optimisation level 0), and the name it is compiled under.
"""


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def lines(library, paths):
    for path in paths:
        source = path.read_bytes()
        name = path.relative_to(library).as_posix()
        try:
            code = compile(source, name, "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError):
            # The tests have files that must not compile.
            continue
        yield f"{digest(source)} {digest(marshal.dumps(code))} {name}\n"


def main():
    library, destination = map(pathlib.Path, sys.argv[1:])
    pinned = (library / ".version").read_text().strip()
    if sys.implementation.name != "cpython" or platform.python_version() != pinned:
        sys.exit(f"this is {sys.implementation.name} {platform.python_version()}; CPython {pinned} is to be recorded")
    warnings.simplefilter("ignore")
    paths = sorted(library.rglob("*.py"), key=lambda path: path.relative_to(library).as_posix())
    tests = [path for path in paths if path.relative_to(library).parts[0] == "test"]
    rest = [path for path in paths if path.relative_to(library).parts[0] != "test"]
    for name, what, group in ("library", "the library", rest), ("tests", "the library's tests", tests):
        head = HEAD.format(version=pinned, what=what)
        (destination / name).write_text(head + "".join(lines(library, group)))


main()
