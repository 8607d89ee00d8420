//! The dispatcher of threads that are watched: it tells of each event before it does the instruction.
//!
//! It takes over from the other dispatcher where a function begins while somebody watches, or right after the call that
//! began the watching, and hands back as soon as nobody does.

use rspy_code::opcode::Opcode;

use crate::eval::frame::Frame;
use crate::eval::match_loop::step;
use crate::eval::{Flow, State, raise, word};
use crate::exceptions::PyResult;
use crate::object::Object;
use crate::types::code::Code;
use crate::types::code_verification;
use crate::types::function::Function;
use crate::types::generator;
use crate::types::int;
use crate::types::method::BoundMethod;
use crate::types::native_function::{NativeFunction, NativeMethod};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;
use crate::watch::{self, Event};

/// The instruction done before, in whichever frame.
#[derive(Clone, Copy)]
struct Before {
    frame: *mut Frame,
    index: isize,
    opcode: Option<Opcode>,
}

/// Runs until the frame that was entered is left.
///
/// # Safety
/// As for the other dispatchers.
pub(super) unsafe fn run(mut state: State<'_>) -> u64 {
    // SAFETY: the state is that of a frame ready to run.
    unsafe {
        let mut extended = 0u32;
        let mut before = Before { frame: std::ptr::null_mut(), index: -1, opcode: None };
        loop {
            if extended == 0 && !watch::is_wanted(state.vm) {
                return super::resume_unwatched(state);
            }
            state.vm.watch_begins.set(false);
            let code = (*state.frame).code();
            if code.is_unverified() {
                // Where it is refused, the instruction says so that stands in the place of the first.
                let _ = code_verification::verify(state.vm, code);
            }
            let start = code.start();
            let index = state.next.offset_from(start);
            let unit = (*state.next).get();
            let number = unit as u8;
            let opcode = Opcode::try_from(number).ok().map(Opcode::base);
            let argument = extended | u32::from(unit >> 8);
            // Generators are entered, so that what they return is seen.
            let enters = opcode == Some(Opcode::ForIter) && generator::as_generator(&state.look(1)).is_some();
            let number = if enters { Opcode::ForIterGen as u8 } else { number };
            (*state.frame).stack_pointer = state.stack;
            let announced = if extended == 0 { announce(&state, &mut before, index) } else { Ok(()) };
            if (*state.frame).instruction != state.next && extended == 0 && announced.is_ok() {
                // The trace function has moved the frame.
                before = follow(&mut state);
                continue;
            }
            if let Err(error) = announced {
                state.next = state.next.add(1);
                state.vm.set_raised(error);
                if let Some(word) = unwind(&mut state, &mut before, index) {
                    return word;
                }
                continue;
            }
            state.next = state.next.add(1);
            extended = 0;
            let frame = state.frame;
            let native = match opcode {
                Some(opcode) => native_callee(&state, opcode, argument),
                None => None,
            };
            let here = (*frame).instruction;
            let told = begin(&mut state, opcode, argument, index).and_then(|done| {
                profile_native(&state, native.as_ref(), "c_call")?;
                Ok(done)
            });
            if told.is_ok() && (*frame).instruction != here {
                before = follow(&mut state);
                continue;
            }
            let mut flow = match told {
                Ok(true) => Flow::Next,
                Ok(false) => Flow::Slow,
                Err(error) => state.raise(error),
            };
            if let Flow::Slow = flow {
                let (next, stack) = (state.next, state.stack);
                flow = step::<false>(number, &mut state, argument);
                if let Flow::Slow = flow {
                    (state.frame, state.next, state.stack) = (frame, next, stack);
                    (*frame).instruction = start.offset(index);
                    flow = step::<true>(number, &mut state, argument);
                }
                match finish(&mut state, frame, opcode, index, argument, native, &flow) {
                    Ok(false) => {}
                    Ok(true) => {
                        before = follow(&mut state);
                        continue;
                    }
                    Err(error) => {
                        if let Flow::Raise = flow {
                            drop(state.vm.take_raised());
                        }
                        flow = state.raise(error);
                    }
                }
            }
            // Going on after `yield` begins no line; beginning a function does.
            let begins = opcode != Some(Opcode::Resume) || argument & 3 == 0;
            before = Before { frame, index, opcode: opcode.filter(|_| begins) };
            match flow {
                Flow::Next => {}
                Flow::Extend(high) => extended = high,
                Flow::Leave(word) => return word,
                Flow::Raise => {
                    if let Some(word) = unwind(&mut state, &mut before, index) {
                        return word;
                    }
                }
                Flow::Direct | Flow::Slow => unreachable!("a slow path does every case"),
            }
        }
    }
}

