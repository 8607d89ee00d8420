//! What must hold of numbers of any size, tried on numbers that differ in size and in how their limbs look.

use super::convert::{from_binary, to_binary};
use super::divide::divide;
use super::multiply::{multiply, multiply_columns};
use super::root::square_root;
use super::shift::{self, Lost};
use super::*;

/// Numbers that look random, but are the same each time.
struct Numbers(u64);

impl Numbers {
    fn word(&mut self) -> u64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number of so many limbs, among which are many zeros and nines.
    fn number(&mut self, length: usize) -> Vec<u64> {
        let mut number: Vec<u64> = (0..length)
            .map(|_| match self.word() % 8 {
                0 => 0,
                1 => BASE - 1,
                2 => 1,
                _ => self.word() % BASE,
            })
            .collect();
        if let Some(top) = number.last_mut() {
            *top = (*top).max(1);
        }
        number
    }
}

fn trimmed_product(left: &[u64], right: &[u64]) -> Vec<u64> {
    let mut product = multiply(left, right);
    trim(&mut product);
    product
}

#[test]
fn products_are_the_same_in_every_way() {
    let mut numbers = Numbers(1);
    for (left, right) in
        [(1, 1), (3, 2), (31, 31), (40, 33), (64, 64), (200, 35), (300, 299), (2700, 2601), (6000, 2700)]
    {
        let (left, right) = (numbers.number(left), numbers.number(right));
        let mut product = vec![0; left.len() + right.len()];
        let (longer, shorter) = if left.len() >= right.len() { (&left, &right) } else { (&right, &left) };
        multiply_columns(&mut product, longer, shorter);
        assert_eq!(multiply(&left, &right), product, "{} by {}", left.len(), right.len());
    }
    let nines = vec![BASE - 1; 3000];
    let mut square = vec![0; 6000];
    multiply_columns(&mut square, &nines, &nines);
    assert_eq!(multiply(&nines, &nines), square);
}

#[test]
fn quotient_times_divisor_and_remainder_is_the_dividend() {
    let mut numbers = Numbers(2);
    for round in 0..60 {
        for (length, divisor) in
            [(1, 1), (5, 1), (4, 2), (9, 4), (150, 70), (130, 64), (500, 61), (700, 300), (260, 130)]
        {
            let divisor = numbers.number(divisor);
            let dividend = match round % 3 {
                0 => trimmed_product(&divisor, &numbers.number(length)),
                1 => subtract(&trimmed_product(&divisor, &numbers.number(length)), &[1]),
                _ => numbers.number(length),
            };
            let (quotient, remainder) = divide(&dividend, &divisor);
            assert!(compare(&remainder, &divisor).is_lt());
            let mut again = add(&trimmed_product(&quotient, &divisor), &remainder);
            trim(&mut again);
            assert_eq!(again, dividend);
        }
    }
}

#[test]
fn roots_are_the_whole_part() {
    let mut numbers = Numbers(3);
    for length in [1, 2, 3, 4, 5, 8, 30, 101, 250] {
        let root = numbers.number(length);
        let square = trimmed_product(&root, &root);
        assert_eq!(square_root(&square), root);
        assert_eq!(square_root(&subtract(&square, &[1])), subtract(&root, &[1]));
        // (root + 1) ** 2 - 1
        let beyond = add(&square, &add(&root, &root));
        assert_eq!(square_root(&beyond), root);
    }
}

#[test]
fn conversions_to_binary_and_back_change_nothing() {
    let mut numbers = Numbers(4);
    for length in [0, 1, 2, 39, 40, 41, 80, 81, 300, 1000] {
        let number = numbers.number(length);
        assert_eq!(from_binary(&to_binary(&number).to_u64_digits()), number);
    }
}

#[test]
fn shifts_there_and_back_lose_nothing() {
    let mut numbers = Numbers(5);
    for count in [0, 1, 18, 19, 20, 37, 38, 100] {
        let number = numbers.number(7);
        let shifted = shift::left(&number, count);
        assert_eq!(digits(&shifted), digits(&number) + count);
        assert_eq!(shift::right(&shifted, count), (number, Lost::Nothing));
    }
    assert_eq!(shift::right(&[15], 1), (vec![1], Lost::Half));
    assert_eq!(shift::right(&[1, 5], 20), (vec![], Lost::AboveHalf));
    assert_eq!(shift::right(&[0, 5], 20), (vec![], Lost::Half));
    assert_eq!(shift::right(&[5], 21), (vec![], Lost::BelowHalf));
}
