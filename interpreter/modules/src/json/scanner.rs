//! `_json.Scanner`: from JSON to Python objects.

use std::borrow::Cow;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::float::{self, Float};
use rspy_runtime::types::int::{self, Int};
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::{decode_error, expect_str};

/// JSON scanner object
#[pyclass(name = "Scanner", module = "_json", tracked)]
pub struct Scanner {
    strict: bool,
    object_hook: Value,
    object_pairs_hook: Value,
    parse_float: Value,
    parse_int: Value,
    parse_constant: Value,
}

#[pymethods]
impl Scanner {
    #[new("make_scanner(context)")]
    fn new(vm: &Vm, cls: &TypeObject, context: &Value) -> PyResult {
        let setting = |name: &str| vm.get_attribute_str(context, name);
        let scanner = Scanner {
            strict: vm.is_true(&setting("strict")?)?,
            object_hook: setting("object_hook")?,
            object_pairs_hook: setting("object_pairs_hook")?,
            parse_float: setting("parse_float")?,
            parse_int: setting("parse_int")?,
            parse_constant: setting("parse_constant")?,
        };
        Ok(Object::with_type(cls, scanner).into_value())
    }

    /// strict
    #[getter("strict", member)]
    fn strict(&self) -> bool {
        self.strict
    }

    /// object_hook
    #[getter("object_hook", member)]
    fn object_hook(&self) -> Value {
        self.object_hook.clone()
    }

    #[getter("object_pairs_hook", member)]
    fn object_pairs_hook(&self) -> Value {
        self.object_pairs_hook.clone()
    }

    /// parse_float
    #[getter("parse_float", member)]
    fn parse_float(&self) -> Value {
        self.parse_float.clone()
    }

    /// parse_int
    #[getter("parse_int", member)]
    fn parse_int(&self) -> Value {
        self.parse_int.clone()
    }

    /// parse_constant
    #[getter("parse_constant", member)]
    fn parse_constant(&self) -> Value {
        self.parse_constant.clone()
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult {
        let bound = rspy_runtime::arguments::bind(vm, &PARAMETERS, args, names)?;
        let [Some(string), Some(index)] = bound.simple else {
            return Err(vm.type_error("scan_once() missing required argument 'idx' (pos 2)"));
        };
        let index = vm.index_size(index, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        let document = expect_str(vm, string)?;
        let Ok(index) = usize::try_from(index) else { return Err(vm.value_error("idx cannot be negative")) };
        let mut scan =
            Scan { vm, scanner: self, document, text: document.characters(), memo: Dict::new(), index };
        let value = scan.value()?;
        Ok(Tuple::from_values([value, int::new(scan.index as i64)]).into_value())
    }
}

static PARAMETERS: rspy_runtime::arguments::Parameters<2> = rspy_runtime::arguments::Parameters {
    function: "scan_once",
    names: ["string", "idx"],
    required: [true, true],
    interned: rspy_runtime::arguments::InternedNames::NONE,
    positional_only: 0,
    positional: 2,
    rest: false,
    keywords: false,
};

/// A document being read.
struct Scan<'a> {
    vm: &'a Vm,
    scanner: &'a Scanner,
    document: &'a Object<Str>,
    text: Characters<'a>,
    /// Keys seen before, so that equal ones are one object.
    memo: Ref<Dict>,
    index: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u32> {
        (self.index < self.text.len()).then(|| self.text.get(self.index))
    }

    fn peek_char(&self) -> Option<char> {
        self.peek().and_then(char::from_u32)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek_char(), Some(' ' | '\t' | '\n' | '\r')) {
            self.index += 1;
        }
    }

    fn takes(&mut self, word: &str) -> bool {
        let end = self.index + word.len();
        let found =
            end <= self.text.len() && self.text.slice(self.index, end).iter().eq(word.bytes().map(u32::from));
        if found {
            self.index = end;
        }
        found
    }

    fn error(&self, message: &str, position: usize) -> Exception {
        decode_error(self.vm, message, self.document, position as isize)
    }

    /// What tells that no value stands at a position.
    fn no_value(&self, position: usize) -> Exception {
        self.vm.stop_iteration(int::new(position as i64))
    }

