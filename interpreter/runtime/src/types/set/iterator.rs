//! `set_iterator`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Ref};
use crate::types::set::core_of;
use crate::value::Value;
use crate::vm::Vm;

/// Goes through a set.
#[pyclass(name = "set_iterator", tracked, no_new)]
pub struct SetIterator {
    /// The set; none when the end was reached.
    set: GilCell<Option<Value>>,
    position: Cell<usize>,
    /// Size of the set at the beginning, none once it was seen to have changed.
    size: Cell<Option<usize>>,
    left: Cell<usize>,
}

impl SetIterator {
    /// An iterator at the beginning of a set or frozenset.
    pub fn new(set: Value) -> Ref<SetIterator> {
        let size = core_of(&set).map_or(0, |core| core.len());
        Object::new(SetIterator {
            set: GilCell::new(Some(set)),
            position: Cell::new(0),
            size: Cell::new(Some(size)),
            left: Cell::new(size),
        })
    }
}

#[pymethods]
impl SetIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(set) = self.set.get() else { return Ok(None) };
        let Some(core) = core_of(&set) else { return Ok(None) };
        if self.size.get() != Some(core.len()) {
            self.size.set(None);
            return Err(vm.runtime_error("Set changed size during iteration"));
        }
        match core.next_entry(self.position.get()) {
            Some((next, _, key)) => {
                self.position.set(next);
                self.left.set(self.left.get().saturating_sub(1));
                Ok(Some(key))
            }
            None => {
                self.set.set(None);
                Ok(None)
            }
        }
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self) -> usize {
        let same =
            self.set.get().as_ref().and_then(core_of).is_some_and(|core| self.size.get() == Some(core.len()));
        if same { self.left.get() } else { 0 }
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<SetIterator>, vm: &Vm) -> PyResult {
        let copy = Object::new(SetIterator {
            set: GilCell::new(this.set.get()),
            position: this.position.clone(),
            size: this.size.clone(),
            left: this.left.clone(),
        });
        let rest = vm.collect(copy.value())?;
        crate::types::iterators::reduced(vm, "iter", rest)
    }
}
