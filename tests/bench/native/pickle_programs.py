"""What `pickle` does with `_pickle`."""

import io
import pickle

from data import INTEGERS, MOMENTS, NUMBERS, PLAIN, POINTS
from registry import program, programs

KINDS = {
    "documents": PLAIN,
    "ints": INTEGERS,
    "floats": NUMBERS,
    "texts": [f"text number {number}" for number in range(1000)],
    "tuples": [(number, str(number), number / 3) for number in range(500)],
    "dict": {f"key{number}": number for number in range(1000)},
    "sets": [{number, number + 1} for number in range(300)],
    "instances": POINTS,
    "datetimes": MOMENTS,
    "bytes": [bytes(100) for _ in range(500)],
}


def add_pickle(kind, value):
    stored = pickle.dumps(value, 5)
    programs[f"pickle_dumps_{kind}"] = lambda: pickle.dumps(value, 5)
    programs[f"pickle_loads_{kind}"] = lambda: pickle.loads(stored)


for kind, value in KINDS.items():
    add_pickle(kind, value)


@program
def pickle_dumps_protocol_2():
    pickle.dumps(PLAIN, 2)


@program
def pickle_file():
    file = io.BytesIO()
    pickle.dump(PLAIN, file, 5)
    file.seek(0)
    pickle.load(file)
