//! The arguments of the constructors: bound and converted one after the other, as CPython's `PyArg_Parse…` does it,
//! with its errors; and the checks of ranges.

use rspy_runtime::arguments::place_of;
use rspy_runtime::exceptions::suggestions::closest;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::calendar::{MAX_YEAR, MIN_YEAR, Moment, days_in_month};

/// What the parameters of a function are.
pub struct Parameters<const N: usize> {
    /// The function as messages call it: `name()`, or `function` where it has no name.
    pub function: &'static str,
    /// Names, in order.
    pub names: [&'static str; N],
    /// How many must be given.
    pub required: usize,
    /// How many may be given by position.
    pub positional: usize,
}

/// Arguments by parameter, not converted yet.
pub struct Arguments<'a, const N: usize> {
    parameters: &'static Parameters<N>,
    values: [Option<&'a Value>; N],
    unknown: Option<&'a Value>,
    /// The place of an argument that came by position and by name.
    twice: Option<usize>,
}

impl<const N: usize> Parameters<N> {
    /// Finds the argument of each parameter.
    ///
    /// # Errors
    /// `TypeError` where there are too many.
    #[inline]
    pub fn bind<'a>(
        &'static self,
        vm: &Vm,
        args: &'a [Value],
        names: KeywordNames<'a>,
    ) -> PyResult<Arguments<'a, N>> {
        let mut bound = Arguments { parameters: self, values: [None; N], unknown: None, twice: None };
        if names.is_none() && args.len() <= self.positional {
            for (place, value) in bound.values.iter_mut().zip(args) {
                *place = Some(value);
            }
        } else {
            bound.bind_keywords(vm, args, names)?;
        }
        Ok(bound)
    }
}

impl<'a, const N: usize> Arguments<'a, N> {
    #[cold]
    fn bind_keywords(&mut self, vm: &Vm, args: &'a [Value], names: KeywordNames<'a>) -> PyResult<()> {
        let Parameters { function, names: known, positional: most, .. } = *self.parameters;
        let names = names.map_or(&[][..], |names| names.items());
        let (positional, values) = args.split_at(args.len() - names.len());
        let given = positional.len();
        if args.len() > N {
            let kind = if given == 0 { "keyword " } else { "" };
            let plural = if N == 1 { "" } else { "s" };
            return Err(vm.type_error(format!(
                "{function} takes at most {N} {kind}argument{plural} ({} given)",
                args.len()
            )));
        }
        if given > most {
            return Err(vm.type_error(format!(
                "{function} takes at most {most} positional arguments ({given} given)"
            )));
        }
        for (place, value) in self.values.iter_mut().zip(positional) {
            *place = Some(value);
        }
        for (name, value) in names.iter().zip(values) {
            let text = name.downcast::<Str>().ok_or_else(|| vm.type_error("keywords must be strings"))?;
            match place_of(&known, text) {
                None => self.unknown = self.unknown.or(Some(name)),
                Some(place) if self.values[place].is_some() => self.twice = self.twice.or(Some(place)),
                Some(place) => self.values[place] = Some(value),
            }
        }
        Ok(())
    }

    /// The argument at a place, if it was given.
    pub fn get(&self, place: usize) -> Option<&'a Value> {
        self.values[place]
    }

    /// The argument at a place.
    ///
    /// # Errors
    /// `TypeError` where it was not given.
    pub fn require(&self, vm: &Vm, place: usize) -> PyResult<&'a Value> {
        self.values[place].ok_or_else(|| {
            let Parameters { function, names, .. } = self.parameters;
            vm.type_error(format!(
                "{function} missing required argument '{}' (pos {})",
                names[place],
                place + 1
            ))
        })
    }

    /// The argument at a place as a C `int`; 0 where it may be left out and was.
    ///
    /// # Errors
    /// `TypeError` where it is missing or no integer, `OverflowError` where it does not fit.
    #[inline]
    pub fn int(&self, vm: &Vm, place: usize) -> PyResult<i32> {
        match self.values[place] {
            Some(value) => c_int(vm, value),
            None if place >= self.parameters.required => Ok(0),
            None => self.require(vm, place).map(|_| 0),
        }
    }

    /// The argument at a place as an object of a native type.
    ///
    /// # Errors
    /// `TypeError` where it is missing or of another type.
    pub fn object<T: Payload>(&self, vm: &Vm, place: usize) -> PyResult<&'a Object<T>> {
        let value = self.require(vm, place)?;
        value.downcast::<T>().ok_or_else(|| {
            let what = T::static_type().full_name();
            self.wrong_type(vm, place, &what, value)
        })
    }

    /// The error for an argument of the wrong type.
    pub fn wrong_type(&self, vm: &Vm, place: usize, expected: &str, got: &Value) -> Exception {
        let got = if is_none(got) { "None".to_owned() } else { got.type_of().full_name() };
        let function = self.parameters.function;
        vm.type_error(format!("{function} argument {} must be {expected}, not {got}", place + 1))
    }

    /// What is left to check when all arguments have been converted.
    ///
    /// # Errors
    /// `TypeError` where there was an unknown keyword, or one for an argument given by position.
    pub fn finish(&self, vm: &Vm) -> PyResult<()> {
        if let Some(place) = self.twice {
            let Parameters { function, names, .. } = self.parameters;
            return Err(vm.type_error(format!(
                "argument for {function} given by name ('{}') and position ({})",
                names[place],
                place + 1
            )));
        }
        let Some(unknown) = self.unknown else { return Ok(()) };
        let function = match self.parameters.function {
            "function" => "this function",
            named => named,
        };
        let name = vm.str(unknown)?;
        let name = name.to_string_lossy();
        let known: Vec<String> = self.parameters.names.iter().map(|&known| known.to_owned()).collect();
        let hint = closest(&known, &name).map_or_else(String::new, |meant| format!(". Did you mean '{meant}'?"));
        Err(vm.type_error(format!("{function} got an unexpected keyword argument '{name}'{hint}")))
    }
}

