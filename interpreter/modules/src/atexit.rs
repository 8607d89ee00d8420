//! `atexit`: functions that run when the interpreter ends.

use rspy_macros::pyfunctions;
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exit::{ExitFunction, run_exit_functions};
use rspy_runtime::native_module;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "atexit",
    doc: "allow programmer to define multiple exit functions to be executed\nupon normal program termination.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |_, _| Ok(()),
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Register a function to be executed upon normal program termination.
    #[function("register(func, /, *args, **kwargs)")]
    fn register(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        let Some((function, arguments)) = positional.split_first() else {
            return Err(vm.type_error("register() takes at least 1 argument (0 given)"));
        };
        if !vm.is_callable(function) {
            return Err(vm.type_error("the first argument must be callable"));
        }
        let dict = if keywords.is_empty() { None } else { Some(Dict::new()) };
        if let Some(dict) = &dict {
            for (name, value) in keywords.iter() {
                dict.set(vm, name, value.clone())?;
            }
        }
        let exit = ExitFunction { function: function.clone(), arguments: arguments.to_vec(), keywords: dict };
        vm.interpreter.exit_functions.borrow_mut().push(exit);
        Ok(function.clone())
    }

    /// Unregister an exit function which was previously registered.
    #[function("unregister(func, /)")]
    fn unregister(vm: &Vm, func: &Value) -> PyResult<()> {
        let mut index = 0;
        loop {
            let candidate = match vm.interpreter.exit_functions.borrow().get(index) {
                Some(exit) => exit.function.clone(),
                None => return Ok(()),
            };
            if vm.equal(func, &candidate)? {
                let mut functions = vm.interpreter.exit_functions.borrow_mut();
                let removed = if index < functions.len() { Some(functions.remove(index)) } else { None };
                drop(functions);
                drop(removed);
            } else {
                index += 1;
            }
        }
    }

    /// Clear the list of previously registered exit functions.
    #[function("_clear()")]
    fn clear(vm: &Vm) {
        let functions = vm.interpreter.exit_functions.take();
        drop(functions);
    }

    /// Run all registered exit functions.
    #[function("_run_exitfuncs()")]
    fn run(vm: &Vm) {
        run_exit_functions(vm);
    }

    /// Return the number of registered exit functions.
    #[function("_ncallbacks()")]
    fn count(vm: &Vm) -> usize {
        vm.interpreter.exit_functions.borrow().len()
    }
}
