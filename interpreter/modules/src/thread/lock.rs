//! Locks that threads wait for: `lock` and `RLock`.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// What threads wait on, outside the interpreter's lock.
#[derive(Default)]
pub struct Gate {
    taken: Mutex<bool>,
    given_back: Condvar,
}

impl Gate {
    /// Takes it without waiting, if it is free.
    pub fn try_take(&self) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        !std::mem::replace(&mut *taken, true)
    }

    /// Waits until it is free and takes it; answers no when the time is over or after a while, so that the caller can
    /// look after signals.
    fn take_within(&self, time: Duration) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, result) = self
            .given_back
            .wait_timeout_while(taken, time, |taken| *taken)
            .unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() && *taken {
            return false;
        }
        *taken = true;
        true
    }

    /// Gives it back; answers no where nobody has it.
    pub fn give_back(&self) -> bool {
        let was = std::mem::replace(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner), false);
        if was {
            self.given_back.notify_one();
        }
        was
    }

    /// Whether somebody has it.
    pub fn is_taken(&self) -> bool {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it, waiting for some time at most; the main thread handles signals meanwhile.
    pub fn take(&self, vm: &Vm, timeout: Option<Duration>) -> PyResult<bool> {
        // A signal cannot end the wait on a condition, so the main thread looks up now and then.
        const LOOK_UP: Duration = Duration::from_millis(20);
        if self.try_take() {
            return Ok(true);
        }
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let main = vm.is_main_thread();
        loop {
            let rest = match (timeout, end) {
                (Some(_), Some(end)) => end.saturating_duration_since(Instant::now()),
                _ => Duration::from_secs(3600),
            };
            if rest.is_zero() {
                return Ok(false);
            }
            let wait = if main { rest.min(LOOK_UP) } else { rest };
            if vm.allow_threads(|| self.take_within(wait)) {
                return Ok(true);
            }
            if main {
                vm.check_signals()?;
            }
        }
    }
}

