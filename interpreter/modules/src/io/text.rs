//! `TextIOWrapper`: text over a buffered stream of bytes.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{PyResult, hierarchy};
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::base::{TextIOBase, cannot_pickle, finalize_stream, is_closed, shown_name, size_argument};
use super::buffered::BufferedReader;
use super::buffered_random::BufferedRandom;
use super::buffered_writer::BufferedWriter;
use super::newline::{LineEnding, Newlines, line_end, replace_line_feeds};
use super::text_codec::{Decoder, DecoderState, Encoder, Known, lookup};
use super::unsupported;

/// Character and line based layer over a BufferedIOBase object, buffer.
///
/// encoding gives the name of the encoding that the stream will be decoded or encoded with. errors determines the
/// strictness of encoding and decoding. newline controls how line endings are handled.
#[pyclass(
    name = "TextIOWrapper", hides_new, hides_del, module = "_io", extends = TextIOBase, tracked, subclassable,
    signature = "(buffer, encoding=None, errors=None, newline=None,\\n              line_buffering=False, write_through=False)",
    methods(POSITION_METHODS)
)]
#[repr(C)]
pub struct TextIOWrapper {
    base: TextIOBase,
    pub(super) buffer: GilCell<Option<Value>>,
    detached: Cell<bool>,
    ready: Cell<bool>,
    encoding: GilCell<Option<Value>>,
    errors: GilCell<Option<Value>>,
    pub(super) encoder: GilCell<Option<Encoder>>,
    pub(super) decoder: GilCell<Option<SharedDecoder>>,
    #[untraced]
    newline: GilCell<Newline>,
    line_buffering: Cell<bool>,
    write_through: Cell<bool>,
    finalizing: Cell<bool>,
    pub(super) seekable: Cell<bool>,
    /// Whether position can be told: not while lines are being iterated over.
    pub(super) telling: Cell<bool>,
    chunk_size: Cell<usize>,
    /// Encoded and not handed on yet.
    #[untraced]
    pub(super) pending: GilCell<Vec<u8>>,
    /// Decoded, and how many characters of it have been taken.
    pub(super) decoded: GilCell<Option<Ref<Str>>>,
    pub(super) taken: Cell<usize>,
    /// The decoder's state before the last chunk, and the chunk with what was pending before it.
    #[untraced]
    pub(super) snapshot: GilCell<Option<(i64, Vec<u8>)>>,
    /// Bytes a character of the last chunk, to guess positions with.
    pub(super) bytes_per_character: Cell<f64>,
    /// Whether the last piece of an unfinished line ended with `\r`.
    last_is_cr: Cell<bool>,
}

/// A decoder that is in use while the stream may get another.
#[derive(Clone)]
pub(super) struct SharedDecoder(std::rc::Rc<Decoder>);

impl rspy_runtime::gc::Trace for SharedDecoder {
    fn trace(&self, visitor: &mut rspy_runtime::gc::Visitor<'_>) {
        self.0.trace(visitor);
    }
}

impl std::ops::Deref for SharedDecoder {
    type Target = Decoder;
    fn deref(&self) -> &Decoder {
        &self.0
    }
}

/// How line endings are handled.
#[derive(Clone, Default)]
struct Newline {
    /// The argument `newline`.
    given: Option<String>,
}

impl Newline {
    fn is_universal(&self) -> bool {
        self.given.as_deref().is_none_or(str::is_empty)
    }

    fn translates(&self) -> bool {
        self.given.is_none()
    }

