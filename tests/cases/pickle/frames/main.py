# Frames: what is written to the file at once, and what damaged ones cost; damaged numbers as well.
import io
import pickle


class File:
    def __init__(self, data=b""):
        self.file, self.sizes = io.BytesIO(data), []

    def write(self, data):
        self.sizes.append(len(data))

    def read(self, size):
        self.sizes.append(size)
        return self.file.read(size)

    def readline(self):
        self.sizes.append("line")
        return self.file.readline()


for value in ([bytes(70000), 1], [b"x" * 60000] * 2 + [list(range(50000))], ["text " * 20000, None], [bytearray(65536)], 5):
    for protocol in (3, 5):
        file = File()
        pickle.Pickler(file, protocol).dump(value)
        print(protocol, file.sizes)


def load(data):
    for read in (lambda: pickle.loads(data), lambda: pickle.load(file)):
        file = File(data)
        try:
            print(read(), end=" ")
        except Exception as error:
            print(f"{type(error).__name__}: {error}", end=" ")
    print(file.sizes)


def framed(length, data):
    return b"\x80\x04\x95" + length.to_bytes(8, "little") + data


for length in range(8):
    load(framed(length, b"K\x01\x85."))
    load(framed(length, b"\x8c\x03abc."))
    load(framed(length, b"I12\n."))
    load(framed(3, b"K\x01\x85" + b"\x95" + length.to_bytes(8, "little") + b"\x85."))
load(framed(1 << 63, b"."))
load(framed(30, b"K\x01\x95\xff\xff\xff\xff\xff\xff\xff\xff."))
load(framed(20, b"K\x01\x95\xff\xff\xff\xff\xff\xff\xff\xff" + bytes(9)))
load(b"\x80\x04]\x94(K\x01K\x02\x8c\x02\xc3\xa9\x8c\x03\xed\xa0\x80e.")
load(b"\x80\x04\x8c\x02\xc3\x28.")
load(b"\x80\x04h\x05.")
load(b"\x80\x04K\x01\x87.")
load(b"\x80\x04(K\x01u.")
load(b"\x80\x04}(K\x01u.")
load(b"g-1\n.")
load(b"F1\x002\n.")
for number in (b"\x005", b"\x0055", b"01", b"+1", b"-0", b" 1", b"1 ", b"1\x00", b"001", b"1"):
    load(b"I" + number + b"\n.")
load(b"Fx\x002\n.")
load(b"Fx\n.")
load(b"L" + b"1" * 250 + b"x\n.")
load(b"L" + b"1" * 250 + b"\xff\n.")
load(b"L1\xff\n.")
load(b"\x80\x04C\x03ab.")
load(b"\x80\x03C\x00")
load(b"\x80\x03C\x00.")
load(b"\x80\x04}}b.")
load(b"\x80\x04}N\x86b.")
