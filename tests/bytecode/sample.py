"""Constructs of every kind, each run once: what alterations of its code may reach."""

import asyncio
from contextlib import contextmanager


def arithmetic(a, b, c=3, *rest, key=None, **others):
    total = a + b * c - (a // (b or 1)) ** 2
    total += len(rest)
    flags = [a < b, a == c, not a, a is b, a in rest, key is None]
    if a and b or c:
        total = -total
    x = y = total
    x, y = y, x
    first, *middle, last = [x, y, a, b]
    return total, flags, middle, {**others, "k": first}, last


def loops(items):
    found = []
    for index, item in enumerate(items):
        if item == 3:
            continue
        if item > 6:
            break
        found.append(item * index)
    else:
        found.append("else")
    while len(found) < 8:
        found.append(len(found))
    squares = [n * n for n in found if isinstance(n, int)]
    pairs = {n: str(n) for n in squares}
    unique = {n % 3 for n in squares}
    return found[1:4], squares, pairs, unique, sum(n for n in squares)


def handlers(number):
    result = []
    try:
        try:
            result.append(10 / number)
        except ZeroDivisionError as error:
            result.append(type(error).__name__)
            raise ValueError("again") from error
        finally:
            result.append("finally")
    except (ValueError, TypeError) as error:
        result.append(error.__cause__ is not None)
    else:
        result.append("else")
    try:
        raise ExceptionGroup("group", [ValueError(1), KeyError(2)])
    except* ValueError as group:
        result.append(len(group.exceptions))
    except* KeyError:
        result.append("key")
    return result


def closures():
    count = 0
    names = []

    def add(name, step=1):
        nonlocal count
        count += step
        names.append(name)
        return lambda: (count, names, name)

    add("a")
    return add("b", step=5)()


def generators():
    def inner(limit):
        received = None
        for n in range(limit):
            try:
                received = yield n, received
            except ValueError:
                received = "thrown"
        return "done"

    def outer():
        result = yield from inner(3)
        yield result

    generator = outer()
    out = [next(generator), generator.send(5), generator.throw(ValueError())]
    out.extend(generator)
    return out


@contextmanager
def managed(value):
    try:
        yield value
    finally:
        value.append("closed")


def contexts():
    log = []
    with managed(log) as a, managed([]) as b:
        a.append(len(b))
    try:
        with managed(log):
            raise KeyError("x")
    except KeyError:
        log.append("caught")
    return log


class Base:
    kind = "base"

    def __init__(self, value):
        self.value = value

    def describe(self):
        return f"{self.kind}:{self.value!r:>6}"


class Derived(Base):
    kind = "derived"
    __slots__ = ("extra",)

    def __init__(self, value, extra):
        super().__init__(value)
        self.extra = extra

    def describe(self):
        return super().describe() + f"+{self.extra}"

    @property
    def double(self):
        return self.value * 2


def classes():
    item = Derived(4, "x")
    item.value += 1
    item.note = "n"
    del item.note
    return item.describe(), item.double, [Base(n).describe() for n in range(3)]


def patterns(subject):
    match subject:
        case 0 | 1:
            return "small"
        case [first, *others] if first:
            return first, others
        case {"key": value, **rest}:
            return value, rest
        case Base(value=inside):
            return inside
        case str() as text:
            return text.upper()
        case _:
            return None


async def asynchronous():
    async def ticks(n):
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    class Guard:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *details):
            return True

    out = []
    async with Guard():
        async for tick in ticks(3):
            out.append(tick)
        out += [tick async for tick in ticks(2)]
        raise ValueError
    return out


def generic[T: int](value: T) -> T:
    type Alias = list[T]
    return value, Alias


def dynamic():
    scope = {}
    exec("a = 1\nb = [a for _ in range(2)]", scope)
    text = t"{scope['a']} and {scope['b']!r}"
    return scope["b"], text.strings, eval("a + 1", scope), arithmetic(*[1, 2], **{"key": 5})


def everything():
    return [
        arithmetic(1, 2), arithmetic(5, 0, 1, 2, 3, key=4, other=5), loops([1, 2, 3, 4, 9]), loops([]),
        handlers(0), handlers(2), closures(), generators(), contexts(), classes(),
        [patterns(s) for s in (0, [1, 2], {"key": 1, "b": 2}, Base(7), "text", 2.5)],
        asyncio.run(asynchronous()), generic(3), dynamic(),
    ]


everything()
