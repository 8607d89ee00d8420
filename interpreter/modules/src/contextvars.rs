//! The module `_contextvars`: context variables (PEP 567).
//!
//! The values of a context are a map that contexts share until one of them changes its own.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::generic_alias;
use rspy_runtime::types::none::not_implemented;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    #[function("copy_context()")]
    fn copy_context(vm: &Vm) -> Ref<Context> {
        Context::copy_current(vm)
    }
}

/// A number never given out before.
fn fresh_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Variables, by their numbers, with their values.
#[derive(Clone, Default)]
struct Values(Rc<BTreeMap<u64, (Ref<ContextVar>, Value)>>);

impl Trace for Values {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        // What several contexts share is counted for none of them.
        if Rc::strong_count(&self.0) == 1 {
            for (variable, value) in self.0.values() {
                variable.trace(visitor);
                value.trace(visitor);
            }
        }
    }
}

/// A mapping of context variables to their values.
#[pyclass(name = "Context", static_type, module = "_contextvars", tracked, weak, mapping)]
pub struct Context {
    /// Tells contexts apart, also after they are gone.
    number: u64,
    values: GilCell<Values>,
    entered: Cell<bool>,
    previous: GilCell<Option<Value>>,
}

impl Context {
    fn with_values(values: Values) -> Ref<Context> {
        Object::new(Context {
            number: fresh_number(),
            values: GilCell::new(values),
            entered: Cell::new(false),
            previous: GilCell::default(),
        })
    }

    /// A copy of the thread's context.
    pub(crate) fn copy_current(vm: &Vm) -> Ref<Context> {
        Context::current(vm).duplicate()
    }

    /// The thread's context, made when it is first asked for.
    fn current(vm: &Vm) -> Ref<Context> {
        if let Some(context) = vm.context.get()
            && let Ok(context) = context.downcast_into::<Context>()
        {
            return context;
        }
        let context = Context::with_values(Values::default());
        context.entered.set(true);
        vm.context.set(Some(context.clone().into_value()));
        context
    }

    /// The number of the thread's context, if there is one yet.
    pub(crate) fn current_number(vm: &Vm) -> Option<u64> {
        Some(vm.context.borrow().as_ref()?.downcast::<Context>()?.number)
    }

    fn duplicate(&self) -> Ref<Context> {
        Context::with_values(self.values.get())
    }

    fn find(&self, variable: &ContextVar) -> Option<Value> {
        self.values.borrow().0.get(&variable.number).map(|(_, value)| value.clone())
    }

    /// Sets or removes a variable's value; answers what it was.
    fn change(&self, variable: &Object<ContextVar>, value: Option<Value>) -> Option<Value> {
        let old = {
            let mut values = self.values.borrow_mut();
            let map = Rc::make_mut(&mut values.0);
            match value {
                Some(value) => map.insert(variable.number, (variable.to_ref(), value)),
                None => map.remove(&variable.number),
            }
        };
        old.map(|(_, value)| value)
    }

    fn entries(&self) -> Vec<(Value, Value)> {
        let values = self.values.borrow();
        values.0.values().map(|(variable, value)| (variable.to_value(), value.clone())).collect()
    }

    /// Makes it the thread's context.
    pub(crate) fn enter(this: &Object<Context>, vm: &Vm) -> PyResult<()> {
        if this.entered.get() {
            let shown = vm.repr(&this.as_value())?;
            return Err(vm.runtime_error(format!(
                "cannot enter context: {} is already entered",
                shown.to_string_lossy()
            )));
        }
        let previous = Context::current(vm).into_value();
        this.previous.set(Some(previous));
        this.entered.set(true);
        vm.context.set(Some(this.to_value()));
        Ok(())
    }

    /// Makes what was the thread's context before the thread's context again.
    pub(crate) fn exit(&self, vm: &Vm) {
        let previous = self.previous.take();
        self.entered.set(false);
        vm.context.set(previous);
    }
}

