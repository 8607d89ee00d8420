//! Tuples, lists, dicts and sets of a pickle being read.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::list::List;
use rspy_runtime::types::set::{FrozenSet, Set};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::UnpicklingError;
use super::load::Machine;
use super::opcodes::*;

/// Items on top of the stack, which are taken off it.
type Items<'a> = std::vec::Drain<'a, Value>;

impl Machine<'_> {
    /// A container of what lies above the last mark.
    pub(super) fn container(&mut self, vm: &Vm, opcode: u8) -> PyResult {
        let items = self.pop_marked(vm)?;
        Ok(match opcode {
            TUPLE => Tuple::from_values(items).into_value(),
            LIST => List::from_vec(items).into_value(),
            FROZENSET => FrozenSet::from_values(vm, items)?.into_value(),
            _ => {
                if items.len() % 2 != 0 {
                    return Err(UnpicklingError::error(vm, "odd number of items for DICT"));
                }
                let dict = Dict::new();
                for pair in items.chunks_exact(2) {
                    dict.set(vm, &pair[0], pair[1].clone())?;
                }
                dict.into_value()
            }
        })
    }

    /// Puts items into the container below them.
    pub(super) fn fill(&mut self, vm: &Vm, opcode: u8) -> PyResult<()> {
        let height = match opcode {
            APPENDS | SETITEMS | ADDITEMS => Some(self.pop_mark(vm)?),
            APPEND => self.stack.len().checked_sub(1),
            _ => self.stack.len().checked_sub(2),
        };
        let height = height.filter(|&height| height > self.fence && height <= self.stack.len());
        let Some(height) = height else { return Err(self.underflow(vm)) };
        if height == self.stack.len() {
            return Ok(());
        }
        let container = self.stack[height - 1].clone();
        // Filling it may run Python code, but that does not reach the stack.
        let items = self.stack.drain(height..);
        match opcode {
            APPEND | APPENDS => append(vm, &container, items),
            SETITEM | SETITEMS => set_items(vm, &container, items),
            _ => add_items(vm, &container, items),
        }
    }
}

fn append(vm: &Vm, list: &Value, items: Items<'_>) -> PyResult<()> {
    if let Some(list) = list.downcast_exact::<List>() {
        list.items().borrow_mut().extend(items);
        return Ok(());
    }
    if let Some(extend) = vm.get_attribute_optional(list, &names::extend)? {
        return vm.call(&extend, &[List::from_vec(items.collect()).into_value()]).map(drop);
    }
    let append = vm.get_attribute(list, &names::append)?;
    for item in items {
        vm.call(&append, &[item])?;
    }
    Ok(())
}

fn set_items(vm: &Vm, mapping: &Value, mut items: Items<'_>) -> PyResult<()> {
    if items.len() % 2 != 0 {
        return Err(UnpicklingError::error(vm, "odd number of items for SETITEMS"));
    }
    let exact = mapping.downcast_exact::<Dict>();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        match exact {
            Some(dict) if key.is_small_int() || key.downcast_exact::<Str>().is_some() => dict.set(vm, &key, value)?,
            _ => vm.set_item(mapping, &key, &value)?,
        }
    }
    Ok(())
}

fn add_items(vm: &Vm, set: &Value, items: Items<'_>) -> PyResult<()> {
    if let Some(set) = set.downcast::<Set>() {
        for item in items {
            set.add(vm, &item)?;
        }
        return Ok(());
    }
    let add = vm.get_attribute(set, &names::add)?;
    for item in items {
        vm.call(&add, &[item])?;
    }
    Ok(())
}
