//! Instructions of generators, coroutines and asynchronous iteration.

use crate::attempt;
use crate::eval::frame::Owner;
use crate::eval::instructions::instructions;
use crate::eval::word::exact;
use crate::eval::{Flow, State, raised_or_word, specialize, word};
use crate::exceptions::Exception;
use crate::object::Object;
use crate::types::generator::{self, Coroutine, Generator, Sent};
use crate::types::none::none;
use crate::value::Value;
use crate::vm::Vm;

/// Goes on with the generator on top, for `for`: it is entered like a function.
pub(super) unsafe fn enter_for_next(state: &mut State<'_>, argument: u32) -> Option<Flow> {
    // SAFETY: the stack has an iterator.
    unsafe {
        let iterator = state.look(1);
        let generator = iterator.downcast_exact::<Generator>()?;
        enter(state, generator, crate::types::none::none_word(), argument + 2)
    }
}

/// Enters a generator that waits, with the word to be sent.
unsafe fn enter(
    state: &mut State<'_>,
    generator: &Object<Generator>,
    sent: u64,
    return_offset: u32,
) -> Option<Flow> {
    // SAFETY: a suspended generator's frame is ready to go on.
    unsafe {
        let frame = generator.suspended_frame()?;
        if state.vm.enter_call().is_err() {
            return None;
        }
        generator.mark_running();
        (*frame).owner = Owner::Generator;
        state.vm.push_handled(generator.handled());
        let caller = state.frame;
        (*caller).stack_pointer = state.stack;
        (*caller).return_offset = return_offset;
        (*frame).previous = caller;
        state.vm.frame.set(frame);
        state.frame = frame;
        state.stack = (*frame).stack_pointer;
        state.next = (*frame).instruction.add(1);
        state.push(sent);
        Some(Flow::Next)
    }
}

/// As [`enter_for_next`], where nothing has to be called.
#[inline(always)]
pub(super) unsafe fn enter_quickly(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: the stack has an iterator; a suspended generator's frame is ready to go on.
    unsafe {
        let word = *state.at(1);
        if !word::is_pointer(word) {
            return Flow::Slow;
        }
        let generator = &*(word::untagged(word) as *const Object<Generator>);
        if !std::ptr::eq(generator.type_of(), <Generator as crate::object::Payload>::static_type()) {
            return Flow::Slow;
        }
        enter_suspended(state, generator, state.stack, crate::types::none::none_word(), argument + 2)
    }
}

/// Enters a generator if it waits; the caller's stack ends at `stack` then.
#[inline(always)]
unsafe fn enter_suspended(
    state: &mut State<'_>,
    generator: &Object<Generator>,
    stack: *mut u64,
    sent: u64,
    return_offset: u32,
) -> Flow {
    // SAFETY: a suspended generator's frame is ready to go on.
    unsafe {
        let vm = state.vm;
        if vm.depth.get() >= vm.interpreter.recursion_limit.get() {
            return Flow::Slow;
        }
        let Some(frame) = generator.suspended_frame() else { return Flow::Slow };
        vm.depth.set(vm.depth.get() + 1);
        generator.mark_running();
        (*frame).owner = Owner::Generator;
        vm.push_handled(generator.handled());
        let caller = state.frame;
        (*caller).instruction = state.next.sub(1);
        (*caller).stack_pointer = stack;
        (*caller).return_offset = return_offset;
        (*frame).previous = caller;
        vm.frame.set(frame);
        state.frame = frame;
        state.stack = (*frame).stack_pointer;
        state.next = (*frame).instruction.add(1);
        state.push(word::keep(sent));
        Flow::Next
    }
}

fn not_async_iterable(state: &State<'_>, object: &Value) -> Exception {
    state.vm.type_error(format!(
        "'async for' requires an object with __aiter__ method, got {}",
        object.type_of().full_name()
    ))
}

/// The word of an awaitable's iterator, 0 where asking raised an exception; gives the awaitable back.
#[inline(never)]
unsafe fn awaitable_word(vm: &Vm, word: u64, context: u32) -> u64 {
    // SAFETY: the word leaves the stack.
    unsafe {
        let iterator = generator::awaitable_iterator(vm, &word::look(word), context);
        word::close(word);
        raised_or_word(vm, iterator)
    }
}

