"""Tables, parameters, transactions, converters, blobs and errors."""
import datetime
import sqlite3


def attempt(function, *arguments):
    try:
        print(function(*arguments))
    except Exception as error:
        print(type(error).__name__, error, getattr(error, "sqlite_errorname", None), sep=": ")


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __conform__(self, protocol):
        if protocol is sqlite3.PrepareProtocol:
            return f"{self.x};{self.y}"


sqlite3.register_converter("point", lambda text: Point(*map(int, text.split(b";"))))
sqlite3.register_adapter(datetime.date, datetime.date.isoformat)
sqlite3.register_converter("day", lambda text: datetime.date.fromisoformat(text.decode()))

connection = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
connection.executescript("""
    CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, at point, seen day, picture BLOB);
    CREATE INDEX by_name ON places (name);
""")
with connection:
    connection.executemany(
        "INSERT INTO places (name, at, seen, picture) VALUES (?, ?, ?, ?)",
        [
            ("harbour", Point(3, -4), datetime.date(2020, 2, 29), b"\0\1\2"),
            ("tower", None, None, bytearray(b"abc")),
            ("žába", Point(0, 0), datetime.date(1999, 1, 1), memoryview(b"")),
        ],
    )
for name, at, seen, picture in connection.execute("SELECT name, at, seen, picture FROM places ORDER BY name"):
    print(name, at and (at.x, at.y), seen, picture)
cursor = connection.execute("SELECT count(*) AS 'n', max(seen) AS 'last [day]' FROM places WHERE id > :least", {"least": 0})
print([column[0] for column in cursor.description], cursor.fetchone(), cursor.fetchone())

connection.row_factory = sqlite3.Row
row = connection.execute("SELECT id, name AS Label FROM places WHERE name = ?", ("tower",)).fetchone()
print(row.keys(), tuple(row), row["LABEL"], row[-1], len(row), row == row, hash(row) == hash(row))
attempt(row.__getitem__, "nothing")
connection.row_factory = None

cursor = connection.execute("INSERT INTO places (name) VALUES ('mill') RETURNING id, name")
print(cursor.fetchall(), cursor.rowcount, cursor.lastrowid, connection.in_transaction, connection.total_changes)
connection.rollback()
print(connection.in_transaction, connection.execute("SELECT count(*) FROM places").fetchone())

for statement, *parameters in [
    ("INSERT INTO places (name) VALUES (?)", ("tower",)),
    ("INSERT INTO places (id, name) VALUES (?, ?)", ("no number", "x")),
    ("SELECT * FROM nowhere",),
    ("SELEC 1",),
    ("SELECT ?", (1, 2)),
    ("SELECT ?", (object(),)),
    ("SELECT ?", (2**63,)),
    ("SELECT :a", {"b": 1}),
    ("SELECT 1; SELECT 2",),
]:
    attempt(connection.execute, statement, *parameters)

with connection.blobopen("places", "picture", 1) as blob:
    blob.seek(1)
    blob.write(b"xy")
    attempt(blob.write, b"z")
    print(len(blob), blob[0], blob[1:], blob[::2], blob.tell())
    blob[0] = 65
    blob[1:3] = b"BC"
print(connection.execute("SELECT picture FROM places WHERE id = 1").fetchone())

connection.isolation_level = None
connection.execute("BEGIN IMMEDIATE")
connection.execute("DELETE FROM places")
connection.execute("ROLLBACK")
copy = sqlite3.connect(":memory:", autocommit=False)
copy.deserialize(connection.serialize())
print(copy.execute("SELECT name FROM places ORDER BY id").fetchall(), copy.in_transaction)
other = sqlite3.connect(":memory:")
pages = []
connection.backup(other, pages=1, progress=lambda status, left, all: pages.append((status, all > left)))
print(len(pages) > 1, pages[-1], *list(other.iterdump())[:3])
for each in (copy, other, connection):
    each.close()
attempt(connection.execute, "SELECT 1")
