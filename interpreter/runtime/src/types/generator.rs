//! `generator`, `coroutine` and `async_generator`: functions that wait in the middle.
//!
//! # Safety argument
//!
//! A generator holds its frame in memory of its own, made when the function is called and freed with the generator.
//! All words in it own their references. While the generator runs, the frame is linked among the thread's; the
//! evaluator keeps the generator alive meanwhile through the reference of whoever resumed it.

use std::cell::Cell;

use rspy_code::code_object::flags;
use rspy_code::opcode::Opcode;
use rspy_code::operation::Resume;
use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::eval::frame::{Frame, Owner};
use crate::eval::{self, word};
use crate::exceptions::{Exception, PyResult};
use crate::gc::{Trace, Visitor};
use crate::heap::Words;
use crate::names;
use crate::object::{Object, Ref};
use crate::types::code::Code;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::{Handled, Vm};

pub mod asynchronous;

/// How far a generator is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It has not begun.
    Created,
    /// It waits at a `yield`.
    Suspended,
    /// It runs.
    Running,
    /// It has ended.
    Finished,
}

/// The state that all three kinds share.
pub struct GeneratorState {
    memory: Words,
    stage: Cell<Stage>,
    /// Whether it waits in `yield from` or `await`.
    delegating: Cell<bool>,
    handled: Handled,
    code: Ref<Code>,
    /// Where it has other names than its code: the name and the qualified name.
    names: GilCell<Option<(Ref<Str>, Ref<Str>)>>,
    /// Where a coroutine was made, if that is recorded.
    origin: GilCell<Option<Value>>,
    /// For asynchronous generators.
    pub(crate) asynchronous: asynchronous::State,
}

impl Trace for GeneratorState {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        visitor.value(self.code.value());
        self.origin.trace(visitor);
        self.asynchronous.trace(visitor);
        let bits = self.handled.value.get();
        if bits != 0 {
            visitor.object(bits as *mut crate::object::Header);
        }
        if matches!(self.stage.get(), Stage::Created | Stage::Suspended) {
            // SAFETY: the words of a frame that waits are valid and own their references.
            unsafe { trace_frame(self.frame(), visitor) };
        } else if self.stage.get() == Stage::Running {
            // SAFETY: a running frame's variables are valid words at any time, unlike its stack.
            unsafe { trace_words(Frame::local(self.frame(), 0), Frame::stack_base(self.frame()), visitor) };
        }
    }

    fn clear_references(&self) {
        if matches!(self.stage.get(), Stage::Created | Stage::Suspended) {
            self.end();
        }
    }
}

/// Visits what a waiting frame refers to.
///
/// # Safety
/// The frame does not run.
pub(crate) unsafe fn trace_frame(frame: *mut Frame, visitor: &mut Visitor<'_>) {
    // SAFETY: as promised.
    unsafe {
        trace_words(Frame::local(frame, 0), (*frame).stack_pointer, visitor);
        for word in [(*frame).function, (*frame).locals, (*frame).frame_object.get()] {
            if word::owns(word) {
                visitor.object(word as *mut crate::object::Header);
            }
        }
    }
}

/// Visits what words refer to.
///
/// # Safety
/// The words are valid.
unsafe fn trace_words(mut at: *mut u64, end: *mut u64, visitor: &mut Visitor<'_>) {
    // SAFETY: as promised.
    unsafe {
        while at < end {
            let word = *at;
            if word::owns(word) {
                visitor.object(word as *mut crate::object::Header);
            }
            at = at.add(1);
        }
    }
}

impl Drop for GeneratorState {
    fn drop(&mut self) {
        self.end();
        let bits = self.handled.value.replace(0);
        if bits != 0 {
            // SAFETY: the level owned the value.
            drop(unsafe { Value::from_bits(bits) });
        }
    }
}

impl GeneratorState {
    #[inline(always)]
    fn frame(&self) -> *mut Frame {
        self.memory.as_ptr().cast()
    }

    /// The name and the qualified name.
    fn names(&self) -> (Ref<Str>, Ref<Str>) {
        self.names.get().unwrap_or_else(|| (self.code.name.clone(), self.code.qualified_name.clone()))
    }

