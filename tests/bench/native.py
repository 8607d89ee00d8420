"""Measure native modules that are there for speed under two interpreters in turn: native.py BASE RSPY [NAME ...].

Every program does what users of the module do. A name narrows the run to the programs that begin with it. What is printed
are ratios: times of the base, divided by those of rspy; above 1 rspy is faster.
"""
import csv
import datetime
import io
import json
import math
import os
import pickle
import statistics
import struct
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.15"))

programs = {}


def program(function):
    programs[function.__name__] = function
    return function


def measure(call):
    """Seconds of a call: the best of as many as fit."""
    best, end = math.inf, time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        call()
        stop = time.perf_counter()
        best = min(best, stop - start)
        if stop > end:
            return best


def documents(text):
    return [{"id": number, "name": f"{text} {number}", "tags": ["a", "bc", text], "price": number * 1.25,
             "active": number % 2 == 0, "nothing": None,
             "address": {"street": text, "number": number, "position": [number / 7, -number / 3]}}
            for number in range(100)]


PLAIN = documents("a text of words")
WIDE = documents("Gruß aus München, 東京")
MIXED = documents('with "quotes" \\ and\nlines')
PLAIN_TEXT, WIDE_TEXT, MIXED_TEXT = map(json.dumps, (PLAIN, WIDE, MIXED))
WIDE_UNESCAPED = json.dumps(WIDE, ensure_ascii=False)
INDENTED = json.dumps(PLAIN, indent=2)
NUMBERS = [number * 1.1 for number in range(2000)]
INTEGERS = [number * 12345 for number in range(2000)]
NUMBERS_TEXT, INTEGERS_TEXT = json.dumps(NUMBERS), json.dumps(INTEGERS)


@program
def json_dumps():
    json.dumps(PLAIN)


@program
def json_dumps_wide():
    json.dumps(WIDE)


@program
def json_dumps_wide_unescaped():
    json.dumps(WIDE, ensure_ascii=False)


@program
def json_dumps_escapes():
    json.dumps(MIXED)


@program
def json_dumps_indent():
    json.dumps(PLAIN, indent=2)


@program
def json_dumps_sorted():
    json.dumps(PLAIN, sort_keys=True, separators=(",", ":"))


@program
def json_dumps_floats():
    json.dumps(NUMBERS)


@program
def json_dumps_ints():
    json.dumps(INTEGERS)


@program
def json_dumps_small():
    for document in PLAIN:
        json.dumps(document)


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


POINTS = [Point(number, number / 2) for number in range(300)]


@program
def json_dumps_default():
    json.dumps(POINTS, default=vars)


@program
def json_loads():
    json.loads(PLAIN_TEXT)


@program
def json_loads_wide():
    json.loads(WIDE_TEXT)


@program
def json_loads_wide_unescaped():
    json.loads(WIDE_UNESCAPED)


@program
def json_loads_escapes():
    json.loads(MIXED_TEXT)


@program
def json_loads_indented():
    json.loads(INDENTED)


@program
def json_loads_floats():
    json.loads(NUMBERS_TEXT)


@program
def json_loads_ints():
    json.loads(INTEGERS_TEXT)


@program
def json_loads_hook():
    json.loads(PLAIN_TEXT, object_hook=dict)


@program
def json_loads_bytes():
    json.loads(PLAIN_TEXT.encode())


MOMENTS = [datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(hours=number) for number in range(300)]
KINDS = {
    "documents": PLAIN,
    "ints": INTEGERS,
    "floats": NUMBERS,
    "texts": [f"text number {number}" for number in range(1000)],
    "tuples": [(number, str(number), number / 3) for number in range(500)],
    "dict": {f"key{number}": number for number in range(1000)},
    "sets": [{number, number + 1} for number in range(300)],
    "instances": POINTS,
    "datetimes": MOMENTS,
    "bytes": [bytes(100) for _ in range(500)],
}


def add_pickle(kind, value):
    stored = pickle.dumps(value, 5)
    programs[f"pickle_dumps_{kind}"] = lambda: pickle.dumps(value, 5)
    programs[f"pickle_loads_{kind}"] = lambda: pickle.loads(stored)


for kind, value in KINDS.items():
    add_pickle(kind, value)


@program
def pickle_dumps_protocol_2():
    pickle.dumps(PLAIN, 2)


@program
def pickle_file():
    file = io.BytesIO()
    pickle.dump(PLAIN, file, 5)
    file.seek(0)
    pickle.load(file)


ROWS = [[str(number), f"name {number}", "some text", str(number * 1.5), ""] for number in range(500)]
QUOTED = [[str(number), f'say "{number}"', "a, b", "line\nline"] for number in range(500)]
TYPED = [[number, number / 3, "text", None, True] for number in range(500)]


def csv_text(rows, **options):
    file = io.StringIO()
    csv.writer(file, **options).writerows(rows)
    return file.getvalue()


