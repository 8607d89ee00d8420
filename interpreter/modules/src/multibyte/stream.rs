//! `MultibyteStreamReader` and `MultibyteStreamWriter`: texts through a stream of bytes.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::coding::{self, End};
use super::incremental::{Decoder, Encoder, codec_of_class, errors_of_new};

#[pyclass(name = "MultibyteStreamReader", module = "_multibytecodec", tracked, subclassable)]
pub struct MultibyteStreamReader {
    stream: GilCell<Option<Value>>,
    #[untraced]
    decoder: Decoder,
}

/// How much to read: -1 for all.
fn size_argument(vm: &Vm, size: Option<&Value>) -> PyResult<isize> {
    match size.filter(|size| !is_none(size)) {
        None => Ok(-1),
        Some(size) if int::is_int(size) => int::to_fixed(vm, size, "ssize_t"),
        Some(_) => Err(vm.type_error("arg 1 must be an integer")),
    }
}

impl MultibyteStreamReader {
    /// Reads with a method of the stream until there is some text, or the stream ends.
    fn read_by(&self, vm: &Vm, method: &str, size: isize) -> PyResult {
        let mut size = size;
        let mut out = StrBuilder::new();
        if size == 0 {
            return Ok(out.finish().into_value());
        }
        loop {
            let stream = self.stream.get().unwrap_or_else(none);
            let limit = [int::new(size as i64)];
            let read = vm.call_method_str(&stream, method, if size < 0 { &[] } else { &limit })?;
            let Some(piece) = read.downcast::<Bytes>() else {
                return Err(vm.type_error(format!(
                    "stream function returned a non-bytes object ({})",
                    read.type_of().full_name()
                )));
            };
            let given = piece.len() + self.decoder.pending.borrow().len();
            let is_final = piece.is_empty() || size < 0;
            out = self.decoder.feed(vm, piece.as_slice(), is_final, out)?;
            if size < 0 || !out.is_empty() || given == 0 {
                return Ok(out.finish().into_value());
            }
            // One byte more may make it whole.
            size = 1;
        }
    }
}

#[pymethods]
impl MultibyteStreamReader {
    #[new("StreamReader(stream, errors='strict')")]
    fn new(vm: &Vm, cls: &TypeObject, stream: &Value, errors: Option<Value>) -> PyResult {
        let errors = errors_of_new(vm, "StreamReader", 2, errors.as_ref())?;
        let decoder = Decoder::new(codec_of_class(vm, cls)?, errors);
        let reader = MultibyteStreamReader { stream: GilCell::new(Some(stream.clone())), decoder };
        Ok(Object::with_type(cls, reader).into_value())
    }

    #[slot(init)]
    fn init(_this: &Value, _vm: &Vm, _args: &[Value], _names: KeywordNames<'_>) -> PyResult<()> {
        Ok(())
    }

    #[method("read(self, sizeobj=None, /)")]
    fn read(&self, vm: &Vm, size: Option<&Value>) -> PyResult {
        self.read_by(vm, "read", size_argument(vm, size)?)
    }

    #[method("readline(self, sizeobj=None, /)")]
    fn readline(&self, vm: &Vm, size: Option<&Value>) -> PyResult {
        self.read_by(vm, "readline", size_argument(vm, size)?)
    }

    #[method("readlines(self, sizehintobj=None, /)")]
    fn readlines(&self, vm: &Vm, size: Option<&Value>) -> PyResult {
        let text = self.read_by(vm, "read", size_argument(vm, size)?)?;
        vm.call_method_str(&text, "splitlines", &[rspy_runtime::types::bool::boolean(true)])
    }

    #[method("reset(self, /)")]
    fn reset(&self) {
        self.decoder.reset();
    }

    #[getter("stream", member)]
    fn stream(&self) -> Option<Value> {
        self.stream.get()
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

#[pyclass(name = "MultibyteStreamWriter", module = "_multibytecodec", tracked, subclassable)]
pub struct MultibyteStreamWriter {
    stream: GilCell<Option<Value>>,
    #[untraced]
    encoder: Encoder,
}

impl MultibyteStreamWriter {
    fn pass_on(&self, vm: &Vm, bytes: Vec<u8>) -> PyResult<()> {
        let stream = self.stream.get().unwrap_or_else(none);
        vm.call_method_str(&stream, "write", &[Bytes::new(bytes).into_value()])?;
        Ok(())
    }
}

#[pymethods]
impl MultibyteStreamWriter {
    #[new("StreamWriter(stream, errors='strict')")]
    fn new(vm: &Vm, cls: &TypeObject, stream: &Value, errors: Option<Value>) -> PyResult {
        let errors = errors_of_new(vm, "StreamWriter", 2, errors.as_ref())?;
        let encoder = Encoder::new(codec_of_class(vm, cls)?, errors);
        let writer = MultibyteStreamWriter { stream: GilCell::new(Some(stream.clone())), encoder };
        Ok(Object::with_type(cls, writer).into_value())
    }

    #[slot(init)]
    fn init(_this: &Value, _vm: &Vm, _args: &[Value], _names: KeywordNames<'_>) -> PyResult<()> {
        Ok(())
    }

    #[method("write(self, strobj, /)")]
    fn write(&self, vm: &Vm, text: &Value) -> PyResult<()> {
        let bytes = self.encoder.encode(vm, text, false)?;
        self.pass_on(vm, bytes)
    }

    #[method("writelines(self, lines, /)")]
    fn writelines(&self, vm: &Vm, lines: &Value) -> PyResult<()> {
        if lines.type_of().slots().item.get().is_none() && lines.type_of().slots().get_item.get().is_none() {
            return Err(vm.type_error("arg must be a sequence object"));
        }
        let mut index = 0;
        // The sequence may change meanwhile.
        while index < vm.length(lines)? {
            let line = vm.get_item(lines, &int::new(index as i64))?;
            self.write(vm, &line)?;
            index += 1;
        }
        Ok(())
    }

    #[method("reset(self, /)")]
    fn reset(&self, vm: &Vm) -> PyResult<()> {
        let Some(pending) = self.encoder.pending.take() else { return Ok(()) };
        let mut state = self.encoder.state.get();
        let errors = self.encoder.errors.get();
        let outcome = coding::encode(vm, self.encoder.codec, &mut state, &pending, &errors, End::Reset);
        self.encoder.state.set(state);
        let (bytes, _) = outcome?;
        if bytes.is_empty() { Ok(()) } else { self.pass_on(vm, bytes) }
    }

    #[getter("stream", member)]
    fn stream(&self) -> Option<Value> {
        self.stream.get()
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
