//! Asynchronous generators: the awaitables of their methods, their hooks, and how all generators end.

use std::cell::Cell;

use rspy_code::code_object::flags;
use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::hierarchy::RuntimeWarning;
use crate::exceptions::{Exception, PyResult};
use crate::gc::{Trace, Visitor};
use crate::object::{Object, Payload, Ref};
use crate::slots::KeywordNames;
use crate::types::generator::{Coroutine, Generator, Sent, Stage, any_generator};
use crate::types::none::{is_none, none};
use crate::value::Value;
use crate::vm::Vm;

/// What only asynchronous generators have.
#[derive(Default)]
pub struct State {
    finalizer: GilCell<Option<Value>>,
    hooks_called: Cell<bool>,
    closed: Cell<bool>,
    /// Whether one of its awaitables is under way.
    busy: Cell<bool>,
}

impl Trace for State {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.finalizer.trace(visitor);
    }
}

/// A value that an asynchronous generator yields, as against what it awaits yields through it.
#[pyclass(name = "async_generator_wrapped_value", tracked, no_methods)]
pub struct WrappedValue {
    value: Value,
}

/// Wraps a yielded value.
pub fn wrap(value: Value) -> Value {
    Object::new(WrappedValue { value }).into_value()
}

/// The iterator of `coroutine.__await__()`.
#[pyclass(name = "coroutine_wrapper", tracked)]
pub struct CoroutineWrapper {
    coroutine: Value,
}

impl CoroutineWrapper {
    pub(super) fn new(coroutine: Value) -> Value {
        Object::new(CoroutineWrapper { coroutine }).into_value()
    }

    fn generator(&self) -> Option<&Object<Generator>> {
        any_generator(&self.coroutine)
    }
}

#[pymethods]
impl CoroutineWrapper {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(generator) = self.generator() else { return Ok(None) };
        Generator::send_value(generator, vm, none()).map(Some)
    }

    /// send(value) -> send 'value' into coroutine,
    /// return next yielded value or raise StopIteration.
    #[method("send(self, value, /)")]
    fn send(&self, vm: &Vm, value: &Value) -> PyResult {
        match self.generator() {
            Some(generator) => Generator::send_value(generator, vm, value.clone()),
            None => Ok(none()),
        }
    }

    /// Raise exception in coroutine, return next value or raise StopIteration.
    #[method("throw")]
    fn throw(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        match self.generator() {
            Some(generator) => super::throw_method(vm, generator, args, names),
            None => Ok(none()),
        }
    }

    /// close() -> raise GeneratorExit inside coroutine.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult {
        match self.generator() {
            Some(generator) => Generator::close_value(generator, vm),
            None => Ok(none()),
        }
    }
}

/// Whether introspection shows the generator as running.
pub(super) fn shown_running(generator: &Object<Generator>) -> bool {
    if generator.code().flags & flags::ASYNC_GENERATOR != 0 {
        generator.state().asynchronous.busy.get()
    } else {
        generator.stage() == Stage::Running
    }
}

/// Records where a coroutine is made, if that was asked for.
pub(super) fn record_origin(vm: &Vm, coroutine: &Value) {
    let depth = vm.coroutine_origin_depth.get();
    if depth == 0 {
        return;
    }
    let mut entries = Vec::new();
    let mut frame = vm.current_frame().map_or(std::ptr::null_mut(), |frame| frame.previous);
    while !frame.is_null() && (entries.len() as u32) < depth {
        // SAFETY: linked frames are alive.
        let (code, index, previous) =
            unsafe { ((*frame).code(), (*frame).instruction_index(), (*frame).previous) };
        let line = code.line(index).unwrap_or(code.first_line);
        entries.push(
            crate::types::tuple::Tuple::from_values([
                code.filename().into_value(),
                Value::int(line),
                code.name.clone().into_value(),
            ])
            .into_value(),
        );
        frame = previous;
    }
    if let Some(generator) = any_generator(coroutine) {
        generator.state().origin.set(Some(crate::types::tuple::Tuple::from_values(entries).into_value()));
    }
}

