//! `module`: a namespace with a name.

use rspy_macros::{pyclass, pymethods};

use std::cell::Cell;

use crate::cell::GilCell;
use crate::exceptions::{Exception, PyResult};
use crate::import::shadowing;
use crate::names;
use crate::native::NativeModule;
use crate::object::{Object, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::dict::Dict;
use crate::types::native_function::NativeFunction;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// A namespace with a name: what an import makes.
#[pyclass(name = "module", hides_set, tracked, weak, subclassable, signature = "(name, doc=None)")]
pub struct Module {
    /// The names. It is the module's `__dict__` for good.
    dict: GilCell<Ref<Dict>>,
    #[untraced]
    native: Cell<Option<&'static NativeModule>>,
    /// Whether the native module has run.
    #[untraced]
    executed: Cell<bool>,
}

impl crate::gc::Trace for GilCell<Ref<Dict>> {
    fn trace(&self, visitor: &mut crate::gc::Visitor<'_>) {
        visitor.value(self.borrow().value());
    }
    fn clear_references(&self) {
        // A dict that others refer to is garbage itself or stays as it is: functions may need it.
        let dict = self.borrow().clone();
        if dict.header().reference_count() == 2 {
            dict.clear();
        }
    }
}

/// The functions of a native module, by name, as they belong to the object that stands for it.
pub(crate) fn native_functions(
    vm: &Vm,
    native: &'static NativeModule,
    module: &Value,
    name: &Object<Str>,
) -> impl Iterator<Item = (Ref<Str>, Value)> {
    native.functions.iter().copied().flatten().map(move |definition| {
        let function = NativeFunction::new(definition, Some(module.clone()), Some(name.to_value()));
        (vm.intern(definition.name), function.into_value())
    })
}

impl Module {
    fn empty() -> Module {
        Module { dict: GilCell::new(Dict::new()), native: Cell::new(None), executed: Cell::new(false) }
    }

    /// A module with the usual names set.
    pub fn new(vm: &Vm, name: &str) -> Ref<Module> {
        let module = Object::new(Module::empty());
        module.set_names(vm.intern(name).into_value(), none());
        module
    }

    /// A native module, with its functions and types; `execute` has not run yet.
    pub fn from_native(vm: &Vm, native: &'static NativeModule) -> Ref<Module> {
        Module::from_native_as(vm, native, &vm.intern(native.name))
    }

    /// A native module under another name.
    pub fn from_native_as(vm: &Vm, native: &'static NativeModule, name: &Object<Str>) -> Ref<Module> {
        let module = Object::new(Module::empty());
        module.set_names(name.to_value(), none());
        module.native.set(Some(native));
        let dict = module.dict();
        if !native.doc.is_empty() {
            dict.set_str(&names::__doc__, vm.new_str(native.doc));
        }
        for (name, function) in native_functions(vm, native, module.value(), name) {
            dict.set_str(&name, function);
        }
        for typ in native.types {
            let typ = typ();
            typ.ready(vm);
            dict.set_str(&vm.intern(typ.native().name), typ.to_value());
        }
        module
    }

    fn set_names(&self, name: Value, doc: Value) {
        let dict = self.dict();
        dict.set_str(&names::__name__, name);
        dict.set_str(&names::__doc__, doc);
        dict.set_str(&names::__package__, none());
        dict.set_str(&names::__loader__, none());
        dict.set_str(&names::__spec__, none());
    }

    /// The names.
    pub fn dict(&self) -> Ref<Dict> {
        self.dict.get()
    }

    /// The names, borrowed: a module keeps its dict for good.
    #[inline(always)]
    pub fn dict_ref(&self) -> &Object<Dict> {
        // SAFETY: the dict is replaced only by `__new__`'s caller before anybody else sees the module.
        unsafe { &*(*self.dict.as_ptr()).as_ptr() }
    }

    /// The native description of the module.
    pub fn native(&self) -> Option<&'static NativeModule> {
        self.native.get()
    }

    /// Whether the native module has run.
    pub(crate) fn is_executed(&self) -> bool {
        self.executed.get()
    }

    /// Notes that the native module runs.
    pub(crate) fn set_executed(&self) {
        self.executed.set(true);
    }

    /// Sets a name.
    pub fn set(&self, vm: &Vm, name: &str, value: impl Into<Value>) {
        self.dict().set_str(&vm.intern(name), value.into());
    }

    /// Sets a number.
    pub fn set_int(&self, vm: &Vm, name: &str, value: i64) {
        self.set(vm, name, crate::types::int::new(value));
    }

    /// Sets a text.
    pub fn set_str(&self, vm: &Vm, name: &str, value: &str) {
        self.set(vm, name, vm.new_str(value));
    }

    /// The module's name for messages.
    pub fn name(&self) -> Option<String> {
        let name = self.dict().get_str(&names::__name__)?;
        name.downcast::<Str>().map(|name| name.to_string_lossy().into_owned())
    }
}