/// How long the arguments of `acquire` let a thread wait: not at all, for a time, or for ever.
fn waiting_time(vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<Option<Duration>> {
    let nanoseconds = match timeout {
        None => -1_000_000_000,
        Some(timeout) => {
            if let Some(number) = float::as_f64(timeout)
                && number.is_nan()
            {
                return Err(vm.value_error("Invalid value NaN (not a number)"));
            }
            crate::time::nanoseconds_of(vm, timeout, crate::time::Rounding::Up)?
        }
    };
    if !blocking {
        if nanoseconds != -1_000_000_000 {
            return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
        }
        return Ok(Some(Duration::ZERO));
    }
    match u64::try_from(nanoseconds) {
        Ok(time) if time as f64 <= super::LONGEST_WAIT * 1e9 => Ok(Some(Duration::from_nanos(time))),
        Ok(_) => Err(vm.overflow_error("timeout value is too large")),
        Err(_) if nanoseconds == -1_000_000_000 => Ok(None),
        Err(_) => Err(vm.value_error("timeout value must be a non-negative number")),
    }
}

/// A lock object is a synchronization primitive.  To create a lock, call threading.Lock().
#[pyclass(name = "lock", module = "_thread", weak, signature = "()")]
#[derive(Default)]
pub struct Lock {
    gate: Gate,
}

impl Lock {
    /// A free lock.
    pub fn make() -> Ref<Lock> {
        Object::new(Lock::default())
    }

    fn take(&self, vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<bool> {
        let time = waiting_time(vm, blocking, timeout)?;
        self.gate.take(vm, time)
    }

    fn give_back(&self, vm: &Vm) -> PyResult<()> {
        if self.gate.give_back() { Ok(()) } else { Err(vm.runtime_error("release unlocked lock")) }
    }
}

#[pymethods]
impl Lock {
    #[new("lock()")]
    fn new(_vm: &Vm) -> Ref<Lock> {
        Lock::make()
    }

    #[slot(repr)]
    fn repr(this: &Object<Lock>, vm: &Vm) -> Value {
        let state = if this.gate.is_taken() { "locked" } else { "unlocked" };
        let address = this.as_value().id();
        vm.new_str(&format!("<{state} {} object at {address:#x}>", this.type_of().full_name()))
    }

    /// Lock the lock.
    #[method("acquire(self, blocking=True, timeout=-1)")]
    fn acquire(&self, vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<bool> {
        self.take(vm, blocking, timeout)
    }

    /// An obsolete synonym of acquire().
    #[method("acquire_lock(self, blocking=True, timeout=-1)")]
    fn acquire_lock(&self, vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<bool> {
        self.take(vm, blocking, timeout)
    }

    /// Release the lock.
    #[method("release(self, /)")]
    fn release(&self, vm: &Vm) -> PyResult<()> {
        self.give_back(vm)
    }

    /// An obsolete synonym of release().
    #[method("release_lock(self, /)")]
    fn release_lock(&self, vm: &Vm) -> PyResult<()> {
        self.give_back(vm)
    }

    /// Return whether the lock is in the locked state.
    #[method("locked(self, /)")]
    fn locked(&self) -> bool {
        self.gate.is_taken()
    }

    /// An obsolete synonym of locked().
    #[method("locked_lock(self, /)")]
    fn locked_lock(&self) -> bool {
        self.gate.is_taken()
    }

    /// Lock the lock.
    #[method("__enter__(self, /)")]
    fn enter(&self, vm: &Vm) -> PyResult<bool> {
        self.take(vm, true, None)
    }

    /// Release the lock.
    #[method("__exit__(self, /, *exc_info)")]
    fn exit(&self, vm: &Vm, exc_info: &[Value]) -> PyResult<()> {
        let _ = exc_info;
        self.give_back(vm)
    }

    #[method("_at_fork_reinit(self, /)")]
    fn at_fork_reinit(&self) {
        self.gate.give_back();
    }
}

/// A lock that its owner can take again.
#[pyclass(name = "RLock", module = "_thread", weak, subclassable)]
#[derive(Default)]
pub struct RLock {
    gate: Gate,
    owner: Cell<u64>,
    count: Cell<usize>,
}

impl RLock {
    fn take(&self, vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<bool> {
        let time = waiting_time(vm, blocking, timeout)?;
        if self.owner.get() == vm.thread_id {
            self.count.set(self.count.get() + 1);
            return Ok(true);
        }
        let taken = self.gate.take(vm, time)?;
        if taken {
            self.owner.set(vm.thread_id);
            self.count.set(1);
        }
        Ok(taken)
    }

    fn give_back(&self, vm: &Vm) -> PyResult<()> {
        if self.owner.get() != vm.thread_id {
            return Err(vm.runtime_error("cannot release un-acquired lock"));
        }
        self.count.set(self.count.get() - 1);
        if self.count.get() == 0 {
            self.owner.set(0);
            self.gate.give_back();
        }
        Ok(())
    }
}

#[pymethods]
impl RLock {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if !args.is_empty() || names.is_some_and(|names| !names.items().is_empty()) {
            let message = "Passing arguments to RLock is deprecated and will be removed in 3.15";
            rspy_runtime::warnings::warn(vm, rspy_runtime::exceptions::deprecation_warning(), message, 1)?;
        }
        Ok(Object::with_type(cls, RLock::default()).into_value())
    }

    #[slot(repr)]
    fn repr(this: &Object<RLock>, vm: &Vm) -> Value {
        let state = if this.owner.get() != 0 { "locked" } else { "unlocked" };
        vm.new_str(&format!(
            "<{state} {} object owner={} count={} at {:#x}>",
            this.type_of().full_name(),
            this.owner.get(),
            this.count.get(),
            this.as_value().id()
        ))
    }

    /// Lock the lock.
    #[method("acquire(self, blocking=True, timeout=-1)")]
    fn acquire(&self, vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<bool> {
        self.take(vm, blocking, timeout)
    }

    /// Release the lock.
    #[method("release(self, /)")]
    fn release(&self, vm: &Vm) -> PyResult<()> {
        self.give_back(vm)
    }

    /// Return a boolean indicating whether this object is locked right now.
    #[method("locked(self, /)")]
    fn locked(&self) -> bool {
        self.owner.get() != 0
    }

    /// Lock the lock.
    #[method("__enter__(self, /)")]
    fn enter(&self, vm: &Vm) -> PyResult<bool> {
        self.take(vm, true, None)
    }

    /// Release the lock.
    #[method("__exit__(self, /, *exc_info)")]
    fn exit(&self, vm: &Vm, exc_info: &[Value]) -> PyResult<()> {
        let _ = exc_info;
        self.give_back(vm)
    }

    /// For internal use by reentrancy guards of `threading.Condition`.
    #[method("_is_owned(self, /)")]
    fn is_owned(&self, vm: &Vm) -> bool {
        self.owner.get() == vm.thread_id
    }

    /// For internal use by reentrancy detection.
    #[method("_recursion_count(self, /)")]
    fn recursion_count(&self, vm: &Vm) -> usize {
        if self.owner.get() == vm.thread_id { self.count.get() } else { 0 }
    }

    /// For internal use by `threading.Condition`.
    #[method("_release_save(self, /)")]
    fn release_save(&self, vm: &Vm) -> PyResult<(usize, u64)> {
        if self.count.get() == 0 {
            return Err(vm.runtime_error("cannot release un-acquired lock"));
        }
        let state = (self.count.replace(0), self.owner.replace(0));
        self.gate.give_back();
        Ok(state)
    }

    /// For internal use by `threading.Condition`.
    #[method("_acquire_restore(self, state, /)")]
    fn acquire_restore(&self, vm: &Vm, state: &Object<Tuple>) -> PyResult<()> {
        let [count, owner] = state.items() else {
            return Err(vm.type_error("_acquire_restore() argument 1 must be 2-item tuple"));
        };
        let (count, owner) = (int::to_fixed(vm, count, "unsigned long")?, int::to_fixed(vm, owner, "unsigned long")?);
        while !self.gate.take(vm, None)? {}
        self.owner.set(owner);
        self.count.set(count);
        Ok(())
    }

    #[method("_at_fork_reinit(self, /)")]
    fn at_fork_reinit(&self) {
        self.owner.set(0);
        self.count.set(0);
        self.gate.give_back();
    }
}
