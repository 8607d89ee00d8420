//! Signals and the exceptions that stand for them.

use rspy_decimal::Signals;
use rspy_runtime::exceptions::hierarchy::{ArithmeticError, TypeError, ZeroDivisionError};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::list::List;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::State;
use super::context::Context;
use super::signal_dict::SignalDictMixin;

/// The signals in the order of their importance.
pub const SIGNALS: [(&str, Signals); 9] = [
    ("InvalidOperation", Signals::ALL_INVALID),
    ("FloatOperation", Signals::FLOAT_OPERATION),
    ("DivisionByZero", Signals::DIVISION_BY_ZERO),
    ("Overflow", Signals::OVERFLOW),
    ("Underflow", Signals::UNDERFLOW),
    ("Subnormal", Signals::SUBNORMAL),
    ("Inexact", Signals::INEXACT),
    ("Rounded", Signals::ROUNDED),
    ("Clamped", Signals::CLAMPED),
];

/// The signals in the order in which contexts show them.
const SHOWN: [usize; 9] = [8, 0, 2, 6, 1, 3, 7, 5, 4];

/// The kinds of invalid operations, the plain one first.
const CONDITIONS: [(&str, Signals); 5] = [
    ("InvalidOperation", Signals::INVALID_OPERATION),
    ("ConversionSyntax", Signals::CONVERSION_SYNTAX),
    ("DivisionImpossible", Signals::DIVISION_IMPOSSIBLE),
    ("DivisionUndefined", Signals::DIVISION_UNDEFINED),
    ("InvalidContext", Signals::INVALID_CONTEXT),
];

const NO_SIGNAL: &str = "valid values for signals are:
  [InvalidOperation, FloatOperation, DivisionByZero,
   Overflow, Underflow, Subnormal, Inexact, Rounded,
   Clamped]";

/// The module's exceptions.
pub struct Exceptions {
    base: Value,
    /// In the order of [`SIGNALS`].
    pub signals: [Value; 9],
    /// In the order of [`CONDITIONS`].
    conditions: [Value; 5],
    /// The signals as a tuple, over which signal dicts iterate.
    pub tuple: Value,
}

fn new_class(vm: &Vm, name: &str, bases: &[Value]) -> PyResult {
    let namespace = Dict::new();
    namespace.set_str(&vm.intern("__module__"), vm.new_str("decimal"));
    let definition = [vm.new_str(name), Tuple::from_slice(bases).into_value(), namespace.into_value()];
    vm.call(&Type::static_type().to_value(), &definition)
}

impl Exceptions {
    /// Makes the classes.
    ///
    /// # Errors
    /// Those of making classes.
    pub fn make(vm: &Vm) -> PyResult<Exceptions> {
        let base = new_class(vm, "DecimalException", &[ArithmeticError::static_type().to_value()])?;
        let zero_division = ZeroDivisionError::static_type().to_value();
        let plain = |name| new_class(vm, name, std::slice::from_ref(&base));
        let (clamped, rounded, inexact) = (plain("Clamped")?, plain("Rounded")?, plain("Inexact")?);
        let (subnormal, invalid) = (plain("Subnormal")?, plain("InvalidOperation")?);
        let underflow = new_class(vm, "Underflow", &[inexact.clone(), rounded.clone(), subnormal.clone()])?;
        let overflow = new_class(vm, "Overflow", &[inexact.clone(), rounded.clone()])?;
        let division = new_class(vm, "DivisionByZero", &[base.clone(), zero_division.clone()])?;
        let float = new_class(vm, "FloatOperation", &[base.clone(), TypeError::static_type().to_value()])?;
        let kind = |name| new_class(vm, name, std::slice::from_ref(&invalid));
        let conditions = [
            invalid.clone(),
            kind("ConversionSyntax")?,
            kind("DivisionImpossible")?,
            new_class(vm, "DivisionUndefined", &[invalid.clone(), zero_division])?,
            kind("InvalidContext")?,
        ];
        let signals = [invalid, float, division, overflow, underflow, subnormal, inexact, rounded, clamped];
        let tuple = Tuple::from_slice(&signals).into_value();
        Ok(Exceptions { base, signals, conditions, tuple })
    }

    /// Makes them attributes of the module.
    pub fn add_to(&self, vm: &Vm, module: &Object<Module>) {
        module.set(vm, "DecimalException", self.base.clone());
        let conditions = CONDITIONS.iter().zip(&self.conditions);
        for ((name, _), class) in SIGNALS.iter().zip(&self.signals).chain(conditions) {
            module.set(vm, name, class.clone());
        }
    }

