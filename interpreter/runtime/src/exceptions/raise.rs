//! What raising does before it looks for a handler: classes are instantiated, causes checked, and the exception being
//! handled becomes the context; and how a handler's class is matched.

use crate::exceptions::{Exception, PyResult, as_exception_class, base_of, is_exception};
use crate::object::{Object, TypeObject};
use crate::types::none::is_none;
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::Vm;

/// Makes what is being handled the context of an exception that is about to be raised. The context's own chain is cut
/// where it would lead back to the exception.
pub fn set_implicit_context(vm: &Vm, exception: &Value) {
    if let Some(handled) = vm.handled_exception() {
        chain(exception, handled.into_value());
    }
}

/// Makes `context` the context of an exception, without making a cycle.
pub(crate) fn chain(exception: &Value, context: Value) {
    if context.is(exception) {
        return;
    }
    // A cycle that is there already is noticed with a second pointer at half the speed.
    let mut fast = context.clone();
    let mut slow = context.clone();
    let mut move_slow = false;
    while let Some(next) = base_of(&fast).context() {
        if next.is(exception) {
            base_of(&fast).set_context(None);
            break;
        }
        fast = next;
        if fast.is(&slow) {
            break;
        }
        if move_slow && let Some(next) = base_of(&slow).context() {
            slow = next;
        }
        move_slow = !move_slow;
    }
    base_of(exception).set_context(Some(context));
}

/// Calls a class that is to be raised; what it answers must be an exception.
fn instantiate(vm: &Vm, class: &Value) -> PyResult {
    let value = vm.call(class, &[])?;
    if is_exception(&value) {
        return Ok(value);
    }
    let (class, got) = (vm.repr(class)?, vm.repr(&value.type_of().to_value())?);
    Err(vm.type_error(format!(
        "calling {} should have returned an instance of BaseException, not {}",
        class.to_string_lossy(),
        got.to_string_lossy()
    )))
}

/// The exception that `raise raised from cause` raises.
///
/// # Errors
/// What goes wrong while the exception is made; it is to be raised instead.
pub fn prepare_raise(vm: &Vm, raised: &Value, cause: Option<&Value>) -> Result<Exception, Exception> {
    let exception = if as_exception_class(raised).is_some() {
        instantiate(vm, raised)?
    } else if is_exception(raised) {
        raised.clone()
    } else {
        return Err(vm.type_error("exceptions must derive from BaseException"));
    };
    if let Some(cause) = cause {
        let cause = if as_exception_class(cause).is_some() {
            Some(instantiate(vm, cause)?)
        } else if is_exception(cause) {
            Some(cause.clone())
        } else if is_none(cause) {
            None
        } else {
            return Err(vm.type_error("exception causes must derive from BaseException"));
        };
        base_of(&exception).set_cause(cause);
    }
    Ok(vm.raised(exception))
}

/// Whether an exception is an instance of the class or of one of the tuple's classes, without checking those. Where
/// tuples are nested too deep that is reported, and none matches.
pub fn given_exception_matches(exception: &Value, class: &Value) -> bool {
    if class.downcast::<Tuple>().is_none() {
        return matches_class(exception, class);
    }
    Vm::with_current(|vm| {
        matches_nested(vm, exception, class).unwrap_or_else(|error| {
            crate::exceptions::print::write_unraisable(vm, error, None, None);
            false
        })
    })
}

