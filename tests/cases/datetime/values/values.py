"""Moments, days and durations: fields, order, sums, hashes, copies and ISO formats."""
import datetime
import hashlib
import itertools
import pickle

UTC = datetime.UTC
EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))


class Stamp(datetime.datetime):
    pass


class Summer(datetime.tzinfo):
    """An offset that depends on the fold."""

    def utcoffset(self, moment):
        return datetime.timedelta(hours=1, minutes=30 * moment.fold)

    def __repr__(self):
        return "Summer()"


def attempt(function, *args, **options):
    try:
        return function(*args, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


MOMENTS = [
    make(year, month, day, hour, minute, second, microsecond, zone, fold=fold)
    for make, (year, month, day), (hour, minute, second, microsecond), zone, fold in itertools.product(
        (datetime.datetime, Stamp), ((1, 1, 1), (2024, 2, 29), (9999, 12, 31)), ((0, 0, 0, 0), (23, 59, 59, 999999)),
        (None, UTC, EAST, Summer()), (0, 1))
]
DELTAS = [datetime.timedelta(days, seconds, microseconds)
          for days, seconds, microseconds in itertools.product((-1, 0, 1, 999999999), (0, 1, 86399), (0, 1, 999999))]

facts = []
for moment in MOMENTS:
    facts.append((moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond,
                  moment.fold, repr(moment), moment.isoformat(), str(moment.date()), repr(moment.timetz())))
    for delta in DELTAS:
        facts.append((repr(attempt(lambda: moment + delta)), repr(attempt(lambda: moment - delta))))
    for other in MOMENTS:
        facts.append((moment == other, attempt(lambda: moment < other), repr(attempt(lambda: moment - other))))
        if moment == other:
            assert hash(moment) == hash(other)
    assert pickle.loads(pickle.dumps(moment)) == moment or isinstance(moment.tzinfo, Summer)
for left, right in itertools.product(DELTAS, repeat=2):
    facts.append((left < right, left == right, repr(attempt(lambda: left + right)), repr(attempt(lambda: left - right))))
print(len(facts), hashlib.sha256("\n".join(map(repr, facts)).encode()).hexdigest())

day = datetime.date(2024, 2, 29)
print(hash(day) == hash(datetime.date(2024, 2, 29)), {day: 1}[datetime.date.fromisoformat("20240229")])
for changes in ({"day": 1}, {"month": 13}, {"dey": 1}, {"year": 2023}, {"day": 10**30}, {"day": "1"}):
    print(changes, attempt(day.replace, **changes))
for moment in (MOMENTS[8], Stamp(2024, 2, 29, 12)):
    for changes in ({"hour": 5, "tzinfo": UTC}, {"fold": 2}, {"fold": 1}, {"hour": 24, "tzinfo": 3}, {"tzinfo": 3},
                    {"hours": 1}):
        print(changes, repr(attempt(moment.replace, **changes)))
    print(attempt(moment.replace, 2023, 1, day=3, bogus=4))
for text in ("2024-02-29", "2024-02-30", "2024-W09-4", "2024W094", "20240229T123456,123456789+0530", "2024-02-29T24:00",
             "2024-02-29 12:30:45.123+05:30:15.25", "2024-02-29T12:30Z", "2024-02-29T12:30z", "2024-02-29é12:30", "2024",
             "2024-02-29T12:30:45.", "２０２４-02-29", "T12:30", "12:30:45-23:59", "24:00", "12:3"):
    for kind in (datetime.datetime, datetime.date, datetime.time):
        print(text, repr(attempt(kind.fromisoformat, text)))