/// Goes on where somebody who was told of something has moved the frame to.
unsafe fn follow(state: &mut State<'_>) -> Before {
    // SAFETY: the frame runs, and was moved to an instruction of its code.
    unsafe {
        state.next = (*state.frame).instruction;
        state.stack = (*state.frame).stack_pointer;
        let index = state.next.offset_from((*state.frame).code().start());
        Before { frame: state.frame, index, opcode: None }
    }
}

/// Goes to the handler of what was raised. Answers the word to leave with, if there is none here.
unsafe fn unwind(state: &mut State<'_>, before: &mut Before, index: isize) -> Option<u64> {
    let frame = state.frame;
    // SAFETY: an exception is set as raised in the state's frame.
    match unsafe { raise::unwind(state) } {
        Flow::Leave(word) => Some(word),
        _ => {
            let index = if state.frame == frame { index } else { -2 };
            *before = Before { frame: state.frame, index, opcode: None };
            None
        }
    }
}

/// Tells of the line that begins here, and of the instruction.
unsafe fn announce(state: &State<'_>, before: &mut Before, index: isize) -> PyResult<()> {
    // SAFETY: the frame runs.
    unsafe {
        let (vm, frame) = (state.vm, state.frame);
        let code = (*frame).code().to_ref();
        if before.frame != frame {
            // A call has begun or ended: the frame knows where it stood.
            let index = (*frame).instruction_index();
            // A handler begins a line; it is where the frame stands.
            let is_handler = (*frame).instruction == state.next;
            *before = Before { frame, index: if is_handler { -2 } else { index }, opcode: None };
        }
        let opcode = Opcode::try_from((*state.next).get() as u8).ok().map(Opcode::base);
        (*frame).instruction = state.next;
        if index < code.first_told() {
            return Ok(());
        }
        let never_begins = matches!(
            opcode,
            Some(Opcode::Resume | Opcode::EndFor | Opcode::EndSend | Opcode::PopIter | Opcode::EndAsyncFor)
        );
        if !never_begins && let Some(line) = code.line(index) {
            let last = if before.index < 0 { None } else { code.line(before.index) };
            let resumed = before.opcode == Some(Opcode::Resume);
            let jumped_back = before.opcode == Some(Opcode::JumpBackward) && before.index > index;
            if last != Some(line) || resumed {
                watch::line(vm, frame, index, line)?;
            } else if jumped_back {
                watch::trace_line(vm, frame)?;
            }
        }
        let traces_opcodes = (*frame).frame_object.get() != 0
            && Frame::object(frame).traces_opcodes()
            && vm.trace.borrow().is_some();
        let is_first = index == code.first_told();
        if !is_first && watch::events_of(vm, &code) & Event::Instruction.bit() != 0 {
            let offset = int::new(index as i64 * 2);
            watch::tell_tools(vm, Event::Instruction, &code, index, &[offset])?;
        }
        if traces_opcodes {
            watch::tell_trace(vm, frame, watch::Moment::Opcode, crate::types::none::none())?;
        }
        Ok(())
    }
}

