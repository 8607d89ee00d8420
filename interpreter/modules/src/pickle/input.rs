//! The bytes of a pickle while it is read, from memory or from a file.

use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::Rc;

use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::names;
use rspy_runtime::types::bytes::{ByteArray, Bytes, MemoryView};
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::UnpicklingError;

/// How much is looked at beforehand, where the file lets one do that.
const PREFETCH: usize = 1 << 17;

/// The methods of a file that is read.
struct File {
    read: Value,
    readline: Value,
    readinto: Option<Value>,
    peek: GilCell<Option<Value>>,
}

impl Trace for File {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.read.trace(visitor);
        self.readline.trace(visitor);
        self.readinto.trace(visitor);
        self.peek.trace(visitor);
    }
}

/// The bytes at hand.
struct Chunk {
    /// What keeps them where they are.
    view: Option<BufferView>,
    bytes: NonNull<[u8]>,
    position: usize,
    /// How many of them the file has given out for good; the others were only looked at.
    taken: usize,
    /// Where the bytes end that an opcode may have: with the frame that is being read, or with those at hand.
    limit: usize,
    in_frame: bool,
}

impl Default for Chunk {
    fn default() -> Chunk {
        Chunk { view: None, bytes: NonNull::from(&[]), position: 0, taken: 0, limit: 0, in_frame: false }
    }
}

impl Chunk {
    /// All bytes of a view, of which the file has given out some for good.
    fn new(view: BufferView, taken: usize) -> Chunk {
        let bytes = NonNull::from(view.as_slice());
        Chunk { view: Some(view), bytes, position: 0, taken, limit: bytes.len(), in_frame: false }
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        // SAFETY: these are the bytes of the view beside, which stay where they are as long as there is the view;
        // nobody writes to them while the slice is used, since that runs no Python code.
        unsafe { self.bytes.as_ref() }
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The next bytes, unless they lie beyond the limit.
    #[inline(always)]
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let start = self.position;
        let end = start.checked_add(count)?;
        if end > self.limit {
            return None;
        }
        self.position = end;
        self.bytes().get(start..end)
    }

    fn leave_frame(&mut self) {
        self.in_frame = false;
        self.limit = self.bytes.len();
    }
}

/// Where a pickle comes from.
#[derive(Default)]
pub struct Input {
    file: Option<Box<File>>,
    chunk: GilCell<Chunk>,
}

impl Trace for Input {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.file.trace(visitor);
        if let Some(view) = &self.chunk.borrow().view {
            visitor.value(view.exporter());
        }
    }
}

/// An input that stays while it is read from, whatever Python code does meanwhile.
#[derive(Clone, Default)]
pub struct Source(Rc<Input>);

impl From<Input> for Source {
    fn from(input: Input) -> Source {
        Source(Rc::new(input))
    }
}

impl Deref for Source {
    type Target = Input;
    #[inline]
    fn deref(&self) -> &Input {
        &self.0
    }
}

impl Trace for Source {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.0.trace(visitor);
    }
}

/// The error where the bytes end too early.
pub fn truncated(vm: &Vm) -> Exception {
    UnpicklingError::error(vm, "pickle data was truncated")
}

