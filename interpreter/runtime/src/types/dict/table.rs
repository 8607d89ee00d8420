//! The table behind `dict`: entries in the order of insertion, and an index from hashes to entries.
//!
//! Up to eight entries are searched one by one; beyond that an open-addressed index with CPython's probing leads to
//! them. Deleted entries leave a hole that the next growth closes.

use crate::value::Value;

/// A key with its hash and value; both are absent where the entry was deleted.
pub struct Entry {
    pub hash: i64,
    pub key: Option<Value>,
    pub value: Option<Value>,
}

/// Entries searched without an index.
const UNINDEXED: usize = 8;

/// Places of the index that a [glance](Table::glance) looks at.
const GLANCES: usize = 3;

enum Index {
    None,
    /// Sentinels are the two largest numbers.
    Narrow(Box<[u8]>),
    Wide(Box<[u32]>),
}

const EMPTY: u32 = u32::MAX;
const DELETED: u32 = u32::MAX - 1;

impl Index {
    fn new(entries: usize) -> Index {
        if entries <= UNINDEXED {
            return Index::None;
        }
        let size = (entries * 3 / 2 + 1).next_power_of_two();
        if size <= 256 && entries < 250 {
            Index::Narrow(vec![u8::MAX; size].into_boxed_slice())
        } else {
            Index::Wide(vec![EMPTY; size].into_boxed_slice())
        }
    }

    fn mask(&self) -> usize {
        match self {
            Index::None => 0,
            Index::Narrow(places) => places.len() - 1,
            Index::Wide(places) => places.len() - 1,
        }
    }

    #[inline(always)]
    fn get(&self, place: usize) -> u32 {
        match self {
            Index::None => EMPTY,
            Index::Narrow(places) => match places[place] {
                255 => EMPTY,
                254 => DELETED,
                index => index as u32,
            },
            Index::Wide(places) => places[place],
        }
    }

    fn set(&mut self, place: usize, index: u32) {
        match self {
            Index::None => {}
            Index::Narrow(places) => places[place] = index as u8,
            Index::Wide(places) => places[place] = index,
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Index::None => UNINDEXED,
            Index::Narrow(places) => (places.len() * 2 / 3).min(250),
            Index::Wide(places) => places.len() * 2 / 3,
        }
    }

    fn size(&self) -> usize {
        match self {
            Index::None => 0,
            Index::Narrow(places) => places.len(),
            Index::Wide(places) => places.len() * 4,
        }
    }
}

/// The probe sequence of CPython's dict.
struct Probe {
    place: usize,
    perturb: u64,
    mask: usize,
}

impl Probe {
    #[inline(always)]
    fn new(hash: i64, mask: usize) -> Self {
        Probe { place: hash as usize & mask, perturb: hash as u64, mask }
    }

    #[inline(always)]
    fn advance(&mut self) {
        self.perturb >>= 5;
        self.place =
            self.place.wrapping_mul(5).wrapping_add(self.perturb as usize).wrapping_add(1) & self.mask;
    }
}

/// What a search finds at an entry.
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
    /// At the entry of the key.
    At(usize),
    /// The key is not there.
    Absent,
    /// At an entry whose key Python code must compare; with how far the search has got.
    Unsure(usize, usize),
}

/// Entries and their index.
pub struct Table {
    pub entries: Vec<Entry>,
    index: Index,
    live: usize,
    /// All entries before this one are holes, so that taking from the front again and again stays cheap.
    first: usize,
    /// Places of the index that are not empty: those of deleted entries stay until the next rebuild.
    filled: usize,
}

impl Default for Table {
    fn default() -> Self {
        Table { entries: Vec::new(), index: Index::None, live: 0, first: 0, filled: 0 }
    }
}

