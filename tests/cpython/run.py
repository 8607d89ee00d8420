"""CPython's own test suite under an interpreter, held against the record: run.py [OPTION …] [TEST …]

    --python COMMAND   the interpreter under test; by default the one that runs this
    --jobs N           test files at a time; by default as many as there are processors
    --seconds S        what one test file may take (300)
    --part             only the files that the file `part` names
    --record           write the record anew from what is seen
    --baseline         write down which tests pass, as what is expected of everyone else; run under CPython

TEST narrows the run: `test_int`, `test_json` (a package: all of its files), `test_json.test_decode`.

Every file runs in a process and a folder of its own, so that a crash or a hang costs that file alone. The interpreter
runs from a virtual environment in which the tests are installed: where CPython has them beside its library, so that
children with `-I` find them, another one has no place for them but that. `baseline.gz`
lists the tests that pass under CPython on a machine like this. Of these, the file `missing` lists those that are known
not to pass here, and why: all others must. A file in which one fails runs once more, since some tests race or time
something; one that fails again makes this fail. One that is listed and passes is named, so that the list can shrink. `unsteady` names tests whose outcome differs from run to run under CPython too.
"""
import argparse
import concurrent.futures
import gzip
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = HERE.parent.parent / "Lib" / "python3.14"
NO_TESTS = {"data", "testdata", "typinganndata", "__pycache__", "certdata", "support", "libregrtest"}


