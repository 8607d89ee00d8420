//! `getset_descriptor` and `member_descriptor`: attributes that native code computes, the places of `__slots__`, and the
//! attributes `__dict__` and `__weakref__` of Python's classes.

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::native::{GetSetDef, Getter};
use crate::object::{Object, Ref, TypeObject};
use crate::types::dict::Dict;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, TypeFlags, instance};
use crate::value::Value;
use crate::vm::Vm;

/// An attribute computed by native code.
#[pyclass(name = "getset_descriptor", tracked, no_new)]
pub struct GetSetDescriptor {
    #[untraced]
    source: Computed,
    owner: Ref<Type>,
}

/// How the attribute is computed.
#[derive(Clone, Copy)]
enum Computed {
    Native(&'static GetSetDef),
    /// The attribute dict of an instance.
    Dict,
    /// The first weak reference to an instance.
    Weak,
}

/// An attribute with a place of its own in the instance.
#[pyclass(name = "member_descriptor", tracked, no_new)]
pub struct MemberDescriptor {
    #[untraced]
    source: Place,
    owner: Ref<Type>,
}

/// Where the attribute lies.
enum Place {
    Native(&'static GetSetDef),
    /// A `__slots__` member: its name and its offset from the header.
    Slot(Ref<Str>, i32),
}

impl GetSetDescriptor {
    /// The descriptor of a native attribute: a `member_descriptor` where the description says so.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(definition: &'static GetSetDef, owner: &'static TypeObject) -> Value {
        if definition.member {
            return Object::new(MemberDescriptor {
                source: Place::Native(definition),
                owner: owner.to_ref(),
            })
            .into_value();
        }
        Object::new(GetSetDescriptor { source: Computed::Native(definition), owner: owner.to_ref() })
            .into_value()
    }

    /// The native description, if there is one.
    pub fn definition(&self) -> Option<&'static GetSetDef> {
        match self.source {
            Computed::Native(definition) => Some(definition),
            _ => None,
        }
    }

    fn name(&self) -> &'static str {
        match self.source {
            Computed::Native(definition) => definition.name,
            Computed::Dict => "__dict__",
            Computed::Weak => "__weakref__",
        }
    }
}

/// The descriptor of the attribute `__dict__` of the instances of a class.
pub fn attribute_dict(_: &Vm, owner: &TypeObject) -> Value {
    Object::new(GetSetDescriptor { source: Computed::Dict, owner: owner.to_ref() }).into_value()
}

/// The descriptor of the attribute `__weakref__` of the instances of a class.
pub fn attribute_weakref(_: &Vm, owner: &TypeObject) -> Value {
    Object::new(GetSetDescriptor { source: Computed::Weak, owner: owner.to_ref() }).into_value()
}

impl MemberDescriptor {
    /// The descriptor of a `__slots__` member that lies at an offset from the header.
    pub fn new(name: Ref<Str>, owner: &TypeObject, offset: i32) -> Ref<MemberDescriptor> {
        Object::new(MemberDescriptor { source: Place::Slot(name, offset), owner: owner.to_ref() })
    }

    /// The offset of a `__slots__` member; -1 for other members.
    #[inline]
    pub fn offset(&self) -> i32 {
        match self.source {
            Place::Slot(_, offset) => offset,
            Place::Native(_) => -1,
        }
    }

    /// The class whose instances have the member.
    #[inline]
    pub fn owner(&self) -> &TypeObject {
        &self.owner
    }

    fn name(&self, vm: &Vm) -> Ref<Str> {
        match &self.source {
            Place::Native(definition) => vm.intern(definition.name),
            Place::Slot(name, _) => name.clone(),
        }
    }
}

