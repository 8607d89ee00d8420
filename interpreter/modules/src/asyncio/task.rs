//! `Task`: a coroutine that an event loop runs, and the future of its result.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::names;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::generic_alias;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::future::{Future, cannot_delete};
use super::registry::{self, Registration};
use super::{Library, step};
use crate::contextvars::Context;

/// A task's name; that of a task that was given none is made when somebody asks.
#[derive(Clone, Default)]
enum Name {
    #[default]
    Unset,
    Number(u64),
    Text(Value),
}

impl Trace for Name {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        if let Name::Text(text) = self {
            text.trace(visitor);
        }
    }
}

/// A coroutine wrapped in a Future.
#[pyclass(
    name = "Task", module = "_asyncio", extends = Future, tracked, weak, dict, subclassable,
    signature = "(coro, *, loop=None, name=None, context=None, eager_start=False)"
)]
#[repr(C)]
pub struct Task {
    base: Future,
    pub(super) coroutine: GilCell<Option<Value>>,
    name: GilCell<Name>,
    pub(super) context: GilCell<Option<Value>>,
    /// The future that the coroutine waits for.
    pub(super) waits_for: GilCell<Option<Value>>,
    /// Whether the coroutine is to be cancelled when it goes on.
    pub(super) must_cancel: Cell<bool>,
    log_destroy_pending: Cell<bool>,
    /// How many requests to cancel the task have not been taken back.
    cancel_requests: Cell<i64>,
    pub(super) registration: Registration,
}

impl Task {
    /// The part that every future has.
    pub fn future(&self) -> &Future {
        &self.base
    }

    fn ask_for_cancellation(&self, vm: &Vm, message: Option<&Value>) -> PyResult<bool> {
        self.base.forget_exception();
        if self.base.is_done() {
            return Ok(false);
        }
        self.cancel_requests.set(self.cancel_requests.get() + 1);
        if let Some(future) = self.waits_for.get() {
            let message = message.cloned().unwrap_or_else(none);
            let cancelled = vm.call_method(&future, &names::cancel, &[message])?;
            if vm.is_true(&cancelled)? {
                return Ok(true);
            }
        }
        self.must_cancel.set(true);
        self.base.set_cancel_message(message.cloned());
        Ok(true)
    }
}

/// A number for the name of a task.
fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The payload of a value that is known to be a task.
pub fn task_of(value: &Value) -> &Object<Task> {
    rspy_runtime::convert::object_of::<Task>(value)
}