impl Input {
    /// The bytes of an object.
    ///
    /// # Errors
    /// `TypeError` where it has none.
    pub fn of_bytes(vm: &Vm, data: &Value) -> PyResult<Input> {
        let view = buffer::view(vm, data)?;
        let taken = view.len();
        Ok(Input { file: None, chunk: GilCell::new(Chunk::new(view, taken)) })
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// `TypeError` where it cannot be read.
    pub fn of_file(vm: &Vm, file: &Value) -> PyResult<Input> {
        let peek = vm.get_attribute_optional(file, &names::peek)?;
        let readinto = vm.get_attribute_optional(file, &names::readinto)?;
        let read = vm.get_attribute_optional(file, &names::read)?;
        let readline = vm.get_attribute_optional(file, &names::readline)?;
        let (Some(read), Some(readline)) = (read, readline) else {
            return Err(vm.type_error("file must have 'read' and 'readline' attributes"));
        };
        let file = File { read, readline, readinto, peek: GilCell::new(peek) };
        Ok(Input { file: Some(Box::new(file)), chunk: GilCell::default() })
    }

    /// The next byte, if it is at hand, wherever the frame ends.
    #[inline(always)]
    pub fn next_at_hand(&self) -> Option<u8> {
        let mut chunk = self.chunk.borrow_mut();
        let byte = *chunk.bytes().get(chunk.position)?;
        chunk.position += 1;
        Some(byte)
    }

    /// Hands the next bytes to a function, which must not run Python code, if they are at hand.
    #[inline]
    pub fn take_at_hand<R>(&self, count: usize, with: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.chunk.borrow_mut().take(count).map(with)
    }

    /// Hands the next bytes to a function, which must not run Python code.
    ///
    /// # Errors
    /// `UnpicklingError` where there are fewer, and what the file raises.
    #[inline]
    pub fn take<R>(&self, vm: &Vm, count: usize, with: impl Fn(&[u8]) -> R) -> PyResult<R> {
        if let Some(bytes) = self.chunk.borrow_mut().take(count) {
            return Ok(with(bytes));
        }
        self.make_ready(vm, count)?;
        self.chunk.borrow_mut().take(count).map(with).ok_or_else(|| truncated(vm))
    }

    /// The next bytes as an array.
    ///
    /// # Errors
    /// As for [`take`](Self::take).
    #[inline(always)]
    pub fn array<const N: usize>(&self, vm: &Vm) -> PyResult<[u8; N]> {
        if let Some(bytes) = self.chunk.borrow_mut().take(N)
            && let Some(array) = bytes.first_chunk()
        {
            return Ok(*array);
        }
        self.distant_array(vm)
    }

    /// An array of bytes that lie beyond the limit.
    #[cold]
    fn distant_array<const N: usize>(&self, vm: &Vm) -> PyResult<[u8; N]> {
        self.make_ready(vm, N)?;
        self.chunk.borrow_mut().take(N).and_then(<[u8]>::first_chunk).copied().ok_or_else(|| truncated(vm))
    }

    /// The bytes that were just taken.
    pub fn last(&self, count: usize) -> Vec<u8> {
        let chunk = self.chunk.borrow();
        let start = chunk.position.saturating_sub(count);
        chunk.bytes()[start..chunk.position].to_vec()
    }

    /// Has as many bytes at hand.
    #[cold]
    fn make_ready(&self, vm: &Vm, count: usize) -> PyResult<()> {
        self.leave_frame(vm, count)?;
        if count <= self.chunk.borrow().left() {
            return Ok(());
        }
        let end = self.chunk.borrow().position.checked_add(count);
        if end.is_none_or(|end| isize::try_from(end).is_err()) {
            return Err(UnpicklingError::error(vm, "read would overflow (invalid bytecode)"));
        }
        let Some(file) = &self.file else { return Err(truncated(vm)) };
        self.skip_looked_at(vm)?;
        let peek = file.peek.get().filter(|_| count < PREFETCH);
        if let Some(peek) = peek {
            match vm.call(&peek, &[int::new(PREFETCH as i64)]) {
                Ok(data) => {
                    self.set_chunk(vm, &data, true)?;
                    if count <= self.chunk.borrow().left() {
                        return Ok(());
                    }
                }
                Err(error) if error.is_not_implemented_error() => file.peek.set(None),
                Err(error) => return Err(error),
            }
        }
        let data = vm.call(&file.read, &[int::new(count as i64)])?;
        self.set_chunk(vm, &data, false)?;
        if self.chunk.borrow().left() < count { Err(truncated(vm)) } else { Ok(()) }
    }

    /// What is read ends with the frame, or begins behind it.
    fn leave_frame(&self, vm: &Vm, count: usize) -> PyResult<()> {
        let mut chunk = self.chunk.borrow_mut();
        if !chunk.in_frame {
            return Ok(());
        }
        if chunk.position >= chunk.limit {
            chunk.leave_frame();
        } else if count > chunk.limit - chunk.position {
            drop(chunk);
            return Err(UnpicklingError::error(vm, "pickle exhausted before end of frame"));
        }
        Ok(())
    }

    fn set_chunk(&self, vm: &Vm, data: &Value, looked_at: bool) -> PyResult<()> {
        let view = buffer::view(vm, data)?;
        let taken = if looked_at { 0 } else { view.len() };
        let old = self.chunk.replace(Chunk::new(view, taken));
        drop(old);
        Ok(())
    }

    /// Has the file go past the bytes that were only looked at and are used now.
    ///
    /// # Errors
    /// What the file raises.
    pub fn skip_looked_at(&self, vm: &Vm) -> PyResult<()> {
        let used = {
            let mut chunk = self.chunk.borrow_mut();
            let used = chunk.position.saturating_sub(chunk.taken);
            chunk.taken = chunk.taken.max(chunk.position);
            used
        };
        match &self.file {
            Some(file) if used > 0 => vm.call(&file.read, &[int::new(used as i64)]).map(drop),
            _ => Ok(()),
        }
    }

    /// The next line, without its end.
    ///
    /// # Errors
    /// `UnpicklingError` where there is none, and what the file raises.
    pub fn line(&self, vm: &Vm) -> PyResult<Vec<u8>> {
        let found = self.line_at_hand(vm)?;
        if let Some(line) = found {
            return Ok(line);
        }
        let Some(file) = &self.file else { return Err(truncated(vm)) };
        self.skip_looked_at(vm)?;
        let data = vm.call(&file.readline, &[])?;
        self.set_chunk(vm, &data, false)?;
        let mut chunk = self.chunk.borrow_mut();
        let length = chunk.bytes().len();
        chunk.position = length;
        match chunk.bytes().split_last() {
            Some((b'\n', line)) => Ok(line.to_vec()),
            _ => {
                drop(chunk);
                Err(truncated(vm))
            }
        }
    }

    fn line_at_hand(&self, vm: &Vm) -> PyResult<Option<Vec<u8>>> {
        self.leave_frame(vm, 0)?;
        let mut chunk = self.chunk.borrow_mut();
        let start = chunk.position;
        let Some(length) = memchr::memchr(b'\n', &chunk.bytes()[start..chunk.limit]) else {
            let in_frame = chunk.in_frame;
            drop(chunk);
            if in_frame {
                return Err(UnpicklingError::error(vm, "pickle exhausted before end of frame"));
            }
            return Ok(None);
        };
        let line = chunk.bytes()[start..start + length].to_vec();
        chunk.position = start + length + 1;
        Ok(Some(line))
    }

    /// The next bytes, as a vector of one's own.
    ///
    /// # Errors
    /// `UnpicklingError` where there are fewer, `MemoryError`, and what the file raises.
    pub fn vector(&self, vm: &Vm, count: usize) -> PyResult<Vec<u8>> {
        let at_hand = self.chunk.borrow().left();
        // Where nothing is at hand, even no bytes are asked for.
        match &self.file {
            None if at_hand == 0 => return Err(truncated(vm)),
            Some(_) if at_hand == 0 || count > at_hand => {}
            _ => return self.take(vm, count, <[u8]>::to_vec),
        }
        self.leave_frame(vm, count)?;
        if !rspy_runtime::heap::can_allocate(count) {
            return Err(vm.memory_error());
        }
        let mut data = self.take(vm, at_hand, <[u8]>::to_vec)?;
        self.skip_looked_at(vm)?;
        let missing = count - data.len();
        data.extend_from_slice(&self.read_from_file(vm, missing)?);
        Ok(data)
    }

    /// Bytes that lie beyond those at hand.
    fn read_from_file(&self, vm: &Vm, count: usize) -> PyResult<Vec<u8>> {
        let Some(file) = &self.file else { return Err(truncated(vm)) };
        let Some(readinto) = &file.readinto else {
            let data = vm.call(&file.read, &[int::new(count as i64)])?;
            let Some(bytes) = data.downcast::<Bytes>() else {
                let got = vm.repr(&data.type_of().to_value())?;
                let message = format!("read() returned non-bytes object ({})", got.to_string_lossy());
                return Err(vm.value_error(message));
            };
            return match bytes.as_slice().get(..count) {
                Some(bytes) => Ok(bytes.to_vec()),
                None => Err(truncated(vm)),
            };
        };
        let target = ByteArray::new(vec![0; count]);
        let view = MemoryView::of_object(vm, target.value(), buffer::flags::WRITABLE)?;
        let answer = vm.call(readinto, &[view.value().clone()])?;
        let size = vm.index_size(&answer, |vm| {
            vm.overflow_error("Python int too large to convert to C ssize_t")
        })?;
        match usize::try_from(size) {
            Err(_) => Err(vm.value_error("readinto() returned negative size")),
            Ok(size) if size < count => Err(truncated(vm)),
            Ok(_) => Ok(target.borrow().clone()),
        }
    }

    /// Ends the last frame, since another follows.
    ///
    /// # Errors
    /// `UnpicklingError` where not all of it has been read.
    pub fn end_frame(&self, vm: &Vm) -> PyResult<()> {
        let mut chunk = self.chunk.borrow_mut();
        if chunk.in_frame && chunk.position < chunk.limit {
            drop(chunk);
            let message = "beginning of a new frame before end of current frame";
            return Err(UnpicklingError::error(vm, message));
        }
        chunk.leave_frame();
        Ok(())
    }

    /// Begins a frame.
    ///
    /// # Errors
    /// `UnpicklingError` where it is not complete.
    pub fn begin_frame(&self, vm: &Vm, length: usize) -> PyResult<()> {
        self.make_ready(vm, length)?;
        let mut chunk = self.chunk.borrow_mut();
        chunk.in_frame = true;
        chunk.limit = chunk.position + length;
        Ok(())
    }
}
