//! Division: Knuth's algorithm D for small numbers, recursive division (Burnikel and Ziegler, 1998) for large ones,
//! which is as fast as the multiplication that it rests on.

use super::multiply::multiply;
use super::{
    BASE, BASE_DIVISOR, Divisor, add, add_assign, base_unless, compare, divide_word, multiply_word,
    subtract_assign, trim, trimmed,
};

/// Divisors with fewer limbs are divided by directly.
const RECURSIVE: usize = 60;

/// Quotient and remainder, without leading zeros; neither operand has any, and the divisor is not zero.
pub fn divide(dividend: &[u64], divisor: &[u64]) -> (Vec<u64>, Vec<u64>) {
    if compare(dividend, divisor).is_lt() {
        return (Vec::new(), dividend.to_vec());
    }
    if let [divisor] = *divisor {
        let mut quotient = dividend.to_vec();
        let remainder = divide_word(&mut quotient, divisor);
        trim(&mut quotient);
        return (quotient, if remainder == 0 { Vec::new() } else { vec![remainder] });
    }
    // The divisor's leading limb is to be at least half of the base.
    let factor = BASE / (divisor[divisor.len() - 1] + 1);
    let mut dividend = dividend.to_vec();
    let carry = multiply_word(&mut dividend, factor, 0);
    dividend.push(carry);
    let mut divisor = divisor.to_vec();
    multiply_word(&mut divisor, factor, 0);

    let quotient_length = dividend.len() - divisor.len();
    let (mut quotient, mut remainder) = if divisor.len() < RECURSIVE || quotient_length < RECURSIVE {
        let mut quotient = vec![0; quotient_length];
        divide_directly(&mut quotient, &mut dividend, &divisor);
        dividend.truncate(divisor.len());
        (quotient, dividend)
    } else {
        divide_blocks(&dividend, &divisor)
    };
    trim(&mut quotient);
    divide_word(&mut remainder, factor);
    trim(&mut remainder);
    (quotient, remainder)
}

/// Divides four limbs by up to two; answers the quotient and whether there is a remainder.
pub fn divide_small(dividend: [u64; 4], divisor: [u64; 2]) -> ([u64; 4], bool) {
    let [low, high] = divisor;
    if high == 0 {
        let mut quotient = dividend;
        let remainder = divide_word(&mut quotient, low);
        return (quotient, remainder != 0);
    }
    let factor = BASE / (high + 1);
    let mut divisor = divisor;
    multiply_word(&mut divisor, factor, 0);
    let mut rest = [0; 5];
    rest[..4].copy_from_slice(&dividend);
    rest[4] = multiply_word(&mut rest[..4], factor, 0);
    let mut quotient = [0; 4];
    divide_directly(&mut quotient[..3], &mut rest, &divisor);
    (quotient, rest[..2] != [0, 0])
}

/// Algorithm D. The dividend's upper limbs are less than the divisor; what stays of it is the remainder.
fn divide_directly(quotient: &mut [u64], dividend: &mut [u64], divisor: &[u64]) {
    let length = divisor.len();
    let (leading, second) = (divisor[length - 1], divisor[length - 2]);
    let prepared = Divisor::new(leading);
    for place in (0..quotient.len()).rev() {
        let window = &mut dividend[place..=place + length];
        let (top, below) = (window[length], window[length - 1]);
        if top == 0 && below < leading {
            quotient[place] = 0;
            continue;
        }
        let (mut digit, mut rest) = if top >= leading {
            (BASE - 1, u128::from(below) + u128::from(leading))
        } else {
            let (digit, rest) = prepared.divide(u128::from(top) * u128::from(BASE) + u128::from(below));
            (digit, u128::from(rest))
        };
        while rest < u128::from(BASE)
            && u128::from(digit) * u128::from(second)
                > rest * u128::from(BASE) + u128::from(window[length - 2])
        {
            digit -= 1;
            rest += u128::from(leading);
        }
        if subtract_product(window, divisor, digit) {
            digit -= 1;
            let (low, high) = window.split_at_mut(length);
            let carry = add_assign(low, divisor);
            high[0] = (high[0] + u64::from(carry)) % BASE;
        }
        quotient[place] = digit;
    }
}

