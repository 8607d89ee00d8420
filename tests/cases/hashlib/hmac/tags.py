"""HMAC over every hash function, with keys shorter and longer than a block."""

import _hashlib
import hashlib
import hmac
import threading

for name in sorted(_hashlib.openssl_md_meth_names):
    for key in (b"", b"key", b"k" * 200):
        try:
            tag = _hashlib.hmac_new(key, b"message", name)
        except ValueError as error:
            print(name, error)
            continue
        copy = tag.copy()
        copy.update(b" and more")
        assert copy.digest() == _hashlib.hmac_digest(key, b"message and more", name)
        print(tag.name, tag.digest_size, tag.block_size, tag.hexdigest(), copy.hexdigest())

for arguments in [(b"k",), (b"k", b"m"), (b"k", b"m", None), (b"k", b"m", ""), (b"k", b"m", "sha"), (b"k", b"m", len),
                  (b"k", b"m", []), ("k", b"m", "md5"), (b"k", "m", "md5"), (b"k", None, "md5"),
                  (b"k", b"m", hashlib.sha1), (b"k", b"m", hashlib.shake_128)]:
    try:
        print(_hashlib.hmac_new(*arguments).hexdigest())
    except (ValueError, TypeError) as error:
        print(type(error).__name__, error)

print(hmac.new(b"key", b"message", "sha256").hexdigest(), hmac.digest(b"key", b"message", "sha3_256").hex())
print(hmac.compare_digest is _hashlib.compare_digest, hmac.compare_digest(b"a", bytearray(b"a")))

# Long data is read without the interpreter's lock, by several threads into one object.
shared = hmac.new(b"key", b"", "sha256")
data = bytes(100_000)
threads = [threading.Thread(target=lambda: [shared.update(data) for _ in range(20)]) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(shared.hexdigest() == hmac.digest(b"key", data * 80, "sha256").hex())
