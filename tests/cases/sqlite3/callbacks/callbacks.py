"""What SQLite calls: functions, aggregates, windows, collations, authorisers, traces, and what becomes of exceptions."""
import sqlite3
import sys
import threading


def attempt(statement, *parameters):
    try:
        print(connection.execute(statement, *parameters).fetchall())
    except Exception as error:
        print(type(error).__name__, error, sep=": ")


class Middle:
    def __init__(self):
        self.values = []

    def step(self, value):
        self.values.append(value)

    def inverse(self, value):
        self.values.remove(value)

    def value(self):
        return sorted(self.values)[len(self.values) // 2]

    finalize = value


class Broken:
    def step(self, value):
        1 / 0


connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE numbers (n)")
connection.executemany("INSERT INTO numbers VALUES (?)", [(number,) for number in (5, 1, 4, 2, 3)])
connection.create_function("describe", -1, lambda *values: "/".join(type(value).__name__ for value in values))
connection.create_function("fail", 1, lambda value: 1 // value, deterministic=True)
connection.create_function("odd", 0, object)
connection.create_aggregate("middle", 1, Middle)
connection.create_aggregate("broken", 1, Broken)
connection.create_window_function("middle_of", 1, Middle)
connection.create_collation("backwards", lambda left, right: (left < right) - (left > right))

attempt("SELECT describe(), describe(1, 2.5, 'a', x'00', NULL)")
attempt("SELECT fail(1), fail(2)")
attempt("SELECT fail(0)")
attempt("SELECT odd()")
attempt("SELECT middle(n) FROM numbers")
attempt("SELECT broken(n) FROM numbers")
attempt("SELECT middle(n) FROM numbers WHERE 0")
attempt("SELECT middle_of(n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM numbers")
attempt("SELECT char(96 + n) FROM numbers ORDER BY 1 COLLATE backwards")

sys.unraisablehook = lambda report: print("  shown:", report.exc_type.__name__, report.exc_value)
sqlite3.enable_callback_tracebacks(True)
attempt("SELECT fail(0)")
attempt("SELECT broken(n) FROM numbers")

statements = []
connection.set_trace_callback(statements.append)
attempt("SELECT ? + 1", (41,))
connection.set_trace_callback(None)
print(statements)

connection.set_authorizer(lambda action, *names: sqlite3.SQLITE_DENY if names[1] == "n" else sqlite3.SQLITE_OK)
attempt("SELECT n FROM numbers")
connection.set_authorizer(None)
connection.set_progress_handler(lambda: True, 1)
attempt("SELECT n FROM numbers")
connection.set_progress_handler(None, 1)


def elsewhere():
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError as error:
        print(str(error).split(". The")[0])


thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()

# Functions are called while other threads run.
shared = sqlite3.connect(":memory:", check_same_thread=False)
shared.create_function("busy", 1, lambda value: sum(range(1000)) + value)
results = []


def count():
    for number in range(20):
        results.append(shared.execute("SELECT busy(?)", (number,)).fetchone()[0])


threads = [threading.Thread(target=count) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(results), sorted(set(results)) == [499500 + number for number in range(20)])
shared.close()
connection.close()
