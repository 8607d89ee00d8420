//! Functions of integers of any size.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer as _;
use num_traits::{One, Signed, ToPrimitive, Zero};
use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions.
pub struct Integer;

#[pyfunctions]
impl Integer {
    /// Number of ways to choose k items from n items without repetition and without order.
    ///
    /// Evaluates to n! / (k! * (n - k)!) when k <= n and evaluates to zero when k > n.
    #[function("comb(n, k, /)")]
    fn comb(vm: &Vm, n: BigInt, k: BigInt) -> PyResult {
        if n.is_negative() {
            return Err(vm.value_error("n must be a non-negative integer"));
        }
        if k.is_negative() {
            return Err(vm.value_error("k must be a non-negative integer"));
        }
        if k > n {
            return Ok(int::new(0));
        }
        let k = (&n - &k).min(k);
        let Some(k) = k.to_i64() else {
            return Err(vm.overflow_error(format!("min(n - k, k) must not exceed {}", i64::MAX)));
        };
        let top = falling_product(n.magnitude(), k as u64);
        Ok(int::from_big((top / range_product(1, k as u64)).into()))
    }

    /// Find n!.
    #[function("factorial(n, /)")]
    fn factorial(vm: &Vm, n: BigInt) -> PyResult {
        factorial(vm, &n)
    }

    /// Greatest Common Divisor.
    #[function("gcd(*integers)")]
    fn gcd(vm: &Vm, integers: &[Value]) -> PyResult {
        let mut result = BigInt::zero();
        if let Some(small) = small_gcd(integers) {
            return Ok(int::from_i128(i128::from(small)));
        }
        for integer in integers {
            result = result.gcd(&int::to_big(vm, integer)?);
        }
        Ok(int::from_big(result))
    }

    /// Return the integer part of the square root of the input.
    #[function("isqrt(n, /)")]
    fn isqrt(vm: &Vm, n: BigInt) -> PyResult {
        if n.is_negative() {
            return Err(vm.value_error("isqrt() argument must be nonnegative"));
        }
        Ok(int::from_big(n.sqrt()))
    }

    /// Least Common Multiple.
    #[function("lcm(*integers)")]
    fn lcm(vm: &Vm, integers: &[Value]) -> PyResult {
        let mut result = BigInt::one();
        for integer in integers {
            result = result.lcm(&int::to_big(vm, integer)?);
        }
        Ok(int::from_big(result))
    }

    /// Number of ways to choose k items from n items without repetition and with order.
    ///
    /// Evaluates to n! / (n - k)! when k <= n and evaluates to zero when k > n.
    ///
    /// If k is not specified or is None, then k defaults to n and the function returns n!.
    #[function("perm(n, k=None, /)")]
    fn perm(vm: &Vm, n: &Value, k: Option<&Value>) -> PyResult {
        let n = int::to_big(vm, n)?;
        let Some(k) = k.filter(|k| !is_none(k)) else { return factorial(vm, &n) };
        let k = int::to_big(vm, k)?;
        if n.is_negative() {
            return Err(vm.value_error("n must be a non-negative integer"));
        }
        if k.is_negative() {
            return Err(vm.value_error("k must be a non-negative integer"));
        }
        if k > n {
            return Ok(int::new(0));
        }
        match k.to_i64() {
            Some(k) => Ok(int::from_big(falling_product(n.magnitude(), k as u64).into())),
            None => Err(vm.overflow_error(format!("k must not exceed {}", i64::MAX))),
        }
    }
}

fn small_gcd(integers: &[Value]) -> Option<u64> {
    integers.iter().try_fold(0u64, |result, integer| {
        integer.small_int().map(|integer| result.gcd(&integer.unsigned_abs()))
    })
}

fn factorial(vm: &Vm, n: &BigInt) -> PyResult {
    if n.is_negative() {
        return Err(vm.value_error("factorial() not defined for negative values"));
    }
    match n.to_i64() {
        Some(n) => Ok(int::from_big(range_product(1, n as u64).into())),
        None => Err(vm.overflow_error(format!("factorial() argument should not exceed {}", i64::MAX))),
    }
}

/// The product of all whole numbers from `low` to `high`, by halves, so that the factors are of equal size.
fn range_product(low: u64, high: u64) -> BigUint {
    if low > high {
        return BigUint::one();
    }
    if high - low < 8 {
        let mut product = BigUint::one();
        let mut word = 1u64;
        for factor in low..=high {
            match word.checked_mul(factor) {
                Some(more) => word = more,
                None => {
                    product *= word;
                    word = factor;
                }
            }
        }
        return product * word;
    }
    let middle = low + (high - low) / 2;
    range_product(low, middle) * range_product(middle + 1, high)
}

/// `n * (n - 1) * …`, `count` factors.
fn falling_product(n: &BigUint, count: u64) -> BigUint {
    if let Some(n) = n.to_u64() {
        return range_product(n - count + 1, n);
    }
    if count <= 1 {
        return if count == 0 { BigUint::one() } else { n.clone() };
    }
    let half = count / 2;
    falling_product(n, half) * falling_product(&(n - half), count - half)
}
