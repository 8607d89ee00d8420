//! The native module `_abc`: abstract base classes, with the answers to `isinstance` and `issubclass` remembered.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use rspy_macros::{pyclass, pyfunctions, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::gc::{Trace, Visitor};
use crate::names;
use crate::object::{Object, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::bool::boolean;
use crate::types::descriptors::is_abstract;
use crate::types::list::List;
use crate::types::none::is_not_implemented;
use crate::types::set::{FrozenSet, Set};
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, TypeFlags};
use crate::types::weakref;
use crate::value::Value;
use crate::vm::Vm;

/// Counts registrations: answers that something is no subclass hold until the next.
static REGISTRATIONS: AtomicU64 = AtomicU64::new(0);

fn registrations() -> u64 {
    REGISTRATIONS.load(Ordering::Relaxed)
}

/// Classes referred to weakly, by address. A class that is gone leaves a dead reference behind, so that a new class at
/// the same address is not mistaken for it.
#[derive(Default)]
struct WeakClasses {
    references: HashMap<u64, Value>,
    /// At how many entries to look for dead ones.
    tidy_at: usize,
}

impl Trace for WeakClasses {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.references.values().for_each(|reference| visitor.value(reference));
    }
}

impl WeakClasses {
    fn contains(&self, class: &Value) -> bool {
        self.references.get(&class.bits()).is_some_and(|reference| {
            weakref::referent(reference).flatten().is_some_and(|alive| alive.is(class))
        })
    }

    /// Puts a reference in; answers what falls out, to be dropped when nothing is borrowed.
    #[must_use]
    fn insert(&mut self, class: &Value, reference: Value) -> Vec<Value> {
        let mut fallen: Vec<Value> = self.references.insert(class.bits(), reference).into_iter().collect();
        if self.references.len() > self.tidy_at.max(16) {
            let dead: Vec<u64> = self
                .references
                .iter()
                .filter(|(_, reference)| weakref::referent(reference).flatten().is_none())
                .map(|(&address, _)| address)
                .collect();
            fallen.extend(dead.iter().filter_map(|address| self.references.remove(address)));
            self.tidy_at = self.references.len() * 2;
        }
        fallen
    }
}

/// Internal state held by ABC machinery.
#[pyclass(name = "_abc_data", module = "_abc", tracked)]
pub struct AbcData {
    registry: GilCell<WeakClasses>,
    cache: GilCell<WeakClasses>,
    negative_cache: GilCell<WeakClasses>,
    negative_version: Cell<u64>,
}

#[pymethods]
impl AbcData {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, AbcData::empty()).into_value())
    }
}

impl AbcData {
    fn empty() -> AbcData {
        AbcData {
            registry: GilCell::default(),
            cache: GilCell::default(),
            negative_cache: GilCell::default(),
            negative_version: Cell::new(registrations()),
        }
    }
}

fn add(vm: &Vm, classes: &GilCell<WeakClasses>, class: &Value) -> PyResult<()> {
    let reference = weakref::new_reference(vm, class, None)?;
    let fallen = classes.borrow_mut().insert(class, reference);
    drop(fallen);
    Ok(())
}

/// The references as a set, for debugging.
fn dump(vm: &Vm, classes: &GilCell<WeakClasses>) -> PyResult {
    let references: Vec<Value> = classes.borrow().references.values().cloned().collect();
    let set = Set::new();
    for reference in references {
        if weakref::referent(&reference).flatten().is_some() {
            set.add(vm, &reference)?;
        }
    }
    Ok(set.into_value())
}

fn data_of(vm: &Vm, class: &Value) -> PyResult<Ref<AbcData>> {
    vm.get_attribute(class, &names::_abc_impl)?
        .downcast_into::<AbcData>()
        .map_err(|_| vm.type_error("_abc_impl is set to a wrong type"))
}