    /// Gives back what the frame holds.
    fn end(&self) {
        if matches!(self.stage.get(), Stage::Created | Stage::Suspended) {
            self.stage.set(Stage::Finished);
            // SAFETY: the frame does not run and is not used again.
            unsafe { Frame::clear(self.frame()) };
        }
    }
}

/// A function that waits in the middle.
#[pyclass(name = "generator", tracked, weak)]
#[repr(transparent)]
pub struct Generator {
    state: GeneratorState,
}

/// An `async` function that waits in the middle.
#[pyclass(name = "coroutine", tracked, weak)]
#[repr(transparent)]
pub struct Coroutine {
    state: Generator,
}

/// An `async` function that waits in the middle and yields.
#[pyclass(name = "async_generator", tracked, weak)]
#[repr(transparent)]
pub struct AsyncGenerator {
    state: Generator,
}

impl Coroutine {
    /// Whether it has not begun, so that nobody awaits it.
    #[inline(always)]
    pub(crate) fn is_fresh(&self) -> bool {
        self.state.stage() == Stage::Created
    }
}

/// What a resumed generator answers.
pub enum Sent {
    /// It yielded.
    Yielded(Value),
    /// It returned.
    Returned(Value),
}

impl Generator {
    /// The shared state.
    pub fn state(&self) -> &GeneratorState {
        &self.state
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        self.state.stage.get()
    }

    /// Its code.
    pub fn code(&self) -> &Object<Code> {
        &self.state.code
    }

    /// Its frame where it waits.
    #[inline(always)]
    pub(crate) fn suspended_frame(&self) -> Option<*mut Frame> {
        matches!(self.state.stage.get(), Stage::Created | Stage::Suspended).then(|| self.state.frame())
    }

    /// Its frame unless it has ended.
    pub(crate) fn live_frame(&self) -> Option<*mut Frame> {
        (self.state.stage.get() != Stage::Finished).then(|| self.state.frame())
    }

    #[inline]
    pub(crate) fn mark_running(&self) {
        self.state.stage.set(Stage::Running);
    }

    #[inline]
    pub(crate) fn mark_suspended(&self, delegating: bool) {
        self.state.stage.set(Stage::Suspended);
        self.state.delegating.set(delegating);
    }

    #[inline(always)]
    pub(crate) fn handled(&self) -> *const Handled {
        &raw const self.state.handled
    }

