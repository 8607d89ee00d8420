//! `BufferedRWPair`: a reader and a writer as one stream.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::DEFAULT_BUFFER_SIZE;
use super::base::{BufferedIOBase, finalize_stream};
use super::buffered::{BufferedReader, require};
use super::buffered_writer::BufferedWriter;

/// A buffered reader and writer object together.
///
/// This is typically used with a socket or two-way pipe.
#[pyclass(
    name = "BufferedRWPair", hides_new, hides_del, module = "_io", extends = BufferedIOBase, tracked, subclassable,
    signature = "(reader, writer, buffer_size=DEFAULT_BUFFER_SIZE, /)"
)]
#[repr(C)]
pub struct BufferedRWPair {
    base: BufferedIOBase,
    reader: GilCell<Option<Value>>,
    writer: GilCell<Option<Value>>,
}

impl BufferedRWPair {
    fn part(vm: &Vm, part: &GilCell<Option<Value>>) -> PyResult {
        part.get().ok_or_else(|| vm.value_error("I/O operation on uninitialized object"))
    }

    fn read_with(&self, vm: &Vm, method: &str, args: &[Value]) -> PyResult {
        vm.call_method_str(&Self::part(vm, &self.reader)?, method, args)
    }

    fn write_with(&self, vm: &Vm, method: &str, args: &[Value]) -> PyResult {
        vm.call_method_str(&Self::part(vm, &self.writer)?, method, args)
    }
}

#[pymethods]
impl BufferedRWPair {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let pair =
            BufferedRWPair { base: BufferedIOBase::new(), reader: GilCell::default(), writer: GilCell::default() };
        Ok(Object::with_type(cls, pair).into_value())
    }

    #[init("BufferedRWPair(reader, writer, buffer_size=DEFAULT_BUFFER_SIZE, /)")]
    fn init(&self, vm: &Vm, reader: &Value, writer: &Value, buffer_size: Option<isize>) -> PyResult<()> {
        require(vm, reader, "readable", "File or stream is not readable.")?;
        require(vm, writer, "writable", "File or stream is not writable.")?;
        let size = int::new(buffer_size.unwrap_or(DEFAULT_BUFFER_SIZE as isize) as i64);
        let reader = BufferedReader::static_type().construct(vm, &[reader.clone(), size.clone()])?;
        let writer = BufferedWriter::static_type().construct(vm, &[writer.clone(), size])?;
        self.reader.set(Some(reader));
        self.writer.set(Some(writer));
        Ok(())
    }

    #[slot(finalize)]
    fn finalize(vm: &Vm, this: &Value) {
        finalize_stream(vm, this);
    }

    #[getter("closed")]
    fn closed(&self, vm: &Vm) -> PyResult {
        match self.writer.get() {
            Some(writer) => vm.get_attribute_str(&writer, "closed"),
            None => Err(vm.runtime_error("the BufferedRWPair object is being garbage-collected")),
        }
    }

    #[method("read")]
    fn read(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        self.read_with(vm, "read", args)
    }

    #[method("peek")]
    fn peek(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        self.read_with(vm, "peek", args)
    }

    #[method("read1")]
    fn read1(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        self.read_with(vm, "read1", args)
    }

    #[method("readinto")]
    fn readinto(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        self.read_with(vm, "readinto", args)
    }

    #[method("readinto1")]
    fn readinto1(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        self.read_with(vm, "readinto1", args)
    }

    #[method("write")]
    fn write(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        self.write_with(vm, "write", args)
    }

    #[method("flush(self, /)")]
    fn flush(&self, vm: &Vm) -> PyResult {
        self.write_with(vm, "flush", &[])
    }

    #[method("readable(self, /)")]
    fn readable(&self, vm: &Vm) -> PyResult {
        self.read_with(vm, "readable", &[])
    }

    #[method("writable(self, /)")]
    fn writable(&self, vm: &Vm) -> PyResult {
        self.write_with(vm, "writable", &[])
    }

    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult {
        let written = self.write_with(vm, "close", &[]);
        let read = self.read_with(vm, "close", &[]);
        match (written, read) {
            (Err(first), Err(second)) => Err(second.with_context(first)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Ok(_), Ok(_)) => Ok(none()),
        }
    }

    #[method("isatty(self, /)")]
    fn isatty(&self, vm: &Vm) -> PyResult {
        let written = self.write_with(vm, "isatty", &[])?;
        if vm.is_true(&written)? {
            return Ok(written);
        }
        self.read_with(vm, "isatty", &[])
    }
}
