"""What `datetime` does with `_datetime`."""

import datetime

from data import MOMENTS
from registry import program

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
