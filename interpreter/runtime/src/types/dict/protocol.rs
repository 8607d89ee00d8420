//! Slots and methods of `dict`, and how a dict is filled from mappings and iterables of pairs.

use rspy_macros::pymethods;

use crate::arguments::KeywordArguments;
use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bool::boolean;
use crate::types::dict::views::{DictItems, DictKeyIterator, DictKeys, DictReverseKeyIterator, DictValues};
use crate::types::dict::{Dict, is_exact};
use crate::types::iterators::Zip;
use crate::types::list::List;
use crate::types::none::{none, not_implemented};
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// The error for a key that cannot be hashed, as dicts tell it.
pub(crate) fn not_a_key(vm: &Vm, key: &Value, error: Exception) -> Exception {
    if !error.is_type_error() {
        return error;
    }
    match vm.str(error.value()) {
        Ok(reason) => vm.type_error(format!(
            "cannot use '{}' as a dict key ({})",
            key.type_of().full_name(),
            reason.to_string_lossy()
        )),
        Err(other) => other,
    }
}

/// Takes over the entries of a mapping: of a dict, or of an object with `keys()`.
///
/// # Errors
/// `AttributeError` where the object has no `keys`, and what its methods raise.
pub fn update_from(vm: &Vm, dict: &Object<Dict>, mapping: &Value) -> PyResult<()> {
    if let Some(other) = plainly_iterated(mapping) {
        return dict.merge(vm, other, true);
    }
    let keys = vm.call_method_str(mapping, "keys", &[])?;
    let iterator = vm.iter(&keys)?;
    while let Some(key) = vm.next(&iterator)? {
        let value = vm.get_item(mapping, &key)?;
        dict.set(vm, &key, value)?;
    }
    Ok(())
}

/// A dict whose class does not iterate in its own way.
fn plainly_iterated(mapping: &Value) -> Option<&Object<Dict>> {
    let own = mapping.type_of().slots().iter.get()?;
    let plain = Dict::static_type().slots().iter.get()?;
    mapping.downcast::<Dict>().filter(|_| own as usize == plain as usize)
}

/// Merges a mapping into the keyword arguments of a call; each may be given only once.
///
/// # Errors
/// `TypeError` for a keyword that is given twice or is no string, and where the object is no mapping.
pub fn merge_keywords(vm: &Vm, dict: &Object<Dict>, mapping: &Value, callable: &Value) -> PyResult<()> {
    let function = || crate::types::function_text::callable_text(vm, callable);
    let pairs = match plainly_iterated(mapping) {
        Some(other) => other.pairs(),
        None => {
            let keys = match vm.get_attribute_optional(mapping, &names::keys)? {
                Some(method) => vm.call(&method, &[])?,
                None => {
                    return Err(vm.type_error(format!(
                        "{} argument after ** must be a mapping, not {}",
                        function(),
                        mapping.type_of().full_name()
                    )));
                }
            };
            let mut pairs = Vec::new();
            vm.for_each(&keys, |key| {
                let value = vm.get_item(mapping, &key)?;
                pairs.push((key, value));
                Ok(())
            })?;
            pairs
        }
    };
    for (key, value) in pairs {
        if dict.contains(vm, &key)? {
            let name = vm.str(&key)?;
            return Err(vm.type_error(format!(
                "{} got multiple values for keyword argument '{}'",
                function(),
                name.to_string_lossy()
            )));
        }
        dict.set(vm, &key, value)?;
    }
    Ok(())
}

/// Takes over pairs that an iterable yields.
fn update_from_pairs(vm: &Vm, dict: &Object<Dict>, iterable: &Value) -> PyResult<()> {
    let iterator = vm.iter(iterable)?;
    let mut index = 0;
    while let Some(item) = vm.next(&iterator)? {
        if let Some([key, value]) = item.downcast_exact::<Tuple>().map(|pair| pair.items()) {
            dict.set(vm, key, value.clone())?;
            index += 1;
            continue;
        }
        let pair = match vm.collect_or(&item, || vm.type_error("object is not iterable")) {
            Err(error) if error.is_type_error() => {
                let note =
                    format!("Cannot convert dictionary update sequence element #{index} to a sequence");
                vm.call_method_str(error.value(), "add_note", &[vm.new_str(&note)])?;
                return Err(error);
            }
            result => result?,
        };
        let [key, value] = &pair[..] else {
            return Err(vm.value_error(format!(
                "dictionary update sequence element #{index} has length {}; 2 is required",
                pair.len()
            )));
        };
        dict.set(vm, key, value.clone())?;
        index += 1;
    }
    Ok(())
}

/// Takes over a mapping or pairs, whichever the argument is.
fn update_from_any(vm: &Vm, dict: &Object<Dict>, argument: &Value) -> PyResult<()> {
    if argument.downcast_exact::<Dict>().is_some()
        || vm.get_attribute_optional(argument, &names::keys)?.is_some()
    {
        return update_from(vm, dict, argument);
    }
    if let Some(zip) = argument.downcast_exact::<Zip>() {
        while zip.makes_pairs() {
            let Some((key, value)) = zip.next_pair(vm)? else { return Ok(()) };
            dict.set(vm, &key, value)?;
        }
    }
    update_from_pairs(vm, dict, argument)
}