    fn value(&mut self) -> PyResult {
        match self.peek_char() {
            Some('"') => {
                let end = self.index as isize + 1;
                let (text, next) = scan_string(self.vm, self.document, end, self.scanner.strict)?;
                self.index = next;
                Ok(text.into_value())
            }
            Some('{') => {
                self.vm.check_stack(" while decoding a JSON object from a unicode string")?;
                self.index += 1;
                self.object()
            }
            Some('[') => {
                self.vm.check_stack(" while decoding a JSON array from a unicode string")?;
                self.index += 1;
                self.array()
            }
            Some('n') if self.takes("null") => Ok(none()),
            Some('t') if self.takes("true") => Ok(boolean(true)),
            Some('f') if self.takes("false") => Ok(boolean(false)),
            Some('N') if self.takes("NaN") => self.constant("NaN"),
            Some('I') if self.takes("Infinity") => self.constant("Infinity"),
            Some('-') if self.takes("-Infinity") => self.constant("-Infinity"),
            _ => self.number(),
        }
    }

    fn constant(&self, name: &str) -> PyResult {
        self.vm.call(&self.scanner.parse_constant, &[self.vm.intern(name).into_value()])
    }

    fn object(&mut self) -> PyResult {
        let with_pairs = !is_none(&self.scanner.object_pairs_hook);
        let (dict, mut pairs) = (Dict::new(), Vec::new());
        self.skip_space();
        if self.peek_char() != Some('}') {
            loop {
                if self.peek_char() != Some('"') {
                    return Err(self.error("Expecting property name enclosed in double quotes", self.index));
                }
                let end = self.index as isize + 1;
                let (key, next) = scan_string(self.vm, self.document, end, self.scanner.strict)?;
                let key = self.memo.get_or_set(self.vm, key.value(), key.clone().into_value())?;
                self.index = next;
                self.skip_space();
                if self.peek_char() != Some(':') {
                    return Err(self.error("Expecting ':' delimiter", self.index));
                }
                self.index += 1;
                self.skip_space();
                let value = self.value()?;
                if with_pairs {
                    pairs.push(Tuple::from_values([key, value]).into_value());
                } else {
                    dict.set(self.vm, &key, value)?;
                }
                if !self.goes_on('}', "Illegal trailing comma before end of object")? {
                    break;
                }
            }
        }
        self.index += 1;
        let hook = |hook: &Value, argument: Value| self.vm.call(hook, &[argument]);
        if with_pairs {
            return hook(&self.scanner.object_pairs_hook, List::from_vec(pairs).into_value());
        }
        if !is_none(&self.scanner.object_hook) {
            return hook(&self.scanner.object_hook, dict.into_value());
        }
        Ok(dict.into_value())
    }

    fn array(&mut self) -> PyResult {
        let mut items = Vec::new();
        self.skip_space();
        if self.peek_char() != Some(']') {
            loop {
                items.push(self.value()?);
                if !self.goes_on(']', "Illegal trailing comma before end of array")? {
                    break;
                }
            }
        }
        self.index += 1;
        Ok(List::from_vec(items).into_value())
    }

    /// Whether another item follows: a comma, or the closing bracket.
    fn goes_on(&mut self, closing: char, trailing: &str) -> PyResult<bool> {
        self.skip_space();
        match self.peek_char() {
            Some(c) if c == closing => Ok(false),
            Some(',') => {
                let comma = self.index;
                self.index += 1;
                self.skip_space();
                if self.peek_char() == Some(closing) {
                    return Err(self.error(trailing, comma));
                }
                Ok(true)
            }
            _ => Err(self.error("Expecting ',' delimiter", self.index)),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.index;
        while matches!(self.peek_char(), Some('0'..='9')) {
            self.index += 1;
        }
        self.index - start
    }

    fn number(&mut self) -> PyResult {
        let start = self.index;
        if self.peek_char() == Some('-') {
            self.index += 1;
        }
        match self.peek_char() {
            Some('1'..='9') => {
                self.digits();
            }
            Some('0') => self.index += 1,
            _ => return Err(self.no_value(start)),
        }
        let mut is_float = false;
        let whole = self.index;
        if self.peek_char() == Some('.') {
            self.index += 1;
            if self.digits() > 0 {
                is_float = true;
            } else {
                self.index = whole;
            }
        }
        let mantissa = self.index;
        if matches!(self.peek_char(), Some('e' | 'E')) {
            self.index += 1;
            if matches!(self.peek_char(), Some('+' | '-')) {
                self.index += 1;
            }
            if self.digits() > 0 {
                is_float = true;
            } else {
                self.index = mantissa;
            }
        }
        let text: Cow<'_, str> = match self.text.slice(start, self.index) {
            Characters::One(digits) => String::from_utf8_lossy(digits),
            digits => Cow::Owned(digits.iter().filter_map(char::from_u32).collect()),
        };
        let vm = self.vm;
        if is_float {
            if !Float::static_type().is(&self.scanner.parse_float) {
                return vm.call(&self.scanner.parse_float, &[vm.new_str(&text)]);
            }
            return Ok(float::new(text.parse().unwrap_or(f64::NAN)));
        }
        if !Int::static_type().is(&self.scanner.parse_int) {
            return vm.call(&self.scanner.parse_int, &[vm.new_str(&text)]);
        }
        match text.parse::<i64>() {
            Ok(number) => Ok(int::new(number)),
            Err(_) => Int::static_type().construct(vm, &[vm.new_str(&text)]),
        }
    }
}

