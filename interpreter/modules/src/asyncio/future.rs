//! `Future`: a result that is not there yet, and the callbacks that wait for it.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::base::BaseException;
use rspy_runtime::exceptions::hierarchy::RuntimeError;
use rspy_runtime::exceptions::print::write_unraisable;
use rspy_runtime::exceptions::{Exception, PyResult, as_exception_class, is_exception};
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::generic_alias;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::set::{FrozenSet, Set};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::iterator::FutureIterator;
use super::{Library, invalid_state};
use crate::contextvars::Context;

/// How far a future is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Cancelled,
    Finished,
}

/// What is to be called when a future is done, each with its context. Most futures have one at most.
#[derive(Default)]
struct Callbacks {
    first: Option<(Value, Value)>,
    others: Vec<(Value, Value)>,
}

impl Trace for Callbacks {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.first.trace(visitor);
        self.others.trace(visitor);
    }
}

/// The futures that wait for a future.
#[derive(Clone, Default)]
enum Waiters {
    #[default]
    None,
    One(Value),
    Several(Ref<Set>),
}

impl Trace for Waiters {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        match self {
            Waiters::None => {}
            Waiters::One(waiter) => waiter.trace(visitor),
            Waiters::Several(waiters) => waiters.trace(visitor),
        }
    }
}

/// This class is *almost* compatible with concurrent.futures.Future.
///
///     Differences:
///
///     - result() and exception() do not take a timeout argument and
///       raise an exception when the future isn't done yet.
///
///     - Callbacks registered with add_done_callback() are always called
///       via the event loop's call_soon_threadsafe().
///
///     - This class is not compatible with the wait() and as_completed()
///       methods in the concurrent.futures package.
#[pyclass(
    name = "Future", module = "_asyncio", tracked, weak, dict, subclassable, signature = "(*, loop=None)"
)]
#[repr(C)]
pub struct Future {
    /// Nothing until the future is initialised.
    event_loop: GilCell<Option<Value>>,
    #[untraced]
    state: Cell<State>,
    log_traceback: Cell<bool>,
    /// Set where the future is yielded by its own iterator, as against by anybody else's `yield`.
    pub blocking: Cell<bool>,
    callbacks: GilCell<Callbacks>,
    result: GilCell<Option<Value>>,
    exception: GilCell<Option<Value>>,
    /// The traceback that the exception came with; raising it again begins there.
    exception_traceback: GilCell<Option<Value>>,
    source_traceback: GilCell<Option<Value>>,
    cancel_message: GilCell<Option<Value>>,
    /// The exception that a task was left by when it was cancelled.
    pub cancelled_error: GilCell<Option<Value>>,
    waiters: GilCell<Waiters>,
}

/// The future that a value of the class itself, or of `Task` itself, is.
pub fn exact(value: &Value) -> Option<&Object<Future>> {
    let typ = value.type_of();
    if std::ptr::eq(typ, Future::static_type()) || std::ptr::eq(typ, super::task::Task::static_type()) {
        value.downcast::<Future>()
    } else {
        None
    }
}

/// What a done future has to tell.
pub enum Outcome {
    /// Its result.
    Result(Value),
    /// Its exception.
    Exception(Value),
    /// That it was cancelled, or is not done: an error to be raised.
    Error(Exception),
}

impl Default for Future {
    fn default() -> Self {
        Future {
            event_loop: GilCell::default(),
            state: Cell::new(State::Pending),
            log_traceback: Cell::new(false),
            blocking: Cell::new(false),
            callbacks: GilCell::default(),
            result: GilCell::default(),
            exception: GilCell::default(),
            exception_traceback: GilCell::default(),
            source_traceback: GilCell::default(),
            cancel_message: GilCell::default(),
            cancelled_error: GilCell::default(),
            waiters: GilCell::default(),
        }
    }
}

impl Future {
    /// The event loop; nothing before the future is initialised.
    pub fn event_loop(&self) -> Option<Value> {
        self.event_loop.get()
    }

    /// Whether the future belongs to an event loop.
    pub fn is_of(&self, event_loop: &Value) -> bool {
        self.event_loop.borrow().as_ref().is_some_and(|own| own.is(event_loop))
    }

