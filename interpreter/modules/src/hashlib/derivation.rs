//! Keys from passwords: PBKDF2 (RFC 8018) and scrypt (RFC 7914).

use std::collections::TryReserveError;

use super::algorithm::{Algorithm, MOST_BYTES, SHA256};
use super::hmac::Keyed;

/// Fills `out` with PBKDF2's key, over HMAC with a hash function of fixed length.
pub fn pbkdf2(algorithm: &'static Algorithm, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    let keyed = Keyed::new(algorithm, password);
    let (mut last, mut sum) = ([0; MOST_BYTES], [0; MOST_BYTES]);
    let (last, sum) = (&mut last[..algorithm.digest_size], &mut sum[..algorithm.digest_size]);
    for (block, number) in out.chunks_mut(algorithm.digest_size).zip(1u32..) {
        keyed.tag(&[salt, &number.to_be_bytes()], sum);
        last.copy_from_slice(sum);
        for _ in 1..iterations {
            keyed.next(last);
            sum.iter_mut().zip(&*last).for_each(|(sum, byte)| *sum ^= byte);
        }
        block.copy_from_slice(&sum[..block.len()]);
    }
}

/// Words of Salsa20's block.
const WORDS: usize = 16;

/// How much scrypt costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// How often the table is passed, a power of two; so many blocks are remembered.
    pub n: u64,
    /// The size of a block, in steps of 128 bytes.
    pub r: u64,
    /// How often all of that is done.
    pub p: u64,
}

impl Cost {
    /// Whether the parameters are within the bounds of scrypt, and the memory within so many bytes.
    pub fn is_within(self, memory: u64) -> bool {
        let Cost { n, r, p } = self;
        // RFC 7914: p * r is below 2^30, and n below 2^(128 * r / 8).
        let product = p.checked_mul(r).filter(|&product| product < 1 << 30);
        let blocks = product.map(|product| product * 128).filter(|&bytes| bytes <= i32::MAX as u64);
        let is_small = 16 * r > 63 || n < 1 << (16 * r);
        let table = n.checked_add(2).and_then(|n| n.checked_mul(r)).and_then(|count| count.checked_mul(128));
        let total = blocks.zip(table).and_then(|(blocks, table)| blocks.checked_add(table));
        is_small && total.is_some_and(|total| total <= memory)
    }
}

/// Fills `out` with scrypt's key.
///
/// # Errors
/// Where there is not enough memory.
pub fn scrypt(password: &[u8], salt: &[u8], cost: Cost, out: &mut [u8]) -> Result<(), TryReserveError> {
    let (n, size) = (cost.n as usize, cost.r as usize * 2 * WORDS);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size * 4 * cost.p as usize)?;
    bytes.resize(size * 4 * cost.p as usize, 0);
    let mut table = Vec::new();
    table.try_reserve_exact(size * n)?;
    let (mut block, mut other) = (vec![0; size], vec![0; size]);
    pbkdf2(&SHA256, password, salt, 1, &mut bytes);
    for part in bytes.chunks_exact_mut(size * 4) {
        for (word, bytes) in block.iter_mut().zip(part.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        mix(&mut block, &mut other, &mut table, n);
        for (bytes, word) in part.as_chunks_mut().0.iter_mut().zip(&block) {
            *bytes = word.to_le_bytes();
        }
    }
    pbkdf2(&SHA256, password, &bytes, 1, out);
    Ok(())
}

/// scryptROMix: remembers what the block becomes in n steps, and mixes what it remembers in n further ones.
fn mix<'a>(mut block: &'a mut [u32], mut other: &'a mut [u32], table: &mut Vec<u32>, n: usize) {
    let size = block.len();
    table.clear();
    for _ in 0..n {
        table.extend_from_slice(block);
        step(block, other);
        std::mem::swap(&mut block, &mut other);
    }
    for _ in 0..n {
        let chosen = block[size - WORDS] as usize & (n - 1);
        block.iter_mut().zip(&table[chosen * size..]).for_each(|(word, with)| *word ^= with);
        step(block, other);
        // There is an even number of steps, so that the caller's block is the last again.
        std::mem::swap(&mut block, &mut other);
    }
}

/// scryptBlockMix: chains Salsa20/8 over a block, and sorts the results into even and odd ones.
fn step(block: &[u32], out: &mut [u32]) {
    let (parts, half) = (block.as_chunks::<WORDS>().0, block.len() / 2);
    let (even, odd) = out.split_at_mut(half);
    let mut chain = parts[parts.len() - 1];
    for (index, part) in parts.iter().enumerate() {
        chain.iter_mut().zip(part).for_each(|(word, with)| *word ^= with);
        salsa(&mut chain);
        let results = if index % 2 == 0 { &mut *even } else { &mut *odd };
        results[index / 2 * WORDS..][..WORDS].copy_from_slice(&chain);
    }
}

/// Salsa20 with 8 rounds.
fn salsa(block: &mut [u32; WORDS]) {
    let mut x = *block;
    let mut quarter = |a: usize, b: usize, c: usize, d: usize| {
        x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
        x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
        x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
        x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
    };
    for _ in 0..4 {
        quarter(0, 4, 8, 12);
        quarter(5, 9, 13, 1);
        quarter(10, 14, 2, 6);
        quarter(15, 3, 7, 11);
        quarter(0, 1, 2, 3);
        quarter(5, 6, 7, 4);
        quarter(10, 11, 8, 9);
        quarter(15, 12, 13, 14);
    }
    block.iter_mut().zip(x).for_each(|(word, with)| *word = word.wrapping_add(with));
}
