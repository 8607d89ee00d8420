#!/usr/bin/env python3.14
"""Writes `tables.bin`: what CPython's multibyte codecs map to what, asked of the codecs themselves.

    generate.py [OUTPUT]

The file is one zstd frame. In it, all numbers little-endian:

    for each codec of CODECS        a `direct` section
    for each character set of SETS  a `direct` section
    gb18030's four-byte ranges      u32 count; each u32 index, u32 first character, u32 length
    the pairs' special cases        (in the sections)

A `direct` section says how sequences of one to three bytes decode, and where encoding is not the inverse of that:

    256 x u16                what a first byte is: a character, or INVALID, LEAD, LEAD3
    u8 low, u8 high          the range of second bytes
    u16 count                rows of two-byte sequences; each u8 lead, then (high - low + 1) x u16
    u16 count                rows of three-byte sequences; each u8 second byte (the first is LEAD3), then as above
    u32 count                sequences that stand for other things: u32 code, u32 first, u32 second character or 0; with
                             0 for both the sequence as a whole is illegal, not its first byte alone
    u32 count                encodings that differ: u32 character, u32 code or 0 where there is none

In rows, 0 means no character and SPECIAL one of the sequences listed. Where several sequences decode to a character,
it encodes to the lowest unless listed.
"""
import compression.zstd
import pathlib
import struct
import sys

CODECS = ("gb2312 gbk gb18030 big5hkscs shift_jis cp932 euc_jp shift_jis_2004 euc_jis_2004 shift_jisx0213 "
          "euc_jisx0213 euc_kr cp949 johab big5 cp950").split()
# ISO 2022 character sets: a codec that has it and the sequence that designates it.
SETS = {
    "jisx0208": ("iso2022_jp", b"\x1b$B"),
    "jisx0212": ("iso2022_jp_1", b"\x1b$(D"),
    "ksx1001": ("iso2022_jp_2", b"\x1b$(C"),
    "gb2312": ("iso2022_jp_2", b"\x1b$A"),
    "jisx0213_2000_1": ("iso2022_jp_3", b"\x1b$(O"),
    "jisx0213_2000_2": ("iso2022_jp_3", b"\x1b$(P"),
    "jisx0213_2004_1": ("iso2022_jp_2004", b"\x1b$(Q"),
    "jisx0213_2004_2": ("iso2022_jp_2004", b"\x1b$(P"),
}
INVALID, LEAD, LEAD3, SPECIAL = 0xFFFF, 0xFFFE, 0xFFFD, 0xFFFF
WRONG, ILLEGAL = "wrong", "illegal"
CHARACTERS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def decoded(decoder, data):
    """What a sequence decodes to: a text, '' for more bytes needed, WRONG for an error of the first byte, ILLEGAL for
    one of all bytes."""
    decoder.reset()
    try:
        return decoder.decode(data)
    except UnicodeDecodeError as error:
        assert error.start == 0 and error.end in (1, len(data)), (error, data)
        return WRONG if error.end == 1 else ILLEGAL


def encoded(encoding, text):
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None


def number(data):
    return int.from_bytes(data, "big")


def codec_section(name):
    import codecs
    decoder = codecs.getincrementaldecoder(name)()
    first, sequences, leads3 = [], {}, []
    for byte in range(256):
        text = decoded(decoder, bytes([byte]))
        if text in (WRONG, ILLEGAL):
            first.append(INVALID)
        elif text:
            first.append(ord(text))
            sequences[byte] = text
        else:
            pending = [decoded(decoder, bytes([byte, second])) == "" for second in range(256)]
            three = all(pending)
            first.append(LEAD3 if three else LEAD)
            if three:
                leads3.append(byte)
                for second in range(256):
                    for third in range(256):
                        data = bytes([byte, second, third])
                        text = decoded(decoder, data)
                        if text != WRONG:
                            sequences[number(data)] = text
                continue
            for second in range(256):
                data = bytes([byte, second])
                text = decoded(decoder, data)
                if text not in (WRONG, ""):
                    sequences[number(data)] = text
                elif text == "":
                    assert name == "gb18030" and 0x30 <= second <= 0x39 or name == "euc_kr" and data == b"\xa4\xd4", (name, data)
    assert len(leads3) <= 1
    pairs = sorted({text for text in sequences.values() if len(text) == 2})
    wanted = {chr(c): encoded(name, chr(c)) for c in CHARACTERS}
    wanted |= {pair: encoded(name, pair) for pair in pairs}
    # Algorithms take care of what is longer.
    wanted = {text: data for text, data in wanted.items() if data is None or len(data) <= 3}
    return section(first, sequences, wanted)