    /// Whether there is a result or an exception, or the future was cancelled.
    pub fn is_done(&self) -> bool {
        self.state.get() != State::Pending
    }

    /// The event loop.
    ///
    /// # Errors
    /// `RuntimeError` before the future is initialised.
    pub fn alive(&self, vm: &Vm) -> PyResult {
        self.event_loop.get().ok_or_else(|| vm.runtime_error("Future object is not initialized."))
    }

    /// Begins anew, with an event loop or the current one.
    pub fn initialize(&self, vm: &Vm, event_loop: Option<&Value>) -> PyResult<()> {
        let event_loop = match event_loop {
            Some(event_loop) => event_loop.clone(),
            None => super::event_loop(vm)?,
        };
        self.state.set(State::Pending);
        self.log_traceback.set(false);
        self.blocking.set(false);
        self.callbacks.set(Callbacks::default());
        for field in [
            &self.result,
            &self.exception,
            &self.exception_traceback,
            &self.source_traceback,
            &self.cancel_message,
            &self.cancelled_error,
        ] {
            field.set(None);
        }
        self.event_loop.set(Some(event_loop.clone()));
        let traceback = super::source_traceback(vm, &event_loop)?;
        self.source_traceback.set(traceback);
        Ok(())
    }

    /// What `await` goes over.
    pub fn iterator(this: &Value, vm: &Vm) -> PyResult {
        let future = object_of(this);
        future.alive(vm)?;
        Ok(FutureIterator::new(future))
    }

    /// Whether the future was cancelled.
    pub fn was_cancelled(&self) -> bool {
        self.state.get() == State::Cancelled
    }

    /// The exception, which counts as looked at from now on.
    pub fn seen_exception(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if self.event_loop.borrow().is_none() {
            return Err(invalid_state(vm, "Future object is not initialized."));
        }
        match self.state.get() {
            State::Cancelled => Err(self.cancelled(vm)),
            State::Pending => Err(invalid_state(vm, "Exception is not set.")),
            State::Finished => {
                self.log_traceback.set(false);
                Ok(self.exception.get())
            }
        }
    }

    /// What the future has to tell.
    pub fn tell(&self, vm: &Vm) -> Outcome {
        match self.state.get() {
            State::Cancelled => Outcome::Error(self.cancelled(vm)),
            _ if self.event_loop.borrow().is_none() => {
                Outcome::Error(invalid_state(vm, "Future object is not initialized."))
            }
            State::Pending => Outcome::Error(invalid_state(vm, "Result is not set.")),
            State::Finished => {
                self.log_traceback.set(false);
                match self.exception.get() {
                    Some(exception) => {
                        raised(&exception).set_traceback(self.exception_traceback.get());
                        Outcome::Exception(exception)
                    }
                    None => Outcome::Result(self.result.get().unwrap_or_else(none)),
                }
            }
        }
    }

    /// The result.
    ///
    /// # Errors
    /// The exception that was set, `CancelledError`, and `InvalidStateError` where the future is not done.
    pub fn outcome(&self, vm: &Vm) -> PyResult {
        match self.tell(vm) {
            Outcome::Result(value) => Ok(value),
            Outcome::Exception(exception) => Err(vm.raised(exception)),
            Outcome::Error(error) => Err(error),
        }
    }

    /// The `CancelledError` to be raised, which is that of the coroutine where it came out of one.
    fn cancelled(&self, vm: &Vm) -> Exception {
        match self.make_cancelled_error(vm) {
            Ok(exception) if is_exception(&exception) => vm.raised(exception),
            Ok(_) => vm.type_error("exceptions must derive from BaseException"),
            Err(error) => error,
        }
    }

    /// A `CancelledError`, which is that of the coroutine where it came out of one.
    pub fn make_cancelled_error(&self, vm: &Vm) -> PyResult {
        if let Some(saved) = self.cancelled_error.take() {
            return Ok(saved);
        }
        let class = Library::get(vm, |library| library.cancelled_error.clone())?;
        match self.cancel_message() {
            Some(message) => vm.call(&class, std::slice::from_ref(&message)),
            None => vm.call(&class, &[]),
        }
    }

    /// What was said when the future was cancelled.
    pub fn cancel_message(&self) -> Option<Value> {
        self.cancel_message.get().filter(|message| !rspy_runtime::types::none::is_none(message))
    }

