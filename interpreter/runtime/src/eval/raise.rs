//! Raising: from an exception to its handler, through as many frames as it takes.

use rspy_code::exception_table;

use crate::eval::frame::{Frame, Owner};
use crate::eval::{Flow, State, word};
use crate::exceptions::{Exception, traceback};
use crate::value::Value;
use crate::vm::{Handled, Vm};
use crate::watch;

impl Vm {
    /// Makes an exception the raised one.
    pub(crate) fn set_raised(&self, exception: Exception) {
        let old = self.raised.replace(exception.into_value().into_bits());
        if old != 0 {
            // SAFETY: the word owned the exception.
            drop(unsafe { Value::from_bits(old) });
        }
    }

    /// Takes the raised exception.
    pub(crate) fn take_raised(&self) -> Exception {
        let word = self.raised.replace(0);
        if word == 0 {
            return self.system_error("error return without exception set");
        }
        // SAFETY: the word owned the exception.
        Exception::from_value(unsafe { Value::from_bits(word) })
    }

    /// Counts a Python call in.
    ///
    /// # Errors
    /// `RecursionError` where calls are nested too deeply.
    #[inline(always)]
    pub(crate) fn enter_call(&self) -> Result<(), Exception> {
        let depth = self.depth.get() + 1;
        if depth > self.interpreter.recursion_limit.get() {
            return self.too_deep();
        }
        self.depth.set(depth);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn too_deep(&self) -> Result<(), Exception> {
        // Making the error may call Python code; give it some room.
        let depth = self.depth.get();
        self.depth.set(depth.saturating_sub(50));
        let error = self.recursion_error("maximum recursion depth exceeded");
        self.depth.set(depth);
        Err(error)
    }

    /// Counts a Python call out.
    #[inline(always)]
    pub(crate) fn leave_call(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    /// Begins a level of handled exceptions, for a generator that is resumed.
    #[inline(always)]
    pub(crate) unsafe fn push_handled(&self, level: *const Handled) {
        // SAFETY: the level lives in the generator, which is alive while it runs.
        unsafe { (*level).previous.set(self.handled.get()) };
        self.handled.set(level);
    }

    /// Ends the topmost level.
    #[inline(always)]
    pub(crate) unsafe fn pop_handled(&self) {
        // SAFETY: levels are ended in the order they were begun.
        unsafe {
            let level = self.handled.get();
            self.handled.set((*level).previous.get());
            (*level).previous.set(std::ptr::null());
        }
    }
}

/// Goes to the handler of the raised exception. Answers [`Flow::Next`] there, or [`Flow::Leave`] with 0 where the
/// entered frame has none.
///
/// # Safety
/// An exception was set as raised in the state's frame, whose `instruction` is current.
#[cold]
pub unsafe fn unwind(state: &mut State<'_>) -> Flow {
    let vm = state.vm;
    // SAFETY: frames and stack are as the module of frames says.
    unsafe {
        loop {
            let frame = state.frame;
            let exception = vm.take_raised();
            let again = vm.reraising.replace(false);
            let index = if again {
                // The traceback has this frame already, and the frame shows the instruction that raised first; the
                // handler is that of the instruction which raises again.
                state.next.offset_from((*frame).code().start()) - 1
            } else {
                (*frame).stack_pointer = state.stack;
                traceback::add_frame(vm, &exception, frame);
                (*frame).instruction_index()
            };
            let exception = tell_raised(vm, frame, index, exception, again);
            if let Some(flow) = find_handler(state, &exception, index) {
                if watch::is_wanted(vm)
                    && let Err(other) = watch::handled(
                        vm,
                        frame,
                        state.next.offset_from((*frame).code().start()),
                        exception.value(),
                    )
                {
                    vm.set_raised(other);
                    continue;
                }
                drop(exception);
                return flow;
            }
            let exception = tell_unwound(vm, frame, index, exception);
            (*frame).stack_pointer = state.stack;
            vm.set_raised(exception);
            let owner = (*frame).owner;
            let previous = (*frame).previous;
            vm.frame.set(previous);
            match owner {
                Owner::Call | Owner::Entry => {
                    Frame::clear(frame);
                    vm.frames.pop(frame);
                }
                Owner::Generator | Owner::GeneratorEntry => {
                    vm.pop_handled();
                    crate::types::generator::finish_frame(frame);
                }
                Owner::FrameObject => unreachable!("a finished frame does not run"),
            }
            if matches!(owner, Owner::Entry | Owner::GeneratorEntry) {
                return Flow::Leave(0);
            }
            vm.leave_call();
            state.frame = previous;
            state.stack = (*previous).stack_pointer;
        }
    }
}

/// Tells those who watch of an exception; one that they raise comes in its place.
fn tell_raised(vm: &Vm, frame: *mut Frame, index: isize, exception: Exception, again: bool) -> Exception {
    if !watch::is_wanted(vm) {
        return exception;
    }
    watch::raised(vm, frame, index, exception.value(), again).err().unwrap_or(exception)
}

/// As [`tell_raised`], where the exception leaves the frame.
fn tell_unwound(vm: &Vm, frame: *mut Frame, index: isize, exception: Exception) -> Exception {
    if !watch::is_wanted(vm) {
        return exception;
    }
    watch::unwound(vm, frame, index, exception.value()).err().unwrap_or(exception)
}

unsafe fn find_handler(state: &mut State<'_>, exception: &Exception, index: isize) -> Option<Flow> {
    // SAFETY: the handler's depth is below the stack's, as the compiler made it.
    unsafe {
        let frame = state.frame;
        let code = (*frame).code();
        if index < 0 || code.is_unverified() {
            return None;
        }
        let entry = exception_table::find(code.body().exception_table.as_slice(), index as u32)?;
        let base = Frame::stack_base(frame);
        if state.stack < base.add(entry.depth as usize) {
            return None;
        }
        while state.stack > base.add(entry.depth as usize) {
            let word = state.pop();
            word::close(word);
        }
        if entry.push_last_instruction {
            state.push_value(Value::int((*frame).instruction_index() as i32));
        }
        state.push_value(exception.value().clone());
        state.next = code.start().add(entry.handler as usize);
        (*frame).instruction = state.next;
        Some(Flow::Next)
    }
}
