//! `MultibyteIncrementalEncoder` and `MultibyteIncrementalDecoder`: texts in pieces.

use std::cell::Cell;

use num_bigint::{BigInt, Sign};
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::BufferView;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::{self, StrBuilder};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::codec::{Codec, State};
use super::coding::{self, Decoding, End, Errors};
use super::{MultibyteCodec, as_text};

/// Most characters that wait for what follows them.
const MOST_CHARACTERS: usize = 2;
/// Most bytes that do.
const MOST_BYTES: usize = 8;

/// The codec that a class has as its attribute `codec`.
pub fn codec_of_class(vm: &Vm, class: &TypeObject) -> PyResult<&'static Codec> {
    let codec = vm.get_attribute_str(&class.to_value(), "codec")?;
    match codec.downcast_exact::<MultibyteCodec>() {
        Some(codec) => Ok(codec.codec),
        None => Err(vm.type_error("codec is unexpected type")),
    }
}

/// The error handling that the constructor's argument names.
pub fn errors_of_new(vm: &Vm, function: &str, position: usize, errors: Option<&Value>) -> PyResult<Errors> {
    let Some(errors) = errors else { return Ok(Errors::Strict) };
    match errors.downcast::<Str>() {
        Some(name) => Ok(Errors::named(name)),
        None => {
            let found = if rspy_runtime::types::none::is_none(errors) {
                "None".to_owned()
            } else {
                errors.type_of().full_name()
            };
            Err(vm.type_error(format!("{function}() argument {position} must be str, not {found}")))
        }
    }
}

/// The attribute `errors`.
pub struct ErrorsAttribute(GilCell<Errors>);

impl ErrorsAttribute {
    /// Holds what was asked for.
    pub fn new(errors: Errors) -> Self {
        ErrorsAttribute(GilCell::new(errors))
    }

    /// What to do.
    pub fn get(&self) -> Errors {
        self.0.borrow().clone()
    }

    /// Sets it by name.
    ///
    /// # Errors
    /// `TypeError` for anything but a string, `AttributeError` where it is deleted.
    pub fn set(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.bare_attribute_error("cannot delete attribute")) };
        let Some(name) = value.downcast::<Str>() else { return Err(vm.type_error("errors must be a string")) };
        self.0.set(Errors::named(name));
        Ok(())
    }
}

/// An encoder between two pieces of text.
pub struct Encoder {
    /// The codec.
    pub codec: &'static Codec,
    /// What it remembers.
    pub state: Cell<State>,
    /// What to do with what does not fit.
    pub errors: ErrorsAttribute,
    /// Characters that wait for those behind them.
    pub pending: GilCell<Option<Ref<Str>>>,
}

impl Encoder {
    /// At the beginning of a text.
    pub fn new(codec: &'static Codec, errors: Errors) -> Self {
        Encoder {
            codec,
            state: Cell::new(codec.initial()),
            errors: ErrorsAttribute::new(errors),
            pending: GilCell::default(),
        }
    }

    /// Writes the next piece.
    ///
    /// # Errors
    /// `UnicodeEncodeError`, or what the handler raises; what waited goes on waiting then.
    pub fn encode(&self, vm: &Vm, input: &Value, is_final: bool) -> PyResult<Vec<u8>> {
        let text = as_text(vm, input)?;
        let text = match self.pending.get() {
            Some(pending) => build::concat(&pending, &text),
            None => text,
        };
        let end = if is_final { End::Reset } else { End::Open };
        let mut state = self.state.get();
        let outcome = coding::encode(vm, self.codec, &mut state, &text, &self.errors.get(), end);
        self.state.set(state);
        let (bytes, used) = outcome?;
        let rest = text.length() - used;
        if rest > MOST_CHARACTERS {
            return Err(vm.unicode_error("pending buffer overflow"));
        }
        self.pending.set((rest > 0).then(|| text.slice(used, text.length())));
        Ok(bytes)
    }
}

#[pyclass(name = "MultibyteIncrementalEncoder", module = "_multibytecodec", subclassable)]
pub struct MultibyteIncrementalEncoder {
    encoder: Encoder,
}

