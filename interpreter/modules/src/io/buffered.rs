//! What buffered streams share — the raw stream, the lock, positions — and `BufferedReader`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::host::Destination;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::threads::ObjectLock;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::base::{BufferedIOBase, finalize_stream, is_closed, shown_name, size_argument};
use super::file::{FileIO, offset_argument};
use super::{exchange, unsupported};

/// What all buffered streams have.
#[derive(Default)]
pub struct Buffered {
    raw: GilCell<Option<Value>>,
    detached: Cell<bool>,
    /// Whether construction went through.
    ready: Cell<bool>,
    pub(super) finalizing: Cell<bool>,
    /// The size of the buffer.
    pub(super) size: Cell<usize>,
    /// Read ahead: the bytes, and how many of them have been taken.
    ahead: GilCell<Vec<u8>>,
    taken: Cell<usize>,
    /// Not written yet.
    pending: GilCell<Vec<u8>>,
    /// What raw streams other than files read into.
    exchange: GilCell<Option<Value>>,
    lock: ObjectLock,
}

impl Trace for Buffered {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.raw.trace(visitor);
        self.exchange.trace(visitor);
    }
}

impl Buffered {
    /// Begins anew with a raw stream.
    pub(super) fn set_up(&self, vm: &Vm, raw: &Value, size: isize) -> PyResult<()> {
        let Some(size) = usize::try_from(size).ok().filter(|&size| size > 0) else {
            return Err(vm.value_error("buffer size must be strictly positive"));
        };
        self.size.set(size);
        self.detached.set(false);
        self.ready.set(true);
        self.ahead.take();
        self.taken.set(0);
        self.pending.take();
        self.exchange.take();
        self.raw.set(Some(raw.clone()));
        Ok(())
    }

    /// Construction has failed: the stream cannot be used.
    pub(super) fn spoil(&self) {
        self.ready.set(false);
    }

    /// The raw stream.
    pub(super) fn raw(&self, vm: &Vm) -> PyResult {
        if self.ready.get()
            && let Some(raw) = self.raw.get()
        {
            return Ok(raw);
        }
        Err(vm.value_error(if self.detached.get() {
            "raw stream has been detached"
        } else {
            "I/O operation on uninitialized object"
        }))
    }

    /// The raw stream, or `None` once it was detached.
    pub(super) fn raw_or_none(&self) -> Value {
        self.raw.get().unwrap_or_else(none)
    }

    /// Whether the raw stream is closed.
    pub(super) fn is_closed(&self, vm: &Vm) -> PyResult<bool> {
        let raw = self.raw(vm)?;
        match raw.downcast_exact::<FileIO>() {
            Some(file) => Ok(file.is_closed()),
            None => is_closed(vm, &raw),
        }
    }

    /// Raises where the stream is closed.
    pub(super) fn check_open(&self, vm: &Vm, doing: &str) -> PyResult<Value> {
        let raw = self.raw(vm)?;
        if self.is_closed(vm)? {
            return Err(vm.value_error(format!("{doing} of closed file")));
        }
        Ok(raw)
    }

    /// Runs with the stream's lock, which other threads wait for.
    pub(super) fn locked<R>(&self, vm: &Vm, this: &Value, run: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        if !self.lock.acquire(vm) {
            let shown = vm.repr(this).map_or_else(|_| "?".to_owned(), |shown| shown.to_string_lossy().into_owned());
            return Err(vm.runtime_error(format!("reentrant call inside {shown}")));
        }
        let result = run();
        self.lock.release();
        result
    }

    /// How many bytes read ahead there are.
    pub(super) fn ahead(&self) -> usize {
        self.ahead.borrow().len() - self.taken.get()
    }

    /// Forgets what was read ahead.
    pub(super) fn forget_ahead(&self) {
        self.ahead.borrow_mut().clear();
        self.taken.set(0);
    }

    /// How many bytes are to be written.
    pub(super) fn pending(&self) -> usize {
        self.pending.borrow().len()
    }

