//! Whole texts through a codec, with what error handlers make of the rest.

use rspy_runtime::codecs::registry;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::codec::{Ahead, Codec, Decoded, Encoded, State};

const ILLEGAL: &str = "illegal multibyte sequence";
const INCOMPLETE: &str = "incomplete multibyte sequence";

/// What to do with what does not fit.
#[derive(Clone)]
pub enum Errors {
    /// Raise an error.
    Strict,
    /// Leave it out.
    Ignore,
    /// Put a question mark, or U+FFFD, in its place.
    Replace,
    /// Ask the registered handler of that name.
    Named(Ref<Str>),
}

impl Errors {
    /// By the handler's name.
    pub fn named(name: &Object<Str>) -> Errors {
        match name.as_ascii() {
            Some("strict") => Errors::Strict,
            Some("ignore") => Errors::Ignore,
            Some("replace") => Errors::Replace,
            _ => Errors::Named(name.to_ref()),
        }
    }

    /// The handler's name.
    pub fn name(&self, vm: &Vm) -> Value {
        match self {
            Errors::Strict => vm.new_str("strict"),
            Errors::Ignore => vm.new_str("ignore"),
            Errors::Replace => vm.new_str("replace"),
            Errors::Named(name) => name.to_value(),
        }
    }
}

/// How encoding ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// More text follows.
    Open,
    /// The text ends, the state stays.
    Flush,
    /// The text ends, and the state is led back to the beginning.
    Reset,
}

/// Writes a text; answers the bytes, and how many characters were written.
///
/// # Errors
/// `UnicodeEncodeError`, or what the handler raises.
pub fn encode(
    vm: &Vm,
    codec: &Codec,
    state: &mut State,
    text: &Object<Str>,
    errors: &Errors,
    end: End,
) -> PyResult<(Vec<u8>, usize)> {
    let mut out = Vec::new();
    let length = text.length();
    let mut at = 0;
    while at < length {
        let ahead = Ahead {
            first: text.char_at(at),
            second: (at + 1 < length).then(|| text.char_at(at + 1)),
            is_final: end != End::Open,
        };
        match codec.encode(state, ahead, &mut out) {
            Encoded::Characters(count) => at += count,
            Encoded::Unfinished => break,
            Encoded::Illegal => at = encode_otherwise(vm, codec, state, text, errors, at, &mut out)?,
        }
    }
    if end == End::Reset {
        codec.reset_encoder(state, &mut out);
    }
    Ok((out, at))
}

/// Writes what stands for a character that has no place in the encoding; answers where to go on.
fn encode_otherwise(
    vm: &Vm,
    codec: &Codec,
    state: &mut State,
    text: &Object<Str>,
    errors: &Errors,
    at: usize,
    out: &mut Vec<u8>,
) -> PyResult<usize> {
    let error = || vm.unicode_encode_error(codec.name, &text.as_value(), at, at + 1, ILLEGAL);
    match errors {
        Errors::Strict => Err(error()),
        Errors::Ignore => Ok(at + 1),
        Errors::Replace => {
            let mark = Ahead { first: u32::from(b'?'), second: None, is_final: true };
            if !matches!(codec.encode(state, mark, out), Encoded::Characters(_)) {
                out.push(b'?');
            }
            Ok(at + 1)
        }
        Errors::Named(name) => {
            let wrong = "encoding error handler must return (str, int) tuple";
            let (replacement, position) = call_handler(vm, name, &error(), wrong)?;
            if let Some(bytes) = replacement.downcast::<Bytes>() {
                out.extend_from_slice(bytes.as_slice());
            } else if let Some(replacement) = replacement.downcast::<Str>() {
                let (bytes, _) = encode(vm, codec, state, replacement, &Errors::Strict, End::Flush)?;
                out.extend(bytes);
            } else {
                return Err(vm.type_error(wrong));
            }
            place(vm, position, text.length())
        }
    }
}

