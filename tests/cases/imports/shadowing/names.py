import sys
import hidden


class Text(str):
    __hash__ = None


for change in "pass", "sys.stdlib_module_names = {'hidden'}", "hidden.__name__ = Text('hidden')", "sys.stdlib_module_names = None":
    exec(change)
    for statement in "hidden.missing", "from hidden import missing":
        try:
            exec(statement)
        except Exception as error:
            print(type(error).__name__, error)
