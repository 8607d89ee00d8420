//! `resource`: what processes use, and the limits of that.

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::{PyResult, os_error};
use rspy_runtime::host::{self, Usage, c};
use rspy_runtime::native_module;
use rspy_runtime::object::Payload;
use rspy_runtime::paths::OrRaise;
use rspy_runtime::struct_sequence;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::{float, int, structseq};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

struct_sequence! {
    /// struct_rusage: Result from getrusage.
    ///
    /// This object may be accessed either as a tuple of
    ///     (utime,stime,maxrss,ixrss,idrss,isrss,minflt,majflt,
    ///     nswap,inblock,oublock,msgsnd,msgrcv,nsignals,nvcsw,nivcsw)
    /// or via the attributes ru_utime, ru_stime, ru_maxrss, and so on.
    pub struct StructUsage("resource", "struct_rusage") {
        visible {
            ru_utime: "user time used", ru_stime: "system time used", ru_maxrss: "max. resident set size",
            ru_ixrss: "shared memory size", ru_idrss: "unshared data size", ru_isrss: "unshared stack size",
            ru_minflt: "page faults not requiring I/O", ru_majflt: "page faults requiring I/O",
            ru_nswap: "number of swap outs", ru_inblock: "block input operations",
            ru_oublock: "block output operations", ru_msgsnd: "IPC messages sent",
            ru_msgrcv: "IPC messages received", ru_nsignals: "signals received",
            ru_nvcsw: "voluntary context switches", ru_nivcsw: "involuntary context switches",
        }
        unnamed 0
        hidden {}
    }
}

native_module! {
    name: "resource",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        for (name, number) in NUMBERS {
            module.set_int(vm, name, *number);
        }
        structseq::publish::<StructUsage>(vm, module);
        module.set(vm, "error", os_error::OsError::static_type().to_value());
        Ok(())
    },
}

const NUMBERS: &[(&str, i64)] = &[
    ("RLIMIT_AS", 9), ("RLIMIT_CORE", 4), ("RLIMIT_CPU", 0), ("RLIMIT_DATA", 2), ("RLIMIT_FSIZE", 1),
    ("RLIMIT_MEMLOCK", 8), ("RLIMIT_MSGQUEUE", 12), ("RLIMIT_NICE", 13), ("RLIMIT_NOFILE", 7), ("RLIMIT_NPROC", 6),
    ("RLIMIT_OFILE", 7), ("RLIMIT_RSS", 5), ("RLIMIT_RTPRIO", 14), ("RLIMIT_RTTIME", 15), ("RLIMIT_SIGPENDING", 11),
    ("RLIMIT_STACK", 3), ("RLIM_INFINITY", -1), ("RUSAGE_CHILDREN", -1), ("RUSAGE_SELF", 0), ("RUSAGE_THREAD", 1),
];

/// How many kinds of limits there are.
const LIMITS: i32 = 16;

/// `struct_rusage` of what was used.
fn usage_value(usage: &Usage) -> Value {
    let seconds = |time: c::timeval| float::new(time.tv_sec as f64 + time.tv_usec as f64 * 1e-6);
    let numbers = [
        usage.ru_maxrss, usage.ru_ixrss, usage.ru_idrss, usage.ru_isrss, usage.ru_minflt, usage.ru_majflt,
        usage.ru_nswap, usage.ru_inblock, usage.ru_oublock, usage.ru_msgsnd, usage.ru_msgrcv, usage.ru_nsignals,
        usage.ru_nvcsw, usage.ru_nivcsw,
    ];
    let mut fields = vec![seconds(usage.ru_utime), seconds(usage.ru_stime)];
    fields.extend(numbers.map(int::new));
    structseq::new::<StructUsage>(fields)
}

/// One limit; -1 is none.
fn limit_of(vm: &Vm, value: &Value) -> PyResult<u64> {
    let number = vm.index(value)?;
    if int::small_value(&number) == Some(-1) {
        return Ok(u64::MAX);
    }
    if int::sign(&number) < 0 {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::to_fixed(vm, &number, "unsigned long")
        .map_err(|_| vm.overflow_error("Python int too large to convert to C rlim_t"))
}

fn limits_of(vm: &Vm, limits: &Value) -> PyResult<(u64, u64)> {
    let items = vm.collect(limits)?;
    match items.as_slice() {
        [soft, hard] => Ok((limit_of(vm, soft)?, limit_of(vm, hard)?)),
        _ => Err(vm.value_error("expected a tuple of 2 integers")),
    }
}

fn limits_value((soft, hard): (u64, u64)) -> (Value, Value) {
    let value = |limit: u64| int::from_i128(if limit == u64::MAX { -1 } else { limit.into() });
    (value(soft), value(hard))
}

fn check(vm: &Vm, resource: i32) -> PyResult<()> {
    if (0..LIMITS).contains(&resource) { Ok(()) } else { Err(vm.value_error("invalid resource specified")) }
}

/// Refusals that the caller brought about are errors of values.
fn limit_error<T>(vm: &Vm, result: host::Result<T>) -> PyResult<T> {
    result.map_err(|error| match error.0 {
        c::EINVAL => vm.value_error("current limit exceeds maximum limit"),
        c::EPERM => vm.value_error("not allowed to raise maximum limit"),
        number => vm.os_error(number, None, None),
    })
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// The resources used by the process, its children or the thread.
    #[function("getrusage(who, /)")]
    fn getrusage(vm: &Vm, who: i32) -> PyResult {
        match host::usage(who) {
            Ok(usage) => Ok(usage_value(&usage)),
            Err(error) if error.0 == c::EINVAL => Err(vm.value_error("invalid who parameter")),
            Err(error) => Err(vm.os_error(error.0, None, None)),
        }
    }

    /// The soft and the hard limit of a resource.
    #[function("getrlimit(resource, /)")]
    fn getrlimit(vm: &Vm, resource: i32) -> PyResult<(Value, Value)> {
        check(vm, resource)?;
        host::get_resource_limit(resource).or_raise(vm).map(limits_value)
    }

    /// Set the limits of a resource.
    #[function("setrlimit(resource, limits, /)")]
    fn setrlimit(vm: &Vm, resource: i32, limits: &Value) -> PyResult<()> {
        check(vm, resource)?;
        audit::raise_event(vm, "resource.setrlimit", || vec![Value::int(resource), limits.clone()])?;
        let (soft, hard) = limits_of(vm, limits)?;
        host::set_resource_limit(resource, soft, hard).map_err(|error| match error.0 {
            c::EINVAL => vm.value_error("current limit exceeds maximum limit"),
            c::EPERM => vm.value_error("not allowed to raise maximum limit"),
            number => vm.os_error(number, None, None),
        })
    }

    /// The limits of another process, which are set too where some are given.
    #[function("prlimit(pid, resource, limits=None, /)")]
    fn prlimit(vm: &Vm, pid: i32, resource: i32, limits: Option<&Value>) -> PyResult<(Value, Value)> {
        check(vm, resource)?;
        let shown = limits.cloned().unwrap_or_else(rspy_runtime::types::none::none);
        audit::raise_event(vm, "resource.prlimit", || vec![Value::int(pid), Value::int(resource), shown])?;
        let limits = match limits {
            Some(limits) if !is_none(limits) => Some(limits_of(vm, limits)?),
            _ => None,
        };
        limit_error(vm, host::process_limit(pid, resource, limits)).map(limits_value)
    }

    /// The number of bytes of a page of memory.
    #[function("getpagesize()")]
    fn getpagesize(vm: &Vm) -> PyResult<i64> {
        host::system_limit(c::_SC_PAGESIZE).or_raise(vm)
    }
}
