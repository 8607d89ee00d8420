//! `AttributeError`, `NameError` and `UnboundLocalError`: errors that remember the name that was not there.

use rspy_macros::pymethods;

use crate::arguments::KeywordArguments;
use crate::exceptions::base::{self, attributes, reduced};
use crate::exceptions::fields::{derived_types, exception_type, keywords};
use crate::exceptions::hierarchy::PlainException;
use crate::exceptions::{Exception, PyResult};
use crate::object::Object;
use crate::slots::KeywordNames;
use crate::types::dict::Dict;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

exception_type! {
    /// Attribute not found.
    class "AttributeError" AttributeError: PlainException {
        name: "name", "attribute name";
        obj: "obj", "object";
    }
    slots { init: AttributeError::init }
    methods AttributeError::PICKLING;
}

impl AttributeError {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let (positional, given) = KeywordArguments::of_call(args, names);
        base::init(vm, this, positional, None)?;
        let [name, object] = keywords(vm, "AttributeError", ["name", "obj"], &given)?;
        let error = crate::convert::payload_of::<AttributeError>(this);
        error.name.set(name);
        error.obj.set(object);
        Ok(())
    }
}

/// Tells an `AttributeError` that does not know it which attribute of which object was asked for.
pub(crate) fn complete(error: &Exception, object: &Value, name: &Object<Str>) {
    if let Some(fields) = error.value().downcast::<AttributeError>()
        && fields.name.get().is_none()
        && fields.obj.get().is_none()
    {
        fields.name.set(Some(name.to_value()));
        fields.obj.set(Some(object.clone()));
    }
}

#[pymethods(PICKLING)]
impl AttributeError {
    /// The attributes, name and arguments; the object is left out, as it can seldom be pickled.
    #[method("__getstate__")]
    fn getstate(&self, this: &Value, vm: &Vm) -> Value {
        let state = attributes(vm, this).map_or_else(Dict::new, |dict| dict.copy());
        if let Some(name) = self.name.get() {
            state.set_str(&vm.intern("name"), name);
        }
        state.set_str(&vm.intern("args"), self.base.args().into_value());
        state.into_value()
    }

    /// Helper for pickle.
    #[method("__reduce__")]
    fn reduce(&self, this: &Value, vm: &Vm) -> Value {
        reduced(this, self.base.args(), Some(self.getstate(this, vm)))
    }
}

exception_type! {
    /// Name not found globally.
    class "NameError" NameError: PlainException {
        name: "name", "name";
    }
    slots { init: NameError::init }
    methods &[];
}

impl NameError {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let (positional, given) = KeywordArguments::of_call(args, names);
        base::init(vm, this, positional, None)?;
        let [name] = keywords(vm, "NameError", ["name"], &given)?;
        crate::convert::payload_of::<NameError>(this).name.set(name);
        Ok(())
    }
}

derived_types! { NameError:
    /// Local name referenced but not bound to a value.
    class "UnboundLocalError" UnboundLocalError(NameError);
}

/// Tells an `AttributeError` that code raised without object and name what it is about.
pub(crate) fn add_context(error: &Exception, object: &Value, name: &Object<Str>) {
    if let Some(fields) = error.value().downcast::<AttributeError>()
        && fields.name.borrow().is_none()
        && fields.obj.borrow().is_none()
    {
        fields.name.set(Some(name.to_value()));
        fields.obj.set(Some(object.clone()));
    }
}
