//! `slice`: start, stop and step of a part of a sequence.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bool::boolean;
use crate::types::int;
use crate::types::none::{is_none, none, not_implemented};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// slice(stop)
/// slice(start, stop[, step])
///
/// The part of a sequence that `sequence[start:stop:step]` means.
#[pyclass(name = "slice", tracked)]
pub struct Slice {
    start: Value,
    stop: Value,
    step: Value,
}

/// A slice fitted to a length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SliceRange {
    /// The first index.
    pub start: isize,
    /// Where to end; -1 where a negative step goes down to the first item.
    pub stop: isize,
    /// The distance of two indices, not 0.
    pub step: isize,
}

impl SliceRange {
    /// Number of indices.
    pub fn count(&self) -> usize {
        if self.step > 0 && self.start < self.stop {
            (self.stop - self.start - 1) as usize / self.step as usize + 1
        } else if self.step < 0 && self.stop < self.start {
            (self.start - self.stop - 1) as usize / self.step.unsigned_abs() + 1
        } else {
            0
        }
    }

    /// The indices.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = usize> + use<> {
        let (start, step) = (self.start, self.step);
        (0..self.count()).map(move |number| (start + number as isize * step) as usize)
    }

    /// Whether the range is all of a sequence of this length.
    pub fn is_whole(&self, length: usize) -> bool {
        self.step == 1 && self.start == 0 && self.stop >= length as isize
    }
}

/// A bound as an index, the largest or smallest where it does not fit.
///
/// # Errors
/// `TypeError` where the value is neither `None` nor an integer.
pub fn clamped_index(vm: &Vm, value: &Value) -> PyResult<isize> {
    if let Some(small) = value.small_int() {
        return Ok(small as isize);
    }
    if value.type_of().slots().index.get().is_none() {
        return Err(vm.type_error("slice indices must be integers or None or have an __index__ method"));
    }
    let index = vm.index(value)?;
    Ok(match int::small_value(&index) {
        Some(small) => small as isize,
        None if int::sign(&index) < 0 => isize::MIN,
        None => isize::MAX,
    })
}

/// `start` and `stop` for a search in a sequence of this length; `None` means the end in question.
///
/// # Errors
/// `TypeError` where one is no integer.
pub fn search_range(
    vm: &Vm,
    start: Option<&Value>,
    stop: Option<&Value>,
    length: usize,
) -> PyResult<(isize, isize)> {
    let bound = |value: Option<&Value>, absent: isize| match value {
        Some(value) if !is_none(value) => clamped_index(vm, value),
        _ => Ok(absent),
    };
    let (start, stop) = (bound(start, 0)?, bound(stop, isize::MAX)?);
    let length = length as isize;
    let fit = |index: isize| if index < 0 { index.saturating_add(length).max(0) } else { index };
    Ok((fit(start), fit(stop).min(length)))
}

impl Slice {
    /// A slice.
    pub fn new(start: Value, stop: Value, step: Value) -> Ref<Slice> {
        Object::new(Slice { start, stop, step })
    }

    /// The start as it was given.
    pub fn start(&self) -> &Value {
        &self.start
    }

    /// The stop as it was given.
    pub fn stop(&self) -> &Value {
        &self.stop
    }

    /// The step as it was given.
    pub fn step(&self) -> &Value {
        &self.step
    }

    /// The slice fitted to a sequence of this length.
    ///
    /// # Errors
    /// `TypeError` for bounds that are no integers, `ValueError` for a step of 0.
    pub fn indices(&self, vm: &Vm, length: usize) -> PyResult<SliceRange> {
        self.indices_in(vm, || length)
    }

    /// As [`indices`](Self::indices) for what may change its length while the bounds are asked for.
    ///
    /// # Errors
    /// The same.
    pub fn indices_in(&self, vm: &Vm, length: impl FnOnce() -> usize) -> PyResult<SliceRange> {
        let step = if is_none(&self.step) { 1 } else { clamped_index(vm, &self.step)? };
        if step == 0 {
            return Err(vm.value_error("slice step cannot be zero"));
        }
        let step = step.max(-isize::MAX);
        let start = self.bound(vm, &self.start, if step < 0 { isize::MAX } else { 0 })?;
        let stop = self.bound(vm, &self.stop, if step < 0 { isize::MIN } else { isize::MAX })?;
        let length = length() as isize;
        let (lowest, highest) = if step < 0 { (-1, length - 1) } else { (0, length) };
        let fit = |index: isize| {
            let index = if index < 0 { index.saturating_add(length) } else { index };
            index.clamp(lowest, highest.max(lowest))
        };
        Ok(SliceRange { start: fit(start), stop: fit(stop), step })
    }

