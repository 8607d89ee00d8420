//! `dict_keys`, `dict_values` and `dict_items`, and the iterators of dicts in both directions.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Ref};
use crate::slots::Comparison;
use crate::types::bool::boolean;
use crate::types::dict::Dict;
use crate::types::iterators::reduced;
use crate::types::none::not_implemented;
use crate::types::set::{Set, is_any_set};
use crate::types::string::build::StrBuilder;
use crate::types::tuple::{ReusedTuple, Tuple};
use crate::value::Value;
use crate::vm::Vm;

/// Where an iterator of a dict is.
struct Cursor {
    /// The dict; none when the end was reached.
    dict: GilCell<Option<Ref<Dict>>>,
    position: Cell<usize>,
    /// Size of the dict at the beginning, none once it was seen to have changed.
    size: Cell<Option<usize>>,
    left: Cell<usize>,
    backwards: bool,
}

impl crate::gc::Trace for Cursor {
    fn trace(&self, visitor: &mut crate::gc::Visitor<'_>) {
        self.dict.trace(visitor);
    }
}

impl Cursor {
    fn new(dict: Ref<Dict>, backwards: bool) -> Cursor {
        let size = dict.len();
        Cursor {
            dict: GilCell::new(Some(dict)),
            position: Cell::new(if backwards { usize::MAX } else { 0 }),
            size: Cell::new(Some(size)),
            left: Cell::new(size),
            backwards,
        }
    }

    fn copy(&self) -> Cursor {
        Cursor {
            dict: GilCell::new(self.dict.get()),
            position: self.position.clone(),
            size: self.size.clone(),
            left: self.left.clone(),
            backwards: self.backwards,
        }
    }

    fn next(&self, vm: &Vm) -> PyResult<Option<(Value, Value)>> {
        let Some(dict) = self.dict.get() else { return Ok(None) };
        if self.size.get() != Some(dict.len()) {
            self.size.set(None);
            return Err(vm.runtime_error("dictionary changed size during iteration"));
        }
        let found = if self.backwards {
            dict.previous_entry(self.position.get())
        } else {
            dict.next_entry(self.position.get())
        };
        let Some((position, key, value)) = found else {
            self.dict.set(None);
            return Ok(None);
        };
        if self.left.get() == 0 {
            self.dict.set(None);
            return Err(vm.runtime_error("dictionary keys changed during iteration"));
        }
        self.position.set(position);
        self.left.set(self.left.get() - 1);
        Ok(Some((key, value)))
    }

    fn length_hint(&self) -> usize {
        let same = self.dict.borrow().as_ref().is_some_and(|dict| self.size.get() == Some(dict.len()));
        if same { self.left.get() } else { 0 }
    }
}

/// `(key, value)`.
fn pair(reused: &ReusedTuple, (key, value): (Value, Value)) -> Value {
    reused.with([key, value])
}

macro_rules! iterators {
    ($($(#[$doc:meta])* $name:ident = $python:tt, $backwards:literal, $item:expr;)*) => {$(
        $(#[$doc])*
        #[pyclass(name = $python, tracked, no_new)]
        pub struct $name {
            cursor: Cursor,
            pair: ReusedTuple,
        }

        impl $name {
            /// An iterator that has yielded nothing yet.
            pub fn new(dict: Ref<Dict>) -> Ref<$name> {
                Object::new($name { cursor: Cursor::new(dict, $backwards), pair: ReusedTuple::default() })
            }
        }

        #[pymethods]
        impl $name {
            #[slot(iter)]
            fn iter(this: &Value) -> Value {
                this.clone()
            }

            #[slot(next)]
            fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
                Ok(self.cursor.next(vm)?.map(|entry| ($item)(&self.pair, entry)))
            }

            /// Private method returning an estimate of len(list(it)).
            #[method("__length_hint__(self, /)")]
            fn length_hint(&self) -> usize {
                self.cursor.length_hint()
            }

            /// Return state information for pickling.
            #[method("__reduce__(self, /)")]
            fn reduce(&self, vm: &Vm) -> PyResult {
                let copy = self.cursor.copy();
                let mut rest = Vec::new();
                while let Some(entry) = copy.next(vm)? {
                    rest.push(($item)(&self.pair, entry));
                }
                reduced(vm, "iter", rest)
            }
        }
    )*};
}

iterators! {
    /// Goes through the keys of a dict.
    DictKeyIterator = "dict_keyiterator", false, |_, (key, _)| key;
    /// Goes through the values of a dict.
    DictValueIterator = "dict_valueiterator", false, |_, (_, value)| value;
    /// Goes through the pairs of a dict.
    DictItemIterator = "dict_itemiterator", false, pair;
    /// Goes through the keys of a dict from the last.
    DictReverseKeyIterator = "dict_reversekeyiterator", true, |_, (key, _)| key;
    /// Goes through the values of a dict from the last.
    DictReverseValueIterator = "dict_reversevalueiterator", true, |_, (_, value)| value;
    /// Goes through the pairs of a dict from the last.
    DictReverseItemIterator = "dict_reverseitemiterator", true, pair;
}

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident = $python:tt;)*) => {$(
        $(#[$doc])*
        #[pyclass(name = $python, tracked, no_new)]
        pub struct $name {
            dict: Ref<Dict>,
        }

        impl $name {
            /// A view of a dict.
            pub fn new(dict: Ref<Dict>) -> Ref<$name> {
                Object::new($name { dict })
            }

            /// The payload of a view derived from natively.
            pub fn payload(dict: Ref<Dict>) -> $name {
                $name { dict }
            }

            /// The dict that is viewed.
            pub fn dict(&self) -> &Ref<Dict> {
                &self.dict
            }
        }
    )*};
}

