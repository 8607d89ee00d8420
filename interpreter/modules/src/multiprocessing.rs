//! `_multiprocessing`: locks and semaphores that processes share.

use std::cell::Cell;
use std::ffi::CString;
use std::time::{Duration, SystemTime};

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::AssertionError;
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::host::{self, Semaphore, c};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Kinds of locks: one that its owner can take again, and one that counts.
const RECURSIVE: i32 = 0;
const COUNTING: i32 = 1;

/// How long waiting for a time-out may go on at most, so that the moment can be told.
const LONGEST: f64 = 1e9;

/// Semaphore/Mutex type
#[pyclass(name = "SemLock", module = "_multiprocessing", subclassable, shows_get, shows_set)]
pub struct SemLock {
    semaphore: Handle,
    kind: i32,
    most: i32,
    name: Option<String>,
    /// The thread that took the lock last.
    owner: Cell<u64>,
    /// How often this process has taken the lock and not given it back.
    count: Cell<i32>,
}

/// An open semaphore, nothing that the collector must see.
struct Handle(Semaphore);

impl Trace for Handle {
    fn trace(&self, _: &mut Visitor<'_>) {}
}

fn c_name(vm: &Vm, name: &str) -> PyResult<CString> {
    CString::new(name).map_err(|_| vm.value_error("embedded null character"))
}

fn checked<T>(vm: &Vm, result: host::Result<T>) -> PyResult<T> {
    result.map_err(|error| vm.os_error(error.0, None, None))
}

impl SemLock {
    fn with(cls: &TypeObject, semaphore: Semaphore, kind: i32, most: i32, name: Option<String>) -> Ref<SemLock> {
        let lock = SemLock {
            semaphore: Handle(semaphore),
            kind,
            most,
            name,
            owner: Cell::new(0),
            count: Cell::new(0),
        };
        Object::with_type(cls, lock)
    }

    fn is_owned(&self, vm: &Vm) -> bool {
        self.count.get() > 0 && self.owner.get() == vm.thread_id
    }

    fn take(&self, vm: &Vm, blocks: bool, end: Option<SystemTime>) -> PyResult<bool> {
        if self.kind == RECURSIVE && self.is_owned(vm) {
            self.count.set(self.count.get() + 1);
            return Ok(true);
        }
        let semaphore = &self.semaphore.0;
        let mut taken = semaphore.try_take();
        if blocks && matches!(taken, Err(error) if error.0 == c::EAGAIN || error.is_interruption()) {
            taken = vm.blocking(|| match end {
                Some(end) => semaphore.take_until(end),
                None => semaphore.take(),
            })?;
        }
        match taken {
            Err(error) if matches!(error.0, c::EAGAIN | c::ETIMEDOUT) => return Ok(false),
            other => checked(vm, other)?,
        }
        self.count.set(self.count.get() + 1);
        self.owner.set(vm.thread_id);
        Ok(true)
    }
}

#[pymethods]
impl SemLock {
    #[new("SemLock(kind, value, maxvalue, name, unlink)")]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        kind: i32,
        value: i32,
        maxvalue: i32,
        name: String,
        unlink: bool,
    ) -> PyResult<Ref<SemLock>> {
        if !matches!(kind, RECURSIVE | COUNTING) {
            return Err(vm.value_error("unrecognized kind"));
        }
        let path = c_name(vm, &name)?;
        let semaphore = checked(vm, Semaphore::create(&path, value as u32))?;
        if unlink {
            checked(vm, host::unlink_semaphore(&path))?;
        }
        // A name that nobody can open is none.
        let name = (!unlink).then_some(name);
        Ok(SemLock::with(cls, semaphore, kind, maxvalue, name))
    }

    /// Acquire the semaphore/lock.
    #[method("acquire(self, /, block=True, timeout=None)")]
    fn acquire(&self, vm: &Vm, block: bool, timeout: Option<&Value>) -> PyResult<bool> {
        let end = match timeout {
            None => None,
            Some(timeout) => {
                let seconds = float::to_f64(vm, timeout)?.clamp(0.0, LONGEST);
                let time = if seconds.is_nan() { Duration::ZERO } else { Duration::from_secs_f64(seconds) };
                Some(SystemTime::now() + time)
            }
        };
        self.take(vm, block, end)
    }