    /// Sets what is said when the future is cancelled.
    pub fn set_cancel_message(&self, message: Option<Value>) {
        self.cancel_message.set(message);
    }

    /// Forgets that an exception was not looked at.
    pub fn forget_exception(&self) {
        self.log_traceback.set(false);
    }

    /// Makes the future done with a result.
    pub fn finish(this: &Value, vm: &Vm, result: Value) -> PyResult<()> {
        let future = object_of(this);
        if future.is_done() {
            return Err(invalid_state(vm, "invalid state"));
        }
        future.result.set(Some(result));
        future.state.set(State::Finished);
        Future::schedule(this, vm)
    }

    /// Makes the future done with an exception, or with one of a class.
    pub fn fail(this: &Value, vm: &Vm, exception: &Value) -> PyResult<()> {
        let future = object_of(this);
        if future.is_done() {
            return Err(invalid_state(vm, "invalid state"));
        }
        let mut exception = exception.clone();
        if as_exception_class(&exception).is_some() {
            exception = vm.call(&exception, &[])?;
            if future.is_done() {
                return Err(invalid_state(vm, "invalid state"));
            }
        }
        if !is_exception(&exception) {
            return Err(vm.type_error("invalid exception object"));
        }
        if Exception::from_value(exception.clone()).is_stop_iteration() {
            exception = replaced_stop_iteration(vm, exception)?;
        }
        future.exception_traceback.set(raised(&exception).traceback());
        future.exception.set(Some(exception));
        future.state.set(State::Finished);
        Future::schedule(this, vm)?;
        future.log_traceback.set(true);
        Ok(())
    }

    /// Cancels the future unless it is done; answers whether it did.
    pub fn cancel_now(this: &Value, vm: &Vm, message: Option<Value>) -> PyResult<bool> {
        let future = object_of(this);
        future.log_traceback.set(false);
        if future.is_done() {
            return Ok(false);
        }
        future.state.set(State::Cancelled);
        future.cancel_message.set(message);
        Future::schedule(this, vm)?;
        Ok(true)
    }

    /// Has the event loop call the callbacks. Where it fails to, the rest of them is forgotten.
    fn schedule(this: &Value, vm: &Vm) -> PyResult<()> {
        let future = object_of(this);
        let Some((callback, context)) = future.callbacks.borrow_mut().first.take() else {
            return Future::schedule_others(this, vm);
        };
        let event_loop = future.alive(vm)?;
        let scheduled = super::call_soon(vm, &event_loop, &callback, Some(this), &context);
        if scheduled.is_err() {
            drop(std::mem::take(&mut future.callbacks.borrow_mut().others));
            return scheduled;
        }
        Future::schedule_others(this, vm)
    }

    fn schedule_others(this: &Value, vm: &Vm) -> PyResult<()> {
        let future = object_of(this);
        let others = std::mem::take(&mut future.callbacks.borrow_mut().others);
        if others.is_empty() {
            return Ok(());
        }
        let event_loop = future.alive(vm)?;
        for (callback, context) in &others {
            super::call_soon(vm, &event_loop, callback, Some(this), context)?;
        }
        Ok(())
    }

    /// Has a callback called when the future is done, which it may be already.
    pub fn add_callback(this: &Value, vm: &Vm, callback: &Value, context: Value) -> PyResult<()> {
        let future = object_of(this);
        let Some(event_loop) = future.event_loop.get() else {
            return Err(vm.runtime_error("uninitialized Future object"));
        };
        if future.is_done() {
            return super::call_soon(vm, &event_loop, callback, Some(this), &context);
        }
        let mut callbacks = future.callbacks.borrow_mut();
        let entry = (callback.clone(), context);
        if callbacks.first.is_none() && callbacks.others.is_empty() {
            callbacks.first = Some(entry);
        } else {
            callbacks.others.push(entry);
        }
        Ok(())
    }

    /// As [`add_callback`](Self::add_callback), in a copy of the current context where none is given.
    pub fn add_callback_in(this: &Value, vm: &Vm, callback: &Value, context: Option<&Value>) -> PyResult<()> {
        let context = context.cloned().unwrap_or_else(|| Context::copy_current(vm).into_value());
        Future::add_callback(this, vm, callback, context)
    }

