//! `Context`: how arithmetic is done, what it reports and what it raises.

use std::cell::Cell;
use std::rc::Rc;

use rspy_decimal::{self as arithmetic, MAX_EMAX, MAX_PRECISION, MIN_EMIN, Rounding, Signals};
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::object::{generic_get_attribute, generic_set_attribute};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::signal_dict::SignalDictMixin;
use super::{State, signals};
use crate::datetime::arguments::Parameters;

/// The roundings with their names.
pub const ROUNDINGS: [(Rounding, &str); 8] = [
    (Rounding::Up, "ROUND_UP"),
    (Rounding::Down, "ROUND_DOWN"),
    (Rounding::Ceiling, "ROUND_CEILING"),
    (Rounding::Floor, "ROUND_FLOOR"),
    (Rounding::HalfUp, "ROUND_HALF_UP"),
    (Rounding::HalfDown, "ROUND_HALF_DOWN"),
    (Rounding::HalfEven, "ROUND_HALF_EVEN"),
    (Rounding::ZeroFiveUp, "ROUND_05UP"),
];

const NO_ROUNDING: &str = "valid values for rounding are:
  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,
   ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,
   ROUND_05UP]";

/// Everything that a context says.
#[derive(Clone, Copy)]
pub struct Settings {
    /// How arithmetic is done.
    pub arithmetic: arithmetic::Context,
    /// Whether exponents are shown with a capital letter.
    pub capitals: bool,
    /// What has been reported.
    pub flags: Signals,
    /// What is raised.
    pub traps: Signals,
}

impl Settings {
    /// What contexts begin with.
    pub const DEFAULT: Settings = Settings {
        arithmetic: arithmetic::Context {
            precision: 28,
            rounding: Rounding::HalfEven,
            emin: -999_999,
            emax: 999_999,
            clamp: false,
        },
        capitals: true,
        flags: Signals::NONE,
        traps: Signals(Signals::ALL_INVALID.0 | Signals::DIVISION_BY_ZERO.0 | Signals::OVERFLOW.0),
    };

    /// The specification's basic context.
    pub const BASIC: Settings = Settings {
        arithmetic: arithmetic::Context {
            precision: 9,
            rounding: Rounding::HalfUp,
            ..Settings::DEFAULT.arithmetic
        },
        traps: Signals(Settings::DEFAULT.traps.0 | Signals::UNDERFLOW.0 | Signals::CLAMPED.0),
        ..Settings::DEFAULT
    };

    /// The specification's extended context.
    pub const EXTENDED: Settings = Settings {
        arithmetic: arithmetic::Context { precision: 9, ..Settings::DEFAULT.arithmetic },
        traps: Signals::NONE,
        ..Settings::DEFAULT
    };

    /// An IEEE 754 interchange format of so many bits.
    pub fn interchange(bits: i64) -> Option<Settings> {
        if !(1..=super::MOST_INTERCHANGE_BITS).contains(&bits) || bits % 32 != 0 {
            return None;
        }
        let emax = 3 * (1 << (bits / 16 + 3));
        let arithmetic = arithmetic::Context {
            precision: 9 * (bits / 32) - 2,
            rounding: Rounding::HalfEven,
            emin: 1 - emax,
            emax,
            clamp: true,
        };
        Some(Settings { arithmetic, traps: Signals::NONE, ..Settings::DEFAULT })
    }
}