    fn written(&self) -> Option<&'static str> {
        match self.given.as_deref() {
            Some("\r") => Some("\r"),
            Some("\r\n") => Some("\r\n"),
            _ => None,
        }
    }

    fn ending(&self) -> LineEnding {
        match self.given.as_deref() {
            Some("") => LineEnding::Any,
            Some("\r") => LineEnding::CarriageReturn,
            Some("\r\n") => LineEnding::Both,
            _ => LineEnding::LineFeed,
        }
    }

    fn parse(vm: &Vm, newline: &Value) -> PyResult<Newline> {
        if is_none(newline) {
            return Ok(Newline { given: None });
        }
        let Some(text) = newline.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "TextIOWrapper() argument 'newline' must be str or None, not {}",
                newline.type_of().full_name()
            )));
        };
        let given = text.to_string_lossy().into_owned();
        if !matches!(given.as_str(), "" | "\n" | "\r" | "\r\n") {
            return Err(vm.value_error(format!("illegal newline value: {given}")));
        }
        Ok(Newline { given: Some(given) })
    }
}

impl TextIOWrapper {
    pub(super) fn check_ready(&self, vm: &Vm) -> PyResult {
        if self.ready.get()
            && let Some(buffer) = self.buffer.get()
        {
            return Ok(buffer);
        }
        Err(vm.value_error(if self.detached.get() {
            "underlying buffer has been detached"
        } else {
            "I/O operation on uninitialized object"
        }))
    }

    pub(super) fn check_open(&self, vm: &Vm) -> PyResult {
        let buffer = self.check_ready(vm)?;
        if self.buffer_is_closed(vm, &buffer)? {
            return Err(vm.value_error("I/O operation on closed file."));
        }
        Ok(buffer)
    }

    fn buffer_is_closed(&self, vm: &Vm, buffer: &Value) -> PyResult<bool> {
        if let Some(writer) = buffer.downcast_exact::<BufferedWriter>() {
            return writer.buffered.is_closed(vm);
        }
        if let Some(reader) = buffer.downcast_exact::<BufferedReader>() {
            return reader.buffered.is_closed(vm);
        }
        is_closed(vm, buffer)
    }

    fn errors_value(&self, vm: &Vm) -> Value {
        self.errors.get().unwrap_or_else(|| vm.new_str("strict"))
    }

