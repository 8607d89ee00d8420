//! `%` formatting of `str`, `bytes` and `bytearray`.

use crate::exceptions::{Exception, PyResult};
use crate::format::float::{Notation, Style, render};
use crate::format::int::{to_base, to_decimal};
use crate::format::spec::Sink;
use crate::names;
use crate::object::{Object, Ref};
use crate::types::bytes::{ByteArray, Bytes};
use crate::types::complex::Complex;
use crate::types::string::build::StrBuilder;
use crate::types::string::{Str, same_or_made};
use crate::types::tuple::Tuple;
use crate::types::{float, int};
use crate::value::Value;
use crate::vm::Vm;

/// `format % args` of `str`.
///
/// # Errors
/// What is wrong with the format or the arguments, and what converting them raises.
pub fn format_str(vm: &Vm, format: &Object<Str>, args: &Value) -> PyResult<Ref<Str>> {
    let characters: Vec<u32> = format.characters().to_vec();
    let is_mapping =
        is_subscriptable(args) && args.downcast::<Tuple>().is_none() && args.downcast::<Str>().is_none();
    let mut formatter =
        Formatter::new(vm, &characters, args, is_mapping, false, StrBuilder::with_capacity(characters.len()));
    formatter.run()?;
    let out = formatter.out.finish();
    let only = match args.downcast_exact::<Tuple>().map(|args| args.items()) {
        Some([]) => return Ok(same_or_made(format, out)),
        Some([only]) => only,
        Some(_) => return Ok(out),
        None => args,
    };
    Ok(match only.downcast_exact::<Str>() {
        Some(only) => same_or_made(only, out),
        None => out,
    })
}

/// `format % args` of `bytes` and `bytearray`.
///
/// # Errors
/// What is wrong with the format or the arguments, and what converting them raises.
pub fn format_bytes(vm: &Vm, format: &[u8], args: &Value) -> PyResult<Vec<u8>> {
    let characters: Vec<u32> = format.iter().map(|&byte| u32::from(byte)).collect();
    let is_mapping = is_subscriptable(args)
        && args.downcast::<Tuple>().is_none()
        && args.downcast::<Bytes>().is_none()
        && args.downcast::<ByteArray>().is_none()
        && args.downcast::<Str>().is_none();
    let mut formatter =
        Formatter::new(vm, &characters, args, is_mapping, true, ByteSink(Vec::with_capacity(format.len())));
    formatter.run()?;
    Ok(formatter.out.0)
}

fn is_subscriptable(value: &Value) -> bool {
    value.type_of().slots().get_item.get().is_some()
}

/// Collects bytes.
struct ByteSink(Vec<u8>);

impl Sink for ByteSink {
    fn push(&mut self, c: u32) {
        self.0.push(c as u8);
    }
}

/// What stands between `%` and the conversion.
#[derive(Default)]
struct Directive {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    conversion: u32,
}

/// The texts that a conversion makes: a sign, a prefix, and what follows.
struct Converted {
    sign: Option<char>,
    prefix: &'static str,
    text: Vec<u32>,
    /// Whether zeros may fill the width.
    number: bool,
}

struct Formatter<'a, S> {
    vm: &'a Vm,
    format: &'a [u32],
    position: usize,
    args: &'a Value,
    /// The value that the last key gave; it is the only argument until the next key.
    keyed: Option<Value>,
    is_mapping: bool,
    is_bytes: bool,
    /// How many arguments have been used.
    used: usize,
    out: S,
}

impl<'a, S: Sink> Formatter<'a, S> {
    const fn new(
        vm: &'a Vm,
        format: &'a [u32],
        args: &'a Value,
        is_mapping: bool,
        is_bytes: bool,
        out: S,
    ) -> Self {
        Formatter { vm, format, position: 0, args, keyed: None, is_mapping, is_bytes, used: 0, out }
    }

