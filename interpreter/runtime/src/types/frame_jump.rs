//! Assignment to `f_lineno`: a trace function moves the frame that it is told of to another line.
//!
//! Where the frame may go is decided by what kinds of objects lie on the stack at each instruction, which is worked out
//! from the code; words that are too many at the target are dropped. The texts of the errors are CPython's.

use rspy_code::Opcode;
use rspy_code::code_object::local_kind;
use rspy_code::exception_table;
use rspy_code::location;

use crate::eval::frame::Frame;
use crate::eval::word;
use crate::exceptions::PyResult;
use crate::exceptions::hierarchy::RuntimeWarning;
use crate::object::{Object, Payload};
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::int;
use crate::types::none::none;
use crate::value::Value;
use crate::vm::Vm;
use crate::watch::Moment;

/// What lies in a place of the stack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Iterator = 1,
    Exception,
    Object,
    /// A list that the code has made, which `LIST_APPEND` counts on.
    List,
    Empty,
    LastInstruction,
}

impl Kind {
    /// Whether a word of this kind may stay where code expects one of the other.
    fn fits(self, expected: Kind) -> bool {
        match expected {
            Kind::Object => self != Kind::Empty,
            Kind::Empty => true,
            _ => self == expected,
        }
    }
}

/// The stack at an instruction, its top last; nothing where the instruction is not reached.
type Stack = Option<Vec<Kind>>;

/// Moves a frame to another line.
///
/// # Errors
/// `ValueError` where it cannot go there, or nobody may say so now.
///
/// # Safety
/// The frame is alive; where it is being traced, its `stack_pointer` is current.
pub(super) unsafe fn jump(vm: &Vm, frame: *mut Frame, value: &Value) -> PyResult<()> {
    if !int::is_int(value) {
        return Err(vm.value_error("lineno must be an integer"));
    }
    match vm.telling.get() {
        None => return Err(vm.value_error("f_lineno can only be set in a trace function")),
        Some(Moment::Call) => {
            return Err(vm.value_error("can't jump from the 'call' trace event of a new frame"));
        }
        Some(Moment::NativeCall) => return Err(vm.value_error("can't jump during a call")),
        Some(Moment::Line | Moment::Resume | Moment::Yield | Moment::Branch) => {}
        Some(_) => return Err(vm.value_error("can only jump from a 'line' trace event")),
    }
    // SAFETY: as promised.
    unsafe {
        let code = (*frame).code().to_ref();
        let Some(line) = int::small_value(value).and_then(|line| i32::try_from(line).ok()) else {
            return Err(vm.value_error("lineno out of range"));
        };
        let here = (*frame).instruction_index();
        let (target, stack_depth) = find_target(vm, &code, here, line)?;
        if stack_depth > 0 && lacks_cell(frame, &code) {
            return Err(vm.value_error("incompatible stacks"));
        }
        bind_variables(vm, frame, &code)?;
        let stacks = stacks(&code);
        let mut kinds = stacks.get(here as usize).cloned().flatten().unwrap_or_default();
        while kinds.len() > stack_depth {
            drop_top(vm, frame, kinds.pop());
        }
        (*frame).instruction = code.start().add(target);
    }
    Ok(())
}

/// The best instruction of a line to jump to from another instruction, and how deep the stack is there.
fn find_target(vm: &Vm, code: &Object<Code>, here: isize, line: i32) -> PyResult<(usize, usize)> {
    if line < code.first_line {
        return Err(vm.value_error(format!("line {line} comes before the current code block")));
    }
    let lines = line_starts(code);
    let Some(line) = lines.iter().flatten().copied().filter(|&other| other >= line).min() else {
        return Err(vm.value_error(format!("line {line} comes after the current code block")));
    };
    let stacks = stacks(code);
    let from = stacks.get(here as usize).cloned().flatten();
    let mut best: Option<(usize, &Vec<Kind>)> = None;
    let mut message = "cannot find bytecode for specified line";
    let mut explained = false;
    for (index, _) in lines.iter().enumerate().filter(|(_, of)| **of == Some(line)) {
        match (&from, &stacks[index]) {
            (Some(from), Some(to)) if is_compatible(from, to) => {
                if best.is_none_or(|(_, best)| is_larger(to, best)) {
                    best = Some((index, to));
                }
            }
            (None, _) if !explained => message = "can't jump from unreachable code",
            (_, to) if !explained => {
                message = explain(to);
                explained = true;
            }
            _ => {}
        }
    }
    match best {
        Some((index, stack)) => Ok((index, stack.len())),
        None => Err(vm.value_error(message)),
    }
}

