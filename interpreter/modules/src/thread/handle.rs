//! `_ThreadHandle`: a thread that can be waited for.

use std::cell::Cell;
use std::rc::Rc;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::lock::Gate;
use super::run_function;

/// How far a thread has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    NotStarted,
    Starting,
    Running,
    Done,
}

/// What a thread and its handle share.
struct State {
    stage: Cell<Stage>,
    identity: Cell<u64>,
    /// Taken while the thread runs.
    running: Gate,
    /// The system's side of the thread, until somebody has waited for it.
    joiner: GilCell<Option<std::thread::JoinHandle<()>>>,
}

/// A thread that can be waited for.
#[pyclass(name = "_ThreadHandle", module = "_thread", weak)]
pub struct ThreadHandle {
    state: Rc<State>,
}

/// The threads that the interpreter waits for before it ends.
static AWAITED: GilCell<Vec<Rc<State>>> = GilCell::new(Vec::new());

impl ThreadHandle {
    fn with(stage: Stage, identity: u64) -> Ref<ThreadHandle> {
        let state = State {
            stage: Cell::new(stage),
            identity: Cell::new(identity),
            running: Gate::default(),
            joiner: GilCell::new(None),
        };
        Object::new(ThreadHandle { state: Rc::new(state) })
    }

    /// The handle of a thread to be started.
    pub fn new_unstarted() -> Ref<ThreadHandle> {
        Self::with(Stage::NotStarted, 0)
    }

    /// The handle of a thread that runs already and was not started here.
    pub fn of_running(identity: u64) -> Ref<ThreadHandle> {
        let handle = Self::with(Stage::Running, identity);
        handle.state.running.try_take();
        handle
    }

    /// Starts a thread that calls a function.
    ///
    /// # Errors
    /// `RuntimeError` where it was started before or cannot be started.
    pub fn start(this: &Object<ThreadHandle>, vm: &Vm, function: Value, daemon: bool) -> PyResult<()> {
        let state = this.state.clone();
        if state.stage.get() != Stage::NotStarted {
            return Err(vm.runtime_error("thread already started"));
        }
        state.stage.set(Stage::Starting);
        state.running.try_take();
        if !daemon {
            AWAITED.borrow_mut().push(state.clone());
        }
        let shared = state.clone();
        let started = super::start(
            vm,
            Box::new(move |vm| {
                shared.identity.set(vm.thread_id);
                shared.stage.set(Stage::Running);
                run_function(vm, &function, &[], None);
                drop(function);
                finish(&shared);
            }),
        );
        match started {
            Ok((identity, joiner)) => {
                state.identity.set(identity);
                if state.stage.get() == Stage::Starting {
                    state.stage.set(Stage::Running);
                }
                state.joiner.set(Some(joiner));
                Ok(())
            }
            Err(error) => {
                state.stage.set(Stage::NotStarted);
                state.running.give_back();
                forget(&state);
                Err(error)
            }
        }
    }
}

/// The thread has done what it was started for.
fn finish(state: &Rc<State>) {
    state.stage.set(Stage::Done);
    forget(state);
    state.running.give_back();
}

fn forget(state: &Rc<State>) {
    AWAITED.borrow_mut().retain(|other| !Rc::ptr_eq(other, state));
}

/// Waits for a thread; answers no when the time is over.
fn join(vm: &Vm, state: &Rc<State>, timeout: Option<std::time::Duration>) -> PyResult<bool> {
    if state.stage.get() != Stage::Done {
        if state.identity.get() == vm.thread_id {
            return Err(vm.runtime_error("Cannot join current thread"));
        }
        if !state.running.take(vm, timeout)? {
            return Ok(false);
        }
        state.running.give_back();
    }
    let joiner = state.joiner.take();
    if let Some(joiner) = joiner {
        // The thread has given its result back; what is left is the system's.
        let _ = vm.allow_threads(|| joiner.join());
    }
    Ok(true)
}

/// Waits for all threads but daemons.
///
/// # Errors
/// What handlers of signals raise meanwhile.
pub fn join_all(vm: &Vm) -> PyResult<()> {
    loop {
        let next = AWAITED.borrow().iter().find(|other| other.identity.get() != vm.thread_id).cloned();
        let Some(state) = next else { return Ok(()) };
        join(vm, &state, None)?;
    }
}

#[pymethods]
impl ThreadHandle {
    #[new("_ThreadHandle()")]
    fn new(_vm: &Vm) -> Ref<ThreadHandle> {
        ThreadHandle::new_unstarted()
    }

    #[slot(repr)]
    fn repr(this: &Object<ThreadHandle>, vm: &Vm) -> Value {
        vm.new_str(&format!("<{} object: ident={}>", this.type_of().full_name(), this.state.identity.get()))
    }

    #[getter("ident")]
    fn ident(&self) -> u64 {
        self.state.identity.get()
    }

    #[method("is_done(self, /)")]
    fn is_done(&self) -> bool {
        self.state.stage.get() == Stage::Done
    }

    #[method("_set_done(self, /)")]
    fn set_done(&self, vm: &Vm) -> PyResult<()> {
        if matches!(self.state.stage.get(), Stage::NotStarted | Stage::Starting) {
            return Err(vm.runtime_error("thread not started"));
        }
        if self.state.stage.get() != Stage::Done {
            finish(&self.state);
        }
        Ok(())
    }

    #[method("join(self, timeout=None, /)")]
    fn join(&self, vm: &Vm, timeout: Option<&Value>) -> PyResult<()> {
        let timeout = match timeout.filter(|timeout| !is_none(timeout)) {
            None => None,
            Some(timeout) => {
                let time = crate::time::nanoseconds_of(vm, timeout, crate::time::Rounding::Up)?;
                u64::try_from(time).ok().map(std::time::Duration::from_nanos)
            }
        };
        if matches!(self.state.stage.get(), Stage::NotStarted | Stage::Starting) {
            return Err(vm.runtime_error("thread not started"));
        }
        join(vm, &self.state, timeout).map(drop)
    }
}
