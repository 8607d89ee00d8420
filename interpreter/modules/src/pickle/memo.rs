//! What a pickler has written already: objects by identity, with the numbers that the pickle calls them by.

use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::value::Value;

/// A hash table from objects to numbers that keeps the objects alive.
#[derive(Default)]
pub struct Memo {
    /// The objects in the order in which they came.
    entries: Vec<(Value, usize)>,
    /// Places of the entries plus one, at the hash of their words; as many as a power of two.
    table: Vec<u32>,
}

/// The smallest table.
const SMALLEST: usize = 16;

impl Memo {
    /// Number of objects.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where to look for an object first.
    #[inline]
    fn first(&self, word: u64) -> usize {
        // The upper bits of a product depend on all bits of the word.
        (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.table.len() - 1)
    }

    /// The number of an object.
    #[inline]
    pub fn get(&self, object: &Value) -> Option<usize> {
        if self.table.is_empty() {
            return None;
        }
        let mut at = self.first(object.bits());
        loop {
            let place = self.table[at];
            if place == 0 {
                return None;
            }
            let (entry, number) = &self.entries[place as usize - 1];
            if entry.is(object) {
                return Some(*number);
            }
            at = (at + 1) & (self.table.len() - 1);
        }
    }

    /// Remembers an object that is not there yet.
    #[inline]
    pub fn insert(&mut self, object: Value, number: usize) {
        // A table at most half full.
        if (self.entries.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let word = object.bits();
        self.entries.push((object, number));
        self.put(word, self.entries.len() as u32);
    }

    #[inline(always)]
    fn put(&mut self, word: u64, place: u32) {
        let mut at = self.first(word);
        while self.table[at] != 0 {
            at = (at + 1) & (self.table.len() - 1);
        }
        self.table[at] = place;
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.table.len() * 4).max(SMALLEST);
        self.table.clear();
        self.table.resize(size, 0);
        for place in 0..self.entries.len() {
            let word = self.entries[place].0.bits();
            self.put(word, place as u32 + 1);
        }
    }

    /// Objects and numbers, in the order in which they came.
    pub fn entries(&self) -> Vec<(Value, usize)> {
        self.entries.clone()
    }

    /// How much room is taken.
    pub fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<(Value, usize)>() + self.table.capacity() * size_of::<u32>()
    }
}

impl Trace for Memo {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.entries.iter().for_each(|(object, _)| visitor.value(object));
    }
}
