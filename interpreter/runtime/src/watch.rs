//! Watching a program run: `sys.settrace`, `sys.setprofile` and `sys.monitoring` (PEP 669).
//!
//! Nothing here costs a program that is not watched. While somebody watches, frames run in
//! [`watched_loop`](crate::eval::watched_loop), which tells of each event as it comes; the bit
//! [`request::WATCH`](crate::vm::request::WATCH) stands, so that the dispatchers look for it where functions begin.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use crate::cell::GilCell;
use crate::eval::frame::Frame;
use crate::exceptions::{PyResult, traceback};
use crate::object::{Object, Ref};
use crate::types::code::Code;
use crate::types::int;
use crate::types::none::{is_none, none};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::{Vm, request};

/// What tools can be told of, numbered as in `sys.monitoring.events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of the reference of sys.monitoring")]
pub enum Event {
    PyStart,
    PyResume,
    PyReturn,
    PyYield,
    Call,
    Line,
    Instruction,
    Jump,
    BranchLeft,
    BranchRight,
    StopIteration,
    Raise,
    ExceptionHandled,
    PyUnwind,
    PyThrow,
    Reraise,
    CReturn,
    CRaise,
    Branch,
}

impl Event {
    /// All of them, in the order of their numbers.
    pub const ALL: [Event; 19] = [
        Event::PyStart,
        Event::PyResume,
        Event::PyReturn,
        Event::PyYield,
        Event::Call,
        Event::Line,
        Event::Instruction,
        Event::Jump,
        Event::BranchLeft,
        Event::BranchRight,
        Event::StopIteration,
        Event::Raise,
        Event::ExceptionHandled,
        Event::PyUnwind,
        Event::PyThrow,
        Event::Reraise,
        Event::CReturn,
        Event::CRaise,
        Event::Branch,
    ];

    /// The names, in the order of their numbers.
    pub const NAMES: [&'static str; 19] = [
        "PY_START",
        "PY_RESUME",
        "PY_RETURN",
        "PY_YIELD",
        "CALL",
        "LINE",
        "INSTRUCTION",
        "JUMP",
        "BRANCH_LEFT",
        "BRANCH_RIGHT",
        "STOP_ITERATION",
        "RAISE",
        "EXCEPTION_HANDLED",
        "PY_UNWIND",
        "PY_THROW",
        "RERAISE",
        "C_RETURN",
        "C_RAISE",
        "BRANCH",
    ];

    /// The event as a bit of a set.
    pub const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// What a trace function would be told of meanwhile.
    const fn moment(self) -> Moment {
        match self {
            Event::PyStart => Moment::Call,
            Event::PyResume => Moment::Resume,
            Event::PyThrow => Moment::Throw,
            Event::Line => Moment::Line,
            Event::Jump | Event::BranchLeft | Event::BranchRight | Event::Branch => Moment::Branch,
            Event::Call | Event::CReturn => Moment::NativeCall,
            Event::PyReturn | Event::PyUnwind => Moment::Return,
            Event::PyYield => Moment::Yield,
            _ => Moment::Exception,
        }
    }

    /// Events that belong to a place in the code, and can be turned off there.
    fn is_local(self) -> bool {
        (self as u8) < Event::Raise as u8 || self == Event::Branch
    }
}

/// What trace and profile functions and tools are told of, as far as it matters for what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A function begins.
    Call,
    /// A generator goes on.
    Resume,
    /// A generator goes on with an exception raised in it.
    Throw,
    /// A line begins.
    Line,
    /// The flow goes one way or the other. Only tools are told.
    Branch,
    /// A function returns, or an exception leaves it.
    Return,
    /// A generator yields.
    Yield,
    /// An exception is raised.
    Exception,
    /// An instruction begins.
    Opcode,
    /// A built-in function is called, or has ended.
    NativeCall,
}

impl Moment {
    /// The event's name; that of native calls is told apart from it.
    const fn name(self) -> &'static str {
        match self {
            Moment::Call | Moment::Resume | Moment::Throw => "call",
            Moment::Line | Moment::Branch => "line",
            Moment::Return | Moment::Yield => "return",
            Moment::Exception => "exception",
            Moment::Opcode => "opcode",
            Moment::NativeCall => "c_call",
        }
    }
}