/// An argument as a C `int`, with the errors of format `i`.
#[inline]
pub fn c_int(vm: &Vm, value: &Value) -> PyResult<i32> {
    match value.small_int().map(i32::try_from) {
        Some(Ok(fits)) => Ok(fits),
        _ => other_int(vm, value, |number| {
            vm.overflow_error(match number {
                Some(number) if number < 0 => "signed integer is less than minimum",
                Some(_) => "signed integer is greater than maximum",
                None => "Python int too large to convert to C long",
            })
        }),
    }
}

/// An argument as a C `int`, with the error of functions made by the argument clinic.
#[inline]
pub fn clinic_int(vm: &Vm, value: &Value) -> PyResult<i32> {
    match value.small_int().map(i32::try_from) {
        Some(Ok(fits)) => Ok(fits),
        _ => other_int(vm, value, |_| vm.overflow_error("Python int too large to convert to C int")),
    }
}

#[cold]
fn other_int(vm: &Vm, value: &Value, error: impl FnOnce(Option<i64>) -> Exception) -> PyResult<i32> {
    let index = vm.index(value)?;
    let number = int::small_value(&index);
    number.and_then(|number| i32::try_from(number).ok()).ok_or_else(|| error(number))
}

/// Checks that there is such a day.
///
/// # Errors
/// `ValueError`.
#[inline]
pub fn check_date(vm: &Vm, year: i32, month: i32, day: i32) -> PyResult<()> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Err(vm.value_error(format!("year must be in 1..9999, not {year}")));
    }
    if !(1..=12).contains(&month) {
        return Err(vm.value_error(format!("month must be in 1..12, not {month}")));
    }
    let most = days_in_month(year, month);
    if !(1..=most).contains(&day) {
        return Err(vm.value_error(format!(
            "day {day} must be in range 1..{most} for month {month} in year {year}"
        )));
    }
    Ok(())
}

/// Checks that there is such a time of the day.
///
/// # Errors
/// `ValueError`.
#[inline]
pub fn check_time(
    vm: &Vm,
    hour: i32,
    minute: i32,
    second: i32,
    microsecond: i32,
    fold: i32,
) -> PyResult<()> {
    let fits = |number: i32, most: i32| number as u32 <= most as u32;
    if fits(hour, 23) & fits(minute, 59) & fits(second, 59) & fits(microsecond, 999_999) & fits(fold, 1) {
        return Ok(());
    }
    let parts =
        [("hour", hour, 23), ("minute", minute, 59), ("second", second, 59), ("microsecond", microsecond, 999_999)];
    Err(no_time(vm, parts, fold))
}

/// The error for a time that there is not.
#[cold]
fn no_time(vm: &Vm, parts: [(&str, i32, i32); 4], fold: i32) -> Exception {
    let wrong = parts.into_iter().find(|(_, number, most)| !(0..=*most).contains(number));
    vm.value_error(match wrong {
        Some((what, number, most)) => format!("{what} must be in 0..{most}, not {number}"),
        None => format!("fold must be either 0 or 1, not {fold}"),
    })
}

/// Checks that there is such a moment.
///
/// # Errors
/// `ValueError`.
pub fn check_moment(vm: &Vm, moment: &Moment, fold: i32) -> PyResult<()> {
    check_date(vm, moment.year, moment.month, moment.day)?;
    check_time(vm, moment.hour, moment.minute, moment.second, moment.microsecond, fold)
}

/// The bytes of a pickled state, if an argument is one: `bytes`, or a `str` where Python 2 had written it.
///
/// # Errors
/// `ValueError` for a text that is no bytes.
pub fn pickled_state<const N: usize>(
    vm: &Vm,
    argument: &Value,
    what: &str,
    is_state: impl Fn(u32) -> bool,
    at: usize,
) -> PyResult<Option<[u8; N]>> {
    if let Some(bytes) = argument.downcast::<rspy_runtime::types::bytes::Bytes>() {
        let state = <[u8; N]>::try_from(bytes.as_slice()).ok();
        return Ok(state.filter(|state| is_state(u32::from(state[at]))));
    }
    let Some(text) = argument.downcast::<Str>() else { return Ok(None) };
    if text.length() != N || !is_state(text.char_at(at)) {
        return Ok(None);
    }
    let mut state = [0; N];
    for (place, character) in state.iter_mut().zip(text.characters().iter()) {
        *place = u8::try_from(character).map_err(|_| {
            vm.value_error(format!(
                "Failed to encode latin1 string when unpickling a {what} object. \
                 pickle.load(data, encoding='latin1') is assumed."
            ))
        })?;
    }
    Ok(Some(state))
}

/// Calls a class derived from a native one with the fields of a new object, and the fold where it is not 0.
///
/// # Errors
/// Those of the call.
pub fn call_class(vm: &Vm, class: &TypeObject, fields: &[Value], fold: i32) -> PyResult {
    let class = class.as_value();
    if fold == 0 { vm.call(&class, fields) } else { vm.call_with_keywords(&class, fields, &[("fold", Value::int(fold))]) }
}
