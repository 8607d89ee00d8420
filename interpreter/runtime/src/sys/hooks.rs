//! Functions of `sys` that the interpreter calls or that change how it runs: hooks, tracing, limits.

use rspy_macros::pyfunctions;

use crate::audit;
use crate::exceptions::print::print_value;
use crate::exceptions::traceback::Traceback;
use crate::exceptions::{PyResult, base_of, is_exception};
use crate::names;
use crate::object::{Object, Payload};
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::structseq;
use crate::value::Value;
use crate::vm::Vm;

/// Functions of `sys`.
pub struct Hooks;

fn hook_value(vm: &Vm, value: Option<&Value>, what: &str) -> PyResult<Option<Option<Value>>> {
    match value {
        None => Ok(None),
        Some(value) if is_none(value) => Ok(Some(None)),
        Some(value) if vm.is_callable(value) => Ok(Some(Some(value.clone()))),
        Some(value) => {
            Err(vm.type_error(format!("callable {what} expected, got {}", value.type_of().full_name())))
        }
    }
}

/// The event of setting a function for all threads, once for each of them. A hook's objection is shown, and changes nothing.
fn tell_of_all_threads(vm: &Vm, event: &str) {
    let mut count = 0;
    vm.interpreter.threads.for_each(|_| count += 1);
    for _ in 0..count {
        if let Err(error) = audit::raise_event(vm, event, Vec::new) {
            crate::exceptions::print::write_unraisable(vm, error, None, None);
        }
    }
}

#[pyfunctions]
impl Hooks {
    /// Print an object to sys.stdout and also save it in builtins._
    #[function("displayhook(object, /)")]
    fn displayhook(vm: &Vm, object: &Value) -> PyResult<()> {
        if is_none(object) {
            return Ok(());
        }
        let underscore = vm.intern("_");
        vm.builtins().set_str(&underscore, none());
        let Some(stdout) = vm.sys_attribute(&names::stdout).filter(|stream| !is_none(stream)) else {
            return Err(vm.runtime_error("lost sys.stdout"));
        };
        let text = vm.repr(object)?;
        match vm.call_method(&stdout, &names::write, &[text.clone().into_value()]) {
            Ok(_) => {}
            Err(error) if error.is_unicode_encode_error() => {
                let encoding = vm.get_attribute(&stdout, &names::encoding)?;
                let bytes = vm.call_method(
                    text.value(),
                    &names::encode,
                    &[encoding.clone(), vm.new_str("backslashreplace")],
                )?;
                match vm.get_attribute_optional(&stdout, &vm.intern("buffer"))? {
                    Some(buffer) => drop(vm.call_method(&buffer, &names::write, &[bytes])?),
                    None => {
                        let text =
                            vm.call_method(&bytes, &names::decode, &[encoding, vm.new_str("strict")])?;
                        drop(vm.call_method(&stdout, &names::write, &[text])?);
                    }
                }
            }
            Err(error) => return Err(error),
        }
        vm.call_method(&stdout, &names::write, &[vm.new_str("\n")])?;
        vm.builtins().set_str(&underscore, object.clone());
        Ok(())
    }

    /// Handle an exception by displaying it with a traceback on sys.stderr.
    #[function("excepthook(exctype, value, traceback, /)")]
    fn excepthook(vm: &Vm, exctype: &Value, value: &Value, traceback: &Value) {
        let _ = exctype;
        if is_exception(value) && traceback.downcast::<Traceback>().is_some() {
            let base = base_of(value);
            if base.traceback().is_none() {
                base.set_traceback(Some(traceback.clone()));
            }
        }
        print_value(vm, value);
    }

    /// Handle an unraisable exception.
    #[function("unraisablehook(unraisable, /)")]
    fn unraisablehook(vm: &Vm, unraisable: &Value) -> PyResult<()> {
        crate::exceptions::print::unraisable_hook(vm, unraisable)
    }

