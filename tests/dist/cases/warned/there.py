import sys
if sys.platform == "win32":
    import msvcrt
import time
def f():
    import later