/// What `dict()` and `update()` do with their arguments.
fn update_from_call(
    vm: &Vm,
    function: &str,
    dict: &Object<Dict>,
    args: &[Value],
    names: KeywordNames<'_>,
) -> PyResult<()> {
    let (positional, keywords) = KeywordArguments::of_call(args, names);
    if let [argument] = crate::arguments::positional(vm, function, positional, None, 0, 1)? {
        update_from_any(vm, dict, argument)?;
    }
    for (name, value) in keywords.iter() {
        if name.downcast::<Str>().is_none() {
            return Err(vm.type_error("keywords must be strings"));
        }
        dict.set(vm, name, value.clone())?;
    }
    Ok(())
}

/// Whether every entry of one dict is in the other, which has as many.
fn same_entries(vm: &Vm, left: &Object<Dict>, right: &Object<Dict>) -> PyResult<bool> {
    if left.len() != right.len() {
        return Ok(false);
    }
    let mut position = 0;
    while let Some((next, key, value)) = left.next_entry(position) {
        position = next;
        let Some(other) = right.get(vm, &key)? else { return Ok(false) };
        if !vm.same_or_equal(&value, &other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn not_found(vm: &Vm, this: &Object<Dict>, key: &Value) -> PyResult {
    if !is_exact(this.type_of())
        && let Some(answer) =
            vm.call_special(&this.as_value(), &names::__missing__, std::slice::from_ref(key))?
    {
        return Ok(answer);
    }
    Err(vm.key_error(key))
}

#[pymethods]
impl Dict {
    #[slot(new)]
    fn make(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Dict::of_type(cls).into_value())
    }

    #[slot(init)]
    fn init(this: &Object<Dict>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        update_from_call(vm, "dict", this, args, names)
    }

    #[slot(repr)]
    fn repr(this: &Object<Dict>, vm: &Vm) -> PyResult {
        if this.is_empty() {
            return Ok(vm.new_str("{}"));
        }
        let Some(_guard) = vm.enter_repr(&this.as_value()) else { return Ok(vm.new_str("{...}")) };
        let mut out = StrBuilder::new();
        out.push('{' as u32);
        let (mut position, mut first) = (0, true);
        while let Some((next, key, value)) = this.next_entry(position) {
            position = next;
            if !first {
                out.push_str(", ");
            }
            first = false;
            out.push_object(&*vm.repr(&key)?);
            out.push_str(": ");
            out.push_object(&*vm.repr(&value)?);
        }
        out.push('}' as u32);
        Ok(out.finish().into_value())
    }

    #[slot(compare)]
    fn compare(this: &Object<Dict>, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let (Some(other), Comparison::Equal | Comparison::NotEqual) = (other.downcast::<Dict>(), comparison)
        else {
            return Ok(not_implemented());
        };
        Ok(boolean(same_entries(vm, this, other)? == (comparison == Comparison::Equal)))
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.len())
    }

    #[slot(contains)]
    fn has(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        self.contains(vm, item)
    }

    #[slot(get_item)]
    fn get_item(this: &Object<Dict>, vm: &Vm, key: &Value) -> PyResult {
        match this.get(vm, key)? {
            Some(value) => Ok(value),
            None => not_found(vm, this, key),
        }
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        match value {
            Some(value) => self.set(vm, key, value.clone()),
            None => match self.remove(vm, key)? {
                Some(_) => Ok(()),
                None => Err(vm.key_error(key)),
            },
        }
    }

    #[slot(iter)]
    fn iter(this: &Object<Dict>) -> Value {
        DictKeyIterator::new(this.to_ref()).into_value()
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let (Some(own), Some(_)) = (left.downcast::<Dict>(), right.downcast::<Dict>()) else {
            return Ok(not_implemented());
        };
        let union = own.copy();
        update_from(vm, &union, right)?;
        Ok(union.into_value())
    }

    #[slot(inplace_or)]
    fn inplace_or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let Some(own) = left.downcast::<Dict>() else { return Ok(not_implemented()) };
        update_from_any(vm, own, right)?;
        Ok(left.clone())
    }
}

#[pymethods(MORE_METHODS)]
impl Dict {
    /// Return self[key].
    #[method("__getitem__(self, key, /)")]
    fn dunder_getitem(this: &Object<Dict>, vm: &Vm, key: &Value) -> PyResult {
        Dict::get_item(this, vm, key)
    }

