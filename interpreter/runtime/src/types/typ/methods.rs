//! What `type` itself offers: calls that make objects, attributes of classes, and its methods.

use std::ptr;

use rspy_macros::pymethods;

use crate::audit;
use crate::exceptions::PyResult;
use crate::names;
use crate::native::{GetSetDef, NativeDef};
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::{KeywordNames, Slots};
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, TypeFlags, build, special};
use crate::value::Value;
use crate::vm::Vm;

pub(super) const METHODS: &[NativeDef] = Type::METHODS;
pub(super) const ATTRIBUTES: &[GetSetDef] = Type::ATTRIBUTES;
#[allow(clippy::declare_interior_mutable_const)]
pub(super) const SLOTS: Slots = Type::SLOTS;

/// Calls a type: `__new__`, then `__init__` where the result is of the type.
///
/// # Errors
/// Those of both.
pub fn call_type(vm: &Vm, typ: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    if std::ptr::eq(typ, Type::static_type()) && names.is_none() {
        if let [object] = args {
            return Ok(object.type_of().to_value());
        }
        if args.len() != 3 {
            return Err(vm.type_error("type() takes 1 or 3 arguments"));
        }
    }
    let Some(new) = typ.slots().new.get() else {
        return Err(vm.type_error(format!("cannot create '{}' instances", typ.full_name())));
    };
    let object = new(vm, typ, args, names)?;
    let made = object.type_of();
    if !made.is_subtype(typ) {
        return Ok(object);
    }
    if let Some(init) = made.slots().init.get() {
        init(vm, &object, args, names)?;
    }
    Ok(object)
}

/// `list[int]` and the like.
pub fn generic_alias(vm: &Vm, origin: &Value, args: &Value) -> Value {
    crate::types::generic_alias::new(vm, origin, args)
}

/// `type.__getattribute__`: data descriptors of the metaclass, then the class's own attributes, then the rest.
///
/// # Errors
/// `AttributeError`, and what descriptors raise.
pub fn get_attribute(vm: &Vm, this: &Value, name: &Object<Str>) -> PyResult {
    // SAFETY: the slot belongs to types.
    let typ: &TypeObject = unsafe { this.downcast_unchecked::<Type>() };
    typ.ready(vm);
    let metaclass = typ.type_of();
    let meta = metaclass.lookup(vm, name);
    if let Some(found) = &meta
        && let Some(get) = found.type_of().slots().descriptor_get.get()
        && found.type_of().slots().descriptor_set.get().is_some()
    {
        return get(vm, found, Some(this), Some(&metaclass.to_value()));
    }
    if let Some(found) = typ.lookup(vm, name) {
        return match found.type_of().slots().descriptor_get.get() {
            Some(get) => get(vm, &found, None, Some(this)),
            None => Ok(found),
        };
    }
    match meta {
        Some(found) => match found.type_of().slots().descriptor_get.get() {
            Some(get) => get(vm, &found, Some(this), Some(&metaclass.to_value())),
            None => Ok(found),
        },
        None => Err(vm.no_attribute(this, name)),
    }
}

fn not_settable(vm: &Vm, typ: &TypeObject, name: &str) -> PyResult<()> {
    if typ.has_flag(TypeFlags::IMMUTABLE) {
        return Err(
            vm.type_error(format!("cannot set '{name}' attribute of immutable type '{}'", typ.full_name()))
        );
    }
    Ok(())
}

