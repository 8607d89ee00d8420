//! The interpreters of the process: the main one, and those that run beside it (PEP 734).
//!
//! Each has its own modules, streams, codecs, warning filters, threads and monitoring. They share the lock, the
//! collector and the native types, which are immutable; so a value that got from one to another by mistake would do no
//! harm to memory. What crosses on purpose is made anew there.

use std::any::Any;
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::exceptions::hierarchy::RuntimeWarning;
use crate::object::Payload;
use crate::startup;
use crate::types::dict::Dict;
use crate::vm::{Interpreter, Vm};

/// Who made an interpreter (`_interpreters.WHENCE_…`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whence {
    /// The start of the process.
    Runtime = 1,
    /// What stands for the older functions of C in tests.
    LegacyCapi = 2,
    /// What stands for the functions of C in tests.
    Capi = 3,
    /// The module `_interpreters`.
    Library = 5,
}

/// What is allowed in an interpreter, as `_interpreters.get_config` shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub struct Features {
    pub use_main_obmalloc: bool,
    pub allow_fork: bool,
    pub allow_exec: bool,
    pub allow_threads: bool,
    pub allow_daemon_threads: bool,
    pub check_multi_interp_extensions: bool,
    /// `default`, `shared` or `own`: the lock that was asked for.
    pub gil: String,
}

impl Features {
    /// What the main interpreter has, and what CPython calls legacy.
    pub fn unrestricted(gil: &str) -> Features {
        Features {
            use_main_obmalloc: true,
            allow_fork: true,
            allow_exec: true,
            allow_threads: true,
            allow_daemon_threads: true,
            check_multi_interp_extensions: false,
            gil: gil.to_owned(),
        }
    }

    /// What an interpreter has for which nothing else was asked.
    pub fn isolated() -> Features {
        Features {
            use_main_obmalloc: false,
            allow_fork: false,
            allow_exec: false,
            allow_threads: true,
            allow_daemon_threads: false,
            check_multi_interp_extensions: true,
            gil: "own".to_owned(),
        }
    }
}

/// What tells an interpreter from the others.
pub struct Identity {
    /// Its number; 0 is the main one.
    pub id: i64,
    /// Who made it.
    pub whence: Whence,
    /// What is allowed in it.
    pub features: Features,
    /// How many objects stand for it in some interpreter.
    pub references: Cell<i64>,
    /// Whether it ends with the last of these.
    pub ends_unreferenced: Cell<bool>,
    /// Whether code runs in its `__main__`.
    pub runs_main: Cell<bool>,
    statics: GilCell<Vec<(usize, &'static dyn Any)>>,
}

static NEXT_ID: AtomicI64 = AtomicI64::new(0);
/// Those that have not ended, in the order in which they were made.
static ALL: GilCell<Vec<&'static Interpreter>> = GilCell::new(Vec::new());

impl Identity {
    /// The identity of a new interpreter.
    pub fn new(whence: Whence, features: Features) -> Identity {
        Identity {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            whence,
            features,
            references: Cell::new(0),
            ends_unreferenced: Cell::new(false),
            runs_main: Cell::new(false),
            statics: GilCell::default(),
        }
    }
}

impl Interpreter {
    /// Whether it is the one that the process began with.
    pub fn is_main(&self) -> bool {
        self.identity.id == 0
    }
}

/// Lists an interpreter.
pub(crate) fn enlist(interpreter: &'static Interpreter) {
    ALL.borrow_mut().push(interpreter);
}

/// All interpreters.
pub fn all() -> Vec<&'static Interpreter> {
    ALL.get()
}

/// The interpreter that the process began with, while it runs.
pub fn main() -> Option<&'static Interpreter> {
    find(0)
}

/// The interpreter with a number.
pub fn find(id: i64) -> Option<&'static Interpreter> {
    ALL.borrow().iter().copied().find(|interpreter| interpreter.identity.id == id)
}

/// Makes an interpreter and starts the library in it.
///
/// # Errors
/// What the library's code raises; the interpreter is gone then.
pub fn create(vm: &Vm, features: Features, whence: Whence) -> PyResult<&'static Interpreter> {
    let interpreter = Interpreter::beside(vm.interpreter, Dict::new(), Identity::new(whence, features));
    enlist(interpreter);
    match run_in(vm, interpreter, |inner| startup::start(inner, false).map(drop)) {
        Ok(()) => Ok(interpreter),
        Err(error) => {
            destroy(vm, interpreter);
            Err(error)
        }
    }
}

/// Has the thread run in another interpreter, with a state of its own there.
pub fn run_in<R>(vm: &Vm, interpreter: &'static Interpreter, run: impl FnOnce(&Vm) -> R) -> R {
    Vm::new(interpreter, vm.thread_id, vm.native_stack.get()).run_inside(vm, run)
}

/// Ends an interpreter in which no code runs.
pub fn destroy(vm: &Vm, interpreter: &'static Interpreter) {
    run_in(vm, interpreter, |inner| {
        startup::finalize(inner);
        interpreter.forget_values();
        interpreter.collector.collect(inner, crate::gc::OLDEST);
    });
    ALL.borrow_mut().retain(|other| !std::ptr::eq(*other, interpreter));
}

/// Ends all interpreters but the main one, which is about to end itself.
pub(crate) fn destroy_others(vm: &Vm) {
    let others: Vec<_> = all().into_iter().filter(|other| !other.is_main()).collect();
    if others.is_empty() {
        return;
    }
    let message = vm.new_str("remaining subinterpreters; close them with Interpreter.close()");
    let category = RuntimeWarning::static_type();
    let place = vm.new_str("<sys>");
    if let Err(error) = crate::warnings::warn_explicit(vm, category, &message, &place, 0, None, None) {
        crate::exceptions::print::write_unraisable(vm, error, None, None);
    }
    for other in others {
        destroy(vm, other);
    }
}

/// A place that each interpreter has for itself, for what native modules keep in statics.
pub struct PerInterpreter<T: 'static> {
    make: fn() -> T,
}

impl<T: 'static> PerInterpreter<T> {
    /// A place that begins as `make` says.
    pub const fn new(make: fn() -> T) -> Self {
        PerInterpreter { make }
    }

    /// The interpreter's own. It stays for the rest of the process, as the interpreter does.
    pub fn of(&'static self, vm: &Vm) -> &'static T {
        let key = std::ptr::from_ref(self) as usize;
        let mut statics = vm.interpreter.identity.statics.borrow_mut();
        let found = statics.iter().find(|(place, _)| *place == key).map(|(_, value)| *value);
        let value = found.unwrap_or_else(|| {
            let value: &'static dyn Any = Box::leak(Box::new((self.make)()));
            statics.push((key, value));
            value
        });
        value.downcast_ref().expect("a static is the key of its own kind alone")
    }
}
