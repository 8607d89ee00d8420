//! `_testsinglephase`: modules that are initialised in a single phase, for tests of imports.
//!
//! What tells them apart is the state that their descriptions ask for: none that could be made anew (the process has one
//! state, and the module is initialised once), none at all, or some for each module.

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::host::{self, c};
use rspy_runtime::import;
use rspy_runtime::import::extension::{Answer, ExtensionFile, Initialized, single_phase};
use rspy_runtime::native::NativeModule;
use rspy_runtime::object::{Payload, Ref};
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::none;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::extensions::new_class;

/// The file.
pub const FILE: ExtensionFile = ExtensionFile::Exports {
    name: "_testsinglephase",
    symbols: &[
        ("PyInit__testsinglephase", |vm| basic(vm, &BASIC)),
        ("PyInit__testsinglephase_basic_wrapper", |vm| basic(vm, &BASIC)),
        ("PyInit__testsinglephase_basic_copy", |vm| basic(vm, &BASIC_COPY)),
        ("PyInit__testsinglephase_with_reinit", |vm| initialized(with_reinit(vm))),
        ("PyInit__testsinglephase_with_state", |vm| initialized(with_state(vm))),
        ("PyInit__testsinglephase_check_cache_first", |vm| known_or_new(vm, &CACHED)),
        ("PyInit__testsinglephase_with_reinit_check_cache_first", |vm| known_or_new(vm, &CACHED_WITH_REINIT)),
        ("PyInit__testsinglephase_with_state_check_cache_first", |vm| known_or_new(vm, &CACHED_WITH_STATE)),
        ("PyInit__testsinglephase_circular", |vm| initialized(circular(vm))),
        ("PyInit__testsinglephase_raise_exception", |vm| Err(vm.runtime_error("evil")).into()),
    ],
};

fn initialized(module: PyResult<Ref<Module>>) -> Answer<Initialized> {
    module.map(Initialized::Module).into()
}

/// Declares modules by their names, states and functions.
macro_rules! modules {
    ($($module:ident $name:literal $state_size:literal [$($functions:ident)*];)*) => {
        $(
            static $module: NativeModule = NativeModule {
                name: $name,
                doc: concat!("Test module ", $name),
                functions: &[$($functions::FUNCTIONS),*],
                state_size: $state_size,
                ..NativeModule::EMPTY
            };
        )*
    };
}

modules! {
    BASIC "_testsinglephase" -1 [Common Global];
    BASIC_COPY "_testsinglephase_basic_copy" -1 [Common Global];
    WITH_REINIT "_testsinglephase_with_reinit" 0 [Common];
    WITH_STATE "_testsinglephase_with_state" 32 [Common Own];
    CACHED "_testsinglephase_check_cache_first" -1 [];
    CACHED_WITH_REINIT "_testsinglephase_with_reinit_check_cache_first" 0 [];
    CACHED_WITH_STATE "_testsinglephase_with_state_check_cache_first" 42 [];
    CIRCULAR "_testsinglephase_circular" 0 [Circular];
}

/// What the basic modules keep, for the whole process.
#[derive(Clone, Copy)]
struct Process {
    /// How often one was initialised; -1 where none was.
    count: i64,
    /// When that was last done, in nanoseconds of the monotonic clock; 0 for never.
    time: i64,
}

impl Process {
    const UNUSED: Process = Process { count: -1, time: 0 };
}

static PROCESS: GilCell<Process> = GilCell::new(Process::UNUSED);

/// When the modules with state of their own were initialised, by their address. One that ended may still be listed, but no
/// new one begins without its entry being written.
static STATES: GilCell<Vec<(u64, i64)>> = GilCell::new(Vec::new());

/// The module that imports itself while it is initialised.
static UNFINISHED: GilCell<Option<Ref<Module>>> = GilCell::new(None);

/// A time that no earlier call gave.
fn now() -> i64 {
    let before = nanoseconds();
    loop {
        let time = nanoseconds();
        if time != before {
            return time;
        }
    }
}

fn nanoseconds() -> i64 {
    host::read_clock(c::CLOCK_MONOTONIC).map_or(1, |(seconds, rest)| seconds * 1_000_000_000 + rest)
}

fn seconds(time: i64) -> Value {
    float::new(time as f64 / 1e9)
}

