//! `OrderedDict`: a dict that compares by order and whose entries can be moved to either end.
//!
//! Every dict keeps its order; what this class adds is done with the same table. Moving an entry to the front is the
//! one operation that takes time in proportion to the size.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::dict::views::{DictItems, DictKeys, DictValues};
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{none, not_implemented};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::instance;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Dictionary that remembers insertion order
#[pyclass(name = "OrderedDict", static_type, hides_new, module = "collections", extends = Dict, tracked, weak, dict, subclassable)]
#[repr(C)]
pub struct OrderedDict {
    dict: Dict,
}

impl OrderedDict {
    fn is_exact(this: &Object<OrderedDict>) -> bool {
        std::ptr::eq(this.type_of(), OrderedDict::static_type())
    }

    fn empty(typ: &TypeObject) -> Ref<OrderedDict> {
        Object::with_type(typ, OrderedDict { dict: Dict::empty_payload() })
    }

}

/// The error where comparing keys or the like has changed the dict.
fn mutated(vm: &Vm) -> Exception {
    vm.runtime_error("OrderedDict mutated during iteration")
}

/// The two parts of a pair, from any iterable.
fn unpack_pair(vm: &Vm, pair: &Value) -> PyResult<(Value, Value)> {
    let iterator = vm.iter(pair)?;
    let key = vm.next(&iterator)?.ok_or_else(|| vm.value_error("need more than 0 values to unpack"))?;
    let value = vm.next(&iterator)?.ok_or_else(|| vm.value_error("need more than 1 value to unpack"))?;
    if vm.next(&iterator)?.is_some() {
        return Err(vm.value_error("too many values to unpack (expected 2)"));
    }
    Ok((key, value))
}

/// Takes over the entries of a mapping or of an iterable of pairs, as `MutableMapping.update` does.
fn update_from(vm: &Vm, this: &Value, other: &Value) -> PyResult<()> {
    if let Some(dict) = other.downcast_exact::<Dict>() {
        for (key, value) in dict.pairs() {
            vm.set_item(this, &key, &value)?;
        }
        return Ok(());
    }
    if let Some(keys) = vm.get_attribute_optional(other, &names::keys)? {
        let keys = vm.call(&keys, &[])?;
        return vm.for_each(&keys, |key| vm.set_item(this, &key, &vm.get_item(other, &key)?));
    }
    let pairs = match vm.get_attribute_optional(other, &names::items)? {
        Some(items) => vm.call(&items, &[])?,
        None => other.clone(),
    };
    vm.for_each(&pairs, |pair| {
        let (key, value) = unpack_pair(vm, &pair)?;
        vm.set_item(this, &key, &value)
    })
}

fn update(
    vm: &Vm,
    this: &Value,
    args: &[Value],
    names: KeywordNames<'_>,
    too_many: impl Fn(usize) -> String,
) -> PyResult<()> {
    let keywords = names.map_or(0, |names| names.items().len());
    let (positional, values) = args.split_at(args.len() - keywords);
    match positional {
        [] => {}
        [other] => update_from(vm, this, other)?,
        _ => return Err(vm.type_error(too_many(positional.len()))),
    }
    for (name, value) in names.map_or(&[][..], |names| names.items()).iter().zip(values) {
        vm.set_item(this, name, value)?;
    }
    Ok(())
}

