# Instances are written by what their class says about pickling, and by what it says at that moment.
import io
import pickle


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Empty:
    pass


class Stateful(Plain):
    def __getstate__(self):
        return {"state": "of the class"}


class Reducing(Plain):
    def __reduce__(self):
        return Plain, (), {"reduced": True}


class ReducingByProtocol(Plain):
    def __reduce_ex__(self, protocol):
        return Plain, (), {"protocol": protocol}


class WithArguments(Plain):
    def __new__(cls, *args):
        self = super().__new__(cls)
        self.args = args
        return self

    def __init__(self, *args):
        pass

    def __getnewargs__(self):
        return self.args


class WithSlots:
    __slots__ = ("x", "__dict__")


class Items(list):
    pass


class Lying(Plain):
    @property
    def __class__(self):
        return Empty


def show(value, protocol=5):
    try:
        print(protocol, pickle.dumps(value, protocol))
    except Exception as error:
        print(type(error).__name__, str(error).split(" at 0x")[0], getattr(error, "__notes__", None))


slotted = WithSlots()
slotted.x, slotted.y = 1, 2
items = Items([1, 2])
items.name = "items"
for value in (Plain(a=1, b="b"), Empty(), Stateful(a=1), Reducing(), ReducingByProtocol(), WithArguments(1, 2), slotted, items):
    for protocol in (1, 2, 4):
        show(value, protocol)
show(Lying(a=1))

# The attributes are the object's own dict.
shared = Plain(a=1)
show((shared, shared.__dict__))
itself = Plain()
itself.itself = itself
show(itself)

# What cannot be written is told from the inside out.
show(Plain(a=[lambda: None]))

# An object can have a method of its own, and a class can change while its objects are written.
own = Plain()
own.__reduce_ex__ = lambda protocol: "Plain"
show(own)


class Changing:
    def __init__(self, attribute):
        self.attribute = attribute


class Changer:
    def __reduce__(self):
        Changing.__getstate__ = lambda self: {"changed": True}
        return Empty, ()


show([Changing(1), Changing(2), Changing(Changer()), Changing(3)])

# Persistent ids are asked for all parts.
asked = []


class Asking(pickle.Pickler):
    def persistent_id(self, value):
        asked.append(value if isinstance(value, (type, tuple, str, int)) else type(value))


Asking(io.BytesIO(), 5).dump(Plain(a=1))
print(asked)
