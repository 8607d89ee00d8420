//! How processes are scheduled.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::native::NativeDef;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::paths::OrRaise;
use rspy_runtime::struct_sequence;
use rspy_runtime::types::int;
use rspy_runtime::types::native_function::NativeMethod;
use rspy_runtime::types::structseq;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

struct_sequence! {
    /// Currently has only one field: sched_priority
    pub struct SchedParam("posix", "sched_param") {
        visible { sched_priority: "the scheduling priority", }
        unnamed 0
        hidden {}
    }
}

/// What `sched_param` has instead of what struct sequences have: it is made of its one field, not of a sequence.
struct Construction;

#[pyfunctions]
impl Construction {
    #[function("sched_param(sched_priority)")]
    fn make(sched_priority: &Value) -> Value {
        structseq::new::<SchedParam>(vec![sched_priority.clone()])
    }

    #[function("__reduce__(parameters, /)")]
    fn reduce(parameters: &Object<SchedParam>) -> Value {
        let fields = structseq::fields(parameters.payload());
        let arguments = Tuple::from_slice(fields);
        Tuple::from_values([parameters.type_of().to_value(), arguments.into_value()]).into_value()
    }
}

/// Gives the type `sched_param` its construction.
pub(super) fn complete(vm: &Vm) {
    let typ = SchedParam::static_type();
    typ.slots().new.set(Some(|vm, _, args, names| (Construction::FUNCTIONS[0].call)(vm, args, names)));
    static REDUCE: &NativeDef = &Construction::FUNCTIONS[1];
    typ.dict().set_str(&vm.intern("__reduce__"), NativeMethod::new(REDUCE, typ).into_value());
}

/// The priority in a `sched_param`.
pub(super) fn priority_of(vm: &Vm, parameters: &Value) -> PyResult<i32> {
    let Some(parameters) = parameters.downcast::<SchedParam>() else {
        return Err(vm.type_error("must have a sched_param object"));
    };
    match int::to_fixed::<i64>(vm, &structseq::fields(parameters.payload())[0], "long")?.try_into() {
        Ok(priority) => Ok(priority),
        Err(_) => Err(vm.overflow_error("sched_priority out of range")),
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Get the maximum scheduling priority for policy.
    #[function("sched_get_priority_max(policy)")]
    fn priority_max(vm: &Vm, policy: i32) -> PyResult<i32> {
        host::most_scheduling_priority(policy).or_raise(vm)
    }

    /// Get the minimum scheduling priority for policy.
    #[function("sched_get_priority_min(policy)")]
    fn priority_min(vm: &Vm, policy: i32) -> PyResult<i32> {
        host::least_scheduling_priority(policy).or_raise(vm)
    }

    /// Get the scheduling policy for the process identified by pid.
    #[function("sched_getscheduler(pid, /)")]
    fn getscheduler(vm: &Vm, pid: i32) -> PyResult<i32> {
        host::scheduler(pid).or_raise(vm)
    }

    /// Set the scheduling policy for the process identified by pid.
    #[function("sched_setscheduler(pid, policy, param, /)")]
    fn setscheduler(vm: &Vm, pid: i32, policy: i32, param: &Value) -> PyResult<()> {
        host::set_scheduler(pid, policy, priority_of(vm, param)?).or_raise(vm)
    }

    /// Returns scheduling parameters for the process identified by pid.
    #[function("sched_getparam(pid, /)")]
    fn getparam(vm: &Vm, pid: i32) -> PyResult {
        let priority = host::scheduling_priority(pid).or_raise(vm)?;
        Ok(structseq::new::<SchedParam>(vec![Value::int(priority)]))
    }

    /// Set scheduling parameters for the process identified by pid.
    #[function("sched_setparam(pid, param, /)")]
    fn setparam(vm: &Vm, pid: i32, param: &Value) -> PyResult<()> {
        host::set_scheduling_priority(pid, priority_of(vm, param)?).or_raise(vm)
    }

    /// Return the round-robin quantum for the process identified by pid, in seconds.
    #[function("sched_rr_get_interval(pid, /)")]
    fn rr_get_interval(vm: &Vm, pid: i32) -> PyResult<f64> {
        host::scheduling_interval(pid).or_raise(vm)
    }

    /// Voluntarily relinquish the CPU.
    #[function("sched_yield()")]
    fn sched_yield(vm: &Vm) {
        vm.allow_threads(host::yield_processor);
    }

    /// Return the affinity of the process identified by pid (or the current process if zero).
    #[function("sched_getaffinity(pid, /)")]
    fn getaffinity(vm: &Vm, pid: i32) -> PyResult {
        let numbers = host::processors(pid).or_raise(vm)?;
        let set = rspy_runtime::types::set::Set::new();
        for number in numbers {
            set.add(vm, &int::new(number as i64))?;
        }
        Ok(set.into_value())
    }

    /// Set the CPU affinity of the process identified by pid to mask.
    #[function("sched_setaffinity(pid, mask, /)")]
    fn setaffinity(vm: &Vm, pid: i32, mask: &Value) -> PyResult<()> {
        let mut numbers = Vec::new();
        for item in vm.collect(mask)? {
            if !int::is_int(&item) {
                let shown = vm.repr(&item.type_of().to_value())?;
                return Err(vm.type_error(format!(
                    "expected an iterator of ints, but iterator yielded {}",
                    shown.to_string_lossy()
                )));
            }
            let number: i64 = int::to_fixed(vm, &item, "long")?;
            if number < 0 {
                return Err(vm.value_error("negative CPU number"));
            }
            if number >= i64::from(i32::MAX) {
                return Err(vm.overflow_error("CPU number too large"));
            }
            numbers.push(number as usize);
        }
        host::set_processors(pid, &numbers).or_raise(vm)
    }

    /// Return the number of logical CPUs in the system, or None if it is not known.
    #[function("cpu_count()")]
    fn cpu_count(vm: &Vm) -> Option<usize> {
        let wanted = vm.interpreter.configuration.cpu_count.and_then(|count| usize::try_from(count).ok());
        wanted.or_else(host::processor_count)
    }
}