#[pymethods]
impl MultibyteIncrementalEncoder {
    #[new("IncrementalEncoder(errors='strict')")]
    fn new(vm: &Vm, cls: &TypeObject, errors: Option<Value>) -> PyResult {
        let errors = errors_of_new(vm, "IncrementalEncoder", 1, errors.as_ref())?;
        let encoder = Encoder::new(codec_of_class(vm, cls)?, errors);
        Ok(Object::with_type(cls, MultibyteIncrementalEncoder { encoder }).into_value())
    }

    #[slot(init)]
    fn init(_this: &Value, _vm: &Vm, _args: &[Value], _names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult<()> {
        Ok(())
    }

    #[method("encode(self, /, input, final=False)")]
    fn encode(&self, vm: &Vm, input: &Value, is_final: bool) -> PyResult {
        self.encoder.encode(vm, input, is_final).map(|bytes| Bytes::new(bytes).into_value())
    }

    #[method("getstate(self, /)")]
    fn getstate(&self, vm: &Vm) -> PyResult {
        let pending = self.encoder.pending.get();
        let text = match &pending {
            Some(pending) => pending.to_utf8(vm)?.into_owned(),
            None => String::new(),
        };
        let mut bytes = vec![text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend(self.encoder.state.get());
        Ok(int::from_big(BigInt::from_bytes_le(Sign::Plus, &bytes)))
    }

    #[method("setstate(self, state, /)")]
    fn setstate(&self, vm: &Vm, state: &Value) -> PyResult<()> {
        if !int::is_int(state) {
            return Err(vm.type_error(format!(
                "setstate() argument must be int, not {}",
                state.type_of().full_name()
            )));
        }
        let bytes = state_bytes(vm, state, 1 + 4 * MOST_CHARACTERS + size_of::<State>())?;
        let length = usize::from(bytes[0]);
        if length > 4 * MOST_CHARACTERS {
            return Err(vm.unicode_error("pending buffer too large"));
        }
        let pending = vm.decode_utf8(&bytes[1..=length])?;
        let mut state = State::default();
        state.copy_from_slice(&bytes[1 + length..1 + length + size_of::<State>()]);
        self.encoder.state.set(state);
        self.encoder.pending.set((length > 0).then_some(pending));
        Ok(())
    }

    #[method("reset(self, /)")]
    fn reset(&self) {
        let mut state = self.encoder.state.get();
        self.encoder.codec.reset_encoder(&mut state, &mut Vec::new());
        self.encoder.state.set(state);
        self.encoder.pending.set(None);
    }

    /// how to treat errors
    #[getter("errors")]
    fn errors(&self, vm: &Vm) -> Value {
        self.encoder.errors.get().name(vm)
    }

    #[setter("errors")]
    fn set_errors(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.encoder.errors.set(vm, value)
    }
}

/// The bytes of a state that is given as a number, lowest first.
fn state_bytes(vm: &Vm, state: &Value, room: usize) -> PyResult<Vec<u8>> {
    let number = int::to_big(vm, state)?;
    if number.sign() == Sign::Minus {
        return Err(vm.overflow_error("can't convert negative int to unsigned"));
    }
    let (_, mut bytes) = number.to_bytes_le();
    if bytes.len() > room {
        return Err(vm.overflow_error("int too big to convert"));
    }
    bytes.resize(room, 0);
    Ok(bytes)
}

/// A decoder between two pieces of bytes.
pub struct Decoder {
    /// The codec.
    pub codec: &'static Codec,
    /// What it remembers.
    pub state: Cell<State>,
    /// What to do with what does not fit.
    pub errors: ErrorsAttribute,
    /// Bytes that wait for those behind them.
    pub pending: GilCell<Vec<u8>>,
}

impl Decoder {
    /// At the beginning of a text.
    pub fn new(codec: &'static Codec, errors: Errors) -> Self {
        Decoder {
            codec,
            state: Cell::new(codec.initial_decoder()),
            errors: ErrorsAttribute::new(errors),
            pending: GilCell::default(),
        }
    }

    /// Reads the next piece onto a text; at the end, bytes that are not whole are an error.
    ///
    /// # Errors
    /// `UnicodeDecodeError`, or what the handler raises.
    pub fn feed(&self, vm: &Vm, piece: &[u8], is_final: bool, out: StrBuilder) -> PyResult<StrBuilder> {
        let mut input = self.pending.take();
        let waiting = input.clone();
        input.extend_from_slice(piece);
        let errors = self.errors.get();
        let mut decoding = Decoding { vm, codec: self.codec, errors: &errors, out };
        let mut state = self.state.get();
        let outcome = decoding.run(&mut state, &input, 0);
        self.state.set(state);
        let mut at = outcome?;
        if is_final && at < input.len() {
            at = match decoding.incomplete(&input, at) {
                Ok(at) => at,
                Err(error) => {
                    self.pending.set(waiting);
                    return Err(error);
                }
            };
        }
        if input.len() - at > MOST_BYTES {
            return Err(vm.unicode_error("pending buffer overflow"));
        }
        self.pending.set(input[at..].to_vec());
        Ok(decoding.out)
    }

    /// Back to the beginning of a text.
    pub fn reset(&self) {
        let mut state = self.state.get();
        self.codec.reset_decoder(&mut state);
        self.state.set(state);
        self.pending.set(Vec::new());
    }
}

#[pyclass(name = "MultibyteIncrementalDecoder", module = "_multibytecodec", subclassable)]
pub struct MultibyteIncrementalDecoder {
    decoder: Decoder,
}

#[pymethods]
impl MultibyteIncrementalDecoder {
    #[new("IncrementalDecoder(errors='strict')")]
    fn new(vm: &Vm, cls: &TypeObject, errors: Option<Value>) -> PyResult {
        let errors = errors_of_new(vm, "IncrementalDecoder", 1, errors.as_ref())?;
        let decoder = Decoder::new(codec_of_class(vm, cls)?, errors);
        Ok(Object::with_type(cls, MultibyteIncrementalDecoder { decoder }).into_value())
    }

    #[slot(init)]
    fn init(_this: &Value, _vm: &Vm, _args: &[Value], _names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult<()> {
        Ok(())
    }

    #[method("decode(self, /, input, final=False)")]
    fn decode(&self, vm: &Vm, input: BufferView, is_final: bool) -> PyResult {
        let piece = input.to_vec();
        Ok(self.decoder.feed(vm, &piece, is_final, StrBuilder::new())?.finish().into_value())
    }

    #[method("getstate(self, /)")]
    fn getstate(&self) -> (Value, Value) {
        let pending = Bytes::new(self.decoder.pending.borrow().clone()).into_value();
        (pending, int::from_big(BigInt::from_bytes_le(Sign::Plus, &self.decoder.state.get())))
    }

    #[method("setstate(self, state, /)")]
    fn setstate(&self, vm: &Vm, state: &Value) -> PyResult<()> {
        let Some(parts) = state.downcast::<Tuple>() else {
            return Err(vm.type_error(format!(
                "setstate() argument must be tuple, not {}",
                state.type_of().full_name()
            )));
        };
        let illegal = || vm.type_error("setstate(): illegal state argument");
        let [pending, number] = parts.payload().items() else { return Err(illegal()) };
        let Some(pending) = pending.downcast::<Bytes>().filter(|_| int::is_int(number)) else {
            return Err(illegal());
        };
        let bytes = state_bytes(vm, number, size_of::<State>())?;
        if pending.len() > MOST_BYTES {
            let reason = "pending buffer too large";
            let object = pending.to_value();
            return Err(vm.unicode_decode_error(self.decoder.codec.name, &object, 0, pending.len(), reason));
        }
        let mut state = State::default();
        state.copy_from_slice(&bytes);
        self.decoder.state.set(state);
        self.decoder.pending.set(pending.as_slice().to_vec());
        Ok(())
    }

    #[method("reset(self, /)")]
    fn reset(&self) {
        self.decoder.reset();
    }

    /// how to treat errors
    #[getter("errors")]
    fn errors(&self, vm: &Vm) -> Value {
        self.decoder.errors.get().name(vm)
    }

    #[setter("errors")]
    fn set_errors(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.decoder.errors.set(vm, value)
    }
}
