//! `bytes % values` (PEP 461).

use crate::buffer;
use crate::exceptions::PyResult;
use crate::names;
use crate::types::bytes::{ByteArray, Bytes};
use crate::types::int;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// One conversion: what stands between `%` and the next literal byte.
#[derive(Default)]
struct Conversion {
    flags: Vec<u8>,
    width: Option<i64>,
    precision: Option<i64>,
    kind: u8,
}

/// Where the values come from.
struct Values<'a> {
    vm: &'a Vm,
    given: &'a Value,
    items: &'a [Value],
    next: usize,
    /// Whether a value was found by key.
    by_key: bool,
}

impl Values<'_> {
    fn next(&mut self) -> PyResult {
        let item = self.items.get(self.next).cloned();
        self.next += 1;
        item.ok_or_else(|| self.vm.type_error("not enough arguments for format string"))
    }

    fn is_mapping(&self) -> bool {
        let given = self.given;
        given.type_of().slots().get_item.get().is_some()
            && given.downcast::<Tuple>().is_none()
            && given.downcast::<Bytes>().is_none()
            && given.downcast::<ByteArray>().is_none()
            && given.downcast::<Str>().is_none()
    }
}

/// The template with its conversions replaced by the values.
///
/// # Errors
/// `TypeError` and `ValueError` where template and values do not fit.
pub(super) fn format(vm: &Vm, template: &[u8], given: &Value) -> PyResult<Vec<u8>> {
    let items = match given.downcast::<Tuple>() {
        Some(tuple) => tuple.payload().items(),
        None => std::slice::from_ref(given),
    };
    let mut values = Values { vm, given, items, next: 0, by_key: false };
    let mut out = Vec::with_capacity(template.len() + 100);
    let mut at = 0;
    while let Some(skip) = memchr::memchr(b'%', &template[at..]) {
        out.extend_from_slice(&template[at..at + skip]);
        at = convert(&mut values, template, at + skip + 1, &mut out)?;
    }
    out.extend_from_slice(&template[at..]);
    let all_used =
        values.next >= values.items.len() || (given.downcast::<Tuple>().is_none() && values.is_mapping());
    if !all_used && !values.by_key {
        return Err(vm.type_error("not all arguments converted during bytes formatting"));
    }
    Ok(out)
}

/// One conversion that begins at `at`, behind its `%`; answers where it ends.
fn convert(values: &mut Values<'_>, template: &[u8], mut at: usize, out: &mut Vec<u8>) -> PyResult<usize> {
    let vm = values.vm;
    let mut keyed = None;
    if template.get(at) == Some(&b'(') {
        let end =
            matching_parenthesis(template, at + 1).ok_or_else(|| vm.value_error("incomplete format key"))?;
        if !values.is_mapping() {
            return Err(vm.type_error("format requires a mapping"));
        }
        let key = Bytes::new(&template[at + 1..end]).into_value();
        keyed = Some(vm.get_item(values.given, &key)?);
        values.by_key = true;
        at = end + 1;
    }
    let mut conversion = Conversion::default();
    while let Some(flag @ (b'-' | b'+' | b' ' | b'#' | b'0')) = template.get(at) {
        conversion.flags.push(*flag);
        at += 1;
    }
    conversion.width = number(values, template, &mut at, "width too big")?;
    if let Some(width) = conversion.width
        && width < 0
    {
        conversion.flags.push(b'-');
        conversion.width = Some(-width);
    }
    if template.get(at) == Some(&b'.') {
        at += 1;
        let precision = number(values, template, &mut at, "prec too big")?.unwrap_or(0);
        conversion.precision = Some(precision.max(0));
    }
    while matches!(template.get(at), Some(b'h' | b'l' | b'L')) {
        at += 1;
    }
    let Some(&kind) = template.get(at) else { return Err(vm.value_error("incomplete format")) };
    conversion.kind = kind;
    if kind == b'%' {
        out.push(b'%');
        return Ok(at + 1);
    }
    let value = match keyed {
        Some(value) => value,
        None => values.next()?,
    };
    let text = match kind {
        b's' | b'b' => bytes_of(vm, &value)?,
        b'r' | b'a' => vm.ascii(&value)?.bytes().to_vec(),
        b'c' => vec![byte_of(vm, &value)?],
        b'd' | b'i' | b'u' | b'o' | b'x' | b'X' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' => {
            out.extend(number_text(vm, &conversion, value)?);
            return Ok(at + 1);
        }
        other => {
            return Err(vm.value_error(format!(
                "unsupported format character '{}' (0x{other:x}) at index {at}",
                other as char
            )));
        }
    };
    let shown = match conversion.precision {
        Some(precision) if kind != b'c' => &text[..text.len().min(precision as usize)],
        _ => &text[..],
    };
    let fill = (conversion.width.unwrap_or(0) as usize).saturating_sub(shown.len());
    let left = conversion.flags.contains(&b'-');
    if !left {
        out.resize(out.len() + fill, b' ');
    }
    out.extend_from_slice(shown);
    if left {
        out.resize(out.len() + fill, b' ');
    }
    Ok(at + 1)
}

