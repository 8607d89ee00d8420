//! The table of interned strings: one object for each text that serves as a name.

use crate::cell::GilCell;
use crate::object::{Object, Payload, Ref};
use crate::types::string::Str;

struct Table {
    /// Open addressing by hash; the table owns a reference to each string, so interned strings live on.
    places: Vec<Option<Ref<Str>>>,
    count: usize,
}

static TABLE: GilCell<Table> = GilCell::new(Table { places: Vec::new(), count: 0 });

impl Table {
    fn place(&self, hash: i64, same: impl Fn(&Object<Str>) -> bool) -> usize {
        let mask = self.places.len() - 1;
        let mut index = hash as usize & mask;
        while let Some(other) = &self.places[index] {
            if other.hash_value() == hash && same(other) {
                break;
            }
            index = (index + 1) & mask;
        }
        index
    }

    fn make_room(&mut self) {
        if self.places.len() * 2 > self.count * 3 {
            return;
        }
        let size = (self.places.len() * 2).max(2048);
        let old = std::mem::replace(&mut self.places, vec![None; size]);
        for text in old.into_iter().flatten() {
            let index = self.place(text.hash_value(), |_| false);
            self.places[index] = Some(text);
        }
    }

    fn intern(&mut self, text: &Object<Str>) -> Ref<Str> {
        self.make_room();
        let index = self.place(text.hash_value(), |other| other.same_text(text));
        if let Some(found) = &self.places[index] {
            return found.clone();
        }
        self.count += 1;
        let text = text.to_exact();
        text.set_interned(true);
        self.places[index] = Some(text.clone());
        text
    }
}

/// How many strings are interned.
pub fn count() -> usize {
    TABLE.borrow_mut().count
}

/// The interned string with the same text.
pub fn intern(text: &Object<Str>) -> Ref<Str> {
    if text.is_interned() {
        return text.to_ref();
    }
    TABLE.borrow_mut().intern(text)
}

/// Enters a string that must itself become the interned one.
pub(crate) fn enter(text: &Object<Str>) {
    debug_assert!(std::ptr::eq(text.type_of(), Str::static_type()));
    text.set_interned(false);
    TABLE.borrow_mut().intern(text);
}
