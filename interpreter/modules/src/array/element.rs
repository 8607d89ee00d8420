//! What an array holds: the type code, and elements from bytes to values and back.

use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::types::float;
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The type of an array's elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TypeCode(u8);

/// All codes in the order in which they are shown.
pub const CODES: &str = "bBuwhHiIlLqQfd";

impl TypeCode {
    /// The type of a code.
    pub fn new(code: u32) -> Option<TypeCode> {
        let code = u8::try_from(code).ok()?;
        CODES.as_bytes().contains(&code).then_some(TypeCode(code))
    }

    /// The code.
    pub fn code(self) -> char {
        self.0 as char
    }

    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self.0 {
            b'b' | b'B' => 1,
            b'h' | b'H' => 2,
            b'i' | b'I' | b'f' | b'u' | b'w' => 4,
            _ => 8,
        }
    }

    /// Whether the elements are characters.
    pub fn is_text(self) -> bool {
        matches!(self.0, b'u' | b'w')
    }

    /// The number by which `pickle` knows how elements lie in memory.
    pub fn machine_format(self) -> i32 {
        let big = i32::from(cfg!(target_endian = "big"));
        match self.0 {
            b'B' => 0,
            b'b' => 1,
            b'H' => 2 + big,
            b'h' => 4 + big,
            b'I' => 6 + big,
            b'i' => 8 + big,
            b'L' | b'Q' => 10 + big,
            b'l' | b'q' => 12 + big,
            b'f' => 14 + big,
            b'd' => 16 + big,
            _ => 20 + big,
        }
    }

    /// The value of an element.
    pub fn get(self, bytes: &[u8]) -> Value {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        let word = u64::from_ne_bytes(word);
        match self.0 {
            b'b' => int::new(i64::from(word as i8)),
            b'h' => int::new(i64::from(word as i16)),
            b'i' => int::new(i64::from(word as i32)),
            b'l' | b'q' => int::new(word as i64),
            b'f' => float::new(f64::from(f32::from_bits(word as u32))),
            b'd' => float::new(f64::from_bits(word)),
            b'u' | b'w' => Str::from_char(word as u32).into_value(),
            _ => int::from_i128(i128::from(word)),
        }
    }

    /// Appends a value's element.
    pub fn put(self, vm: &Vm, value: &Value, out: &mut Vec<u8>) -> PyResult<()> {
        match self.0 {
            b'f' => out.extend_from_slice(&(float::to_f64(vm, value)? as f32).to_ne_bytes()),
            b'd' => out.extend_from_slice(&float::to_f64(vm, value)?.to_ne_bytes()),
            b'u' | b'w' => out.extend_from_slice(&self.character(vm, value)?.to_ne_bytes()),
            _ => {
                let number = self.integer(vm, value)?;
                out.extend_from_slice(&number.to_ne_bytes()[..self.size()]);
            }
        }
        Ok(())
    }

    fn character(self, vm: &Vm, value: &Value) -> PyResult<u32> {
        let wrong = |got: String| vm.type_error(format!("array item must be a unicode character, not {got}"));
        match value.downcast::<Str>() {
            Some(text) if text.length() == 1 => Ok(text.char_at(0)),
            Some(text) => Err(wrong(format!("a string of length {}", text.length()))),
            None => Err(wrong(value.type_of().full_name())),
        }
    }

    /// The integer as the low bits of a word.
    fn integer(self, vm: &Vm, value: &Value) -> PyResult<u64> {
        let index = vm.index(value)?;
        let bits = 8 * self.size() as u32;
        let signed = self.0.is_ascii_lowercase();
        let (least, most) = if signed {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1i128 << bits) - 1)
        };
        let number = match int::small_value(&index) {
            Some(small) => Some(i128::from(small)),
            None => int::borrow_big(&index).and_then(|big| i128::try_from(big.as_ref()).ok()),
        };
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(number as u64),
            None => Err(self.out_of_range(vm, int::sign(&index) < 0)),
        }
    }

    fn out_of_range(self, vm: &Vm, negative: bool) -> Exception {
        let ordinary = |what: &str| {
            let end = if negative { "less than minimum" } else { "greater than maximum" };
            vm.overflow_error(format!("{what} is {end}"))
        };
        match self.0 {
            b'b' => ordinary("signed char"),
            b'B' => ordinary("unsigned byte integer"),
            b'h' => ordinary("signed short integer"),
            b'H' => ordinary("unsigned short"),
            b'i' => ordinary("signed integer"),
            b'I' | b'L' if negative => vm.overflow_error("can't convert negative value to unsigned int"),
            b'I' => ordinary("unsigned int"),
            b'l' => vm.overflow_error("Python int too large to convert to C long"),
            b'L' => vm.overflow_error("Python int too large to convert to C unsigned long"),
            b'Q' if negative => vm.overflow_error("can't convert negative int to unsigned"),
            _ => vm.overflow_error("int too big to convert"),
        }
    }
}
