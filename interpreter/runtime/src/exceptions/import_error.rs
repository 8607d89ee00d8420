//! `ImportError` and `ModuleNotFoundError`.

use rspy_macros::pymethods;

use crate::arguments::KeywordArguments;
use crate::exceptions::PyResult;
use crate::exceptions::base::{self, attributes, reduced};
use crate::exceptions::fields::{derived_types, exception_type, keywords};
use crate::exceptions::hierarchy::PlainException;
use crate::object::{Object, Ref};
use crate::slots::KeywordNames;
use crate::types::dict::Dict;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

exception_type! {
    /// Import can't find module, or can't find name in module.
    class "ImportError" ImportError: PlainException {
        msg: "msg", "exception message";
        name: "name", "module name";
        path: "path", "module path";
        name_from: "name_from", "name imported from module";
    }
    slots { init: ImportError::init, str: ImportError::str }
    methods ImportError::PICKLING;
}

impl ImportError {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let (positional, given) = KeywordArguments::of_call(args, names);
        base::init(vm, this, positional, None)?;
        let [name, path, name_from] = keywords(vm, "ImportError", ["name", "path", "name_from"], &given)?;
        let error = crate::convert::payload_of::<ImportError>(this);
        error.name.set(name);
        error.path.set(path);
        error.name_from.set(name_from);
        error.msg.set(match positional {
            [message] => Some(message.clone()),
            _ => None,
        });
        Ok(())
    }

    fn str(vm: &Vm, this: &Value) -> PyResult {
        let error = crate::convert::payload_of::<ImportError>(this);
        match error.msg.get() {
            Some(message) if message.downcast_exact::<Str>().is_some() => Ok(message),
            _ => error.base.show(vm).map(Ref::into_value),
        }
    }

    fn state(this: &Object<ImportError>, vm: &Vm) -> Option<Value> {
        let fields =
            [("name", this.name.get()), ("path", this.path.get()), ("name_from", this.name_from.get())];
        let own = attributes(vm, &this.as_value());
        if fields.iter().all(|(_, value)| value.is_none()) {
            return own.map(Ref::into_value);
        }
        let state = own.map_or_else(Dict::new, |dict| dict.copy());
        for (name, value) in fields {
            if let Some(value) = value {
                state.set_str(&vm.intern(name), value);
            }
        }
        Some(state.into_value())
    }
}

#[pymethods(PICKLING)]
impl ImportError {
    /// Helper for pickle.
    #[method("__reduce__")]
    fn reduce(this: &Object<ImportError>, vm: &Vm) -> Value {
        reduced(&this.as_value(), this.base.args(), ImportError::state(this, vm))
    }
}

derived_types! { ImportError:
    /// Module not found.
    class "ModuleNotFoundError" ModuleNotFoundError(ImportError);
}
