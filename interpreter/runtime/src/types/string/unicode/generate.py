"""Writes tables.rs: what `str` must know of Unicode, asked of the CPython that runs this script.

    python3.14 generate.py > tables.rs
"""

import sys
import unicodedata

LAST = 0x110000
FLAGS = ["ALPHA", "DIGIT", "NUMERIC", "PRINTABLE", "LOWER", "UPPER", "TITLE", "CASED", "IGNORABLE", "START", "CONTINUE"]


def flags(code):
    c = chr(code)
    counted = (c + "\u03a3").lower()[-1] == "\u03c2"
    ignorable = not counted and ("A" + c + "\u03a3").lower()[-1] == "\u03c2"
    answers = [
        c.isalpha(),
        c.isdigit(),
        c.isnumeric(),
        c.isprintable(),
        c.islower(),
        c.isupper(),
        unicodedata.category(c) == "Lt",
        (c + "a").title()[-1] == "a",
        ignorable,
        c.isidentifier(),
        ("a" + c).isidentifier(),
    ]
    return sum(1 << bit for bit, answer in enumerate(answers) if answer)


def number_list(name, typ, comment, numbers):
    print(f"/// {comment}")
    print(f"pub static {name}: [{typ}; {len(numbers)}] = [")
    line = "   "
    for number in numbers:
        word = f" {number},"
        if len(line) + len(word) > 110:
            print(line)
            line = "   "
        line += word
    print(line)
    print("];\n")


def properties():
    runs = []
    before = None
    for code in range(LAST):
        now = flags(code)
        if now != before:
            runs.append(code << len(FLAGS) | now)
            before = now
    number_list("PROPERTIES", "u32", "Where the properties change: the first code point of a run and its flags.",
                [f"{run:#x}" for run in runs])


def mapping(name, what, convert):
    single, several = {}, []
    for code in range(LAST):
        if 0xD800 <= code < 0xE000:
            continue
        to = convert(chr(code))
        if to == chr(code):
            continue
        if len(to) == 1:
            single[code] = ord(to) - code
        else:
            several.append((code, [ord(c) for c in to]))
    runs = []
    codes = sorted(single)
    index = 0
    while index < len(codes):
        start = codes[index]
        delta = single[start]
        best = 1
        for stride in (1, 2):
            length = 1
            while single.get(start + length * stride) == delta and (
                stride == 1 or start + length * stride - 1 not in single
                or single[start + length * stride - 1] != delta
            ):
                length += 1
            if length > best:
                best, step = length, stride
        if best == 1:
            step = 1
        runs.append((start, best, step, delta))
        covered = {start + number * step for number in range(best)}
        for code in covered:
            del single[code]
        codes = sorted(single)
        index = 0
    text = [f"({start:#x}, {length}, {step}, {delta})" for start, length, step, delta in runs]
    number_list(f"{name}_RUNS", "(u32, u16, u8, i32)", f"Runs of characters with {what}: first, count, stride, distance.", text)
    text = []
    for code, to in several:
        to += [0] * (3 - len(to))
        text.append(f"({code:#x}, [{to[0]:#x}, {to[1]:#x}, {to[2]:#x}])")
    number_list(f"{name}_SEVERAL", "(u32, [u32; 3])", f"Characters whose {what} is several characters.", text)


def main():
    print(f"//! What `str` must know of Unicode {unicodedata.unidata_version}. Made by `generate.py`.\n")
    print("/// Bits that the flags take.")
    print(f"pub const FLAG_BITS: u32 = {len(FLAGS)};\n")
    for bit, flag in enumerate(FLAGS):
        print(f"#[allow(missing_docs)]\npub const {flag}: u32 = 1 << {bit};")
    print()
    properties()
    mapping("LOWER", "lower form", str.lower)
    mapping("UPPER", "upper form", str.upper)
    mapping("TITLE", "title form", str.title)
    mapping("FOLD", "folded form", str.casefold)


sys.stdout.reconfigure(newline="\n")
main()
