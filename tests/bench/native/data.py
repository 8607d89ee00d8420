"""Values that the programs of several modules work on."""

import datetime


def documents(text):
    return [{"id": number, "name": f"{text} {number}", "tags": ["a", "bc", text], "price": number * 1.25,
             "active": number % 2 == 0, "nothing": None,
             "address": {"street": text, "number": number, "position": [number / 7, -number / 3]}}
            for number in range(100)]


PLAIN = documents("a text of words")
NUMBERS = [number * 1.1 for number in range(2000)]
INTEGERS = [number * 12345 for number in range(2000)]
MOMENTS = [datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(hours=number) for number in range(300)]


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


POINTS = [Point(number, number / 2) for number in range(300)]
