//! `BytesIO`: a stream of bytes in memory.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::{BufferView, ExportableVec};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::base::{BufferedIOBase, finalize_stream, size_argument};

/// Buffered I/O implementation using an in-memory bytes buffer.
#[pyclass(
    name = "BytesIO", hides_del, module = "_io", extends = BufferedIOBase, tracked, subclassable, signature = "(initial_bytes=b'')"
)]
#[repr(C)]
pub struct BytesIO {
    base: BufferedIOBase,
    #[untraced]
    contents: ExportableVec,
    position: Cell<usize>,
    closed: Cell<bool>,
}

/// What `getbuffer` makes a view of.
#[pyclass(name = "_BytesIOBuffer", module = "_io", tracked, no_new)]
pub struct BytesIOBuffer {
    source: Ref<BytesIO>,
}

impl BytesIO {
    fn check_open(&self, vm: &Vm) -> PyResult<()> {
        if self.closed.get() {
            return Err(vm.value_error("I/O operation on closed file."));
        }
        Ok(())
    }

    /// Takes up to so many bytes from the position.
    fn take(&self, most: Option<usize>) -> Vec<u8> {
        let contents = self.contents.borrow();
        let start = self.position.get().min(contents.len());
        let end = most.map_or(contents.len(), |most| start.saturating_add(most).min(contents.len()));
        self.position.set(self.position.get() + (end - start));
        contents[start..end].to_vec()
    }

    fn take_line(&self, most: Option<usize>) -> Vec<u8> {
        let length = {
            let contents = self.contents.borrow();
            let rest = &contents[self.position.get().min(contents.len())..];
            let rest = &rest[..most.unwrap_or(rest.len()).min(rest.len())];
            memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)
        };
        self.take(Some(length))
    }

    fn put(&self, vm: &Vm, bytes: &[u8]) -> PyResult<usize> {
        let position = self.position.get();
        if bytes.is_empty() {
            // Even so memory that is seen by others must not be changed.
            drop(self.contents.resize(vm)?);
            return Ok(0);
        }
        let end = position + bytes.len();
        {
            let mut contents = self.contents.resize(vm)?;
            if contents.len() < end {
                contents.resize(end, 0);
            }
            contents[position..end].copy_from_slice(bytes);
        }
        self.position.set(end);
        Ok(bytes.len())
    }

    /// The bytes; for other native code.
    pub fn to_vec(&self) -> Vec<u8> {
        self.contents.borrow().clone()
    }
}

#[pymethods]
impl BytesIOBuffer {
    /// Release the buffer object that exposes the underlying memory of the object.
    #[method("__release_buffer__(self, buffer, /)")]
    fn release_buffer(this: &Value, vm: &Vm, buffer: &Value) -> PyResult<()> {
        rspy_runtime::buffer::release_memoryview(vm, this, buffer)
    }

    #[slot(buffer)]
    fn buffer(this: &Object<BytesIOBuffer>, _flags: u32) -> PyResult<BufferView> {
        Ok(BufferView::of_exportable(&this.source, |source| &source.contents))
    }
}

