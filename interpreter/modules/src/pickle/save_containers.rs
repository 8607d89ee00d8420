//! Writing tuples, lists, dicts and sets.

use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::list::List;
use rspy_runtime::types::set::{FrozenSet, Set};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::Noted;
use super::opcodes::*;
use super::pickler::Pickler;

/// From this nesting on lists and dicts are checked for cycles while nothing is remembered.
const FAST_NESTING: usize = 50;

impl Pickler {
    pub(super) fn save_tuple(&self, vm: &Vm, tuple: &Object<Tuple>) -> PyResult<()> {
        let items = tuple.items();
        let value = tuple.as_value();
        if items.is_empty() {
            let mut output = self.output.borrow_mut();
            output.write(if self.binary.get() == 0 { &[MARK, TUPLE] } else { &[EMPTY_TUPLE] });
            return Ok(());
        }
        let counted = self.protocol.get() >= 2 && items.len() <= 3;
        if !counted {
            self.output.borrow_mut().byte(MARK);
        }
        for (index, item) in items.iter().enumerate() {
            self.save(vm, item, true).noted(vm, &value, || format!("item {index}"))?;
        }
        // Writing the items of a tuple that contains itself has written the tuple already.
        let known = self.memo.borrow().get(&value);
        if let Some(number) = known {
            {
                let mut output = self.output.borrow_mut();
                match (counted, self.binary.get() != 0) {
                    (true, _) => output.write(&[POP; 3][..items.len()]),
                    (false, true) => output.byte(POP_MARK),
                    (false, false) => (0..=items.len()).for_each(|_| output.byte(POP)),
                }
            }
            self.write_get(number);
            return Ok(());
        }
        let opcode = if counted { [TUPLE1, TUPLE2, TUPLE3][items.len() - 1] } else { TUPLE };
        self.output.borrow_mut().byte(opcode);
        self.memoize(&value);
        Ok(())
    }

    pub(super) fn save_list(&self, vm: &Vm, list: &Object<List>) -> PyResult<()> {
        let value = list.as_value();
        self.enter_fast(vm, &value)?;
        let opening: &[u8] = if self.binary.get() == 0 { &[MARK, LIST] } else { &[EMPTY_LIST] };
        self.output.borrow_mut().write(opening);
        self.memoize(&value);
        let saved = match list.len() {
            0 => Ok(()),
            _ if self.protocol.get() == 0 => {
                vm.iter(&value).and_then(|items| self.save_items(vm, &items, &value))
            }
            _ => self.save_list_items(vm, list),
        };
        self.leave_fast(&value);
        saved
    }

    fn save_list_items(&self, vm: &Vm, list: &Object<List>) -> PyResult<()> {
        let value = list.as_value();
        let save = |index: usize, item: &Value| {
            self.save(vm, item, true).noted(vm, &value, || format!("item {index}"))
        };
        if list.len() == 1 {
            if let Some(item) = list.get(0) {
                save(0, &item)?;
            }
            self.output.borrow_mut().byte(APPEND);
            return Ok(());
        }
        let mut index = 0;
        loop {
            self.output.borrow_mut().byte(MARK);
            let end = index + BATCH;
            while index < end
                && let Some(item) = list.get(index)
            {
                save(index, &item)?;
                index += 1;
            }
            self.output.borrow_mut().byte(APPENDS);
            if index >= list.len() {
                return Ok(());
            }
        }
    }

    /// Appends what an iterator gives to the list, or its like, that was just written.
    pub(super) fn save_items(&self, vm: &Vm, iterator: &Value, object: &Value) -> PyResult<()> {
        let mut index = 0;
        let mut save = |item: &Value| {
            index += 1;
            self.save(vm, item, true).noted(vm, object, || format!("item {}", index - 1))
        };
        self.save_batches(vm, iterator, APPEND, APPENDS, &mut save)
    }

    /// Writes what an iterator gives, in batches of one opcode.
    fn save_batches(
        &self,
        vm: &Vm,
        iterator: &Value,
        single: u8,
        batch: u8,
        save: &mut dyn FnMut(&Value) -> PyResult<()>,
    ) -> PyResult<()> {
        if self.protocol.get() == 0 {
            while let Some(item) = vm.next(iterator)? {
                save(&item)?;
                self.output.borrow_mut().byte(single);
            }
            return Ok(());
        }
        let mut count = BATCH;
        while count == BATCH {
            let Some(first) = vm.next(iterator)? else { return Ok(()) };
            let Some(second) = vm.next(iterator)? else {
                save(&first)?;
                self.output.borrow_mut().byte(single);
                return Ok(());
            };
            self.output.borrow_mut().byte(MARK);
            save(&first)?;
            save(&second)?;
            count = 2;
            while count < BATCH
                && let Some(item) = vm.next(iterator)?
            {
                save(&item)?;
                count += 1;
            }
            self.output.borrow_mut().byte(batch);
        }
        Ok(())
    }

    pub(super) fn save_dict(&self, vm: &Vm, dict: &Object<Dict>) -> PyResult<()> {
        let value = dict.as_value();
        self.enter_fast(vm, &value)?;
        let opening: &[u8] = if self.binary.get() == 0 { &[MARK, DICT] } else { &[EMPTY_DICT] };
        self.output.borrow_mut().write(opening);
        self.memoize(&value);
        let saved = match dict.len() {
            0 => Ok(()),
            _ if self.protocol.get() == 0 => vm
                .call_method_str(&value, "items", &[])
                .and_then(|items| vm.iter(&items))
                .and_then(|items| self.save_pairs(vm, &items, &value)),
            _ => self.save_dict_items(vm, dict),
        };
        self.leave_fast(&value);
        saved
    }

