//! How a task makes its coroutine go on, and what it does with what the coroutine yields.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::hierarchy::KeyboardInterrupt;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::names;
use rspy_runtime::native::NativeDef;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::generator::{Generator, Sent, as_generator, send_to};
use rspy_runtime::types::native_function::NativeFunction;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::future::{self, Future, Outcome};
use super::task::{Task, task_of};
use super::{invalid_state, is_cancelled_error, registry};
use crate::contextvars::Context;

/// What the event loop calls to have a task make a step.
#[pyclass(name = "TaskStepMethWrapper", shows_get, module = "_asyncio", tracked, no_new)]
pub struct StepWrapper {
    task: Value,
    /// What is to be raised in the coroutine.
    error: Option<Value>,
}

#[pymethods]
impl StepWrapper {
    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("function takes no keyword arguments"));
        }
        if !args.is_empty() {
            return Err(vm.type_error("function takes no positional arguments"));
        }
        step(&self.task, vm, self.error.clone())?;
        Ok(none())
    }

    #[getter("__self__")]
    fn task(&self) -> Value {
        self.task.clone()
    }
}

/// Has the event loop make the task's next step, with an exception to be raised in the coroutine.
pub fn step_soon(this: &Value, vm: &Vm, error: Option<Value>) -> PyResult<()> {
    let task = task_of(this);
    let event_loop = task.future().alive(vm)?;
    let context = task.context.get().unwrap_or_else(none);
    let wrapper = Object::new(StepWrapper { task: this.clone(), error }).into_value();
    super::call_soon(vm, &event_loop, &wrapper, None, &context)
}

/// Makes a step at once, in the middle of whatever task creates this one.
pub fn start_eagerly(this: &Value, vm: &Vm) -> PyResult<()> {
    let task = task_of(this);
    let event_loop = task.future().alive(vm)?;
    let previous = super::swap_task(vm, &event_loop, Some(this.clone()))?;
    registry::enter(task);
    let result = step_in_context(this, vm);
    let restored = super::swap_task(vm, &event_loop, previous);
    if task.future().is_done() {
        task.coroutine.set(None);
    }
    result?;
    restored.map(drop)
}

fn step_in_context(this: &Value, vm: &Vm) -> PyResult<()> {
    let Some(context) = task_of(this).context.get().and_then(|context| context.downcast_into::<Context>().ok())
    else {
        return Err(vm.type_error("an instance of Context was expected"));
    };
    Context::enter(&context, vm)?;
    let result = go_on(this, vm, None);
    context.exit(vm);
    result
}

/// Makes a step as the thread's current task.
fn step(this: &Value, vm: &Vm, error: Option<Value>) -> PyResult<()> {
    let event_loop = task_of(this).future().event_loop().unwrap_or_else(none);
    super::enter_task(vm, &event_loop, this)?;
    let result = go_on(this, vm, error);
    let left = super::leave_task(vm, &event_loop, this);
    match (result, left) {
        (Ok(()), left) => left,
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(other)) => Err(other.with_context(error)),
    }
}

/// What is raised in the coroutine: where the task is to be cancelled, a `CancelledError`.
fn error_to_raise(task: &Task, vm: &Vm, error: Option<Value>) -> PyResult<Option<Value>> {
    if !task.must_cancel.get() {
        return Ok(error);
    }
    let error = match error {
        Some(error) if is_cancelled_error(vm, &error)? => error,
        _ => task.future().make_cancelled_error(vm)?,
    };
    task.must_cancel.set(false);
    Ok(Some(error))
}

fn go_on(this: &Value, vm: &Vm, error: Option<Value>) -> PyResult<()> {
    let task = task_of(this);
    if task.future().is_done() {
        let (shown, error) = (vm.repr(this)?, vm.repr(&error.unwrap_or_else(none))?);
        return Err(invalid_state(
            vm,
            format!("__step(): already done: {} {}", shown.to_string_lossy(), error.to_string_lossy()),
        ));
    }
    let error = error_to_raise(task, vm, error)?;
    task.waits_for.set(None);
    let Some(coroutine) = task.coroutine.get() else {
        return Err(vm.runtime_error("uninitialized Task object"));
    };
    let sent = match error {
        None => send_to(vm, &coroutine, &none()),
        Some(error) => throw(vm, &coroutine, error),
    };
    match sent {
        Ok(Sent::Yielded(value)) => wait_for(this, vm, &value),
        Ok(Sent::Returned(value)) => returned(this, vm, value),
        Err(error) => failed(this, vm, error),
    }
}

/// Raises an exception in a coroutine.
fn throw(vm: &Vm, coroutine: &Value, error: Value) -> PyResult<Sent> {
    if let Some(generator) = as_generator(coroutine)
        && rspy_runtime::exceptions::is_exception(&error)
    {
        return Generator::throw_exception(generator, vm, Exception::from_value(error));
    }
    match vm.call_method(coroutine, &names::throw, &[error]) {
        Ok(value) => Ok(Sent::Yielded(value)),
        Err(error) if error.is_stop_iteration() => Ok(Sent::Returned(
            rspy_runtime::exceptions::stop_iteration_value(error.value()).unwrap_or_else(none),
        )),
        Err(error) => Err(error),
    }
}

fn returned(this: &Value, vm: &Vm, value: Value) -> PyResult<()> {
    let task = task_of(this);
    if task.must_cancel.replace(false) {
        // The task was cancelled right before the coroutine ended.
        let message = task.future().cancel_message();
        return Future::cancel_now(this, vm, message).map(drop);
    }
    Future::finish(this, vm, value)
}

