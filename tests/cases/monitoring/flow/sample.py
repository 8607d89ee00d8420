"""Branches and jumps as tools see them, and frames that are moved to other lines while somebody is told."""
import sys

events = sys.monitoring.events
names = {events.BRANCH_LEFT: "left", events.BRANCH_RIGHT: "right", events.JUMP: "jump"}
sys.monitoring.use_tool_id(3, "sample")


async def numbers():
    yield 2
    yield 3


async def loop():
    async for number in numbers():
        if number > 2:
            pass
    return number


def watch(function):
    for event, name in names.items():
        def tell(code, source, target, name=name):
            if code.co_name != "watch":
                print(name, code.co_name, source, target)
        sys.monitoring.register_callback(3, event, tell)
    sys.monitoring.set_events(3, sum(names))
    try:
        function()
    finally:
        sys.monitoring.set_events(3, 0)


def run():
    try:
        loop().send(None)
    except StopIteration as stop:
        print(stop.value)


watch(run)


def choose(text):
    if text.startswith("t"):
        return 1
    else:
        return 0


def move(code, source, target):
    frame = sys._getframe(1)
    frame.f_lineno = frame.f_lineno + 3


sys.monitoring.register_callback(3, events.BRANCH_LEFT, move)
sys.monitoring.set_local_events(3, choose.__code__, events.BRANCH_LEFT)
print(choose("true"), choose("false"))
sys.monitoring.set_local_events(3, choose.__code__, 0)


def generate(found):
    found.append("before")
    yield 1
    found.append("after")


def trace(frame, event, argument):
    if frame.f_code is not generate.__code__:
        return None
    if event == "return" and not moved:
        moved.append(True)
        frame.f_lineno -= 1
    return trace


found, moved = [], []
sys.settrace(trace)
generator = generate(found)
next(generator)
sys.settrace(None)
print(found)


def refuse(event):
    told = []

    def trace(frame, happened, argument):
        if happened == event and frame.f_code is generate.__code__ and len(told) < 3:
            told.append(happened)
            try:
                frame.f_lineno = frame.f_lineno
            except ValueError as error:
                print(event, error)
            else:
                print(event, "moved")
        return trace
    sys.settrace(trace)
    list(generate([]))
    sys.settrace(None)


for event in "call", "line", "return":
    refuse(event)
