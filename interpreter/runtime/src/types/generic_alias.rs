//! `types.GenericAlias`: a class with type arguments, such as `list[int]`, and the substitution of type parameters that
//! it shares with unions.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bool::boolean;
use crate::types::list::List;
use crate::types::none::{NoneType, is_ellipsis, is_none, none, not_implemented};
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::Vm;

/// Represent a PEP 585 generic type
///
/// E.g. for t = list[int], t.__origin__ is list and t.__args__ is (int,).
#[pyclass(
    name = "GenericAlias",
    module = "types",
    tracked,
    weak,
    subclassable,
    signature = "(origin, args, /)"
)]
pub struct GenericAlias {
    origin: Value,
    args: Ref<Tuple>,
    /// The type parameters among the arguments, once they were asked for.
    parameters: GilCell<Option<Ref<Tuple>>>,
    /// Whether the alias stands for its unpacked arguments (`*tuple[int, str]`).
    #[untraced]
    starred: bool,
}

/// The alias `origin[args]`.
pub fn new(_: &Vm, origin: &Value, args: &Value) -> Value {
    Object::new(GenericAlias::with(origin, args, false)).into_value()
}

/// Attributes that are the alias's own and not the origin's.
const OWN: [&str; 9] = [
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
];

/// Attributes that the alias does not take from the origin, though it has none of its own.
const BLOCKED: [&str; 3] = ["__bases__", "__copy__", "__deepcopy__"];

impl GenericAlias {
    fn with(origin: &Value, args: &Value, starred: bool) -> GenericAlias {
        let args = match args.downcast::<Tuple>() {
            Some(args) => args.to_ref(),
            None => Tuple::from_values([args.clone()]),
        };
        GenericAlias { origin: origin.clone(), args, parameters: GilCell::new(None), starred }
    }

    /// What has the arguments.
    pub fn origin(&self) -> &Value {
        &self.origin
    }

    /// The arguments.
    pub fn args(&self) -> &Ref<Tuple> {
        &self.args
    }

    fn known_parameters(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        if let Some(known) = self.parameters.get() {
            return Ok(known);
        }
        let found = parameters_of(vm, self.args.items())?;
        self.parameters.set(Some(found.clone()));
        Ok(found)
    }
}

