//! Multiplication of huge numbers by a number theoretic transform modulo three primes.
//!
//! A limb of the product, before carries, is a sum of products below 10³⁸ each; the product of the three primes is
//! beyond any sum that memory has room for, so that the residues give it exactly (Garner). Products modulo a prime
//! are Montgomery's: factors that are kept are kept times 2⁶⁴.

use super::BASE_DIVISOR;

/// A prime `k * 2 ** n + 1` between BASE / 3 and 2⁶².
struct Prime {
    modulus: u64,
    /// -1 / modulus modulo 2⁶⁴.
    negated_inverse: u64,
    /// 2¹²⁸ modulo the prime.
    square: u64,
    /// A number that is no square modulo the prime.
    generator: u64,
}

const PRIMES: [Prime; 3] = [
    Prime::new(4_179_340_454_199_820_289, 3),
    Prime::new(4_512_606_826_625_236_993, 5),
    Prime::new(4_134_304_457_926_115_329, 7),
];

impl Prime {
    const fn new(modulus: u64, generator: u64) -> Prime {
        // Each step of Newton's doubles the bits that are right.
        let mut inverse = 1u64;
        let mut step = 0;
        while step < 6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(modulus.wrapping_mul(inverse)));
            step += 1;
        }
        let word = ((1u128 << 64) % modulus as u128) as u64;
        let square = (word as u128 * word as u128 % modulus as u128) as u64;
        Prime { modulus, negated_inverse: inverse.wrapping_neg(), square, generator }
    }

    /// `left * right / 2 ** 64`.
    #[inline(always)]
    const fn multiply(&self, left: u64, right: u64) -> u64 {
        let product = left as u128 * right as u128;
        let factor = (product as u64).wrapping_mul(self.negated_inverse);
        let sum = product + factor as u128 * self.modulus as u128;
        self.reduce((sum >> 64) as u64)
    }

    #[inline(always)]
    const fn reduce(&self, number: u64) -> u64 {
        // The lesser of the two, since what is below zero is huge: no branch, which would be guessed wrong.
        let less = number.wrapping_sub(self.modulus);
        if less < number { less } else { number }
    }

    #[inline(always)]
    const fn add(&self, left: u64, right: u64) -> u64 {
        self.reduce(left + right)
    }

    #[inline(always)]
    const fn subtract(&self, left: u64, right: u64) -> u64 {
        let difference = left.wrapping_sub(right);
        let more = difference.wrapping_add(self.modulus);
        if more < difference { more } else { difference }
    }

    /// The number times 2⁶⁴.
    const fn keep(&self, number: u64) -> u64 {
        self.multiply(number % self.modulus, self.square)
    }

    /// A power of a kept number.
    const fn power(&self, base: u64, exponent: u64) -> u64 {
        let mut power = self.keep(1);
        let mut bit = 64;
        while bit > 0 {
            bit -= 1;
            power = self.multiply(power, power);
            if exponent >> bit & 1 == 1 {
                power = self.multiply(power, base);
            }
        }
        power
    }

    const fn inverse(&self, kept: u64) -> u64 {
        self.power(kept, self.modulus - 2)
    }

    /// For each half length `h` of the steps, from `h` on, the powers of a root of unity of order `2 * h`.
    fn roots(&self, length: usize, inverse: bool) -> Vec<u64> {
        let mut roots = vec![0; length];
        let mut half = 1;
        while half < length {
            let order = 2 * half as u64;
            let mut root = self.power(self.keep(self.generator), (self.modulus - 1) / order);
            if inverse {
                root = self.inverse(root);
            }
            let mut power = self.keep(1);
            for slot in &mut roots[half..2 * half] {
                *slot = power;
                power = self.multiply(power, root);
            }
            half *= 2;
        }
        roots
    }

    /// To values at the roots of unity, in the order of reversed bits.
    fn transform(&self, values: &mut [u64], roots: &[u64]) {
        let mut half = values.len() / 2;
        while half > 0 {
            let roots = &roots[half..2 * half];
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for ((x, y), &root) in low.iter_mut().zip(high).zip(roots) {
                    let (sum, difference) = (self.add(*x, *y), self.subtract(*x, *y));
                    *x = sum;
                    *y = self.multiply(difference, root);
                }
            }
            half /= 2;
        }
    }

    /// Back from there, times the length.
    fn transform_back(&self, values: &mut [u64], roots: &[u64]) {
        let mut half = 1;
        while half < values.len() {
            let roots = &roots[half..2 * half];
            for block in values.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for ((x, y), &root) in low.iter_mut().zip(high).zip(roots) {
                    let turned = self.multiply(*y, root);
                    (*x, *y) = (self.add(*x, turned), self.subtract(*x, turned));
                }
            }
            half *= 2;
        }
    }

    fn residues(&self, number: &[u64], length: usize) -> Vec<u64> {
        let mut residues = Vec::with_capacity(length);
        // A limb is less than three times the prime.
        residues.extend(number.iter().map(|&limb| self.reduce(self.reduce(limb))));
        residues.resize(length, 0);
        residues
    }

    /// The columns' sums modulo the prime.
    fn convolve(&self, left: &[u64], right: &[u64], length: usize) -> Vec<u64> {
        let roots = self.roots(length, false);
        let mut values = self.residues(left, length);
        self.transform(&mut values, &roots);
        if std::ptr::eq(left, right) {
            for value in &mut values {
                *value = self.multiply(*value, *value);
            }
        } else {
            let mut others = self.residues(right, length);
            self.transform(&mut others, &roots);
            for (value, other) in values.iter_mut().zip(others) {
                *value = self.multiply(*value, other);
            }
        }
        self.transform_back(&mut values, &self.roots(length, true));
        // The products were divided by 2⁶⁴ once.
        let scale = self.keep(self.inverse(self.keep(length as u64)));
        for value in &mut values {
            *value = self.multiply(*value, scale);
        }
        values
    }
}

