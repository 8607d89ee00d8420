//! The digits of a decimal number: a natural number that is kept in two words as long as it has at most 38 digits, and
//! in limbs beyond.

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::BigUint;

use crate::limbs::shift::Lost;
use crate::limbs::{self, BASE, BASE_DIVISOR, DIGITS, POWER_DIVISORS, POWERS};

/// The most digits that two words have room for.
pub const SMALL_DIGITS: usize = 2 * DIGITS;
/// The most digits that a number may have before it is taken for one that no memory has room for.
const MOST_DIGITS: i64 = 1 << 34;

/// Whether memory has room for so many digits.
#[inline]
pub(crate) fn has_room(digits: i64) -> bool {
    digits <= MOST_DIGITS
}

/// One more than the largest small number.
const SMALL_LIMIT: u128 = BASE as u128 * BASE as u128;

/// A natural number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coefficient(Form);

/// There is one form for each number: small where it can be.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Form {
    /// Lower and upper word of a binary number below 10³⁸.
    Small([u64; 2]),
    /// At least three limbs, the last of which is not zero.
    Large(Vec<u64>),
}

/// A power of ten with an exponent up to 38.
#[inline]
pub fn power_of_ten(exponent: usize) -> u128 {
    if exponent <= DIGITS {
        u128::from(POWERS[exponent])
    } else {
        u128::from(BASE) * u128::from(POWERS[exponent - DIGITS])
    }
}

/// How many digits a small number has; 1 for zero.
#[inline]
pub fn small_digits(number: u128) -> usize {
    if number >> 64 == 0 {
        return limbs::word_digits(number as u64);
    }
    let estimate = ((128 - number.leading_zeros()) as usize * 1233) >> 12;
    estimate + usize::from(number >= power_of_ten(estimate))
}

/// The number of a lower and an upper word.
#[inline]
const fn joined([low, high]: [u64; 2]) -> u128 {
    (high as u128) << 64 | low as u128
}

/// The two limbs of a small number.
#[inline]
fn small_limbs(number: u128) -> [u64; 2] {
    let (high, low) = BASE_DIVISOR.divide(number);
    [low, high]
}

/// A small number divided by a power of ten with an exponent from 1 to 38, and what that loses.
#[inline]
fn shift_small_right(number: u128, count: usize) -> (u128, Lost) {
    if let Ok(word) = u64::try_from(number)
        && count < DIGITS
    {
        let (quotient, rest) = POWER_DIVISORS[count].divide(u128::from(word));
        return (u128::from(quotient), Lost::new(rest, POWERS[count], false));
    }
    let [low, high] = small_limbs(number);
    if count >= DIGITS {
        let places = count - DIGITS;
        let (quotient, rest) = POWER_DIVISORS[places].divide(u128::from(high));
        let lost =
            if places == 0 { Lost::new(low, BASE, false) } else { Lost::new(rest, POWERS[places], low != 0) };
        return (u128::from(quotient), lost);
    }
    let (quotient_high, carried) = POWER_DIVISORS[count].divide(u128::from(high));
    let (quotient_low, rest) = POWER_DIVISORS[count].divide(u128::from(low));
    let quotient = u128::from(quotient_high) * u128::from(BASE)
        + u128::from(carried * POWERS[DIGITS - count] + quotient_low);
    (quotient, Lost::new(rest, POWERS[count], false))
}

impl Coefficient {
    /// 0.
    pub const ZERO: Coefficient = Coefficient(Form::Small([0, 0]));
    /// 1.
    pub const ONE: Coefficient = Coefficient(Form::Small([1, 0]));

    #[inline]
    const fn small(number: u128) -> Coefficient {
        Coefficient(Form::Small([number as u64, (number >> 64) as u64]))
    }

    /// The number of limbs without leading zeros.
    fn from_slice(limbs: &[u64]) -> Coefficient {
        match *limbs::trimmed(limbs) {
            [] => Coefficient::ZERO,
            [low] => Coefficient::from(low),
            [low, high] => Coefficient::small(u128::from(high) * u128::from(BASE) + u128::from(low)),
            ref limbs => Coefficient(Form::Large(limbs.to_vec())),
        }
    }

