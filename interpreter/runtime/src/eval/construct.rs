//! Making objects of plain Python classes without leaving the evaluation loop.

use crate::eval::call::push_frame;
use crate::eval::frame::Owner;
use crate::eval::instructions::enter_init_frame;
use crate::eval::{Flow, State, word};
use crate::types::function::Function;
use crate::types::object::BaseObject;
use crate::types::typ::Type;

/// Enters the `__init__` of a class whose version is in the cache: the object takes the class's place on the stack
/// and `__init__` runs as a call whose result is checked and dropped. `None` where the class has changed.
///
/// # Safety
/// `base` is the callable of a call with `arguments` arguments, nothing in the place of self.
pub(super) unsafe fn enter_init(state: &mut State<'_>, base: *mut u64, arguments: usize) -> Option<Flow> {
    // SAFETY: the stack has the callable, a place for self, and the arguments.
    unsafe {
        let class_word = *base;
        if !word::is_pointer(class_word) {
            return None;
        }
        let class = crate::object::Borrow::clone_value(&word::look(class_word));
        let typ = class.downcast::<Type>()?;
        if typ.current_version() == 0 || typ.current_version() != state.cache_wide(1) {
            return None;
        }
        let vm = state.vm;
        let init = typ.lookup(vm, &crate::names::__init__)?;
        init.downcast_exact::<Function>()?;
        if vm.enter_call().is_err() {
            return None;
        }
        let object = BaseObject::of_type(typ);
        // The object stays below as the call's result; `__init__` gets a reference of its own.
        let first = base.add(1);
        *first = object.clone().into_bits();
        let result = push_frame(vm, init, first, arguments + 1, None, Owner::Call);
        word::close(*base);
        *base = object.into_bits();
        state.stack = base.add(1);
        match result {
            Ok(frame) => Some(enter_init_frame(state, frame)),
            Err(error) => {
                vm.leave_call();
                Some(state.raise(error))
            }
        }
    }
}
