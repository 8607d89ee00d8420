//! Iterators over choices from pools: `product`, `permutations`, `combinations` and
//! `combinations_with_replacement`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::make;

/// The places chosen from a pool, from one choice to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was given out yet.
    Start,
    /// At least one choice was given out.
    Running,
    /// There is no further choice.
    Ended,
}

/// Moves on by a step: the first choice is the one that stands there already.
fn move_on(phase: &Cell<Phase>, step: impl FnOnce() -> bool) -> bool {
    let going_on = match phase.get() {
        Phase::Start => true,
        Phase::Running => step(),
        Phase::Ended => false,
    };
    phase.set(if going_on { Phase::Running } else { Phase::Ended });
    going_on
}

fn chosen(pool: &[Value], places: &[usize]) -> Value {
    Tuple::from_values(places.iter().map(|&place| pool[place].clone())).into_value()
}

fn size_of_object<T>(object: &Object<T>, places: usize) -> usize {
    size_of_val(object) + places * size_of::<usize>()
}

/// Cartesian product of input iterables. Equivalent to nested for-loops.
///
/// For example, product(A, B) returns the same as:  ((x,y) for x in A for y in B).
/// To compute the product of an iterable with itself, use the optional repeat keyword.
#[pyclass(name = "product", module = "itertools", shows_get, tracked, subclassable, signature = "(*iterables, repeat=1)")]
pub struct Product {
    pools: Vec<Vec<Value>>,
    repeat: usize,
    #[untraced]
    places: GilCell<Vec<usize>>,
    #[untraced]
    phase: Cell<Phase>,
}

