//! `typing.NoDefault`, and functions that answer a value that is known already.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, TypeObject};
use crate::slots::KeywordNames;
use crate::types::generic_alias::type_repr;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// The type of the NoDefault singleton.
#[pyclass(name = "NoDefaultType", signature = "()")]
pub struct NoDefaultType;

static NO_DEFAULT: GilCell<Option<Value>> = GilCell::new(None);

/// `typing.NoDefault`: a type parameter has no default.
pub fn no_default() -> Value {
    if let Some(made) = &*NO_DEFAULT.borrow() {
        return made.clone();
    }
    let made = Object::new(NoDefaultType);
    made.header().make_immortal();
    let made = made.into_value();
    NO_DEFAULT.set(Some(made.clone()));
    made
}

/// Whether the value is `typing.NoDefault`.
pub fn is_no_default(value: &Value) -> bool {
    value.downcast_exact::<NoDefaultType>().is_some()
}

#[pymethods]
impl NoDefaultType {
    #[slot(new)]
    fn new(vm: &Vm, _cls: &TypeObject, args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        if args.is_empty() {
            Ok(no_default())
        } else {
            Err(vm.type_error("NoDefaultType takes no arguments"))
        }
    }

    #[slot(repr)]
    fn repr(&self) -> &'static str {
        "typing.NoDefault"
    }

    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> &'static str {
        "NoDefault"
    }
}

/// Internal type for implementing evaluation functions.
#[pyclass(name = "_ConstEvaluator", module = "_typing", tracked, no_new, signature = "()")]
pub struct ConstEvaluator {
    value: Value,
}

/// `annotationlib.Format.STRING`.
const FORMAT_STRING: i32 = 4;

impl ConstEvaluator {
    /// A function that answers the value.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(value: Value) -> Value {
        Object::new(ConstEvaluator { value }).into_value()
    }
}

#[pymethods]
impl ConstEvaluator {
    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let mut out = StrBuilder::new();
        out.push_str("<constevaluator ");
        out.push_object(&*vm.repr(&self.value)?);
        out.push_str(">");
        Ok(out.finish().into_value())
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("constevaluator.__call__() takes no keyword arguments"));
        }
        let [format] = args else {
            return Err(vm.type_error(format!(
                "constevaluator.__call__() takes exactly 1 argument ({} given)",
                args.len()
            )));
        };
        if crate::types::int::to_fixed::<i32>(vm, format, "int")? != FORMAT_STRING {
            return Ok(self.value.clone());
        }
        let Some(items) = self.value.downcast::<Tuple>() else {
            return type_repr(vm, &self.value).map(Into::into);
        };
        let mut out = StrBuilder::new();
        out.push_str("(");
        for (index, item) in items.items().iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            out.push_object(&*type_repr(vm, item)?);
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }
}
