//! `_remote_debugging`: whether this system lets one process write into another, as `sys.remote_exec` does.

use rspy_runtime::native_module;

native_module! {
    name: "_remote_debugging",
    doc: "",
    functions: [],
    types: [],
    execute: |vm, module| {
        module.set_int(vm, "PROCESS_VM_READV_SUPPORTED", i64::from(cfg!(target_os = "linux")));
        Ok(())
    },
}