    fn kind(&self) -> &'static str {
        let code = &self.state.code;
        if code.flags & flags::COROUTINE != 0 {
            "coroutine"
        } else if code.flags & flags::ASYNC_GENERATOR != 0 {
            "async generator"
        } else {
            "generator"
        }
    }

    fn already_running(&self, vm: &Vm) -> Exception {
        vm.value_error(format!("{} already executing", self.kind()))
    }

    /// The name, for messages.
    pub fn qualified_name(&self) -> String {
        self.state.names().1.to_string_lossy().into_owned()
    }

    /// Whether an exception raised where it waits would leave it at once: no handler and no `finally` is around.
    fn ends_quietly(&self) -> bool {
        let frame = self.state.frame();
        // SAFETY: a suspended frame stands at a yield, and the instruction behind that says where it goes on.
        let next = unsafe { (*(*frame).instruction.add(1)).get() };
        let (opcode, argument) = (next as u8, next >> 8);
        (opcode == Opcode::Resume as u8 || opcode == Opcode::ResumeCheck as u8)
            && argument & Resume::DEPTH_ONE as u16 != 0
    }

    /// What it waits for in `yield from` or `await`.
    pub fn delegate(&self) -> Option<Value> {
        if self.state.stage.get() != Stage::Suspended || !self.state.delegating.get() {
            return None;
        }
        let frame = self.state.frame();
        // SAFETY: a delegating frame has the iterator on top of its stack.
        unsafe {
            let top = *(*frame).stack_pointer.sub(1);
            (top != 0).then(|| crate::object::Borrow::clone_value(&word::look(top)))
        }
    }

    /// Goes on with a value, or with an exception raised inside. `this` keeps the generator alive meanwhile.
    ///
    /// # Errors
    /// What the generator lets through, and `ValueError` where it runs already.
    pub fn resume(this: &Object<Generator>, vm: &Vm, send: PyResult) -> PyResult<Sent> {
        let state = &this.state;
        let send = match (state.stage.get(), send) {
            (Stage::Running, _) => return Err(this.already_running(vm)),
            (Stage::Finished, _) if this.code().flags & flags::COROUTINE != 0 => {
                return Err(vm.runtime_error("cannot reuse already awaited coroutine"));
            }
            (Stage::Finished, Err(error)) => return Err(error),
            (Stage::Finished, Ok(_)) => return Ok(Sent::Returned(none())),
            (Stage::Created, Ok(value)) if !is_none(&value) => {
                return Err(
                    vm.type_error(format!("can't send non-None value to a just-started {}", this.kind()))
                );
            }
            (_, send) => send,
        };
        vm.check_stack("")?;
        let keep = this.to_ref();
        let frame = state.frame();
        // SAFETY: the frame waits; it runs until it yields or ends.
        let word = unsafe {
            state.stage.set(Stage::Running);
            (*frame).owner = Owner::GeneratorEntry;
            vm.push_handled(&raw const state.handled);
            match send {
                Ok(value) => {
                    *(*frame).stack_pointer = value.into_bits();
                    (*frame).stack_pointer = (*frame).stack_pointer.add(1);
                    let word = eval::run(vm, frame);
                    if word == 0 && state.stage.get() == Stage::Running {
                        // It could not be entered at all.
                        vm.pop_handled();
                        state.stage.set(Stage::Suspended);
                        state.end();
                    }
                    word
                }
                Err(error) => {
                    // What the caller handles is no context inside the generator.
                    if state.handled.value.get() != 0 {
                        crate::exceptions::set_implicit_context(vm, error.value());
                    }
                    vm.set_raised(error);
                    // Where it waits the stack has room for what is sent, and handlers count on it.
                    *(*frame).stack_pointer = crate::types::none::none_word();
                    (*frame).stack_pointer = (*frame).stack_pointer.add(1);
                    let word = eval::run_raising(vm, frame);
                    if word == 0 && state.stage.get() == Stage::Running {
                        vm.pop_handled();
                        state.stage.set(Stage::Suspended);
                        state.end();
                    }
                    word
                }
            }
        };
        this.outcome(vm, keep, word)
    }

    /// What a run of the frame came to. `keep` kept the generator alive meanwhile.
    #[inline(always)]
    fn outcome(&self, vm: &Vm, keep: Ref<Generator>, word: u64) -> PyResult<Sent> {
        let finished = self.state.stage.get() == Stage::Finished;
        drop(keep);
        if word == 0 {
            return Err(vm.take_raised());
        }
        // SAFETY: the evaluator hands over an owned word.
        let value = unsafe { Value::from_bits(word) };
        Ok(if finished { Sent::Returned(value) } else { Sent::Yielded(value) })
    }

    /// As [`resume`](Self::resume) with `None`, the way iteration goes nearly always.
    #[inline]
    fn step(this: &Object<Generator>, vm: &Vm) -> PyResult<Sent> {
        let state = &this.state;
        let frame = match this.suspended_frame() {
            Some(frame) if vm.may_call() => frame,
            _ => return Generator::resume(this, vm, Ok(none())),
        };
        let keep = this.to_ref();
        // SAFETY: the frame waits; it runs until it yields or ends.
        let word = unsafe {
            state.stage.set(Stage::Running);
            (*frame).owner = Owner::GeneratorEntry;
            vm.push_handled(&raw const state.handled);
            *(*frame).stack_pointer = crate::types::none::none_word();
            (*frame).stack_pointer = (*frame).stack_pointer.add(1);
            vm.depth.set(vm.depth.get() + 1);
            eval::go_on(vm, frame)
        };
        vm.leave_call();
        this.outcome(vm, keep, word)
    }

    /// `send`: the yielded value, or `StopIteration` with the returned one.
    fn send_value(this: &Object<Generator>, vm: &Vm, value: Value) -> PyResult {
        match Generator::resume(this, vm, Ok(value))? {
            Sent::Yielded(value) => Ok(value),
            Sent::Returned(value) => Err(ended(vm, this, value)),
        }
    }

    /// `throw` with an exception instance.
    ///
    /// # Errors
    /// What comes through.
    pub fn throw_exception(this: &Object<Generator>, vm: &Vm, error: Exception) -> PyResult<Sent> {
        if let Some(inner) = this.delegate() {
            vm.check_stack("")?;
            return Self::throw_into_delegate(this, vm, &inner, error);
        }
        Generator::resume(this, vm, Err(error))
    }

    /// Does something with what it delegates to. Meanwhile this generator counts as running, and its frame as the one
    /// that calls.
    fn as_caller<R>(this: &Object<Generator>, vm: &Vm, run: impl FnOnce() -> R) -> R {
        let frame = this.state.frame();
        let caller = vm.frame.get();
        this.state.stage.set(Stage::Running);
        // SAFETY: the frame waits, and is taken off the thread's frames again before it goes on.
        unsafe { (*frame).previous = caller };
        vm.frame.set(frame);
        let result = run();
        vm.frame.set(caller);
        // SAFETY: as above.
        unsafe { (*frame).previous = std::ptr::null_mut() };
        this.state.stage.set(Stage::Suspended);
        result
    }

    fn throw_into_delegate(
        this: &Object<Generator>,
        vm: &Vm,
        inner: &Value,
        error: Exception,
    ) -> PyResult<Sent> {
        if error.is_generator_exit() {
            return match Generator::as_caller(this, vm, || close_iterator(vm, inner)) {
                Ok(()) => Generator::resume(this, vm, Err(error)),
                Err(other) => Generator::resume(this, vm, Err(other)),
            };
        }
        match Generator::as_caller(this, vm, || throw_into(vm, inner, &error)) {
            Ok(Some(value)) => Ok(Sent::Yielded(value)),
            Ok(None) => Generator::resume(this, vm, Err(error)),
            Err(raised) => {
                // The delegate ended: what it returned is the value of the `yield from`, which is where the handler
                // of the instruction takes it up.
                Generator::resume(this, vm, Err(raised))
            }
        }
    }

    /// `close`.
    ///
    /// # Errors
    /// `RuntimeError` where the generator goes on yielding, and what it lets through.
    pub fn close_value(this: &Object<Generator>, vm: &Vm) -> PyResult {
        match this.stage() {
            Stage::Created => {
                this.state.end();
                return Ok(none());
            }
            Stage::Finished => return Ok(none()),
            Stage::Running => return Err(this.already_running(vm)),
            Stage::Suspended => {}
        }
        let mut failed = None;
        if let Some(inner) = this.delegate() {
            vm.check_stack("")?;
            failed = Generator::as_caller(this, vm, || close_iterator(vm, &inner)).err();
        }
        if failed.is_none() && this.ends_quietly() && !crate::watch::is_wanted(vm) {
            this.state.end();
            return Ok(none());
        }
        let error = failed.unwrap_or_else(|| vm.generator_exit());
        match Generator::resume(this, vm, Err(error)) {
            Ok(Sent::Yielded(_)) => Err(vm.runtime_error(format!("{} ignored GeneratorExit", this.kind()))),
            Ok(Sent::Returned(value)) => Ok(value),
            Err(error) if error.is_generator_exit() => Ok(none()),
            Err(error) if error.is_stop_iteration() => {
                Ok(crate::exceptions::stop_iteration_value(error.value()).unwrap_or_else(none))
            }
            Err(error) => Err(error),
        }
    }
}

