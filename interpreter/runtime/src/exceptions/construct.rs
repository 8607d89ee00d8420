//! Making exceptions from native code: one constructor for each common class, as methods of [`Vm`].
//!
//! An exception made here gets what is being handled as its context at once, as it is about to be raised.

use crate::exceptions::attribute_error::{AttributeError, NameError, UnboundLocalError};
use crate::exceptions::hierarchy::*;
use crate::exceptions::import_error::{ImportError, ModuleNotFoundError};
use crate::exceptions::os_error::OsError;
use crate::exceptions::stop::StopIteration;
use crate::exceptions::unicode::{UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError};
use crate::exceptions::{Exception, base};
use crate::object::{Object, Payload, TypeObject};
use crate::types::int;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

macro_rules! constructors {
    ($($(#[$meta:meta])* $name:ident => $class:ty;)*) => {
        impl Vm {$(
            $(#[$meta])*
            #[cold]
            pub fn $name(&self, message: impl Into<String>) -> Exception {
                self.new_exception(<$class>::static_type(), message)
            }
        )*}
    };
}

constructors! {
    /// A `TypeError`.
    type_error => TypeError;
    /// A `ValueError`.
    value_error => ValueError;
    /// An `IndexError`.
    index_error => IndexError;
    /// A `LookupError`.
    lookup_error => LookupError;
    /// An `OverflowError`.
    overflow_error => OverflowError;
    /// A `ZeroDivisionError`.
    zero_division_error => ZeroDivisionError;
    /// An `ArithmeticError`.
    arithmetic_error => ArithmeticError;
    /// A `RuntimeError`.
    runtime_error => RuntimeError;
    /// A `SystemError`.
    system_error => SystemError;
    /// A `RecursionError`.
    recursion_error => RecursionError;
    /// A `NotImplementedError`.
    not_implemented_error => NotImplementedError;
    /// A `PythonFinalizationError`.
    finalization_error => PythonFinalizationError;
    /// A `BufferError`.
    buffer_error => BufferError;
    /// An `EOFError`.
    eof_error => EOFError;
    /// An `AssertionError`.
    assertion_error => AssertionError;
    /// A `ReferenceError`.
    reference_error => ReferenceError;
    /// A `UnicodeError` that is about no place in a text.
    unicode_error => UnicodeError;
    /// An `AttributeError` without name and object.
    bare_attribute_error => AttributeError;
    /// An `OSError` without an error number.
    os_error_message => OsError;
    /// A `SyntaxError` without a place.
    syntax_error_message => crate::exceptions::syntax_error::SyntaxError;
}

/// Where a `SyntaxError` is.
#[derive(Clone, Debug, Default)]
pub struct SourcePlace {
    /// The line, from 1.
    pub line: i64,
    /// The column in characters, from 1.
    pub column: i64,
    /// The line of the end.
    pub end_line: Option<i64>,
    /// The column of the end.
    pub end_column: Option<i64>,
}

impl Vm {
    /// An exception of any class with a message.
    #[cold]
    pub fn new_exception(&self, class: &TypeObject, message: impl Into<String>) -> Exception {
        let message = self.new_str(&message.into());
        self.exception_with_args(class, &[message])
    }

    /// An exception of any class, called with some arguments. If that fails, it is the failure's exception.
    #[cold]
    pub fn exception_with_args(&self, class: &TypeObject, args: &[Value]) -> Exception {
        let plain = !class.is_heap() && class.native().size == size_of::<Object<base::BaseException>>();
        if plain {
            return self.raised(base::allocate(class, Tuple::from_slice(args)));
        }
        match class.construct(self, args) {
            Ok(value) if crate::exceptions::is_exception(&value) => self.raised(value),
            Ok(value) => self.type_error(format!(
                "calling {} should have returned an instance of BaseException, not {}",
                class.full_name(),
                value.type_of().full_name()
            )),
            Err(error) => error,
        }
    }

    /// An exception object about to be raised: it gets its context.
    pub fn raised(&self, exception: Value) -> Exception {
        crate::exceptions::set_implicit_context(self, &exception);
        Exception::from_value(exception)
    }

    /// A `MemoryError`.
    #[cold]
    pub fn memory_error(&self) -> Exception {
        self.exception_with_args(MemoryError::static_type(), &[])
    }

    /// An `OverflowError` with an error number, as `float.__pow__` raises it.
    #[cold]
    pub fn overflow_error_os(&self, message: impl Into<String>, errno: i32) -> Exception {
        let message = self.new_str(&message.into());
        self.exception_with_args(OverflowError::static_type(), &[Value::int(errno), message])
    }

    /// A `KeyError`.
    #[cold]
    pub fn key_error(&self, key: &Value) -> Exception {
        self.exception_with_args(KeyError::static_type(), std::slice::from_ref(key))
    }

    /// A `KeyError` with a message for a key.
    #[cold]
    pub fn key_error_message(&self, message: impl Into<String>) -> Exception {
        self.new_exception(KeyError::static_type(), message)
    }

    /// An `AttributeError` that knows object and name.
    #[cold]
    pub fn attribute_error(
        &self,
        message: impl Into<String>,
        object: &Value,
        name: &Object<Str>,
    ) -> Exception {
        let error = self.bare_attribute_error(message);
        if let Some(fields) = error.value().downcast::<AttributeError>() {
            fields.obj.set(Some(object.clone()));
            fields.name.set(Some(name.to_value()));
        }
        error
    }

    /// A `NameError`.
    #[cold]
    pub fn name_error(&self, message: impl Into<String>, name: &Object<Str>) -> Exception {
        self.named(NameError::static_type(), message.into(), name)
    }

    /// An `UnboundLocalError`.
    #[cold]
    pub fn unbound_local_error(&self, message: impl Into<String>) -> Exception {
        self.new_exception(UnboundLocalError::static_type(), message)
    }

    fn named(&self, class: &TypeObject, message: String, name: &Object<Str>) -> Exception {
        let error = self.new_exception(class, message);
        if let Some(fields) = error.value().downcast::<NameError>() {
            fields.name.set(Some(name.to_value()));
        }
        error
    }

    /// A `StopIteration` that brings a value.
    pub fn stop_iteration(&self, value: Value) -> Exception {
        let args = if is_none(&value) { Tuple::empty() } else { Tuple::from_values([value.clone()]) };
        let error = base::allocate(StopIteration::static_type(), args);
        if let Some(stop) = error.downcast::<StopIteration>() {
            stop.value.set(Some(value));
        }
        self.raised(error)
    }

    /// A `GeneratorExit`.
    pub fn generator_exit(&self) -> Exception {
        self.exception_with_args(GeneratorExit::static_type(), &[])
    }

    /// A `StopAsyncIteration`.
    pub fn stop_async_iteration(&self) -> Exception {
        self.exception_with_args(StopAsyncIteration::static_type(), &[])
    }

    /// An `ImportError` with the module's name and path, as far as they are known.
    #[cold]
    pub fn import_error(
        &self,
        message: impl Into<String>,
        name: Option<&Value>,
        path: Option<&Value>,
    ) -> Exception {
        self.import_failure(ImportError::static_type(), message.into(), name, path)
    }

    /// An `ImportError` for a name that a module does not have.
    #[cold]
    pub fn import_from_error(
        &self,
        message: impl Into<String>,
        module: Option<&Value>,
        path: Option<&Value>,
        name: &Object<Str>,
    ) -> Exception {
        let error = self.import_failure(ImportError::static_type(), message.into(), module, path);
        if let Some(fields) = error.value().downcast::<ImportError>() {
            fields.name_from.set(Some(name.to_value()));
        }
        error
    }

    /// A `ModuleNotFoundError` with the module's name.
    #[cold]
    pub fn module_not_found_error(&self, message: impl Into<String>, name: Option<&Value>) -> Exception {
        self.import_failure(ModuleNotFoundError::static_type(), message.into(), name, None)
    }

    fn import_failure(
        &self,
        class: &TypeObject,
        message: String,
        name: Option<&Value>,
        path: Option<&Value>,
    ) -> Exception {
        let error = self.new_exception(class, message);
        if let Some(fields) = error.value().downcast::<ImportError>() {
            // CPython's import machinery gives `None` for what it does not know.
            fields.name.set(Some(name.cloned().unwrap_or_else(none)));
            fields.path.set(Some(path.cloned().unwrap_or_else(none)));
        }
        error
    }

    /// An `OSError` of the class that stands for the error number, with the files it is about.
    #[cold]
    pub fn os_error(&self, errno: i32, filename: Option<&Value>, filename2: Option<&Value>) -> Exception {
        let message = self.new_str(&error_message(errno));
        let mut args = vec![Value::int(errno), message];
        if let Some(filename) = filename {
            args.push(filename.clone());
        }
        if let (Some(second), true) = (filename2, filename.is_some()) {
            args.extend([none(), second.clone()]);
        }
        self.exception_with_args(OsError::static_type(), &args)
    }

    /// An `OSError` for what a Rust operation reports.
    #[cold]
    pub fn io_error(&self, error: &std::io::Error, filename: Option<&Value>) -> Exception {
        match error.raw_os_error() {
            Some(errno) => self.os_error(errno, filename, None),
            None => self.os_error_message(error.to_string()),
        }
    }

    /// A `SyntaxError`, or one of a class derived from it, with its place; lines and columns count from 1.
    #[cold]
    pub fn syntax_error(
        &self,
        class: &TypeObject,
        message: impl Into<String>,
        filename: Value,
        text: Value,
        place: &SourcePlace,
    ) -> Exception {
        let mut details = vec![filename, int::new(place.line), int::new(place.column), text];
        if let Some(line) = place.end_line {
            details.push(int::new(line));
            details.push(place.end_column.map_or_else(none, int::new));
        }
        let details = Tuple::from_values(details).into_value();
        self.exception_with_args(class, &[self.new_str(&message.into()), details])
    }

    /// A `UnicodeEncodeError` for a part of a text.
    #[cold]
    pub fn unicode_encode_error(
        &self,
        encoding: &str,
        object: &Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Exception {
        let args = self.conversion_args(Some(encoding), object, start, end, reason);
        self.exception_with_args(UnicodeEncodeError::static_type(), &args)
    }

    /// A `UnicodeDecodeError` for a part of some bytes.
    #[cold]
    pub fn unicode_decode_error(
        &self,
        encoding: &str,
        object: &Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Exception {
        let args = self.conversion_args(Some(encoding), object, start, end, reason);
        self.exception_with_args(UnicodeDecodeError::static_type(), &args)
    }

    /// A `UnicodeTranslateError` for a part of a text.
    #[cold]
    pub fn unicode_translate_error(
        &self,
        object: &Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Exception {
        let args = self.conversion_args(None, object, start, end, reason);
        self.exception_with_args(UnicodeTranslateError::static_type(), &args)
    }

    fn conversion_args(
        &self,
        encoding: Option<&str>,
        object: &Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Vec<Value> {
        let mut args: Vec<Value> = encoding.map(|encoding| self.new_str(encoding)).into_iter().collect();
        args.extend([object.clone(), int::new(start as i64), int::new(end as i64), self.new_str(reason)]);
        args
    }
}

/// What the operating system says of an error number.
pub fn error_message(errno: i32) -> String {
    // The text that Rust shows ends with the number.
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    let suffix = format!(" (os error {errno})");
    text.strip_suffix(&suffix).unwrap_or(&text).to_owned()
}
