//! `typing.Union`, which is also `types.UnionType`: one of several types, such as `int | str`.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::Comparison;
use crate::types::bool::boolean;
use crate::types::generic_alias::{self, GenericAlias};
use crate::types::none::{NoneType, is_none, not_implemented};
use crate::types::set::FrozenSet;
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::types::typing::TypeAliasType;
use crate::value::Value;
use crate::vm::Vm;

/// Represent a union type
///
/// E.g. for int | str
#[pyclass(name = "Union", module = "typing", tracked, weak, no_new)]
pub struct Union {
    args: Ref<Tuple>,
    hashable: Ref<FrozenSet>,
    unhashable: Vec<Value>,
    /// The type parameters among the types, once they were asked for.
    parameters: GilCell<Option<Ref<Tuple>>>,
}

/// The types of a union, each once, while it is being put together.
#[derive(Default)]
struct Builder {
    args: Vec<Value>,
    hashable: Vec<Value>,
    seen: Option<Ref<crate::types::set::Set>>,
    unhashable: Vec<Value>,
}

impl Builder {
    fn add(&mut self, vm: &Vm, arg: &Value) -> PyResult<()> {
        if let Some(union) = arg.downcast::<Union>() {
            for inner in union.args.items() {
                self.add_single(vm, inner)?;
            }
            return Ok(());
        }
        if is_none(arg) {
            return self.add_single(vm, &NoneType::static_type().to_value());
        }
        self.add_single(vm, arg)
    }

    fn add_single(&mut self, vm: &Vm, arg: &Value) -> PyResult<()> {
        if vm.hash(arg).is_ok() {
            let seen = self.seen.get_or_insert_with(crate::types::set::Set::new);
            if seen.contains(vm, arg)? {
                return Ok(());
            }
            seen.add(vm, arg)?;
            self.hashable.push(arg.clone());
        } else {
            for known in &self.unhashable {
                if vm.same_or_equal(known, arg)? {
                    return Ok(());
                }
            }
            self.unhashable.push(arg.clone());
        }
        self.args.push(arg.clone());
        Ok(())
    }

    fn finish(self, vm: &Vm) -> PyResult {
        match &self.args[..] {
            [] => Err(vm.type_error("Cannot take a Union of no types.")),
            [one] => Ok(one.clone()),
            _ => Ok(Object::new(Union {
                hashable: FrozenSet::from_values(vm, self.hashable)?,
                args: Tuple::from_values(self.args),
                unhashable: self.unhashable,
                parameters: GilCell::new(None),
            })
            .into_value()),
        }
    }
}

/// The union of some types; of one type that type itself.
///
/// # Errors
/// `TypeError` where there are no types, and what comparing types raises.
pub fn make(vm: &Vm, types: &[Value]) -> PyResult {
    let mut builder = Builder::default();
    for typ in types {
        builder.add(vm, typ)?;
    }
    builder.finish(vm)
}

/// The union of what may be types, as `typing.Union[…]` takes them: strings become forward references.
///
/// # Errors
/// `TypeError` for what cannot be a type.
pub fn make_checked(vm: &Vm, types: &[Value]) -> PyResult {
    let mut checked = Vec::with_capacity(types.len());
    for typ in types {
        checked.push(if typ.downcast::<Union>().is_some() {
            typ.clone()
        } else {
            crate::types::typing::type_check(vm, typ, "Union[arg, ...]: each arg must be a type.")?
        });
    }
    make(vm, &checked)
}

fn is_unionable(value: &Value) -> bool {
    is_none(value)
        || value.downcast::<Type>().is_some()
        || value.downcast::<GenericAlias>().is_some()
        || value.downcast::<TypeAliasType>().is_some()
        || value.downcast::<Union>().is_some()
}

/// `left | right` for types; `NotImplemented` where one is none.
///
/// # Errors
/// What comparing types raises.
pub fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
    if !is_unionable(left) || !is_unionable(right) {
        return Ok(not_implemented());
    }
    make(vm, &[left.clone(), right.clone()])
}