    fn encoding_text(&self) -> String {
        let encoding = self.encoding.borrow();
        encoding
            .as_ref()
            .and_then(|encoding| encoding.downcast::<Str>())
            .map(|text| text.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// Makes encoder and decoder, as far as the buffer can be written and read.
    fn set_codec(&self, vm: &Vm, buffer: &Value) -> PyResult<()> {
        let encoding = self.encoding_text();
        let errors = self.errors_value(vm);
        let known = Known::of(&encoding);
        let info = match known {
            Some(_) => None,
            None => Some(lookup(vm, &encoding, "codecs.open()")?),
        };
        let decoder = if vm.is_true(&vm.call_method_str(buffer, "readable", &[])?)? {
            let newline = self.newline.get();
            let newlines = newline.is_universal().then(|| Newlines::new(newline.translates()));
            Some(SharedDecoder(std::rc::Rc::new(match (known, &info) {
                (Some(known), _) => Decoder::known(known, errors.clone(), newlines),
                (None, info) => {
                    let info = info.clone().unwrap_or_else(none);
                    let object = vm.call_method_str(&info, "incrementaldecoder", std::slice::from_ref(&errors))?;
                    Decoder::of_object(object, newlines)
                }
            })))
        } else {
            None
        };
        let encoder = if vm.is_true(&vm.call_method_str(buffer, "writable", &[])?)? {
            Some(match (known, &info) {
                (Some(known), _) => Encoder::Known(known, errors),
                (None, info) => {
                    let info = info.clone().unwrap_or_else(none);
                    let object = vm.call_method_str(&info, "incrementalencoder", std::slice::from_ref(&errors))?;
                    Encoder::Object(object)
                }
            })
        } else {
            None
        };
        self.decoder.set(decoder);
        self.encoder.set(encoder);
        Ok(())
    }

    /// An encoder that writes a mark at the start must not write one in the middle of a file.
    fn fix_encoder(&self, vm: &Vm, buffer: &Value) -> PyResult<()> {
        if !self.seekable.get() {
            return Ok(());
        }
        let Some(Encoder::Object(encoder)) = self.encoder.borrow().as_ref().map(Encoder::share) else {
            return Ok(());
        };
        let position = vm.call_method_str(buffer, "tell", &[])?;
        if !vm.equal(&position, &Value::int(0))? {
            vm.call_method_str(&encoder, "setstate", &[Value::int(0)])?;
        }
        Ok(())
    }

    /// Hands what is encoded on to the buffer.
    pub(super) fn hand_on(&self, vm: &Vm, buffer: &Value) -> PyResult<()> {
        if self.pending.borrow().is_empty() {
            return Ok(());
        }
        let bytes = self.pending.take();
        // What cannot be handed on is lost here, as in CPython; whoever wrote it gets the error.
        if buffer.downcast_exact::<BufferedWriter>().is_some() {
            BufferedWriter::write_bytes(vm, buffer, &bytes).map(drop)
        } else if buffer.downcast_exact::<BufferedRandom>().is_some() {
            BufferedRandom::write_bytes(vm, buffer, &bytes).map(drop)
        } else {
            vm.call_method_str(buffer, "write", &[Bytes::new(bytes).into_value()]).map(drop)
        }
    }

    /// Forgets decoded text.
    pub(super) fn forget_decoded(&self) {
        self.decoded.set(None);
        self.taken.set(0);
    }

    pub(super) fn set_decoded(&self, text: Ref<Str>) {
        self.decoded.set(Some(text));
        self.taken.set(0);
    }

    /// How many decoded characters there are.
    fn available(&self) -> usize {
        self.decoded.borrow().as_ref().map_or(0, |text| text.length() - self.taken.get())
    }

    /// Takes decoded characters, at most so many.
    fn take(&self, most: usize) -> Ref<Str> {
        let Some(text) = self.decoded.get() else { return Str::empty() };
        let start = self.taken.get();
        let end = start.saturating_add(most).min(text.length());
        self.taken.set(end);
        text.slice(start, end)
    }

    fn require_decoder(&self, vm: &Vm) -> PyResult<SharedDecoder> {
        self.decoder.get().ok_or_else(|| unsupported(vm, "not readable"))
    }

    /// Reads and decodes the next chunk; answers no at the end.
    fn read_chunk(&self, vm: &Vm, buffer: &Value, hint: usize) -> PyResult<bool> {
        let decoder = self.require_decoder(vm)?;
        let before = if self.telling.get() { Some(decoder.state(vm)?) } else { None };
        let size = if hint > 0 {
            ((hint as f64 * self.bytes_per_character.get().max(1.0)) as usize).max(self.chunk_size.get())
        } else {
            self.chunk_size.get()
        };
        let has_read1 = buffer.downcast_exact::<BufferedReader>().is_some()
            || vm.get_attribute_optional(buffer, &vm.intern("read1"))?.is_some();
        let method = if has_read1 { "read1" } else { "read" };
        let chunk = vm.call_method_str(buffer, method, &[int::new(size as i64)])?;
        let view = match chunk.downcast::<Bytes>() {
            Some(_) => None,
            None => Some(rspy_runtime::buffer::view(vm, &chunk).map_err(|_| {
                vm.type_error(format!(
                    "underlying {method}() should have returned a bytes-like object, not '{}'",
                    chunk.type_of().full_name()
                ))
            })?),
        };
        let bytes: &[u8] = match (&view, chunk.downcast::<Bytes>()) {
            (Some(view), _) => view.as_slice(),
            (None, Some(bytes)) => bytes.payload().as_slice(),
            (None, None) => &[],
        };
        let at_end = bytes.is_empty();
        let text = decoder.decode(vm, bytes, at_end)?;
        let length = text.length();
        self.bytes_per_character.set(if length > 0 { bytes.len() as f64 / length as f64 } else { 0.0 });
        if let Some(DecoderState { pending, flags }) = before {
            self.snapshot.set(Some((flags, [&pending, bytes].concat())));
        }
        self.set_decoded(text);
        Ok(!at_end || length > 0)
    }

    fn read_all(&self, vm: &Vm, buffer: &Value) -> PyResult<Ref<Str>> {
        let decoder = self.require_decoder(vm)?;
        let bytes = vm.call_method_str(buffer, "read", &[])?;
        if is_none(&bytes) {
            return Err(vm.exception_with_args(
                rspy_runtime::exceptions::os_error::BlockingIOError::static_type(),
                &[
                    Value::int(rspy_runtime::host::c::EAGAIN),
                    vm.new_str("Read returned None."),
                ],
            ));
        }
        let view = rspy_runtime::buffer::view(vm, &bytes)?;
        let rest = decoder.decode(vm, view.as_slice(), true)?;
        let first = self.take(usize::MAX);
        self.snapshot.set(None);
        self.forget_decoded();
        if first.length() == 0 {
            return Ok(rest);
        }
        Ok(rspy_runtime::types::string::build::concat(&first, &rest))
    }

    fn read_line(&self, vm: &Vm, buffer: &Value, most: Option<usize>) -> PyResult<Ref<Str>> {
        self.hand_on(vm, buffer)?;
        self.require_decoder(vm)?;
        let newline = self.newline.get();
        let ending = newline.ending();
        let mut parts: Option<StrBuilder> = None;
        let mut length = 0;
        loop {
            while self.available() == 0 {
                if !self.read_chunk(vm, buffer, 0)? {
                    self.forget_decoded();
                    self.snapshot.set(None);
                    return Ok(parts.map_or_else(Str::empty, StrBuilder::finish));
                }
            }
            let Some(text) = self.decoded.get() else { continue };
            let start = self.taken.get();
            let characters = text.characters();
            // A line ending of two characters may be split between chunks.
            let split = parts.is_some()
                && newline.given.as_deref() == Some("\r\n")
                && self.last_is_cr.get()
                && characters.get(start) == u32::from(b'\n');
            let end = if split { Some(start + 1) } else { line_end(characters, start, &ending) };
            let limit = most.map_or(usize::MAX, |most| start.saturating_add(most - length));
            let (end, done) = match end {
                Some(end) if end <= limit => (end, true),
                _ if text.length() >= limit => (limit, true),
                _ => (text.length(), false),
            };
            let piece = text.slice(start, end);
            self.taken.set(end);
            length += piece.length();
            if done && parts.is_none() {
                return Ok(piece);
            }
            let built = parts.get_or_insert_default();
            built.push_object(&piece);
            self.last_is_cr.set(piece.length() > 0 && piece.char_at(piece.length() - 1) == u32::from(b'\r'));
            if done {
                return Ok(parts.map_or_else(Str::empty, StrBuilder::finish));
            }
        }
    }

    fn write_text(&self, vm: &Vm, text: &Object<Str>) -> PyResult<usize> {
        let buffer = self.check_open(vm)?;
        let encoder = match &*self.encoder.borrow() {
            Some(encoder) => encoder.share(),
            None => return Err(unsupported(vm, "not writable")),
        };
        let newline = self.newline.borrow().written();
        let has_ending = (newline.is_some() || self.line_buffering.get()) && has(text, b'\n');
        let translated = match newline {
            Some(by) if has_ending => Some(replace_line_feeds(text, by)),
            _ => None,
        };
        let through = self.write_through.get();
        let flush_after = self.line_buffering.get() && (has_ending || has(text, b'\r'));
        let mut bytes = self.pending.take();
        let before = bytes.len();
        let encoded = encoder.encode(vm, translated.as_deref().unwrap_or(text), &mut bytes);
        if encoded.is_err() {
            bytes.truncate(before);
        }
        // A codec written in Python may have written to this very stream.
        let mut meanwhile = self.pending.take();
        bytes.append(&mut meanwhile);
        let full = bytes.len() >= self.chunk_size.get();
        self.pending.set(bytes);
        encoded?;
        if full || through || flush_after {
            self.hand_on(vm, &buffer)?;
        }
        if flush_after {
            vm.call_method_str(&buffer, "flush", &[])?;
        }
        if self.snapshot.borrow().is_some() || self.decoded.borrow().is_some() {
            self.forget_decoded();
            self.snapshot.set(None);
            if let Some(decoder) = self.decoder.get() {
                decoder.reset(vm)?;
            }
        }
        Ok(text.length())
    }
}

fn has(text: &Object<Str>, wanted: u8) -> bool {
    match text.characters() {
        rspy_runtime::types::string::Characters::One(data) => memchr::memchr(wanted, data).is_some(),
        other => other.iter().any(|c| c == u32::from(wanted)),
    }
}

/// An argument that must be `str` or `None`.
fn optional_text(vm: &Vm, name: &str, value: Option<&Value>) -> PyResult<Option<Value>> {
    let Some(value) = value.filter(|value| !is_none(value)) else { return Ok(None) };
    match value.downcast::<Str>() {
        Some(text) if text.characters().iter().any(|c| c == 0) => Err(vm.value_error("embedded null character")),
        Some(_) => Ok(Some(value.clone())),
        None => Err(vm.type_error(format!(
            "TextIOWrapper() argument '{name}' must be str or None, not {}",
            value.type_of().full_name()
        ))),
    }
}

/// The encoding where none is given or `"locale"` is: that of the locale, which is UTF-8 unless it is "C".
pub(super) fn default_encoding(vm: &Vm) -> Value {
    vm.new_str(if vm.interpreter.configuration.utf8_mode { "utf-8" } else { crate::locale::encoding() })
}

fn check_errors(vm: &Vm, errors: &Value) -> PyResult<()> {
    // Handlers are looked up only in development mode, as in CPython.
    if !vm.interpreter.configuration.dev_mode {
        return Ok(());
    }
    let codecs = rspy_runtime::import::import_module(vm, "_codecs")?;
    vm.call_method_str(&codecs, "lookup_error", std::slice::from_ref(errors)).map(drop)
}

#[pymethods]
impl TextIOWrapper {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(
            cls,
            TextIOWrapper {
                base: TextIOBase::new(),
                buffer: GilCell::default(),
                detached: Cell::new(false),
                ready: Cell::new(false),
                encoding: GilCell::default(),
                errors: GilCell::default(),
                encoder: GilCell::new(None),
                decoder: GilCell::new(None),
                newline: GilCell::default(),
                line_buffering: Cell::new(false),
                write_through: Cell::new(false),
                finalizing: Cell::new(false),
                seekable: Cell::new(false),
                telling: Cell::new(false),
                chunk_size: Cell::new(8192),
                pending: GilCell::default(),
                decoded: GilCell::default(),
                taken: Cell::new(0),
                snapshot: GilCell::new(None),
                bytes_per_character: Cell::new(0.0),
                last_is_cr: Cell::new(false),
            },
        )
        .into_value())
    }

