//! `object`: what every type derives from, and attribute access as it is for most objects.

use std::cell::Cell;

use rspy_macros::pymethods;

use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Payload, TypeObject};
use crate::slots::{Comparison, KeywordNames, Slots};
use crate::types::bool::boolean;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::none::{is_not_implemented, none, not_implemented};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, TypeFlags, instance};
use crate::value::Value;
use crate::vm::Vm;

/// The base class of the class hierarchy.
#[repr(C)]
pub struct BaseObject;

// SAFETY: an empty payload.
unsafe impl Payload for BaseObject {
    fn static_type() -> &'static TypeObject {
        static NATIVE: crate::native::NativeType = crate::native::NativeType {
            name: "object",
            module: "builtins",
            doc: "The base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new \
                  featureless\ninstance that has no instance attributes and cannot be given any.\n",
            signature: "()",
            size: size_of::<Object<BaseObject>>(),
            base: None,
            flags: TypeFlags::BASE.with(TypeFlags::IMMUTABLE),
            drop: crate::object::drop_payload::<BaseObject>,
            deallocate: crate::object::deallocate_native::<BaseObject>,
            trace: None,
            clear: None,
            methods: &[BaseObject::METHODS],
            attributes: &[BaseObject::ATTRIBUTES],
        };
        static TYPE: TypeObject =
            Object::immortal(&raw const crate::types::typ::TYPE, Type::native(&NATIVE, SLOTS));
        &TYPE
    }
    const TRACKED: bool = false;
    const PREFIX: bool = false;
    const SIZED: bool = true;
}

/// The slots; those that other types compare theirs with are plain functions.
#[allow(clippy::declare_interior_mutable_const)]
const SLOTS: Slots = Slots {
    new: Cell::new(Some(object_new)),
    init: Cell::new(Some(object_init)),
    getattribute: Cell::new(Some(generic_get_attribute)),
    setattribute: Cell::new(Some(generic_set_attribute)),
    ..BaseObject::SLOTS
};

/// Attribute lookup as `object` does it.
///
/// # Errors
/// `AttributeError`, and what descriptors raise.
pub fn generic_get_attribute(vm: &Vm, object: &Value, name: &Object<Str>) -> PyResult {
    find_attribute(vm, object, name)?.ok_or_else(|| vm.no_attribute(object, name))
}

/// As [`generic_get_attribute`], with `None` where there is no such attribute.
///
/// # Errors
/// What descriptors raise, but for `AttributeError`.
pub fn find_attribute(vm: &Vm, object: &Value, name: &Object<Str>) -> PyResult<Option<Value>> {
    let typ = object.type_of();
    let found = typ.lookup(vm, name);
    if let Some(found) = &found {
        let slots = found.type_of().slots();
        if let Some(get) = slots.descriptor_get.get()
            && slots.descriptor_set.get().is_some()
        {
            return optional(get(vm, found, Some(object), Some(&typ.to_value())));
        }
    }
    if let Some(own) = instance::get(object, name).or_else(|| module_attribute(object, name)) {
        return Ok(Some(own));
    }
    match found {
        Some(found) => match found.type_of().slots().descriptor_get.get() {
            Some(get) => optional(get(vm, &found, Some(object), Some(&typ.to_value()))),
            None => Ok(Some(found)),
        },
        None => Ok(None),
    }
}

/// Modules keep their dict where others keep nothing.
fn module_attribute(object: &Value, name: &Object<Str>) -> Option<Value> {
    object.downcast::<Module>()?.dict_ref().get_str(name)
}

fn optional(result: PyResult) -> PyResult<Option<Value>> {
    // An AttributeError of a descriptor goes on as it is: its text says more than ours would.
    result.map(Some)
}

/// Setting and deleting attributes as `object` does it.
///
/// # Errors
/// `AttributeError`, and what descriptors raise.
pub fn generic_set_attribute(
    vm: &Vm,
    object: &Value,
    name: &Object<Str>,
    value: Option<&Value>,
) -> PyResult<()> {
    let typ = object.type_of();
    let found = typ.lookup(vm, name);
    if let Some(found) = &found
        && let Some(set) = found.type_of().slots().descriptor_set.get()
    {
        return set(vm, found, object, value);
    }
    if typ.has_flag(TypeFlags::HAS_DICT) && typ.has_flag(TypeFlags::PREFIX) {
        if instance::set(vm, object, name, value)? {
            return Ok(());
        }
        return Err(vm.no_attribute(object, name));
    }
    let shown = name.to_string_lossy();
    let message = if found.is_some() {
        format!("'{}' object attribute '{shown}' is read-only", typ.full_name())
    } else {
        let hint = if typ
            .slots()
            .setattribute
            .get()
            .is_some_and(|set| set as usize == generic_set_attribute as *const () as usize)
        {
            " and no __dict__ for setting new attributes"
        } else {
            ""
        };
        format!("'{}' object has no attribute '{shown}'{hint}", typ.full_name())
    };
    Err(vm.attribute_error(message, object, name))
}