/// Reads a string from behind its opening quote on; answers it and where its closing quote ends.
pub fn scan_string(vm: &Vm, document: &Object<Str>, end: isize, strict: bool) -> PyResult<(Ref<Str>, usize)> {
    let text = document.characters();
    let length = text.len();
    let Some(mut at) = usize::try_from(end).ok().filter(|&end| end <= length) else {
        return Err(vm.value_error("end is out of bounds"));
    };
    let error = |message: &str, position: isize| decode_error(vm, message, document, position);
    let unterminated = || error("Unterminated string starting at", end - 1);
    let mut out: Option<StrBuilder> = None;
    loop {
        let start = at;
        at += match text.slice(at, length) {
            Characters::One(data) => count_plain(data, strict),
            Characters::Two(data) => count_plain(data, strict),
            Characters::Four(data) => count_plain(data, strict),
        };
        if at == length {
            return Err(unterminated());
        }
        let stop = text.get(at);
        if stop <= 0x1f {
            return Err(error("Invalid control character at", at as isize));
        }
        if stop == '"' as u32 {
            let result = match out {
                None => document.slice(start, at),
                Some(mut out) => {
                    out.push_characters(text.slice(start, at));
                    out.finish()
                }
            };
            return Ok((result, at + 1));
        }
        let builder = out.get_or_insert_default();
        builder.push_characters(text.slice(start, at));
        at += 1;
        if at == length {
            return Err(unterminated());
        }
        let escape = text.get(at);
        at += 1;
        if escape != 'u' as u32 {
            let c = match char::from_u32(escape) {
                Some(c @ ('"' | '\\' | '/')) => c,
                Some('b') => '\x08',
                Some('f') => '\x0c',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                _ => return Err(error("Invalid \\escape", at as isize - 2)),
            };
            builder.push(c as u32);
            continue;
        }
        if at + 4 > length {
            return Err(error("Invalid \\uXXXX escape", at as isize - 1));
        }
        let invalid = |at: usize| error("Invalid \\uXXXX escape", at as isize - 1);
        let mut c = hexadecimal(text, at).ok_or_else(|| invalid(at))?;
        at += 4;
        let pair = (0xd800..0xdc00).contains(&c)
            && at + 6 < length
            && text.get(at) == '\\' as u32
            && text.get(at + 1) == 'u' as u32;
        if pair {
            let low = hexadecimal(text, at + 2).ok_or_else(|| invalid(at + 2))?;
            if (0xdc00..0xe000).contains(&low) {
                c = 0x10000 + ((c & 0x3ff) << 10 | low & 0x3ff);
                at += 6;
            }
        }
        builder.push(c);
    }
}

/// How many characters there are before a quote, a backslash, or a control character where these are not allowed.
fn count_plain<C: Copy + Into<u32>>(characters: &[C], strict: bool) -> usize {
    // Whole chunks are looked at without a jump in between.
    const CHUNK: usize = 8;
    let first = if strict { 0x20 } else { 0 };
    let is_plain = |c: &C| {
        let c: u32 = (*c).into();
        (c >= first) & (c != '"' as u32) & (c != '\\' as u32)
    };
    let chunks = characters.chunks_exact(CHUNK);
    let start = chunks.take_while(|chunk| chunk.iter().fold(true, |all, c| all & is_plain(c))).count() * CHUNK;
    let rest = &characters[start..];
    start + rest.iter().position(|c| !is_plain(c)).unwrap_or(rest.len())
}

/// Four hexadecimal digits.
fn hexadecimal(text: Characters<'_>, at: usize) -> Option<u32> {
    (at..at + 4).try_fold(0, |word, at| {
        let digit = char::from_u32(text.get(at)).and_then(|c| c.to_digit(16))?;
        Some(word << 4 | digit)
    })
}