fn variable_key<'a>(vm: &Vm, key: &'a Value) -> PyResult<&'a Object<ContextVar>> {
    match key.downcast::<ContextVar>() {
        Some(variable) => Ok(variable),
        None => {
            let shown = vm.repr(key)?;
            Err(vm.type_error(format!("a ContextVar key was expected, got {}", shown.to_string_lossy())))
        }
    }
}

#[pymethods]
impl Context {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], _: KeywordNames<'_>) -> PyResult {
        if !args.is_empty() {
            return Err(vm.type_error("Context() does not accept any arguments"));
        }
        let _ = cls;
        Ok(Context::with_values(Values::default()).into_value())
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.values.borrow().0.len())
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        self.find(variable_key(vm, key)?).ok_or_else(|| vm.key_error(key))
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        Ok(self.find(variable_key(vm, key)?).is_some())
    }

    #[slot(iter)]
    fn iter(&self) -> Value {
        self.keys().into_value()
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let wanted = match comparison {
            Comparison::Equal => true,
            Comparison::NotEqual => false,
            _ => return Ok(not_implemented()),
        };
        let Some(other) = other.downcast::<Context>() else { return Ok(not_implemented()) };
        let (mine, others) = (self.entries(), other.entries());
        let mut equal = mine.len() == others.len() && mine.iter().zip(&others).all(|(a, b)| a.0.is(&b.0));
        if equal {
            for (a, b) in mine.iter().zip(&others) {
                if !vm.same_or_equal(&a.1, &b.1)? {
                    equal = false;
                    break;
                }
            }
        }
        Ok(boolean(equal == wanted))
    }

    /// Return the value for `key` if `key` has the value in the context object.
    ///
    /// If `key` does not exist, return `default`.
    #[method("get(self, key, default=None, /)")]
    fn get(&self, vm: &Vm, key: &Value, default: &Value) -> PyResult {
        Ok(self.find(variable_key(vm, key)?).unwrap_or_else(|| default.clone()))
    }

    /// Return all variables and their values in the context object.
    #[method("items(self, /)")]
    fn items(&self) -> Ref<Items> {
        let pairs = self.entries().into_iter().map(|(key, value)| Tuple::from_values([key, value]).into_value());
        Object::new(Items { items: GilCell::new(pairs.collect()) })
    }

    /// Return a list of all variables in the context object.
    #[method("keys(self, /)")]
    fn keys(&self) -> Ref<Keys> {
        Object::new(Keys { items: GilCell::new(self.entries().into_iter().map(|(key, _)| key).collect()) })
    }

    /// Return a list of all variables' values in the context object.
    #[method("values(self, /)")]
    fn values(&self) -> Ref<ValuesIterator> {
        let values = self.entries().into_iter().map(|(_, value)| value).collect();
        Object::new(ValuesIterator { items: GilCell::new(values) })
    }

    /// Return a shallow copy of the context object.
    #[method("copy(self, /)")]
    fn copy(&self) -> Ref<Context> {
        self.duplicate()
    }

    #[method("run")]
    fn run(this: &Object<Context>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let keywords = names.map_or(0, |names| names.items().len());
        if args.len() == keywords {
            return Err(vm.type_error("run() missing 1 required positional argument"));
        }
        Context::enter(this, vm)?;
        let result = vm.call_with_names(&args[0], &args[1..], names);
        this.exit(vm);
        result
    }
}

