//! The table behind `set` and `frozenset`: open addressing with CPython's probing, so that iteration goes in
//! CPython's order.

use crate::value::Value;

/// How many neighbours are looked at before the probe jumps.
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
/// The smallest table.
const SMALLEST: usize = 8;
/// The hash of a place whose key was taken out.
const DUMMY: i64 = -1;

#[derive(Clone)]
struct Place {
    hash: i64,
    key: Option<Value>,
}

impl Place {
    fn is_unused(&self) -> bool {
        self.key.is_none() && self.hash == 0
    }
}

/// What a search says of a place with the hash that is sought.
pub enum Verdict {
    /// The key sought.
    Same,
    /// Another key.
    Different,
    /// Only Python code can tell; the search stops here.
    Ask,
}

/// Where a search ended.
pub enum Found {
    /// At the place of the key.
    At(usize),
    /// At the unused place where the key would go.
    Unused(usize),
    /// At a place whose key Python code must compare.
    Unsure(usize),
}

/// The way of one search through the table; it can be resumed as long as the table does not change.
pub struct Probe {
    base: usize,
    /// How many places from `base` on have been looked at.
    seen: usize,
    perturb: u64,
}

impl Probe {
    /// The beginning of the way for a hash.
    pub fn new(hash: i64) -> Self {
        Probe { base: hash as usize, seen: 0, perturb: hash as u64 }
    }

    /// Jumps to another run of places.
    #[inline(always)]
    fn jump(&mut self, mask: usize) {
        self.seen = 0;
        self.perturb >>= PERTURB_SHIFT;
        self.base = self.base.wrapping_mul(5).wrapping_add(1).wrapping_add(self.perturb as usize) & mask;
    }
}

/// Places and how many of them are taken.
#[derive(Default)]
pub struct Table {
    /// Empty until the first key comes.
    places: Vec<Place>,
    /// Keys and dummies.
    fill: usize,
    used: usize,
    /// Where `pop` looks next.
    finger: usize,
}

