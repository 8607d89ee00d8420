//! Native functions as objects: functions and bound methods, the descriptors of native methods, and the wrappers of
//! slots.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::native::{Binding, NativeDef};
use crate::object::{Borrow, Object, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames, SlotFunction};
use crate::types::module::Module;
use crate::types::none::{none, not_implemented};
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::types::typ::special::SpecialMethod;
use crate::value::Value;
use crate::vm::Vm;

/// A function implemented natively, or such a method bound to an instance.
#[pyclass(name = "builtin_function_or_method", tracked, weak)]
pub struct NativeFunction {
    #[untraced]
    definition: &'static NativeDef,
    /// What a method is bound to, or the module of a function.
    instance: GilCell<Option<Value>>,
    module: GilCell<Option<Value>>,
    /// Whether `instance` is passed as first argument.
    bound: bool,
}

impl NativeFunction {
    /// A function of a module. One that is written as a method gets the module in front of its arguments.
    pub fn new(
        definition: &'static NativeDef,
        module: Option<Value>,
        module_name: Option<Value>,
    ) -> Ref<NativeFunction> {
        Object::new(NativeFunction {
            definition,
            instance: GilCell::new(module),
            module: GilCell::new(module_name),
            bound: definition.binding == Binding::Method,
        })
    }

    /// A method bound to an instance, or a class method to its class.
    pub fn bound(definition: &'static NativeDef, instance: Value) -> Ref<NativeFunction> {
        Object::new(NativeFunction {
            definition,
            instance: GilCell::new(Some(instance)),
            module: GilCell::new(None),
            bound: true,
        })
    }

    /// The function's description.
    #[inline(always)]
    pub fn definition(&self) -> &'static NativeDef {
        self.definition
    }

    /// Whether calls pass an instance in front of the arguments.
    #[inline(always)]
    pub(crate) fn passes_instance(&self) -> bool {
        self.passed_instance() != 0
    }

    /// The word of the instance that calls pass in front of the arguments, 0 where they pass none. It stays the function's.
    #[inline(always)]
    pub(crate) fn passed_instance(&self) -> u64 {
        if !self.bound || self.definition.binding == Binding::StaticMethod {
            return 0;
        }
        self.instance.borrow().as_ref().map_or(0, Value::bits)
    }

    /// Whether it is shown as a method of what it belongs to, which functions of modules are not.
    fn is_method(&self, instance: &Value) -> bool {
        match self.module.borrow().is_some() {
            true => instance.downcast::<Module>().is_none(),
            false => self.bound,
        }
    }

    /// Calls it with arguments, the last of which may have names.
    ///
    /// # Errors
    /// Those of the call.
    #[inline]
    pub(crate) fn call_with(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if !self.bound {
            return (self.definition.call)(vm, args, names);
        }
        let instance = self.passed_instance();
        if instance == 0 {
            return (self.definition.call)(vm, args, names);
        }
        // SAFETY: the function is alive during the call, and with it what it is bound to.
        let instance = unsafe { Borrow::from_bits(instance) };
        vm.with_first(&instance, args, |all| (self.definition.call)(vm, all, names))
    }

    /// What the method is bound to; nothing for a function.
    #[inline(always)]
    pub fn instance(&self) -> Option<Value> {
        if self.bound { self.instance.get() } else { None }
    }
}

