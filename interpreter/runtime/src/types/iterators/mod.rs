//! Iterators: over lists, tuples and sequences of any type, and the ones that the builtin functions make.

mod functional;
mod sequence;

pub use functional::{Enumerate, Filter, Map, Zip};
pub use sequence::{
    CallableIterator, ListIterator, ListReverseIterator, Reversed, SequenceIterator, TupleIterator,
};

pub use crate::types::range::{LongRangeIterator, RangeIterator};

use crate::exceptions::PyResult;
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// A function of the module `builtins`, as the running program sees it.
fn builtin(vm: &Vm, name: &str) -> PyResult {
    vm.builtins().get_str(&vm.intern(name)).ok_or_else(|| vm.runtime_error(format!("lost builtins.{name}")))
}

/// `(function, (argument,))`: what `__reduce__` answers.
pub(crate) fn reduced_with(vm: &Vm, function: &str, argument: Value) -> PyResult {
    let function = builtin(vm, function)?;
    Ok(Tuple::from_values([function, Tuple::from_values([argument]).into_value()]).into_value())
}

/// `(function, (argument,), state)`: what `__reduce__` answers.
pub(crate) fn reduced_at(vm: &Vm, function: &str, argument: Value, state: Value) -> PyResult {
    let function = builtin(vm, function)?;
    Ok(Tuple::from_values([function, Tuple::from_values([argument]).into_value(), state]).into_value())
}

/// `(function, ([items…],))`: what `__reduce__` answers for the rest of an iterator.
pub(crate) fn reduced(vm: &Vm, function: &str, rest: Vec<Value>) -> PyResult {
    reduced_with(vm, function, List::from_vec(rest).into_value())
}