#[pymethods]
impl GenericAlias {
    #[slot(new)]
    fn new_alias(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("GenericAlias() takes no keyword arguments"));
        }
        let [origin, args] = args else {
            return Err(vm.type_error(format!("GenericAlias expected 2 arguments, got {}", args.len())));
        };
        Ok(Object::with_type(cls, GenericAlias::with(origin, args, false)).into_value())
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let mut out = StrBuilder::new();
        if self.starred {
            out.push_str("*");
        }
        out.push_object(&*type_repr(vm, &self.origin)?);
        out.push_str("[");
        for (index, item) in self.args.items().iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            match item.downcast::<List>() {
                // Lists stand for the parameters of callables.
                Some(list) => push_list(vm, &mut out, list)?,
                None => out.push_object(&*type_repr(vm, item)?),
            }
        }
        if self.args.items().is_empty() {
            out.push_str("()");
        }
        out.push_str("]");
        Ok(out.finish().into_value())
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        let hash = vm.hash(&self.origin)? ^ vm.hash(self.args.value())?;
        Ok(if hash == -1 { -2 } else { hash })
    }

    #[slot(call)]
    fn call(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let alias = crate::convert::payload_of::<GenericAlias>(this);
        let made = vm.call_with_names(&alias.origin, args, names)?;
        match vm.set_attribute(&made, &names::__orig_class__, this) {
            Err(error) if !error.is_attribute_error() && !error.is_type_error() => Err(error),
            _ => Ok(made),
        }
    }

    #[slot(getattribute)]
    fn getattribute(this: &Object<GenericAlias>, vm: &Vm, name: &Object<Str>) -> PyResult {
        let own = name.as_ascii().is_some_and(|text| OWN.contains(&text) || BLOCKED.contains(&text));
        if own {
            return crate::types::object::generic_get_attribute(vm, &this.as_value(), name);
        }
        vm.get_attribute(&this.origin, name)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let (Some(other), Comparison::Equal | Comparison::NotEqual) =
            (other.downcast::<GenericAlias>(), comparison)
        else {
            return Ok(not_implemented());
        };
        let equal = self.starred == other.starred
            && vm.compare_truth(&self.origin, &other.origin, Comparison::Equal)?
            && vm.compare_truth(self.args.value(), other.args.value(), Comparison::Equal)?;
        Ok(boolean(equal == (comparison == Comparison::Equal)))
    }

    #[slot(iter)]
    fn iter(this: &Object<GenericAlias>) -> Value {
        Object::new(GenericAliasIterator { alias: GilCell::new(Some(this.to_value())) }).into_value()
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        crate::types::union::or(vm, left, right)
    }

    #[slot(get_item)]
    fn get_item(this: &Object<GenericAlias>, vm: &Vm, item: &Value) -> PyResult {
        let parameters = this.known_parameters(vm)?;
        let args = substitute(vm, &this.as_value(), this.args.items(), &parameters, item)?;
        let args = Tuple::from_values(args);
        Ok(Object::new(GenericAlias::with(&this.origin, args.value(), this.starred)).into_value())
    }

    #[getter("__origin__", member)]
    fn get_origin(&self) -> Value {
        self.origin.clone()
    }

    #[getter("__args__", member)]
    fn get_args(&self) -> Ref<Tuple> {
        self.args.clone()
    }

    #[getter("__unpacked__", member)]
    fn unpacked(&self) -> bool {
        self.starred
    }

    /// Type variables in the GenericAlias.
    #[getter("__parameters__")]
    fn get_parameters(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        self.known_parameters(vm)
    }

    #[getter("__typing_unpacked_tuple_args__")]
    fn unpacked_tuple_args(&self) -> Option<Ref<Tuple>> {
        (self.starred && Tuple::static_type().is(&self.origin)).then(|| self.args.clone())
    }

    #[method("__mro_entries__(self, object, /)")]
    fn mro_entries(&self, _bases: &Value) -> Ref<Tuple> {
        Tuple::from_values([self.origin.clone()])
    }

    #[method("__instancecheck__(self, object, /)")]
    fn instancecheck(&self, vm: &Vm, _object: &Value) -> PyResult {
        Err(vm.type_error("isinstance() argument 2 cannot be a parameterized generic"))
    }

    #[method("__subclasscheck__(self, object, /)")]
    fn subclasscheck(&self, vm: &Vm, _object: &Value) -> PyResult {
        Err(vm.type_error("issubclass() argument 2 cannot be a parameterized generic"))
    }

    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<GenericAlias>, vm: &Vm) -> PyResult {
        if !this.starred {
            let args = Tuple::from_values([this.origin.clone(), this.args.clone().into_value()]);
            return Ok(Tuple::from_values([this.type_of().to_value(), args.into_value()]).into_value());
        }
        let plain = Object::new(GenericAlias::with(&this.origin, this.args.value(), false));
        let next = vm.builtins().get_str(&names::next).unwrap_or_else(none);
        let args = Tuple::from_values([GenericAlias::iter(&plain)]);
        Ok(Tuple::from_values([next, args.into_value()]).into_value())
    }

    #[method("__dir__(self, /)")]
    fn dir(&self, vm: &Vm) -> PyResult {
        let dir = vm.builtins().get_str(&vm.intern("dir")).unwrap_or_else(none);
        let listed = vm.call(&dir, std::slice::from_ref(&self.origin))?;
        for name in OWN {
            let name = vm.intern(name).into_value();
            if !vm.contains(&listed, &name)? {
                vm.call_method(&listed, &names::append, &[name])?;
            }
        }
        Ok(listed)
    }
}

/// Yields the alias once, unpacked.
#[pyclass(name = "generic_alias_iterator", tracked, no_new)]
pub struct GenericAliasIterator {
    alias: GilCell<Option<Value>>,
}

#[pymethods]
impl GenericAliasIterator {
    #[slot(iter)]
    fn iter(this: &Object<GenericAliasIterator>) -> Value {
        this.to_value()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let Some(alias) = self.alias.take() else { return Ok(None) };
        Ok(alias.downcast::<GenericAlias>().map(|alias| {
            Object::new(GenericAlias::with(&alias.origin, alias.args.value(), true)).into_value()
        }))
    }

    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> Value {
        let iter = vm.builtins().get_str(&names::iter).unwrap_or_else(none);
        let what = self.alias.get().unwrap_or_else(|| Tuple::empty().into_value());
        Tuple::from_values([iter, Tuple::from_values([what]).into_value()]).into_value()
    }
}

