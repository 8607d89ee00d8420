"""Writes the data of `unicodedata` beside this file: `python3.14 generate.py [NAMES]`.

Everything is asked of CPython 3.14's own `unicodedata` (Unicode 16.0.0 and 3.2.0). It cannot list name aliases and
named sequences: those are taken from NAMES, a file with one name a line (such as the second fields of Unicode's
NameAliases.txt and the first ones of NamedSequences.txt), where CPython knows them.
"""

import pathlib
import sys
import unicodedata

HERE = pathlib.Path(__file__).parent
ALL = [chr(code) for code in range(0x110000)]


def write(name, lines):
    (HERE / name).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def properties(data):
    """Runs of characters: first character, category, class, direction, whether mirrored, width."""
    before = None
    for c in ALL:
        row = (
            data.category(c),
            data.combining(c),
            data.bidirectional(c) or "-",
            data.mirrored(c),
            data.east_asian_width(c),
        )
        if row != before:
            yield " ".join([f"{ord(c):X}", *map(str, row)])
            before = row


def is_hangul(c):
    return "\uac00" <= c <= "\ud7a3"


def decompositions():
    """Characters and what they consist of."""
    for c in ALL:
        text = unicodedata.decomposition(c)
        if text and not is_hangul(c):
            yield f"{ord(c):X} {text}"


def corrections(data):
    """Characters that older data decomposes into another one than today (Unicode's corrigenda)."""
    for c in ALL:
        text = data.normalize("NFD", c)
        if data.category(c) != "Cn" and text != unicodedata.normalize("NFD", c):
            yield " ".join(f"{ord(c):X}" for c in (c, *text))


def numbers(data):
    """Characters with their number, and whether it is a decimal digit (2), a digit (1) or neither (0)."""
    for c in ALL:
        number = data.numeric(c, None)
        if number is None:
            continue
        kind = (data.digit(c, None) is not None) + (data.decimal(c, None) is not None)
        yield f"{ord(c):X} {number!r} {kind}"


def exclusions():
    """Characters that nothing is composed to although they consist of two."""
    for c in ALL:
        parts = unicodedata.decomposition(c)
        if parts and parts[0] != "<" and " " in parts and unicodedata.normalize("NFC", c) != c:
            yield f"{ord(c):X}"


def names(path):
    """Further names and the characters that they stand for."""
    for line in sorted(set(pathlib.Path(path).read_text(encoding="utf-8").splitlines())):
        try:
            text = unicodedata.lookup(line)
        except KeyError:
            continue
        if len(text) > 1 or unicodedata.name(text, None) != line:
            yield ";".join([line, *(f"{ord(c):X}" for c in text)])


old = unicodedata.ucd_3_2_0
write("properties.txt", properties(unicodedata))
write("properties-3.2.txt", properties(old))
write("decompositions.txt", decompositions())
write("corrections-3.2.txt", corrections(old))
write("numbers.txt", numbers(unicodedata))
write("numbers-3.2.txt", numbers(old))
write("exclusions.txt", exclusions())
if len(sys.argv) > 1:
    write("names.txt", names(sys.argv[1]))
