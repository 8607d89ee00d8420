//! The native module `_codecs`.

use rspy_macros::pyfunctions;

use crate::buffer::{self, BufferView};
use crate::codecs::utf16::{self, Order};
use crate::codecs::{Decoded, charmap, escape, handler_name, registry, single, utf7, utf8};
use crate::exceptions::PyResult;
use crate::native_module;
use crate::object::{Object, Ref};
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::none::is_none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

native_module! {
    name: "_codecs", doc: "", functions: [Functions::FUNCTIONS], types: [], execute: |_, _| Ok(())
}

struct Functions;

/// What encoders answer: bytes, and how many characters they are.
type Encoded = (Ref<Bytes>, usize);

fn encoded(text: &Object<Str>, bytes: Vec<u8>) -> Encoded {
    (Bytes::new(bytes), text.length())
}

/// The argument `data` of the decoders of escapes: bytes, or a text in ASCII.
fn escaped_data(vm: &Vm, data: &Value) -> PyResult<Vec<u8>> {
    match data.downcast::<Str>() {
        Some(text) => Ok(text.to_utf8(vm)?.as_bytes().to_vec()),
        None => Ok(buffer::view(vm, data)?.as_slice().to_vec()),
    }
}

fn given(value: Option<&Object<Str>>) -> Option<Value> {
    value.map(Object::to_value)
}

#[pyfunctions]
impl Functions {
    /// Register a codec search function.
    ///
    /// Search functions are expected to take one argument, the encoding name in lower case, and return a tuple of
    /// functions (encoder, decoder, stream_reader, stream_writer) or a CodecInfo object.
    #[function("register(search_function, /)")]
    fn register(vm: &Vm, search_function: &Value) -> PyResult<()> {
        registry::register(vm, search_function)
    }

    /// Unregister a codec search function and clear the registry's cache.
    ///
    /// If the search function is not registered, do nothing.
    #[function("unregister(search_function, /)")]
    fn unregister(vm: &Vm, search_function: &Value) {
        registry::unregister(vm, search_function);
    }

    /// Looks up a codec tuple in the Python codec registry and returns a CodecInfo object.
    #[function("lookup(encoding, /)")]
    fn lookup(vm: &Vm, encoding: &Object<Str>) -> PyResult<Ref<Tuple>> {
        registry::lookup(vm, encoding)
    }

    /// Encodes obj using the codec registered for encoding.
    #[function("encode(obj, encoding='utf-8', errors='strict')")]
    fn encode(
        vm: &Vm,
        obj: &Value,
        encoding: Option<&Object<Str>>,
        errors: Option<&Object<Str>>,
    ) -> PyResult {
        let default = Str::new("utf-8");
        registry::encode_with(vm, obj, encoding.unwrap_or(&default), given(errors).as_ref())
    }

    /// Decodes obj using the codec registered for encoding.
    #[function("decode(obj, encoding='utf-8', errors='strict')")]
    fn decode(
        vm: &Vm,
        obj: &Value,
        encoding: Option<&Object<Str>>,
        errors: Option<&Object<Str>>,
    ) -> PyResult {
        let default = Str::new("utf-8");
        registry::decode_with(vm, obj, encoding.unwrap_or(&default), given(errors).as_ref())
    }

    /// Register the specified error handler under the name errors.
    ///
    /// handler must be a callable object, that will be called with an exception instance and must return a
    /// (replacement, new position) tuple.
    #[function("register_error(errors, handler, /)")]
    fn register_error(vm: &Vm, errors: String, handler: &Value) -> PyResult<()> {
        registry::register_error(vm, &errors, handler)
    }

    /// Un-register the specified error handler for the error handling `errors'.
    #[function("_unregister_error(errors, /)")]
    fn unregister_error(vm: &Vm, errors: String) -> PyResult<bool> {
        if super::errors::Handler::ALL.iter().any(|handler| handler.name() == errors) {
            return Err(vm.value_error(format!("cannot un-register built-in error handler '{errors}'")));
        }
        Ok(registry::unregister_error(vm, &errors))
    }

    /// Return the error handler for the specified error handling name.
    #[function("lookup_error(name, /)")]
    fn lookup_error(vm: &Vm, name: &Object<Str>) -> PyResult {
        registry::lookup_error(vm, name)
    }