/// What happens when the last reference to a generator that has not ended goes: it is closed.
pub fn finalize(vm: &Vm, this: &Value) {
    let Some(generator) = any_generator(this) else { return };
    let raised = vm.raised.replace(0);
    let kind = generator.code().flags;
    if kind & flags::COROUTINE != 0 && generator.stage() == Stage::Created {
        crate::warnings::warn_unawaited_coroutine(vm, this);
    } else if generator.stage() == Stage::Suspended
        || (generator.stage() == Stage::Created && kind & flags::ASYNC_GENERATOR != 0)
    {
        let state = &generator.state().asynchronous;
        let finalizer = state.finalizer.get();
        if kind & flags::ASYNC_GENERATOR != 0
            && let Some(finalizer) = finalizer
            && !state.closed.get()
        {
            if let Err(error) = vm.call(&finalizer, std::slice::from_ref(this)) {
                crate::exceptions::print::write_unraisable(
                    vm,
                    error,
                    Some("Exception ignored while calling asynchronous generator finalizer"),
                    Some(&finalizer),
                );
            }
        } else if generator.stage() == Stage::Suspended
            && let Err(error) = Generator::close_value(generator, vm)
        {
            crate::exceptions::print::write_unraisable_about(
                vm,
                error,
                "Exception ignored while closing generator",
                this,
            );
        }
    }
    vm.raised.set(raised);
}

/// Calls the hooks of the event loop, once.
fn call_hooks(vm: &Vm, generator: &Object<Generator>) -> PyResult<()> {
    let state = &generator.state().asynchronous;
    if state.hooks_called.replace(true) {
        return Ok(());
    }
    let (first_iteration, finalizer) = vm.async_generator_hooks.get();
    state.finalizer.set(finalizer);
    match first_iteration {
        Some(hook) => vm.call(&hook, &[generator.to_value()]).map(drop),
        None => Ok(()),
    }
}