#[pymethods]
impl BytesIO {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(
            cls,
            BytesIO {
                base: BufferedIOBase::new(),
                contents: ExportableVec::new(Vec::new()),
                position: Cell::new(0),
                closed: Cell::new(false),
            },
        )
        .into_value())
    }

    #[init("BytesIO(initial_bytes=b'')")]
    fn init(&self, vm: &Vm, initial_bytes: Option<&Value>) -> PyResult<()> {
        self.closed.set(false);
        let initial = match initial_bytes.filter(|initial| !is_none(initial)) {
            Some(initial) => rspy_runtime::buffer::view(vm, initial)?.to_vec(),
            None => Vec::new(),
        };
        *self.contents.resize(vm)? = initial;
        self.position.set(0);
        Ok(())
    }

    #[slot(finalize)]
    fn finalize(vm: &Vm, this: &Value) {
        // Nothing is lost when a plain object ends; classes derived from it may want to be closed.
        if this.downcast_exact::<BytesIO>().is_none() {
            finalize_stream(vm, this);
        }
    }

    #[slot(iter)]
    fn iter(this: &Object<BytesIO>, vm: &Vm) -> PyResult {
        this.check_open(vm)?;
        Ok(this.to_value())
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.check_open(vm)?;
        let line = self.take_line(None);
        Ok(if line.is_empty() { None } else { Some(Bytes::new(line).into_value()) })
    }

    /// True if the file is closed.
    #[getter("closed")]
    fn closed(&self) -> bool {
        self.closed.get()
    }

    /// Returns True if the IO object can be read.
    #[method("readable(self, /)")]
    fn readable(&self, vm: &Vm) -> PyResult<bool> {
        self.check_open(vm).map(|()| true)
    }

    /// Returns True if the IO object can be written.
    #[method("writable(self, /)")]
    fn writable(&self, vm: &Vm) -> PyResult<bool> {
        self.check_open(vm).map(|()| true)
    }

    /// Returns True if the IO object can be seeked.
    #[method("seekable(self, /)")]
    fn seekable(&self, vm: &Vm) -> PyResult<bool> {
        self.check_open(vm).map(|()| true)
    }

    /// Does nothing.
    #[method("flush(self, /)")]
    fn flush(&self, vm: &Vm) -> PyResult<()> {
        self.check_open(vm)
    }

    /// Always returns False.
    #[method("isatty(self, /)")]
    fn isatty(&self, vm: &Vm) -> PyResult<bool> {
        self.check_open(vm).map(|()| false)
    }

    /// Current file position, an integer.
    #[method("tell(self, /)")]
    fn tell(&self, vm: &Vm) -> PyResult<usize> {
        self.check_open(vm)?;
        Ok(self.position.get())
    }

    /// Get a read-write view over the contents of the BytesIO object.
    #[method("getbuffer(self, /)")]
    fn getbuffer(this: &Object<BytesIO>, vm: &Vm) -> PyResult {
        this.check_open(vm)?;
        let holder = Object::new(BytesIOBuffer { source: this.to_ref() });
        let view = rspy_runtime::buffer::view_with(vm, holder.value(), rspy_runtime::buffer::flags::FULL)?;
        Ok(rspy_runtime::types::bytes::memoryview_of(vm, view))
    }

    /// Retrieve the entire contents of the BytesIO object.
    #[method("getvalue(self, /)")]
    fn getvalue(&self, vm: &Vm) -> PyResult {
        self.check_open(vm)?;
        Ok(Bytes::new(self.to_vec()).into_value())
    }

    /// Read at most size bytes, returned as a bytes object.
    #[method("read(self, size=-1, /)")]
    fn read(&self, vm: &Vm, size: Option<&Value>) -> PyResult {
        self.check_open(vm)?;
        Ok(Bytes::new(self.take(size_argument(vm, size)?)).into_value())
    }

    /// Read at most size bytes, returned as a bytes object.
    #[method("read1(self, size=-1, /)")]
    fn read1(&self, vm: &Vm, size: Option<&Value>) -> PyResult {
        self.read(vm, size)
    }

    /// Next line from the file, as a bytes object.
    #[method("readline(self, size=-1, /)")]
    fn readline(&self, vm: &Vm, size: Option<&Value>) -> PyResult {
        self.check_open(vm)?;
        Ok(Bytes::new(self.take_line(size_argument(vm, size)?)).into_value())
    }

    /// List of bytes objects, each a line from the file.
    #[method("readlines(self, size=None, /)")]
    fn readlines(&self, vm: &Vm, size: Option<&Value>) -> PyResult {
        self.check_open(vm)?;
        let most = size_argument(vm, size)?.filter(|&most| most > 0);
        let mut lines = Vec::new();
        let mut length = 0;
        loop {
            let line = self.take_line(None);
            if line.is_empty() {
                break;
            }
            length += line.len();
            lines.push(Bytes::new(line).into_value());
            if most.is_some_and(|most| length >= most) {
                break;
            }
        }
        Ok(List::from_vec(lines).into_value())
    }

    /// Read bytes into buffer.
    #[method("readinto(self, buffer, /)")]
    fn readinto(&self, vm: &Vm, buffer: &Value) -> PyResult<usize> {
        self.check_open(vm)?;
        let mut view = crate::posix::writable_argument(vm, "readinto", 0, buffer)?;
        let bytes = self.take(Some(view.len()));
        view.as_mut_slice()[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    /// Truncate the file to at most size bytes.
    #[method("truncate(self, size=None, /)")]
    fn truncate(&self, vm: &Vm, size: Option<&Value>) -> PyResult<usize> {
        self.check_open(vm)?;
        drop(self.contents.resize(vm)?);
        let size = match size.filter(|size| !is_none(size)) {
            None => self.position.get(),
            Some(given) => match size_argument(vm, Some(given))? {
                Some(size) => size,
                None => {
                    let shown = vm.str(&vm.index(given)?)?;
                    return Err(vm.value_error(format!("negative size value {}", shown.to_string_lossy())));
                }
            },
        };
        self.contents.resize(vm)?.truncate(size);
        Ok(size)
    }

    /// Change stream position.
    #[method("seek(self, pos, whence=0, /)")]
    fn seek(&self, vm: &Vm, pos: isize, whence: i32) -> PyResult<usize> {
        self.check_open(vm)?;
        if pos < 0 && whence == 0 {
            return Err(vm.value_error(format!("negative seek value {pos}")));
        }
        let from = match whence {
            0 => 0,
            1 => self.position.get(),
            2 => self.contents.borrow().len(),
            _ => return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
        };
        let Some(target) = (from as isize).checked_add(pos) else {
            return Err(vm.overflow_error("new position too large"));
        };
        self.position.set(target.max(0) as usize);
        Ok(self.position.get())
    }

    /// Write bytes to file.
    #[method("write(self, b, /)")]
    fn write(&self, vm: &Vm, b: &Value) -> PyResult<usize> {
        self.check_open(vm)?;
        if let Some(bytes) = b.downcast::<Bytes>() {
            return self.put(vm, bytes.payload().as_slice());
        }
        let bytes = rspy_runtime::buffer::view(vm, b)?.to_vec();
        self.put(vm, &bytes)
    }

    /// Write lines to the file.
    #[method("writelines(self, lines, /)")]
    fn writelines(this: &Object<BytesIO>, vm: &Vm, lines: &Value) -> PyResult<()> {
        this.check_open(vm)?;
        vm.for_each(lines, |line| BytesIO::write(this, vm, &line).map(drop))
    }

    /// Disable all I/O operations.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult<()> {
        if !self.closed.get() {
            drop(std::mem::take(&mut *self.contents.resize(vm)?));
            self.closed.set(true);
        }
        Ok(())
    }

    #[method("__getstate__(self, /)")]
    fn getstate(vm: &Vm, this: &Value) -> PyResult {
        let stream = rspy_runtime::convert::object_of::<BytesIO>(this);
        let value = stream.getvalue(vm)?;
        let position = int::new(stream.position.get() as i64);
        let dict = rspy_runtime::types::typ::instance::dict(vm, this);
        let dict = if dict.is_empty() { none() } else { dict.copy().into_value() };
        Ok(Tuple::from_values([value, position, dict]).into_value())
    }

    #[method("__setstate__(self, object, /)")]
    fn setstate(vm: &Vm, this: &Value, object: &Value) -> PyResult<()> {
        let stream = rspy_runtime::convert::object_of::<BytesIO>(this);
        let Some([value, position, dict]) = object.downcast::<Tuple>().map(|state| state.items()) else {
            return Err(vm.type_error(format!(
                "{}.__setstate__ argument should be 3-tuple, got {}",
                this.type_of().full_name(),
                object.type_of().full_name()
            )));
        };
        stream.init(vm, Some(value))?;
        if !int::is_int(position) {
            return Err(vm.type_error(format!(
                "second item of state must be an integer, not {}",
                position.type_of().full_name()
            )));
        }
        let position: isize = int::to_fixed(vm, position, "index")?;
        match usize::try_from(position) {
            Ok(position) => stream.position.set(position),
            Err(_) => return Err(vm.value_error("position value cannot be negative")),
        }
        if !is_none(dict) {
            let Some(dict) = dict.downcast::<Dict>() else {
                return Err(vm.type_error(format!(
                    "third item of state should be a dict, got a {}",
                    dict.type_of().full_name()
                )));
            };
            rspy_runtime::types::typ::instance::dict(vm, this).merge(vm, dict, true)?;
        }
        Ok(())
    }

    #[method("__sizeof__(self, /)")]
    fn size_of(&self) -> usize {
        size_of::<Object<BytesIO>>() + self.contents.borrow().capacity()
    }
}

