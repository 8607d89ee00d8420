"""Errors at the end of a file that is run, with and without an end of the last line."""
import subprocess
import sys

HOOK = "import sys; sys.excepthook = lambda kind, error, where: print(kind.__name__, *error.args)\n"
SOURCES = [
    "\\", " \t\\", "x = 1\n\\", "a\\\n", "\\\n", "x = 1 + \\\n\\", "x = = 1", "if 1:\n x = (", "x = (1\n\n",
    'x = "abc', "x = 1\n  y = 2", "return", 'x = """abc\ndef', "f(1 for x in y, 2)", "\u00e9 = $", "for x in y:",
    "for x in y:\n", "class A: # c\n\n# x", "try:\n  x\n", "try:\n  x", "match x:\n  case 1:", "x +", "x +\n", "if x",
    'f"{a', 'x = "\\q"', 'x = """\\q"""\n', "x = 1 if 2 is 3 else 4", "@d", "x = 0777",
]
with open("sitecustomize.py", "w") as file:
    file.write(HOOK)
for source in SOURCES:
    with open("program.py", "w", encoding="utf-8") as file:
        file.write(source)
    command = [sys.executable, "-Werror", "-X", "utf8", "program.py"]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", env={"PYTHONPATH": "."})
    print(repr(source), ran.stdout.replace(sys.path[0], "."), ran.stderr, sep="\n")
