"""What the executable reads, evaluates and prints with when it is started without a program."""

import code
import linecache
import sys


class Console(code.InteractiveConsole):
    """A console whose tracebacks show the lines that were typed."""

    def raw_input(self, prompt=""):
        if sys.stdin.isatty():
            return super().raw_input(prompt)
        # Where nobody sees the prompt it must not get into the output.
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.removesuffix("\n")

    def runcode(self, code):
        linecache._register_code(code, "\n".join(self.buffer) + "\n", self.filename)
        super().runcode(code)