    /// True if the dictionary has the specified key, else False.
    #[method("__contains__(self, key, /)")]
    fn dunder_contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        self.contains(vm, key)
    }

    /// Return the size of the dict in memory.
    #[method("__sizeof__(self, /)")]
    fn sizeof(&self) -> usize {
        48 + self.memory()
    }

    /// Return the value for key if key is in the dictionary, else default.
    #[method("get(self, key, default=None, /)")]
    fn get_or_default(&self, vm: &Vm, key: &Value, default: &Value) -> PyResult {
        Ok(self.get(vm, key)?.unwrap_or_else(|| default.clone()))
    }

    /// Insert key with a value of default if key is not in the dictionary.
    ///
    /// Return the value for key if key is in the dictionary, else default.
    #[method("setdefault(self, key, default=None, /)")]
    fn setdefault(&self, vm: &Vm, key: &Value, default: &Value) -> PyResult {
        self.get_or_set(vm, key, default.clone())
    }

    /// D.pop(k[,d]) -> v, remove specified key and return the corresponding value.
    ///
    /// If the key is not found, return the default if given; otherwise, raise a KeyError.
    #[method("pop(self, key, default=<unrepresentable>, /)")]
    fn pop(&self, vm: &Vm, key: &Value, default: Option<&Value>) -> PyResult {
        let taken = if self.is_empty() { None } else { self.remove(vm, key)? };
        taken.or_else(|| default.cloned()).ok_or_else(|| vm.key_error(key))
    }

    /// Remove and return a (key, value) pair as a 2-tuple.
    ///
    /// Pairs are returned in LIFO (last-in, first-out) order. Raises KeyError if the dict is empty.
    #[method("popitem(self, /)")]
    fn popitem(&self, vm: &Vm) -> PyResult<(Value, Value)> {
        self.pop_last().ok_or_else(|| vm.key_error(&vm.new_str("popitem(): dictionary is empty")))
    }

    /// Return a set-like object providing a view on the dict's keys.
    #[method("keys(self, /)")]
    fn keys_view(this: &Object<Dict>) -> Ref<DictKeys> {
        DictKeys::new(this.to_ref())
    }

    /// Return a set-like object providing a view on the dict's items.
    #[method("items(self, /)")]
    fn items_view(this: &Object<Dict>) -> Ref<DictItems> {
        DictItems::new(this.to_ref())
    }

    /// Return an object providing a view on the dict's values.
    #[method("values(self, /)")]
    fn values_view(this: &Object<Dict>) -> Ref<DictValues> {
        DictValues::new(this.to_ref())
    }

    /// D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.
    ///
    /// If E is present and has a .keys() method, then does:  for k in E.keys(): D[k] = E[k]
    /// If E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v
    /// In either case, this is followed by: for k in F:  D[k] = F[k]
    #[method("update")]
    fn update(this: &Object<Dict>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        update_from_call(vm, "update", this, args, names)
    }

    /// Create a new dictionary with keys from iterable and values set to value.
    #[classmethod("fromkeys(type, iterable, value=None, /)")]
    fn fromkeys(cls: &TypeObject, vm: &Vm, iterable: &Value, value: &Value) -> PyResult {
        let made = if is_exact(cls) { Dict::new().into_value() } else { cls.construct(vm, &[])? };
        let plain = made.downcast_exact::<Dict>();
        if let (Some(dict), Some(set)) = (plain, crate::types::set::core_of(iterable)) {
            // The hashes are known.
            let mut position = 0;
            while let Some((next, hash, key)) = set.next_entry(position) {
                position = next;
                dict.set_hashed(vm, &key, hash, value.clone())?;
            }
            return Ok(made);
        }
        vm.for_each(iterable, |key| match plain {
            Some(dict) => dict.set(vm, &key, value.clone()),
            None => vm.set_item(&made, &key, value),
        })?;
        Ok(made)
    }

    /// Remove all items from the dict.
    #[method("clear(self, /)")]
    fn clear_all(&self) {
        self.clear();
    }

    /// Return a shallow copy of the dict.
    #[method("copy(self, /)")]
    fn copy_of(&self) -> Ref<Dict> {
        self.copy()
    }

    /// Return a reverse iterator over the dict keys.
    #[method("__reversed__(self, /)")]
    fn reversed(this: &Object<Dict>) -> Value {
        DictReverseKeyIterator::new(this.to_ref()).into_value()
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(cls: &TypeObject, vm: &Vm, object: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
    }
}

/// The keys of a mapping as a list.
///
/// # Errors
/// What `keys()` raises.
pub fn keys_of(vm: &Vm, mapping: &Value) -> PyResult<Ref<List>> {
    if let Some(dict) = mapping.downcast_exact::<Dict>() {
        return Ok(List::from_vec(dict.keys()));
    }
    let keys = vm.call_method_str(mapping, "keys", &[])?;
    Ok(List::from_vec(vm.collect(&keys)?))
}

/// The pairs of a dict as tuples.
pub fn items_of(dict: &Object<Dict>) -> Vec<Value> {
    dict.pairs().into_iter().map(|(key, value)| Tuple::from_values([key, value]).into_value()).collect()
}

/// A value that stands for `None` where a dict has no entry.
pub fn value_or_none(dict: &Object<Dict>, name: &Object<Str>) -> Value {
    dict.get_str(name).unwrap_or_else(none)
}
