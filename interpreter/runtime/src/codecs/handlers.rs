//! The error handlers that are built in, as functions that take the exception and answer a replacement and where to
//! go on.

use rspy_macros::pyfunctions;

use crate::codecs::errors::{Handler, Replacement, replace_bytes, replace_characters};
use crate::exceptions::unicode::{UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError};
use crate::exceptions::{Exception, PyResult};
use crate::object::Object;
use crate::types::bytes::Bytes;
use crate::types::int;
use crate::types::native_function::NativeFunction;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

struct Functions;

/// Where in an object the error is, fitted to its length.
fn range(start: isize, end: isize, length: usize) -> (usize, usize) {
    let length = length as isize;
    let start = start.clamp(0, (length - 1).max(0));
    let end = end.clamp(1, length.max(1));
    (start as usize, end.min(length).max(start) as usize)
}

fn text_of(vm: &Vm, object: Option<Value>) -> PyResult {
    object
        .filter(|object| object.downcast::<Str>().is_some())
        .ok_or_else(|| vm.type_error("UnicodeError 'object' attribute must be a string"))
}

/// What a handler does with an exception.
fn handle(vm: &Vm, handler: Handler, exception: &Value) -> PyResult {
    if !crate::exceptions::is_exception(exception) {
        return Err(vm.type_error("codec must pass exception instance"));
    }
    if handler == Handler::Strict {
        return Err(Exception::from_value(exception.clone()));
    }
    if let Some(error) = exception.downcast::<UnicodeEncodeError>() {
        return encoding(vm, handler, exception, error);
    }
    if let Some(error) = exception.downcast::<UnicodeDecodeError>() {
        return decoding(vm, handler, exception, error);
    }
    if let Some(error) = exception.downcast::<UnicodeTranslateError>() {
        return translating(vm, handler, exception, error);
    }
    Err(unknown(vm, exception))
}

fn unknown(vm: &Vm, exception: &Value) -> Exception {
    vm.type_error(format!("don't know how to handle {} in error callback", exception.type_of().name()))
}

fn answer(replacement: Value, next: usize) -> Value {
    Tuple::from_values([replacement, int::new(next as i64)]).into_value()
}

fn encoding(vm: &Vm, handler: Handler, exception: &Value, error: &Object<UnicodeEncodeError>) -> PyResult {
    let object = text_of(vm, error.object.get())?;
    let Some(text) = object.downcast::<Str>() else { return Err(unknown(vm, exception)) };
    let (start, end) = range(error.start.get(), error.end.get(), text.length());
    let name = error.encoding.get();
    let name =
        name.as_ref().and_then(|name| name.downcast::<Str>()).map(|name| name.to_string_lossy().into_owned());
    let part = text.characters().slice(start, end);
    match replace_characters(vm, handler, &name.unwrap_or_default(), part) {
        None => Err(Exception::from_value(exception.clone())),
        Some(replacement) => Ok(match replacement? {
            Replacement::Text(text) => answer(text.into_value(), end),
            Replacement::Bytes(bytes) => answer(Bytes::new(bytes).into_value(), end),
        }),
    }
}

fn decoding(vm: &Vm, handler: Handler, exception: &Value, error: &Object<UnicodeDecodeError>) -> PyResult {
    if matches!(handler, Handler::XmlCharRefReplace | Handler::NameReplace) {
        return Err(unknown(vm, exception));
    }
    let object = error.object.get();
    let Some(bytes) = object.as_ref().and_then(|object| object.downcast::<Bytes>()) else {
        return Err(vm.type_error("UnicodeError 'object' attribute must be a bytes"));
    };
    let (start, end) = range(error.start.get(), error.end.get(), bytes.len());
    let name = error.encoding.get();
    let name =
        name.as_ref().and_then(|name| name.downcast::<Str>()).map(|name| name.to_string_lossy().into_owned());
    match replace_bytes(handler, &name.unwrap_or_default(), bytes.as_slice(), start, end) {
        Some((text, next)) => Ok(answer(text.into_value(), next)),
        None => Err(Exception::from_value(exception.clone())),
    }
}

fn translating(
    vm: &Vm,
    handler: Handler,
    exception: &Value,
    error: &Object<UnicodeTranslateError>,
) -> PyResult {
    let object = text_of(vm, error.object.get())?;
    let Some(text) = object.downcast::<Str>() else { return Err(unknown(vm, exception)) };
    let (start, end) = range(error.start.get(), error.end.get(), text.length());
    match handler {
        Handler::Ignore => Ok(answer(Str::empty().into_value(), end)),
        Handler::Replace => Ok(answer(vm.new_str(&"\u{fffd}".repeat(end - start)), end)),
        Handler::BackslashReplace => {
            let part = text.characters().slice(start, end);
            let shown: String = part.iter().map(super::errors::backslashed).collect();
            Ok(answer(vm.new_str(&shown), end))
        }
        _ => Err(unknown(vm, exception)),
    }
}

#[pyfunctions(FUNCTIONS)]
impl Functions {
    /// Implements the 'strict' error handling, which raises a UnicodeError on coding errors.
    #[function("strict_errors")]
    fn strict(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        one(vm, "strict_errors", Handler::Strict, args, names)
    }

    /// Implements the 'ignore' error handling, which ignores malformed data and continues.
    #[function("ignore_errors")]
    fn ignore(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        one(vm, "ignore_errors", Handler::Ignore, args, names)
    }

    /// Implements the 'replace' error handling, which replaces malformed data with a replacement marker.
    #[function("replace_errors")]
    fn replace(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        one(vm, "replace_errors", Handler::Replace, args, names)
    }

    /// Implements the 'xmlcharrefreplace' error handling.
    ///
    /// It replaces an unencodable character with the appropriate XML character reference.
    #[function("xmlcharrefreplace_errors")]
    fn xmlcharrefreplace(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        one(vm, "xmlcharrefreplace_errors", Handler::XmlCharRefReplace, args, names)
    }

    /// Implements the 'backslashreplace' error handling, which replaces malformed data with an escape sequence.
    #[function("backslashreplace_errors")]
    fn backslashreplace(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        one(vm, "backslashreplace_errors", Handler::BackslashReplace, args, names)
    }

    /// Implements the 'namereplace' error handling, which replaces an unencodable character with a \N{...} escape.
    #[function("namereplace_errors")]
    fn namereplace(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        one(vm, "namereplace_errors", Handler::NameReplace, args, names)
    }

    /// Implements the 'surrogateescape' error handling (PEP 383).
    #[function("surrogateescape")]
    fn surrogateescape(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        one(vm, "surrogateescape", Handler::SurrogateEscape, args, names)
    }

    /// Implements the 'surrogatepass' error handling, which codes surrogates like other characters.
    #[function("surrogatepass")]
    fn surrogatepass(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        one(vm, "surrogatepass", Handler::SurrogatePass, args, names)
    }
}

fn one(
    vm: &Vm,
    function: &str,
    handler: Handler,
    args: &[Value],
    names: crate::slots::KeywordNames<'_>,
) -> PyResult {
    let args = crate::arguments::positional(vm, function, args, names, 1, 1)?;
    handle(vm, handler, &args[0])
}

/// The function of a handler that is built in.
pub(super) fn builtin(name: &str) -> Option<Value> {
    let place = Handler::ALL.iter().position(|handler| handler.name() == name)?;
    Some(NativeFunction::new(&Functions::FUNCTIONS[place], None, None).into_value())
}
