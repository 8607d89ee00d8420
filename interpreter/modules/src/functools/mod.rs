//! The native module `_functools`: partial application, `reduce`, keys from comparisons, and `lru_cache`.

mod lru_cache;
mod partial;

pub use lru_cache::LruCache;
pub use partial::{Partial, PlaceholderType};

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// A sort key that compares by a comparison function.
#[pyclass(name = "KeyWrapper", shows_get, module = "functools", tracked, no_new)]
pub struct KeyWrapper {
    compare: Value,
    object: GilCell<Option<Value>>,
}

impl KeyWrapper {
    fn object_of(&self, vm: &Vm) -> PyResult {
        self.object.get().ok_or_else(|| vm.bare_attribute_error("object"))
    }
}

#[pymethods]
impl KeyWrapper {
    #[getter("__text_signature__")]
    fn text_signature(&self) -> &'static str {
        "(obj)"
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: rspy_runtime::arguments::Parameters<1> = rspy_runtime::arguments::Parameters {
            function: "K",
            names: ["obj"],
            required: [true],
            interned: rspy_runtime::arguments::InternedNames::NONE,
            positional_only: 0,
            positional: 1,
            rest: false,
            keywords: false,
        };
        let bound = rspy_runtime::arguments::bind(vm, &PARAMETERS, args, names)?;
        let object = GilCell::new(bound.simple[0].cloned());
        Ok(Object::new(KeyWrapper { compare: self.compare.clone(), object }).into_value())
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<KeyWrapper>() else {
            return Err(vm.type_error("other argument must be K instance"));
        };
        let answer = vm.call(&self.compare, &[self.object_of(vm)?, other.object_of(vm)?])?;
        vm.compare(&answer, &Value::int(0), comparison)
    }

    /// Value wrapped by a key function.
    #[getter("obj", member)]
    fn get_object(&self) -> Option<Value> {
        self.object.get()
    }

    #[setter("obj")]
    fn set_object(&self, value: Option<&Value>) -> PyResult<()> {
        self.object.set(value.cloned());
        Ok(())
    }
}

/// The functions of `_functools`.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Apply a function of two arguments cumulatively to the items of an iterable, from left to right.
    ///
    /// This effectively reduces the iterable to a single value.  If initial is present,
    /// it is placed before the items of the iterable in the calculation, and serves as
    /// a default when the iterable is empty.
    ///
    /// For example, reduce(lambda x, y: x+y, [1, 2, 3, 4, 5])
    /// calculates ((((1 + 2) + 3) + 4) + 5).
    #[function("reduce(function, iterable, /, initial=<unrepresentable>)")]
    fn reduce(vm: &Vm, function: &Value, iterable: &Value, initial: Option<&Value>) -> PyResult {
        let iterator = vm.iter(iterable).map_err(|error| {
            if error.is_type_error() { vm.type_error("reduce() arg 2 must support iteration") } else { error }
        })?;
        let mut result = match initial {
            Some(initial) => initial.clone(),
            None => vm
                .next(&iterator)?
                .ok_or_else(|| vm.type_error("reduce() of empty iterable with no initial value"))?,
        };
        while let Some(item) = vm.next(&iterator)? {
            result = vm.call(function, &[result, item])?;
        }
        Ok(result)
    }

    /// Convert a cmp= function into a key= function.
    ///
    ///   mycmp
    ///     Function that compares two objects.
    #[function("cmp_to_key(mycmp)")]
    fn cmp_to_key(mycmp: &Value) -> Value {
        Object::new(KeyWrapper { compare: mycmp.clone(), object: GilCell::default() }).into_value()
    }
}

native_module! {
    name: "_functools",
    doc: "Tools that operate on functions.",
    functions: [Functions::FUNCTIONS],
    types: [PlaceholderType, Partial, LruCache],
    execute: |vm, module| {
        KeyWrapper::static_type().ready(vm);
        module.set(vm, "Placeholder", partial::placeholder());
        Ok(())
    },
}
