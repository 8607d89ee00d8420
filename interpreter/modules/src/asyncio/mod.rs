//! `_asyncio`: futures and tasks, and which event loop and task a thread is in.
//!
//! `future` has the futures, `iterator` what `await` goes over for one, `task` the tasks, `step` how a task makes its
//! coroutine go on, `registry` which tasks there are.

mod future;
mod iterator;
mod registry;
mod step;
mod task;

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::import::import_module;
use rspy_runtime::native_module;
use rspy_runtime::names;
use rspy_runtime::object::{Payload, Ref};
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::set::Set;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;


use future::Future;
use iterator::FutureIterator;
use step::StepWrapper;
use task::Task;

/// What the module needs of the Python part of `asyncio`.
#[derive(Clone)]
struct Library {
    cancelled_error: Value,
    invalid_state_error: Value,
    future_repr: Value,
    task_repr: Value,
    task_get_stack: Value,
    task_print_stack: Value,
    is_coroutine: Value,
    extract_stack: Value,
    get_policy: Value,
    /// The name of the one keyword argument of `call_soon`.
    context_name: Ref<Tuple>,
}

static LIBRARY: PerInterpreter<GilCell<Option<Library>>> = PerInterpreter::new(GilCell::default);

impl Library {
    fn load(vm: &Vm) -> PyResult<Library> {
        let attribute =
            |module: &str, name: &str| vm.get_attribute_str(&submodule(vm, module)?, name);
        Ok(Library {
            cancelled_error: attribute("asyncio.exceptions", "CancelledError")?,
            invalid_state_error: attribute("asyncio.exceptions", "InvalidStateError")?,
            future_repr: attribute("asyncio.base_futures", "_future_repr")?,
            task_repr: attribute("asyncio.base_tasks", "_task_repr")?,
            task_get_stack: attribute("asyncio.base_tasks", "_task_get_stack")?,
            task_print_stack: attribute("asyncio.base_tasks", "_task_print_stack")?,
            is_coroutine: attribute("asyncio.coroutines", "iscoroutine")?,
            extract_stack: attribute("traceback", "extract_stack")?,
            get_policy: attribute("asyncio.events", "_get_event_loop_policy")?,
            context_name: Tuple::from_values([names::context.to_value()]),
        })
    }

    /// One thing of the library.
    fn get<T>(vm: &Vm, pick: impl FnOnce(&Library) -> T) -> PyResult<T> {
        if let Some(library) = &*LIBRARY.of(vm).borrow() {
            return Ok(pick(library));
        }
        Err(vm.runtime_error("the _asyncio module is not initialized"))
    }
}

/// A module by its full name.
fn submodule(vm: &Vm, name: &str) -> PyResult {
    let found = import_module(vm, name)?;
    // The import system answers modules by what `sys.modules` has for them.
    Ok(vm.interpreter.modules.get_str(&vm.intern(name)).unwrap_or(found))
}

/// An `asyncio.InvalidStateError`.
#[cold]
fn invalid_state(vm: &Vm, message: impl Into<String>) -> Exception {
    match Library::get(vm, |library| library.invalid_state_error.clone()) {
        Ok(class) => match class.downcast::<Type>() {
            Some(class) => vm.new_exception(class, message),
            None => vm.type_error("InvalidStateError is not a class"),
        },
        Err(error) => error,
    }
}

/// Whether an exception is an `asyncio.CancelledError`.
fn is_cancelled_error(vm: &Vm, exception: &Value) -> PyResult<bool> {
    let class = Library::get(vm, |library| library.cancelled_error.clone())?;
    Ok(class.downcast::<Type>().is_some_and(|class| exception.type_of().is_subtype(class)))
}

/// Calls `event_loop.call_soon(callback[, argument], context=context)`.
fn call_soon(
    vm: &Vm,
    event_loop: &Value,
    callback: &Value,
    argument: Option<&Value>,
    context: &Value,
) -> PyResult<()> {
    let names = Library::get(vm, |library| library.context_name.clone())?;
    let (method, unbound) = vm.get_method(event_loop, &names::call_soon)?;
    let first = unbound.then_some(event_loop);
    let handle = match (first, argument) {
        (Some(first), Some(argument)) => vm.call_with_names(
            &method,
            &[first.clone(), callback.clone(), argument.clone(), context.clone()],
            Some(&names),
        ),
        (Some(first), None) => {
            vm.call_with_names(&method, &[first.clone(), callback.clone(), context.clone()], Some(&names))
        }
        (None, Some(argument)) => vm.call_with_names(
            &method,
            &[callback.clone(), argument.clone(), context.clone()],
            Some(&names),
        ),
        (None, None) => vm.call_with_names(&method, &[callback.clone(), context.clone()], Some(&names)),
    };
    handle.map(drop)
}