    /// One read of the raw stream into memory; nothing where it would block.
    pub(super) fn raw_read(
        &self,
        vm: &Vm,
        buffer: &mut (impl Destination + ?Sized),
    ) -> PyResult<Option<usize>> {
        let raw = self.raw(vm)?;
        if let Some(file) = raw.downcast_exact::<FileIO>() {
            return file.read_into(vm, buffer);
        }
        let length = buffer.room();
        let memory = self.exchange(vm, length)?;
        let view = rspy_runtime::types::bytes::memoryview_of(vm, rspy_runtime::buffer::writable_view(vm, &memory)?);
        let count = vm.call_method_str(&raw, "readinto", std::slice::from_ref(&view))?;
        if is_none(&count) {
            return Ok(None);
        }
        if count.type_of().slots().index.get().is_none() {
            return Err(vm.os_error_message("raw readinto() failed").with_cause(vm.type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                count.type_of().full_name()
            ))));
        }
        let count: isize = int::to_fixed(vm, &vm.index(&count)?, "index")?;
        match usize::try_from(count) {
            Ok(count) if count <= length => {
                buffer.put(&rspy_runtime::buffer::view(vm, &memory)?.as_slice()[..count]);
                Ok(Some(count))
            }
            _ => Err(vm.os_error_message(format!(
                "raw readinto() returned invalid length {count} (should have been between 0 and {length})"
            ))),
        }
    }

    /// Memory of a size that is lent to the raw stream; that of the buffer's own size is kept for the next time.
    fn exchange(&self, vm: &Vm, length: usize) -> PyResult {
        if length != self.size.get() {
            return exchange::new(vm, length);
        }
        if let Some(memory) = self.exchange.get() {
            return Ok(memory);
        }
        let memory = exchange::new(vm, length)?;
        self.exchange.set(Some(memory.clone()));
        Ok(memory)
    }

    /// One write to the raw stream; nothing where it would block.
    fn raw_write(&self, vm: &Vm, bytes: &[u8]) -> PyResult<Option<usize>> {
        let raw = self.raw(vm)?;
        if let Some(file) = raw.downcast_exact::<FileIO>() {
            return file.write_from(vm, bytes);
        }
        let data = Bytes::new(bytes.to_vec()).into_value();
        let view = rspy_runtime::types::bytes::memoryview_of(vm, rspy_runtime::buffer::view(vm, &data)?);
        let count = vm.call_method_str(&raw, "write", std::slice::from_ref(&view))?;
        if is_none(&count) {
            return Ok(None);
        }
        let count: isize = int::to_fixed(vm, &vm.index(&count)?, "index")?;
        match usize::try_from(count) {
            Ok(count) if count <= bytes.len() => Ok(Some(count)),
            _ => Err(vm.os_error_message(format!(
                "raw write() returned invalid length {count} (should have been between 0 and {})",
                bytes.len()
            ))),
        }
    }

    /// The raw stream's position.
    pub(super) fn raw_tell(&self, vm: &Vm) -> PyResult<i64> {
        let raw = self.raw(vm)?;
        if let Some(file) = raw.downcast_exact::<FileIO>() {
            return file.seek_to(vm, 0, 1);
        }
        let position = vm.call_method_str(&raw, "tell", &[])?;
        Self::valid_position(vm, &position)
    }

    /// Moves the raw stream's position.
    pub(super) fn raw_seek(&self, vm: &Vm, offset: i64, whence: i32) -> PyResult<i64> {
        let raw = self.raw(vm)?;
        if let Some(file) = raw.downcast_exact::<FileIO>() {
            return file.seek_to(vm, offset, whence);
        }
        let position = vm.call_method_str(&raw, "seek", &[int::new(offset), Value::int(whence)])?;
        Self::valid_position(vm, &position)
    }

    fn valid_position(vm: &Vm, position: &Value) -> PyResult<i64> {
        let position = offset_argument(vm, position)?;
        if position < 0 {
            return Err(vm.os_error_message(format!("Raw stream returned invalid position {position}")));
        }
        Ok(position)
    }

    /// Fills the buffer with one read, where nothing is left in it; answers how much there is, nothing where the raw
    /// stream would block.
    pub(super) fn fill(&self, vm: &Vm) -> PyResult<Option<usize>> {
        if self.ahead() > 0 {
            return Ok(Some(self.ahead()));
        }
        let mut buffer = self.ahead.take();
        self.taken.set(0);
        buffer.clear();
        let result = self.raw_read(vm, &mut crate::posix::room_behind(vm, &mut buffer, self.size.get())?);
        self.ahead.set(buffer);
        result
    }

    /// Takes bytes that were read ahead, at most so many.
    pub(super) fn take(&self, most: usize) -> Vec<u8> {
        let ahead = self.ahead.borrow();
        let start = self.taken.get();
        let end = start.saturating_add(most).min(ahead.len());
        self.taken.set(end);
        ahead[start..end].to_vec()
    }

    fn take_into(&self, out: &mut [u8]) -> usize {
        let ahead = self.ahead.borrow();
        let start = self.taken.get();
        let count = out.len().min(ahead.len() - start);
        out[..count].copy_from_slice(&ahead[start..start + count]);
        self.taken.set(start + count);
        count
    }

    /// Everything up to the end.
    pub(super) fn read_all(&self, vm: &Vm) -> PyResult<Option<Vec<u8>>> {
        let mut all = self.take(usize::MAX);
        self.forget_ahead();
        let raw = self.raw(vm)?;
        if let Some(file) = raw.downcast_exact::<FileIO>() {
            return Ok(match file.read_all(vm)? {
                Some(rest) if all.is_empty() => Some(rest),
                Some(rest) => {
                    all.extend(rest);
                    Some(all)
                }
                None if all.is_empty() => None,
                None => Some(all),
            });
        }
        if let Some(readall) = vm.get_attribute_optional(&raw, &vm.intern("readall"))? {
            let rest = vm.call(&readall, &[])?;
            if is_none(&rest) {
                return Ok(if all.is_empty() { None } else { Some(all) });
            }
            let Some(rest) = rest.downcast::<Bytes>() else { return Err(vm.type_error("readall() should return bytes")) };
            all.extend_from_slice(rest.payload().as_slice());
            return Ok(Some(all));
        }
        loop {
            let part = vm.call_method_str(&raw, "read", &[])?;
            if is_none(&part) {
                return Ok(if all.is_empty() { None } else { Some(all) });
            }
            let Some(part) = part.downcast::<Bytes>() else { return Err(vm.type_error("read() should return bytes")) };
            if part.payload().as_slice().is_empty() {
                return Ok(Some(all));
            }
            all.extend_from_slice(part.payload().as_slice());
        }
    }

    /// Fills memory as far as the stream goes; nothing where it would block before anything was read.
    pub(super) fn read_exactly(&self, vm: &Vm, out: &mut [u8], once: bool) -> PyResult<Option<usize>> {
        let mut done = self.take_into(out);
        while done < out.len() && !(once && done > 0) {
            // What is larger than the buffer need not go through it.
            let direct = out.len() - done >= self.size.get();
            let count = if direct { self.raw_read(vm, &mut out[done..])? } else { self.fill(vm)? };
            match count {
                None if done == 0 => return Ok(None),
                None | Some(0) => break,
                Some(count) if direct => done += count,
                Some(_) => done += self.take_into(&mut out[done..]),
            }
        }
        Ok(Some(done))
    }

    /// Takes a line, or its beginning.
    pub(super) fn read_line(&self, vm: &Vm, most: Option<usize>) -> PyResult<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let rest = most.map_or(usize::MAX, |most| most - line.len());
            let (length, found) = {
                let ahead = self.ahead.borrow();
                let available = &ahead[self.taken.get()..];
                let available = &available[..available.len().min(rest)];
                match memchr::memchr(b'\n', available) {
                    Some(end) => (end + 1, true),
                    None => (available.len(), false),
                }
            };
            if line.is_empty() && found {
                return Ok(self.take(length));
            }
            line.extend(self.take(length));
            if found || length == rest || !matches!(self.fill(vm)?, Some(1..)) {
                return Ok(line);
            }
        }
    }

    /// Writes everything pending. Where the raw stream blocks, the rest stays and `BlockingIOError` is raised.
    pub(super) fn flush_pending(&self, vm: &Vm) -> PyResult<()> {
        if self.pending() == 0 {
            return Ok(());
        }
        let mut pending = self.pending.take();
        let mut done = 0;
        let result = loop {
            if done == pending.len() {
                break Ok(());
            }
            match self.raw_write(vm, &pending[done..]) {
                Ok(Some(count)) => done += count,
                Ok(None) => break Err(self.would_block(vm, 0)),
                Err(error) => break Err(error),
            }
            if let Err(error) = vm.check_signals() {
                break Err(error);
            }
        };
        pending.drain(..done);
        // What was written meanwhile by a handler of a signal goes behind.
        let mut later = self.pending.take();
        pending.append(&mut later);
        self.pending.set(pending);
        result
    }

    pub(super) fn would_block(&self, vm: &Vm, written: usize) -> Exception {
        let class = <rspy_runtime::exceptions::os_error::BlockingIOError as rspy_runtime::object::Payload>::static_type();
        let arguments = [
            Value::int(rspy_runtime::host::c::EAGAIN),
            vm.new_str("write could not complete without blocking"),
            int::new(written as i64),
        ];
        vm.exception_with_args(class, &arguments)
    }

    /// Writes through the buffer.
    pub(super) fn write(&self, vm: &Vm, bytes: &[u8]) -> PyResult<usize> {
        let size = self.size.get();
        if self.pending() + bytes.len() <= size {
            self.pending.borrow_mut().extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        if let Err(error) = self.flush_pending(vm) {
            if !error.is_blocking_io_error() {
                return Err(error);
            }
            // As much as fits is taken all the same.
            let fits = size.saturating_sub(self.pending()).min(bytes.len());
            self.pending.borrow_mut().extend_from_slice(&bytes[..fits]);
            return if fits == bytes.len() { Ok(fits) } else { Err(self.would_block(vm, fits)) };
        }
        let mut done = 0;
        while bytes.len() - done > size {
            match self.raw_write(vm, &bytes[done..])? {
                Some(count) => done += count,
                None => {
                    let fits = size.min(bytes.len() - done);
                    self.pending.borrow_mut().extend_from_slice(&bytes[done..done + fits]);
                    return Err(self.would_block(vm, done + fits));
                }
            }
            vm.check_signals()?;
        }
        self.pending.borrow_mut().extend_from_slice(&bytes[done..]);
        Ok(bytes.len())
    }

    /// The position that the user of the stream sees.
    pub(super) fn tell(&self, vm: &Vm) -> PyResult<i64> {
        let position = self.raw_tell(vm)?;
        Ok(position - self.ahead() as i64 + self.pending() as i64)
    }

    /// Moves the position; inside what was read ahead that costs nothing but asking where the raw stream is.
    pub(super) fn seek(&self, vm: &Vm, target: i64, whence: i32) -> PyResult<i64> {
        self.flush_pending(vm)?;
        if whence != 2 && self.ahead() > 0 {
            let raw = self.raw_tell(vm)?;
            let current = raw - self.ahead() as i64;
            let offset = if whence == 0 { target - current } else { target };
            let place = self.taken.get() as i64 + offset;
            if (0..=self.ahead.borrow().len() as i64).contains(&place) {
                self.taken.set(place as usize);
                return Ok(current + offset);
            }
        }
        let target = if whence == 1 { target - self.ahead() as i64 } else { target };
        let position = self.raw_seek(vm, target, whence)?;
        self.forget_ahead();
        Ok(position)
    }

    /// Gives up what was read ahead, so that the raw stream is where the user thinks.
    pub(super) fn unread(&self, vm: &Vm) -> PyResult<()> {
        let ahead = self.ahead();
        if ahead > 0 {
            self.raw_seek(vm, -(ahead as i64), 1)?;
        }
        self.forget_ahead();
        Ok(())
    }

    /// Some of what comes next, without taking it.
    pub(super) fn peek(&self, vm: &Vm) -> PyResult<Vec<u8>> {
        if self.ahead() == 0 {
            self.fill(vm)?;
        }
        let ahead = self.ahead.borrow();
        Ok(ahead[self.taken.get()..].to_vec())
    }

    /// Gives the raw stream away.
    pub(super) fn detach(&self, vm: &Vm) -> PyResult {
        let raw = self.raw(vm)?;
        drop(self.raw.take());
        self.detached.set(true);
        self.ready.set(false);
        Ok(raw)
    }

    /// Closes the stream: flushes it, then closes the raw one.
    pub(super) fn close(&self, vm: &Vm, this: &Value) -> PyResult {
        let raw = self.raw(vm)?;
        if self.is_closed(vm)? {
            return Ok(none());
        }
        if self.finalizing.get() {
            // Streams without that method warn on their own, or not at all.
            let _ = vm.call_method_str(&raw, "_dealloc_warn", std::slice::from_ref(this));
        }
        let flushed = vm.call_method_str(this, "flush", &[]);
        // Other threads wait until it is closed, and find it so.
        let closed = self.locked(vm, this, || vm.call_method_str(&raw, "close", &[]));
        self.ahead.take();
        self.taken.set(0);
        self.pending.take();
        match (flushed, closed) {
            (Err(first), Err(second)) => Err(second.with_context(first)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Ok(_), Ok(closed)) => Ok(closed),
        }
    }

    /// `repr` of a buffered stream.
    pub(super) fn repr(vm: &Vm, this: &Value) -> PyResult {
        let type_name = this.type_of().full_name();
        Ok(vm.new_str(&match shown_name(vm, this)? {
            Some(name) => format!("<{type_name} name={name}>"),
            None => format!("<{type_name}>"),
        }))
    }
}