fn matching_parenthesis(template: &[u8], start: usize) -> Option<usize> {
    let mut depth = 1;
    for (index, byte) in template.iter().enumerate().skip(start) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(index);
        }
    }
    None
}

/// A width or precision: digits, or `*` for the next value.
fn number(values: &mut Values<'_>, template: &[u8], at: &mut usize, too_big: &str) -> PyResult<Option<i64>> {
    let vm = values.vm;
    if template.get(*at) == Some(&b'*') {
        *at += 1;
        let value = values.next()?;
        if !int::is_int(&value) {
            return Err(vm.type_error("* wants int"));
        }
        let number = int::small_value(&value)
            .ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        return Ok(Some(number));
    }
    let mut number = None;
    while let Some(digit @ b'0'..=b'9') = template.get(*at) {
        let next =
            number.unwrap_or(0i64).checked_mul(10).and_then(|n| n.checked_add(i64::from(digit - b'0')));
        number = Some(next.ok_or_else(|| vm.value_error(too_big))?);
        *at += 1;
    }
    Ok(number)
}

fn bytes_of(vm: &Vm, value: &Value) -> PyResult<Vec<u8>> {
    if let Some(bytes) = value.downcast_exact::<Bytes>() {
        return Ok(bytes.as_slice().to_vec());
    }
    if let Some(array) = value.downcast_exact::<ByteArray>() {
        return Ok(array.borrow().clone());
    }
    if let Some(answer) = vm.call_special(value, &names::__bytes__, &[])? {
        return match answer.downcast::<Bytes>() {
            Some(bytes) => Ok(bytes.as_slice().to_vec()),
            None => Err(vm
                .type_error(format!("__bytes__ returned non-bytes (type {})", answer.type_of().full_name()))),
        };
    }
    if buffer::has_buffer(value) {
        return Ok(buffer::view_with(vm, value, buffer::flags::FULL_RO)?.to_vec());
    }
    Err(vm.type_error(format!(
        "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'",
        value.type_of().full_name()
    )))
}

fn byte_of(vm: &Vm, value: &Value) -> PyResult<u8> {
    let wrong_length = |length: usize, name: &str| {
        vm.type_error(format!(
            "%c requires an integer in range(256) or a single byte, not a {name} object of length {length}"
        ))
    };
    if let Some(bytes) = value.downcast::<Bytes>() {
        return match bytes.as_slice() {
            [byte] => Ok(*byte),
            other => Err(wrong_length(other.len(), "bytes")),
        };
    }
    if let Some(array) = value.downcast::<ByteArray>() {
        return match &array.borrow()[..] {
            [byte] => Ok(*byte),
            other => Err(wrong_length(other.len(), "bytearray")),
        };
    }
    if value.type_of().slots().index.get().is_none() {
        return Err(vm.type_error(format!(
            "%c requires an integer in range(256) or a single byte, not {}",
            value.type_of().full_name()
        )));
    }
    let index = vm.index(value)?;
    int::small_value(&index)
        .and_then(|number| u8::try_from(number).ok())
        .ok_or_else(|| vm.overflow_error("%c arg not in range(256)"))
}

/// A number as `str % value` shows it.
fn number_text(vm: &Vm, conversion: &Conversion, value: Value) -> PyResult<Vec<u8>> {
    let mut template = String::from("%");
    template.extend(conversion.flags.iter().map(|&flag| flag as char));
    if let Some(width) = conversion.width {
        template.push_str(&width.to_string());
    }
    if let Some(precision) = conversion.precision {
        template.push('.');
        template.push_str(&precision.to_string());
    }
    template.push(conversion.kind as char);
    let template = Str::new(&template);
    let values = Tuple::from_values([value]).into_value();
    let shown = crate::format::percent::format(vm, &template, &values)?;
    Ok(shown.bytes().to_vec())
}