/// How a type is shown inside another: by name where it has one.
///
/// # Errors
/// What reading its attributes raises.
pub fn type_repr(vm: &Vm, value: &Value) -> PyResult<Ref<Str>> {
    if is_ellipsis(value) {
        return Ok(Str::new("..."));
    }
    if NoneType::static_type().is(value) {
        return Ok(Str::new("None"));
    }
    let is_alias = vm.get_attribute_optional(value, &names::__origin__)?.is_some()
        && vm.get_attribute_optional(value, &names::__args__)?.is_some();
    if is_alias {
        return vm.repr(value);
    }
    let Some(qualified_name) = vm.get_attribute_optional(value, &names::__qualname__)? else {
        return vm.repr(value);
    };
    let module = vm.get_attribute_optional(value, &names::__module__)?;
    let Some(module) = module.filter(|module| !is_none(module)) else { return vm.repr(value) };
    if module.downcast::<Str>().is_some_and(|module| module.equals_str("builtins")) {
        return vm.str(&qualified_name);
    }
    let mut out = StrBuilder::new();
    out.push_object(&*vm.str(&module)?);
    out.push_str(".");
    out.push_object(&*vm.str(&qualified_name)?);
    Ok(out.finish())
}

fn push_list(vm: &Vm, out: &mut StrBuilder, list: &Object<List>) -> PyResult<()> {
    out.push_str("[");
    let mut index = 0;
    while let Some(item) = list.get(index) {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_object(&*type_repr(vm, &item)?);
        index += 1;
    }
    out.push_str("]");
    Ok(())
}

fn push_new(found: &mut Vec<Value>, parameter: &Value) {
    if !found.iter().any(|known| known.is(parameter)) {
        found.push(parameter.clone());
    }
}

/// The items of a tuple or list.
fn items_of(value: &Value) -> Option<Vec<Value>> {
    match value.downcast::<Tuple>() {
        Some(tuple) => Some(tuple.items().to_vec()),
        None => value.downcast::<List>().map(|list| list.to_vec()),
    }
}

/// The type parameters among arguments, each once.
///
/// # Errors
/// What reading attributes of the arguments raises.
pub fn parameters_of(vm: &Vm, args: &[Value]) -> PyResult<Ref<Tuple>> {
    let mut found: Vec<Value> = Vec::new();
    for arg in args {
        // A bare class has the descriptor `__parameters__`, which is not meant.
        if arg.downcast::<Type>().is_some() {
            continue;
        }
        if let Some(items) = items_of(arg) {
            vm.check_stack("")?;
            parameters_of(vm, &items)?.items().iter().for_each(|parameter| push_new(&mut found, parameter));
        } else if vm.get_attribute_optional(arg, &names::__typing_subst__)?.is_some() {
            push_new(&mut found, arg);
        } else if let Some(inner) = vm.get_attribute_optional(arg, &names::__parameters__)?
            && let Some(inner) = inner.downcast::<Tuple>()
        {
            inner.items().iter().for_each(|parameter| push_new(&mut found, parameter));
        }
    }
    Ok(Tuple::from_values(found))
}

/// The items of a subscript, with unpacked tuples in it spread out.
fn spread(vm: &Vm, item: &Value) -> PyResult<Vec<Value>> {
    let items = item.downcast::<Tuple>().map_or_else(|| vec![item.clone()], |tuple| tuple.items().to_vec());
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        if item.downcast::<Type>().is_none()
            && let Some(inner) = vm.get_attribute_optional(&item, &names::__typing_unpacked_tuple_args__)?
            && let Some(inner) = inner.downcast::<Tuple>()
            && !inner.items().last().is_some_and(is_ellipsis)
        {
            out.extend_from_slice(inner.items());
            continue;
        }
        out.push(item);
    }
    Ok(out)
}

