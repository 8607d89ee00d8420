//! The machine, its configuration and the environment.

use std::ffi::CString;

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, Errno};
use rspy_runtime::object::Ref;
use rspy_runtime::paths::{self, OrRaise, PathOrDescriptor};
use rspy_runtime::struct_sequence;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::{float, structseq};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::constants::{PATH_LIMITS, SYSTEM_LIMITS, SYSTEM_TEXTS, number_of};

struct_sequence! {
    /// uname_result: Result from os.uname().
    ///
    /// This object may be accessed either as a tuple of
    ///   (sysname, nodename, release, version, machine),
    /// or via the attributes sysname, nodename, release, version, and machine.
    ///
    /// See os.uname for more information.
    pub struct UnameResult("posix", "uname_result") {
        visible {
            sysname: "operating system name", nodename: "name of machine on network (implementation-defined)",
            release: "operating system release", version: "operating system version",
            machine: "hardware identifier",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// times_result: Result from os.times().
    ///
    /// This object may be accessed either as a tuple of
    ///   (user, system, children_user, children_system, elapsed),
    /// or via the attributes user, system, children_user, children_system,
    /// and elapsed.
    ///
    /// See os.times for more information.
    pub struct TimesResult("posix", "times_result") {
        visible {
            user: "user time", system: "system time", children_user: "user time of children",
            children_system: "system time of children", elapsed: "elapsed time since an arbitrary point in the past",
        }
        unnamed 0
        hidden {}
    }
}

/// The environment as a dict of `bytes`.
///
/// # Errors
/// None in practice: `bytes` can be hashed.
pub fn environment(vm: &Vm) -> PyResult<Ref<Dict>> {
    let dict = Dict::new();
    for (name, value) in host::environment() {
        let name = Bytes::new(name).into_value();
        // The first of variables with the same name counts, as for `getenv`.
        dict.get_or_set(vm, &name, Bytes::new(value).into_value())?;
    }
    Ok(dict)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Create the environment dictionary.
    #[function("_create_environ()")]
    fn create_environ(vm: &Vm) -> PyResult<Ref<Dict>> {
        environment(vm)
    }

    /// Change or add an environment variable.
    #[function("putenv(name, value, /)")]
    fn putenv(vm: &Vm, name: &Value, value: &Value) -> PyResult<()> {
        let (name, value) = (paths::to_system(vm, name)?, paths::to_system(vm, value)?);
        if name.as_bytes().contains(&b'=') {
            return Err(vm.value_error("illegal environment variable name"));
        }
        let shown = |text: &CString| Bytes::new(text.as_bytes()).into_value();
        audit::raise_event(vm, "os.putenv", || vec![shown(&name), shown(&value)])?;
        host::set_variable(&name, &value).or_raise(vm)
    }

    /// Delete an environment variable.
    #[function("unsetenv(name, /)")]
    fn unsetenv(vm: &Vm, name: &Value) -> PyResult<()> {
        let name = paths::to_system(vm, name)?;
        audit::raise_event(vm, "os.unsetenv", || vec![Bytes::new(name.as_bytes()).into_value()])?;
        host::remove_variable(&name).or_raise(vm)
    }

    /// Return an object identifying the current operating system.
    #[function("uname()")]
    fn uname(vm: &Vm) -> PyResult {
        let names = host::system_name().or_raise(vm)?;
        Ok(structseq::new::<UnameResult>(names.map(|name| paths::decode(&name).into_value()).to_vec()))
    }

    /// Return a collection containing process timing information.
    #[function("times()")]
    fn times(vm: &Vm) -> PyResult {
        let times = host::process_times().or_raise(vm)?;
        Ok(structseq::new::<TimesResult>(times.map(float::new).to_vec()))
    }

    /// Return average recent system load information as a tuple of three floats.
    #[function("getloadavg()")]
    fn getloadavg(vm: &Vm) -> PyResult<(f64, f64, f64)> {
        match host::load_average() {
            Some([one, five, fifteen]) => Ok((one, five, fifteen)),
            None => Err(vm.os_error_message("Load averages are unobtainable")),
        }
    }

    /// Return an integer-valued system configuration variable.
    #[function("sysconf(name, /)")]
    fn sysconf(vm: &Vm, name: &Value) -> PyResult<i64> {
        host::system_limit(number_of(vm, SYSTEM_LIMITS, name)?).or_raise(vm)
    }

    /// Return a string-valued system configuration variable.
    #[function("confstr(name, /)")]
    fn confstr(vm: &Vm, name: &Value) -> PyResult {
        let text = host::system_text(number_of(vm, SYSTEM_TEXTS, name)?).or_raise(vm)?;
        Ok(text.map_or_else(none, |text| paths::decode(&text).into_value()))
    }

    /// Return the configuration limit name for the file or directory path, -1 if there is no limit.
    #[function("pathconf(path, name)")]
    fn pathconf(vm: &Vm, path: PathOrDescriptor, name: &Value) -> PyResult<i64> {
        let name = number_of(vm, PATH_LIMITS, name)?;
        let limit = match path.descriptor {
            Some(descriptor) => host::descriptor_limit(descriptor, name),
            None => host::path_limit(path.as_c_str(), name),
        };
        limit.or_raise_for(vm, &path.object)
    }

    /// Return the configuration limit name for the file descriptor fd, -1 if there is no limit.
    #[function("fpathconf(fd, name, /)")]
    fn fpathconf(vm: &Vm, fd: paths::FileDescriptor, name: &Value) -> PyResult<i64> {
        host::descriptor_limit(fd.0, number_of(vm, PATH_LIMITS, name)?).or_raise(vm)
    }

    /// Translate an error code to a message string.
    #[function("strerror(code, /)")]
    fn strerror(code: i32) -> Ref<Str> {
        Str::new(&Errno(code).message())
    }

    /// Return the name of the controlling terminal for this process.
    #[function("ctermid()")]
    fn ctermid() -> &'static str {
        "/dev/tty"
    }

    /// Checks if PyOS_InputHook has been registered; nothing registers one here.
    #[function("_is_inputhook_installed()")]
    fn is_inputhook_installed() -> bool {
        false
    }

    /// Calls PyOS_InputHook, if there were one.
    #[function("_inputhook()")]
    fn inputhook(vm: &Vm) -> PyResult<()> {
        vm.check_signals()
    }
}
