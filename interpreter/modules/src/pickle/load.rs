//! Reading a pickle: a machine with a stack, driven by the opcodes. Damaged pickles cost an exception, whatever they say.
//!
//! Here are the dispatch, the stack, the memo and the frames; `load_values`, `load_containers` and `load_objects` make what
//! the opcodes tell of.

use rspy_runtime::buffer;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::MemoryView;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::float;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::set::Set;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::UnpicklingError;
use super::input::{Source, truncated};
use super::numbers::int_of_line;
use super::opcodes::*;
use super::state::set_state;
use super::unpickler::Unpickler;

/// A pickle being read.
pub(super) struct Machine<'a> {
    pub(super) unpickler: &'a Unpickler,
    pub(super) input: Source,
    /// The unpickler as Python sees it, where its class may have methods of its own.
    pub(super) owner: Option<&'a Value>,
    pub(super) stack: Vec<Value>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    /// The last of them, or 0: what lies below cannot be reached.
    pub(super) fence: usize,
}

/// Reads a pickle.
///
/// # Errors
/// `UnpicklingError` and others for damaged pickles, and what the objects raise.
pub fn load(vm: &Vm, unpickler: &Unpickler, owner: Option<&Value>) -> PyResult {
    let input = unpickler.input.get();
    let stack = Vec::with_capacity(16);
    let mut machine = Machine { unpickler, input, owner, stack, marks: Vec::new(), fence: 0 };
    let value = machine.run(vm)?;
    machine.input.skip_looked_at(vm)?;
    Ok(value)
}