/// Gives a class other bases: the orders of it and of what derives from it follow, then slots and caches.
fn replace_bases(vm: &Vm, typ: &Object<Type>, bases: &Object<Tuple>, base: &TypeObject) -> PyResult<()> {
    let old_bases = typ.bases();
    let old_base = typ.base().map(Object::to_ref);
    let (new_bases, base) = (bases.to_ref(), base.to_ref());
    typ.set_bases(new_bases.clone());
    typ.set_base(&base);
    let mut changed = Vec::new();
    if let Err(error) = settle_hierarchy(vm, typ, &mut changed) {
        for (typ, new, old) in changed {
            if typ.current_mro().is_some_and(|now| ptr::eq(&*now, &*new))
                && let Some(old) = old
            {
                typ.set_mro(old);
                typ.modified();
            }
        }
        if ptr::eq(&*typ.bases(), &*new_bases) {
            typ.set_bases(old_bases);
            if let Some(old_base) = &old_base {
                typ.set_base(old_base);
            }
            typ.modified();
        }
        return Err(error);
    }
    // Whoever set the bases meanwhile has done the rest, too.
    if ptr::eq(&*typ.bases(), &*new_bases) {
        for base in old_bases.items().iter().filter_map(|base| base.downcast::<Type>()) {
            base.remove_subclass(typ);
        }
        for base in new_bases.items().iter().filter_map(|base| base.downcast::<Type>()) {
            base.add_subclass(typ);
        }
        update_all_slots(typ);
    }
    Ok(())
}

/// A class whose order was settled: it, the new order, the one before.
type Settled = (Ref<Type>, Ref<Tuple>, Option<Ref<Tuple>>);

/// Settles the orders of a class and of what derives from it, and lists what has changed.
fn settle_hierarchy(vm: &Vm, typ: &TypeObject, changed: &mut Vec<Settled>) -> PyResult<()> {
    vm.check_stack("")?;
    let Some(before) = super::mro::settle(vm, typ)? else { return Ok(()) };
    changed.push((typ.to_ref(), typ.mro(), before));
    for subclass in typ.subclasses() {
        if let Some(subclass) = subclass.downcast::<Type>() {
            settle_hierarchy(vm, subclass, changed)?;
        }
    }
    Ok(())
}

fn update_all_slots(typ: &TypeObject) {
    typ.modified();
    special::update_all(typ);
    for subclass in typ.subclasses() {
        if let Some(subclass) = subclass.downcast::<Type>() {
            update_all_slots(subclass);
        }
    }
}

/// Whether a class is on the chain of first bases of another: orders may be behind while bases are being set.
fn continues(typ: &TypeObject, ancestor: &TypeObject) -> bool {
    let mut next = Some(typ);
    while let Some(typ) = next {
        if ptr::eq(typ, ancestor) {
            return true;
        }
        next = typ.base();
    }
    false
}

fn update_slots(vm: &Vm, typ: &TypeObject, name: &str) {
    special::update(typ, name);
    for subclass in typ.subclasses() {
        if let Some(subclass) = subclass.downcast::<Type>()
            && !subclass.dict().contains_str(&vm.intern(name))
        {
            update_slots(vm, subclass, name);
        }
    }
}

/// A value from the class's own dict.
fn own(typ: &TypeObject, name: &Object<Str>) -> Option<Value> {
    typ.dict().get_str(name)
}

#[pymethods]
impl Type {
    #[slot(call)]
    fn call(vm: &Vm, this: &Object<Type>, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        call_type(vm, this, args, names)
    }

    #[slot(repr)]
    fn repr(this: &Object<Type>, vm: &Vm) -> PyResult {
        let module = Type::module(this, vm)?;
        let name = this.qualified_name(vm);
        Ok(match module.downcast::<Str>() {
            Some(module) if !module.equals_str("builtins") => {
                vm.new_str(&format!("<class '{}.{}'>", module.to_string_lossy(), name.to_string_lossy()))
            }
            _ => vm.new_str(&format!("<class '{}'>", this.name())),
        })
    }

    #[slot(getattribute)]
    fn getattribute(this: &Value, vm: &Vm, name: &Object<Str>) -> PyResult {
        get_attribute(vm, this, name)
    }

