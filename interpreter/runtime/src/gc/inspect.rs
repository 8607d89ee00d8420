//! What the module `gc` tells of objects: who is listed, and who refers to whom.

use std::cell::RefCell;

use super::{Collector, OLDEST, Visitor, YOUNG, trace_object};
use crate::object::{Header, meta};
use crate::types::typ::{Type, TypeFlags};
use crate::value::Value;
use crate::vm::Vm;

/// Whether the collector knows the object (`gc.is_tracked`).
pub fn is_tracked(value: &Value) -> bool {
    has_meta(value, meta::TRACKED)
}

/// Whether the object's finaliser has run already (`gc.is_finalized`).
pub fn is_finalized(value: &Value) -> bool {
    has_meta(value, meta::FINALIZED)
}

fn has_meta(value: &Value, bits: u32) -> bool {
    value
        .header()
        .is_some_and(|header| header.type_of().has_flag(TypeFlags::TRACKED) && header.has_meta(bits))
}

/// Everything that an object refers to (`gc.get_referents`).
pub fn referents(value: &Value) -> Vec<Value> {
    let found = RefCell::new(Vec::new());
    // Native types are statics: what they refer to is no concern of the collector.
    let is_static = value.downcast::<Type>().is_some_and(|typ| !typ.is_heap());
    let tracked = value.header().is_some_and(|header| header.type_of().has_flag(TypeFlags::TRACKED));
    if tracked && !is_static {
        let mut objects = |to| found.borrow_mut().push(referenced(to));
        let mut words = |word: &Value| found.borrow_mut().push(word.clone());
        trace_object(value.bits() as *mut Header, &mut Visitor::with_words(&mut objects, &mut words));
    }
    found.into_inner()
}

/// The listed objects that refer to one of these (`gc.get_referrers`).
pub fn referrers(vm: &Vm, objects: &[Value]) -> Vec<Value> {
    let collector = vm.interpreter.collector;
    let mut found = Vec::new();
    for list in &collector.generations[YOUNG..=OLDEST] {
        for &object in list.borrow().iter() {
            let mut refers = false;
            trace_object(
                object,
                &mut Visitor::new(&mut |to| {
                    refers = refers || objects.iter().any(|wanted| wanted.bits() == to as u64);
                }),
            );
            if refers {
                found.push(referenced(object));
            }
        }
    }
    found
}

impl Collector {
    /// References to the listed objects of a generation, or of all (`gc.get_objects`).
    pub fn objects(&self, generation: Option<usize>) -> Vec<Value> {
        let generations = generation.map_or(YOUNG..=OLDEST, |generation| generation..=generation);
        self.generations[generations]
            .iter()
            .flat_map(|list| list.borrow().iter().map(|&object| referenced(object)).collect::<Vec<_>>())
            .collect()
    }
}

/// A new reference to a living object.
fn referenced(object: *mut Header) -> Value {
    // SAFETY: listed objects, and what they refer to, are alive; the reference is added first.
    unsafe {
        (*object).add_reference();
        Value::from_bits(object as u64)
    }
}
