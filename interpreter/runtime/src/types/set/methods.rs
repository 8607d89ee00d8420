//! Slots and methods of `set` and `frozenset`.

use rspy_macros::pymethods;

use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Payload, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bool::boolean;
use crate::types::none::not_implemented;
use crate::types::set::{Core, FrozenSet, Set, SetIterator, algebra, core_of, is_any_set};
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

fn repr(vm: &Vm, this: &Value, core: &Core, plain: bool) -> PyResult {
    let name = this.type_of().name();
    let Some(_guard) = vm.enter_repr(this) else { return Ok(vm.new_str(&format!("{name}(...)"))) };
    if core.is_empty() {
        return Ok(vm.new_str(&format!("{name}()")));
    }
    let mut out = StrBuilder::new();
    if !plain {
        out.push_str(&name);
        out.push_str("(");
    }
    out.push_str("{");
    for (index, item) in core.to_vec().iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_object(&*vm.repr(item)?);
    }
    out.push_str(if plain { "}" } else { "})" });
    Ok(out.finish().into_value())
}

fn compare(vm: &Vm, own: &Core, other: &Value, comparison: Comparison) -> PyResult {
    let Some(theirs) = core_of(other) else { return Ok(not_implemented()) };
    let (left, right) = (own.len(), theirs.len());
    let holds = match comparison {
        Comparison::Equal | Comparison::NotEqual => {
            let equal = left == right && algebra::is_subset(vm, own, theirs)?;
            equal == (comparison == Comparison::Equal)
        }
        Comparison::LessEqual => algebra::is_subset(vm, own, theirs)?,
        Comparison::GreaterEqual => algebra::is_subset(vm, theirs, own)?,
        Comparison::Less => left < right && algebra::is_subset(vm, own, theirs)?,
        Comparison::Greater => left > right && algebra::is_subset(vm, theirs, own)?,
    };
    Ok(boolean(holds))
}

/// A binary operator of two sets of any kind.
fn operator(
    vm: &Vm,
    left: &Value,
    right: &Value,
    with: impl FnOnce(&Vm, &Value, &Value) -> PyResult,
) -> PyResult {
    if is_any_set(left) && is_any_set(right) { with(vm, left, right) } else { Ok(not_implemented()) }
}

/// An augmented operator that changes the left set.
fn inplace(vm: &Vm, left: &Value, right: &Value, with: impl FnOnce(&Vm, &Core) -> PyResult<()>) -> PyResult {
    let Some(core) = core_of(left).filter(|_| is_any_set(right)) else { return Ok(not_implemented()) };
    with(vm, core)?;
    Ok(left.clone())
}

fn intersect_in_place(vm: &Vm, set: &Value, core: &Core, others: &[Value]) -> PyResult<()> {
    let result = algebra::intersection_of_all(vm, set, others)?;
    if let Some(result) = core_of(&result) {
        core.take_over(result);
    }
    Ok(())
}

