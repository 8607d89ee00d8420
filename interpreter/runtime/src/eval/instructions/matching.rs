//! Instructions of the `match` statement (PEP 634).

use crate::attempt;
use crate::eval::Flow;
use crate::eval::instructions::instructions;
use crate::exceptions::PyResult;
use crate::names;
use crate::types::bool::boolean;
use crate::types::dict::Dict;
use crate::types::none::none;
use crate::types::set::Set;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, TypeFlags};
use crate::value::Value;
use crate::vm::Vm;

/// The values of keys in a mapping; `None` where one is missing.
fn match_keys(vm: &Vm, subject: &Value, keys: &Value) -> PyResult {
    let Some(keys) = keys.downcast::<Tuple>() else { return Ok(none()) };
    let seen = Set::new();
    let mut values = Vec::with_capacity(keys.items().len());
    if keys.items().is_empty() {
        return Ok(Tuple::empty().into_value());
    }
    let get = vm.get_attribute(subject, &names::get)?;
    let missing = crate::types::object::BaseObject::new_value();
    for key in keys.items() {
        if seen.contains(vm, key)? {
            return Err(vm.value_error(format!(
                "mapping pattern checks duplicate key ({})",
                vm.repr(key)?.to_string_lossy()
            )));
        }
        seen.add(vm, key)?;
        let value = match subject.downcast_exact::<Dict>() {
            Some(dict) => dict.get(vm, key)?,
            None => Some(vm.call(&get, &[key.clone(), missing.clone()])?).filter(|value| !value.is(&missing)),
        };
        match value {
            Some(value) => values.push(value),
            None => return Ok(none()),
        }
    }
    Ok(Tuple::from_values(values).into_value())
}

fn attribute(vm: &Vm, subject: &Value, class: &Type, name: &Value, seen: &Set) -> PyResult<Option<Value>> {
    let _ = class;
    if seen.contains(vm, name)? {
        return Err(vm.type_error(format!(
            "got multiple sub-patterns for attribute {}",
            vm.repr(name)?.to_string_lossy()
        )));
    }
    seen.add(vm, name)?;
    match name.downcast::<Str>() {
        Some(name) => vm.get_attribute_optional(subject, name),
        None => Ok(None),
    }
}

/// The attributes that a class pattern asks for; `None` where the subject does not match.
fn match_class(vm: &Vm, subject: &Value, class: &Value, positional: usize, names: &Value) -> PyResult {
    let Some(typ) = class.downcast::<Type>() else {
        return Err(vm.type_error("called match pattern must be a class"));
    };
    if !vm.is_instance(subject, class)? {
        return Ok(none());
    }
    let seen = Set::new();
    let mut found = Vec::new();
    if positional > 0 {
        let mut match_self = false;
        let match_args = match vm.get_attribute_optional(class, &names::__match_args__)? {
            Some(args) => match args.downcast_into::<Tuple>() {
                Ok(args) => args,
                Err(other) => {
                    return Err(vm.type_error(format!(
                        "{}.__match_args__ must be a tuple (got {})",
                        typ.name(),
                        other.type_of().name()
                    )));
                }
            },
            None => {
                match_self = typ.has_flag(TypeFlags::MATCH_SELF);
                Tuple::empty()
            }
        };
        let allowed = if match_self { 1 } else { match_args.items().len() };
        if allowed < positional {
            let plural = if allowed == 1 { "" } else { "s" };
            return Err(vm.type_error(format!(
                "{}() accepts {allowed} positional sub-pattern{plural} ({positional} given)",
                typ.name()
            )));
        }
        if match_self {
            found.push(subject.clone());
        } else {
            for name in &match_args.items()[..positional] {
                if name.downcast_exact::<Str>().is_none() {
                    return Err(vm.type_error(format!(
                        "__match_args__ elements must be strings (got {})",
                        name.type_of().name()
                    )));
                }
                match attribute(vm, subject, typ, name, &seen)? {
                    Some(value) => found.push(value),
                    None => return Ok(none()),
                }
            }
        }
    }
    if let Some(names) = names.downcast::<Tuple>() {
        for name in names.items() {
            match attribute(vm, subject, typ, name, &seen)? {
                Some(value) => found.push(value),
                None => return Ok(none()),
            }
        }
    }
    Ok(Tuple::from_values(found).into_value())
}

instructions! {
    /// Pushes the length of the value on top.
    GetLen(state, _argument) {
        let length = { let value = state.look(1); state.vm.length(&value) };
        let length = attempt!(state, length);
        state.push_value(crate::types::int::new(length as i64));
        Flow::Next
    }

    /// Tests whether the value on top is a mapping.
    MatchMapping(state, _argument) {
        let is_mapping = state.look(1).type_of().has_flag(TypeFlags::MAPPING);
        state.push_value(boolean(is_mapping));
        Flow::Next
    }

    /// Tests whether the value on top is a sequence.
    MatchSequence(state, _argument) {
        let is_sequence = state.look(1).type_of().has_flag(TypeFlags::SEQUENCE);
        state.push_value(boolean(is_sequence));
        Flow::Next
    }

    /// Looks up a tuple of keys in a mapping.
    MatchKeys(state, _argument) {
        let values = { let keys = state.look(1); let subject = state.look(2); match_keys(state.vm, &subject, &keys) };
        let values = attempt!(state, values);
        state.push_value(values);
        Flow::Next
    }

    /// Matches a class pattern.
    MatchClass(state, argument) {
        let names = state.pop_value();
        let class = state.pop_value();
        let subject = state.pop_value();
        let found = match_class(state.vm, &subject, &class, argument as usize, &names);
        state.push_value(attempt!(state, found));
        Flow::Next
    }
}
