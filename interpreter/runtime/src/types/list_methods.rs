//! The methods of `list` that search, count and sort.

use rspy_macros::pymethods;

use crate::exceptions::PyResult;
use crate::object::{Object, TypeObject};
use crate::slots::Comparison;
use crate::types::bool::as_bool;
use crate::types::int;
use crate::types::iterators::ListReverseIterator;
use crate::types::list::List;
use crate::types::slice::search_range;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// How two numbers in words compare; `None` where the keys must be asked.
#[inline]
fn plainly_less(left: &Value, right: &Value) -> Option<bool> {
    if let (Some(left), Some(right)) = (left.small_int(), right.small_int()) {
        return Some(left < right);
    }
    if let (Some(left), Some(right)) = (left.small_float(), right.small_float()) {
        return Some(left < right);
    }
    None
}

/// Whether `left < right`, as sorting asks it.
fn is_less(vm: &Vm, left: &Value, right: &Value) -> PyResult<bool> {
    if !left.is_object() || !right.is_object() {
        if let Some(less) = plainly_less(left, right) {
            return Ok(less);
        }
    } else if std::ptr::eq(left.type_of(), right.type_of()) {
        if let (Some(left), Some(right)) = (left.downcast_exact::<Str>(), right.downcast_exact::<Str>()) {
            return Ok(left.order(right).is_lt());
        }
        if let (Some(left), Some(right)) = (left.downcast_exact::<Tuple>(), right.downcast_exact::<Tuple>()) {
            return tuple_is_less(vm, left, right);
        }
    }
    let answer = vm.compare_inline(left, right, Comparison::Less)?;
    match as_bool(&answer) {
        Some(truth) => Ok(truth),
        None => vm.is_true(&answer),
    }
}

fn tuple_is_less(vm: &Vm, left: &Object<Tuple>, right: &Object<Tuple>) -> PyResult<bool> {
    for (a, b) in left.items().iter().zip(right.items()) {
        if !vm.same_or_equal(a, b)? {
            return is_less(vm, a, b);
        }
    }
    Ok(left.items().len() < right.items().len())
}

/// Sorts the keys stably by insertion and merging of natural runs; the values move along. What was sorted so far stays
/// if comparing fails: every key and value is still there.
struct Sorter<'a> {
    vm: &'a Vm,
    /// Keys, and values where they are other objects.
    keys: Vec<Value>,
    values: Vec<Value>,
}

/// Runs shorter than this are extended by insertion.
const SHORTEST_RUN: usize = 32;

impl Sorter<'_> {
    fn less(&self, left: usize, right: usize) -> PyResult<bool> {
        is_less(self.vm, &self.keys[left], &self.keys[right])
    }

    fn reverse(&mut self, start: usize, end: usize) {
        self.keys[start..end].reverse();
        if !self.values.is_empty() {
            self.values[start..end].reverse();
        }
    }

    /// Moves an item down to a place before it.
    fn rotate(&mut self, to: usize, from: usize) {
        self.keys[to..=from].rotate_right(1);
        if !self.values.is_empty() {
            self.values[to..=from].rotate_right(1);
        }
    }

    /// The end of the run at `start`, made ascending.
    fn run(&mut self, start: usize) -> PyResult<usize> {
        let length = self.keys.len();
        let mut end = start + 1;
        if end == length {
            return Ok(end);
        }
        let descending = self.less(end, start)?;
        end += 1;
        while end < length && self.less(end, end - 1)? == descending {
            end += 1;
        }
        if descending {
            self.reverse(start, end);
        }
        let wanted = (start + SHORTEST_RUN).min(length);
        while end < wanted {
            self.insert(start, end)?;
            end += 1;
        }
        Ok(end)
    }

    /// Inserts the item at `at` into the sorted items before it.
    fn insert(&mut self, start: usize, at: usize) -> PyResult<()> {
        let (mut low, mut high) = (start, at);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.less(at, middle)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.rotate(low, at);
        Ok(())
    }

    /// Merges two neighbouring runs.
    fn merge(&mut self, start: usize, middle: usize, end: usize) -> PyResult<()> {
        if !self.less(middle, middle - 1)? {
            return Ok(());
        }
        let mut order: Vec<usize> = Vec::with_capacity(end - start);
        let (mut left, mut right) = (start, middle);
        while left < middle && right < end {
            if self.less(right, left)? {
                order.push(right);
                right += 1;
            } else {
                order.push(left);
                left += 1;
            }
        }
        order.extend(left..middle);
        order.extend(right..end);
        let rearranged = |items: &mut Vec<Value>| {
            let taken: Vec<Value> = order.iter().map(|&index| items[index].clone()).collect();
            for (place, item) in items[start..end].iter_mut().zip(taken) {
                // The reference that goes is not the last: `taken` held the item too.
                *place = item;
            }
        };
        rearranged(&mut self.keys);
        if !self.values.is_empty() {
            rearranged(&mut self.values);
        }
        Ok(())
    }

    fn sort(&mut self) -> PyResult<()> {
        let length = self.keys.len();
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut start = 0;
        while start < length {
            let end = self.run(start)?;
            runs.push((start, end));
            start = end;
            // Lengths shrink towards the top, so that merges stay balanced.
            while let [.., (a, b), (_, d)] = runs[..]
                && b - a <= (d - b) * 2
            {
                self.merge(a, b, d)?;
                runs.truncate(runs.len() - 2);
                runs.push((a, d));
            }
        }
        while let [.., (a, b), (_, d)] = runs[..] {
            self.merge(a, b, d)?;
            runs.truncate(runs.len() - 2);
            runs.push((a, d));
        }
        Ok(())
    }
}

