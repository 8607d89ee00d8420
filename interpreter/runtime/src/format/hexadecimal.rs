//! `float.hex` and `float.fromhex`: exact hexadecimal texts of floats.

/// Why a text is no hexadecimal float.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HexError {
    /// It has another form.
    Invalid,
    /// The number is too large.
    TooLarge,
}

impl HexError {
    /// CPython's message.
    pub const fn message(self) -> &'static str {
        match self {
            HexError::Invalid => "invalid hexadecimal floating-point string",
            HexError::TooLarge => "hexadecimal value too large to represent as a float",
        }
    }
}

/// `value.hex()`.
pub fn to_hex(value: f64) -> String {
    if !value.is_finite() {
        return crate::format::float::repr(value);
    }
    let bits = value.to_bits();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    match (exponent, fraction) {
        (0, 0) => format!("{sign}0x0.0p+0"),
        (0, _) => format!("{sign}0x0.{fraction:013x}p-1022"),
        _ => format!("{sign}0x1.{fraction:013x}p{:+}", exponent - 1023),
    }
}

/// The float that a text without white space around it means.
///
/// # Errors
/// Why it means none.
pub fn from_hex(text: &str) -> Result<f64, HexError> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = magnitude(rest)?;
    Ok(if negative { -magnitude } else { magnitude })
}

fn magnitude(text: &str) -> Result<f64, HexError> {
    match text.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Ok(f64::INFINITY),
        "nan" => return Ok(f64::NAN),
        _ => {}
    }
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (whole, rest) = text.split_at(digits(text));
    let rest_of_point = rest.strip_prefix('.');
    let (fraction, rest) = rest_of_point.map_or(("", rest), |rest| rest.split_at(digits(rest)));
    if whole.len() + fraction.len() == 0 {
        return Err(HexError::Invalid);
    }
    let (exponent, rest) = match rest.strip_prefix(['p', 'P']) {
        Some(rest) => parse_exponent(rest)?,
        None => (0, rest),
    };
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let value = if digits.is_empty() { 0.0 } else { scale(digits, exponent - 4 * fraction.len() as i128)? };
    if rest.is_empty() { Ok(value) } else { Err(HexError::Invalid) }
}

/// A decimal exponent, which saturates far beyond any float's, and what follows it.
fn parse_exponent(text: &str) -> Result<(i128, &str), HexError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, rest) = unsigned.split_at(unsigned.bytes().take_while(u8::is_ascii_digit).count());
    if digits.is_empty() {
        return Err(HexError::Invalid);
    }
    let value = digits.bytes().fold(0i128, |value, byte| (value * 10 + i128::from(byte - b'0')).min(1 << 64));
    Ok((if text.starts_with('-') { -value } else { value }, rest))
}

/// Hexadecimal digits, the first of which is not zero, times a power of two; rounded to nearest, ties to even.
fn scale(digits: &str, exponent: i128) -> Result<f64, HexError> {
    const KEPT: usize = 16;
    let mut mantissa: u128 = 0;
    let mut sticky = false;
    for (index, byte) in digits.bytes().enumerate() {
        let digit = u128::from((byte as char).to_digit(16).unwrap_or(0));
        if index < KEPT {
            mantissa = mantissa << 4 | digit;
        } else {
            sticky |= digit != 0;
        }
    }
    let exponent = exponent + 4 * digits.len().saturating_sub(KEPT) as i128;
    // The position of the leading bit decides how many bits the float keeps.
    let leading = i128::from(127 - mantissa.leading_zeros()) + exponent;
    if leading > 1023 {
        return Err(HexError::TooLarge);
    }
    if leading < -1080 {
        return Ok(0.0);
    }
    let lowest = (leading - 52).max(-1074);
    let drop = lowest - exponent;
    let rounded = if drop <= 0 {
        mantissa << (-drop) as u32
    } else if drop >= 127 {
        0
    } else {
        let drop = drop as u32;
        let kept = mantissa >> drop;
        let rest = mantissa & ((1 << drop) - 1);
        let half = 1u128 << (drop - 1);
        let up = rest > half || (rest == half && (sticky || kept & 1 == 1));
        kept + u128::from(up)
    };
    let value = assemble(rounded as u64, lowest as i32);
    if value.is_infinite() { Err(HexError::TooLarge) } else { Ok(value) }
}

/// A number of at most 53 bits, or 2⁵³, times a power of two.
fn assemble(mantissa: u64, exponent: i32) -> f64 {
    if exponent == -1074 {
        // Subnormal, or carried into the first normal binade: the representation is continuous there.
        return f64::from_bits(mantissa);
    }
    let half = exponent / 2;
    mantissa as f64 * 2f64.powi(half) * 2f64.powi(exponent - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for value in [
            0.0,
            -0.0,
            1.0,
            0.1,
            -3.75,
            5e-324,
            2.2250738585072014e-308,
            2.225073858507201e-308,
            f64::MAX,
            1e-310,
        ] {
            assert_eq!(from_hex(&to_hex(value)).map(f64::to_bits), Ok(value.to_bits()), "{value}");
        }
        assert_eq!(to_hex(1.0), "0x1.0000000000000p+0");
        assert_eq!(to_hex(-0.1), "-0x1.999999999999ap-4");
    }

    #[test]
    fn other_forms() {
        assert_eq!(from_hex("0x.8p1"), Ok(1.0));
        assert_eq!(from_hex("a"), Ok(10.0));
        assert_eq!(from_hex("0x1p-1075"), Ok(0.0));
        assert_eq!(from_hex("0x1.8p-1075"), Ok(5e-324));
        assert_eq!(from_hex("0x1p1024"), Err(HexError::TooLarge));
        assert_eq!(from_hex("0x1.fffffffffffff8p1023"), Err(HexError::TooLarge));
        assert_eq!(from_hex("0x1.fffffffffffff7p1023"), Ok(f64::MAX));
        for wrong in ["", "0x", "0xg", "1p", "p1", "1.2.3", "0x1p+", "--1"] {
            assert_eq!(from_hex(wrong), Err(HexError::Invalid), "{wrong}");
        }
    }
}
