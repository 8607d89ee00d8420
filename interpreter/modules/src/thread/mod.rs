//! `_thread`: threads, locks and what belongs to one thread alone.

mod handle;
mod local;
mod lock;

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::attention::SignalHandler;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::print::write_unraisable_about;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{float, structseq};
use rspy_runtime::{Value, Vm, host, interpreters, native_module, struct_sequence};

use handle::ThreadHandle;
use local::{Local, Mark};
use lock::{Lock, RLock, TIMEOUT_MAX};

/// Reports what a thread's function let through, by `sys.unraisablehook` or silently for `SystemExit`.
fn report(vm: &Vm, result: PyResult, function: &Value) {
    let Err(error) = result else { return };
    if error.is_system_exit() {
        return;
    }
    write_unraisable_about(vm, error, "Exception ignored in thread started by", function);
}

struct Thread;

#[pyfunctions]
impl Thread {
    /// Start a new thread and return its identifier.
    #[function("start_new_thread(function, args, kwargs={}, /)")]
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
        audit::raise_event(vm, "_thread.start_new_thread", || {
            vec![function.clone(), args.to_value(), kwargs.cloned().unwrap_or_else(none)]
        })?;
        let (function, args) = (function.clone(), args.to_ref());
        let handle = ThreadHandle::unstarted(vm);
        ThreadHandle::start(&handle, vm, true, move |vm| {
            let result = match &keywords {
                Some(keywords) => vm.call_with_dict(&function, args.items(), keywords),
                None => vm.call(&function, args.items()),
            };
            report(vm, result, &function);
        })
    }

    /// An obsolete synonym of start_new_thread().
    #[function("start_new(function, args, kwargs={}, /)")]
    fn start_new(vm: &Vm, function: &Value, args: &Value, kwargs: Option<&Value>) -> PyResult<u64> {
        Thread::start_new_thread(vm, function, args, kwargs)
    }

    /// Start a thread that can be joined, and return its handle.
    #[function("start_joinable_thread(function, handle=None, daemon=True)")]
    fn start_joinable_thread(vm: &Vm, function: &Value, handle: Option<&Value>, daemon: bool) -> PyResult {
        if !vm.is_callable(function) {
            return Err(vm.type_error("thread function must be callable"));
        }
        audit::raise_event(vm, "_thread.start_joinable_thread", || {
            vec![function.clone(), Value::int(daemon.into()), handle.cloned().unwrap_or_else(none)]
        })?;
        let handle = match handle {
            None => ThreadHandle::unstarted(vm),
            Some(handle) => match handle.downcast::<ThreadHandle>() {
                Some(handle) => handle.to_ref(),
                None => return Err(vm.type_error("'handle' must be a _ThreadHandle")),
            },
        };
        let function = function.clone();
        ThreadHandle::start(&handle, vm, daemon, move |vm| {
            let result = vm.call(&function, &[]);
            report(vm, result, &function);
        })?;
        Ok(handle.into_value())
    }

    /// Whether daemon threads can be made.
    #[function("daemon_threads_allowed()")]
    fn daemon_threads_allowed(vm: &Vm) -> bool {
        vm.interpreter.identity.features.allow_daemon_threads
    }

    /// Create a new lock object.
    #[function("allocate_lock()")]
    fn allocate_lock() -> Ref<Lock> {
        Lock::unlocked()
    }

    /// An obsolete synonym of allocate_lock().
    #[function("allocate()")]
    fn allocate() -> Ref<Lock> {
        Thread::allocate_lock()
    }

    /// Return an integer that identifies the current thread.
    #[function("get_ident()")]
    fn get_ident(vm: &Vm) -> u64 {
        vm.thread_id
    }

    /// Return the integer by which the system identifies the current thread.
    #[function("get_native_id()")]
    fn get_native_id() -> i32 {
        rspy_runtime::host::native_thread_id()
    }

    /// Internal only. Return the identity of the main thread.
    #[function("_get_main_thread_ident()")]
    fn get_main_thread_ident(vm: &Vm) -> u64 {
        interpreters::find(0).unwrap_or(vm.interpreter).threads.main()
    }

    /// Return True if the current interpreter is the main Python interpreter.
    #[function("_is_main_interpreter()")]
    fn is_main_interpreter(vm: &Vm) -> bool {
        vm.interpreter.is_main()
    }

    /// Return the number of threads currently running.
    #[function("_count()")]
    fn count(vm: &Vm) -> usize {
        vm.interpreter.threads.count().saturating_sub(1)
    }

    /// Raise SystemExit, which ends the thread.
    #[function("exit()")]
    fn exit(vm: &Vm) -> PyResult {
        Err(vm.exception_with_args(rspy_runtime::exceptions::stop::SystemExit::static_type(), &[]))
    }

    /// An obsolete synonym of exit().
    #[function("exit_thread()")]
    fn exit_thread(vm: &Vm) -> PyResult {
        Thread::exit(vm)
    }

    /// Return the thread stack size used when creating new threads.
    #[function("stack_size(size=0, /)")]
    fn stack_size(vm: &Vm, size: Option<i64>) -> PyResult<usize> {
        let old = vm.interpreter.threads.stack_size.get();
        if let Some(size) = size {
            if size < 0 {
                return Err(vm.value_error("size must be 0 or a positive value"));
            }
            if size != 0 && size < 32 << 10 {
                return Err(vm.value_error(format!("size not valid: {size} bytes")));
            }
            vm.interpreter.threads.stack_size.set(size as usize);
        }
        Ok(old)
    }

    /// Simulate the arrival of a signal in the main thread.
    #[function("interrupt_main(signum=2, /)")]
    fn interrupt_main(vm: &Vm, signum: i32) -> PyResult<()> {
        if !(1..=64).contains(&signum) {
            return Err(vm.value_error("signal number out of range"));
        }
        // What nobody handles does nothing.
        if matches!(
            vm.interpreter.threads.signals.get(signum),
            SignalHandler::Default | SignalHandler::Ignore
        ) {
            return Ok(());
        }
        host::trip_signal(signum);
        vm.interpreter.request(rspy_runtime::vm::request::SIGNAL);
        Ok(())
    }

    /// Make a handle of a thread that runs already.
    #[function("_make_thread_handle(ident, /)")]
    fn make_thread_handle(vm: &Vm, ident: u64) -> Ref<ThreadHandle> {
        ThreadHandle::running(vm, ident)
    }

    /// Wait for all threads that are not daemons.
    #[function("_shutdown()")]
    fn shutdown(vm: &Vm) -> PyResult<()> {
        handle::wait_for_all(vm)
    }

    /// Handle uncaught Thread.run() exception.
    #[function("_excepthook(exc_info, /)")]
    fn excepthook(vm: &Vm, exc_info: &Value) -> PyResult<()> {
        if exc_info.downcast::<ExceptHookArgs>().is_none() {
            return Err(vm.type_error("_thread.excepthook argument type must be ExceptHookArgs"));
        }
        let exception = vm.get_attribute_str(exc_info, "exc_value")?;
        let error_type = vm.get_attribute_str(exc_info, "exc_type")?;
        if error_type.is(&rspy_runtime::exceptions::stop::SystemExit::static_type().to_value()) {
            return Ok(());
        }
        let thread = vm.get_attribute_str(exc_info, "thread")?;
        let name = if is_none(&thread) {
            vm.thread_id.to_string()
        } else {
            let name = vm.get_attribute_str(&thread, "name")?;
            vm.str(&name)?.to_string_lossy().into_owned()
        };
        let stderr = vm.sys_attribute(&vm.intern("stderr")).filter(|stream| !is_none(stream));
        let Some(stderr) = stderr else { return Ok(()) };
        vm.call_method_str(&stderr, "write", &[vm.new_str(&format!("Exception in thread {name}:\n"))])?;
        if rspy_runtime::exceptions::is_exception(&exception) {
            rspy_runtime::exceptions::print::print_uncaught(
                vm,
                &rspy_runtime::Exception::from_value(exception),
            );
        }
        vm.call_method_str(&stderr, "flush", &[])?;
        Ok(())
    }

    /// Get the name of the current thread.
    #[function("_get_name()")]
    fn get_name() -> Ref<Str> {
        rspy_runtime::paths::decode(&host::thread_name())
    }

    /// Set the name of the current thread.
    #[function("set_name(name)")]
    fn set_name(name: &Object<Str>) {
        // What has no bytes shows as a question mark; a null character ends the name.
        let characters = name.characters();
        let text: String =
            characters.iter().take_while(|&c| c != 0).map(|c| char::from_u32(c).unwrap_or('?')).collect();
        host::set_thread_name(&text.as_bytes()[..text.len().min(NAME_MAXLEN)]);
    }
}

/// The most bytes that the system keeps of a thread's name.
const NAME_MAXLEN: usize = 15;

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
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.",
    functions: [Thread::FUNCTIONS],
    types: [Lock, RLock, Local, ThreadHandle],
    execute: |vm, module| {
        Mark::static_type().ready(vm);
        vm.interpreter.threads.fork_hooks.native_in_child.borrow_mut().push(handle::after_fork);
        module.set(vm, "LockType", Lock::static_type().to_value());
        structseq::publish::<ExceptHookArgs>(vm, module);
        module.set_int(vm, "_NAME_MAXLEN", NAME_MAXLEN as i64);
        module.set(vm, "TIMEOUT_MAX", float::new(TIMEOUT_MAX));
        let error = vm.builtins().get_str(&vm.intern("RuntimeError")).unwrap_or_else(none);
        module.set(vm, "error", error);
        Ok(())
    },
}
