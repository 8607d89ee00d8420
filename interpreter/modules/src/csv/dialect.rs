//! `_csv.Dialect`: how fields are delimited, quoted and escaped.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::meanings::Meanings;
use super::registered;

/// The names of the ways to quote, by number.
pub const QUOTING: [&str; 6] =
    ["QUOTE_MINIMAL", "QUOTE_ALL", "QUOTE_NONNUMERIC", "QUOTE_NONE", "QUOTE_STRINGS", "QUOTE_NOTNULL"];

/// When fields are quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quoting {
    /// Where it is needed.
    Minimal,
    /// Always.
    All,
    /// Where they are no numbers.
    NonNumeric,
    /// Never.
    Never,
    /// Where they are strings.
    Strings,
    /// Where they are not `None`.
    NotNull,
}

impl Quoting {
    const ALL: [Quoting; 6] = [
        Quoting::Minimal,
        Quoting::All,
        Quoting::NonNumeric,
        Quoting::Never,
        Quoting::Strings,
        Quoting::NotNull,
    ];
}

/// CSV dialect
///
/// The Dialect type records CSV dialect options.
#[pyclass(name = "Dialect", module = "_csv", subclassable)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: u32,
    /// Around quoted fields.
    pub quote: Option<u32>,
    /// Before characters that would mean something else.
    pub escape: Option<u32>,
    /// After records.
    pub terminator: Ref<Str>,
    /// When fields are quoted.
    pub quoting: Quoting,
    /// Whether a quote in a field is doubled.
    pub double_quote: bool,
    /// Whether space behind a delimiter is skipped.
    pub skip_space: bool,
    /// Whether bad input raises.
    pub strict: bool,
    /// What this makes the characters mean.
    pub meanings: Meanings,
}

/// The options by name; the first is another dialect to begin with.
const OPTIONS: [&str; 9] = [
    "dialect",
    "delimiter",
    "doublequote",
    "escapechar",
    "lineterminator",
    "quotechar",
    "quoting",
    "skipinitialspace",
    "strict",
];

impl Dialect {
    /// A dialect from another, or its name, with changes.
    pub fn make(vm: &Vm, base: Option<&Value>, keywords: KeywordArguments<'_>) -> PyResult<Ref<Dialect>> {
        let mut options: [Option<Value>; 9] = [const { None }; 9];
        options[0] = base.cloned();
        take_keywords(vm, &mut options, keywords)?;
        Dialect::from_options(vm, options)?
            .downcast_into::<Dialect>()
            .map_err(|_| vm.type_error("a dialect is expected"))
    }

    fn from_options(vm: &Vm, mut options: [Option<Value>; 9]) -> PyResult {
        let mut base = options[0].take().filter(|base| !is_none(base));
        if let Some(name) = base.as_ref().filter(|base| base.downcast::<Str>().is_some()) {
            base = Some(registered(vm, name)?);
        }
        if let Some(base) = &base {
            if base.downcast_exact::<Dialect>().is_some() && options.iter().all(Option::is_none) {
                return Ok(base.clone());
            }
            for (option, name) in options.iter_mut().zip(OPTIONS).skip(1) {
                if option.is_none() {
                    *option = vm.get_attribute_optional(base, &vm.intern(name))?;
                }
            }
        }
        let [_, delimiter, double_quote, escape, terminator, quote, quoting, skip_space, strict] = options;
        let truth = |option: Option<Value>, default: bool| match option {
            Some(option) => vm.is_true(&option),
            None => Ok(default),
        };
        let quote_is_none = quote.as_ref().is_some_and(is_none);
        let mut dialect = Dialect {
            delimiter: match &delimiter {
                None => ',' as u32,
                Some(delimiter) => character(vm, "delimiter", delimiter, "a unicode character")?,
            },
            double_quote: truth(double_quote, true)?,
            escape: optional_character(vm, "escapechar", escape.as_ref(), None)?,
            terminator: match terminator {
                None => Str::new("\r\n"),
                Some(terminator) => match terminator.downcast::<Str>() {
                    Some(text) => text.to_ref(),
                    None => {
                        return Err(vm.type_error(format!(
                            "\"lineterminator\" must be a string, not {}",
                            terminator.type_of().full_name()
                        )));
                    }
                },
            },
            quote: optional_character(vm, "quotechar", quote.as_ref(), Some('"' as u32))?,
            quoting: match quoting {
                None if quote_is_none => Quoting::Never,
                None => Quoting::Minimal,
                Some(quoting) => {
                    if !int::is_exact_int(&quoting) {
                        return Err(vm.type_error(format!(
                            "\"quoting\" must be an integer, not {}",
                            quoting.type_of().full_name()
                        )));
                    }
                    int::small_value(&quoting)
                        .and_then(|number| usize::try_from(number).ok())
                        .and_then(|number| Quoting::ALL.get(number).copied())
                        .ok_or_else(|| vm.type_error("bad \"quoting\" value"))?
                }
            },
            skip_space: truth(skip_space, false)?,
            strict: truth(strict, false)?,
            meanings: Meanings::none(),
        };
        dialect.check(vm)?;
        dialect.meanings = Meanings::of(&dialect);
        Ok(Object::new(dialect).into_value())
    }

