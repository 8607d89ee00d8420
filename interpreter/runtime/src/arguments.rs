//! Binding the arguments of a call to the parameters of a native function, and converting them, with the errors
//! that CPython's argument clinic raises.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::exceptions::{Exception, PyResult};
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::Vm;

/// The parameters of a native function. Written by the macros.
pub struct Parameters<const N: usize> {
    /// The function's name.
    pub function: &'static str,
    /// Names of the parameters, keyword-only ones last.
    pub names: [&'static str; N],
    /// Where those of them that have been met lie as interned strings.
    pub interned: InternedNames<N>,
    /// Which of them must be given.
    pub required: [bool; N],
    /// How many are positional-only.
    pub positional_only: usize,
    /// How many can be given by position.
    pub positional: usize,
    /// Whether further positional arguments are taken.
    pub rest: bool,
    /// Whether further keyword arguments are taken.
    pub keywords: bool,
}

/// Addresses of interned strings, which are never freed; 0 for those not met yet.
pub struct InternedNames<const N: usize>([AtomicUsize; N]);

impl<const N: usize> InternedNames<N> {
    /// None is known.
    pub const NONE: Self = InternedNames([const { AtomicUsize::new(0) }; N]);
}

impl<const N: usize> Parameters<N> {
    /// Which parameter a keyword names.
    #[inline]
    fn place_of(&self, keyword: &Object<Str>) -> Option<usize> {
        let address = std::ptr::from_ref(keyword) as usize;
        let interned = &self.interned.0[self.positional_only..];
        let known = interned.iter().position(|known| known.load(Ordering::Relaxed) == address);
        let found = known.or_else(|| {
            let found = place_of(&self.names[self.positional_only..], keyword)?;
            if keyword.is_interned() {
                interned[found].store(address, Ordering::Relaxed);
            }
            Some(found)
        })?;
        Some(found + self.positional_only)
    }
}

/// Arguments by parameter.
pub struct Bound<'a, const N: usize> {
    /// The argument of each parameter.
    pub simple: [Option<&'a Value>; N],
    /// Further positional arguments.
    pub rest: &'a [Value],
    /// Further keyword arguments.
    pub keywords: KeywordArguments<'a>,
}

/// Keyword arguments that no parameter takes.
#[derive(Clone, Copy)]
pub struct KeywordArguments<'a> {
    names: KeywordNames<'a>,
    values: &'a [Value],
    taken: u64,
}

impl<'a> KeywordArguments<'a> {
    /// The keyword arguments of a call that parsed nothing.
    pub fn of_call(args: &'a [Value], names: KeywordNames<'a>) -> (&'a [Value], KeywordArguments<'a>) {
        let count = names.map_or(0, |names| names.items().len());
        let (positional, values) = args.split_at(args.len() - count);
        (positional, KeywordArguments { names, values, taken: 0 })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Names and values in the order of the call.
    pub fn iter(&self) -> impl Iterator<Item = (&'a Value, &'a Value)> + use<'a> {
        let taken = self.taken;
        let names = self.names.map_or(&[][..], |names| names.items());
        names
            .iter()
            .zip(self.values)
            .enumerate()
            .filter(move |(index, _)| *index >= 64 || taken & (1 << index) == 0)
            .map(|(_, pair)| pair)
    }

    /// The value of one name.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.iter()
            .find(|(key, _)| key.downcast::<Str>().is_some_and(|key| key.equals_str(name)))
            .map(|(_, value)| value)
    }
}

/// Finds the argument of each parameter.
///
/// # Errors
/// `TypeError` with CPython's text where the arguments do not fit.
#[inline]
pub fn bind<'a, const N: usize>(
    vm: &Vm,
    parameters: &Parameters<N>,
    args: &'a [Value],
    names: KeywordNames<'a>,
) -> PyResult<Bound<'a, N>> {
    let mut bound = Bound {
        simple: [None; N],
        rest: &[],
        keywords: KeywordArguments { names: None, values: &[], taken: 0 },
    };
    let count = args.len();
    if names.is_none()
        && count <= parameters.positional
        && (count == N || !parameters.required[count..].contains(&true))
    {
        for (place, argument) in bound.simple.iter_mut().zip(args) {
            *place = Some(argument);
        }
        return Ok(bound);
    }
    bind_slowly(vm, parameters, args, names, &mut bound)?;
    Ok(bound)
}

