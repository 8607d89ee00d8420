"""What `csv` does with `_csv`."""

import csv
import io

from registry import program

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
