"""What `json` does with `_json`."""

import json

from data import INTEGERS, NUMBERS, PLAIN, POINTS, documents
from registry import program

WIDE = documents("Gruß aus München, 東京")
MIXED = documents('with "quotes" \\ and\nlines')
PLAIN_TEXT, WIDE_TEXT, MIXED_TEXT = map(json.dumps, (PLAIN, WIDE, MIXED))
WIDE_UNESCAPED = json.dumps(WIDE, ensure_ascii=False)
INDENTED = json.dumps(PLAIN, indent=2)
NUMBERS_TEXT, INTEGERS_TEXT = json.dumps(NUMBERS), json.dumps(INTEGERS)


@program
def json_dumps():
    json.dumps(PLAIN)


@program
def json_dumps_wide():
    json.dumps(WIDE)


@program
def json_dumps_wide_unescaped():
    json.dumps(WIDE, ensure_ascii=False)


@program
def json_dumps_escapes():
    json.dumps(MIXED)


@program
def json_dumps_indent():
    json.dumps(PLAIN, indent=2)


@program
def json_dumps_sorted():
    json.dumps(PLAIN, sort_keys=True, separators=(",", ":"))


@program
def json_dumps_floats():
    json.dumps(NUMBERS)


@program
def json_dumps_ints():
    json.dumps(INTEGERS)


@program
def json_dumps_small():
    for document in PLAIN:
        json.dumps(document)


@program
def json_dumps_default():
    json.dumps(POINTS, default=vars)


@program
def json_loads():
    json.loads(PLAIN_TEXT)


@program
def json_loads_wide():
    json.loads(WIDE_TEXT)


@program
def json_loads_wide_unescaped():
    json.loads(WIDE_UNESCAPED)


@program
def json_loads_escapes():
    json.loads(MIXED_TEXT)


@program
def json_loads_indented():
    json.loads(INDENTED)


@program
def json_loads_floats():
    json.loads(NUMBERS_TEXT)


@program
def json_loads_ints():
    json.loads(INTEGERS_TEXT)


@program
def json_loads_hook():
    json.loads(PLAIN_TEXT, object_hook=dict)


@program
def json_loads_bytes():
    json.loads(PLAIN_TEXT.encode())
