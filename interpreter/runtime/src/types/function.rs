//! `function`: code together with its globals, defaults and closure.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::audit;
use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Code together with its globals, defaults and closure.
#[pyclass(name = "function", tracked, weak, dict, method_descriptor)]
pub struct Function {
    code: GilCell<Ref<Code>>,
    /// Every code object the function had before: frames borrow them.
    former_codes: GilCell<Vec<Ref<Code>>>,
    globals: Ref<Dict>,
    builtins: Ref<Dict>,
    name: GilCell<Ref<Str>>,
    qualified_name: GilCell<Ref<Str>>,
    defaults: GilCell<Option<Ref<Tuple>>>,
    keyword_defaults: GilCell<Option<Ref<Dict>>>,
    closure: GilCell<Option<Ref<Tuple>>>,
    doc: GilCell<Option<Value>>,
    /// Whether somebody gave the function a `__doc__`. Otherwise it is that of its first code, which is looked up when it is
    /// asked for: it lies in the code's body.
    has_own_doc: Cell<bool>,
    module: GilCell<Option<Value>>,
    annotations: GilCell<Option<Value>>,
    annotate: GilCell<Option<Value>>,
    type_params: GilCell<Option<Ref<Tuple>>>,
}

macro_rules! no_default_trace {
    ($($typ:ty),*) => {$(
        impl crate::gc::Trace for GilCell<$typ> {
            fn trace(&self, visitor: &mut crate::gc::Visitor<'_>) {
                visitor.value(self.borrow().value());
            }
        }
    )*};
}
no_default_trace!(Ref<Code>, Ref<Str>);

impl Function {
    /// A function of a code object.
    pub fn new(vm: &Vm, code: Ref<Code>, globals: Ref<Dict>) -> Ref<Function> {
        let builtins = builtins_of(vm, &globals);
        let module = globals.get_str(&names::__name__);
        Object::new(Function {
            name: GilCell::new(code.name.clone()),
            qualified_name: GilCell::new(code.qualified_name.clone()),
            code: GilCell::new(code),
            former_codes: GilCell::default(),
            globals,
            builtins,
            defaults: GilCell::default(),
            keyword_defaults: GilCell::default(),
            closure: GilCell::default(),
            doc: GilCell::default(),
            has_own_doc: Cell::new(false),
            module: GilCell::new(module),
            annotations: GilCell::default(),
            annotate: GilCell::default(),
            type_params: GilCell::default(),
        })
    }

    /// The code.
    #[inline(always)]
    pub fn code(&self) -> &Object<Code> {
        // SAFETY: the function keeps every code object it ever had, so the reference lives as long as the function.
        unsafe { &*(*self.code.as_ptr()).as_ptr() }
    }

    /// The global names.
    #[inline(always)]
    pub fn globals(&self) -> &Object<Dict> {
        &self.globals
    }

    /// The builtin names.
    #[inline(always)]
    pub fn builtins(&self) -> &Object<Dict> {
        &self.builtins
    }

    /// Defaults of the last positional parameters.
    #[inline]
    pub fn defaults(&self) -> Option<Ref<Tuple>> {
        self.defaults.get()
    }

    /// The words of the defaults of so many last parameters, for the evaluator; `None` where there are fewer.
    #[inline(always)]
    pub(crate) fn last_defaults(&self, count: usize) -> Option<*const u64> {
        // SAFETY: nobody changes the defaults while the evaluator looks.
        let items = unsafe { (*self.defaults.as_ptr()).as_ref() }?.items();
        let first = items.len().checked_sub(count)?;
        Some(items.as_ptr().wrapping_add(first).cast())
    }

    /// Defaults of keyword-only parameters.
    pub fn keyword_defaults(&self) -> Option<Ref<Dict>> {
        self.keyword_defaults.get()
    }

    /// The cells of the free variables.
    #[inline]
    pub fn closure(&self) -> Option<Ref<Tuple>> {
        self.closure.get()
    }

    /// The words of the cells for the free variables, where there are so many.
    #[inline(always)]
    pub(crate) fn closure_words(&self, count: usize) -> Option<*const u64> {
        // SAFETY: the function's own cell is read while nobody changes it.
        let closure = unsafe { (*self.closure.as_ptr()).as_ref() }?;
        let cells = closure.items();
        (cells.len() == count).then(|| cells.as_ptr().cast())
    }

