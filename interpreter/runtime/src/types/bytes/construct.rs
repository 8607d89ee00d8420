//! Making bytes from the arguments of `bytes()` and `bytearray()`: numbers, text, buffers and iterables.

use crate::arguments::KeywordArguments;
use crate::buffer;
use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::slots::KeywordNames;
use crate::types::bytes::{ByteArray, Bytes};
use crate::types::int;
use crate::types::list::List;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// `source`, `encoding` and `errors` of a call.
pub(super) struct Arguments<'a> {
    pub source: Option<&'a Value>,
    pub encoding: Option<&'a Value>,
    pub errors: Option<&'a Value>,
}

/// Finds the three arguments of `bytes()` and `bytearray()`.
pub(super) fn parse<'a>(
    vm: &Vm,
    function: &str,
    args: &'a [Value],
    names: KeywordNames<'a>,
) -> PyResult<Arguments<'a>> {
    const NAMES: [&str; 3] = ["source", "encoding", "errors"];
    let (positional, keywords) = KeywordArguments::of_call(args, names);
    if args.len() > 3 {
        return Err(vm.type_error(format!("{function}() takes at most 3 arguments ({} given)", args.len())));
    }
    let mut found = [positional.first(), positional.get(1), positional.get(2)];
    for (name, value) in keywords.iter() {
        let Some(text) = name.downcast::<Str>() else {
            return Err(vm.type_error("keywords must be strings"));
        };
        let Some(place) = NAMES.iter().position(|known| text.equals_str(known)) else {
            return Err(vm.type_error(format!(
                "{function}() got an unexpected keyword argument '{}'",
                text.to_string_lossy()
            )));
        };
        if found[place].is_some() {
            return Err(vm.type_error(format!(
                "argument for {function}() given by name ('{}') and position ({})",
                NAMES[place],
                place + 1
            )));
        }
        found[place] = Some(value);
    }
    for place in 1..3 {
        if let Some(value) = found[place]
            && value.downcast::<Str>().is_none()
        {
            return Err(vm.type_error(format!(
                "{function}() argument '{}' must be str, not {}",
                NAMES[place],
                described(value)
            )));
        }
    }
    Ok(Arguments { source: found[0], encoding: found[1], errors: found[2] })
}

/// The type of a value as argument errors name it.
pub(super) fn described(value: &Value) -> String {
    if crate::types::none::is_none(value) { "None".to_owned() } else { value.type_of().full_name() }
}

/// The bytes that the arguments describe. A ready `bytes` object that `__bytes__` answered comes as it is.
pub(super) enum Made {
    Data(Vec<u8>),
    Object(Value),
}

/// Follows the arguments.
pub(super) fn make(vm: &Vm, arguments: &Arguments<'_>, is_constant: bool) -> PyResult<Made> {
    let Arguments { source, encoding, errors } = *arguments;
    let Some(source) = source else {
        return match (encoding, errors) {
            (None, None) => Ok(Made::Data(Vec::new())),
            (Some(_), _) => Err(vm.type_error("encoding without a string argument")),
            _ => Err(vm.type_error("errors without a string argument")),
        };
    };
    // What its class says of itself need not be asked for.
    if is_constant
        && encoding.is_none()
        && errors.is_none()
        && let Some(array) = source.downcast_exact::<ByteArray>()
    {
        return Ok(Made::Object(Bytes::new(array.borrow().as_slice()).into_value()));
    }
    if is_constant
        && encoding.is_none()
        && errors.is_none()
        && let Some(answer) = vm.call_special(source, &names::__bytes__, &[])?
    {
        if answer.downcast::<Bytes>().is_none() {
            return Err(vm.type_error(format!(
                "__bytes__ returned non-bytes (type {})",
                answer.type_of().full_name()
            )));
        }
        return Ok(Made::Object(answer));
    }
    if let Some(text) = source.downcast::<Str>() {
        if let Some(encoding) = encoding {
            let encoded = crate::codecs::encode_text(vm, &text.as_value(), Some(encoding), errors)?;
            return encoded
                .downcast::<Bytes>()
                .map(|bytes| Made::Data(bytes.as_slice().to_vec()))
                .ok_or_else(|| vm.type_error("encoder did not return a bytes object"));
        }
        return Err(vm.type_error("string argument without an encoding"));
    }
    if encoding.is_some() {
        return Err(vm.type_error("encoding without a string argument"));
    }
    if errors.is_some() {
        return Err(vm.type_error("errors without a string argument"));
    }
    if source.type_of().slots().index.get().is_some() {
        match vm.index(source) {
            Ok(size) => return zeros(vm, &size).map(Made::Data),
            Err(error) if error.is_type_error() => {}
            Err(error) => return Err(error),
        }
    }
    from_object(vm, source, if is_constant { "bytes" } else { "bytearray" }).map(Made::Data)
}

