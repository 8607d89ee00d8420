//! Making arrays from their pickled form, whose elements may lie in memory as on another machine.

use num_bigint::{BigInt, Sign};
use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::Payload;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::float;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::element::TypeCode;
use super::{Array, type_character, type_code};

/// The functions of the module.
pub struct Functions;

/// How elements lie in a pickled array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Integer { signed: bool },
    Float,
    Utf16,
    Utf32,
}

/// A pickled array's layout by its number: kind, bytes of an element, and whether the most significant comes first.
fn machine_format(number: i64) -> Option<(Kind, usize, bool)> {
    let (kind, size) = match number {
        0 => (Kind::Integer { signed: false }, 1),
        1 => (Kind::Integer { signed: true }, 1),
        2 | 3 => (Kind::Integer { signed: false }, 2),
        4 | 5 => (Kind::Integer { signed: true }, 2),
        6 | 7 => (Kind::Integer { signed: false }, 4),
        8 | 9 => (Kind::Integer { signed: true }, 4),
        10 | 11 => (Kind::Integer { signed: false }, 8),
        12 | 13 => (Kind::Integer { signed: true }, 8),
        14 | 15 => (Kind::Float, 4),
        16 | 17 => (Kind::Float, 8),
        18 | 19 => (Kind::Utf16, 2),
        20 | 21 => (Kind::Utf32, 4),
        _ => return None,
    };
    Some((kind, size, number > 1 && number % 2 == 1))
}

/// The function that `pickle` calls.
pub fn reconstructor(vm: &Vm) -> PyResult {
    let module = rspy_runtime::import::import_module(vm, "array")?;
    vm.get_attribute_str(&module, "_array_reconstructor")
}

/// The values of pickled elements.
fn values(kind: Kind, size: usize, big_endian: bool, bytes: &[u8]) -> Vec<Value> {
    let elements = bytes.chunks_exact(size).map(|element| {
        let mut element = element.to_vec();
        if big_endian {
            element.reverse();
        }
        element
    });
    match kind {
        Kind::Integer { signed: true } => {
            elements.map(|element| int::from_big(BigInt::from_signed_bytes_le(&element))).collect()
        }
        Kind::Integer { signed: false } => {
            elements.map(|element| int::from_big(BigInt::from_bytes_le(Sign::Plus, &element))).collect()
        }
        Kind::Float => elements
            .map(|element| {
                let word = element.iter().rev().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
                float::new(if size == 4 { f64::from(f32::from_bits(word as u32)) } else { f64::from_bits(word) })
            })
            .collect(),
        Kind::Utf16 => {
            let units = elements.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            char::decode_utf16(units)
                .map(|c| c.map_or_else(|error| u32::from(error.unpaired_surrogate()), |c| c as u32))
                .map(|c| Str::from_char(c).into_value())
                .collect()
        }
        Kind::Utf32 => elements
            .map(|c| Str::from_char(u32::from_le_bytes([c[0], c[1], c[2], c[3]])).into_value())
            .collect(),
    }
}

/// The code whose elements are integers of this kind, if the asked one is not; for what was pickled where a code
/// meant something else.
fn native_code(asked: TypeCode, kind: Kind, size: usize) -> TypeCode {
    let Kind::Integer { signed } = kind else { return asked };
    let asked_format = machine_format(i64::from(asked.machine_format()));
    if asked_format.is_some_and(|(asked_kind, asked_size, _)| (asked_kind, asked_size) == (kind, size)) {
        return asked;
    }
    let code = match (size, signed) {
        (1, true) => 'b',
        (1, false) => 'B',
        (2, true) => 'h',
        (2, false) => 'H',
        (4, true) => 'i',
        (4, false) => 'I',
        (_, true) => 'l',
        (_, false) => 'L',
    };
    TypeCode::new(code as u32).unwrap_or(asked)
}

#[pyfunctions]
impl Functions {
    /// Internal. Used for pickling support.
    #[function("_array_reconstructor(arraytype, typecode, mformat_code, items, /)")]
    fn reconstruct(
        vm: &Vm,
        arraytype: &Value,
        typecode: &Value,
        mformat_code: i32,
        items: &Value,
    ) -> PyResult {
        let Some(class) = arraytype.downcast::<Type>() else {
            return Err(vm.type_error(format!(
                "first argument must be a type object, not {}",
                arraytype.type_of().full_name()
            )));
        };
        if !class.is_subtype(Array::static_type()) {
            return Err(vm.type_error(format!("{} is not a subtype of {}", class.full_name(), "array.array")));
        }
        let asked = type_character(vm, typecode).and_then(|character| type_code(vm, character)).map_err(|error| {
            if error.is_value_error() {
                vm.value_error("second argument must be a valid type code")
            } else {
                error
            }
        })?;
        let Some((kind, size, big_endian)) = machine_format(i64::from(mformat_code)) else {
            return Err(vm.value_error("third argument must be a valid machine format code."));
        };
        let Some(bytes) = items.downcast::<Bytes>() else {
            return Err(vm.type_error(format!(
                "fourth argument should be bytes, not {}",
                items.type_of().full_name()
            )));
        };
        if !bytes.len().is_multiple_of(size) {
            return Err(vm.value_error("bytes length not a multiple of item size"));
        }
        let code = native_code(asked, kind, size);
        let values = List::from_vec(values(kind, size, big_endian, bytes.as_slice()));
        class.construct(vm, &[vm.new_str(&code.code().to_string()), values.into_value()])
    }
}
