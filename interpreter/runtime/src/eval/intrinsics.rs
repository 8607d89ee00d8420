//! Intrinsic functions: what `CALL_INTRINSIC_1` and `CALL_INTRINSIC_2` call.

use rspy_code::operation::{BinaryIntrinsic, CommonConstant, UnaryIntrinsic};

use crate::eval::State;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::Payload;
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typing;
use crate::value::Value;
use crate::vm::Vm;

/// An intrinsic function with one argument.
///
/// # Errors
/// Those of the function.
pub(super) fn unary(state: &State<'_>, function: UnaryIntrinsic, value: &Value) -> PyResult {
    let vm = state.vm;
    match function {
        UnaryIntrinsic::Invalid => Err(vm.system_error("invalid intrinsic")),
        UnaryIntrinsic::Print => print(vm, value),
        UnaryIntrinsic::ImportStar => import_star(state, value),
        UnaryIntrinsic::StopIterationError if !crate::exceptions::is_exception(value) => {
            Err(vm.system_error("an exception is expected on the stack"))
        }
        UnaryIntrinsic::StopIterationError => Ok(stop_iteration_error(state, value)),
        UnaryIntrinsic::AsyncGeneratorWrap => Ok(crate::types::generator::asynchronous::wrap(value.clone())),
        UnaryIntrinsic::UnaryPositive => vm.positive(value),
        UnaryIntrinsic::ListToTuple => match value.downcast::<List>() {
            // The list was made for this, most often.
            Some(list) if value.reference_count() == 1 => {
                Ok(Tuple::from_values(list.items().take()).into_value())
            }
            Some(list) => Ok(Tuple::from_values(list.to_vec()).into_value()),
            None => Err(vm.system_error("no list to make a tuple of")),
        },
        UnaryIntrinsic::TypeVar => typing::make_typevar(vm, value),
        UnaryIntrinsic::ParamSpec => typing::make_paramspec(vm, value),
        UnaryIntrinsic::TypeVarTuple => typing::make_typevartuple(vm, value),
        UnaryIntrinsic::SubscriptGeneric => typing::subscript_generic(vm, value),
        UnaryIntrinsic::TypeAlias => typing::make_typealias(vm, value),
    }
}

/// An intrinsic function with two arguments.
///
/// # Errors
/// Those of the function.
pub(super) fn binary(vm: &Vm, function: BinaryIntrinsic, first: &Value, second: &Value) -> PyResult {
    match function {
        BinaryIntrinsic::Invalid => Err(vm.system_error("invalid intrinsic")),
        BinaryIntrinsic::PrepareReraiseStar => crate::exceptions::group::prep_reraise_star(vm, first, second),
        BinaryIntrinsic::TypeVarWithBound => typing::make_typevar_with_bound(vm, first, second),
        BinaryIntrinsic::TypeVarWithConstraints => typing::make_typevar_with_constraints(vm, first, second),
        BinaryIntrinsic::SetFunctionTypeParameters => {
            if let Some(function) = first.downcast::<Function>() {
                function.set_type_params_value(second.clone().downcast_into().ok());
            }
            Ok(first.clone())
        }
        BinaryIntrinsic::SetTypeParameterDefault => typing::set_typeparam_default(vm, first, second),
    }
}

/// The constants that code needs often, in the order of [`CommonConstant`]: the builtins as they are at the start.
pub(crate) fn common_constants(vm: &Vm) -> Box<[Value]> {
    let builtin = |name: &str| vm.builtins().get_str(&vm.intern(name)).unwrap_or_else(none);
    let constant = |constant: &CommonConstant| match constant {
        CommonConstant::AssertionError => {
            crate::exceptions::hierarchy::AssertionError::static_type().to_value()
        }
        CommonConstant::NotImplementedError => {
            crate::exceptions::hierarchy::NotImplementedError::static_type().to_value()
        }
        CommonConstant::Tuple => Tuple::static_type().to_value(),
        CommonConstant::All => builtin("all"),
        CommonConstant::Any => builtin("any"),
    };
    CommonConstant::ALL.iter().map(constant).collect()
}

/// Shows the value of an interactive statement by `sys.displayhook`.
fn print(vm: &Vm, value: &Value) -> PyResult {
    match vm.sys_attribute(&vm.intern("displayhook")) {
        Some(hook) => vm.call(&hook, std::slice::from_ref(value)),
        None => Err(vm.runtime_error("lost sys.displayhook")),
    }
}

/// `from module import *`.
fn import_star(state: &State<'_>, module: &Value) -> PyResult {
    let vm = state.vm;
    // SAFETY: the running frame is alive.
    let frame = unsafe { &*state.frame };
    let Some(locals) = frame.locals() else {
        return Err(vm.system_error("no locals found during 'import *'"));
    };
    let (listed, skip_private) = match vm.get_attribute_optional(module, &names::__all__)? {
        Some(all) => (all, false),
        None => match vm.get_attribute_optional(module, &names::__dict__)? {
            Some(dict) => (vm.call_method(&dict, &names::keys, &[])?, true),
            None => {
                return Err(vm.import_error(
                    "from-import-* object has no __dict__ and no __all__",
                    None,
                    None,
                ));
            }
        },
    };
    for name in vm.collect(&listed)? {
        let Some(text) = name.downcast::<Str>() else {
            let shown = module.downcast::<Module>().and_then(|module| module.name()).unwrap_or_default();
            let what = if skip_private { "Key in" } else { "Item in" };
            let place = if skip_private { "__dict__" } else { "__all__" };
            return Err(vm.type_error(format!(
                "{what} {shown}.{place} must be str, not {}",
                name.type_of().full_name()
            )));
        };
        if skip_private && text.length() > 0 && text.char_at(0) == '_' as u32 {
            continue;
        }
        let value = vm.get_attribute(module, text)?;
        match locals.downcast_exact::<Dict>() {
            Some(dict) => dict.set(vm, &name, value)?,
            None => vm.set_item(&locals, &name, &value)?,
        }
    }
    Ok(none())
}

/// What becomes of `StopIteration` that leaves a generator (PEP 479).
fn stop_iteration_error(state: &State<'_>, exception: &Value) -> Value {
    use rspy_code::code_object::flags;
    let vm = state.vm;
    // SAFETY: the running frame is alive.
    let kind = unsafe { (*state.frame).code().flags };
    let error = crate::exceptions::Exception::from_value(exception.clone());
    let message = if error.is_stop_iteration() {
        if kind & flags::ASYNC_GENERATOR != 0 {
            "async generator raised StopIteration"
        } else if kind & flags::COROUTINE != 0 {
            "coroutine raised StopIteration"
        } else {
            "generator raised StopIteration"
        }
    } else if kind & flags::ASYNC_GENERATOR != 0 && error.is_stop_async_iteration() {
        "async generator raised StopAsyncIteration"
    } else {
        return exception.clone();
    };
    let new = vm.runtime_error(message);
    new.set_cause(vm, &error);
    new.with_context(error).into_value()
}
