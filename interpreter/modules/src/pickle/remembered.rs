//! What an unpickler has read already: objects by the numbers that the pickle calls them by.

use std::collections::HashMap;

use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::value::Value;

/// Objects by number. Numbers that lie far beyond the others, as only damaged pickles have them, take no more room than
/// others.
#[derive(Default)]
pub struct Remembered {
    dense: Vec<Option<Value>>,
    sparse: HashMap<usize, Value>,
    count: usize,
}

/// How far beyond the others a number may lie to be kept among them.
const GAP: usize = 4096;

impl Remembered {
    /// Number of objects, which is the number of the next one where nobody tells another.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The object of a number.
    #[inline]
    pub fn get(&self, number: usize) -> Option<Value> {
        match self.dense.get(number) {
            Some(Some(object)) => Some(object.clone()),
            _ if self.sparse.is_empty() => None,
            _ => self.sparse.get(&number).cloned(),
        }
    }

    /// Gives an object a number; answers the object that had it.
    #[must_use]
    #[inline(always)]
    pub fn insert(&mut self, number: usize, object: Value) -> Option<Value> {
        if number == self.dense.len() && self.sparse.is_empty() {
            self.dense.push(Some(object));
            self.count += 1;
            return None;
        }
        self.insert_elsewhere(number, object)
    }

    /// Gives an object a number that is not the next one.
    #[cold]
    fn insert_elsewhere(&mut self, number: usize, object: Value) -> Option<Value> {
        let old = if number < self.dense.len() + GAP {
            if number >= self.dense.len() {
                self.dense.resize(number + 1, None);
            }
            let old = self.dense[number].replace(object);
            old.or_else(|| self.sparse.remove(&number))
        } else {
            self.sparse.insert(number, object)
        };
        self.count += usize::from(old.is_none());
        old
    }

    /// Numbers and objects.
    pub fn entries(&self) -> Vec<(usize, Value)> {
        let dense = self.dense.iter().enumerate();
        let dense = dense.filter_map(|(number, object)| object.clone().map(|object| (number, object)));
        dense.chain(self.sparse.iter().map(|(number, object)| (*number, object.clone()))).collect()
    }

    /// How much room is taken.
    pub fn memory(&self) -> usize {
        self.dense.capacity() * size_of::<Option<Value>>()
            + self.sparse.capacity() * size_of::<(usize, Value)>()
    }
}

impl Trace for Remembered {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.dense.iter().flatten().for_each(|object| visitor.value(object));
        self.sparse.values().for_each(|object| visitor.value(object));
    }
}
