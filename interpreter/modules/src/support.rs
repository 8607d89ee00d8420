//! What several modules need: exception types of their own, and checks of arguments that no signature tells.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::vm::Vm;

/// Declares an exception type that adds nothing to its base but its name.
macro_rules! exception {
    ($(#[$meta:meta])* $name:ident, $python:literal, $module:literal, $base:ident $(, $weak:ident)?) => {
        $(#[$meta])*
        #[rspy_macros::pyclass(
            name = $python, module = $module, extends = $base, tracked, subclassable, exception, hides_new $(, $weak)?
        )]
        #[repr(C)]
        pub struct $name {
            base: rspy_runtime::exceptions::base::BaseException,
        }

        impl $name {
            #[doc(hidden)]
            pub const METHODS: &'static [rspy_runtime::native::NativeDef] = &[];
            #[doc(hidden)]
            pub const ATTRIBUTES: &'static [rspy_runtime::native::GetSetDef] = &[];
            #[doc(hidden)]
            #[allow(clippy::declare_interior_mutable_const)]
            pub const SLOTS: rspy_runtime::slots::Slots = rspy_runtime::slots::Slots {
                new: std::cell::Cell::new(Some(rspy_runtime::exceptions::base::new)),
                ..rspy_runtime::slots::Slots::EMPTY
            };

            /// The exception with a message.
            #[cold]
            pub fn error(vm: &rspy_runtime::vm::Vm, message: impl Into<String>) -> rspy_runtime::exceptions::Exception {
                vm.new_exception(<$name as rspy_runtime::object::Payload>::static_type(), message)
            }
        }
    };
}
pub(crate) use exception;

/// The error of a function that takes no keyword arguments and was given some.
pub fn no_keywords(vm: &Vm, function: &str, names: KeywordNames<'_>) -> PyResult<()> {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(vm.type_error(format!("{function}() takes no keyword arguments")));
    }
    Ok(())
}