#[pymethods]
impl OrderedDict {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(OrderedDict::empty(cls).into_value())
    }

    #[slot(init)]
    fn init(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        update(vm, this, args, names, |count| format!("expected at most 1 argument, got {count}"))
    }

    #[slot(repr)]
    fn repr(this: &Object<OrderedDict>, vm: &Vm) -> PyResult {
        let name = this.type_of().name();
        if this.dict.is_empty() {
            return Ok(vm.new_str(&format!("{name}()")));
        }
        let Some(_guard) = vm.enter_repr(&this.as_value()) else { return Ok(vm.new_str("...")) };
        let mut out = StrBuilder::new();
        out.push_str(&name);
        out.push_str("(");
        out.push_object(&*vm.repr(this.dict.copy().value())?);
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[slot(compare)]
    fn compare(this: &Object<OrderedDict>, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        if other.downcast::<Dict>().is_none()
            || !matches!(comparison, Comparison::Equal | Comparison::NotEqual)
        {
            return Ok(not_implemented());
        }
        let Some(plain) = Dict::static_type().slots().compare.get() else { return Ok(not_implemented()) };
        let mut equal = vm.is_true(&plain(vm, &this.as_value(), other, Comparison::Equal)?)?;
        if let Some(other) = other.downcast::<OrderedDict>().filter(|_| equal) {
            let before = (this.dict.changes(), other.dict.changes());
            for (left, right) in this.dict.keys().iter().zip(other.dict.keys()) {
                let same = vm.same_or_equal(left, &right)?;
                if before != (this.dict.changes(), other.dict.changes()) {
                    return Err(mutated(vm));
                }
                if !same {
                    equal = false;
                    break;
                }
            }
        }
        Ok(boolean(equal == (comparison == Comparison::Equal)))
    }

    #[slot(iter)]
    fn iter(this: &Object<OrderedDict>) -> Value {
        OrderedIterator::over(this, Part::Keys, false)
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let (own, other) = match (left.downcast::<OrderedDict>(), right.downcast::<OrderedDict>()) {
            (Some(own), _) => (own, right),
            (None, Some(own)) => (own, left),
            (None, None) => return Ok(not_implemented()),
        };
        if other.downcast::<Dict>().is_none() {
            return Ok(not_implemented());
        }
        let made = vm.call(&own.type_of().to_value(), std::slice::from_ref(left))?;
        update_from(vm, &made, right)?;
        Ok(made)
    }

    #[slot(inplace_or)]
    fn inplace_or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        update_from(vm, left, right)?;
        Ok(left.clone())
    }

    #[getter("__dict__")]
    fn get_dict(this: &Value, vm: &Vm) -> Ref<Dict> {
        instance::dict(vm, this)
    }

    #[setter("__dict__")]
    fn set_dict(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        rspy_runtime::types::object::set_dict_attribute(vm, this, value)
    }

    /// Create a new ordered dictionary with keys from iterable and values set to value.
    #[classmethod("fromkeys(type, /, iterable, value=None)")]
    fn fromkeys(vm: &Vm, cls: &TypeObject, iterable: &Value, value: &Value) -> PyResult {
        let made = vm.call(&cls.to_value(), &[])?;
        vm.for_each(iterable, |key| vm.set_item(&made, &key, value))?;
        Ok(made)
    }

    /// Return state information for pickling
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<OrderedDict>, vm: &Vm) -> PyResult {
        let value = this.to_value();
        let state = vm.call_method_str(&value, "__getstate__", &[])?;
        let items = vm.call_method(&value, &names::items, &[])?;
        let items = vm.iter(&items)?;
        let args = Tuple::empty().into_value();
        Ok(Tuple::from_values([this.type_of().to_value(), args, state, none(), items]).into_value())
    }

    /// Insert key with a value of default if key is not in the dictionary.
    ///
    /// Return the value for key if key is in the dictionary, else default.
    #[method("setdefault(self, /, key, default=None)")]
    fn setdefault(this: &Object<OrderedDict>, vm: &Vm, key: &Value, default: &Value) -> PyResult {
        if OrderedDict::is_exact(this) {
            return this.dict.get_or_set(vm, key, default.clone());
        }
        let this = this.as_value();
        if vm.contains(&this, key)? {
            return vm.get_item(&this, key);
        }
        vm.set_item(&this, key, default)?;
        Ok(default.clone())
    }

    /// od.pop(key[,default]) -> v, remove specified key and return the corresponding value.
    ///
    /// If the key is not found, return the default if given; otherwise,
    /// raise a KeyError.
    #[method("pop(self, /, key, default=<unrepresentable>)")]
    fn pop(this: &Object<OrderedDict>, vm: &Vm, key: &Value, default: Option<&Value>) -> PyResult {
        match this.dict.remove(vm, key)? {
            Some(value) => Ok(value),
            None => default.cloned().ok_or_else(|| vm.key_error(key)),
        }
    }

    /// Remove and return a (key, value) pair from the dictionary.
    ///
    /// Pairs are returned in LIFO order if last is true or FIFO order if false.
    #[method("popitem(self, /, last=True)")]
    fn popitem(this: &Object<OrderedDict>, vm: &Vm, last: bool) -> PyResult {
        let entry = if last { this.dict.previous_entry(usize::MAX) } else { this.dict.next_entry(0) };
        let Some((_, key, _)) = entry else { return Err(vm.key_error_message("dictionary is empty")) };
        if last && OrderedDict::is_exact(this) {
            let taken = this.dict.pop_last();
            return Ok(taken.map_or_else(none, |(key, value)| Tuple::from_values([key, value]).into_value()));
        }
        match this.dict.remove(vm, &key)? {
            Some(value) => Ok(Tuple::from_values([key, value]).into_value()),
            None => Err(vm.key_error(&key)),
        }
    }

    #[method("keys(self, /)")]
    fn keys(this: &Object<OrderedDict>) -> PyResult {
        Ok(Object::new(OrderedKeys { view: DictKeys::payload(as_dict(this)) }).into_value())
    }

    #[method("values(self, /)")]
    fn values(this: &Object<OrderedDict>) -> PyResult {
        Ok(Object::new(OrderedValues { view: DictValues::payload(as_dict(this)) }).into_value())
    }

    #[method("items(self, /)")]
    fn items(this: &Object<OrderedDict>) -> PyResult {
        Ok(Object::new(OrderedItems { view: DictItems::payload(as_dict(this)) }).into_value())
    }

    #[method("update")]
    fn update(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        update(vm, this, args, names, |count| {
            format!("update() takes at most 1 positional argument ({count} given)")
        })
    }

    /// Remove all items from ordered dict.
    #[method("clear(self, /)")]
    fn clear(&self) {
        self.dict.clear();
    }

    /// A shallow copy of ordered dict.
    #[method("copy(self, /)")]
    fn copy(this: &Object<OrderedDict>, vm: &Vm) -> PyResult {
        let made = vm.call(&this.type_of().to_value(), &[])?;
        let before = this.dict.changes();
        let exact = OrderedDict::is_exact(this);
        for (key, value) in this.dict.pairs() {
            let value = if exact { value } else { vm.get_item(&this.as_value(), &key)? };
            vm.set_item(&made, &key, &value)?;
            if this.dict.changes() != before {
                return Err(mutated(vm));
            }
        }
        Ok(made)
    }

    /// Return the size of the dict in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<OrderedDict>) -> usize {
        // What a key's place in the order takes.
        const PLACE: usize = 32;
        size_of_val(this) + this.dict.memory() + (this.dict.len() + 1) * PLACE
    }

    /// od.__reversed__() <==> reversed(od)
    #[method("__reversed__(self, /)")]
    fn reversed(this: &Object<OrderedDict>) -> Value {
        OrderedIterator::over(this, Part::Keys, true)
    }

    /// Move an existing element to the end (or beginning if last is false).
    ///
    /// Raise KeyError if the element does not exist.
    #[method("move_to_end(self, /, key, last=True)")]
    fn move_to_end(&self, vm: &Vm, key: &Value, last: bool) -> PyResult<()> {
        let end = if last { self.dict.previous_entry(usize::MAX) } else { self.dict.next_entry(0) };
        if let Some((_, at_end, _)) = end
            && vm.same_or_equal(&at_end, key)?
        {
            return Ok(());
        }
        let (own_key, value) = self.dict.remove_entry(vm, key)?.ok_or_else(|| vm.key_error(key))?;
        if last {
            return self.dict.set(vm, &own_key, value);
        }
        let rest = self.dict.pairs();
        self.dict.clear();
        self.dict.set(vm, &own_key, value)?;
        rest.into_iter().try_for_each(|(key, value)| self.dict.set(vm, &key, value))
    }
}

