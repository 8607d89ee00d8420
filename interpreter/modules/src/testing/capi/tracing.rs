//! `_testcapi`, `_testinternalcapi`: blocks of memory that others than the interpreter have traced.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rspy_macros::pyfunctions;
use rspy_runtime::allocations;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::Ref;
use rspy_runtime::threads;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::tracemalloc::frames;

/// The functions of `_testcapi`.
pub struct Functions;

fn traced(vm: &Vm, done: bool) -> PyResult<()> {
    if done { Ok(()) } else { Err(vm.runtime_error("allocations are not traced")) }
}

/// Calls with the interpreter's lock taken again after it was given up, if that is wanted.
fn perhaps_again<R>(vm: &Vm, release: bool, run: impl FnOnce(&Vm) -> R) -> R {
    if release { vm.allow_threads(|| vm.hold_lock(run)) } else { run(vm) }
}

#[pyfunctions]
impl Functions {
    #[function("tracemalloc_track(domain, ptr, size, release_gil=False, /)")]
    fn track(vm: &Vm, domain: u32, pointer: usize, size: usize, release: bool) -> PyResult<()> {
        traced(vm, perhaps_again(vm, release, |vm| allocations::track(vm, domain, pointer, size)))
    }

    #[function("tracemalloc_untrack(domain, ptr, release_gil=False, /)")]
    fn untrack(vm: &Vm, domain: u32, pointer: usize, release: bool) -> PyResult<()> {
        traced(vm, perhaps_again(vm, release, |_| allocations::untrack(domain, pointer)))
    }

    /// Tracks and forgets blocks in threads of their own, while tracing begins and ends in this one.
    #[function("tracemalloc_track_race()")]
    fn track_race(vm: &Vm) -> PyResult<()> {
        const THREADS: usize = 50;
        static STOP: AtomicBool = AtomicBool::new(false);
        STOP.store(false, Ordering::Relaxed);
        allocations::start(vm, 1);
        for number in 0..THREADS {
            let race = move |vm: &Vm| {
                while !STOP.load(Ordering::Relaxed) {
                    allocations::track(vm, 42, 4096 + number, 1);
                    allocations::untrack(42, 4096 + number);
                    vm.allow_threads(std::thread::yield_now);
                }
            };
            threads::start(vm, Box::new(race)).map_err(|error| vm.io_error(&error, None))?;
        }
        vm.allow_threads(|| std::thread::sleep(Duration::from_millis(20)));
        allocations::stop(vm);
        STOP.store(true, Ordering::Relaxed);
        while threads::has_others() {
            vm.allow_threads(|| std::thread::sleep(Duration::from_millis(1)));
        }
        Ok(())
    }
}

/// The functions of `_testinternalcapi`.
pub struct Internal;

#[pyfunctions]
impl Internal {
    #[function("_PyTraceMalloc_GetTraceback(domain, ptr, /)")]
    fn get_traceback(vm: &Vm, domain: u32, pointer: &Value) -> PyResult<Option<Ref<Tuple>>> {
        let pointer = rspy_runtime::types::int::to_fixed::<usize>(vm, pointer, "size_t")?;
        let traceback = allocations::traceback_at(vm, domain, pointer);
        Ok(traceback.map(|traceback| frames(vm, &traceback)))
    }
}