/// The exception with which a generator ends.
fn ended(vm: &Vm, this: &Object<Generator>, value: Value) -> Exception {
    if this.code().flags & flags::ASYNC_GENERATOR != 0 {
        return vm.stop_async_iteration();
    }
    vm.stop_iteration(value)
}

/// Closes what a generator delegates to.
fn close_iterator(vm: &Vm, iterator: &Value) -> PyResult<()> {
    if let Some(generator) = as_generator(iterator) {
        return Generator::close_value(generator, vm).map(drop);
    }
    match vm.get_attribute_optional(iterator, &names::close) {
        Ok(Some(close)) => vm.call(&close, &[]).map(drop),
        Ok(None) => Ok(()),
        Err(error) => {
            crate::exceptions::print::write_unraisable_about(
                vm,
                error,
                "Exception ignored while closing generator",
                iterator,
            );
            Ok(())
        }
    }
}

/// Throws into what a generator delegates to; `None` where it cannot be thrown into.
fn throw_into(vm: &Vm, iterator: &Value, error: &Exception) -> PyResult<Option<Value>> {
    if let Some(generator) = as_generator(iterator) {
        return match Generator::throw_exception(generator, vm, error.clone())? {
            Sent::Yielded(value) => Ok(Some(value)),
            Sent::Returned(value) => Err(ended(vm, generator, value)),
        };
    }
    match vm.get_attribute_optional(iterator, &names::throw)? {
        Some(throw) => vm.call(&throw, std::slice::from_ref(error.value())).map(Some),
        None => Ok(None),
    }
}