/// The event loop of a future, of whatever class.
fn loop_of(vm: &Vm, future: &Value) -> PyResult {
    if let Some(exact) = future::exact(future) {
        return Ok(exact.event_loop().unwrap_or_else(none));
    }
    match vm.get_attribute_optional(future, &names::get_loop)? {
        Some(get_loop) => vm.call(&get_loop, &[]),
        None => vm.get_attribute(future, &names::_loop),
    }
}

fn required_running_loop(vm: &Vm) -> PyResult {
    vm.running_loop.get().ok_or_else(|| vm.runtime_error("no running event loop"))
}

/// The running loop, or the one that the policy has for the thread.
fn event_loop(vm: &Vm) -> PyResult {
    if let Some(running) = vm.running_loop.get() {
        return Ok(running);
    }
    let get_policy = Library::get(vm, |library| library.get_policy.clone())?;
    let policy = vm.call(&get_policy, &[])?;
    vm.call_method(&policy, &names::get_event_loop, &[])
}

fn require_running(vm: &Vm, event_loop: &Value) -> PyResult<()> {
    let running = vm.running_loop.borrow().as_ref().is_some_and(|running| running.is(event_loop));
    if running {
        return Ok(());
    }
    let shown = vm.repr(event_loop)?;
    Err(vm.runtime_error(format!("loop {} is not the running loop", shown.to_string_lossy())))
}

/// Makes a task the one that the thread is in.
fn enter_task(vm: &Vm, event_loop: &Value, task: &Value) -> PyResult<()> {
    require_running(vm, event_loop)?;
    let Some(current) = vm.running_task.get() else {
        vm.running_task.set(Some(task.clone()));
        return Ok(());
    };
    let (task, current) = (vm.repr(task)?, vm.repr(&current)?);
    Err(vm.runtime_error(format!(
        "Cannot enter into task {} while another task {} is being executed.",
        task.to_string_lossy(),
        current.to_string_lossy()
    )))
}

/// Has the thread in no task any more.
fn leave_task(vm: &Vm, event_loop: &Value, task: &Value) -> PyResult<()> {
    require_running(vm, event_loop)?;
    let current = vm.running_task.get();
    if current.as_ref().is_some_and(|current| current.is(task)) {
        drop(vm.running_task.take());
        return Ok(());
    }
    let (task, current) = (vm.repr(task)?, vm.repr(&current.unwrap_or_else(none))?);
    Err(vm.runtime_error(format!(
        "Invalid attempt to leave task {} while task {} is entered.",
        task.to_string_lossy(),
        current.to_string_lossy()
    )))
}

