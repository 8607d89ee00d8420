//! Attributes at places of the code that meet many classes: one table of the interpreter, by type version and name.
//!
//! An inline cache remembers one class. Where a place keeps meeting others it is marked [`MARK`], and its fast path
//! looks here instead: an entry says where objects of one class keep the attribute, as the inline cache would.
//!
//! # Safety argument
//!
//! A type version belongs to one state of one type. While it holds, the type's dict keeps the value of an entry alive
//! and shared keys keep the place; an entry is only used together with the version of the object at hand.

use std::cell::Cell;

use rspy_code::opcode::Opcode;

use crate::eval::specialize::AttributeForm;
use crate::object::{Object, TypeObject};
use crate::types::string::Str;

/// The counter of a place that meets many classes.
pub const MARK: u16 = 0xffff;

/// Where objects of a class have an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Somewhere that takes the general path.
    Elsewhere,
    /// Inline, so many words from the header, unless there is a dict.
    Inline(u16),
    /// In a slot, so many words from the header.
    Slot(u16),
    /// In the class, unless there is a dict; a method if the flag is set.
    Class { method: bool },
    /// In the class, whose objects have no attributes of their own.
    ClassAlone { method: bool },
}

/// Whether the table can hold what the form remembers.
pub(super) fn is_covered(form: &AttributeForm) -> bool {
    Place::of_form(form) != Place::Elsewhere
}

impl Place {
    fn of_form(form: &AttributeForm) -> Place {
        match form.opcode {
            Opcode::LoadAttrInstanceValue | Opcode::StoreAttrInstanceValue => Place::Inline(form.place),
            Opcode::LoadAttrSlot | Opcode::StoreAttrSlot => Place::Slot(form.place),
            Opcode::LoadAttrMethodWithValues | Opcode::LoadAttrMethodLazyDict => {
                Place::Class { method: true }
            }
            Opcode::LoadAttrMethodNoDict => Place::ClassAlone { method: true },
            Opcode::LoadAttrNondescriptorWithValues => Place::Class { method: false },
            Opcode::LoadAttrNondescriptorNoDict => Place::ClassAlone { method: false },
            _ => Place::Elsewhere,
        }
    }
}

/// What is known of one class and name.
#[derive(Clone, Copy)]
pub struct Entry {
    version: u32,
    place: Place,
    /// The name's address and what it is looked up for: loads that are calls want methods unbound, others do not.
    key: usize,
    value: u64,
}

impl Entry {
    const EMPTY: Entry = Entry { version: 0, place: Place::Elsewhere, key: 0, value: 0 };

    /// Whether the entry is about this version, name and purpose.
    #[inline(always)]
    fn is_of(&self, version: u32, key: usize) -> bool {
        self.version == version && self.key == key
    }
}

/// What an access does with the attribute.
#[derive(Clone, Copy)]
#[repr(usize)]
pub enum Purpose {
    /// `object.name`.
    Load = 0,
    /// `object.name(…)`.
    Call = 1,
    /// `object.name = …`.
    Store = 2,
}

/// The table.
pub struct AttributeTable {
    entries: Box<[Cell<Entry>]>,
}

const SIZE: usize = 1 << 10;

impl Default for AttributeTable {
    fn default() -> Self {
        AttributeTable { entries: (0..SIZE).map(|_| Cell::new(Entry::EMPTY)).collect() }
    }
}

impl AttributeTable {
    /// Where objects whose type has the version keep the attribute, and the word that the class has for it.
    #[inline(always)]
    pub fn find(&self, version: u32, name: &Object<Str>, purpose: Purpose) -> Option<(Place, u64)> {
        let key = key(name, purpose);
        let entry = self.entries[index(version, key)].get();
        entry.is_of(version, key).then_some((entry.place, entry.value))
    }

    /// Sees to it that the table knows about the type; `form` says what an access specialises to.
    pub(super) fn learn(
        &self,
        typ: &TypeObject,
        name: &Object<Str>,
        purpose: Purpose,
        form: impl FnOnce() -> Option<AttributeForm>,
    ) {
        if self.find(typ.current_version(), name, purpose).is_some() {
            return;
        }
        // Where there is no form today there may be one tomorrow: the class may just not know the attribute yet.
        let Some(form) = form() else { return };
        // Looking for a form may have given the type its version.
        let version = typ.current_version();
        if version == 0 {
            return;
        }
        let key = key(name, purpose);
        let (place, value) = (Place::of_form(&form), form.value);
        self.entries[index(version, key)].set(Entry { version, place, key, value });
    }
}

/// Objects are aligned to eight bytes at least, so the lowest bits of a name's address are free.
#[inline(always)]
fn key(name: &Object<Str>, purpose: Purpose) -> usize {
    std::ptr::from_ref(name) as usize | purpose as usize
}

#[inline(always)]
fn index(version: u32, key: usize) -> usize {
    (version as usize ^ (key >> 4) ^ (key >> 12) ^ (key << 2)) & (SIZE - 1)
}