/// Sets the names that most of the modules have.
fn fill(vm: &Vm, module: &Ref<Module>, time: i64) -> PyResult<()> {
    let base = PlainException::static_type().to_value();
    module.set(vm, "error", new_class(vm, "_testsinglephase", "error", base)?);
    module.set_int(vm, "int_const", 1969);
    module.set_str(vm, "str_const", "something different");
    module.set(vm, "_module_initialized", seconds(time));
    Ok(())
}

fn basic(vm: &Vm, description: &'static NativeModule) -> Answer<Initialized> {
    let module = Module::from_native(vm, description);
    let time = now();
    let filled = fill(vm, &module, time);
    let count = PROCESS.get().count.max(0) + i64::from(filled.is_ok());
    PROCESS.set(Process { count, time });
    initialized(filled.map(|()| module))
}

fn with_reinit(vm: &Vm) -> PyResult<Ref<Module>> {
    let module = Module::from_native(vm, &WITH_REINIT);
    fill(vm, &module, now())?;
    Ok(module)
}

fn with_state(vm: &Vm) -> PyResult<Ref<Module>> {
    let module = Module::from_native(vm, &WITH_STATE);
    let time = now();
    set_state(module.value(), time);
    fill(vm, &module, time)?;
    Ok(module)
}

fn set_state(module: &Value, time: i64) {
    let mut states = STATES.borrow_mut();
    states.retain(|(address, _)| *address != module.id());
    states.push((module.id(), time));
}

fn known_or_new(vm: &Vm, description: &'static NativeModule) -> Answer<Initialized> {
    let known = single_phase::module_of(vm, description);
    initialized(Ok(known.unwrap_or_else(|| Module::from_native(vm, description))))
}

fn circular(vm: &Vm) -> PyResult<Ref<Module>> {
    const HELPER: &str = "test.test_import.data.circular_imports.singlephase";
    let known = UNFINISHED.get();
    let module = known.unwrap_or_else(|| Module::from_native(vm, &CIRCULAR));
    UNFINISHED.set(Some(module.clone()));
    import::import_module(vm, HELPER)?;
    module.set_str(vm, "helper_mod_name", HELPER);
    Ok(module)
}

fn description_of(module: &Value) -> Option<&'static NativeModule> {
    module.downcast::<Module>()?.native()
}

/// The functions that most of the modules have.
pub struct Common;

#[pyfunctions]
impl Common {
    /// look_up_self()
    ///
    /// Return the module associated with this module's def.m_base.m_index.
    #[method("look_up_self(module, /)")]
    fn look_up_self(this: &Value, vm: &Vm) -> Option<Ref<Module>> {
        single_phase::module_of(vm, description_of(this)?)
    }

    /// sum(i,j)
    ///
    /// Return the sum of i and j.
    #[function("sum(i, j, /)")]
    fn sum(i: i64, j: i64) -> i64 {
        i.wrapping_add(j)
    }

    /// state_initialized()
    ///
    /// Return the seconds-since-epoch when the module state was initialized.
    #[method("state_initialized(module, /)")]
    fn state_initialized(this: &Value) -> Value {
        match description_of(this).map_or(0, |description| description.state_size) {
            ..0 => seconds(PROCESS.get().time),
            0 => none(),
            1.. => {
                let states = STATES.borrow();
                let found = states.iter().find(|(address, _)| *address == this.id());
                seconds(found.map_or(0, |(_, time)| *time))
            }
        }
    }
}

/// The functions of modules whose state the process has.
pub struct Global;

#[pyfunctions]
impl Global {
    /// initialized_count()
    ///
    /// Return how many times the module has been initialized.
    #[function("initialized_count()")]
    fn initialized_count() -> Value {
        int::new(PROCESS.get().count)
    }

    /// _clear_globals()
    ///
    /// Free all global state and set it to uninitialized.
    #[function("_clear_globals()")]
    fn clear_globals() {
        PROCESS.set(Process::UNUSED);
    }
}

/// The function of modules with state of their own.
pub struct Own;

#[pyfunctions]
impl Own {
    /// _clear_module_state()
    ///
    /// Free the module state and set it to uninitialized.
    #[method("_clear_module_state(module, /)")]
    fn clear_module_state(this: &Value) {
        set_state(this, 0);
    }
}

/// The function of the module that imports itself.
pub struct Circular;

#[pyfunctions]
impl Circular {
    /// clear_static_var()
    ///
    /// Clear the static variable and return its previous value.
    #[function("clear_static_var()")]
    fn clear_static_var() -> Option<Ref<Module>> {
        UNFINISHED.take()
    }
}
