import sys
print(sys.hooked, "hooked" in sys.modules)
try:
    __import__("".join(["oth", "er"]))
except ModuleNotFoundError as error:
    print(error)
