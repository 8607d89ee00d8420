//! Audit hooks (PEP 578).

use crate::exceptions::PyResult;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Calls the hooks with an event; its arguments are made only if there are hooks.
///
/// # Errors
/// What a hook raises.
pub fn raise_event(vm: &Vm, event: &str, arguments: impl FnOnce() -> Vec<Value>) -> PyResult<()> {
    if vm.interpreter.audit_hooks.borrow().is_empty() {
        return Ok(());
    }
    let hooks = vm.interpreter.audit_hooks.get();
    let event = vm.new_str(event);
    let arguments = Tuple::from_values(arguments()).into_value();
    for hook in hooks {
        vm.call(&hook, &[event.clone(), arguments.clone()])?;
    }
    Ok(())
}

/// Adds a hook, unless one that is there already objects.
///
/// # Errors
/// What a hook raises that is no `RuntimeError`.
pub fn add_hook(vm: &Vm, hook: &Value) -> PyResult<()> {
    match raise_event(vm, "sys.addaudithook", Vec::new) {
        Ok(()) => {
            vm.interpreter.audit_hooks.borrow_mut().push(hook.clone());
            Ok(())
        }
        Err(error) if error.is_runtime_error() => Ok(()),
        Err(error) => Err(error),
    }
}
