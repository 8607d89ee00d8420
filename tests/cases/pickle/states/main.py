"""What `__reduce_ex__` takes for the state of an object."""
import copy


class Plain:
    pass


plain = Plain()
plain.x = 1
print([plain.__reduce_ex__(protocol)[2] is plain.__dict__ for protocol in (2, 3, 4, 5)])
print(plain.__getstate__() is plain.__dict__, Plain().__reduce_ex__(2)[2])
copied = copy.copy(plain)
print(copied.__dict__, copied.__dict__ is plain.__dict__)

# One that is set on the object is asked too.
plain.__getstate__ = lambda: "the object's own"
print(plain.__reduce_ex__(2)[2])


class Stateful:
    def __getstate__(self):
        return "the class's"


class Restored(Stateful):
    __getstate__ = object.__getstate__


restored = Restored()
restored.z = 3
print(Stateful().__reduce_ex__(2)[2], restored.__reduce_ex__(2)[2])


class Slots:
    __slots__ = ("p", "__dict__")


slots = Slots()
slots.p, slots.q = 1, 2
state = slots.__reduce_ex__(2)[2]
print(state, state[0] is slots.__dict__)


class Asking:
    def __getattr__(self, name):
        raise AttributeError(name)


class Answering:
    def __getattribute__(self, name):
        if name == "__getstate__":
            return lambda: "what the class answers"
        return object.__getattribute__(self, name)


asking = Asking()
asking.x = 1
print(asking.__reduce_ex__(2)[2], Answering().__reduce_ex__(2)[2])