#[pymethods]
impl Set {
    #[slot(new)]
    fn make(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Set::of_type(cls).into_value())
    }

    #[slot(init)]
    fn init(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let args = crate::arguments::positional(vm, "set", args, names, 0, 1)?;
        self.core.clear();
        match args {
            [iterable] => self.core.update(vm, iterable),
            _ => Ok(()),
        }
    }

    #[slot(repr)]
    fn repr(this: &Object<Set>, vm: &Vm) -> PyResult {
        let plain = std::ptr::eq(this.type_of(), Set::static_type());
        repr(vm, &this.as_value(), &this.core, plain)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        compare(vm, &self.core, other, comparison)
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.core.len())
    }

    #[slot(contains)]
    fn has(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        self.core.contains(vm, item)
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        SetIterator::new(this.clone()).into_value()
    }

    #[slot(subtract)]
    fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, algebra::difference)
    }

    #[slot(and)]
    fn and(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, algebra::intersection)
    }

    #[slot(xor)]
    fn xor(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, algebra::symmetric_difference)
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, |vm, left, right| algebra::union(vm, left, std::slice::from_ref(right)))
    }

    #[slot(inplace_subtract)]
    fn inplace_subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        inplace(vm, left, right, |vm, core| algebra::remove_all(vm, left, core, right))
    }

    #[slot(inplace_and)]
    fn inplace_and(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        inplace(vm, left, right, |vm, core| intersect_in_place(vm, left, core, std::slice::from_ref(right)))
    }

    #[slot(inplace_xor)]
    fn inplace_xor(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        inplace(vm, left, right, |vm, core| algebra::toggle_all(vm, left, core, right))
    }

    #[slot(inplace_or)]
    fn inplace_or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        inplace(vm, left, right, |vm, core| core.update(vm, right))
    }

    /// Add an element to a set.
    ///
    /// This has no effect if the element is already present.
    #[method("add(self, object, /)")]
    fn add_object(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        self.core.add(vm, object)
    }

    /// Remove all elements from this set.
    #[method("clear(self, /)")]
    fn clear_all(&self) {
        self.core.clear();
    }

    /// Return a shallow copy of a set.
    #[method("copy(self, /)")]
    fn copy(this: &Value, vm: &Vm) -> PyResult {
        algebra::copy(vm, this)
    }

    /// Remove an element from a set if it is a member.
    ///
    /// Unlike set.remove(), the discard() method does not raise an exception when an element is missing.
    #[method("discard(self, object, /)")]
    fn discard_object(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        self.core.discard(vm, object).map(drop)
    }

    /// Remove an element from a set; it must be a member.
    ///
    /// If the element is not a member, raise a KeyError.
    #[method("remove(self, object, /)")]
    fn remove(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        if self.core.discard(vm, object)? { Ok(()) } else { Err(vm.key_error(object)) }
    }

    /// Remove and return an arbitrary set element.
    ///
    /// Raises KeyError if the set is empty.
    #[method("pop(self, /)")]
    fn pop(&self, vm: &Vm) -> PyResult {
        self.core.pop().ok_or_else(|| vm.key_error(&vm.new_str("pop from an empty set")))
    }

    /// Update the set, removing elements found in others.
    #[method("difference_update(self, /, *others)")]
    fn difference_update(this: &Object<Set>, vm: &Vm, others: &[Value]) -> PyResult<()> {
        for other in others {
            algebra::remove_all(vm, &this.as_value(), &this.core, other)?;
        }
        Ok(())
    }

    /// Update the set, keeping only elements found in it and all others.
    #[method("intersection_update(self, /, *others)")]
    fn intersection_update(this: &Object<Set>, vm: &Vm, others: &[Value]) -> PyResult<()> {
        intersect_in_place(vm, &this.as_value(), &this.core, others)
    }

    /// Update the set, keeping only elements found in either set, but not in both.
    #[method("symmetric_difference_update(self, other, /)")]
    fn symmetric_difference_update(this: &Object<Set>, vm: &Vm, other: &Value) -> PyResult<()> {
        algebra::toggle_all(vm, &this.as_value(), &this.core, other)
    }

    /// Update the set, adding elements from all others.
    #[method("update(self, /, *others)")]
    fn update(&self, vm: &Vm, others: &[Value]) -> PyResult<()> {
        others.iter().try_for_each(|other| self.core.update(vm, other))
    }
}

#[pymethods]
impl FrozenSet {
    #[slot(new)]
    fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let exact = std::ptr::eq(cls, FrozenSet::static_type());
        let (args, names) = crate::arguments::for_new(cls, FrozenSet::static_type(), args, names);
        let args = crate::arguments::positional(vm, "frozenset", args, names, 0, 1)?;
        if exact
            && let [iterable] = args
            && iterable.downcast_exact::<FrozenSet>().is_some()
        {
            return Ok(iterable.clone());
        }
        let set = FrozenSet::of_type(cls);
        if let [iterable] = args {
            set.core.update(vm, iterable)?;
        }
        Ok(set.into_value())
    }

    #[slot(repr)]
    fn repr(this: &Object<FrozenSet>, vm: &Vm) -> PyResult {
        repr(vm, &this.as_value(), &this.core, false)
    }

    #[slot(hash)]
    fn hash(&self) -> PyResult<i64> {
        if self.hash.get() == -1 {
            self.hash.set(self.core.unordered_hash());
        }
        Ok(self.hash.get())
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        compare(vm, &self.core, other, comparison)
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.core.len())
    }

    #[slot(contains)]
    fn has(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        self.core.contains(vm, item)
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        SetIterator::new(this.clone()).into_value()
    }

    #[slot(subtract)]
    fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        Set::subtract(vm, left, right)
    }

    #[slot(and)]
    fn and(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        Set::and(vm, left, right)
    }

    #[slot(xor)]
    fn xor(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        Set::xor(vm, left, right)
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        Set::or(vm, left, right)
    }

    /// Return a shallow copy of a set.
    #[method("copy(self, /)")]
    fn copy(this: &Value, vm: &Vm) -> PyResult {
        if this.downcast_exact::<FrozenSet>().is_some() { Ok(this.clone()) } else { algebra::copy(vm, this) }
    }
}

