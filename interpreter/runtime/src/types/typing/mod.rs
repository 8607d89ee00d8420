//! What the module `typing` has in native code: type parameters, type aliases, `Generic`; the native module `_typing`.
//!
//! Much of their behaviour is written in Python, in `typing` itself; it is called by [`call_typing`].

mod alias;
mod evaluator;
mod generic;
mod paramspec;
mod typevar;
mod typevartuple;

pub use alias::TypeAliasType;
pub use evaluator::{ConstEvaluator, NoDefaultType, is_no_default, no_default};
pub use generic::Generic;
pub use paramspec::{ParamSpec, ParamSpecArgs, ParamSpecKwargs};
pub use typevar::TypeVar;
pub use typevartuple::TypeVarTuple;

use std::cell::Cell;

use rspy_macros::pyfunctions;

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Payload, Ref, TypeObject};
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// A value that is there from the start or computed when it is first asked for.
#[derive(Default)]
pub(super) struct Lazy {
    value: GilCell<Option<Value>>,
    evaluate: GilCell<Option<Value>>,
}

impl crate::gc::Trace for Lazy {
    fn trace(&self, visitor: &mut crate::gc::Visitor<'_>) {
        self.value.trace(visitor);
        self.evaluate.trace(visitor);
    }

    fn clear_references(&self) {
        self.value.clear_references();
        self.evaluate.clear_references();
    }
}

impl Lazy {
    fn known(value: Option<Value>) -> Lazy {
        Lazy { value: GilCell::new(value), evaluate: GilCell::default() }
    }

    fn computed(evaluate: Value) -> Lazy {
        Lazy { value: GilCell::default(), evaluate: GilCell::new(Some(evaluate)) }
    }

    /// The value, computed now if need be; nothing where there is none.
    fn get(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if let Some(value) = self.value.get() {
            return Ok(Some(value));
        }
        let Some(evaluate) = self.evaluate.get() else { return Ok(None) };
        let value = vm.call(&evaluate, &[])?;
        self.value.set(Some(value.clone()));
        Ok(Some(value))
    }

    /// The function that computes the value; `None` where there is no value.
    fn evaluator(&self) -> Value {
        match (self.evaluate.get(), self.value.get()) {
            (Some(evaluate), _) => evaluate,
            (None, Some(value)) => ConstEvaluator::new(value),
            (None, None) => none(),
        }
    }

    fn is_default(&self) -> bool {
        self.evaluate.borrow().is_some()
            || self.value.borrow().as_ref().is_some_and(|value| !is_no_default(value))
    }
}

/// The variance of a type parameter.
#[derive(Clone, Copy, Default)]
pub(super) struct Variance {
    covariant: bool,
    contravariant: bool,
    inferred: bool,
}

impl Variance {
    const INFERRED: Variance = Variance { covariant: false, contravariant: false, inferred: true };

    fn checked(vm: &Vm, covariant: bool, contravariant: bool, inferred: bool) -> PyResult<Variance> {
        if covariant && contravariant {
            return Err(vm.value_error("Bivariant types are not supported."));
        }
        if inferred && (covariant || contravariant) {
            return Err(vm.value_error("Variance cannot be specified with infer_variance."));
        }
        Ok(Variance { covariant, contravariant, inferred })
    }

    /// How a parameter of this variance and name is shown.
    fn show(self, name: Option<&Value>) -> String {
        let text = name
            .and_then(|name| name.downcast::<Str>())
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let sign = match self {
            Variance { inferred: true, .. } => return text,
            Variance { covariant: true, .. } => '+',
            Variance { contravariant: true, .. } => '-',
            _ => '~',
        };
        format!("{sign}{text}")
    }
}

/// Calls a function of the module `typing`.
///
/// # Errors
/// Those of importing the module and of the function.
pub fn call_typing(vm: &Vm, name: &str, args: &[Value]) -> PyResult {
    let typing = crate::import::import_module(vm, "typing")?;
    let function = vm.get_attribute_str(&typing, name)?;
    vm.call(&function, args)
}

/// Makes sure that a value can be a type: `typing._type_check`.
///
/// # Errors
/// `TypeError` with the message where it cannot.
pub fn type_check(vm: &Vm, value: &Value, message: &str) -> PyResult {
    // `typing` itself may not be imported yet.
    if is_none(value) {
        return Ok(value.type_of().to_value());
    }
    call_typing(vm, "_type_check", &[value.clone(), vm.new_str(message)])
}

/// `typing.Unpack[value]`.
fn unpack(vm: &Vm, value: &Value) -> PyResult {
    let typing = crate::import::import_module(vm, "typing")?;
    let unpack = vm.get_attribute_str(&typing, "Unpack")?;
    vm.get_item(&unpack, value)
}

/// The parameters with each `TypeVarTuple` unpacked.
fn unpack_typevartuples(vm: &Vm, parameters: &Tuple) -> PyResult<Ref<Tuple>> {
    let mut unpacked = Vec::with_capacity(parameters.items().len());
    for parameter in parameters.items() {
        unpacked.push(match parameter.downcast_exact::<TypeVarTuple>() {
            Some(_) => unpack(vm, parameter)?,
            None => parameter.clone(),
        });
    }
    Ok(Tuple::from_values(unpacked))
}

/// The `__module__` of the function that is running.
fn calling_module(vm: &Vm) -> PyResult {
    match vm.current_frame() {
        Some(frame) => {
            let function = frame.function().to_value();
            Ok(vm.get_attribute_optional(&function, &names::__module__)?.unwrap_or_else(none))
        }
        None => Ok(none()),
    }
}

