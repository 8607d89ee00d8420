//! Instructions for variables: locals, cells, names, globals.

use crate::attempt;
use crate::eval::frame::Frame;
use crate::eval::instructions::instructions;
use crate::eval::{Flow, State, specialize, word};
use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::object::{Borrow, Object};
use crate::types::cell::CellObject;
use crate::types::dict::Dict;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// Both indexes in the argument of a doubled instruction.
#[inline(always)]
fn pair(argument: u32) -> (usize, usize) {
    ((argument >> 4) as usize, (argument & 15) as usize)
}

/// The cell of a variable.
unsafe fn cell<'a>(frame: *mut Frame, index: usize) -> &'a Object<CellObject> {
    // SAFETY: the variable holds a cell, as the compiler made sure.
    unsafe { &*(word::untagged(*Frame::local(frame, index)) as *const Object<CellObject>) }
}

fn unbound_local(vm: &Vm, name: &Object<Str>) -> Exception {
    vm.unbound_local_error(format!(
        "cannot access local variable '{}' where it is not associated with a value",
        name.to_string_lossy()
    ))
}

/// The error for a cell without contents.
fn unbound_cell(state: &State<'_>, index: usize) -> Exception {
    // SAFETY: the frame is alive.
    let code = unsafe { (*state.frame).code() };
    let name = code.variable_name(index);
    if code.body().variable_kinds[index] & rspy_code::code_object::local_kind::FREE != 0 {
        state.vm.name_error(
            format!(
                "cannot access free variable '{}' where it is not associated with a value in enclosing scope",
                name.to_string_lossy()
            ),
            name,
        )
    } else {
        unbound_local(state.vm, name)
    }
}

/// The error for a name that is nowhere.
pub(super) fn undefined_name(vm: &Vm, name: &Object<Str>) -> Exception {
    vm.name_error(format!("name '{}' is not defined", name.to_string_lossy()), name)
}

