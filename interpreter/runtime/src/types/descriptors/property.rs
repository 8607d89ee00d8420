//! `property`: an attribute that calls functions to be read, set and deleted.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::object::{Object, Payload, TypeObject};
use crate::slots::KeywordNames;
use crate::types::descriptors::is_abstract;
use crate::types::function::Function;
use crate::types::none::{is_none, none};
use crate::value::Value;
use crate::vm::Vm;

/// Property attribute.
///
///   fget
///     function to be used for getting an attribute value
///   fset
///     function to be used for setting an attribute value
///   fdel
///     function to be used for deleting an attribute
///   doc
///     docstring
///
/// Decorators make it easy to define new properties or to modify existing ones.
#[pyclass(
    name = "property",
    tracked,
    subclassable,
    signature = "(fget=None, fset=None, fdel=None, doc=None)"
)]
pub struct Property {
    getter: GilCell<Option<Value>>,
    setter: GilCell<Option<Value>>,
    deleter: GilCell<Option<Value>>,
    doc: GilCell<Option<Value>>,
    name: GilCell<Option<Value>>,
    /// Whether the documentation is the getter's.
    doc_of_getter: Cell<bool>,
}

impl Property {
    /// The function that reads the attribute.
    #[inline]
    pub fn getter(&self) -> Option<Value> {
        self.getter.get()
    }

    /// The getter's word, 0 for none, for the evaluator.
    #[inline(always)]
    pub(crate) fn getter_word(&self) -> u64 {
        // SAFETY: nobody changes the getter while the evaluator looks.
        unsafe { (*self.getter.as_ptr()).as_ref().map_or(0, Value::bits) }
    }

    /// The property's name: the one it was given, else the getter's.
    fn name_of(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if let Some(name) = self.name.get() {
            return Ok(Some(name));
        }
        match self.getter.get() {
            Some(getter) => match getter.downcast_exact::<Function>() {
                Some(function) => Ok(Some(function.name().into_value())),
                None => vm.get_attribute_optional(&getter, &names::__name__),
            },
            None => Ok(None),
        }
    }

    /// The error for a function that is not there.
    fn missing(&self, vm: &Vm, object: &Value, what: &str) -> Exception {
        let typ = object.type_of().qualified_name(vm);
        let message = self.name_of(vm).and_then(|name| {
            let owner = vm.repr(typ.value())?;
            Ok(match name {
                Some(name) => {
                    format!(
                        "property {} of {} object has no {what}",
                        vm.repr(&name)?.to_string_lossy(),
                        owner.to_string_lossy()
                    )
                }
                None => format!("property of {} object has no {what}", owner.to_string_lossy()),
            })
        });
        match message {
            Ok(message) => vm.bare_attribute_error(message),
            Err(error) => error,
        }
    }

    /// The same property with one function replaced.
    fn with(this: &Object<Property>, vm: &Vm, functions: [Option<&Value>; 3]) -> PyResult {
        let own = [this.getter.get(), this.setter.get(), this.deleter.get()];
        let mut args: Vec<Value> = functions
            .iter()
            .zip(own)
            .map(|(new, own)| new.filter(|new| !is_none(new)).cloned().or(own).unwrap_or_else(none))
            .collect();
        let doc = if this.doc_of_getter.get() && !is_none(&args[0]) { None } else { this.doc.get() };
        args.push(doc.unwrap_or_else(none));
        let made = vm.call(&this.type_of().to_value(), &args)?;
        if let Some(property) = made.downcast::<Property>() {
            property.name.set(this.name.get());
        }
        Ok(made)
    }
}

