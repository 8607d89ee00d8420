//! Sums, products and distances of many numbers, with less rounding than adding them one by one has.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::bool::as_bool;
use rspy_runtime::types::float;
use rspy_runtime::types::int;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::exact_float;

/// The argument of `BINARY_OP` for `*`.
const MULTIPLY: u32 = 5;

/// The functions.
pub struct Sums;

#[pyfunctions]
impl Sums {
    /// Return the Euclidean distance between two points p and q.
    ///
    /// The points should be specified as sequences (or iterables) of coordinates. Both inputs must have the same
    /// dimension.
    #[function("dist(p, q, /)")]
    fn dist(vm: &Vm, p: &Value, q: &Value) -> PyResult<f64> {
        let (p, q) = (coordinates(vm, p)?, coordinates(vm, q)?);
        if p.len() != q.len() {
            return Err(vm.value_error("both points must have the same number of dimensions"));
        }
        let mut vector = Vec::with_capacity(p.len());
        for (p, q) in p.iter().zip(&q) {
            vector.push((float::to_f64(vm, p)? - float::to_f64(vm, q)?).abs());
        }
        Ok(norm(vector))
    }

    /// Return an accurate floating-point sum of values in the iterable seq.
    ///
    /// Assumes IEEE-754 floating-point arithmetic.
    #[function("fsum(seq, /)")]
    fn fsum(vm: &Vm, seq: &Value) -> PyResult<f64> {
        let mut sum = ExactSum::default();
        let iterator = vm.iter(seq)?;
        while let Some(item) = vm.next(&iterator)? {
            if !sum.add(float::to_f64(vm, &item)?) {
                return Err(vm.overflow_error("intermediate overflow in fsum"));
            }
        }
        if sum.special != 0.0 {
            if sum.infinities.is_nan() {
                return Err(vm.value_error("-inf + inf in fsum"));
            }
            return Ok(sum.special);
        }
        Ok(sum.finish())
    }

    /// Multidimensional Euclidean distance from the origin to a point.
    ///
    /// Roughly equivalent to:
    ///     sqrt(sum(x**2 for x in coordinates))
    #[function("hypot(*coordinates)")]
    fn hypot(vm: &Vm, coordinates: &[Value]) -> PyResult<f64> {
        let vector = coordinates.iter().map(|x| float::to_f64(vm, x).map(f64::abs)).collect::<PyResult<Vec<_>>>()?;
        Ok(norm(vector))
    }

    /// Calculate the product of all the elements in the input iterable.
    ///
    /// The default start value for the product is 1.
    #[function("prod(iterable, /, *, start=1)")]
    fn prod(vm: &Vm, iterable: &Value, start: Option<&Value>) -> PyResult {
        let mut product = start.map_or_else(|| int::new(1), Value::clone);
        let iterator = vm.iter(iterable)?;
        while let Some(item) = vm.next(&iterator)? {
            product = match (product.small_float(), item.small_float()) {
                (Some(left), Some(right)) => float::new(left * right),
                _ => vm.binary_operation(MULTIPLY, &product, &item)?,
            };
        }
        Ok(product)
    }

    /// Return the sum of products of values from two iterables p and q.
    ///
    /// Roughly equivalent to:
    ///
    ///     sum(map(operator.mul, p, q, strict=True))
    ///
    /// For float and mixed int/float inputs, the intermediate products and sums are computed with extended precision.
    #[function("sumprod(p, q, /)")]
    fn sumprod(vm: &Vm, p: &Value, q: &Value) -> PyResult {
        let (p, q) = (vm.iter(p)?, vm.iter(q)?);
        let mut sum = SumOfProducts::new();
        loop {
            match (vm.next(&p)?, vm.next(&q)?) {
                (Some(p), Some(q)) => sum.add(vm, &p, &q)?,
                (None, None) => return sum.finish(vm),
                _ => return Err(vm.value_error("Inputs are not the same length")),
            }
        }
    }
}

fn coordinates(vm: &Vm, point: &Value) -> PyResult<Vec<Value>> {
    match point.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple.items().to_vec()),
        None => vm.collect(point),
    }
}

/// Two floats whose exact sum is meant.
struct Double {
    high: f64,
    low: f64,
}

/// The exact sum of two floats.
fn two_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    let part = high - a;
    Double { high, low: (a - (high - part)) + (b - part) }
}

/// The exact sum of two floats, the first of which is the larger.
fn fast_two_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    Double { high, low: (a - high) + b }
}

/// The exact product of two floats.
fn two_product(a: f64, b: f64) -> Double {
    let high = a * b;
    Double { high, low: a.mul_add(b, -high) }
}

/// The length of a vector of magnitudes.
fn norm(mut vector: Vec<f64>) -> f64 {
    if vector.iter().any(|x| x.is_infinite()) {
        return f64::INFINITY;
    }
    if vector.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let largest = vector.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 || vector.len() <= 1 {
        return largest;
    }
    let (_, exponent) = float::frexp(largest);
    if exponent < -1023 {
        // Subnormal numbers are made normal first.
        for x in &mut vector {
            *x /= f64::MIN_POSITIVE;
        }
        return f64::MIN_POSITIVE * norm(vector);
    }
    let scale = libm::ldexp(1.0, -exponent);
    // Squares of scaled coordinates are summed with what their rounding loses; the 1 keeps the sum the larger.
    let (mut sum, mut lost_by_squares, mut lost_by_sums) = (1.0, 0.0, 0.0);
    for x in vector {
        let x = x * scale;
        let square = two_product(x, x);
        let total = fast_two_sum(sum, square.high);
        sum = total.high;
        lost_by_squares += square.low;
        lost_by_sums += total.low;
    }
    let mut root = (sum - 1.0 + (lost_by_squares + lost_by_sums)).sqrt();
    // One step of correction by what the square of the root is off.
    let square = two_product(-root, root);
    let total = fast_two_sum(sum, square.high);
    sum = total.high;
    lost_by_squares += square.low;
    lost_by_sums += total.low;
    let off = sum - 1.0 + (lost_by_squares + lost_by_sums);
    root += off / (2.0 * root);
    root / scale
}

