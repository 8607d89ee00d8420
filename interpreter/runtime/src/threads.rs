//! The threads of an interpreter and the lock that they take turns with.
//!
//! A thread holds the lock while it touches values. It gives the lock up around calls that block
//! ([`Vm::allow_threads`]) and, when another thread has waited for the switch interval, at the next safe point of the
//! evaluation loop; then it waits until somebody else has had it. All interpreters of the process share the lock, as
//! they share the native types and the collector.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::attention::SignalHandlers;
use crate::cell::GilCell;
use crate::host;
use crate::inspection::Listed;
use crate::native_stack::NativeStack;
use crate::value::Value;
use crate::vm::{Interpreter, Vm, request};

/// The lock that the threads of all interpreters take turns with.
struct Lock {
    turn: Mutex<Turn>,
    given_up: Condvar,
    taken: Condvar,
    /// In microseconds.
    switch_interval: AtomicU64,
    /// The only thread that may still run Python code, once the process ends.
    survivor: AtomicU64,
    /// Threads that were started and have not ended, without the main thread.
    others: AtomicUsize,
}

static LOCK: Lock = Lock {
    turn: Mutex::new(Turn { holder: 0, requests: None, switches: 0, waiting: 0 }),
    given_up: Condvar::new(),
    taken: Condvar::new(),
    switch_interval: AtomicU64::new(5000),
    survivor: AtomicU64::new(0),
    others: AtomicUsize::new(0),
};

/// The threads of an interpreter.
pub struct Threads {
    list: GilCell<Vec<Entry>>,
    main: Cell<u64>,
    /// The only thread that may still run Python code, once the interpreter is finalizing.
    finalizing: AtomicU64,
    /// What Python code wants done when signals arrive.
    pub signals: SignalHandlers,
    /// The size of the stacks of new threads; 0 for the usual one.
    pub stack_size: Cell<usize>,
    /// Functions to be called around a fork.
    pub fork_hooks: ForkHooks,
}

/// Functions to be called around a fork (`os.register_at_fork`).
#[derive(Default)]
pub struct ForkHooks {
    /// What native modules do in the child before anything else.
    pub native_in_child: GilCell<Vec<fn(&Vm)>>,
    /// Before it, the last one first.
    pub before: GilCell<Vec<Value>>,
    /// Afterwards in the child.
    pub in_child: GilCell<Vec<Value>>,
    /// Afterwards in the parent.
    pub in_parent: GilCell<Vec<Value>>,
}

impl ForkHooks {
    /// Forgets the functions.
    pub(crate) fn clear(&self) {
        drop(self.before.take());
        drop(self.in_child.take());
        drop(self.in_parent.take());
    }

    fn call_all(vm: &Vm, hooks: impl Iterator<Item = Value>) {
        for hook in hooks {
            if let Err(error) = vm.call(&hook, &[]) {
                crate::exceptions::print::write_unraisable(vm, error, None, Some(&hook));
            }
        }
    }
}

struct Turn {
    /// The thread that holds the lock, or 0.
    holder: u64,
    /// What asks the interpreter that it runs to look up.
    requests: Option<&'static AtomicU32>,
    /// How often the lock has changed hands.
    switches: u64,
    /// Threads that wait for the lock.
    waiting: u32,
}

struct Entry {
    vm: *const Vm,
    identity: u64,
    native: i32,
    asynchronous: Option<Value>,
}

/// The stack of a thread for which nobody asked for another size.
pub const USUAL_STACK_SIZE: usize = 8 << 20;

impl Lock {
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the thread has been left behind by the end of its interpreter or the process.
    fn is_over_for(&self, vm: &Vm) -> bool {
        [&self.survivor, &vm.interpreter.threads.finalizing].into_iter().any(|survivor| {
            let survivor = survivor.load(Ordering::Acquire);
            survivor != 0 && survivor != vm.thread_id
        })
    }

