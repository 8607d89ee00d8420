//! `enumerate`, `zip`, `map` and `filter`.

use std::cell::Cell;

use num_bigint::BigInt;
use rspy_macros::{pyclass, pymethods};

use crate::arguments::KeywordArguments;
use crate::cell::GilCell;
use crate::exceptions::{Exception, PyResult};
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::bool::{Bool, boolean};
use crate::types::int;
use crate::types::none::is_none;
use crate::types::string::Str;
use crate::types::tuple::{ReusedTuple, Tuple};
use crate::value::Value;
use crate::vm::Vm;

/// Return an enumerate object.
///
/// It yields pairs of a count, which begins at start, and an item of iterable.
#[pyclass(name = "enumerate", tracked, subclassable, signature = "(iterable, start=0)")]
pub struct Enumerate {
    iterator: Value,
    count: Cell<i64>,
    /// The count where it does not fit the word.
    #[untraced]
    big_count: GilCell<Option<BigInt>>,
    pair: ReusedTuple,
}

impl Enumerate {
    /// The count as an `int`.
    fn current(&self) -> Value {
        match &*self.big_count.borrow() {
            Some(count) => int::from_big(count.clone()),
            None => int::new(self.count.get()),
        }
    }

    fn advance(&self) {
        let mut big = self.big_count.borrow_mut();
        match &mut *big {
            Some(count) => *count += 1,
            None => match self.count.get().checked_add(1) {
                Some(next) => self.count.set(next),
                None => *big = Some(BigInt::from(self.count.get()) + 1),
            },
        }
    }
}

#[pymethods]
impl Enumerate {
    #[slot(new)]
    fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        let total = args.len();
        if total > 2 {
            return Err(vm.type_error(format!("enumerate() takes at most 2 arguments ({total} given)")));
        }
        let mut found = [positional.first(), positional.get(1)];
        for (name, value) in keywords.iter() {
            let place = ["iterable", "start"]
                .iter()
                .position(|known| name.downcast::<Str>().is_some_and(|name| name.equals_str(known)));
            match place {
                Some(place) if found[place].is_none() && (place == 0 || total == 2) => {
                    found[place] = Some(value)
                }
                _ => {
                    let name = vm.str(name)?;
                    return Err(vm.type_error(format!(
                        "'{}' is an invalid keyword argument for enumerate()",
                        name.to_string_lossy()
                    )));
                }
            }
        }
        let Some(iterable) = found[0] else {
            return Err(vm.type_error("enumerate() missing required argument 'iterable'"));
        };
        let start = match found[1] {
            Some(start) => int::to_big(vm, start)?,
            None => BigInt::default(),
        };
        let iterator = vm.iter(iterable)?;
        let (count, big_count) = match i64::try_from(&start) {
            Ok(small) => (small, None),
            Err(_) => (0, Some(start)),
        };
        let made = Enumerate {
            iterator,
            count: Cell::new(count),
            big_count: GilCell::new(big_count),
            pair: ReusedTuple::default(),
        };
        Ok(Object::with_type(cls, made).into_value())
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(item) = vm.next(&self.iterator)? else { return Ok(None) };
        let count = self.current();
        self.advance();
        Ok(Some(self.pair.with([count, item])))
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Enumerate>) -> (Value, (Value, Value)) {
        (this.type_of().to_value(), (this.iterator.clone(), this.current()))
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(cls: &TypeObject, vm: &Vm, object: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
    }
}

/// The argument `strict` of `zip` and `map`.
fn strict_argument(vm: &Vm, function: &str, keywords: KeywordArguments<'_>) -> PyResult<bool> {
    let mut strict = false;
    for (name, value) in keywords.iter() {
        if !name.downcast::<Str>().is_some_and(|name| name.equals_str("strict")) {
            let name = vm.str(name)?;
            return Err(vm.type_error(format!(
                "{function}() got an unexpected keyword argument '{}'",
                name.to_string_lossy()
            )));
        }
        strict = vm.is_true(value)?;
    }
    Ok(strict)
}

/// One item of each iterator; `None` where one has ended.
fn next_of_each(vm: &Vm, function: &str, iterators: &[Value], strict: bool) -> PyResult<Option<Vec<Value>>> {
    let mut items = Vec::with_capacity(iterators.len());
    for (index, iterator) in iterators.iter().enumerate() {
        match vm.next(iterator)? {
            Some(item) => items.push(item),
            None if !strict => return Ok(None),
            None if index > 0 => return Err(uneven(vm, function, index, "shorter")),
            None => {
                for (index, iterator) in iterators.iter().enumerate().skip(1) {
                    if vm.next(iterator)?.is_some() {
                        return Err(uneven(vm, function, index, "longer"));
                    }
                }
                return Ok(None);
            }
        }
    }
    Ok(Some(items))
}

fn uneven(vm: &Vm, function: &str, index: usize, how: &str) -> Exception {
    let others = if index == 1 { " 1".to_owned() } else { format!("s 1-{index}") };
    vm.value_error(format!("{function}() argument {} is {how} than argument{others}", index + 1))
}

/// What `__reduce__` of `zip` and `map` answers.
fn reduced(typ: &TypeObject, arguments: Ref<Tuple>, strict: bool) -> Value {
    let (typ, arguments) = (typ.to_value(), arguments.into_value());
    if strict {
        Tuple::from_values([typ, arguments, boolean(true)]).into_value()
    } else {
        Tuple::from_values([typ, arguments]).into_value()
    }
}