/// The native function that reads an attribute of objects of a type, if the descriptor leads to one.
pub(crate) fn native_getter(typ: &TypeObject, descriptor: &Value) -> Option<Getter> {
    let (definition, owner) = if let Some(computed) = descriptor.downcast_exact::<GetSetDescriptor>() {
        (computed.definition()?, &computed.owner)
    } else {
        let member = descriptor.downcast_exact::<MemberDescriptor>()?;
        let Place::Native(definition) = member.source else { return None };
        (definition, &member.owner)
    };
    typ.is_native_subtype(owner).then_some(definition.get)
}

/// Makes sure that the object is an instance of the descriptor's class.
fn check(vm: &Vm, owner: &TypeObject, name: impl Fn() -> String, object: &Value) -> PyResult<()> {
    if object.type_of().is_subtype(owner) {
        return Ok(());
    }
    Err(wrong_object(vm, owner, &name(), object))
}

#[cold]
fn wrong_object(vm: &Vm, owner: &TypeObject, name: &str, object: &Value) -> Exception {
    vm.type_error(format!(
        "descriptor '{name}' for '{}' objects doesn't apply to a '{}' object",
        owner.full_name(),
        object.type_of().full_name()
    ))
}

fn qualified_name(vm: &Vm, owner: &TypeObject, name: &str) -> String {
    format!("{}.{name}", owner.qualified_name(vm).to_string_lossy())
}

#[pymethods]
impl GetSetDescriptor {
    #[slot(descriptor_get)]
    fn descriptor_get(
        this: &Object<GetSetDescriptor>,
        vm: &Vm,
        object: Option<&Value>,
        _owner: Option<&Value>,
    ) -> PyResult {
        let Some(object) = object else { return Ok(this.to_value()) };
        check(vm, &this.owner, || this.name().to_owned(), object)?;
        match this.source {
            Computed::Native(definition) => (definition.get)(vm, object),
            Computed::Dict => match native_dict(vm, object, this)? {
                Some(native) => match native.type_of().slots().descriptor_get.get() {
                    Some(get) => get(vm, &native, Some(object), Some(&object.type_of().to_value())),
                    None => Ok(native),
                },
                None => Ok(instance::dict(vm, object).into_value()),
            },
            Computed::Weak => Ok(crate::types::weakref::first_reference(object).unwrap_or_else(none)),
        }
    }

    #[slot(descriptor_set)]
    fn descriptor_set(
        this: &Object<GetSetDescriptor>,
        vm: &Vm,
        object: &Value,
        value: Option<&Value>,
    ) -> PyResult<()> {
        check(vm, &this.owner, || this.name().to_owned(), object)?;
        match this.source {
            Computed::Native(GetSetDef { set: Some(set), .. }) => set(vm, object, value),
            Computed::Dict if let Some(native) = native_dict(vm, object, this)? => {
                match native.type_of().slots().descriptor_set.get() {
                    Some(set) => set(vm, &native, object, value),
                    None => Err(no_such_dict(vm, object)),
                }
            }
            Computed::Dict => match value {
                Some(_) => crate::types::object::set_dict_attribute(vm, object, value),
                None => {
                    instance::replace_dict(vm, object, &Dict::new());
                    Ok(())
                }
            },
            _ => Err(vm.bare_attribute_error(format!(
                "attribute '{}' of '{}' objects is not writable",
                this.name(),
                this.owner.full_name()
            ))),
        }
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        format!("<attribute '{}' of '{}' objects>", self.name(), self.owner.full_name())
    }

    #[getter("__objclass__", member)]
    fn objclass(&self) -> Value {
        self.owner.value().clone()
    }

    #[getter("__name__", member)]
    fn get_name(&self) -> &'static str {
        self.name()
    }

    #[getter("__qualname__")]
    fn qualname(&self, vm: &Vm) -> String {
        qualified_name(vm, &self.owner, self.name())
    }

    #[getter("__doc__")]
    fn doc(&self) -> Option<&'static str> {
        match self.source {
            Computed::Native(definition) => (!definition.doc.is_empty()).then_some(definition.doc),
            Computed::Dict => Some("dictionary for instance variables"),
            Computed::Weak => Some("list of weak references to the object"),
        }
    }
}

