//! `gc`: control over the cycle collector.

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::gc::{self, debug};
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "gc",
    doc: "This module provides access to the garbage collector for reference cycles.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in [
        ("DEBUG_STATS", debug::STATISTICS),
        ("DEBUG_COLLECTABLE", debug::COLLECTABLE),
        ("DEBUG_UNCOLLECTABLE", debug::UNCOLLECTABLE),
        ("DEBUG_SAVEALL", debug::SAVE_ALL),
        ("DEBUG_LEAK", debug::LEAK),
    ] {
        module.set_int(vm, name, i64::from(number));
    }
    module.set(vm, "garbage", vm.interpreter.collector.garbage());
    module.set(vm, "callbacks", vm.interpreter.collector.callbacks());
    Ok(())
}

fn numbers(numbers: [i64; 3]) -> Value {
    Tuple::from_values(numbers.map(int::new)).into_value()
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Enable automatic garbage collection.
    #[function("enable()")]
    fn enable(vm: &Vm) {
        vm.interpreter.collector.enabled.set(true);
    }

    /// Disable automatic garbage collection.
    #[function("disable()")]
    fn disable(vm: &Vm) {
        vm.interpreter.collector.enabled.set(false);
    }

    /// Returns true if automatic garbage collection is enabled.
    #[function("isenabled()")]
    fn isenabled(vm: &Vm) -> bool {
        vm.interpreter.collector.enabled.get()
    }

    /// Run the garbage collector on a generation and the younger ones, by default on all.
    ///
    /// The number of unreachable objects is returned.
    #[function("collect(generation=2)")]
    fn collect(vm: &Vm, generation: i32) -> PyResult<usize> {
        match usize::try_from(generation) {
            Ok(generation) if generation <= gc::OLDEST => Ok(vm.interpreter.collector.collect(vm, generation)),
            _ => Err(vm.value_error("invalid generation")),
        }
    }

    /// Set the garbage collection debugging flags, a combination of the DEBUG constants.
    ///
    /// Debugging information is written to the standard error stream.
    #[function("set_debug(flags, /)")]
    fn set_debug(vm: &Vm, flags: i32) {
        vm.interpreter.collector.debug.set(flags);
    }

    /// Get the garbage collection debugging flags.
    #[function("get_debug()")]
    fn get_debug(vm: &Vm) -> i32 {
        vm.interpreter.collector.debug.get()
    }

    /// set_threshold(threshold0, [threshold1, [threshold2]])
    /// Set the collection thresholds (the collection frequency).
    ///
    /// Setting 'threshold0' to zero disables collection.
    #[function("set_threshold")]
    fn set_threshold(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("gc.set_threshold() takes no keyword arguments"));
        }
        if args.is_empty() || args.len() > 3 {
            return Err(vm.type_error("gc.set_threshold requires 1 to 3 arguments"));
        }
        let mut thresholds = vm.interpreter.collector.thresholds.get();
        for (threshold, argument) in thresholds.iter_mut().zip(args) {
            *threshold = i64::from(int::to_fixed::<i32>(vm, argument, "i")?);
        }
        vm.interpreter.collector.thresholds.set(thresholds);
        Ok(())
    }

    /// Return the current collection thresholds.
    #[function("get_threshold()")]
    fn get_threshold(vm: &Vm) -> Value {
        numbers(vm.interpreter.collector.thresholds.get())
    }

    /// Return a three-tuple of the current collection counts.
    #[function("get_count()")]
    fn get_count(vm: &Vm) -> Value {
        numbers(vm.interpreter.collector.progress())
    }

    /// Return a list of dictionaries containing per-generation statistics.
    #[function("get_stats()")]
    fn get_stats(vm: &Vm) -> Value {
        let dicts = vm.interpreter.collector.statistics.get().map(|statistics| {
            let dict = Dict::new();
            for (name, number) in [
                ("collections", statistics.collections),
                ("collected", statistics.collected),
                ("uncollectable", statistics.uncollectable),
            ] {
                dict.set_str(&vm.intern(name), int::new(number as i64));
            }
            dict.into_value()
        });
        List::from_vec(dicts.into()).into_value()
    }

    /// Return a list of objects tracked by the collector (excluding the list returned).
    ///
    /// If generation is not None, return only the objects tracked by the collector that are in that generation.
    #[function("get_objects(generation=None)")]
    fn get_objects(vm: &Vm, generation: Option<&Value>) -> PyResult {
        let generation = match generation.filter(|generation| !is_none(generation)) {
            None => None,
            Some(value) => generation_argument(vm, value)?,
        };
        audit::raise_event(vm, "gc.get_objects", || vec![int::new(generation.map_or(-1, |number| number as i64))])?;
        Ok(List::from_vec(vm.interpreter.collector.objects(generation)).into_value())
    }

    /// Return the list of objects that directly refer to any of 'objs'.
    #[function("get_referrers(*objs)")]
    fn get_referrers(vm: &Vm, objs: &[Value]) -> PyResult {
        audit::raise_event(vm, "gc.get_referrers", || vec![Tuple::from_slice(objs).into_value()])?;
        Ok(List::from_vec(gc::referrers(vm, objs)).into_value())
    }

    /// Return the list of objects that are directly referred to by 'objs'.
    #[function("get_referents(*objs)")]
    fn get_referents(vm: &Vm, objs: &[Value]) -> PyResult {
        audit::raise_event(vm, "gc.get_referents", || vec![Tuple::from_slice(objs).into_value()])?;
        Ok(List::from_vec(objs.iter().flat_map(gc::referents).collect()).into_value())
    }

    /// Returns true if the object is tracked by the garbage collector.
    ///
    /// Simple atomic objects will return false.
    #[function("is_tracked(obj, /)")]
    fn is_tracked(obj: &Value) -> bool {
        gc::is_tracked(obj)
    }

    /// Returns true if the object has been already finalized by the GC.
    #[function("is_finalized(obj, /)")]
    fn is_finalized(obj: &Value) -> bool {
        gc::is_finalized(obj)
    }

    /// Freeze all current tracked objects and ignore them for future collections.
    ///
    /// This can be used before a POSIX fork() call to make the gc copy-on-write friendly.
    #[function("freeze()")]
    fn freeze(vm: &Vm) {
        vm.interpreter.collector.freeze();
    }

    /// Unfreeze all objects in the permanent generation.
    ///
    /// Put all objects in the permanent generation back into oldest generation.
    #[function("unfreeze()")]
    fn unfreeze(vm: &Vm) {
        vm.interpreter.collector.unfreeze();
    }

    /// Return the number of objects in the permanent generation.
    #[function("get_freeze_count()")]
    fn get_freeze_count(vm: &Vm) -> usize {
        vm.interpreter.collector.counts()[3]
    }
}

/// Which generation an argument of `get_objects` means; -1 means all, as `None` does.
fn generation_argument(vm: &Vm, value: &Value) -> PyResult<Option<usize>> {
    if value.type_of().slots().index.get().is_none() {
        let message = format!("argument should be integer or None, not '{}'", value.type_of().name());
        return Err(vm.type_error(message));
    }
    let number = int::to_fixed::<isize>(vm, value, "ssize_t")?;
    if number > gc::OLDEST as isize {
        return Err(vm.value_error("generation parameter must be less than the number of available generations (3)"));
    }
    match usize::try_from(number) {
        Ok(generation) => Ok(Some(generation)),
        Err(_) if number == -1 => Ok(None),
        Err(_) => Err(vm.value_error("generation parameter cannot be negative")),
    }
}
