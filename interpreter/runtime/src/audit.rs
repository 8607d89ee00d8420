//! Audit hooks (PEP 578).

use crate::exceptions::PyResult;
use crate::paths::FolderDescriptor;
use crate::types::int;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Calls the hooks with an event; its arguments are made only if there are hooks.
///
/// # Errors
/// What a hook raises.
#[inline]
pub fn raise_event(vm: &Vm, event: &str, arguments: impl FnOnce() -> Vec<Value>) -> PyResult<()> {
    if is_heard(vm) { call_hooks(vm, event, arguments()) } else { Ok(()) }
}

/// Whether there are hooks.
#[inline]
pub fn is_heard(vm: &Vm) -> bool {
    !vm.interpreter.audit_hooks.borrow().is_empty()
}

#[cold]
fn call_hooks(vm: &Vm, event: &str, arguments: Vec<Value>) -> PyResult<()> {
    let hooks = vm.interpreter.audit_hooks.get();
    let event = vm.new_str(event);
    let arguments = Tuple::from_values(arguments).into_value();
    for hook in hooks {
        vm.call(&hook, &[event.clone(), arguments.clone()])?;
    }
    Ok(())
}

/// The event of reading an attribute that gives code away.
///
/// # Errors
/// What a hook raises.
#[inline]
pub fn raise_read(vm: &Vm, object: &Value, name: &str) -> PyResult<()> {
    raise_event(vm, "object.__getattr__", || vec![object.clone(), vm.intern(name).into_value()])
}

/// The event of setting, or with no value deleting, an attribute that changes what code does.
///
/// # Errors
/// What a hook raises.
pub fn raise_change(vm: &Vm, object: &Value, name: &str, value: Option<&Value>) -> PyResult<()> {
    let name = || vm.intern(name).into_value();
    match value {
        Some(value) => raise_event(vm, "object.__setattr__", || vec![object.clone(), name(), value.clone()]),
        None => raise_event(vm, "object.__delattr__", || vec![object.clone(), name()]),
    }
}

/// The descriptor of a folder that paths are relative to, as events show it.
pub fn folder(folder: Option<FolderDescriptor>) -> Value {
    int::new(folder.map_or(-1, |folder| i64::from(folder.0)))
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