    fn acquire(&self, vm: &Vm) {
        let mut turn = self.turn();
        turn.waiting += 1;
        while turn.holder != 0 {
            let interval = Duration::from_micros(self.switch_interval.load(Ordering::Relaxed));
            let before = turn.switches;
            let (next, waited) =
                self.given_up.wait_timeout(turn, interval).unwrap_or_else(PoisonError::into_inner);
            turn = next;
            if waited.timed_out()
                && turn.holder != 0
                && turn.switches == before
                && let Some(requests) = turn.requests
            {
                requests.fetch_or(request::YIELD, Ordering::Relaxed);
            }
        }
        turn.waiting -= 1;
        if self.is_over_for(vm) {
            drop(turn);
            self.given_up.notify_one();
            // Who let this thread go first waits for it no longer.
            self.taken.notify_all();
            loop {
                std::thread::park();
            }
        }
        turn.holder = vm.thread_id;
        Listed::activate(vm.listed.get());
        turn.requests = Some(&vm.interpreter.requests);
        turn.switches += 1;
        drop(turn);
        self.taken.notify_all();
        vm.interpreter.threads.look_for_requests(vm);
    }

    fn release(&self) {
        Listed::activate(std::ptr::null());
        self.turn().holder = 0;
        self.given_up.notify_one();
    }

    /// The thread that holds the lock goes on in another interpreter.
    fn hand_over(&self, vm: &Vm) {
        Listed::activate(vm.listed.get());
        self.turn().requests = Some(&vm.interpreter.requests);
        vm.interpreter.threads.look_for_requests(vm);
    }
}

/// Gives the lock up and takes it again, letting another thread go first if one waits.
pub(crate) fn yield_lock(vm: &Vm) {
    let mut turn = LOCK.turn();
    if turn.waiting == 0 {
        return;
    }
    turn.holder = 0;
    let before = turn.switches;
    LOCK.given_up.notify_one();
    while turn.switches == before && turn.waiting > 0 {
        turn = LOCK.taken.wait(turn).unwrap_or_else(PoisonError::into_inner);
    }
    drop(turn);
    LOCK.acquire(vm);
}

/// Whether threads other than the main one have been started and not ended.
pub fn has_others() -> bool {
    LOCK.others.load(Ordering::Relaxed) > 0
}

/// The switch interval in seconds.
pub fn switch_interval() -> f64 {
    LOCK.switch_interval.load(Ordering::Relaxed) as f64 * 1e-6
}

/// Sets the switch interval in seconds.
pub fn set_switch_interval(seconds: f64) {
    LOCK.switch_interval.store(((seconds * 1e6) as u64).max(1), Ordering::Relaxed);
}

impl Default for Threads {
    fn default() -> Self {
        Threads {
            list: GilCell::default(),
            main: Cell::new(host::thread_identity()),
            finalizing: AtomicU64::new(0),
            signals: SignalHandlers::default(),
            stack_size: Cell::new(0),
            fork_hooks: ForkHooks::default(),
        }
    }
}

impl Threads {
    /// The identity of the main thread: the one that made the interpreter, or forked.
    pub fn main(&self) -> u64 {
        self.main.get()
    }

    /// How many threads there are.
    pub fn count(&self) -> usize {
        self.list.borrow().len()
    }

    fn is_listed(&self, identity: u64) -> bool {
        self.list.borrow().iter().any(|entry| entry.identity == identity)
    }

    /// Identity and kernel's number of each thread.
    pub fn identities(&self) -> Vec<(u64, i32)> {
        self.list.borrow().iter().map(|entry| (entry.identity, entry.native)).collect()
    }

    /// Calls with the state of each thread; the caller holds the lock, so none of them runs.
    pub fn for_each(&self, mut with: impl FnMut(&Vm)) {
        let states: Vec<*const Vm> = self.list.borrow().iter().map(|entry| entry.vm).collect();
        for state in states {
            // SAFETY: a thread takes its entry off the list, holding the lock, before its state ends.
            with(unsafe { &*state });
        }
    }

    /// Calls with identity and state of each thread, the newest first. Nothing is allocated, so that signal handlers
    /// may do it; without the lock the threads run on meanwhile.
    pub(crate) fn look_at_each(&self, mut with: impl FnMut(u64, &Vm)) {
        for entry in self.list.borrow().iter().rev() {
            // SAFETY: a thread takes its entry off the list before its state ends.
            with(entry.identity, unsafe { &*entry.vm });
        }
    }