    #[init("TextIOWrapper(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)")]
    fn init(
        this: &Object<TextIOWrapper>,
        vm: &Vm,
        buffer: &Value,
        encoding: Option<&Value>,
        errors: Option<&Value>,
        newline: Option<&Value>,
        line_buffering: bool,
        write_through: bool,
    ) -> PyResult<()> {
        this.ready.set(false);
        this.detached.set(false);
        let encoding = optional_text(vm, "encoding", encoding)?;
        let errors = optional_text(vm, "errors", errors)?;
        let newline = Newline::parse(vm, newline.unwrap_or(&none()))?;
        let is_locale =
            |value: &Value| value.downcast::<Str>().is_some_and(|text| text.equals_str("locale"));
        if encoding.is_none() && vm.interpreter.configuration.warn_default_encoding {
            let message = "'encoding' argument not specified";
            rspy_runtime::warnings::warn(vm, hierarchy::EncodingWarning::static_type(), message, 1)?;
        }
        let encoding = match encoding {
            None => default_encoding(vm),
            Some(given) if is_locale(&given) => vm.new_str(crate::locale::encoding()),
            Some(given) => given,
        };
        let errors = errors.unwrap_or_else(|| vm.new_str("strict"));
        check_errors(vm, &errors)?;
        this.encoding.set(Some(encoding));
        this.errors.set(Some(errors));
        this.newline.set(newline);
        this.line_buffering.set(line_buffering);
        this.write_through.set(write_through);
        this.pending.take();
        this.forget_decoded();
        this.snapshot.set(None);
        this.set_codec(vm, buffer)?;
        this.buffer.set(Some(buffer.clone()));
        let seekable = vm.is_true(&vm.call_method_str(buffer, "seekable", &[])?)?;
        this.seekable.set(seekable);
        this.telling.set(seekable);
        this.fix_encoder(vm, buffer)?;
        this.ready.set(true);
        Ok(())
    }

