import sys
from concurrent import interpreters

sys.stdout.reconfigure(line_buffering=True)
other = interpreters.create()
other.exec("import sys; sys.stdout.reconfigure(line_buffering=True)")
print(other, interpreters.list_all(), other.is_running(), other.whence)

other.exec("here = 1; sys.modules['mine'] = 'a module'")
print("mine" in sys.modules, "here" in globals())
other.exec("print(here, __name__, 'mine' in sys.modules)")


def double(x):
    return x * 2


def fail():
    raise ValueError("no")


for value in (None, True, 7, 2**80, 1.5, "a\udc80", b"b", (1, ("c",)), [1, {2: 3}], {4}):
    print(ascii(value), ascii(other.call(lambda x: x, value)), value is not None and other.call(double, (value,)))

for broken in (lambda: other.exec("1 / 0"), lambda: other.call(fail), lambda: other.exec("import nothing_like_it")):
    try:
        broken()
    except interpreters.ExecutionFailed as failure:
        print(failure.excinfo.formatted)

queue = interpreters.create_queue(2)
other.prepare_main(queue=queue, buffer=memoryview(shared := bytearray(b"abc")))
other.exec("queue.put(('from', 'there')); buffer[0] = 65; queue.put(len(buffer))")
print(queue.get(), queue.get(), shared, queue.empty())

other.exec("queue.put('left behind')")
other.close()
print(queue.get(), interpreters.list_all())

try:
    other.exec("1")
except interpreters.InterpreterNotFoundError as error:
    print(error)