    /// Has an exception raised in a thread at its next safe point, or takes that back; answers whether there is
    /// such a thread.
    pub fn raise_in(&self, interpreter: &Interpreter, identity: u64, exception: Option<Value>) -> bool {
        let mut list = self.list.borrow_mut();
        let Some(entry) = list.iter_mut().find(|entry| entry.identity == identity) else { return false };
        let old = std::mem::replace(&mut entry.asynchronous, exception);
        drop(list);
        drop(old);
        interpreter.request(request::ASYNC_EXCEPTION);
        true
    }

    /// The exception that is to be raised in a thread.
    pub(crate) fn take_asynchronous(&self, identity: u64) -> Option<Value> {
        self.list.borrow_mut().iter_mut().find(|entry| entry.identity == identity)?.asynchronous.take()
    }

    /// Leaves the interpreter to one thread: all others stop for good where they next ask for the lock. Where it is the
    /// main interpreter, so do those of all others.
    pub fn finalize(&self, vm: &Vm) {
        self.finalizing.store(vm.thread_id, Ordering::Release);
        if vm.interpreter.is_main() {
            LOCK.survivor.store(vm.thread_id, Ordering::Release);
        }
    }

    /// Requests that concern one thread alone are made again when it gets the lock.
    fn look_for_requests(&self, vm: &Vm) {
        if host::signals_pending() && vm.is_main_thread() {
            vm.interpreter.request(request::SIGNAL);
        }
        if host::remote_call_waits() && vm.is_main_thread() {
            vm.interpreter.request(request::REMOTE);
        }
        if self
            .list
            .borrow()
            .iter()
            .any(|entry| entry.identity == vm.thread_id && entry.asynchronous.is_some())
        {
            vm.interpreter.request(request::ASYNC_EXCEPTION);
        }
    }

    /// Forks the process as `fork` does, which answers 0 in the child, with the functions of
    /// `os.register_at_fork` called around it. The child keeps only the calling thread.
    pub fn fork<T>(
        &self,
        vm: &Vm,
        fork: impl FnOnce() -> host::Result<T>,
        is_child: impl Fn(&T) -> bool,
    ) -> host::Result<T> {
        ForkHooks::call_all(vm, self.fork_hooks.before.get().into_iter().rev());
        // No import is under way in the moment of the fork, as far as that takes the lock.
        vm.interpreter.import_lock.acquire(vm);
        let result = self.fork_and_adopt(vm, fork, &is_child);
        vm.interpreter.import_lock.release(vm);
        let (result, vanished) = result?;
        if !is_child(&result) {
            ForkHooks::call_all(vm, self.fork_hooks.in_parent.get().into_iter());
            return Ok(result);
        }
        // What the vanished threads held may warn as it goes.
        vm.interpreter.warnings.unlock_in_child(vm);
        for entry in vanished {
            // SAFETY: the state of a thread that did not come along stays where it is, and nobody else looks at it.
            unsafe { (*entry.vm).forget_values() };
        }
        // The child runs none of its parent's event loops.
        drop(vm.running_task.take());
        drop(vm.running_loop.take());
        let native = self.fork_hooks.native_in_child.get();
        native.into_iter().for_each(|hook| hook(vm));
        ForkHooks::call_all(vm, self.fork_hooks.in_child.get().into_iter());
        Ok(result)
    }

    /// As `fork`, calling nothing around it.
    pub fn fork_plainly<T>(
        &self,
        vm: &Vm,
        fork: impl FnOnce() -> host::Result<T>,
        is_child: impl Fn(&T) -> bool,
    ) -> host::Result<T> {
        let (result, vanished) = self.fork_and_adopt(vm, fork, &is_child)?;
        // Dropping would run code.
        std::mem::forget(vanished);
        Ok(result)
    }

