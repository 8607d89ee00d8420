//! `syslog`: messages to the system's log.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::native_module;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "syslog",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        for (name, number) in NUMBERS {
            module.set_int(vm, name, *number);
        }
        Ok(())
    },
}

const NUMBERS: &[(&str, i64)] = &[
    ("LOG_ALERT", 1), ("LOG_AUTH", 32), ("LOG_AUTHPRIV", 80), ("LOG_CONS", 2), ("LOG_CRIT", 2), ("LOG_CRON", 72),
    ("LOG_DAEMON", 24), ("LOG_DEBUG", 7), ("LOG_EMERG", 0), ("LOG_ERR", 3), ("LOG_FTP", 88), ("LOG_INFO", 6),
    ("LOG_KERN", 0), ("LOG_LOCAL0", 128), ("LOG_LOCAL1", 136), ("LOG_LOCAL2", 144), ("LOG_LOCAL3", 152),
    ("LOG_LOCAL4", 160), ("LOG_LOCAL5", 168), ("LOG_LOCAL6", 176), ("LOG_LOCAL7", 184), ("LOG_LPR", 48),
    ("LOG_MAIL", 16), ("LOG_NDELAY", 8), ("LOG_NEWS", 56), ("LOG_NOTICE", 5), ("LOG_NOWAIT", 16), ("LOG_ODELAY", 4),
    ("LOG_PERROR", 32), ("LOG_PID", 1), ("LOG_SYSLOG", 40), ("LOG_USER", 8), ("LOG_UUCP", 64), ("LOG_WARNING", 4),
];

const INFORMATION: i32 = 6;
const USER: i32 = 8;

/// Whether `openlog` was called since the log was closed.
static OPEN: AtomicBool = AtomicBool::new(false);

/// The name of the program: the last part of `sys.argv[0]`.
fn program_name(vm: &Vm) -> Option<String> {
    let arguments = vm.sys_attribute(&vm.intern("argv"))?;
    let first = vm.get_item(&arguments, &Value::int(0)).ok()?;
    let text = first.downcast::<Str>()?.to_string_lossy().into_owned();
    let name = text.rsplit('/').next().unwrap_or_default().to_owned();
    (!name.is_empty()).then_some(name)
}

fn open(vm: &Vm, identity: Option<String>, options: i32, facility: i32) -> PyResult<()> {
    let identity = identity.or_else(|| program_name(vm));
    audit::raise_event(vm, "syslog.openlog", || {
        let name = identity.as_ref().map_or_else(none, |name| vm.new_str(name));
        vec![name, Value::int(options), Value::int(facility)]
    })?;
    let identity = identity.map(CString::new).transpose().map_err(|_| vm.value_error("embedded null character"))?;
    host::open_log(identity, options, facility);
    OPEN.store(true, Ordering::Relaxed);
    Ok(())
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Set logging options of subsequent syslog() calls.
    #[function("openlog(module, /, ident=<unrepresentable>, logoption=0, facility=LOG_USER)")]
    fn openlog(vm: &Vm, ident: Option<String>, logoption: i32, facility: Option<i32>) -> PyResult<()> {
        if !vm.interpreter.is_main() {
            return Err(vm.runtime_error("subinterpreter can't use syslog.openlog()"));
        }
        open(vm, ident, logoption, facility.unwrap_or(USER))
    }

    /// Send the string message to the system logger.
    #[function("syslog")]
    fn syslog(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        crate::support::no_keywords(vm, "syslog.syslog", names)?;
        let (priority, message) = match args {
            [message] => (INFORMATION, message),
            [priority, message] => (int::to_fixed(vm, &vm.index(priority)?, "i")?, message),
            _ => return Err(vm.type_error("syslog.syslog requires 1 to 2 arguments")),
        };
        let Some(text) = message.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "syslog() argument {} must be str, not {}",
                args.len(),
                message.type_of().full_name()
            )));
        };
        let shown = text.to_utf8(vm)?.into_owned();
        audit::raise_event(vm, "syslog.syslog", || vec![Value::int(priority), message.clone()])?;
        if !OPEN.load(Ordering::Relaxed) {
            if !vm.interpreter.is_main() {
                return Err(vm.runtime_error(
                    "subinterpreter can't use syslog.syslog() until the syslog is opened by the main interpreter",
                ));
            }
            open(vm, None, 0, USER)?;
        }
        let shown = CString::new(shown).map_err(|_| vm.value_error("embedded null character"))?;
        vm.allow_threads(|| host::write_log(priority, &shown));
        Ok(())
    }

    /// Reset the syslog module values and call the system library closelog().
    #[function("closelog()")]
    fn closelog(vm: &Vm) -> PyResult<()> {
        if !vm.interpreter.is_main() {
            return Err(vm.runtime_error("subinterpreter can't use syslog.closelog()"));
        }
        if OPEN.load(Ordering::Relaxed) {
            audit::raise_event(vm, "syslog.closelog", Vec::new)?;
            host::close_log();
            OPEN.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Set the priority mask to maskpri and return the previous mask value.
    #[function("setlogmask(maskpri, /)")]
    fn setlogmask(vm: &Vm, maskpri: i32) -> PyResult<i32> {
        audit::raise_event(vm, "syslog.setlogmask", || vec![Value::int(maskpri)])?;
        Ok(host::set_log_mask(maskpri))
    }

    /// Calculates and returns a mask for the individual priority pri.
    #[function("LOG_MASK(pri, /)")]
    fn log_mask(pri: i32) -> i32 {
        1i32.wrapping_shl(pri as u32)
    }

    /// Calculates and returns a mask for all priorities up to and including pri.
    #[function("LOG_UPTO(pri, /)")]
    fn log_upto(pri: i32) -> i32 {
        1i32.wrapping_shl((pri as u32).wrapping_add(1)).wrapping_sub(1)
    }
}
