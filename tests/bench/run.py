"""Run programs under two interpreters in turn and print ratios: run.py BASE RSPY PROGRAMS [NAME ...]."""

import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

STUB = pathlib.Path(__file__).resolve().parent / "stub"
NAMES = """
chaos comprehensions deltablue fannkuch float generators go hexiom nbody nqueens pidigits pyflate raytrace richards
richards_super scimark spectral_norm unpack_sequence
""".split()
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))


def start_up(executable):
    """Seconds that `-c pass` takes."""
    start = time.perf_counter()
    subprocess.run([executable, "-c", "pass"], check=True)
    return time.perf_counter() - start


def peak_memory(executable):
    """Megabytes that the process has used at most when it has started.

    It tells itself: what `wait4` tells of a child includes what its parent had before the child's `exec`.
    """
    program = "print(open('/proc/self/status').read())"
    output = subprocess.run([executable, "-c", program], check=True, capture_output=True, text=True).stdout
    return next(int(line.split()[1]) / 1024 for line in output.splitlines() if line.startswith("VmHWM:"))


def compare_start_up(base, rspy):
    pairs = [(start_up(base), start_up(rspy)) for _ in range(40)]
    # The minimum is what the program takes; the rest is what else the machine did.
    fastest = [min(pair[which] for pair in pairs) * 1e3 for which in (0, 1)]
    memory = [peak_memory(base), peak_memory(rspy)]
    print(f"{'start-up':20} {fastest[0] / fastest[1]:6.2f}   {fastest[0]:.1f} ms -> {fastest[1]:.1f} ms")
    print(f"{'memory at start-up':20} {memory[0] / memory[1]:6.2f}   {memory[0]:.1f} MB -> {memory[1]:.1f} MB")


def run(executable, folder):
    """Seconds a call of each thing that a program measures, or a line on why there are none."""
    environment = dict(os.environ, PYTHONPATH=str(STUB), PYTHONHASHSEED="0", BENCH_SECONDS=str(SECONDS))
    command = [executable, "run_benchmark.py"]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return {}, "no end within ten minutes"
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("measured\t")]
    if done.returncode or not lines:
        return {}, (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return {name: float(seconds) for _, name, seconds in lines}, ""


def main():
    base, rspy, programs, *names = sys.argv[1:]
    rspy = os.path.abspath(rspy)
    print("ratio: times of the base, divided by those of rspy; above 1 rspy is faster")
    compare_start_up(base, rspy)
    ratios, failed = [], []
    for name in names or NAMES:
        folder = pathlib.Path(programs) / f"bm_{name}"
        if not folder.is_dir():
            sys.exit(f"{name}: no such program")
        expected, problem = run(base, folder)
        if not expected:
            print(f"{name:20}  base: {problem}")
            continue
        measured, problem = run(rspy, folder)
        # Once more in turn, so that a busy moment of the machine hits one round and not one interpreter.
        for results, executable in ((expected, base), (measured, rspy)) if measured else ():
            for label, seconds in run(executable, folder)[0].items():
                results[label] = min(seconds, results.get(label, seconds))
        for label, seconds in expected.items():
            if label not in measured:
                print(f"{label:20}      -   {problem or 'not measured'}")
                failed.append(label)
                continue
            ratios.append(seconds / measured[label])
            print(f"{label:20} {ratios[-1]:6.2f}   {seconds:.4g} s -> {measured[label]:.4g} s", flush=True)
    if ratios:
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        print(f"{len(ratios)} results, geometric mean {mean:.2f}, least {min(ratios):.2f}; {len(failed)} failed")
    sys.exit(bool(failed))


main()
