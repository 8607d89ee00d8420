//! Hashes of text and bytes: SipHash-1-3 with the key that `PYTHONHASHSEED` gives, as in CPython.

use std::sync::OnceLock;

/// The key of the hash function.
static KEY: OnceLock<(u64, u64)> = OnceLock::new();

/// Sets the key from a seed: 0 turns randomisation off. Without a seed the key is random. The first call counts.
pub fn initialize(seed: Option<u32>) {
    KEY.get_or_init(|| match seed {
        Some(0) => (0, 0),
        Some(seed) => {
            // CPython's linear congruential generator fills the secret from the seed.
            let mut state = seed;
            let mut bytes = [0u8; 16];
            for byte in &mut bytes {
                state = state.wrapping_mul(214_013).wrapping_add(2_531_011);
                *byte = (state >> 16) as u8;
            }
            split(bytes)
        }
        None => {
            let mut bytes = [0u8; 16];
            crate::host::random_bytes(&mut bytes);
            split(bytes)
        }
    });
}

fn split(bytes: [u8; 16]) -> (u64, u64) {
    let (low, high) = bytes.split_at(8);
    let word = |part: &[u8]| part.iter().rev().fold(0, |word, &byte| word << 8 | byte as u64);
    (word(low), word(high))
}

/// The hash of bytes: 0 for none, never -1.
pub fn hash_bytes(bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return 0;
    }
    let (k0, k1) = KEY.get().copied().unwrap_or_else(|| {
        initialize(None);
        KEY.get().copied().unwrap_or((0, 0))
    });
    let hash = siphash13(k0, k1, bytes) as i64;
    if hash == -1 { -2 } else { hash }
}

/// SipHash with one compression round and three finalisation rounds (Aumasson and Bernstein).
pub fn siphash13(k0: u64, k1: u64, bytes: &[u8]) -> u64 {
    let mut state = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        compress(&mut state, u64::from_le_bytes(word));
    }
    compress(&mut state, (bytes.len() as u64) << 56 | small_number(chunks.remainder()));
    state[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

/// The number that up to seven bytes are, the lowest first: of pieces that may overlap.
#[inline(always)]
fn small_number(bytes: &[u8]) -> u64 {
    let behind = |width: usize| 8 * (bytes.len() - width) as u32;
    if let (Some(&first), Some(&last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u64::from(u32::from_le_bytes(first)) | u64::from(u32::from_le_bytes(last)) << behind(4)
    } else if let (Some(&first), Some(&last)) = (bytes.first_chunk(), bytes.last()) {
        u64::from(u16::from_le_bytes(first)) | u64::from(last) << behind(1)
    } else {
        bytes.first().map_or(0, |&only| u64::from(only))
    }
}

#[inline(always)]
fn compress(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

#[inline(always)]
fn round([v0, v1, v2, v3]: &mut [u64; 4]) {
    *v0 = v0.wrapping_add(*v1);
    *v2 = v2.wrapping_add(*v3);
    *v1 = v1.rotate_left(13) ^ *v0;
    *v3 = v3.rotate_left(16) ^ *v2;
    *v0 = v0.rotate_left(32);
    *v2 = v2.wrapping_add(*v1);
    *v0 = v0.wrapping_add(*v3);
    *v1 = v1.rotate_left(17) ^ *v2;
    *v3 = v3.rotate_left(21) ^ *v0;
    *v2 = v2.rotate_left(32);
}
