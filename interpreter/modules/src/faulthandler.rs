//! `faulthandler`: tells where threads are when the process is about to die, when a signal arrives, or when time is up.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, c};
use rspy_runtime::native_module;
use rspy_runtime::paths::OrRaise;
use rspy_runtime::post_mortem;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::time::{Rounding, nanoseconds_of};

native_module! {
    name: "faulthandler",
    doc: "faulthandler module.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |_, _| Ok(()),
}

/// Signals that end the process, with what they mean; the last one is handled first.
const FATAL: [(i32, &str); 5] = [
    (c::SIGBUS, "Bus error"),
    (c::SIGILL, "Illegal instruction"),
    (c::SIGFPE, "Floating-point exception"),
    (c::SIGABRT, "Aborted"),
    (c::SIGSEGV, "Segmentation fault"),
];

/// The descriptor to write to, and whether all threads are written.
struct Target {
    descriptor: AtomicI32,
    all_threads: AtomicBool,
    chain: AtomicBool,
}

impl Target {
    const fn new() -> Target {
        Target { descriptor: AtomicI32::new(-1), all_threads: AtomicBool::new(false), chain: AtomicBool::new(false) }
    }

    fn set(&self, descriptor: i32, all_threads: bool, chain: bool) {
        self.all_threads.store(all_threads, Ordering::Relaxed);
        self.chain.store(chain, Ordering::Relaxed);
        self.descriptor.store(descriptor, Ordering::Release);
    }

    fn write(&self) {
        let descriptor = self.descriptor.load(Ordering::Acquire);
        if self.all_threads.load(Ordering::Relaxed) {
            let current = Vm::is_entered().then(host::thread_identity);
            post_mortem::write_noted_threads(descriptor, current);
        } else if Vm::is_entered() {
            Vm::with_current(|vm| post_mortem::write_thread(descriptor, vm));
        }
    }
}

static FATAL_TARGET: Target = Target::new();
static ENABLED: AtomicBool = AtomicBool::new(false);
static TARGETS: [Target; host::SIGNAL_COUNT as usize] = [const { Target::new() }; host::SIGNAL_COUNT as usize];

/// Files whose descriptors are in use: they stay open as long.
static FILES: GilCell<Vec<(Use, Value)>> = GilCell::new(Vec::new());

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    Fatal,
    Later,
    Signal(i32),
}

fn keep_file(of: Use, file: Option<Value>) {
    let old: Vec<(Use, Value)> = {
        let mut files = FILES.borrow_mut();
        let (old, kept) = std::mem::take(&mut *files).into_iter().partition(|(one, _)| *one == of);
        *files = kept;
        files.extend(file.map(|file| (of, file)));
        old
    };
    drop(old);
}

fn on_fatal_signal(signal: i32) {
    let meaning = FATAL.iter().find(|(one, _)| *one == signal).map_or("unknown", |(_, meaning)| *meaning);
    // The next fault, such as one here, ends the process whatever was set before.
    host::remove_fault_handler(signal);
    let _ = host::set_disposition(signal, host::Disposition::Default);
    let descriptor = FATAL_TARGET.descriptor.load(Ordering::Acquire);
    post_mortem::write_text(descriptor, "Fatal Python error: ");
    post_mortem::write_text(descriptor, meaning);
    post_mortem::write_text(descriptor, "\n\n");
    FATAL_TARGET.write();
    post_mortem::write_text(descriptor, "\n");
    write_native_stack(descriptor);
    host::raise_signal_here(signal);
}

fn on_registered_signal(signal: i32) {
    let Some(target) = TARGETS.get(signal as usize) else { return };
    target.write();
    if target.chain.load(Ordering::Relaxed) {
        host::pass_signal_on(signal);
    }
}

/// The native stack cannot be told: frames of native code are not linked.
fn write_native_stack(descriptor: i32) {
    post_mortem::write_text(
        descriptor,
        "Current thread's C stack trace (most recent call first):\n  <cannot get C stack on this system>\n",
    );
}