def files_of_suite():
    """The modules of the suite, by name without `test.`."""
    root = LIBRARY / "test"
    for path in sorted(root.rglob("test_*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        folders = [root.joinpath(*parts[:depth]) for depth in range(1, len(parts))]
        if NO_TESTS.isdisjoint(parts[:-1]) and all((folder / "__init__.py").exists() for folder in folders):
            yield ".".join(parts)
    for path in sorted(root.glob("test_*/__init__.py")):
        if "(unittest.TestCase)" in path.read_text(encoding="utf-8", errors="replace"):
            yield path.parent.name


class Outcome:
    """What became of one file: how it ended, and of each test how and why."""

    def __init__(self, ending, tests, why, seconds):
        self.ending = ending
        self.tests = tests
        self.why = why
        self.seconds = seconds

    def passed(self):
        return {name for name, (outcome, _) in self.tests.items() if outcome == "ok"}

    def reason(self, name):
        if name in self.tests:
            outcome, why = self.tests[name]
            return why or {"start": f"the file ends here: {self.ending}"}.get(outcome, outcome)
        return self.why or f"did not run: {self.ending}"


def environment_with_tests(python, folder):
    """Makes a virtual environment in which `test` can be imported; answers the command of its interpreter."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([*python, "-m", "venv", "--without-pip", "--system-site-packages", folder], env=environment, check=True)
    [packages] = folder.glob("lib/python3.*/site-packages")
    (packages / "test").symlink_to(LIBRARY / "test")
    return [str(folder / "bin" / "python")]


def run_file(name, python, seconds):
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cpython-tests-", ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(folder)
        # Only the tests come from disk: the library is the interpreter's own.
        (folder / "path").mkdir()
        (folder / "path" / "test").symlink_to(LIBRARY / "test")
        (folder / "work").mkdir()
        told = folder / "outcomes"
        told.touch()
        environment = dict(os.environ, PYTHONPATH=str(folder / "path"), PYTHONDONTWRITEBYTECODE="1",
                           HOME=str(folder), TMPDIR=str(folder))
        command = [*python, str(HERE / "child.py"), "test." + name, str(told)]
        with open(folder / "output", "wb") as output:
            process = subprocess.Popen(command, cwd=folder / "work", env=environment, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=output, start_new_session=True)
            try:
                status = process.wait(seconds)
                ending = "status 0" if status == 0 else f"status {status}" if status > 0 else f"signal {-status}"
            except subprocess.TimeoutExpired:
                ending = f"takes more than {seconds:g} seconds"
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        tests, whys = read_outcomes(told)
        why = whys.get("skipped", "")
        if "loaded" not in whys and not why:
            lines = (folder / "output").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            why = " ".join(lines[-1].split())[:160] if lines else ending
    return Outcome(ending, tests, why, time.monotonic() - began)


def read_outcomes(path):
    tests, whys = {}, {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        outcome, name, why = (line.split("\t", 2) + ["", ""])[:3]
        if not name:
            whys[outcome] = why
        elif outcome == "start":
            tests.setdefault(name, ("start", ""))
        elif tests.get(name, ("start", ""))[0] == "start" or outcome != "ok":
            # A name may stand for several tests: all must pass.
            tests[name] = (outcome, why)
    return tests, whys


def read_baseline():
    expected, file = {}, None
    with gzip.open(HERE / "baseline.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("\t"):
                expected[file].add(line[1:])
            else:
                file = line
                expected[file] = set()
    return expected


def write_baseline(outcomes):
    lines = []
    for file, outcome in sorted(outcomes.items()):
        passed = outcome.passed()
        if passed:
            lines += [file, *("\t" + name for name in sorted(passed))]
    packed = gzip.compress("\n".join(lines + [""]).encode(), mtime=0)
    replace(HERE / "baseline.gz", packed)


def read_names(path):
    """The names in a list, each with what stands behind it; `#` begins a comment."""
    names = {}
    if not path.exists():
        return names
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, why = line.partition("  ")
        if name and not name.startswith("#"):
            names[name] = why.strip()
    return names


MISSING_HEAD = """\
# Tests that pass under CPython and do not here, each with the reason: what the test says when it fails, or what it
# needs that is not there. `FILE *` is all of a file. Written by `tests/cpython/run --record`.
"""


def write_missing(outcomes, expected, before):
    """Files that were not run keep what is known of them."""
    lines = []
    for file in sorted(expected):
        if file not in outcomes:
            lines += [f"{name}  {why}" for name, why in before.items() if name.split(" ")[0] == file]
            continue
        lost = sorted(expected[file] - outcomes[file].passed())
        if lost and len(lost) == len(expected[file]) and len({outcomes[file].reason(name) for name in lost}) == 1:
            lines.append(f"{file} *  {outcomes[file].reason(lost[0])}")
        else:
            lines += [f"{file} {name}  {outcomes[file].reason(name)}" for name in lost]
    # Where the checkout lies is nobody's business.
    text = "\n".join(lines).replace(f"{HERE.parent.parent}/", "")
    replace(HERE / "missing", f"{MISSING_HEAD}{text}\n".encode())


def replace(path, data):
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    os.replace(fresh, path)


class Progress:
    """One line that says where the run stands: on a terminal rewritten, elsewhere a line every so many files."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.is_terminal = sys.stderr.isatty()

    def step(self, name):
        self.done += 1
        if self.is_terminal:
            width = shutil.get_terminal_size().columns
            print(f"\r\x1b[K{self.done}/{self.total} {name}"[:width], end="", file=sys.stderr, flush=True)
        elif self.done % 50 == 0 or self.done == self.total:
            print(f"{self.done}/{self.total} files", file=sys.stderr, flush=True)

    def end(self):
        if self.is_terminal:
            print("\r\x1b[K", end="", file=sys.stderr)


def run_files(names, arguments):
    outcomes, progress = {}, Progress(len(names))
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = {pool.submit(run_file, name, arguments.python, arguments.seconds): name for name in names}
        for future in concurrent.futures.as_completed(running):
            outcomes[running[future]] = future.result()
            progress.step(running[future])
    progress.end()
    return outcomes


def lost_in(file, outcome, expected, missing, unsteady):
    """The tests of a file that should pass and do not."""
    if f"{file} *" in missing:
        return []
    lost = expected.get(file, set()) - outcome.passed()
    return sorted(name for name in lost if f"{file} {name}" not in missing and f"{file} {name}" not in unsteady)


def run_again(outcomes, arguments, *record):
    """Gives files in which something was lost a second chance: what passes in either run passes."""
    again = [file for file, outcome in outcomes.items() if lost_in(file, outcome, *record)]
    for file, second in (run_files(again, arguments) if again else {}).items():
        passed = outcomes[file].tests.items()
        second.tests.update((name, told) for name, told in passed if told[0] == "ok")
        outcomes[file] = second


def judge(outcomes, expected, missing, unsteady):
    """Prints what differs from the record; answers whether something that should pass does not."""
    wanted = passed = 0
    lost = []
    for file in sorted(outcomes):
        outcome = outcomes[file]
        have = outcome.passed()
        all_missing = f"{file} *" in missing
        wanted += len(expected.get(file, ()))
        passed += len(expected.get(file, set()) & have)
        lost += [f"{file} {name}  {outcome.reason(name)}" for name in lost_in(file, outcome, expected, missing, unsteady)]
        for name in sorted(expected.get(file, set()) & have):
            if all_missing or f"{file} {name}" in missing:
                print(f"passes now, take it off the list: {file} {name}")
        if outcome.ending.startswith(("signal", "status 70")):
            lost.append(f"{file}  ends by {outcome.ending}")
    for line in lost:
        print(f"should pass: {line}")
    share = 100 * passed / wanted if wanted else 100.0
    print(f"{passed} of the {wanted} tests that pass under CPython pass: {share:.2f} %")
    print(f"{passed} passed, {len(lost)} failed")
    return bool(lost)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=str.split, default=[sys.executable])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--part", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("tests", nargs="*")
    arguments = parser.parse_args()
    names = list(files_of_suite())
    chosen = list(read_names(HERE / "part")) if arguments.part else arguments.tests
    if chosen:
        names = [name for name in names if any(name == one or name.startswith(one + ".") for one in chosen)]
    if arguments.baseline:
        write_baseline(run_files(names, arguments))
        return 0
    with tempfile.TemporaryDirectory(prefix="cpython-tests-") as folder:
        arguments.python = environment_with_tests(arguments.python, pathlib.Path(folder) / "python")
        return run_and_judge(names, arguments)


def run_and_judge(names, arguments):
    outcomes = run_files(names, arguments)
    expected, missing = read_baseline(), read_names(HERE / "missing")
    if arguments.record:
        write_missing(outcomes, expected, missing)
        missing = read_names(HERE / "missing")
    record = (expected, missing, read_names(HERE / "unsteady"))
    run_again(outcomes, arguments, *record)
    return int(judge(outcomes, *record))


if __name__ == "__main__":
    sys.exit(main())
