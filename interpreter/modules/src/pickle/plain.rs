//! Writing instances of classes that leave pickling to `object`, as most do: what its methods would answer is known.

use std::cell::Cell;

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::object::Payload;
use rspy_runtime::types::copying::slot_names;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::object::BaseObject;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::Noted;
use super::opcodes::*;
use super::pickler::Pickler;
use super::state::has_plain_attributes;

/// Whether the class that was asked about last is plain, by its version.
pub type LastClass = Cell<Option<(u32, bool)>>;

impl Pickler {
    /// Writes an object as `object.__reduce_ex__` would have it, if its class leaves that to it; answers whether it does.
    pub(super) fn save_plain(&self, vm: &Vm, object: &Value) -> PyResult<bool> {
        if self.protocol.get() < 2 || !self.is_of_plain_class(vm, object)? {
            return Ok(false);
        }
        let state = vm.get_attribute(object, &names::__dict__)?;
        let Some(attributes) = state.downcast_exact::<Dict>() else { return Ok(false) };
        if attributes.contains_str(&names::__reduce_ex__) || attributes.contains_str(&names::__getstate__) {
            return Ok(false);
        }
        self.save_parts(vm, object, attributes.is_empty(), &state).noted(vm, object, || "object".to_owned())?;
        Ok(true)
    }

    fn save_parts(&self, vm: &Vm, object: &Value, is_empty: bool, state: &Value) -> PyResult<()> {
        self.save(vm, &object.type_of().to_value(), true).noted(vm, object, || "class".to_owned())?;
        let args = Tuple::empty().into_value();
        self.save(vm, &args, true).noted(vm, object, || "__new__ arguments".to_owned())?;
        self.output.borrow_mut().byte(NEWOBJ);
        if self.save_known_instead(object) {
            return Ok(());
        }
        self.memoize(object);
        if !is_empty {
            self.save(vm, state, true).noted(vm, object, || "state".to_owned())?;
            self.output.borrow_mut().byte(BUILD);
        }
        Ok(())
    }

    /// Objects of a class often come in numbers: the verdict on the last is kept as long as the class stays as it is.
    fn is_of_plain_class(&self, vm: &Vm, object: &Value) -> PyResult<bool> {
        let typ = object.type_of();
        if let Some((version, plain)) = self.last_class.get()
            && version == typ.current_version()
        {
            return Ok(plain);
        }
        let plain = is_of_plain_class(vm, object)?;
        let version = typ.version(vm);
        self.last_class.set((version != 0).then_some((version, plain)));
        Ok(plain)
    }
}

fn is_of_plain_class(vm: &Vm, object: &Value) -> PyResult<bool> {
    let (typ, base) = (object.type_of(), BaseObject::static_type());
    let is_inherited = |name| match (typ.lookup(vm, name), base.lookup(vm, name)) {
        (Some(own), Some(plain)) => own.is(&plain),
        _ => false,
    };
    Ok(has_plain_attributes(vm, object)
        && std::ptr::eq(typ.native(), base.native())
        && typ.slots().new.get().is_some()
        && is_inherited(&names::__class__)
        && is_inherited(&names::__reduce_ex__)
        && is_inherited(&names::__reduce__)
        && is_inherited(&names::__getstate__)
        && typ.lookup(vm, &names::__getnewargs_ex__).is_none()
        && typ.lookup(vm, &names::__getnewargs__).is_none()
        && slot_names(vm, typ)?.is_none())
}