/// Makes a generator, coroutine or asynchronous generator of the frame of the function that is being called; the
/// frame's words move over.
///
/// # Safety
/// The frame is the running one, at its `RETURN_GENERATOR`.
pub(crate) unsafe fn from_frame(vm: &Vm, frame: *mut Frame) -> Value {
    // SAFETY: the words are copied with their ownership; borrowed ones get references of their own.
    unsafe {
        let code = (*frame).code().to_ref();
        let function = (*frame).function();
        let names = (!function.has_names_of_code()).then(|| (function.name(), function.qualified_name()));
        let words = Frame::words(&code);
        let memory = Words::new(words);
        let copy: *mut Frame = memory.as_ptr().cast();
        let used = (*frame).stack_pointer.offset_from(Frame::local(frame, 0)) as usize;
        copy.copy_from_nonoverlapping(frame, 1);
        for index in 0..used {
            *Frame::local(copy, index) = word::keep(*Frame::local(frame, index));
        }
        (*copy).stack_pointer = Frame::local(copy, used);
        (*copy).previous = std::ptr::null_mut();
        (*copy).function = word::keep((*frame).function);
        (*copy).owner = Owner::Generator;
        (*copy).drops_result = false;
        let kind = code.flags;
        let state = GeneratorState {
            memory,
            stage: Cell::new(Stage::Created),
            delegating: Cell::new(false),
            handled: Handled { value: Cell::new(0), previous: Cell::new(std::ptr::null()) },
            code,
            names: GilCell::new(names),
            origin: GilCell::new(None),
            asynchronous: asynchronous::State::default(),
        };
        let generator = Generator { state };
        let made = if kind & flags::COROUTINE != 0 {
            let made = Object::new(Coroutine { state: generator }).into_value();
            asynchronous::record_origin(vm, &made);
            made
        } else if kind & flags::ASYNC_GENERATOR != 0 {
            Object::new(AsyncGenerator { state: generator }).into_value()
        } else {
            Object::new(generator).into_value()
        };
        if let Some(generator) = any_generator(&made) {
            (*generator.state.frame()).generator = generator;
            let object = (*generator.state.frame()).frame_object.get();
            if object != 0 {
                crate::types::frame::FrameObject::move_to(&Value::from_bits(object), generator.state.frame());
            }
        }
        made
    }
}

/// The generator behind any of the three kinds.
pub fn any_generator(value: &Value) -> Option<&Object<Generator>> {
    if let Some(generator) = value.downcast_exact::<Generator>() {
        return Some(generator);
    }
    if value.downcast_exact::<Coroutine>().is_some() || value.downcast_exact::<AsyncGenerator>().is_some() {
        // SAFETY: all three have the same layout.
        return Some(unsafe { &*(value.bits() as *const Object<Generator>) });
    }
    None
}

/// The generator behind a generator or coroutine.
pub fn as_generator(value: &Value) -> Option<&Object<Generator>> {
    if value.downcast_exact::<AsyncGenerator>().is_some() { None } else { any_generator(value) }
}

/// Whether what is awaited ends by raising `StopIteration`, where others just end.
pub(crate) fn raises_stop_iteration(value: &Value) -> bool {
    asynchronous::is_awaitable_step(value)
}

/// Whether the value is a coroutine.
pub fn is_coroutine(value: &Value) -> bool {
    value.downcast_exact::<Coroutine>().is_some()
}

/// Ends a generator whose frame has returned or let an exception through.
///
/// # Safety
/// The frame lies in a generator and does not run any more; its `stack_pointer` is current.
pub(crate) unsafe fn finish_frame(frame: *mut Frame) {
    // SAFETY: the generator is alive, since whoever resumed it holds it.
    unsafe {
        let generator = &*(*frame).generator;
        generator.state.stage.set(Stage::Finished);
        (*frame).previous = std::ptr::null_mut();
        Frame::clear(frame);
    }
}

