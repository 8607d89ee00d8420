//! `BaseExceptionGroup` and `ExceptionGroup` (PEP 654), and what `except*` does with them.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::arguments::KeywordArguments;
use crate::cell::GilCell;
use crate::exceptions::base::{self, BaseException, ExceptionPayload, reject_keywords};
use crate::exceptions::hierarchy::{self, PlainException};
use crate::exceptions::raise::{check_caught, given_exception_matches};
use crate::exceptions::{PyResult, as_exception_class, base_of, is_exception, traceback};
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::list::List;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::Vm;

/// A combination of multiple unrelated exceptions.
#[pyclass(name = "BaseExceptionGroup", extends = BaseException, tracked, subclassable)]
#[repr(C)]
pub struct BaseExceptionGroup {
    base: BaseException,
    message: GilCell<Option<Value>>,
    exceptions: GilCell<Option<Ref<Tuple>>>,
    /// How `repr` shows the exceptions where they were given as neither list nor tuple.
    shown: GilCell<Option<Value>>,
}

impl ExceptionPayload for BaseExceptionGroup {
    fn empty(base: BaseException) -> Self {
        BaseExceptionGroup {
            base,
            message: GilCell::default(),
            exceptions: GilCell::default(),
            shown: GilCell::default(),
        }
    }
}

static EXCEPTION_GROUP: GilCell<Option<&'static Ref<Type>>> = GilCell::new(None);

/// The type `ExceptionGroup`, which derives from `BaseExceptionGroup` and `Exception` both.
pub fn exception_group_type(vm: &Vm) -> &'static TypeObject {
    let made = *EXCEPTION_GROUP.borrow();
    if let Some(class) = made {
        return class;
    }
    let bases = Tuple::from_values([
        BaseExceptionGroup::static_type().to_value(),
        PlainException::static_type().to_value(),
    ]);
    let namespace = crate::types::dict::Dict::new();
    namespace.set_str(&names::__module__, vm.new_str("builtins"));
    let args = [vm.new_str("ExceptionGroup"), bases.into_value(), namespace.into_value()];
    let class = vm
        .call(&Type::static_type().to_value(), &args)
        .ok()
        .and_then(|class| class.downcast_into::<Type>().ok());
    let class = class.expect("the class is well formed");
    class.header().make_immortal();
    let class: &'static Ref<Type> = Box::leak(Box::new(class));
    EXCEPTION_GROUP.set(Some(class));
    class
}

/// Whether a value is an exception group.
pub fn is_group(value: &Value) -> bool {
    value.downcast::<BaseExceptionGroup>().is_some()
}