/// The same object, as a dict.
fn as_dict(this: &Object<OrderedDict>) -> Ref<Dict> {
    this.to_value().downcast_into::<Dict>().unwrap_or_else(|_| Dict::new())
}

/// What an iterator yields of each entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Keys,
    Values,
    Items,
}

/// Goes through an ordered dict, in either direction.
#[pyclass(name = "odict_iterator", tracked, no_new)]
pub struct OrderedIterator {
    dict: GilCell<Option<Ref<Dict>>>,
    position: Cell<usize>,
    #[untraced]
    changes: u32,
    #[untraced]
    part: Part,
    #[untraced]
    backwards: bool,
}

impl OrderedIterator {
    fn over(this: &Object<OrderedDict>, part: Part, backwards: bool) -> Value {
        OrderedIterator::of(as_dict(this), part, backwards)
    }

    fn of(dict: Ref<Dict>, part: Part, backwards: bool) -> Value {
        Object::new(OrderedIterator {
            changes: dict.changes(),
            dict: GilCell::new(Some(dict)),
            position: Cell::new(if backwards { usize::MAX } else { 0 }),
            part,
            backwards,
        })
        .into_value()
    }

    /// The next entry's part and position.
    fn peek(&self, vm: &Vm, dict: &Object<Dict>, position: usize) -> PyResult<Option<(usize, Value)>> {
        if dict.changes() != self.changes {
            return Err(vm.runtime_error("OrderedDict mutated during iteration"));
        }
        let entry = if self.backwards { dict.previous_entry(position) } else { dict.next_entry(position) };
        Ok(entry.map(|(next, key, value)| {
            let item = match self.part {
                Part::Keys => key,
                Part::Values => value,
                Part::Items => Tuple::from_values([key, value]).into_value(),
            };
            (next, item)
        }))
    }
}