fn text_signature(signature: &'static str) -> Option<&'static str> {
    (!signature.is_empty()).then_some(signature)
}

fn documentation(doc: &'static str) -> Option<&'static str> {
    (!doc.is_empty()).then_some(doc)
}

#[pymethods]
impl NativeFunction {
    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        self.call_with(vm, args, names)
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        match self.instance.get() {
            Some(instance) if self.is_method(&instance) => format!(
                "<built-in method {} of {} object at {:#x}>",
                self.definition.name,
                instance.type_of().full_name(),
                instance.id()
            ),
            _ => format!("<built-in function {}>", self.definition.name),
        }
    }

    #[slot(hash)]
    fn hash(&self) -> PyResult<i64> {
        let address = std::ptr::from_ref(self.definition) as i64;
        let instance = self.instance.get().map_or(0, |instance| instance.id() as i64);
        Ok((address ^ instance.rotate_left(20)) | 2)
    }

    #[slot(compare)]
    fn compare(&self, other: &Value, comparison: Comparison) -> Value {
        let (Some(other), Comparison::Equal | Comparison::NotEqual) =
            (other.downcast_exact::<NativeFunction>(), comparison)
        else {
            return not_implemented();
        };
        let same_instance = match (self.instance.get(), other.instance.get()) {
            (Some(left), Some(right)) => left.is(&right),
            (None, None) => true,
            _ => false,
        };
        let equal = std::ptr::eq(self.definition, other.definition) && same_instance;
        crate::types::bool::boolean(equal == (comparison == Comparison::Equal))
    }

    #[getter("__name__")]
    fn name(&self) -> &'static str {
        self.definition.name
    }

    #[getter("__qualname__")]
    fn qualname(&self, vm: &Vm) -> PyResult {
        let name = self.definition.name;
        match self.instance.get() {
            Some(instance) if self.is_method(&instance) => {
                let owner = match instance.downcast::<Type>() {
                    Some(typ) => typ.qualified_name(vm),
                    None => instance.type_of().qualified_name(vm),
                };
                Ok(vm.new_str(&format!("{}.{name}", owner.to_string_lossy())))
            }
            _ => Ok(vm.new_str(name)),
        }
    }

    #[getter("__module__", member)]
    fn module(&self) -> Option<Value> {
        self.module.get()
    }

    #[setter("__module__")]
    fn set_module(&self, value: Option<&Value>) -> PyResult<()> {
        self.module.set(value.cloned());
        Ok(())
    }

    #[getter("__self__")]
    fn get_self(&self) -> Option<Value> {
        if self.definition.binding == Binding::StaticMethod { None } else { self.instance.get() }
    }

    #[getter("__doc__")]
    fn doc(&self) -> Option<&'static str> {
        documentation(self.definition.doc)
    }

    #[getter("__text_signature__")]
    fn signature(&self) -> Option<&'static str> {
        text_signature(self.definition.signature)
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        match self.instance.get() {
            Some(instance) if self.is_method(&instance) => {
                let getattr = vm.builtins().get_str(&names::getattr).unwrap_or_else(none);
                let args = Tuple::from_values([instance, vm.new_str(self.definition.name)]);
                Ok(Tuple::from_values([getattr, args.into_value()]).into_value())
            }
            _ => Ok(vm.new_str(self.definition.name)),
        }
    }
}

/// A method of a native type, as it stands in the type's dict.
#[pyclass(name = "method_descriptor", method_descriptor)]
pub struct NativeMethod {
    definition: &'static NativeDef,
    owner: &'static TypeObject,
    mark: Cell<u32>,
}

impl NativeMethod {
    /// The mark of `list.append`.
    pub const LIST_APPEND: u32 = 1;
    /// The mark of `dict.get`.
    pub const DICT_GET: u32 = 2;

    /// A method of a native type.
    pub fn new(definition: &'static NativeDef, owner: &'static TypeObject) -> Ref<NativeMethod> {
        Object::new(NativeMethod { definition, owner, mark: Cell::new(0) })
    }

    /// The method's description.
    #[inline(always)]
    pub fn definition(&self) -> &'static NativeDef {
        self.definition
    }

    /// Whether the method can be called on the value.
    #[inline(always)]
    pub fn accepts(&self, value: &Value) -> bool {
        let typ = value.type_of();
        std::ptr::eq(typ, self.owner) || typ.is_native_subtype(self.owner)
    }

    /// What the evaluator knows the method as; 0 for nothing.
    #[inline(always)]
    pub fn current_mark(&self) -> u32 {
        self.mark.get()
    }

    /// Marks the method for the evaluator.
    pub fn set_mark(&self, mark: u32) {
        self.mark.set(mark);
    }

    fn check(&self, vm: &Vm, instance: &Value) -> PyResult<()> {
        if self.accepts(instance) {
            return Ok(());
        }
        Err(vm.type_error(format!(
            "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
            self.definition.name,
            self.owner.full_name(),
            instance.type_of().full_name()
        )))
    }
}