    fn run(&mut self) -> PyResult<()> {
        while let Some(&c) = self.format.get(self.position) {
            self.position += 1;
            if c == '%' as u32 {
                self.directive()?;
            } else {
                self.out.push(c);
            }
        }
        let rest = match self.args.downcast::<Tuple>() {
            Some(args) if self.keyed.is_none() => self.used < args.items().len(),
            _ => self.used == 0,
        };
        if rest && !self.is_mapping {
            let what = if self.is_bytes { "bytes" } else { "string" };
            return Err(self.vm.type_error(format!("not all arguments converted during {what} formatting")));
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.format.get(self.position).map(|&c| char::from_u32(c).unwrap_or('\u{fffd}'))
    }

    fn next_argument(&mut self) -> PyResult {
        let argument = match (&self.keyed, self.args.downcast::<Tuple>()) {
            (Some(keyed), _) => (self.used == 0).then(|| keyed.clone()),
            (None, Some(args)) => args.items().get(self.used).cloned(),
            (None, None) => (self.used == 0).then(|| self.args.clone()),
        };
        self.used += 1;
        argument.ok_or_else(|| self.vm.type_error("not enough arguments for format string"))
    }

    fn directive(&mut self) -> PyResult<()> {
        if self.peek() == Some('%') {
            self.position += 1;
            self.out.push('%' as u32);
            return Ok(());
        }
        if self.peek() == Some('(') {
            self.key()?;
        }
        let mut directive = Directive::default();
        self.flags(&mut directive);
        self.width(&mut directive)?;
        self.precision(&mut directive)?;
        if matches!(self.peek(), Some('h' | 'l' | 'L')) {
            self.position += 1;
        }
        let Some(&conversion) = self.format.get(self.position) else {
            return Err(self.vm.value_error("incomplete format"));
        };
        self.position += 1;
        directive.conversion = conversion;
        let argument = self.next_argument()?;
        let converted = self.convert(&directive, &argument)?;
        self.write(&directive, &converted)
    }

    /// `(key)`, in which parentheses nest.
    fn key(&mut self) -> PyResult<()> {
        if !self.is_mapping {
            return Err(self.vm.type_error("format requires a mapping"));
        }
        let start = self.position + 1;
        let mut depth = 1;
        let mut at = start;
        while depth > 0 {
            match self.format.get(at).map(|&c| char::from_u32(c)) {
                None => return Err(self.vm.value_error("incomplete format key")),
                Some(Some('(')) => depth += 1,
                Some(Some(')')) => depth -= 1,
                Some(_) => {}
            }
            at += 1;
        }
        let key = &self.format[start..at - 1];
        let key = if self.is_bytes {
            Bytes::new(key.iter().map(|&c| c as u8).collect::<Vec<u8>>()).into_value()
        } else {
            Str::from_code_points(key).into_value()
        };
        self.position = at;
        self.keyed = Some(self.vm.get_item(self.args, &key)?);
        self.used = 0;
        Ok(())
    }

    fn flags(&mut self, directive: &mut Directive) {
        while let Some(c) = self.peek() {
            match c {
                '-' => directive.left = true,
                '+' => directive.plus = true,
                ' ' => directive.blank = true,
                '#' => directive.alternate = true,
                '0' => directive.zero = true,
                _ => break,
            }
            self.position += 1;
        }
    }

    /// The argument that `*` stands for.
    fn star(&mut self) -> PyResult {
        self.position += 1;
        let argument = self.next_argument()?;
        if int::is_int(&argument) { Ok(argument) } else { Err(self.vm.type_error("* wants int")) }
    }

    fn number(&mut self, most: usize, too_big: &str) -> PyResult<usize> {
        let mut number = 0usize;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let next = number.checked_mul(10).and_then(|tens| tens.checked_add(digit as usize));
            number = next.filter(|&next| next <= most).ok_or_else(|| self.vm.value_error(too_big))?;
            self.position += 1;
        }
        Ok(number)
    }

