"""What `struct` does with `_struct`."""

import struct

from data import NUMBERS
from registry import program

HEADER = struct.Struct("<IHHqd8s")
HEADERS = HEADER.pack(1, 2, 3, 4, 5.0, b"abcdefgh") * 300
ROOM = bytearray(len(HEADERS))


@program
def struct_pack():
    pack = struct.pack
    for number in range(300):
        pack("<IHHqd", number, 2, 3, 4, 5.0)


@program
def struct_pack_compiled():
    pack = HEADER.pack
    for number in range(300):
        pack(number, 2, 3, 4, 5.0, b"abcdefgh")


@program
def struct_pack_native():
    pack = struct.pack
    for number in range(300):
        pack("iqd", number, number, 1.5)


@program
def struct_pack_big_endian():
    pack = struct.pack
    for number in range(300):
        pack(">IHB", number, 5, 1)


@program
def struct_pack_one():
    pack = struct.pack
    for number in range(300):
        pack("<I", number)


@program
def struct_pack_into():
    pack, size = HEADER.pack_into, HEADER.size
    for number in range(300):
        pack(ROOM, number * size, number, 2, 3, 4, 5.0, b"abcdefgh")


@program
def struct_pack_many():
    struct.pack("<2000I", *range(2000))


@program
def struct_pack_floats():
    struct.pack("<2000d", *NUMBERS)


@program
def struct_unpack():
    unpack, one = struct.unpack, HEADERS[:HEADER.size]
    for _ in range(300):
        unpack("<IHHqd8s", one)


@program
def struct_unpack_one():
    unpack, one = struct.unpack, b"abcd"
    for _ in range(300):
        unpack("<I", one)


@program
def struct_unpack_from():
    unpack, size = HEADER.unpack_from, HEADER.size
    for number in range(300):
        unpack(HEADERS, number * size)


@program
def struct_iter_unpack():
    for _ in HEADER.iter_unpack(HEADERS):
        pass


@program
def struct_unpack_many():
    struct.unpack("<2000I", bytes(8000))


@program
def struct_make():
    for _ in range(100):
        struct.Struct("<IHHqd8s")


@program
def struct_calcsize():
    for _ in range(300):
        struct.calcsize("<IHHqd8s")
