//! The identifiers of one source, each stored once.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::ast::Name;
use crate::unicode;

/// Identifiers by how they are written.
#[derive(Default)]
pub(super) struct Names<'a>(HashMap<&'a str, Name, BuildHasherDefault<WordHasher>>);

impl<'a> Names<'a> {
    /// The name of what `from … import *` imports.
    pub(super) fn star(&mut self) -> Name {
        self.0.entry("*").or_insert_with(|| Name::from("*")).clone()
    }

    /// The name written like this, or nothing if it turns into a constant's name.
    pub(super) fn intern(&mut self, text: &'a str) -> Option<Name> {
        if let Some(name) = self.0.get(text) {
            return Some(name.clone());
        }
        let normalized = if text.is_ascii() { None } else { unicode::normalize_identifier(text) };
        let name = match normalized {
            None => Name::from(text),
            Some(normalized) if matches!(normalized.as_str(), "None" | "True" | "False") => return None,
            Some(normalized) => match self.0.get(normalized.as_str()) {
                Some(name) => name.clone(),
                None => Name::from(normalized),
            },
        };
        self.0.insert(text, name.clone());
        Some(name)
    }
}

/// A quick hash for short words: eight bytes at a time.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517C_C1B7_2722_0A95);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517C_C1B7_2722_0A95);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}