/// Sends a value into any iterator: `send`, or `next` for `None`.
///
/// # Errors
/// What the iterator raises, but for `StopIteration`.
pub fn send_to(vm: &Vm, iterator: &Value, value: &Value) -> PyResult<Sent> {
    if let Some(generator) = as_generator(iterator) {
        return Generator::resume(generator, vm, Ok(value.clone()));
    }
    if let Some(send) = iterator.type_of().slots().send.get() {
        return send(vm, iterator, value);
    }
    let result = if is_none(value) && iterator.type_of().slots().next.get().is_some() {
        match iterator.type_of().slots().next.get() {
            Some(next) => match next(vm, iterator) {
                Ok(Some(value)) => return Ok(Sent::Yielded(value)),
                Ok(None) => return Ok(Sent::Returned(none())),
                Err(error) => Err(error),
            },
            None => Err(vm.system_error("no iterator")),
        }
    } else {
        vm.call_method(iterator, &names::send, std::slice::from_ref(value))
    };
    match result {
        Ok(value) => Ok(Sent::Yielded(value)),
        Err(error) if error.is_stop_iteration() => {
            Ok(Sent::Returned(crate::exceptions::stop_iteration_value(error.value()).unwrap_or_else(none)))
        }
        Err(error) => Err(error),
    }
}

/// The iterator that `await` goes over.
///
/// # Errors
/// `TypeError` where the object cannot be awaited.
pub fn awaitable_iterator(vm: &Vm, object: &Value, context: u32) -> PyResult {
    if let Some(coroutine) = object.downcast_exact::<Coroutine>() {
        if coroutine.state.delegate().is_some() {
            return Err(vm.runtime_error("coroutine is being awaited already"));
        }
        return Ok(object.clone());
    }
    if let Some(generator) = object.downcast_exact::<Generator>()
        && generator.code().flags & flags::ITERABLE_COROUTINE != 0
    {
        return Ok(object.clone());
    }
    let Some(method) = object.type_of().slots().await_.get() else {
        let name = object.type_of().full_name();
        return Err(vm.type_error(match context {
            1 => format!(
                "'async with' received an object from __aenter__ that does not implement __await__: {name}"
            ),
            2 => format!(
                "'async with' received an object from __aexit__ that does not implement __await__: {name}"
            ),
            _ => format!("'{name}' object can't be awaited"),
        }));
    };
    let iterator = method(vm, object)?;
    let returned_coroutine = is_coroutine(&iterator)
        || iterator
            .downcast_exact::<Generator>()
            .is_some_and(|generator| generator.code().flags & flags::ITERABLE_COROUTINE != 0);
    if returned_coroutine {
        return Err(vm.type_error("__await__() returned a coroutine"));
    }
    if iterator.type_of().slots().next.get().is_none() {
        return Err(vm.type_error(format!(
            "__await__() returned non-iterator of type '{}'",
            iterator.type_of().full_name()
        )));
    }
    Ok(iterator)
}

/// The awaitable of an asynchronous iterator's next item.
///
/// # Errors
/// `TypeError` where the object is no asynchronous iterator.
pub fn next_awaitable(vm: &Vm, iterator: &Value) -> PyResult {
    let Some(anext) = iterator.type_of().slots().anext.get() else {
        return Err(vm.type_error(format!(
            "'async for' requires an iterator with __anext__ method, got {}",
            iterator.type_of().full_name()
        )));
    };
    let awaitable = anext(vm, iterator)?;
    if iterator.downcast_exact::<AsyncGenerator>().is_some() {
        return Ok(awaitable);
    }
    awaitable_iterator(vm, &awaitable, 0).map_err(|error| {
        let new = vm.type_error(format!(
            "'async for' received an invalid object from __anext__: {}",
            awaitable.type_of().full_name()
        ));
        new.set_cause(vm, &error);
        new
    })
}

/// The exception that the arguments of `throw` mean.
///
/// # Errors
/// `TypeError` where they mean none.
pub fn thrown(vm: &Vm, typ: &Value, value: Option<&Value>, traceback: Option<&Value>) -> PyResult<Exception> {
    crate::exceptions::from_throw_arguments(vm, typ, value, traceback)
}

