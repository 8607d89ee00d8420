//! `range`: an arithmetic sequence of ints, and its iterators.

use std::cell::Cell;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bool::{as_bool, boolean};
use crate::types::int;
use crate::types::iterators::reduced_at;
use crate::types::none::{none, not_implemented};
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// range(stop) -> range object
/// range(start, stop[, step]) -> range object
///
/// The numbers from start to stop, stop excluded, by step.
#[pyclass(name = "range", sequence)]
pub struct Range {
    start: Value,
    stop: Value,
    step: Value,
    /// Number of items, an `int`.
    length: Value,
}

/// Number of items of an arithmetic sequence.
fn length_of(start: &Value, stop: &Value, step: &Value) -> Value {
    if let (Some(start), Some(stop), Some(step)) = (start.small_int(), stop.small_int(), step.small_int()) {
        let (low, high, step) = if step > 0 { (start, stop, step) } else { (stop, start, -step) };
        return if low < high { int::new((high - low - 1) / step + 1) } else { Value::int(0) };
    }
    let (start, stop, step) = (big(start), big(stop), big(step));
    let (low, high, step) = if step.is_negative() { (stop, start, -step) } else { (start, stop, step) };
    if low < high { int::from_big((high - low - 1u32) / step + 1u32) } else { Value::int(0) }
}

fn big(value: &Value) -> BigInt {
    int::borrow_big(value).unwrap_or_default().into_owned()
}

fn is_zero(value: &Value) -> bool {
    value.small_int() == Some(0)
}

impl Range {
    /// A range of exact ints; the step is not 0.
    pub fn new(start: Value, stop: Value, step: Value) -> Ref<Range> {
        let length = length_of(&start, &stop, &step);
        Object::new(Range { start, stop, step, length })
    }

    /// The item at an index within the range.
    fn item_at(&self, index: &BigInt) -> Value {
        int::from_big(big(&self.start) + index * big(&self.step))
    }

    fn small_item_at(&self, index: i64) -> Option<Value> {
        let offset = index.checked_mul(self.step.small_int()?)?;
        Some(int::new(self.start.small_int()?.checked_add(offset)?))
    }

    fn get(&self, vm: &Vm, index: &Value) -> PyResult {
        let out_of_range = || vm.index_error("range object index out of range");
        if let (Some(index), Some(length)) = (index.small_int(), self.length.small_int()) {
            let index = if index < 0 { index + length } else { index };
            if index < 0 || index >= length {
                return Err(out_of_range());
            }
            return Ok(self.small_item_at(index).unwrap_or_else(|| self.item_at(&BigInt::from(index))));
        }
        let (index, length) = (big(index), big(&self.length));
        let index = if index.is_negative() { index + &length } else { index };
        if index.is_negative() || index >= length {
            return Err(out_of_range());
        }
        Ok(self.item_at(&index))
    }

    fn slice(&self, vm: &Vm, slice: &Slice) -> PyResult {
        let (start, stop, step) = slice.indices_of(vm, &self.length)?;
        let own_step = big(&self.step);
        let new_step = int::from_big(&own_step * step);
        Ok(Range::new(self.item_at(&start), self.item_at(&stop), new_step).into_value())
    }

    /// The position of an exact int, if it is in the range.
    fn position(&self, item: &Value) -> Option<BigInt> {
        if let (Some(item), Some(start), Some(stop), Some(step)) =
            (int::small_value(item), self.start.small_int(), self.stop.small_int(), self.step.small_int())
        {
            let inside = if step > 0 { start <= item && item < stop } else { stop < item && item <= start };
            let distance = i128::from(item) - i128::from(start);
            return (inside && distance % i128::from(step) == 0)
                .then(|| BigInt::from(distance / i128::from(step)));
        }
        let (item, start, stop, step) = (big(item), big(&self.start), big(&self.stop), big(&self.step));
        let inside =
            if step.is_positive() { start <= item && item < stop } else { stop < item && item <= start };
        if !inside {
            return None;
        }
        let (position, rest) = (item - start).div_rem(&step);
        rest.is_zero().then_some(position)
    }

    /// Ints and truth values are found by arithmetic; other objects only by comparing.
    fn is_plain(item: &Value) -> bool {
        int::is_exact_int(item) || as_bool(item).is_some()
    }

    /// Calls for each item until the function answers something.
    fn search<T>(
        this: &Object<Range>,
        vm: &Vm,
        item: &Value,
        mut found: impl FnMut(usize) -> Option<T>,
    ) -> PyResult<Option<T>> {
        let iterator = this.iterator();
        let mut index = 0;
        while let Some(own) = vm.next(&iterator)? {
            if vm.same_or_equal(&own, item)?
                && let Some(answer) = found(index)
            {
                return Ok(Some(answer));
            }
            index += 1;
        }
        Ok(None)
    }

