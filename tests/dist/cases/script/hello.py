import os
import sys

import helper
from parts import one

print("hello", sys.argv, __name__, __file__, __spec__, sys.frozen)
print(helper.where(), one.VALUE)
print(os.listdir(os.path.dirname(__file__)), sys.path)
print(open(os.path.join(os.path.dirname(__file__), "data", "text")).read(), end="")
print(sys.flags.isolated, sys.flags.ignore_environment, "stray" in sys.modules)
try:
    import stray
except ImportError as error:
    print(error)
print(sys.stdin.read(), end="")
raise SystemExit("the end")
