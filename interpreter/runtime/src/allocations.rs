//! Where memory was allocated: for each block the size and the Python code that was running (`tracemalloc`).
//!
//! Nothing is recorded, and hardly anything paid, until it is started: then the threads' chains of kept blocks stay empty, so
//! that every block of an object is asked of the allocator and given back to it (`heap`), which tell of it here.
//!
//! # Safety argument
//!
//! The table has a lock of its own, as memory is given back by threads without the interpreter's lock, too. Blocks are only
//! recorded by threads that hold that: they read their own frames, which stay as they are meanwhile, and count references to
//! the names of files. What the table itself allocates is not recorded: a thread in here is marked.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::heap;
use crate::object::{Header, Object, Payload};
use crate::types::bytes::Bytes;
use crate::value::Value;
use crate::vm::Vm;

/// What a block was allocated for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// An object, which begins the block or lies behind its prefix.
    Object,
    /// Anything else.
    Other,
}

/// A place in a file: the number of its name, and the line.
type Place = (u32, u32);

/// The calls that led to an allocation, the innermost first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Calls {
    places: Box<[Place]>,
    /// How many there were, also where not all are recorded.
    depth: u16,
}

struct Block {
    size: usize,
    /// The number of the calls.
    calls: u32,
    purpose: Purpose,
}

/// Addresses are as good as random but for their last bits.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

type Addresses = HashMap<(u32, usize), Block, BuildHasherDefault<AddressHasher>>;

#[derive(Default)]
struct Table {
    /// By domain and address.
    blocks: Addresses,
    calls: Vec<Calls>,
    call_numbers: HashMap<Calls, u32>,
    /// Names of files; the table owns a reference to each.
    files: Vec<Value>,
    file_numbers: HashMap<u64, u32, BuildHasherDefault<AddressHasher>>,
    size: usize,
    peak: usize,
}

/// The domain of the interpreter's own memory.
pub const OWN_DOMAIN: u32 = 0;
/// The most calls that can be recorded of a block.
pub const MOST_CALLS: u16 = u16::MAX;

static TRACES: AtomicBool = AtomicBool::new(false);
/// How many calls are recorded of a block.
static LIMIT: AtomicU16 = AtomicU16::new(1);
static TABLE: Mutex<Option<Table>> = Mutex::new(None);

