//! `_thread`: threads, locks, and data of single threads.

mod handle;
mod local;
mod lock;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{PyResult, hierarchy};
use rspy_runtime::host;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::struct_sequence;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::float;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::structseq;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use handle::ThreadHandle;
use lock::{Lock, RLock};

struct_sequence! {
    /// ExceptHookArgs
    ///
    /// Type used to pass arguments to threading.excepthook.
    pub struct ExceptHookArgs("_thread", "_ExceptHookArgs") {
        visible {
            exc_type: "Exception type", exc_value: "Exception value", exc_traceback: "Exception traceback",
            thread: "Thread",
        }
        unnamed 0
        hidden {}
    }
}

native_module! {
    name: "_thread",
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides \
          a more convenient interface.",
    functions: [Functions::FUNCTIONS],
    types: [Lock, RLock, ThreadHandle, local::Local],
    execute: execute,
}

/// The longest time that can be waited for, in seconds.
pub(crate) const LONGEST_WAIT: f64 = 9_223_372_036.0;

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    structseq::publish::<ExceptHookArgs>(vm, module);
    module.set(vm, "LockType", Lock::static_type().to_value());
    module.set(vm, "error", hierarchy::RuntimeError::static_type().to_value());
    module.set(vm, "TIMEOUT_MAX", float::new(LONGEST_WAIT));
    module.set_int(vm, "_NAME_MAXLEN", 15);
    Ok(())
}

/// What a new thread does: calls a function; what it raises is reported.
fn run_function(vm: &Vm, function: &Value, args: &[Value], keywords: Option<&Object<Dict>>) {
    let result = match keywords {
        Some(keywords) => vm.call_with_dict(function, args, keywords),
        None => vm.call(function, args),
    };
    if let Err(error) = result
        && !error.is_system_exit()
    {
        let shown = vm.repr(function).map_or_else(|_| "?".to_owned(), |shown| shown.to_string_lossy().into_owned());
        let message = format!("Exception ignored in thread started by {shown}");
        rspy_runtime::exceptions::print::write_unraisable(vm, error, Some(&message), None);
    }
}

fn check_startable(vm: &Vm) -> PyResult<()> {
    if vm.interpreter.finalizing.get() {
        return Err(vm.finalization_error("can't create new thread at interpreter shutdown"));
    }
    Ok(())
}

/// Starts a thread and waits for its identity.
fn start(vm: &Vm, run: Box<dyn FnOnce(&Vm)>) -> PyResult<(u64, std::thread::JoinHandle<()>)> {
    check_startable(vm)?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let started = rspy_runtime::threads::start(vm, run, move |identity| {
        // Nobody listens only where starting was given up.
        let _ = sender.send(identity);
    });
    let joiner = started.map_err(|_| vm.runtime_error("can't start new thread"))?;
    let identity = vm.allow_threads(|| receiver.recv()).unwrap_or(0);
    Ok((identity, joiner))
}

