"""Hash functions by the names that OpenSSL has for them."""

import _hashlib
import hashlib

NAMES = sorted(_hashlib.openssl_md_meth_names) + [
    "SHA256", "SHA-256", "sha2-256", "2.16.840.1.101.3.4.2.1", "SHA512-256", "SHA512_256", "SHA-512/224", "SHA3-256",
    "SHAKE256", "BLAKE2b512", "BLAKE2S-256", "RIPEMD", "rmd160", "MD5-SHA1", "SSL3-MD5", "keccak-256", "KECCAK-KMAC-128",
]
UNKNOWN = ["", "sha", "md4", "RSA-SHA256", "SHA3_256", "Sha512_256", "BLAKE2B", "sha256:", "undefined", "md5\0", b"md5", 1]
MESSAGE = bytes(range(256)) * 3

print(sorted(hashlib.algorithms_available))
for name in NAMES:
    function = _hashlib.new(name, MESSAGE[:100])
    length = (24,) if isinstance(function, _hashlib.HASHXOF) else ()
    copy = function.copy()
    copy.update(MESSAGE[100:])
    print(name, function.name, function.digest_size, function.block_size, type(function).__name__)
    print("  ", function.hexdigest(*length), copy.hexdigest(*length))
    # Blocks end in the middle of what is read.
    parts = _hashlib.new(name)
    for start in range(0, len(MESSAGE), 77):
        parts.update(MESSAGE[start:start + 77])
    assert parts.digest(*length) == copy.digest(*length)
for name in UNKNOWN:
    try:
        print(_hashlib.new(name))
    except (ValueError, TypeError) as error:
        print(ascii(name), type(error).__name__, error)

for length in (0, 1, 167, 168, 169, 5000):
    print(length, hashlib.sha256(hashlib.shake_128(b"x").digest(length)).hexdigest())
for length in (-1, 2 ** 63 - 1, 2 ** 63, "1"):
    for method in (hashlib.shake_256().digest, hashlib.shake_256().hexdigest):
        try:
            method(length)
        except Exception as error:
            print(length, type(error).__name__, error)

print(hashlib.sha256 is _hashlib.openssl_sha256, _hashlib._constructors[hashlib.sha256], _hashlib.get_fips_mode())
for data in ("text", 1, None, memoryview(b"abcd")[::2]):
    try:
        hashlib.sha256(data)
    except Exception as error:
        print(type(error).__name__, error)
print(hashlib.md5(memoryview(b"abcd").cast("B", (2, 2)), usedforsecurity=False).hexdigest())