/// What splits a group in two.
enum Matcher<'a> {
    Class(&'a Value),
    Predicate(&'a Value),
    /// Leaf exceptions by identity, for what is raised again after `except*`.
    Leaves(&'a [u64]),
}

impl<'a> Matcher<'a> {
    fn new(vm: &Vm, value: &'a Value) -> PyResult<Matcher<'a>> {
        if vm.is_callable(value) && value.downcast::<Type>().is_none() {
            return Ok(Matcher::Predicate(value));
        }
        let classes = value.downcast_exact::<Tuple>();
        let valid = match classes {
            Some(classes) => classes.items().iter().all(|class| as_exception_class(class).is_some()),
            None => as_exception_class(value).is_some(),
        };
        if valid {
            return Ok(Matcher::Class(value));
        }
        Err(vm.type_error(
            "expected an exception type, a tuple of exception types, or a callable (other than a class)",
        ))
    }

    fn matches(&self, vm: &Vm, exception: &Value) -> PyResult<bool> {
        match self {
            Matcher::Class(class) => Ok(given_exception_matches(exception, class)),
            Matcher::Predicate(predicate) => {
                let answer = vm.call(predicate, std::slice::from_ref(exception))?;
                vm.is_true(&answer)
            }
            Matcher::Leaves(leaves) => Ok(!is_group(exception) && leaves.contains(&exception.bits())),
        }
    }
}

/// Whether a value has the sequence protocol.
fn is_sequence(value: &Value) -> bool {
    let slots = value.type_of().slots();
    let indexed = slots.item.get().is_some() || (value.type_of().is_heap() && slots.get_item.get().is_some());
    indexed && value.downcast::<crate::types::dict::Dict>().is_none()
}

impl BaseExceptionGroup {
    /// The exceptions in the group.
    pub fn exceptions(&self) -> Ref<Tuple> {
        self.exceptions.get().unwrap_or_else(Tuple::empty)
    }

    fn message(&self) -> Value {
        self.message.get().unwrap_or_else(none)
    }

    fn new(vm: &Vm, class: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (positional, _) = KeywordArguments::of_call(args, names);
        let [message, given] = positional else {
            return Err(vm.type_error(format!(
                "BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)",
                positional.len()
            )));
        };
        if message.downcast::<Str>().is_none() {
            let got = if is_none(message) { "None".to_owned() } else { message.type_of().full_name() };
            return Err(
                vm.type_error(format!("BaseExceptionGroup.__new__() argument 1 must be str, not {got}"))
            );
        }
        if !is_sequence(given) {
            return Err(vm.type_error("second argument (exceptions) must be a sequence"));
        }
        let exceptions = match given.downcast_exact::<Tuple>() {
            Some(tuple) => tuple.to_ref(),
            None => Tuple::from_values(vm.collect(given)?),
        };
        let class = Self::class_for(vm, class, &exceptions)?;
        let shown = if given.downcast::<List>().is_some() || given.downcast::<Tuple>().is_some() {
            None
        } else {
            Some(vm.repr(given)?.into_value())
        };
        let group = base::allocate(class, Tuple::from_slice(positional));
        let payload = crate::convert::payload_of::<BaseExceptionGroup>(&group);
        payload.message.set(Some(message.clone()));
        payload.exceptions.set(Some(exceptions));
        payload.shown.set(shown);
        Ok(group)
    }

    /// Checks the exceptions; a base group of ordinary exceptions becomes an `ExceptionGroup`.
    fn class_for<'a>(vm: &Vm, class: &'a TypeObject, exceptions: &Object<Tuple>) -> PyResult<&'a TypeObject> {
        if exceptions.items().is_empty() {
            return Err(vm.value_error("second argument (exceptions) must be a non-empty sequence"));
        }
        let mut ordinary = true;
        for (index, exception) in exceptions.items().iter().enumerate() {
            if !is_exception(exception) {
                return Err(vm.value_error(format!(
                    "Item {index} of second argument (exceptions) is not an exception"
                )));
            }
            ordinary &= hierarchy::is_plain(exception);
        }
        let group = exception_group_type(vm);
        if std::ptr::eq(class, BaseExceptionGroup::static_type()) {
            return Ok(if ordinary { group } else { class });
        }
        if !ordinary && class.is_subtype(PlainException::static_type()) {
            return Err(vm.type_error(if std::ptr::eq(class, group) {
                "Cannot nest BaseExceptions in an ExceptionGroup".to_owned()
            } else {
                format!("Cannot nest BaseExceptions in '{}'", class.full_name())
            }));
        }
        Ok(class)
    }

    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let (_, keywords) = KeywordArguments::of_call(args, names);
        reject_keywords(vm, this.type_of(), &keywords)?;
        base::init(vm, this, args, names)
    }

    fn str(vm: &Vm, this: &Value) -> PyResult {
        let group = crate::convert::payload_of::<BaseExceptionGroup>(this);
        let count = group.exceptions().items().len();
        let mut out = StrBuilder::new();
        out.push_object(&*vm.str(&group.message())?);
        out.push_str(&format!(" ({count} sub-exception{})", if count > 1 { "s" } else { "" }));
        Ok(out.finish().into_value())
    }

    fn repr(vm: &Vm, this: &Value) -> PyResult {
        let group = crate::convert::payload_of::<BaseExceptionGroup>(this);
        let shown = match group.shown.get() {
            Some(shown) => vm.str(&shown)?,
            None => {
                let exceptions = group.exceptions();
                match group.base.args().items() {
                    // As they were given, but without what was added to the list since.
                    [_, given] if given.downcast::<List>().is_some() => {
                        vm.repr(List::from_vec(exceptions.items().to_vec()).value())?
                    }
                    _ => vm.repr(exceptions.value())?,
                }
            }
        };
        let mut out = StrBuilder::new();
        out.push_str(&this.type_of().name());
        out.push('(' as u32);
        out.push_object(&*vm.repr(&group.message())?);
        out.push_str(", ");
        out.push_object(&shown);
        out.push(')' as u32);
        Ok(out.finish().into_value())
    }

    #[doc(hidden)]
    pub const ATTRIBUTES: &'static [crate::native::GetSetDef] = &[
        crate::native::GetSetDef {
            name: "message",
            doc: "exception message",
            get: |_: &Vm, this: &Value| Ok(crate::convert::payload_of::<BaseExceptionGroup>(this).message()),
            set: None,
            member: true,
        },
        crate::native::GetSetDef {
            name: "exceptions",
            doc: "nested exceptions",
            get: |_: &Vm, this: &Value| {
                let group = crate::convert::payload_of::<BaseExceptionGroup>(this);
                Ok(group.exceptions.get().map_or_else(none, Ref::into_value))
            },
            set: None,
            member: true,
        },
    ];
    #[doc(hidden)]
    #[allow(clippy::declare_interior_mutable_const)]
    pub const SLOTS: crate::slots::Slots = crate::slots::Slots {
        new: Cell::new(Some(BaseExceptionGroup::new)),
        init: Cell::new(Some(BaseExceptionGroup::init)),
        repr: Cell::new(Some(BaseExceptionGroup::repr)),
        str: Cell::new(Some(BaseExceptionGroup::str)),
        ..crate::slots::Slots::EMPTY
    };
    #[doc(hidden)]
    pub const METHODS: &'static [crate::native::NativeDef] = BaseExceptionGroup::GROUP_METHODS;
}