    /// This hook function is called by built-in breakpoint().
    #[function("breakpointhook(*args, **kwargs)")]
    fn breakpointhook(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        let wanted = if vm.interpreter.configuration.ignore_environment {
            None
        } else {
            std::env::var("PYTHONBREAKPOINT").ok()
        };
        let wanted = match wanted.as_deref() {
            None | Some("") => "pdb.set_trace",
            Some("0") => return Ok(none()),
            Some(other) => other,
        };
        let (module, function) = wanted.rsplit_once('.').unwrap_or(("builtins", wanted));
        let found = crate::import::import_module(vm, module)
            .and_then(|module| vm.get_attribute_str(&module, function));
        match found {
            Ok(function) => vm.call_with_names(&function, args, names),
            Err(error) if error.is_import_error() || error.is_attribute_error() => {
                crate::warnings::warn(
                    vm,
                    crate::exceptions::hierarchy::RuntimeWarning::static_type(),
                    &format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{wanted}\""),
                    1,
                )?;
                Ok(none())
            }
            Err(error) => Err(error),
        }
    }

    /// Passes the event to any hooks that are attached.
    #[function("audit(event, /, *args)")]
    fn audit(vm: &Vm, event: &Object<Str>, args: &[Value]) -> PyResult<()> {
        audit::raise_event(vm, &event.to_string_lossy(), || args.to_vec())
    }

    /// Adds a new audit hook callback.
    #[function("addaudithook(hook)")]
    fn addaudithook(vm: &Vm, hook: &Value) -> PyResult<()> {
        audit::add_hook(vm, hook)
    }

    /// Exit the interpreter by raising SystemExit(status).
    #[function("exit(status=None, /)")]
    fn exit(vm: &Vm, status: Option<Value>) -> PyResult {
        let class = crate::exceptions::stop::SystemExit::static_type();
        Err(match status.as_ref().and_then(|status| status.downcast::<crate::types::tuple::Tuple>()) {
            Some(args) => vm.exception_with_args(class, args.items()),
            None => vm.exception_with_args(class, status.as_slice()),
        })
    }

    /// Set the global debug tracing function.
    #[function("settrace(function, /)")]
    fn settrace(vm: &Vm, function: &Value) -> PyResult<()> {
        audit::raise_event(vm, "sys.settrace", Vec::new)?;
        crate::watch::set_functions(vm, Some((!is_none(function)).then(|| function.clone())), None);
        Ok(())
    }

    /// Return the global debug tracing function set with sys.settrace.
    #[function("gettrace()")]
    fn gettrace(vm: &Vm) -> Option<Value> {
        vm.trace.get()
    }

    /// Set the profiling function.
    #[function("setprofile(function, /)")]
    fn setprofile(vm: &Vm, function: &Value) -> PyResult<()> {
        audit::raise_event(vm, "sys.setprofile", Vec::new)?;
        crate::watch::set_functions(vm, None, Some((!is_none(function)).then(|| function.clone())));
        Ok(())
    }

    /// Set the debug tracing function of all running threads.
    #[function("_settraceallthreads(function, /)")]
    fn settraceallthreads(vm: &Vm, function: &Value) {
        tell_of_all_threads(vm, "sys.settrace");
        let function = (!is_none(function)).then(|| function.clone());
        vm.interpreter
            .threads
            .for_each(|thread| crate::watch::set_functions(thread, Some(function.clone()), None));
    }

    /// Set the profiling function of all running threads.
    #[function("_setprofileallthreads(function, /)")]
    fn setprofileallthreads(vm: &Vm, function: &Value) {
        tell_of_all_threads(vm, "sys.setprofile");
        let function = (!is_none(function)).then(|| function.clone());
        vm.interpreter
            .threads
            .for_each(|thread| crate::watch::set_functions(thread, None, Some(function.clone())));
    }

    /// Return the profiling function set with sys.setprofile.
    #[function("getprofile()")]
    fn getprofile(vm: &Vm) -> Option<Value> {
        vm.profile.get()
    }

    /// The plain prompt, without line editing, in the names of `__main__`.
    #[function("_baserepl()")]
    fn baserepl(vm: &Vm) -> PyResult<()> {
        let main = vm.interpreter.modules.get_str(&crate::names::__main__);
        match main.as_ref().and_then(|main| main.downcast::<crate::types::module::Module>()) {
            Some(main) => crate::sys::prompt::run(vm, &main.dict()),
            None => Err(vm.runtime_error("there is no module __main__")),
        }
    }

    /// Return the current value of the recursion limit.
    #[function("getrecursionlimit()")]
    fn getrecursionlimit(vm: &Vm) -> u32 {
        vm.interpreter.recursion_limit.get()
    }

    /// Set the maximum depth of the Python interpreter stack to n.
    #[function("setrecursionlimit(limit, /)")]
    fn setrecursionlimit(vm: &Vm, limit: i32) -> PyResult<()> {
        if limit < 1 {
            return Err(vm.value_error("recursion limit must be greater or equal than 1"));
        }
        let depth = vm.depth.get();
        if depth >= limit as u32 {
            return Err(vm.recursion_error(format!(
                "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
            )));
        }
        vm.interpreter.recursion_limit.set(limit as u32);
        Ok(())
    }

    /// Set the ideal thread switching delay inside the Python interpreter.
    #[function("setswitchinterval(interval, /)")]
    fn setswitchinterval(vm: &Vm, interval: f64) -> PyResult<()> {
        if interval <= 0.0 {
            return Err(vm.value_error("switch interval must be strictly positive"));
        }
        crate::threads::set_switch_interval(interval);
        Ok(())
    }

    /// Return the current thread switch interval.
    #[function("getswitchinterval()")]
    fn getswitchinterval() -> f64 {
        crate::threads::switch_interval()
    }

    /// Return the installed asynchronous generators hooks.
    #[function("get_asyncgen_hooks()")]
    fn get_asyncgen_hooks(vm: &Vm) -> Value {
        let (first, finalizer) = vm.async_generator_hooks.get();
        structseq::new::<super::AsyncGeneratorHooks>(vec![
            first.unwrap_or_else(none),
            finalizer.unwrap_or_else(none),
        ])
    }

    /// Set a finalizer for async generators objects.
    #[function("set_asyncgen_hooks(firstiter=<unrepresentable>, finalizer=<unrepresentable>)")]
    fn set_asyncgen_hooks(vm: &Vm, firstiter: Option<&Value>, finalizer: Option<&Value>) -> PyResult<()> {
        let first = hook_value(vm, firstiter, "firstiter")?;
        let last = hook_value(vm, finalizer, "finalizer")?;
        if last.is_some() {
            audit::raise_event(vm, "sys.set_asyncgen_hook_finalizer", Vec::new)?;
        }
        if first.is_some() {
            audit::raise_event(vm, "sys.set_asyncgen_hook_firstiter", Vec::new)?;
        }
        let (old_first, old_last) = vm.async_generator_hooks.get();
        vm.async_generator_hooks.set((first.unwrap_or(old_first), last.unwrap_or(old_last)));
        Ok(())
    }

    /// Check status of origin tracking for coroutine objects in this thread.
    #[function("get_coroutine_origin_tracking_depth()")]
    fn get_coroutine_origin_tracking_depth(vm: &Vm) -> u32 {
        vm.coroutine_origin_depth.get()
    }

    /// Enable or disable origin tracking for coroutine objects in this thread.
    #[function("set_coroutine_origin_tracking_depth(depth)")]
    fn set_coroutine_origin_tracking_depth(vm: &Vm, depth: i32) -> PyResult<()> {
        match u32::try_from(depth) {
            Ok(depth) => vm.coroutine_origin_depth.set(depth),
            Err(_) => return Err(vm.value_error("depth must be >= 0")),
        }
        Ok(())
    }
}