#[cold]
#[inline(never)]
fn bind_slowly<'a, const N: usize>(
    vm: &Vm,
    parameters: &Parameters<N>,
    args: &'a [Value],
    names: KeywordNames<'a>,
    bound: &mut Bound<'a, N>,
) -> PyResult<()> {
    let keyword_count = names.map_or(0, |names| names.items().len());
    let (positional, values) = args.split_at(args.len() - keyword_count);
    let direct = positional.len().min(parameters.positional);
    for (place, argument) in bound.simple.iter_mut().zip(&positional[..direct]) {
        *place = Some(argument);
    }
    bound.rest = &positional[direct..];
    bound.keywords = KeywordArguments { names, values, taken: 0 };
    let keywordable = N > parameters.positional_only;
    if keyword_count > 0 && !keywordable && !parameters.keywords {
        return Err(vm.type_error(format!("{}() takes no keyword arguments", parameters.function)));
    }
    let beyond = positional.len() + keyword_count > N && !parameters.keywords;
    if !parameters.rest && (!bound.rest.is_empty() || beyond) {
        return Err(too_many(vm, parameters, positional.len(), keyword_count));
    }
    let (mut twice, mut unknown) = (None, None);
    for (index, (name, value)) in names.map_or(&[][..], |names| names.items()).iter().zip(values).enumerate()
    {
        let Some(name) = name.downcast::<Str>() else {
            if parameters.keywords {
                continue;
            }
            return Err(vm.type_error("keywords must be strings"));
        };
        match parameters.place_of(name) {
            Some(place) if bound.simple[place].is_some() => {
                twice = Some(twice.map_or(place, |other: usize| other.min(place)));
            }
            Some(place) => {
                bound.simple[place] = Some(value);
                if index < 64 {
                    bound.keywords.taken |= 1 << index;
                }
            }
            None if parameters.keywords => {}
            None => unknown = unknown.or(Some(name)),
        }
    }
    if let Some(missing) = first_missing(parameters, bound) {
        if !keywordable || missing < parameters.positional_only {
            return Err(too_few_positional(vm, parameters, positional.len()));
        }
        return Err(vm.type_error(if missing < parameters.positional {
            format!(
                "{}() missing required argument '{}' (pos {})",
                parameters.function,
                parameters.names[missing],
                missing + 1
            )
        } else {
            format!(
                "{}() missing required keyword-only argument '{}'",
                parameters.function, parameters.names[missing]
            )
        }));
    }
    if let Some(place) = twice {
        return Err(vm.type_error(format!(
            "argument for {}() given by name ('{}') and position ({})",
            parameters.function,
            parameters.names[place],
            place + 1
        )));
    }
    match unknown {
        Some(name) => Err(unexpected(vm, parameters, name)),
        None => Ok(()),
    }
}

/// Which of some names a text is.
#[inline]
pub fn place_of(names: &[&str], text: &Object<Str>) -> Option<usize> {
    let text = text.as_ascii()?.as_bytes();
    let first = text.first();
    // Lengths and first letters tell most names apart, without a call.
    names.iter().position(|name| {
        let name = name.as_bytes();
        name.len() == text.len() && name.first() == first && name == text
    })
}

/// The error for a keyword that no parameter has, with the parameter that may have been meant.
fn unexpected<const N: usize>(vm: &Vm, parameters: &Parameters<N>, name: &Object<Str>) -> Exception {
    let shown = name.to_string_lossy();
    if parameters.names[parameters.positional_only..].contains(&&*shown) {
        return vm.type_error(format!("invalid keyword argument for {}()", parameters.function));
    }
    let candidates: Vec<String> =
        parameters.names[parameters.positional_only..].iter().map(|&name| name.to_owned()).collect();
    let message = format!("{}() got an unexpected keyword argument '{shown}'", parameters.function);
    vm.type_error(match crate::exceptions::suggestions::closest(&candidates, &shown) {
        Some(meant) => format!("{message}. Did you mean '{meant}'?"),
        None => message,
    })
}

fn first_missing<const N: usize>(parameters: &Parameters<N>, bound: &Bound<'_, N>) -> Option<usize> {
    if !parameters.required.contains(&true) {
        return None;
    }
    parameters
        .required
        .iter()
        .zip(&bound.simple)
        .position(|(&required, argument)| required && argument.is_none())
}