    /// Forks while nobody else is inside the lock. The child takes what it needs for itself; the entries of the threads
    /// that did not come along are answered.
    fn fork_and_adopt<T>(
        &self,
        vm: &Vm,
        fork: impl FnOnce() -> host::Result<T>,
        is_child: &impl Fn(&T) -> bool,
    ) -> host::Result<(T, Vec<Entry>)> {
        if let Some(library) = vm.interpreter.library.get() {
            library.settle();
        }
        let mut turn = LOCK.turn();
        let result = fork()?;
        if !is_child(&result) {
            return Ok((result, Vec::new()));
        }
        turn.holder = host::thread_identity();
        turn.waiting = 0;
        drop(turn);
        let all = self.list.take();
        let (mut own, vanished): (Vec<Entry>, Vec<Entry>) =
            all.into_iter().partition(|entry| entry.identity == vm.thread_id);
        if let Some(entry) = own.first_mut() {
            entry.native = host::native_thread_id();
            // SAFETY: the thread was listed when it began.
            unsafe { Listed::stay_alone(vm.listed.get(), entry.native) };
        }
        self.list.set(own);
        self.main.set(vm.thread_id);
        LOCK.others.store(0, Ordering::Relaxed);
        host::forget_signals();
        Ok((result, vanished))
    }
}

impl Vm {
    /// Runs the thread: takes the lock, lists the thread, and undoes both afterwards.
    pub fn run_thread<R>(&self, run: impl FnOnce(&Vm) -> R) -> R {
        LOCK.acquire(self);
        let result = self.run_listed(run);
        LOCK.release();
        result
    }

    /// Has the thread, which runs in another interpreter, run in this one's meanwhile.
    pub fn run_inside<R>(&self, outer: &Vm, run: impl FnOnce(&Vm) -> R) -> R {
        LOCK.hand_over(self);
        let result = self.run_listed(run);
        LOCK.hand_over(outer);
        result
    }

    fn run_listed<R>(&self, run: impl FnOnce(&Vm) -> R) -> R {
        let native = host::native_thread_id();
        self.listed.set(Listed::add(self, native));
        Listed::activate(self.listed.get());
        let entry = Entry { vm: self, identity: self.thread_id, native, asynchronous: None };
        self.interpreter.threads.list.borrow_mut().push(entry);
        self.enter(|vm| {
            let result = run(vm);
            vm.forget_thread();
            result
        })
    }

    /// Lets go of what belongs to the thread, while it still can run the finalisers of that.
    fn forget_thread(&self) {
        self.forget_values();
        let threads = &self.interpreter.threads;
        let mut list = threads.list.borrow_mut();
        let place = list.iter().position(|entry| std::ptr::eq(entry.vm, self));
        let entry = place.map(|place| list.remove(place));
        drop(list);
        Listed::activate(std::ptr::null());
        // SAFETY: the thread was listed when it began.
        unsafe { Listed::remove(self.listed.replace(std::ptr::null())) };
        drop(entry);
    }

    fn forget_values(&self) {
        drop(self.thread_dict.take());
        drop(self.context.take());
        self.forget_handled();
        crate::watch::set_functions(self, Some(None), Some(None));
        drop(self.async_generator_hooks.take());
        drop(self.running_task.take());
        drop(self.running_loop.take());
    }

    /// Gives the interpreter's lock up for the time of a call that blocks and touches no value.
    pub fn allow_threads<R>(&self, run: impl FnOnce() -> R) -> R {
        if !has_others() || self.is_without_lock.get() {
            return run();
        }
        self.is_without_lock.set(true);
        LOCK.release();
        let result = run();
        LOCK.acquire(self);
        self.is_without_lock.set(false);
        result
    }

    /// Holds the interpreter's lock for the time of a call that comes back from within one that may have given it up.
    pub fn hold_lock<R>(&self, run: impl FnOnce(&Vm) -> R) -> R {
        if !self.is_without_lock.get() {
            return run(self);
        }
        LOCK.acquire(self);
        self.is_without_lock.set(false);
        let result = run(self);
        self.is_without_lock.set(true);
        LOCK.release();
        result
    }

    /// Whether this is the main thread of the main interpreter, where signals are handled.
    pub fn is_main_thread(&self) -> bool {
        self.interpreter.is_main() && self.thread_id == self.interpreter.threads.main.get()
    }

