//! [`Vm`], the state of a running thread, and [`Interpreter`], what threads share.
//!
//! # Safety argument
//!
//! A thread enters its `Vm` before it touches a value and holds the interpreter's lock while it does. The pointer to
//! the current `Vm` in thread-local storage is set for exactly that time.

use std::cell::Cell;
use std::ffi::OsString;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cell::GilCell;
use crate::eval::frame::{Frame, FrameStack};
use crate::eval::polymorphic::AttributeTable;
use crate::exceptions::{Exception, PyResult};
use crate::gc::Collector;
use crate::interpreters::{self, Features, Identity, Whence};
use crate::native_stack::NativeStack;
use crate::object::{Header, Object, Ref};
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::string::Str;
use crate::types::typ::MethodCache;
use crate::value::Value;

/// What the threads of one interpreter share.
pub struct Interpreter {
    /// Remembered attribute lookups.
    pub method_cache: MethodCache,
    /// Where attributes lie, for places of the code that meet many classes.
    pub(crate) attributes: AttributeTable,
    /// The cycle collector, which all interpreters share.
    pub collector: &'static Collector,
    /// What tells it from other interpreters.
    pub identity: Identity,
    /// `sys.modules`.
    pub modules: Ref<Dict>,
    /// The module `sys`.
    pub sys: GilCell<Option<Ref<Module>>>,
    /// The module `builtins`.
    pub builtins: GilCell<Option<Ref<Module>>>,
    /// What `LOAD_COMMON_CONSTANT` loads, by its argument.
    pub(crate) common_constants: std::cell::OnceCell<Box<[Value]>>,
    /// `importlib._bootstrap`, once it runs.
    pub importlib: GilCell<Option<Value>>,
    /// How the interpreter was started.
    pub configuration: Configuration,
    /// The most Python calls that may be nested.
    pub recursion_limit: Cell<u32>,
    /// The most digits of decimal texts that are converted to or from `int`; 0 for no limit.
    pub int_max_str_digits: Cell<i64>,
    /// Native modules by name.
    pub native_modules: GilCell<Vec<&'static crate::native::NativeModule>>,
    /// The files that stand for native modules.
    pub extension_files: Cell<&'static [crate::import::extension::ExtensionFile]>,
    /// The frozen library.
    pub library: GilCell<Option<&'static dyn crate::import::Library>>,
    /// What was put in front of the path for the program; it is put there in other interpreters, too.
    pub first_path: GilCell<Option<std::ffi::OsString>>,
    /// Functions of `atexit`.
    pub exit_functions: GilCell<Vec<crate::exit::ExitFunction>>,
    /// How long imports take.
    pub import_times: crate::import::timing::Times,
    /// Audit hooks.
    pub audit_hooks: GilCell<Vec<Value>>,
    /// The state of warnings filters.
    pub warnings: crate::warnings::State,
    /// What wakes the evaluation loop; shared with signal handlers.
    pub requests: AtomicU32,
    /// `sys.monitoring`.
    pub monitoring: crate::watch::Monitoring,
    /// Registered codecs.
    pub codecs: crate::codecs::Registry,
    /// What `compile()` asks first: it makes and takes syntax trees as Python objects.
    pub tree_hook: Cell<Option<TreeHook>>,
    /// The lock that keeps imports apart.
    pub import_lock: crate::threads::ImportLock,
    /// Whether the interpreter is shutting down.
    pub finalizing: Cell<bool>,
    /// The threads and the lock they share.
    pub threads: crate::threads::Threads,
}