/// The descriptor of a file, and the file if it must be kept open.
fn descriptor_of(vm: &Vm, file: Option<&Value>) -> PyResult<(i32, Option<Value>)> {
    let file = match file.filter(|file| !is_none(file)) {
        Some(file) => file.clone(),
        None => match vm.sys_attribute(&vm.intern("stderr")) {
            None => return Err(vm.runtime_error("unable to get sys.stderr")),
            Some(file) if is_none(&file) => return Err(vm.runtime_error("sys.stderr is None")),
            Some(file) => file,
        },
    };
    if int::is_int(&file) {
        let descriptor: i32 = int::to_fixed(vm, &file, "int")?;
        if descriptor < 0 {
            return Err(vm.value_error("file is not a valid file descriptor"));
        }
        return Ok((descriptor, None));
    }
    let number = vm.call_method_str(&file, "fileno", &[])?;
    let descriptor = int::small_value(&number).and_then(|number| i32::try_from(number).ok());
    let Some(descriptor) = descriptor.filter(|&descriptor| descriptor >= 0) else {
        return Err(vm.runtime_error("file.fileno() is not a valid file descriptor"));
    };
    // What cannot be flushed is written to all the same.
    let _ = vm.call_method_str(&file, "flush", &[]);
    Ok((descriptor, Some(file)))
}

/// What ends a waiting watchdog.
#[derive(Default)]
struct Cancel {
    cancelled: Mutex<bool>,
    changed: Condvar,
}

static WATCHDOG: Mutex<Option<Arc<Cancel>>> = Mutex::new(None);

fn cancel_watchdog() {
    let watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(watchdog) = watchdog {
        *watchdog.cancelled.lock().unwrap_or_else(PoisonError::into_inner) = true;
        watchdog.changed.notify_all();
    }
}

fn watch(cancel: &Cancel, time: Duration, repeat: bool, exit: bool, descriptor: i32, heading: &str) {
    loop {
        let cancelled = cancel.cancelled.lock().unwrap_or_else(PoisonError::into_inner);
        let (cancelled, _) = cancel
            .changed
            .wait_timeout_while(cancelled, time, |cancelled| !*cancelled)
            .unwrap_or_else(PoisonError::into_inner);
        if *cancelled {
            return;
        }
        post_mortem::write_text(descriptor, heading);
        post_mortem::write_noted_threads(descriptor, None);
        if exit {
            host::exit_now(1);
        }
        if !repeat {
            return;
        }
    }
}

