#!/usr/bin/env python3
"""What packaged applications cost, beside other packagers: distribution.py RSPY FREEZER TOOLS [--machine PYTHON] [--apps …] [--runs N]

TOOLS is an environment with PyInstaller, Nuitka, shiv and pex, as far as they are to be compared, and with what the
applications need (click, rich, sympy): the same distributions go into all of them. PYTHON is one with PyInstaller among
whatever else is installed on a machine, which PyInstaller takes in where something mentions it. Each application prints a line and waits;
measured are the size of the file, the time to build it (for the freezer with an empty cache and again with a full one), the
time from start to the first line (median), the files that have appeared in the temporary and home folders by then, and the
most memory that its processes have had by then, as the system says of each (VmHWM). Written is a table in Markdown.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

APPLICATIONS = {
    "hello": ("", 'import sys\nprint("hello", flush=True)\nsys.stdin.readline()\n'),
    "click and rich": (
        "click rich",
        '''import sys
import click
from rich.console import Console
from rich.table import Table

@click.command()
@click.option("--count", default=2)
def main(count):
    table = Table(title="greetings")
    table.add_column("n")
    table.add_column("text")
    for n in range(count):
        table.add_row(str(n), "hello")
    Console().print(table)
    sys.stdout.flush()
    sys.stdin.readline()

if __name__ == "__main__":
    main()
''',
    ),
    # Later releases of sympy and mpmath import ctypes.
    "sympy": (
        "sympy==1.12.1 mpmath==1.3.0",
        '''import sys
from sympy import integrate, sin, symbols
x = symbols("x")
print(integrate(sin(x) * x, x), flush=True)
sys.stdin.readline()
''',
    ),
}


class Unavailable(Exception):
    """A packager that is not there or does not build the application."""


def run(command, folder, environment=None):
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable((done.stderr or done.stdout).strip().splitlines()[-1:] or [f"status {done.returncode}"])


def tool(tools, name):
    found = tools / "bin" / name
    if not found.exists():
        raise Unavailable("not installed")
    return found


def package_of(script, folder):
    """The script as a package with an entry point, for packagers that take nothing else."""
    package = folder / "project"
    package.mkdir()
    # The guard goes, and with it the call behind it.
    text = script.read_text().partition("\nif __name__")[0] + "\n"
    text = "".join("    " + line for line in text.splitlines(True))
    (package / "app.py").write_text("def start():\n" + text + ("    main()\n" if "def main" in text else ""))
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "app"\nversion = "1"\n[project.scripts]\napp = "app:start"\n[tool.setuptools]\npy-modules = ["app"]\n'
    )
    return package


def with_freezer(options, script, needs, folder, cache, *more):
    command = [options.freezer, "build", "--quiet", "--base", options.rspy, "--cache", cache, script, "-o", folder / "app"]
    if needs:
        command += ["--site", options.sites[needs], "--allow-missing-native"]
    run([*command, *more], folder)
    return folder / "app"


def with_pyinstaller(options, script, needs, folder, cache):
    command = [tool(options.tools, "pyinstaller"), "--onefile", "--name", "app", "--distpath", folder, script]
    run(command, folder, {**os.environ, "PYINSTALLER_CONFIG_DIR": str(cache)})
    return folder / "app"


def with_pyinstaller_of_machine(options, script, needs, folder, cache):
    if not options.machine:
        raise Unavailable("no --machine was given")
    command = [options.machine, "-m", "PyInstaller", "--onefile", "--name", "app", "--distpath", folder, script]
    run(command, folder, {**os.environ, "PYINSTALLER_CONFIG_DIR": str(cache)})
    return folder / "app"


def with_nuitka(options, script, needs, folder, cache):
    python = tool(options.tools, "python")
    tool(options.tools, "nuitka")
    command = [python, "-m", "nuitka", "--onefile", "--assume-yes-for-downloads", "--output-filename=app", script]
    run(command, folder, {**os.environ, "NUITKA_CACHE_DIR": str(cache)})
    return folder / "app"


def with_shiv(options, script, needs, folder, cache):
    package = package_of(script, folder)
    run([tool(options.tools, "shiv"), "-o", folder / "app", "-e", "app:start", package, *needs.split()], folder)
    return folder / "app"


def with_pex(options, script, needs, folder, cache):
    package = package_of(script, folder)
    command = [tool(options.tools, "pex"), package, *needs.split(), "-e", "app:start", "-o", folder / "app"]
    run([*command, "--pex-root", cache], folder)
    return folder / "app"


PACKAGERS = {
    "freezer build": with_freezer,
    "freezer build --tree-shake": lambda *given: with_freezer(*given, "--tree-shake"),
    # What PyInstaller and Nuitka put in: no sources.
    "freezer build --tree-shake --no-source": lambda *given: with_freezer(*given, "--tree-shake", "--no-source"),
    "PyInstaller --onefile": with_pyinstaller,
    "PyInstaller --onefile, a machine's Python": with_pyinstaller_of_machine,
    "Nuitka --onefile": with_nuitka,
    "shiv (needs a Python)": with_shiv,
    "pex (needs a Python)": with_pex,
}


def family(process):
    """A process and all that it started, directly or not."""
    found = [process]
    for own in found:
        for task in pathlib.Path(f"/proc/{own}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def peak(process):
    """The most memory in KiB that a process and those that it started have had so far. What the system says when they end
    would not do: there the memory of whoever started them counts too."""
    total = 0
    for own in family(process):
        for line in pathlib.Path(f"/proc/{own}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1])
    return total


def start(application):
    """Seconds until the first line, files that had appeared by then, and the peak of memory in KiB."""
    with tempfile.TemporaryDirectory() as place:
        home, temporary = pathlib.Path(place, "home"), pathlib.Path(place, "tmp")
        home.mkdir()
        temporary.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(temporary), "LANG": "C.UTF-8"}
        begun = time.perf_counter()
        process = subprocess.Popen([application], cwd=place, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = process.stdout.readline()
        seconds = time.perf_counter() - begun
        files = sum(path.is_file() for folder in (home, temporary) for path in folder.rglob("*"))
        memory = peak(process.pid) if line else 0
        process.stdin.close()
        process.stdout.read()
        process.wait()
        if not line:
            raise Unavailable("it ends without a line")
        return seconds, files, memory


def measure(name, packager, options, script_text, needs):
    with tempfile.TemporaryDirectory() as place:
        folder, cache = pathlib.Path(place), pathlib.Path(place, "cache")
        builds = []
        for attempt in ["first", "again"] if "freezer" in name else ["first"]:
            (folder / attempt).mkdir()
            script = folder / attempt / "app_script.py"
            script.write_text(script_text)
            begun = time.perf_counter()
            application = packager(options, script, needs, folder / attempt, cache)
            builds.append(time.perf_counter() - begun)
        size = application.stat().st_size
        starts = [start(application) for _ in range(options.runs)]
        seconds = statistics.median(seconds for seconds, *_ in starts)
        # What a packager unpacks to a cache it does at the first start only.
        return size, builds, starts[0][0], seconds, starts[0][1], max(memory for *_, memory in starts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rspy", type=pathlib.Path)
    parser.add_argument("freezer", type=pathlib.Path)
    parser.add_argument("tools", type=pathlib.Path)
    parser.add_argument("--machine", type=pathlib.Path)
    parser.add_argument("--apps", nargs="*", default=list(APPLICATIONS))
    parser.add_argument("--packagers", nargs="*", default=list(PACKAGERS))
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    options.rspy, options.freezer, options.tools = (path.absolute() for path in (options.rspy, options.freezer, options.tools))
    with tempfile.TemporaryDirectory() as place:
        compare(options, pathlib.Path(place))


def site(options, needs, folder):
    """A folder with what an application needs and nothing else."""
    run([tool(options.tools, "python"), "-m", "pip", "install", "--quiet", "--target", folder, *needs.split()], folder.parent)
    return folder


def compare(options, place):
    options.sites = {}
    print("| application | packager | MB | build s (again) | first start ms | start ms | files written | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for application in options.apps:
        needs, text = APPLICATIONS[application]
        if needs:
            options.sites[needs] = site(options, needs, place / needs.replace(" ", "-"))
        for name in options.packagers:
            try:
                size, builds, first, seconds, files, memory = measure(name, PACKAGERS[name], options, text, needs)
            except Unavailable as reason:
                print(f"| {application} | {name} | does not build: {reason} | | | | | |", flush=True)
                continue
            again = f" ({builds[1]:.2f})" if len(builds) > 1 else ""
            print(
                f"| {application} | {name} | {size / 1e6:.1f} | {builds[0]:.2f}{again} | {first * 1e3:.0f} "
                f"| {seconds * 1e3:.0f} | {files} | {memory * 1.024e-3:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