    /// The number of limbs, which may have leading zeros.
    pub(crate) fn from_limbs(mut limbs: Vec<u64>) -> Coefficient {
        limbs::trim(&mut limbs);
        if limbs.len() <= 2 { Coefficient::from_slice(&limbs) } else { Coefficient(Form::Large(limbs)) }
    }

    /// `10 ** exponent`.
    pub fn power_of_ten(exponent: usize) -> Coefficient {
        Coefficient::ONE.shift_left(exponent)
    }

    /// From its digits, as characters.
    pub fn from_text(digits: &[u8]) -> Coefficient {
        let word = |digits: &[u8]| digits.iter().fold(0, |word, digit| word * 10 + u64::from(digit - b'0'));
        if digits.len() < DIGITS {
            return Coefficient::from(word(digits));
        }
        Coefficient::from_limbs_of(digits, word)
    }

    /// From its digits, as numbers.
    pub fn from_digits(digits: &[u8]) -> Coefficient {
        Coefficient::from_limbs_of(digits, |digits| {
            digits.iter().fold(0, |word, &digit| word * 10 + u64::from(digit))
        })
    }

    fn from_limbs_of(digits: &[u8], word: impl Fn(&[u8]) -> u64) -> Coefficient {
        if digits.len() <= SMALL_DIGITS {
            let (high, low) = digits.split_at(digits.len().saturating_sub(DIGITS));
            return Coefficient::from_slice(&[word(low), word(high)]);
        }
        Coefficient::from_limbs(digits.rchunks(DIGITS).map(word).collect())
    }

    /// From a binary number.
    pub fn from_binary(number: &BigUint) -> Coefficient {
        let digits = number.to_u64_digits();
        Coefficient::from_limbs(limbs::convert::from_binary(&digits))
    }

    /// The binary number.
    pub fn to_binary(&self) -> BigUint {
        match &self.0 {
            Form::Small(words) => BigUint::from(joined(*words)),
            Form::Large(limbs) => limbs::convert::to_binary(limbs),
        }
    }

    /// The number if it is small.
    #[inline]
    pub fn to_u128(&self) -> Option<u128> {
        match self.0 {
            Form::Small(words) => Some(joined(words)),
            Form::Large(_) => None,
        }
    }

    /// The number if it fits.
    #[inline]
    pub fn to_u64(&self) -> Option<u64> {
        match self.0 {
            Form::Small([low, 0]) => Some(low),
            _ => None,
        }
    }

