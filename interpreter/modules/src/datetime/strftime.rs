//! `strftime`: what only `datetime` knows is filled in, `time.strftime` does the rest.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::import::import_module;
use rspy_runtime::object::Object;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::text::Digits;
use super::zone;

/// What is formatted.
pub struct Formatted<'a> {
    /// The time tuple.
    pub tuple: &'a Value,
    /// The year, as far as `time.strftime` shows too few digits of it.
    pub year: i32,
    /// The microsecond.
    pub microsecond: i32,
    /// The zone, if there is one.
    pub zone: Option<Value>,
    /// What the zone's methods are called with.
    pub argument: &'a Value,
}

/// Formats by a pattern.
///
/// # Errors
/// What the zone's methods and `time.strftime` raise.
pub fn format(vm: &Vm, pattern: &Object<Str>, formatted: &Formatted<'_>) -> PyResult {
    let module = import_module(vm, "time")?;
    let strftime = vm.get_attribute_str(&module, "strftime")?;
    let characters = pattern.characters();
    let mut out = StrBuilder::with_capacity(characters.len());
    let mut at = 0;
    while at < characters.len() {
        let character = characters.get(at);
        at += 1;
        if character != u32::from(b'%') || at == characters.len() {
            out.push(character);
            continue;
        }
        let directive = characters.get(at);
        at += 1;
        match u8::try_from(directive).unwrap_or(0) {
            b'z' => push_offset(vm, &mut out, formatted, "")?,
            b':' if at < characters.len() && characters.get(at) == u32::from(b'z') => {
                at += 1;
                push_offset(vm, &mut out, formatted, ":")?;
            }
            b'Z' => push_name(vm, &mut out, formatted)?,
            b'f' => {
                let mut digits = Digits::new();
                digits.number(formatted.microsecond, 6);
                push_digits(&mut out, &digits);
            }
            c @ (b'Y' | b'G' | b'F' | b'C') if formatted.year < 1000 => {
                push_year(vm, &mut out, formatted, &strftime, c)?;
            }
            _ => {
                out.push(character);
                out.push(directive);
            }
        }
    }
    vm.call(&strftime, &[out.finish().into_value(), formatted.tuple.clone()])
}

fn push_digits(out: &mut StrBuilder, digits: &Digits) {
    digits.as_slice().iter().for_each(|&byte| out.push(u32::from(byte)));
}

fn push_offset(vm: &Vm, out: &mut StrBuilder, formatted: &Formatted<'_>, separator: &str) -> PyResult<()> {
    if let Some(offset) = zone::utc_offset(vm, formatted.zone.as_ref(), formatted.argument)? {
        let mut digits = Digits::new();
        digits.offset(&offset, separator);
        push_digits(out, &digits);
    }
    Ok(())
}

/// The zone's name becomes part of the pattern, so its percent signs are doubled.
fn push_name(vm: &Vm, out: &mut StrBuilder, formatted: &Formatted<'_>) -> PyResult<()> {
    let name = zone::name(vm, formatted.zone.as_ref(), formatted.argument)?;
    if is_none(&name) {
        return Ok(());
    }
    let doubled = vm.call_method_str(&name, "replace", &[vm.new_str("%"), vm.new_str("%%")])?;
    match doubled.downcast::<Str>() {
        Some(text) => out.push_object(text),
        None => return Err(vm.type_error("tzname.replace() did not return a string")),
    }
    Ok(())
}

/// The C library leaves out the leading zeros of years.
fn push_year(
    vm: &Vm,
    out: &mut StrBuilder,
    formatted: &Formatted<'_>,
    strftime: &Value,
    directive: u8,
) -> PyResult<()> {
    let mut year = formatted.year;
    if directive == b'G' {
        let text = vm.call(strftime, &[vm.new_str("%G"), formatted.tuple.clone()])?;
        let text = vm.str(&text)?;
        year = text.to_string_lossy().trim().parse().unwrap_or(year);
    }
    let mut digits = Digits::new();
    digits.number(year, 4);
    let shown = digits.as_slice();
    let shown = if directive == b'C' { &shown[..shown.len() - 2] } else { shown };
    shown.iter().for_each(|&byte| out.push(u32::from(byte)));
    if directive == b'F' {
        out.push_str("-%m-%d");
    }
    Ok(())
}
