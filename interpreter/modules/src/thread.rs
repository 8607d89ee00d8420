//! `_thread`: threads, locks and what belongs to one thread alone.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::structseq;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::{Ref, Value, Vm, struct_sequence};

/// The longest time-out in seconds.
const TIMEOUT_MAX: f64 = 9_223_372_036.0;

/// How long waiting goes on before signals are looked after.
const PATIENCE: Duration = Duration::from_millis(50);

/// A flag that threads wait for.
#[derive(Default)]
struct Gate {
    taken: Mutex<bool>,
    freed: Condvar,
}

impl Gate {
    fn try_take(&self) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        !std::mem::replace(&mut *taken, true)
    }

    fn is_taken(&self) -> bool {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn free(&self) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.freed.notify_one();
    }

    /// Waits for the flag for a while and takes it; answers whether that went well.
    fn take_within(&self, patience: Duration) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, timeout) = self
            .freed
            .wait_timeout_while(taken, patience, |taken| *taken)
            .unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && *taken {
            return false;
        }
        *taken = true;
        true
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
        Wait::For(time) => Some(Instant::now() + time),
    };
    loop {
        let patience = match deadline {
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(false);
                }
                left.min(PATIENCE)
            }
            None => PATIENCE,
        };
        if vm.allow_threads(|| gate.take_within(patience)) {
            return Ok(true);
        }
        vm.check_signals()?;
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
        Some(timeout) => rspy_runtime::types::float::to_f64(vm, timeout)?,
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

