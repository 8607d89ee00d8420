# A dict that holds itself, or is its own default, ends with its last reference, without the collector.
import gc

gc.disable()
ended = 0


class Kept:
    def __del__(self):
        global ended
        ended += 1


def holding_itself():
    holder = {"kept": Kept()}
    holder["k"] = holder
    return holder


def store():
    holding_itself()["k"] = 1


def default():
    both = {"kept": Kept(), "k": 1}
    pair = [both, both]
    del both
    pair.pop().get("k", pair.pop())


for use in store, default:
    ended = 0
    for _ in range(50):
        use()
    print(use.__name__, ended)
