//! Natural numbers as slices of limbs of nineteen decimal digits, the least significant limb first.
//!
//! Nineteen digits are the most that fit 64 bits, and 10¹⁹ has its leading bit set, so that dividing by it needs two
//! multiplications by a reciprocal and no division. Everything here works on plain slices and knows nothing of signs
//! and exponents.

pub mod convert;
pub mod divide;
pub mod multiply;
pub mod root;
pub mod shift;
#[cfg(test)]
mod tests;
mod transform;

use std::cmp::Ordering;

/// Decimal digits of a limb.
pub const DIGITS: usize = 19;

/// One more than the largest limb.
pub const BASE: u64 = 10_000_000_000_000_000_000;

/// Powers of ten that fit a limb, and the base.
pub const POWERS: [u64; DIGITS + 1] = {
    let mut powers = [1; DIGITS + 1];
    let mut index = 1;
    while index <= DIGITS {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// A divisor with its reciprocal: dividing two words by one takes two multiplications (Möller and Granlund, 2011).
#[derive(Clone, Copy)]
pub struct Divisor {
    /// The divisor, shifted so that its leading bit is set.
    shifted: u64,
    shift: u32,
    /// ⌊(2¹²⁸ - 1) / shifted⌋ - 2⁶⁴.
    reciprocal: u64,
}

impl Divisor {
    /// Prepares a divisor that is not zero.
    pub const fn new(divisor: u64) -> Divisor {
        let shift = divisor.leading_zeros();
        let shifted = divisor << shift;
        // What remains above 2⁶⁴ * shifted: the quotient fits a word.
        let reciprocal = (((!shifted as u128) << 64 | u64::MAX as u128) / shifted as u128) as u64;
        Divisor { shifted, shift, reciprocal }
    }

    /// Quotient and remainder of a dividend whose upper word is less than the divisor.
    #[inline(always)]
    pub const fn divide(self, dividend: u128) -> (u64, u64) {
        let dividend = dividend << self.shift;
        let (high, low) = ((dividend >> 64) as u64, dividend as u64);
        let estimate = (self.reciprocal as u128) * (high as u128);
        let estimate = estimate.wrapping_add(dividend);
        let quotient = ((estimate >> 64) as u64).wrapping_add(1);
        let remainder = low.wrapping_sub(quotient.wrapping_mul(self.shifted));
        // As often as not, so that a branch would be guessed wrong: all bits where the quotient is one too large.
        let excess = ((remainder > estimate as u64) as u64).wrapping_neg();
        let mut quotient = quotient.wrapping_add(excess);
        let mut remainder = remainder.wrapping_add(excess & self.shifted);
        if remainder >= self.shifted {
            quotient = quotient.wrapping_add(1);
            remainder -= self.shifted;
        }
        (quotient, remainder >> self.shift)
    }
}

/// 10¹⁹ as a divisor.
pub const BASE_DIVISOR: Divisor = Divisor::new(BASE);

/// The base or zero, without a branch: whether there is a carry is not to be guessed.
#[inline(always)]
fn base_unless(condition: bool) -> u64 {
    BASE & u64::from(condition).wrapping_sub(1)
}

/// The powers of ten as divisors.
pub static POWER_DIVISORS: [Divisor; DIGITS + 1] = {
    let mut divisors = [Divisor::new(1); DIGITS + 1];
    let mut index = 1;
    while index <= DIGITS {
        divisors[index] = Divisor::new(POWERS[index]);
        index += 1;
    }
    divisors
};

/// The number without leading zeros.
pub fn trimmed(number: &[u64]) -> &[u64] {
    let length = number.iter().rposition(|&limb| limb != 0).map_or(0, |last| last + 1);
    &number[..length]
}

/// Takes leading zeros away.
pub fn trim(number: &mut Vec<u64>) {
    let length = trimmed(number).len();
    number.truncate(length);
}

/// How many decimal digits a word has; 1 for zero.
#[inline]
pub fn word_digits(word: u64) -> usize {
    // log₁₀ 2 is a little more than 1233 / 4096.
    let estimate = ((64 - word.leading_zeros()) as usize * 1233) >> 12;
    (estimate + usize::from(word >= POWERS[estimate])).max(1)
}

/// How many decimal digits a number without leading zeros has; 1 for zero.
pub fn digits(number: &[u64]) -> usize {
    match number.split_last() {
        Some((&top, rest)) => rest.len() * DIGITS + word_digits(top),
        None => 1,
    }
}

/// The order of two numbers without leading zeros.
pub fn compare(left: &[u64], right: &[u64]) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.iter().rev().cmp(right.iter().rev()))
}

/// Adds `other` to `number`, which is at least as long; answers whether there is a carry.
pub fn add_assign(number: &mut [u64], other: &[u64]) -> bool {
    let (low, high) = number.split_at_mut(other.len());
    let mut carry = false;
    for (limb, &added) in low.iter_mut().zip(other) {
        // The sum of two limbs and a carry may be beyond a word.
        let space = BASE - added - u64::from(carry);
        carry = *limb >= space;
        *limb = limb.wrapping_sub(space).wrapping_add(base_unless(carry));
    }
    carry && increment(high)
}

/// Adds one; answers whether there is a carry.
pub fn increment(number: &mut [u64]) -> bool {
    for limb in number {
        if *limb < BASE - 1 {
            *limb += 1;
            return false;
        }
        *limb = 0;
    }
    true
}

/// Subtracts `other` from `number`, which is at least as long; answers whether there is a borrow.
pub fn subtract_assign(number: &mut [u64], other: &[u64]) -> bool {
    let (low, high) = number.split_at_mut(other.len());
    let mut borrow = false;
    for (limb, &taken) in low.iter_mut().zip(other) {
        let taken = taken + u64::from(borrow);
        borrow = *limb < taken;
        *limb = limb.wrapping_sub(taken).wrapping_add(base_unless(!borrow));
    }
    if !borrow {
        return false;
    }
    for limb in high {
        if *limb > 0 {
            *limb -= 1;
            return false;
        }
        *limb = BASE - 1;
    }
    true
}

/// The sum.
pub fn add(left: &[u64], right: &[u64]) -> Vec<u64> {
    let (longer, shorter) = if left.len() >= right.len() { (left, right) } else { (right, left) };
    let mut sum = Vec::with_capacity(longer.len() + 1);
    sum.extend_from_slice(longer);
    if add_assign(&mut sum, shorter) {
        sum.push(1);
    }
    sum
}

/// The difference of a number and one that is not greater.
pub fn subtract(left: &[u64], right: &[u64]) -> Vec<u64> {
    let mut difference = left.to_vec();
    subtract_assign(&mut difference, right);
    trim(&mut difference);
    difference
}

/// Multiplies by a word and adds another; answers what goes beyond.
pub fn multiply_word(number: &mut [u64], factor: u64, added: u64) -> u64 {
    let mut carry = added;
    for limb in number {
        let product = u128::from(*limb) * u128::from(factor) + u128::from(carry);
        (carry, *limb) = BASE_DIVISOR.divide(product);
    }
    carry
}

/// Divides by a word; answers the remainder.
pub fn divide_word(number: &mut [u64], divisor: u64) -> u64 {
    let prepared = Divisor::new(divisor);
    let mut remainder = 0;
    for limb in number.iter_mut().rev() {
        let dividend = u128::from(remainder) * u128::from(BASE) + u128::from(*limb);
        (*limb, remainder) = prepared.divide(dividend);
    }
    remainder
}