#[pymethods]
impl Lock {
    #[new("lock()")]
    fn new(_cls: &TypeObject) -> Ref<Lock> {
        Object::new(Lock { gate: Gate::default() })
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

impl rspy_runtime::gc::Trace for Gate {
    fn trace(&self, _: &mut rspy_runtime::gc::Visitor<'_>) {}
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
    #[new("RLock()")]
    fn new(cls: &TypeObject) -> Ref<RLock> {
        Object::with_type(cls, RLock { gate: Gate::default(), owner: Cell::new(0), count: Cell::new(0) })
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
        self.count.set(rspy_runtime::types::int::small_value(count).unwrap_or(1) as u64);
        self.owner.set(rspy_runtime::types::int::to_fixed(vm, owner, "unsigned long")?);
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

/// Attributes that each thread sees values of its own of.
#[pyclass(name = "_local", hides_del, module = "_thread", tracked, dict, weak, subclassable)]
pub struct Local {
    arguments: Value,
    keywords: Option<Ref<Dict>>,
}

impl Local {
    /// The dict of the calling thread, made and initialised on its first use.
    fn dict(this: &Object<Local>, vm: &Vm) -> PyResult<Ref<Dict>> {
        let own = match vm.thread_dict.get() {
            Some(own) => own,
            None => {
                let own = Dict::new();
                vm.thread_dict.set(Some(own.clone()));
                own
            }
        };
        let key = rspy_runtime::types::int::from_i128(std::ptr::from_ref(this) as i128);
        if let Some(found) = own.get(vm, &key)?
            && let Ok(found) = found.downcast_into::<Dict>()
        {
            return Ok(found);
        }
        let dict = Dict::new();
        own.set(vm, &key, dict.clone().into_value())?;
        let value = this.to_value();
        if this.type_of().is_heap()
            && let Some(init) = this.type_of().slots().init.get()
        {
            let args = this.arguments.downcast::<Tuple>().map_or_else(Tuple::empty, Object::to_ref);
            let mut all = args.items().to_vec();
            let mut names = Vec::new();
            if let Some(keywords) = &this.keywords {
                for (name, value) in keywords.pairs() {
                    names.push(name);
                    all.push(value);
                }
            }
            init(vm, &value, &all, Some(&Tuple::from_values(names)))?;
        }
        Ok(dict)
    }
}

#[pymethods]
impl Local {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let plain = std::ptr::eq(cls, Local::static_type());
        if plain && (!args.is_empty()) {
            return Err(vm.type_error("Initialization arguments are not supported"));
        }
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        let dict = Dict::new();
        for (name, value) in keywords.iter() {
            dict.set(vm, name, value.clone())?;
        }
        let local =
            Object::with_type(cls, Local { arguments: Tuple::from_slice(positional).into_value(), keywords: Some(dict) });
        // The thread that makes it initialises it by the ordinary call of __init__.
        let own = match vm.thread_dict.get() {
            Some(own) => own,
            None => {
                let own = Dict::new();
                vm.thread_dict.set(Some(own.clone()));
                own
            }
        };
        let key = rspy_runtime::types::int::from_i128(local.as_ptr() as i128);
        own.set(vm, &key, Dict::new().into_value())?;
        Ok(local.into_value())
    }

    #[slot(finalize)]
    fn finalize(this: &Object<Local>, vm: &Vm) {
        let key = rspy_runtime::types::int::from_i128(std::ptr::from_ref(this) as i128);
        vm.interpreter.threads.for_each(|thread| {
            if let Some(own) = thread.thread_dict.get() {
                // An int is always hashable.
                drop(own.remove(vm, &key));
            }
        });
    }

    #[slot(getattribute)]
    fn getattribute(this: &Object<Local>, vm: &Vm, name: &Object<Str>) -> PyResult {
        let dict = Local::dict(this, vm)?;
        if name.equals_str("__dict__") {
            return Ok(dict.into_value());
        }
        let value = this.to_value();
        let typ = this.type_of();
        let found = typ.lookup(vm, name);
        if let Some(found) = &found
            && found.type_of().slots().descriptor_set.get().is_some()
            && let Some(get) = found.type_of().slots().descriptor_get.get()
        {
            return get(vm, found, Some(&value), Some(&typ.to_value()));
        }
        if let Some(own) = dict.get_str(name) {
            return Ok(own);
        }
        match found {
            Some(found) => match found.type_of().slots().descriptor_get.get() {
                Some(get) => get(vm, &found, Some(&value), Some(&typ.to_value())),
                None => Ok(found),
            },
            None => Err(vm.no_attribute(&value, name)),
        }
    }

    #[slot(setattribute)]
    fn setattribute(this: &Object<Local>, vm: &Vm, name: &Object<Str>, new: Option<&Value>) -> PyResult<()> {
        let value = this.to_value();
        if name.equals_str("__dict__") {
            return Err(vm.attribute_error(
                format!("'{}' object attribute '__dict__' is read-only", this.type_of().full_name()),
                &value,
                name,
            ));
        }
        let dict = Local::dict(this, vm)?;
        if let Some(found) = this.type_of().lookup(vm, name)
            && let Some(set) = found.type_of().slots().descriptor_set.get()
        {
            return set(vm, &found, &value, new);
        }
        match new {
            Some(new) => {
                dict.set_str(name, new.clone());
                Ok(())
            }
            None => dict.remove_str(name).map(drop).ok_or_else(|| vm.no_attribute(&value, name)),
        }
    }
}

/// What is known of a thread from outside it.
#[derive(Default)]
struct Progress {
    done: Mutex<bool>,
    ended: Condvar,
}

impl Progress {
    fn finish(&self) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.notify_all();
    }

    fn is_done(&self) -> bool {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, patience: Duration) -> bool {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, _) = self
            .ended
            .wait_timeout_while(done, patience, |done| !*done)
            .unwrap_or_else(PoisonError::into_inner);
        *done
    }
}

/// A thread that can be waited for.
#[pyclass(name = "_ThreadHandle", module = "_thread", weak)]
pub struct ThreadHandle {
    identity: Cell<u64>,
    started: Cell<bool>,
    progress: Arc<Progress>,
}

#[pymethods]
impl ThreadHandle {
    #[new("_ThreadHandle()")]
    fn new(_cls: &TypeObject) -> Ref<ThreadHandle> {
        Object::new(ThreadHandle { identity: Cell::new(0), started: Cell::new(false), progress: Arc::default() })
    }

    #[slot(repr)]
    fn repr(this: &Object<ThreadHandle>) -> String {
        format!(
            "<{} object: ident={}>",
            this.type_of().full_name(),
            this.identity.get()
        )
    }

    #[getter("ident")]
    fn ident(&self) -> Option<u64> {
        (self.identity.get() != 0).then(|| self.identity.get())
    }

    /// Wait until the thread has ended.
    #[method("join(self, timeout=None, /)")]
    fn join(&self, vm: &Vm, timeout: Option<&Value>) -> PyResult<()> {
        if !self.started.get() {
            return Err(vm.runtime_error("thread not started"));
        }
        let deadline = match timeout {
            None => None,
            Some(timeout) => {
                let seconds = rspy_runtime::types::float::to_f64(vm, timeout)?;
                (seconds >= 0.0).then(|| Instant::now() + Duration::from_secs_f64(seconds.min(TIMEOUT_MAX)))
            }
        };
        if self.identity.get() == vm.thread_id && !self.progress.is_done() {
            return Err(vm.runtime_error("Cannot join current thread"));
        }
        loop {
            if self.progress.is_done() {
                return Ok(());
            }
            let patience = match deadline {
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(());
                    }
                    left.min(PATIENCE)
                }
                None => PATIENCE,
            };
            if vm.allow_threads(|| self.progress.wait(patience)) {
                return Ok(());
            }
            vm.check_signals()?;
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
        if !self.started.get() {
            return Err(vm.runtime_error("thread not started"));
        }
        self.progress.finish();
        Ok(())
    }
}

/// Starts a thread; answers its identity once it runs.
fn start(vm: &Vm, handle: Option<&Object<ThreadHandle>>, run: impl FnOnce(&Vm) + 'static) -> PyResult<u64> {
    if vm.interpreter.finalizing.get() {
        return Err(vm.finalization_error("can't create new thread at interpreter shutdown"));
    }
    let identity: Arc<Mutex<u64>> = Arc::default();
    let (theirs, progress) = (Arc::clone(&identity), handle.map(|handle| Arc::clone(&handle.progress)));
    let began: Arc<Progress> = Arc::default();
    let announced = Arc::clone(&began);
    let body = Box::new(move |vm: &Vm| {
        *theirs.lock().unwrap_or_else(PoisonError::into_inner) = vm.thread_id;
        announced.finish();
        run(vm);
        if let Some(progress) = progress {
            progress.finish();
        }
    });
    if rspy_runtime::threads::start(vm, body).is_err() {
        return Err(vm.runtime_error("can't start new thread"));
    }
    while !vm.allow_threads(|| began.wait(PATIENCE)) {}
    let identity = *identity.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = handle {
        handle.identity.set(identity);
        handle.started.set(true);
    }
    Ok(identity)
}

/// Reports what a thread's function let through, by `sys.unraisablehook` or silently for `SystemExit`.
fn report(vm: &Vm, result: PyResult, function: &Value) {
    if let Err(error) = result
        && !error.is_system_exit()
    {
        let doing = "Exception ignored in thread started by";
        rspy_runtime::exceptions::print::write_unraisable_about(vm, error, doing, function);
    }
}

struct Thread;

#[pyfunctions]
impl Thread {
    /// Start a new thread and return its identifier.
    #[function("start_new_thread(function, args, kwargs={}, /)")]
    fn start_new_thread(vm: &Vm, function: &Value, args: &Value, kwargs: Option<&Value>) -> PyResult<u64> {
        if !vm.is_callable(function) {
            return Err(vm.type_error("first arg must be callable"));
        }
        let Some(args) = args.downcast::<Tuple>() else { return Err(vm.type_error("2nd arg must be a tuple")) };
        let keywords = match kwargs {
            None => None,
            Some(kwargs) => match kwargs.downcast::<Dict>() {
                Some(dict) => Some(dict.to_ref()),
                None => return Err(vm.type_error("optional 3rd arg must be a dictionary")),
            },
        };
        let (function, args) = (function.clone(), args.to_ref());
        start(vm, None, move |vm| {
            let result = match &keywords {
                Some(keywords) => vm.call_with_dict(&function, args.items(), keywords),
                None => vm.call(&function, args.items()),
            };
            report(vm, result, &function);
        })
    }