    fn bound(&self, vm: &Vm, value: &Value, absent: isize) -> PyResult<isize> {
        if is_none(value) { Ok(absent) } else { clamped_index(vm, value) }
    }

    /// As [`indices`](Self::indices) for a length of any size.
    fn big_indices(&self, vm: &Vm, length: &BigInt) -> PyResult<[BigInt; 3]> {
        let step = if is_none(&self.step) { BigInt::from(1) } else { big_index(vm, &self.step)? };
        if step.is_zero() {
            return Err(vm.value_error("slice step cannot be zero"));
        }
        let down = step.is_negative();
        let (lowest, highest) =
            if down { (BigInt::from(-1), length - 1) } else { (BigInt::zero(), length.clone()) };
        let fit = |value: &Value, absent: &BigInt| -> PyResult<BigInt> {
            if is_none(value) {
                return Ok(absent.clone());
            }
            let index = big_index(vm, value)?;
            let index = if index.is_negative() { index + length } else { index };
            Ok(index.max(lowest.clone()).min(highest.clone()))
        };
        let start = fit(&self.start, if down { &highest } else { &lowest })?;
        let stop = fit(&self.stop, if down { &lowest } else { &highest })?;
        Ok([start, stop, step])
    }

    fn parts(&self) -> [Value; 3] {
        [self.start.clone(), self.stop.clone(), self.step.clone()]
    }
}

fn big_index(vm: &Vm, value: &Value) -> PyResult<BigInt> {
    if value.type_of().slots().index.get().is_none() {
        return Err(vm.type_error("slice indices must be integers or None or have an __index__ method"));
    }
    int::to_big(vm, value)
}

#[pymethods]
impl Slice {
    #[slot(new)]
    fn make(vm: &Vm, _cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let slice = match crate::arguments::positional(vm, "slice", args, names, 1, 3)? {
            [stop] => Slice::new(none(), stop.clone(), none()),
            [start, stop] => Slice::new(start.clone(), stop.clone(), none()),
            [start, stop, step, ..] => Slice::new(start.clone(), stop.clone(), step.clone()),
            [] => Slice::new(none(), none(), none()),
        };
        Ok(slice.into_value())
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let mut out = crate::types::string::build::StrBuilder::new();
        out.push_str("slice(");
        for (index, part) in self.parts().iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            out.push_object(&*vm.repr(part)?);
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        const PRIME_1: u64 = 11_400_714_785_074_694_791;
        const PRIME_2: u64 = 14_029_467_366_897_019_727;
        const PRIME_5: u64 = 2_870_177_450_012_600_261;
        let mut state = PRIME_5;
        for part in [&self.start, &self.stop, &self.step] {
            let hash = vm.hash(part)? as u64;
            state = state.wrapping_add(hash.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1);
        }
        Ok(if state == u64::MAX { 1_546_275_796 } else { state as i64 })
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<Slice>() else { return Ok(not_implemented()) };
        if std::ptr::eq(self, other.payload()) {
            return Ok(boolean(comparison.holds(std::cmp::Ordering::Equal)));
        }
        let (left, right) = (self.parts(), other.parts());
        crate::types::tuple::compare_items(
            vm,
            |index| left.get(index).cloned(),
            |index| right.get(index).cloned(),
            comparison,
        )
    }

    #[getter("start", member)]
    fn get_start(&self) -> Value {
        self.start.clone()
    }

    #[getter("stop", member)]
    fn get_stop(&self) -> Value {
        self.stop.clone()
    }

    #[getter("step", member)]
    fn get_step(&self) -> Value {
        self.step.clone()
    }

    /// Return (start, stop, stride) of the slice fitted to a sequence of the given length.
    #[method("indices(self, object, /)")]
    pub(crate) fn indices_of(&self, vm: &Vm, object: &Value) -> PyResult<(BigInt, BigInt, BigInt)> {
        let length = int::to_big(vm, object)?;
        if length.is_negative() {
            return Err(vm.value_error("length should not be negative"));
        }
        let [start, stop, step] = self.big_indices(vm, &length)?;
        Ok((start, stop, step))
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> (Value, Ref<Tuple>) {
        (Slice::static_type().to_value(), Tuple::from_values(self.parts()))
    }
}