/// A sum of floats kept exactly, as floats that do not overlap (Shewchuk).
#[derive(Default)]
struct ExactSum {
    partials: Vec<f64>,
    /// The sum of all infinities and NaNs.
    special: f64,
    /// The sum of all infinities.
    infinities: f64,
}

impl ExactSum {
    /// Adds a number; answers whether the sum is still in range.
    fn add(&mut self, number: f64) -> bool {
        let mut x = number;
        let mut kept = 0;
        for index in 0..self.partials.len() {
            let mut y = self.partials[index];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let sum = fast_two_sum(x, y);
            if sum.low != 0.0 {
                self.partials[kept] = sum.low;
                kept += 1;
            }
            x = sum.high;
        }
        self.partials.truncate(kept);
        if x != 0.0 {
            if !x.is_finite() {
                if number.is_finite() {
                    return false;
                }
                if number.is_infinite() {
                    self.infinities += number;
                }
                self.special += number;
                self.partials.clear();
            } else {
                self.partials.push(x);
            }
        }
        true
    }

    /// The sum, rounded once.
    fn finish(mut self) -> f64 {
        let Some(mut high) = self.partials.pop() else { return 0.0 };
        let mut low = 0.0;
        while let Some(y) = self.partials.pop() {
            let sum = fast_two_sum(high, y);
            high = sum.high;
            low = sum.low;
            if low != 0.0 {
                break;
            }
        }
        // Half-way cases are decided by the sign of what is left.
        if let Some(&next) = self.partials.last()
            && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
        {
            let twice = low * 2.0;
            let rounded = high + twice;
            if twice == rounded - high {
                high = rounded;
            }
        }
        high
    }
}

/// A sum of products: of machine integers, then of floats in extended precision, then of anything.
struct SumOfProducts {
    total: Value,
    integers: Option<i64>,
    integers_used: bool,
    floats: Option<(f64, f64, f64)>,
    floats_used: bool,
}

impl SumOfProducts {
    fn new() -> Self {
        SumOfProducts {
            total: int::new(0),
            integers: Some(0),
            integers_used: false,
            floats: Some((0.0, 0.0, 0.0)),
            floats_used: false,
        }
    }

    fn add(&mut self, vm: &Vm, p: &Value, q: &Value) -> PyResult<()> {
        if let Some(sum) = self.integers {
            if int::is_exact_int(p)
                && int::is_exact_int(q)
                && let (Some(p), Some(q)) = (int::small_value(p), int::small_value(q))
                && let Some(sum) = p.checked_mul(q).and_then(|product| sum.checked_add(product))
            {
                self.integers = Some(sum);
                self.integers_used = true;
                return Ok(());
            }
            self.end_integers(vm)?;
        }
        if let Some(sum) = self.floats {
            if let Some((p, q)) = as_floats(p, q) {
                let sum = add_product(sum, p, q);
                if sum.0.is_finite() {
                    self.floats = Some(sum);
                    self.floats_used = true;
                    return Ok(());
                }
            }
            self.end_floats(vm)?;
        }
        let product = vm.binary_operation(MULTIPLY, p, q)?;
        self.total = vm.add(&self.total, &product)?;
        Ok(())
    }

    fn end_integers(&mut self, vm: &Vm) -> PyResult<()> {
        if let (Some(sum), true) = (self.integers.take(), self.integers_used) {
            self.total = vm.add(&self.total, &int::new(sum))?;
        }
        Ok(())
    }

    fn end_floats(&mut self, vm: &Vm) -> PyResult<()> {
        if let (Some((high, low, tiny)), true) = (self.floats.take(), self.floats_used) {
            let last = two_sum(low, high);
            self.total = vm.add(&self.total, &float::new(tiny + last.low + last.high))?;
        }
        Ok(())
    }

    fn finish(mut self, vm: &Vm) -> PyResult {
        self.end_integers(vm)?;
        self.end_floats(vm)?;
        Ok(self.total)
    }
}

/// Both numbers as floats, where one is a float and the other a float or an int that can be one.
fn as_floats(p: &Value, q: &Value) -> Option<(f64, f64)> {
    let whole = |value: &Value| {
        if !int::is_exact_int(value) && as_bool(value).is_none() {
            return None;
        }
        let float = match int::small_value(value) {
            Some(small) => small as f64,
            None => int::big_to_f64(&*int::borrow_big(value)?),
        };
        float.is_finite().then_some(float)
    };
    match (exact_float(p), exact_float(q)) {
        (Some(p), Some(q)) => Some((p, q)),
        (Some(p), None) => Some((p, whole(q)?)),
        (None, Some(q)) => Some((whole(p)?, q)),
        (None, None) => None,
    }
}

/// Adds a product to a sum of three parts.
fn add_product((high, low, tiny): (f64, f64, f64), p: f64, q: f64) -> (f64, f64, f64) {
    let product = two_product(p, q);
    let sum = two_sum(high, product.high);
    let first = two_sum(low, product.low);
    let second = two_sum(first.high, sum.low);
    (sum.high, second.high, tiny + first.low + second.low)
}
