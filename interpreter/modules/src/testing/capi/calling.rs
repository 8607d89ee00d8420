//! Functions and methods that tell how they were called, ways to call, and types whose instances bind as methods.

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::import;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::method::BoundMethod;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::no_keywords;

/// `(self, args)`.
fn positional(vm: &Vm, function: &str, own: Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    no_keywords(vm, function, names)?;
    Ok(Tuple::from_values([own, Tuple::from_slice(args).into_value()]).into_value())
}

/// `(self, args, keywords)`.
fn with_keywords(vm: &Vm, own: Value, all: &[Value], names: KeywordNames<'_>) -> PyResult {
    let named = names.map_or(0, |names| names.items().len());
    let (args, values) = all.split_at(all.len() - named);
    let keywords = names.filter(|_| named > 0).map_or_else(
        || Ok(none()),
        |names| {
            let keywords = Dict::new();
            for (name, value) in names.items().iter().zip(values) {
                keywords.set(vm, name, value.clone())?;
            }
            Ok(keywords.into_value())
        },
    )?;
    Ok(Tuple::from_values([own, Tuple::from_slice(args).into_value(), keywords]).into_value())
}

fn wrong_count(vm: &Vm, function: &str, expected: &str, given: usize) -> Exception {
    vm.type_error(format!("{function}() takes {expected} ({given} given)"))
}

/// `self`, of a function that takes no arguments.
fn alone(vm: &Vm, own: Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    no_keywords(vm, "meth_noargs", names)?;
    if args.is_empty() { Ok(own) } else { Err(wrong_count(vm, "meth_noargs", "no arguments", args.len())) }
}

/// `(self, argument)`.
fn with_one(vm: &Vm, own: Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    no_keywords(vm, "meth_o", names)?;
    match args {
        [one] => Ok(Tuple::from_values([own, one.clone()]).into_value()),
        _ => Err(wrong_count(vm, "meth_o", "exactly one argument", args.len())),
    }
}

/// An `impl` block with the six functions: the mark of their kind, what they receive, and what they tell as `self`.
macro_rules! six_functions {
    ($(#[$table:meta])* $name:ident, $mark:ident, ($($receiver:tt)*), |$vm:ident| $own:expr; $($more:tt)*) => {
        $(#[$table])*
        impl $name {
            #[$mark("meth_varargs")]
            fn meth_varargs($($receiver)* $vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                positional($vm, "meth_varargs", $own, args, names)
            }

            #[$mark("meth_varargs_keywords")]
            fn meth_varargs_keywords($($receiver)* $vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                with_keywords($vm, $own, args, names)
            }

            #[$mark("meth_fastcall")]
            fn meth_fastcall($($receiver)* $vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                positional($vm, "meth_fastcall", $own, args, names)
            }

            #[$mark("meth_fastcall_keywords")]
            fn meth_fastcall_keywords($($receiver)* $vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                with_keywords($vm, $own, args, names)
            }

            #[$mark("meth_noargs")]
            fn meth_noargs($($receiver)* $vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                alone($vm, $own, args, names)
            }

            #[$mark("meth_o")]
            fn meth_o($($receiver)* $vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                with_one($vm, $own, args, names)
            }

            $($more)*
        }
    };
}

/// The functions of the module.
pub struct Functions;

fn this_module(vm: &Vm) -> PyResult {
    import::import_module(vm, "_testcapi")
}

six_functions! { #[pyfunctions] Functions, function, (), |vm| this_module(vm)?; }

#[pyfunctions(CALLERS)]
impl Functions {
    /// Call with a tuple of positional arguments, or none, and a dict of keyword arguments, or none.
    #[function("pyobject_fastcalldict(function, args, keywords, /)")]
    fn fastcalldict(vm: &Vm, function: &Value, args: &Value, keywords: &Value) -> PyResult {
        let args = items_or_nothing(vm, args)?;
        match keywords.downcast::<Dict>() {
            Some(keywords) => vm.call_with_dict(function, &args, keywords),
            None if is_none(keywords) => vm.call(function, &args),
            None => Err(vm.type_error("kwnames must be None or a dict")),
        }
    }

    /// Call with a tuple of arguments, or none, of which the last have the names of another tuple.
    #[function("pyobject_vectorcall(function, args, names, /)")]
    fn vectorcall(vm: &Vm, function: &Value, args: &Value, kwnames: &Value) -> PyResult {
        let args = items_or_nothing(vm, args)?;
        match kwnames.downcast::<Tuple>() {
            Some(kwnames) if kwnames.items().len() > args.len() => {
                Err(vm.value_error("kwnames longer than args"))
            }
            Some(kwnames) if kwnames.items().is_empty() => vm.call(function, &args),
            Some(kwnames) => vm.call_with_names(function, &args, Some(kwnames)),
            None if is_none(kwnames) => vm.call(function, &args),
            None => Err(vm.type_error("kwnames must be None or a tuple")),
        }
    }

    /// Call with a tuple of positional arguments and perhaps a dict of keyword arguments.
    #[function("pyvectorcall_call(function, args, keywords=None, /)")]
    fn vectorcall_call(vm: &Vm, function: &Value, args: &Value, keywords: Option<&Value>) -> PyResult {
        if args.downcast::<Tuple>().is_none() {
            return Err(vm.type_error("args must be a tuple"));
        }
        let nothing = none();
        Self::fastcalldict(vm, function, args, keywords.unwrap_or(&nothing))
    }
}

fn items_or_nothing(vm: &Vm, args: &Value) -> PyResult<Vec<Value>> {
    match args.downcast::<Tuple>() {
        Some(args) => Ok(args.items().to_vec()),
        None if is_none(args) => Ok(Vec::new()),
        None => Err(vm.type_error("args must be None or a tuple")),
    }
}

/// Class with normal (instance) methods to test calling conventions
#[pyclass(name = "MethInstance", module = "_testcapi", static_type)]
pub struct MethInstance;

six_functions! { #[pymethods] MethInstance, method, (this: &Value,), |vm| this.clone();
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, MethInstance).into_value())
    }
}