fn start_new_thread(vm: &Vm, function: &Value, args: &Value, kwargs: Option<&Value>) -> PyResult<u64> {
    if !vm.is_callable(function) {
        return Err(vm.type_error("first arg must be callable"));
    }
    let Some(args) = args.downcast::<Tuple>() else { return Err(vm.type_error("2nd arg must be a tuple")) };
    let keywords = match kwargs {
        None => None,
        Some(kwargs) => match kwargs.downcast::<Dict>() {
            Some(dict) => Some(dict.to_ref()),
            None => return Err(vm.type_error("optional 3rd arg must be a dictionary")),
        },
    };
    let (function, args) = (function.clone(), args.to_ref());
    let (identity, _) =
        start(vm, Box::new(move |vm| run_function(vm, &function, args.items(), keywords.as_deref())))?;
    Ok(identity)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Start a new thread and return its identifier.
    #[function("start_new_thread(function, args, kwargs={}, /)")]
    fn start_new_thread(vm: &Vm, function: &Value, args: &Value, kwargs: Option<&Value>) -> PyResult<u64> {
        start_new_thread(vm, function, args, kwargs)
    }

    /// An obsolete synonym of start_new_thread().
    #[function("start_new(function, args, kwargs={}, /)")]
    fn start_new(vm: &Vm, function: &Value, args: &Value, kwargs: Option<&Value>) -> PyResult<u64> {
        start_new_thread(vm, function, args, kwargs)
    }

    /// *For internal use only*: start a new thread.
    #[function("start_joinable_thread(function, handle=None, daemon=True)")]
    fn start_joinable_thread(
        vm: &Vm,
        function: &Value,
        handle: Option<&Value>,
        daemon: bool,
    ) -> PyResult<Ref<ThreadHandle>> {
        if !vm.is_callable(function) {
            return Err(vm.type_error("thread function must be callable"));
        }
        let handle = match handle {
            None => ThreadHandle::new_unstarted(),
            Some(handle) => match handle.downcast::<ThreadHandle>() {
                Some(handle) => handle.to_ref(),
                None => return Err(vm.type_error("'handle' must be a _ThreadHandle")),
            },
        };
        ThreadHandle::start(&handle, vm, function.clone(), daemon)?;
        Ok(handle)
    }

    /// Return True if daemon threads are allowed in the current interpreter.
    #[function("daemon_threads_allowed()")]
    fn daemon_threads_allowed() -> bool {
        true
    }

    /// Create a new lock object.
    #[function("allocate_lock()")]
    fn allocate_lock() -> Ref<Lock> {
        Lock::make()
    }

    /// An obsolete synonym of allocate_lock().
    #[function("allocate()")]
    fn allocate() -> Ref<Lock> {
        Lock::make()
    }

    /// Raise SystemExit, which ends the thread unless it is caught.
    #[function("exit()")]
    fn exit(vm: &Vm) -> PyResult {
        Err(vm.exception_with_args(rspy_runtime::exceptions::stop::SystemExit::static_type(), &[]))
    }

    /// An obsolete synonym of exit().
    #[function("exit_thread()")]
    fn exit_thread(vm: &Vm) -> PyResult {
        Self::exit(vm)
    }

    /// Simulate the arrival of the given signal in the main thread.
    #[function("interrupt_main(signum=<unrepresentable>, /)")]
    fn interrupt_main(vm: &Vm, signum: Option<i32>) -> PyResult<()> {
        let signal = signum.unwrap_or(host::c::SIGINT);
        if !(1..host::SIGNAL_COUNT).contains(&signal) {
            return Err(vm.value_error("signal number out of range"));
        }
        // Signals that are left to the system are not simulated.
        if let rspy_runtime::attention::SignalHandler::Function(_) = vm.interpreter.threads.signals.get(signal) {
            host::trip_signal(signal);
        }
        Ok(())
    }

    /// Return a non-zero integer that uniquely identifies the current thread amongst other threads.
    #[function("get_ident()")]
    fn get_ident(vm: &Vm) -> u64 {
        vm.thread_id
    }

    /// Return a non-negative integer identifying the thread as reported by the OS.
    #[function("get_native_id()")]
    fn get_native_id() -> i32 {
        host::native_thread_id()
    }

    /// Return the number of currently running Python threads, excluding the main thread.
    #[function("_count()")]
    fn count(vm: &Vm) -> usize {
        vm.interpreter.threads.count().saturating_sub(1)
    }

    /// Return the thread stack size used when creating new threads, and set it if one is given.
    #[function("stack_size(size=0, /)")]
    fn stack_size(vm: &Vm, size: isize) -> PyResult<usize> {
        let Ok(size) = usize::try_from(size) else {
            return Err(vm.value_error("size must be 0 or a positive value"));
        };
        if size != 0 && size < 32 << 10 {
            return Err(vm.value_error(format!("size not valid: {size} bytes")));
        }
        Ok(vm.interpreter.threads.stack_size.replace(size))
    }

    /// Handle uncaught Thread.run() exception.
    #[function("_excepthook(args, /)")]
    fn excepthook(vm: &Vm, args: &Value) -> PyResult<()> {
        excepthook(vm, args)
    }

    /// Return True if the current interpreter is the main Python interpreter.
    #[function("_is_main_interpreter()")]
    fn is_main_interpreter() -> bool {
        true
    }

    /// Wait for all non-daemon threads.
    #[function("_shutdown()")]
    fn shutdown(vm: &Vm) -> PyResult<()> {
        handle::join_all(vm)
    }

    /// Internal only.  Make a thread handle for threads not spawned by the _thread or threading module.
    #[function("_make_thread_handle(ident, /)")]
    fn make_thread_handle(vm: &Vm, ident: &Value) -> PyResult<Ref<ThreadHandle>> {
        if !rspy_runtime::types::int::is_int(ident) {
            return Err(vm.type_error("ident must be an integer"));
        }
        let identity = rspy_runtime::types::int::to_fixed(vm, ident, "unsigned long")?;
        Ok(ThreadHandle::of_running(identity))
    }

    /// Internal only.  Return the ident of the main thread.
    #[function("_get_main_thread_ident()")]
    fn main_thread_ident(vm: &Vm) -> u64 {
        vm.interpreter.threads.main()
    }

    /// Set the name of the current thread.
    #[function("set_name(name)")]
    fn set_name(name: &Object<Str>) {
        host::set_thread_name(&name.to_string_lossy());
    }

    /// Get the name of the current thread.
    #[function("_get_name()")]
    fn get_name() -> Ref<Str> {
        rspy_runtime::paths::decode(&host::thread_name())
    }
}

/// Shows what a thread let through, as `threading.excepthook` does.
fn excepthook(vm: &Vm, args: &Value) -> PyResult<()> {
    let Some(args) = args.downcast::<ExceptHookArgs>() else {
        return Err(vm.type_error("_thread._excepthook argument type must be ExceptHookArgs"));
    };
    let [class, value, traceback, thread] = structseq::fields(args.payload()) else { return Ok(()) };
    if rspy_runtime::exceptions::stop::SystemExit::static_type().is(class) {
        return Ok(());
    }
    let mut file = vm.sys_attribute(&vm.intern("stderr")).unwrap_or_else(none);
    if is_none(&file) {
        if is_none(thread) {
            return Ok(());
        }
        file = vm.get_attribute_str(thread, "_stderr")?;
        if is_none(&file) {
            return Ok(());
        }
    }
    let name = if is_none(thread) {
        None
    } else {
        vm.get_attribute_optional(thread, &vm.intern("_name"))?
    };
    let name = match name {
        Some(name) => vm.str(&name)?.to_string_lossy().into_owned(),
        None => vm.thread_id.to_string(),
    };
    let write = |text: &str| vm.call_method_str(&file, "write", &[vm.new_str(text)]);
    write(&format!("Exception in thread {name}:\n"))?;
    let traceback_module = rspy_runtime::import::import_module(vm, "traceback")?;
    let print = vm.get_attribute_str(&traceback_module, "print_exception")?;
    let arguments = [class.clone(), value.clone(), traceback.clone()];
    vm.call_with_keywords(&print, &arguments, &[("file", file.clone())])?;
    vm.call_method_str(&file, "flush", &[]).map(drop)
}
