//! Operations digit by digit: logical ones on numbers of zeros and ones, shift, rotation.

use crate::coefficient::{Coefficient, TEXT_ROOM, has_room};
use crate::context::{Context, Signals, failed};
use crate::number::Decimal;

impl Context {
    /// The digits that are one in both.
    pub fn logical_and(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.logical(left, right, signals, |left, right| left & right)
    }

    /// The digits that are one in either.
    pub fn logical_or(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.logical(left, right, signals, |left, right| left | right)
    }

    /// The digits that differ.
    pub fn logical_xor(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.logical(left, right, signals, |left, right| left ^ right)
    }

    /// Every digit of the precision turned.
    pub fn logical_invert(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        let Some(digits) = self.logical_digits(number) else { return self.invalid(signals) };
        if !has_room(self.precision) {
            return failed(signals, Signals::OUT_OF_MEMORY);
        }
        let missing = self.precision as usize - digits.len();
        let mut inverted = vec![1; missing];
        inverted.extend(digits.iter().map(|digit| 1 - digit));
        Decimal::new(false, Coefficient::from_digits(&inverted), 0)
    }

    fn logical(
        &self,
        left: &Decimal,
        right: &Decimal,
        signals: &mut Signals,
        combine: impl Fn(u8, u8) -> u8,
    ) -> Decimal {
        let (Some(left), Some(right)) = (self.logical_digits(left), self.logical_digits(right)) else {
            return self.invalid(signals);
        };
        let length = left.len().max(right.len());
        let digit = |digits: &[u8], place: usize| {
            (place + digits.len()).checked_sub(length).map_or(0, |at| digits[at])
        };
        let combined: Vec<u8> =
            (0..length).map(|place| combine(digit(&left, place), digit(&right, place))).collect();
        Decimal::new(false, Coefficient::from_digits(&combined), 0)
    }

    /// The digits of a positive whole number of zeros and ones, as many as the precision has room for.
    fn logical_digits(&self, number: &Decimal) -> Option<Vec<u8>> {
        if !number.is_finite() || number.negative || number.exponent != 0 {
            return None;
        }
        let mut digits = number.coefficient.text(&mut [0; TEXT_ROOM]).into_owned();
        for digit in &mut digits {
            *digit = match *digit {
                b'0' => 0,
                b'1' => 1,
                _ => return None,
            };
        }
        let excess = digits.len().saturating_sub(self.precision as usize);
        digits.drain(..excess);
        Some(digits)
    }

    /// The coefficient moved by some places, to the left where they are positive.
    pub fn shift(&self, number: &Decimal, places: &Decimal, signals: &mut Signals) -> Decimal {
        self.move_digits(number, places, signals, |coefficient, places, precision| {
            if places < 0 {
                let kept = coefficient.low_digits(precision);
                return Some(kept.shift_right(places.unsigned_abs() as usize).0);
            }
            let kept = coefficient.low_digits(precision - places as usize);
            has_room(places).then(|| kept.shift_left(places as usize))
        })
    }

    /// The coefficient's digits turned around within the precision, to the left where the places are positive.
    pub fn rotate(&self, number: &Decimal, places: &Decimal, signals: &mut Signals) -> Decimal {
        self.move_digits(number, places, signals, |coefficient, places, precision| {
            let coefficient = coefficient.low_digits(precision);
            let places =
                if places < 0 { precision - places.unsigned_abs() as usize } else { places as usize };
            let upper = coefficient.shift_right(precision - places).0;
            let lower = coefficient.low_digits(precision - places);
            if lower.is_zero() {
                return Some(upper);
            }
            has_room(places as i64).then(|| lower.shift_left(places).add(&upper))
        })
    }

    fn move_digits(
        &self,
        number: &Decimal,
        places: &Decimal,
        signals: &mut Signals,
        moved: impl Fn(&Coefficient, i64, usize) -> Option<Coefficient>,
    ) -> Decimal {
        if let Some(nan) = self.nan_of(&[number, places], signals) {
            return nan;
        }
        if places.is_infinite() || places.exponent != 0 {
            return self.invalid(signals);
        }
        let count = match places.coefficient.to_u64().and_then(|count| i64::try_from(count).ok()) {
            Some(count) if count <= self.precision => count,
            _ => return self.invalid(signals),
        };
        if number.is_infinite() {
            return number.clone();
        }
        let count = if places.negative { -count } else { count };
        match moved(&number.coefficient, count, self.precision as usize) {
            Some(coefficient) => Decimal { coefficient, ..number.clone() },
            None => failed(signals, Signals::OUT_OF_MEMORY),
        }
    }
}
