//! `types.SimpleNamespace`: an object that is nothing but its attributes.

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::dict::Dict;
use crate::types::none::not_implemented;
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::types::typ::instance;
use crate::value::Value;
use crate::vm::Vm;

/// A simple attribute-based namespace.
#[pyclass(
    name = "SimpleNamespace",
    module = "types",
    tracked,
    dict,
    subclassable,
    signature = "(mapping_or_iterable=(), /, **kwargs)"
)]
pub struct Namespace {}

impl Namespace {
    /// An object with the entries of a dict as its attributes.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub fn from_dict(vm: &Vm, attributes: &Object<Dict>) -> PyResult {
        let namespace = Object::new(Namespace {}).into_value();
        instance::dict(vm, &namespace).merge(vm, attributes, true)?;
        Ok(namespace)
    }
}

#[pymethods]
impl Namespace {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Namespace {}).into_value())
    }

    #[slot(init)]
    fn init(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let names = names.map_or(&[][..], |names| names.items());
        if names.iter().any(|name| name.downcast::<Str>().is_none()) {
            return Err(vm.type_error("keywords must be strings"));
        }
        let (positional, values) = args.split_at(args.len() - names.len());
        let dict = instance::dict(vm, this);
        match positional {
            [] => {}
            [source] => {
                let new = match source.downcast_exact::<Dict>() {
                    Some(new) => new.to_ref(),
                    None => {
                        let made = Dict::static_type().construct(vm, std::slice::from_ref(source))?;
                        made.downcast_into::<Dict>().map_err(|_| vm.type_error("dict() returned no dict"))?
                    }
                };
                if new.keys().iter().any(|key| key.downcast::<Str>().is_none()) {
                    return Err(vm.type_error("keywords must be strings"));
                }
                dict.merge(vm, &new, true)?;
            }
            _ => {
                return Err(vm.type_error(format!(
                    "{} expected at most 1 argument, got {}",
                    this.type_of().name(),
                    positional.len()
                )));
            }
        }
        for (name, value) in names.iter().zip(values) {
            dict.set(vm, name, value.clone())?;
        }
        Ok(())
    }

    #[slot(repr)]
    fn repr(this: &Value, vm: &Vm) -> PyResult {
        let typ = this.type_of();
        let name =
            if std::ptr::eq(typ, Namespace::static_type()) { "namespace".to_owned() } else { typ.name() };
        let Some(_guard) = vm.enter_repr(this) else { return Ok(vm.new_str(&format!("{name}(...)"))) };
        let mut out = StrBuilder::new();
        out.push_str(&name);
        out.push_str("(");
        let mut first = true;
        for (key, value) in instance::dict(vm, this).pairs() {
            let Some(key) = key.downcast::<Str>().filter(|key| key.length() > 0) else { continue };
            if !first {
                out.push_str(", ");
            }
            first = false;
            out.push_object(key);
            out.push_str("=");
            out.push_object(&*vm.repr(&value)?);
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[slot(compare)]
    fn compare(this: &Value, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        if other.downcast::<Namespace>().is_none() {
            return Ok(not_implemented());
        }
        let (left, right) = (instance::dict(vm, this), instance::dict(vm, other));
        vm.compare(left.value(), right.value(), comparison)
    }

    #[getter("__dict__", member)]
    fn get_dict(this: &Value, vm: &Vm) -> Ref<Dict> {
        instance::dict(vm, this)
    }

    /// Return state information for pickling
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Value, vm: &Vm) -> Value {
        let dict = instance::dict(vm, this).into_value();
        Tuple::from_values([this.type_of().to_value(), Tuple::empty().into_value(), dict]).into_value()
    }

    /// Return a copy of the namespace object with new values for the specified attributes.
    #[method("__replace__(self, /, **changes)")]
    fn replace(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let keywords = names.map_or(0, |names| names.items().len());
        if args.len() > keywords {
            return Err(vm.type_error("__replace__() takes no positional arguments"));
        }
        let made = vm.call(&this.type_of().to_value(), &[])?;
        if made.downcast::<Namespace>().is_none() {
            return Err(vm.type_error(format!(
                "expect {} type, but {}() returned '{}' object",
                Namespace::static_type().full_name(),
                this.type_of().full_name(),
                made.type_of().full_name()
            )));
        }
        let dict = instance::dict(vm, &made);
        dict.merge(vm, &instance::dict(vm, this), true)?;
        for (name, value) in names.map_or(&[][..], |names| names.items()).iter().zip(args) {
            dict.set(vm, name, value.clone())?;
        }
        Ok(made)
    }
}
