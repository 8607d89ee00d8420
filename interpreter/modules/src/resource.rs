//! The module `resource`: what the process has used, and what it may use.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, c};
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::paths::OrRaise;
use rspy_runtime::struct_sequence;
use rspy_runtime::types::float;
use rspy_runtime::types::int;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::structseq;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "resource",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: execute,
}

struct_sequence! {
    /// struct_rusage: Result from getrusage.
    ///
    /// This object may be accessed either as a tuple of
    ///     (utime,stime,maxrss,ixrss,idrss,isrss,minflt,majflt,
    ///     nswap,inblock,oublock,msgsnd,msgrcv,nsignals,nvcsw,nivcsw)
    /// or via the attributes ru_utime, ru_stime, ru_maxrss, and so on.
    pub struct Usage("resource", "struct_rusage") {
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

/// The resources that have limits, by Linux's numbers.
const LIMITS: &[(&str, i64)] = &[
    ("RLIMIT_CPU", 0),
    ("RLIMIT_FSIZE", 1),
    ("RLIMIT_DATA", 2),
    ("RLIMIT_STACK", 3),
    ("RLIMIT_CORE", 4),
    ("RLIMIT_RSS", 5),
    ("RLIMIT_NPROC", 6),
    ("RLIMIT_NOFILE", 7),
    ("RLIMIT_OFILE", 7),
    ("RLIMIT_MEMLOCK", 8),
    ("RLIMIT_AS", 9),
    ("RLIMIT_MSGQUEUE", 12),
    ("RLIMIT_NICE", 13),
    ("RLIMIT_RTPRIO", 14),
    ("RLIMIT_RTTIME", 15),
    ("RLIMIT_SIGPENDING", 11),
    ("RLIM_INFINITY", -1),
    ("RUSAGE_SELF", 0),
    ("RUSAGE_CHILDREN", -1),
    ("RUSAGE_THREAD", 1),
];
/// Resources have smaller numbers.
const RESOURCE_COUNT: i32 = 16;

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for &(name, number) in LIMITS {
        module.set_int(vm, name, number);
    }
    structseq::publish::<Usage>(vm, module);
    module.set(vm, "error", vm.builtins().get_str(&vm.intern("OSError")).unwrap_or_else(rspy_runtime::types::none::none));
    Ok(())
}

fn check_resource(vm: &Vm, resource: i32) -> PyResult<()> {
    if (0..RESOURCE_COUNT).contains(&resource) {
        Ok(())
    } else {
        Err(vm.value_error("invalid resource specified"))
    }
}

/// A limit as Python sees it; the largest means none.
fn shown(limit: u64) -> Value {
    int::new(limit as i64)
}

fn pair((soft, hard): (u64, u64)) -> Value {
    Tuple::from_values([shown(soft), shown(hard)]).into_value()
}

fn limit(vm: &Vm, value: &Value) -> PyResult<u64> {
    let number = vm.index(value)?;
    if int::small_value(&number) == Some(-1) {
        return Ok(u64::MAX);
    }
    if int::sign(&number) < 0 {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::to_fixed::<u64>(vm, &number, "long")
}

fn limits(vm: &Vm, limits: &Value) -> PyResult<(u64, u64)> {
    match &vm.collect(limits)?[..] {
        [soft, hard] => Ok((limit(vm, soft)?, limit(vm, hard)?)),
        _ => Err(vm.value_error("expected a tuple of 2 integers")),
    }
}

/// Linux says of limits that do not fit together that an argument is invalid.
fn set_error(vm: &Vm, error: host::Errno) -> rspy_runtime::Exception {
    match error.0 {
        c::EINVAL => vm.value_error("current limit exceeds maximum limit"),
        c::EPERM => vm.value_error("not allowed to raise maximum limit"),
        _ => Err::<(), _>(error).or_raise(vm).expect_err("an error stays one"),
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    #[function("getrusage(who, /)")]
    fn getrusage(vm: &Vm, who: i32) -> PyResult {
        if !(-1..=1).contains(&who) {
            return Err(vm.value_error("invalid who parameter"));
        }
        let usage = host::usage(who).or_raise(vm)?;
        let seconds = |time: c::timeval| float::new(time.tv_sec as f64 + time.tv_usec as f64 * 1e-6);
        let numbers = [
            usage.ru_maxrss,
            usage.ru_ixrss,
            usage.ru_idrss,
            usage.ru_isrss,
            usage.ru_minflt,
            usage.ru_majflt,
            usage.ru_nswap,
            usage.ru_inblock,
            usage.ru_oublock,
            usage.ru_msgsnd,
            usage.ru_msgrcv,
            usage.ru_nsignals,
            usage.ru_nvcsw,
            usage.ru_nivcsw,
        ];
        let mut fields = vec![seconds(usage.ru_utime), seconds(usage.ru_stime)];
        fields.extend(numbers.map(int::new));
        Ok(structseq::new::<Usage>(fields))
    }

    #[function("getrlimit(resource, /)")]
    fn getrlimit(vm: &Vm, resource: i32) -> PyResult {
        check_resource(vm, resource)?;
        host::get_resource_limit(resource).or_raise(vm).map(pair)
    }

    #[function("setrlimit(resource, limits, /)")]
    fn setrlimit(vm: &Vm, resource: i32, new: &Value) -> PyResult<()> {
        check_resource(vm, resource)?;
        let (soft, hard) = limits(vm, new)?;
        host::set_resource_limit(resource, soft, hard).map_err(|error| set_error(vm, error))
    }

    #[function("prlimit(pid, resource, limits=None, /)")]
    fn prlimit(vm: &Vm, pid: i32, resource: i32, new: Option<&Value>) -> PyResult {
        check_resource(vm, resource)?;
        let new = new.map(|new| limits(vm, new)).transpose()?;
        match host::process_resource_limit(pid, resource, new) {
            Err(error) if error.0 == c::EINVAL => Err(vm.value_error("current limit exceeds maximum limit")),
            result => result.or_raise(vm).map(pair),
        }
    }

    #[function("getpagesize()")]
    fn getpagesize() -> i64 {
        host::page_size()
    }
}
