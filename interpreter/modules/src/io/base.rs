//! The abstract streams: `_IOBase`, `_RawIOBase`, `_BufferedIOBase`, `_TextIOBase`.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::{ByteArray, Bytes};
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::unsupported;

/// The abstract base class for all I/O classes.
///
/// This class provides dummy implementations for many methods that derived classes can override selectively; the
/// default implementations represent a file that cannot be read, written or seeked.
#[pyclass(name = "_IOBase", module = "_io", tracked, weak, dict, subclassable)]
#[repr(C)]
pub struct IOBase;

/// Base class for raw binary I/O.
#[pyclass(name = "_RawIOBase", module = "_io", extends = IOBase, tracked, subclassable)]
#[repr(C)]
pub struct RawIOBase {
    pub(super) base: IOBase,
}

/// Base class for buffered IO objects.
#[pyclass(name = "_BufferedIOBase", module = "_io", extends = IOBase, tracked, subclassable)]
#[repr(C)]
pub struct BufferedIOBase {
    pub(super) base: IOBase,
}

/// Base class for text I/O.
#[pyclass(name = "_TextIOBase", module = "_io", extends = IOBase, tracked, subclassable)]
#[repr(C)]
pub struct TextIOBase {
    pub(super) base: IOBase,
}

impl BufferedIOBase {
    pub(super) const fn new() -> Self {
        BufferedIOBase { base: IOBase }
    }
}

impl TextIOBase {
    pub(super) const fn new() -> Self {
        TextIOBase { base: IOBase }
    }
}

/// Whether a stream says that it is closed.
pub(super) fn is_closed(vm: &Vm, stream: &Value) -> PyResult<bool> {
    vm.is_true(&vm.get_attribute_str(stream, "closed")?)
}

/// Raises `ValueError` where a stream is closed.
pub(super) fn check_closed(vm: &Vm, stream: &Value) -> PyResult<()> {
    if is_closed(vm, stream)? {
        return Err(vm.value_error("I/O operation on closed file."));
    }
    Ok(())
}

/// Raises where a question such as `readable` is answered with anything but `True`.
fn check_ability(vm: &Vm, stream: &Value, question: &str, message: &str) -> PyResult {
    let answer = vm.call_method_str(stream, question, &[])?;
    if rspy_runtime::types::bool::as_bool(&answer) != Some(true) {
        return Err(unsupported(vm, message));
    }
    Ok(answer)
}

/// What becomes of a stream that nobody refers to any more: it is closed, unless it cannot even tell whether it is.
pub(super) fn finalize_stream(vm: &Vm, stream: &Value) {
    let closed = match vm.get_attribute_optional(stream, &vm.intern("closed")) {
        Ok(Some(closed)) => vm.is_true(&closed).unwrap_or(true),
        Ok(None) | Err(_) => true,
    };
    if closed {
        return;
    }
    // Streams of Python classes may refuse the attribute.
    let _ = vm.set_attribute_str(stream, "_finalizing", &boolean(true));
    if let Err(error) = vm.call_method_str(stream, "close", &[]) {
        let shown = vm.repr(stream).map_or_else(|_| "?".to_owned(), |shown| shown.to_string_lossy().into_owned());
        let message = format!("Exception ignored while finalizing file {shown}");
        rspy_runtime::exceptions::print::write_unraisable(vm, error, Some(&message), None);
    }
}

/// What `_finalizing` is set to.
pub(super) fn finalizing_argument(vm: &Vm, value: Option<&Value>) -> PyResult<bool> {
    let Some(value) = value else { return Err(vm.type_error("can't delete numeric/char attribute")) };
    rspy_runtime::types::bool::as_bool(value)
        .ok_or_else(|| vm.type_error("attribute value type must be bool"))
}

/// A size argument: `None` and negative numbers mean everything.
pub(super) fn size_argument(vm: &Vm, size: Option<&Value>) -> PyResult<Option<usize>> {
    let Some(size) = size.filter(|size| !is_none(size)) else { return Ok(None) };
    if size.type_of().slots().index.get().is_none() {
        return Err(vm.type_error(format!("argument should be integer or None, not '{}'", size.type_of().full_name())));
    }
    let size = vm.index_size(size, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer"))?;
    Ok(usize::try_from(size).ok())
}

/// The bytes of an object that `read` returned.
pub(super) fn expect_bytes<'a>(vm: &Vm, value: &'a Value, function: &str) -> PyResult<&'a [u8]> {
    match value.downcast::<Bytes>() {
        Some(bytes) => Ok(bytes.payload().as_slice()),
        None => Err(vm.type_error(format!(
            "{function} should have returned a bytes object, not '{}'",
            value.type_of().full_name()
        ))),
    }
}