fn as_object(generator: &Value) -> &Object<Generator> {
    match any_generator(generator) {
        Some(generator) => generator,
        None => unreachable!("the methods of asynchronous generators get one"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Progress {
    Fresh,
    Iterating,
    Closed,
}

/// The awaitable of `__anext__` and `asend`.
#[pyclass(name = "async_generator_asend", tracked)]
pub struct AsyncSend {
    generator: Value,
    value: GilCell<Option<Value>>,
    #[untraced]
    progress: Cell<Progress>,
}

/// The awaitable of `athrow` and `aclose`.
#[pyclass(name = "async_generator_athrow", tracked)]
pub struct AsyncThrow {
    generator: Value,
    /// What to throw; nothing for `aclose`.
    arguments: GilCell<Option<Vec<Value>>>,
    #[untraced]
    progress: Cell<Progress>,
}

/// Whether the value is an awaitable that ends by raising `StopIteration`.
pub(super) fn is_awaitable_step(value: &Value) -> bool {
    value.downcast_exact::<AsyncSend>().is_some()
        || value.downcast_exact::<AsyncThrow>().is_some()
        || value.downcast_exact::<NextOrDefault>().is_some()
        || value.downcast_exact::<CoroutineWrapper>().is_some()
}

pub(super) fn send(vm: &Vm, generator: &Value, value: Option<Value>) -> PyResult {
    call_hooks(vm, as_object(generator))?;
    Ok(Object::new(AsyncSend {
        generator: generator.clone(),
        value: GilCell::new(value),
        progress: Cell::new(Progress::Fresh),
    })
    .into_value())
}

pub(super) fn throw(vm: &Vm, generator: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(vm.type_error("async_generator.athrow() takes no keyword arguments"));
    }
    if args.is_empty() {
        return Err(vm.type_error("athrow expected at least 1 argument, got 0"));
    }
    if args.len() > 3 {
        return Err(vm.type_error(format!("athrow expected at most 3 arguments, got {}", args.len())));
    }
    if args.len() > 1 {
        crate::warnings::warn(
            vm,
            crate::exceptions::deprecation_warning(),
            "the (type, exc, tb) signature of athrow() is deprecated, use the single-arg signature instead.",
            1,
        )?;
    }
    call_hooks(vm, as_object(generator))?;
    Ok(make_throw(generator, Some(args.to_vec())))
}

pub(super) fn close(vm: &Vm, generator: &Value) -> PyResult {
    call_hooks(vm, as_object(generator))?;
    Ok(make_throw(generator, None))
}

fn make_throw(generator: &Value, arguments: Option<Vec<Value>>) -> Value {
    Object::new(AsyncThrow {
        generator: generator.clone(),
        arguments: GilCell::new(arguments),
        progress: Cell::new(Progress::Fresh),
    })
    .into_value()
}

/// What a step of the generator means for the awaitable: an awaited value goes through, a yielded one ends it.
fn unwrap(vm: &Vm, generator: &Object<Generator>, result: PyResult<Sent>) -> PyResult {
    let state = &generator.state().asynchronous;
    match result {
        Ok(Sent::Yielded(value)) => match value.downcast_exact::<WrappedValue>() {
            Some(wrapped) => {
                state.busy.set(false);
                Err(vm.stop_iteration(wrapped.value.clone()))
            }
            None => Ok(value),
        },
        Ok(Sent::Returned(_)) => {
            state.closed.set(true);
            state.busy.set(false);
            Err(vm.stop_async_iteration())
        }
        Err(error) => {
            if error.is_stop_async_iteration() || error.is_generator_exit() {
                state.closed.set(true);
            }
            state.busy.set(false);
            Err(error)
        }
    }
}

/// Warns of an awaitable that was made and never awaited.
fn warn_unawaited(vm: &Vm, this: &Value, method: &str, generator: &Value) {
    let name = as_object(generator).qualified_name();
    let message = format!("coroutine method '{method}' of '{name}' was never awaited");
    if let Err(error) = crate::warnings::warn(vm, RuntimeWarning::static_type(), &message, 1) {
        crate::exceptions::print::write_unraisable(vm, error, None, Some(this));
    }
}

fn reused(vm: &Vm, what: &str) -> Exception {
    vm.runtime_error(format!("cannot reuse already awaited {what}"))
}

impl AsyncSend {
    fn advance(&self, vm: &Vm, value: &Value) -> PyResult {
        let generator = as_object(&self.generator);
        let state = &generator.state().asynchronous;
        let mut value = value.clone();
        match self.progress.get() {
            Progress::Closed => return Err(reused(vm, "__anext__()/asend()")),
            Progress::Fresh => {
                if state.busy.get() {
                    self.progress.set(Progress::Closed);
                    return Err(vm.runtime_error("anext(): asynchronous generator is already running"));
                }
                if is_none(&value)
                    && let Some(own) = self.value.get()
                {
                    value = own;
                }
                self.progress.set(Progress::Iterating);
                state.busy.set(true);
            }
            Progress::Iterating => {}
        }
        let result = unwrap(vm, generator, Generator::resume(generator, vm, Ok(value)));
        if result.is_err() {
            self.progress.set(Progress::Closed);
        }
        result
    }

    fn throw_in(&self, vm: &Vm, args: &[Value]) -> PyResult {
        let generator = as_object(&self.generator);
        let state = &generator.state().asynchronous;
        match self.progress.get() {
            Progress::Closed => return Err(reused(vm, "__anext__()/asend()")),
            Progress::Fresh => {
                if state.busy.get() {
                    self.progress.set(Progress::Closed);
                    return Err(vm.runtime_error("anext(): asynchronous generator is already running"));
                }
                self.progress.set(Progress::Iterating);
                state.busy.set(true);
            }
            Progress::Iterating => {}
        }
        let error = match args {
            [typ] => super::thrown(vm, typ, None, None)?,
            [typ, value] => super::thrown(vm, typ, Some(value), None)?,
            [typ, value, traceback, ..] => super::thrown(vm, typ, Some(value), Some(traceback))?,
            [] => return Err(vm.type_error("throw expected at least 1 argument, got 0")),
        };
        let result = unwrap(vm, generator, Generator::throw_exception(generator, vm, error));
        if result.is_err() {
            self.progress.set(Progress::Closed);
        }
        result
    }
}

#[pymethods]
impl AsyncSend {
    #[slot(finalize)]
    fn finalize(this: &Object<AsyncSend>, vm: &Vm) {
        if this.progress.get() == Progress::Fresh {
            warn_unawaited(vm, &this.as_value(), "asend", &this.generator);
        }
    }

    #[slot(iter, await_)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.advance(vm, &none()).map(Some)
    }

    /// Send a value into the awaitable.
    #[method("send(self, value, /)")]
    fn send(&self, vm: &Vm, value: &Value) -> PyResult {
        self.advance(vm, value)
    }

    /// Raise an exception in the awaitable.
    #[method("throw")]
    fn throw(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        self.throw_in(vm, args)
    }

    /// Close the awaitable.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult<()> {
        if self.progress.get() == Progress::Closed {
            return Ok(());
        }
        match self.throw_in(vm, &[vm.generator_exit().into_value()]) {
            Ok(_) => Err(vm.runtime_error("coroutine ignored GeneratorExit")),
            Err(error)
                if error.is_stop_iteration()
                    || error.is_stop_async_iteration()
                    || error.is_generator_exit() =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl AsyncThrow {
    fn closing(&self) -> bool {
        self.arguments.borrow().is_none()
    }

    fn begin(&self, vm: &Vm, generator: &Object<Generator>) -> PyResult<()> {
        let state = &generator.state().asynchronous;
        let what = if self.closing() { "aclose()" } else { "athrow()" };
        if state.busy.get() {
            self.progress.set(Progress::Closed);
            return Err(vm.runtime_error(format!("{what}: asynchronous generator is already running")));
        }
        if state.closed.get() {
            self.progress.set(Progress::Closed);
            return Err(vm.stop_async_iteration());
        }
        self.progress.set(Progress::Iterating);
        state.busy.set(true);
        Ok(())
    }

    /// What the outcome of a step means.
    fn conclude(&self, vm: &Vm, generator: &Object<Generator>, result: PyResult<Sent>) -> PyResult {
        let state = &generator.state().asynchronous;
        if !self.closing() {
            let result = unwrap(vm, generator, result);
            if result.is_err() {
                self.progress.set(Progress::Closed);
            }
            return result;
        }
        match result {
            Ok(Sent::Yielded(value)) if value.downcast_exact::<WrappedValue>().is_some() => {
                state.busy.set(false);
                self.progress.set(Progress::Closed);
                Err(vm.runtime_error("async generator ignored GeneratorExit"))
            }
            Ok(Sent::Yielded(value)) => Ok(value),
            Ok(Sent::Returned(_)) => {
                state.busy.set(false);
                self.progress.set(Progress::Closed);
                Err(vm.stop_iteration(none()))
            }
            Err(error) => {
                state.busy.set(false);
                self.progress.set(Progress::Closed);
                if error.is_stop_async_iteration() || error.is_generator_exit() {
                    return Err(vm.stop_iteration(none()));
                }
                Err(error)
            }
        }
    }

    fn advance(&self, vm: &Vm, value: &Value) -> PyResult {
        let generator = as_object(&self.generator);
        match self.progress.get() {
            Progress::Closed => Err(reused(vm, "aclose()/athrow()")),
            Progress::Fresh => {
                if generator.stage() == Stage::Finished {
                    self.progress.set(Progress::Closed);
                    return Err(vm.stop_iteration(none()));
                }
                self.begin(vm, generator)?;
                if !is_none(value) {
                    return Err(vm.runtime_error("can't send non-None value to a just-started coroutine"));
                }
                let error = match self.arguments.get() {
                    None => {
                        generator.state().asynchronous.closed.set(true);
                        vm.generator_exit()
                    }
                    Some(arguments) => super::thrown(vm, &arguments[0], arguments.get(1), arguments.get(2))?,
                };
                let result = Generator::throw_exception(generator, vm, error);
                self.conclude(vm, generator, result)
            }
            Progress::Iterating => {
                let result = Generator::resume(generator, vm, Ok(value.clone()));
                self.conclude(vm, generator, result)
            }
        }
    }

    fn throw_in(&self, vm: &Vm, args: &[Value]) -> PyResult {
        let generator = as_object(&self.generator);
        match self.progress.get() {
            Progress::Closed => return Err(reused(vm, "aclose()/athrow()")),
            Progress::Fresh => self.begin(vm, generator)?,
            Progress::Iterating => {}
        }
        let Some(typ) = args.first() else {
            return Err(vm.type_error("throw expected at least 1 argument, got 0"));
        };
        let error = super::thrown(vm, typ, args.get(1), args.get(2))?;
        let result = Generator::throw_exception(generator, vm, error);
        self.conclude(vm, generator, result)
    }
}

#[pymethods]
impl AsyncThrow {
    #[slot(finalize)]
    fn finalize(this: &Object<AsyncThrow>, vm: &Vm) {
        if this.progress.get() == Progress::Fresh {
            let method = if this.closing() { "aclose" } else { "athrow" };
            warn_unawaited(vm, &this.as_value(), method, &this.generator);
        }
    }

    #[slot(iter, await_)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.advance(vm, &none()).map(Some)
    }

    /// Send a value into the awaitable.
    #[method("send(self, value, /)")]
    fn send(&self, vm: &Vm, value: &Value) -> PyResult {
        self.advance(vm, value)
    }

    /// Raise an exception in the awaitable.
    #[method("throw")]
    fn throw(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        self.throw_in(vm, args)
    }

    /// Close the awaitable.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult<()> {
        if self.progress.get() == Progress::Closed {
            return Ok(());
        }
        match self.throw_in(vm, &[vm.generator_exit().into_value()]) {
            Ok(_) => Err(vm.runtime_error("coroutine ignored GeneratorExit")),
            Err(error)
                if error.is_stop_iteration()
                    || error.is_stop_async_iteration()
                    || error.is_generator_exit() =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// The awaitable of `anext(iterator, default)`.
#[pyclass(name = "anext_awaitable", tracked)]
pub struct NextOrDefault {
    awaitable: Value,
    default: Value,
}

impl NextOrDefault {
    /// An awaitable that turns the end of the iterator into a default.
    pub fn new(awaitable: Value, default: Value) -> Ref<NextOrDefault> {
        Object::new(NextOrDefault { awaitable, default })
    }

    fn iterator(&self, vm: &Vm) -> PyResult {
        let iterator = super::awaitable_iterator(vm, &self.awaitable, 0)?;
        if iterator.downcast_exact::<Coroutine>().is_some() {
            return Ok(CoroutineWrapper::new(iterator));
        }
        Ok(iterator)
    }

    fn step(&self, vm: &Vm, result: PyResult) -> PyResult {
        match result {
            Err(error) if error.is_stop_async_iteration() => Err(vm.stop_iteration(self.default.clone())),
            result => result,
        }
    }
}

#[pymethods]
impl NextOrDefault {
    #[slot(iter, await_)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let iterator = self.iterator(vm)?;
        let result = match iterator.type_of().slots().next.get() {
            Some(next) => next(vm, &iterator),
            None => Ok(None),
        };
        match result {
            Err(error) if error.is_stop_async_iteration() => Err(vm.stop_iteration(self.default.clone())),
            result => result,
        }
    }

    /// Send a value into the awaitable.
    #[method("send(self, value, /)")]
    fn send(&self, vm: &Vm, value: &Value) -> PyResult {
        let iterator = self.iterator(vm)?;
        let result = vm.call_method(&iterator, &crate::names::send, std::slice::from_ref(value));
        self.step(vm, result)
    }

    /// Raise an exception in the awaitable.
    #[method("throw")]
    fn throw(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = names;
        let iterator = self.iterator(vm)?;
        let result = vm.call_method(&iterator, &crate::names::throw, args);
        self.step(vm, result)
    }

    /// Close the awaitable.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult {
        let iterator = self.iterator(vm)?;
        let result = vm.call_method(&iterator, &crate::names::close, &[]);
        self.step(vm, result)
    }
}
