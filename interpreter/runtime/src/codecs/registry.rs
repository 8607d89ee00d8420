//! The registry: search functions, the codecs they found, and error handlers by name.

use std::collections::HashMap;

use crate::cell::GilCell;
use crate::codecs::{escape, handler_name, handlers, single, utf7, utf8, utf16};
use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::object::{Object, Ref};
use crate::types::bytes::{ByteArray, Bytes};
use crate::types::none::is_none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;
use utf16::Order;

/// What is registered in an interpreter.
#[derive(Default)]
pub struct Registry {
    searches: GilCell<Vec<Value>>,
    found: GilCell<HashMap<String, Value>>,
    handlers: GilCell<HashMap<String, Value>>,
    initialized: GilCell<bool>,
}

impl Registry {
    /// Forgets all codecs and how they were found.
    pub(crate) fn forget(&self) {
        drop(self.searches.take());
        drop(self.found.take());
        drop(self.handlers.take());
    }
}

/// The name of an encoding as search functions get it: lower case, and anything but letters, digits and points as
/// underscores.
pub fn normalized(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            gap = false;
            out.push(c.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    out
}

fn checked_name(vm: &Vm, name: &Object<Str>) -> PyResult<String> {
    let text = name.to_utf8(vm)?;
    if text.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text.into_owned())
}

/// The codec of an encoding: what a search function answers for it.
///
/// # Errors
/// `LookupError` where there is none, and what search functions raise.
pub fn lookup(vm: &Vm, encoding: &Object<Str>) -> PyResult<Ref<Tuple>> {
    let name = checked_name(vm, encoding)?;
    let key = normalized(&name);
    let registry = &vm.interpreter.codecs;
    let known = registry.found.borrow().get(&key).cloned();
    if let Some(Ok(known)) = known.map(Value::downcast_into::<Tuple>) {
        return Ok(known);
    }
    initialize(vm)?;
    let searches = registry.searches.get();
    for search in searches {
        let codec = vm.call(&search, &[vm.new_str(&key)])?;
        if is_none(&codec) {
            continue;
        }
        let codec = match codec.downcast_into::<Tuple>() {
            Ok(codec) if codec.items().len() == 4 => codec,
            _ => return Err(vm.type_error("codec search functions must return 4-tuples")),
        };
        let old = registry.found.borrow_mut().insert(key, codec.value().clone());
        drop(old);
        return Ok(codec);
    }
    Err(vm.lookup_error(format!("unknown encoding: {name}")))
}

/// Imports the package `encodings`, which registers the search function of the standard library.
fn initialize(vm: &Vm) -> PyResult<()> {
    let registry = &vm.interpreter.codecs;
    if !registry.initialized.replace(true) {
        let imported = crate::import::import_module(vm, "encodings");
        if imported.is_err() {
            registry.initialized.set(false);
        }
        imported?;
    }
    Ok(())
}

/// Adds a search function.
///
/// # Errors
/// `TypeError` where it cannot be called.
pub fn register(vm: &Vm, search: &Value) -> PyResult<()> {
    if !vm.is_callable(search) {
        return Err(vm.type_error("argument must be callable"));
    }
    // A program may register before anything was looked up; the library's function comes first all the same.
    let registry = &vm.interpreter.codecs;
    registry.searches.borrow_mut().push(search.clone());
    Ok(())
}

/// Takes a search function away and forgets the codecs that were found.
pub fn unregister(vm: &Vm, search: &Value) {
    let registry = &vm.interpreter.codecs;
    let place = registry.searches.borrow().iter().position(|other| other.is(search));
    if let Some(place) = place {
        let removed = registry.searches.borrow_mut().remove(place);
        let found = registry.found.take();
        drop((removed, found));
    }
}

/// Registers an error handler under a name.
///
/// # Errors
/// `TypeError` where it cannot be called.
pub fn register_error(vm: &Vm, name: &str, handler: &Value) -> PyResult<()> {
    if !vm.is_callable(handler) {
        return Err(vm.type_error("handler must be callable"));
    }
    let old = vm.interpreter.codecs.handlers.borrow_mut().insert(name.to_owned(), handler.clone());
    drop(old);
    Ok(())
}

/// Takes a registered error handler away; answers whether there was one.
pub fn unregister_error(vm: &Vm, name: &str) -> bool {
    let old = vm.interpreter.codecs.handlers.borrow_mut().remove(name);
    old.is_some()
}