#[pymethods]
impl IOBase {
    #[slot(iter)]
    fn iter(vm: &Vm, this: &Value) -> PyResult {
        check_closed(vm, this)?;
        Ok(this.clone())
    }

    #[slot(next)]
    fn next(vm: &Vm, this: &Value) -> PyResult<Option<Value>> {
        let line = vm.call_method_str(this, "readline", &[])?;
        Ok(if vm.length(&line)? == 0 { None } else { Some(line) })
    }

    #[slot(finalize)]
    fn finalize(vm: &Vm, this: &Value) {
        finalize_stream(vm, this);
    }

    #[getter("closed")]
    fn closed(vm: &Vm, this: &Value) -> PyResult<bool> {
        Ok(vm.get_attribute_optional(this, &vm.intern("__IOBase_closed"))?.is_some())
    }

    #[getter("__dict__")]
    fn dict(vm: &Vm, this: &Value) -> Value {
        rspy_runtime::types::typ::instance::dict(vm, this).into_value()
    }

    /// Change the stream position to the given byte offset.
    #[method("seek(self, offset, whence=0, /)")]
    fn seek(vm: &Vm, offset: &Value, whence: Option<&Value>) -> PyResult {
        let _ = (offset, whence);
        Err(unsupported(vm, "seek"))
    }

    /// Return current stream position.
    #[method("tell(self, /)")]
    fn tell(vm: &Vm, this: &Value) -> PyResult {
        vm.call_method_str(this, "seek", &[Value::int(0), Value::int(1)])
    }

    /// Truncate file to size bytes.
    #[method("truncate(self, size=None, /)")]
    fn truncate(vm: &Vm, size: Option<&Value>) -> PyResult {
        let _ = size;
        Err(unsupported(vm, "truncate"))
    }

    /// Flush write buffers, if applicable.
    #[method("flush(self, /)")]
    fn flush(vm: &Vm, this: &Value) -> PyResult<()> {
        if Self::closed(vm, this)? {
            return Err(vm.value_error("I/O operation on closed file."));
        }
        Ok(())
    }

    /// Flush and close the IO object.  This method has no effect if the file is already closed.
    #[method("close(self, /)")]
    fn close(vm: &Vm, this: &Value) -> PyResult<()> {
        IOBase::close_stream(vm, this)
    }

    /// Return whether object supports random access.
    #[method("seekable(self, /)")]
    fn seekable(&self) -> bool {
        false
    }

    /// Return whether object was opened for reading.
    #[method("readable(self, /)")]
    fn readable(&self) -> bool {
        false
    }

    /// Return whether object was opened for writing.
    #[method("writable(self, /)")]
    fn writable(&self) -> bool {
        false
    }

    #[method("_checkClosed(self, /)")]
    fn check_is_open(vm: &Vm, this: &Value) -> PyResult<()> {
        check_closed(vm, this)
    }

    #[method("_checkSeekable(self, /)")]
    fn check_seekable(vm: &Vm, this: &Value) -> PyResult {
        check_ability(vm, this, "seekable", "File or stream is not seekable.")
    }

    #[method("_checkReadable(self, /)")]
    fn check_readable(vm: &Vm, this: &Value) -> PyResult {
        check_ability(vm, this, "readable", "File or stream is not readable.")
    }

    #[method("_checkWritable(self, /)")]
    fn check_writable(vm: &Vm, this: &Value) -> PyResult {
        check_ability(vm, this, "writable", "File or stream is not writable.")
    }

    /// Return underlying file descriptor if one exists.
    #[method("fileno(self, /)")]
    fn fileno(vm: &Vm) -> PyResult {
        Err(unsupported(vm, "fileno"))
    }

    /// Return whether this is an 'interactive' stream.
    #[method("isatty(self, /)")]
    fn isatty(vm: &Vm, this: &Value) -> PyResult<bool> {
        check_closed(vm, this)?;
        Ok(false)
    }

    #[method("__enter__(self, /)")]
    fn enter(vm: &Vm, this: &Value) -> PyResult {
        check_closed(vm, this)?;
        Ok(this.clone())
    }

    #[method("__exit__")]
    fn exit(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = (args, names);
        vm.call_method_str(this, "close", &[])
    }