    /// The qualified name.
    pub fn qualified_name(&self) -> Ref<Str> {
        self.qualified_name.get()
    }

    /// The name.
    pub fn name(&self) -> Ref<Str> {
        self.name.get()
    }

    /// Whether both names are those of the code.
    #[inline(always)]
    pub(crate) fn has_names_of_code(&self) -> bool {
        let code = self.code();
        self.name.borrow().is(code.name.value())
            && self.qualified_name.borrow().is(code.qualified_name.value())
    }

    /// Sets the defaults; for the evaluator.
    pub fn set_defaults(&self, defaults: Option<Ref<Tuple>>) {
        self.defaults.set(defaults);
    }

    /// Sets the keyword defaults; for the evaluator.
    pub fn set_keyword_defaults(&self, defaults: Option<Ref<Dict>>) {
        self.keyword_defaults.set(defaults);
    }

    /// Sets the closure; for the evaluator.
    pub fn set_closure(&self, closure: Option<Ref<Tuple>>) {
        self.closure.set(closure);
    }

    /// Sets the annotations; for the evaluator.
    pub fn set_annotations_value(&self, annotations: Option<Value>) {
        self.annotations.set(annotations);
    }

    /// Takes the function that the compiler made for the annotations, which is named after this one.
    pub fn adopt_annotate(&self, annotate: Value) {
        if let Some(function) = annotate.downcast_exact::<Function>() {
            let mut name = StrBuilder::new();
            name.push_object(&self.qualified_name.borrow());
            name.push_str(".__annotate__");
            function.qualified_name.set(name.finish());
        }
        self.annotate.set(Some(annotate));
    }

    /// Sets the type parameters; for the evaluator.
    pub fn set_type_params_value(&self, type_params: Option<Ref<Tuple>>) {
        self.type_params.set(type_params);
    }
}

/// The builtins that code with these globals sees.
pub fn builtins_of(vm: &Vm, globals: &Object<Dict>) -> Ref<Dict> {
    match globals.get_str(&names::__builtins__) {
        Some(found) => match found.downcast::<Dict>() {
            Some(dict) => dict.to_ref(),
            None => found.downcast::<Module>().map_or_else(|| vm.builtins(), |module| module.dict()),
        },
        None => vm.builtins(),
    }
}

#[pymethods]
impl Function {
    #[slot(call)]
    fn call(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::eval::call::call_function(vm, this, args, names)
    }

    #[slot(repr)]
    fn repr(this: &Object<Function>) -> String {
        format!(
            "<function {} at {:#x}>",
            this.qualified_name.borrow().to_string_lossy(),
            std::ptr::from_ref(this) as usize
        )
    }

    #[slot(descriptor_get)]
    fn descriptor_get(this: &Value, object: Option<&Value>, _owner: Option<&Value>) -> Value {
        match object {
            Some(object) if !is_none(object) => {
                crate::types::method::BoundMethod::new(this.clone(), object.clone())
            }
            _ => this.clone(),
        }
    }

    #[new("function(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)")]
    fn new_function(
        vm: &Vm,
        _cls: &TypeObject,
        code: &Object<Code>,
        globals: &Object<Dict>,
        name: Option<&Value>,
        argdefs: Option<&Value>,
        closure: Option<&Value>,
        kwdefaults: Option<&Value>,
    ) -> PyResult {
        audit::raise_event(vm, "function.__new__", || vec![code.to_value()])?;
        let name = match name {
            None => None,
            Some(name) => Some(
                name.downcast::<Str>().ok_or_else(|| vm.type_error("arg 3 (name) must be None or string"))?,
            ),
        };
        let defaults = match argdefs {
            None => None,
            Some(argdefs) => Some(
                argdefs
                    .downcast::<Tuple>()
                    .ok_or_else(|| vm.type_error("arg 4 (defaults) must be None or tuple"))?,
            ),
        };
        let needed = code.free_count();
        let closure = match closure {
            None if needed == 0 => None,
            None => return Err(vm.type_error("arg 5 (closure) must be tuple")),
            Some(closure) => {
                let Some(closure) = closure.downcast::<Tuple>() else {
                    return Err(vm.type_error(if needed > 0 {
                        "arg 5 (closure) must be tuple"
                    } else {
                        "arg 5 (closure) must be None or tuple"
                    }));
                };
                if closure.items().len() != needed {
                    return Err(vm.value_error(format!(
                        "{} requires closure of length {needed}, not {}",
                        code.name.to_string_lossy(),
                        closure.items().len()
                    )));
                }
                for cell in closure.items() {
                    if cell.downcast::<CellObject>().is_none() {
                        return Err(vm.type_error(format!(
                            "arg 5 (closure) expected cell, found {}",
                            cell.type_of().name()
                        )));
                    }
                }
                Some(closure.to_ref())
            }
        };
        let keyword_defaults = match kwdefaults {
            None => None,
            Some(value) => Some(
                value
                    .downcast::<Dict>()
                    .ok_or_else(|| vm.type_error("arg 6 (kwdefaults) must be None or dict"))?
                    .to_ref(),
            ),
        };
        let function = Function::new(vm, code.to_ref(), globals.to_ref());
        if let Some(name) = name {
            function.name.set(name.to_ref());
        }
        function.set_defaults(defaults.map(Object::to_ref));
        function.set_closure(closure);
        function.set_keyword_defaults(keyword_defaults);
        Ok(function.into_value())
    }