/// Sorts values by the keys that a function gives them; answers them together with the error that stopped it.
fn sorted(vm: &Vm, values: Vec<Value>, key: Option<&Value>, reverse: bool) -> (Vec<Value>, PyResult<()>) {
    let mut sorter = Sorter { vm, keys: Vec::new(), values: Vec::new() };
    match key {
        None => sorter.keys = values,
        Some(key) => {
            let mut keys = Vec::with_capacity(values.len());
            for value in &values {
                match vm.call(key, std::slice::from_ref(value)) {
                    Ok(key) => keys.push(key),
                    Err(error) => return (values, Err(error)),
                }
            }
            (sorter.keys, sorter.values) = (keys, values);
        }
    }
    let length = sorter.keys.len();
    // Reversing before and after keeps equal items in their order.
    if reverse {
        sorter.reverse(0, length);
    }
    let result = sorter.sort();
    if reverse {
        sorter.reverse(0, length);
    }
    let values = if key.is_some() { sorter.values } else { sorter.keys };
    (values, result)
}

/// Sorts a list in place. While it is sorted it is empty.
///
/// # Errors
/// What the key function and comparing raise; `ValueError` where they changed the list.
pub fn sort(vm: &Vm, list: &Object<List>, key: Option<&Value>, reverse: bool) -> PyResult<()> {
    let values = list.items().take();
    let (values, result) = sorted(vm, values, key, reverse);
    let meanwhile = list.items().replace(values);
    let modified = meanwhile.capacity() > 0;
    drop(meanwhile);
    result?;
    if modified { Err(vm.value_error("list modified during sort")) } else { Ok(()) }
}

#[pymethods(MORE_METHODS)]
impl List {
    /// Return a reverse iterator over the list.
    #[method("__reversed__(self, /)")]
    fn reversed(this: &Object<List>) -> Value {
        ListReverseIterator::new(this.to_ref()).into_value()
    }

    /// Return the size of the list in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(&self) -> usize {
        40 + self.items().borrow().capacity() * 8
    }

    /// Remove first occurrence of value.
    ///
    /// Raises ValueError if the value is not present.
    #[method("remove(self, value, /)")]
    fn remove(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let mut index = 0;
        while let Some(item) = self.get(index) {
            if vm.same_or_equal(&item, value)? {
                let removed = {
                    let mut items = self.items().borrow_mut();
                    (index < items.len()).then(|| items.remove(index))
                };
                drop(removed);
                return Ok(());
            }
            index += 1;
        }
        Err(vm.value_error("list.remove(x): x not in list"))
    }

    /// Return first index of value.
    ///
    /// Raises ValueError if the value is not present.
    #[method("index(self, value, start=0, stop=sys.maxsize, /)")]
    fn index(&self, vm: &Vm, value: &Value, start: Option<&Value>, stop: Option<&Value>) -> PyResult {
        let (start, stop) = search_range(vm, start, stop, self.len())?;
        for index in start..stop {
            let Some(item) = self.get(index as usize) else { break };
            if vm.same_or_equal(&item, value)? {
                return Ok(int::new(index as i64));
            }
        }
        Err(vm.value_error("list.index(x): x not in list"))
    }

    /// Return number of occurrences of value.
    #[method("count(self, value, /)")]
    fn count(&self, vm: &Vm, value: &Value) -> PyResult<usize> {
        let mut count = 0;
        let mut index = 0;
        while let Some(item) = self.get(index) {
            count += usize::from(vm.same_or_equal(&item, value)?);
            index += 1;
        }
        Ok(count)
    }

    /// Reverse *IN PLACE*.
    #[method("reverse(self, /)")]
    fn reverse(&self) {
        self.items().borrow_mut().reverse();
    }

    /// Sort the list in ascending order and return None.
    ///
    /// The sort is in-place and stable. If a key function is given, apply it once to each list item and sort by its
    /// result. The reverse flag can be set to sort in descending order.
    #[method("sort(self, /, *, key=None, reverse=False)")]
    fn sort(this: &Object<List>, vm: &Vm, key: Option<&Value>, reverse: bool) -> PyResult<()> {
        sort(vm, this, key, reverse)
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(cls: &TypeObject, vm: &Vm, object: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
    }
}