/// The types of a union, or nothing where the value is none.
pub fn members(value: &Value) -> Option<&Ref<Tuple>> {
    value.downcast_exact::<Union>().map(|union| &union.payload().args)
}

impl Union {
    fn known_parameters(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        if let Some(known) = self.parameters.get() {
            return Ok(known);
        }
        let found = generic_alias::parameters_of(vm, self.args.items())?;
        self.parameters.set(Some(found.clone()));
        Ok(found)
    }
}

/// Whether both have the same unhashable types, in whatever order.
fn same_unhashable(vm: &Vm, left: &[Value], right: &[Value]) -> PyResult<bool> {
    let within = |items: &[Value], of: &[Value]| -> PyResult<bool> {
        for item in items {
            let mut found = false;
            for other in of {
                if vm.same_or_equal(item, other)? {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    };
    Ok(left.len() == right.len() && within(left, right)? && within(right, left)?)
}

#[pymethods]
impl Union {
    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let mut out = StrBuilder::new();
        for (index, arg) in self.args.items().iter().enumerate() {
            if index > 0 {
                out.push_str(" | ");
            }
            out.push_object(&*generic_alias::type_repr(vm, arg)?);
        }
        Ok(out.finish().into_value())
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        // A type that could not be hashed then may be hashable now, but the union cannot rely on it.
        for arg in &self.unhashable {
            vm.hash(arg)?;
        }
        if !self.unhashable.is_empty() {
            let plural = if self.unhashable.len() == 1 { "" } else { "s" };
            return Err(
                vm.type_error(format!("union contains {} unhashable element{plural}", self.unhashable.len()))
            );
        }
        vm.hash(self.hashable.value())
    }

    #[slot(getattribute)]
    fn getattribute(this: &Value, vm: &Vm, name: &Object<Str>) -> PyResult {
        if name.same_text(&names::__module__) {
            return vm.get_attribute(&this.type_of().to_value(), name);
        }
        crate::types::object::generic_get_attribute(vm, this, name)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let (Some(other), Comparison::Equal | Comparison::NotEqual) = (other.downcast::<Union>(), comparison)
        else {
            return Ok(not_implemented());
        };
        let equal = vm.equal(self.hashable.value(), other.hashable.value())?
            && same_unhashable(vm, &self.unhashable, &other.unhashable)?;
        Ok(boolean(equal == (comparison == Comparison::Equal)))
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        make_checked(vm, &[left.clone(), right.clone()])
    }

    #[slot(get_item)]
    fn get_item(this: &Object<Union>, vm: &Vm, item: &Value) -> PyResult {
        let parameters = this.known_parameters(vm)?;
        let args = generic_alias::substitute(vm, &this.as_value(), this.args.items(), &parameters, item)?;
        make_checked(vm, &args)
    }

    #[getter("__args__", member)]
    fn get_args(&self) -> Ref<Tuple> {
        self.args.clone()
    }

    /// Name of the type
    #[getter("__name__")]
    fn name(&self) -> &'static str {
        "Union"
    }

    /// Qualified name of the type
    #[getter("__qualname__")]
    fn qualname(&self) -> &'static str {
        "Union"
    }

    /// Always returns the type
    #[getter("__origin__")]
    fn origin(&self) -> Value {
        Union::static_type().to_value()
    }

    /// Type variables in the types.UnionType.
    #[getter("__parameters__")]
    fn get_parameters(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        self.known_parameters(vm)
    }

    #[method("__mro_entries__(self, object, /)")]
    fn mro_entries(this: &Value, vm: &Vm, _bases: &Value) -> PyResult {
        Err(vm.type_error(format!("Cannot subclass {}", vm.repr(this)?.to_string_lossy())))
    }

    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, _cls: &TypeObject, object: &Value) -> PyResult {
        match object.downcast::<Tuple>() {
            Some(types) => make_checked(vm, types.items()),
            None => make_checked(vm, std::slice::from_ref(object)),
        }
    }
}