impl Table {
    /// Number of keys.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.used
    }

    fn mask(&self) -> usize {
        self.places.len().max(SMALLEST) - 1
    }

    /// Bytes that the table takes beyond the smallest, which CPython keeps in the object.
    pub fn memory(&self) -> usize {
        if self.mask() < SMALLEST { 0 } else { (self.mask() + 1) * size_of::<Place>() }
    }

    /// Makes the places of an empty table.
    #[inline]
    pub fn materialize(&mut self) {
        if self.places.is_empty() {
            self.resize(0);
        }
    }

    /// Goes on with a search. The table must have its places.
    #[inline(always)]
    pub fn find(&self, probe: &mut Probe, hash: i64, mut verdict: impl FnMut(&Value) -> Verdict) -> Found {
        if self.places.is_empty() {
            return Found::Unused(0);
        }
        let mask = self.places.len() - 1;
        probe.base &= mask;
        loop {
            let more = if probe.base + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
            for place in &self.places[probe.base + probe.seen..=probe.base + more] {
                let at = probe.base + probe.seen;
                probe.seen += 1;
                if place.is_unused() {
                    return Found::Unused(at);
                }
                if place.hash == hash
                    && let Some(key) = &place.key
                {
                    match verdict(key) {
                        Verdict::Same => return Found::At(at),
                        Verdict::Ask => return Found::Unsure(at),
                        Verdict::Different => {}
                    }
                }
            }
            probe.jump(mask);
        }
    }

    /// The key at a place.
    pub fn key_at(&self, at: usize) -> Option<Value> {
        self.places.get(at)?.key.clone()
    }

    /// Puts in a key if an unused place among the first ones of its way tells that it is absent, as for most; else gives it back.
    #[inline(always)]
    pub fn insert_at_once(&mut self, hash: i64, key: Value) -> Result<(), Value> {
        let at = hash as usize & self.places.len().wrapping_sub(1);
        let Some(place) = self.places.get_mut(at) else { return Err(key) };
        if !place.is_unused() {
            return self.insert_nearby(at, hash, key);
        }
        *place = Place { hash, key: Some(key) };
        self.note_key();
        Ok(())
    }

    /// As [`insert_at_once`](Self::insert_at_once) where the first place is taken.
    #[inline(never)]
    fn insert_nearby(&mut self, at: usize, hash: i64, key: Value) -> Result<(), Value> {
        let more = if at + LINEAR_PROBES < self.places.len() { LINEAR_PROBES } else { 0 };
        for place in &mut self.places[at..=at + more] {
            if place.is_unused() {
                *place = Place { hash, key: Some(key) };
                self.note_key();
                return Ok(());
            }
            if place.hash == hash {
                break;
            }
        }
        Err(key)
    }

    /// Counts a key that was put in; makes the table larger where it is three fifths full.
    #[inline(always)]
    fn note_key(&mut self) {
        self.fill += 1;
        self.used += 1;
        if self.fill * 5 >= (self.places.len() - 1) * 3 {
            self.resize(self.growth());
        }
    }

    /// Puts a key into the unused place that a search found.
    #[inline]
    pub fn insert_at(&mut self, at: usize, hash: i64, key: Value) {
        if self.places.is_empty() {
            // Comparing keys has emptied the table since the search began.
            self.materialize();
            self.insert_clean(hash, key);
            self.fill += 1;
            self.used += 1;
            return;
        }
        self.places[at] = Place { hash, key: Some(key) };
        self.note_key();
    }

    fn growth(&self) -> usize {
        if self.used > 50_000 { self.used * 2 } else { self.used * 4 }
    }

    /// Takes out the key at a place.
    pub fn remove_at(&mut self, at: usize) -> Option<Value> {
        let place = &mut self.places[at];
        let key = place.key.take()?;
        place.hash = DUMMY;
        self.used -= 1;
        Some(key)
    }

    /// Takes out some key: the next one behind the last that was taken.
    pub fn pop(&mut self) -> Option<Value> {
        if self.used == 0 {
            return None;
        }
        let mask = self.mask();
        let mut at = self.finger & mask;
        while self.places[at].key.is_none() {
            at = if at == mask { 0 } else { at + 1 };
        }
        self.finger = at + 1;
        self.remove_at(at)
    }

    /// Makes the table the smallest that has more than `least` places, without dummies.
    #[inline(never)]
    pub fn resize(&mut self, least: usize) {
        let mut size = SMALLEST;
        while size <= least {
            size <<= 1;
        }
        if size == SMALLEST && self.places.len() == SMALLEST && self.fill == self.used {
            return;
        }
        // SAFETY: zeros are an unused place.
        let places = unsafe { Box::<[Place]>::new_zeroed_slice(size).assume_init() };
        let old = std::mem::replace(&mut self.places, places.into_vec());
        self.fill = self.used;
        for place in old {
            if let Some(key) = place.key {
                self.insert_clean(place.hash, key);
            }
        }
    }

    /// Puts in a key that is known to be absent from a table without dummies.
    #[inline(always)]
    fn insert_clean(&mut self, hash: i64, key: Value) {
        let mask = self.places.len() - 1;
        let first = &mut self.places[hash as usize & mask];
        if first.is_unused() {
            *first = Place { hash, key: Some(key) };
        } else if let Found::Unused(at) = self.find(&mut Probe::new(hash), hash, |_| Verdict::Different) {
            self.places[at] = Place { hash, key: Some(key) };
        }
    }

    /// Makes room before `more` keys are put in.
    pub fn reserve(&mut self, more: usize) {
        if (self.fill + more) * 5 >= self.mask() * 3 {
            self.resize((self.used + more) * 2);
        }
    }

    /// Takes over all keys of another table into this one, which has none and has room; answers whether it could.
    pub fn copy_into_empty(&mut self, other: &Table) -> bool {
        if self.fill != 0 {
            return false;
        }
        if self.mask() == other.mask() && other.fill == other.used {
            self.places.clone_from(&other.places);
        } else {
            self.materialize();
            for place in &other.places {
                if let Some(key) = &place.key {
                    self.insert_clean(place.hash, key.clone());
                }
            }
        }
        self.fill = other.used;
        self.used = other.used;
        true
    }

    /// Closes the holes where more than a quarter of the places are dummies.
    pub fn sweep(&mut self) {
        if self.fill - self.used > self.mask() / 4 {
            self.resize(self.growth());
        }
    }

    /// The first key at or behind a place: the next place, the hash and the key.
    #[inline]
    pub fn next(&self, from: usize) -> Option<(usize, i64, Value)> {
        let rest = self.places.get(from..)?;
        let skipped = rest.iter().position(|place| place.key.is_some())?;
        let place = &rest[skipped];
        Some((from + skipped + 1, place.hash, place.key.clone()?))
    }

    /// Hashes of all keys.
    pub fn hashes(&self) -> impl Iterator<Item = i64> {
        self.places.iter().filter(|place| !place.is_unused() && place.key.is_some()).map(|place| place.hash)
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &Value> {
        self.places.iter().filter_map(|place| place.key.as_ref())
    }
}
