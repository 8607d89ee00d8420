//! The module `itertools`: iterators made from iterators.

mod combine;
mod endless;
mod group;
mod select;
mod sequence;
mod tee;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions of the module.
struct Itertools;

#[pyfunctions]
impl Itertools {
    /// Returns a tuple of n independent iterators.
    #[function("tee(iterable, n=2, /)")]
    fn tee(vm: &Vm, iterable: &Value, n: isize) -> PyResult<Ref<Tuple>> {
        let Ok(n) = usize::try_from(n) else { return Err(vm.value_error("n must be >= 0")) };
        if n == 0 {
            return Ok(Tuple::empty());
        }
        let first = tee::Tee::of(vm, iterable)?;
        let mut copies = vec![first.clone().into_value()];
        copies.extend((1..n).map(|_| first.copy_reference().into_value()));
        Ok(Tuple::from_values(copies))
    }
}

/// The payload as a new object of a class.
fn make<T: rspy_runtime::object::Payload>(class: &rspy_runtime::object::TypeObject, payload: T) -> Value {
    Object::with_type(class, payload).into_value()
}

native_module! {
    name: "itertools",
    doc: "Functional tools for creating and using iterators.",
    functions: [Itertools::FUNCTIONS],
    types: [
        sequence::Accumulate, sequence::Batched, sequence::Chain, combine::Combinations,
        combine::CombinationsWithReplacement, select::Compress, endless::Count, endless::Cycle, select::DropWhile,
        select::FilterFalse, group::GroupBy, group::Grouper, select::Slice, sequence::Pairwise,
        combine::Permutations, combine::Product, endless::Repeat, sequence::StarMap, select::TakeWhile, tee::Tee,
        tee::TeeData, sequence::ZipLongest,
    ],
    execute: |_, _| Ok(())
}