/// Handles a call of `compile()` that syntax trees are part of; `None` where they are not.
pub type TreeHook = fn(&Vm, &Value, &crate::compile::CompileRequest<'_>) -> Option<PyResult>;

/// How the interpreter was started: `sys.flags` and what goes with them.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Configuration {
    pub debug: i32,
    pub inspect: i32,
    pub interactive: i32,
    pub optimize: i32,
    pub dont_write_bytecode: bool,
    pub no_user_site: bool,
    pub no_site: bool,
    pub ignore_environment: bool,
    pub verbose: i32,
    pub bytes_warning: i32,
    pub quiet: i32,
    /// `None` for random hashes, else the seed; `Some(0)` turns randomisation off.
    pub hash_seed: Option<u32>,
    pub isolated: bool,
    pub dev_mode: bool,
    pub utf8_mode: bool,
    pub warn_default_encoding: bool,
    pub safe_path: bool,
    pub int_max_str_digits: i64,
    pub unbuffered: bool,
    /// The file that runs, links followed: the folder that the frozen library is shown in.
    pub executable: String,
    /// The path that the process was started by, for `sys.executable`.
    pub program: String,
    /// The virtual environment that the program belongs to, if there is one (PEP 405).
    pub environment: Option<String>,
    /// What built the executable, for `sys.version`.
    pub compiler: String,
    pub original_arguments: Vec<OsString>,
    pub arguments: Vec<OsString>,
    pub warn_options: Vec<String>,
    pub x_options: Vec<(String, Option<String>)>,
    pub check_hash_based_pycs: String,
    pub pycache_prefix: Option<String>,
    pub import_time: i32,
    pub no_debug_ranges: bool,
    /// Whether modules that CPython freezes are found by their paths in the library.
    pub no_frozen_modules: bool,
    /// How many processors to say there are, instead of asking the system.
    pub cpu_count: Option<i32>,
    /// How many calls to record of each allocation; 0 for not recording any.
    pub traced_calls: i32,
    /// Whether other processes may not have scripts run in this one.
    pub disable_remote_debug: bool,
    /// The application that the executable carries.
    pub application: Option<ApplicationPlace>,
}

/// An application that the executable carries.
#[derive(Clone, Debug, Default)]
pub struct ApplicationPlace {
    /// The folders in the executable that stand on the import path before the library.
    pub paths: Vec<String>,
}

/// Bits of [`Interpreter::requests`].
pub mod request {
    /// The collector is due.
    pub const COLLECT: u32 = 1;
    /// A signal has arrived.
    pub const SIGNAL: u32 = 2;
    /// Another thread wants the lock.
    pub const YIELD: u32 = 4;
    /// Calls are pending.
    pub const CALLS: u32 = 8;
    /// An exception is to be raised in a thread.
    pub const ASYNC_EXCEPTION: u32 = 16;
    /// Somebody traces, profiles or monitors; this stays until nobody does.
    pub const WATCH: u32 = 32;
    /// Another process wants a script run. The bit is alone in its byte, which that process writes.
    pub const REMOTE: u32 = 256;
}

/// One level of exceptions being handled: generators bring a level of their own.
pub struct Handled {
    /// The exception, or 0.
    pub value: Cell<u64>,
    /// The level below.
    pub previous: Cell<*const Handled>,
}

/// The state of a running thread.
pub struct Vm {
    /// What threads share.
    pub interpreter: &'static Interpreter,
    pub(crate) frames: FrameStack,
    /// The innermost frame.
    pub(crate) frame: Cell<*mut Frame>,
    pub(crate) handled: Cell<*const Handled>,
    /// The exception being raised, owned; or 0.
    pub(crate) raised: Cell<u64>,
    /// Whether it is raised again from where it was, so that the traceback need not grow.
    pub(crate) reraising: Cell<bool>,
    bottom_handled: Box<Handled>,
    /// Nested Python calls.
    pub(crate) depth: Cell<u32>,
    pub(crate) native_stack: Cell<NativeStack>,
    /// Whether the thread has given the interpreter's lock up for a call that blocks.
    pub(crate) is_without_lock: Cell<bool>,
    deallocation_depth: Cell<u32>,
    delayed: GilCell<Vec<*mut Header>>,
    repr_guards: GilCell<Vec<u64>>,
    /// `sys.settrace`'s and `sys.setprofile`'s functions.
    pub(crate) trace: GilCell<Option<Value>>,
    pub(crate) profile: GilCell<Option<Value>>,
    /// Whether one of the two is set.
    pub(crate) has_trace: Cell<bool>,
    /// How many callbacks of those who watch are running.
    pub(crate) watch_depth: Cell<u32>,
    /// What a trace or profile function is being told of.
    pub(crate) telling: Cell<Option<crate::watch::Moment>>,
    /// Whether watching began since the dispatcher last looked.
    pub(crate) watch_begins: Cell<bool>,
    /// `contextvars`' current context.
    pub context: GilCell<Option<Value>>,
    /// Hooks for asynchronous generators.
    pub async_generator_hooks: GilCell<(Option<Value>, Option<Value>)>,
    /// The event loop that the thread runs.
    pub running_loop: GilCell<Option<Value>>,
    /// The task that the event loop is in.
    pub running_task: GilCell<Option<Value>>,
    /// How far the origin of coroutines is recorded.
    pub coroutine_origin_depth: Cell<u32>,
    /// Identifies the thread.
    pub thread_id: u64,
    /// The thread as other processes see it, while it is listed.
    pub(crate) listed: Cell<*const crate::inspection::Listed>,
    /// `threading`'s dict of the thread, for `_thread._local`.
    pub thread_dict: GilCell<Option<Ref<Dict>>>,
}