    fn width(&mut self, directive: &mut Directive) -> PyResult<()> {
        if self.peek() != Some('*') {
            directive.width = self.number(isize::MAX as usize, "width too big")?;
            return Ok(());
        }
        let width = self.star()?;
        let width = int::small_value(&width)
            .ok_or_else(|| self.vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        if width == i64::MIN {
            return Err(self.vm.overflow_error("width too big"));
        }
        directive.left |= width < 0;
        directive.width = width.unsigned_abs() as usize;
        Ok(())
    }

    fn precision(&mut self, directive: &mut Directive) -> PyResult<()> {
        if self.peek() != Some('.') {
            return Ok(());
        }
        self.position += 1;
        if self.peek() != Some('*') {
            let too_big = if self.is_bytes { "prec too big" } else { "precision too big" };
            directive.precision = Some(self.number(i32::MAX as usize, too_big)?);
            return Ok(());
        }
        let precision = self.star()?;
        let precision = int::small_value(&precision).and_then(|precision| i32::try_from(precision).ok());
        let precision =
            precision.ok_or_else(|| self.vm.overflow_error("Python int too large to convert to C int"))?;
        directive.precision = Some(precision.max(0) as usize);
        Ok(())
    }

    fn convert(&self, directive: &Directive, argument: &Value) -> PyResult<Converted> {
        let conversion = char::from_u32(directive.conversion).unwrap_or('\u{fffd}');
        match conversion {
            's' | 'r' | 'a' => self.convert_text(directive, conversion, argument),
            'b' if self.is_bytes => self.convert_text(directive, 's', argument),
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => self.convert_integer(directive, conversion, argument),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => self.convert_float(directive, conversion, argument),
            'c' => Ok(Converted::text(vec![self.convert_character(argument)?])),
            _ => Err(self.unsupported(directive.conversion)),
        }
    }

    fn unsupported(&self, conversion: u32) -> Exception {
        let at = self.position - 1;
        let shown = match char::from_u32(conversion).unwrap_or('?') {
            c @ ' '..='~' => c,
            _ if self.is_bytes && conversion >= 0x80 => {
                return self.vm.overflow_error("character argument not in range(0x110000)");
            }
            c if self.is_bytes => c,
            '\x1f' => '\x1f',
            _ => '?',
        };
        self.vm.value_error(format!("unsupported format character '{shown}' ({conversion:#x}) at index {at}"))
    }

    fn convert_text(&self, directive: &Directive, conversion: char, argument: &Value) -> PyResult<Converted> {
        let vm = self.vm;
        let mut text: Vec<u32> = match conversion {
            's' if self.is_bytes => bytes_of(vm, argument)?.into_iter().map(u32::from).collect(),
            's' => vm.str(argument)?.characters().to_vec(),
            'r' if !self.is_bytes => vm.repr(argument)?.characters().to_vec(),
            _ => vm.ascii(argument)?.characters().to_vec(),
        };
        if let Some(precision) = directive.precision {
            text.truncate(precision);
        }
        Ok(Converted::text(text))
    }

    fn convert_integer(
        &self,
        directive: &Directive,
        conversion: char,
        argument: &Value,
    ) -> PyResult<Converted> {
        let vm = self.vm;
        let number = if int::is_int(argument) {
            argument.clone()
        } else {
            let whole = matches!(conversion, 'o' | 'x' | 'X');
            let converted = if whole { index_of(vm, argument) } else { whole_part(vm, argument) };
            converted.map_err(|error| {
                if !error.is_type_error() {
                    return error;
                }
                let what = if whole { "an integer" } else { "a real number" };
                let got = argument.type_of().full_name();
                vm.type_error(format!("%{conversion} format: {what} is required, not {got}"))
            })?
        };
        let (negative, digits) = match conversion {
            'o' => to_base(&number, 8, false),
            'x' => to_base(&number, 16, false),
            'X' => to_base(&number, 16, true),
            _ => {
                let text = to_decimal(vm, &number)?;
                match text.strip_prefix('-') {
                    Some(digits) => (true, digits.to_owned()),
                    None => (false, text),
                }
            }
        };
        let zeros = directive.precision.unwrap_or(0).saturating_sub(digits.len());
        if !crate::heap::can_allocate(zeros) {
            return Err(vm.memory_error());
        }
        let mut text = vec!['0' as u32; zeros];
        text.extend(digits.bytes().map(u32::from));
        let prefix = match conversion {
            'o' if directive.alternate => "0o",
            'x' if directive.alternate => "0x",
            'X' if directive.alternate => "0X",
            _ => "",
        };
        Ok(Converted { sign: directive.sign(negative), prefix, text, number: true })
    }

    fn convert_float(
        &self,
        directive: &Directive,
        conversion: char,
        argument: &Value,
    ) -> PyResult<Converted> {
        let vm = self.vm;
        let value = float::to_f64(vm, argument).map_err(|error| {
            if self.is_bytes {
                vm.type_error(format!("float argument required, not {}", argument.type_of().full_name()))
            } else {
                error
            }
        })?;
        let notation = match conversion {
            'e' | 'E' => Notation::Exponent,
            'f' | 'F' => Notation::Fixed,
            _ => Notation::General,
        };
        let precision = directive.precision.unwrap_or(6);
        if precision >= super::spec::PRECISION_LIMIT {
            return Err(self.vm.value_error("precision too big"));
        }
        if !crate::heap::can_allocate(precision) {
            return Err(vm.memory_error());
        }
        let style = Style {
            alternate: directive.alternate,
            upper: conversion.is_ascii_uppercase(),
            ..Style::new(notation, precision)
        };
        let text = render(value, style);
        let (negative, digits) = text.strip_prefix('-').map_or((false, &text[..]), |digits| (true, digits));
        let text = digits.bytes().map(u32::from).collect();
        Ok(Converted { sign: directive.sign(negative), prefix: "", text, number: true })
    }

    fn convert_character(&self, argument: &Value) -> PyResult<u32> {
        let vm = self.vm;
        if self.is_bytes {
            return self.convert_byte(argument);
        }
        let wrong =
            |what: String| vm.type_error(format!("%c requires an int or a unicode character, not {what}"));
        if let Some(text) = argument.downcast::<Str>() {
            return match text.length() {
                1 => Ok(text.char_at(0)),
                length => Err(wrong(format!("a string of length {length}"))),
            };
        }
        let number = index_of(vm, argument)
            .map_err(|error| if error.is_type_error() { wrong(qualified(vm, argument)) } else { error })?;
        let c = int::small_value(&number).and_then(|c| u32::try_from(c).ok()).filter(|&c| c <= 0x10_ffff);
        c.ok_or_else(|| vm.overflow_error("%c arg not in range(0x110000)"))
    }

    fn convert_byte(&self, argument: &Value) -> PyResult<u32> {
        let vm = self.vm;
        let wrong = |what: String| {
            vm.type_error(format!("%c requires an integer in range(256) or a single byte, not {what}"))
        };
        if argument.downcast::<Bytes>().is_some() || argument.downcast::<ByteArray>().is_some() {
            let bytes = bytes_of(vm, argument)?;
            return match bytes[..] {
                [byte] => Ok(u32::from(byte)),
                _ => Err(wrong(format!(
                    "a {} object of length {}",
                    argument.type_of().full_name(),
                    bytes.len()
                ))),
            };
        }
        let number = index_of(vm, argument)
            .map_err(|error| if error.is_type_error() { wrong(qualified(vm, argument)) } else { error })?;
        let byte = int::small_value(&number).and_then(|byte| u8::try_from(byte).ok());
        byte.map(u32::from).ok_or_else(|| vm.overflow_error("%c arg not in range(256)"))
    }

    fn write(&mut self, directive: &Directive, converted: &Converted) -> PyResult<()> {
        let length = usize::from(converted.sign.is_some()) + converted.prefix.len() + converted.text.len();
        let missing = directive.width.saturating_sub(length);
        if !crate::heap::can_allocate(missing) {
            return Err(self.vm.memory_error());
        }
        let zeros = directive.zero && converted.number && !directive.left;
        if !directive.left && !zeros {
            self.out.push_repeated(' ' as u32, missing);
        }
        if let Some(sign) = converted.sign {
            self.out.push(sign as u32);
        }
        self.out.push_str(converted.prefix);
        if zeros {
            self.out.push_repeated('0' as u32, missing);
        }
        converted.text.iter().for_each(|&c| self.out.push(c));
        if directive.left {
            self.out.push_repeated(' ' as u32, missing);
        }
        Ok(())
    }
}

impl Directive {
    const fn sign(&self, negative: bool) -> Option<char> {
        match (negative, self.plus, self.blank) {
            (true, ..) => Some('-'),
            (_, true, _) => Some('+'),
            (_, _, true) => Some(' '),
            _ => None,
        }
    }
}

impl Converted {
    const fn text(text: Vec<u32>) -> Converted {
        Converted { sign: None, prefix: "", text, number: false }
    }
}

/// What `__index__` answers; a `TypeError` where there is no such method.
fn index_of(vm: &Vm, value: &Value) -> PyResult {
    vm.index(value)
}

/// What `int(value)` answers for numbers; a `TypeError` for everything else.
fn whole_part(vm: &Vm, value: &Value) -> PyResult {
    let slots = value.type_of().slots();
    if let Some(convert) = slots.int.get() {
        let number = convert(vm, value)?;
        if int::is_int(&number) {
            return Ok(number);
        }
        return Err(
            vm.type_error(format!("__int__ returned non-int (type {})", number.type_of().full_name()))
        );
    }
    if value.downcast::<Complex>().is_some() {
        return Err(vm.type_error("int() argument must be a real number"));
    }
    vm.index(value)
}

/// The bytes that `%s` of bytes shows: those of `__bytes__` or of the buffer.
fn bytes_of(vm: &Vm, value: &Value) -> PyResult<Vec<u8>> {
    if let Some(bytes) = value.downcast_exact::<Bytes>() {
        return Ok(bytes.as_slice().to_vec());
    }
    if let Some(answer) = vm.call_special(value, &names::__bytes__, &[])? {
        return match answer.downcast::<Bytes>() {
            Some(bytes) => Ok(bytes.as_slice().to_vec()),
            None => Err(vm
                .type_error(format!("__bytes__ returned non-bytes (type {})", answer.type_of().full_name()))),
        };
    }
    if value.type_of().slots().buffer.get().is_some() {
        return Ok(crate::buffer::view(vm, value)?.to_vec());
    }
    Err(vm.type_error(format!(
        "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'",
        value.type_of().full_name()
    )))
}

/// The name of an argument's type with its module.
fn qualified(vm: &Vm, argument: &Value) -> String {
    let typ = argument.type_of();
    let name = typ.qualified_name(vm).to_string_lossy().into_owned();
    let module = match typ.is_heap() {
        true => typ.dict().get_str(&crate::names::__module__),
        false => Some(vm.new_str(typ.native().module)),
    };
    match module.as_ref().and_then(|module| module.downcast::<Str>()) {
        Some(module) if !module.equals_str("builtins") && !module.equals_str("__main__") => {
            format!("{}.{name}", module.to_string_lossy())
        }
        _ => name,
    }
}
