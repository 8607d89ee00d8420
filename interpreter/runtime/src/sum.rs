//! `sum()`: integers without overflow, floats with compensation (Neumaier), anything else by `+`.

use crate::exceptions::PyResult;
use crate::types::{complex, float, int};
use crate::value::Value;
use crate::vm::Vm;

/// Adds everything that an iterable yields to a start.
///
/// # Errors
/// What iterating and adding raise.
pub fn sum(vm: &Vm, iterable: &Value, start: Value) -> PyResult {
    let iterator = vm.iter(iterable)?;
    let mut total = start;
    while let Some(item) = vm.next(&iterator)? {
        if let (Some(left), Some(right)) = (total.small_int(), item.small_int()) {
            total = int::new(left + right);
            continue;
        }
        if plain_float(&total).is_some() && (plain_float(&item).is_some() || int::is_int(&item)) {
            return sum_floats(vm, &iterator, &total, item);
        }
        if let (Some(left), true) = (plain_complex(&total), is_plain_number(&item)) {
            return sum_complex(vm, &iterator, left, item);
        }
        total = vm.add(&total, &item)?;
    }
    Ok(total)
}

/// The parts of an exact complex number.
fn plain_complex(value: &Value) -> Option<(f64, f64)> {
    value.downcast_exact::<complex::Complex>().map(|number| number.parts())
}

/// Whether a value is an exact number that a sum of complex numbers takes up.
fn is_plain_number(value: &Value) -> bool {
    int::is_int(value) || plain_float(value).is_some() || plain_complex(value).is_some()
}

fn sum_complex(vm: &Vm, iterator: &Value, start: (f64, f64), first: Value) -> PyResult {
    let mut real = Compensated { high: start.0, low: 0.0 };
    let mut imaginary = Compensated { high: start.1, low: 0.0 };
    let mut next = Some(first);
    while let Some(item) = next {
        if let Some((x, y)) = plain_complex(&item) {
            real.add(x);
            imaginary.add(y);
        } else if let Some(x) = plain_float(&item) {
            real.add(x);
        } else if int::is_int(&item) {
            real.add(int::as_f64(vm, &item)?);
        } else {
            let total = complex::new(real.finish(), imaginary.finish());
            return add_rest(vm, iterator, vm.add(&total, &item)?);
        }
        next = vm.next(iterator)?;
    }
    Ok(complex::new(real.finish(), imaginary.finish()))
}

fn add_rest(vm: &Vm, iterator: &Value, mut total: Value) -> PyResult {
    while let Some(item) = vm.next(iterator)? {
        total = vm.add(&total, &item)?;
    }
    Ok(total)
}

/// The number of an exact float.
fn plain_float(value: &Value) -> Option<f64> {
    value.small_float().or_else(|| value.downcast_exact::<float::Float>().and_then(|_| float::as_f64(value)))
}

/// A sum and the rounding error that it has gathered.
struct Compensated {
    high: f64,
    low: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        let total = self.high + x;
        if self.high.abs() >= x.abs() {
            self.low += (self.high - total) + x;
        } else {
            self.low += (x - total) + self.high;
        }
        self.high = total;
    }

    fn finish(&self) -> f64 {
        // The error means nothing once the sum has left the finite numbers.
        if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
    }
}

fn sum_floats(vm: &Vm, iterator: &Value, total: &Value, first: Value) -> PyResult {
    let mut sum = Compensated { high: plain_float(total).unwrap_or(0.0), low: 0.0 };
    let mut next = Some(first);
    while let Some(item) = next {
        if let Some(x) = plain_float(&item) {
            sum.add(x);
        } else if int::is_int(&item) {
            sum.add(int::as_f64(vm, &item)?);
        } else {
            let total = vm.add(&float::new(sum.finish()), &item)?;
            return match (plain_complex(&total), vm.next(iterator)?) {
                (Some(start), Some(item)) if is_plain_number(&item) => sum_complex(vm, iterator, start, item),
                (_, Some(item)) => add_rest(vm, iterator, vm.add(&total, &item)?),
                (_, None) => Ok(total),
            };
        }
        next = vm.next(iterator)?;
    }
    Ok(float::new(sum.finish()))
}