/// Whether the module with these variables is being imported.
fn is_initializing(vm: &Vm, dict: &Object<Dict>) -> PyResult<bool> {
    let Some(spec) = dict.get_str(&names::__spec__).filter(|spec| !is_none(spec)) else { return Ok(false) };
    match vm.get_attribute_optional(&spec, &names::_initializing)? {
        Some(initializing) => vm.is_true(&initializing),
        None => Ok(false),
    }
}

/// The error for a name that a module does not have, with what may be the reason; or what prevents it from being made.
fn missing_attribute(vm: &Vm, this: &Object<Module>, name: &Object<Str>) -> PyResult<Exception> {
    let shown = name.to_string_lossy();
    let value = this.to_value();
    let own_name = this.dict().get_str(&names::__name__).filter(|name| name.downcast::<Str>().is_some());
    let (Some(own_name), Some(module)) = (own_name, this.name()) else {
        return Ok(vm.attribute_error(format!("module has no attribute '{shown}'"), &value, name));
    };
    let lacks = |subject: String, reason: String| {
        vm.attribute_error(format!("{subject} has no attribute '{shown}'{reason}"), &value, name)
    };
    let plain = format!("module '{module}'");
    let spec = this.dict().get_str(&names::__spec__).filter(|spec| !is_none(spec));
    let Some(spec) = spec else { return Ok(lacks(plain, String::new())) };
    let origin = shadowing::file_origin(vm, &spec);
    let found = shadowing::shadowing(vm, Some(&own_name), origin.as_ref())?;
    let initializing = shadowing::is_initializing(vm, &spec);
    if let Some(advice) = shadowing::advice(found, &module, origin.as_ref(), initializing) {
        return Ok(lacks(plain, format!(" ({advice})")));
    }
    if initializing {
        let origin = origin.as_ref().and_then(|origin| origin.downcast::<Str>());
        let whence =
            origin.map_or_else(String::new, |origin| format!(" from '{}'", origin.to_string_lossy()));
        let reason = " (most likely due to a circular import)".to_owned();
        return Ok(lacks(format!("partially initialized module '{module}'{whence}"), reason));
    }
    let uninitialized = vm.get_attribute_optional(&spec, &names::_uninitialized_submodules).ok().flatten();
    if uninitialized.is_some_and(|list| vm.contains(&list, &name.as_value()).unwrap_or(false)) {
        let message = format!(
            "cannot access submodule '{shown}' of module '{module}' (most likely due to a circular import)"
        );
        return Ok(vm.attribute_error(message, &value, name));
    }
    Ok(lacks(plain, String::new()))
}