/// The zip object yields n-length tuples, where n is the number of iterables.
///
/// The i-th element of every tuple comes from the i-th iterable argument. It ends with the shortest one; if strict is
/// true and one of the arguments ends before the others, it raises a ValueError.
///
/// >>> list(zip('ab', range(3), strict=False))
/// [('a', 0), ('b', 1)]
#[pyclass(name = "zip", tracked, subclassable, signature = "(*iterables, strict=False)")]
pub struct Zip {
    iterators: Ref<Tuple>,
    strict: Cell<bool>,
    pair: ReusedTuple,
}

impl Zip {
    /// Whether it puts the items of two iterables together until one ends.
    pub(crate) fn makes_pairs(&self) -> bool {
        self.iterators.items().len() == 2 && !self.strict.get()
    }

    /// The next pair where it [makes pairs](Self::makes_pairs).
    #[inline]
    pub(crate) fn next_pair(&self, vm: &Vm) -> PyResult<Option<(Value, Value)>> {
        let [first, second] = self.iterators.items() else { return Ok(None) };
        let Some(first) = vm.next(first)? else { return Ok(None) };
        let Some(second) = vm.next(second)? else { return Ok(None) };
        Ok(Some((first, second)))
    }
}

#[pymethods]
impl Zip {
    #[slot(new)]
    fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (iterables, keywords) = KeywordArguments::of_call(args, names);
        let strict = Cell::new(strict_argument(vm, "zip", keywords)?);
        let iterators = iterables.iter().map(|iterable| vm.iter(iterable)).collect::<PyResult<Vec<_>>>()?;
        Ok(Object::with_type(
            cls,
            Zip { iterators: Tuple::from_values(iterators), strict, pair: ReusedTuple::default() },
        )
        .into_value())
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if self.iterators.items().is_empty() {
            return Ok(None);
        }
        if self.makes_pairs() {
            return Ok(self.next_pair(vm)?.map(|(first, second)| self.pair.with([first, second])));
        }
        let items = next_of_each(vm, "zip", self.iterators.items(), self.strict.get())?;
        Ok(items.map(|items| Tuple::from_values(items).into_value()))
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Zip>) -> Value {
        reduced(this.type_of(), this.iterators.clone(), this.strict.get())
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        self.strict.set(vm.is_true(object)?);
        Ok(())
    }
}

/// Make an iterator that computes the function using arguments from each of the iterables.
///
/// Stops when the shortest iterable is exhausted. If strict is true and one of the arguments is exhausted before the
/// others, raise a ValueError.
#[pyclass(
    name = "map",
    tracked,
    subclassable,
    signature = "(function, iterable, /, *iterables, strict=False)"
)]
pub struct Map {
    function: Value,
    iterators: Ref<Tuple>,
    strict: Cell<bool>,
}

#[pymethods]
impl Map {
    #[slot(new)]
    fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        let strict = Cell::new(strict_argument(vm, "map", keywords)?);
        let [function, iterables @ ..] = positional else {
            return Err(vm.type_error("map() must have at least two arguments."));
        };
        if iterables.is_empty() {
            return Err(vm.type_error("map() must have at least two arguments."));
        }
        let iterators = iterables.iter().map(|iterable| vm.iter(iterable)).collect::<PyResult<Vec<_>>>()?;
        let made = Map { function: function.clone(), iterators: Tuple::from_values(iterators), strict };
        Ok(Object::with_type(cls, made).into_value())
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if let [iterator] = self.iterators.items() {
            let Some(item) = vm.next(iterator)? else { return Ok(None) };
            return vm.call(&self.function, std::slice::from_ref(&item)).map(Some);
        }
        match next_of_each(vm, "map", self.iterators.items(), self.strict.get())? {
            Some(items) => vm.call(&self.function, &items).map(Some),
            None => Ok(None),
        }
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Map>) -> Value {
        let mut arguments = vec![this.function.clone()];
        arguments.extend_from_slice(this.iterators.items());
        reduced(this.type_of(), Tuple::from_values(arguments), this.strict.get())
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        self.strict.set(vm.is_true(object)?);
        Ok(())
    }
}

/// Return an iterator yielding those items of iterable for which function(item) is true.
///
/// If function is None, return the items that are true.
#[pyclass(name = "filter", tracked, subclassable, signature = "(function, iterable, /)")]
pub struct Filter {
    function: Value,
    iterator: Value,
}

#[pymethods]
impl Filter {
    #[slot(new)]
    fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (args, names) = crate::arguments::for_new(cls, Filter::static_type(), args, names);
        let args = crate::arguments::positional(vm, "filter", args, names, 2, 2)?;
        let iterator = vm.iter(&args[1])?;
        Ok(Object::with_type(cls, Filter { function: args[0].clone(), iterator }).into_value())
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let by_truth = is_none(&self.function) || Bool::static_type().is(&self.function);
        while let Some(item) = vm.next(&self.iterator)? {
            let keep = if by_truth {
                vm.is_true(&item)?
            } else {
                let answer = vm.call(&self.function, std::slice::from_ref(&item))?;
                vm.is_true(&answer)?
            };
            if keep {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Filter>) -> (Value, (Value, Value)) {
        (this.type_of().to_value(), (this.function.clone(), this.iterator.clone()))
    }
}