    #[getter("__code__")]
    fn get_code(this: &Object<Function>, vm: &Vm) -> PyResult<Ref<Code>> {
        audit::raise_read(vm, &this.as_value(), "__code__")?;
        Ok(this.code.get())
    }

    #[setter("__code__")]
    fn set_code(this: &Object<Function>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(code) = value.and_then(|value| value.downcast::<Code>()) else {
            return Err(vm.type_error("__code__ must be set to a code object"));
        };
        audit::raise_change(vm, &this.as_value(), "__code__", value)?;
        let cells = this.closure.get().map_or(0, |closure| closure.items().len());
        if cells != code.free_count() {
            return Err(vm.value_error(format!(
                "{}() requires a code object with {cells} free vars, not {}",
                this.name.borrow().to_string_lossy(),
                code.free_count()
            )));
        }
        let former = this.code.replace(code.to_ref());
        this.former_codes.borrow_mut().push(former);
        Ok(())
    }

    #[getter("__defaults__")]
    fn get_defaults(this: &Object<Function>, vm: &Vm) -> PyResult<Option<Ref<Tuple>>> {
        audit::raise_read(vm, &this.as_value(), "__defaults__")?;
        Ok(this.defaults.get())
    }

    #[setter("__defaults__")]
    fn set_defaults_attribute(this: &Object<Function>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let new = optional::<Tuple>(vm, value, "__defaults__ must be set to a tuple object")?;
        let shown = new.as_ref().map(|new| new.value());
        audit::raise_change(vm, &this.as_value(), "__defaults__", shown)?;
        this.set_defaults(new);
        Ok(())
    }

    #[getter("__kwdefaults__")]
    fn get_kwdefaults(this: &Object<Function>, vm: &Vm) -> PyResult<Option<Ref<Dict>>> {
        audit::raise_read(vm, &this.as_value(), "__kwdefaults__")?;
        Ok(this.keyword_defaults.get())
    }

    #[setter("__kwdefaults__")]
    fn set_kwdefaults(this: &Object<Function>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let new = optional::<Dict>(vm, value, "__kwdefaults__ must be set to a dict object")?;
        let shown = new.as_ref().map(|new| new.value());
        audit::raise_change(vm, &this.as_value(), "__kwdefaults__", shown)?;
        this.set_keyword_defaults(new);
        Ok(())
    }

    #[getter("__closure__", member)]
    fn get_closure(&self) -> Option<Ref<Tuple>> {
        self.closure.get()
    }

    #[getter("__globals__", member)]
    fn get_globals(&self) -> Ref<Dict> {
        self.globals.clone()
    }

    #[getter("__builtins__", member)]
    fn get_builtins(&self) -> Ref<Dict> {
        self.builtins.clone()
    }

    #[getter("__doc__", member)]
    fn get_doc(&self) -> Option<Value> {
        if self.has_own_doc.get() {
            return self.doc.get();
        }
        let first = self.former_codes.borrow().first().cloned();
        first.as_deref().unwrap_or(self.code()).doc()
    }

    #[setter("__doc__")]
    fn set_doc(&self, value: Option<&Value>) -> PyResult<()> {
        self.has_own_doc.set(true);
        self.doc.set(value.cloned());
        Ok(())
    }

    #[getter("__module__", member)]
    fn get_module(&self) -> Option<Value> {
        self.module.get()
    }

