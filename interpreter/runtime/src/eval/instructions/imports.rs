//! Instructions that import.

use crate::attempt;
use crate::eval::Flow;
use crate::eval::instructions::instructions;
use crate::types::none::none;

instructions! {
    /// Imports a module.
    ImportName(state, argument) {
        let from_list = state.pop_value();
        let level = state.pop_value();
        let frame = &*state.frame;
        let name = frame.code().name(argument as usize);
        let locals = frame.locals().map_or_else(none, |locals| crate::object::Borrow::clone_value(&locals));
        let module = crate::import::import_name(state.vm, frame, name, &locals, &from_list, &level);
        let module = attempt!(state, module);
        state.push_value(module);
        Flow::Next
    }

    /// `from module import name`, for one name.
    ImportFrom(state, argument) {
        let name = (*state.frame).code().name(argument as usize);
        let value = { let module = state.look(1); crate::import::import_from(state.vm, &module, name) };
        let value = attempt!(state, value);
        state.push_value(value);
        Flow::Next
    }
}
