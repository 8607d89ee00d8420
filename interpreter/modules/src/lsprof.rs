//! `_lsprof`: the profiler behind `cProfile`, a tool of `sys.monitoring` that counts and times calls.
//!
//! Calls that are under way are a stack of contexts; each knows what it called and for how long, so that the time of a
//! function can be told from the time of what it called. Functions are known by their code or native definition.

use std::cell::Cell;
use std::collections::HashMap;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::print::write_unraisable;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::list::List;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::native_function::{NativeFunction, NativeMethod};
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::{float, int, structseq};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::watch::Event;
use rspy_runtime::{host, native_module, struct_sequence};

use crate::time::{Rounding, nanoseconds_of};

struct_sequence! {
    pub struct ProfilerEntry("_lsprof", "profiler_entry") {
        visible {
            code: "code object or built-in function name", callcount: "how many times this was called",
            reccallcount: "how many times called recursively", totaltime: "total time in this entry",
            inlinetime: "inline time in this entry (not in subcalls)", calls: "details of the calls",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    pub struct ProfilerSubentry("_lsprof", "profiler_subentry") {
        visible {
            code: "called code object or built-in function name",
            callcount: "how many times this is called",
            reccallcount: "how many times this is called recursively", totaltime: "total time spent in this call",
            inlinetime: "inline time (not in further subcalls)",
        }
        unnamed 0
        hidden {}
    }
}

/// The number of the tool (`sys.monitoring.PROFILER_ID`).
const TOOL: i64 = 2;

/// What the tool is told of, and which method takes it.
const CALLBACKS: [(Event, &str); 9] = [
    (Event::PyStart, "_pystart_callback"),
    (Event::PyResume, "_pystart_callback"),
    (Event::PyThrow, "_pythrow_callback"),
    (Event::PyReturn, "_pyreturn_callback"),
    (Event::PyYield, "_pyreturn_callback"),
    (Event::PyUnwind, "_pyreturn_callback"),
    (Event::Call, "_ccall_callback"),
    (Event::CReturn, "_creturn_callback"),
    (Event::CRaise, "_creturn_callback"),
];

/// Calls and their times, in units of the timer.
#[derive(Clone, Copy, Default)]
struct Times {
    total: i64,
    inline: i64,
    calls: i64,
    /// Those during which another was under way.
    recursive: i64,
    /// How many are under way.
    depth: i64,
}

impl Times {
    fn ended(&mut self, total: i64, inline: i64) {
        self.depth -= 1;
        if self.depth == 0 {
            self.total += total;
        } else {
            self.recursive += 1;
        }
        self.inline += inline;
        self.calls += 1;
    }
}

/// A function, and what it called by the places of those.
struct Entry {
    /// Its code, or how a native function is shown.
    shown: Value,
    times: Times,
    called: HashMap<usize, Times>,
    /// The places of what it called, in the order of the first calls.
    order: Vec<usize>,
}

/// A call that is under way.
#[derive(Clone, Copy)]
struct Context {
    entry: usize,
    began: i64,
    /// The time of what it has called.
    below: i64,
}

/// What has been counted.
#[derive(Default)]
struct Counts {
    entries: Vec<Entry>,
    places: HashMap<usize, usize>,
    stack: Vec<Context>,
}

impl Trace for Counts {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        for entry in &self.entries {
            entry.shown.trace(visitor);
        }
    }
}

/// Build a profiler object using the specified timer function.
///
/// The default timer is a fast built-in one based on real time.
/// For custom timer functions returning integers, 'timeunit' can
/// be a float specifying a scale (that is, how long each integer unit
/// is, in seconds).
#[pyclass(
    name = "Profiler", module = "_lsprof", tracked, subclassable, hides_new,
    signature = "(timer=None, timeunit=0.0, subcalls=True, builtins=True)"
)]
pub struct Profiler {
    counts: GilCell<Counts>,
    timer: GilCell<Option<Value>>,
    /// The length of the timer's unit in seconds; 0 where it counts seconds.
    unit: Cell<f64>,
    /// Whether calls are told apart by who calls.
    subcalls: Cell<bool>,
    builtins: Cell<bool>,
    enabled: Cell<bool>,
    /// Whether the timer is running, which must not change the profiler.
    timing: Cell<bool>,
}