    /// Release the semaphore/lock.
    #[method("release(self, /)")]
    fn release(&self, vm: &Vm) -> PyResult<()> {
        if self.kind == RECURSIVE {
            if !self.is_owned(vm) {
                return Err(vm.new_exception(
                    AssertionError::static_type(),
                    "attempt to release recursive lock not owned by thread",
                ));
            }
            if self.count.get() > 1 {
                self.count.set(self.count.get() - 1);
                return Ok(());
            }
        } else if checked(vm, self.semaphore.0.value())? >= self.most {
            // Others may give it back in this moment: no more than a check for mistakes.
            return Err(vm.value_error("semaphore or lock released too many times"));
        }
        checked(vm, self.semaphore.0.give())?;
        self.count.set(self.count.get() - 1);
        Ok(())
    }

    /// Enter the semaphore/lock.
    #[method("__enter__(self, /)")]
    fn enter(&self, vm: &Vm) -> PyResult<bool> {
        self.take(vm, true, None)
    }

    /// Exit the semaphore/lock.
    #[method("__exit__(self, exc_type=None, exc_value=None, exc_tb=None, /)")]
    fn exit(
        &self,
        vm: &Vm,
        _class: Option<&Value>,
        _value: Option<&Value>,
        _traceback: Option<&Value>,
    ) -> PyResult<()> {
        self.release(vm)
    }

    /// Num of `acquire()`s minus num of `release()`s for this process.
    #[method("_count(self, /)")]
    fn count(&self) -> i32 {
        self.count.get()
    }

    /// Whether the lock is owned by this thread.
    #[method("_is_mine(self, /)")]
    fn is_mine(&self, vm: &Vm) -> bool {
        self.is_owned(vm)
    }

    /// Get the value of the semaphore.
    #[method("_get_value(self, /)")]
    fn value(&self, vm: &Vm) -> PyResult<i32> {
        checked(vm, self.semaphore.0.value())
    }

    /// Return whether semaphore has value zero.
    #[method("_is_zero(self, /)")]
    fn is_zero(&self, vm: &Vm) -> PyResult<bool> {
        Ok(self.value(vm)? == 0)
    }

    /// The lock of a name that another process made. Without a name there is nothing to find it by.
    #[classmethod("_rebuild(type, handle, kind, maxvalue, name, /)")]
    fn rebuild(
        vm: &Vm,
        cls: &TypeObject,
        handle: i64,
        kind: i32,
        maxvalue: i32,
        name: &Value,
    ) -> PyResult<Ref<SemLock>> {
        let _ = handle;
        let Some(name) = name.downcast::<Str>() else {
            return Err(vm.value_error("a semaphore is found by its name"));
        };
        let name = name.to_utf8(vm)?.into_owned();
        let semaphore = checked(vm, Semaphore::open(&c_name(vm, &name)?))?;
        Ok(SemLock::with(cls, semaphore, kind, maxvalue, Some(name)))
    }

    /// Rezero the net acquisition count after fork().
    #[method("_after_fork(self, /)")]
    fn after_fork(&self) {
        self.count.set(0);
    }

    #[getter("handle", member)]
    fn handle(&self) -> usize {
        self.semaphore.0.address()
    }

    #[getter("kind", member)]
    fn kind(&self) -> i32 {
        self.kind
    }

    #[getter("maxvalue", member)]
    fn most(&self) -> i32 {
        self.most
    }

    #[getter("name", member)]
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

struct Functions;

#[pyfunctions]
impl Functions {
    #[function("sem_unlink(name, /)")]
    fn sem_unlink(vm: &Vm, name: String) -> PyResult<()> {
        checked(vm, host::unlink_semaphore(&c_name(vm, &name)?))
    }
}

native_module! {
    name: "_multiprocessing", doc: "",
    functions: [Functions::FUNCTIONS], types: [SemLock],
    execute: |vm, module| {
        let greatest = int::new(host::SEMAPHORE_MAX.into());
        SemLock::static_type().dict().set_str(&vm.intern("SEM_VALUE_MAX"), greatest);
        let flags = Dict::new();
        for name in ["HAVE_SEM_OPEN", "HAVE_SEM_TIMEDWAIT"] {
            flags.set_str(&vm.intern(name), int::new(1));
        }
        module.set(vm, "flags", flags);
        Ok(())
    }
}