    #[slot(repr)]
    fn repr(vm: &Vm, this: &Value) -> PyResult {
        let stream = rspy_runtime::convert::object_of::<TextIOWrapper>(this);
        stream.check_ready(vm)?;
        let mut text = format!("<{}", this.type_of().full_name());
        if let Some(name) = shown_name(vm, this)? {
            text.push_str(&format!(" name={name}"));
        }
        if let Some(mode) = vm.get_attribute_optional(this, &vm.intern("mode"))? {
            text.push_str(&format!(" mode={}", vm.repr(&mode)?.to_string_lossy()));
        }
        let encoding = stream.encoding.get().unwrap_or_else(none);
        text.push_str(&format!(" encoding={}>", vm.repr(&encoding)?.to_string_lossy()));
        Ok(vm.new_str(&text))
    }

    #[slot(next)]
    fn next(vm: &Vm, this: &Value) -> PyResult<Option<Value>> {
        let stream = rspy_runtime::convert::object_of::<TextIOWrapper>(this);
        let exact = this.downcast_exact::<TextIOWrapper>().is_some();
        let line = if exact {
            let buffer = stream.check_open(vm)?;
            stream.telling.set(false);
            stream.read_line(vm, &buffer, None)?.into_value()
        } else {
            stream.check_ready(vm)?;
            stream.telling.set(false);
            let line = vm.call_method_str(this, "readline", &[])?;
            if line.downcast::<Str>().is_none() {
                return Err(vm.os_error_message(format!(
                    "readline() should have returned a str object, not '{}'",
                    line.type_of().full_name()
                )));
            }
            line
        };
        if vm.length(&line)? == 0 {
            stream.snapshot.set(None);
            stream.telling.set(stream.seekable.get());
            return Ok(None);
        }
        Ok(Some(line))
    }