fn too_many<const N: usize>(vm: &Vm, parameters: &Parameters<N>, given: usize, keywords: usize) -> Exception {
    let function = parameters.function;
    let most = parameters.positional;
    let least = parameters.required[..most].iter().filter(|&&required| required).count();
    if N == parameters.positional_only {
        return vm.type_error(match (least, most) {
            (0, 0) => format!("{function}() takes no arguments ({given} given)"),
            (1, 1) => format!("{function}() takes exactly one argument ({given} given)"),
            (least, most) if least == most => {
                format!("{function} expected {most} argument{}, got {given}", plural(most))
            }
            _ => format!("{function} expected at most {most} argument{}, got {given}", plural(most)),
        });
    }
    let total = given + keywords;
    if total > N {
        let how = if least == N { "exactly" } else { "at most" };
        let what = if given == 0 { "keyword " } else { "" };
        return vm
            .type_error(format!("{function}() takes {how} {N} {what}argument{} ({total} given)", plural(N)));
    }
    if most == 0 {
        return vm.type_error(format!("{function}() takes no positional arguments"));
    }
    let how = if least < most { "at most" } else { "exactly" };
    vm.type_error(format!(
        "{function}() takes {how} {most} positional argument{} ({given} given)",
        plural(most)
    ))
}

fn too_few_positional<const N: usize>(vm: &Vm, parameters: &Parameters<N>, given: usize) -> Exception {
    let function = parameters.function;
    let only = parameters.positional_only;
    let least = parameters.required[..only].iter().filter(|&&required| required).count();
    if N > only {
        let how = if least < parameters.positional || parameters.rest { "at least" } else { "exactly" };
        return vm.type_error(format!(
            "{function}() takes {how} {least} positional argument{} ({given} given)",
            plural(least)
        ));
    }
    if only == 1 && parameters.positional == 1 && !parameters.rest {
        return vm.type_error(format!("{function}() takes exactly one argument ({given} given)"));
    }
    let how = if least == parameters.positional && !parameters.rest { "" } else { "at least " };
    vm.type_error(format!("{function} expected {how}{least} argument{}, got {given}", plural(least)))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Where an argument belongs, for error messages.
pub struct Place {
    /// The function's name.
    pub function: &'static str,
    /// The parameter's name.
    pub name: &'static str,
    /// The parameter's position, from 1; 0 for the only parameter of a function.
    pub position: usize,
    /// Whether messages speak of it by name.
    pub by_name: bool,
}

impl Place {
    /// `foo() argument 'bar'`, or by number where the parameter is positional-only.
    pub fn describe(&self) -> String {
        if self.by_name {
            format!("{}() argument '{}'", self.function, self.name)
        } else if self.position == 0 {
            format!("{}() argument", self.function)
        } else {
            format!("{}() argument {}", self.function, self.position)
        }
    }

    /// The error for an argument of the wrong type.
    pub fn wrong_type(&self, vm: &Vm, expected: &str, got: &Value) -> Exception {
        let got =
            if crate::types::none::is_none(got) { "None".to_owned() } else { got.type_of().full_name() };
        vm.type_error(format!("{} must be {expected}, not {got}", self.describe()))
    }
}

/// The error for a required argument that the binder did not find.
pub fn missing(vm: &Vm, place: &Place) -> Exception {
    vm.type_error(format!(
        "{}() missing required argument '{}' (pos {})",
        place.function, place.name, place.position
    ))
}

/// A Rust type that an argument can be converted to.
pub trait FromArgument<'a>: Sized {
    /// Converts the argument.
    ///
    /// # Errors
    /// CPython's error for an argument of the wrong type or out of range.
    fn from_argument(vm: &Vm, value: &'a Value, place: &Place) -> PyResult<Self>;
}

impl<'a> FromArgument<'a> for &'a Value {
    #[inline(always)]
    fn from_argument(_: &Vm, value: &'a Value, _: &Place) -> PyResult<Self> {
        Ok(value)
    }
}

impl FromArgument<'_> for Value {
    #[inline(always)]
    fn from_argument(_: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        Ok(value.clone())
    }
}

impl<'a, T: Payload> FromArgument<'a> for &'a Object<T> {
    #[inline]
    fn from_argument(vm: &Vm, value: &'a Value, place: &Place) -> PyResult<Self> {
        value.downcast::<T>().ok_or_else(|| place.wrong_type(vm, &T::static_type().full_name(), value))
    }
}

impl<'a, T: Payload> FromArgument<'a> for Ref<T> {
    #[inline]
    fn from_argument(vm: &Vm, value: &'a Value, place: &Place) -> PyResult<Self> {
        <&Object<T>>::from_argument(vm, value, place).map(Object::to_ref)
    }
}

impl FromArgument<'_> for bool {
    #[inline]
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        vm.is_true(value)
    }
}

impl FromArgument<'_> for f64 {
    #[inline]
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        crate::types::float::to_f64(vm, value)
    }
}