    /// The bytes of a text by a mapping.
    #[function("charmap_encode(str, errors=None, mapping=None, /)")]
    fn charmap_encode(
        vm: &Vm,
        text: &Object<Str>,
        errors: Option<&Object<Str>>,
        mapping: Option<&Value>,
    ) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        let bytes = match mapping {
            Some(mapping) => charmap::encode(vm, text, &errors, mapping)?,
            None => single::encode_latin1(vm, text, &errors)?,
        };
        Ok(encoded(text, bytes))
    }

    /// The text of bytes by a mapping.
    #[function("charmap_decode(data, errors=None, mapping=None, /)")]
    fn charmap_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        mapping: Option<&Value>,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        let input = data.as_slice();
        let text = match mapping {
            Some(mapping) if !is_none(mapping) => charmap::decode(vm, input, &errors, mapping)?,
            _ => single::decode_latin1(input),
        };
        Ok((text, input.len()))
    }

    /// The mapping for charmap_encode that belongs to a decoding table.
    #[function("charmap_build(map, /)")]
    fn charmap_build(vm: &Vm, map: &Object<Str>) -> PyResult<Ref<Dict>> {
        charmap::build(vm, map)
    }

    /// The bytes of a buffer.
    #[function("readbuffer_encode(data, errors=None, /)")]
    fn readbuffer_encode(vm: &Vm, data: &Value, _errors: Option<&Object<Str>>) -> PyResult<Encoded> {
        let bytes = escaped_data(vm, data)?;
        let length = bytes.len();
        Ok((Bytes::new(bytes), length))
    }

    /// Bytes from text with the escapes of a bytes literal.
    #[function("escape_decode(data, errors=None, /)")]
    fn escape_decode(vm: &Vm, data: &Value, errors: Option<String>) -> PyResult<Encoded> {
        let input = escaped_data(vm, data)?;
        let bytes = escape::decode_bytes(vm, &input, errors.as_deref())?;
        Ok((Bytes::new(bytes), input.len()))
    }

    /// Bytes with escapes for what cannot be shown.
    #[function("escape_encode(data, errors=None, /)")]
    fn escape_encode(data: &Object<Bytes>, _errors: Option<&Object<Str>>) -> Encoded {
        (Bytes::new(escape::encode_bytes(data.as_slice())), data.len())
    }

    /// The UTF-8 bytes of a text.
    #[function("utf_8_encode(str, errors=None, /)")]
    fn utf_8_encode(vm: &Vm, text: &Object<Str>, errors: Option<&Object<Str>>) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, utf8::encode(vm, text, &errors)?))
    }

    /// The text of UTF-8 bytes.
    #[function("utf_8_decode(data, errors=None, final=False, /)")]
    fn utf_8_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        utf8::decode(vm, data.as_slice(), &errors, is_final)
    }

    /// The UTF-7 bytes of a text.
    #[function("utf_7_encode(str, errors=None, /)")]
    fn utf_7_encode(text: &Object<Str>, _errors: Option<&Object<Str>>) -> Encoded {
        encoded(text, utf7::encode(text))
    }

    /// The text of UTF-7 bytes.
    #[function("utf_7_decode(data, errors=None, final=False, /)")]
    fn utf_7_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        utf7::decode(vm, data.as_slice(), &errors, is_final)
    }

    /// The ASCII bytes of a text.
    #[function("ascii_encode(str, errors=None, /)")]
    fn ascii_encode(vm: &Vm, text: &Object<Str>, errors: Option<&Object<Str>>) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, single::encode_ascii(vm, text, &errors)?))
    }

    /// The text of ASCII bytes.
    #[function("ascii_decode(data, errors=None, /)")]
    fn ascii_decode(vm: &Vm, data: BufferView, errors: Option<&Object<Str>>) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok((single::decode_ascii(vm, data.as_slice(), &errors)?, data.len()))
    }

    /// The Latin-1 bytes of a text.
    #[function("latin_1_encode(str, errors=None, /)")]
    fn latin_1_encode(vm: &Vm, text: &Object<Str>, errors: Option<&Object<Str>>) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, single::encode_latin1(vm, text, &errors)?))
    }

    /// The text of Latin-1 bytes.
    #[function("latin_1_decode(data, errors=None, /)")]
    fn latin_1_decode(data: BufferView, _errors: Option<&Object<Str>>) -> Decoded {
        (single::decode_latin1(data.as_slice()), data.len())
    }

    /// The escaped bytes of a text.
    #[function("unicode_escape_encode(str, errors=None, /)")]
    fn unicode_escape_encode(text: &Object<Str>, _errors: Option<&Object<Str>>) -> Encoded {
        encoded(text, escape::encode_unicode(text))
    }

    /// The text of bytes with the escapes of a literal.
    #[function("unicode_escape_decode(data, errors=None, final=True, /)")]
    fn unicode_escape_decode(
        vm: &Vm,
        data: &Value,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        escape::decode_unicode(vm, &escaped_data(vm, data)?, &errors, is_final)
    }

    /// The partly escaped bytes of a text.
    #[function("raw_unicode_escape_encode(str, errors=None, /)")]
    fn raw_unicode_escape_encode(text: &Object<Str>, _errors: Option<&Object<Str>>) -> Encoded {
        encoded(text, escape::encode_raw_unicode(text))
    }

    /// The text of bytes with the escapes of a raw literal.
    #[function("raw_unicode_escape_decode(data, errors=None, final=True, /)")]
    fn raw_unicode_escape_decode(
        vm: &Vm,
        data: &Value,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        escape::decode_raw_unicode(vm, &escaped_data(vm, data)?, &errors, is_final)
    }

    /// The little-endian UTF-16 bytes of a text.
    #[function("utf_16_le_encode(str, errors=None, /)")]
    fn utf_16_le_encode(vm: &Vm, text: &Object<Str>, errors: Option<&Object<Str>>) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, utf16::encode16(vm, text, &errors, Order::Little)?))
    }

    /// The text of little-endian UTF-16 bytes.
    #[function("utf_16_le_decode(data, errors=None, final=False, /)")]
    fn utf_16_le_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        utf16::decode16(vm, data.as_slice(), &errors, Order::Little, is_final).map(|found| found.0)
    }

    /// The big-endian UTF-16 bytes of a text.
    #[function("utf_16_be_encode(str, errors=None, /)")]
    fn utf_16_be_encode(vm: &Vm, text: &Object<Str>, errors: Option<&Object<Str>>) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, utf16::encode16(vm, text, &errors, Order::Big)?))
    }

    /// The text of big-endian UTF-16 bytes.
    #[function("utf_16_be_decode(data, errors=None, final=False, /)")]
    fn utf_16_be_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        utf16::decode16(vm, data.as_slice(), &errors, Order::Big, is_final).map(|found| found.0)
    }

    /// The text of UTF-16 bytes.
    #[function("utf_16_decode(data, errors=None, final=False, /)")]
    fn utf_16_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        utf16::decode16(vm, data.as_slice(), &errors, Order::Native, is_final).map(|found| found.0)
    }

    /// The UTF-16 bytes of a text, with a byte order mark where the order is 0.
    #[function("utf_16_encode(str, errors=None, byteorder=0, /)")]
    fn utf_16_encode(
        vm: &Vm,
        text: &Object<Str>,
        errors: Option<&Object<Str>>,
        byteorder: i32,
    ) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, utf16::encode16(vm, text, &errors, Order::from_number(byteorder))?))
    }

    /// The text of UTF-16 bytes, how many were used, and the byte order that was found.
    #[function("utf_16_ex_decode(data, errors=None, byteorder=0, final=False, /)")]
    fn utf_16_ex_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        byteorder: i32,
        is_final: bool,
    ) -> PyResult<(Ref<Str>, usize, i32)> {
        let errors = handler_name(given(errors).as_ref());
        let order = Order::from_number(byteorder);
        let ((text, used), found) = utf16::decode16(vm, data.as_slice(), &errors, order, is_final)?;
        Ok((text, used, found.number()))
    }

    /// The little-endian UTF-32 bytes of a text.
    #[function("utf_32_le_encode(str, errors=None, /)")]
    fn utf_32_le_encode(vm: &Vm, text: &Object<Str>, errors: Option<&Object<Str>>) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, utf16::encode32(vm, text, &errors, Order::Little)?))
    }

    /// The text of little-endian UTF-32 bytes.
    #[function("utf_32_le_decode(data, errors=None, final=False, /)")]
    fn utf_32_le_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        utf16::decode32(vm, data.as_slice(), &errors, Order::Little, is_final).map(|found| found.0)
    }

    /// The big-endian UTF-32 bytes of a text.
    #[function("utf_32_be_encode(str, errors=None, /)")]
    fn utf_32_be_encode(vm: &Vm, text: &Object<Str>, errors: Option<&Object<Str>>) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, utf16::encode32(vm, text, &errors, Order::Big)?))
    }

    /// The text of big-endian UTF-32 bytes.
    #[function("utf_32_be_decode(data, errors=None, final=False, /)")]
    fn utf_32_be_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        utf16::decode32(vm, data.as_slice(), &errors, Order::Big, is_final).map(|found| found.0)
    }

    /// The text of UTF-32 bytes.
    #[function("utf_32_decode(data, errors=None, final=False, /)")]
    fn utf_32_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        is_final: bool,
    ) -> PyResult<Decoded> {
        let errors = handler_name(given(errors).as_ref());
        utf16::decode32(vm, data.as_slice(), &errors, Order::Native, is_final).map(|found| found.0)
    }

    /// The UTF-32 bytes of a text, with a byte order mark where the order is 0.
    #[function("utf_32_encode(str, errors=None, byteorder=0, /)")]
    fn utf_32_encode(
        vm: &Vm,
        text: &Object<Str>,
        errors: Option<&Object<Str>>,
        byteorder: i32,
    ) -> PyResult<Encoded> {
        let errors = handler_name(given(errors).as_ref());
        Ok(encoded(text, utf16::encode32(vm, text, &errors, Order::from_number(byteorder))?))
    }

    /// The text of UTF-32 bytes, how many were used, and the byte order that was found.
    #[function("utf_32_ex_decode(data, errors=None, byteorder=0, final=False, /)")]
    fn utf_32_ex_decode(
        vm: &Vm,
        data: BufferView,
        errors: Option<&Object<Str>>,
        byteorder: i32,
        is_final: bool,
    ) -> PyResult<(Ref<Str>, usize, i32)> {
        let errors = handler_name(given(errors).as_ref());
        let order = Order::from_number(byteorder);
        let ((text, used), found) = utf16::decode32(vm, data.as_slice(), &errors, order, is_final)?;
        Ok((text, used, found.number()))
    }
}
