//! `_signal`: what is done when signals arrive.

use std::time::Duration;

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::attention::SignalHandler;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{PyResult, hierarchy, os_error};
use rspy_runtime::host::{self, Disposition, SignalInformation, SignalSet, c};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::paths::OrRaise;
use rspy_runtime::struct_sequence;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::set::Set;
use rspy_runtime::types::structseq;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::{Vm, request};

use crate::posix::signal_set;
use crate::time::{Rounding, nanoseconds_of};

struct_sequence! {
    /// struct_siginfo: Result from sigwaitinfo or sigtimedwait.
    ///
    /// This object may be accessed either as a tuple of
    /// (si_signo, si_code, si_errno, si_pid, si_uid, si_status, si_band),
    /// or via the attributes si_signo, si_code, and so on.
    pub struct StructSiginfo("signal", "struct_siginfo") {
        visible {
            si_signo: "signal number", si_code: "signal code", si_errno: "errno associated with this signal",
            si_pid: "sending process ID", si_uid: "real user ID of sending process",
            si_status: "exit value or signal", si_band: "band event for SIGPOLL",
        }
        unnamed 0
        hidden {}
    }
}

native_module! {
    name: "_signal",
    doc: "This module provides mechanisms to use signal handlers in Python.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: execute,
}

/// Linux's signals.
const SIGNALS: &[(&str, i32)] = &[
    ("SIGHUP", 1), ("SIGINT", 2), ("SIGQUIT", 3), ("SIGILL", 4), ("SIGTRAP", 5), ("SIGIOT", 6), ("SIGABRT", 6),
    ("SIGFPE", 8), ("SIGKILL", 9), ("SIGBUS", 7), ("SIGSEGV", 11), ("SIGSYS", 31), ("SIGPIPE", 13), ("SIGALRM", 14),
    ("SIGTERM", 15), ("SIGUSR1", 10), ("SIGUSR2", 12), ("SIGCLD", 17), ("SIGCHLD", 17), ("SIGPWR", 30), ("SIGIO", 29),
    ("SIGURG", 23), ("SIGWINCH", 28), ("SIGPOLL", 29), ("SIGSTOP", 19), ("SIGTSTP", 20), ("SIGCONT", 18),
    ("SIGTTIN", 21), ("SIGTTOU", 22), ("SIGVTALRM", 26), ("SIGPROF", 27), ("SIGXCPU", 24), ("SIGXFSZ", 25),
    ("SIGSTKFLT", 16), ("SIG_DFL", 0), ("SIG_IGN", 1), ("SIG_BLOCK", 0), ("SIG_UNBLOCK", 1), ("SIG_SETMASK", 2),
    ("ITIMER_REAL", 0), ("ITIMER_VIRTUAL", 1), ("ITIMER_PROF", 2), ("NSIG", host::SIGNAL_COUNT),
];

static TIMER_ERROR: GilCell<Option<Value>> = GilCell::new(None);

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in SIGNALS {
        module.set_int(vm, name, i64::from(*number));
    }
    let (first, last) = host::real_time_signals();
    module.set_int(vm, "SIGRTMIN", i64::from(first));
    module.set_int(vm, "SIGRTMAX", i64::from(last));
    structseq::publish::<StructSiginfo>(vm, module);
    let namespace = Dict::new();
    namespace.set_str(&vm.intern("__module__"), vm.new_str("signal"));
    let bases = Tuple::from_values([os_error::OsError::static_type().to_value()]);
    let arguments = [vm.new_str("itimer_error"), bases.into_value(), namespace.into_value()];
    let error = vm.call(&Type::static_type().to_value(), &arguments)?;
    TIMER_ERROR.set(Some(error.clone()));
    module.set(vm, "ItimerError", error);
    host::notify_of_signals(&vm.interpreter.requests, request::SIGNAL);
    // Broken pipes and files that grow too large are errors, not the end.
    for signal in [c::SIGPIPE, c::SIGXFSZ] {
        host::set_disposition(signal, Disposition::Ignore).or_raise(vm)?;
    }
    let handlers = &vm.interpreter.threads.signals;
    if vm.is_main_thread()
        && matches!(handlers.get(c::SIGINT), SignalHandler::Default)
        && let Some(handler) = module.dict().get_str(&vm.intern("default_int_handler"))
    {
        host::set_disposition(c::SIGINT, Disposition::Note).or_raise(vm)?;
        handlers.set(c::SIGINT, SignalHandler::Function(handler));
    }
    Ok(())
}

fn check_number(vm: &Vm, signal: i32) -> PyResult<()> {
    if (1..host::SIGNAL_COUNT).contains(&signal) {
        return Ok(());
    }
    Err(vm.value_error("signal number out of range"))
}

