"""Measure native modules that are there for speed under two interpreters in turn: native BASE RSPY [NAME ...].

Every program does what users of the module do; those of a module have a file of their own. A name narrows the run to the
programs that begin with it. What is printed are ratios: times of the base, divided by those of rspy; above 1 rspy is faster.
"""

import math
import os
import statistics
import subprocess
import sys
import time

# Importing these registers their programs, in this order.
import json_programs
import pickle_programs
import csv_programs
import datetime_programs
import struct_programs
from registry import programs

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.15"))


def measure(call):
    """Seconds of a call: the best of as many as fit."""
    best, end = math.inf, time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        call()
        stop = time.perf_counter()
        best = min(best, stop - start)
        if stop > end:
            return best


def chosen(names):
    return [name for name in programs if not names or name.startswith(tuple(names))]


def run(executable, names):
    command = [executable, os.path.dirname(os.path.abspath(__file__)), "--measure", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name: float(seconds) for name, seconds in map(str.split, done.stdout.splitlines())}


def main(base, rspy, *names):
    names = chosen(names)
    best = {base: {}, rspy: {}}
    for _ in range(ROUNDS):
        for executable, known in best.items():
            for name, seconds in run(executable, names).items():
                known[name] = min(seconds, known.get(name, seconds))
    ratios = [best[base][name] / best[rspy][name] for name in names]
    for name, ratio in zip(names, ratios):
        print(f"{name:30} {ratio:6.2f}   {best[base][name] * 1e6:8.1f} µs -> {best[rspy][name] * 1e6:8.1f} µs")
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    print(f"{len(ratios)} results, geometric mean {mean:.2f}, least {min(ratios):.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--measure", *names]:
            for name in chosen(names):
                print(name, measure(programs[name]), flush=True)
        case [base, rspy, *names]:
            main(base, rspy, *names)
        case _:
            sys.exit(__doc__)