/// Class with class methods to test calling conventions
#[pyclass(name = "MethClass", module = "_testcapi", static_type)]
pub struct MethClass;

six_functions! { #[pymethods] MethClass, classmethod, (cls: &TypeObject,), |vm| cls.to_value();
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, MethClass).into_value())
    }
}

/// Class with static methods to test calling conventions
#[pyclass(name = "MethStatic", module = "_testcapi", static_type)]
pub struct MethStatic;

six_functions! { #[pymethods] MethStatic, staticmethod, (), |vm| none();
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, MethStatic).into_value())
    }
}

/// A type whose instances bind as methods and, called, tell whether they are of the first kind.
#[pyclass(name = "MethodDescriptorBase", module = "_testcapi", static_type, subclassable, method_descriptor)]
#[repr(C)]
pub struct MethodDescriptorBase {
    first: bool,
}

#[pymethods]
impl MethodDescriptorBase {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, MethodDescriptorBase { first: true }).into_value())
    }

    #[slot(call)]
    fn call(&self, _vm: &Vm, _args: &[Value], _names: KeywordNames<'_>) -> Value {
        boolean(self.first)
    }

    #[slot(descriptor_get)]
    fn get(this: &Value, _vm: &Vm, instance: Option<&Value>, _owner: Option<&Value>) -> Value {
        match instance.filter(|instance| !is_none(instance)) {
            Some(instance) => BoundMethod::new(this.clone(), instance.clone()),
            None => this.clone(),
        }
    }
}

/// As its base.
#[pyclass(
    name = "MethodDescriptorDerived", module = "_testcapi", static_type, extends = MethodDescriptorBase,
    method_descriptor, no_methods
)]
#[repr(C)]
pub struct MethodDescriptorDerived {
    base: MethodDescriptorBase,
}

/// A type whose instances do not bind and, called, answer their arguments.
#[pyclass(name = "MethodDescriptorNopGet", module = "_testcapi", static_type, extends = MethodDescriptorBase)]
#[repr(C)]
pub struct MethodDescriptorNopGet {
    base: MethodDescriptorBase,
}

#[pymethods]
impl MethodDescriptorNopGet {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, MethodDescriptorNopGet { base: MethodDescriptorBase { first: true } })
            .into_value())
    }

    #[slot(call)]
    fn call(&self, _vm: &Vm, args: &[Value], _names: KeywordNames<'_>) -> Value {
        Tuple::from_slice(args).into_value()
    }

    #[slot(descriptor_get)]
    fn get(this: &Value, _vm: &Vm, _instance: Option<&Value>, _owner: Option<&Value>) -> Value {
        this.clone()
    }
}

/// As its base, of the second kind.
#[pyclass(
    name = "MethodDescriptor2", module = "_testcapi", static_type, extends = MethodDescriptorBase, method_descriptor
)]
#[repr(C)]
pub struct MethodDescriptor2 {
    base: MethodDescriptorBase,
}

#[pymethods]
impl MethodDescriptor2 {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, MethodDescriptor2 { base: MethodDescriptorBase { first: false } })
            .into_value())
    }
}