    #[setter("__module__")]
    fn set_module(&self, value: Option<&Value>) -> PyResult<()> {
        self.module.set(value.cloned());
        Ok(())
    }

    #[getter("__name__")]
    fn get_name(&self) -> Ref<Str> {
        self.name.get()
    }

    #[setter("__name__")]
    fn set_name(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        match value.and_then(|value| value.downcast::<Str>()) {
            Some(name) => self.name.set(name.to_ref()),
            None => return Err(vm.type_error("__name__ must be set to a string object")),
        }
        Ok(())
    }

    #[getter("__qualname__")]
    fn get_qualname(&self) -> Ref<Str> {
        self.qualified_name.get()
    }

    #[setter("__qualname__")]
    fn set_qualname(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        match value.and_then(|value| value.downcast::<Str>()) {
            Some(name) => self.qualified_name.set(name.to_ref()),
            None => return Err(vm.type_error("__qualname__ must be set to a string object")),
        }
        Ok(())
    }

    #[getter("__annotate__")]
    fn get_annotate(&self) -> Option<Value> {
        self.annotate.get()
    }

    #[setter("__annotate__")]
    fn set_annotate(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        match value {
            None => Err(vm.type_error("__annotate__ cannot be deleted")),
            Some(value) if is_none(value) => {
                self.annotate.set(Some(value.clone()));
                Ok(())
            }
            Some(value) if vm.is_callable(value) => {
                self.annotate.set(Some(value.clone()));
                self.annotations.set(None);
                Ok(())
            }
            Some(_) => Err(vm.type_error("__annotate__ must be callable or None")),
        }
    }

    #[getter("__annotations__")]
    fn get_annotations(&self, vm: &Vm) -> PyResult {
        let known = self.annotations.get();
        if let Some(known) = &known
            && let Some(pairs) = known.downcast::<Tuple>()
        {
            // The evaluator hands over names and values in turn.
            let dict = Dict::new();
            for pair in pairs.items().chunks_exact(2) {
                dict.set(vm, &pair[0], pair[1].clone())?;
            }
            self.annotations.set(Some(dict.clone().into_value()));
            return Ok(dict.into_value());
        }
        if let Some(known) = known {
            return Ok(known);
        }
        let made = match self.annotate.get() {
            Some(annotate) if vm.is_callable(&annotate) => {
                let made = vm.call(&annotate, &[Value::int(1)])?;
                if made.downcast::<Dict>().is_none() {
                    return Err(vm.type_error(format!(
                        "__annotate__ returned non-dict of type '{}'",
                        made.type_of().full_name()
                    )));
                }
                made
            }
            _ => Dict::new().into_value(),
        };
        self.annotations.set(Some(made.clone()));
        Ok(made)
    }

    #[setter("__annotations__")]
    fn set_annotations(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let new = optional::<Dict>(vm, value, "__annotations__ must be set to a dict object")?;
        self.annotations.set(new.map(Ref::into_value));
        self.annotate.set(None);
        Ok(())
    }

    #[getter("__type_params__")]
    fn get_type_params(&self) -> Ref<Tuple> {
        self.type_params.get().unwrap_or_else(Tuple::empty)
    }

    #[setter("__type_params__")]
    fn set_type_params(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        match value.and_then(|value| value.downcast::<Tuple>()) {
            Some(params) => self.type_params.set(Some(params.to_ref())),
            None => return Err(vm.type_error("__type_params__ must be set to a tuple")),
        }
        Ok(())
    }

    #[getter("__dict__")]
    fn get_dict(this: &Value, vm: &Vm) -> Ref<Dict> {
        crate::types::typ::instance::dict(vm, this)
    }

    #[setter("__dict__")]
    fn set_dict(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        crate::types::object::set_dict_attribute(vm, this, value)
    }
}

/// The value as an optional object of a type: absent, `None` or of the type.
fn optional<T: crate::object::Payload>(
    vm: &Vm,
    value: Option<&Value>,
    message: &str,
) -> PyResult<Option<Ref<T>>> {
    match value {
        None => Ok(None),
        Some(value) if is_none(value) => Ok(None),
        Some(value) => match value.downcast::<T>() {
            Some(object) => Ok(Some(object.to_ref())),
            None => Err(vm.type_error(message)),
        },
    }
}

/// `None` where there is nothing.
pub fn or_none(value: Option<Value>) -> Value {
    value.unwrap_or_else(none)
}
