//! Locks: one that anybody can give back, and one that its thread can take again.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::host::{self, c};
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The longest time-out in seconds.
pub const TIMEOUT_MAX: f64 = 9_223_372_036.0;

/// A flag that threads wait for. It is one word, so that the child of a fork finds it whole.
#[derive(Default)]
struct Gate(AtomicU32);

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Taken, and somebody may wait.
const AWAITED: u32 = 2;

impl Trace for Gate {
    fn trace(&self, _: &mut Visitor<'_>) {}
}

impl Gate {
    fn try_take(&self) -> bool {
        self.0.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }

    fn free(&self) {
        if self.0.swap(FREE, Ordering::Release) == AWAITED {
            host::wake(&self.0, 1);
        }
    }

    /// Waits for the flag and takes it; `EINTR` where a signal came first.
    fn take_until(&self, deadline: Option<Instant>) -> host::Result {
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(host::Errno(c::ETIMEDOUT));
            }
            match host::wait_on(&self.0, AWAITED, left) {
                Err(error) if error.0 != c::EAGAIN && error.0 != c::ETIMEDOUT => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Takes a gate, waiting without the interpreter's lock; signals are handled meanwhile.
fn take(vm: &Vm, gate: &Gate, wait: Wait) -> PyResult<bool> {
    if gate.try_take() {
        return Ok(true);
    }
    let deadline = match wait {
        Wait::Not => return Ok(false),
        Wait::Forever => None,
        Wait::For(time) => Instant::now().checked_add(time),
    };
    match vm.blocking(|| gate.take_until(deadline))? {
        Ok(()) => Ok(true),
        Err(error) if error.0 == c::ETIMEDOUT => Ok(false),
        Err(error) => Err(vm.os_error(error.0, None, None)),
    }
}

#[derive(Clone, Copy)]
enum Wait {
    Not,
    Forever,
    For(Duration),
}

/// What `blocking` and `timeout` of `acquire` mean.
fn wait_of(vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<Wait> {
    let timeout = match timeout {
        None => -1.0,
        Some(timeout) => float::to_f64(vm, timeout)?,
    };
    if !blocking && timeout != -1.0 {
        return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
    }
    if timeout.is_nan() {
        return Err(vm.value_error("Invalid value NaN (not a number)"));
    }
    if timeout < 0.0 && timeout != -1.0 {
        return Err(vm.value_error("timeout value must be a non-negative number"));
    }
    if timeout > TIMEOUT_MAX {
        return Err(vm.overflow_error("timeout value is too large"));
    }
    Ok(if !blocking {
        Wait::Not
    } else if timeout < 0.0 {
        Wait::Forever
    } else {
        Wait::For(Duration::from_secs_f64(timeout))
    })
}

/// A lock that one thread holds at a time.
#[pyclass(name = "lock", module = "_thread", weak)]
pub struct Lock {
    gate: Gate,
}

impl Lock {
    /// A lock that nobody holds.
    pub fn unlocked() -> Ref<Lock> {
        Object::new(Lock { gate: Gate::default() })
    }
}

#[pymethods]
impl Lock {
    #[new("lock()")]
    fn new(_cls: &TypeObject) -> Ref<Lock> {
        Lock::unlocked()
    }

    #[slot(repr)]
    fn repr(this: &Object<Lock>) -> String {
        let state = if this.gate.is_taken() { "locked" } else { "unlocked" };
        format!("<{state} {} object at {:#x}>", this.type_of().full_name(), std::ptr::from_ref(this) as usize)
    }

    /// Lock the lock.
    #[method("acquire(self, /, blocking=True, timeout=-1)")]
    fn acquire(&self, vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<bool> {
        take(vm, &self.gate, wait_of(vm, blocking, timeout)?)
    }

    /// An obsolete synonym of acquire().
    #[method("acquire_lock(self, /, blocking=True, timeout=-1)")]
    fn acquire_lock(&self, vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<bool> {
        self.acquire(vm, blocking, timeout)
    }

    /// Release the lock.
    #[method("release(self, /)")]
    fn release(&self, vm: &Vm) -> PyResult<()> {
        if !self.gate.is_taken() {
            return Err(vm.runtime_error("release unlocked lock"));
        }
        self.gate.free();
        Ok(())
    }

    /// An obsolete synonym of release().
    #[method("release_lock(self, /)")]
    fn release_lock(&self, vm: &Vm) -> PyResult<()> {
        self.release(vm)
    }

    /// Return whether the lock is locked.
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
        take(vm, &self.gate, Wait::Forever)
    }

    /// Release the lock.
    #[method("__exit__(self, /, *exc_info)")]
    fn exit(&self, vm: &Vm, exc_info: &[Value]) -> PyResult<()> {
        let _ = exc_info;
        self.release(vm)
    }

    /// Make the lock new in the child of a fork.
    #[method("_at_fork_reinit(self, /)")]
    fn at_fork_reinit(&self) {
        self.gate.free();
    }
}

/// A lock that its thread can take again.
#[pyclass(name = "RLock", module = "_thread", weak, subclassable)]
pub struct RLock {
    gate: Gate,
    owner: Cell<u64>,
    count: Cell<u64>,
}

impl RLock {
    fn is_mine(&self, vm: &Vm) -> bool {
        self.count.get() > 0 && self.owner.get() == vm.thread_id
    }

    fn take(&self, vm: &Vm, wait: Wait) -> PyResult<bool> {
        if self.is_mine(vm) {
            self.count.set(self.count.get() + 1);
            return Ok(true);
        }
        let taken = take(vm, &self.gate, wait)?;
        if taken {
            self.owner.set(vm.thread_id);
            self.count.set(1);
        }
        Ok(taken)
    }
}

#[pymethods]
impl RLock {
    /// Arguments are for the `__init__` of derived classes.
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let lock = RLock { gate: Gate::default(), owner: Cell::new(0), count: Cell::new(0) };
        Ok(Object::with_type(cls, lock).into_value())
    }

    #[slot(repr)]
    fn repr(this: &Object<RLock>) -> String {
        let state = if this.count.get() > 0 { "locked" } else { "unlocked" };
        format!(
            "<{state} {} object owner={} count={} at {:#x}>",
            this.type_of().full_name(),
            this.owner.get(),
            this.count.get(),
            std::ptr::from_ref(this) as usize
        )
    }

    /// Lock the lock.
    #[method("acquire(self, /, blocking=True, timeout=-1)")]
    fn acquire(&self, vm: &Vm, blocking: bool, timeout: Option<&Value>) -> PyResult<bool> {
        self.take(vm, wait_of(vm, blocking, timeout)?)
    }

    /// Release the lock.
    #[method("release(self, /)")]
    fn release(&self, vm: &Vm) -> PyResult<()> {
        if !self.is_mine(vm) {
            return Err(vm.runtime_error("cannot release un-acquired lock"));
        }
        self.count.set(self.count.get() - 1);
        if self.count.get() == 0 {
            self.owner.set(0);
            self.gate.free();
        }
        Ok(())
    }

    /// Return whether the lock is locked.
    #[method("locked(self, /)")]
    fn locked(&self) -> bool {
        self.count.get() > 0
    }

    /// Lock the lock.
    #[method("__enter__(self, /)")]
    fn enter(&self, vm: &Vm) -> PyResult<bool> {
        self.take(vm, Wait::Forever)
    }

    /// Release the lock.
    #[method("__exit__(self, /, *exc_info)")]
    fn exit(&self, vm: &Vm, exc_info: &[Value]) -> PyResult<()> {
        let _ = exc_info;
        self.release(vm)
    }

    /// Whether the calling thread holds the lock.
    #[method("_is_owned(self, /)")]
    fn is_owned(&self, vm: &Vm) -> bool {
        self.is_mine(vm)
    }

    /// How often the calling thread holds the lock.
    #[method("_recursion_count(self, /)")]
    fn recursion_count(&self, vm: &Vm) -> u64 {
        if self.is_mine(vm) { self.count.get() } else { 0 }
    }

    /// For conditions: give the lock back however often it is held.
    #[method("_release_save(self, /)")]
    fn release_save(&self, vm: &Vm) -> PyResult<(u64, u64)> {
        if self.count.get() == 0 {
            return Err(vm.runtime_error("cannot release un-acquired lock"));
        }
        let state = (self.count.replace(0), self.owner.replace(0));
        self.gate.free();
        Ok(state)
    }

    /// For conditions: take the lock as often as it was held.
    #[method("_acquire_restore(self, state, /)")]
    fn acquire_restore(&self, vm: &Vm, state: &Object<Tuple>) -> PyResult<()> {
        let [count, owner] = state.items() else { return Err(vm.type_error("a pair is expected")) };
        take(vm, &self.gate, Wait::Forever)?;
        self.count.set(int::small_value(count).unwrap_or(1) as u64);
        self.owner.set(int::to_fixed(vm, owner, "unsigned long")?);
        Ok(())
    }

    /// Make the lock new in the child of a fork.
    #[method("_at_fork_reinit(self, /)")]
    fn at_fork_reinit(&self) {
        self.owner.set(0);
        self.count.set(0);
        self.gate.free();
    }
}
