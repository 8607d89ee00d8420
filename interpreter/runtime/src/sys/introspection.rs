//! Functions of `sys` that look at objects, frames and the interpreter.

use rspy_macros::pyfunctions;

use crate::audit;
use crate::eval::frame::Frame;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Ref};
use crate::types::dict::Dict;
use crate::types::frame::FrameObject;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Functions of `sys`.
pub struct Introspection;

#[pyfunctions]
impl Introspection {
    /// Return a frame object from the call stack.
    #[function("_getframe(depth=0, /)")]
    fn getframe(vm: &Vm, depth: i32) -> PyResult<Ref<FrameObject>> {
        let mut frame = vm.frame.get();
        for _ in 0..depth.max(0) {
            if frame.is_null() {
                break;
            }
            // SAFETY: linked frames are alive.
            frame = unsafe { (*frame).previous };
        }
        if frame.is_null() {
            return Err(vm.value_error("call stack is not deep enough"));
        }
        // SAFETY: linked frames are alive.
        let frame = unsafe { Frame::object(frame) };
        audit::raise_event(vm, "sys._getframe", || vec![frame.to_value()])?;
        Ok(frame)
    }

    /// Return the name of the module for the calling frame.
    #[function("_getframemodulename(depth=0)")]
    fn getframemodulename(vm: &Vm, depth: i32) -> PyResult<Option<Value>> {
        audit::raise_event(vm, "sys._getframemodulename", || vec![Value::int(depth)])?;
        let mut frame = vm.frame.get();
        for _ in 0..depth.max(0) {
            if frame.is_null() {
                return Ok(None);
            }
            // SAFETY: linked frames are alive.
            frame = unsafe { (*frame).previous };
        }
        // SAFETY: linked frames are alive.
        Ok((!frame.is_null()).then(|| unsafe { (*frame).globals().get_str(&names::__name__) }).flatten())
    }

    /// Return a dict mapping each thread's thread id to its current stack frame.
    #[function("_current_frames()")]
    fn current_frames(vm: &Vm) -> PyResult<Ref<Dict>> {
        audit::raise_event(vm, "sys._current_frames", Vec::new)?;
        let frames = Dict::new();
        let mut found = Vec::new();
        vm.interpreter.threads.for_each(|thread| {
            let frame = thread.frame.get();
            if !frame.is_null() {
                // SAFETY: a thread's linked frames are alive while it does not run.
                found.push((thread.thread_id, unsafe { Frame::object(frame) }));
            }
        });
        for (thread, frame) in found {
            frames.set(vm, &crate::types::int::from_i128(i128::from(thread)), frame.into_value())?;
        }
        Ok(frames)
    }

    /// Return a dict mapping each thread's identifier to its current raised exception.
    #[function("_current_exceptions()")]
    fn current_exceptions(vm: &Vm) -> PyResult<Ref<Dict>> {
        audit::raise_event(vm, "sys._current_exceptions", Vec::new)?;
        let exceptions = Dict::new();
        let mut found = Vec::new();
        vm.interpreter.threads.for_each(|thread| found.push((thread.thread_id, thread.handled_exception())));
        for (thread, exception) in found {
            let value = exception.map_or_else(none, |exception| exception.into_value());
            exceptions.set(vm, &crate::types::int::from_i128(i128::from(thread)), value)?;
        }
        Ok(exceptions)
    }

    /// Return current exception information: (type, value, traceback).
    #[function("exc_info()")]
    fn exc_info(vm: &Vm) -> Ref<Tuple> {
        match vm.handled_exception() {
            Some(exception) => {
                let value = exception.into_value();
                let traceback = crate::exceptions::traceback_of(&value);
                Tuple::from_values([value.type_of().to_value(), value, traceback])
            }
            None => Tuple::from_values([none(), none(), none()]),
        }
    }

    /// Return the current exception.
    #[function("exception()")]
    fn exception(vm: &Vm) -> Option<Value> {
        vm.handled_exception().map(|exception| exception.into_value())
    }

    /// Return the reference count of object.
    #[function("getrefcount(object, /)")]
    fn getrefcount(object: &Value) -> u32 {
        object.reference_count()
    }

    /// Return the size of object in bytes.
    #[function("getsizeof")]
    fn getsizeof(vm: &Vm, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        let (positional, keywords) = crate::arguments::KeywordArguments::of_call(args, names);
        let object = match positional.first().or_else(|| keywords.get("object")) {
            Some(object) => object,
            None => return Err(vm.type_error("getsizeof() missing required argument 'object' (pos 1)")),
        };
        let default = positional.get(1).or_else(|| keywords.get("default"));
        match vm.call_special(object, &names::__sizeof__, &[]) {
            Ok(Some(size)) => {
                if !crate::types::int::is_int(&size) {
                    return default.cloned().ok_or_else(|| vm.type_error("an integer is required"));
                }
                let size = vm.index_size(&size, |vm| {
                    vm.overflow_error("Python int too large to convert to C ssize_t")
                })?;
                if size < 0 {
                    return Err(vm.value_error("__sizeof__() should return >= 0"));
                }
                let collected = object.type_of().has_flag(crate::types::typ::TypeFlags::TRACKED);
                Ok(crate::types::int::from_i128(size as i128 + if collected { 16 } else { 0 }))
            }
            Ok(None) => default.cloned().ok_or_else(|| {
                vm.type_error(format!("Type {} doesn't define __sizeof__", object.type_of().full_name()))
            }),
            Err(error) if error.is_type_error() && default.is_some() => {
                Ok(default.cloned().unwrap_or_else(none))
            }
            Err(error) => Err(error),
        }
    }

