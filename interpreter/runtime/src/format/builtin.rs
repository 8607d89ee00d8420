//! `__format__` of the builtin types.

use crate::exceptions::{Exception, PyResult};
use crate::format::int::{to_base, to_decimal};
use crate::format::spec::{Sink, Spec, SpecError};
use crate::object::{Object, Payload, Ref};
use crate::types::complex::Complex;
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::{float, int};
use crate::value::Value;
use crate::vm::Vm;

impl Sink for StrBuilder {
    fn push(&mut self, c: u32) {
        StrBuilder::push(self, c);
    }
    fn push_str(&mut self, text: &str) {
        StrBuilder::push_str(self, text);
    }
    fn push_repeated(&mut self, c: u32, count: usize) {
        StrBuilder::push_repeated(self, c, count);
    }
}

fn raise(vm: &Vm) -> impl Fn(SpecError) -> Exception + '_ {
    |error| vm.value_error(error.0)
}

/// The parsed specification for a value.
fn parse(vm: &Vm, value: &Value, text: &Object<Str>, kind: Option<char>, align: char) -> PyResult<Spec> {
    let characters: Vec<u32> = text.characters().to_vec();
    Spec::parse(&characters, kind, align, &value.type_of().full_name()).map_err(raise(vm))
}

/// Whether a width can be filled at all.
fn check_width(vm: &Vm, spec: &Spec) -> PyResult<()> {
    match spec.width {
        Some(width) if !crate::heap::can_allocate(width) => Err(vm.memory_error()),
        _ => Ok(()),
    }
}

/// `str.__format__`.
///
/// # Errors
/// `ValueError` for what is wrong with the specification.
pub fn format_str(vm: &Vm, value: &Object<Str>, spec: &Object<Str>) -> PyResult<Ref<Str>> {
    let this = value.as_value();
    if spec.length() == 0 {
        return vm.str(&this);
    }
    let spec = parse(vm, &this, spec, Some('s'), '<')?;
    if spec.kind() != 's' {
        return Err(raise(vm)(spec.unknown_kind(&this.type_of().full_name())));
    }
    let (shown, before, behind) = spec.lay_out_text(value.length()).map_err(raise(vm))?;
    check_width(vm, &spec)?;
    if before + behind == 0 {
        return Ok(value.to_exact().slice(0, shown));
    }
    let mut out = StrBuilder::with_capacity(shown + before + behind);
    out.push_repeated(spec.fill, before);
    out.push_characters(value.characters().slice(0, shown));
    out.push_repeated(spec.fill, behind);
    Ok(out.finish())
}

/// `int.__format__`.
///
/// # Errors
/// `ValueError` for what is wrong with the specification, `OverflowError` for what is wrong with the number.
pub fn format_int(vm: &Vm, value: &Value, spec: &Object<Str>) -> PyResult<Ref<Str>> {
    if spec.length() == 0 {
        return vm.str(value);
    }
    let spec = parse(vm, value, spec, Some('d'), '>')?;
    let mut out = StrBuilder::new();
    match spec.kind() {
        'b' | 'c' | 'd' | 'n' | 'o' | 'x' | 'X' => spec.check_integer().map_err(raise(vm))?,
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => {
            spec.float_style().map_err(raise(vm))?;
            check_width(vm, &spec)?;
            spec.float(&mut out, int::as_f64(vm, value)?).map_err(raise(vm))?;
            return Ok(out.finish());
        }
        _ => return Err(raise(vm)(spec.unknown_kind(&value.type_of().full_name()))),
    }
    check_width(vm, &spec)?;
    if spec.kind() == 'c' {
        let c = int::small_value(value)
            .ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))?;
        let c = u32::try_from(c).ok().filter(|&c| c <= 0x10_ffff);
        let c = c.ok_or_else(|| vm.overflow_error("%c arg not in range(0x110000)"))?;
        spec.character(&mut out, c);
        return Ok(out.finish());
    }
    let (negative, digits) = match spec.kind() {
        'b' => to_base(value, 2, false),
        'o' => to_base(value, 8, false),
        'x' => to_base(value, 16, false),
        'X' => to_base(value, 16, true),
        _ => {
            let text = to_decimal(vm, value)?;
            match text.strip_prefix('-') {
                Some(digits) => (true, digits.to_owned()),
                None => (false, text),
            }
        }
    };
    spec.integer(&mut out, negative, &digits);
    Ok(out.finish())
}

/// `float.__format__`.
///
/// # Errors
/// `ValueError` for what is wrong with the specification.
pub fn format_float(vm: &Vm, value: &Value, spec: &Object<Str>) -> PyResult<Ref<Str>> {
    if spec.length() == 0 {
        return vm.str(value);
    }
    let spec = parse(vm, value, spec, None, '>')?;
    if !matches!(spec.kind(), '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%') {
        return Err(raise(vm)(spec.unknown_kind(&value.type_of().full_name())));
    }
    check_width(vm, &spec)?;
    let mut out = StrBuilder::new();
    spec.float(&mut out, float::as_f64(value).unwrap_or(0.0)).map_err(raise(vm))?;
    Ok(out.finish())
}

/// `complex.__format__`.
///
/// # Errors
/// `ValueError` for what is wrong with the specification.
pub fn format_complex(vm: &Vm, value: &Object<Complex>, spec: &Object<Str>) -> PyResult<Ref<Str>> {
    let this = value.as_value();
    if spec.length() == 0 {
        return vm.str(&this);
    }
    let spec = parse(vm, &this, spec, None, '>')?;
    if !matches!(spec.kind(), '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n') {
        return Err(raise(vm)(spec.unknown_kind(&this.type_of().full_name())));
    }
    check_width(vm, &spec)?;
    let mut out = StrBuilder::new();
    let (real, imaginary) = value.parts();
    spec.complex(&mut out, real, imaginary).map_err(raise(vm))?;
    Ok(out.finish())
}

/// The `__format__` of an exact builtin number or text, without looking the method up; nothing for other values.
pub fn format_exact(vm: &Vm, value: &Value, spec: &Object<Str>) -> Option<PyResult<Ref<Str>>> {
    if value.is_small_int() {
        return Some(format_int(vm, value, spec));
    }
    if value.is_small_float() || std::ptr::eq(value.type_of(), float::Float::static_type()) {
        return Some(format_float(vm, value, spec));
    }
    if let Some(text) = value.downcast_exact::<Str>() {
        return Some(format_str(vm, text, spec));
    }
    if int::is_exact_int(value) { Some(format_int(vm, value, spec)) } else { None }
}