/// Tells what is told before an instruction is done. Answers whether it is done already.
unsafe fn begin(
    state: &mut State<'_>,
    opcode: Option<Opcode>,
    argument: u32,
    index: isize,
) -> PyResult<bool> {
    // SAFETY: the state is at this instruction.
    unsafe {
        let (vm, frame) = (state.vm, state.frame);
        match opcode {
            Some(Opcode::Resume) => {
                crate::attention::attend(vm)?;
                let event = if argument & 3 == 0 { Event::PyStart } else { Event::PyResume };
                watch::entered(vm, frame, event, index)?;
                Ok(true)
            }
            Some(Opcode::EndFor) => {
                let value = state.look(1).clone();
                if !crate::types::none::is_none(&value) && generator::as_generator(&state.look(2)).is_some() {
                    watch::stopped(vm, frame, index, &value)?;
                }
                Ok(false)
            }
            Some(Opcode::EndSend) => {
                let receiver = state.look(2);
                if generator::as_generator(&receiver).is_some() {
                    let value = state.look(1).clone();
                    watch::stopped(vm, frame, index, &value)?;
                }
                Ok(false)
            }
            Some(Opcode::ReturnValue) => {
                let value = state.look(1).clone();
                watch::left(vm, frame, Event::PyReturn, index, &value)?;
                Ok(false)
            }
            Some(Opcode::YieldValue) => {
                let value = state.look(1).clone();
                watch::left(vm, frame, Event::PyYield, index, &value)?;
                Ok(false)
            }
            Some(Opcode::NotTaken) if ends_send(state, index) => {
                let code = (*frame).code().to_ref();
                let events = watch::events_of(vm, &code);
                tell_flow(vm, events, Event::BranchLeft, &code, index - 1, index + 1)?;
                Ok(false)
            }
            Some(Opcode::EndAsyncFor) => {
                let code = (*frame).code().to_ref();
                let events = watch::events_of(vm, &code);
                // The argument leads back to the end of the loop's `await`.
                let from = index + 1 - argument as isize;
                tell_flow(vm, events, Event::BranchRight, &code, from, index + 1)?;
                Ok(false)
            }
            Some(Opcode::Call | Opcode::CallKw | Opcode::CallFunctionEx | Opcode::LoadSuperAttr) => {
                let code = (*frame).code().to_ref();
                if watch::events_of(vm, &code) & Event::Call.bit() != 0 {
                    let (callable, first) = called(state, opcode, argument);
                    let arguments = [int::new(index as i64 * 2), callable, first];
                    watch::tell_tools(vm, Event::Call, &code, index, &arguments)?;
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}

/// Whether the instruction stands behind the end of an `await`: that of `async for`, which is where its branch is.
unsafe fn ends_send(state: &State<'_>, index: isize) -> bool {
    // SAFETY: the state is behind the instruction of that index.
    index > 0 && unsafe { (*state.next.sub(2)).get() } as u8 == Opcode::EndSend as u8
}

/// Tells the profiling function of the call of a built-in function.
fn profile_native(state: &State<'_>, native: Option<&(Value, Value)>, event: &str) -> PyResult<()> {
    let Some((callable, _)) = native else { return Ok(()) };
    let is_built_in =
        callable.downcast::<NativeFunction>().is_some() || callable.downcast::<NativeMethod>().is_some();
    if is_built_in {
        return watch::tell_profile(state.vm, state.frame, event, callable.clone());
    }
    Ok(())
}

/// Binds the method that `super()` was asked for, as CPython does where the instruction is not specialised: whoever is told
/// of the call sees that.
unsafe fn bind_super_method(state: &mut State<'_>, argument: u32) -> PyResult<()> {
    // SAFETY: the instruction has pushed an attribute, and where a method is to be called, what it is called on.
    unsafe {
        if argument & 1 == 0 || *state.at(1) == 0 {
            return Ok(());
        }
        let (function, receiver) = (state.look(2).clone(), state.look(1).clone());
        let Some(get) = function.type_of().slots().descriptor_get.get() else { return Ok(()) };
        let bound = get(state.vm, &function, Some(&receiver), Some(&receiver.type_of().to_value()))?;
        let own = std::mem::replace(&mut *state.at(1), 0);
        let unbound = std::mem::replace(&mut *state.at(2), bound.into_bits());
        word::close(own);
        word::close(unbound);
        Ok(())
    }
}

/// What a call calls, and its first argument or `MISSING`.
unsafe fn called(state: &State<'_>, opcode: Option<Opcode>, argument: u32) -> (Value, Value) {
    let missing = state.vm.interpreter.monitoring.missing.get().unwrap_or_else(crate::types::none::none);
    // SAFETY: the stack holds the call's operands.
    unsafe {
        if opcode == Some(Opcode::LoadSuperAttr) {
            let class = if argument & 2 != 0 { state.look(2).clone() } else { missing };
            return (state.look(3).clone(), class);
        }
        let depth = match opcode {
            Some(Opcode::Call) => argument as usize + 2,
            Some(Opcode::CallKw) => argument as usize + 3,
            _ => 4,
        };
        let callable = state.look(depth).clone();
        let own = *state.at(depth - 1);
        if own != 0 {
            return (callable, word::look(own).clone());
        }
        if opcode != Some(Opcode::CallFunctionEx)
            && let Some(method) = callable.downcast_exact::<BoundMethod>()
        {
            return (method.function().clone(), method.instance().clone());
        }
        let first = match opcode {
            Some(Opcode::CallFunctionEx) => {
                let arguments = state.look(2);
                let first = arguments.downcast::<Tuple>().and_then(|tuple| tuple.items().first().cloned());
                first.unwrap_or(missing)
            }
            None => missing,
            _ if argument == 0 => missing,
            _ => state.look(depth - 2).clone(),
        };
        (callable, first)
    }
}

/// The callable of a call of something that is not a Python function.
unsafe fn native_callee(state: &State<'_>, opcode: Opcode, argument: u32) -> Option<(Value, Value)> {
    if !matches!(opcode, Opcode::Call | Opcode::CallKw | Opcode::CallFunctionEx | Opcode::LoadSuperAttr) {
        return None;
    }
    // SAFETY: the state is at this instruction.
    let (callable, first) = unsafe { called(state, Some(opcode), argument) };
    // Only calls that unpack their arguments still have a method here, and of these CPython tells nothing.
    let is_python =
        callable.downcast_exact::<Function>().is_some() || callable.downcast_exact::<BoundMethod>().is_some();
    if is_python { None } else { Some((callable, first)) }
}

/// Tells of the `StopIteration` by which an iterator ended a loop or an `await`, where it raised one.
unsafe fn tell_stop(state: &State<'_>, opcode: Opcode, index: isize, to: isize) -> PyResult<()> {
    // SAFETY: the iterator is still on the stack.
    unsafe {
        let (iterator, value) = match opcode {
            Opcode::ForIter if to != index + 2 => (state.look(1), crate::types::none::none()),
            Opcode::Send if to != index + 2 => (state.look(2), state.look(1).clone()),
            _ => return Ok(()),
        };
        let raises = iterator.type_of().is_heap() || generator::raises_stop_iteration(&iterator);
        if !raises || generator::as_generator(&iterator).is_some() {
            return Ok(());
        }
        let exception = state.vm.stop_iteration(value);
        watch::raised(state.vm, state.frame, index, exception.value(), false)
    }
}

/// Tells what is told after an instruction was done. Answers whether somebody has moved the frame.
unsafe fn finish(
    state: &mut State<'_>,
    frame: *mut Frame,
    opcode: Option<Opcode>,
    index: isize,
    argument: u32,
    native: Option<(Value, Value)>,
    flow: &Flow,
) -> PyResult<bool> {
    // SAFETY: where the flow goes on, the frame runs.
    unsafe {
        let vm = state.vm;
        let (Some(opcode), Flow::Next | Flow::Raise) = (opcode, flow) else { return Ok(false) };
        if state.frame != frame {
            return Ok(false);
        }
        let code = (*frame).code().to_ref();
        let events = watch::events_of(vm, &code);
        let here = int::new(index as i64 * 2);
        if opcode == Opcode::LoadSuperAttr && matches!(flow, Flow::Next) {
            bind_super_method(state, argument)?;
        }
        if let Some((callable, first)) = native {
            let told = (callable.clone(), first.clone());
            profile_native(
                state,
                Some(&told),
                if matches!(flow, Flow::Raise) { "c_exception" } else { "c_return" },
            )?;
            let event = if matches!(flow, Flow::Raise) { Event::CRaise } else { Event::CReturn };
            // Both belong to `CALL`, which tools must ask for too.
            if events & Event::Call.bit() != 0 && events & event.bit() != 0 {
                watch::tell_tools(vm, event, &code, index, &[here.clone(), callable, first])?;
            }
            return Ok(false);
        }
        if !matches!(flow, Flow::Next) {
            return Ok(false);
        }
        let to = state.next.offset_from(code.start());
        tell_stop(state, opcode, index, to)?;
        let (event, takes) = match opcode {
            Opcode::JumpForward | Opcode::JumpBackward | Opcode::JumpBackwardNoInterrupt => {
                (Event::Jump, false)
            }
            Opcode::PopJumpIfFalse
            | Opcode::PopJumpIfTrue
            | Opcode::PopJumpIfNone
            | Opcode::PopJumpIfNotNone
            | Opcode::ForIter => {
                let is_left = to == index + 1 + opcode.cache_entries() as isize;
                let event = if is_left { Event::BranchLeft } else { Event::BranchRight };
                (event, opcode != Opcode::ForIter)
            }
            _ => return Ok(false),
        };
        if !is_told_of_flow(events, event) {
            return Ok(false);
        }
        // Whoever is told of a branch is told where it goes on behind what only belongs to it.
        let ends_branch = matches!(
            Opcode::try_from((*state.next).get() as u8).map(Opcode::base),
            Ok(Opcode::NotTaken | Opcode::PopIter)
        );
        let target = to + isize::from(ends_branch && event != Event::Jump);
        // The frame stands where its stack is what the code says, in case that somebody moves it.
        let instruction = (*frame).instruction;
        let stands = if event == Event::BranchLeft { state.next } else { instruction };
        let is_short = takes && event == Event::BranchRight;
        if is_short {
            *state.stack = 0;
        }
        (*frame).instruction = stands;
        (*frame).stack_pointer = state.stack.add(usize::from(is_short));
        let told = tell_flow(vm, events, event, &code, index, target);
        if told.is_ok() && (*frame).instruction != stands {
            return Ok(true);
        }
        (*frame).instruction = instruction;
        (*frame).stack_pointer = state.stack;
        told.map(|()| false)
    }
}

/// Whether any tool is told of a jump or a branch.
fn is_told_of_flow(events: u32, event: Event) -> bool {
    events & event.bit() != 0 || event != Event::Jump && events & Event::Branch.bit() != 0
}

/// Tells the tools of a jump, or of a branch by its new and its old event.
fn tell_flow(
    vm: &Vm,
    events: u32,
    event: Event,
    code: &Object<Code>,
    from: isize,
    to: isize,
) -> PyResult<()> {
    let arguments = [int::new(from as i64 * 2), int::new(to as i64 * 2)];
    let old = (event != Event::Jump).then_some(Event::Branch);
    for event in std::iter::once(event).chain(old) {
        if events & event.bit() != 0 {
            watch::tell_tools(vm, event, code, from, &arguments)?;
        }
    }
    Ok(())
}