fn matches_nested(vm: &Vm, exception: &Value, class: &Value) -> PyResult<bool> {
    let Some(classes) = class.downcast::<Tuple>() else { return Ok(matches_class(exception, class)) };
    vm.check_stack("")?;
    for class in classes.items() {
        if matches_nested(vm, exception, class)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn matches_class(exception: &Value, class: &Value) -> bool {
    if is_exception(exception)
        && let Some(class) = as_exception_class(class)
    {
        return exception.type_of().is_subtype(class);
    }
    match exception.downcast::<Type>() {
        Some(exception) => as_exception_class(class).is_some_and(|class| exception.is_subtype(class)),
        None => exception.is(class),
    }
}

/// Checks what stands behind `except`.
pub(crate) fn check_caught(vm: &Vm, class: &Value) -> PyResult<()> {
    let valid = match class.downcast::<Tuple>() {
        Some(classes) => classes.items().iter().all(|class| as_exception_class(class).is_some()),
        None => as_exception_class(class).is_some(),
    };
    if valid {
        return Ok(());
    }
    Err(vm.type_error("catching classes that do not inherit from BaseException is not allowed"))
}

/// Whether an `except` clause with a class, or a tuple of them, catches an exception.
///
/// # Errors
/// `TypeError` where something else stands behind `except`.
pub fn matches(vm: &Vm, exception: &Value, class: &Value) -> PyResult<bool> {
    if let Some(class) = as_exception_class(class) {
        return Ok(exception.type_of().is_subtype(class));
    }
    check_caught(vm, class)?;
    Ok(given_exception_matches(exception, class))
}

/// The name that a traceback shows for an exception's class: qualified, with the module unless it goes without saying.
pub fn shown_class_name(vm: &Vm, class: &TypeObject) -> String {
    let name = class.qualified_name(vm).to_string_lossy().into_owned();
    let module = vm.get_attribute_optional(&class.to_value(), &crate::names::__module__);
    match module.ok().flatten().and_then(|module| module.downcast_into::<crate::types::string::Str>().ok()) {
        Some(module) if module.equals_str("builtins") || module.equals_str("__main__") => name,
        Some(module) => format!("{}.{name}", module.to_string_lossy()),
        None => format!("<unknown>.{name}"),
    }
}

/// The exception of a class that a value stands for: the value itself, or what the class makes of it.
fn made_of(vm: &Vm, class: &Value, typ: &TypeObject, value: Option<&Value>) -> PyResult {
    let made = match value {
        Some(value) if value.type_of().is_subtype(typ) => return Ok(value.clone()),
        None => return instantiate(vm, class),
        Some(value) => match value.downcast::<Tuple>() {
            Some(args) => vm.call(class, args.items())?,
            None => vm.call(class, std::slice::from_ref(value))?,
        },
    };
    if is_exception(&made) {
        return Ok(made);
    }
    Err(vm.type_error(format!(
        "calling {} should have returned an instance of BaseException, not {}",
        vm.repr(class)?.to_string_lossy(),
        made.type_of().full_name()
    )))
}

/// The exception that `throw(typ, value, traceback)` of a generator throws. Its context is set when the generator
/// goes on, with [`set_implicit_context`].
///
/// # Errors
/// `TypeError` where the arguments mean no exception.
pub fn from_throw_arguments(
    vm: &Vm,
    class: &Value,
    value: Option<&Value>,
    traceback: Option<&Value>,
) -> PyResult<Exception> {
    let traceback = traceback.filter(|traceback| !is_none(traceback));
    if traceback
        .is_some_and(|traceback| traceback.downcast::<crate::exceptions::traceback::Traceback>().is_none())
    {
        return Err(vm.type_error("throw() third argument must be a traceback object"));
    }
    let value = value.filter(|value| !is_none(value));
    if let Some(typ) = as_exception_class(class) {
        // What goes wrong while the exception is made is thrown in its place.
        return Ok(match made_of(vm, class, typ, value) {
            Ok(exception) => {
                base_of(&exception).set_traceback(traceback.cloned());
                Exception::from_value(exception)
            }
            Err(error) => error,
        });
    }
    if !is_exception(class) {
        return Err(vm.type_error(format!(
            "exceptions must be classes or instances deriving from BaseException, not {}",
            class.type_of().full_name()
        )));
    }
    if value.is_some() {
        return Err(vm.type_error("instance exception may not have a separate value"));
    }
    if let Some(traceback) = traceback {
        base_of(class).set_traceback(Some(traceback.clone()));
    }
    Ok(Exception::from_value(class.clone()))
}