/// Methods that all three kinds of buffered streams have.
macro_rules! buffered_methods {
    ($name:ident, $table:ident) => {
        #[pymethods($table)]
        impl $name {
            #[method("detach(self, /)")]
            fn detach(vm: &Vm, this: &Value) -> PyResult {
                let stream = rspy_runtime::convert::object_of::<$name>(this);
                stream.buffered.raw(vm)?;
                vm.call_method_str(this, "flush", &[])?;
                stream.buffered.detach(vm)
            }

            #[method("seekable(self, /)")]
            fn seekable(&self, vm: &Vm) -> PyResult {
                vm.call_method_str(&self.buffered.raw(vm)?, "seekable", &[])
            }

            #[method("fileno(self, /)")]
            fn fileno(&self, vm: &Vm) -> PyResult {
                vm.call_method_str(&self.buffered.raw(vm)?, "fileno", &[])
            }

            #[method("isatty(self, /)")]
            fn isatty(&self, vm: &Vm) -> PyResult {
                vm.call_method_str(&self.buffered.raw(vm)?, "isatty", &[])
            }

            #[method("close(self, /)")]
            fn close(vm: &Vm, this: &Value) -> PyResult {
                rspy_runtime::convert::object_of::<$name>(this).buffered.close(vm, this)
            }

            #[method("tell(self, /)")]
            fn tell(vm: &Vm, this: &Value) -> PyResult<i64> {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                buffered.raw(vm)?;
                buffered.locked(vm, this, || buffered.tell(vm))
            }

            #[method("seek(self, target, whence=0, /)")]
            fn seek(vm: &Vm, this: &Value, target: &Value, whence: i32) -> PyResult<i64> {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                if !matches!(whence, 0..=4) {
                    return Err(vm.value_error(format!("whence value {whence} unsupported")));
                }
                let raw = buffered.check_open(vm, "seek")?;
                if raw.downcast_exact::<super::file::FileIO>().is_none()
                    && !vm.is_true(&vm.call_method_str(&raw, "seekable", &[])?)?
                {
                    return Err(super::unsupported(vm, "File or stream is not seekable."));
                }
                let target = super::file::offset_argument(vm, target)?;
                buffered.locked(vm, this, || buffered.seek(vm, target, whence))
            }

            #[method("truncate(self, pos=None, /)")]
            fn truncate(vm: &Vm, this: &Value, pos: Option<&Value>) -> PyResult {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                let raw = buffered.check_open(vm, "truncate")?;
                if !vm.is_true(&vm.call_method_str(this, "writable", &[])?)? {
                    return Err(super::unsupported(vm, "truncate"));
                }
                buffered.locked(vm, this, || {
                    let position = match pos.filter(|pos| !is_none(pos)) {
                        Some(pos) => pos.clone(),
                        None => rspy_runtime::types::int::new(buffered.tell(vm)?),
                    };
                    buffered.flush_pending(vm)?;
                    buffered.unread(vm)?;
                    vm.call_method_str(&raw, "truncate", &[position])
                })
            }

            #[method("_dealloc_warn(self, source, /)")]
            fn dealloc_warn(&self, vm: &Vm, source: &Value) {
                if let Ok(raw) = self.buffered.raw(vm) {
                    // Streams without that method warn on their own, or not at all.
                    let _ = vm.call_method_str(&raw, "_dealloc_warn", std::slice::from_ref(source));
                }
            }

            #[method("__getstate__(self, /)")]
            fn getstate(vm: &Vm, this: &Value) -> PyResult {
                super::base::cannot_pickle(vm, this)
            }

            #[method("__sizeof__(self, /)")]
            fn size_of(&self) -> usize {
                size_of::<Object<$name>>() + self.buffered.size.get()
            }
        }
    };
}
pub(super) use buffered_methods;