    #[slot(finalize)]
    fn finalize(vm: &Vm, this: &Value) {
        finalize_stream(vm, this);
    }

    #[getter("buffer", member)]
    fn buffer(&self, vm: &Vm) -> PyResult {
        self.check_ready(vm)
    }

    #[getter("encoding", member)]
    fn encoding(&self) -> Value {
        self.encoding.get().unwrap_or_else(none)
    }

    #[getter("errors")]
    fn errors(&self, vm: &Vm) -> PyResult {
        self.check_ready(vm)?;
        Ok(self.errors_value(vm))
    }

    #[getter("line_buffering", member)]
    fn line_buffering(&self) -> bool {
        self.line_buffering.get()
    }

    #[getter("write_through", member)]
    fn write_through(&self) -> bool {
        self.write_through.get()
    }

    #[getter("newlines")]
    fn newlines(&self, vm: &Vm) -> PyResult {
        self.check_ready(vm)?;
        let decoder = self.decoder.get();
        Ok(decoder.and_then(|decoder| decoder.newlines.as_ref().map(|newlines| newlines.shown(vm))).unwrap_or_else(none))
    }

    #[getter("name")]
    fn name(&self, vm: &Vm) -> PyResult {
        vm.get_attribute_str(&self.check_ready(vm)?, "name")
    }