#[pymethods]
impl Product {
    #[new("product(*iterables, **keywords)")]
    fn new(vm: &Vm, cls: &TypeObject, iterables: &[Value], keywords: KeywordArguments<'_>) -> PyResult {
        let mut repeat = 1;
        for (name, value) in keywords.iter() {
            if !name.downcast::<Str>().is_some_and(|name| name.equals_str("repeat")) {
                let name = vm.str(name)?;
                let name = name.to_string_lossy();
                return Err(vm.type_error(format!("product() got an unexpected keyword argument '{name}'")));
            }
            repeat = vm.index_size(value, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        }
        let Ok(repeat) = usize::try_from(repeat) else {
            return Err(vm.value_error("repeat argument cannot be negative"));
        };
        let too_large = || vm.overflow_error("repeat argument too large");
        let count = iterables.len().checked_mul(repeat).filter(|&count| count <= isize::MAX as usize / 8);
        let count = count.ok_or_else(too_large)?;
        if !rspy_runtime::heap::can_allocate(count.saturating_mul(8)) {
            return Err(vm.memory_error());
        }
        let pools = if repeat == 0 { &[] } else { iterables };
        let pools = pools.iter().map(|iterable| vm.collect(iterable)).collect::<PyResult<Vec<_>>>()?;
        let ended = pools.iter().any(Vec::is_empty);
        let phase = Cell::new(if ended { Phase::Ended } else { Phase::Start });
        Ok(make(cls, Product { pools, repeat, places: GilCell::new(vec![0; count]), phase }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let count = self.pools.len();
        let going_on = move_on(&self.phase, || {
            let mut places = self.places.borrow_mut();
            for index in (0..places.len()).rev() {
                places[index] += 1;
                if places[index] < self.pools[index % count].len() {
                    return true;
                }
                places[index] = 0;
            }
            false
        });
        if !going_on {
            return Ok(None);
        }
        let places = self.places.borrow();
        let items = places.iter().enumerate().map(|(index, &place)| self.pools[index % count][place].clone());
        Ok(Some(Tuple::from_values(items).into_value()))
    }

    /// Returns size in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<Product>) -> usize {
        size_of_object(this, this.pools.len() * this.repeat)
    }
}

/// Return successive r-length permutations of elements in the iterable.
///
/// permutations(range(3), 2) --> (0,1), (0,2), (1,0), (1,2), (2,0), (2,1)
#[pyclass(name = "permutations", module = "itertools", shows_get, tracked, subclassable, signature = "(iterable, r=None)")]
pub struct Permutations {
    pool: Vec<Value>,
    length: usize,
    /// All places of the pool, the chosen ones first; and how many turns each chosen place has left.
    #[untraced]
    places: GilCell<(Vec<usize>, Vec<usize>)>,
    #[untraced]
    phase: Cell<Phase>,
}

#[pymethods]
impl Permutations {
    #[new("permutations(iterable, r=None)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value, r: Option<&Value>) -> PyResult {
        let pool = vm.collect(iterable)?;
        let length = match r.filter(|r| !is_none(r)) {
            None => pool.len() as isize,
            Some(r) if int::is_int(r) => {
                vm.index_size(r, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?
            }
            Some(_) => return Err(vm.type_error("Expected int as r")),
        };
        let length = usize::try_from(length).map_err(|_| negative_r(vm))?;
        if !rspy_runtime::heap::can_allocate(length.saturating_mul(8)) {
            return Err(vm.memory_error());
        }
        let count = pool.len();
        let phase = Cell::new(if length > count { Phase::Ended } else { Phase::Start });
        let turns = (0..length.min(count)).map(|index| count - index).collect();
        Ok(make(cls, Permutations { pool, length, places: GilCell::new(((0..count).collect(), turns)), phase }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let count = self.pool.len();
        let going_on = move_on(&self.phase, || {
            let (places, turns) = &mut *self.places.borrow_mut();
            for index in (0..self.length).rev() {
                turns[index] -= 1;
                if turns[index] > 0 {
                    places.swap(index, count - turns[index]);
                    return true;
                }
                // All turns of this place are done: it goes back to the end.
                places[index..].rotate_left(1);
                turns[index] = count - index;
            }
            false
        });
        Ok(going_on.then(|| chosen(&self.pool, &self.places.borrow().0[..self.length])))
    }

    /// Returns size in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<Permutations>) -> usize {
        size_of_object(this, this.pool.len() + this.length)
    }
}

/// Return successive r-length combinations of elements in the iterable.
///
/// combinations(range(4), 3) --> (0,1,2), (0,1,3), (0,2,3), (1,2,3)
#[pyclass(name = "combinations", module = "itertools", shows_get, tracked, subclassable, signature = "(iterable, r)")]
pub struct Combinations {
    pool: Vec<Value>,
    #[untraced]
    places: GilCell<Vec<usize>>,
    #[untraced]
    phase: Cell<Phase>,
}

#[pymethods]
impl Combinations {
    #[new("combinations(iterable, r)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value, r: isize) -> PyResult {
        let pool = vm.collect(iterable)?;
        let length = usize::try_from(r).map_err(|_| negative_r(vm))?;
        if !rspy_runtime::heap::can_allocate(length.saturating_mul(8)) {
            return Err(vm.memory_error());
        }
        let phase = Cell::new(if length > pool.len() { Phase::Ended } else { Phase::Start });
        Ok(make(cls, Combinations { pool, places: GilCell::new((0..length).collect()), phase }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let going_on = move_on(&self.phase, || {
            let mut places = self.places.borrow_mut();
            let spare = self.pool.len() - places.len();
            let Some(index) = (0..places.len()).rev().find(|&index| places[index] != index + spare) else {
                return false;
            };
            let first = places[index] + 1;
            for (offset, place) in places[index..].iter_mut().enumerate() {
                *place = first + offset;
            }
            true
        });
        Ok(going_on.then(|| chosen(&self.pool, &self.places.borrow())))
    }

    /// Returns size in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<Combinations>) -> usize {
        size_of_object(this, this.places.borrow().len())
    }
}

/// Return successive r-length combinations of elements in the iterable allowing individual elements to have
/// successive repeats.
///
/// combinations_with_replacement('ABC', 2) --> ('A','A'), ('A','B'), ('A','C'), ('B','B'), ('B','C'), ('C','C')
#[pyclass(
    name = "combinations_with_replacement",
    module = "itertools", shows_get,
    tracked,
    subclassable,
    signature = "(iterable, r)"
)]
pub struct CombinationsWithReplacement {
    pool: Vec<Value>,
    #[untraced]
    places: GilCell<Vec<usize>>,
    #[untraced]
    phase: Cell<Phase>,
}

#[pymethods]
impl CombinationsWithReplacement {
    #[new("combinations_with_replacement(iterable, r)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value, r: isize) -> PyResult {
        let pool = vm.collect(iterable)?;
        let length = usize::try_from(r).map_err(|_| negative_r(vm))?;
        if !rspy_runtime::heap::can_allocate(length.saturating_mul(8)) {
            return Err(vm.memory_error());
        }
        let ended = pool.is_empty() && length > 0;
        let phase = Cell::new(if ended { Phase::Ended } else { Phase::Start });
        Ok(make(cls, CombinationsWithReplacement { pool, places: GilCell::new(vec![0; length]), phase }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let going_on = move_on(&self.phase, || {
            let mut places = self.places.borrow_mut();
            let last = self.pool.len().wrapping_sub(1);
            let Some(index) = places.iter().rposition(|&place| place != last) else { return false };
            let place = places[index] + 1;
            places[index..].fill(place);
            true
        });
        Ok(going_on.then(|| chosen(&self.pool, &self.places.borrow())))
    }

    /// Returns size in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<CombinationsWithReplacement>) -> usize {
        size_of_object(this, this.places.borrow().len())
    }
}

fn negative_r(vm: &Vm) -> Exception {
    vm.value_error("r must be non-negative")
}