/// How many tools there can be.
pub const TOOLS: usize = 6;

/// A tool and what it wants to be told of.
#[derive(Clone, Default)]
pub struct Tool {
    /// Its name, while somebody uses it.
    pub name: Option<Value>,
    /// The events of all code.
    pub events: u32,
    /// What is called, by event.
    pub callbacks: [Option<Value>; 19],
}

/// The state of `sys.monitoring`.
#[derive(Default)]
pub struct Monitoring {
    /// The tools, by number.
    pub tools: GilCell<[Tool; TOOLS]>,
    /// The events of single code objects, by tool and address; the object is kept.
    local: GilCell<HashMap<(usize, usize), (Ref<Code>, u32)>>,
    /// Places that asked not to be told of again.
    disabled: GilCell<HashSet<(usize, u8, usize, isize)>>,
    /// Whether any tool wants anything.
    active: Cell<bool>,
    /// How many threads have a function that traces or profiles.
    threads: Cell<u32>,
    /// `sys.monitoring.DISABLE`.
    pub disable: GilCell<Option<Value>>,
    /// `sys.monitoring.MISSING`.
    pub missing: GilCell<Option<Value>>,
}

impl Monitoring {
    /// Forgets the tools.
    pub(crate) fn forget(&self) {
        drop(self.tools.take());
        drop(self.local.take());
        drop(self.disable.take());
        drop(self.missing.take());
    }

    /// The events a tool gets of a code object.
    pub fn local_events(&self, tool: usize, code: &Object<Code>) -> u32 {
        self.local.borrow().get(&(tool, address(code))).map_or(0, |(_, events)| *events)
    }

    /// Sets the events a tool gets of a code object.
    pub fn set_local_events(&self, vm: &Vm, tool: usize, code: &Object<Code>, events: u32) {
        let key = (tool, address(code));
        let old = if events == 0 {
            self.local.borrow_mut().remove(&key)
        } else {
            self.local.borrow_mut().insert(key, (code.to_ref(), events))
        };
        drop(old);
        self.refresh(vm);
    }

    /// Forgets what a tool asked of single code objects.
    pub fn clear_local_events(&self, vm: &Vm, tool: usize) {
        let kept = self.local.take();
        let (gone, kept) = kept.into_iter().partition(|((of, _), _)| *of == tool);
        self.local.set(kept);
        let gone: HashMap<_, _> = gone;
        drop(gone);
        self.refresh(vm);
    }

    /// Tells again of the places that were turned off.
    pub fn restart(&self) {
        self.disabled.borrow_mut().clear();
    }

    /// Notes whether anybody watches, after something changed.
    pub fn refresh(&self, vm: &Vm) {
        let wanted =
            self.tools.borrow().iter().any(|tool| tool.events != 0) || !self.local.borrow().is_empty();
        self.active.set(wanted);
        refresh_request(vm);
    }
}

fn address(code: &Object<Code>) -> usize {
    std::ptr::from_ref(code) as usize
}

fn refresh_request(vm: &Vm) {
    let monitoring = &vm.interpreter.monitoring;
    if monitoring.active.get() || monitoring.threads.get() > 0 {
        vm.interpreter.requests.fetch_or(request::WATCH, Ordering::Relaxed);
        vm.watch_begins.set(true);
    } else {
        vm.interpreter.requests.fetch_and(!request::WATCH, Ordering::Relaxed);
    }
}

/// Whether this thread's frames are to be watched now: somebody wants to be told, and is not being told just now.
#[inline]
pub fn is_wanted(vm: &Vm) -> bool {
    vm.watch_depth.get() == 0
        && vm.interpreter.requests.load(Ordering::Relaxed) & request::WATCH != 0
        && (vm.interpreter.monitoring.active.get() || vm.has_trace.get())
}