#[pymethods(GROUP_METHODS)]
impl BaseExceptionGroup {
    /// See PEP 585.
    #[classmethod("__class_getitem__(cls, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
    }

    /// A group like this one with other exceptions; subclasses override it.
    #[method("derive(self, excs, /)")]
    fn derive(&self, vm: &Vm, excs: &Value) -> PyResult {
        BaseExceptionGroup::static_type().construct(vm, &[self.message(), excs.clone()])
    }

    /// The part that matches and the rest, each with the structure of the group; `None` for an empty part.
    #[method("split(self, matcher_value, /)")]
    fn split(this: &Object<BaseExceptionGroup>, vm: &Vm, matcher_value: &Value) -> PyResult<(Value, Value)> {
        let matcher = Matcher::new(vm, matcher_value)?;
        let (matching, rest) = split(vm, &this.as_value(), &matcher, true)?;
        Ok((matching.unwrap_or_else(none), rest.unwrap_or_else(none)))
    }

    /// The part that matches, with the structure of the group; `None` if nothing does.
    #[method("subgroup(self, matcher_value, /)")]
    fn subgroup(
        this: &Object<BaseExceptionGroup>,
        vm: &Vm,
        matcher_value: &Value,
    ) -> PyResult<Option<Value>> {
        let matcher = Matcher::new(vm, matcher_value)?;
        Ok(split(vm, &this.as_value(), &matcher, false)?.0)
    }
}

/// The matching part of an exception, and the rest if that is wanted.
fn split(
    vm: &Vm,
    exception: &Value,
    matcher: &Matcher<'_>,
    wants_rest: bool,
) -> PyResult<(Option<Value>, Option<Value>)> {
    if matcher.matches(vm, exception)? {
        return Ok((Some(exception.clone()), None));
    }
    let Some(group) = exception.downcast::<BaseExceptionGroup>() else {
        return Ok((None, wants_rest.then(|| exception.clone())));
    };
    let (mut matching, mut rest) = (Vec::new(), Vec::new());
    for inner in group.exceptions().items() {
        vm.check_stack(" in exceptiongroup_split_recursive")?;
        let (inner_matching, inner_rest) = split(vm, inner, matcher, wants_rest)?;
        matching.extend(inner_matching);
        rest.extend(inner_rest);
    }
    let matching = subset(vm, exception, matching)?;
    let rest = if wants_rest { subset(vm, exception, rest)? } else { None };
    Ok((matching, rest))
}

/// A group of some of the exceptions of another, with its traceback, context, cause and notes.
fn subset(vm: &Vm, original: &Value, exceptions: Vec<Value>) -> PyResult<Option<Value>> {
    if exceptions.is_empty() {
        return Ok(None);
    }
    let derived = vm.call_method_str(original, "derive", &[List::from_vec(exceptions).into_value()])?;
    if !is_group(&derived) {
        return Err(vm.type_error("derive must return an instance of BaseExceptionGroup"));
    }
    let (from, to) = (base_of(original), base_of(&derived));
    if let Some(traceback) = from.traceback() {
        to.set_traceback(Some(traceback));
    }
    to.set_context(from.context());
    to.set_cause(from.cause());
    if let Some(notes) = vm.get_attribute_optional(original, &names::__notes__)?
        && is_sequence(&notes)
    {
        let copy = List::from_vec(vm.collect(&notes)?).into_value();
        vm.set_attribute(&derived, &names::__notes__, &copy)?;
    }
    Ok(Some(derived))
}

