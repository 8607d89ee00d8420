"""Where memory was allocated."""
import tracemalloc


class Thing:
    pass


def make():
    return [Thing() for _ in range(100)], bytes(100_000)


print(tracemalloc.is_tracing(), tracemalloc.get_traced_memory())
early = Thing()
tracemalloc.start(3)
things, data = make()
current, peak = tracemalloc.get_traced_memory()
print(current > 100_000, peak >= current, tracemalloc.get_traceback_limit(), tracemalloc.get_tracemalloc_memory() > 0)
for each in (early, things[0], data):
    traceback = tracemalloc.get_object_traceback(each)
    print(traceback and [(frame.filename.rpartition("/")[2], frame.lineno) for frame in traceback])
snapshot = tracemalloc.take_snapshot()
largest = snapshot.statistics("lineno")[0]
print(largest.traceback[0].lineno, largest.size >= 100_000)
del things, data, each
after = tracemalloc.take_snapshot()
changed = {
    entry.traceback[0].lineno: entry.size_diff
    for entry in after.compare_to(snapshot, "lineno")
    if entry.traceback[0].filename == __file__
}
print(changed[10] <= -100_000)
tracemalloc.reset_peak()
print(tracemalloc.get_traced_memory()[1] < peak)
tracemalloc.clear_traces()
print(tracemalloc.get_object_traceback(early))
for frames in (0, -1, 65536, 2**70):
    try:
        tracemalloc.start(frames)
    except (ValueError, OverflowError) as error:
        print(error)
tracemalloc.stop()
print(tracemalloc.is_tracing(), tracemalloc._get_traces(), tracemalloc.get_traced_memory())
try:
    tracemalloc.take_snapshot()
except RuntimeError as error:
    print(error)
