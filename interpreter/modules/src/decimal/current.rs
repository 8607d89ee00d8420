//! The context of the thread, and what changes it.

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use rspy_decimal::Signals;

use super::State;
use super::context::{Context, Settings, size};
use crate::contextvars::{self, ContextVar};
use crate::datetime::arguments::Parameters;
use crate::support::no_keywords;

/// The context that was asked for last, and the number of the `contextvars` context that has it. Looking variables
/// up costs more than much of the arithmetic.
static LAST: GilCell<Option<(u64, Ref<Context>)>> = GilCell::new(None);

/// The thread's context.
#[inline]
pub fn current(vm: &Vm) -> Ref<Context> {
    if let Some((number, context)) = &*LAST.borrow()
        && contextvars::Context::current_number(vm) == Some(*number)
    {
        return context.clone();
    }
    look_up(vm)
}

#[cold]
fn look_up(vm: &Vm) -> Ref<Context> {
    let state = State::get();
    let found = state.variable.find(vm).and_then(|value| value.downcast_into::<Context>().ok());
    let context = found.unwrap_or_else(|| {
        let made = fresh(&state.templates[0].1);
        ContextVar::assign(&state.variable, vm, made.clone().into_value());
        made
    });
    if let Some(number) = contextvars::Context::current_number(vm) {
        LAST.set(Some((number, context.clone())));
    }
    context
}

/// A copy of a template without its flags.
fn fresh(template: &Context) -> Ref<Context> {
    Context::with_settings(Settings { flags: Signals::NONE, ..template.settings() })
}

/// Makes a context the thread's; a copy where it is one of the templates.
fn set_current(vm: &Vm, context: &Object<Context>) {
    let state = State::get();
    let is_template = state.templates.iter().any(|(_, template)| template.is(&context.as_value()));
    let context = if is_template { fresh(context) } else { context.to_ref() };
    ContextVar::assign(&state.variable, vm, context.clone().into_value());
    let last = contextvars::Context::current_number(vm).map(|number| (number, context));
    LAST.set(last);
}

/// The context that an optional argument says: the thread's for `None`.
///
/// # Errors
/// `TypeError` where it is no context.
#[inline]
pub fn given_or_current(vm: &Vm, context: Option<&Value>) -> PyResult<Ref<Context>> {
    match context {
        None => Ok(current(vm)),
        Some(value) if is_none(value) => Ok(current(vm)),
        Some(value) => match value.downcast::<Context>() {
            Some(context) => Ok(context.to_ref()),
            None => Err(vm.type_error("optional argument must be a context")),
        },
    }
}

/// The functions of the module.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Get the context of the thread.
    #[function("getcontext()")]
    fn get_context(vm: &Vm) -> Ref<Context> {
        current(vm)
    }

    /// Set the context of the thread.
    #[function("setcontext(context, /)")]
    fn set_context(vm: &Vm, context: &Value) -> PyResult<()> {
        match context.downcast::<Context>() {
            Some(context) => {
                set_current(vm, context);
                Ok(())
            }
            None => Err(vm.type_error("argument must be a context")),
        }
    }

    /// Return a context manager that makes a copy of a context the thread's.
    ///
    /// The copy is that of `ctx`, or of the thread's context, with the attributes that are given as keyword
    /// arguments. On leaving the with-statement the context is again what it was.
    #[function("localcontext(ctx=None, **kwargs)")]
    fn local_context(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<ContextManager>> {
        static PARAMETERS: Parameters<9> = Parameters {
            function: "function",
            names: ["ctx", "prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"],
            required: 0,
            positional: 9,
        };
        let bound = PARAMETERS.bind(vm, args, names)?;
        bound.finish(vm)?;
        let outer = current(vm);
        let inner = given_or_current(vm, bound.get(0))?.duplicate();
        inner.set_all(vm, &[1, 2, 3, 4, 5, 6, 7, 8].map(|place| bound.get(place)))?;
        Ok(Object::new(ContextManager { inner, outer }))
    }

    /// Return a context for one of the IEEE interchange formats.
    ///
    /// The number of bits must be a multiple of 32 and at most IEEE_CONTEXT_MAX_BITS.
    #[function("IEEEContext(bits, /)")]
    fn ieee_context(vm: &Vm, bits: &Value) -> PyResult<Ref<Context>> {
        match Settings::interchange(size(vm, bits)?) {
            Some(settings) => Ok(Context::with_settings(settings)),
            None => Err(vm.value_error(format!(
                "argument must be a multiple of 32, with a maximum of {}",
                super::MOST_INTERCHANGE_BITS
            ))),
        }
    }
}

/// What `localcontext()` answers.
#[pyclass(name = "ContextManager", module = "decimal", tracked, no_new)]
pub struct ContextManager {
    inner: Ref<Context>,
    outer: Ref<Context>,
}

#[pymethods]
impl ContextManager {
    #[method("__enter__(self, /)")]
    fn enter(&self, vm: &Vm) -> Ref<Context> {
        set_current(vm, &self.inner);
        self.inner.clone()
    }

    #[method("__exit__")]
    fn exit(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let _ = args;
        no_keywords(vm, "ContextManager.__exit__", names)?;
        set_current(vm, &self.outer);
        Ok(())
    }
}