    /// The signal that a class stands for.
    ///
    /// # Errors
    /// `KeyError` where it is none.
    pub fn signal_of(&self, vm: &Vm, class: &Value) -> PyResult<Signals> {
        match self.signals.iter().position(|signal| signal.is(class)) {
            Some(index) => Ok(SIGNALS[index].1),
            None => Err(vm.key_error_message(NO_SIGNAL)),
        }
    }

    /// The classes of the signals of a set.
    pub fn classes_of(&self, signals: Signals) -> Vec<Value> {
        let all = SIGNALS.iter().zip(&self.signals);
        all.filter(|((_, signal), _)| signals.has(*signal)).map(|(_, class)| class.clone()).collect()
    }

    fn exception(&self, vm: &Vm, signals: Signals) -> Exception {
        let has = |(_, signal): &(&str, Signals)| signals.has(*signal);
        let class = SIGNALS.iter().position(has).map_or(&self.base, |index| &self.signals[index]);
        let conditions = CONDITIONS.iter().zip(&self.conditions);
        let causes = conditions.chain(SIGNALS.iter().zip(&self.signals).skip(1));
        let causes = causes.filter(|(signal, _)| has(signal)).map(|(_, class)| class.clone());
        let causes = List::from_vec(causes.collect()).into_value();
        match class.downcast::<Type>() {
            Some(class) => vm.exception_with_args(class, &[causes]),
            None => vm.system_error("a signal is not a class"),
        }
    }
}

/// Records signals in a context.
///
/// # Errors
/// The exception of a signal that the context traps, and `MemoryError`.
#[inline]
pub fn report(vm: &Vm, context: &Context, signals: Signals) -> PyResult<()> {
    if signals.is_empty() {
        return Ok(());
    }
    context.status().set(context.status().get() | signals);
    let trapped = signals & context.traps().get();
    if trapped.is_empty() && !signals.has(Signals::OUT_OF_MEMORY) {
        return Ok(());
    }
    Err(raise(vm, signals, trapped))
}

#[cold]
fn raise(vm: &Vm, signals: Signals, trapped: Signals) -> Exception {
    if signals.has(Signals::OUT_OF_MEMORY) {
        return vm.memory_error();
    }
    State::get().exceptions.exception(vm, trapped)
}

/// The signals of a list of their classes.
///
/// # Errors
/// `KeyError` where something else is in it.
pub fn from_list(vm: &Vm, list: &Object<List>) -> PyResult<Signals> {
    let exceptions = &State::get().exceptions;
    let mut signals = Signals::NONE;
    for class in list.to_vec() {
        signals |= exceptions.signal_of(vm, &class)?;
    }
    Ok(signals)
}

/// The signals that a dict has true values for; `None` where it is not one of all signals.
///
/// # Errors
/// Those of comparing keys and asking for truth.
pub fn from_dict(vm: &Vm, given: &Object<Dict>) -> PyResult<Option<Signals>> {
    if given.len() != SIGNALS.len() {
        return Ok(None);
    }
    let mut signals = Signals::NONE;
    for ((_, signal), class) in SIGNALS.iter().zip(&State::get().exceptions.signals) {
        let Some(set) = given.get(vm, class)? else { return Ok(None) };
        if vm.is_true(&set)? {
            signals |= *signal;
        }
    }
    Ok(Some(signals))
}

/// The signals that a context is to have as flags or traps: those of a signal dict or a dict.
///
/// # Errors
/// `TypeError` and `KeyError` where it is none of these.
pub fn from_value(vm: &Vm, value: &Value) -> PyResult<Signals> {
    if let Some(mixin) = value.downcast::<SignalDictMixin>()
        && let Some(signals) = mixin.signals()
    {
        return Ok(signals);
    }
    match value.downcast::<Dict>() {
        Some(given) => {
            from_dict(vm, given)?.ok_or_else(|| vm.key_error_message("invalid signal dict"))
        }
        None => Err(vm.type_error("argument must be a signal dict")),
    }
}

/// A set as contexts show it.
pub fn shown(signals: Signals) -> String {
    let all = SHOWN.iter().map(|&index| SIGNALS[index]);
    let names: Vec<&str> = all.filter(|(_, signal)| signals.has(*signal)).map(|(name, _)| name).collect();
    format!("[{}]", names.join(", "))
}
