//! Encoding and decoding for `TextIOWrapper`: UTF-8, ASCII and Latin-1 here as far as there is nothing to complain
//! about, everything else by the registered codec.

use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::paths;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::string::build;
use rspy_runtime::types::string::{Characters, Kind, Str};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::newline::Newlines;

/// Encodings that are known here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// UTF-8.
    Utf8,
    /// ASCII.
    Ascii,
    /// Latin-1.
    Latin1,
}

impl Known {
    /// The encoding that a name means, if it is known here.
    pub fn of(name: &str) -> Option<Known> {
        let plain: String =
            name.chars().map(|c| if c == '_' || c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
        match plain.as_str() {
            "utf-8" | "utf8" | "u8" | "utf" | "cp65001" => Some(Known::Utf8),
            "ascii" | "us-ascii" | "646" => Some(Known::Ascii),
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "8859" | "l1" | "latin" => Some(Known::Latin1),
            _ => None,
        }
    }

    const fn functions(self) -> (&'static str, &'static str) {
        match self {
            Known::Utf8 => ("utf_8_encode", "utf_8_decode"),
            Known::Ascii => ("ascii_encode", "ascii_decode"),
            Known::Latin1 => ("latin_1_encode", "latin_1_decode"),
        }
    }
}

/// How text becomes bytes.
pub enum Encoder {
    /// An encoding that is known here, with its error handler.
    Known(Known, Value),
    /// An incremental encoder of the registry.
    Object(Value),
}

impl Trace for Encoder {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        match self {
            Encoder::Known(_, errors) => visitor.value(errors),
            Encoder::Object(object) => visitor.value(object),
        }
    }
}

impl Encoder {
    /// A second handle on the same encoder.
    pub fn share(&self) -> Encoder {
        match self {
            Encoder::Known(known, errors) => Encoder::Known(*known, errors.clone()),
            Encoder::Object(object) => Encoder::Object(object.clone()),
        }
    }

    /// Appends the bytes of a text.
    pub fn encode(&self, vm: &Vm, text: &Object<Str>, out: &mut Vec<u8>) -> PyResult<()> {
        match self {
            Encoder::Known(known, errors) => {
                if encode_plainly(*known, text, out) {
                    return Ok(());
                }
                let codecs = rspy_runtime::import::import_module(vm, "_codecs")?;
                let result =
                    vm.call_method_str(&codecs, known.functions().0, &[text.to_value(), errors.clone()])?;
                let bytes = result.downcast::<Tuple>().and_then(|result| result.items().first().cloned());
                append(vm, bytes.as_ref(), out)
            }
            Encoder::Object(object) => {
                let bytes = vm.call_method_str(object, "encode", &[text.to_value()])?;
                append(vm, Some(&bytes), out)
            }
        }
    }
}

fn append(vm: &Vm, bytes: Option<&Value>, out: &mut Vec<u8>) -> PyResult<()> {
    match bytes.and_then(|bytes| bytes.downcast::<Bytes>()) {
        Some(bytes) => {
            out.extend_from_slice(bytes.payload().as_slice());
            Ok(())
        }
        None => Err(vm.type_error(format!(
            "encoder should return a bytes object, not '{}'",
            bytes.map_or_else(|| "NoneType".to_owned(), |bytes| bytes.type_of().full_name())
        ))),
    }
}

/// Appends the bytes of a text if no character makes difficulties.
fn encode_plainly(known: Known, text: &Object<Str>, out: &mut Vec<u8>) -> bool {
    if text.is_ascii() {
        out.extend_from_slice(text.bytes());
        return true;
    }
    match known {
        Known::Ascii => false,
        Known::Latin1 if text.kind() == Kind::Latin1 => {
            out.extend_from_slice(text.bytes());
            true
        }
        Known::Latin1 => false,
        Known::Utf8 => {
            if paths::has_surrogates(text) {
                return false;
            }
            for c in text.characters().iter() {
                build::push_wtf8(out, c);
            }
            true
        }
    }
}

/// How bytes become text.
pub struct Decoder {
    inner: Inner,
    /// The translation of line endings, where there is one.
    pub newlines: Option<Newlines>,
}

enum Inner {
    Known { encoding: Known, errors: Value, pending: GilCell<Vec<u8>> },
    Object(Value),
}

impl Trace for Decoder {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        match &self.inner {
            Inner::Known { errors, .. } => visitor.value(errors),
            Inner::Object(object) => visitor.value(object),
        }
    }
}

/// The state of a decoder: undecoded bytes, and a number.
#[derive(Clone, Debug, Default)]
pub struct DecoderState {
    /// Bytes that wait for others to follow.
    pub pending: Vec<u8>,
    /// Flags, the lowest of which tells of a `\r` held back where line endings are translated.
    pub flags: i64,
}

impl Decoder {
    /// A decoder of a known encoding.
    pub fn known(encoding: Known, errors: Value, newlines: Option<Newlines>) -> Decoder {
        Decoder { inner: Inner::Known { encoding, errors, pending: GilCell::default() }, newlines }
    }

    /// A decoder of the registry.
    pub fn of_object(object: Value, newlines: Option<Newlines>) -> Decoder {
        Decoder { inner: Inner::Object(object), newlines }
    }

