//! `traceback`: the frames that an exception went through, innermost last.
//!
//! # Safety argument
//!
//! Frames are looked at while they run or are being left: alive, with their instruction current.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::audit;
use crate::cell::GilCell;
use crate::eval::frame::Frame;
use crate::exceptions::{Exception, PyResult};
use crate::object::{Object, Ref, TypeObject};
use crate::types::code::Code;
use crate::types::frame::FrameObject;
use crate::types::none::{is_none, none};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// A frame that an exception went through, and where in it.
#[pyclass(name = "traceback", tracked, signature = "(tb_next, tb_frame, tb_lasti, tb_lineno)")]
pub struct Traceback {
    next: GilCell<Option<Value>>,
    frame: GilCell<Option<Value>>,
    /// The instruction's offset in bytes.
    #[untraced]
    last_instruction: i32,
    /// The line; -1 until it is asked for.
    #[untraced]
    line: Cell<i32>,
}

/// The line is not known yet.
const UNKNOWN: i32 = -1;

impl Traceback {
    /// A traceback entry; with line -1 the line is that of the instruction.
    pub fn new(
        next: Option<Value>,
        frame: Ref<FrameObject>,
        last_instruction: i32,
        line: i32,
    ) -> Ref<Traceback> {
        Object::new(Traceback {
            next: GilCell::new(next),
            frame: GilCell::new(Some(frame.into_value())),
            last_instruction,
            line: Cell::new(line),
        })
    }

    /// The entry further in.
    pub fn next(&self) -> Option<Value> {
        self.next.get()
    }

    /// The frame, as a value.
    pub fn frame(&self) -> Value {
        self.frame.get().unwrap_or_else(none)
    }

    /// The frame's code object.
    pub fn code(&self) -> Option<Ref<Code>> {
        self.frame().downcast::<FrameObject>()?.code()
    }

    /// The line, if the instruction has one.
    pub fn line(&self, vm: &Vm) -> Option<i32> {
        if self.line.get() == UNKNOWN {
            let line = self.code()?.line(self.last_instruction as isize / 2)?;
            self.line.set(line);
        }
        Some(self.line.get())
    }
}

/// The entry that a value is to be: a traceback, or none for `None`.
fn entry(vm: &Vm, value: &Value) -> PyResult<Option<Value>> {
    if is_none(value) {
        return Ok(None);
    }
    if value.downcast::<Traceback>().is_some() {
        return Ok(Some(value.clone()));
    }
    Err(vm.type_error(format!("expected traceback object, got '{}'", value.type_of().full_name())))
}

#[pymethods]
impl Traceback {
    #[new("traceback(tb_next, tb_frame, tb_lasti, tb_lineno)")]
    fn construct(
        vm: &Vm,
        _cls: &TypeObject,
        tb_next: &Value,
        tb_frame: &Object<FrameObject>,
        tb_lasti: i32,
        tb_lineno: i32,
    ) -> PyResult<Ref<Traceback>> {
        let next = entry(vm, tb_next)?;
        Ok(Traceback::new(next, tb_frame.to_ref(), tb_lasti, tb_lineno))
    }

    #[getter("tb_next")]
    fn tb_next(&self) -> Option<Value> {
        self.next()
    }

    #[setter("tb_next")]
    fn set_tb_next(this: &Object<Traceback>, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.type_error("can't delete tb_next attribute")) };
        let next = entry(vm, value)?;
        let mut at = next.clone();
        while let Some(entry) = at {
            if this.is(&entry) {
                return Err(vm.value_error("traceback loop detected"));
            }
            at = entry.downcast::<Traceback>().and_then(|entry| entry.next());
        }
        this.next.set(next);
        Ok(())
    }

    #[getter("tb_frame", member)]
    fn tb_frame(this: &Object<Traceback>, vm: &Vm) -> PyResult {
        audit::raise_read(vm, &this.as_value(), "tb_frame")?;
        Ok(this.frame())
    }

    #[getter("tb_lasti", member)]
    fn tb_lasti(&self) -> i32 {
        self.last_instruction
    }

    #[getter("tb_lineno")]
    fn tb_lineno(&self, vm: &Vm) -> Option<i32> {
        self.line(vm)
    }

    /// The names of the attributes.
    #[method("__dir__(self, /)")]
    fn dir(&self) -> Vec<&'static str> {
        vec!["tb_frame", "tb_next", "tb_lasti", "tb_lineno"]
    }
}

