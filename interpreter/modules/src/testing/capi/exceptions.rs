//! Raising, comparing and showing exceptions.

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::exceptions::{self, Exception, PyResult, print, traceback};
use rspy_runtime::object::{Object, Payload, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// An exception that cannot be made: making it raises the same exception, without end.
#[pyclass(name = "RecursingInfinitelyError", module = "_testcapi", extends = PlainException, tracked, subclassable, exception, static_type)]
#[repr(C)]
pub struct RecursingInfinitelyError {
    base: exceptions::base::BaseException,
}

#[pymethods]
impl RecursingInfinitelyError {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        exceptions::base::new(vm, cls, args, names)
    }

    #[slot(init)]
    fn init(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let _ = (args, names);
        let made = vm.call(&this.type_of().to_value(), &[])?;
        Err(vm.raised(made))
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Raise an exception of a class, called with so many numbers.
    #[function("raise_exception(exception, num_args, /)")]
    fn raise_exception(vm: &Vm, exception: &Value, num_args: i64) -> PyResult {
        if exceptions::as_exception_class(exception).is_none() {
            let shown = vm.repr(exception)?;
            return Err(vm.system_error(format!(
                "_PyErr_SetObject: exception {} is not a BaseException subclass",
                shown.to_string_lossy()
            )));
        }
        let args: Vec<Value> = (0..num_args).map(int::new).collect();
        let made = vm.call(exception, &args)?;
        if !exceptions::is_exception(&made) {
            return Err(vm.type_error(format!(
                "calling {} should have returned an instance of BaseException, not {}",
                vm.repr(exception)?.to_string_lossy(),
                made.type_of().full_name()
            )));
        }
        Err(vm.raised(made))
    }

    /// Raise the exception of a failed allocation.
    #[function("raise_memoryerror()")]
    fn raise_memoryerror(vm: &Vm) -> PyResult {
        Err(vm.memory_error())
    }

    /// Whether `except` with a class, or a tuple of them, would catch an exception.
    #[function("err_givenexceptionmatches(exception, types, /)")]
    fn given_exception_matches(exception: &Value, types: &Value) -> bool {
        exceptions::raise::given_exception_matches(exception, types)
    }

    /// Report an exception that cannot be raised.
    #[function("err_writeunraisable(exception, object, /)")]
    fn write_unraisable(vm: &Vm, exception: &Value, object: &Value) -> PyResult<()> {
        let object = Some(object).filter(|object| !is_none(object));
        print::write_unraisable(vm, exception_argument(vm, exception)?, None, object);
        Ok(())
    }

    /// Report an exception that cannot be raised, with a text and what it speaks of.
    #[function("err_formatunraisable(exception, format=None, /, *args)")]
    fn format_unraisable(vm: &Vm, exception: &Value, format: Option<&Value>, args: &[Value]) -> PyResult<()> {
        let message = match format {
            Some(format) => {
                // C's marks for objects are `%R` for the representation and `%S` for the text.
                let format = vm.str(format)?.to_string_lossy().replace("%R", "%r").replace("%S", "%s");
                let args = Tuple::from_values(args.to_vec()).into_value();
                Some(vm.str(&vm.remainder(&vm.new_str(&format), &args)?)?.to_string_lossy().into_owned())
            }
            None => None,
        };
        print::write_unraisable(vm, exception_argument(vm, exception)?, message.as_deref(), None);
        Ok(())
    }

    /// Make an exception class.
    #[function("make_exception_with_doc(name, doc=None, base=None, dict=None)")]
    fn make_exception_with_doc(
        vm: &Vm,
        name: String,
        doc: Option<&Value>,
        base: Option<&Value>,
        dict: Option<&Object<Dict>>,
    ) -> PyResult {
        let Some((module, name)) = name.rsplit_once('.') else {
            return Err(vm.system_error("PyErr_NewException: name must be module.class"));
        };
        let namespace = dict.map_or_else(Dict::new, |dict| dict.copy());
        if let Some(doc) = doc {
            namespace.set_str(&vm.intern("__doc__"), doc.clone());
        }
        namespace.set_str(&vm.intern("__module__"), vm.new_str(module));
        let bases = match base {
            Some(bases) if bases.downcast::<Tuple>().is_some() => bases.clone(),
            Some(base) => Tuple::from_values([base.clone()]).into_value(),
            None => {
                let exception = exceptions::hierarchy::PlainException::static_type();
                Tuple::from_values([exception.to_value()]).into_value()
            }
        };
        vm.call(&Type::static_type().to_value(), &[vm.new_str(name), bases, namespace.into_value()])
    }

    /// Show an exception on the standard error stream.
    #[function("exception_print(exception, legacy=0, /)")]
    fn exception_print(vm: &Vm, exception: &Value, legacy: i32) {
        let _ = legacy;
        print::print_value(vm, exception);
    }

    /// Write a traceback to a file.
    #[function("traceback_print(traceback, file, /)")]
    fn traceback_print(vm: &Vm, traceback: &Value, file: &Value) -> PyResult<()> {
        if traceback.downcast::<traceback::Traceback>().is_none() {
            return Err(vm.system_error("bad argument to internal function"));
        }
        let text = print::plain_traceback(vm, traceback);
        vm.call_method_str(file, "write", &[vm.new_str(&text)])?;
        Ok(())
    }
}

fn exception_argument(vm: &Vm, value: &Value) -> PyResult<Exception> {
    if exceptions::is_exception(value) {
        Ok(Exception::from_value(value.clone()))
    } else {
        Err(vm.type_error(format!("an exception is expected, not {}", value.type_of().name())))
    }
}
