//! `functools.lru_cache`: a function that remembers its results, those used longest ago dropping out.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::instance;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Create a cached callable that wraps another function.
///
/// user_function:      the function being cached
///
/// maxsize:  0         for no caching
///           None      for unlimited cache size
///           n         for a bounded cache
///
/// typed:    False     cache f(3) and f(3.0) as identical calls
///           True      cache f(3) and f(3.0) as distinct calls
///
/// cache_info_type:    namedtuple class with the fields:
///                         hits misses currsize maxsize
#[pyclass(name = "_lru_cache_wrapper", module = "functools", tracked, weak, dict, method_descriptor)]
pub struct LruCache {
    function: Value,
    info_type: Value,
    /// Stands between positional and keyword arguments in a key.
    mark: Value,
    /// Results by key; for a bounded cache their place in `recency`.
    results: Ref<Dict>,
    recency: GilCell<Recency>,
    #[untraced]
    limit: Limit,
    #[untraced]
    typed: bool,
    hits: Cell<u64>,
    misses: Cell<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Limit {
    Nothing,
    Some(usize),
    Unlimited,
}

/// The entries of a bounded cache, linked from the one used longest ago to the latest.
#[derive(Default)]
struct Recency {
    entries: Vec<Entry>,
    /// Places in `entries`, with one added so that 0 means none.
    oldest: usize,
    latest: usize,
}

struct Entry {
    key: Value,
    result: Value,
    before: usize,
    after: usize,
}

impl Trace for Recency {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        for entry in &self.entries {
            visitor.value(&entry.key);
            visitor.value(&entry.result);
        }
    }
}

impl Recency {
    fn entry(&mut self, place: usize) -> &mut Entry {
        &mut self.entries[place - 1]
    }

    fn unlink(&mut self, place: usize) {
        let (before, after) = (self.entry(place).before, self.entry(place).after);
        if before == 0 {
            self.oldest = after
        } else {
            self.entry(before).after = after
        }
        if after == 0 { self.latest = before } else { self.entry(after).before = before }
    }

    fn link_latest(&mut self, place: usize) {
        let before = self.latest;
        let entry = self.entry(place);
        (entry.before, entry.after) = (before, 0);
        if before == 0 {
            self.oldest = place
        } else {
            self.entry(before).after = place
        }
        self.latest = place;
    }

    /// The result at a place, which becomes the latest. Nothing where the cache was emptied since the place was found.
    fn touch(&mut self, place: usize) -> Option<Value> {
        if place > self.entries.len() {
            return None;
        }
        if self.latest != place {
            self.unlink(place);
            self.link_latest(place);
        }
        Some(self.entry(place).result.clone())
    }

    fn push(&mut self, key: Value, result: Value) -> usize {
        self.entries.push(Entry { key, result, before: 0, after: 0 });
        let place = self.entries.len();
        self.link_latest(place);
        place
    }

    /// Puts a new entry where the oldest was; answers what was there.
    fn replace_oldest(&mut self, key: Value, result: Value) -> (usize, Value, Value) {
        let place = self.oldest;
        self.unlink(place);
        let entry = self.entry(place);
        let old = (std::mem::replace(&mut entry.key, key), std::mem::replace(&mut entry.result, result));
        self.link_latest(place);
        (place, old.0, old.1)
    }
}

impl LruCache {
    /// What the arguments are remembered by.
    fn key(&self, args: &[Value], names: KeywordNames<'_>) -> Value {
        let names = names.map_or(&[][..], |names| names.items());
        let (positional, values) = args.split_at(args.len() - names.len());
        if !self.typed && names.is_empty() {
            // One argument of a type whose equality is plain is its own key.
            if let [one] = positional
                && (one.downcast_exact::<Str>().is_some() || int::is_exact_int(one))
            {
                return one.clone();
            }
            return Tuple::from_slice(positional).into_value();
        }
        let mut key = positional.to_vec();
        if !names.is_empty() {
            key.push(self.mark.clone());
            for (name, value) in names.iter().zip(values) {
                key.extend([name.clone(), value.clone()]);
            }
        }
        if self.typed {
            key.extend(args.iter().map(|arg| arg.type_of().to_value()));
        }
        Tuple::from_values(key).into_value()
    }

    fn call_unlimited(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let key = self.key(args, names);
        let hash = vm.hash(&key)?;
        if let Some(known) = self.results.get_hashed(vm, &key, hash)? {
            self.hits.set(self.hits.get() + 1);
            return Ok(known);
        }
        self.misses.set(self.misses.get() + 1);
        let result = vm.call_with_names(&self.function, args, names)?;
        self.results.set_hashed(vm, &key, hash, result.clone())?;
        Ok(result)
    }

