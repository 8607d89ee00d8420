//! Functions of `sys` about how the process was built and started, and the module `sys._jit`.

use rspy_macros::pyfunctions;

use crate::exceptions::PyResult;
use crate::object::Ref;
use crate::types::module::Module;
use crate::value::Value;
use crate::vm::Vm;

/// Functions of `sys`.
pub struct Process;

#[pyfunctions]
impl Process {
    /// Return the number of CPUs that the command line or the environment asks for, or -1.
    #[function("_get_cpu_count_config()")]
    fn get_cpu_count_config(vm: &Vm) -> i32 {
        vm.interpreter.configuration.cpu_count.unwrap_or(-1)
    }

    /// Return the number of interned strings.
    #[function("getunicodeinternedsize(*, _only_immortal=False)")]
    fn getunicodeinternedsize(_only_immortal: bool) -> usize {
        crate::types::string::intern::count()
    }

    /// Activate stack profiler trampoline backend.
    #[function("activate_stack_trampoline(backend, /)")]
    fn activate_stack_trampoline(vm: &Vm, backend: String) -> PyResult<()> {
        let _ = backend;
        Err(vm.value_error("perf trampoline not available"))
    }

    /// Deactivate the current stack profiler trampoline backend.
    #[function("deactivate_stack_trampoline()")]
    fn deactivate_stack_trampoline() {}

    /// Return True if a stack profiler trampoline is active.
    #[function("is_stack_trampoline_active()")]
    fn is_stack_trampoline_active() -> bool {
        false
    }

    /// Return True if remote debugging is enabled, False otherwise.
    #[function("is_remote_debug_enabled()")]
    fn is_remote_debug_enabled(vm: &Vm) -> bool {
        !vm.interpreter.configuration.disable_remote_debug
    }

    /// Have the process with the number pid run the Python file script at its next safe point.
    ///
    /// It must run the same executable. The file must be there until it has been read.
    #[function("remote_exec(pid, script)")]
    fn remote_exec(vm: &Vm, pid: i32, script: &Value) -> PyResult<()> {
        crate::remote::request(vm, pid, script)
    }
}

/// Functions of `sys._jit`.
struct Jit;

#[pyfunctions]
impl Jit {
    /// Return True if the current Python executable supports JIT compilation, and False otherwise.
    #[function("is_available()")]
    fn is_available() -> bool {
        false
    }

    /// Return True if JIT compilation is enabled for the current Python process.
    #[function("is_enabled()")]
    fn is_enabled() -> bool {
        false
    }

    /// Return True if the topmost Python frame is currently executing JIT code.
    #[function("is_active()")]
    fn is_active() -> bool {
        false
    }
}

mod jit {
    use super::Jit;

    crate::native_module! {
        name: "sys._jit",
        doc: "Whether code is compiled to machine code as it runs.",
        functions: [Jit::FUNCTIONS],
        types: [],
        execute: |_, _| Ok(()),
    }
}

/// The module `sys._jit`.
pub fn jit_module(vm: &Vm) -> Ref<Module> {
    Module::from_native(vm, &jit::MODULE)
}
