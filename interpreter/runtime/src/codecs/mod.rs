//! Codecs: text to bytes and back, by the encodings that are built in and by those that search functions find.
//!
//! [`errors`] knows what to do where a character or a byte does not fit; the other files have an encoding or a
//! family of them each, as plain functions over text and bytes.

pub mod charmap;
pub mod errors;
pub mod escape;
mod handlers;
pub mod module;
pub mod registry;
pub mod single;
pub mod utf16;
pub mod utf7;
pub mod utf8;

pub use module::MODULE;
pub use registry::{Registry, decode_bytes, encode_text};

use crate::exceptions::PyResult;
use crate::object::{Object, Ref};
use crate::types::bytes::Bytes;
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::value::Value;
use crate::vm::Vm;
use errors::{Errors, Replacement};

/// Bytes being made from a text.
pub struct Encoding<'a> {
    /// The thread.
    pub vm: &'a Vm,
    /// The encoding as errors name it.
    pub name: &'a str,
    /// What to do with characters that do not fit.
    pub errors: &'a Errors,
    /// The text.
    pub text: &'a Object<Str>,
    /// The bytes made so far.
    pub out: Vec<u8>,
}

impl<'a> Encoding<'a> {
    /// Nothing done yet.
    pub fn new(vm: &'a Vm, name: &'a str, errors: &'a Errors, text: &'a Object<Str>) -> Self {
        Encoding { vm, name, errors, text, out: Vec::with_capacity(text.length()) }
    }

    /// Handles characters that do not fit; answers where to go on. `encode` encodes a character of a replacement,
    /// and answers whether it could.
    ///
    /// # Errors
    /// `UnicodeEncodeError`, or what the handler raises.
    pub fn fail(
        &mut self,
        start: usize,
        end: usize,
        reason: &str,
        mut encode: impl FnMut(&mut Vec<u8>, u32) -> bool,
    ) -> PyResult<usize> {
        let (replacement, next) = self.errors.encoding(self.vm, self.name, self.text, start, end, reason)?;
        match replacement {
            Replacement::Bytes(bytes) => self.out.extend(bytes),
            Replacement::Text(text) => {
                for c in text.characters().iter() {
                    if !encode(&mut self.out, c) {
                        return Err(self.vm.unicode_encode_error(
                            self.name,
                            &self.text.as_value(),
                            start,
                            end,
                            reason,
                        ));
                    }
                }
            }
        }
        Ok(next)
    }
}

/// The bytes that are decoded: a handler of errors may replace them on the way.
#[derive(Clone)]
pub enum Input<'a> {
    /// Those that decoding began with.
    Given(&'a [u8]),
    /// What a handler made the `object` of its exception.
    Replaced(Ref<Bytes>),
}

impl std::ops::Deref for Input<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Input::Given(bytes) => bytes,
            Input::Replaced(bytes) => bytes.as_slice(),
        }
    }
}

/// A text being made from bytes.
pub struct Decoding<'a> {
    /// The thread.
    pub vm: &'a Vm,
    /// The encoding as errors name it.
    pub name: &'a str,
    /// What to do with bytes that do not fit.
    pub errors: &'a Errors,
    /// The text made so far.
    pub out: StrBuilder,
}

impl<'a> Decoding<'a> {
    /// Nothing done yet.
    pub fn new(vm: &'a Vm, name: &'a str, errors: &'a Errors, input: &[u8]) -> Self {
        Decoding { vm, name, errors, out: StrBuilder::with_capacity(input.len()) }
    }

    /// Handles bytes that do not fit; answers where to go on in the input, which may be another from now on.
    ///
    /// # Errors
    /// `UnicodeDecodeError`, or what the handler raises.
    pub fn fail(&mut self, start: usize, end: usize, reason: &str, input: &mut Input<'_>) -> PyResult<usize> {
        let handled = self.errors.decoding(self.vm, self.name, input, start, end, reason)?;
        self.out.push_object(&handled.text);
        if let Some(replaced) = handled.replaced {
            *input = Input::Replaced(replaced);
        }
        Ok(handled.next)
    }
}

/// What an incremental decoder answers: the text, and how many bytes it used.
pub type Decoded = (Ref<Str>, usize);

impl Vm {
    /// A path as the operating system has it: UTF-8, with undecodable bytes as they were.
    ///
    /// # Errors
    /// `UnicodeEncodeError` for surrogates that stand for no bytes.
    pub fn fs_encode(&self, text: &Object<Str>) -> PyResult<Vec<u8>> {
        utf8::encode(self, text, &Errors::surrogateescape())
    }

    /// The text of a path from the operating system; bytes that are no UTF-8 become lone surrogates.
    pub fn fs_decode(&self, bytes: &[u8]) -> Ref<Str> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Str::new(text);
        }
        match utf8::decode(self, bytes, &Errors::surrogateescape(), true) {
            Ok((text, _)) => text,
            Err(_) => Str::new(&String::from_utf8_lossy(bytes)),
        }
    }

    /// The text of UTF-8 bytes.
    ///
    /// # Errors
    /// `UnicodeDecodeError` where they are none.
    pub fn decode_utf8(&self, bytes: &[u8]) -> PyResult<Ref<Str>> {
        utf8::decode(self, bytes, &Errors::strict(), true).map(|(text, _)| text)
    }

    /// The UTF-8 bytes of a text.
    ///
    /// # Errors
    /// `UnicodeEncodeError` for lone surrogates.
    pub fn encode_utf8(&self, text: &Object<Str>) -> PyResult<Ref<Bytes>> {
        utf8::encode(self, text, &Errors::strict()).map(Bytes::new)
    }
}

/// The name of an error handler, `strict` where none is given.
pub(crate) fn handler_name(errors: Option<&Value>) -> Errors {
    match errors.and_then(|errors| errors.downcast::<Str>()) {
        Some(name) => Errors::named(name),
        None => Errors::strict(),
    }
}