/// `Timeout (0:00:01.500000)!`
fn timeout_heading(nanoseconds: i64) -> String {
    let (seconds, microseconds) = (nanoseconds / 1_000_000_000, nanoseconds / 1000 % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if microseconds == 0 {
        return format!("Timeout ({hours}:{minutes:02}:{seconds:02})!\n");
    }
    format!("Timeout ({hours}:{minutes:02}:{seconds:02}.{microseconds:06})!\n")
}

fn check_signal(vm: &Vm, signal: i32) -> PyResult<()> {
    if FATAL.iter().any(|(fatal, _)| *fatal == signal) {
        return Err(vm.runtime_error(format!("signal {signal} cannot be registered, use enable() instead")));
    }
    if !(1..host::SIGNAL_COUNT).contains(&signal) {
        return Err(vm.value_error("signal number out of range"));
    }
    Ok(())
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Dump the traceback of the current thread into file.
    #[function("dump_traceback(module, /, file=sys.stderr, all_threads=True)")]
    fn dump_traceback(vm: &Vm, file: Option<&Value>, all_threads: bool) -> PyResult<()> {
        let (descriptor, _file) = descriptor_of(vm, file)?;
        if all_threads {
            post_mortem::write_threads(descriptor, vm.interpreter, Some(vm.thread_id));
        } else {
            post_mortem::write_thread(descriptor, vm);
        }
        vm.check_signals()
    }

    /// Dump the C stack of the current thread.
    #[function("dump_c_stack(module, /, file=sys.stderr)")]
    fn dump_c_stack(vm: &Vm, file: Option<&Value>) -> PyResult<()> {
        let (descriptor, _file) = descriptor_of(vm, file)?;
        write_native_stack(descriptor);
        vm.check_signals()
    }

    /// Enable the fault handler.
    #[function("enable(module, /, file=sys.stderr, all_threads=True)")]
    fn enable(vm: &Vm, file: Option<&Value>, all_threads: bool) -> PyResult<()> {
        let (descriptor, file) = descriptor_of(vm, file)?;
        post_mortem::note_interpreter(vm.interpreter);
        keep_file(Use::Fatal, file);
        FATAL_TARGET.set(descriptor, all_threads, false);
        if !ENABLED.swap(true, Ordering::Relaxed) {
            for (signal, _) in FATAL.iter().rev() {
                host::install_fault_handler(*signal, on_fatal_signal, true).or_raise(vm)?;
            }
        }
        Ok(())
    }

    /// Disable the fault handler.
    #[function("disable()")]
    fn disable() -> bool {
        if !ENABLED.swap(false, Ordering::Relaxed) {
            return false;
        }
        for (signal, _) in FATAL {
            host::remove_fault_handler(signal);
        }
        keep_file(Use::Fatal, None);
        true
    }

    /// Check if the handler is enabled.
    #[function("is_enabled()")]
    fn is_enabled() -> bool {
        ENABLED.load(Ordering::Relaxed)
    }

    /// Dump the traceback of all threads in timeout seconds, once or every time; exit ends the process then.
    #[function("dump_traceback_later(module, /, timeout, repeat=False, file=sys.stderr, exit=False)")]
    fn dump_traceback_later(
        vm: &Vm,
        timeout: &Value,
        repeat: bool,
        file: Option<&Value>,
        exit: bool,
    ) -> PyResult<()> {
        if !int::is_int(timeout) && rspy_runtime::types::float::as_f64(timeout).is_none() {
            return Err(vm.type_error(format!(
                "'{}' object cannot be interpreted as an integer or float",
                timeout.type_of().full_name()
            )));
        }
        let nanoseconds = nanoseconds_of(vm, timeout, Rounding::Up)?;
        let time = match u64::try_from(nanoseconds) {
            Ok(time) if time >= 1000 => Duration::from_nanos(time),
            _ => return Err(vm.value_error("timeout must be greater than 0")),
        };
        let (descriptor, file) = descriptor_of(vm, file)?;
        post_mortem::note_interpreter(vm.interpreter);
        cancel_watchdog();
        keep_file(Use::Later, file);
        let cancel = Arc::new(Cancel::default());
        *WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&cancel));
        let heading = timeout_heading(nanoseconds);
        std::thread::Builder::new()
            .spawn(move || watch(&cancel, time, repeat, exit, descriptor, &heading))
            .map(drop)
            .map_err(|_| vm.runtime_error("unable to start watchdog thread"))
    }

    /// Cancel the previous call to dump_traceback_later().
    #[function("cancel_dump_traceback_later()")]
    fn cancel_dump_traceback_later() {
        cancel_watchdog();
        keep_file(Use::Later, None);
    }

    /// Register a handler for the signal 'signum'.
    #[function("register(module, /, signum, file=sys.stderr, all_threads=True, chain=False)")]
    fn register(vm: &Vm, signum: i32, file: Option<&Value>, all_threads: bool, chain: bool) -> PyResult<()> {
        check_signal(vm, signum)?;
        let (descriptor, file) = descriptor_of(vm, file)?;
        post_mortem::note_interpreter(vm.interpreter);
        keep_file(Use::Signal(signum), file);
        TARGETS[signum as usize].set(descriptor, all_threads, chain);
        host::install_fault_handler(signum, on_registered_signal, chain).or_raise(vm)
    }

    /// Unregister the handler of the signal 'signum' registered by register().
    #[function("unregister(signum, /)")]
    fn unregister(vm: &Vm, signum: i32) -> PyResult<bool> {
        check_signal(vm, signum)?;
        let removed = host::remove_fault_handler(signum);
        keep_file(Use::Signal(signum), None);
        Ok(removed)
    }

    /// Read from NULL, raise a SIGSEGV or SIGBUS signal depending on the platform.
    #[function("_read_null()")]
    fn read_null() -> usize {
        host::read_nothing()
    }

    /// Raise a SIGSEGV signal.
    #[function("_sigsegv(module, release_gil=False, /)")]
    fn sigsegv(vm: &Vm, release_gil: bool) {
        let fall = || {
            // Without a handler of ours the first one meets that of Rust's library, which then steps aside.
            host::raise_signal_here(c::SIGSEGV);
            host::raise_signal_here(c::SIGSEGV);
        };
        if release_gil { vm.allow_threads(fall) } else { fall() }
    }

    /// Raise a SIGABRT signal.
    #[function("_sigabrt()")]
    fn sigabrt() {
        host::abort()
    }

    /// Raise a SIGFPE signal.
    #[function("_sigfpe()")]
    fn sigfpe() {
        host::raise_signal_here(c::SIGFPE);
    }
}
