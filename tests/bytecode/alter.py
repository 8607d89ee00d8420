"""Run altered bytecode: alter.py SAMPLE SEED COUNT [ONLY].

Each run compiles the sample, alters its code objects or their marshalled form in a way that the seed and the run's number
determine, and executes the result. Whatever an alteration does, short of looping for ever without a place where that could
be interrupted, the interpreter must live on: it prints how often each outcome was seen, and then `done`. With ONLY just one
run is made, and its traceback shown.
"""

import collections
import io
import marshal
import random
import signal
import sys

LIMIT = 1.0


class TooLong(BaseException):
    """Raised where a run takes longer than LIMIT seconds."""


def alter_bytes(rng, data, count):
    """Some bytes of the data changed; for some changes they are taken as pairs, which is how code is made up."""
    data = bytearray(data)
    for _ in range(count):
        if not data:
            break
        at = rng.randrange(len(data))
        unit, other = at & ~1, rng.randrange(len(data)) & ~1
        match rng.randrange(6):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                data[at] = rng.choice(data)
            case 3:
                del data[unit:unit + 2]
            case 4:
                data[unit:unit] = data[unit:unit + 2]
            case _:
                data[unit:unit + 2], data[other:other + 2] = data[other:other + 2], data[unit:unit + 2]
    return bytes(data)


def alter_code(rng, code, chance):
    """The code object, and those in it, each altered with some chance."""
    changes = {}
    consts = tuple(alter_code(rng, const, chance) if hasattr(const, "co_code") else const for const in code.co_consts)
    if any(new is not old for new, old in zip(consts, code.co_consts)):
        changes["co_consts"] = consts
    if rng.random() < chance:
        match rng.randrange(12):
            case 6:
                changes["co_exceptiontable"] = alter_bytes(rng, code.co_exceptiontable, rng.randint(1, 3))
            case 7:
                changes["co_stacksize"] = max(0, code.co_stacksize + rng.choice([-3, -2, -1, 1, 5, 100_000, 2**30]))
            case 8:
                changes["co_flags"] = code.co_flags ^ (1 << rng.randrange(10))
            case 9:
                shuffled = rng.sample(consts, len(consts))
                changes["co_consts"] = tuple(shuffled[:rng.randint(0, len(shuffled))])
            case 10:
                changes["co_names"] = code.co_names[:rng.randint(0, len(code.co_names))]
            case 11:
                changes["co_linetable"] = alter_bytes(rng, code.co_linetable, 2)
            case _:
                changes["co_code"] = alter_bytes(rng, code.co_code, rng.randint(1, 3))
    return code.replace(**changes) if changes else code


def altered(rng, code, number):
    """The code object of a run."""
    if number % 4 == 3:
        return marshal.loads(alter_bytes(rng, marshal.dumps(code), rng.randint(1, 3)))
    changed = alter_code(rng, code, rng.choice([0.03, 0.1, 0.3]))
    return marshal.loads(marshal.dumps(changed)) if number % 4 == 2 else changed


def outcome(rng, code, number):
    """What becomes of a run, in few words."""
    try:
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        changed = altered(rng, code, number)
        list(changed.co_lines()), list(changed.co_positions())
        exec(changed, {"__name__": "sample"})
        return "ran"
    except TooLong:
        return "took too long"
    except SystemError as error:
        return "SystemError: " + str(error).split(": ")[-1].split(" at offset")[0]
    except BaseException as error:
        return type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    path, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    only = int(sys.argv[4]) if len(sys.argv) > 4 else None

    def stop(*_):
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    with open(path) as file:
        code = compile(file.read(), "sample", "exec", dont_inherit=True)
    if only is not None:
        exec(altered(random.Random(seed * 1_000_003 + only), code, only), {"__name__": "sample"})
        return
    output, errors, tally = sys.stdout, sys.stderr, collections.Counter()
    for number in range(count):
        print("run", number, file=output, flush=True)
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            tally[outcome(random.Random(seed * 1_000_003 + number), code, number)] += 1
        finally:
            sys.stdout, sys.stderr = output, errors
    for result, times in tally.most_common():
        print(times, result)
    print("done")


main()
