//! The native module `_collections`: `deque`, `defaultdict`, `OrderedDict`, and helpers of `namedtuple` and `Counter`.

mod default_dict;
mod deque;
mod ordered_dict;
mod tuple_getter;

pub use default_dict::DefaultDict;
pub use deque::{Deque, DequeIterator, DequeReverseIterator};
pub use ordered_dict::{OrderedDict, OrderedItems, OrderedIterator, OrderedKeys, OrderedValues};
pub use tuple_getter::TupleGetter;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// A dict whose class leaves reading and setting items alone.
fn plain_dict<'a>(vm: &Vm, mapping: &'a Value) -> Option<&'a Object<Dict>> {
    let dict = mapping.downcast::<Dict>()?;
    let (typ, plain) = (mapping.type_of(), Dict::static_type());
    let same_set = match (typ.slots().set_item.get(), plain.slots().set_item.get()) {
        (Some(own), Some(plain)) => own as usize == plain as usize,
        _ => false,
    };
    let same_get = match (typ.lookup(vm, &names::get), plain.lookup(vm, &names::get)) {
        (Some(own), Some(plain)) => own.is(&plain),
        _ => false,
    };
    (same_set && same_get).then_some(dict)
}

/// The functions of `_collections`.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Count elements in the iterable, updating the mapping
    #[function("_count_elements(mapping, iterable, /)")]
    fn count_elements(vm: &Vm, mapping: &Value, iterable: &Value) -> PyResult<()> {
        let iterator = vm.iter(iterable)?;
        let one = Value::int(1);
        if let Some(dict) = plain_dict(vm, mapping) {
            while let Some(key) = vm.next(&iterator)? {
                let hash = vm.hash(&key)?;
                let count = match dict.get_hashed(vm, &key, hash)? {
                    Some(count) => vm.add(&count, &one)?,
                    None => one.clone(),
                };
                dict.set_hashed(vm, &key, hash, count)?;
            }
            return Ok(());
        }
        let get = vm.get_attribute(mapping, &names::get)?;
        while let Some(key) = vm.next(&iterator)? {
            let count = vm.call(&get, &[key.clone(), Value::int(0)])?;
            vm.set_item(mapping, &key, &vm.add(&count, &one)?)?;
        }
        Ok(())
    }
}

native_module! {
    name: "_collections",
    doc: "High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n- defaultdict:  dict subclass with a default value factory\n",
    functions: [Functions::FUNCTIONS],
    types: [Deque, DefaultDict, DequeIterator, DequeReverseIterator, TupleGetter, OrderedDict],
    execute: |vm, _| {
        for typ in [
            OrderedKeys::static_type(), OrderedValues::static_type(), OrderedItems::static_type(),
            OrderedIterator::static_type(),
        ] {
            typ.ready(vm);
        }
        Ok(())
    },
}
