//! Exceptions: what a failing operation answers, the builtin exception types, and how exceptions are made, raised,
//! matched and shown.
//!
//! [`Exception`] is the Rust side: an owned exception object on its way to a handler. [`base`] has the payload that
//! all exception objects begin with, [`hierarchy`] the types that add nothing to it, the other files those that do.

pub mod attribute_error;
pub mod base;
pub mod construct;
pub mod fields;
pub mod group;
pub mod hierarchy;
pub mod import_error;
pub mod os_error;
pub mod print;
pub mod raise;
pub mod startup;
pub mod stop;
pub mod suggestions;
pub mod syntax_error;
pub mod traceback;
pub mod unicode;

pub use raise::{from_throw_arguments, matches, prepare_raise, set_implicit_context};

use crate::object::{Object, Payload, TypeObject};
use crate::types::none::none;
use crate::types::typ::TypeFlags;
use crate::value::Value;
use crate::vm::Vm;
use base::BaseException;

/// What an operation that can fail answers.
pub type PyResult<T = Value> = Result<T, Exception>;

/// An exception being raised: an owned instance of `BaseException`.
#[repr(transparent)]
#[must_use]
pub struct Exception(Value);

impl Exception {
    /// The exception that a value is. The value must be an instance of `BaseException`.
    #[inline]
    pub fn from_value(value: Value) -> Exception {
        debug_assert!(is_exception(&value));
        Exception(value)
    }

    /// The exception object.
    #[inline]
    pub const fn value(&self) -> &Value {
        &self.0
    }

    /// The exception object, owned.
    #[inline]
    pub fn into_value(self) -> Value {
        self.0
    }

    /// What all exceptions have.
    pub fn base(&self) -> &BaseException {
        base_of(&self.0)
    }

    /// The exception's class.
    pub fn type_of(&self) -> &TypeObject {
        self.0.type_of()
    }

    /// Whether the exception is an instance of a class.
    #[inline]
    pub fn is(&self, typ: &TypeObject) -> bool {
        self.0.type_of().is_subtype(typ)
    }

    /// Whether the exception is an instance of a native class.
    #[inline]
    pub fn is_a<T: Payload>(&self) -> bool {
        self.is(T::static_type())
    }

    /// The traceback, or `None`.
    pub fn traceback(&self) -> Value {
        traceback_of(&self.0)
    }

    /// Sets the explicit cause, and with it the context.
    pub fn set_cause(&self, _: &Vm, cause: &Exception) {
        self.base().set_cause(Some(cause.0.clone()));
        self.base().set_context(Some(cause.0.clone()));
    }

    /// Adds a note, as `BaseException.add_note` does; where the notes are no list it is lost.
    pub fn add_note(&self, vm: &Vm, note: &str) {
        let note = vm.new_str(note);
        let _ = vm.call_method_str(&self.0, "add_note", std::slice::from_ref(&note));
    }

    /// The same exception with an explicit cause, as `raise … from cause` sets it.
    pub fn with_cause(self, cause: Exception) -> Exception {
        self.base().set_cause(Some(cause.into_value()));
        self
    }

    /// The same exception, raised while `context` was being handled.
    pub fn with_context(self, context: Exception) -> Exception {
        raise::chain(&self.0, context.into_value());
        self
    }
}