ROWS_TEXT, QUOTED_TEXT = csv_text(ROWS), csv_text(QUOTED)
ROWS_LINES, QUOTED_LINES = ROWS_TEXT.splitlines(True), QUOTED_TEXT.splitlines(True)
NUMBER_LINES = csv_text([[number, number / 3] for number in range(500)], quoting=csv.QUOTE_NONNUMERIC).splitlines(True)


@program
def csv_read():
    for _ in csv.reader(ROWS_LINES):
        pass


@program
def csv_read_file():
    list(csv.reader(io.StringIO(ROWS_TEXT)))


@program
def csv_read_quoted():
    list(csv.reader(QUOTED_LINES))


@program
def csv_read_numbers():
    list(csv.reader(NUMBER_LINES, quoting=csv.QUOTE_NONNUMERIC))


@program
def csv_read_dicts():
    list(csv.DictReader(ROWS_LINES, ["id", "name", "text", "price", "rest"]))


@program
def csv_write():
    csv_text(ROWS)


@program
def csv_write_quoted():
    csv_text(QUOTED)


@program
def csv_write_all_quoted():
    csv_text(ROWS, quoting=csv.QUOTE_ALL)


@program
def csv_write_typed():
    csv_text(TYPED)


@program
def csv_write_rows_one_by_one():
    writer = csv.writer(io.StringIO())
    for row in ROWS:
        writer.writerow(row)


NAIVE = [moment.replace(tzinfo=None) for moment in MOMENTS]
DATES = [moment.date() for moment in MOMENTS]
TIMES = [datetime.time(number % 24, number % 60, number % 60, number) for number in range(300)]
DELTAS = [datetime.timedelta(days=number, seconds=number * 7, microseconds=number * 11) for number in range(300)]
ZONE = datetime.timezone(datetime.timedelta(hours=2))
STAMPS = [moment.timestamp() for moment in MOMENTS]
DAY = datetime.timedelta(days=1)
MOMENT_TEXTS = [moment.isoformat() for moment in MOMENTS]
NAIVE_TEXTS = [moment.isoformat() for moment in NAIVE]
DATE_TEXTS = [date.isoformat() for date in DATES]
WRITTEN = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in NAIVE]


@program
def datetime_make():
    make = datetime.datetime
    for number in range(300):
        make(2024, 5, 17, 12, 30, 45, number)


@program
def datetime_add():
    for moment in NAIVE:
        moment + DAY


@program
def datetime_add_aware():
    for moment in MOMENTS:
        moment + DAY


@program
def datetime_subtract():
    first = NAIVE[0]
    for moment in NAIVE:
        moment - first


@program
def datetime_subtract_aware():
    first = MOMENTS[0]
    for moment in MOMENTS:
        moment - first


@program
def datetime_compare():
    first = NAIVE[100]
    for moment in NAIVE:
        moment < first


@program
def datetime_sort():
    sorted(reversed(MOMENTS))


@program
def datetime_hash():
    for moment in NAIVE:
        hash(moment.replace(microsecond=1))


@program
def datetime_set():
    set(MOMENTS)


@program
def datetime_isoformat():
    for moment in MOMENTS:
        moment.isoformat()


@program
def datetime_str():
    for moment in NAIVE:
        str(moment)


@program
def datetime_repr():
    for moment in NAIVE:
        repr(moment)


@program
def datetime_fromisoformat():
    parse = datetime.datetime.fromisoformat
    for text in MOMENT_TEXTS:
        parse(text)


@program
def datetime_fromisoformat_naive():
    parse = datetime.datetime.fromisoformat
    for text in NAIVE_TEXTS:
        parse(text)


@program
def datetime_strptime():
    parse = datetime.datetime.strptime
    for text in WRITTEN[:50]:
        parse(text, "%Y-%m-%d %H:%M:%S")


@program
def datetime_strftime():
    for moment in NAIVE:
        moment.strftime("%Y-%m-%d %H:%M:%S")


@program
def datetime_astimezone():
    for moment in MOMENTS:
        moment.astimezone(ZONE)


@program
def datetime_timestamp():
    for moment in MOMENTS:
        moment.timestamp()


@program
def datetime_timestamp_local():
    for moment in NAIVE:
        moment.timestamp()


@program
def datetime_fromtimestamp():
    make, zone = datetime.datetime.fromtimestamp, datetime.UTC
    for stamp in STAMPS:
        make(stamp, zone)


@program
def datetime_fromtimestamp_local():
    make = datetime.datetime.fromtimestamp
    for stamp in STAMPS:
        make(stamp)


@program
def datetime_now():
    now = datetime.datetime.now
    for _ in range(300):
        now()


@program
def datetime_now_utc():
    now, zone = datetime.datetime.now, datetime.UTC
    for _ in range(300):
        now(zone)


@program
def datetime_replace():
    for moment in NAIVE:
        moment.replace(hour=5)


@program
def datetime_fields():
    for moment in NAIVE:
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second