#[pymethods]
impl NativeMethod {
    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let keywords = names.map_or(0, |names| names.items().len());
        if args.len() == keywords {
            return Err(vm.type_error(format!(
                "unbound method {}.{}() needs an argument",
                self.owner.full_name(),
                self.definition.name
            )));
        }
        self.check(vm, &args[0])?;
        (self.definition.call)(vm, args, names)
    }

    #[slot(descriptor_get)]
    fn get(this: &Object<NativeMethod>, vm: &Vm, object: Option<&Value>, _owner: Option<&Value>) -> PyResult {
        match object {
            Some(object) => {
                this.check(vm, object)?;
                Ok(NativeFunction::bound(this.definition, object.clone()).into_value())
            }
            None => Ok(this.to_value()),
        }
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        format!("<method '{}' of '{}' objects>", self.definition.name, self.owner.full_name())
    }

    #[getter("__name__", member)]
    fn name(&self) -> &'static str {
        self.definition.name
    }

    #[getter("__qualname__")]
    fn qualname(&self) -> String {
        format!("{}.{}", self.owner.name(), self.definition.name)
    }

    #[getter("__objclass__", member)]
    fn objclass(&self) -> Value {
        self.owner.to_value()
    }

    #[getter("__doc__")]
    fn doc(&self) -> Option<&'static str> {
        documentation(self.definition.doc)
    }

    #[getter("__text_signature__")]
    fn signature(&self) -> Option<&'static str> {
        text_signature(self.definition.signature)
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> Value {
        reduce_by_attribute(vm, self.owner, self.definition.name)
    }
}

/// `(getattr, (owner, name))`.
fn reduce_by_attribute(vm: &Vm, owner: &TypeObject, name: &str) -> Value {
    let getattr = vm.builtins().get_str(&names::getattr).unwrap_or_else(none);
    let args = Tuple::from_values([owner.to_value(), vm.new_str(name)]);
    Tuple::from_values([getattr, args.into_value()]).into_value()
}

/// A class method of a native type, as it stands in the type's dict.
#[pyclass(name = "classmethod_descriptor")]
pub struct NativeClassMethod {
    definition: &'static NativeDef,
    owner: &'static TypeObject,
}

impl NativeClassMethod {
    /// A class method of a native type.
    pub fn new(definition: &'static NativeDef, owner: &'static TypeObject) -> Ref<NativeClassMethod> {
        Object::new(NativeClassMethod { definition, owner })
    }

    fn bind(&self, vm: &Vm, class: &Value) -> PyResult {
        let Some(typ) = class.downcast::<Type>() else {
            return Err(vm.type_error(format!(
                "descriptor '{}' for type '{}' needs a type, not a '{}' as arg 2",
                self.definition.name,
                self.owner.full_name(),
                class.type_of().full_name()
            )));
        };
        if !typ.is_subtype(self.owner) {
            return Err(vm.type_error(format!(
                "descriptor '{}' requires a subtype of '{}' but received '{}'",
                self.definition.name,
                self.owner.full_name(),
                typ.full_name()
            )));
        }
        Ok(NativeFunction::bound(self.definition, class.clone()).into_value())
    }
}

#[pymethods]
impl NativeClassMethod {
    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let Some((class, rest)) = args.split_first() else {
            return Err(vm.type_error(format!(
                "descriptor '{}' of '{}' object needs an argument",
                self.definition.name,
                self.owner.full_name()
            )));
        };
        let bound = self.bind(vm, class)?;
        vm.call_with_names(&bound, rest, names)
    }

    #[slot(descriptor_get)]
    fn get(&self, vm: &Vm, object: Option<&Value>, owner: Option<&Value>) -> PyResult {
        match (owner, object) {
            (Some(owner), _) => self.bind(vm, owner),
            (None, Some(object)) => self.bind(vm, &object.type_of().to_value()),
            (None, None) => Err(vm.type_error(format!(
                "descriptor '{}' for type '{}' needs either an object or a type",
                self.definition.name,
                self.owner.full_name()
            ))),
        }
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        format!("<method '{}' of '{}' objects>", self.definition.name, self.owner.full_name())
    }

    #[getter("__name__", member)]
    fn name(&self) -> &'static str {
        self.definition.name
    }

    #[getter("__qualname__")]
    fn qualname(&self) -> String {
        format!("{}.{}", self.owner.name(), self.definition.name)
    }

    #[getter("__objclass__", member)]
    fn objclass(&self) -> Value {
        self.owner.to_value()
    }

    #[getter("__doc__")]
    fn doc(&self) -> Option<&'static str> {
        documentation(self.definition.doc)
    }

    #[getter("__text_signature__")]
    fn signature(&self) -> Option<&'static str> {
        text_signature(self.definition.signature)
    }
}

