//! Declaring exception types whose objects have plain object fields that show as members.

use crate::arguments::KeywordArguments;
use crate::exceptions::PyResult;
use crate::value::Value;
use crate::vm::Vm;

/// A field that shows as a member: `None` while it is empty; deleting empties it.
macro_rules! member {
    ($payload:ident.$field:ident, $name:literal, $doc:literal) => {
        $crate::native::GetSetDef {
            name: $name,
            doc: $doc,
            get: |_: &$crate::vm::Vm, this: &$crate::value::Value| {
                let payload = $crate::convert::payload_of::<$payload>(this);
                Ok(payload.$field.get().unwrap_or_else($crate::types::none::none))
            },
            set: Some(
                |_: &$crate::vm::Vm, this: &$crate::value::Value, value: Option<&$crate::value::Value>| {
                    $crate::convert::payload_of::<$payload>(this).$field.set(value.cloned());
                    Ok(())
                },
            ),
            member: true,
        }
    };
}
pub(crate) use member;

/// An exception type with object fields. `base` names the field's type; slots and methods are optional.
macro_rules! exception_type {
    (
        $(#[$($meta:tt)*])*
        class $python:tt $payload:ident: $base:ident {
            $($field:ident: $name:literal, $doc:literal;)*
        }
        slots { $($slot:ident: $function:expr),* $(,)? }
        methods $methods:expr;
    ) => {
        $(#[$($meta)*])*
        #[rspy_macros::pyclass(name = $python, extends = $base, tracked, subclassable)]
        #[repr(C)]
        pub struct $payload {
            base: $crate::exceptions::base::BaseException,
            $(#[doc = $doc] pub $field: $crate::cell::GilCell<Option<$crate::value::Value>>,)*
        }

        impl $crate::exceptions::base::ExceptionPayload for $payload {
            fn empty(base: $crate::exceptions::base::BaseException) -> Self {
                $payload { base, $($field: $crate::cell::GilCell::default(),)* }
            }
        }

        impl $payload {
            #[doc(hidden)]
            pub const METHODS: &'static [$crate::native::NativeDef] = $methods;
            #[doc(hidden)]
            pub const ATTRIBUTES: &'static [$crate::native::GetSetDef] =
                &[$($crate::exceptions::fields::member!($payload.$field, $name, $doc)),*];
            #[doc(hidden)]
            #[allow(clippy::declare_interior_mutable_const, clippy::needless_update)]
            pub const SLOTS: $crate::slots::Slots = $crate::slots::Slots {
                $($slot: std::cell::Cell::new(Some($function)),)*
                ..$crate::slots::Slots::EMPTY
            };

            /// What all exceptions have.
            pub const fn base(&self) -> &$crate::exceptions::base::BaseException {
                &self.base
            }
        }
    };
}
pub(crate) use exception_type;

/// An exception type that adds neither fields nor behaviour to its base.
macro_rules! derived_types {
    ($payload:ident: $($(#[$($meta:tt)*])* class $python:tt $name:ident($base:ident);)*) => {$(
        $(#[$($meta)*])*
        #[rspy_macros::pyclass(name = $python, extends = $base, tracked, subclassable, no_methods)]
        #[repr(C)]
        pub struct $name {
            base: $payload,
        }

        impl $name {
            /// What the base has.
            pub const fn base(&self) -> &$payload {
                &self.base
            }
        }
    )*};
}
pub(crate) use derived_types;

/// The keyword arguments that a class takes, by name; each may be absent.
///
/// # Errors
/// `TypeError` for any other keyword.
pub fn keywords<const N: usize>(
    vm: &Vm,
    function: &str,
    names: [&str; N],
    given: &KeywordArguments<'_>,
) -> PyResult<[Option<Value>; N]> {
    let count = given.iter().count();
    if count > N {
        let plural = if N == 1 { "" } else { "s" };
        return Err(
            vm.type_error(format!("{function}() takes at most {N} keyword argument{plural} ({count} given)"))
        );
    }
    for (name, _) in given.iter() {
        let name = vm.str(name)?;
        if !names.iter().any(|known| name.equals_str(known)) {
            let name = name.to_string_lossy();
            let known: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let hint = match crate::exceptions::suggestions::closest(&known, &name) {
                Some(meant) => format!(". Did you mean '{meant}'?"),
                None => String::new(),
            };
            return Err(
                vm.type_error(format!("{function}() got an unexpected keyword argument '{name}'{hint}"))
            );
        }
    }
    Ok(names.map(|name| given.get(name).cloned()))
}