views! {
    /// The keys of a dict.
    DictKeys = "dict_keys";
    /// The values of a dict.
    DictValues = "dict_values";
    /// The pairs of a dict.
    DictItems = "dict_items";
}

/// `dict_keys([…])`.
fn repr(vm: &Vm, this: &Value) -> PyResult {
    let Some(_guard) = vm.enter_repr(this) else { return Ok(vm.new_str("...")) };
    let items = crate::types::list::List::from_vec(vm.collect(this)?);
    let mut out = StrBuilder::new();
    out.push_str(&this.type_of().name());
    out.push_str("(");
    out.push_object(&*vm.repr(items.value())?);
    out.push_str(")");
    Ok(out.finish().into_value())
}

/// Whether a value is a `dict_keys` or `dict_items`.
fn is_set_view(value: &Value) -> bool {
    value.downcast::<DictKeys>().is_some() || value.downcast::<DictItems>().is_some()
}

fn is_set_like(value: &Value) -> bool {
    is_any_set(value) || is_set_view(value)
}

/// Whether everything in `left` is in `right`.
fn all_in(vm: &Vm, left: &Value, right: &Value) -> PyResult<bool> {
    let iterator = vm.iter(left)?;
    while let Some(item) = vm.next(&iterator)? {
        if !vm.contains(right, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(vm: &Vm, this: &Value, other: &Value, comparison: Comparison) -> PyResult {
    if !is_set_like(other) {
        return Ok(not_implemented());
    }
    let (left, right) = (vm.length(this)?, vm.length(other)?);
    let holds = match comparison {
        Comparison::Equal => left == right && all_in(vm, this, other)?,
        Comparison::NotEqual => !(left == right && all_in(vm, this, other)?),
        Comparison::Less => left < right && all_in(vm, this, other)?,
        Comparison::LessEqual => left <= right && all_in(vm, this, other)?,
        Comparison::Greater => left > right && all_in(vm, other, this)?,
        Comparison::GreaterEqual => left >= right && all_in(vm, other, this)?,
    };
    Ok(boolean(holds))
}

/// A new set with the items of an iterable.
fn to_set(vm: &Vm, iterable: &Value) -> PyResult<Ref<Set>> {
    Set::from_iterable(vm, iterable)
}

fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
    let result = to_set(vm, left)?;
    vm.for_each(right, |item| result.discard(vm, &item).map(drop))?;
    Ok(result.into_value())
}

fn and(vm: &Vm, left: &Value, right: &Value) -> PyResult {
    // The view goes left; of two, the larger is the one that is asked.
    let (mut view, mut other) = if is_set_view(left) { (left, right) } else { (right, left) };
    if is_set_view(other) && vm.length(other)? > vm.length(view)? {
        std::mem::swap(&mut view, &mut other);
    }
    // A set that is larger than the view is asked, too.
    if other.downcast_exact::<Set>().is_some() && vm.length(view)? <= vm.length(other)? {
        let theirs = other.clone();
        let result = Set::new();
        vm.for_each(view, |item| {
            if vm.contains(&theirs, &item)? {
                result.add(vm, &item)?;
            }
            Ok(())
        })?;
        return Ok(result.into_value());
    }
    let result = Set::new();
    vm.for_each(other, |item| {
        if vm.contains(view, &item)? {
            result.add(vm, &item)?;
        }
        Ok(())
    })?;
    Ok(result.into_value())
}

fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
    let result = to_set(vm, left)?;
    result.update_from(vm, right)?;
    Ok(result.into_value())
}

fn xor(vm: &Vm, left: &Value, right: &Value) -> PyResult {
    if let (Some(own), Some(other)) = (left.downcast::<DictItems>(), right.downcast::<DictItems>()) {
        return items_xor(vm, &own.dict, &other.dict);
    }
    let result = to_set(vm, left)?;
    let other = to_set(vm, right)?;
    crate::types::set::toggle(vm, &result, &other)?;
    Ok(result.into_value())
}

/// The pairs that only one of two dicts has.
fn items_xor(vm: &Vm, left: &Object<Dict>, right: &Object<Dict>) -> PyResult {
    let rest = right.copy();
    let result = Set::new();
    for (key, value) in left.pairs() {
        let other = rest.get(vm, &key)?;
        let same = match &other {
            Some(other) => vm.same_or_equal(&value, other)?,
            None => false,
        };
        if same {
            rest.remove(vm, &key)?;
        } else {
            result.add(vm, &Tuple::from_values([key, value]).into_value())?;
        }
    }
    for entry in rest.pairs() {
        result.add(vm, &Tuple::from_values([entry.0, entry.1]).into_value())?;
    }
    Ok(result.into_value())
}

fn is_disjoint(vm: &Vm, this: &Value, other: &Value) -> PyResult<bool> {
    if this.is(other) {
        return Ok(vm.length(this)? == 0);
    }
    let (mut asked, mut iterated) = (this, other);
    if is_set_like(other) && vm.length(other)? > vm.length(this)? {
        std::mem::swap(&mut asked, &mut iterated);
    }
    let iterator = vm.iter(iterated)?;
    while let Some(item) = vm.next(&iterator)? {
        if vm.contains(asked, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What all three views have in their slots and methods, and the set operations of two of them.
macro_rules! view_methods {
    ($name:ident, $forward:ident, $reverse:ident, { $($more:tt)* }) => {
        #[pymethods]
        impl $name {
            #[slot(repr)]
            fn repr(this: &Value, vm: &Vm) -> PyResult {
                repr(vm, this)
            }

            #[slot(length)]
            fn length(&self) -> PyResult<usize> {
                Ok(self.dict.len())
            }

            #[slot(iter)]
            fn iter(&self) -> Value {
                $forward::new(self.dict.clone()).into_value()
            }

            /// Return a reverse iterator over the view.
            #[method("__reversed__(self, /)")]
            fn reversed(&self) -> Value {
                $reverse::new(self.dict.clone()).into_value()
            }

            /// dictionary that this view refers to
            #[getter("mapping")]
            fn mapping(&self) -> Value {
                crate::types::descriptors::MappingProxy::new(self.dict.value().clone()).into()
            }

            $($more)*
        }
    };
}

macro_rules! set_view_methods {
    ($name:ident, $forward:ident, $reverse:ident, { $($more:tt)* }) => {
        view_methods! { $name, $forward, $reverse, {
            #[slot(compare)]
            fn compare(this: &Value, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
                compare(vm, this, other, comparison)
            }

            #[slot(subtract)]
            fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
                subtract(vm, left, right)
            }

            #[slot(and)]
            fn and(vm: &Vm, left: &Value, right: &Value) -> PyResult {
                and(vm, left, right)
            }

            #[slot(or)]
            fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
                or(vm, left, right)
            }

            #[slot(xor)]
            fn xor(vm: &Vm, left: &Value, right: &Value) -> PyResult {
                xor(vm, left, right)
            }

            /// Return True if the view and the given iterable have a null intersection.
            #[method("isdisjoint(self, object, /)")]
            fn isdisjoint(this: &Value, vm: &Vm, object: &Value) -> PyResult<bool> {
                is_disjoint(vm, this, object)
            }

            $($more)*
        } }
    };
}

set_view_methods! { DictKeys, DictKeyIterator, DictReverseKeyIterator, {
    #[slot(contains)]
    fn contains(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        self.dict.contains(vm, item)
    }
} }

set_view_methods! { DictItems, DictItemIterator, DictReverseItemIterator, {
    #[slot(contains)]
    fn contains(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        let Some([key, value]) = item.downcast::<Tuple>().map(|pair| pair.payload().items()) else {
            return Ok(false);
        };
        match self.dict.get(vm, key)? {
            Some(own) => vm.same_or_equal(&own, value),
            None => Ok(false),
        }
    }
} }

view_methods! { DictValues, DictValueIterator, DictReverseValueIterator, {} }
