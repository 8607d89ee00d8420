"""What the executable reads, evaluates and prints with when it is started without a program."""

import code
import linecache


class Console(code.InteractiveConsole):
    """A console whose tracebacks show the lines that were typed."""

    def runcode(self, code):
        linecache._register_code(code, "\n".join(self.buffer) + "\n", self.filename)
        super().runcode(code)