/// The names of the class's methods that are still abstract.
fn abstract_methods(vm: &Vm, class: &Value) -> PyResult<Ref<FrozenSet>> {
    let mut found = Vec::new();
    let own = vm.get_attribute(class, &names::__dict__)?;
    let items = vm.call_method(&own, &names::items, &[])?;
    for item in vm.collect(&items)? {
        let Some([key, value]) = item.downcast::<Tuple>().map(|pair| pair.payload().items()) else {
            return Err(vm.type_error("Iteration over items() returned non-tuple"));
        };
        if is_abstract(vm, Some(value))? {
            found.push(key.clone());
        }
    }
    let bases = vm.get_attribute(class, &names::__bases__)?;
    let Some(bases) = bases.downcast::<Tuple>() else { return Err(vm.type_error("__bases__ is not tuple")) };
    let abstract_name = vm.intern("__abstractmethods__");
    for base in bases.items() {
        let Some(inherited) = vm.get_attribute_optional(base, &abstract_name)? else { continue };
        for key in vm.collect(&inherited)? {
            let name = key.downcast::<crate::types::string::Str>();
            let name = name.ok_or_else(|| vm.type_error("attribute name must be string"))?;
            let value = vm.get_attribute_optional(class, name)?;
            if is_abstract(vm, value.as_ref())? {
                found.push(key.clone());
            }
        }
    }
    FrozenSet::from_values(vm, found)
}

const SEQUENCE: i64 = 1 << 5;
const MAPPING: i64 = 1 << 6;

/// `__abc_tpflags__`: whether `match` takes instances for sequences or mappings.
fn take_pattern_flags(vm: &Vm, class: &Object<Type>) -> PyResult<()> {
    let Some(flags) = class.dict().to_ref().remove_str(&vm.intern("__abc_tpflags__")) else { return Ok(()) };
    class.modified();
    let Some(flags) = crate::types::int::small_value(&flags) else { return Ok(()) };
    match flags & (SEQUENCE | MAPPING) {
        SEQUENCE => class.set_flag(TypeFlags::SEQUENCE),
        MAPPING => class.set_flag(TypeFlags::MAPPING),
        0 => {}
        _ => {
            return Err(
                vm.type_error("__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING")
            );
        }
    }
    Ok(())
}

/// Gives a registered class, and what derives from it, the pattern flags of the abstract one.
fn pass_on_pattern_flags(from: &Object<Type>, to: &Object<Type>) {
    for flag in [TypeFlags::SEQUENCE, TypeFlags::MAPPING] {
        if from.has_flag(flag) && !to.has_flag(TypeFlags::IMMUTABLE) {
            to.clear_flag(TypeFlags::SEQUENCE.with(TypeFlags::MAPPING));
            to.set_flag(flag);
        }
    }
    if from.has_flag(TypeFlags::SEQUENCE.with(TypeFlags::MAPPING)) {
        for derived in to.subclasses() {
            if let Some(derived) = derived.downcast::<Type>() {
                pass_on_pattern_flags(from, derived);
            }
        }
    }
}

