"""As much of pyperf as pyperformance's programs use: it measures in this process, and prints a line a result.

A line is `measured`, the name and the seconds of a call, separated by tabs. BENCH_SECONDS says how long to measure.
"""

import argparse
import os
import sys
from time import perf_counter

__version__ = "0"


def python_implementation():
    return sys.implementation.name


class Runner:
    def __init__(self, *arguments, **options):
        self.argparser = argparse.ArgumentParser()
        self.metadata = {}
        self.args = None

    def parse_args(self, args=None):
        if self.args is None:
            self.args = self.argparser.parse_args(args)
        return self.args

    def bench_time_func(self, name, function, *arguments, inner_loops=None, **options):
        self.parse_args()
        limit = float(os.environ.get("BENCH_SECONDS", "1"))
        loops = 1
        took = function(loops, *arguments)
        # Rounds that are long enough for the clock, then as many of them as there is time for.
        while took < limit / 10:
            loops *= 2
            took = function(loops, *arguments)
        best, spent = took, took
        while spent < limit:
            took = function(loops, *arguments)
            best = min(best, took)
            spent += took
        print("measured", name, f"{best / loops / (inner_loops or 1):.9g}", sep="\t", flush=True)

    def bench_func(self, name, function, *arguments, inner_loops=None, **options):
        def repeat(loops):
            start = perf_counter()
            for _ in range(loops):
                function(*arguments)
            return perf_counter() - start

        self.bench_time_func(name, repeat, inner_loops=inner_loops)

    def bench_async_func(self, name, function, *arguments, loop_factory=None, **options):
        import asyncio

        def repeat(loops):
            async def calls():
                start = perf_counter()
                for _ in range(loops):
                    await function(*arguments)
                return perf_counter() - start

            with asyncio.Runner(loop_factory=loop_factory) as runner:
                return runner.run(calls())

        self.bench_time_func(name, repeat)