#[pymethods]
impl Property {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let property = Property {
            getter: GilCell::default(),
            setter: GilCell::default(),
            deleter: GilCell::default(),
            doc: GilCell::default(),
            name: GilCell::default(),
            doc_of_getter: Cell::new(false),
        };
        Ok(Object::with_type(cls, property).into_value())
    }

    #[init("property(fget=None, fset=None, fdel=None, doc=None)")]
    fn init(
        this: &Object<Property>,
        vm: &Vm,
        fget: Option<&Value>,
        fset: Option<&Value>,
        fdel: Option<&Value>,
        doc: Option<&Value>,
    ) -> PyResult<()> {
        this.getter.set(fget.cloned());
        this.setter.set(fset.cloned());
        this.deleter.set(fdel.cloned());
        this.doc.set(None);
        this.name.set(None);
        this.doc_of_getter.set(false);
        let doc = match (doc, fget) {
            (Some(doc), _) => Some(doc.clone()),
            (None, None) => None,
            (None, Some(getter)) => {
                let Some(doc) = vm.get_attribute_optional(getter, &names::__doc__)? else { return Ok(()) };
                let doc = (!is_none(&doc)).then_some(doc);
                this.doc_of_getter.set(doc.is_some());
                doc
            }
        };
        if std::ptr::eq(this.type_of(), Property::static_type()) {
            this.doc.set(doc);
            return Ok(());
        }
        // The class's own `__doc__` would hide that of a subclass's instance, so it goes where instances keep theirs.
        match vm.set_attribute(&this.as_value(), &names::__doc__, &doc.unwrap_or_else(none)) {
            Err(error) if !this.doc_of_getter.get() && error.is_attribute_error() => Ok(()),
            result => result,
        }
    }

    #[slot(descriptor_get)]
    fn descriptor_get(
        this: &Object<Property>,
        vm: &Vm,
        object: Option<&Value>,
        _owner: Option<&Value>,
    ) -> PyResult {
        let Some(object) = object.filter(|object| !is_none(object)) else { return Ok(this.to_value()) };
        match this.getter.get() {
            Some(getter) => vm.call(&getter, std::slice::from_ref(object)),
            None => Err(this.missing(vm, object, "getter")),
        }
    }

    #[slot(descriptor_set)]
    fn descriptor_set(&self, vm: &Vm, object: &Value, value: Option<&Value>) -> PyResult<()> {
        match value {
            Some(value) => match self.setter.get() {
                Some(setter) => vm.call(&setter, &[object.clone(), value.clone()]).map(drop),
                None => Err(self.missing(vm, object, "setter")),
            },
            None => match self.deleter.get() {
                Some(deleter) => vm.call(&deleter, std::slice::from_ref(object)).map(drop),
                None => Err(self.missing(vm, object, "deleter")),
            },
        }
    }

    #[getter("fget", member)]
    fn fget(&self) -> Option<Value> {
        self.getter.get()
    }

    #[getter("fset", member)]
    fn fset(&self) -> Option<Value> {
        self.setter.get()
    }

    #[getter("fdel", member)]
    fn fdel(&self) -> Option<Value> {
        self.deleter.get()
    }

    #[getter("__doc__", member)]
    fn get_doc(&self) -> Option<Value> {
        self.doc.get()
    }

    #[setter("__doc__")]
    fn set_doc(&self, value: Option<&Value>) -> PyResult<()> {
        self.doc.set(value.cloned());
        Ok(())
    }

    #[getter("__name__")]
    fn get_name(&self, vm: &Vm) -> PyResult {
        self.name_of(vm)?
            .ok_or_else(|| vm.bare_attribute_error("'property' object has no attribute '__name__'"))
    }

    #[setter("__name__")]
    fn set_name_attribute(&self, value: Option<&Value>) -> PyResult<()> {
        self.name.set(value.cloned());
        Ok(())
    }

    #[getter("__isabstractmethod__")]
    fn is_abstract(&self, vm: &Vm) -> PyResult<bool> {
        for function in [self.getter.get(), self.setter.get(), self.deleter.get()] {
            if is_abstract(vm, function.as_ref())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Descriptor to obtain a copy of the property with a different getter.
    #[method("getter(self, object, /)")]
    fn with_getter(this: &Object<Property>, vm: &Vm, object: &Value) -> PyResult {
        Property::with(this, vm, [Some(object), None, None])
    }

    /// Descriptor to obtain a copy of the property with a different setter.
    #[method("setter(self, object, /)")]
    fn with_setter(this: &Object<Property>, vm: &Vm, object: &Value) -> PyResult {
        Property::with(this, vm, [None, Some(object), None])
    }

    /// Descriptor to obtain a copy of the property with a different deleter.
    #[method("deleter(self, object, /)")]
    fn with_deleter(this: &Object<Property>, vm: &Vm, object: &Value) -> PyResult {
        Property::with(this, vm, [None, None, Some(object)])
    }

    /// Method to set name of a property.
    #[method("__set_name__(self, owner, name, /)")]
    fn set_name(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let _ = names;
        match args {
            [_owner, name] => {
                self.name.set(Some(name.clone()));
                Ok(())
            }
            _ => Err(vm.type_error(format!(
                "__set_name__() takes 2 positional arguments but {} were given",
                args.len()
            ))),
        }
    }
}