    /// An obsolete synonym of start_new_thread().
    #[function("start_new(function, args, kwargs={}, /)")]
    fn start_new(vm: &Vm, function: &Value, args: &Value, kwargs: Option<&Value>) -> PyResult<u64> {
        Thread::start_new_thread(vm, function, args, kwargs)
    }

    /// Start a thread that can be joined, and return its handle.
    #[function("start_joinable_thread(function, handle=None, daemon=True)")]
    fn start_joinable_thread(vm: &Vm, function: &Value, handle: Option<&Value>, daemon: bool) -> PyResult {
        if !vm.is_callable(function) {
            return Err(vm.type_error("thread function must be callable"));
        }
        let handle = match handle {
            None => ThreadHandle::new(ThreadHandle::static_type()),
            Some(handle) => match handle.downcast::<ThreadHandle>() {
                Some(handle) => handle.to_ref(),
                None => return Err(vm.type_error("'handle' must be a _ThreadHandle")),
            },
        };
        if handle.started.get() {
            return Err(vm.runtime_error("thread already started"));
        }
        if !daemon {
            waited_for(vm).set(vm, handle.value(), none())?;
        }
        let function = function.clone();
        start(vm, Some(&handle), move |vm| {
            let result = vm.call(&function, &[]);
            report(vm, result, &function);
        })?;
        Ok(handle.into_value())
    }

