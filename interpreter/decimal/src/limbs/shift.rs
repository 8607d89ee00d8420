//! Multiplication and division by powers of ten.

use std::cmp::Ordering;

use super::{DIGITS, POWER_DIVISORS, POWERS, trim};

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
    /// From the rest of a division by a unit, and whether there is more below that.
    #[inline]
    pub fn new(rest: u64, unit: u64, more: bool) -> Lost {
        match rest.cmp(&(unit / 2)) {
            Ordering::Less if rest == 0 && !more => Lost::Nothing,
            Ordering::Less => Lost::BelowHalf,
            Ordering::Equal if !more => Lost::Half,
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
        let (cut, factor) = (POWER_DIVISORS[DIGITS - digits], POWERS[digits]);
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
            let (cut, factor) = (POWER_DIVISORS[digits], POWERS[DIGITS - digits]);
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
#[inline]
pub fn right_to_two(number: &[u64], count: usize) -> ([u64; 2], Lost) {
    let (limbs, digits) = (count / DIGITS, count % DIGITS);
    let limb = |index: usize| number.get(limbs + index).copied().unwrap_or(0);
    if digits == 0 {
        return ([limb(0), limb(1)], lost(number, count));
    }
    let (cut, factor) = (POWER_DIVISORS[digits], POWERS[DIGITS - digits]);
    let (first, rest) = cut.divide(u128::from(limb(0)));
    let (second, carried) = cut.divide(u128::from(limb(1)));
    let (third, carried_high) = cut.divide(u128::from(limb(2)));
    debug_assert!(third == 0 && limb(3) == 0, "more than two limbs are left");
    let more = number[..limbs].iter().any(|&limb| limb != 0);
    ([first + carried * factor, second + carried_high * factor], Lost::new(rest, POWERS[digits], more))
}

/// What a shift to the right by `count`, which is not zero, loses.
fn lost(number: &[u64], count: usize) -> Lost {
    let (limbs, digits) = (count / DIGITS, count % DIGITS);
    let (limbs, digits) = if digits == 0 { (limbs - 1, DIGITS) } else { (limbs, digits) };
    let Some(&word) = number.get(limbs) else {
        return if number.is_empty() { Lost::Nothing } else { Lost::BelowHalf };
    };
    let rest = if digits == DIGITS { word } else { POWER_DIVISORS[digits].divide(u128::from(word)).1 };
    Lost::new(rest, POWERS[digits], number[..limbs].iter().any(|&limb| limb != 0))
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