/// A slot of a native type, as the special method that stands in the type's dict.
#[pyclass(name = "wrapper_descriptor", method_descriptor)]
pub struct SlotWrapper {
    method: &'static SpecialMethod,
    function: SlotFunction,
    owner: &'static TypeObject,
}

impl SlotWrapper {
    /// A special method of a native type.
    pub fn new(
        method: &'static SpecialMethod,
        function: SlotFunction,
        owner: &'static TypeObject,
    ) -> Ref<SlotWrapper> {
        Object::new(SlotWrapper { method, function, owner })
    }

    /// The name of the special method.
    pub fn method_name(&self) -> &'static str {
        self.method.name
    }

    /// The slot's function.
    pub fn function(&self) -> SlotFunction {
        self.function
    }

    /// The type whose slot it is.
    pub fn owner(&self) -> &'static TypeObject {
        self.owner
    }

    fn check(&self, vm: &Vm, instance: &Value) -> PyResult<()> {
        if instance.type_of().is_subtype(self.owner) {
            return Ok(());
        }
        Err(vm.type_error(format!(
            "descriptor '{}' requires a '{}' object but received a '{}'",
            self.method.name,
            self.owner.full_name(),
            instance.type_of().full_name()
        )))
    }
}

#[pymethods]
impl SlotWrapper {
    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let keywords = names.map_or(0, |names| names.items().len());
        if args.len() == keywords {
            return Err(vm.type_error(format!(
                "descriptor '{}' of '{}' object needs an argument",
                self.method.name,
                self.owner.full_name()
            )));
        }
        self.check(vm, &args[0])?;
        (self.method.wrapper)(vm, self.function, &args[0], &args[1..], names)
    }

    #[slot(descriptor_get)]
    fn get(this: &Object<SlotWrapper>, vm: &Vm, object: Option<&Value>, _owner: Option<&Value>) -> PyResult {
        match object {
            Some(object) => {
                if !object.type_of().is_subtype(this.owner) {
                    return Err(vm.type_error(format!(
                        "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
                        this.method.name,
                        this.owner.full_name(),
                        object.type_of().full_name()
                    )));
                }
                let instance = object.clone();
                Ok(Object::new(MethodWrapper { wrapper: this.to_ref(), instance }).into_value())
            }
            None => Ok(this.to_value()),
        }
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        format!("<slot wrapper '{}' of '{}' objects>", self.method.name, self.owner.full_name())
    }

    #[getter("__name__", member)]
    fn name(&self) -> &'static str {
        self.method.name
    }

    #[getter("__qualname__")]
    fn qualname(&self) -> String {
        format!("{}.{}", self.owner.name(), self.method.name)
    }

    #[getter("__objclass__", member)]
    fn objclass(&self) -> Value {
        self.owner.to_value()
    }

    #[getter("__doc__")]
    fn doc(&self) -> Option<&'static str> {
        documentation(self.method.doc)
    }

    #[getter("__text_signature__")]
    fn signature(&self) -> Option<&'static str> {
        text_signature(self.method.signature)
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> Value {
        reduce_by_attribute(vm, self.owner, self.method.name)
    }
}

/// A slot's special method bound to an instance.
#[pyclass(name = "method-wrapper", tracked)]
pub struct MethodWrapper {
    wrapper: Ref<SlotWrapper>,
    instance: Value,
}

