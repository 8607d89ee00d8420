//! A collection: finding what nothing outside a generation reaches, and freeing it.

use std::time::Instant;

use super::{Collector, OLDEST, Visitor, debug, generation_of, trace_object, untrack};
use crate::exceptions::PyResult;
use crate::object::{Header, meta};
use crate::types::dict::Dict;
use crate::types::int;
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::Vm;

impl Collector {
    /// Finds and frees the unreachable objects of a generation and those below; answers how many were found.
    pub fn collect(&self, vm: &Vm, generation: usize) -> usize {
        if self.collecting.replace(true) {
            return 0;
        }
        self.notify(vm, "start", generation, 0);
        let found = self.run(vm, generation);
        let mut statistics = self.statistics.get();
        statistics[generation].collections += 1;
        statistics[generation].collected += found as u64;
        self.statistics.set(statistics);
        self.notify(vm, "stop", generation, found);
        self.collecting.set(false);
        found
    }

    fn run(&self, vm: &Vm, generation: usize) -> usize {
        let started = Instant::now();
        let talks = self.debug.get() & debug::STATISTICS != 0;
        if talks {
            let [young, middle, oldest, frozen] = self.counts();
            eprintln!("gc: collecting generation {generation}...");
            eprintln!("gc: objects in each generation: {young} {middle} {oldest}");
            eprintln!("gc: objects in permanent generation: {frozen}");
        }
        let mut runs = self.runs.get();
        if generation < OLDEST {
            runs[generation + 1] += 1;
        }
        runs[..=generation].fill(0);
        self.runs.set(runs);
        let garbage = self.find_garbage(generation);
        let found = self.reclaim(vm, garbage);
        if generation == OLDEST {
            self.oldest_floor.set(self.generations[OLDEST].borrow().len());
        }
        if talks {
            let elapsed = started.elapsed().as_secs_f64();
            eprintln!("gc: done, {found} unreachable, 0 uncollectable, {elapsed:.4}s elapsed");
        }
        found
    }

    /// Calls the functions in `gc.callbacks`.
    fn notify(&self, vm: &Vm, phase: &str, generation: usize, found: usize) {
        let callbacks = match &*self.callbacks.borrow() {
            Some(callbacks) if !callbacks.is_empty() => callbacks.clone(),
            _ => return,
        };
        let information = Dict::new();
        for (name, number) in [("generation", generation), ("collected", found), ("uncollectable", 0)] {
            information.set_str(&vm.intern(name), int::new(number as i64));
        }
        let phase = vm.new_str(phase);
        let mut index = 0;
        while let Some(callback) = callbacks.get(index) {
            if let Err(error) = vm.call(&callback, &[phase.clone(), information.value().clone()]) {
                let doing = "Exception ignored while calling GC callback";
                crate::exceptions::print::write_unraisable_about(vm, error, doing, &callback);
            }
            index += 1;
        }
    }

    /// The listed objects that nothing outside the list reaches, each with a reference of its own. All of them go
    /// to the next generation.
    fn find_garbage(&self, generation: usize) -> Vec<Value> {
        for younger in 0..generation {
            self.merge(younger, generation);
        }
        let list: Vec<*mut Header> = self.generations[generation].borrow().clone();
        let alive = find_living(&list, generation);
        let mut garbage = Vec::new();
        let mut plain = Vec::new();
        for (&object, &alive) in list.iter().zip(&alive) {
            if !alive {
                // SAFETY: listed objects are alive; the reference is added first.
                garbage.push(unsafe {
                    (*object).add_reference();
                    Value::from_bits(object as u64)
                });
            } else if is_plain_tuple(object) {
                plain.push(object);
            }
        }
        plain.into_iter().for_each(untrack);
        if generation < OLDEST {
            self.merge(generation, generation + 1);
        }
        garbage
    }

