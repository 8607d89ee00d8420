//! `SignalDict`: the flags or traps of a context as a mapping.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use rspy_decimal::Signals;
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::not_implemented;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::State;
use super::signals::{self, SIGNALS};

/// The native part of the class `SignalDict`.
#[pyclass(name = "SignalDictMixin", module = "decimal", subclassable, mapping, unhashable, hides_new)]
pub struct SignalDictMixin {
    /// What the context has: without it, and in an object that no context made, there is nothing to show.
    flags: GilCell<Weak<Cell<Signals>>>,
}

impl SignalDictMixin {
    /// A signal dict for a context's signals.
    pub fn of(vm: &Vm, flags: &Rc<Cell<Signals>>) -> PyResult {
        let made = vm.call(&State::get().signal_dict, &[])?;
        if let Some(mixin) = made.downcast::<SignalDictMixin>() {
            mixin.flags.set(Rc::downgrade(flags));
        }
        Ok(made)
    }

    /// The signals, if it is one of a context.
    pub fn signals(&self) -> Option<Signals> {
        self.flags.borrow().upgrade().map(|flags| flags.get())
    }

    fn cell(&self, vm: &Vm) -> PyResult<Rc<Cell<Signals>>> {
        self.flags.borrow().upgrade().ok_or_else(|| vm.value_error("invalid signal dict"))
    }
}

#[pymethods]
impl SignalDictMixin {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, SignalDictMixin { flags: GilCell::default() }).into_value())
    }

    #[slot(init)]
    fn init(&self, _: &[Value], _: KeywordNames<'_>) -> PyResult<()> {
        self.flags.set(Weak::new());
        Ok(())
    }

    #[slot(length)]
    fn length(&self, vm: &Vm) -> PyResult<usize> {
        self.cell(vm)?;
        Ok(SIGNALS.len())
    }

    #[slot(iter)]
    fn iter(&self, vm: &Vm) -> PyResult {
        self.cell(vm)?;
        vm.iter(&State::get().exceptions.tuple)
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        let flags = self.cell(vm)?;
        let signal = State::get().exceptions.signal_of(vm, key)?;
        Ok(flags.get().has(signal))
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        let flags = self.cell(vm)?;
        let Some(value) = value else { return Err(vm.value_error("signal keys cannot be deleted")) };
        let signal = State::get().exceptions.signal_of(vm, key)?;
        let set = vm.is_true(value)?;
        flags.set(if set { flags.get() | signal } else { flags.get() & !signal });
        Ok(())
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult<String> {
        let flags = self.cell(vm)?.get();
        let shown = SIGNALS.map(|(name, signal)| {
            format!("<class 'decimal.{name}'>:{}", if flags.has(signal) { "True" } else { "False" })
        });
        Ok(format!("{{{}}}", shown.join(", ")))
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let mine = self.cell(vm)?.get();
        let wanted = match comparison {
            Comparison::Equal => true,
            Comparison::NotEqual => false,
            _ => return Ok(not_implemented()),
        };
        if let Some(other) = other.downcast::<SignalDictMixin>() {
            return Ok(boolean((mine == other.cell(vm)?.get()) == wanted));
        }
        let Some(given) = other.downcast::<Dict>() else { return Ok(not_implemented()) };
        if given.is_empty() {
            return Err(vm.value_error("invalid signal dict"));
        }
        Ok(match signals::from_dict(vm, given)? {
            Some(others) => boolean((mine == others) == wanted),
            None => not_implemented(),
        })
    }

    #[method("copy(self, /)")]
    fn copy(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        let flags = self.cell(vm)?.get();
        let copied = Dict::new();
        for ((_, signal), class) in SIGNALS.iter().zip(&State::get().exceptions.signals) {
            copied.set(vm, class, boolean(flags.has(*signal)))?;
        }
        Ok(copied)
    }
}