    /// Read and return a line from the stream.
    #[method("readline(self, size=-1, /)")]
    fn readline(vm: &Vm, this: &Value, size: Option<&Value>) -> PyResult {
        let limit = size_argument(vm, size)?;
        let peek = vm.get_attribute_optional(this, &vm.intern("peek"))?;
        let mut line: Vec<u8> = Vec::new();
        while limit.is_none_or(|limit| line.len() < limit) {
            let mut wanted = 1;
            if let Some(peek) = &peek {
                let ahead = vm.call(peek, &[Value::int(1)])?;
                let Some(ahead) = ahead.downcast::<Bytes>() else {
                    return Err(vm.os_error_message(format!(
                        "peek() should have returned a bytes object, not '{}'",
                        ahead.type_of().full_name()
                    )));
                };
                let ahead = ahead.payload().as_slice();
                if !ahead.is_empty() {
                    let most = limit.map_or(ahead.len(), |limit| ahead.len().min(limit - line.len()));
                    wanted = memchr::memchr(b'\n', &ahead[..most]).map_or(most, |end| end + 1);
                }
            }
            let read = vm.call_method_str(this, "read", &[int::new(wanted as i64)])?;
            let Some(read) = read.downcast::<Bytes>() else {
                return Err(vm.os_error_message(format!(
                    "read() should have returned a bytes object, not '{}'",
                    read.type_of().full_name()
                )));
            };
            let read = read.payload().as_slice();
            line.extend_from_slice(read);
            if read.is_empty() || line.ends_with(b"\n") {
                break;
            }
        }
        Ok(Bytes::new(line).into_value())
    }

    /// Return a list of lines from the stream.
    #[method("readlines(self, hint=-1, /)")]
    fn readlines(vm: &Vm, this: &Value, hint: Option<&Value>) -> PyResult {
        let hint = size_argument(vm, hint)?.filter(|&hint| hint > 0);
        let mut lines = Vec::new();
        let mut length = 0;
        let iterator = vm.iter(this)?;
        while let Some(line) = vm.next(&iterator)? {
            length += vm.length(&line)?;
            lines.push(line);
            if hint.is_some_and(|hint| length >= hint) {
                break;
            }
        }
        Ok(List::from_vec(lines).into_value())
    }

    /// Write a list of lines to stream.
    #[method("writelines(self, lines, /)")]
    fn writelines(vm: &Vm, this: &Value, lines: &Value) -> PyResult<()> {
        check_closed(vm, this)?;
        vm.for_each(lines, |line| vm.call_method_str(this, "write", &[line]).map(drop))
    }
}

#[pymethods]
impl RawIOBase {
    #[method("read(self, size=-1, /)")]
    fn read(vm: &Vm, this: &Value, size: isize) -> PyResult {
        let Ok(size) = usize::try_from(size) else { return vm.call_method_str(this, "readall", &[]) };
        let room = ByteArray::new(vec![0; size]).into_value();
        let count = vm.call_method_str(this, "readinto", std::slice::from_ref(&room))?;
        if is_none(&count) {
            return Ok(none());
        }
        let count: isize = int::to_fixed(vm, &count, "index")?;
        match usize::try_from(count) {
            Ok(count) if count <= size => {
                let bytes = rspy_runtime::buffer::view(vm, &room)?;
                Ok(Bytes::new(bytes.as_slice()[..count].to_vec()).into_value())
            }
            _ => Err(vm.value_error(format!("readinto returned {count} outside buffer size {size}"))),
        }
    }

    /// Read until EOF, using multiple read() call.
    #[method("readall(self, /)")]
    fn readall(vm: &Vm, this: &Value) -> PyResult {
        let mut all: Vec<u8> = Vec::new();
        loop {
            let part = vm.call_method_str(this, "read", &[Value::int(super::DEFAULT_BUFFER_SIZE as i32)])?;
            if is_none(&part) {
                return Ok(if all.is_empty() { none() } else { Bytes::new(all).into_value() });
            }
            let bytes = match part.downcast::<Bytes>() {
                Some(bytes) => bytes.payload().as_slice(),
                None => return Err(vm.type_error("read() should return bytes")),
            };
            if bytes.is_empty() {
                return Ok(Bytes::new(all).into_value());
            }
            all.extend_from_slice(bytes);
        }
    }

    #[method("readinto")]
    fn readinto(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = (this, args, names);
        Err(vm.not_implemented_error(""))
    }

    #[method("write")]
    fn write(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = (this, args, names);
        Err(vm.not_implemented_error(""))
    }
}