/// The context affects almost all operations.
///
/// It says how results are rounded, which exponents they may have, what is reported in `flags`, and which of the
/// reported signals, in `traps`, are raised as exceptions.
///
///     >>> c = Context(prec=3, rounding=ROUND_DOWN, traps=[])
///     >>> c.divide(Decimal(2), Decimal(3))
///     Decimal('0.666')
///     >>> c.flags[Inexact], c.flags[DivisionByZero]
///     (True, False)
#[pyclass(
    name = "Context",
    module = "decimal",
    signature = "(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)",
    tracked,
    subclassable,
    methods(UNARY_METHODS, BINARY_METHODS, PREDICATES, FURTHER_METHODS)
)]
pub struct Context {
    #[untraced]
    arithmetic: Cell<arithmetic::Context>,
    capitals: Cell<bool>,
    /// The signal dicts look at the same, as long as the context is there.
    #[untraced]
    flags: Rc<Cell<Signals>>,
    #[untraced]
    traps: Rc<Cell<Signals>>,
    /// `flags` and `traps` as mappings, once they were asked for.
    flags_dict: GilCell<Option<Value>>,
    traps_dict: GilCell<Option<Value>>,
}

impl Context {
    fn payload(settings: Settings) -> Context {
        Context {
            arithmetic: Cell::new(settings.arithmetic),
            capitals: Cell::new(settings.capitals),
            flags: Rc::new(Cell::new(settings.flags)),
            traps: Rc::new(Cell::new(settings.traps)),
            flags_dict: GilCell::default(),
            traps_dict: GilCell::default(),
        }
    }

    /// A context.
    pub fn with_settings(settings: Settings) -> Ref<Context> {
        Object::new(Context::payload(settings))
    }

    /// All that the context says.
    pub fn settings(&self) -> Settings {
        Settings {
            arithmetic: self.arithmetic.get(),
            capitals: self.capitals.get(),
            flags: self.flags.get(),
            traps: self.traps.get(),
        }
    }

    /// A copy.
    pub fn duplicate(&self) -> Ref<Context> {
        Context::with_settings(self.settings())
    }

    /// How arithmetic is done.
    #[inline]
    pub fn arithmetic(&self) -> arithmetic::Context {
        self.arithmetic.get()
    }

    /// Whether exponents are shown with a capital letter.
    pub fn capitals(&self) -> bool {
        self.capitals.get()
    }

    /// What has been reported.
    #[inline]
    pub fn status(&self) -> &Cell<Signals> {
        &self.flags
    }

    /// What is raised.
    #[inline]
    pub fn traps(&self) -> &Cell<Signals> {
        &self.traps
    }

    fn change(&self, with: impl FnOnce(&mut arithmetic::Context)) {
        let mut changed = self.arithmetic.get();
        with(&mut changed);
        self.arithmetic.set(changed);
    }

    fn signal_dict(
        &self,
        vm: &Vm,
        place: impl Fn(&Context) -> &GilCell<Option<Value>>,
        signals: &Rc<Cell<Signals>>,
    ) -> PyResult {
        if let Some(made) = place(self).get() {
            return Ok(made);
        }
        let made = SignalDictMixin::of(vm, signals)?;
        place(self).set(Some(made.clone()));
        Ok(made)
    }

    /// Sets what is given and not `None`: precision, rounding, exponent limits, capitals, clamp, flags and traps.
    pub fn set_all(&self, vm: &Vm, given: &[Option<&Value>; 8]) -> PyResult<()> {
        let given = given.map(|value| value.filter(|value| !is_none(value)));
        let setters: [fn(&Context, &Vm, &Value) -> PyResult<()>; 6] = [
            Context::set_precision,
            Context::set_rounding_to,
            Context::set_least_exponent,
            Context::set_largest_exponent,
            Context::set_capitals_to,
            Context::set_clamp_to,
        ];
        for (value, set) in given.iter().zip(setters) {
            if let Some(value) = value {
                set(self, vm, value)?;
            }
        }
        for (value, place) in [(given[7], &self.traps), (given[6], &self.flags)] {
            if let Some(value) = value {
                place.set(match value.downcast::<List>() {
                    Some(list) => signals::from_list(vm, list)?,
                    None => signals::from_value(vm, value)?,
                });
            }
        }
        Ok(())
    }

    fn set_precision(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let precision = size(vm, value)?;
        if !(1..=MAX_PRECISION).contains(&precision) {
            return Err(vm.value_error("valid range for prec is [1, MAX_PREC]"));
        }
        self.change(|context| context.precision = precision);
        Ok(())
    }