    /// Forgets the callbacks that equal a value; answers how many they were. Comparing may change the list.
    pub fn remove_callbacks(&self, vm: &Vm, callback: &Value) -> PyResult<usize> {
        self.alive(vm)?;
        let mut removed = 0;
        let first = self.callbacks.borrow().first.clone();
        if let Some((first, _)) = first
            && vm.same_or_equal(&first, callback)?
        {
            let gone = self.callbacks.borrow_mut().first.take();
            drop(gone);
            removed = 1;
        }
        let before = self.callbacks.borrow().others.len();
        let mut kept = Vec::new();
        let mut index = 0;
        loop {
            let entry = self.callbacks.borrow().others.get(index).cloned();
            let Some(entry) = entry else { break };
            if !vm.same_or_equal(&entry.0, callback)? {
                kept.push(entry);
            }
            index += 1;
        }
        let left = kept.len();
        let emptied = self.callbacks.borrow().others.is_empty();
        let gone = if emptied {
            kept
        } else {
            std::mem::replace(&mut self.callbacks.borrow_mut().others, kept)
        };
        drop(gone);
        Ok(removed + before.saturating_sub(if emptied { 0 } else { left }))
    }

    /// Remembers that a future waits for this one.
    pub fn add_awaited_by(&self, vm: &Vm, waiter: &Value) -> PyResult<()> {
        match self.waiters.get() {
            Waiters::None => self.waiters.set(Waiters::One(waiter.clone())),
            Waiters::One(one) if one.is(waiter) => {}
            Waiters::One(one) => {
                let several = Set::new();
                several.add(vm, &one)?;
                several.add(vm, waiter)?;
                self.waiters.set(Waiters::Several(several));
            }
            Waiters::Several(several) => {
                several.add(vm, waiter)?;
            }
        }
        Ok(())
    }

    /// Remembers that a future waits for this one no more.
    pub fn discard_awaited_by(&self, vm: &Vm, waiter: &Value) -> PyResult<()> {
        match self.waiters.get() {
            Waiters::One(one) if one.is(waiter) => self.waiters.set(Waiters::None),
            Waiters::None | Waiters::One(_) => {}
            Waiters::Several(several) => {
                several.discard(vm, waiter)?;
            }
        }
        Ok(())
    }

    /// Tells the event loop of something that went wrong in a finaliser.
    pub fn tell_exception_handler(&self, vm: &Vm, facts: &[(&str, Value)]) {
        let Some(event_loop) = self.event_loop.get() else { return };
        let context = Dict::new();
        for (name, value) in facts {
            context.set_str(&vm.intern(name), value.clone());
        }
        if let Some(traceback) = self.source_traceback.get() {
            context.set_str(&vm.intern("source_traceback"), traceback);
        }
        let handler = match vm.get_attribute(&event_loop, &names::call_exception_handler) {
            Ok(handler) => handler,
            Err(error) => return write_unraisable(vm, error, None, None),
        };
        if let Err(error) = vm.call(&handler, &[context.into_value()]) {
            write_unraisable(vm, error, None, Some(&handler));
        }
    }

    /// Tells the event loop of an exception that nobody has looked at.
    pub fn tell_unseen_exception(this: &Value, vm: &Vm) {
        let future = object_of(this);
        if !future.log_traceback.replace(false) {
            return;
        }
        let Some(exception) = future.exception.get() else { return };
        let message = format!("{} exception was never retrieved", this.type_of().name());
        future.tell_exception_handler(
            vm,
            &[("message", vm.new_str(&message)), ("exception", exception), ("future", this.clone())],
        );
    }

    fn callback_list(&self) -> Option<Ref<List>> {
        let callbacks = self.callbacks.borrow();
        let all: Vec<Value> = callbacks
            .first
            .iter()
            .chain(&callbacks.others)
            .map(|(callback, context)| Tuple::from_values([callback.clone(), context.clone()]).into_value())
            .collect();
        (!all.is_empty()).then(|| List::from_vec(all))
    }
}