/// What `__dict__` is for an object of a native type that has an attribute of that name: modules, types and
/// exceptions do.
fn native_dict(vm: &Vm, object: &Value, own: &Object<GetSetDescriptor>) -> PyResult<Option<Value>> {
    let typ = object.type_of();
    let mut next = Some(typ);
    while let Some(typ) = next {
        if !typ.is_heap()
            && let Some(found) = typ.dict().get_str(&names::__dict__)
            && !own.is(&found)
        {
            return Ok(Some(found));
        }
        next = typ.base();
    }
    if typ.has_flag(TypeFlags::HAS_DICT) && typ.has_flag(TypeFlags::PREFIX) {
        return Ok(None);
    }
    Err(no_such_dict(vm, object))
}

fn no_such_dict(vm: &Vm, object: &Value) -> Exception {
    vm.type_error(format!(
        "this __dict__ descriptor does not support '{}' objects",
        object.type_of().full_name()
    ))
}

/// The error for a member that is not set.
fn no_member(vm: &Vm, object: &Value, name: &Object<Str>) -> Exception {
    let class = crate::exceptions::raise::shown_class_name(vm, object.type_of());
    vm.attribute_error(
        format!("'{class}' object has no attribute '{}'", name.to_string_lossy()),
        object,
        name,
    )
}

#[pymethods]
impl MemberDescriptor {
    #[slot(descriptor_get)]
    fn descriptor_get(
        this: &Object<MemberDescriptor>,
        vm: &Vm,
        object: Option<&Value>,
        _owner: Option<&Value>,
    ) -> PyResult {
        let Some(object) = object else { return Ok(this.to_value()) };
        check(vm, &this.owner, || this.name(vm).to_string_lossy().into_owned(), object)?;
        match &this.source {
            Place::Native(definition) => (definition.get)(vm, object),
            Place::Slot(name, offset) => {
                instance::member(object, *offset).ok_or_else(|| no_member(vm, object, name))
            }
        }
    }

    #[slot(descriptor_set)]
    fn descriptor_set(&self, vm: &Vm, object: &Value, value: Option<&Value>) -> PyResult<()> {
        check(vm, &self.owner, || self.name(vm).to_string_lossy().into_owned(), object)?;
        match &self.source {
            Place::Native(GetSetDef { set: Some(set), .. }) => set(vm, object, value),
            Place::Native(_) => Err(vm.bare_attribute_error("readonly attribute")),
            Place::Slot(name, offset) => {
                let old = instance::set_member(object, *offset, value.cloned());
                if old.is_none() && value.is_none() {
                    return Err(vm.bare_attribute_error(name.to_string_lossy().into_owned()));
                }
                drop(old);
                Ok(())
            }
        }
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> String {
        format!("<member '{}' of '{}' objects>", self.name(vm).to_string_lossy(), self.owner.full_name())
    }

    #[getter("__objclass__", member)]
    fn objclass(&self) -> Value {
        self.owner.value().clone()
    }

    #[getter("__name__", member)]
    fn get_name(&self, vm: &Vm) -> Ref<Str> {
        self.name(vm)
    }

    #[getter("__qualname__")]
    fn qualname(&self, vm: &Vm) -> String {
        qualified_name(vm, &self.owner, &self.name(vm).to_string_lossy())
    }

    #[getter("__doc__")]
    fn doc(&self) -> Option<&'static str> {
        match &self.source {
            Place::Native(definition) => (!definition.doc.is_empty()).then_some(definition.doc),
            Place::Slot(..) => None,
        }
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> Value {
        let getattr = vm.builtins().get_str(&names::getattr).unwrap_or_else(none);
        let args = Tuple::from_values([self.owner.value().clone(), self.name(vm).into_value()]);
        Tuple::from_values([getattr, args.into_value()]).into_value()
    }
}