macro_rules! iterators {
    ($($(#[$meta:meta])* $name:ident = $python:literal;)*) => {$(
        $(#[$meta])*
        #[pyclass(name = $python, tracked, no_new)]
        pub struct $name {
            /// What is still to come.
            items: GilCell<std::collections::VecDeque<Value>>,
        }

        #[pymethods]
        impl $name {
            #[slot(iter)]
            fn iter(this: &Value) -> Value {
                this.clone()
            }

            #[slot(next)]
            fn next(&self) -> PyResult<Option<Value>> {
                Ok(self.items.borrow_mut().pop_front())
            }

            #[slot(length)]
            fn length(&self) -> PyResult<usize> {
                Ok(self.items.borrow().len())
            }
        }
    )*};
}

iterators! {
    /// The variables of a context.
    Keys = "keys";
    /// The values of a context.
    ValuesIterator = "values";
    /// The variables of a context with their values.
    Items = "items";
}

/// A variable with a value in each context.
#[pyclass(name = "ContextVar", static_type, module = "_contextvars", tracked)]
pub struct ContextVar {
    name: Ref<Str>,
    default: Option<Value>,
    number: u64,
}

impl ContextVar {
    /// A variable for native code.
    pub(crate) fn named(name: Ref<Str>) -> Ref<ContextVar> {
        Object::new(ContextVar { name, default: None, number: fresh_number() })
    }

    /// Sets the value in the thread's context.
    pub(crate) fn assign(this: &Object<ContextVar>, vm: &Vm, value: Value) {
        drop(Context::current(vm).change(this, Some(value)));
    }

    /// The value in the thread's context.
    pub(crate) fn find(&self, vm: &Vm) -> Option<Value> {
        vm.context.borrow().as_ref()?.downcast::<Context>()?.find(self)
    }
}

#[pymethods]
impl ContextVar {
    #[slot(new)]
    fn new(vm: &Vm, _: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (positional, keywords) = rspy_runtime::arguments::KeywordArguments::of_call(args, names);
        let mut default = None;
        let mut name = positional.first();
        for (key, value) in keywords.iter() {
            let key = key.downcast::<Str>().map(|key| key.to_string_lossy().into_owned()).unwrap_or_default();
            match key.as_str() {
                "default" => default = Some(value.clone()),
                "name" if name.is_none() => name = Some(value),
                _ => {
                    return Err(vm.type_error(format!("ContextVar() got an unexpected keyword argument '{key}'")));
                }
            }
        }
        if positional.len() > 1 {
            return Err(vm.type_error(format!(
                "ContextVar() takes at most 1 positional argument ({} given)",
                positional.len()
            )));
        }
        let Some(name) = name else {
            return Err(vm.type_error("ContextVar() takes exactly 1 positional argument (0 given)"));
        };
        let Some(name) = name.downcast::<Str>() else {
            return Err(vm.type_error("context variable name must be a str"));
        };
        vm.hash(&name.as_value())?;
        Ok(Object::new(ContextVar {
            name: name.to_ref(),
            default,
            number: fresh_number(),
        })
        .into_value())
    }

    #[slot(repr)]
    fn repr(this: &Object<ContextVar>, vm: &Vm) -> PyResult<String> {
        let name = vm.repr(this.name.value())?;
        let default = match &this.default {
            Some(default) => format!(" default={}", vm.repr(default)?.to_string_lossy()),
            None => String::new(),
        };
        Ok(format!("<ContextVar name={}{default} at {:#x}>", name.to_string_lossy(), this.as_value().id()))
    }

    #[slot(hash)]
    fn hash(&self) -> PyResult<i64> {
        Ok(self.number as i64)
    }

    #[getter("name", member)]
    fn name(&self) -> Ref<Str> {
        self.name.clone()
    }

    /// Return a value for the context variable for the current context.
    ///
    /// If there is no value for the variable in the current context, the method will return the value of the default
    /// argument of the method, if provided; or the default value for the context variable, if it was created with
    /// one; or raise a LookupError.
    #[method("get(self, default=<unrepresentable>, /)")]
    fn get(this: &Object<ContextVar>, vm: &Vm, default: Option<&Value>) -> PyResult {
        this.find(vm)
            .or_else(|| default.cloned())
            .or_else(|| this.default.clone())
            .ok_or_else(|| lookup_error(vm, &this.as_value()))
    }

    /// Call to set a new value for the context variable in the current context.
    ///
    /// The required value argument is the new value for the context variable. Returns a Token object that can be
    /// used to restore the variable to its previous value via the ContextVar.reset() method.
    #[method("set(self, value, /)")]
    fn set(this: &Object<ContextVar>, vm: &Vm, value: &Value) -> Ref<Token> {
        let context = Context::current(vm);
        let old = context.change(this, Some(value.clone()));
        Object::new(Token { context, variable: this.to_ref(), old, used: Cell::new(false) })
    }

    /// Reset the context variable.
    ///
    /// The variable is reset to the value it had before the ContextVar.set() that created the token was used.
    #[method("reset(self, token, /)")]
    fn reset(this: &Object<ContextVar>, vm: &Vm, token: &Value) -> PyResult<()> {
        let shown = vm.repr(token)?;
        let shown = shown.to_string_lossy();
        let Some(token) = token.downcast::<Token>() else {
            return Err(vm.type_error(format!("expected an instance of Token, got {shown}")));
        };
        if token.used.get() {
            return Err(vm.runtime_error(format!("{shown} has already been used once")));
        }
        if !token.variable.is(&this.as_value()) {
            return Err(vm.value_error(format!("{shown} was created by a different ContextVar")));
        }
        let context = Context::current(vm);
        if !token.context.is(context.value()) {
            return Err(vm.value_error(format!("{shown} was created in a different Context")));
        }
        token.used.set(true);
        drop(context.change(this, token.old.clone()));
        Ok(())
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }
}

fn lookup_error(vm: &Vm, variable: &Value) -> Exception {
    use rspy_runtime::exceptions::hierarchy::LookupError;
    vm.exception_with_args(LookupError::static_type(), std::slice::from_ref(variable))
}

/// What a variable was before it was set.
#[pyclass(name = "Token", static_type, unhashable, module = "_contextvars", tracked)]
pub struct Token {
    context: Ref<Context>,
    variable: Ref<ContextVar>,
    old: Option<Value>,
    used: Cell<bool>,
}

#[pymethods]
impl Token {
    #[slot(new)]
    fn new(vm: &Vm, _: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Err(vm.runtime_error("Tokens can only be created by ContextVars"))
    }

    #[slot(repr)]
    fn repr(this: &Object<Token>, vm: &Vm) -> PyResult<String> {
        let used = if this.used.get() { " used" } else { "" };
        let variable = vm.repr(this.variable.value())?;
        Ok(format!("<Token{used} var={} at {:#x}>", variable.to_string_lossy(), this.as_value().id()))
    }

    #[getter("var")]
    fn var(&self) -> Ref<ContextVar> {
        self.variable.clone()
    }

    #[getter("old_value")]
    fn old_value(&self) -> Value {
        self.old.clone().unwrap_or_else(missing)
    }

    /// Enter into Token context manager.
    #[method("__enter__(self, /)")]
    fn enter(this: &Value) -> Value {
        this.clone()
    }

    /// Exit from Token context manager, restore the linked ContextVar.
    #[method("__exit__(self, type, val, tb, /)")]
    fn exit(this: &Object<Token>, vm: &Vm, _kind: &Value, _value: &Value, _traceback: &Value) -> PyResult<()> {
        ContextVar::reset(&this.variable, vm, &this.as_value())
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }
}

/// The type of `Token.MISSING`.
#[pyclass(name = "Token.MISSING", module = "builtins", no_new)]
pub struct Missing;

#[pymethods]
impl Missing {
    #[slot(repr)]
    fn repr(&self) -> &'static str {
        "<Token.MISSING>"
    }
}

/// `Token.MISSING`, the old value of a variable that had none.
fn missing() -> Value {
    static MISSING: GilCell<Option<Ref<Missing>>> = GilCell::new(None);
    if let Some(made) = &*MISSING.borrow() {
        return made.clone().into_value();
    }
    let made = Object::new(Missing);
    made.header().make_immortal();
    MISSING.set(Some(made.clone()));
    made.into_value()
}

native_module! {
    name: "_contextvars", doc: "Context Variables",
    functions: [Functions::FUNCTIONS], types: [Context, ContextVar, Token],
    execute: |vm, _| {
        Missing::static_type().ready(vm);
        Token::static_type().dict().set_str(&vm.intern("MISSING"), missing());
        Ok(())
    }
}