/// Sets the functions that trace and profile this thread; `None` leaves one as it is.
pub fn set_functions(vm: &Vm, trace: Option<Option<Value>>, profile: Option<Option<Value>>) {
    if let Some(trace) = trace {
        vm.trace.set(trace);
    }
    if let Some(profile) = profile {
        vm.profile.set(profile);
    }
    let has = vm.trace.borrow().is_some() || vm.profile.borrow().is_some();
    let threads = &vm.interpreter.monitoring.threads;
    match (vm.has_trace.replace(has), has) {
        (false, true) => threads.set(threads.get() + 1),
        (true, false) => threads.set(threads.get() - 1),
        _ => {}
    }
    refresh_request(vm);
}

/// Runs `tell` with events turned off, and the exception being raised put aside.
fn quietly<R>(vm: &Vm, tell: impl FnOnce() -> R) -> R {
    vm.watch_depth.set(vm.watch_depth.get() + 1);
    let result = tell();
    vm.watch_depth.set(vm.watch_depth.get() - 1);
    result
}

/// As [`quietly`], noting what is being told of.
fn telling<R>(vm: &Vm, moment: Moment, tell: impl FnOnce() -> R) -> R {
    let before = vm.telling.replace(Some(moment));
    let result = quietly(vm, tell);
    vm.telling.set(before);
    result
}

/// Runs a function with events as they were before a callback (`sys.call_tracing`).
pub fn loudly<R>(vm: &Vm, run: impl FnOnce() -> R) -> R {
    let depth = vm.watch_depth.replace(0);
    let result = run();
    vm.watch_depth.set(depth);
    result
}

/// The events that any tool wants of a code object.
pub fn events_of(vm: &Vm, code: &Object<Code>) -> u32 {
    let monitoring = &vm.interpreter.monitoring;
    if !monitoring.active.get() {
        return 0;
    }
    let global = monitoring.tools.borrow().iter().fold(0, |events, tool| events | tool.events);
    (0..TOOLS).fold(global, |events, tool| events | monitoring.local_events(tool, code))
}

/// Tells the tools of an event: they are called with the code and what `arguments` adds.
///
/// # Errors
/// What a tool raises.
pub fn tell_tools(
    vm: &Vm,
    event: Event,
    code: &Object<Code>,
    index: isize,
    arguments: &[Value],
) -> PyResult<()> {
    let monitoring = &vm.interpreter.monitoring;
    for number in 0..TOOLS {
        let local = monitoring.local_events(number, code);
        let callback = {
            let tools = monitoring.tools.borrow();
            let tool = &tools[number];
            if (tool.events | local) & event.bit() == 0 {
                continue;
            }
            tool.callbacks[event as usize].clone()
        };
        let Some(callback) = callback else { continue };
        let place = (number, event as u8, address(code), index);
        if monitoring.disabled.borrow().contains(&place) {
            continue;
        }
        let mut all = vec![code.to_value()];
        all.extend_from_slice(arguments);
        if call_tool(vm, number, event, &callback, &all)? {
            monitoring.disabled.borrow_mut().insert(place);
        }
    }
    Ok(())
}

/// Calls what a tool gave for an event; answers whether it asks not to be told again.
fn call_tool(vm: &Vm, tool: usize, event: Event, callback: &Value, arguments: &[Value]) -> PyResult<bool> {
    let monitoring = &vm.interpreter.monitoring;
    let answer = telling(vm, event.moment(), || vm.call(callback, arguments))?;
    let disables = monitoring.disable.borrow().as_ref().is_some_and(|disable| disable.is(&answer));
    if disables && !event.is_local() {
        let name = Event::NAMES[event as usize];
        let mut tools = monitoring.tools.borrow_mut();
        let removed = tools[tool].callbacks[event as usize].take();
        drop(tools);
        drop(removed);
        return Err(vm.value_error(format!("Cannot disable {name} events. Callback removed.")));
    }
    Ok(disables)
}

/// The tools that want to be told of an event of all code, as bits.
pub fn tools_wanting(vm: &Vm, event: Event) -> u8 {
    let tools = vm.interpreter.monitoring.tools.borrow();
    let wants = |number: &usize| tools[*number].events & event.bit() != 0;
    (0..TOOLS).filter(wants).fold(0, |bits, number| bits | 1 << number)
}