    /// Finalises and clears what was found, unless a finaliser brought it back to life.
    fn reclaim(&self, vm: &Vm, garbage: Vec<Value>) -> usize {
        if garbage.is_empty() {
            return 0;
        }
        if self.debug.get() & debug::COLLECTABLE != 0 {
            for object in &garbage {
                eprintln!("gc: collectable <{} {:#x}>", object.type_of().name(), object.bits());
            }
        }
        // Bases know their subclasses weakly.
        for typ in garbage.iter().filter_map(|object| object.downcast::<Type>()) {
            typ.forget_as_subclass();
        }
        let mut ran = crate::types::weakref::clear_for_garbage(vm, &garbage);
        // Objects of Python classes first: their finalisers may want what native ones close or report on.
        ran |= finalize_all(vm, &garbage, true);
        ran |= finalize_all(vm, &garbage, false);
        if vm.interpreter.is_main() && vm.interpreter.finalizing.get() {
            // The process ends: what is left behind goes with it.
            let found = garbage.len();
            std::mem::forget(garbage);
            return found;
        }
        // Only code that ran meanwhile can have brought something back to life.
        let garbage = if ran { still_garbage(garbage) } else { garbage };
        let found = garbage.len();
        if self.debug.get() & debug::SAVE_ALL != 0 {
            let kept = self.garbage();
            garbage.into_iter().for_each(|object| kept.push(object));
            return found;
        }
        for object in &garbage {
            if let Some(header) = object.header() {
                clear_object(header);
            }
        }
        found
    }
}

/// Runs the finalisers of objects of Python classes, or of native types, that have not run; answers whether there were
/// any.
fn finalize_all(vm: &Vm, garbage: &[Value], of_classes: bool) -> bool {
    let mut ran = false;
    for object in garbage {
        if let Some(header) = object.header()
            && header.type_of().is_heap() == of_classes
            && !header.has_meta(meta::FINALIZED)
            && let Some(finalizer) = header.type_of().slots().finalize.get()
        {
            header.set_meta(meta::FINALIZED);
            finalizer(vm, object);
            ran = true;
        }
    }
    ran
}

/// Which objects of a generation's list something outside of it reaches.
fn find_living(list: &[*mut Header], generation: usize) -> Vec<bool> {
    let position = |object: *mut Header| -> Option<usize> {
        // SAFETY: referred objects are alive. Types say whether the meta word is the collector's.
        let header = unsafe { &*object };
        if !header.type_of().has_flag(crate::types::typ::TypeFlags::TRACKED) {
            return None;
        }
        let bits = header.meta.get();
        (bits & meta::TRACKED != 0 && generation_of(bits) == generation)
            .then(|| (bits >> meta::INDEX_SHIFT) as usize)
    };
    // SAFETY: listed objects are alive.
    let mut counts: Vec<u32> = list.iter().map(|&object| unsafe { (*object).reference_count() }).collect();
    for &object in list {
        trace_object(
            object,
            &mut Visitor::new(&mut |to| {
                if let Some(index) = position(to) {
                    counts[index] = counts[index].saturating_sub(1);
                }
            }),
        );
    }
    let mut alive: Vec<bool> = counts.iter().map(|&count| count > 0).collect();
    let mut work: Vec<usize> = (0..list.len()).filter(|&index| alive[index]).collect();
    while let Some(index) = work.pop() {
        trace_object(
            list[index],
            &mut Visitor::new(&mut |to| {
                if let Some(next) = position(to)
                    && !alive[next]
                {
                    alive[next] = true;
                    work.push(next);
                }
            }),
        );
    }
    alive
}

/// Whether the object is a tuple that can never be part of a cycle: its items are final and none is tracked.
fn is_plain_tuple(object: *mut Header) -> bool {
    // SAFETY: listed objects are alive.
    let value = unsafe { crate::object::Borrow::from_bits(object as u64) };
    value.downcast_exact::<Tuple>().is_some_and(|tuple| !may_lead_to_cycles(tuple.items()))
}