/// Replaces the type parameters in `args` by what the subscript `item` gives for them.
///
/// # Errors
/// `TypeError` where the subscript does not fit, and what the parameters' own hooks raise.
pub fn substitute(
    vm: &Vm,
    alias: &Value,
    args: &[Value],
    parameters: &Object<Tuple>,
    item: &Value,
) -> PyResult<Vec<Value>> {
    let parameters = parameters.items();
    if parameters.is_empty() {
        return Err(vm.type_error(format!("{} is not a generic class", vm.repr(alias)?.to_string_lossy())));
    }
    let mut item = Tuple::from_values(spread(vm, item)?).into_value();
    for parameter in parameters {
        if let Some(prepare) = vm.get_attribute_optional(parameter, &names::__typing_prepare_subst__)?
            && !is_none(&prepare)
        {
            let given = match item.downcast::<Tuple>() {
                Some(_) => item.clone(),
                None => Tuple::from_values([item.clone()]).into_value(),
            };
            item = vm.call(&prepare, &[alias.clone(), given])?;
        }
    }
    let given = item.downcast::<Tuple>().map_or_else(|| vec![item.clone()], |tuple| tuple.items().to_vec());
    if given.len() != parameters.len() {
        return Err(vm.type_error(format!(
            "Too {} arguments for {}; actual {}, expected {}",
            if given.len() > parameters.len() { "many" } else { "few" },
            vm.repr(alias)?.to_string_lossy(),
            given.len(),
            parameters.len()
        )));
    }
    let mut out = Vec::with_capacity(args.len());
    for arg in args {
        substitute_one(vm, alias, arg, parameters, &given, &item, &mut out)?;
    }
    Ok(out)
}

fn substitute_one(
    vm: &Vm,
    alias: &Value,
    arg: &Value,
    parameters: &[Value],
    given: &[Value],
    item: &Value,
    out: &mut Vec<Value>,
) -> PyResult<()> {
    if arg.downcast::<Type>().is_some() {
        out.push(arg.clone());
        return Ok(());
    }
    if let Some(items) = items_of(arg) {
        vm.check_stack("")?;
        let inner = substitute(vm, alias, &items, &Tuple::from_slice(parameters), item)?;
        out.push(match arg.downcast::<List>() {
            Some(_) => List::from_vec(inner).into_value(),
            None => Tuple::from_values(inner).into_value(),
        });
        return Ok(());
    }
    let unpacked = match vm.get_attribute_optional(arg, &names::__typing_is_unpacked_typevartuple__)? {
        Some(answer) => vm.is_true(&answer)?,
        None => false,
    };
    let new = match vm.get_attribute_optional(arg, &names::__typing_subst__)? {
        Some(subst) => {
            let place = parameters.iter().position(|parameter| parameter.is(arg));
            let value = place.map(|place| given[place].clone()).unwrap_or_else(none);
            vm.call(&subst, &[value])?
        }
        None => substitute_inside(vm, arg, parameters, given)?,
    };
    if !unpacked {
        out.push(new);
        return Ok(());
    }
    let Some(items) = new.downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "expected __typing_subst__ of {} objects to return a tuple, not {}",
            arg.type_of().full_name(),
            new.type_of().full_name()
        )));
    };
    out.extend_from_slice(items.items());
    Ok(())
}

/// Substitution in an argument that has type parameters of its own.
fn substitute_inside(vm: &Vm, arg: &Value, parameters: &[Value], given: &[Value]) -> PyResult {
    let inner = vm.get_attribute_optional(arg, &names::__parameters__)?;
    let Some(inner) =
        inner.as_ref().and_then(|inner| inner.downcast::<Tuple>()).filter(|inner| !inner.items().is_empty())
    else {
        return Ok(arg.clone());
    };
    let mut subscript = Vec::with_capacity(inner.items().len());
    for own in inner.items() {
        let Some(place) = parameters.iter().position(|parameter| parameter.is(own)) else {
            subscript.push(own.clone());
            continue;
        };
        // What can be iterated is a `TypeVarTuple`, whose value is a tuple.
        match given[place].downcast::<Tuple>() {
            Some(items) if own.type_of().slots().iter.get().is_some() => {
                subscript.extend_from_slice(items.items())
            }
            _ => subscript.push(given[place].clone()),
        }
    }
    vm.get_item(arg, &Tuple::from_values(subscript).into_value())
}
