"""What the functions for annotations are called, and which of two a class has."""
import sys
import types


def outer() -> None:
    def inner(x: int): pass
    return inner


class Class[T]:
    x: int

    def method[U](self, x: U): pass


for function in outer, outer(), Class, Class.method:
    print(function.__annotate__.__qualname__, function.__annotate__.__name__)
outer.__qualname__ = "renamed"
print(outer.__annotate__.__qualname__, outer.__annotate__.__code__.co_qualname)


class Own:
    a: int

    def __annotate__(format):
        return {"a": str}


print(Own.__annotate__(1), Own.__annotations__, Own.__annotate_func__(1))
Own.__annotate__ = lambda format: {"b": bytes}
print(Own.__annotate__(1), Own.__annotations__)

module = types.ModuleType("module")
module.__spec__ = types.SimpleNamespace(_initializing=True)
exec("a: int = 1\nif a:\n    b: str", module.__dict__)
print(module.__annotations__, "__annotations__" in vars(module))
module.__spec__._initializing = False
print(module.__annotations__, "__annotations__" in vars(module))