    fn set_least_exponent(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let emin = size(vm, value)?;
        if !(MIN_EMIN..=0).contains(&emin) {
            return Err(vm.value_error("valid range for Emin is [MIN_EMIN, 0]"));
        }
        self.change(|context| context.emin = emin);
        Ok(())
    }

    fn set_largest_exponent(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let emax = size(vm, value)?;
        if !(0..=MAX_EMAX).contains(&emax) {
            return Err(vm.value_error("valid range for Emax is [0, MAX_EMAX]"));
        }
        self.change(|context| context.emax = emax);
        Ok(())
    }

    fn set_rounding_to(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let rounding = rounding_of(vm, value)?;
        self.change(|context| context.rounding = rounding);
        Ok(())
    }

    fn set_capitals_to(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        match size(vm, value)? {
            flag @ (0 | 1) => self.capitals.set(flag == 1),
            _ => return Err(vm.value_error("valid values for capitals are 0 or 1")),
        }
        Ok(())
    }

    fn set_clamp_to(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        match size(vm, value)? {
            flag @ (0 | 1) => self.change(|context| context.clamp = flag == 1),
            _ => return Err(vm.value_error("valid values for clamp are 0 or 1")),
        }
        Ok(())
    }
}

/// An `int` as a number of the machine.
///
/// # Errors
/// `TypeError` for other things, `OverflowError` where it is too large.
pub fn size(vm: &Vm, value: &Value) -> PyResult<i64> {
    if !int::is_int(value) {
        return Err(vm.type_error("an integer is required"));
    }
    match int::small_value(value) {
        Some(size) => Ok(size),
        None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

/// The rounding of a name.
///
/// # Errors
/// `TypeError` where it is none.
pub fn rounding_of(vm: &Vm, value: &Value) -> PyResult<Rounding> {
    let roundings = &State::get().roundings;
    let same = roundings.iter().find(|(_, name)| name.is(value));
    let equal = || {
        let text = value.downcast::<Str>()?;
        roundings.iter().find(|(_, name)| name.same_text(text))
    };
    match same.or_else(equal) {
        Some((rounding, _)) => Ok(*rounding),
        None => Err(vm.type_error(NO_ROUNDING)),
    }
}

fn rounding_name(rounding: Rounding) -> Ref<Str> {
    let roundings = &State::get().roundings;
    roundings.iter().find(|(other, _)| *other == rounding).map_or_else(Str::empty, |(_, name)| name.clone())
}

/// The attribute that is to be set.
fn present<'a>(vm: &Vm, value: Option<&'a Value>) -> PyResult<&'a Value> {
    value.ok_or_else(|| vm.bare_attribute_error("context attributes cannot be deleted"))
}

