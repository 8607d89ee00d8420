//! Multiplication and division by powers of ten.

use super::{DIGITS, Divisor, POWERS, trim};

/// What a shift to the right loses, compared with half a unit of the last digit that stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Lost {
    /// Zeros alone.
    Nothing,
    /// Less than a half.
    BelowHalf,
    /// Exactly a half.
    Half,
    /// More than a half.
    AboveHalf,
}

impl Lost {
    /// From the most significant digit that goes and whether one of the others is not zero.
    pub fn new(digit: u64, others: bool) -> Lost {
        match (digit, others) {
            (0, false) => Lost::Nothing,
            (0..5, _) => Lost::BelowHalf,
            (5, false) => Lost::Half,
            _ => Lost::AboveHalf,
        }
    }
}

/// The number times `10 ** count`.
pub fn left(number: &[u64], count: usize) -> Vec<u64> {
    let (limbs, digits) = (count / DIGITS, count % DIGITS);
    let mut shifted = Vec::with_capacity(number.len() + limbs + 1);
    shifted.resize(limbs, 0);
    if digits == 0 {
        shifted.extend_from_slice(number);
    } else {
        let (cut, factor) = (Divisor::new(POWERS[DIGITS - digits]), POWERS[digits]);
        let mut carry = 0;
        for &limb in number {
            let (high, low) = cut.divide(u128::from(limb));
            shifted.push(low * factor + carry);
            carry = high;
        }
        shifted.push(carry);
    }
    trim(&mut shifted);
    shifted
}

/// The number divided by `10 ** count`, and what that loses.
pub fn right(number: &[u64], count: usize) -> (Vec<u64>, Lost) {
    let (limbs, digits) = (count / DIGITS, count % DIGITS);
    if count == 0 {
        return (number.to_vec(), Lost::Nothing);
    }
    let lost = lost(number, count);
    let mut shifted = Vec::new();
    if limbs < number.len() {
        shifted.reserve(number.len() - limbs);
        if digits == 0 {
            shifted.extend_from_slice(&number[limbs..]);
        } else {
            let (cut, factor) = (Divisor::new(POWERS[digits]), POWERS[DIGITS - digits]);
            let mut limbs = number[limbs..].iter();
            let mut high = limbs.next().map_or(0, |&limb| cut.divide(u128::from(limb)).0);
            for &limb in limbs {
                let (next, low) = cut.divide(u128::from(limb));
                shifted.push(low * factor + high);
                high = next;
            }
            shifted.push(high);
        }
    }
    trim(&mut shifted);
    (shifted, lost)
}

/// As [`right`], for numbers of at most four limbs that leave at most two.
pub fn right_to_two(number: &[u64], count: usize) -> ([u64; 2], Lost) {
    let (limbs, digits) = (count / DIGITS, count % DIGITS);
    let limb = |index: usize| number.get(limbs + index).copied().unwrap_or(0);
    let shifted = if digits == 0 {
        [limb(0), limb(1)]
    } else {
        let (divisor, factor) = (POWERS[digits], POWERS[DIGITS - digits]);
        [limb(0) / divisor + limb(1) % divisor * factor, limb(1) / divisor + limb(2) % divisor * factor]
    };
    (shifted, lost(number, count))
}

/// What a shift to the right by `count`, which is not zero, loses.
fn lost(number: &[u64], count: usize) -> Lost {
    let (limb, digit) = ((count - 1) / DIGITS, (count - 1) % DIGITS);
    let Some(&word) = number.get(limb) else {
        return if number.is_empty() { Lost::Nothing } else { Lost::BelowHalf };
    };
    let power = POWERS[digit];
    let others = word % power != 0 || number[..limb].iter().any(|&limb| limb != 0);
    Lost::new(word / power % 10, others)
}

/// The lowest `count` digits.
pub fn low_digits(number: &[u64], count: usize) -> Vec<u64> {
    let (limbs, digits) = (count / DIGITS, count % DIGITS);
    let mut low = number[..number.len().min(limbs + usize::from(digits > 0))].to_vec();
    if digits > 0
        && let Some(top) = low.get_mut(limbs)
    {
        *top %= POWERS[digits];
    }
    trim(&mut low);
    low
}

/// How many zeros a number that is not zero ends in.
pub fn trailing_zeros(number: &[u64]) -> usize {
    let limbs = number.iter().take_while(|&&limb| limb == 0).count();
    limbs * DIGITS + number.get(limbs).map_or(0, |&limb| word_trailing_zeros(limb))
}

/// How many zeros a word that is not zero ends in.
pub fn word_trailing_zeros(mut word: u64) -> usize {
    let mut count = 0;
    for step in [16, 8, 4, 2, 1] {
        if word.is_multiple_of(POWERS[step]) {
            word /= POWERS[step];
            count += step;
        }
    }
    count
}
