//! The whole part of square roots.

use super::divide::divide;
use super::{BASE, add, compare, divide_word, increment, trim};

/// ⌊√number⌋ of a number without leading zeros.
pub fn square_root(number: &[u64]) -> Vec<u64> {
    match *number {
        [] => Vec::new(),
        [low] => vec![low.isqrt()],
        [low, high] => vec![(u128::from(high) * u128::from(BASE) + u128::from(low)).isqrt() as u64],
        _ => {
            // An estimate that is too large, from the leading half of the digits.
            let skipped = (number.len() - 1) / 4;
            let skipped = skipped.max(1);
            let mut leading = square_root(&number[2 * skipped..]);
            if increment(&mut leading) {
                leading.push(1);
            }
            let mut estimate = vec![0; skipped];
            estimate.append(&mut leading);
            // Newton's steps come down to the root and then stay or go up by one.
            loop {
                let mut next = add(&estimate, &divide(number, &estimate).0);
                divide_word(&mut next, 2);
                trim(&mut next);
                if compare(&next, &estimate).is_ge() {
                    return estimate;
                }
                estimate = next;
            }
        }
    }
}
