//! Code objects from outside, from marshal data or the arguments of `code()`, are verified before they first run.
//!
//! Their first instruction is one that asks for it ([`Code::from_outside`]), so that functions which are never called
//! cost nothing, and nothing looks twice at code that was found sound.

use rspy_code::verify::{self, Loads, Subject};

use crate::exceptions::PyResult;
use crate::object::Object;
use crate::types::code::Code;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::vm::Vm;

/// Makes sure that a code object can be run.
///
/// # Errors
/// `SystemError` where its bytecode does not keep what the evaluator relies on.
#[cold]
pub fn verify(vm: &Vm, code: &Object<Code>) -> PyResult<()> {
    let bytes = code.to_plain_bytes();
    let subject = Subject {
        code: &bytes,
        flags: code.flags,
        stack_size: code.stack_size,
        parameters: code.total_arg_count(),
        variable_kinds: &code.body().variable_kinds,
        constants: code.body().constants.items().len(),
        names: code.body().names.items().len(),
        exception_table: code.body().exception_table.as_slice(),
        keyword_names: &|index| keyword_names(code, index),
    };
    match verify::verify(&subject) {
        Ok(loads) => {
            code.admit(loads == Loads::Owned);
            Ok(())
        }
        Err(refusal) => Err(vm.system_error(format!(
            "invalid bytecode in {}: {} at offset {}",
            code.qualified_name.to_string_lossy(),
            refusal.reason,
            refusal.unit * 2
        ))),
    }
}

/// How many names a constant has that is a tuple of names.
fn keyword_names(code: &Code, index: usize) -> Option<usize> {
    let names = code.body().constants.items().get(index)?.downcast_exact::<Tuple>()?.items();
    names.iter().all(|name| name.downcast_exact::<Str>().is_some()).then_some(names.len())
}