impl Profiler {
    /// The time now.
    fn now(&self, vm: &Vm) -> i64 {
        let Some(timer) = self.timer.get() else {
            let (seconds, nanoseconds) = host::read_clock(host::c::CLOCK_MONOTONIC).unwrap_or_default();
            return seconds * 1_000_000_000 + nanoseconds;
        };
        self.timing.set(true);
        let answer = vm.call(&timer, &[]);
        self.timing.set(false);
        let time = answer.and_then(|answer| {
            if self.unit.get() > 0.0 {
                int::to_fixed::<i64>(vm, &answer, "long long")
            } else {
                nanoseconds_of(vm, &answer, Rounding::Down)
            }
        });
        time.unwrap_or_else(|error| {
            write_unraisable(vm, error, None, Some(&timer));
            0
        })
    }

    fn check_not_timing(&self, vm: &Vm, what: &str) -> PyResult<()> {
        if self.timing.get() {
            return Err(vm.runtime_error(format!("cannot {what} profiler in external timer")));
        }
        Ok(())
    }

    /// A call begins.
    fn enter(&self, vm: &Vm, key: usize, shown: impl FnOnce() -> Value) {
        let known = self.counts.borrow().places.get(&key).copied();
        let place = known.unwrap_or_else(|| {
            let entry = Entry { shown: shown(), times: Times::default(), called: HashMap::new(), order: Vec::new() };
            let mut counts = self.counts.borrow_mut();
            counts.entries.push(entry);
            let place = counts.entries.len() - 1;
            counts.places.insert(key, place);
            place
        });
        {
            let mut counts = self.counts.borrow_mut();
            let caller = counts.stack.last().map(|context| context.entry);
            counts.entries[place].times.depth += 1;
            if let Some(caller) = caller.filter(|_| self.subcalls.get()) {
                let caller = &mut counts.entries[caller];
                if let Some(times) = caller.called.get_mut(&place) {
                    times.depth += 1;
                } else {
                    caller.called.insert(place, Times { depth: 1, ..Times::default() });
                    caller.order.push(place);
                }
            }
            counts.stack.push(Context { entry: place, began: 0, below: 0 });
        }
        let began = self.now(vm);
        if let Some(context) = self.counts.borrow_mut().stack.last_mut() {
            context.began = began;
        }
    }

    /// The innermost call ends.
    fn leave(&self, vm: &Vm, key: usize) {
        let place = {
            let mut counts = self.counts.borrow_mut();
            if counts.stack.is_empty() {
                return;
            }
            match counts.places.get(&key).copied() {
                Some(place) => place,
                None => {
                    counts.stack.pop();
                    return;
                }
            }
        };
        self.stop(vm, place);
    }

    fn stop(&self, vm: &Vm, place: usize) {
        let now = self.now(vm);
        let mut counts = self.counts.borrow_mut();
        let Some(context) = counts.stack.pop() else { return };
        let total = now - context.began;
        let inline = total - context.below;
        if let Some(caller) = counts.stack.last_mut() {
            caller.below += total;
        }
        let caller = counts.stack.last().map(|caller| caller.entry);
        if let Some(entry) = counts.entries.get_mut(place) {
            entry.times.ended(total, inline);
        }
        if let Some(caller) = caller.filter(|_| self.subcalls.get())
            && let Some(times) = counts.entries[caller].called.get_mut(&place)
        {
            times.ended(total, inline);
        }
    }

    /// Ends the calls that are under way.
    fn stop_all(&self, vm: &Vm) {
        loop {
            let innermost = self.counts.borrow().stack.last().map(|context| context.entry);
            let Some(place) = innermost else { break };
            self.stop(vm, place);
        }
    }

    fn stop_watching(&self, vm: &Vm) -> PyResult<()> {
        if !self.enabled.get() {
            return Ok(());
        }
        let monitoring = monitoring(vm)?;
        for (event, _) in CALLBACKS {
            let arguments = [int::new(TOOL), int::new(event.bit().into()), none()];
            vm.call_method_str(&monitoring, "register_callback", &arguments)?;
        }
        vm.call_method_str(&monitoring, "set_events", &[int::new(TOOL), int::new(0)])?;
        vm.call_method_str(&monitoring, "free_tool_id", &[int::new(TOOL)])?;
        self.enabled.set(false);
        self.stop_all(vm);
        Ok(())
    }

    /// What one second is in the timer's units, and its inverse.
    fn factor(&self) -> f64 {
        if self.timer.borrow().is_none() || self.unit.get() == 0.0 { 1e-9 } else { self.unit.get() }
    }
}

/// `sys.monitoring`.
fn monitoring(vm: &Vm) -> PyResult {
    vm.sys_attribute(&vm.intern("monitoring")).ok_or_else(|| vm.runtime_error("lost sys.monitoring"))
}