@program
def datetime_parts():
    for moment in NAIVE:
        moment.date(), moment.time(), moment.weekday()


@program
def datetime_combine():
    combine = datetime.datetime.combine
    for date, hour in zip(DATES, TIMES):
        combine(date, hour)


@program
def datetime_timetuple():
    for moment in NAIVE:
        moment.timetuple()


@program
def date_add():
    for date in DATES:
        date + DAY


@program
def date_subtract():
    first = DATES[0]
    for date in DATES:
        (date - first).days


@program
def date_isoformat():
    for date in DATES:
        date.isoformat()


@program
def date_fromisoformat():
    parse = datetime.date.fromisoformat
    for text in DATE_TEXTS:
        parse(text)


@program
def date_calendar():
    for date in DATES:
        date.toordinal(), date.isocalendar(), date.isoweekday()


@program
def date_hash():
    for date in DATES:
        hash(date.replace(day=1))


@program
def time_isoformat():
    for moment in TIMES:
        moment.isoformat()


@program
def time_make():
    make = datetime.time
    for number in range(300):
        make(5, 30, 10, number)


@program
def timedelta_make():
    make = datetime.timedelta
    for number in range(300):
        make(days=number, hours=5)


@program
def timedelta_arithmetic():
    total = datetime.timedelta()
    for delta in DELTAS:
        total = total + delta * 2 - delta // 3


@program
def timedelta_total_seconds():
    for delta in DELTAS:
        delta.total_seconds()


@program
def timedelta_compare():
    first = DELTAS[100]
    for delta in DELTAS:
        delta < first


@program
def timedelta_str():
    for delta in DELTAS:
        str(delta)


HEADER = struct.Struct("<IHHqd8s")
HEADERS = HEADER.pack(1, 2, 3, 4, 5.0, b"abcdefgh") * 300
ROOM = bytearray(len(HEADERS))


@program
def struct_pack():
    pack = struct.pack
    for number in range(300):
        pack("<IHHqd", number, 2, 3, 4, 5.0)


@program
def struct_pack_compiled():
    pack = HEADER.pack
    for number in range(300):
        pack(number, 2, 3, 4, 5.0, b"abcdefgh")


@program
def struct_pack_native():
    pack = struct.pack
    for number in range(300):
        pack("iqd", number, number, 1.5)


@program
def struct_pack_big_endian():
    pack = struct.pack
    for number in range(300):
        pack(">IHB", number, 5, 1)


@program
def struct_pack_one():
    pack = struct.pack
    for number in range(300):
        pack("<I", number)


@program
def struct_pack_into():
    pack, size = HEADER.pack_into, HEADER.size
    for number in range(300):
        pack(ROOM, number * size, number, 2, 3, 4, 5.0, b"abcdefgh")


@program
def struct_pack_many():
    struct.pack("<2000I", *range(2000))


@program
def struct_pack_floats():
    struct.pack("<2000d", *NUMBERS)


@program
def struct_unpack():
    unpack, one = struct.unpack, HEADERS[:HEADER.size]
    for _ in range(300):
        unpack("<IHHqd8s", one)


@program
def struct_unpack_one():
    unpack, one = struct.unpack, b"abcd"
    for _ in range(300):
        unpack("<I", one)


@program
def struct_unpack_from():
    unpack, size = HEADER.unpack_from, HEADER.size
    for number in range(300):
        unpack(HEADERS, number * size)


@program
def struct_iter_unpack():
    for _ in HEADER.iter_unpack(HEADERS):
        pass


@program
def struct_unpack_many():
    struct.unpack("<2000I", bytes(8000))


@program
def struct_make():
    for _ in range(100):
        struct.Struct("<IHHqd8s")


@program
def struct_calcsize():
    for _ in range(300):
        struct.calcsize("<IHHqd8s")


def chosen(names):
    return [name for name in programs if not names or name.startswith(tuple(names))]


def run(executable, names):
    command = [executable, os.path.abspath(__file__), "--measure", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name: float(seconds) for name, seconds in map(str.split, done.stdout.splitlines())}


def main(base, rspy, *names):
    names = chosen(names)
    best = {base: {}, rspy: {}}
    for _ in range(ROUNDS):
        for executable, known in best.items():
            for name, seconds in run(executable, names).items():
                known[name] = min(seconds, known.get(name, seconds))
    ratios = [best[base][name] / best[rspy][name] for name in names]
    for name, ratio in zip(names, ratios):
        print(f"{name:30} {ratio:6.2f}   {best[base][name] * 1e6:8.1f} µs -> {best[rspy][name] * 1e6:8.1f} µs")
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    print(f"{len(ratios)} results, geometric mean {mean:.2f}, least {min(ratios):.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--measure", *names]:
            for name in chosen(names):
                print(name, measure(programs[name]), flush=True)
        case [base, rspy, *names]:
            main(base, rspy, *names)
        case _:
            sys.exit(__doc__)
