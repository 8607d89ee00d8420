//! `typing.TypeVar`: a type parameter.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, TypeObject};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typing::{
    Lazy, Variance, call_typing, calling_module, is_no_default, no_default, show_modules, type_check,
};
use crate::value::Value;
use crate::vm::Vm;

/// Type variable.
///
/// The preferred way to make one is the syntax for generic functions, classes and type aliases:
/// `class Sequence[T]: ...`.
#[pyclass(name = "TypeVar", from_module, module = "typing", tracked, weak, dict)]
pub struct TypeVar {
    name: GilCell<Option<Value>>,
    bound: Lazy,
    constraints: Lazy,
    default: Lazy,
    #[untraced]
    variance: Variance,
}

impl TypeVar {
    /// A parameter made by the syntax: its variance is inferred.
    pub(super) fn inferred(name: &Value, bound: Lazy, constraints: Lazy) -> Value {
        Object::new(TypeVar {
            name: GilCell::new(Some(name.clone())),
            bound,
            constraints,
            default: Lazy::default(),
            variance: Variance::INFERRED,
        })
        .into_value()
    }

    pub(super) fn default(&self) -> &Lazy {
        &self.default
    }
}

#[pymethods]
impl TypeVar {
    #[new(
        "typevar(name, *constraints, bound=None, default=typing.NoDefault, covariant=False, contravariant=False, infer_variance=False)"
    )]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        name: &Object<Str>,
        constraints: &[Value],
        bound: Option<&Value>,
        default: Option<&Value>,
        covariant: bool,
        contravariant: bool,
        infer_variance: bool,
    ) -> PyResult {
        show_modules(vm);
        let variance = Variance::checked(vm, covariant, contravariant, infer_variance)?;
        let bound = bound.map(|bound| type_check(vm, bound, "Bound must be a type.")).transpose()?;
        if constraints.len() == 1 {
            return Err(vm.type_error("A single constraint is not allowed"));
        }
        if !constraints.is_empty() && bound.is_some() {
            return Err(vm.type_error("Constraints cannot be combined with bound=..."));
        }
        let constraints = (!constraints.is_empty()).then(|| Tuple::from_slice(constraints).into_value());
        let module = calling_module(vm)?;
        let made = Object::with_type(
            cls,
            TypeVar {
                name: GilCell::new(Some(name.to_value())),
                bound: Lazy::known(bound),
                constraints: Lazy::known(constraints),
                default: Lazy::known(Some(default.cloned().unwrap_or_else(no_default))),
                variance,
            },
        )
        .into_value();
        vm.set_attribute(&made, &names::__module__, &module)?;
        Ok(made)
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        self.variance.show(self.name.get().as_ref())
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        crate::types::union::make_checked(vm, &[left.clone(), right.clone()])
    }

    #[getter("__name__", member)]
    fn get_name(&self) -> Option<Value> {
        self.name.get()
    }

    #[getter("__covariant__", member)]
    fn covariant(&self) -> bool {
        self.variance.covariant
    }

    #[getter("__contravariant__", member)]
    fn contravariant(&self) -> bool {
        self.variance.contravariant
    }

    #[getter("__infer_variance__", member)]
    fn infer_variance(&self) -> bool {
        self.variance.inferred
    }

    #[getter("__bound__")]
    fn get_bound(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.bound.get(vm)
    }

    #[getter("__constraints__")]
    fn get_constraints(&self, vm: &Vm) -> PyResult {
        Ok(self.constraints.get(vm)?.unwrap_or_else(|| Tuple::empty().into_value()))
    }

    #[getter("__default__")]
    fn get_default(&self, vm: &Vm) -> PyResult {
        Ok(self.default.get(vm)?.unwrap_or_else(no_default))
    }

    #[getter("evaluate_bound")]
    fn evaluate_bound(&self) -> Value {
        self.bound.evaluator()
    }

    #[getter("evaluate_constraints")]
    fn evaluate_constraints(&self) -> Value {
        self.constraints.evaluator()
    }

    #[getter("evaluate_default")]
    fn evaluate_default(&self) -> Value {
        self.default.evaluator()
    }

    #[method("__typing_subst__(self, arg, /)")]
    fn typing_subst(this: &Value, vm: &Vm, arg: &Value) -> PyResult {
        call_typing(vm, "_typevar_subst", &[this.clone(), arg.clone()])
    }

    #[method("__typing_prepare_subst__(self, alias, args, /)")]
    fn typing_prepare_subst(this: &Object<TypeVar>, vm: &Vm, alias: &Value, args: &Value) -> PyResult {
        let parameters = vm.get_attribute(alias, &names::__parameters__)?;
        let place = vm.collect(&parameters)?.iter().position(|parameter| this.is(parameter));
        let Some(place) = place else { return Err(vm.value_error("sequence.index(x): x not in sequence")) };
        let given = vm.length(args)?;
        if place < given {
            return Ok(args.clone());
        }
        if place == given {
            let default = this.get_default(vm)?;
            if !is_no_default(&default) {
                return vm.add(args, &Tuple::from_values([default]).into_value());
            }
        }
        Err(vm.type_error(format!(
            "Too few arguments for {}; actual {given}, expected at least {}",
            vm.str(alias)?.to_string_lossy(),
            place + 1
        )))
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
        Err(vm.type_error("Cannot subclass an instance of TypeVar"))
    }
}