instructions! {
    /// Makes a generator from the frame and returns it.
    ReturnGenerator(state, _argument) {
        let frame = state.frame;
        (*frame).stack_pointer = state.stack;
        (*frame).instruction = state.next.sub(1);
        let made = generator::from_frame(state.vm, frame);
        // The words have moved into the generator; nothing is left to leave behind but the frame itself.
        let previous = (*frame).previous;
        let owner = (*frame).owner;
        let drops_result = (*frame).drops_result;
        state.vm.frame.set(previous);
        state.vm.frames.pop(frame);
        if owner == Owner::Entry {
            return Flow::Leave(made.into_bits());
        }
        state.vm.leave_call();
        state.frame = previous;
        state.stack = (*previous).stack_pointer;
        state.next = (*previous).instruction.add((*previous).return_offset as usize);
        if drops_result {
            return super::control::check_init_result(state, made.into_bits());
        }
        state.push_value(made);
        Flow::Next
    }

    /// Yields the value on top.
    YieldValue(state, argument) fast {
        let frame = state.frame;
        let entered = (*frame).owner == Owner::GeneratorEntry;
        let vm = state.vm;
        let value = word::keep(state.pop());
        (*frame).stack_pointer = state.stack;
        (*frame).instruction = state.next.sub(1);
        let previous = (*frame).previous;
        (*frame).previous = std::ptr::null_mut();
        vm.pop_handled();
        vm.frame.set(previous);
        (*(*frame).generator).mark_suspended(argument & 1 != 0);
        if entered {
            return Flow::Leave(value);
        }
        vm.leave_call();
        state.frame = previous;
        state.stack = (*previous).stack_pointer;
        // Whoever resumes a generator inline has a cache of one unit behind its instruction.
        state.next = (*previous).instruction.add(2);
        state.push(value);
        Flow::Next
    } slow { <YieldValue as crate::eval::Instruction>::fast(state, argument) }

    /// Sends a value into the iterator below, or jumps if it ends.
    Send(state, argument) {
        specialize::send(state);
        let vm = state.vm;
        {
            let receiver = state.look(2);
            if let Some(generator) = generator::as_generator(&receiver) {
                let sent = word::keep(*state.at(1));
                *state.at(1) = Value::int(0).bits();
                state.stack = state.stack.sub(1);
                if let Some(flow) = enter(state, generator, sent, argument + 2) {
                    return flow;
                }
                state.push(sent);
            }
        }
        let sent = state.pop_value();
        let outcome = { let receiver = state.look(1); generator::send_to(vm, &receiver, &sent) };
        drop(sent);
        match attempt!(state, outcome) {
            Sent::Yielded(value) => {
                state.push_value(value);
                state.skip(1);
            }
            Sent::Returned(value) => {
                state.push_value(value);
                state.skip(1);
                state.jump(argument as isize);
            }
        }
        Flow::Next
    }

    /// Into a generator.
    SendGen(state, argument) fast {
        let word = *state.at(2);
        if !word::is_pointer(word) {
            return Flow::Slow;
        }
        let generator = &*(word::untagged(word) as *const Object<Generator>);
        let kind = generator.type_of();
        if !std::ptr::eq(kind, <Generator as crate::object::Payload>::static_type())
            && !std::ptr::eq(kind, <generator::Coroutine as crate::object::Payload>::static_type())
        {
            return Flow::Slow;
        }
        enter_suspended(state, generator, state.at(1), *state.at(1), argument + 2)
    } or Send

    /// Ends a delegating generator into which an exception was thrown.
    CleanupThrow(state, _argument) {
        let exception = state.pop_value();
        if let Some(value) = crate::exceptions::stop_iteration_value(&exception) {
            state.drop_words(2);
            state.push_value(none());
            state.push_value(value);
            return Flow::Next;
        }
        if !crate::exceptions::is_exception(&exception) {
            return super::exceptions::no_exception(state);
        }
        state.vm.reraising.set(true);
        state.raise(Exception::from_value(exception))
    }

    /// Makes the iterator that `yield from` goes over.
    GetYieldFromIter(state, _argument) {
        let vm = state.vm;
        let flags = (*state.frame).code().flags;
        let coroutine = { let iterable = state.look(1); generator::is_coroutine(&iterable) };
        if coroutine {
            let allowed = rspy_code::code_object::flags::COROUTINE | rspy_code::code_object::flags::ITERABLE_COROUTINE;
            if flags & allowed == 0 {
                return state.raise(vm.type_error("cannot 'yield from' a coroutine object in a non-coroutine generator"));
            }
            return Flow::Next;
        }
        let result = {
            let iterable = state.look(1);
            if iterable.downcast_exact::<Generator>().is_some() {
                return Flow::Next;
            }
            vm.iter(&iterable)
        };
        state.drop_words(1);
        let iterator = attempt!(state, result);
        state.push_value(iterator);
        Flow::Next
    }

    /// Makes the iterator that `await` goes over.
    GetAwaitable(state, argument) fast {
        let word = *state.at(1);
        if exact::<Coroutine>(word).is_some_and(|coroutine| coroutine.is_fresh()) {
            *state.at(1) = word::keep(word);
            return Flow::Next;
        }
        Flow::Direct
    } direct {
        let top = state.at(1);
        let iterator = awaitable_word(state.vm, *top, argument);
        if iterator == 0 {
            state.stack = top;
            return Flow::Raise;
        }
        *top = iterator;
        Flow::Next
    }

    /// Calls `__aiter__`.
    GetAiter(state, _argument) {
        let vm = state.vm;
        let object = state.pop_value();
        let Some(aiter) = object.type_of().slots().aiter.get() else {
            let error = not_async_iterable(state, &object);
            return state.raise(error);
        };
        let iterator = attempt!(state, aiter(vm, &object));
        if iterator.type_of().slots().anext.get().is_none() {
            return state.raise(vm.type_error(format!(
                "'async for' received an object from __aiter__ that does not implement __anext__: {}",
                iterator.type_of().full_name()
            )));
        }
        state.push_value(iterator);
        Flow::Next
    }

    /// Makes the awaitable of the next item of an asynchronous iterator.
    GetAnext(state, _argument) {
        let result = { let iterator = state.look(1); generator::next_awaitable(state.vm, &iterator) };
        let awaitable = attempt!(state, result);
        state.push_value(awaitable);
        Flow::Next
    }

    /// Ends an `async for` loop.
    EndAsyncFor(state, _argument) {
        let exception = state.pop_value();
        let ends = { state.vm.is_instance_of(&exception, crate::exceptions::stop_async_iteration()) };
        if ends {
            drop(exception);
            state.drop_words(1);
            return Flow::Next;
        }
        if !crate::exceptions::is_exception(&exception) {
            return super::exceptions::no_exception(state);
        }
        state.vm.reraising.set(true);
        state.raise(Exception::from_value(exception))
    }

    /// With `sys.monitoring` at work.
    InstrumentedEndAsyncFor = EndAsyncFor;
    /// With `sys.monitoring` at work.
    InstrumentedYieldValue = YieldValue;
    /// With `sys.monitoring` at work.
    InstrumentedEndSend = super::EndSend;
    /// With `sys.monitoring` at work.
    InstrumentedPopIter = super::PopIter;
    /// With `sys.monitoring` at work.
    InstrumentedResume = super::Resume;
    /// With `sys.monitoring` at work.
    InstrumentedReturnValue = super::ReturnValue;
    /// With `sys.monitoring` at work.
    InstrumentedInstruction(state, _argument) { super::unknown(state) }
    /// With `sys.monitoring` at work.
    InstrumentedJumpForward(state, argument) { state.jump(argument as isize); Flow::Next }
    /// With `sys.monitoring` at work.
    InstrumentedJumpBackward = super::JumpBackward;
    /// With `sys.monitoring` at work.
    InstrumentedNotTaken(state, _argument) { Flow::Next }
    /// With `sys.monitoring` at work.
    InstrumentedPopJumpIfTrue(state, argument) { <super::PopJumpIfTrue as crate::eval::Instruction>::fast(state, argument) }
    /// With `sys.monitoring` at work.
    InstrumentedPopJumpIfFalse(state, argument) { <super::PopJumpIfFalse as crate::eval::Instruction>::fast(state, argument) }
    /// With `sys.monitoring` at work.
    InstrumentedPopJumpIfNone = super::PopJumpIfNone;
    /// With `sys.monitoring` at work.
    InstrumentedPopJumpIfNotNone = super::PopJumpIfNotNone;
    /// With `sys.monitoring` at work.
    InstrumentedLine(state, _argument) { super::unknown(state) }
}