    #[slot(setattribute)]
    fn setattribute(this: &Object<Type>, vm: &Vm, name: &Object<Str>, value: Option<&Value>) -> PyResult<()> {
        not_settable(vm, this, &name.to_string_lossy())?;
        let this_value = this.to_value();
        if let Some(found) = this.type_of().lookup(vm, name)
            && let Some(set) = found.type_of().slots().descriptor_set.get()
        {
            set(vm, &found, &this_value, value)?;
            this.modified();
            return Ok(());
        }
        let old = match value {
            Some(value) => {
                let old = this.dict().get_str(name);
                this.dict().set_str(name, value.clone());
                old
            }
            None => match this.dict().to_ref().remove_str(name) {
                Some(old) => Some(old),
                None => return Err(vm.no_attribute(&this_value, name)),
            },
        };
        this.modified();
        if let Some(text) = name.as_ascii()
            && text.starts_with("__")
        {
            update_slots(vm, this, text);
        }
        drop(old);
        Ok(())
    }

    #[slot(new)]
    fn new(vm: &Vm, metaclass: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let keywords = names.map_or(0, |names| names.items().len());
        let positional = &args[..args.len() - keywords];
        let [name, bases, namespace] = positional else {
            return Err(vm.type_error(format!(
                "type.__new__() takes exactly 3 arguments ({} given)",
                positional.len()
            )));
        };
        let wrong = |position: usize, expected: &str, got: &Value| {
            vm.type_error(format!(
                "type.__new__() argument {position} must be {expected}, not {}",
                got.type_of().full_name()
            ))
        };
        let name = name.downcast::<Str>().ok_or_else(|| wrong(1, "str", name))?;
        let bases = bases.downcast::<Tuple>().ok_or_else(|| wrong(2, "tuple", bases))?;
        let namespace = namespace.downcast::<Dict>().ok_or_else(|| wrong(3, "dict", namespace))?;
        for base in bases.items() {
            if base.downcast::<Type>().is_none() {
                if vm.get_attribute_optional(base, &names::__mro_entries__)?.is_some() {
                    return Err(
                        vm.type_error("type() doesn't support MRO entry resolution; use types.new_class()")
                    );
                }
                return Err(vm.type_error("bases must be types"));
            }
        }
        let winner = build::winning_metaclass(vm, metaclass, bases)?;
        if !std::ptr::eq(winner, metaclass)
            && let Some(new) = winner.slots().new.get()
            && metaclass.slots().new.get().is_none_or(|own| own as usize != new as usize)
        {
            return new(vm, winner, args, names);
        }
        build::new_class(vm, winner, name, bases, namespace, args, names)
    }

    #[slot(init)]
    fn init(_this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let keywords = names.map_or(0, |names| names.items().len());
        let positional = args.len() - keywords;
        if keywords > 0 && positional == 1 {
            return Err(vm.type_error("type.__init__() takes no keyword arguments"));
        }
        if positional != 1 && positional != 3 {
            return Err(vm.type_error("type.__init__() takes 1 or 3 arguments"));
        }
        Ok(())
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        crate::types::union::or(vm, left, right)
    }

    /// Return a type's method resolution order.
    #[method("mro(self, /)")]
    fn mro_method(this: &Object<Type>, vm: &Vm) -> PyResult {
        let order = super::mro::linearize(vm, this, &this.bases())?;
        Ok(List::from_vec(order).into_value())
    }

    /// Return a list of immediate subclasses.
    #[method("__subclasses__(self, /)")]
    fn subclasses_method(this: &Object<Type>) -> Vec<Value> {
        this.subclasses()
    }

