"""Prints facts for facts.txt: random operations of CPython's decimal with their results and signals.

    python3.14 facts.py COUNT SEED [OPERATION ...]
"""
import decimal
import random
import sys

ROUNDINGS = ["ROUND_UP", "ROUND_DOWN", "ROUND_CEILING", "ROUND_FLOOR", "ROUND_HALF_UP", "ROUND_HALF_DOWN",
             "ROUND_HALF_EVEN", "ROUND_05UP"]
SIGNALS = [decimal.InvalidOperation, decimal.FloatOperation, decimal.DivisionByZero, decimal.Overflow,
           decimal.Underflow, decimal.Subnormal, decimal.Inexact, decimal.Rounded, decimal.Clamped]
UNARY = """abs exp ln log10 logb logical_invert minus next_minus next_plus normalize plus sqrt to_integral_exact
to_integral_value number_class to_eng_string to_sci_string create_decimal""".split()
BINARY = """add compare compare_signal compare_total compare_total_mag divide divide_int logical_and logical_or
logical_xor max max_mag min min_mag multiply next_toward power quantize remainder remainder_near rotate scaleb shift
subtract divmod same_quantum format""".split()
TERNARY = ["fma", "power_modulo"]
COMMON = ["add", "subtract", "multiply", "divide", "quantize", "power", "fma", "create_decimal", "divmod", "format"]
SLOW = {"exp", "ln", "log10", "power", "sqrt"}
SPECIAL = ["Infinity", "-Infinity", "NaN", "-NaN", "sNaN", "NaN123456789012", "-sNaN99"]


def digits(length):
    kind = random.random()
    if kind < 0.1:
        return random.choice("19") + random.choice("09") * (length - 1)
    if kind < 0.2:
        return "5" + "0" * (length - 1)
    if kind < 0.3:
        return str(random.randrange(1, 100)) + "0" * (length - 1)
    return "".join(random.choices("0123456789", k=length))


def number(context):
    if random.random() < 0.04:
        return random.choice(SPECIAL)
    most = context.prec + 3 if random.random() < 0.5 else random.choice([2, 5, 20, 40, 60, 90])
    text = random.choice(["", "", "-"]) + digits(random.randint(1, max(most, 1)))
    kind = random.random()
    if kind < 0.4:
        return text + f"E{random.randint(-30, 30)}"
    if kind < 0.5:
        limit = random.choice([context.Emin, context.Emax, context.Etiny(), context.Etop()])
        return text + f"E{limit + random.randint(-20, 5)}"
    if kind < 0.55:
        return "0" + f"E{random.randint(-50, 50)}"
    if kind < 0.7:
        return text + f"E-{len(text)}"
    return text


def operand(operation, place, context):
    if operation.startswith("logical") and random.random() < 0.9:
        return "".join(random.choices("01", k=random.randint(1, context.prec + 3)))
    if operation in ("shift", "rotate", "scaleb") and place == 1 and random.random() < 0.9:
        return str(random.randint(-context.prec, context.prec))
    if operation == "format" and place == 1:
        fill = random.choice(["", "<", ">", "^", "=", "*<", "x>", "é^", "_="])
        zero = random.choice(["", "0"]) if not fill else ""
        sign = random.choice(["", "", "+", "-"])
        width = random.choice(["", "", str(random.randint(1, 40))])
        precision = random.choice(["", f".{random.randint(0, 30)}"])
        return fill + sign + zero + width + random.choice(["", ","]) + precision + random.choice([*"eEfFgG%", ""])
    if operation == "power" and place == 1 and random.random() < 0.7:
        return random.choice([str(random.randint(-50, 50)), f"{random.randint(-999, 999)}E-2", "0.5"])
    if operation == "power_modulo" and random.random() < 0.9:
        return str(random.randint(-10**place, 10**9))
    if operation in ("exp",) and random.random() < 0.8:
        return f"{random.choice(['', '-'])}{digits(random.randint(1, 20))}E{random.randint(-30, 0)}"
    if operation in ("ln", "log10") and random.random() < 0.2:
        return random.choice(["1.", "0."]) + random.choice(["0", "9"]) * random.randint(1, 20) + digits(5)
    return number(context)


def main():
    count, seed, *operations = sys.argv[1:]
    random.seed(int(seed))
    done = 0
    while done < int(count):
        operation = random.choice(operations or UNARY + BINARY + TERNARY + COMMON)
        emax = random.choice([0, 5, 384, 6144, 999999, 999999999999999999])
        emin = -random.choice([0, emax, max(emax - 1, 0), 999999])
        context = decimal.Context(
            prec=random.choice([1, 2, 3, 5, 7, 9, 16, 19, 20, 28, 28, 34, 37, 38, 39, 57, random.randint(1, 150)]),
            rounding=random.choice(ROUNDINGS), Emin=emin, Emax=emax, clamp=random.randint(0, 1), traps=[], flags=[])
        arity = 1 if operation in UNARY else 3 if operation in TERNARY else 2
        texts = [operand(operation, place, context) for place in range(arity)]
        exact = decimal.Context(prec=decimal.MAX_PREC, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[])
        with decimal.localcontext(context) as local:
            try:
                if operation == "create_decimal":
                    result = local.create_decimal(texts[0])
                elif operation == "format":
                    result = format(decimal.Decimal(texts[0]), texts[1])
                    if local.flags[decimal.InvalidOperation]:
                        continue
                else:
                    numbers = [decimal.Decimal(text, exact) for text in texts]
                    if any(n.is_nan() and "N" not in t for n, t in zip(numbers, texts)):
                        continue
                    name = "power" if operation == "power_modulo" else operation
                    result = getattr(local, name)(*numbers)
            except (MemoryError, ValueError):
                continue
            raised = " ".join(s.__name__ for s in SIGNALS if local.flags[s])
        if isinstance(result, tuple):
            result = " ".join(map(str, result))
        if isinstance(result, bool):
            result = str(result).lower()
        if len(str(result)) > 5000:
            continue
        print(operation, context.prec, context.rounding, context.Emin, context.Emax, context.clamp, " ".join(texts),
              result, raised, sep=";")
        done += 1


main()
