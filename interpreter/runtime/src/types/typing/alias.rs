//! `typing.TypeAliasType`: what the statement `type X = …` makes.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Ref, TypeObject};
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typing::{
    Lazy, calling_module, default_of, is_no_default, iterate_unpacked, no_parameter, unpack_typevartuples,
};
use crate::value::Value;
use crate::vm::Vm;

/// Type alias.
///
/// Type aliases are created through the type statement::
///
///     type Alias = int
#[pyclass(name = "TypeAliasType", from_module, module = "typing", tracked)]
pub struct TypeAliasType {
    name: GilCell<Option<Value>>,
    /// The type parameters; nothing where there are none.
    parameters: GilCell<Option<Ref<Tuple>>>,
    value: Lazy,
    module: GilCell<Option<Value>>,
}

impl TypeAliasType {
    /// An alias made by the statement.
    pub(super) fn computed(name: &Value, parameters: &Value, evaluate: &Value) -> Value {
        let parameters = parameters.downcast::<Tuple>().filter(|parameters| !parameters.items().is_empty());
        Object::new(TypeAliasType {
            name: GilCell::new(Some(name.clone())),
            parameters: GilCell::new(parameters.map(Object::to_ref)),
            value: Lazy::computed(evaluate.clone()),
            module: GilCell::default(),
        })
        .into_value()
    }
}

/// Makes sure that all are type parameters, and that none without a default comes behind one with.
fn check_parameters(vm: &Vm, parameters: &[Value]) -> PyResult<()> {
    let mut default_seen = false;
    for parameter in parameters {
        let default = default_of(parameter).ok_or_else(|| no_parameter(vm, parameter))?.get(vm)?;
        if default.is_some_and(|default| !is_no_default(&default)) {
            default_seen = true;
        } else if default_seen {
            return Err(vm.type_error(format!(
                "non-default type parameter '{}' follows default type parameter",
                vm.repr(parameter)?.to_string_lossy()
            )));
        }
    }
    Ok(())
}

#[pymethods]
impl TypeAliasType {
    #[new("typealias(name, value, *, type_params=())")]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        name: &Object<Str>,
        value: &Value,
        type_params: Option<&Value>,
    ) -> PyResult {
        let parameters = match type_params {
            None => None,
            Some(given) => {
                let given =
                    given.downcast::<Tuple>().ok_or_else(|| vm.type_error("type_params must be a tuple"))?;
                check_parameters(vm, given.items())?;
                (!given.items().is_empty()).then(|| given.to_ref())
            }
        };
        let module = calling_module(vm)?;
        Ok(Object::with_type(
            cls,
            TypeAliasType {
                name: GilCell::new(Some(name.to_value())),
                parameters: GilCell::new(parameters),
                value: Lazy::known(Some(value.clone())),
                module: GilCell::new(Some(module)),
            },
        )
        .into_value())
    }

    #[slot(repr)]
    fn repr(&self) -> Option<Value> {
        self.name.get()
    }

    #[slot(iter)]
    fn iter(this: &Value, vm: &Vm) -> PyResult {
        iterate_unpacked(vm, this)
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        crate::types::union::or(vm, left, right)
    }

    #[slot(get_item)]
    fn get_item(this: &Object<TypeAliasType>, vm: &Vm, item: &Value) -> PyResult {
        if this.parameters.borrow().is_none() {
            return Err(vm.type_error("Only generic type aliases are subscriptable"));
        }
        Ok(crate::types::generic_alias::new(vm, &this.as_value(), item))
    }

    #[getter("__name__", member)]
    fn get_name(&self) -> Option<Value> {
        self.name.get()
    }

    #[getter("__parameters__")]
    fn get_parameters(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        match self.parameters.get() {
            Some(parameters) => unpack_typevartuples(vm, &parameters),
            None => Ok(Tuple::empty()),
        }
    }

    #[getter("__type_params__")]
    fn type_params(&self) -> Ref<Tuple> {
        self.parameters.get().unwrap_or_else(Tuple::empty)
    }

    #[getter("__value__")]
    fn get_value(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.value.get(vm)
    }

    #[getter("evaluate_value")]
    fn evaluate_value(&self) -> Value {
        self.value.evaluator()
    }

    #[getter("__module__")]
    fn get_module(&self, vm: &Vm) -> PyResult {
        if let Some(module) = self.module.get() {
            return Ok(module);
        }
        match self.value.evaluate.get() {
            Some(function) => {
                Ok(vm.get_attribute_optional(&function, &names::__module__)?.unwrap_or_else(none))
            }
            None => Ok(none()),
        }
    }

    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> Option<Value> {
        self.name.get()
    }
}