thread_local! {
    static CURRENT: Cell<*const Vm> = const { Cell::new(ptr::null()) };
}

impl Vm {
    /// A thread of the interpreter.
    pub fn new(interpreter: &'static Interpreter, thread_id: u64, native_stack: NativeStack) -> Box<Vm> {
        let bottom_handled = Box::new(Handled { value: Cell::new(0), previous: Cell::new(ptr::null()) });
        let handled = Cell::new(&raw const *bottom_handled);
        crate::heap::thread_begins();
        Box::new(Vm {
            interpreter,
            frames: FrameStack::new(),
            frame: Cell::new(ptr::null_mut()),
            handled,
            raised: Cell::new(0),
            reraising: Cell::new(false),
            bottom_handled,
            depth: Cell::new(0),
            native_stack: Cell::new(native_stack),
            is_without_lock: Cell::new(false),
            deallocation_depth: Cell::new(0),
            delayed: GilCell::default(),
            repr_guards: GilCell::default(),
            trace: GilCell::default(),
            profile: GilCell::default(),
            has_trace: Cell::new(false),
            watch_depth: Cell::new(0),
            telling: Cell::new(None),
            watch_begins: Cell::new(false),
            context: GilCell::default(),
            async_generator_hooks: GilCell::default(),
            running_loop: GilCell::default(),
            running_task: GilCell::default(),
            coroutine_origin_depth: Cell::new(0),
            thread_id,
            listed: Cell::new(ptr::null()),
            thread_dict: GilCell::default(),
        })
    }

    /// Makes this the thread's state for the time of a call.
    pub fn enter<R>(&self, run: impl FnOnce(&Vm) -> R) -> R {
        let before = CURRENT.replace(self);
        let result = run(self);
        CURRENT.set(before);
        result
    }

    /// Calls with the thread's state. Values are dropped in places that are not handed the state.
    #[inline(always)]
    pub fn with_current<R>(run: impl FnOnce(&Vm) -> R) -> R {
        let current = CURRENT.get();
        assert!(!current.is_null(), "a value is used outside an interpreter");
        // SAFETY: the pointer is set while the state is entered.
        run(unsafe { &*current })
    }

    /// Whether the thread is inside an interpreter.
    pub fn is_entered() -> bool {
        !CURRENT.get().is_null()
    }

    #[inline(always)]
    pub(crate) fn collector<R>(run: impl FnOnce(&Collector) -> R) -> R {
        Self::with_current(|vm| run(vm.interpreter.collector))
    }

    pub(crate) fn request_collection() {
        Self::with_current(|vm| vm.interpreter.request(request::COLLECT));
    }

    /// Counts a deallocation in; deep chains are put off, so that they do not exhaust the native stack.
    /// Answers whether to go on now.
    pub(crate) fn enter_deallocation(object: *mut Header) -> bool {
        const MOST_NESTED: u32 = 100;
        Self::with_current(|vm| {
            let depth = vm.deallocation_depth.get();
            if depth >= MOST_NESTED {
                vm.delayed.borrow_mut().push(object);
                return false;
            }
            vm.deallocation_depth.set(depth + 1);
            true
        })
    }