/// Create a new buffered reader using the given readable raw IO object.
#[pyclass(
    name = "BufferedReader", hides_new, hides_del, module = "_io", extends = BufferedIOBase, tracked, subclassable,
    signature = "(raw, buffer_size=DEFAULT_BUFFER_SIZE)", methods(SHARED_METHODS, READER_METHODS, FLUSH_METHODS)
)]
#[repr(C)]
pub struct BufferedReader {
    base: BufferedIOBase,
    pub(super) buffered: Buffered,
}

buffered_methods!(BufferedReader, SHARED_METHODS);

/// Attributes and slots that all three kinds of buffered streams have are written by this macro into their main block.
macro_rules! buffered_type {
    ($name:ident, $init:literal { $($more:tt)* }) => {
        #[pymethods]
        impl $name {
            #[slot(new)]
            fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
                let stream = $name { base: BufferedIOBase::new(), buffered: Buffered::default() };
                Ok(Object::with_type(cls, stream).into_value())
            }

            #[init($init)]
            fn init(&self, vm: &Vm, raw: &Value, buffer_size: Option<isize>) -> PyResult<()> {
                self.buffered.spoil();
                $name::check_raw(vm, raw)?;
                self.buffered.set_up(vm, raw, buffer_size.unwrap_or(super::DEFAULT_BUFFER_SIZE as isize))
            }

            #[slot(repr)]
            fn repr(vm: &Vm, this: &Value) -> PyResult {
                Buffered::repr(vm, this)
            }

            #[slot(finalize)]
            fn finalize(vm: &Vm, this: &Value) {
                finalize_stream(vm, this);
            }

            #[getter("closed")]
            fn closed(&self, vm: &Vm) -> PyResult<bool> {
                self.buffered.is_closed(vm)
            }

            #[getter("name")]
            fn name(&self, vm: &Vm) -> PyResult {
                vm.get_attribute_str(&self.buffered.raw(vm)?, "name")
            }

            #[getter("mode")]
            fn mode(&self, vm: &Vm) -> PyResult {
                vm.get_attribute_str(&self.buffered.raw(vm)?, "mode")
            }

            #[getter("raw", member)]
            fn raw(&self) -> Value {
                self.buffered.raw_or_none()
            }

            #[getter("_finalizing", member)]
            fn is_finalizing(&self) -> bool {
                self.buffered.finalizing.get()
            }

            #[setter("_finalizing")]
            fn set_finalizing(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
                self.buffered.finalizing.set(crate::io::base::finalizing_argument(vm, value)?);
                Ok(())
            }

            $($more)*
        }
    };
}
pub(super) use buffered_type;