/// By instruction, the line that begins there: another one than before.
fn line_starts(code: &Code) -> Vec<Option<i32>> {
    let mut lines = vec![None; code.units().len()];
    let mut last = -1;
    for entry in location::Decoder::new(code.body().line_table.as_slice(), code.first_line) {
        let line = entry.location.line;
        if line >= 0
            && line != last
            && let Some(place) = lines.get_mut(entry.start as usize)
        {
            *place = Some(line);
            last = line;
        }
    }
    lines
}

/// Whether a frame with one stack can go on where another is expected, after the words that are too many are dropped.
fn is_compatible(from: &[Kind], to: &[Kind]) -> bool {
    from.len() >= to.len() && from.iter().zip(to).all(|(from, to)| from.fits(*to))
}

/// CPython's order of stacks: deeper ones are larger.
fn is_larger(left: &[Kind], right: &[Kind]) -> bool {
    (left.len(), left) > (right.len(), right)
}

fn explain(to: &Stack) -> &'static str {
    let Some(to) = to else { return "can't jump into an exception handler, or code may be unreachable" };
    match to.last() {
        Some(Kind::Exception) => "can't jump into an 'except' block as there's no exception",
        Some(Kind::LastInstruction) => "can't jump into a re-raising block as there's no location",
        Some(Kind::Iterator) => "can't jump into the body of a for loop",
        Some(Kind::Object | Kind::List | Kind::Empty) | None => "incompatible stacks",
    }
}

/// Whether a variable is no cell yet that is one inside a comprehension.
unsafe fn lacks_cell(frame: *mut Frame, code: &Code) -> bool {
    (0..code.variable_count()).any(|index| {
        // SAFETY: the index is that of a variable.
        let word = unsafe { *Frame::local(frame, index) };
        let is_cell =
            // SAFETY: the word is valid and not nothing.
            word != 0 && unsafe { word::look(word) }.downcast_exact::<CellObject>().is_some();
        code.body().variable_kinds[index] & (local_kind::CELL | local_kind::FREE) != 0 && !is_cell
    })
}

/// Gives variables without a value `None`: at the target they may be taken to have one.
unsafe fn bind_variables(vm: &Vm, frame: *mut Frame, code: &Code) -> PyResult<()> {
    // SAFETY: the indexes are those of the code's variables.
    unsafe {
        let unbound = |index: &usize| *Frame::local(frame, *index) == 0;
        let missing: Vec<usize> = (0..code.variable_count()).filter(unbound).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let count = missing.len();
        let plural = if count == 1 { "" } else { "s" };
        let message = format!("assigning None to {count} unbound local{plural}");
        crate::warnings::warn(vm, RuntimeWarning::static_type(), &message, 0)?;
        for index in missing {
            let old = Frame::local(frame, index).replace(none().into_bits());
            word::close(old);
        }
    }
    Ok(())
}

/// Drops the topmost word; an exception that was being handled before is handled again.
unsafe fn drop_top(vm: &Vm, frame: *mut Frame, kind: Option<Kind>) {
    // SAFETY: the stack has as many words as was worked out.
    unsafe {
        let top = (*frame).stack_pointer.sub(1);
        (*frame).stack_pointer = top;
        let taken = top.replace(0);
        if kind == Some(Kind::Exception) && taken != 0 {
            vm.set_handled(word::take(taken));
        } else {
            word::close(taken);
        }
    }
}

/// The stack at each code unit that begins an instruction.
fn stacks(code: &Code) -> Vec<Stack> {
    let bytes = code.plain_bytes();
    let bytes = bytes.as_slice();
    let count = bytes.len() / 2;
    let mut stacks: Vec<Stack> = vec![None; count + 1];
    stacks[0] = Some(Vec::new());
    loop {
        let again = follow(bytes, &mut stacks);
        let handlers = enter_handlers(code, &mut stacks);
        if !again && !handlers {
            return stacks;
        }
    }
}

