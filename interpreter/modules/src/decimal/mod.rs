//! The module `_decimal`: decimal numbers over the arithmetic of `rspy-decimal`.
//!
//! `number` and `number_methods` have the type `Decimal`, `context` and `context_methods` the type `Context`,
//! `signal_dict` its flags and traps as a mapping, `current` the context of the thread. `signals` goes from signals to
//! exceptions, `convert` from Python's numbers to decimal ones and back, `format` is `__format__`.

mod context;
mod context_methods;
mod convert;
mod current;
mod format;
mod number;
mod number_methods;
mod signal_dict;
mod signals;

pub use context::Context;
pub use number::Decimal;

use std::sync::OnceLock;

use rspy_decimal::{MAX_EMAX, MAX_PRECISION, MIN_EMIN, MIN_ETINY, Rounding};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::import::import_module;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::contextvars::ContextVar;
use context::Settings;
use current::ContextManager;
use signal_dict::SignalDictMixin;
use signals::Exceptions;

/// What decides which version of the arithmetic this is.
const VERSION: &str = "1.70";
/// The version of libmpdec whose results these are.
const LIBMPDEC_VERSION: &str = "2.5.1";
/// The widest interchange format.
const MOST_INTERCHANGE_BITS: i64 = 512;

native_module! {
    name: "_decimal",
    doc: "Decimal numbers, natively.",
    functions: [current::Functions::FUNCTIONS],
    types: [Decimal, Context],
    execute: execute,
}

/// What the module has at run time: classes made of Python ones, and the templates of contexts.
pub(crate) struct State {
    exceptions: Exceptions,
    /// `numbers.Rational`.
    rational: Value,
    decimal_tuple: Value,
    signal_dict: Value,
    roundings: [(Rounding, Ref<Str>); 8],
    variable: Ref<ContextVar>,
    /// The contexts that are copied before they become a thread's, with their names.
    templates: [(&'static str, Ref<Context>); 3],
}

static STATE: OnceLock<State> = OnceLock::new();

impl State {
    /// The state, which is there since the module was made.
    pub(crate) fn get() -> &'static State {
        STATE.get().expect("decimal numbers come from the module")
    }

    fn make(vm: &Vm) -> PyResult<State> {
        let exceptions = Exceptions::make(vm)?;
        let numbers = import_module(vm, "numbers")?;
        let number = vm.get_attribute_str(&numbers, "Number")?;
        vm.call_method_str(&number, "register", &[Decimal::static_type().to_value()])?;

        let collections = import_module(vm, "collections")?;
        let fields = [vm.new_str("DecimalTuple"), vm.new_str("sign digits exponent")];
        let decimal_tuple = vm.call_method_str(&collections, "namedtuple", &fields)?;
        vm.set_attribute_str(&decimal_tuple, "__module__", &vm.new_str("decimal"))?;

        let classes = import_module(vm, "_collections_abc")?;
        let mapping = vm.get_attribute_str(&classes, "MutableMapping")?;
        let bases = Tuple::from_values([SignalDictMixin::static_type().to_value(), mapping]);
        let definition = [vm.new_str("SignalDict"), bases.into_value(), Dict::new().into_value()];
        let signal_dict = vm.call(&Type::static_type().to_value(), &definition)?;

        Ok(State {
            exceptions,
            rational: vm.get_attribute_str(&numbers, "Rational")?,
            decimal_tuple,
            signal_dict,
            roundings: context::ROUNDINGS.map(|(rounding, name)| (rounding, vm.intern(name))),
            variable: ContextVar::named(vm.intern("decimal_context")),
            templates: [
                ("DefaultContext", Context::with_settings(Settings::DEFAULT)),
                ("BasicContext", Context::with_settings(Settings::BASIC)),
                ("ExtendedContext", Context::with_settings(Settings::EXTENDED)),
            ],
        })
    }
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    SignalDictMixin::static_type().ready(vm);
    ContextManager::static_type().ready(vm);
    if STATE.get().is_none() {
        let state = State::make(vm)?;
        // Importing may have made the state already.
        let _ = STATE.set(state);
    }
    let state = State::get();
    state.exceptions.add_to(vm, module);
    module.set(vm, "DecimalTuple", state.decimal_tuple.clone());
    for (name, template) in &state.templates {
        module.set(vm, name, template.clone());
    }
    for (_, name) in &state.roundings {
        module.set(vm, &name.to_string_lossy(), name.clone());
    }
    for (name, number) in [
        ("MAX_PREC", MAX_PRECISION),
        ("MAX_EMAX", MAX_EMAX),
        ("MIN_EMIN", MIN_EMIN),
        ("MIN_ETINY", MIN_ETINY),
        ("IEEE_CONTEXT_MAX_BITS", MOST_INTERCHANGE_BITS),
    ] {
        module.set_int(vm, name, number);
    }
    for name in ["HAVE_CONTEXTVAR", "HAVE_THREADS"] {
        module.set(vm, name, rspy_runtime::types::bool::boolean(true));
    }
    module.set_str(vm, "__version__", VERSION);
    module.set_str(vm, "__libmpdec_version__", LIBMPDEC_VERSION);
    Ok(())
}