/// The native function that a call calls, bound if it is a method.
fn native_function(vm: &Vm, callable: &Value, first: &Value) -> PyResult<Option<Ref<NativeFunction>>> {
    if let Some(function) = callable.downcast::<NativeFunction>() {
        return Ok(Some(function.to_ref()));
    }
    if callable.downcast_exact::<NativeMethod>().is_none() {
        return Ok(None);
    }
    let missing = vm.interpreter.monitoring.missing.get();
    if missing.is_some_and(|missing| missing.is(first)) {
        return Ok(None);
    }
    let Some(bind) = callable.type_of().slots().descriptor_get.get() else { return Ok(None) };
    match bind(vm, callable, Some(first), Some(&first.type_of().to_value())) {
        Ok(bound) => Ok(bound.downcast_into::<NativeFunction>().ok()),
        // What cannot be bound is not called either: the call raises.
        Err(error) if error.is_type_error() => Ok(None),
        Err(error) => Err(error),
    }
}

/// How a native function is shown; a reference to it would keep alive what it is bound to.
fn shown_native(vm: &Vm, function: &Object<NativeFunction>) -> Value {
    let name = function.definition().name;
    if let Some(instance) = function.instance()
        && let Some(descriptor) = instance.type_of().lookup(vm, &vm.intern(name))
        && let Ok(shown) = vm.repr(&descriptor)
    {
        return shown.into_value();
    }
    let module = vm
        .get_attribute(&function.as_value(), &rspy_runtime::names::__module__)
        .ok()
        .and_then(|module| module.downcast_into::<Str>().ok());
    vm.new_str(&match module {
        Some(module) => format!("<built-in method {}.{name}>", module.to_string_lossy()),
        None => format!("<built-in method {name}>"),
    })
}

fn key_of(function: &Object<NativeFunction>) -> usize {
    std::ptr::from_ref(function.definition()) as usize
}