/// Bytes being decoded.
pub struct Decoding<'a> {
    /// The thread.
    pub vm: &'a Vm,
    /// The codec.
    pub codec: &'static Codec,
    /// What to do with what does not fit.
    pub errors: &'a Errors,
    /// The text so far.
    pub out: StrBuilder,
}

impl Decoding<'_> {
    /// Decodes from a place on as much as is whole; answers where it stopped.
    ///
    /// # Errors
    /// `UnicodeDecodeError`, or what the handler raises.
    pub fn run(&mut self, state: &mut State, input: &[u8], start: usize) -> PyResult<usize> {
        let mut at = start;
        while at < input.len() {
            match self.codec.decode(state, &input[at..]) {
                Decoded::Characters(count, first, second) => {
                    self.out.push(first);
                    if let Some(second) = second {
                        self.out.push(second);
                    }
                    at += count;
                }
                Decoded::Nothing(count) => at += count,
                Decoded::Unfinished => break,
                Decoded::Illegal(count) => at = self.otherwise(input, at, at + count, ILLEGAL)?,
            }
        }
        Ok(at)
    }

    /// As [`run`](Self::run), to the end: what is not whole there is an error.
    ///
    /// # Errors
    /// `UnicodeDecodeError`, or what the handler raises.
    pub fn finish(&mut self, state: &mut State, input: &[u8]) -> PyResult<()> {
        let mut at = 0;
        while at < input.len() {
            at = self.run(state, input, at)?;
            if at < input.len() {
                at = self.incomplete(input, at)?;
            }
        }
        Ok(())
    }

    /// Handles bytes at the end that are not whole; answers where to go on.
    ///
    /// # Errors
    /// `UnicodeDecodeError`, or what the handler raises.
    pub fn incomplete(&mut self, input: &[u8], at: usize) -> PyResult<usize> {
        self.otherwise(input, at, input.len(), INCOMPLETE)
    }

    fn otherwise(&mut self, input: &[u8], start: usize, end: usize, reason: &str) -> PyResult<usize> {
        let vm = self.vm;
        let error = || {
            let object = Bytes::new(input).into_value();
            vm.unicode_decode_error(self.codec.name, &object, start, end, reason)
        };
        match self.errors {
            Errors::Strict => Err(error()),
            Errors::Ignore => Ok(end),
            Errors::Replace => {
                self.out.push(0xFFFD);
                Ok(end)
            }
            Errors::Named(name) => {
                let wrong = "decoding error handler must return (str, int) tuple";
                let (replacement, position) = call_handler(vm, name, &error(), wrong)?;
                match replacement.downcast::<Str>() {
                    Some(text) => self.out.push_object(text),
                    None => return Err(vm.type_error(wrong)),
                }
                place(vm, position, input.len())
            }
        }
    }
}

/// What a handler answers: the replacement, and where to go on.
fn call_handler(vm: &Vm, name: &Object<Str>, error: &Exception, wrong: &str) -> PyResult<(Value, i64)> {
    let handler = registry::lookup_error(vm, name)?;
    let answer = vm.call(&handler, std::slice::from_ref(error.value()))?;
    match answer.downcast::<Tuple>().map_or(&[][..], |answer| answer.payload().items()) {
        [replacement, position] if int::is_int(position) => {
            // Where it is not even a number of this size it is out of bounds anyway.
            Ok((replacement.clone(), int::small_value(position).unwrap_or(-1 - i64::from(u32::MAX))))
        }
        _ => Err(vm.type_error(wrong)),
    }
}

fn place(vm: &Vm, position: i64, length: usize) -> PyResult<usize> {
    let place = if position < 0 { position + length as i64 } else { position };
    match usize::try_from(place) {
        Ok(place) if place <= length => Ok(place),
        _ => Err(vm.index_error(format!("position {place} from error handler out of bounds"))),
    }
}
