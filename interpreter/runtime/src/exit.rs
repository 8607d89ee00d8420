//! Functions that run when the interpreter ends (`atexit`).

use crate::object::Ref;
use crate::types::dict::Dict;
use crate::value::Value;
use crate::vm::Vm;

/// A function to be called at the end, with its arguments.
pub struct ExitFunction {
    /// The function.
    pub function: Value,
    /// Its positional arguments.
    pub arguments: Vec<Value>,
    /// Its keyword arguments.
    pub keywords: Option<Ref<Dict>>,
}

/// Calls the functions registered for the end, the last one first, and forgets them. What they raise is reported.
pub fn run_exit_functions(vm: &Vm) {
    loop {
        let next = vm.interpreter.exit_functions.borrow_mut().pop();
        let Some(exit) = next else { return };
        let result = match &exit.keywords {
            Some(keywords) => vm.call_with_dict(&exit.function, &exit.arguments, keywords),
            None => vm.call(&exit.function, &exit.arguments),
        };
        if let Err(error) = result {
            let message = "Exception ignored in atexit callback";
            crate::exceptions::print::write_unraisable_about(vm, error, message, &exit.function);
        }
    }
}
