//! `str_ascii_iterator` and `str_iterator`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Ref};
use crate::types::int;
use crate::types::iterators::{reduced_at, reduced_with};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

macro_rules! iterators {
    ($($(#[$doc:meta])* $name:ident = $python:tt;)*) => {$(
        $(#[$doc])*
        #[pyclass(name = $python, tracked, no_new)]
        pub struct $name {
            /// The text; none when the end was reached.
            text: GilCell<Option<Ref<Str>>>,
            index: Cell<usize>,
        }

        impl $name {
            /// An iterator at the beginning of a text.
            pub fn new(text: Ref<Str>) -> Ref<$name> {
                Object::new($name { text: GilCell::new(Some(text)), index: Cell::new(0) })
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
                let index = self.index.get();
                let next = match &*self.text.borrow() {
                    None => return Ok(None),
                    Some(text) => (index < text.length()).then(|| Str::from_char(text.char_at(index))),
                };
                match next {
                    Some(character) => {
                        self.index.set(index + 1);
                        Ok(Some(character.into_value()))
                    }
                    None => {
                        self.text.set(None);
                        Ok(None)
                    }
                }
            }

            /// Private method returning an estimate of len(list(it)).
            #[method("__length_hint__(self, /)")]
            fn length_hint(&self) -> usize {
                self.text.borrow().as_ref().map_or(0, |text| text.length().saturating_sub(self.index.get()))
            }

            /// Return state information for pickling.
            #[method("__reduce__(self, /)")]
            fn reduce(&self, vm: &Vm) -> PyResult {
                match self.text.get() {
                    Some(text) => reduced_at(vm, "iter", text.into_value(), int::new(self.index.get() as i64)),
                    None => reduced_with(vm, "iter", Str::empty().into_value()),
                }
            }

            /// Set state information for unpickling.
            #[method("__setstate__(self, object, /)")]
            fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
                let too_large = |vm: &Vm| vm.overflow_error("Python int too large to convert to C ssize_t");
                let index = vm.index_size(object, too_large)?;
                if let Some(text) = &*self.text.borrow() {
                    self.index.set((index.max(0) as usize).min(text.length()));
                }
                Ok(())
            }
        }
    )*};
}

iterators! {
    /// Goes through a text of ASCII characters.
    StrAsciiIterator = "str_ascii_iterator";
    /// Goes through a text.
    StrIterator = "str_iterator";
}
