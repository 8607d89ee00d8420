//! Numbers written as lines of text, as the oldest protocol has them.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::Payload;
use rspy_runtime::types::float;
use rspy_runtime::types::int::Int;
use rspy_runtime::types::string::build::from_latin1;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// An `int` from its decimal digits.
///
/// # Errors
/// `ValueError` where they are none.
pub fn long_of_line(vm: &Vm, line: &[u8]) -> PyResult {
    let mut line = line.to_vec();
    line.push(b'\n');
    Int::static_type().construct(vm, &[from_latin1(&line).into_value(), Value::int(10)])
}

/// A `float` from its text.
///
/// # Errors
/// `ValueError` where the line is none, `OverflowError` where it is too large.
pub fn float_of_line(vm: &Vm, line: &[u8]) -> PyResult {
    let length = number_length(line);
    let shown = || String::from_utf8_lossy(line).into_owned();
    if length == 0 {
        return Err(vm.value_error(format!("could not convert string to float: '{}\n'", shown())));
    }
    if length < line.len() {
        return Err(vm.value_error("could not convert string to float"));
    }
    match std::str::from_utf8(line).ok().and_then(|text| text.parse::<f64>().ok()) {
        Some(number) if number.is_infinite() && line.iter().any(u8::is_ascii_digit) => Err(vm.overflow_error(
            format!("value too large to convert to float: '{}\n'", shown()),
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