/// A name from a mapping that may be any object.
fn from_mapping(vm: &Vm, mapping: &Value, name: &Object<Str>) -> PyResult<Option<Value>> {
    if let Some(dict) = mapping.downcast_exact::<Dict>() {
        return Ok(dict.get_str(name));
    }
    match vm.get_item(mapping, &name.as_value()) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_key_error() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A name from the frame's globals or builtins.
unsafe fn global(state: &State<'_>, name: &Object<Str>) -> PyResult<Option<Value>> {
    // SAFETY: the frame is alive.
    let frame = unsafe { &*state.frame };
    let globals = frame.globals();
    let found = if crate::types::dict::is_exact(globals.type_of()) {
        globals.get_str(name)
    } else {
        from_mapping(state.vm, &globals.as_value(), name)?
    };
    match found {
        Some(value) => Ok(Some(value)),
        None => Ok(frame.builtins().get_str(name)),
    }
}

instructions! {
    /// Pushes a local variable known to be bound.
    LoadFast(state, argument) fast {
        let word = *Frame::local(state.frame, argument as usize);
        state.push(word::duplicate(word));
        Flow::Next
    } slow { Flow::Next }

    /// Pushes a local variable without counting the reference.
    LoadFastBorrow(state, argument) fast {
        let word = *Frame::local(state.frame, argument as usize);
        state.push(word::borrowed(word));
        Flow::Next
    } slow { Flow::Next }

    /// Two of `LOAD_FAST_BORROW`.
    LoadFastBorrowLoadFastBorrow(state, argument) fast {
        let (first, second) = pair(argument);
        let first = *Frame::local(state.frame, first);
        let second = *Frame::local(state.frame, second);
        state.push(word::borrowed(first));
        state.push(word::borrowed(second));
        Flow::Next
    } slow { Flow::Next }

    /// Two of `LOAD_FAST`.
    LoadFastLoadFast(state, argument) fast {
        let (first, second) = pair(argument);
        let first = *Frame::local(state.frame, first);
        let second = *Frame::local(state.frame, second);
        state.push(word::duplicate(first));
        state.push(word::duplicate(second));
        Flow::Next
    } slow { Flow::Next }

    /// Pushes a local variable that may be unbound.
    LoadFastCheck(state, argument) fast {
        let word = *Frame::local(state.frame, argument as usize);
        if word == 0 {
            return Flow::Slow;
        }
        state.push(word::duplicate(word));
        Flow::Next
    } slow {
        let name = (*state.frame).code().variable_name(argument as usize);
        state.raise(unbound_local(state.vm, name))
    }

    /// Pushes a local variable, or nothing, and unbinds it.
    LoadFastAndClear(state, argument) fast {
        let word = Frame::local(state.frame, argument as usize).replace(0);
        state.push(word);
        Flow::Next
    } slow { Flow::Next }

    /// Sets a local variable.
    StoreFast(state, argument) fast {
        let variable = Frame::local(state.frame, argument as usize);
        let old = *variable;
        if !word::closes_quietly(old) {
            return Flow::Direct;
        }
        word::close_quietly(old);
        let word = state.pop();
        *variable = word::keep(word);
        Flow::Next
    } direct {
        let word = word::keep(state.pop());
        let old = Frame::local(state.frame, argument as usize).replace(word);
        word::close(old);
        Flow::Next
    }

    /// `STORE_FAST`, then `LOAD_FAST`.
    StoreFastLoadFast(state, argument) fast {
        let (store, load) = pair(argument);
        let variable = Frame::local(state.frame, store);
        let old = *variable;
        if !word::closes_quietly(old) {
            return Flow::Slow;
        }
        word::close_quietly(old);
        *variable = word::keep(*state.at(1));
        *state.at(1) = word::duplicate(*Frame::local(state.frame, load));
        Flow::Next
    } slow {
        let (store, load) = pair(argument);
        let word = word::keep(state.pop());
        let old = Frame::local(state.frame, store).replace(word);
        let loaded = *Frame::local(state.frame, load);
        state.push(word::duplicate(loaded));
        word::close(old);
        Flow::Next
    }

    /// Two of `STORE_FAST`.
    StoreFastStoreFast(state, argument) fast {
        let (first, second) = pair(argument);
        let first = Frame::local(state.frame, first);
        let second = Frame::local(state.frame, second);
        let (one, two) = (*state.at(1), *state.at(2));
        if !word::is_pointer(one)
            && !word::is_pointer(two)
            && (!word::is_pointer(*first) || *first == 0)
            && (!word::is_pointer(*second) || *second == 0)
        {
            *first = one;
            *second = two;
            state.stack = state.stack.sub(2);
            return Flow::Next;
        }
        if first == second || !word::closes_quietly(*first) || !word::closes_quietly(*second) {
            return Flow::Slow;
        }
        word::close_quietly(*first);
        let word = state.pop();
        *first = word::keep(word);
        word::close_quietly(*second);
        let word = state.pop();
        *second = word::keep(word);
        Flow::Next
    } slow {
        let (first, second) = pair(argument);
        for index in [first, second] {
            let word = word::keep(state.pop());
            let old = Frame::local(state.frame, index).replace(word);
            word::close(old);
        }
        Flow::Next
    }

    /// Unbinds a local variable.
    DeleteFast(state, argument) {
        let old = Frame::local(state.frame, argument as usize).replace(0);
        if old == 0 {
            let name = (*state.frame).code().variable_name(argument as usize);
            return state.raise(unbound_local(state.vm, name));
        }
        word::close(old);
        Flow::Next
    }

    /// Puts a variable into a cell.
    MakeCell(state, argument) {
        let variable = Frame::local(state.frame, argument as usize);
        let word = *variable;
        let contents = if word == 0 { None } else { Some(word::take(word)) };
        *variable = CellObject::new(contents).into_value().into_bits();
        Flow::Next
    }

    /// Copies the closure's cells into the frame.
    CopyFreeVars(state, argument) fast {
        let frame = state.frame;
        let count = argument as usize;
        let Some(cells) = (*frame).function().closure_words(count) else { return Flow::Slow };
        let first = Frame::local(frame, (*frame).code().variable_count() - count);
        let mut index = 0;
        while index < count {
            first.add(index).write_volatile(word::duplicate(cells.add(index).read()));
            index += 1;
        }
        Flow::Next
    } slow {
        let frame = state.frame;
        let count = argument as usize;
        let closure = (*frame).function().closure();
        if closure.as_ref().map_or(0, |closure| closure.items().len()) != count {
            return state.raise(state.vm.system_error("the closure does not fit the code"));
        }
        if let Some(closure) = closure {
            let first = (*frame).code().variable_count() - count;
            for (index, cell) in closure.items().iter().take(count).enumerate() {
                *Frame::local(frame, first + index) = cell.clone().into_bits();
            }
        }
        Flow::Next
    }

    /// Pushes what a cell holds.
    LoadDeref(state, argument) fast {
        let word = *cell(state.frame, argument as usize).word();
        if word == 0 {
            return Flow::Slow;
        }
        state.push(word::duplicate(word));
        Flow::Next
    } slow {
        match cell(state.frame, argument as usize).get() {
            Some(value) => {
                state.push_value(value);
                Flow::Next
            }
            None => state.raise(unbound_cell(state, argument as usize)),
        }
    }

    /// Fills a cell.
    StoreDeref(state, argument) fast {
        let place = cell(state.frame, argument as usize).word();
        let old = *place;
        if !word::closes_quietly(old) {
            return Flow::Slow;
        }
        word::close_quietly(old);
        let word = state.pop();
        *place = word::keep(word);
        Flow::Next
    } slow {
        let value = state.pop_value();
        drop(cell(state.frame, argument as usize).replace(Some(value)));
        Flow::Next
    }

    /// Empties a cell.
    DeleteDeref(state, argument) {
        match cell(state.frame, argument as usize).replace(None) {
            Some(old) => {
                drop(old);
                Flow::Next
            }
            None => state.raise(unbound_cell(state, argument as usize)),
        }
    }

    /// Pushes a name of a mapping, or else what a cell holds.
    LoadFromDictOrDeref(state, argument) {
        let mapping = state.pop_value();
        let name = (*state.frame).code().variable_name(argument as usize);
        if let Some(value) = attempt!(state, from_mapping(state.vm, &mapping, name)) {
            state.push_value(value);
            return Flow::Next;
        }
        match cell(state.frame, argument as usize).get() {
            Some(value) => {
                state.push_value(value);
                Flow::Next
            }
            None => state.raise(unbound_cell(state, argument as usize)),
        }
    }

    /// Pushes a name of a mapping, or else a global.
    LoadFromDictOrGlobals(state, argument) {
        let mapping = state.pop_value();
        let name = (*state.frame).code().name(argument as usize);
        let mut found = attempt!(state, from_mapping(state.vm, &mapping, name));
        if found.is_none() {
            found = attempt!(state, global(state, name));
        }
        match found {
            Some(value) => {
                state.push_value(value);
                Flow::Next
            }
            None => state.raise(undefined_name(state.vm, name)),
        }
    }

    /// Pushes a local, global or builtin name.
    LoadName(state, argument) {
        let frame = &*state.frame;
        let name = frame.code().name(argument as usize);
        let mut found = attempt!(state, from_mapping(state.vm, &frame.names(), name));
        if found.is_none() {
            found = attempt!(state, global(state, name));
        }
        match found {
            Some(value) => {
                state.push_value(value);
                Flow::Next
            }
            None => state.raise(undefined_name(state.vm, name)),
        }
    }

    /// Sets a name.
    StoreName(state, argument) {
        let frame = &*state.frame;
        let name = frame.code().name(argument as usize);
        let value = state.pop_value();
        let locals = frame.names();
        match locals.downcast_exact::<Dict>() {
            Some(dict) => dict.set_str(name, value),
            None => attempt!(state, state.vm.set_item(&locals, &name.as_value(), &value)),
        }
        Flow::Next
    }

    /// `del` of a name.
    DeleteName(state, argument) {
        let frame = &*state.frame;
        let name = frame.code().name(argument as usize);
        let locals = frame.names();
        match state.vm.delete_item(&locals, &name.as_value()) {
            Ok(()) => Flow::Next,
            Err(error) if error.is_key_error() => state.raise(undefined_name(state.vm, name)),
            Err(error) => state.raise(error),
        }
    }

    /// Pushes a global or builtin name, and room for `self` if the lowest bit is set.
    LoadGlobal(state, argument) {
        let name = (*state.frame).code().name((argument >> 1) as usize);
        specialize::load_global(state, name);
        match attempt!(state, global(state, name)) {
            Some(value) => {
                state.push_value(value);
                if argument & 1 != 0 {
                    state.push(0);
                }
                state.skip(4);
                Flow::Next
            }
            None => state.raise(undefined_name(state.vm, name)),
        }
    }

    /// A global name at a known place of a known set of keys.
    LoadGlobalModule(state, argument) fast {
        let globals = (*state.frame).globals();
        if globals.current_keys_version() != state.cache(1).get() as u32 | (state.cache(2).get() as u32) << 16 {
            return Flow::Slow;
        }
        let word = globals.word_at(state.cache(3).get() as usize);
        if word == 0 {
            return Flow::Slow;
        }
        state.push(word::duplicate(word));
        if argument & 1 != 0 {
            state.push(0);
        }
        state.skip(4);
        Flow::Next
    } or LoadGlobal

    /// A builtin name at a known place, hidden by no global.
    LoadGlobalBuiltin(state, argument) fast {
        let frame = &*state.frame;
        if frame.globals().current_keys_version() as u16 != state.cache(1).get()
            || frame.globals().current_keys_version() == 0
            || frame.globals().current_keys_version() > 0xffff
            || frame.builtins().current_keys_version() != u32::from(state.cache(2).get())
        {
            return Flow::Slow;
        }
        let word = frame.builtins().word_at(state.cache(3).get() as usize);
        if word == 0 {
            return Flow::Slow;
        }
        state.push(word::duplicate(word));
        if argument & 1 != 0 {
            state.push(0);
        }
        state.skip(4);
        Flow::Next
    } or LoadGlobal

    /// Sets a global name.
    StoreGlobal(state, argument) {
        let frame = &*state.frame;
        let value = state.pop_value();
        frame.globals().set_str(frame.code().name(argument as usize), value);
        Flow::Next
    }

    /// `del` of a global name.
    DeleteGlobal(state, argument) {
        let frame = &*state.frame;
        let name = frame.code().name(argument as usize);
        match frame.globals().remove_str(name) {
            Some(old) => {
                drop(old);
                Flow::Next
            }
            None => state.raise(undefined_name(state.vm, name)),
        }
    }

    /// Pushes the mapping of local names.
    LoadLocals(state, _argument) {
        let locals = Borrow::clone_value(&(*state.frame).names());
        state.push_value(locals);
        Flow::Next
    }

    /// Makes sure that `__annotations__` exists.
    SetupAnnotations(state, _argument) {
        let locals = (*state.frame).names();
        if attempt!(state, from_mapping(state.vm, &locals, &names::__annotations__)).is_none() {
            let annotations = Dict::new().into_value();
            attempt!(state, state.vm.set_item(&locals, &names::__annotations__.as_value(), &annotations));
        }
        Flow::Next
    }

    /// Pushes `builtins.__build_class__`.
    LoadBuildClass(state, _argument) {
        match (*state.frame).builtins().get_str(&names::__build_class__) {
            Some(function) => {
                state.push_value(function);
                Flow::Next
            }
            None => state.raise(state.vm.name_error("__build_class__ not found", &names::__build_class__)),
        }
    }
}