/// A group without a message.
fn wrap(vm: &Vm, exceptions: Value) -> PyResult {
    BaseExceptionGroup::static_type().construct(vm, &[vm.new_str(""), exceptions])
}

/// Splits the exception for a clause `except* class`: what the clause handles, and what is left or `None`.
///
/// # Errors
/// `TypeError` where the class cannot be caught so, and what `split` raises.
pub fn split_for_clause(vm: &Vm, exception: &Value, class: &Value) -> PyResult<(Option<Value>, Value)> {
    check_group_caught(vm, class)?;
    if is_none(exception) {
        return Ok((None, none()));
    }
    if given_exception_matches(exception, class) {
        if is_group(exception) {
            return Ok((Some(exception.clone()), none()));
        }
        let wrapped = wrap(vm, Tuple::from_values([exception.clone()]).into_value())?;
        base_of(&wrapped)
            .set_traceback(Some(traceback::of_current_frame(vm)).filter(|entry| !is_none(entry)));
        return Ok((Some(wrapped), none()));
    }
    if !is_group(exception) {
        return Ok((None, exception.clone()));
    }
    let pair = vm.call_method_str(exception, "split", std::slice::from_ref(class))?;
    let name = exception.type_of().full_name();
    let Some(parts) = pair.downcast::<Tuple>() else {
        return Err(
            vm.type_error(format!("{name}.split must return a tuple, not {}", pair.type_of().full_name()))
        );
    };
    match parts.items() {
        [matching, rest, ..] => {
            Ok((Some(matching.clone()).filter(|matching| !is_none(matching)), rest.clone()))
        }
        few => {
            Err(vm.type_error(format!("{name}.split must return a 2-tuple, got tuple of size {}", few.len())))
        }
    }
}

/// Checks what stands behind `except*`: exception classes, but no groups.
fn check_group_caught(vm: &Vm, class: &Value) -> PyResult<()> {
    check_caught(vm, class)?;
    let is_group_class = |class: &Value| {
        as_exception_class(class).is_some_and(|class| class.is_subtype(BaseExceptionGroup::static_type()))
    };
    let forbidden = match class.downcast::<Tuple>() {
        Some(classes) => classes.items().iter().any(is_group_class),
        None => is_group_class(class),
    };
    if forbidden {
        return Err(vm.type_error("catching ExceptionGroup with except* is not allowed. Use except instead."));
    }
    Ok(())
}

/// Adds the leaf exceptions of a group to a list.
fn collect_leaves(vm: &Vm, exception: &Value, leaves: &mut Vec<u64>) -> PyResult<()> {
    match exception.downcast::<BaseExceptionGroup>() {
        None => leaves.push(exception.bits()),
        Some(group) => {
            for inner in group.exceptions().items() {
                vm.check_stack(" in collect_exception_group_leaf_ids")?;
                collect_leaves(vm, inner, leaves)?;
            }
        }
    }
    Ok(())
}

/// Whether an exception is a part of another that was split off and not raised anew.
fn same_metadata(one: &Value, other: &Value) -> bool {
    let same = |a: Option<Value>, b: Option<Value>| match (&a, &b) {
        (Some(a), Some(b)) => a.is(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let (a, b) = (base_of(one), base_of(other));
    same(a.traceback(), b.traceback()) && same(a.cause(), b.cause()) && same(a.context(), b.context())
}

/// What is raised at the end of `try … except*`: the exceptions that the clauses raised, and what is left of the
/// original with its structure; `None` for nothing.
///
/// # Errors
/// What deriving groups raises.
pub fn prep_reraise_star(vm: &Vm, original: &Value, exceptions: &Value) -> PyResult {
    let list = exceptions.downcast::<List>().map(|list| list.to_vec()).unwrap_or_default();
    let Some(first) = list.first() else { return Ok(none()) };
    if !is_group(original) {
        return Ok(first.clone());
    }
    let (mut raised, mut leaves) = (Vec::new(), Vec::new());
    for exception in list.iter().filter(|exception| is_exception(exception)) {
        if same_metadata(exception, original) {
            collect_leaves(vm, exception, &mut leaves)?;
        } else {
            raised.push(exception.clone());
        }
    }
    let (reraised, _) = split(vm, original, &Matcher::Leaves(&leaves), false)?;
    if raised.is_empty() {
        return Ok(reraised.unwrap_or_else(none));
    }
    raised.extend(reraised);
    match &raised[..] {
        [only] => Ok(only.clone()),
        _ => wrap(vm, List::from_vec(raised).into_value()),
    }
}
