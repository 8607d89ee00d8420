//! `defaultdict`: a dict that makes the values of keys it does not have.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::{is_none, none, not_implemented};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// defaultdict(default_factory=None, /, [...]) --> dict with default factory
///
/// The default factory is called without arguments to produce
/// a new value when a key is not present, in __getitem__ only.
/// A defaultdict compares equal to a dict with the same items.
/// All remaining arguments are treated the same as if they were
/// passed to the dict constructor, including keyword arguments.
#[pyclass(name = "defaultdict", shows_get, hides_new, module = "collections", extends = Dict, tracked, subclassable)]
#[repr(C)]
pub struct DefaultDict {
    dict: Dict,
    factory: GilCell<Option<Value>>,
}

impl DefaultDict {
    /// A dict of the same class and factory with the entries of a mapping.
    fn like(this: &Object<DefaultDict>, vm: &Vm, entries: &Value) -> PyResult {
        vm.call(&this.type_of().to_value(), &[this.factory.get().unwrap_or_else(none), entries.clone()])
    }
}

#[pymethods]
impl DefaultDict {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let payload = DefaultDict { dict: Dict::empty_payload(), factory: GilCell::default() };
        Ok(Object::with_type(cls, payload).into_value())
    }

    #[slot(init)]
    fn init(this: &Object<DefaultDict>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let keywords = names.map_or(0, |names| names.items().len());
        let (factory, rest) = match args.split_first() {
            Some((factory, rest)) if args.len() > keywords => (Some(factory), rest),
            _ => (None, args),
        };
        let factory = factory.filter(|factory| !is_none(factory));
        if factory.is_some_and(|factory| !vm.is_callable(factory)) {
            return Err(vm.type_error("first argument must be callable or None"));
        }
        this.factory.set(factory.cloned());
        match Dict::static_type().slots().init.get() {
            Some(init) => init(vm, &this.as_value(), rest, names),
            None => Ok(()),
        }
    }

    #[slot(repr)]
    fn repr(this: &Object<DefaultDict>, vm: &Vm) -> PyResult {
        let entries = match Dict::static_type().slots().repr.get() {
            Some(repr) => vm.str(&repr(vm, &this.as_value())?)?,
            None => return Err(vm.system_error("dict has no repr")),
        };
        let factory = match this.factory.get() {
            None => vm.repr(&none())?,
            Some(factory) => match vm.enter_repr(&factory) {
                Some(_guard) => vm.repr(&factory)?,
                None => rspy_runtime::types::string::Str::new("..."),
            },
        };
        let mut out = StrBuilder::new();
        out.push_str(&this.type_of().name());
        out.push_str("(");
        out.push_object(&factory);
        out.push_str(", ");
        out.push_object(&entries);
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let (own, other) = match (left.downcast::<DefaultDict>(), right.downcast::<DefaultDict>()) {
            (Some(own), _) => (own, right),
            (None, Some(own)) => (own, left),
            (None, None) => return Ok(not_implemented()),
        };
        if other.downcast::<Dict>().is_none() {
            return Ok(not_implemented());
        }
        let made = DefaultDict::like(own, vm, left)?;
        if let Some(dict) = made.downcast::<Dict>() {
            rspy_runtime::types::dict::protocol::update_from(vm, dict, right)?;
        }
        Ok(made)
    }

    /// Factory for default value called by __missing__().
    #[getter("default_factory", member)]
    fn get_factory(&self) -> Option<Value> {
        self.factory.get()
    }

    #[setter("default_factory")]
    fn set_factory(&self, value: Option<&Value>) -> PyResult<()> {
        self.factory.set(value.filter(|value| !is_none(value)).cloned());
        Ok(())
    }

    /// __missing__(key) # Called by __getitem__ for missing key; pseudo-code:
    ///   if self.default_factory is None: raise KeyError((key,))
    ///   self[key] = value = self.default_factory()
    ///   return value
    #[method("__missing__(self, object, /)")]
    fn missing(this: &Object<DefaultDict>, vm: &Vm, key: &Value) -> PyResult {
        let Some(factory) = this.factory.get() else { return Err(vm.key_error(key)) };
        let value = vm.call(&factory, &[])?;
        vm.set_item(&this.as_value(), key, &value)?;
        Ok(value)
    }

    /// D.copy() -> a shallow copy of D.
    #[method("copy(self, /)")]
    fn copy(this: &Object<DefaultDict>, vm: &Vm) -> PyResult {
        DefaultDict::like(this, vm, &this.as_value())
    }

    /// D.copy() -> a shallow copy of D.
    #[method("__copy__(self, /)")]
    fn copy_special(this: &Object<DefaultDict>, vm: &Vm) -> PyResult {
        DefaultDict::like(this, vm, &this.as_value())
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<DefaultDict>, vm: &Vm) -> PyResult {
        let args = Tuple::from_values(this.factory.get().into_iter().collect::<Vec<_>>()).into_value();
        let items = vm.call_method(&this.as_value(), &names::items, &[])?;
        let items = vm.iter(&items)?;
        Ok(Tuple::from_values([this.type_of().to_value(), args, none(), none(), items]).into_value())
    }

    /// defaultdicts are generic over two types, signifying (respectively) the types of the dictionary's keys and values
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        rspy_runtime::types::generic_alias::new(vm, &cls.to_value(), object)
    }
}
