//! `sum()`: integers without overflow, floats with compensation (Neumaier), anything else by `+`.

use crate::exceptions::PyResult;
use crate::types::{float, int};
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
        if plain_float(&total).is_some() && (plain_float(&item).is_some() || item.is_small_int()) {
            return sum_floats(vm, &iterator, &total, item);
        }
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
        } else if let Some(small) = item.small_int() {
            sum.add(small as f64);
        } else {
            let mut total = vm.add(&float::new(sum.finish()), &item)?;
            while let Some(item) = vm.next(iterator)? {
                total = vm.add(&total, &item)?;
            }
            return Ok(total);
        }
        next = vm.next(iterator)?;
    }
    Ok(float::new(sum.finish()))
}