#[pymethods]
impl OrderedIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(dict) = self.dict.get() else { return Ok(None) };
        match self.peek(vm, &dict, self.position.get()) {
            Ok(Some((position, item))) => {
                self.position.set(position);
                Ok(Some(item))
            }
            other => {
                self.dict.set(None);
                other.map(|_| None)
            }
        }
    }

    /// Return state information for pickling
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        let mut rest = Vec::new();
        if let Some(dict) = self.dict.get() {
            let mut position = self.position.get();
            while let Some((next, item)) = self.peek(vm, &dict, position)? {
                position = next;
                rest.push(item);
            }
        }
        let iter = vm.builtins().get_str(&names::iter).unwrap_or_else(none);
        let args = Tuple::from_values([List::from_vec(rest).into_value()]).into_value();
        Ok(Tuple::from_values([iter, args]).into_value())
    }
}

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident($base:ident) = $python:tt, $part:ident;)*) => {$(
        $(#[$doc])*
        #[pyclass(name = $python, extends = $base, tracked, no_new)]
        #[repr(C)]
        pub struct $name {
            view: $base,
        }

        #[pymethods]
        impl $name {
            #[slot(iter)]
            fn iter(&self) -> Value {
                OrderedIterator::of(self.view.dict().clone(), Part::$part, false)
            }

            #[method("__reversed__(self, /)")]
            fn reversed(&self) -> Value {
                OrderedIterator::of(self.view.dict().clone(), Part::$part, true)
            }
        }
    )*};
}

views! {
    /// The keys of an ordered dict.
    OrderedKeys(DictKeys) = "odict_keys", Keys;
    /// The values of an ordered dict.
    OrderedValues(DictValues) = "odict_values", Values;
    /// The pairs of an ordered dict.
    OrderedItems(DictItems) = "odict_items", Items;
}