    /// Makes a system call that can block, again and again while signals interrupt it and their handlers raise
    /// nothing (PEP 475).
    ///
    /// # Errors
    /// The outer result has the exception of a signal handler, the inner one the system's error.
    pub fn blocking<T>(&self, mut call: impl FnMut() -> host::Result<T>) -> crate::PyResult<host::Result<T>> {
        loop {
            match self.allow_threads(&mut call) {
                Err(error) if error.is_interruption() => self.check_signals()?,
                result => return Ok(result),
            }
        }
    }
}

/// What a new thread runs on.
struct Handover {
    interpreter: &'static Interpreter,
    run: Box<dyn FnOnce(&Vm)>,
}

// SAFETY: the interpreter is shared by all threads, which take turns with its lock; the function is called, and with
// what it holds dropped, only while the new thread holds that lock.
unsafe impl Send for Handover {}

impl Handover {
    fn run(self, stack_size: usize) {
        let Handover { interpreter, run } = self;
        let vm = Vm::new(interpreter, host::thread_identity(), NativeStack::of_size(stack_size));
        vm.run_thread(run);
        LOCK.others.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starts a thread that runs `run` holding the interpreter's lock; answers the thread's identity.
///
/// # Errors
/// The system's, where it makes no more threads.
pub fn start(vm: &Vm, run: Box<dyn FnOnce(&Vm)>) -> std::io::Result<u64> {
    let stack_size = match vm.interpreter.threads.stack_size.get() {
        0 => USUAL_STACK_SIZE,
        size => size,
    };
    let handover = Handover { interpreter: vm.interpreter, run };
    LOCK.others.fetch_add(1, Ordering::Relaxed);
    let started = std::thread::Builder::new().stack_size(stack_size).spawn(move || handover.run(stack_size));
    if started.is_err() {
        LOCK.others.fetch_sub(1, Ordering::Relaxed);
    }
    started.map(|thread| host::identity_of(&thread))
}

/// A lock inside an object, taken for single operations. Threads that must wait do so without the interpreter's lock.
#[derive(Default)]
pub struct ObjectLock {
    owner: Cell<u64>,
    waiting: Cell<u32>,
    /// Counts releases that somebody waited for.
    released: AtomicU32,
}

impl ObjectLock {
    /// Takes the lock; answers no where this thread has it already.
    pub fn acquire(&self, vm: &Vm) -> bool {
        if self.owner.get() == vm.thread_id {
            return false;
        }
        // Threads that a fork left behind hold nothing.
        while self.owner.get() != 0 && vm.interpreter.threads.is_listed(self.owner.get()) {
            self.waiting.set(self.waiting.get() + 1);
            let seen = self.released.load(Ordering::Relaxed);
            vm.allow_threads(|| {
                while self.released.load(Ordering::Relaxed) == seen {
                    // Woken, interrupted or too late: the loop looks again.
                    let _ = host::wait_on(&self.released, seen, None);
                }
            });
            self.waiting.set(self.waiting.get() - 1);
        }
        self.owner.set(vm.thread_id);
        true
    }

    /// Whether this thread has the lock.
    pub fn is_held_by(&self, vm: &Vm) -> bool {
        self.owner.get() == vm.thread_id
    }

    /// Gives the lock back.
    pub fn release(&self) {
        self.owner.set(0);
        if self.waiting.get() > 0 {
            self.released.fetch_add(1, Ordering::Relaxed);
            host::wake(&self.released, i32::MAX);
        }
    }
}

/// The lock that keeps imports apart (`_imp.acquire_lock`); its thread can take it again.
#[derive(Default)]
pub struct ImportLock {
    lock: ObjectLock,
    depth: Cell<u32>,
}

impl ImportLock {
    /// Takes the lock.
    pub fn acquire(&self, vm: &Vm) {
        self.lock.acquire(vm);
        self.depth.set(self.depth.get() + 1);
    }

    /// Gives the lock back; answers no where this thread does not have it.
    pub fn release(&self, vm: &Vm) -> bool {
        if !self.lock.is_held_by(vm) {
            return false;
        }
        self.depth.set(self.depth.get() - 1);
        if self.depth.get() == 0 {
            self.lock.release();
        }
        true
    }

    /// Whether any thread has it.
    pub fn is_held(&self) -> bool {
        self.depth.get() > 0
    }
}
