"""What instructions become when they have run a few times."""
import dis


def pair(x, y=0):
    a, b = x, y
    return a, b


def loop():
    for i in [1, 2, 3] * 3:
        pair(i)


def texts():
    return str(1), tuple([1]), "a".__class__, (1, 2, 3), 1000, 1.5


def never():
    for i in range(3):
        print(i)


for function in pair, loop, texts:
    for _ in range(4):
        function(*[0] * (function is pair))
for function in pair, loop, texts, never:
    dis.dis(function, adaptive=True)