/// The error handler with a name.
///
/// # Errors
/// `LookupError` where there is none.
pub fn lookup_error(vm: &Vm, name: &Object<Str>) -> PyResult {
    let text = name.to_utf8(vm)?.into_owned();
    let registered = vm.interpreter.codecs.handlers.borrow().get(&text).cloned();
    registered
        .or_else(|| handlers::builtin(&text))
        .ok_or_else(|| vm.lookup_error(format!("unknown error handler name '{text}'")))
}

/// In development mode, checks that encoding and error handler exist even where they are not needed.
fn check_names(vm: &Vm, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult<()> {
    if !vm.interpreter.configuration.dev_mode || vm.interpreter.importlib.borrow().is_none() {
        return Ok(());
    }
    if let Some(encoding) = encoding.and_then(|encoding| encoding.downcast::<Str>()) {
        lookup(vm, encoding)?;
    }
    if let Some(errors) = errors.and_then(|errors| errors.downcast::<Str>()) {
        lookup_error(vm, errors)?;
    }
    Ok(())
}

/// Calls the encoder (0) or decoder (1) of a codec.
fn call_codec(vm: &Vm, codec: &Tuple, which: usize, object: &Value, errors: Option<&Value>) -> PyResult {
    let mut args = vec![object.clone()];
    args.extend(errors.cloned());
    let answer = vm.call(&codec.items()[which], &args)?;
    match answer.downcast::<Tuple>().map(|answer| answer.payload().items()) {
        Some([result, _]) => Ok(result.clone()),
        _ if which == 0 => Err(vm.type_error("encoder must return a tuple (object, integer)")),
        _ => Err(vm.type_error("decoder must return a tuple (object,integer)")),
    }
}

/// Notes on an error which codec it comes from.
fn noted(vm: &Vm, error: Exception, operation: &str, encoding: &Object<Str>) -> Exception {
    let note = format!("{operation} with '{}' codec failed", encoding.to_string_lossy());
    match vm.call_method_str(error.value(), "add_note", &[vm.new_str(&note)]) {
        Ok(_) => error,
        Err(other) => other,
    }
}

/// `codecs.encode(object, encoding, errors)`.
///
/// # Errors
/// `LookupError`, and what the codec raises.
pub fn encode_with(vm: &Vm, object: &Value, encoding: &Object<Str>, errors: Option<&Value>) -> PyResult {
    let codec = lookup(vm, encoding)?;
    call_codec(vm, &codec, 0, object, errors).map_err(|error| noted(vm, error, "encoding", encoding))
}

/// `codecs.decode(object, encoding, errors)`.
///
/// # Errors
/// `LookupError`, and what the codec raises.
pub fn decode_with(vm: &Vm, object: &Value, encoding: &Object<Str>, errors: Option<&Value>) -> PyResult {
    let codec = lookup(vm, encoding)?;
    call_codec(vm, &codec, 1, object, errors).map_err(|error| noted(vm, error, "decoding", encoding))
}

/// A codec that text methods may use.
fn lookup_text(vm: &Vm, encoding: &Object<Str>, alternative: &str) -> PyResult<Ref<Tuple>> {
    let codec = lookup(vm, encoding)?;
    if codec.value().downcast_exact::<Tuple>().is_none()
        && let Some(is_text) = vm.get_attribute_optional(codec.value(), &names::_is_text_encoding)?
        && !vm.is_true(&is_text)?
    {
        return Err(vm.lookup_error(format!(
            "'{}' is not a text encoding; use {alternative} to handle arbitrary codecs",
            encoding.to_string_lossy()
        )));
    }
    Ok(codec)
}

/// The encodings that need no codec object.
enum Known {
    Utf8,
    Latin1,
    Ascii,
    Utf16(Order),
    Utf32(Order),
}

fn known(name: &str) -> Option<Known> {
    // As most programs write them.
    match name {
        "utf-8" => return Some(Known::Utf8),
        "latin-1" | "iso-8859-1" => return Some(Known::Latin1),
        "ascii" => return Some(Known::Ascii),
        _ => {}
    }
    Some(match normalized(name).as_str() {
        "utf_8" | "utf8" => Known::Utf8,
        "latin_1" | "latin1" | "iso_8859_1" | "iso8859_1" => Known::Latin1,
        "ascii" | "us_ascii" => Known::Ascii,
        "utf_16" | "utf16" => Known::Utf16(Order::Native),
        "utf_32" | "utf32" => Known::Utf32(Order::Native),
        _ => return None,
    })
}

/// `text.encode(encoding, errors)`.
///
/// # Errors
/// `LookupError`, and what the codec raises.
pub fn encode_text(vm: &Vm, text: &Value, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult {
    let Some(text_object) = text.downcast::<Str>() else {
        return Err(vm.type_error(format!("encoding needs a str, not {}", text.type_of().full_name())));
    };
    check_names(vm, encoding, errors)?;
    let chosen = handler_name(errors);
    let Some(encoding) = encoding.and_then(|encoding| encoding.downcast::<Str>()) else {
        return utf8::encode(vm, text_object, &chosen).map(|bytes| Bytes::new(bytes).into_value());
    };
    let name = checked_name(vm, encoding)?;
    let made = match known(&name) {
        Some(Known::Utf8) => utf8::encode(vm, text_object, &chosen)?,
        Some(Known::Latin1) => single::encode_latin1(vm, text_object, &chosen)?,
        Some(Known::Ascii) => single::encode_ascii(vm, text_object, &chosen)?,
        Some(Known::Utf16(order)) => utf16::encode16(vm, text_object, &chosen, order)?,
        Some(Known::Utf32(order)) => utf16::encode32(vm, text_object, &chosen, order)?,
        None => {
            let codec = lookup_text(vm, encoding, "codecs.encode()")?;
            let result = call_codec(vm, &codec, 0, text, errors)
                .map_err(|error| noted(vm, error, "encoding", encoding))?;
            if result.downcast::<Bytes>().is_some() {
                return Ok(result);
            }
            if let Some(array) = result.downcast::<ByteArray>() {
                let data = array.borrow().clone();
                return Ok(Bytes::new(data).into_value());
            }
            return Err(vm.type_error(format!(
                "'{name}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
                result.type_of().full_name()
            )));
        }
    };
    Ok(Bytes::new(made).into_value())
}

/// `bytes.decode(encoding, errors)`.
///
/// # Errors
/// `LookupError`, and what the codec raises.
pub fn decode_bytes(vm: &Vm, bytes: &Value, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult {
    check_names(vm, encoding, errors)?;
    let chosen = handler_name(errors);
    let encoding = encoding.and_then(|encoding| encoding.downcast::<Str>());
    let name = encoding.map(|encoding| checked_name(vm, encoding)).transpose()?;
    let native = name.as_ref().map_or(Some(Known::Utf8), |name| known(name));
    if let (None, Some(encoding)) = (&native, encoding) {
        let codec = lookup_text(vm, encoding, "codecs.decode()")?;
        let result = call_codec(vm, &codec, 1, bytes, errors)
            .map_err(|error| noted(vm, error, "decoding", encoding))?;
        if result.downcast::<Str>().is_none() {
            return Err(vm.type_error(format!(
                "'{}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
                name.unwrap_or_default(),
                result.type_of().full_name()
            )));
        }
        return Ok(result);
    }
    let view = crate::buffer::view(vm, bytes)?;
    let input = view.as_slice();
    let text = match native {
        None | Some(Known::Utf8) => utf8::decode(vm, input, &chosen, true)?.0,
        Some(Known::Latin1) => single::decode_latin1(input),
        Some(Known::Ascii) => single::decode_ascii(vm, input, &chosen)?,
        Some(Known::Utf16(order)) => utf16::decode16(vm, input, &chosen, order, true)?.0.0,
        Some(Known::Utf32(order)) => utf16::decode32(vm, input, &chosen, order, true)?.0.0,
    };
    Ok(text.into_value())
}

/// The text of bytes in one of the encodings that the interpreter itself reads; `None` for other encodings.
///
/// # Errors
/// `UnicodeDecodeError`.
pub fn decode_natively(vm: &Vm, input: &[u8], encoding: &str) -> PyResult<Option<Ref<Str>>> {
    let strict = super::errors::Errors::strict();
    Ok(Some(match known(encoding) {
        Some(Known::Utf8) => utf8::decode(vm, input, &strict, true)?.0,
        Some(Known::Latin1) => single::decode_latin1(input),
        Some(Known::Ascii) => single::decode_ascii(vm, input, &strict)?,
        Some(Known::Utf16(order)) => utf16::decode16(vm, input, &strict, order, true)?.0.0,
        Some(Known::Utf32(order)) => utf16::decode32(vm, input, &strict, order, true)?.0.0,
        None => match normalized(encoding).as_str() {
            "utf_7" | "utf7" => utf7::decode(vm, input, &strict, true)?.0,
            "unicode_escape" => escape::decode_unicode(vm, input, &strict, true)?.0,
            "raw_unicode_escape" => escape::decode_raw_unicode(vm, input, &strict, true)?.0,
            _ => return Ok(None),
        },
    }))
}
