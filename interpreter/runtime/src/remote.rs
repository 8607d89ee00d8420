//! Scripts that another process wants run in this one (PEP 768), for debuggers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use rspy_syntax::{Mode, Source};

use crate::audit;
use crate::compile::{CompileRequest, compile_source};
use crate::exceptions::os_error::FileNotFoundError;
use crate::exceptions::print::write_unraisable;
use crate::exceptions::{Exception, PyResult};
use crate::host::{self, LONGEST_REMOTE_PATH, RemoteError};
use crate::import::frozen::run_code;
use crate::object::{Object, Payload};
use crate::paths;
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// Runs the scripts that are waiting, each in names of its own. What they raise is reported.
#[cold]
pub(crate) fn run_waiting(vm: &Vm) {
    while let Some(path) = host::take_remote_call() {
        let path = paths::decode(&path);
        let shown = path.to_string_lossy().into_owned();
        let report = |what: &str, error: Exception| {
            write_unraisable(vm, error, Some(&format!("{what} debugger script {shown}")), None);
        };
        let event = audit::raise_event(vm, "cpython.remote_debugger_script", || vec![path.to_value()]);
        if let Err(error) = event {
            report("Audit hook failed for remote", error);
            continue;
        }
        match read(vm, &path) {
            Err(error) => report("Can't open", error),
            Ok(source) => {
                if let Err(error) = execute(vm, &source) {
                    report("Error executing", error);
                }
            }
        }
    }
}

fn read(vm: &Vm, path: &Object<Str>) -> PyResult<Vec<u8>> {
    let io = crate::import::import_module(vm, "io")?;
    let file = vm.call_method_str(&io, "open_code", &[path.to_value()])?;
    let contents = vm.call_method_str(&file, "read", &[]);
    vm.call_method_str(&file, "close", &[])?;
    let contents = contents?;
    match contents.downcast::<Bytes>() {
        Some(contents) => Ok(contents.as_slice().to_vec()),
        None => Err(vm.type_error("a script's file gives no bytes")),
    }
}

fn execute(vm: &Vm, source: &[u8]) -> PyResult<()> {
    let filename = vm.intern("<string>");
    let request = CompileRequest {
        filename: &filename,
        mode: Mode::Module,
        flags: 0,
        optimize: 0,
        feature_version: 14,
    };
    let code = compile_source(vm, &Source::Bytes(source), &request)?;
    run_code(vm, code.value(), &Dict::new()).map(drop)
}

/// Asks another process, or this one, to run a script.
///
/// # Errors
/// `OSError` and `RuntimeError` where that cannot be.
pub fn request(vm: &Vm, process: i32, script: &Value) -> PyResult<()> {
    let path = paths::to_bytes(vm, script)?;
    audit::raise_event(vm, "sys.remote_exec", || vec![Value::int(process), script.clone()])?;
    if vm.interpreter.configuration.disable_remote_debug {
        return Err(vm.runtime_error("Remote debugging is not enabled"));
    }
    if let Err(error) = std::fs::metadata(OsStr::from_bytes(&path)) {
        return Err(match error.raw_os_error() {
            Some(host::c::ENOENT) => {
                vm.new_exception(FileNotFoundError::static_type(), "Script file does not exist")
            }
            _ => vm.io_error(&error, None),
        });
    }
    if path.len() >= LONGEST_REMOTE_PATH {
        return Err(vm.value_error("Debugger script path is too long"));
    }
    match host::leave_remote_call(process, &path) {
        Ok(()) => {}
        Err(RemoteError::System(error)) => return Err(vm.os_error(error.0, None, None)),
        Err(RemoteError::Stranger) => {
            let text = "PyRuntime address lookup failed during debug offsets initialization";
            return Err(vm.runtime_error(text));
        }
        Err(RemoteError::Refused) => {
            return Err(vm.runtime_error("Remote debugging is not enabled in the remote process"));
        }
    }
    // The process itself need not wait for its next safe point.
    if host::remote_call_waits() && vm.is_main_thread() {
        run_waiting(vm);
    }
    Ok(())
}