#[pymethods]
impl Profiler {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let profiler = Profiler {
            counts: GilCell::default(),
            timer: GilCell::default(),
            unit: Cell::new(0.0),
            subcalls: Cell::new(true),
            builtins: Cell::new(true),
            enabled: Cell::new(false),
            timing: Cell::new(false),
        };
        Ok(Object::with_type(cls, profiler).into_value())
    }

    #[init("Profiler(timer=None, timeunit=0.0, subcalls=True, builtins=True)")]
    fn init(
        &self,
        timer: Option<&Value>,
        timeunit: Option<f64>,
        subcalls: Option<bool>,
        builtins: Option<bool>,
    ) -> PyResult<()> {
        self.timer.set(timer.cloned());
        self.unit.set(timeunit.unwrap_or(0.0));
        self.subcalls.set(subcalls.unwrap_or(true));
        self.builtins.set(builtins.unwrap_or(true));
        Ok(())
    }

    #[slot(finalize)]
    fn finalize(this: &Object<Profiler>, vm: &Vm) {
        if let Err(error) = this.stop_watching(vm) {
            write_unraisable(vm, error, Some("Exception ignored while destroying profiler"), Some(&this.as_value()));
        }
    }

    /// list of profiler_entry objects.
    ///
    /// getstats() -> list of profiler_entry objects
    ///
    /// Return all information collected by the profiler.
    /// Each profiler_entry is a tuple-like object with the
    /// following attributes:
    ///
    ///     code          code object
    ///     callcount     how many times this was called
    ///     reccallcount  how many times called recursively
    ///     totaltime     total time in this entry
    ///     inlinetime    inline time in this entry (not in subcalls)
    ///     calls         details of the calls
    ///
    /// The calls attribute is either None or a list of
    /// profiler_subentry objects:
    ///
    ///     code          called code object
    ///     callcount     how many times this is called
    ///     reccallcount  how many times this is called recursively
    ///     totaltime     total time spent in this call
    ///     inlinetime    inline time (not in further subcalls)
    #[method("getstats(self, /)")]
    fn getstats(&self) -> Ref<List> {
        let factor = self.factor();
        let fields = |shown: &Value, times: &Times| {
            vec![
                shown.clone(),
                int::new(times.calls),
                int::new(times.recursive),
                float::new(times.total as f64 * factor),
                float::new(times.inline as f64 * factor),
            ]
        };
        let counts = self.counts.borrow();
        let called = |entry: &Entry| {
            let all = entry.order.iter().filter_map(|place| {
                let times = entry.called.get(place).filter(|times| times.calls > 0)?;
                Some(structseq::new::<ProfilerSubentry>(fields(&counts.entries[*place].shown, times)))
            });
            if entry.order.is_empty() { none() } else { List::from_vec(all.collect()).into_value() }
        };
        let all = counts.entries.iter().filter(|entry| entry.times.calls > 0).map(|entry| {
            let mut fields = fields(&entry.shown, &entry.times);
            fields.push(called(entry));
            structseq::new::<ProfilerEntry>(fields)
        });
        List::from_vec(all.collect())
    }

    /// Start collecting profiling information.
    ///
    ///   subcalls
    ///     If True, also records for each function
    ///     statistics separated according to its current caller.
    ///   builtins
    ///     If True, records the time spent in
    ///     built-in functions separately from their caller.
    #[method("enable(self, /, subcalls=True, builtins=True)")]
    fn enable(
        this: &Object<Profiler>,
        vm: &Vm,
        subcalls: Option<bool>,
        builtins: Option<bool>,
    ) -> PyResult<()> {
        this.check_not_timing(vm, "enable")?;
        this.subcalls.set(subcalls.unwrap_or(true));
        this.builtins.set(builtins.unwrap_or(true));
        let monitoring = monitoring(vm)?;
        vm.call_method_str(&monitoring, "use_tool_id", &[int::new(TOOL), vm.new_str("cProfile")])?;
        let mut events = 0;
        for (event, method) in CALLBACKS {
            let method = vm.get_attribute_str(&this.as_value(), method)?;
            let arguments = [int::new(TOOL), int::new(event.bit().into()), method];
            vm.call_method_str(&monitoring, "register_callback", &arguments)?;
            events |= event.bit();
        }
        this.enabled.set(true);
        vm.call_method_str(&monitoring, "set_events", &[int::new(TOOL), int::new(events.into())])?;
        Ok(())
    }

    /// Stop collecting profiling information.
    #[method("disable(self, /)")]
    fn disable(&self, vm: &Vm) -> PyResult<()> {
        self.check_not_timing(vm, "disable")?;
        self.stop_watching(vm)
    }

    /// Clear all profiling information collected so far.
    #[method("clear(self, /)")]
    fn clear(&self, vm: &Vm) -> PyResult<()> {
        self.check_not_timing(vm, "clear")?;
        let counts = self.counts.take();
        drop(counts);
        Ok(())
    }

    #[method("_pystart_callback(self, code, instruction_offset, /)")]
    fn py_start(&self, vm: &Vm, code: &Value, _offset: &Value) {
        self.enter(vm, code.bits() as usize, || code.clone());
    }

    #[method("_pythrow_callback(self, code, instruction_offset, exception, /)")]
    fn py_throw(&self, vm: &Vm, code: &Value, _offset: &Value, _exception: &Value) {
        self.enter(vm, code.bits() as usize, || code.clone());
    }

    #[method("_pyreturn_callback(self, code, instruction_offset, retval, /)")]
    fn py_return(&self, vm: &Vm, code: &Value, _offset: &Value, _value: &Value) {
        self.leave(vm, code.bits() as usize);
    }

    #[method("_ccall_callback(self, code, instruction_offset, callable, self_arg, /)")]
    fn native_call(
        &self,
        vm: &Vm,
        _code: &Value,
        _offset: &Value,
        callable: &Value,
        self_arg: &Value,
    ) -> PyResult<()> {
        if self.builtins.get()
            && let Some(function) = native_function(vm, callable, self_arg)?
        {
            self.enter(vm, key_of(&function), || shown_native(vm, &function));
        }
        Ok(())
    }

    #[method("_creturn_callback(self, code, instruction_offset, callable, self_arg, /)")]
    fn native_return(
        &self,
        vm: &Vm,
        _code: &Value,
        _offset: &Value,
        callable: &Value,
        self_arg: &Value,
    ) -> PyResult<()> {
        if self.builtins.get()
            && let Some(function) = native_function(vm, callable, self_arg)?
        {
            self.leave(vm, key_of(&function));
        }
        Ok(())
    }
}

native_module! {
    name: "_lsprof", doc: "Fast profiler", functions: [], types: [Profiler], execute: execute
}

fn execute(vm: &Vm, module: &Object<Module>) -> Result<(), Exception> {
    structseq::publish::<ProfilerEntry>(vm, module);
    structseq::publish::<ProfilerSubentry>(vm, module);
    Ok(())
}