macro_rules! from_integer {
    ($($typ:ty, $what:literal);* $(;)?) => {$(
        impl FromArgument<'_> for $typ {
            #[inline]
            fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
                if let Some(int) = value.small_int()
                    && let Ok(fits) = <$typ>::try_from(int)
                {
                    return Ok(fits);
                }
                crate::types::int::to_fixed::<$typ>(vm, value, $what)
            }
        }
    )*};
}
from_integer! {
    i64, "long"; i32, "int"; i16, "short integer"; u8, "unsigned byte integer"; u16, "unsigned short";
    u32, "unsigned int"; u64, "unsigned long"; isize, "ssize_t"; usize, "size_t"; i8, "signed char";
}

impl FromArgument<'_> for num_bigint::BigInt {
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        crate::types::int::to_big(vm, value)
    }
}

impl FromArgument<'_> for String {
    fn from_argument(vm: &Vm, value: &Value, place: &Place) -> PyResult<Self> {
        match value.downcast::<Str>() {
            Some(text) => text.to_utf8(vm).map(std::borrow::Cow::into_owned),
            None => Err(place.wrong_type(vm, "str", value)),
        }
    }
}

impl<'a> FromArgument<'a> for std::borrow::Cow<'a, str> {
    fn from_argument(vm: &Vm, value: &'a Value, place: &Place) -> PyResult<Self> {
        match value.downcast::<Str>() {
            Some(text) => text.payload_utf8(vm),
            None => Err(place.wrong_type(vm, "str", value)),
        }
    }
}

impl FromArgument<'_> for char {
    fn from_argument(vm: &Vm, value: &Value, place: &Place) -> PyResult<Self> {
        if let Some(text) = value.downcast::<Str>() {
            if text.length() == 1
                && let Some(c) = char::from_u32(text.char_at(0))
            {
                return Ok(c);
            }
            return Err(vm.type_error(format!(
                "{} must be a unicode character, not a string of length {}",
                place.describe(),
                text.length()
            )));
        }
        Err(place.wrong_type(vm, "a unicode character", value))
    }
}

/// The bytes of an object with a buffer.
impl FromArgument<'_> for crate::buffer::BufferView {
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        crate::buffer::view(vm, value)
    }
}

/// A tuple seen as its items.
impl<'a> FromArgument<'a> for &'a [Value] {
    fn from_argument(vm: &Vm, value: &'a Value, place: &Place) -> PyResult<Self> {
        <&Object<Tuple>>::from_argument(vm, value, place).map(|tuple| tuple.payload().items())
    }
}

/// A type argument.
pub fn expect_type<'a>(vm: &Vm, value: &'a Value, place: &Place) -> PyResult<&'a Object<Type>> {
    <&Object<Type>>::from_argument(vm, value, place)
}

/// The arguments of a function that takes only positional ones, with CPython's errors for other calls.
///
/// # Errors
/// `TypeError` for keyword arguments, and where there are fewer than `least` or more than `most` arguments.
pub fn positional<'a>(
    vm: &Vm,
    function: &str,
    args: &'a [Value],
    names: KeywordNames<'_>,
    least: usize,
    most: usize,
) -> PyResult<&'a [Value]> {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(vm.type_error(format!("{function}() takes no keyword arguments")));
    }
    let (bound, count) = match args.len() {
        given if given < least => ("at least ", least),
        given if given > most => ("at most ", most),
        _ => return Ok(args),
    };
    let bound = if least == most { "" } else { bound };
    Err(vm.type_error(format!(
        "{function} expected {bound}{count} argument{}, got {}",
        plural(count),
        args.len()
    )))
}

/// The arguments that the `__new__` of a native type which takes no keywords looks at: keywords are left to the
/// `__init__` of a derived class, where it has one.
pub fn for_new<'a, 'n>(
    class: &TypeObject,
    native: &TypeObject,
    args: &'a [Value],
    names: KeywordNames<'n>,
) -> (&'a [Value], KeywordNames<'n>) {
    let address = |typ: &TypeObject| typ.slots().init.get().map(|init| init as usize);
    without_keywords(args, names, address(class) != address(native))
}

/// As [`for_new`], for the `__init__` of a native type: keywords may be for the `__new__` of a derived class.
pub fn for_init<'a, 'n>(
    class: &TypeObject,
    native: &TypeObject,
    args: &'a [Value],
    names: KeywordNames<'n>,
) -> (&'a [Value], KeywordNames<'n>) {
    let address = |typ: &TypeObject| typ.slots().new.get().map(|new| new as usize);
    without_keywords(args, names, address(class) != address(native))
}

fn without_keywords<'a, 'n>(
    args: &'a [Value],
    names: KeywordNames<'n>,
    drops: bool,
) -> (&'a [Value], KeywordNames<'n>) {
    match names {
        Some(keywords) if drops => (&args[..args.len() - keywords.items().len()], None),
        _ => (args, names),
    }
}
