//! Copying and pickling of plain objects, and changing their class.

use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Payload, TypeObject};
use crate::types::list::List;
use crate::types::native_function::{NativeFunction, NativeMethod};
use crate::types::none::{is_none, none};
use crate::types::object::BaseObject;
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, TypeFlags, build, instance};
use crate::value::Value;
use crate::vm::Vm;

/// The names of a class's slots, as `copyreg` finds them; `None` where there are none.
///
/// # Errors
/// What `copyreg._slotnames` raises.
pub fn slot_names(vm: &Vm, typ: &TypeObject) -> PyResult<Option<Vec<Value>>> {
    let known = typ.dict().get_str(&names::__slotnames__);
    let found = match known {
        Some(known) => known,
        None if !typ.is_heap() => return Ok(None),
        None => {
            let copyreg = crate::import::import_module(vm, "copyreg")?;
            vm.call_method_str(&copyreg, "_slotnames", &[typ.to_value()])?
        }
    };
    match found.downcast::<List>() {
        Some(list) if list.is_empty() => Ok(None),
        Some(list) => Ok(Some(list.to_vec())),
        None => Ok(None),
    }
}

/// `object.__reduce_ex__`.
///
/// # Errors
/// What the object's hooks raise.
pub fn reduce(vm: &Vm, object: &Value, protocol: i32) -> PyResult {
    let known = vm.interpreter.modules.get_str(&names::copyreg).filter(|known| !is_none(known));
    let copyreg = match known {
        Some(copyreg) => copyreg,
        None => crate::import::import_module(vm, "copyreg")?,
    };
    if protocol < 2 {
        return vm.call_method_str(&copyreg, "_reduce_ex", &[object.clone(), Value::int(protocol)]);
    }
    let typ = object.type_of();
    if typ.slots().new.get().is_none() {
        return Err(vm.type_error(format!("cannot pickle '{}' object", typ.full_name())));
    }
    let (args, keywords) = new_arguments(vm, object)?;
    let has_args = args.is_some();
    let class = typ.to_value();
    let (function, arguments) = match (&args, &keywords) {
        (Some(args), Some(keywords)) if vm.length(keywords)? > 0 => (
            vm.get_attribute(&copyreg, &names::__newobj_ex__)?,
            Tuple::from_values([class, args.clone(), keywords.clone()]),
        ),
        (args, _) => {
            let mut all = vec![class];
            if let Some(args) = args.as_ref().and_then(|args| args.downcast::<Tuple>()) {
                all.extend_from_slice(args.items());
            }
            (vm.get_attribute(&copyreg, &names::__newobj__)?, Tuple::from_values(all))
        }
    };
    let is_list = object.downcast::<List>().is_some();
    let is_dict = crate::types::dict::is_dict(object);
    let state = state(vm, object, !(has_args || is_list || is_dict))?;
    let list_items = if is_list { vm.iter(object)? } else { none() };
    let dict_items = if is_dict {
        let items = vm.call_method(object, &names::items, &[])?;
        vm.iter(&items)?
    } else {
        none()
    };
    Ok(Tuple::from_values([function, arguments.into_value(), state, list_items, dict_items]).into_value())
}

/// What the object's `__getstate__` answers, which may be an attribute of its own; that of `object` is not called.
fn state(vm: &Vm, object: &Value, required: bool) -> PyResult {
    let typ = object.type_of();
    let generic = crate::types::object::generic_get_attribute as *const () as usize;
    let is_generic = typ.slots().getattribute.get().is_some_and(|get| get as usize == generic);
    let is_own =
        object.header().is_some_and(|header| instance::own_word(header, typ, &names::__getstate__) != 0);
    let plain = BaseObject::static_type().lookup(vm, &names::__getstate__);
    let own = typ.lookup(vm, &names::__getstate__);
    let is_plain = match (&own, &plain) {
        (Some(own), Some(plain)) => own.is(plain),
        _ => false,
    };
    if !is_generic || is_own || !is_plain {
        let getstate = vm.get_attribute(object, &names::__getstate__)?;
        let definition = plain.as_ref().and_then(|plain| plain.downcast_exact::<NativeMethod>());
        let bound = getstate.downcast_exact::<NativeFunction>().filter(|function| {
            function.instance().is_some_and(|instance| instance.is(object))
                && definition.is_some_and(|plain| std::ptr::eq(function.definition(), plain.definition()))
        });
        if bound.is_none() {
            return vm.call(&getstate, &[]);
        }
    }
    crate::types::object::default_state(vm, object, required)
}

/// What `__getnewargs_ex__` or `__getnewargs__` answer.
fn new_arguments(vm: &Vm, object: &Value) -> PyResult<(Option<Value>, Option<Value>)> {
    if let Some(answer) = vm.call_special(object, &names::__getnewargs_ex__, &[])? {
        let Some(pair) = answer.downcast::<Tuple>() else {
            return Err(vm.type_error(format!(
                "__getnewargs_ex__ should return a tuple, not '{}'",
                answer.type_of().full_name()
            )));
        };
        let [args, keywords] = pair.items() else {
            return Err(vm.value_error(format!(
                "__getnewargs_ex__ should return a tuple of length 2, not {}",
                pair.items().len()
            )));
        };
        if args.downcast::<Tuple>().is_none() {
            return Err(vm.type_error(format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{}'",
                args.type_of().full_name()
            )));
        }
        if !crate::types::dict::is_dict(keywords) {
            return Err(vm.type_error(format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{}'",
                keywords.type_of().full_name()
            )));
        }
        return Ok((Some(args.clone()), Some(keywords.clone())));
    }
    if let Some(answer) = vm.call_special(object, &names::__getnewargs__, &[])? {
        if answer.downcast::<Tuple>().is_none() {
            return Err(vm.type_error(format!(
                "__getnewargs__ should return a tuple, not '{}'",
                answer.type_of().full_name()
            )));
        }
        return Ok((Some(answer), None));
    }
    Ok((None, None))
}

/// Sets `__class__`.
///
/// # Errors
/// `TypeError` where the layouts differ.
pub fn change_class(vm: &Vm, object: &Value, new: &Object<Type>) -> PyResult<()> {
    let Some(header) = object.header() else {
        return Err(
            vm.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses")
        );
    };
    let old = header.type_of();
    let module = <crate::types::module::Module as crate::object::Payload>::static_type();
    let of_modules = old.is_native_subtype(module) && new.is_native_subtype(module);
    if !of_modules && (old.has_flag(TypeFlags::IMMUTABLE) || new.has_flag(TypeFlags::IMMUTABLE)) {
        return Err(
            vm.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses")
        );
    }
    let compatible = build::compatible_for_assignment(old, new);
    if !compatible {
        return Err(vm.type_error(format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            new.full_name(),
            old.full_name()
        )));
    }
    // Attributes that lie inline are named by the old class: they move into a dict first.
    if old.has_flag(TypeFlags::INLINE) || new.has_flag(TypeFlags::INLINE) {
        drop(crate::types::typ::instance::dict(vm, object));
    }
    let old = old.to_ref();
    // SAFETY: the layouts agree; the object's reference to its type is exchanged.
    unsafe {
        if new.is_heap() {
            std::mem::forget(new.to_ref());
        }
        header.set_type(new);
        if new.allocation_size() > old.allocation_size() {
            new.set_flag(TypeFlags::UNEVEN);
        }
        if old.is_heap() {
            crate::object::release(old.as_ptr().cast());
        }
    }
    Ok(())
}