#[pymethods]
impl Task {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let task = Task {
            base: Future::default(),
            coroutine: GilCell::default(),
            name: GilCell::default(),
            context: GilCell::default(),
            waits_for: GilCell::default(),
            must_cancel: Cell::new(false),
            log_destroy_pending: Cell::new(false),
            cancel_requests: Cell::new(0),
            registration: Registration::default(),
        };
        Ok(Object::with_type(cls, task).into_value())
    }

    #[init("Task(coro, *, loop=None, name=None, context=None, eager_start=False)")]
    fn init(
        this: &Value,
        vm: &Vm,
        coroutine: &Value,
        event_loop: Option<&Value>,
        name: Option<&Value>,
        context: Option<&Value>,
        eager_start: bool,
    ) -> PyResult<()> {
        let task = task_of(this);
        task.base.initialize(vm, event_loop)?;
        if !super::is_coroutine(vm, coroutine)? {
            task.log_destroy_pending.set(false);
            let shown = vm.repr(coroutine)?;
            return Err(vm.type_error(format!("a coroutine was expected, got {}", shown.to_string_lossy())));
        }
        let context = context.cloned().unwrap_or_else(|| Context::copy_current(vm).into_value());
        task.context.set(Some(context));
        task.waits_for.set(None);
        task.must_cancel.set(false);
        task.log_destroy_pending.set(true);
        task.cancel_requests.set(0);
        task.coroutine.set(Some(coroutine.clone()));
        let name = match name {
            None => Name::Number(next_number()),
            Some(name) if name.downcast_exact::<Str>().is_some() => Name::Text(name.clone()),
            Some(name) => Name::Text(vm.str(name)?.into_value()),
        };
        task.name.set(name);
        if eager_start {
            let event_loop = task.base.alive(vm)?;
            let running = vm.call_method(&event_loop, &names::is_running, &[])?;
            if vm.is_true(&running)? {
                return step::start_eagerly(this, vm);
            }
        }
        step::step_soon(this, vm, None)?;
        registry::enter(task);
        Ok(())
    }

    #[slot(repr)]
    fn repr(this: &Value, vm: &Vm) -> PyResult {
        task_of(this).base.alive(vm)?;
        let function = Library::get(vm, |library| library.task_repr.clone())?;
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
        let task = task_of(this);
        if !task.base.is_done() && task.log_destroy_pending.get() {
            let message = vm.new_str("Task was destroyed but it is pending!");
            task.base.tell_exception_handler(vm, &[("message", message), ("task", this.clone())]);
        }
        Future::tell_unseen_exception(this, vm);
    }

    /// Return the result this future represents.
    ///
    /// If the future has been cancelled, raises CancelledError.  If the
    /// future's result isn't yet available, raises InvalidStateError.  If
    /// the future is done and has an exception set, this exception is
    /// raised.
    #[method("result(self, /)")]
    fn result(&self, vm: &Vm) -> PyResult {
        self.base.outcome(vm)
    }

    /// Return the exception that was set on this future.
    ///
    /// The exception (or None if no exception was set) is returned only if
    /// the future is done.  If the future has been cancelled, raises
    /// CancelledError.  If the future isn't done yet, raises
    /// InvalidStateError.
    #[method("exception(self, /)")]
    fn exception(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.base.seen_exception(vm)
    }

    /// Add a callback to be run when the future becomes done.
    ///
    /// The callback is called with a single argument - the future object.
    /// If the future is already done when this is called, the callback is
    /// scheduled with call_soon.
    #[method("add_done_callback(self, fn, /, *, context=<unrepresentable>)")]
    fn add_done_callback(
        this: &Value,
        vm: &Vm,
        callback: &Value,
        context: Option<&Value>,
    ) -> PyResult<()> {
        Future::add_callback_in(this, vm, callback, context)
    }

    /// Remove all instances of a callback from the "call when done" list.
    ///
    /// Returns the number of callbacks removed.
    #[method("remove_done_callback(self, fn, /)")]
    fn remove_done_callback(&self, vm: &Vm, callback: &Value) -> PyResult<usize> {
        self.base.remove_callbacks(vm, callback)
    }

    /// Return True if the future was cancelled.
    #[method("cancelled(self, /)")]
    fn cancelled(&self) -> bool {
        self.base.was_cancelled()
    }

    /// Return True if the future is done.
    ///
    /// Done means either that a result / exception are available, or that
    /// the future was cancelled.
    #[method("done(self, /)")]
    fn done(&self) -> bool {
        self.base.is_done()
    }

    #[method("set_result(self, result, /)")]
    fn set_result(&self, vm: &Vm, _result: &Value) -> PyResult<()> {
        Err(vm.runtime_error("Task does not support set_result operation"))
    }

    #[method("set_exception(self, exception, /)")]
    fn set_exception(&self, vm: &Vm, _exception: &Value) -> PyResult<()> {
        Err(vm.runtime_error("Task does not support set_exception operation"))
    }

    /// Request that this task cancel itself.
    ///
    /// This arranges for a CancelledError to be thrown into the
    /// wrapped coroutine on the next cycle through the event loop.
    /// The coroutine then has a chance to clean up or even deny
    /// the request using try/except/finally.
    ///
    /// Unlike Future.cancel, this does not guarantee that the
    /// task will be cancelled: the exception might be caught and
    /// acted upon, delaying cancellation of the task or preventing
    /// cancellation completely.  The task may also return a value or
    /// raise a different exception.
    ///
    /// Immediately after this method is called, Task.cancelled() will
    /// not return True (unless the task was already cancelled).  A
    /// task will be marked as cancelled when the wrapped coroutine
    /// terminates with a CancelledError exception (even if cancel()
    /// was not called).
    ///
    /// This also increases the task's count of cancellation requests.
    #[method("cancel(self, /, msg=None)")]
    fn cancel(&self, vm: &Vm, message: Option<&Value>) -> PyResult<bool> {
        self.ask_for_cancellation(vm, message)
    }

    /// Return the count of the task's cancellation requests.
    ///
    /// This count is incremented when .cancel() is called
    /// and may be decremented using .uncancel().
    #[method("cancelling(self, /)")]
    fn cancelling(&self) -> i64 {
        self.cancel_requests.get()
    }

    /// Decrement the task's count of cancellation requests.
    ///
    /// This should be used by tasks that catch CancelledError
    /// and wish to continue indefinitely until they are cancelled again.
    ///
    /// Returns the remaining number of cancellation requests.
    #[method("uncancel(self, /)")]
    fn uncancel(&self) -> i64 {
        let left = (self.cancel_requests.get() - 1).max(0);
        if self.cancel_requests.replace(left) > 0 && left == 0 {
            self.must_cancel.set(false);
        }
        left
    }

    /// Return the list of stack frames for this task's coroutine.
    ///
    /// If the coroutine is not done, this returns the stack where it is
    /// suspended.  If the coroutine has completed successfully or was
    /// cancelled, this returns an empty list.  If the coroutine was
    /// terminated by an exception, this returns the list of traceback
    /// frames.
    ///
    /// The frames are always ordered from oldest to newest.
    ///
    /// The optional limit gives the maximum number of frames to
    /// return; by default all available frames are returned.  Its
    /// meaning differs depending on whether a stack or a traceback is
    /// returned: the newest frames of a stack are returned, but the
    /// oldest frames of a traceback are returned.  (This matches the
    /// behavior of the traceback module.)
    ///
    /// For reasons beyond our control, only one stack frame is
    /// returned for a suspended coroutine.
    #[method("get_stack(self, /, *, limit=None)")]
    fn get_stack(this: &Value, vm: &Vm, limit: Option<&Value>) -> PyResult {
        let function = Library::get(vm, |library| library.task_get_stack.clone())?;
        vm.call(&function, &[this.clone(), limit.cloned().unwrap_or_else(none)])
    }

    /// Print the stack or traceback for this task's coroutine.
    ///
    /// This produces output similar to that of the traceback module,
    /// for the frames retrieved by get_stack().  The limit argument
    /// is passed to get_stack().  The file argument is an I/O stream
    /// to which the output is written; by default output is written
    /// to sys.stderr.
    #[method("print_stack(self, /, *, limit=None, file=None)")]
    fn print_stack(this: &Value, vm: &Vm, limit: Option<&Value>, file: Option<&Value>) -> PyResult {
        let function = Library::get(vm, |library| library.task_print_stack.clone())?;
        let (limit, file) = (limit.cloned().unwrap_or_else(none), file.cloned().unwrap_or_else(none));
        vm.call(&function, &[this.clone(), limit, file])
    }

    /// Create the CancelledError to raise if the Task is cancelled.
    ///
    /// This should only be called once when handling a cancellation since
    /// it erases the context exception value.
    #[method("_make_cancelled_error(self, /)")]
    fn make_cancelled_error(&self, vm: &Vm) -> PyResult {
        self.base.make_cancelled_error(vm)
    }

    #[method("get_name(self, /)")]
    fn get_name(&self, vm: &Vm) -> Value {
        match self.name.get() {
            Name::Unset => none(),
            Name::Text(text) => text,
            Name::Number(number) => {
                let text = vm.new_str(&format!("Task-{number}"));
                self.name.set(Name::Text(text.clone()));
                text
            }
        }
    }

    #[method("set_name(self, value, /)")]
    fn set_name(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let text =
            if value.downcast_exact::<Str>().is_some() { value.clone() } else { vm.str(value)?.into_value() };
        self.name.set(Name::Text(text));
        Ok(())
    }

    #[method("get_coro(self, /)")]
    fn get_coro(&self) -> Option<Value> {
        self.coroutine.get()
    }

    #[method("get_context(self, /)")]
    fn get_context(&self) -> Option<Value> {
        self.context.get()
    }

    /// Tasks are generic over the return type of their wrapped coroutines
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }

    #[getter("_log_destroy_pending")]
    fn get_log_destroy_pending(&self) -> bool {
        self.log_destroy_pending.get()
    }

    #[setter("_log_destroy_pending")]
    fn set_log_destroy_pending(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(cannot_delete(vm, "Task", "_log_destroy_pending", this));
        };
        task_of(this).log_destroy_pending.set(vm.is_true(value)?);
        Ok(())
    }

    #[getter("_must_cancel")]
    fn get_must_cancel(&self) -> bool {
        self.must_cancel.get()
    }

    #[getter("_coro")]
    fn coroutine_or_none(&self) -> Option<Value> {
        self.coroutine.get()
    }

    #[getter("_fut_waiter")]
    fn awaited_future(&self) -> Option<Value> {
        self.waits_for.get()
    }
}

/// What a future that a task waits for calls.
#[pymethods(WAKE_UP)]
impl Task {
    #[method("task_wakeup(self, object, /)")]
    fn wake_up(this: &Value, vm: &Vm, future: &Value) -> PyResult<()> {
        step::wake_up(this, vm, future)
    }
}
