//! Numbers written as lines of text, as the oldest protocol has them.

use rspy_runtime::codecs::errors::Errors;
use rspy_runtime::codecs::utf8;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::Payload;
use rspy_runtime::types::float;
use rspy_runtime::types::int::Int;
use rspy_runtime::types::string::build::from_ascii;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// An `int` from the decimal digits of a line; what stands behind a zero byte does not count.
///
/// # Errors
/// `ValueError` where they are none.
pub fn int_of_line(vm: &Vm, line: &[u8]) -> PyResult {
    let line = until_zero(line);
    // Unlike `int`, C knows neither other digits nor other spaces.
    if line.iter().any(|&c| !c.is_ascii() || (0x1c..=0x1f).contains(&c)) {
        return Err(invalid_int(vm, line));
    }
    let parsed = Int::static_type().construct(vm, &[from_ascii(line).into_value(), Value::int(10)]);
    match parsed {
        // Other errors are those of `int`: there are too many digits, or the text is short.
        Err(_) if line.len() > SHOWN && line.iter().any(u8::is_ascii_alphabetic) => Err(invalid_int(vm, line)),
        parsed => parsed,
    }
}

/// How much of a text that is no number is looked at and shown.
const SHOWN: usize = 200;

fn invalid_int(vm: &Vm, line: &[u8]) -> Exception {
    let shown = utf8::decode(vm, &line[..line.len().min(SHOWN)], &Errors::strict(), true);
    match shown.and_then(|(text, _)| vm.repr(text.value())) {
        Ok(shown) => {
            let shown = shown.to_string_lossy();
            let shown: String = shown.chars().take(SHOWN).collect();
            vm.value_error(format!("invalid literal for int() with base 10: {shown}"))
        }
        Err(error) => error,
    }
}

fn until_zero(line: &[u8]) -> &[u8] {
    line.split(|&c| c == 0).next().unwrap_or_default()
}

/// A `float` from its text.
///
/// # Errors
/// `ValueError` where the line is none, `OverflowError` where it is too large.
pub fn float_of_line(vm: &Vm, line: &[u8]) -> PyResult {
    let until = until_zero(line);
    // What is shown ends where C sees the end of the text.
    let end = if until.len() == line.len() { "\n" } else { "" };
    let line = until;
    let length = number_length(line);
    let shown = || format!("{}{end}", String::from_utf8_lossy(line));
    if length == 0 {
        return Err(vm.value_error(format!("could not convert string to float: '{}'", shown())));
    }
    if length < line.len() {
        return Err(vm.value_error("could not convert string to float"));
    }
    match std::str::from_utf8(line).ok().and_then(|text| text.parse::<f64>().ok()) {
        Some(number) if number.is_infinite() && line.iter().any(u8::is_ascii_digit) => Err(vm.overflow_error(
            format!("value too large to convert to float: '{}'", shown()),
        )),
        Some(number) => Ok(float::new(number)),
        None => Err(vm.value_error("could not convert string to float")),
    }
}

/// How many bytes at the beginning make a number.
fn number_length(line: &[u8]) -> usize {
    let sign = usize::from(matches!(line.first(), Some(b'+' | b'-')));
    let body = &line[sign..];
    for word in ["infinity", "inf", "nan"] {
        if body.len() >= word.len() && body[..word.len()].eq_ignore_ascii_case(word.as_bytes()) {
            return sign + word.len();
        }
    }
    let digits = |from: usize| body[from.min(body.len())..].iter().take_while(|c| c.is_ascii_digit()).count();
    let whole = digits(0);
    let mut length = whole;
    let mut fraction = 0;
    if body.get(length) == Some(&b'.') {
        fraction = digits(length + 1);
        length += 1 + fraction;
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(body.get(length), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(body.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + signed);
        if exponent > 0 {
            length += 1 + signed + exponent;
        }
    }
    sign + length
}