/// Raises where a raw stream cannot do something.
pub(super) fn require(vm: &Vm, raw: &Value, question: &str, refusal: &str) -> PyResult<()> {
    if vm.is_true(&vm.call_method_str(raw, question, &[])?)? {
        return Ok(());
    }
    Err(unsupported(vm, refusal))
}

impl BufferedReader {
    fn check_raw(vm: &Vm, raw: &Value) -> PyResult<()> {
        require(vm, raw, "readable", "File or stream is not readable.")
    }
}

buffered_type!(BufferedReader, "BufferedReader(raw, buffer_size=DEFAULT_BUFFER_SIZE)" {
    #[slot(next)]
    fn next(vm: &Vm, this: &Value) -> PyResult<Option<Value>> {
        next_line::<BufferedReader>(vm, this, |stream| &stream.buffered)
    }
});

/// The next line of a stream that can be read.
pub(super) fn next_line<T: rspy_runtime::object::Payload>(
    vm: &Vm,
    this: &Value,
    buffered: fn(&T) -> &Buffered,
) -> PyResult<Option<Value>> {
    if this.downcast_exact::<T>().is_some() {
        let buffered = buffered(rspy_runtime::convert::payload_of::<T>(this));
        buffered.check_open(vm, "readline")?;
        let line = buffered.locked(vm, this, || buffered.read_line(vm, None))?;
        return Ok(if line.is_empty() { None } else { Some(Bytes::new(line).into_value()) });
    }
    let line = vm.call_method_str(this, "readline", &[])?;
    if line.downcast::<Bytes>().is_none() {
        return Err(vm.os_error_message(format!(
            "readline() should have returned a bytes object, not '{}'",
            line.type_of().full_name()
        )));
    }
    Ok(if vm.length(&line)? == 0 { None } else { Some(line) })
}

