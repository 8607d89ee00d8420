"""Attributes, comparisons, operators and calls with keywords of native objects at places that run often."""
import datetime
import struct
from fractions import Fraction


def parts(thing):
    return thing.real, thing.imag


def bounds(thing):
    return thing.start, thing.stop


def less(left, right):
    return left < right


def plus(left, right):
    return left + right


def same(left, right):
    return left == right


def often(function, *args):
    """The result of the last of many calls, which specialise the function's instructions."""
    for _ in range(200):
        try:
            result = function(*args)
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
    return result


class Real:
    real = "real"

    @property
    def imag(self):
        raise AttributeError("nothing here")


class Number(int):
    @property
    def real(self):
        return "overridden"


class Silent:
    def __lt__(self, other):
        return NotImplemented

    def __eq__(self, other):
        return []


class Loud(Silent):
    def __gt__(self, other):
        return "greater"

    def __radd__(self, other):
        return "added"


for thing in (5, 2.5, 1j, Fraction(1, 3), Number(7), True, Real(), "text", 5, Number(7)):
    print(type(thing).__name__, often(parts, thing))
for thing in (slice(1, 2), range(3, 9), slice(None), range(5), None):
    print(often(bounds, thing))
today, delta = datetime.date(2024, 2, 29), datetime.timedelta(1)
things = (1, 2.5, "a", b"b", (1, "x"), (1, "y"), [1], today, delta, Silent(), Loud(), Number(3), 10**30, None)
for left in things:
    row = [often(function, left, right) for right in things for function in (less, plus, same)]
    print(type(left).__name__, [repr(answer) if "object at" not in repr(answer) else type(answer) for answer in row])
    print("if", [bool(1) if often(lambda: True if left == right else False) else bool(0) for right in things])
texts = ["", "a", "b", "ab", "a" * 20, "a" * 19 + "b", "é", "žába", "a\0"]
print([[often(same, one, "".join(other)) for other in map(list, texts)] for one in texts])


def with_keywords():
    return (max([3, 1], key=lambda number: -number), "a,b".split(sep=","), int("ff", base=16), sorted([2, 1], reverse=True),
            "{x}".format(x=1), today.replace(day=1), dict(a=1), struct.Struct(format="<H").size)


print(often(with_keywords))
for call in (lambda: "a".split(seq=","), lambda: str.split(sep=","), lambda: str.split(5, sep=","),
             lambda: "a".split(",", sep=","), lambda: "a".split(",", sep=",", bogus=1), lambda: print(1, ends=""),
             lambda: [].sort(None), lambda: "a".encode(encoding=5), lambda: datetime.date.replace(today, day=40)):
    print(often(call))
elements = set([1, 1.0, "a", "b", None, today, (1, 2), 2**61 - 1, 0])
print(len(elements), today in elements, {1, 2} == set([2, 1]), often(set, [[]]), often(lambda: set([1, 2, {}])))
