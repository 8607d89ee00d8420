//! `Decimal.__format__`.

use rspy_decimal::{FormatError, FormatSpec, Locale};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::DeprecationWarning;
use rspy_runtime::import::import_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::warnings;

use super::context::Context;
use super::current::current;
use super::number::Decimal;

/// The text of a number for a specification. `overriding` may say how digits are grouped.
///
/// # Errors
/// `ValueError` where the specification is none.
pub fn format(vm: &Vm, this: &Object<Decimal>, spec: &Value, overriding: Option<&Value>) -> PyResult {
    let Some(text) = spec.downcast::<Str>() else { return Err(vm.type_error("format arg must be str")) };
    let context = current(vm);
    let utf8 = text.to_utf8(vm)?;
    if utf8.ends_with('N') {
        let message = "Format specifier 'N' is deprecated and slated for removal in Python 3.18";
        warnings::warn(vm, DeprecationWarning::static_type(), message, 1)?;
    }
    let local = || Locale { point: ".".to_owned(), ..Locale::default() };
    let Some(mut parsed) = FormatSpec::parse(&utf8, context.capitals(), local) else {
        return format_by_library(vm, this, spec, &context);
    };
    if let Some(overriding) = overriding {
        parsed.locale = Some(override_locale(vm, overriding, parsed.locale.unwrap_or_default())?);
    }
    match context.arithmetic().format(this.number(), &parsed) {
        Ok(text) => Ok(vm.new_str(&text)),
        Err(FormatError::OutOfMemory) => Err(vm.memory_error()),
        Err(FormatError::Limits) => {
            Err(vm.value_error("format specification exceeds internal limits of _decimal"))
        }
    }
}

/// What the language has beyond libmpdec's is left to the part of the library that is written in Python, as in CPython.
fn format_by_library(vm: &Vm, this: &Object<Decimal>, spec: &Value, context: &Object<Context>) -> PyResult {
    let library = import_module(vm, "_pydecimal")?;
    let number = vm.call_method_str(&library, "Decimal", &[this.text(context).into_value()])?;
    let formatted = vm.call_method_str(&number, "__format__", &[spec.clone(), context.to_value()]);
    formatted.map_err(|error| {
        if error.is_value_error() { vm.value_error("invalid format string") } else { error }
    })
}

/// A locale with what a dict says.
fn override_locale(vm: &Vm, overriding: &Value, mut locale: Locale) -> PyResult<Locale> {
    let Some(dict) = overriding.downcast::<Dict>() else {
        return Err(vm.type_error("optional argument must be a dict"));
    };
    let text = |name: &str| -> PyResult<Option<String>> {
        let Some(value) = dict.get_str(&vm.intern(name)) else { return Ok(None) };
        match value.downcast::<Str>() {
            Some(text) => Ok(Some(text.to_utf8(vm)?.into_owned())),
            None => Err(vm.type_error("bad argument type for built-in operation")),
        }
    };
    if let Some(point) = text("decimal_point")? {
        locale.point = point;
    }
    if let Some(separator) = text("thousands_sep")? {
        locale.separator = separator;
    }
    if let Some(grouping) = text("grouping")? {
        locale.grouping = grouping.chars().map(|size| u8::try_from(size).unwrap_or(u8::MAX)).collect();
    }
    let fits = |text: &str| text.len() <= 4;
    if locale.point.is_empty()
        || !fits(&locale.point)
        || !fits(&locale.separator)
        || locale.grouping.iter().any(|&size| size > 127)
    {
        return Err(vm.value_error("invalid override dict"));
    }
    Ok(locale)
}