/// Sets `__dict__`.
///
/// # Errors
/// `TypeError` where the value is no dict or is being deleted.
pub fn set_dict_attribute(vm: &Vm, object: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(vm.type_error("cannot delete __dict__")) };
    let Some(dict) = value.downcast::<Dict>() else {
        return Err(vm.type_error(format!(
            "__dict__ must be set to a dictionary, not a '{}'",
            value.type_of().full_name()
        )));
    };
    instance::replace_dict(vm, object, dict);
    Ok(())
}

/// Whether arguments were given that neither `__new__` nor `__init__` of the class takes.
fn excess(args: &[Value], names: KeywordNames<'_>) -> bool {
    !args.is_empty() || names.is_some_and(|names| !names.items().is_empty())
}

fn overrides_init(typ: &TypeObject) -> bool {
    typ.slots().init.get().is_none_or(|init| init as usize != object_init as *const () as usize)
}

fn overrides_new(typ: &TypeObject) -> bool {
    typ.slots().new.get().is_none_or(|new| new as usize != object_new as *const () as usize)
}

fn object_new(vm: &Vm, typ: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    if excess(args, names) {
        if overrides_new(typ) {
            return Err(
                vm.type_error("object.__new__() takes exactly one argument (the type to instantiate)")
            );
        }
        if !overrides_init(typ) {
            return Err(vm.type_error(format!("{}() takes no arguments", typ.full_name())));
        }
    }
    if typ.has_flag(TypeFlags::ABSTRACT) {
        return Err(abstract_class(vm, typ)?);
    }
    Ok(BaseObject::of_type(typ))
}

fn abstract_class(vm: &Vm, typ: &TypeObject) -> PyResult<crate::exceptions::Exception> {
    let methods = vm.get_attribute_str(&typ.to_value(), "__abstractmethods__")?;
    let mut methods = vm.collect(&methods)?;
    methods.sort_by_key(|name| name.downcast::<Str>().map(|name| name.to_string_lossy().into_owned()));
    let shown: Vec<String> = methods
        .iter()
        .filter_map(|name| name.downcast::<Str>().map(|name| format!("'{}'", name.to_string_lossy())))
        .collect();
    let plural = if shown.len() > 1 { "s" } else { "" };
    Ok(vm.type_error(format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{plural} {}",
        typ.full_name(),
        shown.join(", ")
    )))
}

fn object_init(vm: &Vm, object: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
    if excess(args, names) {
        let typ = object.type_of();
        if overrides_init(typ) {
            return Err(
                vm.type_error("object.__init__() takes exactly one argument (the instance to initialize)")
            );
        }
        if !overrides_new(typ) {
            return Err(vm.type_error(format!(
                "{}.__init__() takes exactly one argument (the instance to initialize)",
                typ.full_name()
            )));
        }
    }
    Ok(())
}

impl BaseObject {
    /// A bare object.
    pub fn new_value() -> Value {
        Object::new(BaseObject).into_value()
    }

    /// A bare object of a class that derives from nothing native.
    #[inline]
    pub fn of_type(typ: &TypeObject) -> Value {
        Object::with_type(typ, BaseObject).into_value()
    }
}

/// The state of an object for copying and pickling: its attributes and slots.
pub fn default_state(vm: &Vm, object: &Value, required: bool) -> PyResult {
    let typ = object.type_of();
    let slot_names = crate::types::copying::slot_names(vm, typ)?;
    if required && !typ.is_heap() && typ.native().size > size_of::<Object<BaseObject>>() {
        return Err(vm.type_error(format!("cannot pickle '{}' object", typ.full_name())));
    }
    let state = vm.get_attribute_optional(object, &names::__dict__)?.unwrap_or_else(none);
    let state = match state.downcast::<Dict>() {
        Some(dict) if dict.is_empty() => none(),
        _ => state,
    };
    let Some(slot_names) = slot_names else { return Ok(state) };
    let slots = Dict::new();
    for name in slot_names {
        if let Some(name) = name.downcast::<Str>()
            && let Some(value) = vm.get_attribute_optional(object, name)?
        {
            slots.set_str(name, value);
        }
    }
    if slots.is_empty() {
        return Ok(state);
    }
    Ok(Tuple::from_values([state, slots.into_value()]).into_value())
}

#[pymethods]
impl BaseObject {
    #[slot(repr)]
    fn repr(this: &Value, vm: &Vm) -> PyResult {
        let typ = this.type_of();
        let module = match typ.is_heap() {
            true => typ.dict().get_str(&names::__module__),
            false => Some(vm.new_str(typ.native().module)),
        };
        let name = typ.qualified_name(vm);
        let name = name.to_string_lossy();
        Ok(vm.new_str(&match module.as_ref().and_then(|module| module.downcast::<Str>()) {
            Some(module) if !module.equals_str("builtins") => {
                format!("<{}.{name} object at {:#x}>", module.to_string_lossy(), this.id())
            }
            _ => format!("<{} object at {:#x}>", typ.name(), this.id()),
        }))
    }