/// Puts a frame in front of an exception's traceback.
///
/// # Safety
/// The frame is alive and its `stack_pointer` is current.
pub unsafe fn add_frame(_vm: &Vm, exception: &Exception, frame: *mut Frame) {
    // SAFETY: the frame is alive.
    let (object, index) = unsafe { (Frame::object(frame), (*frame).instruction_index()) };
    if index < 0 {
        return;
    }
    let base = exception.base();
    let entry = Traceback::new(base.traceback(), object, index as i32 * 2, UNKNOWN);
    base.set_traceback(Some(entry.into_value()));
}

/// The frame object of the running frame.
pub fn current_frame(vm: &Vm) -> Option<Ref<FrameObject>> {
    let frame = vm.frame.get();
    // SAFETY: the thread's innermost frame is alive.
    (!frame.is_null()).then(|| unsafe { Frame::object(frame) })
}

/// A traceback of the running frame alone, or `None` where nothing runs.
pub fn of_current_frame(vm: &Vm) -> Value {
    let frame = vm.frame.get();
    if frame.is_null() {
        return none();
    }
    // SAFETY: the thread's innermost frame is alive.
    let (object, index) = unsafe { (Frame::object(frame), (*frame).instruction_index()) };
    Traceback::new(None, object, index.max(0) as i32 * 2, UNKNOWN).into_value()
}

/// The traceback's entries, outermost first.
pub fn entries(traceback: &Value) -> Vec<Ref<Traceback>> {
    let mut entries = Vec::new();
    let mut at = Some(traceback.clone());
    while let Some(entry) = at.and_then(|entry| entry.downcast_into::<Traceback>().ok()) {
        at = entry.next();
        entries.push(entry);
    }
    entries
}

/// Takes `importlib`'s own frames out of the traceback of a failed import: all of them when a module is missing, else
/// those around the module's code, which end with `_call_with_frames_removed`.
pub fn remove_importer_frames(vm: &Vm, exception: &Exception) {
    if vm.interpreter.configuration.verbose > 0 {
        return;
    }
    let base = crate::exceptions::base_of(exception.value());
    let Some(traceback) = base.traceback() else { return };
    let all = exception.is_import_error();
    let mut kept: Vec<Ref<Traceback>> = Vec::new();
    // How many entries were kept when the run of the importer's frames began.
    let mut chunk = None;
    let mut removed = false;
    for entry in entries(&traceback) {
        let code = entry.code();
        let is_importer = code.as_ref().is_some_and(|code| {
            let filename = code.filename();
            filename.equals_str("<frozen importlib._bootstrap>")
                || filename.equals_str("<frozen importlib._bootstrap_external>")
                || filename.equals_str("<frozen rspy importer>")
        });
        if !is_importer {
            chunk = None;
            kept.push(entry);
            continue;
        }
        let start = *chunk.get_or_insert(kept.len());
        if all || code.is_some_and(|code| code.name.equals_str("_call_with_frames_removed")) {
            kept.truncate(start);
            removed = true;
        } else {
            kept.push(entry);
        }
    }
    if !removed {
        return;
    }
    for pair in kept.windows(2) {
        pair[0].next.set(Some(pair[1].clone().into_value()));
    }
    if let Some(last) = kept.last() {
        last.next.set(None);
    }
    base.set_traceback(kept.first().map(|entry| entry.clone().into_value()));
}

/// `sys.exc_info()` of an exception: class, object and traceback.
pub fn information(exception: &Value) -> Ref<Tuple> {
    Tuple::from_values([
        exception.type_of().to_value(),
        exception.clone(),
        crate::exceptions::traceback_of(exception),
    ])
}