/// Writes the product to `product`, which is as long as both factors together.
pub(super) fn multiply(product: &mut [u64], left: &[u64], right: &[u64]) {
    const FIRST_IN_SECOND: u64 = {
        let prime = &PRIMES[1];
        prime.inverse(prime.keep(PRIMES[0].modulus))
    };
    const FIRST_IN_THIRD: u64 = {
        let prime = &PRIMES[2];
        prime.inverse(prime.keep(PRIMES[0].modulus))
    };
    const SECOND_IN_THIRD: u64 = {
        let prime = &PRIMES[2];
        prime.inverse(prime.keep(PRIMES[1].modulus))
    };
    const FIRST_TWO: u128 = PRIMES[0].modulus as u128 * PRIMES[1].modulus as u128;

    let length = (left.len() + right.len()).next_power_of_two();
    let [first, second, third] = [0, 1, 2].map(|index: usize| PRIMES[index].convolve(left, right, length));
    let mut carry = 0u128;
    for (limb, ((&x, &y), &z)) in product.iter_mut().zip(first.iter().zip(&second).zip(&third)) {
        let prime = &PRIMES[1];
        let y = prime.multiply(prime.subtract(y, prime.reduce(x)), FIRST_IN_SECOND);
        let prime = &PRIMES[2];
        let z = prime.multiply(prime.subtract(z, prime.reduce(x)), FIRST_IN_THIRD);
        let z = prime.multiply(prime.subtract(z, prime.reduce(y)), SECOND_IN_THIRD);
        // x + y * first + z * first * second + carry, in three words.
        let low = u128::from(x) + u128::from(y) * u128::from(PRIMES[0].modulus);
        let middle = u128::from(z) * u128::from(FIRST_TWO as u64);
        let high = u128::from(z) * (FIRST_TWO >> 64);
        let (sum, over) = low.overflowing_add(carry);
        let (sum, over_again) = sum.overflowing_add(middle);
        let (sum, over_high) = sum.overflowing_add(high << 64);
        let top = (high >> 64) as u64 + u64::from(over) + u64::from(over_again) + u64::from(over_high);
        let (upper, rest) = BASE_DIVISOR.divide(u128::from(top) << 64 | sum >> 64);
        let (lower, rest) = BASE_DIVISOR.divide(u128::from(rest) << 64 | u128::from(sum as u64));
        *limb = rest;
        carry = u128::from(upper) << 64 | u128::from(lower);
    }
}
