//! Conversion between limbs and binary digits, by halves, so that it is as fast as multiplication.

use num_bigint::BigUint;

use super::multiply::{multiply, square};
use super::{BASE, add_assign, multiply_word, trim};

/// Up to so many digits of either base are converted one after the other.
const DIRECT: usize = 40;

/// The limbs of a number whose binary digits of 64 bits are given, the least significant first.
pub fn from_binary(digits: &[u64]) -> Vec<u64> {
    // 2 ** (64 * DIRECT * 2 ** i) for each level of halves.
    let mut powers: Vec<Vec<u64>> = Vec::new();
    let mut length = DIRECT;
    while length < digits.len() {
        let power = match powers.last() {
            Some(last) => {
                let mut power = square(last);
                trim(&mut power);
                power
            }
            None => {
                let mut unit = vec![0; DIRECT];
                unit.push(1);
                from_binary_directly(&unit)
            }
        };
        powers.push(power);
        length *= 2;
    }
    from_binary_by_halves(digits, &powers)
}

fn from_binary_by_halves(digits: &[u64], powers: &[Vec<u64>]) -> Vec<u64> {
    let Some((power, powers)) = powers.split_last() else { return from_binary_directly(digits) };
    let half = DIRECT << powers.len();
    if digits.len() <= half {
        return from_binary_by_halves(digits, powers);
    }
    let low = from_binary_by_halves(&digits[..half], powers);
    let high = from_binary_by_halves(&digits[half..], powers);
    let mut number = multiply(&high, power);
    number.resize(number.len().max(low.len()) + 1, 0);
    add_assign(&mut number, &low);
    trim(&mut number);
    number
}

fn from_binary_directly(digits: &[u64]) -> Vec<u64> {
    let mut number = Vec::with_capacity(digits.len() + digits.len() / 50 + 1);
    for &digit in digits.iter().rev() {
        // Times 2 ** 64, in two steps that a word has room for.
        let carry = multiply_word(&mut number, 1 << 32, digit >> 32);
        push_carry(&mut number, carry);
        let carry = multiply_word(&mut number, 1 << 32, digit & 0xFFFF_FFFF);
        push_carry(&mut number, carry);
    }
    number
}

fn push_carry(number: &mut Vec<u64>, carry: u64) {
    if carry != 0 {
        number.push(carry);
    }
}

/// The number in binary.
pub fn to_binary(number: &[u64]) -> BigUint {
    // BASE ** (DIRECT * 2 ** i) for each level of halves.
    let mut powers: Vec<BigUint> = Vec::new();
    let mut length = DIRECT;
    while length < number.len() {
        let power = match powers.last() {
            Some(last) => last * last,
            None => BigUint::from(BASE).pow(DIRECT as u32),
        };
        powers.push(power);
        length *= 2;
    }
    to_binary_by_halves(number, &powers)
}

fn to_binary_by_halves(number: &[u64], powers: &[BigUint]) -> BigUint {
    let Some((power, powers)) = powers.split_last() else { return to_binary_directly(number) };
    let half = DIRECT << powers.len();
    if number.len() <= half {
        return to_binary_by_halves(number, powers);
    }
    let low = to_binary_by_halves(&number[..half], powers);
    to_binary_by_halves(&number[half..], powers) * power + low
}

fn to_binary_directly(number: &[u64]) -> BigUint {
    let mut digits: Vec<u64> = Vec::with_capacity(number.len());
    for &limb in number.iter().rev() {
        let mut carry = limb;
        for digit in &mut digits {
            let product = u128::from(*digit) * u128::from(BASE) + u128::from(carry);
            *digit = product as u64;
            carry = (product >> 64) as u64;
        }
        push_carry(&mut digits, carry);
    }
    BigUint::new(digits.iter().flat_map(|&digit| [digit as u32, (digit >> 32) as u32]).collect())
}
