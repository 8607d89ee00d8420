"""Programs whose paths are no text, folders that are programs, and a command that is no text."""
import os
import subprocess
import sys

os.mkdir("folder")
for name in b"\xff.py", b"folder/__main__.py":
    with open(name, "w") as file:
        file.write("import sys; print(ascii(sys.argv), ascii(__file__), sys.path[0] == %r, __name__)\n" % os.path.abspath("folder"))
for arguments in [b"\xff.py"], [b"folder"], [b"-I", b"folder"], [b"-P", b"folder"], [b"\xfe.py"], [b"-c", b'print("\xff")'], [b"-qcprint('\xff')"]:
    ran = subprocess.run([os.fsencode(sys.executable), *arguments], capture_output=True)
    print(arguments, ran.returncode, ascii(ran.stdout), ran.stderr.decode().partition(": can't")[1:])
    if b"decode" in ran.stderr:
        print(ran.stderr.decode())