impl Table {
    /// A table with room for some entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Table {
            entries: Vec::with_capacity(capacity),
            index: Index::new(capacity),
            live: 0,
            first: 0,
            filled: 0,
        }
    }

    /// Number of keys.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Bytes that the table takes.
    pub fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.index.size()
    }

    /// Searches from the beginning, or goes on from where a search got that found an entry to be another key: `done`
    /// places are past. (Places and not entries are counted, since the probe sequence may come by an entry twice.)
    #[inline(always)]
    pub fn find(&self, hash: i64, done: usize, mut verdict: impl FnMut(&Value) -> Verdict) -> Found {
        if let Index::None = self.index {
            for (at, entry) in self.entries.iter().enumerate().skip(done) {
                if entry.hash == hash
                    && let Some(key) = &entry.key
                {
                    match verdict(key) {
                        Verdict::Same => return Found::At(at),
                        Verdict::Ask => return Found::Unsure(at, at + 1),
                        Verdict::Different => {}
                    }
                }
            }
            return Found::Absent;
        }
        let mut probe = Probe::new(hash, self.index.mask());
        let mut past = 0;
        loop {
            match self.index.get(probe.place) {
                EMPTY => return Found::Absent,
                DELETED => {}
                at if past >= done => {
                    let at = at as usize;
                    let entry = &self.entries[at];
                    if entry.hash == hash
                        && let Some(key) = &entry.key
                    {
                        match verdict(key) {
                            Verdict::Same => return Found::At(at),
                            Verdict::Ask => return Found::Unsure(at, past + 1),
                            Verdict::Different => {}
                        }
                    }
                }
                _ => {}
            }
            probe.advance();
            past += 1;
        }
    }

    /// The value of the key that has this very word, where little searching finds it: looks at few places, calls nothing.
    #[inline(always)]
    pub fn glance(&self, key: u64, hash: i64) -> Option<&Option<Value>> {
        let is_sought = |entry: &&Entry| entry.key.as_ref().map_or(0, Value::bits) == key;
        if let Index::None = self.index {
            return self.entries.iter().find(is_sought).map(|entry| &entry.value);
        }
        let mut probe = Probe::new(hash, self.index.mask());
        for _ in 0..GLANCES {
            let entry = self.entries.get(self.index.get(probe.place) as usize);
            if let Some(entry) = entry.filter(is_sought) {
                return Some(&entry.value);
            }
            probe.advance();
        }
        None
    }

    /// Adds a key that is not there.
    pub fn push(&mut self, hash: i64, key: Value, value: Value) {
        let capacity = self.index.capacity();
        if self.entries.len() >= capacity || self.filled >= capacity {
            self.rebuild(self.live * 2 + 1);
        }
        self.first = self.first.min(self.entries.len());
        let at = self.entries.len() as u32;
        self.entries.push(Entry { hash, key: Some(key), value: Some(value) });
        self.live += 1;
        self.enter(hash, at);
    }

    fn enter(&mut self, hash: i64, at: u32) {
        if let Index::None = self.index {
            return;
        }
        let mut probe = Probe::new(hash, self.index.mask());
        while !matches!(self.index.get(probe.place), EMPTY | DELETED) {
            probe.advance();
        }
        self.filled += usize::from(self.index.get(probe.place) == EMPTY);
        self.index.set(probe.place, at);
    }

    /// Takes an entry out.
    pub fn remove(&mut self, at: usize) -> Option<(Value, Value)> {
        if !matches!(self.index, Index::None) {
            let mut probe = Probe::new(self.entries[at].hash, self.index.mask());
            while self.index.get(probe.place) != at as u32 {
                probe.advance();
            }
            let deleted = if matches!(self.index, Index::Narrow(_)) { 254 } else { DELETED };
            self.index.set(probe.place, deleted);
        }
        let entry = &mut self.entries[at];
        let taken = (entry.key.take()?, entry.value.take()?);
        self.live -= 1;
        if at == self.first {
            let holes = self.entries[at..].iter().take_while(|entry| entry.key.is_none()).count();
            self.first += holes;
        }
        Some(taken)
    }

    /// Closes the holes and makes room for `capacity` entries.
    pub fn rebuild(&mut self, capacity: usize) {
        self.entries.retain(|entry| entry.key.is_some());
        let capacity = capacity.max(self.entries.len() + 1);
        self.index = Index::new(capacity);
        (self.first, self.filled) = (0, 0);
        if !matches!(self.index, Index::None) {
            for at in 0..self.entries.len() {
                self.enter(self.entries[at].hash, at as u32);
            }
        }
    }

    /// The position that no entry comes before.
    #[inline(always)]
    pub fn first(&self) -> usize {
        self.first
    }

    /// The entries that are there, with their positions.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &Value, &Value)> {
        self.entries
            .iter()
            .enumerate()
            .skip(self.first)
            .filter_map(|(at, entry)| Some((at, entry.key.as_ref()?, entry.value.as_ref()?)))
    }

    /// A copy.
    pub fn duplicate(&self) -> Table {
        let mut copy = Table::with_capacity(self.live);
        for entry in &self.entries {
            if let (Some(key), Some(value)) = (&entry.key, &entry.value) {
                copy.push(entry.hash, key.clone(), value.clone());
            }
        }
        copy
    }
}
