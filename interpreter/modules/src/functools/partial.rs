//! `functools.partial`: a function with some of its arguments fixed, and the placeholder for those that are not.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::instance;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The type of the Placeholder singleton.
///
/// Used as a placeholder for partial arguments.
#[pyclass(name = "_PlaceholderType", module = "functools")]
pub struct PlaceholderType;

static PLACEHOLDER: GilCell<Option<Value>> = GilCell::new(None);

/// `functools.Placeholder`.
pub fn placeholder() -> Value {
    if let Some(made) = &*PLACEHOLDER.borrow() {
        return made.clone();
    }
    let made = Object::new(PlaceholderType);
    made.header().make_immortal();
    let made = made.into_value();
    PLACEHOLDER.set(Some(made.clone()));
    made
}

fn is_placeholder(value: &Value) -> bool {
    value.downcast_exact::<PlaceholderType>().is_some()
}

#[pymethods]
impl PlaceholderType {
    #[slot(new)]
    fn new(vm: &Vm, _cls: &TypeObject, args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        if args.is_empty() {
            Ok(placeholder())
        } else {
            Err(vm.type_error("PlaceholderType takes no arguments"))
        }
    }

    #[slot(repr)]
    fn repr(&self) -> &'static str {
        "Placeholder"
    }

    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> &'static str {
        "Placeholder"
    }
}

/// Create a new function with partial application of the given arguments
/// and keywords.
#[pyclass(
    name = "partial", shows_get, shows_set,
    module = "functools",
    tracked,
    weak,
    dict,
    subclassable,
    signature = "(func, /, *args, **keywords)"
)]
pub struct Partial {
    function: GilCell<Option<Value>>,
    args: GilCell<Option<Ref<Tuple>>>,
    keywords: GilCell<Option<Ref<Dict>>>,
    /// How many of the arguments are placeholders.
    open: Cell<usize>,
}

impl Partial {
    fn parts(&self) -> (Value, Ref<Tuple>, Ref<Dict>) {
        let function = self.function.get().unwrap_or_else(none);
        let args = self.args.get().unwrap_or_else(Tuple::empty);
        (function, args, self.keywords.get().unwrap_or_else(Dict::new))
    }
}

/// `fixed` with its placeholders filled from the front of `given`, and the rest of `given` behind.
fn fill(fixed: &[Value], given: &[Value]) -> Vec<Value> {
    let mut given = given.iter();
    let mut all = Vec::with_capacity(fixed.len() + given.len());
    for item in fixed {
        let filled = if is_placeholder(item) { given.next() } else { None };
        all.push(filled.unwrap_or(item).clone());
    }
    all.extend(given.cloned());
    all
}

fn count_open(args: &[Value]) -> usize {
    args.iter().filter(|arg| is_placeholder(arg)).count()
}

fn has_attributes(value: &Value) -> bool {
    value.header().and_then(instance::existing_dict).is_some()
}