fn warn_deprecated_throw(vm: &Vm, value: Option<&Value>, traceback: Option<&Value>) -> PyResult<()> {
    if value.is_some() || traceback.is_some() {
        crate::warnings::warn(
            vm,
            crate::exceptions::deprecation_warning(),
            "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.",
            1,
        )?;
    }
    Ok(())
}

/// Common to the three kinds: what introspection shows.
macro_rules! generator_attributes {
    ($typ:ident, $what:literal, $frame:literal, $running:literal, $code:literal, $delegate:literal, $suspended:literal, { $($more:tt)* }) => {
        #[pymethods]
        impl $typ {
            #[slot(repr)]
            fn repr(this: &Value) -> String {
                let name = any_generator(this).map_or_else(String::new, |generator| generator.qualified_name());
                format!(concat!("<", $what, " object {} at {:#x}>"), name, this.id())
            }

            #[slot(finalize)]
            fn finalize(this: &Value, vm: &Vm) {
                asynchronous::finalize(vm, this);
            }

            #[getter("__name__")]
            fn get_name(this: &Value) -> Option<Value> {
                any_generator(this).map(|generator| generator.state.names().0.into_value())
            }

            #[setter("__name__")]
            fn set_name(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
                let Some(name) = value.and_then(|value| value.downcast::<Str>()) else {
                    return Err(vm.type_error("__name__ must be set to a string object"));
                };
                if let Some(generator) = any_generator(this) {
                    generator.state.names.set(Some((name.to_ref(), generator.state.names().1)));
                }
                Ok(())
            }

            #[getter("__qualname__")]
            fn get_qualname(this: &Value) -> Option<Value> {
                any_generator(this).map(|generator| generator.state.names().1.into_value())
            }

            #[setter("__qualname__")]
            fn set_qualname(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
                let Some(name) = value.and_then(|value| value.downcast::<Str>()) else {
                    return Err(vm.type_error("__qualname__ must be set to a string object"));
                };
                if let Some(generator) = any_generator(this) {
                    generator.state.names.set(Some((generator.state.names().0, name.to_ref())));
                }
                Ok(())
            }

            #[getter($frame)]
            fn get_frame(this: &Value, vm: &Vm) -> PyResult<Option<Value>> {
                $crate::audit::raise_read(vm, this, $frame)?;
                let frame = any_generator(this).and_then(|generator| generator.live_frame());
                // SAFETY: the generator's frame is alive until it ends.
                Ok(frame.map(|frame| unsafe { Frame::object(frame) }.into_value()))
            }

            #[getter($running)]
            fn get_running(this: &Value) -> bool {
                any_generator(this).is_some_and(|generator| asynchronous::shown_running(generator))
            }

            #[getter($suspended)]
            fn get_suspended(this: &Value) -> bool {
                any_generator(this).is_some_and(|generator| generator.stage() == Stage::Suspended)
            }

            #[getter($code, member)]
            fn get_code(this: &Value, vm: &Vm) -> PyResult<Option<Value>> {
                $crate::audit::raise_read(vm, this, $code)?;
                Ok(any_generator(this).map(|generator| generator.code().to_value()))
            }

            #[getter($delegate)]
            fn get_delegate(this: &Value) -> Option<Value> {
                any_generator(this).and_then(|generator| generator.delegate())
            }

            /// Return the size of the object in memory.
            #[method("__sizeof__(self, /)")]
            fn sizeof(this: &Value) -> usize {
                any_generator(this).map_or(0, |generator| size_of::<Object<Generator>>() + generator.state.memory.len() * 8)
            }

            $($more)*
        }
    };
}

generator_attributes! { Generator, "generator", "gi_frame", "gi_running", "gi_code", "gi_yieldfrom", "gi_suspended", {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(this: &Object<Generator>, vm: &Vm) -> PyResult<Option<Value>> {
        match Generator::step(this, vm)? {
            Sent::Yielded(value) => Ok(Some(value)),
            Sent::Returned(value) if is_none(&value) => Ok(None),
            Sent::Returned(value) => Err(vm.stop_iteration(value)),
        }
    }

    /// send(value) -> send 'value' into generator,
    /// return next yielded value or raise StopIteration.
    #[method("send(self, value, /)")]
    fn send(this: &Object<Generator>, vm: &Vm, value: &Value) -> PyResult {
        Generator::send_value(this, vm, value.clone())
    }

    /// Raise exception in generator, return next yielded value or raise StopIteration.
    #[method("throw")]
    fn throw(this: &Object<Generator>, vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        throw_method(vm, this, args, names)
    }

    /// close() -> raise GeneratorExit inside generator.
    #[method("close(self, /)")]
    fn close(this: &Object<Generator>, vm: &Vm) -> PyResult {
        Generator::close_value(this, vm)
    }

    /// See PEP 585
    #[classmethod("__class_getitem__(cls, item, /)")]
    fn class_getitem(cls: &crate::object::TypeObject, vm: &Vm, item: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), item)
    }
}}