#[pymethods]
impl Module {
    #[slot(new)]
    fn new_module(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Module::empty()).into_value())
    }

    #[init("module(name, doc=None)")]
    fn init(this: &Object<Module>, name: &Object<Str>, doc: &Value) -> PyResult<()> {
        this.set_names(name.to_value(), doc.clone());
        Ok(())
    }

    #[slot(repr)]
    fn repr(this: &Object<Module>, vm: &Vm) -> PyResult {
        if let Some(importlib) = vm.interpreter.importlib.get() {
            return vm.call_method_str(&importlib, "_module_repr", &[this.to_value()]);
        }
        Ok(vm.new_str(&format!("<module '{}'>", this.name().unwrap_or_else(|| "?".to_owned()))))
    }

    #[slot(getattribute)]
    fn getattribute(this: &Object<Module>, vm: &Vm, name: &Object<Str>) -> PyResult {
        let value = this.as_value();
        let typ = this.type_of();
        let found = typ.lookup(vm, name);
        if let Some(found) = &found
            && let Some(get) = found.type_of().slots().descriptor_get.get()
            && found.type_of().slots().descriptor_set.get().is_some()
        {
            return get(vm, found, Some(&value), Some(&typ.to_value()));
        }
        if let Some(own) = this.dict_ref().get_str(name) {
            return Ok(own);
        }
        if let Some(found) = found {
            return match found.type_of().slots().descriptor_get.get() {
                Some(get) => get(vm, &found, Some(&value), Some(&typ.to_value())),
                None => Ok(found),
            };
        }
        if let Some(hook) = this.dict().get_str(&names::__getattr__) {
            return vm.call(&hook, &[name.to_value()]);
        }
        Err(missing_attribute(vm, this, name).unwrap_or_else(|other| other))
    }

    #[slot(setattribute)]
    fn setattribute(
        this: &Object<Module>,
        vm: &Vm,
        name: &Object<Str>,
        value: Option<&Value>,
    ) -> PyResult<()> {
        if let Some(found) = this.type_of().lookup(vm, name)
            && let Some(set) = found.type_of().slots().descriptor_set.get()
        {
            return set(vm, &found, &this.as_value(), value);
        }
        match value {
            Some(value) => this.dict().set_str(name, value.clone()),
            None => {
                if this.dict().remove_str(name).is_none() {
                    return Err(missing_attribute(vm, this, name).unwrap_or_else(|other| other));
                }
            }
        }
        Ok(())
    }

    /// __dir__() -> list
    ///
    /// specialized dir() implementation
    #[method("__dir__(self, /)")]
    fn dir(this: &Object<Module>, vm: &Vm) -> PyResult {
        let found = vm.get_attribute(&this.as_value(), &names::__dict__)?;
        let Some(dict) = found.downcast::<Dict>() else {
            let name = this.name().unwrap_or_default();
            return Err(vm.type_error(format!("{name}.__dict__ is not a dictionary")));
        };
        if let Some(hook) = dict.get_str(&names::__dir__) {
            return vm.call(&hook, &[]);
        }
        Ok(crate::types::list::List::from_vec(dict.keys()).into_value())
    }

    #[getter("__dict__", member)]
    fn get_dict(&self) -> Ref<Dict> {
        self.dict()
    }

    #[getter("__annotate__")]
    fn get_annotate(&self) -> Value {
        let dict = self.dict();
        dict.get_str(&names::__annotate__).unwrap_or_else(|| {
            dict.set_str(&names::__annotate__, none());
            none()
        })
    }

    #[setter("__annotate__")]
    fn set_annotate(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.type_error("cannot delete __annotate__ attribute")) };
        if !is_none(value) && !vm.is_callable(value) {
            return Err(vm.type_error("__annotate__ must be callable or None"));
        }
        let dict = self.dict();
        dict.set_str(&names::__annotate__, value.clone());
        if !is_none(value) {
            drop(dict.remove_str(&names::__annotations__));
        }
        Ok(())
    }

    #[getter("__annotations__")]
    fn get_annotations(&self, vm: &Vm) -> PyResult {
        let dict = self.dict();
        if let Some(known) = dict.get_str(&names::__annotations__) {
            return Ok(known);
        }
        let annotate = dict.get_str(&names::__annotate__).filter(|annotate| vm.is_callable(annotate));
        let annotations = match annotate {
            Some(annotate) => {
                let made = vm.call(&annotate, &[Value::int(1)])?;
                if made.downcast::<Dict>().is_none() {
                    return Err(vm.type_error(format!(
                        "__annotate__ returned non-dict of type '{}'",
                        made.type_of().full_name()
                    )));
                }
                made
            }
            None => Dict::new().into_value(),
        };
        // While the module runs, more may come.
        if !is_initializing(vm, &dict)? {
            dict.set_str(&names::__annotations__, annotations.clone());
        }
        Ok(annotations)
    }

    #[setter("__annotations__")]
    fn set_annotations(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let dict = self.dict();
        match value {
            Some(value) => dict.set_str(&names::__annotations__, value.clone()),
            None => {
                if dict.remove_str(&names::__annotations__).is_none() {
                    return Err(vm.attribute_error("__annotations__", &none(), &names::__annotations__));
                }
            }
        }
        drop(dict.remove_str(&names::__annotate__));
        Ok(())
    }
}