    fn limbs(&self) -> Cow<'_, [u64]> {
        match &self.0 {
            Form::Small(words) => {
                let mut limbs = small_limbs(joined(*words)).to_vec();
                limbs::trim(&mut limbs);
                Cow::Owned(limbs)
            }
            Form::Large(limbs) => Cow::Borrowed(limbs),
        }
    }

    /// Whether it is zero.
    #[inline]
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Form::Small([0, 0]))
    }

    /// Whether it is odd.
    pub fn is_odd(&self) -> bool {
        match &self.0 {
            Form::Small([low, _]) => low & 1 == 1,
            Form::Large(limbs) => limbs[0] & 1 == 1,
        }
    }

    /// How many digits it has; 1 for zero.
    #[inline]
    pub fn digits(&self) -> usize {
        match &self.0 {
            Form::Small(words) => small_digits(joined(*words)),
            Form::Large(limbs) => limbs::digits(limbs),
        }
    }

    /// The last digit.
    pub fn last_digit(&self) -> u64 {
        match &self.0 {
            Form::Small([low, 0]) => low % 10,
            Form::Small(words) => small_limbs(joined(*words))[0] % 10,
            Form::Large(limbs) => limbs[0] % 10,
        }
    }

    /// How many zeros it ends in; 0 for zero.
    pub fn trailing_zeros(&self) -> usize {
        match &self.0 {
            Form::Small([0, 0]) => 0,
            Form::Small([low, 0]) => limbs::shift::word_trailing_zeros(*low),
            Form::Small(words) => limbs::shift::trailing_zeros(&small_limbs(joined(*words))),
            Form::Large(limbs) => limbs::shift::trailing_zeros(limbs),
        }
    }

    /// Whether all its digits are nines.
    pub fn is_all_nines(&self) -> bool {
        let mut next = self.clone();
        next.increment();
        next.digits() > self.digits()
    }

    /// Whether it is a power of ten.
    pub fn is_power_of_ten(&self) -> bool {
        self.shift_right(self.trailing_zeros()).0 == Coefficient::ONE
    }

    /// The order of two numbers.
    pub fn compare(&self, other: &Coefficient) -> Ordering {
        match (&self.0, &other.0) {
            (Form::Large(left), Form::Large(right)) => limbs::compare(left, right),
            (Form::Small(_), Form::Large(_)) => Ordering::Less,
            (Form::Large(_), Form::Small(_)) => Ordering::Greater,
            (Form::Small([low, high]), Form::Small([other_low, other_high])) => {
                high.cmp(other_high).then(low.cmp(other_low))
            }
        }
    }

    /// Adds one.
    pub fn increment(&mut self) {
        match &mut self.0 {
            Form::Small(words) => *self = Coefficient::from(joined(*words) + 1),
            Form::Large(limbs) => {
                if limbs::increment(limbs) {
                    limbs.push(1);
                }
            }
        }
    }

    /// The sum.
    #[inline]
    pub fn add(&self, other: &Coefficient) -> Coefficient {
        match (self.to_u128(), other.to_u128()) {
            (Some(left), Some(right)) => Coefficient::from(left + right),
            _ => Coefficient::from_limbs(limbs::add(&self.limbs(), &other.limbs())),
        }
    }

    /// The difference to a number that is not greater.
    #[inline]
    pub fn subtract(&self, other: &Coefficient) -> Coefficient {
        match (self.to_u128(), other.to_u128()) {
            (Some(left), Some(right)) => Coefficient::small(left - right),
            _ => Coefficient::from_limbs(limbs::subtract(&self.limbs(), &other.limbs())),
        }
    }

    /// The product.
    #[inline]
    pub fn multiply(&self, other: &Coefficient) -> Coefficient {
        if let (Some(left), Some(right)) = (self.to_u64(), other.to_u64()) {
            return Coefficient::from(u128::from(left) * u128::from(right));
        }
        if let (Some(left), Some(right)) = (self.to_u128(), other.to_u128()) {
            let product = limbs::multiply::multiply_two(small_limbs(left), small_limbs(right));
            return Coefficient::from_slice(&product);
        }
        Coefficient::from_limbs(limbs::multiply::multiply(&self.limbs(), &other.limbs()))
    }

    /// The product of two words, if it is small.
    #[inline]
    pub fn multiply_words(&self, other: &Coefficient) -> Option<Coefficient> {
        let product = u128::from(self.to_u64()?) * u128::from(other.to_u64()?);
        (product < SMALL_LIMIT).then_some(Coefficient::small(product))
    }

    /// The product of small numbers without the digits beyond `most` (38 at most), how many those are, and what they
    /// lose. `None` where there is none to leave out or the numbers are not small.
    pub fn multiply_rounded(&self, other: &Coefficient, most: usize) -> Option<(Coefficient, usize, Lost)> {
        let (left, right) = (self.to_u128()?, other.to_u128()?);
        // Words whose product is sure to fit are not worth the way over limbs.
        if small_digits(left) + small_digits(right) <= most {
            return None;
        }
        let product = limbs::multiply::multiply_two(small_limbs(left), small_limbs(right));
        let product = limbs::trimmed(&product);
        let dropped = limbs::digits(product).checked_sub(most).filter(|&dropped| dropped > 0)?;
        let ([low, high], lost) = limbs::shift::right_to_two(product, dropped);
        let kept = u128::from(high) * u128::from(BASE) + u128::from(low);
        Some((Coefficient::small(kept), dropped, lost))
    }

    /// Quotient and remainder; the divisor is not zero.
    pub fn divide(&self, divisor: &Coefficient) -> (Coefficient, Coefficient) {
        if let (Some(left), Some(right)) = (self.to_u64(), divisor.to_u64()) {
            return (Coefficient::from(left / right), Coefficient::from(left % right));
        }
        if let (Some(left), Some(right)) = (self.to_u128(), divisor.to_u128()) {
            return (Coefficient::small(left / right), Coefficient::small(left % right));
        }
        let (quotient, remainder) = limbs::divide::divide(&self.limbs(), &divisor.limbs());
        (Coefficient::from_limbs(quotient), Coefficient::from_limbs(remainder))
    }

    /// The quotient of `self * 10 ** shift` and the divisor, and whether there is a remainder.
    pub fn divide_shifted(&self, shift: usize, divisor: &Coefficient) -> (Coefficient, bool) {
        if let (Some(left), Some(right)) = (self.to_u128(), divisor.to_u128())
            && shift < SMALL_DIGITS
        {
            if let Ok(right) = u64::try_from(right)
                && small_digits(left) + shift <= SMALL_DIGITS
            {
                let (quotient, remainder) = divide_by_word(left * power_of_ten(shift), right);
                return (Coefficient::from(quotient), remainder != 0);
            }
            let [a, b, c, _] = limbs::multiply::multiply_two(small_limbs(left), [POWERS[shift % DIGITS], 0]);
            let dividend = if shift < DIGITS { [a, b, c, 0] } else { [0, a, b, c] };
            let (quotient, rest) = limbs::divide::divide_small(dividend, small_limbs(right));
            return (Coefficient::from_slice(&quotient), rest);
        }
        let (quotient, remainder) = self.shift_left(shift).divide(divisor);
        (quotient, !remainder.is_zero())
    }

    /// `self * 10 ** count`.
    #[inline]
    pub fn shift_left(&self, count: usize) -> Coefficient {
        if count == 0 || self.is_zero() {
            return self.clone();
        }
        if let Some(number) = self.to_u128()
            && count + small_digits(number) <= SMALL_DIGITS
        {
            return Coefficient::small(number * power_of_ten(count));
        }
        Coefficient::from_limbs(limbs::shift::left(&self.limbs(), count))
    }

    /// `self * 10 ** count`, if memory has room for it.
    #[inline]
    pub fn checked_shift_left(&self, count: i64) -> Option<Coefficient> {
        if self.is_zero() {
            return Some(Coefficient::ZERO);
        }
        has_room(count).then(|| self.shift_left(count as usize))
    }

    /// `self * 10 ** count`, if it is a word and the product sure to be small.
    #[inline]
    pub fn shift_word_left(&self, count: i64) -> Option<Coefficient> {
        if count >= DIGITS as i64 {
            return None;
        }
        let word = self.to_u64()?;
        Some(Coefficient::small(u128::from(word) * u128::from(POWERS[count as usize])))
    }

    /// `self / 10 ** count`, and what that loses.
    #[inline]
    pub fn shift_right(&self, count: usize) -> (Coefficient, Lost) {
        if count == 0 {
            return (self.clone(), Lost::Nothing);
        }
        match &self.0 {
            Form::Small([0, 0]) => (Coefficient::ZERO, Lost::Nothing),
            Form::Small(_) if count > SMALL_DIGITS => (Coefficient::ZERO, Lost::BelowHalf),
            Form::Small(words) => {
                let (shifted, lost) = shift_small_right(joined(*words), count);
                (Coefficient::small(shifted), lost)
            }
            Form::Large(limbs) => {
                let (shifted, lost) = limbs::shift::right(limbs, count);
                (Coefficient::from_limbs(shifted), lost)
            }
        }
    }

    /// The last `count` digits.
    pub fn low_digits(&self, count: usize) -> Coefficient {
        if self.digits() <= count {
            return self.clone();
        }
        Coefficient::from_limbs(limbs::shift::low_digits(&self.limbs(), count))
    }

    /// ⌊√self⌋.
    pub fn square_root(&self) -> Coefficient {
        match self.to_u128() {
            Some(number) => Coefficient::small(number.isqrt()),
            None => Coefficient::from_limbs(limbs::root::square_root(&self.limbs())),
        }
    }

    /// The remainder of a division by a word that is not zero.
    pub fn remainder(&self, divisor: u64) -> u64 {
        let divisor = u128::from(divisor);
        match &self.0 {
            Form::Small(words) => (joined(*words) % divisor) as u64,
            Form::Large(limbs) => {
                limbs.iter().rev().fold(0u128, |remainder, &limb| {
                    (remainder * u128::from(BASE) + u128::from(limb)) % divisor
                }) as u64
            }
        }
    }

    /// How many bytes it takes beside its own.
    pub fn memory(&self) -> usize {
        match &self.0 {
            Form::Small(_) => 0,
            Form::Large(limbs) => size_of_val(&**limbs),
        }
    }

    /// The digits as text; those of small numbers go to the given room.
    #[inline]
    pub fn text<'a>(&self, room: &'a mut [u8; TEXT_ROOM]) -> Cow<'a, [u8]> {
        match &self.0 {
            Form::Small(words) => Cow::Borrowed(small_text(joined(*words), room)),
            Form::Large(limbs) => {
                let mut text = Vec::with_capacity(limbs.len() * DIGITS);
                let mut limbs = limbs.iter().rev();
                let top = word_text(limbs.next().copied().unwrap_or(0));
                text.extend(top.into_iter().skip_while(|&digit| digit == b'0'));
                limbs.for_each(|&limb| text.extend_from_slice(&word_text(limb)[20 - DIGITS..]));
                Cow::Owned(text)
            }
        }
    }
}