    fn iterator(&self) -> Value {
        if let (Some(start), Some(_), Some(step), Some(length)) =
            (self.start.small_int(), self.stop.small_int(), self.step.small_int(), self.length.small_int())
        {
            return RangeIterator::new(start, step, length).into_value();
        }
        LongRangeIterator::make(big(&self.start), big(&self.step), big(&self.length)).into_value()
    }
}

#[pymethods]
impl Range {
    #[slot(new)]
    fn make(vm: &Vm, _cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let args = crate::arguments::positional(vm, "range", args, names, 1, 3)?;
        let index = |value: &Value| vm.index(value).map(|index| int::to_exact(&index));
        let range = match args {
            [start, stop, rest @ ..] => {
                let (start, stop) = (index(start)?, index(stop)?);
                let step = rest.first().map_or_else(|| Ok(Value::int(1)), index)?;
                if is_zero(&step) {
                    return Err(vm.value_error("range() arg 3 must not be zero"));
                }
                Range::new(start, stop, step)
            }
            [stop, ..] => Range::new(Value::int(0), index(stop)?, Value::int(1)),
            [] => Range::new(Value::int(0), Value::int(0), Value::int(1)),
        };
        Ok(range.into_value())
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult<String> {
        let (start, stop) = (vm.repr(&self.start)?, vm.repr(&self.stop)?);
        let (start, stop) = (start.to_string_lossy(), stop.to_string_lossy());
        if self.step.small_int() == Some(1) {
            return Ok(format!("range({start}, {stop})"));
        }
        Ok(format!("range({start}, {stop}, {})", vm.repr(&self.step)?.to_string_lossy()))
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        let parts = if is_zero(&self.length) {
            [self.length.clone(), none(), none()]
        } else if self.length.small_int() == Some(1) {
            [self.length.clone(), self.start.clone(), none()]
        } else {
            [self.length.clone(), self.start.clone(), self.step.clone()]
        };
        vm.hash(Tuple::from_values(parts).value())
    }

    #[slot(compare)]
    fn compare(&self, other: &Value, comparison: Comparison) -> Value {
        let (Some(other), Comparison::Equal | Comparison::NotEqual) = (other.downcast::<Range>(), comparison)
        else {
            return not_implemented();
        };
        let same =
            |left: &Value, right: &Value| int::order(left, right).is_some_and(std::cmp::Ordering::is_eq);
        let equal = same(&self.length, &other.length)
            && (is_zero(&self.length)
                || (same(&self.start, &other.start)
                    && (self.length.small_int() == Some(1) || same(&self.step, &other.step))));
        boolean(equal == (comparison == Comparison::Equal))
    }

    #[slot(bool)]
    fn bool(&self) -> PyResult<bool> {
        Ok(!is_zero(&self.length))
    }

    #[slot(length)]
    fn length(&self, vm: &Vm) -> PyResult<usize> {
        int::small_value(&self.length)
            .map(|length| length as usize)
            .ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult {
        if index < 0 {
            return Err(vm.index_error("range object index out of range"));
        }
        self.get(vm, &int::new(index as i64))
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        if key.type_of().slots().index.get().is_some() {
            let index = vm.index(key)?;
            return self.get(vm, &index);
        }
        match key.downcast::<Slice>() {
            Some(slice) => self.slice(vm, slice),
            None => Err(vm.type_error(format!(
                "range indices must be integers or slices, not {}",
                key.type_of().full_name()
            ))),
        }
    }

    #[slot(contains)]
    fn contains(this: &Object<Range>, vm: &Vm, item: &Value) -> PyResult<bool> {
        if Range::is_plain(item) {
            return Ok(this.position(item).is_some());
        }
        Range::search(this, vm, item, |_| Some(())).map(|found| found.is_some())
    }

    #[slot(iter)]
    fn iter(&self) -> Value {
        self.iterator()
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

    /// Return a reverse iterator.
    #[method("__reversed__(self, /)")]
    fn reversed(&self) -> Value {
        if let (Some(start), Some(_), Some(step), Some(length)) =
            (self.start.small_int(), self.stop.small_int(), self.step.small_int(), self.length.small_int())
            && step != i64::MIN
            && let Some(last) = (length - 1).checked_mul(step).and_then(|offset| start.checked_add(offset))
        {
            return RangeIterator::new(last, -step, length).into_value();
        }
        let (start, step, length) = (big(&self.start), big(&self.step), big(&self.length));
        let last = start + (&length - BigInt::one()) * &step;
        LongRangeIterator::make(last, -step, length).into_value()
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> (Value, (Value, Value, Value)) {
        (Range::static_type().to_value(), (self.start.clone(), self.stop.clone(), self.step.clone()))
    }

    /// rangeobject.count(value) -> integer -- return number of occurrences of value
    #[method("count(self, object, /)")]
    fn count(this: &Object<Range>, vm: &Vm, object: &Value) -> PyResult<usize> {
        if Range::is_plain(object) {
            return Ok(usize::from(this.position(object).is_some()));
        }
        let mut count = 0;
        Range::search(this, vm, object, |_| {
            count += 1;
            None::<()>
        })?;
        Ok(count)
    }

    /// rangeobject.index(value) -> integer -- return index of value.
    ///
    /// Raise ValueError if the value is not present.
    #[method("index(self, object, /)")]
    fn index(this: &Object<Range>, vm: &Vm, object: &Value) -> PyResult {
        if Range::is_plain(object) {
            return this
                .position(object)
                .map(int::from_big)
                .ok_or_else(|| vm.value_error("range.index(x): x not in range"));
        }
        Range::search(this, vm, object, Some)?
            .map(|index| int::new(index as i64))
            .ok_or_else(|| vm.value_error("sequence.index(x): x not in sequence"))
    }
}

/// Goes through a range whose items fit the word.
#[pyclass(name = "range_iterator", no_new)]
pub struct RangeIterator {
    next: Cell<i64>,
    step: i64,
    left: Cell<i64>,
}

impl RangeIterator {
    /// An iterator that yields `left` numbers.
    pub fn new(start: i64, step: i64, left: i64) -> Ref<RangeIterator> {
        Object::new(RangeIterator { next: Cell::new(start), step, left: Cell::new(left) })
    }

    /// The next number without going on; `None` at the end.
    #[inline(always)]
    pub fn peek(&self) -> Option<i64> {
        (self.left.get() > 0).then(|| self.next.get())
    }

    /// Goes on to the next number, where there is one.
    #[inline(always)]
    pub fn advance(&self) {
        self.left.set(self.left.get() - 1);
        self.next.set(self.next.get().wrapping_add(self.step));
    }

    /// The next number; `None` at the end.
    #[inline(always)]
    pub fn next_small(&self) -> Option<i64> {
        let left = self.left.get();
        if left <= 0 {
            return None;
        }
        let number = self.next.get();
        self.left.set(left - 1);
        self.next.set(number.wrapping_add(self.step));
        Some(number)
    }
}

#[pymethods]
impl RangeIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        Ok(self.next_small().map(int::new))
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self) -> i64 {
        self.left.get()
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        let (start, left) = (i128::from(self.next.get()), i128::from(self.left.get()));
        let stop = int::from_i128(start + left * i128::from(self.step));
        let rest = Range::new(int::from_i128(start), stop, int::new(self.step));
        reduced_at(vm, "iter", rest.into_value(), none())
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let index = vm
            .index_size(object, |vm| vm.overflow_error("Python int too large to convert to C long"))?
            as i64;
        let index = index.clamp(0, self.left.get());
        self.next.set(self.next.get() + index * self.step);
        self.left.set(self.left.get() - index);
        Ok(())
    }
}

/// Goes through a range whose items do not all fit the word.
#[pyclass(name = "longrange_iterator", no_new)]
pub struct LongRangeIterator {
    next: GilCell<BigInt>,
    step: BigInt,
    left: GilCell<BigInt>,
}

impl LongRangeIterator {
    fn make(start: BigInt, step: BigInt, length: BigInt) -> Ref<LongRangeIterator> {
        Object::new(LongRangeIterator { next: GilCell::new(start), step, left: GilCell::new(length) })
    }
}

#[pymethods]
impl LongRangeIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let mut left = self.left.borrow_mut();
        if !left.is_positive() {
            return Ok(None);
        }
        *left -= 1;
        let mut next = self.next.borrow_mut();
        let number = next.clone();
        *next += &self.step;
        Ok(Some(int::from_big(number)))
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self) -> BigInt {
        self.left.get()
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        let start = self.next.get();
        let stop = &start + self.left.get() * &self.step;
        let rest = Range::new(int::from_big(start), int::from_big(stop), int::from_big(self.step.clone()));
        reduced_at(vm, "iter", rest.into_value(), none())
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let index = int::to_big(vm, object)?.max(BigInt::zero()).min(self.left.get());
        let next = self.next.get() + &index * &self.step;
        self.next.set(next);
        let left = self.left.get() - index;
        self.left.set(left);
        Ok(())
    }
}

/// Start, stop and step of a range, where they fit; for callers that index with it.
pub fn small_parts(range: &Object<Range>) -> Option<(i64, i64, i64)> {
    Some((range.start.small_int()?, range.stop.small_int()?, range.step.small_int()?))
}

/// The number of items of a range, where it fits.
pub fn small_length(range: &Object<Range>) -> Option<i64> {
    big(&range.length).to_i64()
}
