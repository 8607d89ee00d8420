//! `_ThreadHandle`: threads seen from outside, to be waited for.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, c};
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::time::{Rounding, nanoseconds_of};

/// What is known of a thread from outside it.
#[derive(Default)]
struct Progress {
    identity: AtomicU64,
    /// 1 when the thread has ended. One word, so that the child of a fork finds it whole.
    done: AtomicU32,
}

impl Progress {
    fn finish(&self) {
        self.done.store(1, Ordering::Release);
        host::wake(&self.done, i32::MAX);
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire) != 0
    }

    /// Waits for the end; `ETIMEDOUT` where it does not come in time, `EINTR` where a signal comes first.
    fn wait_until(&self, deadline: Option<Instant>) -> host::Result {
        while !self.is_done() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(host::Errno(c::ETIMEDOUT));
            }
            match host::wait_on(&self.done, 0, left) {
                Err(error) if error.0 != c::EAGAIN && error.0 != c::ETIMEDOUT => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The threads that somebody has a handle of.
static KNOWN: PerInterpreter<GilCell<Vec<Weak<Progress>>>> = PerInterpreter::new(GilCell::default);

/// The threads that the interpreter waits for before it ends.
static WAITED_FOR: PerInterpreter<GilCell<Vec<Arc<Progress>>>> = PerInterpreter::new(GilCell::default);

/// In the child of a fork: all threads but the one that forked have ended.
pub fn after_fork(vm: &Vm) {
    for progress in KNOWN.of(vm).borrow().iter().filter_map(Weak::upgrade) {
        // One that was not started can still be.
        let identity = progress.identity.load(Ordering::Relaxed);
        if identity != 0 && identity != vm.thread_id {
            progress.finish();
        }
    }
    WAITED_FOR.of(vm).borrow_mut().retain(|progress| !progress.is_done());
}

/// Waits for all threads that are not daemons.
///
/// # Errors
/// What a signal handler raises.
pub fn wait_for_all(vm: &Vm) -> PyResult<()> {
    loop {
        let next = {
            let waited_for = WAITED_FOR.of(vm).borrow();
            waited_for.iter().find(|progress| progress.identity.load(Ordering::Relaxed) != vm.thread_id).cloned()
        };
        let Some(progress) = next else { return Ok(()) };
        // Waiting without end fails for nothing but signals, which are handled.
        drop(vm.blocking(|| progress.wait_until(None))?);
        no_longer_waited_for(vm, &progress);
    }
}

fn no_longer_waited_for(vm: &Vm, progress: &Arc<Progress>) {
    WAITED_FOR.of(vm).borrow_mut().retain(|other| !Arc::ptr_eq(other, progress));
}

/// A thread that can be waited for.
#[pyclass(name = "_ThreadHandle", module = "_thread", weak)]
pub struct ThreadHandle {
    started: Cell<bool>,
    progress: Arc<Progress>,
}

impl ThreadHandle {
    /// The handle of a thread that has not been started.
    pub fn unstarted(vm: &Vm) -> Ref<ThreadHandle> {
        let progress: Arc<Progress> = Arc::default();
        let mut known = KNOWN.of(vm).borrow_mut();
        if known.len() == known.capacity() {
            known.retain(|other| other.strong_count() > 0);
        }
        known.push(Arc::downgrade(&progress));
        drop(known);
        Object::new(ThreadHandle { started: Cell::new(false), progress })
    }

    /// The handle of a thread that runs already.
    pub fn running(vm: &Vm, identity: u64) -> Ref<ThreadHandle> {
        let handle = ThreadHandle::unstarted(vm);
        handle.progress.identity.store(identity, Ordering::Relaxed);
        handle.started.set(true);
        handle
    }

    /// Starts the thread; answers its identity.
    ///
    /// # Errors
    /// `RuntimeError` where it was started before or the system makes no more threads.
    pub fn start(
        this: &Object<ThreadHandle>,
        vm: &Vm,
        daemon: bool,
        run: impl FnOnce(&Vm) + 'static,
    ) -> PyResult<u64> {
        if this.started.get() {
            return Err(vm.runtime_error("thread already started"));
        }
        let features = &vm.interpreter.identity.features;
        if !features.allow_threads {
            return Err(vm.runtime_error("thread is not supported for isolated subinterpreters"));
        }
        if daemon && !features.allow_daemon_threads {
            return Err(vm.runtime_error("daemon threads are disabled in this (sub)interpreter"));
        }
        if vm.interpreter.finalizing.get() {
            return Err(vm.finalization_error("can't create new thread at interpreter shutdown"));
        }
        let progress = Arc::clone(&this.progress);
        let body = Box::new(move |vm: &Vm| {
            run(vm);
            progress.finish();
            no_longer_waited_for(vm, &progress);
        });
        let Ok(identity) = rspy_runtime::threads::start(vm, body) else {
            return Err(vm.runtime_error("can't start new thread"));
        };
        // The thread cannot look before this one gives up the interpreter's lock.
        this.progress.identity.store(identity, Ordering::Relaxed);
        this.started.set(true);
        if !daemon {
            WAITED_FOR.of(vm).borrow_mut().push(Arc::clone(&this.progress));
        }
        Ok(identity)
    }

    fn check_started(&self, vm: &Vm) -> PyResult<()> {
        if self.started.get() { Ok(()) } else { Err(vm.runtime_error("thread not started")) }
    }
}

#[pymethods]
impl ThreadHandle {
    #[slot(new)]
    fn new(vm: &Vm, _: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(ThreadHandle::unstarted(vm).into_value())
    }

    #[slot(repr)]
    fn repr(this: &Object<ThreadHandle>) -> String {
        format!("<{} object: ident={}>", this.type_of().full_name(), this.ident())
    }

    #[getter("ident")]
    fn ident(&self) -> u64 {
        self.progress.identity.load(Ordering::Relaxed)
    }

    /// Wait until the thread has ended.
    #[method("join(self, timeout=None, /)")]
    fn join(&self, vm: &Vm, timeout: Option<&Value>) -> PyResult<()> {
        let deadline = match timeout {
            None => None,
            Some(timeout) => {
                let nanoseconds = nanoseconds_of(vm, timeout, Rounding::Up)?;
                // Negative time-outs are none.
                u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
            }
        };
        self.check_started(vm)?;
        if !self.progress.is_done() {
            if self.ident() == vm.thread_id {
                return Err(vm.runtime_error("Cannot join current thread"));
            }
            if vm.interpreter.finalizing.get() {
                // Other threads run no Python code any more, so this one would never end.
                return Err(vm.finalization_error("cannot join thread at interpreter shutdown"));
            }
        }
        let deadline = deadline.and_then(|time| Instant::now().checked_add(time));
        match vm.blocking(|| self.progress.wait_until(deadline))? {
            Err(error) if error.0 != c::ETIMEDOUT => Err(vm.os_error(error.0, None, None)),
            _ => Ok(()),
        }
    }

    /// Whether the thread has ended.
    #[method("is_done(self, /)")]
    fn is_done(&self) -> bool {
        self.progress.is_done()
    }

    /// Take the thread for ended.
    #[method("_set_done(self, /)")]
    fn set_done(&self, vm: &Vm) -> PyResult<()> {
        self.check_started(vm)?;
        self.progress.finish();
        no_longer_waited_for(vm, &self.progress);
        Ok(())
    }
}
