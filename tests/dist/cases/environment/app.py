import sys

print(sys.prefix, sys.executable)
print(sys.path)
try:
    import strange
except ModuleNotFoundError as error:
    print(error)
