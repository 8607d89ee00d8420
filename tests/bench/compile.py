"""Compare how fast and in how much memory two interpreters compile and tokenize a library: compile.py BASE RSPY FREEZER LIBRARY.

A process of either reads all sources, then compiles or tokenizes all of them whenever it is told to and answers with the
CPU seconds that took. Both are told in turn, several times over; what counts is the least of each. The freezer compiles the
same files to `.pyc` files, on one core and on two.
"""

import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
WORKER = r"""
import collections, io, sys, time, tokenize, warnings
warnings.simplefilter("ignore")
task, *paths = sys.stdin.readline().rstrip("\n").split("\t")
sources = []
for path in paths:
    try:
        with open(path, "rb") as file:
            source = file.read()
        if task == "tokenize":
            with tokenize.open(path) as file:
                source = file.read()
        compile(source, path, "exec", dont_inherit=True)
        sources.append((path, source))
    except (SyntaxError, UnicodeDecodeError):
        pass

def run_compile():
    for path, source in sources:
        compile(source, path, "exec", dont_inherit=True)

def run_tokenize():
    for path, source in sources:
        collections.deque(tokenize.generate_tokens(io.StringIO(source).readline), 0)

run = run_compile if task == "compile" else run_tokenize
for _ in sys.stdin:
    start = time.process_time()
    run()
    print(time.process_time() - start, flush=True)
with open("/proc/self/status") as file:
    print(next(line.split()[1] for line in file if line.startswith("VmHWM:")))
"""


class Worker:
    """A process that does one task whenever it is told to."""

    def __init__(self, executable, task, paths):
        command = [executable, "-I", "-c", WORKER]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.say("\t".join([task, *map(str, paths)]))
        self.times = []

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def run(self):
        self.say("run")
        self.times.append(float(self.process.stdout.readline()))

    def finish(self):
        """Ends the process; tells how many megabytes it had at most."""
        memory, _ = self.process.communicate()
        return int(memory) / 1024


def compare(task, base, rspy, paths):
    workers = [Worker(executable, task, paths) for executable in (base, rspy)]
    for _ in range(ROUNDS):
        for worker in workers:
            worker.run()
    memory = [worker.finish() for worker in workers]
    least = [min(worker.times) for worker in workers]
    report(task, *least, "s of CPU")
    report(f"{task}: memory", *memory, "MB")
    return least[0]


def freeze(freezer, library, paths, threads):
    """The least seconds, and CPU seconds, that the freezer takes to compile the files."""
    least = [float("inf")] * 2
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            copies = [pathlib.Path(folder, path.relative_to(library)) for path in paths]
            for path, copy in zip(paths, copies):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.perf_counter()
            environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
            done = subprocess.run([freezer, "compile", *copies], env=environment, stderr=subprocess.PIPE, text=True)
            seconds = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            failures = done.stderr.splitlines()
            assert len(failures) < 10, failures[:3]
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            least = [min(least[0], seconds), min(least[1], cpu)]
    return least


def report(what, base, rspy, unit):
    print(f"{what:32} {rspy / base:6.2f}   {base:.3f} -> {rspy:.3f} {unit}", flush=True)


def main():
    base, rspy, freezer, library = sys.argv[1:]
    library = pathlib.Path(library)
    paths = sorted(path for path in library.rglob("*.py") if "test" not in path.relative_to(library).parts)
    print(f"{len(paths)} files, {sum(path.stat().st_size for path in paths) / 1e6:.1f} MB; ratios of times, at best of {ROUNDS}")
    seconds = compare("compile", base, rspy, paths)
    compare("tokenize", base, rspy, paths)
    for threads in (1, 2):
        elapsed, cpu = freeze(freezer, library, paths, threads)
        report(f"freezer, {threads} thread{'s'[:threads - 1]}, elapsed", seconds, elapsed, "s")
        report(f"freezer, {threads} thread{'s'[:threads - 1]}, CPU", seconds, cpu, "s")


if __name__ == "__main__":
    main()