fn handler_value(handler: SignalHandler) -> Value {
    match handler {
        SignalHandler::Default => Value::int(0),
        SignalHandler::Ignore => Value::int(1),
        SignalHandler::Unknown => none(),
        SignalHandler::Function(function) => function,
    }
}

fn set_value(vm: &Vm, set: &SignalSet) -> PyResult<Ref<Set>> {
    let result = Set::new();
    for signal in set.iter() {
        result.add(vm, &Value::int(signal))?;
    }
    Ok(result)
}

fn information_value(info: &SignalInformation) -> Value {
    structseq::new::<StructSiginfo>(vec![
        Value::int(info.signal),
        Value::int(info.code),
        Value::int(info.error),
        Value::int(info.process),
        int::new(i64::from(info.user)),
        Value::int(info.status),
        int::new(info.band),
    ])
}

fn timer_error(vm: &Vm, error: host::Errno) -> rspy_runtime::Exception {
    let class = TIMER_ERROR.get();
    match class.as_ref().and_then(|class| class.downcast::<Type>()) {
        Some(class) => vm.exception_with_args(class, &[Value::int(error.0), vm.new_str(&error.message())]),
        None => vm.os_error(error.0, None, None),
    }
}

fn microseconds(vm: &Vm, seconds: &Value) -> PyResult<i64> {
    let time = nanoseconds_of(vm, seconds, Rounding::Up)?;
    Ok(time.div_euclid(1000) + i64::from(time.rem_euclid(1000) != 0))
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// The default handler for SIGINT installed by Python.  It raises KeyboardInterrupt.
    #[function("default_int_handler(signalnum, frame, /)")]
    fn default_int_handler(vm: &Vm, signalnum: i32, frame: &Value) -> PyResult {
        let _ = (signalnum, frame);
        Err(vm.exception_with_args(hierarchy::KeyboardInterrupt::static_type(), &[]))
    }

    /// Arrange for SIGALRM to arrive after the given number of seconds.
    #[function("alarm(seconds, /)")]
    fn alarm(seconds: i32) -> u32 {
        host::alarm(seconds as u32)
    }

    /// Wait until a signal arrives.
    #[function("pause()")]
    fn pause(vm: &Vm) -> PyResult<()> {
        vm.allow_threads(host::wait_for_any_signal);
        vm.check_signals()
    }

    /// Send a signal to the executing process.
    #[function("raise_signal(signalnum, /)")]
    fn raise_signal(vm: &Vm, signalnum: i32) -> PyResult<()> {
        vm.allow_threads(|| host::raise_signal(signalnum)).or_raise(vm)?;
        vm.check_signals()
    }

    /// Set the action for the given signal.
    #[function("signal(signalnum, handler, /)")]
    fn signal(vm: &Vm, signalnum: i32, handler: &Value) -> PyResult {
        if !vm.is_main_thread() {
            return Err(vm.value_error("signal only works in main thread of the main interpreter"));
        }
        check_number(vm, signalnum)?;
        let (new, disposition) = match int::small_value(handler).filter(|_| int::is_int(handler)) {
            Some(0) => (SignalHandler::Default, Disposition::Default),
            Some(1) => (SignalHandler::Ignore, Disposition::Ignore),
            _ if vm.is_callable(handler) => (SignalHandler::Function(handler.clone()), Disposition::Note),
            _ => {
                return Err(vm.type_error(
                    "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object",
                ));
            }
        };
        vm.check_signals()?;
        let before = vm.interpreter.threads.signals.get(signalnum);
        host::set_disposition(signalnum, disposition).or_raise(vm)?;
        drop(vm.interpreter.threads.signals.set(signalnum, new));
        Ok(handler_value(before))
    }

    /// Return the current action for the given signal.
    #[function("getsignal(signalnum, /)")]
    fn getsignal(vm: &Vm, signalnum: i32) -> PyResult {
        check_number(vm, signalnum)?;
        Ok(handler_value(vm.interpreter.threads.signals.get(signalnum)))
    }

    /// Return the system description of the given signal.
    #[function("strsignal(signalnum, /)")]
    fn strsignal(vm: &Vm, signalnum: i32) -> PyResult<Option<String>> {
        check_number(vm, signalnum)?;
        Ok(host::signal_description(signalnum))
    }

    /// Change system call restart behaviour.
    #[function("siginterrupt(signalnum, flag, /)")]
    fn siginterrupt(vm: &Vm, signalnum: i32, flag: i32) -> PyResult<()> {
        check_number(vm, signalnum)?;
        host::interrupt_on_signal(signalnum, flag != 0).or_raise(vm)
    }

    /// Sets the fd to be written to (with the signal number) when a signal comes in.
    #[function("set_wakeup_fd(fd, /, *, warn_on_full_buffer=True)")]
    fn set_wakeup_fd(vm: &Vm, fd: i32, warn_on_full_buffer: bool) -> PyResult<i32> {
        if !vm.is_main_thread() {
            return Err(vm.value_error("set_wakeup_fd only works in main thread of the main interpreter"));
        }
        if fd != -1 {
            host::status_of(fd).or_raise(vm)?;
            if host::is_blocking(fd).or_raise(vm)? {
                return Err(vm.value_error(format!("the fd {fd} must be in non-blocking mode")));
            }
        }
        Ok(host::set_wakeup_descriptor(fd, warn_on_full_buffer))
    }

    /// Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF).
    #[function("setitimer(which, seconds, interval=0.0, /)")]
    fn setitimer(vm: &Vm, which: i32, seconds: &Value, interval: Option<&Value>) -> PyResult<(f64, f64)> {
        let value = microseconds(vm, seconds)?;
        let interval = interval.map_or(Ok(0), |interval| microseconds(vm, interval))?;
        host::set_interval_timer(which, value, interval).map_err(|error| timer_error(vm, error))
    }

    /// Returns current value of given itimer.
    #[function("getitimer(which, /)")]
    fn getitimer(vm: &Vm, which: i32) -> PyResult<(f64, f64)> {
        host::get_interval_timer(which).map_err(|error| timer_error(vm, error))
    }

    /// Fetch and/or change the signal mask of the calling thread.
    #[function("pthread_sigmask(how, mask, /)")]
    fn pthread_sigmask(vm: &Vm, how: i32, mask: &Value) -> PyResult<Ref<Set>> {
        let set = signal_set(vm, mask)?;
        let before = host::change_signal_mask(how, &set).or_raise(vm)?;
        // A signal that was held back may have arrived.
        vm.check_signals()?;
        set_value(vm, &before)
    }

    /// Examine pending signals.
    #[function("sigpending()")]
    fn sigpending(vm: &Vm) -> PyResult<Ref<Set>> {
        set_value(vm, &host::held_signals().or_raise(vm)?)
    }

    /// Wait for a signal.
    #[function("sigwait(sigset, /)")]
    fn sigwait(vm: &Vm, sigset: &Value) -> PyResult<i32> {
        let set = signal_set(vm, sigset)?;
        vm.allow_threads(|| host::wait_for_signal(&set)).or_raise(vm)
    }

    /// Wait synchronously until one of the signals in sigset is delivered.
    #[function("sigwaitinfo(sigset, /)")]
    fn sigwaitinfo(vm: &Vm, sigset: &Value) -> PyResult {
        let set = signal_set(vm, sigset)?;
        let info = vm.blocking(|| host::wait_for_signal_information(&set, None))?.or_raise(vm)?;
        Ok(information_value(&info))
    }

    /// Like sigwaitinfo(), but with a timeout.
    #[function("sigtimedwait(sigset, timeout, /)")]
    fn sigtimedwait(vm: &Vm, sigset: &Value, timeout: &Value) -> PyResult {
        let set = signal_set(vm, sigset)?;
        let timeout = nanoseconds_of(vm, timeout, Rounding::Up)?;
        let Ok(timeout) = u64::try_from(timeout) else {
            return Err(vm.value_error("timeout must be non-negative"));
        };
        let end = std::time::Instant::now() + Duration::from_nanos(timeout);
        let info = vm.blocking(|| {
            let rest = end.saturating_duration_since(std::time::Instant::now());
            host::wait_for_signal_information(&set, Some(rest))
        })?;
        match info {
            Err(error) if error.0 == c::EAGAIN => Ok(none()),
            info => Ok(information_value(&info.or_raise(vm)?)),
        }
    }

    /// Send a signal to a thread.
    #[function("pthread_kill(thread_id, signalnum, /)")]
    fn pthread_kill(vm: &Vm, thread_id: u64, signalnum: i32) -> PyResult<()> {
        let event = || vec![int::from_i128(thread_id.into()), Value::int(signalnum)];
        audit::raise_event(vm, "signal.pthread_kill", event)?;
        host::kill_thread(thread_id, signalnum).or_raise(vm)?;
        vm.check_signals()
    }

    /// Return a set of valid signal numbers on this platform.
    #[function("valid_signals()")]
    fn valid_signals(vm: &Vm) -> PyResult<Ref<Set>> {
        set_value(vm, &SignalSet::full())
    }

    /// Send a signal to a process referred to by a pid file descriptor.
    #[function("pidfd_send_signal(pidfd, signalnum, siginfo=None, flags=0, /)")]
    fn pidfd_send_signal(
        vm: &Vm,
        pidfd: i32,
        signalnum: i32,
        siginfo: Option<&Value>,
        flags: i32,
    ) -> PyResult<()> {
        if siginfo.is_some_and(|info| !is_none(info)) {
            return Err(vm.type_error("siginfo must be None"));
        }
        host::send_signal_by_descriptor(pidfd, signalnum, flags as u32).or_raise(vm)
    }
}
