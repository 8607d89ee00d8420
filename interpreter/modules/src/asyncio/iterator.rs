//! What `await` goes over for a future: it yields the future until that is done.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::traceback::Traceback;
use rspy_runtime::exceptions::{Exception, PyResult, as_exception_class, from_throw_arguments, is_exception};
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::generator::Sent;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::future::Future;

/// The iterator of a future.
#[pyclass(name = "FutureIter", shows_get, module = "_asyncio", tracked, no_new)]
pub struct FutureIterator {
    /// The future, until the iterator is closed.
    future: GilCell<Option<Ref<Future>>>,
}

impl FutureIterator {
    /// The iterator of a future.
    pub fn new(future: &Object<Future>) -> Value {
        Object::new(FutureIterator { future: GilCell::new(Some(future.to_ref())) }).into_value()
    }

    fn go_on(&self, vm: &Vm) -> PyResult<Option<Sent>> {
        let Some(future) = self.future.get() else { return Ok(None) };
        if future.is_done() {
            return Ok(Some(Sent::Returned(future.outcome(vm)?)));
        }
        if future.blocking.replace(true) {
            return Err(vm.runtime_error("await wasn't used with future"));
        }
        Ok(Some(Sent::Yielded(future.into_value())))
    }

    fn next_value(&self, vm: &Vm) -> PyResult<Option<Value>> {
        match self.go_on(vm)? {
            None => Ok(None),
            Some(Sent::Yielded(value)) => Ok(Some(value)),
            Some(Sent::Returned(value)) => Err(vm.stop_iteration(value)),
        }
    }
}

#[pymethods]
impl FutureIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        self.next_value(vm)
    }

    #[slot(send)]
    fn send_natively(&self, vm: &Vm, _value: &Value) -> PyResult<Sent> {
        match self.go_on(vm)? {
            Some(sent) => Ok(sent),
            None => Ok(Sent::Returned(rspy_runtime::types::none::none())),
        }
    }

    #[method("send(self, object, /)")]
    fn send(&self, vm: &Vm, _object: &Value) -> PyResult {
        self.next_value(vm)?.ok_or_else(|| vm.stop_iteration(rspy_runtime::types::none::none()))
    }

    #[method("throw")]
    fn throw(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "FutureIter.throw", names)?;
        let error = thrown(vm, args)?;
        self.future.set(None);
        Err(error)
    }

    #[method("close(self, /)")]
    fn close(&self) {
        self.future.set(None);
    }
}

/// The exception that the arguments of `throw` mean.
fn thrown(vm: &Vm, args: &[Value]) -> PyResult<Exception> {
    let (typ, value, traceback) = match args {
        [] => return Err(vm.type_error("throw expected at least 1 argument, got 0")),
        [typ] => (typ, None, None),
        [typ, value] => (typ, Some(value), None),
        [typ, value, traceback] => (typ, Some(value), Some(traceback)),
        _ => return Err(vm.type_error(format!("throw expected at most 3 arguments, got {}", args.len()))),
    };
    if args.len() > 1 {
        rspy_runtime::warnings::warn(
            vm,
            rspy_runtime::exceptions::deprecation_warning(),
            "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.",
            1,
        )?;
    }
    if traceback.is_some_and(|traceback| !is_none(traceback) && traceback.downcast::<Traceback>().is_none()) {
        return Err(vm.type_error("throw() third argument must be a traceback"));
    }
    if as_exception_class(typ).is_none() && !is_exception(typ) {
        return Err(vm.type_error(
            "exceptions must be classes deriving BaseException or instances of such a class",
        ));
    }
    from_throw_arguments(vm, typ, value, traceback)
}
