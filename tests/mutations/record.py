"""Record what this CPython makes of altered library files: record.py LIBRARY DESTINATION.

Five thousand alterations, always the same ones: a token dropped, doubled or swapped with the next, an indentation changed, a
quote lost, a character replaced. DESTINATION, compressed with Zstandard, has a line for each, its parts with tabs between:
the file below LIBRARY, the range of bytes that is replaced, by what, and the result. That is `=` and 8 digits of the SHA-256
of the marshalled code, or what the exception says: type, message, line, column, end line, end column. Backslashes escape
tabs, line ends and backslashes.
"""

import concurrent.futures
import hashlib
import io
import marshal
import os
import pathlib
import platform
import random
import sys
import tokenize
import warnings
from compression import zstd

COUNT = 5000
SEED = 3627
LARGEST = 40_000
CHARACTERS = "()[]{}:;,.=+-*/%&|^~<>!@#$?`'\"\\ \t\n_abfrtux019é€"
SKIPPED = {tokenize.ENCODING, tokenize.ENDMARKER, tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT}


class File:
    """A source with its tokens as ranges of bytes."""

    def __init__(self, path):
        self.source = path.read_bytes()
        starts = [0]
        for line in self.source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        lines = self.source.decode().splitlines(keepends=True)

        def offset(position):
            line, column = position
            return starts[line - 1] + (len(lines[line - 1][:column].encode()) if line <= len(lines) else 0)

        tokens = tokenize.tokenize(io.BytesIO(self.source).readline)
        self.tokens = [(offset(token.start), offset(token.end)) for token in tokens if token.type not in SKIPPED]
        self.lines = [(start, line) for start, line in zip(starts, lines) if line.strip()]

    def alteration(self, rng):
        """A range and its replacement, in bytes."""
        index = rng.randrange(len(self.tokens) - 1)
        start, end = self.tokens[index]
        text = self.source[start:end]
        match rng.randrange(6):
            case 0:
                return start, end, b""
            case 1:
                return start, end, text + b" " + text
            case 2:
                next_start, next_end = self.tokens[index + 1]
                between = self.source[end:next_start]
                return start, next_end, self.source[next_start:next_end] + between + text
            case 3:
                start, line = rng.choice(self.lines)
                indentation = len(line) - len(line.lstrip(" \t"))
                return start, start + indentation, rng.choice([
                    b" " * (indentation + 1), b" " * max(0, indentation - 1), b"\t" * (indentation // 4 + 1),
                    b" " * (indentation + 4), b"", b" " * (indentation // 2),
                ])
            case 4:
                quotes = [at for at, byte in enumerate(self.source) if byte in b"'\""]
                at = rng.choice(quotes) if quotes else start
                return at, at + 1, b""
            case _:
                at = rng.randrange(len(self.source))
                while self.source[at] & 0xC0 == 0x80:
                    at -= 1
                end = at + 1
                while end < len(self.source) and self.source[end] & 0xC0 == 0x80:
                    end += 1
                return at, end, rng.choice(CHARACTERS).encode()


def result(source, name):
    try:
        code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError) as error:
        if not isinstance(error, SyntaxError):
            return [type(error).__name__, str(error)]
        return [type(error).__name__, error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset]
    return ["=" + hashlib.sha256(marshal.dumps(code)).hexdigest()[:8]]


def escape(part):
    return str(part).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def record(job):
    path, name, alterations = job
    warnings.simplefilter("ignore")
    source = path.read_bytes()
    lines = []
    for start, end, replacement in alterations:
        found = result(source[:start] + replacement + source[end:], name)
        parts = [name, start, end, replacement.decode(), *found]
        lines.append("\t".join(map(escape, parts)) + "\n")
    return "".join(lines)


def main():
    library, destination = map(pathlib.Path, sys.argv[1:])
    pinned = (library / ".version").read_text().strip()
    if sys.implementation.name != "cpython" or platform.python_version() != pinned:
        sys.exit(f"this is {sys.implementation.name} {platform.python_version()}; CPython {pinned} is to be recorded")
    rng = random.Random(SEED)
    names = sorted(path.relative_to(library).as_posix() for path in library.rglob("*.py"))
    names = [name for name in names if not name.startswith("test/") and (library / name).stat().st_size < LARGEST]
    jobs = {}
    files = {name: File(library / name) for name in names}
    names = [name for name in names if len(files[name].tokens) > 1]
    for _ in range(COUNT):
        name = rng.choice(names)
        jobs.setdefault(name, []).append(files[name].alteration(rng))
    with concurrent.futures.ProcessPoolExecutor(os.process_cpu_count()) as pool:
        work = [(library / name, name, jobs[name]) for name in sorted(jobs)]
        text = "".join(pool.map(record, work, chunksize=8))
    destination.write_bytes(zstd.compress(text.encode(), level=19))


if __name__ == "__main__":
    main()