/// An iterator over `typing.Unpack[value]` alone.
fn iterate_unpacked(vm: &Vm, value: &Value) -> PyResult {
    let unpacked = Tuple::from_values([unpack(vm, value)?]).into_value();
    vm.iter(&unpacked)
}

/// The types that show their module in their dict, as classes made at run time do.
fn shown_types() -> [&'static TypeObject; 7] {
    [
        TypeVar::static_type(),
        ParamSpec::static_type(),
        ParamSpecArgs::static_type(),
        ParamSpecKwargs::static_type(),
        TypeVarTuple::static_type(),
        Generic::static_type(),
        ConstEvaluator::static_type(),
    ]
}

/// Writes the types' modules into their dicts, once.
fn show_modules(vm: &Vm) {
    thread_local! {
        static DONE: Cell<bool> = const { Cell::new(false) };
    }
    if !DONE.replace(true) {
        for typ in shown_types() {
            if !typ.dict().contains_str(&names::__module__) {
                typ.dict().set_str(&names::__module__, vm.intern(typ.native().module).into_value());
                typ.modified();
            }
        }
    }
}

/// A type parameter `T` (`INTRINSIC_TYPEVAR`).
///
/// # Errors
/// None; the evaluator wants a result.
pub fn make_typevar(vm: &Vm, name: &Value) -> PyResult {
    show_modules(vm);
    Ok(TypeVar::inferred(name, Lazy::default(), Lazy::default()))
}

/// A type parameter `T: bound`.
///
/// # Errors
/// None; the evaluator wants a result.
pub fn make_typevar_with_bound(vm: &Vm, name: &Value, evaluate: &Value) -> PyResult {
    show_modules(vm);
    Ok(TypeVar::inferred(name, Lazy::computed(evaluate.clone()), Lazy::default()))
}

/// A type parameter `T: (constraint, …)`.
///
/// # Errors
/// None; the evaluator wants a result.
pub fn make_typevar_with_constraints(vm: &Vm, name: &Value, evaluate: &Value) -> PyResult {
    show_modules(vm);
    Ok(TypeVar::inferred(name, Lazy::default(), Lazy::computed(evaluate.clone())))
}

/// A type parameter `**P`.
///
/// # Errors
/// None; the evaluator wants a result.
pub fn make_paramspec(vm: &Vm, name: &Value) -> PyResult {
    show_modules(vm);
    Ok(ParamSpec::inferred(name))
}

/// A type parameter `*Ts`.
///
/// # Errors
/// None; the evaluator wants a result.
pub fn make_typevartuple(vm: &Vm, name: &Value) -> PyResult {
    show_modules(vm);
    Ok(TypeVarTuple::inferred(name))
}

/// `typing.Generic[parameters]`, the base of a generic class.
///
/// # Errors
/// What `typing` raises.
pub fn subscript_generic(vm: &Vm, parameters: &Value) -> PyResult {
    let Some(parameters) = parameters.downcast::<Tuple>() else {
        return Err(vm.system_error("type parameters are no tuple"));
    };
    let unpacked = unpack_typevartuples(vm, parameters)?;
    call_typing(vm, "_GenericAlias", &[Generic::static_type().to_value(), unpacked.into_value()])
}

/// `type name[parameters] = value`, from name, parameters and the function that computes the value.
///
/// # Errors
/// `SystemError` where the evaluator hands over something else.
pub fn make_typealias(vm: &Vm, parts: &Value) -> PyResult {
    match parts.downcast::<Tuple>().map(|parts| parts.payload().items()) {
        Some([name, parameters, evaluate]) => Ok(TypeAliasType::computed(name, parameters, evaluate)),
        _ => Err(vm.system_error("a type alias is made of three parts")),
    }
}

/// Sets the function that computes a type parameter's default; answers the parameter.
///
/// # Errors
/// `TypeError` where it is no type parameter.
pub fn set_typeparam_default(vm: &Vm, parameter: &Value, evaluate: &Value) -> PyResult {
    match default_of(parameter) {
        Some(default) => default.evaluate.set(Some(evaluate.clone())),
        None => return Err(no_parameter(vm, parameter)),
    }
    Ok(parameter.clone())
}

/// The default of a type parameter of any kind.
fn default_of(parameter: &Value) -> Option<&Lazy> {
    if let Some(typevar) = parameter.downcast_exact::<TypeVar>() {
        Some(typevar.payload().default())
    } else if let Some(paramspec) = parameter.downcast_exact::<ParamSpec>() {
        Some(paramspec.payload().default())
    } else {
        parameter.downcast_exact::<TypeVarTuple>().map(|tuple| tuple.payload().default())
    }
}

fn no_parameter(vm: &Vm, parameter: &Value) -> crate::exceptions::Exception {
    match vm.repr(parameter) {
        Ok(shown) => vm.type_error(format!("Expected a type param, got {}", shown.to_string_lossy())),
        Err(error) => error,
    }
}

/// The functions of `_typing`.
struct Functions;

#[pyfunctions]
impl Functions {
    #[function("_idfunc(x, /)")]
    fn idfunc(x: &Value) -> Value {
        x.clone()
    }
}

crate::native_module! {
    name: "_typing",
    doc: "Primitives and accelerators for the typing module.\n",
    functions: [Functions::FUNCTIONS],
    types: [
        TypeVar, TypeVarTuple, ParamSpec, ParamSpecArgs, ParamSpecKwargs, Generic, TypeAliasType,
        crate::types::union::Union,
    ],
    execute: |vm, module| {
        show_modules(vm);
        module.set(vm, "NoDefault", no_default());
        Ok(())
    },
}