/// `issubclass(subclass, class)` where nothing is remembered.
fn find_subclass(vm: &Vm, class: &Value, data: &AbcData, subclass: &Object<Type>) -> PyResult<bool> {
    let subclass_value = subclass.as_value();
    let answer = vm.call_method_str(class, "__subclasshook__", &[subclass.to_value()])?;
    if let Some(answer) = crate::types::bool::as_bool(&answer) {
        return Ok(answer);
    }
    if !is_not_implemented(&answer) {
        return Err(vm.assertion_error("__subclasshook__ must return either False, True, or NotImplemented"));
    }
    if subclass.mro().items().iter().any(|base| base.is(class)) {
        return Ok(true);
    }
    if data.registry.borrow().contains(&subclass_value) {
        return Ok(true);
    }
    let registered: Vec<Value> = data.registry.borrow().references.values().cloned().collect();
    for reference in registered {
        if let Some(registered) = weakref::referent(&reference).flatten()
            && vm.is_subclass(&subclass_value, &registered)?
        {
            return Ok(true);
        }
    }
    let subclasses = vm.call_method_str(class, "__subclasses__", &[])?;
    let Some(subclasses) = subclasses.downcast::<List>() else {
        return Err(vm.type_error("__subclasses__() must return a list"));
    };
    for derived in subclasses.to_vec() {
        if vm.is_subclass(&subclass_value, &derived)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The functions of `_abc`.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Returns the current ABC cache token.
    ///
    /// The token is an opaque object (supporting equality testing) identifying the
    /// current version of the ABC cache for virtual subclasses. The token changes
    /// with every call to register() on any ABC.
    #[function("get_cache_token()")]
    fn get_cache_token() -> u64 {
        registrations()
    }

    /// Internal ABC helper for class set-up. Should be never used outside abc module.
    #[function("_abc_init(self, /)")]
    fn abc_init(vm: &Vm, class: &Value) -> PyResult<()> {
        let methods = abstract_methods(vm, class)?;
        vm.set_attribute_str(class, "__abstractmethods__", methods.value())?;
        vm.set_attribute(class, &names::_abc_impl, &Object::new(AbcData::empty()).into_value())?;
        match class.downcast::<Type>() {
            Some(class) => take_pattern_flags(vm, class),
            None => Ok(()),
        }
    }

    /// Internal ABC helper to reset registry of a given class.
    ///
    /// Should be only used by refleak.py
    #[function("_reset_registry(self, /)")]
    fn reset_registry(vm: &Vm, class: &Value) -> PyResult<()> {
        drop(data_of(vm, class)?.registry.take());
        Ok(())
    }

    /// Internal ABC helper to reset both caches of a given class.
    ///
    /// Should be only used by refleak.py
    #[function("_reset_caches(self, /)")]
    fn reset_caches(vm: &Vm, class: &Value) -> PyResult<()> {
        let data = data_of(vm, class)?;
        drop((data.cache.take(), data.negative_cache.take()));
        Ok(())
    }

    /// Internal ABC helper for cache and registry debugging.
    ///
    /// Return shallow copies of registry, of both caches, and
    /// negative cache version. Don't call this function directly,
    /// instead use ABC._dump_registry() for a nice repr.
    #[function("_get_dump(self, /)")]
    fn get_dump(vm: &Vm, class: &Value) -> PyResult<(Value, Value, Value, u64)> {
        let data = data_of(vm, class)?;
        let version = data.negative_version.get();
        Ok((dump(vm, &data.registry)?, dump(vm, &data.cache)?, dump(vm, &data.negative_cache)?, version))
    }

    /// Internal ABC helper for subclass registration. Should be never used outside abc module.
    #[function("_abc_register(self, subclass, /)")]
    fn abc_register(vm: &Vm, class: &Value, subclass: &Value) -> PyResult {
        let Some(typ) = subclass.downcast::<Type>() else {
            return Err(vm.type_error("Can only register classes"));
        };
        if vm.is_subclass(subclass, class)? {
            return Ok(subclass.clone());
        }
        if vm.is_subclass(class, subclass)? {
            return Err(vm.runtime_error("Refusing to create an inheritance cycle"));
        }
        add(vm, &data_of(vm, class)?.registry, subclass)?;
        REGISTRATIONS.fetch_add(1, Ordering::Relaxed);
        if let Some(class) = class.downcast::<Type>() {
            pass_on_pattern_flags(class, typ);
        }
        Ok(subclass.clone())
    }

    /// Internal ABC helper for instance checks. Should be never used outside abc module.
    #[function("_abc_instancecheck(self, instance, /)")]
    fn abc_instancecheck(vm: &Vm, class: &Value, instance: &Value) -> PyResult {
        let data = data_of(vm, class)?;
        let claimed = vm.get_attribute(instance, &names::__class__)?;
        if data.cache.borrow().contains(&claimed) {
            return Ok(boolean(true));
        }
        let typ = instance.type_of().to_value();
        if typ.is(&claimed) {
            if data.negative_version.get() == registrations()
                && data.negative_cache.borrow().contains(&claimed)
            {
                return Ok(boolean(false));
            }
            return vm.call_method(class, &names::__subclasscheck__, &[claimed]);
        }
        let answer = vm.call_method(class, &names::__subclasscheck__, &[claimed])?;
        if vm.is_true(&answer)? {
            return Ok(answer);
        }
        vm.call_method(class, &names::__subclasscheck__, &[typ])
    }

    /// Internal ABC helper for subclass checks. Should be never used outside abc module.
    #[function("_abc_subclasscheck(self, subclass, /)")]
    fn abc_subclasscheck(vm: &Vm, class: &Value, subclass: &Value) -> PyResult<bool> {
        let Some(typ) = subclass.downcast::<Type>() else {
            return Err(vm.type_error("issubclass() arg 1 must be a class"));
        };
        let data = data_of(vm, class)?;
        if data.cache.borrow().contains(subclass) {
            return Ok(true);
        }
        let now = registrations();
        if data.negative_version.get() < now {
            drop(data.negative_cache.take());
            data.negative_version.set(now);
        } else if data.negative_cache.borrow().contains(subclass) {
            return Ok(false);
        }
        let answer = find_subclass(vm, class, &data, typ)?;
        add(vm, if answer { &data.cache } else { &data.negative_cache }, subclass)?;
        Ok(answer)
    }
}

crate::native_module! {
    name: "_abc",
    doc: "Module contains faster C implementation of abc.ABCMeta",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, _| {
        <AbcData as crate::object::Payload>::static_type().ready(vm);
        Ok(())
    },
}