    #[slot(str)]
    fn str(this: &Value, vm: &Vm) -> PyResult {
        vm.repr(this).map(Into::into)
    }

    #[slot(hash)]
    fn hash(this: &Value) -> PyResult<i64> {
        let bits = this.bits();
        Ok((bits >> 4 | bits << 60) as i64)
    }

    #[slot(compare)]
    fn compare(this: &Value, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        match comparison {
            Comparison::Equal => Ok(if this.is(other) { boolean(true) } else { not_implemented() }),
            Comparison::NotEqual => {
                let Some(compare) = this.type_of().slots().compare.get() else {
                    return Ok(not_implemented());
                };
                let equal = compare(vm, this, other, Comparison::Equal)?;
                if is_not_implemented(&equal) { Ok(equal) } else { Ok(boolean(!vm.is_true(&equal)?)) }
            }
            _ => Ok(not_implemented()),
        }
    }

    /// Default object formatter.
    ///
    /// Return str(self) if format_spec is empty. Raise TypeError otherwise.
    #[method("__format__(self, format_spec, /)")]
    fn format(this: &Value, vm: &Vm, format_spec: &Object<Str>) -> PyResult {
        if format_spec.length() > 0 {
            return Err(vm.type_error(format!(
                "unsupported format string passed to {}.__format__",
                this.type_of().full_name()
            )));
        }
        vm.str(this).map(Into::into)
    }

    /// Size of object in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Value) -> usize {
        let more = this.downcast::<crate::types::bytes::Bytes>().map_or(0, |bytes| bytes.len());
        this.header().map_or(8, |header| header.type_of().allocation_size()) + more
    }

    /// Default dir() implementation.
    #[method("__dir__(self, /)")]
    fn dir(this: &Value, vm: &Vm) -> PyResult {
        let all = Dict::new();
        if let Some(own) = vm.get_attribute_optional(this, &names::__dict__)?
            && let Some(own) = own.downcast::<Dict>()
        {
            all.merge(vm, own, true)?;
        }
        if let Some(class) = vm.get_attribute_optional(this, &names::__class__)?
            && let Some(class) = class.downcast::<Type>()
        {
            for base in class.mro().items().iter().rev() {
                if let Some(base) = base.downcast::<Type>() {
                    all.merge(vm, base.dict(), true)?;
                }
            }
        }
        Ok(List::from_vec(all.keys()).into_value())
    }

    /// This method is called when a class is subclassed.
    ///
    /// The default implementation does nothing. It may be overridden to extend subclasses.
    #[classmethod("__init_subclass__")]
    fn init_subclass(cls: &TypeObject, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(
                vm.type_error(format!("{}.__init_subclass__() takes no keyword arguments", cls.full_name()))
            );
        }
        if !args.is_empty() {
            return Err(vm.type_error(format!(
                "{}.__init_subclass__() takes no arguments ({} given)",
                cls.full_name(),
                args.len()
            )));
        }
        Ok(())
    }

    /// Abstract classes can override this to customize issubclass().
    ///
    /// It should return True, False or NotImplemented.
    #[classmethod("__subclasshook__")]
    fn subclasshook(cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> Value {
        let _ = (cls, args, names);
        not_implemented()
    }

    /// Helper for pickle.
    #[method("__getstate__(self, /)")]
    fn getstate(this: &Value, vm: &Vm) -> PyResult {
        default_state(vm, this, false)
    }

    /// Helper for pickle.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Value, vm: &Vm) -> PyResult {
        crate::types::copying::reduce(vm, this, 0)
    }

    /// Helper for pickle.
    #[method("__reduce_ex__(self, protocol, /)")]
    fn reduce_ex(this: &Value, vm: &Vm, protocol: i32) -> PyResult {
        if let Some(own) = this.type_of().lookup(vm, &names::__reduce__)
            && !BaseObject::static_type()
                .dict()
                .get_str(&names::__reduce__)
                .is_some_and(|plain| plain.is(&own))
        {
            return vm.call_method(this, &names::__reduce__, &[]);
        }
        crate::types::copying::reduce(vm, this, protocol)
    }

    #[getter("__class__")]
    fn get_class(this: &Value) -> Value {
        this.type_of().to_value()
    }

    #[setter("__class__")]
    fn set_class(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.type_error("can't delete __class__ attribute")) };
        let Some(new) = value.downcast::<Type>() else {
            return Err(vm.type_error(format!(
                "__class__ must be set to a class, not '{}' object",
                value.type_of().full_name()
            )));
        };
        crate::audit::raise_change(vm, this, "__class__", Some(value))?;
        crate::types::copying::change_class(vm, this, new)
    }
}