/// Tells some tools of an event of something else than our own code, which is the first of `arguments`. Answers which of
/// them want to be told again.
///
/// # Errors
/// What a tool raises.
pub fn tell_chosen(vm: &Vm, event: Event, tools: u8, arguments: &[Value]) -> PyResult<u8> {
    let mut left = tools;
    if vm.watch_depth.get() > 0 {
        return Ok(left);
    }
    for number in (0..TOOLS).filter(|number| tools & 1 << number != 0) {
        let callback = vm.interpreter.monitoring.tools.borrow()[number].callbacks[event as usize].clone();
        let Some(callback) = callback else { continue };
        if call_tool(vm, number, event, &callback, arguments)? {
            left &= !(1 << number);
        }
    }
    Ok(left)
}

/// Calls the function that traces the thread, or the frame's own, as `event` asks.
///
/// # Errors
/// What the function raises; tracing ends with that.
pub fn tell_trace(vm: &Vm, frame: *mut Frame, moment: Moment, argument: Value) -> PyResult<()> {
    if vm.trace.borrow().is_none() {
        return Ok(());
    }
    // SAFETY: the frame runs.
    let object = unsafe { Frame::object(frame) };
    let begins = matches!(moment, Moment::Call | Moment::Resume | Moment::Throw);
    let function = if begins { vm.trace.get() } else { object.trace_function() };
    let Some(function) = function else { return Ok(()) };
    let arguments = [object.clone().into_value(), vm.intern(moment.name()).into_value(), argument];
    match telling(vm, moment, || vm.call(&function, &arguments)) {
        Ok(answer) => {
            if !is_none(&answer) {
                object.set_trace_function(Some(answer));
            }
            Ok(())
        }
        Err(error) => {
            set_functions(vm, Some(None), None);
            object.set_trace_function(None);
            Err(error)
        }
    }
}

/// Calls the function that profiles the thread.
///
/// # Errors
/// What the function raises; profiling ends with that.
pub fn tell_profile(vm: &Vm, frame: *mut Frame, event: &str, argument: Value) -> PyResult<()> {
    let Some(function) = vm.profile.get() else { return Ok(()) };
    // SAFETY: the frame runs.
    let object = unsafe { Frame::object(frame) };
    let arguments = [object.into_value(), vm.intern(event).into_value(), argument];
    let moment = match event {
        "call" => Moment::Call,
        "return" => Moment::Return,
        _ => Moment::NativeCall,
    };
    match telling(vm, moment, || vm.call(&function, &arguments)) {
        Ok(_) => Ok(()),
        Err(error) => {
            set_functions(vm, None, Some(None));
            Err(error)
        }
    }
}

/// A function begins (`PY_START`) or goes on (`PY_RESUME`).
///
/// # Errors
/// What is called raises.
pub fn entered(vm: &Vm, frame: *mut Frame, event: Event, index: isize) -> PyResult<()> {
    // SAFETY: the frame runs.
    let code = unsafe { (*frame).code() }.to_ref();
    if events_of(vm, &code) & event.bit() != 0 {
        tell_tools(vm, event, &code, index, &[int::new(index as i64 * 2)])?;
    }
    tell_profile(vm, frame, "call", none())?;
    tell_trace(vm, frame, event.moment(), none())
}

/// A function goes on with an exception raised in it (`PY_THROW`).
///
/// # Errors
/// What is called raises.
pub fn thrown(vm: &Vm, frame: *mut Frame, exception: &Value) -> PyResult<()> {
    // SAFETY: the frame is about to run, and shows where it waited.
    let (code, index) = unsafe { ((*frame).code().to_ref(), (*frame).instruction_index()) };
    if events_of(vm, &code) & Event::PyThrow.bit() != 0 {
        tell_tools(vm, Event::PyThrow, &code, index, &[int::new(index as i64 * 2), exception.clone()])?;
    }
    tell_profile(vm, frame, "call", none())?;
    tell_trace(vm, frame, Moment::Throw, none())
}

