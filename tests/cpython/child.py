"""Runs the tests of one module of CPython's suite and writes what becomes of each: child.py MODULE OUTCOMES

A line each: `start`, `ok`, `fail`, `error` or `skip`, then the test's name and, where it did not pass, the first line of
why. The line `loaded` says that the module could be imported, `done` that all its tests have run. What a crash or a
hang leaves behind is therefore a test that was started and never ended.
"""
import sys
import unittest


class Outcomes(unittest.TestResult):
    def __init__(self, sink):
        super().__init__()
        self.sink = sink
        self.subtest = None

    def say(self, outcome, test, why=""):
        name = test.id().replace("\\", "/").replace("\t", " ").replace("\n", " ")
        self.sink.write(f"{outcome}\t{name}\t{' '.join(why.split())[:160]}\n")
        self.sink.flush()

    def startTest(self, test):
        super().startTest(test)
        self.subtest = None
        self.said = False
        self.say("start", test)

    def conclude(self, outcome, test, why=""):
        if not self.said:
            self.said = True
            self.say(outcome, test, why)

    def explain(self, error):
        kind, value, _ = error
        try:
            lines = str(value).strip().splitlines() or [""]
            return f"{kind.__name__}: {lines[0]}"
        except BaseException as failure:
            return f"{kind.__name__}, whose text raises {type(failure).__name__}"

    def addSuccess(self, test):
        self.conclude("fail" if self.subtest else "ok", test, self.subtest or "")

    def addSkip(self, test, reason):
        self.conclude("skip", test, str(reason))

    def addExpectedFailure(self, test, error):
        self.conclude("ok", test)

    def addUnexpectedSuccess(self, test):
        self.conclude("fail", test, "succeeds unexpectedly")

    def addFailure(self, test, error):
        self.conclude("fail", test, self.explain(error))

    def addError(self, test, error):
        self.conclude("error", test, self.explain(error))

    def addSubTest(self, test, subtest, error):
        if error is not None and not self.subtest:
            self.subtest = self.explain(error)

    def stopTest(self, test):
        super().stopTest(test)
        self.conclude("fail" if self.subtest else "error", test, self.subtest or "ended without an outcome")


def main(name, path):
    # rspy is held to CPython's own details too: without this `support.cpython_only` would skip their tests.
    sys.implementation.name = "cpython"
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as sink:
        try:
            from test import support
            support.use_resources = {}
            support.verbose = 0
            tests = unittest.defaultTestLoader.loadTestsFromName(name)
        except unittest.SkipTest as reason:
            sink.write(f"skipped\t\t{reason}\n")
            return
        sink.write("loaded\t\t\n")
        tests.run(Outcomes(sink))
        sink.write("done\t\t\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
