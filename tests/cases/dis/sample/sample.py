"""A module with a little of everything."""

from __future__ import annotations

import sys as system
from collections import deque as Queue, OrderedDict


@decorate(1, *arguments, key=2, **rest)
class Shape[T: (int, str) = int](Base, metaclass=Meta):
    """Generic."""

    __slots__ = ("name", "sides")
    limit: int = 0x_ff + 1_000

    def area(self, /, scale: float = 1e-3, *, exact=False) -> float:
        if not (total := sum(side ** 2 for side in self.sides if side > 0)):
            return -0.0
        elif exact and self.limit is not None:
            return total // scale
        return total * scale if scale != 1 else ~total


type Pair[A, *B] = tuple[A, *B]


async def gather(*sources, **options):
    async with lock as held, other:
        async for item in source():
            yield await item
    return


def choose(value):
    match value:
        case 0 | 1.5j | -3 | "text" | None:
            return f"{value!r:>{width}} and {value=} {{}}"
        case [first, *others, _] if others:
            return first, others
        case {"key": Shape(name=name, sides=[]), **remaining}:
            return name, remaining
        case Shape(area, limit=0) as shape:
            return shape
        case _:
            pass
    try:
        value[1:2, ::3] @= [x for y in z for x in y]
        del value.attribute, value[0]
    except* (ValueError, TypeError) as error:
        raise RuntimeError(t"template {error}") from error
    else:
        assert value, "message"
    finally:
        while True:
            break
        for index, (a, *b) in enumerate({1, 2} | {k: v for k, v in {}.items()}.keys()):
            continue
        else:
            global everything
            everything = lambda x, *y, z=1: (yield)


counter = 0


def outer():
    shared = []

    def inner():
        nonlocal shared
        shared += [counter, b"bytes\x00", R"raw\n", ...]
        return inner

    with open("file") as handle, (yield from handle) as result:
        return inner