/// The room for the digits of small numbers.
pub const TEXT_ROOM: usize = 40;

/// The digits of a small number.
#[inline]
fn small_text(number: u128, room: &mut [u8; TEXT_ROOM]) -> &[u8] {
    let (low, high) = match u64::try_from(number) {
        Ok(word) => (word, 0),
        Err(_) => small_limbs(number).into(),
    };
    let mut start = TEXT_ROOM - 20;
    room[start..].copy_from_slice(&word_text(low));
    if high > 0 {
        // A limb has one digit less than a word's text.
        start -= DIGITS;
        room[start..start + 20].copy_from_slice(&word_text(high));
    }
    let digits = small_digits(number);
    &room[TEXT_ROOM - digits..]
}

/// Quotient and remainder of a small number and a word.
#[inline]
fn divide_by_word(dividend: u128, divisor: u64) -> (u128, u64) {
    if let Ok(dividend) = u64::try_from(dividend) {
        return (u128::from(dividend / divisor), dividend % divisor);
    }
    (dividend / u128::from(divisor), (dividend % u128::from(divisor)) as u64)
}

/// Two digits for each number below a hundred.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut index = 0;
    while index < 100 {
        pairs[index] = [b'0' + (index / 10) as u8, b'0' + (index % 10) as u8];
        index += 1;
    }
    pairs
};

/// The digits of a word, right-aligned among zeros.
#[inline]
fn word_text(mut word: u64) -> [u8; 20] {
    let mut text = [b'0'; 20];
    let mut place = 20;
    while word >= 100 {
        place -= 2;
        text[place..place + 2].copy_from_slice(&PAIRS[(word % 100) as usize]);
        word /= 100;
    }
    text[place - 2..place].copy_from_slice(&PAIRS[word as usize]);
    text
}

impl From<u64> for Coefficient {
    #[inline]
    fn from(number: u64) -> Coefficient {
        Coefficient(Form::Small([number, 0]))
    }
}

impl From<u128> for Coefficient {
    #[inline]
    fn from(number: u128) -> Coefficient {
        if number < SMALL_LIMIT {
            return Coefficient::small(number);
        }
        // Below four times the limit.
        let top = (number / SMALL_LIMIT) as u64;
        let [low, middle] = small_limbs(number % SMALL_LIMIT);
        Coefficient(Form::Large(vec![low, middle, top]))
    }
}
