//! `classmethod` and `staticmethod`: functions of a class that do not get the instance.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::descriptors::is_abstract;
use crate::types::dict::Dict;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::typ::instance;
use crate::value::Value;
use crate::vm::Vm;

/// Convert a function to be a class method.
///
/// A class method receives the class as implicit first argument,
/// just like an instance method receives the instance.
///
/// It can be called either on the class (e.g. C.f()) or on an instance
/// (e.g. C().f()).  The instance is ignored except for its class.
#[pyclass(name = "classmethod", tracked, dict, subclassable, signature = "(function, /)")]
pub struct ClassMethod {
    callable: GilCell<Option<Value>>,
}

/// Convert a function to be a static method.
///
/// A static method does not receive an implicit first argument.
///
/// It can be called either on the class (e.g. C.f()) or on an instance
/// (e.g. C().f()).  Both the class and the instance are ignored, and
/// neither is passed implicitly as the first argument to the method.
#[pyclass(name = "staticmethod", tracked, dict, subclassable, signature = "(function, /)")]
pub struct StaticMethod {
    callable: GilCell<Option<Value>>,
}

/// Gives the wrapper the attributes that tell who the function is.
fn copy_attributes(vm: &Vm, wrapper: &Value, function: &Value) -> PyResult<()> {
    let copied: [&Object<Str>; 4] =
        [&names::__module__, &names::__name__, &names::__qualname__, &names::__doc__];
    for name in copied {
        if let Some(found) = vm.get_attribute_optional(function, name)? {
            vm.set_attribute(wrapper, name, &found)?;
        }
    }
    Ok(())
}

/// An attribute of the function, remembered in the wrapper's dict.
fn function_attribute(vm: &Vm, wrapper: &Value, function: Option<Value>, name: &Object<Str>) -> PyResult {
    let dict = instance::dict(vm, wrapper);
    if let Some(known) = dict.get_str(name) {
        return Ok(known);
    }
    let found = vm.get_attribute(&function.unwrap_or_else(none), name)?;
    dict.set_str(name, found.clone());
    Ok(found)
}

fn set_function_attribute(
    vm: &Vm,
    wrapper: &Value,
    name: &Object<Str>,
    value: Option<&Value>,
) -> PyResult<()> {
    let dict = instance::dict(vm, wrapper);
    match value {
        Some(value) => dict.set_str(name, value.clone()),
        None => {
            if dict.remove_str(name).is_none() {
                return Err(vm.bare_attribute_error(format!(
                    "'{}' object has no attribute '{}'",
                    wrapper.type_of().full_name(),
                    name.to_string_lossy()
                )));
            }
        }
    }
    Ok(())
}

/// Declares what both types share.
macro_rules! wrapper_methods {
    ($typ:ident, $name:literal, $($more:tt)*) => {
        impl $typ {
            #[doc = concat!("A `", $name, "` of a callable, without the attributes that the constructor copies.")]
            pub fn new(callable: Value) -> Ref<$typ> {
                Object::new($typ { callable: GilCell::new(Some(callable)) })
            }

            /// What is wrapped.
            #[inline]
            pub fn callable(&self) -> Option<Value> {
                self.callable.get()
            }
        }

        #[pymethods]
        impl $typ {
            #[slot(new)]
            fn new_object(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
                Ok(Object::with_type(cls, $typ { callable: GilCell::new(Some(none())) }).into_value())
            }

            #[slot(init)]
            fn init(this: &Object<$typ>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
                if names.is_some_and(|names| !names.items().is_empty()) {
                    return Err(vm.type_error(concat!($name, "() takes no keyword arguments")));
                }
                let [callable] = args else {
                    return Err(vm.type_error(format!(concat!($name, " expected 1 argument, got {}"), args.len())));
                };
                this.callable.set(Some(callable.clone()));
                copy_attributes(vm, &this.as_value(), callable)
            }

            #[slot(repr)]
            fn repr(&self, vm: &Vm) -> PyResult {
                let callable = vm.repr(&self.callable.get().unwrap_or_else(none))?;
                Ok(vm.new_str(&format!(concat!("<", $name, "({})>"), callable.to_string_lossy())))
            }

            #[getter("__func__", member)]
            fn func(&self) -> Option<Value> {
                self.callable.get()
            }

            #[getter("__wrapped__", member)]
            fn wrapped(&self) -> Option<Value> {
                self.callable.get()
            }

            #[getter("__isabstractmethod__")]
            fn is_abstract(&self, vm: &Vm) -> PyResult<bool> {
                is_abstract(vm, self.callable.get().as_ref())
            }

            #[getter("__dict__")]
            fn get_dict(this: &Value, vm: &Vm) -> Ref<Dict> {
                instance::dict(vm, this)
            }

            #[setter("__dict__")]
            fn set_dict(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
                crate::types::object::set_dict_attribute(vm, this, value)
            }

            #[getter("__annotations__")]
            fn get_annotations(this: &Object<$typ>, vm: &Vm) -> PyResult {
                function_attribute(vm, &this.as_value(), this.callable.get(), &names::__annotations__)
            }

            #[setter("__annotations__")]
            fn set_annotations(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
                set_function_attribute(vm, this, &names::__annotations__, value)
            }

            #[getter("__annotate__")]
            fn get_annotate(this: &Object<$typ>, vm: &Vm) -> PyResult {
                function_attribute(vm, &this.as_value(), this.callable.get(), &names::__annotate__)
            }

            #[setter("__annotate__")]
            fn set_annotate(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
                set_function_attribute(vm, this, &names::__annotate__, value)
            }

            /// See PEP 585.
            #[classmethod("__class_getitem__(type, object, /)")]
            fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
                crate::types::generic_alias::new(vm, &cls.to_value(), object)
            }

            $($more)*
        }
    };
}

impl ClassMethod {
    /// The word of what is wrapped, 0 for none, for the evaluator.
    #[inline(always)]
    pub(crate) fn callable_word(&self) -> u64 {
        // SAFETY: nobody changes the callable while the evaluator looks.
        unsafe { (*self.callable.as_ptr()).as_ref().map_or(0, Value::bits) }
    }
}

wrapper_methods! {
    ClassMethod, "classmethod",
    #[slot(descriptor_get)]
    fn descriptor_get(&self, vm: &Vm, object: Option<&Value>, owner: Option<&Value>) -> PyResult {
        let Some(callable) = self.callable.get() else {
            return Err(vm.runtime_error("uninitialized classmethod object"));
        };
        let class = match (owner.filter(|owner| !is_none(owner)), object) {
            (Some(owner), _) => owner.clone(),
            (None, Some(object)) => object.type_of().to_value(),
            (None, None) => none(),
        };
        Ok(crate::types::method::BoundMethod::new(callable, class))
    }
}

wrapper_methods! {
    StaticMethod, "staticmethod",
    #[slot(descriptor_get)]
    fn descriptor_get(&self, vm: &Vm, _object: Option<&Value>, _owner: Option<&Value>) -> PyResult {
        self.callable.get().ok_or_else(|| vm.runtime_error("uninitialized staticmethod object"))
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        vm.call_with_names(&self.callable.get().unwrap_or_else(none), args, names)
    }
}