#[pymethods]
impl Partial {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, all: &[Value], names: KeywordNames<'_>) -> PyResult {
        let count = names.map_or(0, |names| names.items().len());
        let (positional, values) = all.split_at(all.len() - count);
        let Some((function, args)) = positional.split_first() else {
            return Err(vm.type_error("type 'partial' takes at least one argument"));
        };
        if !vm.is_callable(function) {
            return Err(vm.type_error("the first argument must be callable"));
        }
        if args.last().is_some_and(is_placeholder) {
            return Err(vm.type_error("trailing Placeholders are not allowed"));
        }
        if values.iter().any(is_placeholder) {
            return Err(vm.type_error("Placeholder cannot be passed as a keyword argument"));
        }
        let inner = function.downcast::<Partial>().filter(|_| !has_attributes(function));
        let (function, args, keywords) = match inner {
            Some(inner) => {
                let (function, fixed, keywords) = inner.parts();
                (function, fill(fixed.items(), args), keywords.copy())
            }
            None => (function.clone(), args.to_vec(), Dict::new()),
        };
        for (name, value) in names.map_or(&[][..], |names| names.items()).iter().zip(values) {
            keywords.set(vm, name, value.clone())?;
        }
        let partial = Partial {
            open: Cell::new(count_open(&args)),
            function: GilCell::new(Some(function)),
            args: GilCell::new(Some(Tuple::from_values(args))),
            keywords: GilCell::new(Some(keywords)),
        };
        Ok(Object::with_type(cls, partial).into_value())
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (function, fixed, keywords) = self.parts();
        let count = names.map_or(0, |names| names.items().len());
        let (positional, values) = args.split_at(args.len() - count);
        let open = self.open.get();
        if positional.len() < open {
            return Err(vm.type_error(format!(
                "missing positional arguments in 'partial' call; expected at least {open}, got {}",
                positional.len()
            )));
        }
        let mut all = fill(fixed.items(), positional);
        if keywords.is_empty() {
            all.extend_from_slice(values);
            return vm.call_with_names(&function, &all, names);
        }
        let keywords = if count == 0 { keywords } else { keywords.copy() };
        for (name, value) in names.map_or(&[][..], |names| names.items()).iter().zip(values) {
            keywords.set(vm, name, value.clone())?;
        }
        vm.call_with_dict(&function, &all, &keywords)
    }

    #[slot(descriptor_get)]
    fn descriptor_get(this: &Value, object: Option<&Value>, _owner: Option<&Value>) -> Value {
        match object.filter(|object| !is_none(object)) {
            Some(object) => rspy_runtime::types::method::BoundMethod::new(this.clone(), object.clone()),
            None => this.clone(),
        }
    }

    #[slot(repr)]
    fn repr(this: &Object<Partial>, vm: &Vm) -> PyResult {
        let Some(_guard) = vm.enter_repr(&this.as_value()) else { return Ok(vm.new_str("...")) };
        let (function, args, keywords) = this.parts();
        let mut out = StrBuilder::new();
        let typ = this.type_of().to_value();
        let module = vm.get_attribute(&typ, &names::__module__)?;
        out.push_object(&*vm.str(&module)?);
        out.push_str(".");
        out.push_object(&*this.type_of().qualified_name(vm));
        out.push_str("(");
        out.push_object(&*vm.repr(&function)?);
        for arg in args.items() {
            out.push_str(", ");
            out.push_object(&*vm.repr(arg)?);
        }
        for (name, value) in keywords.pairs() {
            out.push_str(", ");
            out.push_object(&*vm.str(&name)?);
            out.push_str("=");
            out.push_object(&*vm.repr(&value)?);
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    /// function object to use in future partial calls
    #[getter("func", member)]
    fn get_function(&self) -> Option<Value> {
        self.function.get()
    }

    /// tuple of arguments to future partial calls
    #[getter("args", member)]
    fn get_args(&self) -> Option<Ref<Tuple>> {
        self.args.get()
    }

    /// dictionary of keyword arguments to future partial calls
    #[getter("keywords", member)]
    fn get_keywords(&self) -> Option<Ref<Dict>> {
        self.keywords.get()
    }

    #[getter("__dict__")]
    fn get_dict(this: &Value, vm: &Vm) -> Ref<Dict> {
        instance::dict(vm, this)
    }

    #[setter("__dict__")]
    fn set_dict(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        rspy_runtime::types::object::set_dict_attribute(vm, this, value)
    }

    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Partial>, vm: &Vm) -> Value {
        let (function, args, keywords) = this.parts();
        let value = this.to_value();
        // Attributes of derived classes may lie in the object.
        let inside = this.type_of().is_heap() && !instance::dict(vm, &value).is_empty();
        let dict =
            if inside || has_attributes(&value) { instance::dict(vm, &value).into_value() } else { none() };
        let made_of = Tuple::from_values([function.clone()]).into_value();
        let state =
            Tuple::from_values([function, args.into_value(), keywords.into_value(), dict]).into_value();
        Tuple::from_values([this.type_of().to_value(), made_of, state]).into_value()
    }

    #[method("__setstate__(self, object, /)")]
    fn setstate(this: &Object<Partial>, vm: &Vm, state: &Value) -> PyResult<()> {
        let invalid = || vm.type_error("invalid partial state");
        let Some([function, args, keywords, dict]) =
            state.downcast::<Tuple>().map(|state| state.payload().items())
        else {
            return Err(invalid());
        };
        let args = args.downcast::<Tuple>().filter(|_| vm.is_callable(function)).ok_or_else(invalid)?;
        let keywords = match keywords.downcast::<Dict>() {
            Some(own) if keywords.downcast_exact::<Dict>().is_some() => own.to_ref(),
            Some(derived) => derived.copy(),
            None if is_none(keywords) => Dict::new(),
            None => return Err(invalid()),
        };
        if args.items().last().is_some_and(is_placeholder) {
            return Err(vm.type_error("trailing Placeholders are not allowed"));
        }
        let exact = args.as_value().downcast_exact::<Tuple>().is_some();
        let args = if exact { args.to_ref() } else { Tuple::from_slice(args.items()) };
        if !is_none(dict) && dict.downcast::<Dict>().is_none() {
            return Err(invalid());
        }
        this.open.set(count_open(args.items()));
        this.function.set(Some(function.clone()));
        this.args.set(Some(args));
        this.keywords.set(Some(keywords));
        let this = this.to_value();
        match dict.downcast::<Dict>() {
            Some(dict) => instance::replace_dict(vm, &this, dict),
            None if has_attributes(&this) => instance::replace_dict(vm, &this, &Dict::new()),
            None => {}
        }
        Ok(())
    }

    /// partial is generic over the wrapped function's return type
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        rspy_runtime::types::generic_alias::new(vm, &cls.to_value(), object)
    }
}