    /// ``Intern'' the given string.
    #[function("intern(string, /)")]
    fn intern(vm: &Vm, string: &Value) -> PyResult {
        match string.downcast_exact::<Str>() {
            Some(text) => Ok(crate::types::string::intern::intern(text).into_value()),
            None if string.downcast::<Str>().is_some() => {
                Err(vm.type_error(format!("can't intern {}", string.type_of().full_name())))
            }
            None => Err(
                vm.type_error(format!("intern() argument must be str, not {}", string.type_of().full_name()))
            ),
        }
    }

    /// Return True if the given string is "interned".
    #[function("_is_interned(string, /)")]
    fn is_interned(string: &Object<Str>) -> bool {
        string.is_interned()
    }

    /// Return True if the given object is "immortal".
    #[function("_is_immortal(op, /)")]
    fn is_immortal(op: &Value) -> bool {
        op.header().is_none_or(|header| header.is_immortal())
    }

    /// Return True if the GIL is currently enabled and False if it is disabled.
    #[function("_is_gil_enabled()")]
    fn is_gil_enabled() -> bool {
        true
    }

    /// Return the current default encoding used by the Unicode implementation.
    #[function("getdefaultencoding()")]
    fn getdefaultencoding() -> &'static str {
        "utf-8"
    }

    /// Return the encoding used to convert Unicode filenames to OS filenames.
    #[function("getfilesystemencoding()")]
    fn getfilesystemencoding() -> &'static str {
        "utf-8"
    }

    /// Return the error mode used Unicode to OS filename conversion.
    #[function("getfilesystemencodeerrors()")]
    fn getfilesystemencodeerrors() -> &'static str {
        "surrogateescape"
    }

    /// Return True if Python is finalizing.
    #[function("is_finalizing()")]
    fn is_finalizing(vm: &Vm) -> bool {
        vm.interpreter.finalizing.get()
    }

    /// Return the maximum string digits limit for non-binary int<->str conversions.
    #[function("get_int_max_str_digits()")]
    fn get_int_max_str_digits(vm: &Vm) -> i64 {
        vm.interpreter.int_max_str_digits.get()
    }

    /// Set the maximum string digits limit for non-binary int<->str conversions.
    #[function("set_int_max_str_digits(maxdigits)")]
    fn set_int_max_str_digits(vm: &Vm, maxdigits: i64) -> PyResult<()> {
        if maxdigits != 0 && maxdigits < 640 {
            return Err(vm.value_error("maxdigits must be >= 640 or 0 for unlimited"));
        }
        vm.interpreter.int_max_str_digits.set(maxdigits);
        Ok(())
    }

    /// Return the number of objects that are currently allocated, as far as the collector knows them.
    #[function("getallocatedblocks()")]
    fn getallocatedblocks(vm: &Vm) -> usize {
        vm.interpreter.collector.counts().iter().sum()
    }

    /// Remove the descriptors of `__dict__` and `__weakref__` from a class, which then is made again with slots.
    #[function("_clear_type_descriptors(type, /)")]
    fn clear_type_descriptors(vm: &Vm, r#type: &Object<crate::types::typ::Type>) -> PyResult<()> {
        if !r#type.is_heap() {
            return Err(vm.type_error("argument is immutable"));
        }
        for name in [&*crate::names::__dict__, &*crate::names::__weakref__] {
            drop(r#type.dict().remove_str(name));
        }
        r#type.modified();
        Ok(())
    }

    /// Clear type cache and other caches.
    #[function("_clear_internal_caches()")]
    fn clear_internal_caches(vm: &Vm) {
        vm.interpreter.method_cache.clear();
    }

    /// Clear the internal type lookup cache.
    #[function("_clear_type_cache()")]
    fn clear_type_cache(vm: &Vm) -> PyResult<()> {
        crate::warnings::warn(
            vm,
            crate::exceptions::deprecation_warning(),
            "sys._clear_type_cache() is deprecated and scheduled for removal in a future version. Use sys._clear_internal_caches() instead.",
            1,
        )?;
        vm.interpreter.method_cache.clear();
        Ok(())
    }

    /// Call func(*args), while tracing is enabled.
    #[function("call_tracing(func, args, /)")]
    fn call_tracing(vm: &Vm, func: &Value, args: &Object<Tuple>) -> PyResult {
        crate::watch::loudly(vm, || vm.call(func, args.items()))
    }
}
