//! The names of a document, each of which is one string object.

use std::hash::Hasher;

use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;

/// Strings by how names stand with the reader, in a table with open addressing.
#[derive(Default)]
pub(super) struct Names {
    /// A power of two, at most half of them taken.
    places: Vec<Option<Name>>,
    count: usize,
}

struct Name {
    hash: u64,
    raw: Box<str>,
    string: Value,
}

/// What names with namespaces have between both.
pub(super) const SEPARATOR: &str = "}";

fn hash_of(raw: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(raw.as_bytes());
    hasher.finish()
}

impl Names {
    /// The string of a name; one with a namespace gets the brace that opens it.
    pub(super) fn get(&mut self, raw: &str) -> Value {
        if 2 * self.count >= self.places.len() {
            self.grow();
        }
        let hash = hash_of(raw);
        let at = self.find(hash, raw);
        if let Some(known) = &self.places[at] {
            return known.string.clone();
        }
        let string = match raw.contains(SEPARATOR) {
            true => Str::new(&format!("{{{raw}")),
            false => Str::new(raw),
        };
        let string = string.into_value();
        self.places[at] = Some(Name { hash, raw: raw.into(), string: string.clone() });
        self.count += 1;
        string
    }

    /// Where a name is, or belongs.
    fn find(&self, hash: u64, raw: &str) -> usize {
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        while let Some(name) = &self.places[at] {
            if name.hash == hash && &*name.raw == raw {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let larger = (2 * self.places.len()).max(32);
        let old = std::mem::take(&mut self.places);
        self.places.resize_with(larger, || None);
        for name in old.into_iter().flatten() {
            let at = self.find(name.hash, &name.raw);
            self.places[at] = Some(name);
        }
    }
}