    #[getter("closed")]
    fn closed(&self, vm: &Vm) -> PyResult {
        vm.get_attribute_str(&self.check_ready(vm)?, "closed")
    }

    #[getter("_finalizing", member)]
    fn is_finalizing(&self) -> bool {
        self.finalizing.get()
    }

    #[setter("_finalizing")]
    fn set_finalizing(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.finalizing.set(super::base::finalizing_argument(vm, value)?);
        Ok(())
    }

    #[getter("_CHUNK_SIZE")]
    fn chunk_size(&self, vm: &Vm) -> PyResult<usize> {
        self.check_ready(vm)?;
        Ok(self.chunk_size.get())
    }

    #[setter("_CHUNK_SIZE")]
    fn set_chunk_size(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.check_ready(vm)?;
        let Some(value) = value else { return Err(vm.bare_attribute_error("cannot delete attribute")) };
        let size: isize = int::to_fixed(vm, value, "index")?;
        match usize::try_from(size) {
            Ok(size) if size > 0 => {
                self.chunk_size.set(size);
                Ok(())
            }
            _ => Err(vm.value_error("a strictly positive integer is required")),
        }
    }

    /// Reconfigure the text stream with new parameters.
    #[method("reconfigure(self, *, encoding=None, errors=None, newline=<unrepresentable>, line_buffering=None, write_through=None)")]
    fn reconfigure(
        vm: &Vm,
        this: &Value,
        encoding: Option<&Value>,
        errors: Option<&Value>,
        newline: Option<&Value>,
        line_buffering: Option<&Value>,
        write_through: Option<&Value>,
    ) -> PyResult<()> {
        let stream = rspy_runtime::convert::object_of::<TextIOWrapper>(this);
        let changes_codec = encoding.is_some() || errors.is_some() || newline.is_some();
        if stream.decoded.borrow().is_some() && changes_codec {
            return Err(unsupported(vm, "It is not possible to set the encoding or newline of stream after the first read"));
        }
        let newline = newline.map(|newline| Newline::parse(vm, newline)).transpose()?;
        let flag = |value: Option<&Value>, now: bool| match value.filter(|value| !is_none(value)) {
            Some(value) => vm.is_true(value),
            None => Ok(now),
        };
        let line_buffering = flag(line_buffering, stream.line_buffering.get())?;
        let write_through = flag(write_through, stream.write_through.get())?;
        vm.call_method_str(this, "flush", &[])?;
        if changes_codec {
            let encoding = optional_text(vm, "encoding", encoding)?;
            let errors = optional_text(vm, "errors", errors)?;
            let buffer = stream.check_ready(vm)?;
            if errors.is_some() || encoding.is_some() {
                stream.errors.set(Some(errors.unwrap_or_else(|| match encoding {
                    Some(_) => vm.new_str("strict"),
                    None => stream.errors_value(vm),
                })));
            }
            if let Some(encoding) = encoding {
                let is_locale = encoding.downcast::<Str>().is_some_and(|text| text.equals_str("locale"));
                let encoding = if is_locale { vm.new_str(crate::locale::encoding()) } else { encoding };
                stream.encoding.set(Some(encoding));
            }
            if let Some(newline) = newline {
                stream.newline.set(newline);
            }
            stream.set_codec(vm, &buffer)?;
            stream.fix_encoder(vm, &buffer)?;
        }
        stream.line_buffering.set(line_buffering);
        stream.write_through.set(write_through);
        Ok(())
    }

    #[method("detach(self, /)")]
    fn detach(vm: &Vm, this: &Value) -> PyResult {
        let stream = rspy_runtime::convert::object_of::<TextIOWrapper>(this);
        let buffer = stream.check_ready(vm)?;
        vm.call_method_str(this, "flush", &[])?;
        drop(stream.buffer.take());
        stream.detached.set(true);
        stream.ready.set(false);
        Ok(buffer)
    }

