//! `None`, `Ellipsis` and `NotImplemented`: three types with one object each.

use std::mem::ManuallyDrop;

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, TypeObject};
use crate::slots::Comparison;
use crate::types::bool::boolean;
use crate::value::Value;
use crate::vm::Vm;

/// The type of `None`.
#[pyclass(name = "NoneType")]
pub struct NoneType;

/// The type of `Ellipsis`.
#[pyclass(name = "ellipsis")]
pub struct EllipsisType;

/// The type of `NotImplemented`.
#[pyclass(name = "NotImplementedType")]
pub struct NotImplementedType;

macro_rules! singleton {
    ($object:ident, $typ:ident, $make:ident, $reference:ident, $is:ident, $what:literal) => {
        static $object: Singleton<$typ> = Singleton::new($typ);

        #[doc = concat!("`", $what, "`.")]
        #[inline(always)]
        pub fn $make() -> Value {
            // SAFETY: the object is an immortal static.
            unsafe { Value::from_bits(&raw const $object as u64) }
        }

        #[doc = concat!("`", $what, "`, borrowed for ever.")]
        #[inline(always)]
        pub fn $reference() -> &'static Value {
            static VALUE: Holder = Holder(&raw const $object as *const u8);
            VALUE.value()
        }

        #[doc = concat!("Whether the value is `", $what, "`.")]
        #[inline(always)]
        pub fn $is(value: &Value) -> bool {
            value.bits() == &raw const $object as u64
        }
    };
}

/// A static object; its type is set when the interpreter starts.
#[repr(transparent)]
struct Singleton<T>(Object<T>);

impl<T> Singleton<T> {
    const fn new(payload: T) -> Self {
        Singleton(Object::immortal(std::ptr::without_provenance(8), payload))
    }
}

/// A word in a static that refers to an immortal object.
#[repr(transparent)]
struct Holder(*const u8);

// SAFETY: the object is an immortal static.
unsafe impl Sync for Holder {}

impl Holder {
    fn value(&'static self) -> &'static Value {
        // SAFETY: the word is the address of an immortal static object, which is what a value is.
        unsafe { &*std::ptr::from_ref(self).cast::<Value>() }
    }
}

singleton!(NONE, NoneType, none, none_ref, is_none, "None");
singleton!(ELLIPSIS, EllipsisType, ellipsis, ellipsis_ref, is_ellipsis, "Ellipsis");
singleton!(
    NOT_IMPLEMENTED,
    NotImplementedType,
    not_implemented,
    not_implemented_ref,
    is_not_implemented,
    "NotImplemented"
);

/// Gives the singletons their types.
pub(crate) fn bind_types() {
    // SAFETY: each object has its type's layout.
    unsafe {
        NONE.0.header().set_type(NoneType::static_type());
        ELLIPSIS.0.header().set_type(EllipsisType::static_type());
        NOT_IMPLEMENTED.0.header().set_type(NotImplementedType::static_type());
    }
}

/// `None` as a word that is never dropped.
#[inline(always)]
pub(crate) fn none_word() -> u64 {
    ManuallyDrop::new(none()).bits()
}

fn only_one(vm: &Vm, cls: &TypeObject, one: Value, args: &[Value], takes: bool) -> PyResult {
    if takes || args.is_empty() {
        Ok(one)
    } else {
        Err(vm.type_error(format!("{} takes no arguments", cls.name())))
    }
}

#[pymethods]
impl NoneType {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        only_one(vm, cls, none(), args, names.is_some() && args.is_empty())
    }

    #[slot(repr)]
    fn repr(&self) -> &'static str {
        "None"
    }

    #[slot(bool)]
    fn bool(&self) -> PyResult<bool> {
        Ok(false)
    }

    #[slot(hash)]
    fn hash(&self) -> PyResult<i64> {
        Ok(0xfca8_6420)
    }

    #[slot(compare)]
    fn compare(this: &Value, other: &Value, comparison: Comparison) -> Value {
        match comparison {
            Comparison::Equal if this.is(other) => boolean(true),
            Comparison::NotEqual if this.is(other) => boolean(false),
            _ => not_implemented(),
        }
    }
}

#[pymethods]
impl EllipsisType {
    #[slot(new)]
    fn new(vm: &Vm, _cls: &TypeObject, args: &[Value], _: crate::slots::KeywordNames<'_>) -> PyResult {
        if args.is_empty() { Ok(ellipsis()) } else { Err(vm.type_error("EllipsisType takes no arguments")) }
    }

    #[slot(repr)]
    fn repr(&self) -> &'static str {
        "Ellipsis"
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> &'static str {
        "Ellipsis"
    }
}

#[pymethods]
impl NotImplementedType {
    #[slot(new)]
    fn new(vm: &Vm, _cls: &TypeObject, args: &[Value], _: crate::slots::KeywordNames<'_>) -> PyResult {
        if args.is_empty() {
            Ok(not_implemented())
        } else {
            Err(vm.type_error("NotImplementedType takes no arguments"))
        }
    }

    #[slot(repr)]
    fn repr(&self) -> &'static str {
        "NotImplemented"
    }

    #[slot(bool)]
    fn bool(&self, vm: &Vm) -> PyResult<bool> {
        Err(vm.type_error("NotImplemented should not be used in a boolean context"))
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> &'static str {
        "NotImplemented"
    }
}