    /// Whether daemon threads can be made.
    #[function("daemon_threads_allowed()")]
    fn daemon_threads_allowed() -> bool {
        true
    }

    /// Create a new lock object.
    #[function("allocate_lock()")]
    fn allocate_lock() -> Ref<Lock> {
        Object::new(Lock { gate: Gate::default() })
    }

    /// An obsolete synonym of allocate_lock().
    #[function("allocate()")]
    fn allocate() -> Ref<Lock> {
        Thread::allocate_lock()
    }

    /// Return an integer that identifies the current thread.
    #[function("get_ident()")]
    fn get_ident(vm: &Vm) -> u64 {
        vm.thread_id
    }

    /// Return the integer by which the system identifies the current thread.
    #[function("get_native_id()")]
    fn get_native_id() -> i32 {
        rspy_runtime::host::native_thread_id()
    }

    /// Internal only. Return the identity of the main thread.
    #[function("_get_main_thread_ident()")]
    fn get_main_thread_ident(vm: &Vm) -> u64 {
        vm.interpreter.threads.main()
    }

    /// Return True if the current interpreter is the main Python interpreter.
    #[function("_is_main_interpreter()")]
    fn is_main_interpreter() -> bool {
        true
    }

    /// Return the number of threads currently running.
    #[function("_count()")]
    fn count(vm: &Vm) -> usize {
        vm.interpreter.threads.count().saturating_sub(1)
    }

    /// Raise SystemExit, which ends the thread.
    #[function("exit()")]
    fn exit(vm: &Vm) -> PyResult {
        Err(vm.exception_with_args(rspy_runtime::exceptions::stop::SystemExit::static_type(), &[]))
    }

    /// An obsolete synonym of exit().
    #[function("exit_thread()")]
    fn exit_thread(vm: &Vm) -> PyResult {
        Thread::exit(vm)
    }

    /// Return the thread stack size used when creating new threads.
    #[function("stack_size(size=0, /)")]
    fn stack_size(vm: &Vm, size: Option<i64>) -> PyResult<usize> {
        let old = vm.interpreter.threads.stack_size.get();
        if let Some(size) = size {
            if size < 0 {
                return Err(vm.value_error("size must be 0 or a positive value"));
            }
            if size != 0 && size < 32 << 10 {
                return Err(vm.value_error(format!("size not valid: {size} bytes")));
            }
            vm.interpreter.threads.stack_size.set(size as usize);
        }
        Ok(old)
    }

    /// Simulate the arrival of a signal in the main thread.
    #[function("interrupt_main(signum=2, /)")]
    fn interrupt_main(vm: &Vm, signum: i32) -> PyResult<()> {
        if !(1..=64).contains(&signum) {
            return Err(vm.value_error("signal number out of range"));
        }
        rspy_runtime::host::trip_signal(signum);
        vm.interpreter.request(rspy_runtime::vm::request::SIGNAL);
        Ok(())
    }

    /// Make a handle of a thread that runs already.
    #[function("_make_thread_handle(ident, /)")]
    fn make_thread_handle(ident: u64) -> Ref<ThreadHandle> {
        Object::new(ThreadHandle {
            identity: Cell::new(ident),
            started: Cell::new(true),
            progress: Arc::default(),
        })
    }

