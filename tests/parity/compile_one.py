"""Compile one file and write the marshalled code: compile_one.py FILE NAME.

For each optimisation level the code's length, in four bytes, and the code; or, behind a length of zero, what the exception
says, as JSON. Nothing is imported that is not needed: what other code leaves interned would show.
"""

import marshal
import sys

with open(sys.argv[1], "rb") as file:
    source = file.read()
output = sys.stdout.buffer
for level in 0, 1, 2:
    try:
        code = compile(source, sys.argv[2], "exec", dont_inherit=True, optimize=level)
    except SyntaxError as error:
        import json

        details = error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset
        output.write(bytes(4) + json.dumps([type(error).__name__, *details]).encode())
        break
    data = marshal.dumps(code)
    output.write(len(data).to_bytes(4) + data)
    # While the code lives, its strings are interned, which would show in the next one.
    del code