    fn check(&self, vm: &Vm) -> PyResult<()> {
        if self.quoting != Quoting::Never && self.quote.is_none() {
            return Err(vm.type_error("quotechar must be set if quoting enabled"));
        }
        let delimiter = ("delimiter", Some(self.delimiter));
        let escape = ("escapechar", self.escape);
        let quote = ("quotechar", self.quote);
        for ((name, c), space_allowed) in [(delimiter, true), (escape, !self.skip_space), (quote, !self.skip_space)] {
            let Some(c) = c else { continue };
            if c == '\n' as u32 || c == '\r' as u32 || (c == ' ' as u32 && !space_allowed) {
                return Err(vm.value_error(format!("bad {name} value")));
            }
            if self.terminator.characters().iter().any(|t| t == c) {
                return Err(vm.value_error(format!("bad {name} or lineterminator value")));
            }
        }
        for (one, other) in [(delimiter, escape), (delimiter, quote), (escape, quote)] {
            if one.1.is_some() && one.1 == other.1 {
                return Err(vm.value_error(format!("bad {} or {} value", one.0, other.0)));
            }
        }
        Ok(())
    }
}

fn take_keywords(vm: &Vm, options: &mut [Option<Value>; 9], keywords: KeywordArguments<'_>) -> PyResult<()> {
    for (name, value) in keywords.iter() {
        let Some(text) = name.downcast::<Str>() else { continue };
        match OPTIONS.iter().position(|option| text.equals_str(option)) {
            Some(place) if options[place].is_none() => options[place] = Some(value.clone()),
            Some(place) => {
                return Err(vm.type_error(format!(
                    "argument for function given by name ('{}') and position ({})",
                    OPTIONS[place],
                    place + 1
                )));
            }
            None => {
                return Err(vm.type_error(format!(
                    "this function got an unexpected keyword argument '{}'",
                    text.to_string_lossy()
                )));
            }
        }
    }
    Ok(())
}

fn character(vm: &Vm, name: &str, value: &Value, expected: &str) -> PyResult<u32> {
    let wrong = |got: String| -> Exception { vm.type_error(format!("\"{name}\" must be {expected}, not {got}")) };
    match value.downcast::<Str>() {
        Some(text) if text.length() == 1 => Ok(text.char_at(0)),
        Some(text) => Err(wrong(format!("a string of length {}", text.length()))),
        None => Err(wrong(value.type_of().full_name())),
    }
}

fn optional_character(vm: &Vm, name: &str, value: Option<&Value>, default: Option<u32>) -> PyResult<Option<u32>> {
    match value {
        None => Ok(default),
        Some(value) if is_none(value) => Ok(None),
        Some(value) => character(vm, name, value, "a unicode character or None").map(Some),
    }
}

fn shown(c: Option<u32>) -> Value {
    c.map_or_else(none, |c| Str::from_char(c).into_value())
}

#[pymethods]
impl Dialect {
    #[slot(new)]
    fn new(vm: &Vm, _: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        if positional.len() > OPTIONS.len() {
            return Err(vm.type_error(format!(
                "function takes at most {} arguments ({} given)",
                OPTIONS.len(),
                args.len()
            )));
        }
        let mut options: [Option<Value>; 9] = [const { None }; 9];
        for (option, value) in options.iter_mut().zip(positional) {
            *option = Some(value.clone());
        }
        take_keywords(vm, &mut options, keywords)?;
        Dialect::from_options(vm, options)
    }

    #[getter("delimiter")]
    fn delimiter(&self) -> Value {
        shown(Some(self.delimiter))
    }

    #[getter("escapechar")]
    fn escapechar(&self) -> Value {
        shown(self.escape)
    }

    #[getter("lineterminator")]
    fn lineterminator(&self) -> Ref<Str> {
        self.terminator.clone()
    }

    #[getter("quotechar")]
    fn quotechar(&self) -> Value {
        shown(self.quote)
    }

    #[getter("quoting")]
    fn quoting(&self) -> i32 {
        self.quoting as i32
    }

    #[getter("skipinitialspace", member)]
    fn skipinitialspace(&self) -> bool {
        self.skip_space
    }

    #[getter("doublequote", member)]
    fn doublequote(&self) -> bool {
        self.double_quote
    }

    #[getter("strict", member)]
    fn strict(&self) -> bool {
        self.strict
    }

    /// raises an exception to avoid pickling
    #[method("__reduce__")]
    fn reduce(vm: &Vm, this: &Object<Dialect>, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = (args, names);
        Err(vm.type_error(format!("cannot pickle '{}' instances", this.type_of().name())))
    }

    /// raises an exception to avoid pickling
    #[method("__reduce_ex__")]
    fn reduce_ex(vm: &Vm, this: &Object<Dialect>, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = (args, names);
        Err(vm.type_error(format!("cannot pickle '{}' instances", this.type_of().name())))
    }
}
