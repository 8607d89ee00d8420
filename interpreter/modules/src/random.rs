//! The module `_random`: the Mersenne Twister MT19937.

use num_bigint::{BigInt, BigUint, Sign};
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Words of the state.
const SIZE: usize = 624;
const MIDDLE: usize = 397;

/// The generator.
struct Twister {
    words: [u32; SIZE],
    index: usize,
}

impl Twister {
    fn of_number(seed: u32) -> Twister {
        let mut words = [0; SIZE];
        words[0] = seed;
        for index in 1..SIZE {
            let before: u32 = words[index - 1];
            words[index] = 1812433253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(index as u32);
        }
        Twister { words, index: SIZE }
    }

    fn of_numbers(key: &[u32]) -> Twister {
        let mut twister = Twister::of_number(19650218);
        let words = &mut twister.words;
        let mixed = |before: u32| before ^ (before >> 30);
        let mut i = 1;
        let mut j = 0;
        for _ in 0..SIZE.max(key.len()) {
            words[i] = (words[i] ^ mixed(words[i - 1]).wrapping_mul(1664525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i += 1;
            if i >= SIZE {
                words[0] = words[SIZE - 1];
                i = 1;
            }
            j = (j + 1) % key.len();
        }
        for _ in 0..SIZE - 1 {
            words[i] = (words[i] ^ mixed(words[i - 1]).wrapping_mul(1566083941)).wrapping_sub(i as u32);
            i += 1;
            if i >= SIZE {
                words[0] = words[SIZE - 1];
                i = 1;
            }
        }
        words[0] = 0x8000_0000;
        twister
    }

    fn refill(&mut self) {
        let words = &mut self.words;
        for index in 0..SIZE {
            let joined = (words[index] & 0x8000_0000) | (words[(index + 1) % SIZE] & 0x7fff_ffff);
            let twist = if joined & 1 != 0 { 0x9908_b0df } else { 0 };
            words[index] = words[(index + MIDDLE) % SIZE] ^ (joined >> 1) ^ twist;
        }
        self.index = 0;
    }

    fn next(&mut self) -> u32 {
        if self.index >= SIZE {
            self.refill();
        }
        let mut word = self.words[self.index];
        self.index += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number from 0 to 1 with 53 bits.
    fn next_float(&mut self) -> f64 {
        let (high, low) = (self.next() >> 5, self.next() >> 6);
        (f64::from(high) * 67108864.0 + f64::from(low)) * (1.0 / 9007199254740992.0)
    }
}

/// Random() -> create a random number generator with its own internal state.
#[pyclass(name = "Random", module = "_random", subclassable)]
pub struct Random {
    twister: GilCell<Twister>,
}

impl Random {
    fn reseed(&self, vm: &Vm, seed: Option<&Value>) -> PyResult<()> {
        let number = match seed.filter(|seed| !is_none(seed)) {
            None => {
                let mut bytes = [0; SIZE * 4];
                host::random_bytes(&mut bytes);
                let key: Vec<u32> =
                    bytes.chunks_exact(4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect();
                *self.twister.borrow_mut() = Twister::of_numbers(&key);
                return Ok(());
            }
            Some(seed) if int::is_int(seed) => int::borrow_big(seed).unwrap_or_default().magnitude().clone(),
            Some(seed) => BigUint::from(vm.hash(seed)? as u64),
        };
        let mut key = number.to_u32_digits();
        if key.is_empty() {
            key.push(0);
        }
        *self.twister.borrow_mut() = Twister::of_numbers(&key);
        Ok(())
    }
}

fn one_argument<'a>(vm: &Vm, what: &str, args: &'a [Value]) -> PyResult<Option<&'a Value>> {
    if args.len() > 1 {
        return Err(vm.type_error(format!("{what} expected at most 1 argument, got {}", args.len())));
    }
    Ok(args.first())
}

#[pymethods]
impl Random {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let twister = GilCell::new(Twister::of_number(5489));
        Ok(Object::with_type(cls, Random { twister }).into_value())
    }

    #[slot(init)]
    fn init(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        crate::support::no_keywords(vm, "Random", names)?;
        self.reseed(vm, one_argument(vm, "Random", args)?)
    }

    /// random() -> x in the interval [0, 1).
    #[method("random(self, /)")]
    fn random(&self) -> f64 {
        self.twister.borrow_mut().next_float()
    }

    /// seed([n]) -> None.
    ///
    /// Defaults to use urandom and falls back to a combination of the current time and the process identifier.
    #[method("seed(self, n=None, /)")]
    fn seed(&self, vm: &Vm, n: &Value) -> PyResult<()> {
        self.reseed(vm, Some(n))
    }

    /// getstate() -> tuple containing the current state.
    #[method("getstate(self, /)")]
    fn getstate(&self) -> Ref<Tuple> {
        let twister = self.twister.borrow();
        let words = twister.words.iter().map(|&word| int::new(i64::from(word)));
        let mut state: Vec<Value> = words.collect();
        state.push(int::new(twister.index as i64));
        Tuple::from_values(state)
    }

    /// setstate(state) -> None.  Restores generator state.
    #[method("setstate(self, state, /)")]
    fn setstate(&self, vm: &Vm, state: &Value) -> PyResult<()> {
        let Some(state) = state.downcast::<Tuple>() else {
            return Err(vm.type_error("state vector must be a tuple"));
        };
        let Some((index, words)) = state.items().split_last().filter(|(_, words)| words.len() == SIZE) else {
            return Err(vm.value_error("state vector is the wrong size"));
        };
        let mut new = [0; SIZE];
        for (place, word) in new.iter_mut().zip(words) {
            // What does not fit 32 bits is cut off.
            *place = word_of(vm, word)? as u32;
        }
        if !int::is_int(index) {
            return Err(vm.type_error("an integer is required"));
        }
        let index = int::small_value(index)
            .and_then(|index| usize::try_from(index).ok())
            .filter(|&index| index <= SIZE)
            .ok_or_else(|| vm.value_error("invalid state"))?;
        *self.twister.borrow_mut() = Twister { words: new, index };
        Ok(())
    }

    /// getrandbits(k) -> x.  Generates an int with k random bits.
    #[method("getrandbits(self, k, /)")]
    fn getrandbits(&self, vm: &Vm, k: &Value) -> PyResult {
        let bits = int::to_big(vm, k)?;
        if bits.sign() == Sign::Minus {
            return Err(vm.value_error("Cannot convert negative int"));
        }
        let Ok(bits) = u64::try_from(bits) else {
            return Err(vm.overflow_error("Python int too large for C uint64_t"));
        };
        let mut twister = self.twister.borrow_mut();
        if bits == 0 {
            return Ok(int::new(0));
        }
        if bits <= 32 {
            return Ok(int::new(i64::from(twister.next() >> (32 - bits))));
        }
        let count = (bits - 1) / 32 + 1;
        if !rspy_runtime::heap::can_allocate((count as usize).saturating_mul(4)) {
            return Err(vm.memory_error());
        }
        let mut words = Vec::with_capacity(count as usize);
        let mut left = bits;
        while left > 0 {
            let word = twister.next();
            words.push(if left < 32 { word >> (32 - left) } else { word });
            left = left.saturating_sub(32);
        }
        Ok(int::from_big(BigInt::new(Sign::Plus, words)))
    }
}

/// A word of a saved state.
fn word_of(vm: &Vm, word: &Value) -> PyResult<u64> {
    if !int::is_int(word) {
        return Err(vm.type_error("an integer is required"));
    }
    if int::sign(word) < 0 {
        return Err(vm.overflow_error("can't convert negative value to unsigned int"));
    }
    let number = int::borrow_big(word).unwrap_or_default();
    u64::try_from(number.as_ref()).map_err(|_| vm.overflow_error("Python int too large to convert to C unsigned long"))
}

native_module! {
    name: "_random",
    doc: "Module implements the Mersenne Twister random number generator.",
    functions: [], types: [Random], execute: |_, _| Ok(())
}
