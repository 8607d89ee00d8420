//! `_posixshmem`: memory that processes share by name.

use std::ffi::CString;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::types::string::Str;
use rspy_runtime::vm::Vm;
use rspy_runtime::host;

fn c_path(vm: &Vm, path: &Object<Str>) -> PyResult<CString> {
    CString::new(path.to_utf8(vm)?.into_owned()).map_err(|_| vm.value_error("embedded null character"))
}

struct Functions;

#[pyfunctions]
impl Functions {
    /// Open a shared memory object.  Returns a file descriptor (integer).
    #[function("shm_open(path, flags, mode=511)")]
    fn shm_open(vm: &Vm, path: &Object<Str>, flags: i32, mode: Option<i32>) -> PyResult<i32> {
        let name = c_path(vm, path)?;
        vm.blocking(|| host::open_shared_memory(&name, flags, mode.unwrap_or(0o777) as u32))?
            .map_err(|error| vm.os_error(error.0, Some(&path.as_value()), None))
    }

    /// Remove a shared memory object (similar to unlink()).
    ///
    /// Remove a shared memory object name, and, once all processes have
    /// unmapped the object, de-allocates and destroys the contents of the
    /// associated memory region.
    #[function("shm_unlink(path, /)")]
    fn shm_unlink(vm: &Vm, path: &Object<Str>) -> PyResult<()> {
        let name = c_path(vm, path)?;
        vm.blocking(|| host::unlink_shared_memory(&name))?
            .map_err(|error| vm.os_error(error.0, Some(&path.as_value()), None))
    }
}

native_module! {
    name: "_posixshmem", doc: "POSIX shared memory module",
    functions: [Functions::FUNCTIONS], types: [], execute: |_, _| Ok(())
}