fn zeros(vm: &Vm, size: &Value) -> PyResult<Vec<u8>> {
    let Some(size) = int::small_value(size) else {
        return Err(vm.overflow_error("cannot fit 'int' into an index-sized integer"));
    };
    let size = usize::try_from(size).map_err(|_| vm.value_error("negative count"))?;
    if !crate::heap::can_allocate(size) {
        return Err(vm.memory_error());
    }
    Ok(vec![0; size])
}

/// The bytes of a buffer or of an iterable of numbers.
pub(super) fn from_object(vm: &Vm, source: &Value, what: &str) -> PyResult<Vec<u8>> {
    if buffer::has_buffer(source) {
        return Ok(buffer::view_with(vm, source, buffer::flags::FULL_RO)?.to_vec());
    }
    let slots = source.type_of().slots();
    let plain = source.downcast_exact::<List>().is_some() || source.downcast_exact::<Tuple>().is_some();
    let iterable = slots.iter.get().is_some() || slots.item.get().is_some() || slots.get_item.get().is_some();
    if source.downcast::<Str>().is_some() || !(plain || iterable) {
        return Err(
            vm.type_error(format!("cannot convert '{}' object to {what}", source.type_of().full_name()))
        );
    }
    from_iterable(vm, source, what)
}

/// The bytes that an iterable yields.
pub(super) fn from_iterable(vm: &Vm, source: &Value, what: &str) -> PyResult<Vec<u8>> {
    let iterator = vm.iter(source)?;
    let hint = vm.length_hint(source, 64)?;
    let mut data = Vec::with_capacity(hint.min(1 << 20));
    let subject = if what == "bytes" { "bytes" } else { "byte" };
    let out_of_range = |vm: &Vm| vm.value_error(format!("{subject} must be in range(0, 256)"));
    while let Some(item) = vm.next(&iterator)? {
        data.push(byte_with(vm, &item, out_of_range)?);
    }
    Ok(data)
}

/// The number of a byte, with an error of one's own where it is out of range.
fn byte_with(vm: &Vm, item: &Value, out_of_range: impl FnOnce(&Vm) -> Exception) -> PyResult<u8> {
    let index = vm.index(item)?;
    int::small_value(&index).and_then(|number| u8::try_from(number).ok()).ok_or_else(|| out_of_range(vm))
}

/// The number of a byte.
///
/// # Errors
/// `TypeError` where the value is no integer, `ValueError` where it is out of range.
pub(super) fn byte(vm: &Vm, item: &Value) -> PyResult<u8> {
    byte_with(vm, item, |vm| vm.value_error("byte must be in range(0, 256)"))
}

/// The bytes of any object that stands for some: by `__bytes__`, a buffer, or an iterable of numbers.
///
/// # Errors
/// `TypeError` for other objects, and what they raise.
pub fn bytes_of_object(vm: &Vm, source: &Value) -> PyResult<Vec<u8>> {
    if let Some(bytes) = source.downcast_exact::<Bytes>() {
        return Ok(bytes.as_slice().to_vec());
    }
    match vm.call_special(source, &names::__bytes__, &[])? {
        Some(answer) => match answer.downcast::<Bytes>() {
            Some(bytes) => Ok(bytes.as_slice().to_vec()),
            None => {
                let name = answer.type_of().full_name();
                Err(vm.type_error(format!("__bytes__ returned non-bytes (type {name})")))
            }
        },
        None => from_object(vm, source, "bytes"),
    }
}