    /// The text of the next bytes.
    pub fn decode(&self, vm: &Vm, bytes: &[u8], last: bool) -> PyResult<Ref<Str>> {
        let text = match &self.inner {
            Inner::Known { encoding, errors, pending } => decode_known(vm, *encoding, errors, pending, bytes, last)?,
            Inner::Object(object) => {
                let arguments = [Bytes::new(bytes.to_vec()).into_value(), boolean(last)];
                let text = vm.call_method_str(object, "decode", &arguments)?;
                match text.downcast::<Str>() {
                    Some(text) => text.to_ref(),
                    None => {
                        return Err(vm.type_error(format!(
                            "decoder should return a string result, not '{}'",
                            text.type_of().full_name()
                        )));
                    }
                }
            }
        };
        Ok(match &self.newlines {
            Some(newlines) => newlines.decode(&text, last),
            None => text,
        })
    }

    /// Goes back to the start.
    pub fn reset(&self, vm: &Vm) -> PyResult<()> {
        if let Some(newlines) = &self.newlines {
            newlines.pending_cr.set(false);
            newlines.seen.set(0);
        }
        match &self.inner {
            Inner::Known { pending, .. } => {
                pending.borrow_mut().clear();
                Ok(())
            }
            Inner::Object(object) => vm.call_method_str(object, "reset", &[]).map(drop),
        }
    }

    /// The state.
    pub fn state(&self, vm: &Vm) -> PyResult<DecoderState> {
        let mut state = match &self.inner {
            Inner::Known { pending, .. } => DecoderState { pending: pending.get(), flags: 0 },
            Inner::Object(object) => {
                let state = vm.call_method_str(object, "getstate", &[])?;
                let Some([pending, flags]) = state.downcast::<Tuple>().map(|state| state.items()) else {
                    return Err(vm.type_error("illegal decoder state"));
                };
                let Some(bytes) = pending.downcast::<Bytes>() else {
                    return Err(vm.type_error(format!(
                        "illegal decoder state: the first item should be a bytes object, not '{}'",
                        pending.type_of().full_name()
                    )));
                };
                DecoderState {
                    pending: bytes.payload().as_slice().to_vec(),
                    flags: int::to_fixed(vm, flags, "long")?,
                }
            }
        };
        if let Some(newlines) = &self.newlines {
            state.flags = state.flags << 1 | i64::from(newlines.pending_cr.get());
        }
        Ok(state)
    }

    /// Goes to a state.
    pub fn set_state(&self, vm: &Vm, state: &DecoderState) -> PyResult<()> {
        let mut flags = state.flags;
        if let Some(newlines) = &self.newlines {
            newlines.pending_cr.set(flags & 1 != 0);
            flags >>= 1;
        }
        match &self.inner {
            Inner::Known { pending, .. } => {
                pending.borrow_mut().clone_from(&state.pending);
                Ok(())
            }
            Inner::Object(object) => {
                let state = [Bytes::new(state.pending.clone()).into_value(), int::new(flags)];
                vm.call_method_str(object, "setstate", &[Tuple::from_values(state).into_value()]).map(drop)
            }
        }
    }
}

fn decode_known(
    vm: &Vm,
    encoding: Known,
    errors: &Value,
    pending: &GilCell<Vec<u8>>,
    bytes: &[u8],
    last: bool,
) -> PyResult<Ref<Str>> {
    let joined;
    let bytes = if pending.borrow().is_empty() {
        bytes
    } else {
        joined = [&pending.borrow()[..], bytes].concat();
        &joined
    };
    if bytes.is_ascii() {
        pending.borrow_mut().clear();
        return Ok(build::from_ascii(bytes));
    }
    match encoding {
        Known::Latin1 => return Ok(build::from_characters(Characters::One(bytes))),
        Known::Ascii => {}
        Known::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => {
                pending.borrow_mut().clear();
                return Ok(Str::new(text));
            }
            Err(error) if error.error_len().is_none() && !last => {
                let (whole, rest) = bytes.split_at(error.valid_up_to());
                // The part is valid, as the error says.
                let text = Str::new(std::str::from_utf8(whole).unwrap_or_default());
                let rest = rest.to_vec();
                pending.set(rest);
                return Ok(text);
            }
            Err(_) => {}
        },
    }
    let codecs = rspy_runtime::import::import_module(vm, "_codecs")?;
    let mut arguments = vec![Bytes::new(bytes.to_vec()).into_value(), errors.clone()];
    if encoding == Known::Utf8 {
        arguments.push(boolean(last));
    }
    let result = vm.call_method_str(&codecs, encoding.functions().1, &arguments)?;
    let Some([text, consumed]) = result.downcast::<Tuple>().map(|result| result.items()) else {
        return Err(vm.type_error("decoder must return a tuple (object, integer)"));
    };
    let consumed = int::small_value(consumed).unwrap_or(0) as usize;
    let rest = bytes[consumed.min(bytes.len())..].to_vec();
    pending.set(rest);
    match text.downcast::<Str>() {
        Some(text) => Ok(text.to_ref()),
        None => Err(vm.type_error("decoder should return a string result")),
    }
}

/// The codec that a name means, checked to be one of texts.
pub fn lookup(vm: &Vm, encoding: &str, alternative: &str) -> PyResult {
    let codecs = rspy_runtime::import::import_module(vm, "_codecs")?;
    let info = vm.call_method_str(&codecs, "lookup", &[vm.new_str(encoding)])?;
    if let Some(is_text) = vm.get_attribute_optional(&info, &vm.intern("_is_text_encoding"))?
        && !vm.is_true(&is_text)?
    {
        return Err(vm.lookup_error(format!(
            "'{encoding}' is not a text encoding; use {alternative} to handle arbitrary codecs"
        )));
    }
    Ok(info)
}