    /// Create the namespace for the class statement.
    #[classmethod("__prepare__")]
    fn prepare(cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> Value {
        let _ = (cls, args, names);
        Dict::new().into_value()
    }

    /// Check if an object is an instance.
    #[method("__instancecheck__(self, instance, /)")]
    fn instancecheck(this: &Value, vm: &Vm, instance: &Value) -> PyResult<bool> {
        vm.is_instance_plainly(instance, this)
    }

    /// Check if a class is a subclass.
    #[method("__subclasscheck__(self, subclass, /)")]
    fn subclasscheck(this: &Value, vm: &Vm, subclass: &Value) -> PyResult<bool> {
        vm.is_subclass_plainly(subclass, this)
    }

    /// Specialized __dir__ implementation for types.
    #[method("__dir__(self, /)")]
    fn dir(this: &Object<Type>, vm: &Vm) -> PyResult {
        let all = Dict::new();
        for class in this.mro().items().iter().rev() {
            if let Some(class) = class.downcast::<Type>() {
                all.merge(vm, class.dict(), true)?;
            }
        }
        Ok(List::from_vec(all.keys()).into_value())
    }

    /// Return memory consumption of the type object.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<Type>) -> usize {
        if this.is_heap() { 1600 } else { 400 }
    }

    #[getter("__name__")]
    fn get_name(this: &Object<Type>, vm: &Vm) -> Value {
        match this.with_heap(|heap| heap.name.get()) {
            Some(name) => name.into_value(),
            None => vm.intern(this.native().name).into_value(),
        }
    }

    #[setter("__name__")]
    fn set_name(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let name = checked_name(vm, this, value, "__name__")?;
        build::check_name(vm, &name)?;
        this.with_heap(|heap| heap.name.set(name.to_exact()));
        Ok(())
    }

    #[getter("__qualname__")]
    fn get_qualname(this: &Object<Type>, vm: &Vm) -> Ref<Str> {
        this.qualified_name(vm)
    }

    #[setter("__qualname__")]
    fn set_qualname(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let name = checked_name(vm, this, value, "__qualname__")?;
        this.with_heap(|heap| heap.qualified_name.set(name.clone()));
        Ok(())
    }

    #[getter("__module__")]
    pub(crate) fn module(this: &Object<Type>, vm: &Vm) -> PyResult {
        if this.is_heap() {
            return own(this, &names::__module__)
                .ok_or_else(|| vm.attribute_error("__module__", &this.to_value(), &names::__module__));
        }
        Ok(vm.intern(this.native().module).into_value())
    }

    #[setter("__module__")]
    fn set_module(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let value = settable(vm, this, value, "__module__")?;
        drop(this.dict().to_ref().remove_str(&names::__firstlineno__));
        this.dict().set_str(&names::__module__, value.clone());
        this.modified();
        Ok(())
    }

    #[getter("__bases__")]
    fn get_bases(this: &Object<Type>) -> Ref<Tuple> {
        this.bases()
    }

    #[setter("__bases__")]
    fn set_bases_attribute(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let value = settable(vm, this, value, "__bases__")?;
        let Some(bases) = value.downcast::<Tuple>() else {
            return Err(vm.type_error(format!(
                "can only assign tuple to {}.__bases__, not {}",
                this.name(),
                value.type_of().full_name()
            )));
        };
        if bases.items().is_empty() {
            return Err(vm.type_error(format!(
                "can only assign non-empty tuple to {}.__bases__, not ()",
                this.name()
            )));
        }
        for base in bases.items() {
            let Some(base) = base.downcast::<Type>() else {
                return Err(vm.type_error(format!(
                    "{}.__bases__ must be tuple of classes, not '{}'",
                    this.name(),
                    base.type_of().full_name()
                )));
            };
            if base.is_subtype(this) || continues(base, this) {
                return Err(vm.type_error("a __bases__ item causes an inheritance cycle"));
            }
        }
        let new_base = build::layout_base(vm, bases)?;
        if !build::same_layout(this, new_base) {
            return Err(vm.type_error(format!(
                "__bases__ assignment: '{}' object layout differs from '{}'",
                new_base.name(),
                this.base().map_or_else(String::new, |base| base.name())
            )));
        }
        replace_bases(vm, this, bases, new_base)
    }

    #[getter("__base__", member)]
    fn get_base(this: &Object<Type>) -> Option<Value> {
        this.base().map(|base| base.to_value())
    }

