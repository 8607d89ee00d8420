"""Indexes and sizes that no sequence has room for."""
import bisect
import collections
import itertools
import re

HUGE = [10**400, -(10**400), 2**63, -(2**63) - 1]


class Index:
    def __index__(self):
        return 10**30


def sequences():
    return ["abc", b"abc", bytearray(b"abc"), [1, 2, 3], (1, 2, 3), range(3), memoryview(b"abc"), {1: 2}, 5, object()]


def attempt(what, function, *arguments):
    try:
        result = function(*arguments)
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    print(what, result)


def assign(sequence, key):
    sequence[key] = 1


def delete(sequence, key):
    del sequence[key]


for sequence in sequences():
    name = type(sequence).__name__
    for key in (0, slice(1), slice(10**400, None), "key", HUGE[0], Index()):
        if name == "dict" or name in ("list", "bytearray", "memoryview") and not isinstance(key, (str, Index)):
            continue
        shown = "huge" if key is HUGE[0] else type(key).__name__
        attempt(f"{name} set {shown}:", assign, sequence, key)
        attempt(f"{name} del {shown}:", delete, sequence, key)

for huge in HUGE:
    attempt("insert", [1].insert, huge, 2)
    attempt("pop", [1].pop, huge)
    attempt("split", "a b".split, None, huge)
    attempt("replace", "a".replace, "a", "b", huge)
    attempt("zfill", b"a".zfill, huge)
    attempt("center", bytearray(b"a").center, huge)
    attempt("rotate", collections.deque([1]).rotate, huge)
    attempt("match", re.compile("a").match, "a", huge)
    attempt("bisect", bisect.bisect, [], 1, huge)
    attempt("repeat", itertools.repeat, 1, huge)
