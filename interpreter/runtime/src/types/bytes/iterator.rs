//! `bytes_iterator` and `bytearray_iterator`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Ref};
use crate::types::bytes::{ByteArray, Bytes};
use crate::types::int;
use crate::types::iterators::{reduced_at, reduced_with};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

macro_rules! iterators {
    ($($(#[$doc:meta])* $name:ident over $typ:ident = $python:tt, $spent:expr;)*) => {$(
        $(#[$doc])*
        #[pyclass(name = $python, tracked, no_new)]
        pub struct $name {
            /// The bytes; none when the end was reached.
            source: GilCell<Option<Ref<$typ>>>,
            index: Cell<usize>,
        }

        impl $name {
            /// An iterator at the beginning.
            pub fn new(source: Ref<$typ>) -> Ref<$name> {
                Object::new($name { source: GilCell::new(Some(source)), index: Cell::new(0) })
            }
        }

        #[pymethods]
        impl $name {
            #[slot(iter)]
            fn iter(this: &Value) -> Value {
                this.clone()
            }

            #[slot(next)]
            fn next(&self) -> PyResult<Option<Value>> {
                let Some(source) = self.source.get() else { return Ok(None) };
                match source.byte_at(self.index.get()) {
                    Some(byte) => {
                        self.index.set(self.index.get() + 1);
                        Ok(Some(Value::int(i32::from(byte))))
                    }
                    None => {
                        self.source.set(None);
                        Ok(None)
                    }
                }
            }

            /// Private method returning an estimate of len(list(it)).
            #[method("__length_hint__(self, /)")]
            fn length_hint(&self) -> usize {
                self.source.borrow().as_ref().map_or(0, |source| source.len().saturating_sub(self.index.get()))
            }

            /// Return state information for pickling.
            #[method("__reduce__(self, /)")]
            fn reduce(&self, vm: &Vm) -> PyResult {
                match self.source.get() {
                    Some(source) => reduced_at(vm, "iter", source.into_value(), int::new(self.index.get() as i64)),
                    None => reduced_with(vm, "iter", $spent),
                }
            }

            /// Set state information for unpickling.
            #[method("__setstate__(self, object, /)")]
            fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
                let too_large = |vm: &Vm| vm.overflow_error("Python int too large to convert to C ssize_t");
                let index = vm.index_size(object, too_large)?;
                if let Some(source) = &*self.source.borrow() {
                    self.index.set((index.max(0) as usize).min(source.len()));
                }
                Ok(())
            }
        }
    )*};
}

iterators! {
    /// Goes through a `bytes` object.
    BytesIterator over Bytes = "bytes_iterator", Tuple::empty().into_value();
    /// Goes through a `bytearray`.
    ByteArrayIterator over ByteArray = "bytearray_iterator", Tuple::empty().into_value();
}

impl Bytes {
    /// The byte at an index.
    pub fn byte_at(&self, index: usize) -> Option<u8> {
        self.as_slice().get(index).copied()
    }
}