/// Goes through all instructions once; answers whether an earlier one was newly reached.
fn follow(code: &[u8], stacks: &mut [Stack]) -> bool {
    let count = code.len() / 2;
    let mut again = false;
    let mut at = 0;
    while at < count {
        let stack = stacks[at].clone();
        let mut oparg = code[at * 2 + 1] as usize;
        while code[at * 2] == Opcode::ExtendedArg as u8 && at + 1 < count {
            at += 1;
            oparg = oparg << 8 | code[at * 2 + 1] as usize;
            stacks[at].clone_from(&stack);
        }
        let Ok(opcode) = Opcode::try_from(code[at * 2]).map(Opcode::base) else {
            at += 1;
            continue;
        };
        let next = at + 1 + opcode.cache_entries();
        if let Some(stack) = stack {
            again |= step(opcode, oparg, at, next, stack, stacks);
        }
        at = next;
    }
    again
}

fn step(
    opcode: Opcode,
    oparg: usize,
    at: usize,
    next: usize,
    mut stack: Vec<Kind>,
    stacks: &mut [Stack],
) -> bool {
    let mut set = |index: usize, stack: &[Kind]| {
        if let Some(place) = stacks.get_mut(index) {
            *place = Some(stack.to_vec());
        }
    };
    match opcode {
        Opcode::PopJumpIfFalse | Opcode::PopJumpIfTrue | Opcode::PopJumpIfNone | Opcode::PopJumpIfNotNone => {
            stack.pop();
            set(next + oparg, &stack);
        }
        Opcode::Send => set(next + oparg, &stack),
        Opcode::JumpForward => {
            set(next + oparg, &stack);
            return false;
        }
        Opcode::JumpBackward | Opcode::JumpBackwardNoInterrupt => {
            let Some(target) = next.checked_sub(oparg) else { return false };
            let is_new = stacks.get(target).is_some_and(Option::is_none) && target < at;
            if let Some(place) = stacks.get_mut(target) {
                *place = Some(stack);
            }
            return is_new;
        }
        Opcode::GetIter | Opcode::GetAiter => {
            stack.pop();
            stack.push(Kind::Iterator);
        }
        Opcode::ForIter => {
            stack.push(Kind::Object);
            set(next + oparg, &stack);
        }
        Opcode::EndAsyncFor => {
            stack.truncate(stack.len().saturating_sub(2));
        }
        Opcode::BuildList => {
            stack.truncate(stack.len().saturating_sub(oparg));
            stack.push(Kind::List);
        }
        Opcode::PushExcInfo => stack.push(Kind::Exception),
        Opcode::PopExcept => {
            stack.pop();
        }
        Opcode::ReturnValue | Opcode::RaiseVarargs | Opcode::Reraise => return false,
        Opcode::PushNull => stack.push(Kind::Empty),
        Opcode::LoadGlobal => {
            stack.push(Kind::Object);
            if oparg & 1 != 0 {
                stack.push(Kind::Empty);
            }
        }
        Opcode::LoadAttr => {
            if oparg & 1 != 0 {
                stack.push(Kind::Empty);
            }
        }
        Opcode::Swap => {
            let top = stack.len().saturating_sub(1);
            if let Some(other) = stack.len().checked_sub(oparg) {
                stack.swap(top, other);
            }
        }
        Opcode::Copy => {
            if let Some(&kind) = stack.len().checked_sub(oparg).and_then(|index| stack.get(index)) {
                stack.push(kind);
            }
        }
        _ => {
            let effect = opcode.stack_effect(oparg as i32);
            let depth = stack.len().saturating_add_signed(effect as isize);
            stack.resize(depth, Kind::Object);
        }
    }
    set(next, &stack);
    false
}

/// Gives handlers of reached instructions their stacks; answers whether there was a new one.
fn enter_handlers(code: &Code, stacks: &mut [Stack]) -> bool {
    let mut again = false;
    for entry in exception_table::Decoder::new(code.body().exception_table.as_slice()) {
        let Some(Some(stack)) = stacks.get(entry.start as usize) else { continue };
        let mut stack = stack.clone();
        let Some(handler) = stacks.get_mut(entry.handler as usize) else { continue };
        if handler.is_some() {
            continue;
        }
        stack.truncate(entry.depth as usize);
        if entry.push_last_instruction {
            stack.push(Kind::LastInstruction);
        }
        stack.push(Kind::Exception);
        *handler = Some(stack);
        again = true;
    }
    again
}