    fn place_of(&self, vm: &Vm, key: &Value, hash: i64) -> PyResult<Option<usize>> {
        let place = self.results.get_hashed(vm, key, hash)?;
        Ok(place.and_then(|place| place.small_int()).map(|place| place as usize))
    }

    fn call_bounded(&self, vm: &Vm, limit: usize, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let key = self.key(args, names);
        let hash = vm.hash(&key)?;
        if let Some(place) = self.place_of(vm, &key, hash)? {
            let known = self.recency.borrow_mut().touch(place);
            if let Some(known) = known {
                self.hits.set(self.hits.get() + 1);
                return Ok(known);
            }
        }
        self.misses.set(self.misses.get() + 1);
        let result = vm.call_with_names(&self.function, args, names)?;
        // The call may have filled the cache with this very key.
        if self.place_of(vm, &key, hash)?.is_some() {
            return Ok(result);
        }
        let full = self.recency.borrow().entries.len() >= limit;
        if !full {
            let place = self.recency.borrow_mut().push(key.clone(), result.clone());
            self.results.set_hashed(vm, &key, hash, int::new(place as i64))?;
            return Ok(result);
        }
        let (place, old_key, old_result) =
            self.recency.borrow_mut().replace_oldest(key.clone(), result.clone());
        self.results.remove(vm, &old_key)?;
        self.results.set_hashed(vm, &key, hash, int::new(place as i64))?;
        drop((old_key, old_result));
        Ok(result)
    }
}

#[pymethods]
impl LruCache {
    #[new("lru_cache(user_function, maxsize, typed, cache_info_type)")]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        user_function: &Value,
        maxsize: &Value,
        typed: bool,
        cache_info_type: &Value,
    ) -> PyResult {
        if !vm.is_callable(user_function) {
            return Err(vm.type_error("the first argument must be callable"));
        }
        let limit = if is_none(maxsize) {
            Limit::Unlimited
        } else if maxsize.type_of().slots().index.get().is_some() {
            match vm
                .index_size(maxsize, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer"))?
            {
                ..=0 => Limit::Nothing,
                limit => Limit::Some(limit as usize),
            }
        } else {
            return Err(vm.type_error("maxsize should be integer or None"));
        };
        let cache = LruCache {
            function: user_function.clone(),
            info_type: cache_info_type.clone(),
            mark: rspy_runtime::types::object::BaseObject::new_value(),
            results: Dict::new(),
            recency: GilCell::default(),
            limit,
            typed,
            hits: Cell::new(0),
            misses: Cell::new(0),
        };
        Ok(Object::with_type(cls, cache).into_value())
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        match self.limit {
            Limit::Unlimited => self.call_unlimited(vm, args, names),
            Limit::Some(limit) => self.call_bounded(vm, limit, args, names),
            Limit::Nothing => {
                self.misses.set(self.misses.get() + 1);
                vm.call_with_names(&self.function, args, names)
            }
        }
    }

    #[slot(descriptor_get)]
    fn descriptor_get(this: &Value, object: Option<&Value>, _owner: Option<&Value>) -> Value {
        match object.filter(|object| !is_none(object)) {
            Some(object) => rspy_runtime::types::method::BoundMethod::new(this.clone(), object.clone()),
            None => this.clone(),
        }
    }

    #[getter("__dict__")]
    fn get_dict(this: &Value, vm: &Vm) -> Ref<Dict> {
        instance::dict(vm, this)
    }

    #[setter("__dict__")]
    fn set_dict(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        rspy_runtime::types::object::set_dict_attribute(vm, this, value)
    }

    /// Report cache statistics
    #[method("cache_info(self, /)")]
    fn cache_info(&self, vm: &Vm) -> PyResult {
        let limit = match self.limit {
            Limit::Unlimited => none(),
            Limit::Some(limit) => int::new(limit as i64),
            Limit::Nothing => Value::int(0),
        };
        let (hits, misses) = (int::new(self.hits.get() as i64), int::new(self.misses.get() as i64));
        vm.call(&self.info_type, &[hits, misses, limit, int::new(self.results.len() as i64)])
    }

    /// Clear the cache and cache statistics
    #[method("cache_clear(self, /)")]
    fn cache_clear(&self) {
        self.hits.set(0);
        self.misses.set(0);
        let entries = self.recency.take();
        self.results.clear();
        drop(entries);
    }

    #[method("__reduce__(self, /)")]
    fn reduce(this: &Value, vm: &Vm) -> PyResult {
        vm.get_attribute(this, &names::__qualname__)
    }

    #[method("__copy__")]
    fn copy(this: &Value) -> Value {
        this.clone()
    }

    #[method("__deepcopy__")]
    fn deepcopy(this: &Value, _args: &[Value], _names: KeywordNames<'_>) -> Value {
        this.clone()
    }
}
