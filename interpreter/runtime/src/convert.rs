//! From the results of native functions to Python values, and the receivers that the macros hand in.

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::Vm;

/// A Rust value that can become a Python value.
pub trait IntoValue {
    /// Makes the value.
    fn into_value(self, vm: &Vm) -> Value;
}

/// What a native function may return.
pub trait IntoResult {
    /// Makes the result of the call.
    ///
    /// # Errors
    /// Those of the function.
    fn into_result(self, vm: &Vm) -> PyResult;
}

impl<T: IntoValue> IntoResult for T {
    #[inline(always)]
    fn into_result(self, vm: &Vm) -> PyResult {
        Ok(self.into_value(vm))
    }
}

impl<T: IntoValue> IntoResult for PyResult<T> {
    #[inline(always)]
    fn into_result(self, vm: &Vm) -> PyResult {
        self.map(|value| value.into_value(vm))
    }
}

impl IntoValue for Value {
    #[inline(always)]
    fn into_value(self, _: &Vm) -> Value {
        self
    }
}

impl<T> IntoValue for Ref<T> {
    #[inline(always)]
    fn into_value(self, _: &Vm) -> Value {
        Ref::into_value(self)
    }
}

impl IntoValue for () {
    #[inline(always)]
    fn into_value(self, _: &Vm) -> Value {
        crate::types::none::none()
    }
}

impl IntoValue for bool {
    #[inline(always)]
    fn into_value(self, _: &Vm) -> Value {
        crate::types::bool::boolean(self)
    }
}

impl IntoValue for f64 {
    #[inline(always)]
    fn into_value(self, _: &Vm) -> Value {
        crate::types::float::new(self)
    }
}

macro_rules! integers_into_value {
    ($($typ:ty),*) => {$(
        impl IntoValue for $typ {
            #[inline(always)]
            fn into_value(self, _: &Vm) -> Value {
                crate::types::int::from_i128(self as i128)
            }
        }
    )*};
}
integers_into_value!(i8, u8, i16, u16, i32, u32, i64, u64, isize, usize, i128);

impl IntoValue for num_bigint::BigInt {
    fn into_value(self, _: &Vm) -> Value {
        crate::types::int::from_big(self)
    }
}

impl IntoValue for &str {
    fn into_value(self, _: &Vm) -> Value {
        crate::types::string::Str::new(self).into_value()
    }
}

impl IntoValue for String {
    fn into_value(self, _: &Vm) -> Value {
        crate::types::string::Str::new(&self).into_value()
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    #[inline]
    fn into_value(self, vm: &Vm) -> Value {
        self.map_or_else(crate::types::none::none, |value| value.into_value(vm))
    }
}

/// A Rust vector becomes a list.
impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self, vm: &Vm) -> Value {
        let items = self.into_iter().map(|item| item.into_value(vm)).collect();
        crate::types::list::List::from_vec(items).into_value()
    }
}

macro_rules! tuples_into_value {
    ($($name:ident)*) => {
        impl<$($name: IntoValue),*> IntoValue for ($($name,)*) {
            #[allow(non_snake_case)]
            fn into_value(self, vm: &Vm) -> Value {
                let ($($name,)*) = self;
                crate::types::tuple::Tuple::from_values([$($name.into_value(vm)),*]).into_value()
            }
        }
    };
}
tuples_into_value!(A);
tuples_into_value!(A B);
tuples_into_value!(A B C);
tuples_into_value!(A B C D);
tuples_into_value!(A B C D E);
tuples_into_value!(A B C D E F);

/// The payload of a method's instance. Descriptors and slots are only reached through the instance's type or after
/// it was checked, so the type is known.
#[inline(always)]
pub fn payload_of<T: Payload>(instance: &Value) -> &T {
    object_of::<T>(instance).payload()
}

/// The object of a method's instance; see [`payload_of`].
#[inline(always)]
pub fn object_of<T: Payload>(instance: &Value) -> &Object<T> {
    // SAFETY: whoever calls a native method, attribute or slot has checked the instance's type.
    unsafe { instance.downcast_unchecked() }
}

/// The class that a class method was called on.
#[inline]
pub fn type_of_argument(value: &Value) -> &TypeObject {
    // SAFETY: class methods are bound to types only.
    unsafe { value.downcast_unchecked::<Type>() }
}