fn failed(this: &Value, vm: &Vm, error: Exception) -> PyResult<()> {
    if is_cancelled_error(vm, error.value())? {
        task_of(this).future().cancelled_error.set(Some(error.into_value()));
        return Future::cancel_now(this, vm, None).map(drop);
    }
    Future::fail(this, vm, error.value())?;
    if error.is_a::<KeyboardInterrupt>() || error.is_system_exit() {
        return Err(error);
    }
    Ok(())
}

/// Waits for what the coroutine has yielded.
fn wait_for(this: &Value, vm: &Vm, yielded: &Value) -> PyResult<()> {
    if yielded.is(this) {
        return complain(this, vm, |task, _| format!("Task cannot await on itself: {task}"), yielded);
    }
    let task = task_of(this);
    if let Some(exact) = future::exact(yielded) {
        let same_loop = task.future().event_loop().is_some_and(|event_loop| exact.is_of(&event_loop));
        if !same_loop {
            return complain(this, vm, other_loop, yielded);
        }
        if !exact.blocking.replace(false) {
            return complain(this, vm, plain_yield, yielded);
        }
        let context = task.context.get().unwrap_or_else(none);
        Future::add_callback(yielded, vm, &waker(this), context)?;
        return settle(this, vm, yielded);
    }
    if is_none(yielded) {
        // A bare `yield` lets the event loop go round once.
        return step_soon(this, vm, None);
    }
    let blocking = vm.get_attribute_optional(yielded, &names::_asyncio_future_blocking)?;
    if let Some(blocking) = blocking.filter(|blocking| !is_none(blocking)) {
        return wait_for_like(this, vm, yielded, &blocking);
    }
    if yielded.downcast::<Generator>().is_some() {
        let text = |task: &str, yielded: &str| {
            format!("yield was used instead of yield from for generator in task {task} with {yielded}")
        };
        return complain(this, vm, text, yielded);
    }
    complain(this, vm, |_, yielded| format!("Task got bad yield: {yielded}"), yielded)
}

/// Waits for something that behaves as futures do.
fn wait_for_like(this: &Value, vm: &Vm, yielded: &Value, blocking: &Value) -> PyResult<()> {
    let task = task_of(this);
    let blocking = vm.is_true(blocking)?;
    let event_loop = super::loop_of(vm, yielded)?;
    if !task.future().is_of(&event_loop) {
        return complain(this, vm, other_loop, yielded);
    }
    if !blocking {
        return complain(this, vm, plain_yield, yielded);
    }
    vm.set_attribute(yielded, &names::_asyncio_future_blocking, &boolean(false))?;
    let add = vm.get_attribute(yielded, &names::add_done_callback)?;
    let context = task.context.get().unwrap_or_else(none);
    vm.call_with_keywords(&add, &[waker(this)], &[("context", context)])?;
    settle(this, vm, yielded)
}

/// Remembers what the task waits for; where the task is to be cancelled that is cancelled first.
fn settle(this: &Value, vm: &Vm, yielded: &Value) -> PyResult<()> {
    let task = task_of(this);
    task.waits_for.set(Some(yielded.clone()));
    if let Some(future) = yielded.downcast::<Future>() {
        future.add_awaited_by(vm, this)?;
    }
    if task.must_cancel.get() {
        let message = task.future().cancel_message().unwrap_or_else(none);
        let cancelled = vm.call_method(yielded, &names::cancel, &[message])?;
        if vm.is_true(&cancelled)? {
            task.must_cancel.set(false);
        }
    }
    Ok(())
}

fn other_loop(task: &str, yielded: &str) -> String {
    format!("Task {task} got Future {yielded} attached to a different loop")
}

fn plain_yield(task: &str, yielded: &str) -> String {
    format!("yield was used instead of yield from in task {task} with {yielded}")
}

/// Raises a `RuntimeError` in the coroutine at its next step.
fn complain(this: &Value, vm: &Vm, text: impl Fn(&str, &str) -> String, yielded: &Value) -> PyResult<()> {
    let (task, yielded) = (vm.repr(this)?, vm.repr(yielded)?);
    let error = vm.runtime_error(text(&task.to_string_lossy(), &yielded.to_string_lossy()));
    step_soon(this, vm, Some(error.into_value()))
}

/// The callback of what a task waits for.
fn waker(this: &Value) -> Value {
    static DEFINITION: &NativeDef = &Task::WAKE_UP[0];
    let waker: Ref<NativeFunction> = NativeFunction::bound(DEFINITION, this.clone());
    waker.into_value()
}

/// Makes a step, since what the task waited for is done.
pub fn wake_up(this: &Value, vm: &Vm, awaited: &Value) -> PyResult<()> {
    if let Some(future) = awaited.downcast::<Future>() {
        future.discard_awaited_by(vm, this)?;
    }
    let outcome = match future::exact(awaited) {
        Some(exact) => exact.tell(vm),
        None => match vm.call_method(awaited, &names::result, &[]) {
            Ok(value) => Outcome::Result(value),
            Err(error) => Outcome::Error(error),
        },
    };
    match outcome {
        Outcome::Result(_) => step(this, vm, None),
        Outcome::Exception(exception) => step(this, vm, Some(exception)),
        Outcome::Error(error) => step(this, vm, Some(error.into_value())),
    }
}