macro_rules! tests_for_class {
    ($($(#[$meta:meta])* $test:ident => $class:path;)*) => {
        impl Exception {
            $($(#[$meta])* #[inline] pub fn $test(&self) -> bool { self.is_a::<$class>() })*
        }
    };
}

tests_for_class! {
    /// Whether it is an `Exception` and not only a `BaseException`.
    is_exception => hierarchy::PlainException;
    /// Whether it is a `KeyError`.
    is_key_error => hierarchy::KeyError;
    /// Whether it is an `IndexError`.
    is_index_error => hierarchy::IndexError;
    /// Whether it is a `LookupError`.
    is_lookup_error => hierarchy::LookupError;
    /// Whether it is a `TypeError`.
    is_type_error => hierarchy::TypeError;
    /// Whether it is a `ValueError`.
    is_value_error => hierarchy::ValueError;
    /// Whether it is an `AttributeError`.
    is_attribute_error => attribute_error::AttributeError;
    /// Whether it is a `NameError`.
    is_name_error => attribute_error::NameError;
    /// Whether it is a `StopIteration`.
    is_stop_iteration => stop::StopIteration;
    /// Whether it is a `StopAsyncIteration`.
    is_stop_async_iteration => hierarchy::StopAsyncIteration;
    /// Whether it is a `GeneratorExit`.
    is_generator_exit => hierarchy::GeneratorExit;
    /// Whether it is a `KeyboardInterrupt`.
    is_keyboard_interrupt => hierarchy::KeyboardInterrupt;
    /// Whether it is a `SystemExit`.
    is_system_exit => stop::SystemExit;
    /// Whether it is an `ImportError`.
    is_import_error => import_error::ImportError;
    /// Whether it is a `ModuleNotFoundError`.
    is_module_not_found_error => import_error::ModuleNotFoundError;
    /// Whether it is an `OSError`.
    is_os_error => os_error::OsError;
    /// Whether it is a `BlockingIOError`.
    is_blocking_io_error => os_error::BlockingIOError;
    /// Whether it is an `InterruptedError`.
    is_interrupted_error => os_error::InterruptedError;
    /// Whether it is an `EOFError`.
    is_eof_error => hierarchy::EOFError;
    /// Whether it is an `OverflowError`.
    is_overflow_error => hierarchy::OverflowError;
    /// Whether it is a `ZeroDivisionError`.
    is_zero_division_error => hierarchy::ZeroDivisionError;
    /// Whether it is a `MemoryError`.
    is_memory_error => hierarchy::MemoryError;
    /// Whether it is a `RuntimeError`.
    is_runtime_error => hierarchy::RuntimeError;
    /// Whether it is a `RecursionError`.
    is_recursion_error => hierarchy::RecursionError;
    /// Whether it is a `NotImplementedError`.
    is_not_implemented_error => hierarchy::NotImplementedError;
    /// Whether it is a `BufferError`.
    is_buffer_error => hierarchy::BufferError;
    /// Whether it is a `SyntaxError`.
    is_syntax_error => syntax_error::SyntaxError;
    /// Whether it is a `UnicodeError`.
    is_unicode_error => hierarchy::UnicodeError;
    /// Whether it is a `UnicodeEncodeError`.
    is_unicode_encode_error => unicode::UnicodeEncodeError;
    /// Whether it is a `UnicodeDecodeError`.
    is_unicode_decode_error => unicode::UnicodeDecodeError;
    /// Whether it is a `BaseExceptionGroup`.
    is_exception_group => group::BaseExceptionGroup;
}

impl Clone for Exception {
    fn clone(&self) -> Self {
        Exception(self.0.clone())
    }
}

impl std::fmt::Debug for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} exception>", self.0.type_of().name())
    }
}

/// Whether a value is an exception object.
#[inline]
pub fn is_exception(value: &Value) -> bool {
    value.is_object() && value.type_of().has_flag(TypeFlags::EXCEPTION_SUBCLASS)
}

/// The exception class that a value is, if it is one.
#[inline]
pub fn as_exception_class(value: &Value) -> Option<&TypeObject> {
    value.downcast::<crate::types::typ::Type>().filter(|class| class.has_flag(TypeFlags::EXCEPTION_SUBCLASS))
}

/// What all exception objects have; the value must be one.
pub(crate) fn base_of(value: &Value) -> &Object<BaseException> {
    value.downcast::<BaseException>().expect("an exception object")
}

/// The traceback of an exception object, or `None`.
pub fn traceback_of(exception: &Value) -> Value {
    exception.downcast::<BaseException>().and_then(|base| base.traceback()).unwrap_or_else(none)
}

/// The value that a `StopIteration` brings; nothing for other exceptions.
pub fn stop_iteration_value(exception: &Value) -> Option<Value> {
    exception.downcast::<stop::StopIteration>().map(|stop| stop.value.get().unwrap_or_else(none))
}

/// The type `DeprecationWarning`.
pub fn deprecation_warning() -> &'static TypeObject {
    hierarchy::DeprecationWarning::static_type()
}

/// The type `StopAsyncIteration`.
pub fn stop_async_iteration() -> &'static TypeObject {
    hierarchy::StopAsyncIteration::static_type()
}

/// Every builtin exception type, in an order in which bases come first; `ExceptionGroup`, which has two bases, is
/// made by [`group::exception_group_type`].
pub fn types() -> Vec<&'static TypeObject> {
    let mut types = vec![BaseException::static_type(), hierarchy::PlainException::static_type()];
    types.extend(hierarchy::TYPES.iter().map(|typ| typ()));
    types.extend([
        stop::StopIteration::static_type(),
        stop::SystemExit::static_type(),
        attribute_error::AttributeError::static_type(),
        attribute_error::NameError::static_type(),
        attribute_error::UnboundLocalError::static_type(),
        import_error::ImportError::static_type(),
        import_error::ModuleNotFoundError::static_type(),
        os_error::OsError::static_type(),
    ]);
    types.extend(os_error::TYPES.iter().map(|typ| typ()));
    types.extend([
        syntax_error::SyntaxError::static_type(),
        syntax_error::IndentationError::static_type(),
        syntax_error::TabError::static_type(),
        syntax_error::IncompleteInputError::static_type(),
        unicode::UnicodeEncodeError::static_type(),
        unicode::UnicodeDecodeError::static_type(),
        unicode::UnicodeTranslateError::static_type(),
        group::BaseExceptionGroup::static_type(),
    ]);
    types
}
