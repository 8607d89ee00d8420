"""Formats in all widths and byte orders, values in and out of range, and buffers that do not fit."""
import itertools
import struct

NUMBERS = (0, 1, -1, 127, 128, -129, 65535, 2**31, 2**63 - 1, 2**64 - 1, 2**64, 10**400, True, 1.5, None)


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


for order, code in itertools.product(("", "<", ">"), "bBhHiIlLqQnNefdP?"):
    print(order + code, [attempt(struct.pack, order + code, number) for number in NUMBERS])
    for size in (1, 2, 4, 8):
        print(size, attempt(struct.unpack, order + code, bytes(range(250, 250 - size, -1))))

mixed = struct.Struct(">bH3xi5s?Q2d4p0sc")
packed = mixed.pack(-1, 2, 3, b"text", 5, 6, 0.5, -0.0, bytearray(b"pascal"), b"gone", b"c")
print(mixed.size, packed, mixed.unpack(packed))
print(mixed.unpack_from(b"--" + packed, 2) == mixed.unpack_from(packed, -mixed.size) == mixed.unpack(packed))
print(list(struct.iter_unpack("<2H", bytes(range(12)))), attempt(struct.unpack, "3H", b"12345"))
room = bytearray(b"." * 12)
struct.pack_into("<Hb", room, -4, 258, -2)
print(bytes(room), attempt(struct.pack_into, "<Hb", room, 10, 1, 2), attempt(struct.pack_into, "H", b"", 0, 1))
print(attempt(struct.pack_into, "<HHH", room, 0, 1, 2, 70000), bytes(room))
for format in ("", "5", "y", "\0", "é", "99999999999999999999i", b"<H", 5, " < H", "<\tH 2x\n"):
    print(ascii(format), attempt(struct.calcsize, format), attempt(struct.pack, format, 1))
print(struct.pack(f"{600}s", b"long")[:6], len(struct.pack("600B", *itertools.repeat(7, 600))), struct.pack("0I"))
