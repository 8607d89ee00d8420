//! The module `_tracemalloc`: which Python code memory was allocated by.

use std::collections::HashMap;

use rspy_macros::pyfunctions;
use rspy_runtime::allocations::{self, MOST_CALLS, Traceback};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::Ref;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The file of a place that is not known.
const UNKNOWN_FILE: &str = "<unknown>";

/// A traceback as a tuple of tuples: files and lines, the innermost call first.
pub fn frames(vm: &Vm, traceback: &Traceback) -> Ref<Tuple> {
    let frames = traceback.places.iter().map(|(file, line)| {
        let file = file.clone().unwrap_or_else(|| vm.intern(UNKNOWN_FILE).into_value());
        Tuple::from_values([file, int::new(i64::from(*line))]).into_value()
    });
    Tuple::from_values(frames.collect::<Vec<_>>())
}

/// Begins to trace, with so many calls of each allocation at most.
///
/// # Errors
/// `ValueError` for a number out of range.
pub fn start(vm: &Vm, calls: i32) -> PyResult<()> {
    match u16::try_from(calls) {
        Ok(limit @ 1..) => {
            allocations::start(vm, limit);
            Ok(())
        }
        _ => Err(vm.value_error(format!("the number of frames must be in range [1; {MOST_CALLS}]"))),
    }
}

/// The functions.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Return True if the tracemalloc module is tracing Python memory allocations.
    #[function("is_tracing()")]
    fn is_tracing() -> bool {
        allocations::are_traced()
    }

    /// Clear traces of memory blocks allocated by Python.
    #[function("clear_traces()")]
    fn clear_traces(vm: &Vm) {
        allocations::clear(vm);
    }

    /// Get traces of all memory blocks allocated by Python.
    ///
    /// Return a list of (domain: int, size: int, traceback: tuple, frames: int) tuples.
    /// traceback is a tuple of (filename: str, lineno: int) tuples.
    ///
    /// Return an empty list if the tracemalloc module is disabled.
    #[function("_get_traces()")]
    fn get_traces(vm: &Vm) -> Ref<List> {
        let (traces, tracebacks) = allocations::traces(vm);
        let mut shown: HashMap<u32, (Ref<Tuple>, u16)> = HashMap::new();
        let traces = traces.iter().map(|trace| {
            let (frames, depth) = shown.entry(trace.calls).or_insert_with(|| {
                let traceback = &tracebacks[trace.calls as usize];
                (frames(vm, traceback), traceback.depth)
            });
            let fields = [
                int::new(i64::from(trace.domain)),
                int::new(trace.size as i64),
                frames.clone().into_value(),
                int::new(i64::from(*depth)),
            ];
            Tuple::from_values(fields).into_value()
        });
        List::from_vec(traces.collect())
    }

    /// Get the traceback where the Python object obj was allocated.
    ///
    /// Return a tuple of (filename: str, lineno: int) tuples.
    /// Return None if the tracemalloc module is disabled or did not
    /// trace the allocation of the object.
    #[function("_get_object_traceback(obj, /)")]
    fn get_object_traceback(vm: &Vm, obj: &Value) -> Option<Ref<Tuple>> {
        allocations::traceback_of(vm, obj).map(|traceback| frames(vm, &traceback))
    }

    /// Start tracing Python memory allocations.
    ///
    /// Also set the maximum number of frames stored in the traceback of a
    /// trace to nframe.
    #[function("start(nframe=1, /)")]
    fn start(vm: &Vm, nframe: i32) -> PyResult<()> {
        start(vm, nframe)
    }

    /// Stop tracing Python memory allocations.
    ///
    /// Also clear traces of memory blocks allocated by Python.
    #[function("stop()")]
    fn stop(vm: &Vm) {
        allocations::stop(vm);
    }

    /// Get the maximum number of frames stored in the traceback of a trace.
    ///
    /// By default, a trace of an allocated memory block only stores
    /// the most recent frame: the limit is 1.
    #[function("get_traceback_limit()")]
    fn get_traceback_limit() -> u16 {
        allocations::limit()
    }

    /// Get the memory usage in bytes of the tracemalloc module.
    ///
    /// This memory is used internally to trace memory allocations.
    #[function("get_tracemalloc_memory()")]
    fn get_tracemalloc_memory() -> usize {
        allocations::own_memory()
    }

    /// Get the current size and peak size of memory blocks traced by tracemalloc.
    ///
    /// Returns a tuple: (current: int, peak: int).
    #[function("get_traced_memory()")]
    fn get_traced_memory() -> (usize, usize) {
        allocations::sizes()
    }

    /// Set the peak size of memory blocks traced by tracemalloc to the current size.
    ///
    /// Do nothing if the tracemalloc module is not tracing memory allocations.
    #[function("reset_peak()")]
    fn reset_peak() {
        allocations::reset_peak();
    }
}

native_module! {
    name: "_tracemalloc",
    doc: "Traces memory blocks allocated by Python.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |_, _| Ok(()),
}
