//! `.pyc` files: a header that says which source they were made from, then marshal bytes (PEP 552).

use std::fmt;

/// The number that marks CPython 3.14's bytecode.
pub const MAGIC_NUMBER: u16 = 3627;

/// The first four bytes of a `.pyc` file.
pub const MAGIC: [u8; 4] = {
    let [low, high] = MAGIC_NUMBER.to_le_bytes();
    [low, high, b'\r', b'\n']
};

/// How long the header is.
pub const HEADER_LENGTH: usize = 16;

/// How a `.pyc` file is checked against its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// By the source's modification time and size, both modulo 2³².
    Timestamp {
        /// Seconds since 1970.
        modified: u32,
        /// Bytes.
        size: u32,
    },
    /// By the source's hash.
    CheckedHash([u8; 8]),
    /// Not at all, though the source's hash is there.
    UncheckedHash([u8; 8]),
}

/// Why a header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The magic number is another version's.
    BadMagic([u8; 4]),
    /// The file ends inside the header.
    TooShort,
    /// There are flags that this version does not know.
    BadFlags(u32),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic(magic) => write!(f, "bad magic number: {magic:?}"),
            Self::TooShort => f.write_str("reached EOF while reading pyc header"),
            Self::BadFlags(flags) => write!(f, "invalid flags {flags:#x}"),
        }
    }
}

impl std::error::Error for HeaderError {}

const HASH_BASED: u32 = 0b01;
const CHECK_SOURCE: u32 = 0b10;

/// The header of a `.pyc` file.
pub fn write_header(validation: Validation) -> [u8; HEADER_LENGTH] {
    let mut header = [0; HEADER_LENGTH];
    header[..4].copy_from_slice(&MAGIC);
    match validation {
        Validation::Timestamp { modified, size } => {
            header[8..12].copy_from_slice(&modified.to_le_bytes());
            header[12..].copy_from_slice(&size.to_le_bytes());
        }
        Validation::CheckedHash(hash) => {
            header[4] = (HASH_BASED | CHECK_SOURCE) as u8;
            header[8..].copy_from_slice(&hash);
        }
        Validation::UncheckedHash(hash) => {
            header[4] = HASH_BASED as u8;
            header[8..].copy_from_slice(&hash);
        }
    }
    header
}

/// Splits a `.pyc` file into what its header says and the marshal bytes.
pub fn read_header(file: &[u8]) -> Result<(Validation, &[u8]), HeaderError> {
    let (magic, rest) = file.split_first_chunk::<4>().ok_or(HeaderError::TooShort)?;
    if *magic != MAGIC {
        return Err(HeaderError::BadMagic(*magic));
    }
    let (flags, rest) = rest.split_first_chunk::<4>().ok_or(HeaderError::TooShort)?;
    let (first, rest) = rest.split_first_chunk::<4>().ok_or(HeaderError::TooShort)?;
    let (second, code) = rest.split_first_chunk::<4>().ok_or(HeaderError::TooShort)?;
    let flags = u32::from_le_bytes(*flags);
    let mut hash = [0; 8];
    hash[..4].copy_from_slice(first);
    hash[4..].copy_from_slice(second);
    let validation = match flags {
        0 => {
            Validation::Timestamp { modified: u32::from_le_bytes(*first), size: u32::from_le_bytes(*second) }
        }
        HASH_BASED => Validation::UncheckedHash(hash),
        _ if flags == HASH_BASED | CHECK_SOURCE => Validation::CheckedHash(hash),
        _ => return Err(HeaderError::BadFlags(flags)),
    };
    Ok((validation, code))
}

/// The hash of a source file, as `_imp.source_hash` computes it: SipHash-1-3 under the magic number.
pub fn source_hash(source: &[u8]) -> [u8; 8] {
    keyed_hash(u64::from(u32::from_le_bytes(MAGIC)), source).to_le_bytes()
}

/// SipHash-1-3 with `key` and zero as its keys.
pub fn keyed_hash(key: u64, data: &[u8]) -> u64 {
    let mut state = [
        key ^ 0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        key ^ 0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    let (words, rest) = data.as_chunks::<8>();
    for word in words {
        absorb(&mut state, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = data.len() as u8;
    absorb(&mut state, u64::from_le_bytes(last));
    state[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut state);
    }
    state.into_iter().fold(0, |hash, word| hash ^ word)
}

fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back() {
        for validation in [
            Validation::Timestamp { modified: 1_700_000_000, size: 12 },
            Validation::CheckedHash(*b"abcdefgh"),
            Validation::UncheckedHash(*b"01234567"),
        ] {
            let mut file = write_header(validation).to_vec();
            file.extend(b"code");
            assert_eq!(read_header(&file), Ok((validation, &b"code"[..])));
        }
    }

    #[test]
    fn source_hashes_are_those_of_cpython() {
        let hash = |source: &[u8]| source_hash(source).map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(hash(b""), "61f5b7cb653a6aa4");
        assert_eq!(hash(b"a"), "9713ded0c3324373");
        assert_eq!(hash(b"hello, world"), "bc98dd37cf75c567");
        assert_eq!(hash(&[b'x'; 64]), "96ee4ddf98d8ded8");
    }
}