generator_attributes! { Coroutine, "coroutine", "cr_frame", "cr_running", "cr_code", "cr_await", "cr_suspended", {
    #[slot(await_)]
    fn await_iterator(this: &Value) -> Value {
        asynchronous::CoroutineWrapper::new(this.clone())
    }

    #[getter("cr_origin", member)]
    fn origin(&self) -> Option<Value> {
        self.state.state.origin.get()
    }

    /// send(value) -> send 'value' into coroutine,
    /// return next yielded value or raise StopIteration.
    #[method("send(self, value, /)")]
    fn send(this: &Value, vm: &Vm, value: &Value) -> PyResult {
        match any_generator(this) {
            Some(generator) => Generator::send_value(generator, vm, value.clone()),
            None => Ok(none()),
        }
    }

    /// Raise exception in coroutine, return next value or raise StopIteration.
    #[method("throw")]
    fn throw(this: &Value, vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        match any_generator(this) {
            Some(generator) => throw_method(vm, generator, args, names),
            None => Ok(none()),
        }
    }

    /// close() -> raise GeneratorExit inside coroutine.
    #[method("close(self, /)")]
    fn close(this: &Value, vm: &Vm) -> PyResult {
        match any_generator(this) {
            Some(generator) => Generator::close_value(generator, vm),
            None => Ok(none()),
        }
    }

    /// See PEP 585
    #[classmethod("__class_getitem__(cls, item, /)")]
    fn class_getitem(cls: &crate::object::TypeObject, vm: &Vm, item: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), item)
    }
}}

generator_attributes! { AsyncGenerator, "async_generator", "ag_frame", "ag_running", "ag_code", "ag_await", "ag_suspended", {
    #[slot(aiter)]
    fn aiter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(anext)]
    fn anext(this: &Value, vm: &Vm) -> PyResult {
        asynchronous::send(vm, this, None)
    }

    /// asend(v) -> send 'v' in generator.
    #[method("asend(self, value, /)")]
    fn asend(this: &Value, vm: &Vm, value: &Value) -> PyResult {
        asynchronous::send(vm, this, Some(value.clone()))
    }

    /// Raise exception in generator, return an awaitable of the next value.
    #[method("athrow")]
    fn athrow(this: &Value, vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        asynchronous::throw(vm, this, args, names)
    }

    /// aclose() -> raise GeneratorExit inside generator.
    #[method("aclose(self, /)")]
    fn aclose(this: &Value, vm: &Vm) -> PyResult {
        asynchronous::close(vm, this)
    }

    /// See PEP 585
    #[classmethod("__class_getitem__(cls, item, /)")]
    fn class_getitem(cls: &crate::object::TypeObject, vm: &Vm, item: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), item)
    }
}}

/// `throw(typ[, val[, tb]])`.
fn throw_method(
    vm: &Vm,
    this: &Object<Generator>,
    args: &[Value],
    names: crate::slots::KeywordNames<'_>,
) -> PyResult {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(vm.type_error(format!("{}.throw() takes no keyword arguments", this.type_of().name())));
    }
    let (typ, value, traceback) = match args {
        [typ] => (typ, None, None),
        [typ, value] => (typ, Some(value), None),
        [typ, value, traceback] => (typ, Some(value), Some(traceback)),
        [] => return Err(vm.type_error("throw expected at least 1 argument, got 0")),
        _ => return Err(vm.type_error(format!("throw expected at most 3 arguments, got {}", args.len()))),
    };
    warn_deprecated_throw(vm, value, traceback)?;
    let error = thrown(vm, typ, value, traceback)?;
    match Generator::throw_exception(this, vm, error)? {
        Sent::Yielded(value) => Ok(value),
        Sent::Returned(value) => Err(ended(vm, this, value)),
    }
}