    #[method("write(self, text, /)")]
    fn write(&self, vm: &Vm, text: &Value) -> PyResult<usize> {
        let Some(text) = text.downcast::<Str>() else {
            return Err(vm.type_error(format!("write() argument must be str, not {}", text.type_of().full_name())));
        };
        self.check_ready(vm)?;
        self.write_text(vm, text)
    }

    #[method("read(self, size=-1, /)")]
    fn read(&self, vm: &Vm, size: Option<&Value>) -> PyResult<Ref<Str>> {
        self.check_ready(vm)?;
        let size = size_argument(vm, size)?;
        let buffer = self.check_open(vm)?;
        self.require_decoder(vm)?;
        self.hand_on(vm, &buffer)?;
        let Some(size) = size else { return self.read_all(vm, &buffer) };
        let mut text = self.take(size);
        if text.length() == size {
            return Ok(text);
        }
        let mut built = StrBuilder::new();
        built.push_object(&text);
        while built.len() < size {
            if !self.read_chunk(vm, &buffer, size - built.len())? {
                break;
            }
            text = self.take(size - built.len());
            built.push_object(&text);
        }
        Ok(built.finish())
    }

    #[method("readline(self, size=-1, /)")]
    fn readline(&self, vm: &Vm, size: Option<&Value>) -> PyResult<Ref<Str>> {
        self.check_ready(vm)?;
        let size = size_argument(vm, size)?;
        let buffer = self.check_open(vm)?;
        self.read_line(vm, &buffer, size)
    }

    #[method("flush(self, /)")]
    fn flush(&self, vm: &Vm) -> PyResult {
        let buffer = self.check_open(vm)?;
        self.telling.set(self.seekable.get());
        self.hand_on(vm, &buffer)?;
        vm.call_method_str(&buffer, "flush", &[])
    }

    #[method("close(self, /)")]
    fn close(vm: &Vm, this: &Value) -> PyResult {
        let stream = rspy_runtime::convert::object_of::<TextIOWrapper>(this);
        let buffer = stream.check_ready(vm)?;
        if vm.is_true(&TextIOWrapper::closed(stream, vm)?)? {
            return Ok(none());
        }
        if stream.finalizing.get() {
            // Streams without that method warn on their own, or not at all.
            let _ = vm.call_method_str(&buffer, "_dealloc_warn", std::slice::from_ref(this));
        }
        let flushed = vm.call_method_str(this, "flush", &[]);
        let closed = vm.call_method_str(&buffer, "close", &[]);
        match (flushed, closed) {
            (Err(first), Err(second)) => Err(second.with_context(first)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Ok(_), Ok(closed)) => Ok(closed),
        }
    }

    #[method("fileno(self, /)")]
    fn fileno(&self, vm: &Vm) -> PyResult {
        vm.call_method_str(&self.check_ready(vm)?, "fileno", &[])
    }

    #[method("seekable(self, /)")]
    fn is_seekable(&self, vm: &Vm) -> PyResult {
        vm.call_method_str(&self.check_ready(vm)?, "seekable", &[])
    }

    #[method("readable(self, /)")]
    fn readable(&self, vm: &Vm) -> PyResult {
        vm.call_method_str(&self.check_ready(vm)?, "readable", &[])
    }

    #[method("writable(self, /)")]
    fn writable(&self, vm: &Vm) -> PyResult {
        vm.call_method_str(&self.check_ready(vm)?, "writable", &[])
    }

    #[method("isatty(self, /)")]
    fn isatty(&self, vm: &Vm) -> PyResult {
        vm.call_method_str(&self.check_ready(vm)?, "isatty", &[])
    }

    #[method("__getstate__(self, /)")]
    fn getstate(vm: &Vm, this: &Value) -> PyResult {
        cannot_pickle(vm, this)
    }
}
