//! The sponge behind SHA-3, SHAKE and Keccak (FIPS 202): one type for all rates and suffixes.

/// The permuted state, with what was absorbed so far.
#[derive(Clone)]
pub struct Sponge {
    lanes: [u64; 25],
    /// Bytes to a block.
    rate: u8,
    /// Bytes of the present block that are in already.
    filled: u8,
    /// What follows the message: bits that tell the functions apart, and the first of the padding.
    suffix: u8,
}

impl Sponge {
    /// An empty sponge.
    pub fn new(rate: u8, suffix: u8) -> Sponge {
        Sponge { lanes: [0; 25], rate, filled: 0, suffix }
    }

    /// Takes in a part of the message.
    pub fn absorb(&mut self, mut data: &[u8]) {
        let rate = usize::from(self.rate);
        while !data.is_empty() {
            if self.filled == 0 && data.len() >= rate {
                let (block, rest) = data.split_at(rate);
                for (lane, word) in self.lanes.iter_mut().zip(block.as_chunks().0) {
                    *lane ^= u64::from_le_bytes(*word);
                }
                data = rest;
                keccak::f1600(&mut self.lanes);
                continue;
            }
            let (part, rest) = data.split_at(data.len().min(rate - usize::from(self.filled)));
            for &byte in part {
                self.mix(self.filled, byte);
                self.filled += 1;
            }
            data = rest;
            if self.filled == self.rate {
                keccak::f1600(&mut self.lanes);
                self.filled = 0;
            }
        }
    }

    /// Ends the message and gives as much output as there is room for.
    pub fn squeeze(mut self, out: &mut [u8]) {
        self.mix(self.filled, self.suffix);
        self.mix(self.rate - 1, 0x80);
        for block in out.chunks_mut(self.rate.into()) {
            keccak::f1600(&mut self.lanes);
            for (word, lane) in block.chunks_mut(8).zip(self.lanes) {
                word.copy_from_slice(&lane.to_le_bytes()[..word.len()]);
            }
        }
    }

    fn mix(&mut self, place: u8, byte: u8) {
        self.lanes[usize::from(place / 8)] ^= u64::from(byte) << (place % 8 * 8);
    }
}