thread_local! {
    /// Whether the thread is in here.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Whether what the thread allocates is not to be recorded.
    static IS_HIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Ends the mark of a thread that is in here.
struct Inside;

impl Inside {
    /// Marks the thread, unless it is in here already.
    fn enter() -> Option<Inside> {
        (!INSIDE.replace(true)).then(|| Inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

fn table() -> MutexGuard<'static, Option<Table>> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether allocations are recorded.
#[inline(always)]
pub fn are_traced() -> bool {
    TRACES.load(Ordering::Relaxed)
}

/// Begins to record allocations, with so many calls of each at most. Does nothing where that has begun.
pub fn start(_: &Vm, limit: u16) {
    if are_traced() {
        return;
    }
    let Some(_inside) = Inside::enter() else { return };
    LIMIT.store(limit, Ordering::Relaxed);
    *table() = Some(Table::default());
    TRACES.store(true, Ordering::Relaxed);
    heap::keep_nothing(true);
}

/// Ends that, and forgets what was recorded.
pub fn stop(_: &Vm) {
    if !are_traced() {
        return;
    }
    TRACES.store(false, Ordering::Relaxed);
    heap::keep_nothing(false);
    let old = table().take();
    drop(old);
}

/// Forgets what was recorded so far.
pub fn clear(_: &Vm) {
    let old = {
        let Some(_inside) = Inside::enter() else { return };
        let mut table = table();
        table.as_mut().map(std::mem::take)
    };
    // Names of files may go with it, which is told here again.
    drop(old);
}

/// Does something with the table, if there is one.
fn with<R>(run: impl FnOnce(&mut Table) -> R) -> Option<R> {
    let _inside = Inside::enter()?;
    table().as_mut().map(run)
}

/// How many calls of each allocation are recorded at most: the number that was given last.
pub fn limit() -> u16 {
    LIMIT.load(Ordering::Relaxed)
}

/// The size of all blocks that are recorded, and the largest that it was.
pub fn sizes() -> (usize, usize) {
    with(|table| (table.size, table.peak)).unwrap_or((0, 0))
}

/// Forgets how large the size of all blocks was.
pub fn reset_peak() {
    with(|table| table.peak = table.size);
}

/// How much memory the table takes.
pub fn own_memory() -> usize {
    with(|table| {
        let places: usize = table.calls.iter().map(|calls| size_of_val(&*calls.places)).sum();
        table.blocks.capacity() * size_of::<((u32, usize), Block)>()
            + table.call_numbers.capacity() * size_of::<(Calls, u32)>()
            + table.calls.capacity() * size_of::<Calls>()
            + places * 2
            + table.files.capacity() * 8
            + table.file_numbers.capacity() * 16
    })
    .unwrap_or(0)
}

impl Table {
    fn file_number(&mut self, name: &Value) -> u32 {
        match self.file_numbers.entry(name.bits()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                self.files.push(name.clone());
                *place.insert(self.files.len() as u32 - 1)
            }
        }
    }

    /// The number of the calls that the thread is in.
    fn current_calls(&mut self, vm: &Vm) -> u32 {
        let limit = limit();
        let (mut places, mut depth) = (Vec::new(), 0u16);
        let mut frame = vm.current_frame();
        while let Some(this) = frame {
            // SAFETY: linked frames are alive while the thread runs.
            frame = unsafe { this.previous.as_ref() };
            if this.instruction_index() < this.code().first_told() {
                continue;
            }
            if depth < limit {
                let code = this.code();
                let line = code.line(this.instruction_index()).unwrap_or(0);
                places.push((self.file_number(code.filename().value()), line.max(0) as u32));
            }
            depth = depth.saturating_add(1);
        }
        let calls = Calls { places: places.into(), depth };
        if let Some(&number) = self.call_numbers.get(&calls) {
            return number;
        }
        let number = self.calls.len() as u32;
        self.calls.push(calls.clone());
        self.call_numbers.insert(calls, number);
        number
    }

    fn record(&mut self, vm: &Vm, key: (u32, usize), size: usize, purpose: Purpose) {
        let calls = self.current_calls(vm);
        if let Some(old) = self.blocks.insert(key, Block { size, calls, purpose }) {
            self.size -= old.size;
        }
        self.size += size;
        self.peak = self.peak.max(self.size);
    }

    fn forget(&mut self, key: (u32, usize)) {
        if let Some(block) = self.blocks.remove(&key) {
            self.size -= block.size;
        }
    }
}

/// Has something done whose allocations nobody is to see.
pub(crate) fn hidden<R>(run: impl FnOnce() -> R) -> R {
    let before = IS_HIDDEN.replace(true);
    let result = run();
    IS_HIDDEN.set(before);
    result
}

/// Records a block.
#[cold]
pub(crate) fn record(block: *mut u8, size: usize, purpose: Purpose) {
    if block.is_null() || IS_HIDDEN.get() || !Vm::is_entered() {
        return;
    }
    Vm::with_current(|vm| {
        if !vm.is_without_lock.get() {
            with(|table| table.record(vm, (OWN_DOMAIN, block as usize), size, purpose));
        }
    });
}

/// Forgets a block, which is about to be given back.
#[cold]
pub(crate) fn forget(block: *mut u8) {
    with(|table| table.forget((OWN_DOMAIN, block as usize)));
}

/// Records a block of a domain of one's own; answers whether blocks are recorded at all.
pub fn track(vm: &Vm, domain: u32, address: usize, size: usize) -> bool {
    with(|table| table.record(vm, (domain, address), size, Purpose::Other)).is_some()
}

/// Forgets a block of a domain of one's own; answers whether blocks are recorded at all.
pub fn untrack(domain: u32, address: usize) -> bool {
    with(|table| table.forget((domain, address))).is_some()
}

/// What is recorded of a block.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its domain.
    pub domain: u32,
    /// Its size.
    pub size: usize,
    /// The number of its calls; blocks with the same calls have the same.
    pub calls: u32,
}

/// The calls that led to an allocation.
pub struct Traceback {
    /// Files and lines, the innermost first. A file without name is unknown.
    pub places: Vec<(Option<Value>, u32)>,
    /// How many there were, also where not all are recorded.
    pub depth: u16,
}

impl Table {
    fn traceback(&self, number: u32) -> Traceback {
        let calls = &self.calls[number as usize];
        if calls.depth == 0 {
            return Traceback { places: vec![(None, 0)], depth: 1 };
        }
        let place = |&(file, line): &Place| (Some(self.files[file as usize].clone()), line);
        Traceback { places: calls.places.iter().map(place).collect(), depth: calls.depth }
    }

    /// The address of the bytes that a block's object keeps elsewhere, though it is one of those which have them within
    /// themselves as far as a program can tell.
    fn bytes_of(&self, address: usize, block: &Block) -> Option<(usize, usize)> {
        if block.purpose != Purpose::Object || block.size != size_of::<Object<Bytes>>() {
            return None;
        }
        let header = address as *const Header;
        // SAFETY: a block for an object holds one from its allocation to its end, and one of that size has no prefix if
        // its first words say that it is exactly `bytes`.
        let bytes = unsafe {
            if !std::ptr::eq((*header).type_of(), Bytes::static_type()) {
                return None;
            }
            (*header.cast::<Object<Bytes>>()).as_slice()
        };
        let key = (OWN_DOMAIN, bytes.as_ptr() as usize);
        self.blocks.get(&key).filter(|data| data.size == bytes.len()).map(|data| (key.1, data.size))
    }
}

/// All blocks that are recorded, with their calls by number.
pub fn traces(_: &Vm) -> (Vec<Trace>, Vec<Traceback>) {
    with(|table| {
        let mut parts = HashMap::new();
        let mut wholes = HashMap::new();
        for (&(domain, address), block) in &table.blocks {
            if domain == OWN_DOMAIN
                && let Some((part, size)) = table.bytes_of(address, block)
            {
                parts.insert(part, ());
                wholes.insert(address, size);
            }
        }
        let is_own = |domain: u32| domain == OWN_DOMAIN;
        let traces = table
            .blocks
            .iter()
            .filter(|((domain, address), _)| !(is_own(*domain) && parts.contains_key(address)))
            .map(|(&(domain, address), block)| {
                let more = if is_own(domain) { wholes.get(&address).copied().unwrap_or(0) } else { 0 };
                Trace { domain, size: block.size + more, calls: block.calls }
            })
            .collect();
        (traces, (0..table.calls.len() as u32).map(|number| table.traceback(number)).collect())
    })
    .unwrap_or_default()
}

/// The calls that led to the allocation of a block.
pub fn traceback_at(_: &Vm, domain: u32, address: usize) -> Option<Traceback> {
    with(|table| table.blocks.get(&(domain, address)).map(|block| table.traceback(block.calls))).flatten()
}

/// The calls that led to the allocation of an object.
pub fn traceback_of(vm: &Vm, object: &Value) -> Option<Traceback> {
    let header = object.header()?;
    let address = std::ptr::from_ref(header) as usize - header.type_of().prefix_size();
    traceback_at(vm, OWN_DOMAIN, address)
}
