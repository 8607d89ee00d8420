//! `_multibytecodec` and the modules that hand out its codecs: the encodings of Chinese, Japanese and Korean.
//!
//! [`codec`] says what a codec does with one character, [`iso2022`] has those with escape sequences, [`tables`] the
//! mappings; [`coding`] takes whole texts through a codec, [`incremental`] and [`stream`] texts in pieces.

mod codec;
mod coding;
mod incremental;
mod iso2022;
mod stream;
mod tables;

pub mod providers;

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::buffer::BufferView;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::capsule::Capsule;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use codec::Codec;
use coding::{Decoding, End, Errors};
use incremental::{MultibyteIncrementalDecoder, MultibyteIncrementalEncoder};
use stream::{MultibyteStreamReader, MultibyteStreamWriter};

native_module! {
    name: "_multibytecodec",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [
        MultibyteIncrementalEncoder, MultibyteIncrementalDecoder, MultibyteStreamReader, MultibyteStreamWriter,
    ],
    execute: |_, _| Ok(()),
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    #[function("__create_codec(arg, /)")]
    fn create_codec(vm: &Vm, arg: &Value) -> PyResult {
        match arg.downcast::<Capsule>().and_then(|capsule| capsule.contents::<&'static Codec>()) {
            Some(codec) => Ok(MultibyteCodec::new(vm, codec).into_value()),
            None => Err(vm.value_error("argument type invalid")),
        }
    }
}

#[pyclass(name = "MultibyteCodec", module = "_multibytecodec", no_new)]
pub struct MultibyteCodec {
    codec: &'static Codec,
}

impl MultibyteCodec {
    fn new(vm: &Vm, codec: &'static Codec) -> Ref<MultibyteCodec> {
        Self::static_type().ready(vm);
        Object::new(MultibyteCodec { codec })
    }
}

/// The text that something is as `str()`.
fn as_text(vm: &Vm, input: &Value) -> PyResult<Ref<Str>> {
    match input.downcast::<Str>() {
        Some(text) => Ok(text.to_ref()),
        None => vm.str(input),
    }
}

/// The error handling that a method's argument asks for.
fn errors_argument(vm: &Vm, function: &str, errors: Option<&Value>) -> PyResult<Errors> {
    let Some(errors) = errors else { return Ok(Errors::Strict) };
    match errors.downcast::<Str>() {
        Some(name) => Ok(Errors::named(name)),
        None => Err(vm.type_error(format!(
            "{function}() argument 'errors' must be str or None, not {}",
            errors.type_of().full_name()
        ))),
    }
}

#[pymethods]
impl MultibyteCodec {
    /// Write the text `input` in the encoding.
    ///
    /// What `errors` names says what becomes of characters without a place in it. By default they raise a
    /// UnicodeEncodeError; 'ignore', 'replace', 'xmlcharrefreplace' and every other name that codecs.register_error
    /// knows for encoding are possible, too.
    #[method("encode(self, /, input, errors=None)")]
    fn encode(&self, vm: &Vm, input: &Value, errors: Option<&Value>) -> PyResult<(Value, usize)> {
        let errors = errors_argument(vm, "encode", errors)?;
        let text = as_text(vm, input)?;
        let mut state = self.codec.initial();
        let (bytes, _) = coding::encode(vm, self.codec, &mut state, &text, &errors, End::Reset)?;
        Ok((Bytes::new(bytes).into_value(), text.length()))
    }

    /// Read the bytes `input` as text in the encoding.
    ///
    /// What `errors` names says what becomes of bytes that mean nothing. By default they raise a UnicodeDecodeError;
    /// 'ignore', 'replace' and every other name that codecs.register_error knows for decoding are possible, too.
    #[method("decode(self, /, input, errors=None)")]
    fn decode(&self, vm: &Vm, input: BufferView, errors: Option<&Value>) -> PyResult<(Value, usize)> {
        let errors = errors_argument(vm, "decode", errors)?;
        let input = input.to_vec();
        let mut state = self.codec.initial_decoder();
        let mut decoding = Decoding { vm, codec: self.codec, errors: &errors, out: StrBuilder::new() };
        decoding.finish(&mut state, &input)?;
        Ok((decoding.out.finish().into_value(), input.len()))
    }
}
