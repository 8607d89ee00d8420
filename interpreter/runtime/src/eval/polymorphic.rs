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
use crate::object::{Header, Object, TypeObject};
use crate::types::string::Str;

/// The counter of a place that meets many classes.
pub const MARK: u16 = 0xffff;

/// Where objects of a class have an attribute: flags and a distance, since deciding between variants would cost the fast
/// path a jump that is hard to predict.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Words from the header to the value; 0 where the class has it.
    pub words: u16,
    flags: u8,
}

impl Place {
    /// Somewhere that takes the general path.
    const ELSEWHERE: Place = Place { words: 0, flags: 0 };
    const KNOWN: u8 = 1;
    const WITHOUT_DICT: u8 = 2;
    const METHOD: u8 = 4;

    fn of_form(form: &AttributeForm) -> Place {
        let (words, flags) = match form.opcode {
            Opcode::LoadAttrInstanceValue | Opcode::StoreAttrInstanceValue => {
                (form.place, Place::WITHOUT_DICT)
            }
            Opcode::LoadAttrSlot | Opcode::StoreAttrSlot => (form.place, 0),
            Opcode::LoadAttrMethodWithValues | Opcode::LoadAttrMethodLazyDict => {
                (0, Place::METHOD | Place::WITHOUT_DICT)
            }
            Opcode::LoadAttrMethodNoDict => (0, Place::METHOD),
            Opcode::LoadAttrNondescriptorWithValues => (0, Place::WITHOUT_DICT),
            Opcode::LoadAttrNondescriptorNoDict => (0, 0),
            _ => return Place::ELSEWHERE,
        };
        Place { words, flags: flags | Place::KNOWN }
    }

    /// Whether the attribute is there, in an object that has a dict or not.
    #[inline(always)]
    pub fn holds(self, object: &Header) -> bool {
        self.flags & Place::KNOWN != 0
            && (self.flags & Place::WITHOUT_DICT == 0 || object.dict_word().get() == 0)
    }

    /// Whether it is a member that `__slots__` names, where it lies in the object.
    #[inline(always)]
    pub fn is_slot(self) -> bool {
        self.flags & Place::WITHOUT_DICT == 0
    }

    /// Whether it is a method of the class, to be called with the object.
    #[inline(always)]
    pub fn is_method(self) -> bool {
        self.flags & Place::METHOD != 0
    }
}

/// Whether the table can hold what the form remembers.
pub(super) fn is_covered(form: &AttributeForm) -> bool {
    Place::of_form(form) != Place::ELSEWHERE
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
    const EMPTY: Entry = Entry { version: 0, place: Place::ELSEWHERE, key: 0, value: 0 };

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
    entries: Box<[Cell<Entry>; SIZE]>,
}

const SIZE: usize = 1 << 10;

impl Default for AttributeTable {
    fn default() -> Self {
        AttributeTable { entries: Box::new([const { Cell::new(Entry::EMPTY) }; SIZE]) }
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
    (version as usize ^ (key >> 4) ^ (key << 7)) & (SIZE - 1)
}
