"""Documentation."""
import json, sys
assert False
print(sys.flags.optimize, __doc__, json.loads.__doc__, __debug__)
import subprocess
print(subprocess.run([sys.executable, "-c", "import sys; print(sys.flags.optimize)"], capture_output=True, text=True).stdout)
