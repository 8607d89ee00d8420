//! `typing.ParamSpec`: a type parameter that stands for the parameters of a callable.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, TypeObject};
use crate::slots::Comparison;
use crate::types::none::not_implemented;
use crate::types::string::Str;
use crate::types::typing::{Lazy, Variance, call_typing, calling_module, no_default, show_modules};
use crate::value::Value;
use crate::vm::Vm;

/// Parameter specification variable.
///
/// The preferred way to make one is the syntax for generic functions, classes and type aliases:
/// `type IntFunc[**P] = Callable[P, int]`.
#[pyclass(name = "ParamSpec", from_module, module = "typing", tracked, weak, dict)]
pub struct ParamSpec {
    name: GilCell<Option<Value>>,
    bound: GilCell<Option<Value>>,
    default: Lazy,
    #[untraced]
    variance: Variance,
}

impl ParamSpec {
    /// A parameter made by the syntax: its variance is inferred.
    pub(super) fn inferred(name: &Value) -> Value {
        Object::new(ParamSpec {
            name: GilCell::new(Some(name.clone())),
            bound: GilCell::default(),
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
impl ParamSpec {
    #[new(
        "paramspec(name, *, bound=None, default=typing.NoDefault, covariant=False, contravariant=False, infer_variance=False)"
    )]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        name: &Object<Str>,
        bound: Option<&Value>,
        default: Option<&Value>,
        covariant: bool,
        contravariant: bool,
        infer_variance: bool,
    ) -> PyResult {
        show_modules(vm);
        let variance = Variance::checked(vm, covariant, contravariant, infer_variance)?;
        let bound = bound.cloned();
        let module = calling_module(vm)?;
        let made = Object::with_type(
            cls,
            ParamSpec {
                name: GilCell::new(Some(name.to_value())),
                bound: GilCell::new(bound),
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

    #[getter("__bound__", member)]
    fn get_bound(&self) -> Option<Value> {
        self.bound.get()
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

    /// Represents positional arguments.
    #[getter("args")]
    fn args(this: &Value) -> Value {
        Object::new(ParamSpecArgs { origin: this.clone() }).into_value()
    }

    /// Represents keyword arguments.
    #[getter("kwargs")]
    fn kwargs(this: &Value) -> Value {
        Object::new(ParamSpecKwargs { origin: this.clone() }).into_value()
    }

    /// The default value for this ParamSpec.
    #[getter("__default__")]
    fn get_default(&self, vm: &Vm) -> PyResult {
        Ok(self.default.get(vm)?.unwrap_or_else(no_default))
    }

    #[getter("evaluate_default")]
    fn evaluate_default(&self) -> Value {
        self.default.evaluator()
    }

    #[method("__typing_subst__(self, arg, /)")]
    fn typing_subst(this: &Value, vm: &Vm, arg: &Value) -> PyResult {
        call_typing(vm, "_paramspec_subst", &[this.clone(), arg.clone()])
    }

    #[method("__typing_prepare_subst__(self, alias, args, /)")]
    fn typing_prepare_subst(this: &Value, vm: &Vm, alias: &Value, args: &Value) -> PyResult {
        call_typing(vm, "_paramspec_prepare_subst", &[this.clone(), alias.clone(), args.clone()])
    }

    #[method("has_default(self, /)")]
    fn has_default(&self) -> bool {
        self.default.is_default()
    }

    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> Option<Value> {
        self.name.get()
    }

    #[method("__mro_entries__(self, object, /)")]
    fn mro_entries(&self, vm: &Vm, _bases: &Value) -> PyResult {
        Err(vm.type_error("Cannot subclass an instance of ParamSpec"))
    }
}

/// The args for a ParamSpec object.
///
/// Given a ParamSpec object P, P.args is an instance of ParamSpecArgs.
#[pyclass(name = "ParamSpecArgs", from_module, module = "typing", tracked, weak)]
pub struct ParamSpecArgs {
    origin: Value,
}

/// The kwargs for a ParamSpec object.
///
/// Given a ParamSpec object P, P.kwargs is an instance of ParamSpecKwargs.
#[pyclass(name = "ParamSpecKwargs", from_module, module = "typing", tracked, weak)]
pub struct ParamSpecKwargs {
    origin: Value,
}

/// Declares what both types share.
macro_rules! attribute_methods {
    ($typ:ident, $signature:literal, $suffix:literal) => {
        #[pymethods]
        impl $typ {
            #[new($signature)]
            fn new(_vm: &Vm, cls: &TypeObject, origin: &Value) -> PyResult {
                Ok(Object::with_type(cls, $typ { origin: origin.clone() }).into_value())
            }

            #[slot(repr)]
            fn repr(&self, vm: &Vm) -> PyResult<String> {
                let name = match self.origin.downcast_exact::<ParamSpec>() {
                    Some(paramspec) => paramspec.name.get().map(|name| vm.str(&name)).transpose()?,
                    None => Some(vm.repr(&self.origin)?),
                };
                let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                Ok(format!("{name}{}", $suffix))
            }

            #[slot(compare)]
            fn compare(this: &Object<$typ>, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
                match (other.downcast_exact::<$typ>(), comparison) {
                    (Some(other), Comparison::Equal | Comparison::NotEqual) => {
                        vm.compare(&this.origin, &other.origin, comparison)
                    }
                    _ => Ok(not_implemented()),
                }
            }

            #[getter("__origin__", member)]
            fn origin(&self) -> Value {
                self.origin.clone()
            }

            #[method("__mro_entries__(self, object, /)")]
            fn mro_entries(&self, vm: &Vm, _bases: &Value) -> PyResult {
                Err(vm.type_error(concat!("Cannot subclass an instance of ", stringify!($typ))))
            }
        }
    };
}
attribute_methods!(ParamSpecArgs, "paramspecargs(origin)", ".args");
attribute_methods!(ParamSpecKwargs, "paramspeckwargs(origin)", ".kwargs");