/// Puts another task, or none, in the place of the one that the thread is in; answers that.
fn swap_task(vm: &Vm, event_loop: &Value, task: Option<Value>) -> PyResult<Option<Value>> {
    require_running(vm, event_loop)?;
    Ok(vm.running_task.replace(task))
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Return a currently executed task.
    #[function("current_task(loop=None)")]
    fn current_task(vm: &Vm, event_loop: Option<&Value>) -> PyResult<Option<Value>> {
        let event_loop = match event_loop {
            Some(event_loop) => event_loop.clone(),
            None => required_running_loop(vm)?,
        };
        let mut found = None;
        vm.interpreter.threads.for_each(|thread| {
            let runs = thread.running_loop.borrow().as_ref().is_some_and(|running| running.is(&event_loop));
            if runs && found.is_none() {
                found = thread.running_task.get();
            }
        });
        Ok(found)
    }

    /// Register a new task in asyncio as executed by loop.
    ///
    /// Returns None.
    #[function("_register_task(task)")]
    fn register_task(vm: &Vm, task: &Value) -> PyResult<()> {
        registry::register(vm, task)
    }

    /// Register a new task in asyncio as executed by loop.
    ///
    /// Returns None.
    #[function("_register_eager_task(task)")]
    fn register_eager_task(vm: &Vm, task: &Value) -> PyResult<()> {
        registry::register_eager(vm, task)
    }

    /// Unregister a task.
    ///
    /// Returns None.
    #[function("_unregister_task(task)")]
    fn unregister_task(vm: &Vm, task: &Value) -> PyResult<()> {
        registry::unregister(vm, task)
    }

    /// Unregister a task.
    ///
    /// Returns None.
    #[function("_unregister_eager_task(task)")]
    fn unregister_eager_task(vm: &Vm, task: &Value) -> PyResult<()> {
        registry::unregister_eager(vm, task)
    }

    /// Return a set of all tasks for the loop.
    #[function("all_tasks(loop=None)")]
    fn all_tasks(vm: &Vm, event_loop: Option<&Value>) -> PyResult<Ref<Set>> {
        let event_loop = match event_loop {
            Some(event_loop) => event_loop.clone(),
            None => required_running_loop(vm)?,
        };
        registry::all(vm, &event_loop)
    }

    /// Enter into task execution or resume suspended task.
    ///
    /// Task belongs to loop.
    ///
    /// Returns None.
    #[function("_enter_task(loop, task)")]
    fn enter_task(vm: &Vm, event_loop: &Value, task: &Value) -> PyResult<()> {
        enter_task(vm, event_loop, task)
    }

    /// Leave task execution or suspend a task.
    ///
    /// Task belongs to loop.
    ///
    /// Returns None.
    #[function("_leave_task(loop, task)")]
    fn leave_task(vm: &Vm, event_loop: &Value, task: &Value) -> PyResult<()> {
        leave_task(vm, event_loop, task)
    }

    /// Temporarily swap in the supplied task and return the original one (or None).
    ///
    /// This is intended for use during eager coroutine execution.
    #[function("_swap_current_task(loop, task)")]
    fn swap_current_task(vm: &Vm, event_loop: &Value, task: &Value) -> PyResult<Option<Value>> {
        swap_task(vm, event_loop, (!is_none(task)).then(|| task.clone()))
    }

    /// Return the running event loop.  Raise a RuntimeError if there is none.
    ///
    /// This function is thread-specific.
    #[function("get_running_loop()")]
    fn get_running_loop(vm: &Vm) -> PyResult {
        required_running_loop(vm)
    }

    /// Return the running event loop or None.
    ///
    /// This is a low-level function intended to be used by event loops.
    /// This function is thread-specific.
    #[function("_get_running_loop()")]
    fn running_loop_or_none(vm: &Vm) -> Option<Value> {
        vm.running_loop.get()
    }

    /// Set the running event loop.
    ///
    /// This is a low-level function intended to be used by event loops.
    /// This function is thread-specific.
    #[function("_set_running_loop(loop, /)")]
    fn set_running_loop(vm: &Vm, event_loop: &Value) {
        vm.running_loop.set((!is_none(event_loop)).then(|| event_loop.clone()));
    }

    /// Return an asyncio event loop.
    ///
    /// When called from a coroutine or a callback (e.g. scheduled with
    /// call_soon or similar API), this function will always return the
    /// running event loop.
    ///
    /// If there is no running event loop set, the function will return
    /// the result of `get_event_loop_policy().get_event_loop()` call.
    #[function("get_event_loop()")]
    fn get_event_loop(vm: &Vm) -> PyResult {
        event_loop(vm)
    }

    /// Record that `fut` is awaited on by `waiter`.
    #[function("future_add_to_awaited_by(fut, waiter, /)")]
    fn add_to_awaited_by(vm: &Vm, future: &Value, waiter: &Value) -> PyResult<()> {
        match (future.downcast::<Future>(), waiter.downcast::<Future>()) {
            (Some(future), Some(_)) => future.add_awaited_by(vm, waiter),
            _ => Ok(()),
        }
    }

    #[function("future_discard_from_awaited_by(fut, waiter, /)")]
    fn discard_from_awaited_by(vm: &Vm, future: &Value, waiter: &Value) -> PyResult<()> {
        match (future.downcast::<Future>(), waiter.downcast::<Future>()) {
            (Some(future), Some(_)) => future.discard_awaited_by(vm, waiter),
            _ => Ok(()),
        }
    }
}

/// Whether a value is a coroutine, or what `asyncio.iscoroutine` takes for one.
fn is_coroutine(vm: &Vm, value: &Value) -> PyResult<bool> {
    if rspy_runtime::types::generator::is_coroutine(value) {
        return Ok(true);
    }
    let is_coroutine = Library::get(vm, |library| library.is_coroutine.clone())?;
    let answer = vm.call(&is_coroutine, std::slice::from_ref(value))?;
    vm.is_true(&answer)
}

/// The stack as `traceback.extract_stack()` answers it, for loops in debug mode.
fn source_traceback(vm: &Vm, event_loop: &Value) -> PyResult<Option<Value>> {
    let debug = vm.call_method(event_loop, &names::get_debug, &[])?;
    if !vm.is_true(&debug)? || vm.interpreter.finalizing.get() {
        return Ok(None);
    }
    let extract_stack = Library::get(vm, |library| library.extract_stack.clone())?;
    vm.call(&extract_stack, &[]).map(Some)
}

native_module! {
    name: "_asyncio", doc: "Accelerator module for asyncio",
    functions: [Functions::FUNCTIONS], types: [Future, Task],
    execute: |vm, _| {
        FutureIterator::static_type().ready(vm);
        StepWrapper::static_type().ready(vm);
        let library = Library::load(vm)?;
        LIBRARY.of(vm).set(Some(library));
        Ok(())
    }
}