/// A generator that was delegated to has returned a value, for which no `StopIteration` was made.
///
/// # Errors
/// What is called raises.
pub fn stopped(vm: &Vm, frame: *mut Frame, index: isize, value: &Value) -> PyResult<()> {
    // SAFETY: the frame runs.
    let code = unsafe { (*frame).code() }.to_ref();
    let wanted = events_of(vm, &code) & Event::StopIteration.bit() != 0;
    if !wanted && vm.trace.borrow().is_none() {
        return Ok(());
    }
    let exception = vm.stop_iteration(value.clone()).into_value();
    if wanted {
        let arguments = [int::new(index as i64 * 2), exception.clone()];
        tell_tools(vm, Event::StopIteration, &code, index, &arguments)?;
    }
    tell_trace(vm, frame, Moment::Exception, traceback::information(&exception).into_value())
}

/// A function returns or yields a value.
///
/// # Errors
/// What is called raises.
pub fn left(vm: &Vm, frame: *mut Frame, event: Event, index: isize, value: &Value) -> PyResult<()> {
    // SAFETY: the frame runs.
    let code = unsafe { (*frame).code() }.to_ref();
    if events_of(vm, &code) & event.bit() != 0 {
        tell_tools(vm, event, &code, index, &[int::new(index as i64 * 2), value.clone()])?;
    }
    tell_profile(vm, frame, "return", value.clone())?;
    tell_trace(vm, frame, event.moment(), value.clone())
}

/// A line begins.
///
/// # Errors
/// What is called raises.
pub fn line(vm: &Vm, frame: *mut Frame, index: isize, number: i32) -> PyResult<()> {
    // SAFETY: the frame runs.
    let code = unsafe { (*frame).code() }.to_ref();
    if events_of(vm, &code) & Event::Line.bit() != 0 {
        tell_tools(vm, Event::Line, &code, index, &[int::new(i64::from(number))])?;
    }
    trace_line(vm, frame)
}

/// The trace function is told of a line, unless the frame has that turned off.
///
/// # Errors
/// What the function raises.
pub fn trace_line(vm: &Vm, frame: *mut Frame) -> PyResult<()> {
    if vm.trace.borrow().is_none() {
        return Ok(());
    }
    // SAFETY: the frame runs.
    let object = unsafe { Frame::object(frame) };
    if object.traces_lines() { tell_trace(vm, frame, Moment::Line, none()) } else { Ok(()) }
}

/// An exception is raised in a frame, or raised again. The exception is given back where nobody raises another.
///
/// # Errors
/// What is called raises instead.
pub fn raised(vm: &Vm, frame: *mut Frame, index: isize, exception: &Value, again: bool) -> PyResult<()> {
    // SAFETY: the frame is being left, or runs.
    let code = unsafe { (*frame).code() }.to_ref();
    let event = if again { Event::Reraise } else { Event::Raise };
    if events_of(vm, &code) & event.bit() != 0 {
        tell_tools(vm, event, &code, index, &[int::new(index as i64 * 2), exception.clone()])?;
    }
    if again || vm.trace.borrow().is_none() {
        return Ok(());
    }
    let information: Ref<Tuple> = traceback::information(exception);
    tell_trace(vm, frame, Moment::Exception, information.into_value())
}

/// A handler begins.
///
/// # Errors
/// What is called raises.
pub fn handled(vm: &Vm, frame: *mut Frame, index: isize, exception: &Value) -> PyResult<()> {
    // SAFETY: the frame runs.
    let code = unsafe { (*frame).code() }.to_ref();
    if events_of(vm, &code) & Event::ExceptionHandled.bit() == 0 {
        return Ok(());
    }
    let arguments = [int::new(index as i64 * 2), exception.clone()];
    tell_tools(vm, Event::ExceptionHandled, &code, index, &arguments)
}

/// An exception leaves a frame.
///
/// # Errors
/// What is called raises.
pub fn unwound(vm: &Vm, frame: *mut Frame, index: isize, exception: &Value) -> PyResult<()> {
    // SAFETY: the frame is being left.
    let code = unsafe { (*frame).code() }.to_ref();
    if events_of(vm, &code) & Event::PyUnwind.bit() != 0 {
        let arguments = [int::new(index as i64 * 2), exception.clone()];
        tell_tools(vm, Event::PyUnwind, &code, index, &arguments)?;
    }
    tell_profile(vm, frame, "return", none())?;
    tell_trace(vm, frame, Moment::Return, none())
}