/// Subtracts `divisor * digit` from a window that is one limb longer; answers whether there is a borrow.
fn subtract_product(window: &mut [u64], divisor: &[u64], digit: u64) -> bool {
    let mut carry = 0u64;
    for (limb, &factor) in window.iter_mut().zip(divisor) {
        let product = u128::from(factor) * u128::from(digit) + u128::from(carry);
        let (high, low) = BASE_DIVISOR.divide(product);
        let borrow = *limb < low;
        *limb = limb.wrapping_sub(low).wrapping_add(base_unless(!borrow));
        carry = high + u64::from(borrow);
    }
    let top = &mut window[divisor.len()];
    let borrow = *top < carry;
    *top = top.wrapping_sub(carry).wrapping_add(base_unless(!borrow));
    borrow
}

/// Divides block by block, each as long as the divisor.
fn divide_blocks(dividend: &[u64], divisor: &[u64]) -> (Vec<u64>, Vec<u64>) {
    // The length is to be halved until it is small: it is padded so that it can be.
    let mut length = divisor.len();
    let mut halvings = 0;
    while length >= RECURSIVE {
        length = length.div_ceil(2);
        halvings += 1;
    }
    length <<= halvings;
    let padding = length - divisor.len();
    let mut padded = vec![0; padding];
    padded.extend_from_slice(divisor);
    let mut extended = vec![0; padding];
    extended.extend_from_slice(dividend);
    extended.resize(extended.len().next_multiple_of(length), 0);
    // The upper block is to be less than the divisor.
    if compare(trimmed(&extended[extended.len() - length..]), &padded).is_ge() {
        extended.resize(extended.len() + length, 0);
    }
    let blocks = extended.len() / length;
    let mut quotient = vec![0; (blocks - 1) * length];
    let mut remainder = extended[(blocks - 1) * length..].to_vec();
    for block in (0..blocks - 1).rev() {
        let mut window = extended[block * length..(block + 1) * length].to_vec();
        window.extend_from_slice(&remainder);
        divide_double(&mut quotient[block * length..(block + 1) * length], &mut window, &padded);
        window.truncate(length);
        remainder = window;
    }
    remainder.drain(..padding);
    (quotient, remainder)
}

/// Divides a number by one of half its length, which is greater than its upper half; what stays is the remainder.
fn divide_double(quotient: &mut [u64], dividend: &mut [u64], divisor: &[u64]) {
    let length = divisor.len();
    if length < RECURSIVE || length % 2 == 1 {
        // One limb more, which is zero, is what the direct way wants.
        let mut window = dividend.to_vec();
        window.push(0);
        let mut digits = vec![0; length + 1];
        divide_directly(&mut digits, &mut window, divisor);
        quotient.copy_from_slice(&digits[..length]);
        dividend.copy_from_slice(&window[..2 * length]);
        return;
    }
    let half = length / 2;
    let (low, high) = quotient.split_at_mut(half);
    divide_three_halves(high, &mut dividend[half..], divisor);
    divide_three_halves(low, &mut dividend[..3 * half], divisor);
}

/// Divides three halves by two; what stays is the remainder.
fn divide_three_halves(quotient: &mut [u64], dividend: &mut [u64], divisor: &[u64]) {
    let half = quotient.len();
    let (divisor_low, divisor_high) = divisor.split_at(half);
    let upper = dividend[half..].to_vec();
    // The remainder of the upper two thirds may go beyond two halves.
    let mut rest;
    if compare(trimmed(&upper[half..]), trimmed(divisor_high)).is_lt() {
        let mut window = upper;
        divide_double(quotient, &mut window, divisor_high);
        window.truncate(half);
        rest = dividend[..half].to_vec();
        rest.extend_from_slice(&window);
    } else {
        quotient.fill(BASE - 1);
        // upper - divisor_high * (BASE ** half - 1)
        let mut window = upper;
        subtract_assign(&mut window[half..], divisor_high);
        trim(&mut window);
        let window = add(&window, divisor_high);
        rest = dividend[..half].to_vec();
        rest.extend_from_slice(&window);
    }
    let product = multiply(quotient, divisor_low);
    let product = trimmed(&product);
    trim(&mut rest);
    let divisor = trimmed(divisor);
    while compare(&rest, product).is_lt() {
        decrement(quotient);
        rest = add(&rest, divisor);
    }
    rest.resize(rest.len().max(product.len()), 0);
    subtract_assign(&mut rest, product);
    rest.resize(3 * half, 0);
    dividend.copy_from_slice(&rest);
}

/// Subtracts one from a number that is not zero.
fn decrement(number: &mut [u64]) {
    subtract_assign(number, &[1]);
}
