//! Multiplication: by columns for small numbers, Karatsuba's way for larger ones, by a number theoretic transform
//! (`transform`) for the largest.

use std::cmp::Ordering;

use super::{BASE, BASE_DIVISOR, add_assign, compare, subtract, subtract_assign, transform, trimmed};

/// From how many limbs on of the shorter factor Karatsuba's way is faster.
const KARATSUBA: usize = 32;
/// From how many limbs on of the shorter factor the transform is faster.
const TRANSFORM: usize = 2600;

/// The product; it may have a leading zero.
pub fn multiply(left: &[u64], right: &[u64]) -> Vec<u64> {
    let mut product = vec![0; left.len() + right.len()];
    multiply_into(&mut product, left, right);
    product
}

/// The product of two limbs and two limbs.
#[inline]
pub fn multiply_two(left: [u64; 2], right: [u64; 2]) -> [u64; 4] {
    const SQUARE: u128 = BASE as u128 * BASE as u128;
    let product = |x: u64, y: u64| u128::from(x) * u128::from(y);
    let (carry, first) = BASE_DIVISOR.divide(product(left[0], right[0]));
    let mut middle = product(left[0], right[1]) + product(left[1], right[0]);
    let mut high = product(left[1], right[1]);
    if middle >= SQUARE {
        middle -= SQUARE;
        high += u128::from(BASE);
    }
    let (carry_high, rest) = BASE_DIVISOR.divide(middle);
    // The sum of two limbs may be beyond a word.
    let space = BASE - carry;
    let (second, over) = if rest >= space { (rest - space, 1) } else { (rest + carry, 0) };
    let (fourth, third) = BASE_DIVISOR.divide(high + u128::from(carry_high) + over);
    [first, second, third, fourth]
}

/// The product of a number with itself.
pub fn square(number: &[u64]) -> Vec<u64> {
    multiply(number, number)
}

/// Writes the product to `product`, which is as long as both factors together.
pub fn multiply_into(product: &mut [u64], left: &[u64], right: &[u64]) {
    let (longer, shorter) = if left.len() >= right.len() { (left, right) } else { (right, left) };
    if shorter.len() < KARATSUBA {
        multiply_columns(product, longer, shorter);
    } else if longer.len() > 2 * shorter.len() {
        multiply_pieces(product, longer, shorter);
    } else if shorter.len() >= TRANSFORM {
        transform::multiply(product, longer, shorter);
    } else if longer.len().div_ceil(2) >= shorter.len() {
        multiply_pieces(product, longer, shorter);
    } else {
        multiply_karatsuba(product, longer, shorter);
    }
}

/// Adds up the products that belong to each limb of the result before they are reduced once.
pub(super) fn multiply_columns(product: &mut [u64], longer: &[u64], shorter: &[u64]) {
    if shorter.is_empty() {
        product.fill(0);
        return;
    }
    // A column's sum has up to 192 bits.
    let (mut sum, mut beyond) = (0u128, 0u64);
    for (column, limb) in product.iter_mut().enumerate() {
        let first = column.saturating_sub(shorter.len() - 1);
        let last = column.min(longer.len() - 1);
        if first <= last {
            let descending = shorter[column - last..=column - first].iter().rev();
            for (&x, &y) in longer[first..=last].iter().zip(descending) {
                let (total, carry) = sum.overflowing_add(u128::from(x) * u128::from(y));
                sum = total;
                beyond += u64::from(carry);
            }
        }
        let (high, rest) = BASE_DIVISOR.divide(u128::from(beyond) << 64 | sum >> 64);
        let (low, rest) = BASE_DIVISOR.divide(u128::from(rest) << 64 | u128::from(sum as u64));
        *limb = rest;
        (sum, beyond) = (u128::from(high) << 64 | u128::from(low), 0);
    }
}

/// Cuts the longer factor into pieces of the shorter one's length.
fn multiply_pieces(product: &mut [u64], longer: &[u64], shorter: &[u64]) {
    product.fill(0);
    let mut partial = vec![0; 2 * shorter.len()];
    for (index, piece) in longer.chunks(shorter.len()).enumerate() {
        let partial = &mut partial[..piece.len() + shorter.len()];
        multiply_into(partial, piece, shorter);
        add_assign(&mut product[index * shorter.len()..], partial);
    }
}

/// Three products of half the length in the place of four.
fn multiply_karatsuba(product: &mut [u64], longer: &[u64], shorter: &[u64]) {
    let half = longer.len().div_ceil(2);
    let (left_low, left_high) = longer.split_at(half);
    let (right_low, right_high) = shorter.split_at(half);
    let (low, high) = product.split_at_mut(2 * half);
    multiply_into(low, left_low, right_low);
    multiply_into(high, left_high, right_high);

    let (left, left_order) = difference(left_low, left_high);
    let (right, right_order) = difference(right_low, right_high);
    let mut crossed = multiply(&left, &right);
    // low + high - (left_low - left_high)(right_low - right_high)
    let mut middle = vec![0; 2 * half + 1];
    middle[..2 * half].copy_from_slice(low);
    add_assign(&mut middle, high);
    super::trim(&mut crossed);
    if left_order == right_order {
        subtract_assign(&mut middle, &crossed);
    } else {
        add_assign(&mut middle, &crossed);
    }
    add_assign(&mut product[half..], trimmed(&middle));
}

/// The distance of two numbers, and their order.
fn difference(left: &[u64], right: &[u64]) -> (Vec<u64>, Ordering) {
    let (left, right) = (trimmed(left), trimmed(right));
    let order = compare(left, right);
    let distance = if order.is_ge() { subtract(left, right) } else { subtract(right, left) };
    (distance, order)
}