    /// Counts a deallocation out; the outermost does what was put off.
    pub(crate) fn leave_deallocation() {
        Self::with_current(|vm| {
            let depth = vm.deallocation_depth.get();
            if depth == 1 {
                loop {
                    let next = vm.delayed.borrow_mut().pop();
                    let Some(object) = next else { break };
                    // SAFETY: the object's count was zero when it was put off, and nothing refers to it.
                    unsafe { crate::object::deallocate(object) };
                }
            }
            vm.deallocation_depth.set(depth - 1);
        });
    }

    /// Marks an object as being shown, for `repr` of things that contain themselves. `None` where it is already.
    pub fn enter_repr(&self, object: &Value) -> Option<ReprGuard<'_>> {
        let mut shown = self.repr_guards.borrow_mut();
        if shown.contains(&object.bits()) {
            return None;
        }
        shown.push(object.bits());
        Some(ReprGuard { vm: self })
    }

    /// The exception being handled (`sys.exception()`).
    pub fn handled_exception(&self) -> Option<Exception> {
        let mut level = self.handled.get();
        while !level.is_null() {
            // SAFETY: levels are alive while they are linked.
            let (bits, previous) = unsafe { ((*level).value.get(), (*level).previous.get()) };
            if bits != 0 {
                // SAFETY: the level owns the value.
                let value = unsafe { (*crate::object::Borrow::from_bits(bits)).clone() };
                return Some(Exception::from_value(value));
            }
            level = previous;
        }
        None
    }

    /// How many Python calls are under way.
    pub fn call_depth(&self) -> u32 {
        self.depth.get()
    }

    /// A string.
    #[inline]
    pub fn new_str(&self, text: &str) -> Value {
        Str::new(text).into_value()
    }

    /// The interned string of a text.
    pub fn intern(&self, text: &str) -> Ref<Str> {
        crate::types::string::intern::intern(&Str::new(text))
    }

    /// The dict of the module `builtins`.
    pub fn builtins(&self) -> Ref<Dict> {
        self.interpreter.builtins.borrow().as_ref().map_or_else(Dict::new, |module| module.dict())
    }

    /// The frame object of the innermost frame.
    pub fn current_frame_object(&self) -> Option<Ref<crate::types::frame::FrameObject>> {
        let frame = self.frame.get();
        // SAFETY: the innermost frame is alive.
        (!frame.is_null()).then(|| unsafe { Frame::object(frame) })
    }

    /// An attribute of the module `sys`.
    pub fn sys_attribute(&self, name: &Object<Str>) -> Option<Value> {
        self.interpreter.sys.borrow().as_ref()?.dict().get_str(name)
    }

    /// Sets an attribute of the module `sys`.
    pub fn set_sys_attribute(&self, name: &str, value: Value) {
        if let Some(sys) = &*self.interpreter.sys.borrow() {
            sys.dict().set_str(&self.intern(name), value);
        }
    }
}

impl Vm {
    /// Makes an exception the one being handled, or `None` for none.
    pub(crate) fn set_handled(&self, exception: Value) {
        let bits = if crate::types::none::is_none(&exception) { 0 } else { exception.into_bits() };
        // SAFETY: the level is alive while the thread runs in it; it owned what it had.
        unsafe {
            let before = (*self.handled.get()).value.replace(bits);
            if before != 0 {
                drop(Value::from_bits(before));
            }
        }
    }

    /// Lets go of an exception that is still being handled when the thread ends.
    pub(crate) fn forget_handled(&self) {
        let bits = self.bottom_handled.value.replace(0);
        if bits != 0 {
            // SAFETY: the level owned the value.
            drop(unsafe { Value::from_bits(bits) });
        }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.forget_handled();
        crate::heap::thread_ends();
    }
}