def set_section(codec, designation):
    """A set of double bytes; asked through a codec that may have other sets for the same characters."""
    sequences = {}
    for row in range(0x21, 0x7F):
        for cell in range(0x21, 0x7F):
            try:
                text = (designation + bytes([row, cell]) + b"\x1b(B").decode(codec)
            except UnicodeDecodeError:
                continue
            sequences[row << 8 | cell] = text
    wanted = {}
    known = set(sequences.values())
    for text in known | {chr(c) for c in CHARACTERS if c < 0x30000}:
        data = encoded(codec, text)
        if data is None:
            if text in known:
                wanted[text] = None
        elif data[-3:] == b"\x1b(B" and data[:-5] == designation:
            wanted[text] = data[-5:-3]
    first = [LEAD if 0x21 <= byte < 0x7F else INVALID for byte in range(256)]
    # Only where the codec takes this very set does it say how the set encodes.
    return section(first, sequences, wanted)


def section(first, sequences, wanted):
    inverse = {}
    for code in sorted(sequences):
        if sequences[code] != ILLEGAL:
            inverse.setdefault(sequences[code], code)
    differing = []
    specials = []
    for text, data in sorted(wanted.items()):
        code = 0 if data is None else number(data)
        if inverse.get(text, 0) != code:
            if len(text) == 1:
                differing.append((ord(text), code))
            else:
                assert code == 0, (text, data)
    two, three = {}, {}
    for code, text in sequences.items():
        if code < 0x100:
            continue
        plain = len(text) == 1 and ord(text) < 0xFFFD
        if text == ILLEGAL:
            specials.append((code, 0, 0))
        elif not plain:
            specials.append((code, ord(text[0]), ord(text[1]) if len(text) > 1 else 0))
        rows = three if code > 0xFFFF else two
        rows.setdefault(code >> 8 & 0xFF, {})[code & 0xFF] = ord(text) if plain else SPECIAL
    cells = [cell for rows in (two, three) for row in rows.values() for cell in row]
    low, high = min(cells), max(cells)
    out = [struct.pack("<256H", *first), bytes([low, high])]
    for rows in (two, three):
        out.append(struct.pack("<H", len(rows)))
        for lead, row in sorted(rows.items()):
            out.append(bytes([lead]))
            out.append(struct.pack(f"<{high - low + 1}H", *(row.get(cell, 0) for cell in range(low, high + 1))))
    for entries, layout in ((sorted(specials), "<III"), (differing, "<II")):
        out.append(struct.pack("<I", len(entries)))
        out.extend(struct.pack(layout, *entry) for entry in entries)
    print(f"  {len(sequences)} sequences, {len(specials)} special, {len(differing)} encoded otherwise")
    return b"".join(out)


def four_byte_ranges():
    """The characters of the basic plane that gb18030 writes in four bytes, in runs."""
    runs = []
    for index in range(39420):
        rest, d = divmod(index, 10)
        rest, c = divmod(rest, 126)
        a, b = divmod(rest, 10)
        try:
            text = bytes([0x81 + a, 0x30 + b, 0x81 + c, 0x30 + d]).decode("gb18030")
        except UnicodeDecodeError:
            continue
        if runs and runs[-1][0] + runs[-1][2] == index and runs[-1][1] + runs[-1][2] == ord(text):
            runs[-1][2] += 1
        else:
            runs.append([index, ord(text), 1])
    print(f"gb18030: {len(runs)} runs of four bytes")
    return struct.pack("<I", len(runs)) + b"".join(struct.pack("<III", *run) for run in runs)


def main():
    parts = []
    for name in CODECS:
        print(name)
        parts.append(codec_section(name))
    for name, (codec, designation) in SETS.items():
        print("set", name)
        parts.append(set_section(codec, designation))
    parts.append(four_byte_ranges())
    plain = b"".join(parts)
    level = compression.zstd.CompressionParameter.compression_level
    options = {level: 22, compression.zstd.CompressionParameter.window_log: 22}
    packed = compression.zstd.compress(plain, options=options)
    path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("tables.bin")
    pathlib.Path(path).write_bytes(packed)
    print(f"{len(plain)} bytes, {len(packed)} packed")


main()