/// Reads by `read` or `read1` into a buffer.
fn read_into(vm: &Vm, stream: &Value, buffer: &Value, method: &str) -> PyResult<usize> {
    let mut view = crate::posix::writable_argument(vm, "readinto", 0, buffer)?;
    let data = vm.call_method_str(stream, method, &[int::new(view.len() as i64)])?;
    let Some(bytes) = data.downcast::<Bytes>() else { return Err(vm.type_error("read() should return bytes")) };
    let bytes = bytes.payload().as_slice();
    if bytes.len() > view.len() {
        return Err(vm.value_error(format!(
            "read() returned too much data: {} bytes requested, {} returned",
            view.len(),
            bytes.len()
        )));
    }
    view.as_mut_slice()[..bytes.len()].copy_from_slice(bytes);
    Ok(bytes.len())
}

#[pymethods]
impl BufferedIOBase {
    /// Disconnect this buffer from its underlying raw stream and return it.
    #[method("detach(self, /)")]
    fn detach(vm: &Vm) -> PyResult {
        Err(unsupported(vm, "detach"))
    }

    /// Read and return up to n bytes.
    #[method("read(self, size=-1, /)")]
    fn read(vm: &Vm, size: Option<&Value>) -> PyResult {
        let _ = size;
        Err(unsupported(vm, "read"))
    }

    /// Read and return up to size bytes, with at most one read() call to the underlying raw stream.
    #[method("read1(self, size=-1, /)")]
    fn read1(vm: &Vm, size: Option<&Value>) -> PyResult {
        let _ = size;
        Err(unsupported(vm, "read1"))
    }

    #[method("readinto(self, buffer, /)")]
    fn readinto(vm: &Vm, this: &Value, buffer: &Value) -> PyResult<usize> {
        read_into(vm, this, buffer, "read")
    }

    #[method("readinto1(self, buffer, /)")]
    fn readinto1(vm: &Vm, this: &Value, buffer: &Value) -> PyResult<usize> {
        read_into(vm, this, buffer, "read1")
    }

    /// Write buffer b to the IO stream.
    #[method("write(self, b, /)")]
    fn write(vm: &Vm, b: &Value) -> PyResult {
        let _ = b;
        Err(unsupported(vm, "write"))
    }
}

#[pymethods]
impl TextIOBase {
    /// Encoding of the text stream.
    #[getter("encoding")]
    fn encoding(&self) -> Value {
        none()
    }

    /// Line endings translated so far.
    #[getter("newlines")]
    fn newlines(&self) -> Value {
        none()
    }

    /// The error setting of the decoder or encoder.
    #[getter("errors")]
    fn errors(&self) -> Value {
        none()
    }

    /// Separate the underlying buffer from the TextIOBase and return it.
    #[method("detach(self, /)")]
    fn detach(vm: &Vm) -> PyResult {
        Err(unsupported(vm, "detach"))
    }

    /// Read at most size characters from stream.
    #[method("read(self, size=-1, /)")]
    fn read(vm: &Vm, size: Option<&Value>) -> PyResult {
        let _ = size;
        Err(unsupported(vm, "read"))
    }

    /// Read until newline or EOF.
    #[method("readline(self, size=-1, /)")]
    fn readline(vm: &Vm, size: Option<&Value>) -> PyResult {
        let _ = size;
        Err(unsupported(vm, "readline"))
    }

    /// Write string s to stream.
    #[method("write(self, s, /)")]
    fn write(vm: &Vm, s: &Value) -> PyResult {
        let _ = s;
        Err(unsupported(vm, "write"))
    }
}

/// The error of pickling a stream.
pub(super) fn cannot_pickle(vm: &Vm, stream: &Value) -> PyResult {
    Err(vm.type_error(format!("cannot pickle '{}' instances", stream.type_of().full_name())))
}

/// `<_io.FileIO name=… >`: the name of a stream for `repr`, if it can be found.
pub(super) fn shown_name(vm: &Vm, stream: &Value) -> PyResult<Option<String>> {
    match vm.get_attribute_str(stream, "name") {
        Ok(name) => {
            let Some(_guard) = vm.enter_repr(stream) else {
                return Err(vm.runtime_error(format!("reentrant call inside {}.__repr__", stream.type_of().full_name())));
            };
            Ok(Some(vm.repr(&name)?.to_string_lossy().into_owned()))
        }
        Err(error) if error.is_value_error() || error.is_attribute_error() => Ok(None),
        Err(error) => Err(error),
    }
}