/// The methods that both types have.
macro_rules! shared_methods {
    ($($typ:ident),*) => {$(
        #[pymethods(SHARED_METHODS)]
        impl $typ {
            /// x.__contains__(y) <==> y in x.
            #[method("__contains__(self, object, /)")]
            fn dunder_contains(&self, vm: &Vm, object: &Value) -> PyResult<bool> {
                self.core.contains(vm, object)
            }

            /// Return a new set with elements in the set that are not in the others.
            #[method("difference(self, /, *others)")]
            fn difference(this: &Value, vm: &Vm, others: &[Value]) -> PyResult {
                algebra::difference_of_all(vm, this, others)
            }

            /// Return a new set with elements common to the set and all others.
            #[method("intersection(self, /, *others)")]
            fn intersection(this: &Value, vm: &Vm, others: &[Value]) -> PyResult {
                algebra::intersection_of_all(vm, this, others)
            }

            /// Return True if two sets have a null intersection.
            #[method("isdisjoint(self, other, /)")]
            fn isdisjoint(this: &Object<$typ>, vm: &Vm, other: &Value) -> PyResult<bool> {
                algebra::is_disjoint(vm, &this.as_value(), &this.core, other)
            }

            /// Report whether another set contains this set.
            #[method("issubset(self, other, /)")]
            fn issubset(this: &Object<$typ>, vm: &Vm, other: &Value) -> PyResult<bool> {
                algebra::is_subset_of(vm, &this.as_value(), &this.core, other)
            }

            /// Report whether this set contains another set.
            #[method("issuperset(self, other, /)")]
            fn issuperset(&self, vm: &Vm, other: &Value) -> PyResult<bool> {
                algebra::is_superset_of(vm, &self.core, other)
            }

            /// Return state information for pickling.
            #[method("__reduce__(self, /)")]
            fn reduce(this: &Object<$typ>, vm: &Vm) -> PyResult {
                let items = crate::types::list::List::from_vec(this.core.to_vec()).into_value();
                let state = vm.call_method(&this.as_value(), &names::__getstate__, &[])?;
                let parts = [this.type_of().to_value(), Tuple::from_values([items]).into_value(), state];
                Ok(Tuple::from_values(parts).into_value())
            }

            /// S.__sizeof__() -> size of S in memory, in bytes.
            #[method("__sizeof__(self, /)")]
            fn sizeof(&self) -> usize {
                200 + self.core.table.borrow().memory()
            }

            /// Return a new set with elements in either the set or other but not both.
            #[method("symmetric_difference(self, other, /)")]
            fn symmetric_difference(this: &Value, vm: &Vm, other: &Value) -> PyResult {
                algebra::symmetric_difference(vm, this, other)
            }

            /// Return a new set with elements from the set and all others.
            #[method("union(self, /, *others)")]
            fn union(this: &Value, vm: &Vm, others: &[Value]) -> PyResult {
                algebra::union(vm, this, others)
            }

            /// See PEP 585.
            #[classmethod("__class_getitem__(type, object, /)")]
            fn class_getitem(cls: &TypeObject, vm: &Vm, object: &Value) -> Value {
                crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
            }
        }
    )*};
}
shared_methods!(Set, FrozenSet);