#[pymethods]
impl Context {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        // New contexts are as the template, which programs may change.
        let settings = super::STATE.get().map_or(Settings::DEFAULT, |state| {
            let template = state.templates[0].1.settings();
            Settings { capitals: true, ..template }
        });
        Ok(Object::with_type(cls, Context::payload(settings)).into_value())
    }

    #[slot(init)]
    fn init(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        static PARAMETERS: Parameters<8> = Parameters {
            function: "function",
            names: ["prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps"],
            required: 0,
            positional: 8,
        };
        let bound = PARAMETERS.bind(vm, args, names)?;
        bound.finish(vm)?;
        self.set_all(vm, &[0, 1, 2, 3, 4, 5, 6, 7].map(|place| bound.get(place)))
    }

    #[slot(getattribute)]
    fn get_attribute(this: &Object<Context>, vm: &Vm, name: &Object<Str>) -> PyResult {
        if name.equals_str("flags") {
            return this.signal_dict(vm, |context| &context.flags_dict, &this.flags);
        }
        if name.equals_str("traps") {
            return this.signal_dict(vm, |context| &context.traps_dict, &this.traps);
        }
        generic_get_attribute(vm, &this.as_value(), name)
    }

    #[slot(setattribute)]
    fn set_attribute(this: &Object<Context>, vm: &Vm, name: &Object<Str>, value: Option<&Value>) -> PyResult<()> {
        let given = present(vm, value)?;
        if name.equals_str("flags") {
            this.flags.set(signals::from_value(vm, given)?);
            return Ok(());
        }
        if name.equals_str("traps") {
            this.traps.set(signals::from_value(vm, given)?);
            return Ok(());
        }
        generic_set_attribute(vm, &this.as_value(), name, value)
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        let context = self.arithmetic();
        format!(
            "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags={}, traps={})",
            context.precision,
            rounding_name(context.rounding).to_string_lossy(),
            context.emin,
            context.emax,
            u8::from(self.capitals()),
            u8::from(context.clamp),
            signals::shown(self.flags.get()),
            signals::shown(self.traps.get()),
        )
    }

    #[getter("prec")]
    fn precision(&self) -> i64 {
        self.arithmetic().precision
    }

    #[setter("prec")]
    fn assign_precision(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_precision(vm, present(vm, value)?)
    }

    #[getter("Emax")]
    fn emax(&self) -> i64 {
        self.arithmetic().emax
    }

    #[setter("Emax")]
    fn assign_emax(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_largest_exponent(vm, present(vm, value)?)
    }

    #[getter("Emin")]
    fn emin(&self) -> i64 {
        self.arithmetic().emin
    }

    #[setter("Emin")]
    fn assign_emin(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_least_exponent(vm, present(vm, value)?)
    }

    #[getter("rounding")]
    fn rounding(&self) -> Ref<Str> {
        rounding_name(self.arithmetic().rounding)
    }

    #[setter("rounding")]
    fn assign_rounding(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_rounding_to(vm, present(vm, value)?)
    }

    #[getter("capitals")]
    fn capitals_flag(&self) -> i64 {
        i64::from(self.capitals())
    }

    #[setter("capitals")]
    fn assign_capitals(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_capitals_to(vm, present(vm, value)?)
    }

    #[getter("clamp")]
    fn clamp(&self) -> i64 {
        i64::from(self.arithmetic().clamp)
    }

    #[setter("clamp")]
    fn assign_clamp(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.set_clamp_to(vm, present(vm, value)?)
    }

    /// The least exponent that the last digit of a result may have: Emin - prec + 1.
    #[method("Etiny(self, /)")]
    fn etiny(&self) -> i64 {
        self.arithmetic().etiny()
    }

    /// The exponent of the last digit of the largest number: Emax - prec + 1.
    #[method("Etop(self, /)")]
    fn etop(&self) -> i64 {
        self.arithmetic().etop()
    }

    /// Forget all that has been reported.
    #[method("clear_flags(self, /)")]
    fn clear_flags(&self) {
        self.flags.set(Signals::NONE);
    }

    /// Raise nothing from now on.
    #[method("clear_traps(self, /)")]
    fn clear_traps(&self) {
        self.traps.set(Signals::NONE);
    }

    /// Return a copy of the context, with flags and traps of its own.
    #[method("copy(self, /)")]
    fn copy(&self) -> Ref<Context> {
        self.duplicate()
    }

    #[method("__copy__(self, /)")]
    fn shallow_copy(&self) -> Ref<Context> {
        self.duplicate()
    }

    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Context>) -> Ref<Tuple> {
        let context = this.arithmetic();
        let exceptions = &State::get().exceptions;
        let classes = |signals| List::from_vec(exceptions.classes_of(signals)).into_value();
        let state = Tuple::from_values([
            int::new(context.precision),
            rounding_name(context.rounding).into_value(),
            int::new(context.emin),
            int::new(context.emax),
            int::new(i64::from(this.capitals())),
            int::new(i64::from(context.clamp)),
            classes(this.flags.get()),
            classes(this.traps.get()),
        ]);
        Tuple::from_values([this.type_of().to_value(), state.into_value()])
    }
}