    #[getter("__mro__", member)]
    fn get_mro(this: &Object<Type>) -> Option<Ref<Tuple>> {
        this.current_mro()
    }

    #[getter("__dict__")]
    fn get_dict(this: &Object<Type>) -> Value {
        crate::types::descriptors::MappingProxy::new(this.dict().to_value())
    }

    #[getter("__doc__")]
    fn get_doc(this: &Object<Type>, vm: &Vm) -> PyResult {
        if !this.is_heap() && !this.native().doc.is_empty() {
            return Ok(vm.new_str(this.native().doc));
        }
        match own(this, &names::__doc__) {
            Some(doc) => match doc.type_of().slots().descriptor_get.get() {
                Some(get) => get(vm, &doc, None, Some(&this.to_value())),
                None => Ok(doc),
            },
            None => Ok(none()),
        }
    }

    #[setter("__doc__")]
    fn set_doc(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let value = settable(vm, this, value, "__doc__")?;
        this.dict().set_str(&names::__doc__, value.clone());
        this.modified();
        Ok(())
    }

    #[getter("__text_signature__")]
    fn get_text_signature(this: &Object<Type>) -> Option<&'static str> {
        let signature = this.native().signature;
        (!this.is_heap() && !signature.is_empty()).then_some(signature)
    }

    #[getter("__abstractmethods__")]
    fn get_abstractmethods(this: &Object<Type>, vm: &Vm) -> PyResult {
        let name = vm.intern("__abstractmethods__");
        let found = if std::ptr::eq(this, Type::static_type()) { None } else { own(this, &name) };
        found.ok_or_else(|| vm.attribute_error("__abstractmethods__", &this.to_value(), &name))
    }

    #[setter("__abstractmethods__")]
    fn set_abstractmethods(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let name = vm.intern("__abstractmethods__");
        match value {
            Some(value) => {
                let truth = vm.is_true(value)?;
                this.dict().set_str(&name, value.clone());
                if truth { this.set_flag(TypeFlags::ABSTRACT) } else { this.clear_flag(TypeFlags::ABSTRACT) }
            }
            None => {
                if this.dict().to_ref().remove_str(&name).is_none() {
                    return Err(vm.attribute_error("__abstractmethods__", &this.to_value(), &name));
                }
                this.clear_flag(TypeFlags::ABSTRACT);
            }
        }
        this.modified();
        Ok(())
    }

    #[getter("__annotate__")]
    fn get_annotate(this: &Object<Type>, vm: &Vm) -> PyResult {
        if !this.is_heap() {
            return Err(vm.no_attribute(&this.to_value(), &names::__annotate__));
        }
        // `__annotate__` is there where the class body defines it itself.
        match own(this, &names::__annotate__).or_else(|| own(this, &names::__annotate_func__)) {
            Some(found) => match found.type_of().slots().descriptor_get.get() {
                Some(get) => get(vm, &found, None, Some(&this.to_value())),
                None => Ok(found),
            },
            None => {
                this.dict().set_str(&names::__annotate_func__, none());
                Ok(none())
            }
        }
    }

    #[setter("__annotate__")]
    fn set_annotate(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.type_error("cannot delete __annotate__ attribute")) };
        not_settable(vm, this, "__annotate__")?;
        if !is_none(value) && !vm.is_callable(value) {
            return Err(vm.type_error("__annotate__ must be callable or None"));
        }
        this.dict().set_str(&names::__annotate_func__, value.clone());
        if !is_none(value) {
            drop(this.dict().to_ref().remove_str(&names::__annotations_cache__));
        }
        this.modified();
        Ok(())
    }

    #[getter("__annotations__")]
    fn get_annotations(this: &Object<Type>, vm: &Vm) -> PyResult {
        if !this.is_heap() {
            return Err(vm.no_attribute(&this.to_value(), &names::__annotations__));
        }
        if let Some(found) =
            own(this, &names::__annotations__).or_else(|| own(this, &names::__annotations_cache__))
        {
            return match found.type_of().slots().descriptor_get.get() {
                Some(get) => get(vm, &found, None, Some(&this.to_value())),
                None => Ok(found),
            };
        }
        let annotate = Type::get_annotate(this, vm)?;
        let annotations = if vm.is_callable(&annotate) {
            let made = vm.call(&annotate, &[Value::int(1)])?;
            if made.downcast::<Dict>().is_none() {
                return Err(vm.type_error(format!(
                    "__annotate__ returned non-dict of type '{}'",
                    made.type_of().full_name()
                )));
            }
            made
        } else {
            Dict::new().into_value()
        };
        this.dict().set_str(&names::__annotations_cache__, annotations.clone());
        this.modified();
        Ok(annotations)
    }

    #[setter("__annotations__")]
    fn set_annotations(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        not_settable(vm, this, "__annotations__")?;
        let name: &Object<Str> = if this.dict().contains_str(&names::__annotations__) {
            &names::__annotations__
        } else {
            &names::__annotations_cache__
        };
        match value {
            Some(value) => this.dict().set_str(name, value.clone()),
            None => {
                if this.dict().to_ref().remove_str(name).is_none() {
                    return Err(vm.attribute_error(
                        "__annotations__",
                        &this.to_value(),
                        &names::__annotations__,
                    ));
                }
            }
        }
        drop(this.dict().to_ref().remove_str(&names::__annotate_func__));
        drop(this.dict().to_ref().remove_str(&names::__annotate__));
        this.modified();
        Ok(())
    }

    #[getter("__type_params__")]
    fn get_type_params(this: &Object<Type>) -> Value {
        let found = if this.is_heap() { own(this, &names::__type_params__) } else { None };
        found.unwrap_or_else(|| Tuple::empty().into_value())
    }

    #[setter("__type_params__")]
    fn set_type_params(this: &Object<Type>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let value = settable(vm, this, value, "__type_params__")?;
        this.dict().set_str(&names::__type_params__, value.clone());
        this.modified();
        Ok(())
    }

    #[getter("__flags__", member)]
    fn get_flags(this: &Object<Type>) -> u64 {
        build::cpython_flags(this)
    }

    #[getter("__basicsize__", member)]
    fn get_basicsize(this: &Object<Type>) -> usize {
        this.basic_size() + this.prefix_size()
    }

    #[getter("__itemsize__", member)]
    fn get_itemsize(this: &Object<Type>) -> usize {
        if this.has_flag(TypeFlags::VARIABLE) && !this.has_flag(TypeFlags::STR_SUBCLASS) { 8 } else { 0 }
    }

    #[getter("__dictoffset__", member)]
    fn get_dictoffset(this: &Object<Type>) -> i64 {
        if this.has_flag(TypeFlags::HAS_DICT) { -1 } else { 0 }
    }

    #[getter("__weakrefoffset__", member)]
    fn get_weakrefoffset(this: &Object<Type>) -> i64 {
        if this.has_flag(TypeFlags::HAS_WEAK) { 8 } else { 0 }
    }
}

fn settable<'a>(vm: &Vm, typ: &Object<Type>, value: Option<&'a Value>, name: &str) -> PyResult<&'a Value> {
    not_settable(vm, typ, name)?;
    let value = value.ok_or_else(|| {
        vm.type_error(format!("cannot delete '{name}' attribute of immutable type '{}'", typ.full_name()))
    })?;
    audit::raise_change(vm, &typ.as_value(), name, Some(value))?;
    Ok(value)
}

fn checked_name(vm: &Vm, typ: &Object<Type>, value: Option<&Value>, name: &str) -> PyResult<Ref<Str>> {
    let value = settable(vm, typ, value, name)?;
    match value.downcast::<Str>() {
        Some(text) => Ok(text.to_ref()),
        None => Err(vm.type_error(format!(
            "can only assign string to {}.{name}, not '{}'",
            typ.name(),
            value.type_of().full_name()
        ))),
    }
}