#[pymethods]
impl MethodWrapper {
    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        (self.wrapper.method.wrapper)(vm, self.wrapper.function, &self.instance, args, names)
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        format!(
            "<method-wrapper '{}' of {} object at {:#x}>",
            self.wrapper.method.name,
            self.instance.type_of().full_name(),
            self.instance.id()
        )
    }

    #[slot(hash)]
    fn hash(&self) -> PyResult<i64> {
        Ok((std::ptr::from_ref(self.wrapper.payload()) as i64 ^ (self.instance.id() as i64).rotate_left(20))
            | 2)
    }

    #[slot(compare)]
    fn compare(&self, other: &Value, comparison: Comparison) -> Value {
        let (Some(other), Comparison::Equal | Comparison::NotEqual) =
            (other.downcast::<MethodWrapper>(), comparison)
        else {
            return not_implemented();
        };
        let equal = self.wrapper.value().is(other.wrapper.value()) && self.instance.is(&other.instance);
        crate::types::bool::boolean(equal == (comparison == Comparison::Equal))
    }

    #[getter("__self__", member)]
    fn get_self(&self) -> Value {
        self.instance.clone()
    }

    #[getter("__name__")]
    fn name(&self) -> &'static str {
        self.wrapper.method.name
    }

    #[getter("__qualname__")]
    fn qualname(&self) -> String {
        self.wrapper.payload().qualname()
    }

    #[getter("__objclass__")]
    fn objclass(&self) -> Value {
        self.wrapper.owner.to_value()
    }

    #[getter("__doc__")]
    fn doc(&self) -> Option<&'static str> {
        documentation(self.wrapper.method.doc)
    }

    #[getter("__text_signature__")]
    fn signature(&self) -> Option<&'static str> {
        text_signature(self.wrapper.method.signature)
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> Value {
        let getattr = vm.builtins().get_str(&names::getattr).unwrap_or_else(none);
        let args = Tuple::from_values([self.instance.clone(), vm.new_str(self.wrapper.method.name)]);
        Tuple::from_values([getattr, args.into_value()]).into_value()
    }
}

/// `__new__` of native types: one function for all of them, bound to the type whose slot it calls.
static NEW: NativeDef = NativeDef {
    name: "__new__",
    signature: "($type, *args, **kwargs)",
    doc: "Create and return a new object.  See help(type) for accurate signature.",
    binding: Binding::ClassMethod,
    call: call_native_new,
};

/// The function `__new__` of a native type.
pub fn native_new(owner: &'static TypeObject) -> Value {
    NativeFunction::bound(&NEW, owner.to_value()).into_value()
}

/// The function that makes objects of a class when `__new__` of a native type is asked to: there is none where the
/// class's nearest native ancestor has another `__new__` than the type, for the objects would be made too small.
pub fn new_for(owner: &TypeObject, class: &TypeObject) -> Option<crate::slots::New> {
    let mut nearest = class;
    while nearest.is_heap() {
        nearest = nearest.base()?;
    }
    // A type that does not show its own function answers to the name of its base's.
    let mut shown = nearest;
    while shown.has_flag(crate::types::typ::TypeFlags::HIDES_NEW) {
        shown = shown.base()?;
    }
    let address = |typ: &TypeObject| typ.slots().new.get().map(|new| new as usize);
    if address(owner) == address(shown) { nearest.slots().new.get() } else { None }
}

/// The type whose native `__new__` the value is.
pub fn owner_of_native_new(value: &Value) -> Option<Ref<Type>> {
    let function = value.downcast_exact::<NativeFunction>()?;
    if !std::ptr::eq(function.definition, &raw const NEW) {
        return None;
    }
    function.instance()?.downcast_into().ok()
}

fn call_native_new(vm: &Vm, all: &[Value], names: KeywordNames<'_>) -> PyResult {
    let (owner, args) = match all.split_first() {
        Some((owner, args)) => (owner.downcast::<Type>(), args),
        None => (None, all),
    };
    let Some(owner) = owner else { return Err(vm.system_error("__new__() called with non-type 'self'")) };
    let keywords = names.map_or(0, |names| names.items().len());
    if args.len() == keywords {
        return Err(vm.type_error(format!("{}.__new__(): not enough arguments", owner.full_name())));
    }
    let Some(class) = args[0].downcast::<Type>() else {
        return Err(vm.type_error(format!(
            "{}.__new__(X): X is not a type object ({})",
            owner.full_name(),
            args[0].type_of().full_name()
        )));
    };
    if !class.is_subtype(owner) {
        return Err(vm.type_error(format!(
            "{0}.__new__({1}): {1} is not a subtype of {0}",
            owner.full_name(),
            class.full_name()
        )));
    }
    let mut nearest: &TypeObject = class;
    while nearest.is_heap()
        && let Some(base) = nearest.base()
    {
        nearest = base;
    }
    match new_for(owner, class) {
        Some(new) => new(vm, class, &args[1..], names),
        None if nearest.has_flag(crate::types::typ::TypeFlags::NO_NEW) => {
            Err(vm.type_error(format!("cannot create '{}' instances", nearest.full_name())))
        }
        None => Err(vm.type_error(format!(
            "{}.__new__({}) is not safe, use {}.__new__()",
            owner.full_name(),
            class.full_name(),
            nearest.full_name()
        ))),
    }
}
