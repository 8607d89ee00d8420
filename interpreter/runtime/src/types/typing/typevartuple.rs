//! `typing.TypeVarTuple`: a type parameter that stands for any number of types.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, TypeObject};
use crate::types::string::Str;
use crate::types::typing::{Lazy, call_typing, calling_module, iterate_unpacked, no_default, show_modules};
use crate::value::Value;
use crate::vm::Vm;

/// Type variable tuple. A specialized form of type variable that enables variadic generics.
///
/// The preferred way to make one is the syntax for generic functions, classes and type aliases:
/// `class C[*Ts]: ...`.
#[pyclass(name = "TypeVarTuple", from_module, module = "typing", tracked, weak, dict)]
pub struct TypeVarTuple {
    name: GilCell<Option<Value>>,
    default: Lazy,
}

impl TypeVarTuple {
    /// A parameter made by the syntax.
    pub(super) fn inferred(name: &Value) -> Value {
        Object::new(TypeVarTuple { name: GilCell::new(Some(name.clone())), default: Lazy::default() })
            .into_value()
    }

    pub(super) fn default(&self) -> &Lazy {
        &self.default
    }
}

#[pymethods]
impl TypeVarTuple {
    #[new("typevartuple(name, *, default=typing.NoDefault)")]
    fn new(vm: &Vm, cls: &TypeObject, name: &Object<Str>, default: Option<&Value>) -> PyResult {
        show_modules(vm);
        let module = calling_module(vm)?;
        let made = Object::with_type(
            cls,
            TypeVarTuple {
                name: GilCell::new(Some(name.to_value())),
                default: Lazy::known(Some(default.cloned().unwrap_or_else(no_default))),
            },
        )
        .into_value();
        vm.set_attribute(&made, &names::__module__, &module)?;
        Ok(made)
    }

    #[slot(repr)]
    fn repr(&self) -> Option<Value> {
        self.name.get()
    }

    #[slot(iter)]
    fn iter(this: &Value, vm: &Vm) -> PyResult {
        iterate_unpacked(vm, this)
    }

    #[getter("__name__", member)]
    fn get_name(&self) -> Option<Value> {
        self.name.get()
    }

    /// The default value for this TypeVarTuple.
    #[getter("__default__")]
    fn get_default(&self, vm: &Vm) -> PyResult {
        Ok(self.default.get(vm)?.unwrap_or_else(no_default))
    }

    #[getter("evaluate_default")]
    fn evaluate_default(&self) -> Value {
        self.default.evaluator()
    }

    #[method("__typing_subst__(self, arg, /)")]
    fn typing_subst(&self, vm: &Vm, _arg: &Value) -> PyResult {
        Err(vm.type_error("Substitution of bare TypeVarTuple is not supported"))
    }

    #[method("__typing_prepare_subst__(self, alias, args, /)")]
    fn typing_prepare_subst(this: &Value, vm: &Vm, alias: &Value, args: &Value) -> PyResult {
        call_typing(vm, "_typevartuple_prepare_subst", &[this.clone(), alias.clone(), args.clone()])
    }

    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> Option<Value> {
        self.name.get()
    }

    #[method("has_default(self, /)")]
    fn has_default(&self) -> bool {
        self.default.is_default()
    }

    #[method("__mro_entries__(self, object, /)")]
    fn mro_entries(&self, vm: &Vm, _bases: &Value) -> PyResult {
        Err(vm.type_error("Cannot subclass an instance of TypeVarTuple"))
    }
}
