import _interpchannels as channels
import threading
from concurrent import interpreters


def attempt(call, *args, **keywords):
    try:
        print(call(*args, **keywords))
    except Exception as error:
        print(type(error).__name__, error)


first = channels.create()
print(first, repr(first), first.end, repr(first.send), repr(first.recv), first == int(first), first.send == first.recv)
print(channels.list_all(), channels.get_info(first), channels.get_count(first), channels.get_channel_defaults(first))
for args in ((7,), (-2, 0), (3, 7), ("",), (1, 2, 3)):
    attempt(channels.create, *args)
for args in ((1000,), (-1,), (2**70,), ("a",), (), (1.5,), (1, 2)):
    attempt(channels.destroy, *args)

attempt(channels.send, first, 1, 9, blocking=False)
attempt(channels.send, first, 1, timeout=1, blocking=False)
attempt(channels.send, first, 1, timeout=-1)
attempt(channels.send, first, 1, timeout=0.01)
attempt(channels.recv, first)
attempt(channels.recv, first, "nothing")

channels.send(first, ("a", 2, None), blocking=False)
attempt(channels.close, first)
attempt(channels.close, first, send=True)
print(channels.get_info(first))
attempt(channels.send, first, 1)
attempt(channels.close, first, recv=True)
attempt(channels.recv, first)
attempt(channels.recv, first)
print(channels.get_info(first), channels.list_all())

second = channels.create()
channels.send(second, 1, blocking=False)
channels.recv(second)
channels.release(second, recv=True)
attempt(channels.recv, second)
attempt(channels.list_interpreters, second, send=True)
attempt(channels.list_interpreters, second, send=False)
channels.release(second)
attempt(channels.send, second, 1)
attempt(channels._channel_id, 1000)
print(repr(channels._channel_id(1000, force=True)), repr(channels._channel_id(second, send=True)))

other = interpreters.create()
there, back = channels.create(), channels.create()
other.prepare_main(there=int(there), back=int(back))
other.exec("import _interpchannels as channels; channels.send(back, (channels.recv(there, None), channels.get_count(there)), blocking=False)")
print(channels.recv(back))

threading.Thread(target=other.exec, args=("""
import time
while (item := channels.recv(there, None)[0]) is None:
    time.sleep(0.01)
channels.send(back, ("got", item), blocking=False)
""",)).start()
channels.send(there, "waited for")
while (answer := channels.recv(back, None)[0]) is None:
    pass
print(answer)

other.exec("channels.send(back, 'left behind', 3, blocking=False); channels.send(back, 'removed', 1, blocking=False)")
print(channels.get_count(back), channels.list_interpreters(back, send=True) == [other.id])
other.close()
print(channels.recv(back), channels.get_count(back))
attempt(channels.recv, back)