/// Whether what holds these items, and never others, can be part of a cycle.
pub(crate) fn may_lead_to_cycles(items: &[Value]) -> bool {
    items.iter().any(|item| {
        item.header().is_some_and(|header| {
            header.type_of().has_flag(crate::types::typ::TypeFlags::TRACKED)
                && (header.has_meta(meta::TRACKED) || item.downcast::<Tuple>().is_none())
        })
    })
}

/// Tells of what is left in `gc.garbage` when the interpreter ends.
pub fn dump_shutdown_statistics(vm: &Vm) {
    let collector = vm.interpreter.collector;
    let left = collector.garbage.borrow().as_ref().map_or(0, |garbage| garbage.len());
    if collector.debug.get() & debug::SAVE_ALL != 0 || left == 0 {
        return;
    }
    let lists = collector.debug.get() & debug::UNCOLLECTABLE != 0;
    let advice = if lists { "" } else { "; use gc.set_debug(gc.DEBUG_UNCOLLECTABLE) to list them" };
    let message = format!("gc: {left} uncollectable objects at shutdown{advice}");
    if let Err(error) = warn_at_shutdown(vm, &message) {
        crate::exceptions::print::write_unraisable(vm, error, None, None);
    }
    if lists {
        let garbage = collector.garbage();
        match vm.repr(garbage.value()) {
            Ok(text) => eprintln!("      {}", text.to_string_lossy()),
            Err(error) => crate::exceptions::print::write_unraisable(vm, error, None, Some(garbage.value())),
        }
    }
}

fn warn_at_shutdown(vm: &Vm, message: &str) -> PyResult<()> {
    use crate::object::Payload;
    let category = crate::exceptions::hierarchy::ResourceWarning::static_type();
    crate::warnings::warn_explicit_plain(vm, category, message, &vm.intern("gc"), 0)
}

/// Of objects found unreachable before their finalisers ran, those that still are.
fn still_garbage(garbage: Vec<Value>) -> Vec<Value> {
    let positions: std::collections::HashMap<u64, usize> =
        garbage.iter().enumerate().map(|(index, object)| (object.bits(), index)).collect();
    // One reference of each is the collector's own.
    let mut counts: Vec<u32> = garbage.iter().map(|object| object.reference_count() - 1).collect();
    for object in &garbage {
        trace_object(
            object.bits() as *mut Header,
            &mut Visitor::new(&mut |to| {
                if let Some(&index) = positions.get(&(to as u64)) {
                    counts[index] = counts[index].saturating_sub(1);
                }
            }),
        );
    }
    if counts.iter().all(|&count| count == 0) {
        return garbage;
    }
    let mut alive: Vec<bool> = counts.iter().map(|&count| count > 0).collect();
    let mut work: Vec<usize> = (0..garbage.len()).filter(|&index| alive[index]).collect();
    while let Some(index) = work.pop() {
        trace_object(
            garbage[index].bits() as *mut Header,
            &mut Visitor::new(&mut |to| {
                if let Some(&next) = positions.get(&(to as u64))
                    && !alive[next]
                {
                    alive[next] = true;
                    work.push(next);
                }
            }),
        );
    }
    garbage.into_iter().zip(alive).filter(|(_, alive)| !alive).map(|(object, _)| object).collect()
}

fn clear_object(header: &Header) {
    // SAFETY: the caller holds a reference, so the object survives being cleared.
    unsafe {
        let object = std::ptr::from_ref(header).cast_mut();
        let typ = header.type_of();
        if let Some(clear) = typ.native().clear {
            clear(object);
        }
        if typ.has_flag(crate::types::typ::TypeFlags::HEAP) {
            crate::types::typ::instance::drop_attributes(object, typ);
        }
        if typ.has_flag(crate::types::typ::TypeFlags::PREFIX)
            && let Some(dict) = crate::types::typ::instance::existing_dict(header)
            // A dict that others refer to is garbage itself or stays as it is.
            && dict.header().reference_count() == 1
        {
            dict.to_ref().clear();
        }
    }
}
