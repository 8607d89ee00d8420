# Syntax that a library seldom has.
from __future__ import annotations
from . import a as b, c
from .d.e import (f, g,)
import h.i as j, k
@m
async def n[T: int = str, *U, **V](a, /, b: int = 1, *c: *U, d, e=2, **f) -> None:
    """Documentation."""
    global g1, g2
    async with a as b, (c): pass
    async for x in y: break
    else: continue_ = 1
    await x
    yield (await y)
    return [x async for x in y if await z async for w in (v async for v in u)]
class C[T](A, *B, metaclass=D, **E):
    x: int
    y: str = 'a' "b" f'{x!r:>{y}}' rf'\{z}' u'c'
    def __init__(self): super().__init__(); self.__private = __class__
    def f(self): nonlocal_ = lambda *a, b=1, **k: (yield)
type Alias[T] = list[T]
match x:
    case 1 | -2.5 | 3+4j | 'a' 'b' | b'c' | None | True: pass
    case [a, *_, b] | (a, b): pass
    case {'k': v, **rest} if v: pass
    case Point(x=0, y=C.D) as p: pass
    case _: pass
try: pass
except* (A, B) as e: raise X from e
finally:
    del a, b.c, d[e], (f, [g])
try:
    pass
except A, B:
    pass
else:
    assert x, 'm'
with (open(a) as b, c, d as (e, f)): pass
with (a, b): pass
x = y = *z, w = 1, 2
x: (yield) = 1
x @= y; x **= 2; x //= 3; x >>= 4; x <<= 5; x &= 6; x |= 7; x ^= 8; x %= 9
x[1:2, ::3, *a, ...] = {**a, 'b': 1, **c} | {1, *d} | {k: v for k, v in e}
if (y := f(x, *a, b=c, **d)) and not z or w is not u not in t != s <= r: pass
elif x if y else lambda: z: pass
while ~-+x ** -y ** z @ w // v: break
print(f"{x=!s:{'a' if b else f'{c}'}}{{}}" rb'\x00' if 0 else t'{y}{z!a:>10}', 0x_ff, 0o17, 0b1_0, 1_000.5e-3j, .5, 5.)
for i, (j, *k) in a, *b: x = i if j else k; continue
'''triple \N{BULLET} \u00e9 \U0001F600 \x41 \101
'''; ünïcode = ﬁ = 1
def g(): x = yield; y = yield from z; return x, *y
for x in {1, 2, 3}: x in (1, 2, 3); x in [1, 'a']; -1; 2 ** 10; 'a' * 3; (1, (2, 3)); not 1