    /// Wait for all threads that are not daemons.
    #[function("_shutdown()")]
    fn shutdown(vm: &Vm) -> PyResult<()> {
        loop {
            let Some((handle, _)) = waited_for(vm).pop_last() else { return Ok(()) };
            if let Some(handle) = handle.downcast::<ThreadHandle>()
                && handle.identity.get() != vm.thread_id
            {
                handle.join(vm, None)?;
            }
        }
    }

    /// Handle uncaught Thread.run() exception.
    #[function("_excepthook(exc_info, /)")]
    fn excepthook(vm: &Vm, exc_info: &Value) -> PyResult<()> {
        if exc_info.downcast::<ExceptHookArgs>().is_none() {
            return Err(vm.type_error("_thread.excepthook argument type must be ExceptHookArgs"));
        }
        let exception = vm.get_attribute_str(exc_info, "exc_value")?;
        let error_type = vm.get_attribute_str(exc_info, "exc_type")?;
        if error_type.is(&rspy_runtime::exceptions::stop::SystemExit::static_type().to_value()) {
            return Ok(());
        }
        let thread = vm.get_attribute_str(exc_info, "thread")?;
        let name = if is_none(&thread) {
            vm.thread_id.to_string()
        } else {
            let name = vm.get_attribute_str(&thread, "name")?;
            vm.str(&name)?.to_string_lossy().into_owned()
        };
        let stderr = vm.sys_attribute(&vm.intern("stderr")).filter(|stream| !is_none(stream));
        let Some(stderr) = stderr else { return Ok(()) };
        vm.call_method_str(&stderr, "write", &[vm.new_str(&format!("Exception in thread {name}:\n"))])?;
        if rspy_runtime::exceptions::is_exception(&exception) {
            rspy_runtime::exceptions::print::print_uncaught(
                vm,
                &rspy_runtime::Exception::from_value(exception),
            );
        }
        vm.call_method_str(&stderr, "flush", &[])?;
        Ok(())
    }

    /// Get the name of the current thread.
    #[function("_get_name()")]
    fn get_name() -> String {
        String::from_utf8_lossy(&rspy_runtime::host::thread_name()).into_owned()
    }

    /// Set the name of the current thread.
    #[function("set_name(name)")]
    fn set_name(name: &Object<Str>) {
        // The system's name of a thread is an aid for its tools alone.
        rspy_runtime::host::set_thread_name(&name.to_string_lossy());
    }
}

struct_sequence! {
    /// ExceptHookArgs
    ///
    /// Type used to pass arguments to threading.excepthook.
    pub struct ExceptHookArgs("_thread", "_ExceptHookArgs") {
        visible {
            exc_type: "Exception type", exc_value: "Exception value", exc_traceback: "Exception traceback",
            thread: "Thread",
        }
        unnamed 0
        hidden {}
    }
}

/// The handles of threads that the interpreter waits for before it ends.
fn waited_for(vm: &Vm) -> Ref<Dict> {
    let name = vm.intern("_thread");
    let module = vm.interpreter.modules.get_str(&name);
    let dict = module
        .and_then(|module| module.downcast::<rspy_runtime::types::module::Module>().map(|module| module.dict()));
    let Some(dict) = dict else { return Dict::new() };
    let key = vm.intern("_waited_for");
    match dict.get_str(&key).and_then(|found| found.downcast_into::<Dict>().ok()) {
        Some(found) => found,
        None => {
            let made = Dict::new();
            dict.set_str(&key, made.clone().into_value());
            made
        }
    }
}

native_module! {
    name: "_thread",
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.",
    functions: [Thread::FUNCTIONS],
    types: [Lock, RLock, Local, ThreadHandle],
    execute: |vm, module| {
        module.set(vm, "LockType", Lock::static_type().to_value());
        structseq::publish::<ExceptHookArgs>(vm, module);
        module.set_int(vm, "_NAME_MAXLEN", 15);
        module.set(vm, "TIMEOUT_MAX", rspy_runtime::types::float::new(TIMEOUT_MAX));
        let error = vm.builtins().get_str(&vm.intern("RuntimeError")).unwrap_or_else(none);
        module.set(vm, "error", error);
        Ok(())
    },
}
