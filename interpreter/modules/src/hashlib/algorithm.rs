//! The hash functions by name: those of OpenSSL's default provider, in its spellings and in Python's.

use super::state::State;

/// The longest result of a hash function whose length is fixed.
pub const MOST_BYTES: usize = 64;

/// The longest block of a hash function.
pub const MOST_BLOCK: usize = 168;

/// A hash function.
pub struct Algorithm {
    /// Its name in Python; absent where OpenSSL has a function that Python does not know of.
    pub name: Option<&'static str>,
    /// OpenSSL's names, in upper or lower case.
    spellings: &'static [&'static str],
    /// Bytes of the result; 0 where as much is given as is wanted.
    pub digest_size: usize,
    /// Bytes to a block.
    pub block_size: usize,
    /// The state before the message.
    pub start: fn() -> State,
}

impl Algorithm {
    /// The function that goes by a name.
    pub fn by_name(name: &str) -> Option<&'static Algorithm> {
        // OpenSSL's names have no underscores; with them they are Python's, where case counts.
        let fits = |spelling: &&str| {
            spelling.eq_ignore_ascii_case(name) && (*spelling == name || !spelling.contains('_'))
        };
        let is_named = |algorithm: &&&Algorithm| algorithm.name == Some(name);
        let is_spelled = |algorithm: &&&Algorithm| algorithm.spellings.iter().any(fits);
        ALL.iter().find(is_named).or_else(|| ALL.iter().find(is_spelled)).copied()
    }

    /// Whether as much is given as is wanted.
    pub fn is_extendable(&self) -> bool {
        self.digest_size == 0
    }

    /// The name that objects show.
    pub fn shown(&self) -> &'static str {
        self.name.unwrap_or("undefined")
    }
}

macro_rules! algorithms {
    ($($constant:ident: $name:expr, $spellings:expr, digest $digest:literal, block $block:literal, $start:expr;)*) => {
        $(
            #[doc = concat!("`", stringify!($constant), "`.")]
            pub static $constant: Algorithm = Algorithm {
                name: $name, spellings: &$spellings, digest_size: $digest, block_size: $block, start: || $start,
            };
        )*

        /// All of them.
        pub static ALL: &[&Algorithm] = &[$(&$constant),*];
    };
}

// The most used come first.
algorithms! {
    SHA256: Some("sha256"), ["SHA2-256", "SHA-256", "SHA256", "2.16.840.1.101.3.4.2.1"],
        digest 32, block 64, State::sha256(32);
    SHA1: Some("sha1"), ["SHA1", "SHA-1", "SSL3-SHA1", "1.3.14.3.2.26"],
        digest 20, block 64, State::sha1();
    MD5: Some("md5"), ["MD5", "SSL3-MD5", "1.2.840.113549.2.5"],
        digest 16, block 64, State::md5();
    SHA512: Some("sha512"), ["SHA2-512", "SHA-512", "SHA512", "2.16.840.1.101.3.4.2.3"],
        digest 64, block 128, State::sha512(64);
    SHA384: Some("sha384"), ["SHA2-384", "SHA-384", "SHA384", "2.16.840.1.101.3.4.2.2"],
        digest 48, block 128, State::sha512(48);
    SHA224: Some("sha224"), ["SHA2-224", "SHA-224", "SHA224", "2.16.840.1.101.3.4.2.4"],
        digest 28, block 64, State::sha256(28);
    SHA512_256: Some("sha512_256"), ["SHA2-512/256", "SHA-512/256", "SHA512-256", "SHA512_256", "2.16.840.1.101.3.4.2.6"],
        digest 32, block 128, State::sha512(32);
    SHA512_224: Some("sha512_224"), ["SHA2-512/224", "SHA-512/224", "SHA512-224", "SHA512_224", "2.16.840.1.101.3.4.2.5"],
        digest 28, block 128, State::sha512(28);
    SHA3_224: Some("sha3_224"), ["SHA3-224", "2.16.840.1.101.3.4.2.7"],
        digest 28, block 144, State::sponge(144, 0x06);
    SHA3_256: Some("sha3_256"), ["SHA3-256", "2.16.840.1.101.3.4.2.8"],
        digest 32, block 136, State::sponge(136, 0x06);
    SHA3_384: Some("sha3_384"), ["SHA3-384", "2.16.840.1.101.3.4.2.9"],
        digest 48, block 104, State::sponge(104, 0x06);
    SHA3_512: Some("sha3_512"), ["SHA3-512", "2.16.840.1.101.3.4.2.10"],
        digest 64, block 72, State::sponge(72, 0x06);
    SHAKE_128: Some("shake_128"), ["SHAKE-128", "SHAKE128", "2.16.840.1.101.3.4.2.11"],
        digest 0, block 168, State::sponge(168, 0x1f);
    SHAKE_256: Some("shake_256"), ["SHAKE-256", "SHAKE256", "2.16.840.1.101.3.4.2.12"],
        digest 0, block 136, State::sponge(136, 0x1f);
    BLAKE2B: Some("blake2b"), ["BLAKE2B-512", "BLAKE2b512", "1.3.6.1.4.1.1722.12.2.1.16"],
        digest 64, block 128, State::blake2b();
    BLAKE2S: Some("blake2s"), ["BLAKE2S-256", "BLAKE2s256", "1.3.6.1.4.1.1722.12.2.2.8"],
        digest 32, block 64, State::blake2s();
    MD5_SHA1: Some("md5-sha1"), ["MD5-SHA1"],
        digest 36, block 64, State::md5_sha1();
    RIPEMD160: Some("ripemd160"), ["RIPEMD-160", "RIPEMD160", "RIPEMD", "RMD160", "1.3.36.3.2.1"],
        digest 20, block 64, State::ripemd160();
    SM3: Some("sm3"), ["SM3", "1.2.156.10197.1.401"],
        digest 32, block 64, State::sm3();
    KECCAK_224: None, ["KECCAK-224"], digest 28, block 144, State::sponge(144, 0x01);
    KECCAK_256: None, ["KECCAK-256"], digest 32, block 136, State::sponge(136, 0x01);
    KECCAK_384: None, ["KECCAK-384"], digest 48, block 104, State::sponge(104, 0x01);
    KECCAK_512: None, ["KECCAK-512"], digest 64, block 72, State::sponge(72, 0x01);
    KECCAK_KMAC_128: None, ["KECCAK-KMAC-128", "KECCAK-KMAC128"],
        digest 0, block 168, State::sponge(168, 0x04);
    KECCAK_KMAC_256: None, ["KECCAK-KMAC-256", "KECCAK-KMAC256"],
        digest 0, block 136, State::sponge(136, 0x04);
}
