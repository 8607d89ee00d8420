import sys
if sys.platform == "win32":
    import winreg
import time
def f():
    import later