/// What stands for a `StopIteration`, which would end a coroutine that it is raised in.
fn replaced_stop_iteration(vm: &Vm, exception: Value) -> PyResult {
    let message =
        vm.new_str("StopIteration interacts badly with generators and cannot be raised into a Future");
    let replacement = vm.call(&RuntimeError::static_type().to_value(), &[message])?;
    raised(&replacement).set_cause(Some(exception.clone()));
    raised(&replacement).set_context(Some(exception));
    Ok(replacement)
}

/// The error for attributes that cannot be deleted.
pub fn cannot_delete(vm: &Vm, class: &str, name: &str, this: &Value) -> Exception {
    let message = format!("attribute '{name}' of '_asyncio.{class}' objects cannot be deleted");
    vm.attribute_error(message, this, &vm.intern(name))
}

#[pymethods]
impl Future {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Future::default()).into_value())
    }

    #[init("Future(*, loop=None)")]
    fn init(&self, vm: &Vm, event_loop: Option<&Value>) -> PyResult<()> {
        self.initialize(vm, event_loop)
    }

    #[slot(repr)]
    fn repr(this: &Value, vm: &Vm) -> PyResult {
        object_of(this).alive(vm)?;
        let function = Library::get(vm, |library| library.future_repr.clone())?;
        vm.call(&function, std::slice::from_ref(this))
    }

    #[slot(iter)]
    fn iter(this: &Value, vm: &Vm) -> PyResult {
        Future::iterator(this, vm)
    }

    #[slot(await_)]
    fn await_iterator(this: &Value, vm: &Vm) -> PyResult {
        Future::iterator(this, vm)
    }

    #[slot(finalize)]
    fn finalize(this: &Value, vm: &Vm) {
        Future::tell_unseen_exception(this, vm);
    }

    /// Return the result this future represents.
    ///
    /// If the future has been cancelled, raises CancelledError.  If the
    /// future's result isn't yet available, raises InvalidStateError.  If
    /// the future is done and has an exception set, this exception is
    /// raised.
    #[method("result(self, /)")]
    fn get_result(&self, vm: &Vm) -> PyResult {
        self.outcome(vm)
    }

    /// Return the exception that was set on this future.
    ///
    /// The exception (or None if no exception was set) is returned only if
    /// the future is done.  If the future has been cancelled, raises
    /// CancelledError.  If the future isn't done yet, raises
    /// InvalidStateError.
    #[method("exception(self, /)")]
    fn get_exception(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.seen_exception(vm)
    }

    /// Mark the future done and set its result.
    ///
    /// If the future is already done when this method is called, raises
    /// InvalidStateError.
    #[method("set_result(self, result, /)")]
    fn set_result(this: &Value, vm: &Vm, result: &Value) -> PyResult<()> {
        object_of(this).alive(vm)?;
        Future::finish(this, vm, result.clone())
    }

    /// Mark the future done and set an exception.
    ///
    /// If the future is already done when this method is called, raises
    /// InvalidStateError.
    #[method("set_exception(self, exception, /)")]
    fn set_exception(this: &Value, vm: &Vm, exception: &Value) -> PyResult<()> {
        object_of(this).alive(vm)?;
        Future::fail(this, vm, exception)
    }

    /// Add a callback to be run when the future becomes done.
    ///
    /// The callback is called with a single argument - the future object.
    /// If the future is already done when this is called, the callback is
    /// scheduled with call_soon.
    #[method("add_done_callback(self, fn, /, *, context=<unrepresentable>)")]
    fn add_done_callback(this: &Value, vm: &Vm, callback: &Value, context: Option<&Value>) -> PyResult<()> {
        Future::add_callback_in(this, vm, callback, context)
    }

    /// Remove all instances of a callback from the "call when done" list.
    ///
    /// Returns the number of callbacks removed.
    #[method("remove_done_callback(self, fn, /)")]
    fn remove_done_callback(&self, vm: &Vm, callback: &Value) -> PyResult<usize> {
        self.remove_callbacks(vm, callback)
    }

    /// Cancel the future and schedule callbacks.
    ///
    /// If the future is already done or cancelled, return False.
    /// Otherwise, change the future's state to cancelled, schedule the
    /// callbacks and return True.
    #[method("cancel(self, /, msg=None)")]
    fn cancel(this: &Value, vm: &Vm, message: Option<&Value>) -> PyResult<bool> {
        object_of(this).alive(vm)?;
        Future::cancel_now(this, vm, message.cloned())
    }

    /// Return True if the future was cancelled.
    #[method("cancelled(self, /)")]
    fn is_cancelled(&self) -> bool {
        self.was_cancelled()
    }

    /// Return True if the future is done.
    ///
    /// Done means either that a result / exception are available, or that
    /// the future was cancelled.
    #[method("done(self, /)")]
    fn done(&self) -> bool {
        self.is_done()
    }

    /// Return the event loop the Future is bound to.
    #[method("get_loop(self, /)")]
    fn get_loop(&self, vm: &Vm) -> PyResult {
        self.alive(vm)
    }

    /// Create the CancelledError to raise if the Future is cancelled.
    ///
    /// This should only be called once when handling a cancellation since
    /// it erases the context exception value.
    #[method("_make_cancelled_error(self, /)")]
    fn cancelled_error_method(&self, vm: &Vm) -> PyResult {
        self.make_cancelled_error(vm)
    }

    /// Futures are generic over the type of their results
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }

    #[getter("_state")]
    fn state_name(&self, vm: &Vm) -> PyResult {
        self.alive(vm)?;
        let name = match self.state.get() {
            State::Pending => "PENDING",
            State::Cancelled => "CANCELLED",
            State::Finished => "FINISHED",
        };
        Ok(vm.intern(name).into_value())
    }

    #[getter("_asyncio_future_blocking")]
    fn get_blocking(&self) -> bool {
        self.event_loop.borrow().is_some() && self.blocking.get()
    }

    #[setter("_asyncio_future_blocking")]
    fn set_blocking(this: &Object<Future>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(cannot_delete(vm, "Future", "_asyncio_future_blocking", &this.as_value()));
        };
        this.alive(vm)?;
        this.blocking.set(vm.is_true(value)?);
        Ok(())
    }

    #[getter("_loop")]
    fn loop_or_none(&self) -> Option<Value> {
        self.event_loop.get()
    }

    #[getter("_callbacks")]
    fn get_callbacks(&self, vm: &Vm) -> PyResult<Option<Ref<List>>> {
        self.alive(vm)?;
        Ok(self.callback_list())
    }

    #[getter("_result")]
    fn result_or_none(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.alive(vm)?;
        Ok(self.result.get())
    }

    #[getter("_exception")]
    fn exception_or_none(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.alive(vm)?;
        Ok(self.exception.get())
    }

    #[getter("_log_traceback")]
    fn get_log_traceback(&self, vm: &Vm) -> PyResult<bool> {
        self.alive(vm)?;
        Ok(self.log_traceback.get())
    }

    #[setter("_log_traceback")]
    fn set_log_traceback(this: &Object<Future>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(cannot_delete(vm, "Future", "_log_traceback", &this.as_value()));
        };
        if vm.is_true(value)? {
            return Err(vm.value_error("_log_traceback can only be set to False"));
        }
        this.log_traceback.set(false);
        Ok(())
    }

    #[getter("_source_traceback")]
    fn get_source_traceback(&self) -> Option<Value> {
        self.source_traceback.get()
    }

    #[getter("_cancel_message")]
    fn get_cancel_message(&self) -> Option<Value> {
        self.cancel_message.get()
    }

    #[setter("_cancel_message")]
    fn set_cancel_message_attribute(this: &Object<Future>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(cannot_delete(vm, "Future", "_cancel_message", &this.as_value()));
        };
        this.cancel_message.set(Some(value.clone()));
        Ok(())
    }

    #[getter("_asyncio_awaited_by")]
    fn awaited_by(&self, vm: &Vm) -> PyResult<Option<Ref<FrozenSet>>> {
        match self.waiters.get() {
            Waiters::None => Ok(None),
            Waiters::One(one) => FrozenSet::from_values(vm, [one]).map(Some),
            Waiters::Several(several) => FrozenSet::from_values(vm, several.to_vec()).map(Some),
        }
    }
}

/// What every exception has.
fn raised(exception: &Value) -> &BaseException {
    rspy_runtime::convert::payload_of::<BaseException>(exception)
}

/// The payload of a value that is known to be a future.
pub fn object_of(value: &Value) -> &Object<Future> {
    rspy_runtime::convert::object_of::<Future>(value)
}
