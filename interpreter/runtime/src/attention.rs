//! What the evaluation loop looks after when it is asked to: signals, the collector, other threads that want the lock,
//! exceptions that another thread raises in this one.

use std::sync::atomic::Ordering;

use crate::cell::GilCell;
use crate::exceptions::{Exception, PyResult, os_error};
use crate::host;
use crate::object::Payload;
use crate::types::none::none;
use crate::value::Value;
use crate::vm::{Vm, request};

/// What Python code wants done when signals arrive.
#[derive(Default)]
pub struct SignalHandlers {
    handlers: GilCell<Vec<(i32, SignalHandler)>>,
}

/// What is done when a signal arrives.
#[derive(Clone, Debug)]
pub enum SignalHandler {
    /// The system's default action (`SIG_DFL`).
    Default,
    /// Nothing (`SIG_IGN`).
    Ignore,
    /// Something that was not set from Python (`None`).
    Unknown,
    /// A function is called with the signal's number and the frame.
    Function(Value),
}

impl SignalHandlers {
    /// What is done when a signal arrives; asks the system where nothing was set yet.
    pub fn get(&self, signal: i32) -> SignalHandler {
        if let Some((_, handler)) = self.handlers.borrow().iter().find(|(number, _)| *number == signal) {
            return handler.clone();
        }
        match host::disposition(signal) {
            Ok(host::Disposition::Default) => SignalHandler::Default,
            Ok(host::Disposition::Ignore) => SignalHandler::Ignore,
            _ => SignalHandler::Unknown,
        }
    }

    /// Sets what is done when a signal arrives; answers what was done before.
    pub fn set(&self, signal: i32, handler: SignalHandler) -> SignalHandler {
        let before = self.get(signal);
        let mut handlers = self.handlers.borrow_mut();
        handlers.retain(|(number, _)| *number != signal);
        handlers.push((signal, handler));
        drop(handlers);
        before
    }

    /// Lets go of all functions, when the interpreter ends; their signals do what the system has them do.
    pub fn clear(&self) {
        let mut handlers = self.handlers.take();
        for (signal, handler) in &mut handlers {
            if let SignalHandler::Function(_) = handler {
                // Whatever it is, the end goes on.
                drop(host::set_disposition(*signal, host::Disposition::Default));
                drop(std::mem::replace(handler, SignalHandler::Unknown));
            }
        }
        self.handlers.set(handlers);
    }
}

/// Does everything that was asked for.
///
/// # Errors
/// What signal handlers raise, and exceptions raised by other threads.
#[cold]
pub fn attend(vm: &Vm) -> PyResult<()> {
    let requested = vm.interpreter.requests.fetch_and(request::WATCH, Ordering::Acquire);
    if requested & request::SIGNAL != 0 {
        let later = requested & !request::SIGNAL;
        if let Err(error) = vm.check_signals() {
            vm.interpreter.request(later);
            return Err(error);
        }
    }
    // Another thread leaves it to the main one, which looks when it gets the lock.
    if requested & request::REMOTE != 0 && vm.is_main_thread() {
        crate::remote::run_waiting(vm);
    }
    if requested & request::COLLECT != 0 {
        vm.interpreter.collector.collect_if_due(vm);
    }
    if requested & request::YIELD != 0 {
        crate::threads::yield_lock(vm);
    }
    if let Some(exception) = vm.interpreter.threads.take_asynchronous(vm.thread_id) {
        return Err(raised(vm, exception));
    }
    Ok(())
}

/// The exception that a class or an object given to `PyThreadState_SetAsyncExc` stands for.
fn raised(vm: &Vm, exception: Value) -> Exception {
    if exception.downcast::<crate::types::typ::Type>().is_none() {
        return Exception::from_value(exception);
    }
    match vm.call(&exception, &[]) {
        Ok(made) => Exception::from_value(made),
        Err(error) => error,
    }
}

impl Vm {
    /// Runs the handlers of signals that have arrived, if this is the main thread.
    ///
    /// # Errors
    /// What a handler raises; signals behind it are handled later.
    pub fn check_signals(&self) -> PyResult<()> {
        if !host::signals_pending() || !self.is_main_thread() {
            return Ok(());
        }
        let arrived = host::take_signals();
        self.tell_of_wakeup_error();
        let mut arrived = arrived.into_iter();
        while let Some(signal) = arrived.next() {
            if let Err(error) = self.handle_signal(signal) {
                if arrived.len() > 0 {
                    arrived.for_each(host::put_back_signal);
                    self.interpreter.request(request::SIGNAL);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn handle_signal(&self, signal: i32) -> PyResult<()> {
        match self.interpreter.threads.signals.get(signal) {
            SignalHandler::Function(function) => {
                let frame = self.current_frame_object().map_or_else(none, |frame| frame.into_value());
                self.call(&function, &[Value::int(signal), frame]).map(drop)
            }
            // The handler was taken away between the signal's arrival and now.
            _ => {
                let message = format!("Signal {signal} ignored due to race condition");
                let error = self.new_exception(os_error::OsError::static_type(), message);
                crate::exceptions::print::write_unraisable(self, error, None, None);
                Ok(())
            }
        }
    }

    fn tell_of_wakeup_error(&self) {
        if let Some(error) = host::take_wakeup_error() {
            let error = self.os_error(error.0, None, None);
            let message = "Exception ignored while trying to write to the signal wakeup fd";
            crate::exceptions::print::write_unraisable(self, error, Some(message), None);
        }
    }
}
