//! What start-up and end need of exceptions: the types as builtins, and the status that an uncaught one ends with.

use crate::exceptions::traceback::Traceback;
use crate::exceptions::{Exception, group, print};
use crate::names;
use crate::object::{Object, Payload};
use crate::types::module::Module;
use crate::types::none::is_none;
use crate::types::template::{Interpolation, Template, TemplateIter};
use crate::vm::Vm;

/// Makes the exception types ready and adds them to `builtins`.
pub fn add_to_builtins(vm: &Vm, module: &Object<Module>) {
    for typ in [
        Traceback::static_type(),
        Template::static_type(),
        Interpolation::static_type(),
        TemplateIter::static_type(),
    ] {
        typ.ready(vm);
    }
    for typ in super::types() {
        typ.ready(vm);
        module.set(vm, typ.native().name, typ.to_value());
    }
    module.set(vm, "ExceptionGroup", group::exception_group_type(vm).to_value());
    for name in ["EnvironmentError", "IOError"] {
        if let Some(typ) = module.dict().get_str(&vm.intern("OSError")) {
            module.set(vm, name, typ);
        }
    }
}

/// The exit status that an exception nobody handled ends the process with, after it was shown.
pub fn exit_status(vm: &Vm, error: &Exception) -> i32 {
    if !error.is_system_exit() {
        print::report(vm, error);
        return if error.is_keyboard_interrupt() { crate::startup::INTERRUPTED } else { 1 };
    }
    let code = vm.get_attribute_str(error.value(), "code");
    match code {
        Ok(code) if is_none(&code) => 0,
        Ok(code) => match crate::types::int::small_value(&code) {
            Some(status) => (status & 0xff) as i32,
            None if crate::types::int::is_int(&code) => 255,
            None => {
                let shown = vm.sys_attribute(&names::stderr).filter(|stream| !is_none(stream));
                if let (Some(stream), Ok(text)) = (shown, vm.str(&code)) {
                    // Nobody is left to tell if this fails too.
                    drop(vm.call_method(&stream, &names::write, &[text.into_value()]));
                    drop(vm.call_method(&stream, &names::write, &[vm.new_str("\n")]));
                }
                1
            }
        },
        Err(_) => 1,
    }
}