    fn save_pair(&self, vm: &Vm, key: &Value, item: &Value, object: &Value) -> PyResult<()> {
        self.save(vm, key, true)?;
        match self.save(vm, item, true) {
            Ok(()) => Ok(()),
            Err(error) => {
                let shown = vm.repr(key)?;
                Err(error).noted(vm, object, || format!("item {}", shown.to_string_lossy()))
            }
        }
    }

    fn save_dict_items(&self, vm: &Vm, dict: &Object<Dict>) -> PyResult<()> {
        let value = dict.as_value();
        let length = dict.len();
        let mut position = 0;
        if length == 1 {
            if let Some((_, key, item)) = dict.next_entry(0) {
                self.save_pair(vm, &key, &item, &value)?;
                self.output.borrow_mut().byte(SETITEM);
            }
            return Ok(());
        }
        let mut count = BATCH;
        while count == BATCH {
            count = 0;
            self.output.borrow_mut().byte(MARK);
            while count < BATCH
                && let Some((next, key, item)) = dict.next_entry(position)
            {
                self.save_pair(vm, &key, &item, &value)?;
                position = next;
                count += 1;
            }
            self.output.borrow_mut().byte(SETITEMS);
            if dict.len() != length {
                return Err(vm.runtime_error("dictionary changed size during iteration"));
            }
        }
        Ok(())
    }

    /// Sets the pairs that an iterator gives in the dict, or its like, that was just written.
    pub(super) fn save_pairs(&self, vm: &Vm, iterator: &Value, object: &Value) -> PyResult<()> {
        let mut save = |pair: &Value| match pair.downcast::<Tuple>().map(|pair| pair.items()) {
            Some([key, item]) => self.save_pair(vm, key, item, object),
            _ => Err(vm.type_error("dict items iterator must return 2-tuples")),
        };
        self.save_batches(vm, iterator, SETITEM, SETITEMS, &mut save)
    }

    pub(super) fn save_set(&self, vm: &Vm, set: &Object<Set>) -> PyResult<()> {
        let value = set.as_value();
        if self.protocol.get() < 4 {
            return self.save_as_list(vm, Set::static_type().to_value(), set.to_vec(), &value);
        }
        self.output.borrow_mut().byte(EMPTY_SET);
        self.memoize(&value);
        let length = set.len();
        if length == 0 {
            return Ok(());
        }
        let mut position = 0;
        let mut count = BATCH;
        while count == BATCH {
            count = 0;
            self.output.borrow_mut().byte(MARK);
            while count < BATCH
                && let Some((next, _, item)) = set.core().next_entry(position)
            {
                self.save(vm, &item, true).noted(vm, &value, || "element".to_owned())?;
                position = next;
                count += 1;
            }
            self.output.borrow_mut().byte(ADDITEMS);
            if set.len() != length {
                return Err(vm.runtime_error("set changed size during iteration"));
            }
        }
        Ok(())
    }

    pub(super) fn save_frozenset(&self, vm: &Vm, set: &Object<FrozenSet>) -> PyResult<()> {
        let value = set.as_value();
        let items = set.to_vec();
        if self.protocol.get() < 4 {
            return self.save_as_list(vm, FrozenSet::static_type().to_value(), items, &value);
        }
        self.output.borrow_mut().byte(MARK);
        for item in &items {
            self.save(vm, item, true).noted(vm, &value, || "element".to_owned())?;
        }
        // As for tuples: the set may contain itself.
        let known = self.memo.borrow().get(&value);
        if let Some(number) = known {
            self.output.borrow_mut().byte(POP_MARK);
            self.write_get(number);
            return Ok(());
        }
        self.output.borrow_mut().byte(FROZENSET);
        self.memoize(&value);
        Ok(())
    }

    /// Writes a set as the call of its class with a list.
    fn save_as_list(&self, vm: &Vm, class: Value, items: Vec<Value>, set: &Value) -> PyResult<()> {
        let args = Tuple::from_values([List::from_vec(items).into_value()]);
        self.save_reduction(vm, &[class, args.into_value()], Some(set))
    }

    // ----- cycles while nothing is remembered -----

    fn enter_fast(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        if self.fast.get() == 0 {
            return Ok(());
        }
        let depth = self.fast_depth.get() + 1;
        self.fast_depth.set(depth);
        if depth >= FAST_NESTING && !self.fast_open.borrow_mut().insert(value.bits()) {
            return Err(self.cyclic(vm, value));
        }
        Ok(())
    }

    fn leave_fast(&self, value: &Value) {
        if self.fast.get() != 0 && self.fast_depth.get() > 0 {
            self.fast_depth.set(self.fast_depth.get() - 1);
            self.fast_open.borrow_mut().remove(&value.bits());
        }
    }

    fn cyclic(&self, vm: &Vm, value: &Value) -> Exception {
        self.fast_depth.set(0);
        vm.value_error(format!(
            "fast mode: can't pickle cyclic objects including object type {} at {:#x}",
            value.type_of().full_name(),
            value.id()
        ))
    }
}