/// Ends the mark that [`Vm::enter_repr`] made.
pub struct ReprGuard<'a> {
    vm: &'a Vm,
}

impl Drop for ReprGuard<'_> {
    fn drop(&mut self) {
        self.vm.repr_guards.borrow_mut().pop();
    }
}

impl Interpreter {
    /// The main interpreter, without modules; it lives for the rest of the process, as all do.
    pub fn new(configuration: Configuration, modules: Ref<Dict>) -> &'static Interpreter {
        let collector = Box::leak(Box::default());
        let identity = Identity::new(Whence::Runtime, Features::unrestricted("own"));
        let interpreter = Self::with(configuration, modules, collector, identity);
        interpreter.identity.runs_main.set(true);
        interpreters::enlist(interpreter);
        interpreter
    }

    /// An interpreter that is started as another one was.
    pub(crate) fn beside(
        other: &Interpreter,
        modules: Ref<Dict>,
        identity: Identity,
    ) -> &'static Interpreter {
        let interpreter = Self::with(other.configuration.clone(), modules, other.collector, identity);
        interpreter.library.set(other.library.get());
        interpreter.native_modules.set(other.native_modules.get());
        interpreter.extension_files.set(other.extension_files.get());
        interpreter.first_path.set(other.first_path.get());
        interpreter
    }

    /// Lets go of what an interpreter that has ended still keeps alive.
    pub(crate) fn forget_values(&self) {
        self.modules.clear();
        self.sys.set(None);
        self.builtins.set(None);
        self.importlib.set(None);
        drop(self.audit_hooks.take());
        self.codecs.forget();
        self.warnings.forget();
        self.monitoring.forget();
        self.threads.fork_hooks.clear();
    }

    fn with(
        configuration: Configuration,
        modules: Ref<Dict>,
        collector: &'static Collector,
        identity: Identity,
    ) -> &'static Interpreter {
        Box::leak(Box::new(Interpreter {
            method_cache: MethodCache::default(),
            attributes: AttributeTable::default(),
            collector,
            identity,
            modules,
            sys: GilCell::default(),
            builtins: GilCell::default(),
            common_constants: std::cell::OnceCell::new(),
            importlib: GilCell::default(),
            int_max_str_digits: Cell::new(match configuration.int_max_str_digits {
                limit if limit < 0 => crate::format::int::DEFAULT_LIMIT,
                limit => limit,
            }),
            configuration,
            recursion_limit: Cell::new(1000),
            native_modules: GilCell::default(),
            extension_files: Cell::new(&[]),
            library: GilCell::default(),
            first_path: GilCell::default(),
            exit_functions: GilCell::default(),
            import_times: crate::import::timing::Times::default(),
            audit_hooks: GilCell::default(),
            warnings: crate::warnings::State::default(),
            requests: AtomicU32::new(0),
            monitoring: crate::watch::Monitoring::default(),
            codecs: crate::codecs::Registry::default(),
            tree_hook: Cell::new(None),
            import_lock: crate::threads::ImportLock::default(),
            finalizing: Cell::new(false),
            threads: crate::threads::Threads::default(),
        }))
    }

    /// Asks the evaluation loop to look up at its next safe point.
    #[inline]
    pub fn request(&self, bits: u32) {
        self.requests.fetch_or(bits, Ordering::Relaxed);
    }
}

/// Numbers for the states of types or the keys of dicts. All interpreters have them from one place, since they share
/// native types.
pub(crate) struct Versions(AtomicU32);

/// Numbers of types' states.
pub(crate) static TYPE_VERSIONS: Versions = Versions(AtomicU32::new(0));
/// Numbers of sets of keys.
pub(crate) static KEYS_VERSIONS: Versions = Versions(AtomicU32::new(0));

impl Versions {
    /// The next number; 0 for ever when all have been given out. Whoever has a thread's state holds the lock.
    pub(crate) fn next(&self, _: &Vm) -> u32 {
        let number = self.0.load(Ordering::Relaxed);
        if number == u32::MAX {
            return 0;
        }
        self.0.store(number + 1, Ordering::Relaxed);
        number + 1
    }
}