/// Methods of streams that can be read.
macro_rules! reading_methods {
    ($name:ident, $table:ident) => {
        #[pymethods($table)]
        impl $name {
            #[method("readable(self, /)")]
            fn readable(&self, vm: &Vm) -> PyResult {
                vm.call_method_str(&self.buffered.raw(vm)?, "readable", &[])
            }

            /// Read and return up to size bytes, everything if size is negative or None.
            #[method("read(self, size=-1, /)")]
            fn read(vm: &Vm, this: &Value, size: Option<&Value>) -> PyResult {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                buffered.raw(vm)?;
                let size = reading_size(vm, size)?;
                buffered.check_open(vm, "read")?;
                let read = buffered.locked(vm, this, || {
                    buffered.flush_pending(vm)?;
                    match size {
                        None => buffered.read_all(vm),
                        Some(size) if size <= buffered.ahead() => Ok(Some(buffered.take(size))),
                        Some(size) => {
                            let mut out = crate::posix::zeros(vm, size)?;
                            let count = buffered.read_exactly(vm, &mut out, false)?;
                            Ok(count.map(|count| {
                                out.truncate(count);
                                out
                            }))
                        }
                    }
                })?;
                Ok(read.map_or_else(none, |bytes| Bytes::new(bytes).into_value()))
            }

            /// Read and return up to size bytes, with at most one read() call to the underlying raw stream.
            #[method("read1(self, size=-1, /)")]
            fn read1(vm: &Vm, this: &Value, size: isize) -> PyResult {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                buffered.check_open(vm, "read")?;
                let size = usize::try_from(size).unwrap_or(buffered.size.get());
                let read = buffered.locked(vm, this, || {
                    buffered.flush_pending(vm)?;
                    if size == 0 {
                        return Ok(Vec::new());
                    }
                    if buffered.ahead() > 0 {
                        return Ok(buffered.take(size));
                    }
                    let mut out = Vec::new();
                    buffered.raw_read(vm, &mut crate::posix::room_behind(vm, &mut out, size)?)?;
                    Ok(rspy_runtime::host::fitted(out))
                })?;
                Ok(Bytes::new(read).into_value())
            }

            #[method("readinto(self, buffer, /)")]
            fn readinto(vm: &Vm, this: &Value, buffer: &Value) -> PyResult {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                let mut view = crate::posix::writable_argument(vm, "readinto", 0, buffer)?;
                buffered.check_open(vm, "readinto")?;
                let count = buffered.locked(vm, this, || {
                    buffered.flush_pending(vm)?;
                    buffered.read_exactly(vm, view.as_mut_slice(), false)
                })?;
                Ok(count.map_or_else(none, |count| rspy_runtime::types::int::new(count as i64)))
            }

            #[method("readinto1(self, buffer, /)")]
            fn readinto1(vm: &Vm, this: &Value, buffer: &Value) -> PyResult {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                let mut view = crate::posix::writable_argument(vm, "readinto1", 0, buffer)?;
                buffered.check_open(vm, "readinto")?;
                let count = buffered.locked(vm, this, || {
                    buffered.flush_pending(vm)?;
                    buffered.read_exactly(vm, view.as_mut_slice(), true)
                })?;
                Ok(count.map_or_else(none, |count| rspy_runtime::types::int::new(count as i64)))
            }

            #[method("readline(self, size=-1, /)")]
            fn readline(vm: &Vm, this: &Value, size: Option<&Value>) -> PyResult {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                buffered.raw(vm)?;
                let size = super::base::size_argument(vm, size)?;
                buffered.check_open(vm, "readline")?;
                let line = buffered.locked(vm, this, || {
                    buffered.flush_pending(vm)?;
                    buffered.read_line(vm, size)
                })?;
                Ok(Bytes::new(line).into_value())
            }

            #[method("peek(self, size=0, /)")]
            fn peek(vm: &Vm, this: &Value, size: isize) -> PyResult {
                let _ = size;
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                buffered.check_open(vm, "peek")?;
                let bytes = buffered.locked(vm, this, || {
                    buffered.flush_pending(vm)?;
                    buffered.peek(vm)
                })?;
                Ok(Bytes::new(bytes).into_value())
            }
        }
    };
}
pub(super) use reading_methods;

reading_methods!(BufferedReader, READER_METHODS);

/// A size for `read`: -1 and `None` mean everything, other negative numbers are refused.
pub(super) fn reading_size(vm: &Vm, size: Option<&Value>) -> PyResult<Option<usize>> {
    let Some(size) = size.filter(|size| !is_none(size)) else { return Ok(None) };
    if size.type_of().slots().index.get().is_none() {
        return size_argument(vm, Some(size));
    }
    match vm.index_size(size, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer"))? {
        -1 => Ok(None),
        size => match usize::try_from(size) {
            Ok(size) => Ok(Some(size)),
            Err(_) => Err(vm.value_error("read length must be non-negative or -1")),
        },
    }
}

#[pymethods(FLUSH_METHODS)]
impl BufferedReader {
    #[method("flush(self, /)")]
    fn flush(&self, vm: &Vm) -> PyResult {
        vm.call_method_str(&self.buffered.raw(vm)?, "flush", &[])
    }
}

