import importlib
import packages
print(importlib.import_module(".".join(["packages", "kept"])).VALUE)
try:
    importlib.import_module(".".join(["packages", "dropped"]))
except ImportError as error:
    print(error)
