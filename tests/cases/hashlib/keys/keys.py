"""Keys from passwords: PBKDF2 and scrypt, within their bounds and beyond."""

import _hashlib
import hashlib


def show(function, *arguments, **keywords):
    try:
        print(function(*arguments, **keywords).hex())
    except Exception as error:
        print(type(error).__name__, error)


for name in sorted(_hashlib.openssl_md_meth_names):
    show(hashlib.pbkdf2_hmac, name, b"password", b"salt", 1)
    show(hashlib.pbkdf2_hmac, name, b"p" * 300, b"", 3, 150)
for arguments in [(0,), (-1,), (2 ** 31,), (2 ** 63,), (1.0,), (1, 0), (1, -1), (1, 2 ** 31), (1, 2 ** 63), (1, "1"), (1, 5)]:
    show(hashlib.pbkdf2_hmac, "md5", b"password", b"salt", *arguments)
show(hashlib.pbkdf2_hmac, "sha", b"password", b"salt", 1)
show(hashlib.pbkdf2_hmac, "md5", "password", b"salt", 1)
show(hashlib.pbkdf2_hmac, 1, b"password", b"salt", 1)
show(hashlib.pbkdf2_hmac, hash_name="sha1", password=bytearray(b"pw"), salt=memoryview(b"salt"), iterations=2, dklen=8)

# The examples of RFC 7914, but for the one that takes a gigabyte.
show(hashlib.scrypt, b"", salt=b"", n=16, r=1, p=1)
show(hashlib.scrypt, b"password", salt=b"NaCl", n=1024, r=8, p=16)
show(hashlib.scrypt, b"pleaseletmein", salt=b"SodiumChloride", n=16384, r=8, p=1, maxmem=2 ** 25)
for keywords in [
    {"n": 1}, {"n": 3}, {"n": -1}, {"n": 2 ** 64}, {"n": 2 ** 63}, {"n": 2 ** 16}, {"n": 2 ** 16, "r": 4},
    {"n": None}, {"n": 2.0}, {"r": 0}, {"r": -1}, {"r": 2 ** 32}, {"r": 2 ** 30}, {"p": 0}, {"p": 2 ** 24}, {"p": 2 ** 64},
    {"dklen": 0}, {"dklen": 2 ** 31}, {"dklen": 2 ** 63}, {"dklen": 1}, {"dklen": 100}, {"maxmem": -1}, {"maxmem": 2 ** 31},
    {"maxmem": 639}, {"maxmem": 640}, {"maxmem": 1}, {"maxmem": None}, {"salt": "salt"}, {"password": None},
]:
    show(hashlib.scrypt, **{"password": b"password", "salt": b"salt", "n": 2, "r": 1, "p": 1} | keywords)