impl Machine<'_> {
    /// Performs opcodes until the last. Those that today's pickles consist of come first.
    fn run(&mut self, vm: &Vm) -> PyResult {
        loop {
            let opcode = self.opcode(vm)?;
            let value = match opcode {
                STOP => return self.pop(vm),
                MARK => {
                    self.push_mark();
                    continue;
                }
                MEMOIZE => {
                    let number = self.unpickler.memo.borrow().count();
                    self.remember(vm, number)?;
                    continue;
                }
                BINGET => {
                    let [number] = self.input.array(vm)?;
                    self.recall(vm, usize::from(number))?
                }
                LONG_BINGET => {
                    let number = u32::from_le_bytes(self.input.array(vm)?);
                    self.recall(vm, number as usize)?
                }
                BINPUT => {
                    let [number] = self.input.array(vm)?;
                    self.remember(vm, usize::from(number))?;
                    continue;
                }
                LONG_BINPUT => {
                    let number = u32::from_le_bytes(self.input.array(vm)?);
                    self.remember(vm, number as usize)?;
                    continue;
                }
                NONE => none(),
                NEWTRUE => boolean(true),
                NEWFALSE => boolean(false),
                BININT1 => Value::int(i32::from(self.input.array::<1>(vm)?[0])),
                BININT2 => Value::int(i32::from(u16::from_le_bytes(self.input.array(vm)?))),
                BININT => Value::int(i32::from_le_bytes(self.input.array(vm)?)),
                BINFLOAT => float::new(f64::from_be_bytes(self.input.array(vm)?)),
                SHORT_BINUNICODE => {
                    let [size] = self.input.array(vm)?;
                    self.unicode(vm, usize::from(size))?
                }
                BINUNICODE => {
                    let size = u32::from_le_bytes(self.input.array(vm)?);
                    self.unicode(vm, size as usize)?
                }
                SHORT_BINBYTES => {
                    let [size] = self.input.array(vm)?;
                    self.bytes(vm, usize::from(size))?
                }
                EMPTY_TUPLE => Tuple::empty().into_value(),
                EMPTY_LIST => List::new().into_value(),
                EMPTY_DICT => Dict::new().into_value(),
                EMPTY_SET => Set::new().into_value(),
                TUPLE1 => Tuple::from_values([self.pop(vm)?]).into_value(),
                TUPLE2 => {
                    let (second, first) = (self.pop(vm)?, self.pop(vm)?);
                    Tuple::from_values([first, second]).into_value()
                }
                TUPLE3 => {
                    let (third, second, first) = (self.pop(vm)?, self.pop(vm)?, self.pop(vm)?);
                    Tuple::from_values([first, second, third]).into_value()
                }
                APPEND | APPENDS | SETITEM | SETITEMS | ADDITEMS => {
                    self.fill(vm, opcode)?;
                    continue;
                }
                NEWOBJ => self.new_object(vm, false)?,
                REDUCE => self.reduce(vm)?,
                BUILD => {
                    self.build(vm)?;
                    continue;
                }
                _ => {
                    self.perform_rare(vm, opcode)?;
                    continue;
                }
            };
            self.stack.push(value);
        }
    }

    /// Performs an opcode of older protocols, or one that comes seldom.
    #[inline(never)]
    fn perform_rare(&mut self, vm: &Vm, opcode: u8) -> PyResult<()> {
        let value = match opcode {
            PROTO => return self.set_protocol(vm),
            FRAME => return self.frame(vm),
            GET => {
                let line = self.line(vm, 1)?;
                let number = line_index(vm, &line)?;
                let found = usize::try_from(number).map_err(|_| not_remembered(vm, number));
                self.recall(vm, found?)?
            }
            PUT => {
                let line = self.line(vm, 1)?;
                self.top(vm)?;
                let Ok(number) = usize::try_from(line_index(vm, &line)?) else {
                    return Err(vm.value_error("negative PUT argument"));
                };
                return self.remember(vm, number);
            }
            INT | LONG | LONG1 | LONG4 | FLOAT => self.number(vm, opcode)?,
            BINUNICODE8 | UNICODE | BINBYTES | BINBYTES8 | BYTEARRAY8 | SHORT_BINSTRING | BINSTRING | STRING => {
                self.text(vm, opcode)?
            }
            TUPLE | LIST | DICT | FROZENSET => self.container(vm, opcode)?,
            GLOBAL | STACK_GLOBAL | INST | OBJ | NEWOBJ_EX | EXT1 | EXT2 | EXT4 | PERSID | BINPERSID => {
                self.object(vm, opcode)?
            }
            DUP => self.top(vm)?.clone(),
            POP_MARK => return self.pop_marked(vm).map(drop),
            POP if self.marks.last() == Some(&self.stack.len()) => return self.pop_mark(vm).map(drop),
            POP => return self.pop(vm).map(drop),
            NEXT_BUFFER => self.next_buffer(vm)?,
            READONLY_BUFFER => return self.make_read_only(vm),
            _ => return Err(unknown(vm, opcode)),
        };
        self.stack.push(value);
        Ok(())
    }

    #[inline(always)]
    fn opcode(&self, vm: &Vm) -> PyResult<u8> {
        match self.input.next_at_hand() {
            Some(opcode) => Ok(opcode),
            None => self.distant_opcode(vm),
        }
    }

    #[cold]
    fn distant_opcode(&self, vm: &Vm) -> PyResult<u8> {
        match self.input.array(vm) {
            Ok([opcode]) => Ok(opcode),
            Err(error) if error.is_a::<UnpicklingError>() => Err(vm.eof_error("Ran out of input")),
            Err(error) => Err(error),
        }
    }

    fn set_protocol(&self, vm: &Vm) -> PyResult<()> {
        let [protocol] = self.input.array(vm)?;
        if protocol > HIGHEST_PROTOCOL {
            return Err(vm.value_error(format!("unsupported pickle protocol: {protocol}")));
        }
        self.unpickler.protocol.set(protocol);
        Ok(())
    }

    // ----- the stack -----

    #[cold]
    pub(super) fn underflow(&self, vm: &Vm) -> Exception {
        let marked = !self.marks.is_empty();
        UnpicklingError::error(vm, if marked { "unexpected MARK found" } else { "unpickling stack underflow" })
    }

    #[inline(always)]
    pub(super) fn pop(&mut self, vm: &Vm) -> PyResult {
        if self.stack.len() > self.fence
            && let Some(value) = self.stack.pop()
        {
            return Ok(value);
        }
        Err(self.underflow(vm))
    }

    #[inline(always)]
    pub(super) fn top(&self, vm: &Vm) -> PyResult<&Value> {
        match self.stack.last() {
            Some(top) if self.stack.len() > self.fence => Ok(top),
            _ => Err(self.underflow(vm)),
        }
    }

    #[inline]
    fn push_mark(&mut self) {
        self.fence = self.stack.len();
        self.marks.push(self.fence);
    }

    /// Takes the last mark away and answers where it was.
    #[inline]
    pub(super) fn pop_mark(&mut self, vm: &Vm) -> PyResult<usize> {
        let Some(height) = self.marks.pop() else {
            return Err(UnpicklingError::error(vm, "could not find MARK"));
        };
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(height)
    }

    /// The values from a height on.
    pub(super) fn pop_from(&mut self, vm: &Vm, height: usize) -> PyResult<Vec<Value>> {
        if height < self.fence || height > self.stack.len() {
            return Err(self.underflow(vm));
        }
        Ok(self.stack.split_off(height))
    }

    pub(super) fn pop_marked(&mut self, vm: &Vm) -> PyResult<Vec<Value>> {
        let height = self.pop_mark(vm)?;
        self.pop_from(vm, height)
    }

    // ----- the memo -----

    #[inline(always)]
    fn remember(&self, vm: &Vm, number: usize) -> PyResult<()> {
        let value = self.top(vm)?.clone();
        let old = self.unpickler.memo.borrow_mut().insert(number, value);
        drop(old);
        Ok(())
    }

    #[inline(always)]
    fn recall(&self, vm: &Vm, number: usize) -> PyResult {
        let found = self.unpickler.memo.borrow().get(number);
        found.ok_or_else(|| not_remembered(vm, number as i64))
    }

    /// The next line, which must have so many characters.
    pub(super) fn line(&self, vm: &Vm, least: usize) -> PyResult<Vec<u8>> {
        let line = self.input.line(vm)?;
        if line.len() < least { Err(truncated(vm)) } else { Ok(line) }
    }

    // ----- states -----

    fn build(&mut self, vm: &Vm) -> PyResult<()> {
        if self.stack.len() < self.fence + 2 {
            return Err(self.underflow(vm));
        }
        let state = self.pop(vm)?;
        set_state(vm, self.top(vm)?, &state)
    }

    // ----- frames and buffers -----

    fn frame(&self, vm: &Vm) -> PyResult<()> {
        let length = u64::from_le_bytes(self.input.array(vm)?);
        self.input.end_frame(vm)?;
        match isize::try_from(length) {
            Ok(length) => self.input.begin_frame(vm, length as usize),
            Err(_) => Err(vm.overflow_error(format!(
                "FRAME length exceeds system's maximum of {} bytes",
                isize::MAX
            ))),
        }
    }

    fn next_buffer(&self, vm: &Vm) -> PyResult {
        let Some(buffers) = self.unpickler.buffers.get() else {
            let message = "pickle stream refers to out-of-band data but no *buffers* argument was given";
            return Err(UnpicklingError::error(vm, message));
        };
        match vm.next(&buffers)? {
            Some(buffer) => Ok(buffer),
            None => Err(UnpicklingError::error(vm, "not enough out-of-band buffers")),
        }
    }

    fn make_read_only(&mut self, vm: &Vm) -> PyResult<()> {
        let top = self.top(vm)?.clone();
        if !buffer::has_buffer(&top) {
            return Err(vm.type_error(format!(
                "memoryview: a bytes-like object is required, not '{}'",
                top.type_of().full_name()
            )));
        }
        let view = buffer::view_with(vm, &top, buffer::flags::FULL_RO)?;
        if !view.is_readonly() {
            drop(self.stack.pop());
            self.stack.push(MemoryView::from_view(view.read_only()).into_value());
        }
        Ok(())
    }
}

#[cold]
fn not_remembered(vm: &Vm, number: i64) -> Exception {
    UnpicklingError::error(vm, format!("Memo value not found at index {number}"))
}

#[cold]
fn unknown(vm: &Vm, opcode: u8) -> Exception {
    let shown = match opcode {
        b'\'' | b'\\' => format!("\\x{opcode:02x}"),
        b' '..=b'~' => char::from(opcode).to_string(),
        _ => format!("\\x{opcode:02x}"),
    };
    UnpicklingError::error(vm, format!("invalid load key, '{shown}'."))
}

/// The number that a line gives.
fn line_index(vm: &Vm, line: &[u8]) -> PyResult<i64> {
    let mut line = line.to_vec();
    line.push(b'\n');
    int::small_value(&int_of_line(vm, &line)?)
        .ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))
}
