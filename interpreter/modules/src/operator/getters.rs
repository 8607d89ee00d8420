//! `itemgetter`, `attrgetter` and `methodcaller`: callables that fetch something from their argument.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Return a callable object that fetches the given item(s) from its operand.
/// After f = itemgetter(2), the call f(r) returns r[2].
/// After g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])
#[pyclass(name = "itemgetter", shows_get, module = "operator", tracked, signature = "(item, /, *items)")]
pub struct ItemGetter {
    items: Ref<Tuple>,
}

/// Return a callable object that fetches the given attribute(s) from its operand.
/// After f = attrgetter('name'), the call f(r) returns r.name.
/// After g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).
/// After h = attrgetter('name.first', 'name.last'), the call h(r) returns
/// (r.name.first, r.name.last).
#[pyclass(name = "attrgetter", shows_get, module = "operator", tracked, signature = "(attr, /, *attrs)")]
pub struct AttrGetter {
    attributes: Ref<Tuple>,
    /// The names of each attribute, one after the other.
    #[untraced]
    paths: Vec<Vec<Ref<Str>>>,
}

/// Return a callable object that calls the given method on its operand.
/// After f = methodcaller('name'), the call f(r) returns r.name().
/// After g = methodcaller('name', 'date', foo=1), the call g(r) returns
/// r.name('date', foo=1).
#[pyclass(name = "methodcaller", shows_get, module = "operator", tracked, signature = "(name, /, *args, **kwargs)")]
pub struct MethodCaller {
    name: Ref<Str>,
    /// Positional arguments and behind them those given by name.
    args: Vec<Value>,
    names: Option<Ref<Tuple>>,
}

/// The one argument of a call.
fn operand<'a>(vm: &Vm, function: &str, args: &'a [Value], names: KeywordNames<'_>) -> PyResult<&'a Value> {
    let keywords = names.map_or(0, |names| names.items().len());
    match &args[..args.len() - keywords] {
        [_] if keywords > 0 => Err(vm.type_error(format!("{function}() takes no keyword arguments"))),
        [operand] => Ok(operand),
        other => Err(vm.type_error(format!("{function} expected 1 argument, got {}", other.len()))),
    }
}

fn no_keywords(vm: &Vm, function: &str, names: KeywordNames<'_>) -> PyResult<()> {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(vm.type_error(format!("{function}() takes no keyword arguments")));
    }
    Ok(())
}

/// `operator.name(a, b)`.
fn show(vm: &Vm, this: &Value, items: &[Value]) -> PyResult {
    let name = this.type_of().full_name();
    let Some(_guard) = vm.enter_repr(this) else { return Ok(vm.new_str(&format!("{name}(...)"))) };
    let mut out = StrBuilder::new();
    out.push_str(&name);
    out.push_str("(");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_object(&*vm.repr(item)?);
    }
    out.push_str(")");
    Ok(out.finish().into_value())
}

#[pymethods]
impl ItemGetter {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        no_keywords(vm, "itemgetter", names)?;
        if args.is_empty() {
            return Err(vm.type_error("itemgetter expected 1 argument, got 0"));
        }
        Ok(Object::with_type(cls, ItemGetter { items: Tuple::from_slice(args) }).into_value())
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        no_keywords(vm, "itemgetter", names)?;
        let object = operand(vm, "itemgetter", args, names)?;
        if let [item] = self.items.items() {
            return vm.get_item(object, item);
        }
        let found: PyResult<Vec<Value>> =
            self.items.items().iter().map(|item| vm.get_item(object, item)).collect();
        Ok(Tuple::from_values(found?).into_value())
    }

    #[slot(repr)]
    fn repr(this: &Object<ItemGetter>, vm: &Vm) -> PyResult {
        show(vm, &this.as_value(), this.items.items())
    }

    #[getter("__text_signature__")]
    fn text_signature(&self) -> &'static str {
        "(obj, /)"
    }

    /// Return state information for pickling
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<ItemGetter>) -> Value {
        Tuple::from_values([this.type_of().to_value(), this.items.clone().into_value()]).into_value()
    }
}

