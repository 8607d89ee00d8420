"""Databases in GDBM's format: items, the order of keys, flags, locks, errors, and the file's beginning."""
import dbm
import dbm.gnu


def attempt(function, *arguments):
    try:
        print(function(*arguments))
    except Exception as error:
        print(type(error).__name__, error, sep=": ")


with dbm.gnu.open("items", "n") as database:
    for number in range(1000):
        database[f"key {number}"] = b"value" * (number % 7)
    for number in range(0, 1000, 3):
        del database[f"key {number}"]
    print(len(database), database["key 1"], database.get("key 0"), b"key 2" in database)
    keys = database.keys()
    print(keys[:5], keys[-3:])
    key, walked = database.firstkey(), []
    while key is not None:
        walked.append(key)
        key = database.nextkey(key)
    print(walked == keys)
    database.reorganize()
    database.sync()
    print(sorted(database.keys()) == sorted(keys))
    attempt(dbm.gnu.open, "items", "r")
    attempt(database.setdefault, "new", "item")
    attempt(database.__getitem__, "missing")
    attempt(database.__setitem__, "a", 1)
    attempt(database.__delitem__, "missing")
attempt(database.keys)
print(dbm.whichdb("items"), open("items", "rb").read(4).hex())
with dbm.gnu.open("items") as database:
    attempt(database.__setitem__, "a", "b")
    attempt(database.__delitem__, "new")
    attempt(database.clear)
with dbm.gnu.open("items", "ws") as database:
    database.clear()
    print(len(database), bool(database), database.keys())
for name, flags in [("none", "r"), ("items", "x"), ("items", "rx"), ("gnu.py", "r")]:
    attempt(dbm.gnu.open, name, flags)
