//! What the attribute `memo` of picklers and unpicklers answers: something that can be copied, cleared and assigned.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::memo::Memo;
use super::pickler::Pickler;
use super::remembered::Remembered;
use super::unpickler::Unpickler;

/// `dict(contents)`, as `__reduce__` of the proxies says it.
fn reduced(contents: Ref<Dict>) -> Ref<Tuple> {
    let args = Tuple::from_values([contents.into_value()]);
    Tuple::from_values([Dict::static_type().to_value(), args.into_value()])
}

/// The memo of a pickler.
#[pyclass(name = "PicklerMemoProxy", module = "_pickle", tracked, no_new, unhashable)]
pub struct PicklerMemoProxy {
    pickler: Ref<Pickler>,
}

impl PicklerMemoProxy {
    /// The proxy of a pickler's memo.
    pub fn of(pickler: Ref<Pickler>) -> Ref<PicklerMemoProxy> {
        Object::new(PicklerMemoProxy { pickler })
    }

    fn contents(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        let contents = Dict::new();
        let entries = self.pickler.memo.borrow().entries();
        for (object, number) in entries {
            let key = int::from_i128(i128::from(object.id()));
            let pair = Tuple::from_values([int::new(number as i64), object]);
            contents.set(vm, &key, pair.into_value())?;
        }
        Ok(contents)
    }
}

#[pymethods]
impl PicklerMemoProxy {
    /// Remove all items from memo.
    #[method("clear(self, /)")]
    fn clear(&self) {
        self.pickler.clear_memo();
    }

    /// Copy the memo to a new object.
    #[method("copy(self, /)")]
    fn copy(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        self.contents(vm)
    }

    /// Implement pickle support.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        self.contents(vm).map(reduced)
    }
}

/// The memo that a pickler's attribute is set to: another's, or a dict of identities to numbers and objects.
///
/// # Errors
/// `TypeError` for anything else.
pub(super) fn memo_of(vm: &Vm, value: &Value) -> PyResult<Memo> {
    let mut memo = Memo::default();
    if let Some(proxy) = value.downcast_exact::<PicklerMemoProxy>() {
        let entries = proxy.pickler.memo.borrow().entries();
        entries.into_iter().for_each(|(object, number)| memo.insert(object, number));
        return Ok(memo);
    }
    let Some(dict) = value.downcast::<Dict>() else {
        return Err(vm.type_error(format!(
            "'memo' attribute must be a PicklerMemoProxy object or dict, not {}",
            value.type_of().full_name()
        )));
    };
    for (_, pair) in dict.pairs() {
        let Some([number, object]) = pair.downcast::<Tuple>().map(|pair| pair.items()) else {
            return Err(vm.type_error("'memo' values must be 2-item tuples"));
        };
        let number = vm.index(number)?;
        let number = int::small_value(&number).and_then(|number| usize::try_from(number).ok());
        let number = number.ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        if memo.get(object).is_none() {
            memo.insert(object.clone(), number);
        }
    }
    Ok(memo)
}

/// The memo of an unpickler.
#[pyclass(name = "UnpicklerMemoProxy", module = "_pickle", tracked, no_new, unhashable)]
pub struct UnpicklerMemoProxy {
    unpickler: Ref<Unpickler>,
}

impl UnpicklerMemoProxy {
    /// The proxy of an unpickler's memo.
    pub fn of(unpickler: Ref<Unpickler>) -> Ref<UnpicklerMemoProxy> {
        Object::new(UnpicklerMemoProxy { unpickler })
    }

    fn contents(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        let contents = Dict::new();
        let entries = self.unpickler.memo.borrow().entries();
        for (number, object) in entries {
            contents.set(vm, &int::new(number as i64), object)?;
        }
        Ok(contents)
    }
}

#[pymethods]
impl UnpicklerMemoProxy {
    /// Remove all items from memo.
    #[method("clear(self, /)")]
    fn clear(&self) {
        drop(self.unpickler.memo.take());
    }

    /// Copy the memo to a new object.
    #[method("copy(self, /)")]
    fn copy(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        self.contents(vm)
    }

    /// Implement pickling support.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        self.contents(vm).map(reduced)
    }
}

/// The memo that an unpickler's attribute is set to: another's, or a dict of numbers to objects.
///
/// # Errors
/// `TypeError` for anything else, `ValueError` for negative numbers.
pub(super) fn remembered_of(vm: &Vm, value: &Value) -> PyResult<Remembered> {
    let mut memo = Remembered::default();
    if let Some(proxy) = value.downcast_exact::<UnpicklerMemoProxy>() {
        let entries = proxy.unpickler.memo.borrow().entries();
        entries.into_iter().for_each(|(number, object)| drop(memo.insert(number, object)));
        return Ok(memo);
    }
    let Some(dict) = value.downcast::<Dict>() else {
        return Err(vm.type_error(format!(
            "'memo' attribute must be an UnpicklerMemoProxy object or dict, not {}",
            value.type_of().full_name()
        )));
    };
    for (number, object) in dict.pairs() {
        if !int::is_int(&number) {
            return Err(vm.type_error("memo key must be integers"));
        }
        let Some(number) = int::small_value(&number) else {
            return Err(vm.overflow_error("Python int too large to convert to C ssize_t"));
        };
        let Ok(number) = usize::try_from(number) else {
            return Err(vm.value_error("memo key must be positive integers."));
        };
        drop(memo.insert(number, object));
    }
    Ok(memo)
}