#[pymethods]
impl AttrGetter {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        no_keywords(vm, "attrgetter", names)?;
        if args.is_empty() {
            return Err(vm.type_error("attrgetter expected 1 argument, got 0"));
        }
        let mut paths = Vec::with_capacity(args.len());
        for attribute in args {
            let Some(text) = attribute.downcast::<Str>() else {
                return Err(vm.type_error("attribute name must be a string"));
            };
            let characters: Vec<u32> = text.characters().to_vec();
            let parts = characters.split(|&c| c == u32::from('.'));
            let intern =
                |part: &[u32]| rspy_runtime::types::string::intern::intern(&Str::from_code_points(part));
            paths.push(parts.map(intern).collect());
        }
        Ok(Object::with_type(cls, AttrGetter { attributes: Tuple::from_slice(args), paths }).into_value())
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        no_keywords(vm, "attrgetter", names)?;
        let object = operand(vm, "attrgetter", args, names)?;
        let follow = |path: &Vec<Ref<Str>>| {
            path.iter().try_fold(object.clone(), |object, name| vm.get_attribute(&object, name))
        };
        if let [path] = &self.paths[..] {
            return follow(path);
        }
        let found: PyResult<Vec<Value>> = self.paths.iter().map(follow).collect();
        Ok(Tuple::from_values(found?).into_value())
    }

    #[slot(repr)]
    fn repr(this: &Object<AttrGetter>, vm: &Vm) -> PyResult {
        show(vm, &this.as_value(), this.attributes.items())
    }

    #[getter("__text_signature__")]
    fn text_signature(&self) -> &'static str {
        "(obj, /)"
    }

    /// Return state information for pickling
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<AttrGetter>) -> Value {
        Tuple::from_values([this.type_of().to_value(), this.attributes.clone().into_value()]).into_value()
    }
}

#[pymethods]
impl MethodCaller {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let keywords = names.map_or(0, |names| names.items().len());
        let (name, rest) = match args.split_first() {
            Some((name, rest)) if args.len() > keywords => (name, rest),
            _ => return Err(vm.type_error("methodcaller needs at least one argument, the method name")),
        };
        let Some(name) = name.downcast::<Str>() else {
            return Err(vm.type_error("method name must be a string"));
        };
        let caller = MethodCaller {
            name: rspy_runtime::types::string::intern::intern(name),
            args: rest.to_vec(),
            names: names.filter(|names| !names.items().is_empty()).map(Object::to_ref),
        };
        Ok(Object::with_type(cls, caller).into_value())
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let object = operand(vm, "methodcaller", args, names)?;
        let (method, unbound) = vm.get_method(object, &self.name)?;
        if !unbound {
            return vm.call_with_names(&method, &self.args, self.names.as_deref());
        }
        let mut all = Vec::with_capacity(self.args.len() + 1);
        all.push(object.clone());
        all.extend_from_slice(&self.args);
        vm.call_with_names(&method, &all, self.names.as_deref())
    }

    #[slot(repr)]
    fn repr(this: &Object<MethodCaller>, vm: &Vm) -> PyResult {
        let name = this.type_of().full_name();
        let Some(_guard) = vm.enter_repr(&this.as_value()) else {
            return Ok(vm.new_str(&format!("{name}(...)")));
        };
        let names = this.names.as_ref().map_or(&[][..], |names| names.items());
        let (positional, values) = this.args.split_at(this.args.len() - names.len());
        let mut out = StrBuilder::new();
        out.push_str(&name);
        out.push_str("(");
        out.push_object(&*vm.repr(this.name.value())?);
        for arg in positional {
            out.push_str(", ");
            out.push_object(&*vm.repr(arg)?);
        }
        for (name, value) in names.iter().zip(values) {
            out.push_str(", ");
            out.push_object(&*vm.str(name)?);
            out.push_str("=");
            out.push_object(&*vm.repr(value)?);
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[getter("__text_signature__")]
    fn text_signature(&self) -> &'static str {
        "(obj, /)"
    }

    /// Return state information for pickling
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<MethodCaller>, vm: &Vm) -> PyResult {
        let typ = this.type_of().to_value();
        let names = this.names.as_ref().map_or(0, |names| names.items().len());
        let (positional, values) = this.args.split_at(this.args.len() - names);
        if names == 0 {
            let mut args = vec![this.name.value().clone()];
            args.extend_from_slice(positional);
            return Ok(Tuple::from_values([typ, Tuple::from_values(args).into_value()]).into_value());
        }
        let functools = rspy_runtime::import::import_module(vm, "functools")?;
        let partial = vm.get_attribute_str(&functools, "partial")?;
        let mut args = vec![typ, this.name.value().clone()];
        args.extend_from_slice(values);
        let constructor = vm.call_with_names(&partial, &args, this.names.as_deref())?;
        Ok(Tuple::from_values([constructor, Tuple::from_slice(positional).into_value()]).into_value())
    }
}
