//! `frame`: a running or finished frame as Python sees it.
//!
//! # Safety argument
//!
//! A frame object points to a frame that is linked to it by `frame_object`. Before that frame goes, it either takes
//! the frame object along (nobody else refers to it) or hands its words over: the frame object then keeps a copy of
//! the whole frame in memory of its own.

use std::cell::Cell;

use rspy_code::code_object::{flags, local_kind};
use rspy_macros::{pyclass, pymethods};

use crate::audit;
use crate::cell::GilCell;
use crate::eval::frame::{Frame, Owner};
use crate::eval::word;
use crate::exceptions::{Exception, PyResult};
use crate::gc::{Trace, Visitor};
use crate::object::{Object, Ref};
use crate::types::cell::CellObject;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::generator;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// A running or finished frame.
#[pyclass(name = "frame", manual_trace)]
pub struct FrameObject {
    frame: Cell<*mut Frame>,
    memory: GilCell<Option<Box<[u64]>>>,
    /// The frame below, kept once this one has finished.
    back: GilCell<Option<Value>>,
    trace: GilCell<Option<Value>>,
    trace_lines: Cell<bool>,
    trace_opcodes: Cell<bool>,
    /// Names that `f_locals` was given beyond the variables.
    extra_locals: GilCell<Option<Ref<Dict>>>,
    /// Values that were replaced through `f_locals`: the stack may still borrow them.
    replaced: GilCell<Vec<Value>>,
}

impl Trace for FrameObject {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.back.trace(visitor);
        self.trace.trace(visitor);
        self.extra_locals.trace(visitor);
        self.replaced.trace(visitor);
        if self.owns_frame() {
            // SAFETY: a frame of its own does not run.
            unsafe { generator::trace_frame(self.frame.get(), visitor) };
        }
    }

    fn clear_references(&self) {
        self.back.clear_references();
        self.trace.clear_references();
        self.extra_locals.clear_references();
        if self.owns_frame() {
            // SAFETY: the frame has finished.
            unsafe { Frame::clear_words(self.frame.get()) };
        }
    }
}

impl Drop for FrameObject {
    fn drop(&mut self) {
        if self.owns_frame() {
            // SAFETY: the frame has finished and nobody refers to it any more.
            unsafe {
                (*self.frame.get()).frame_object.set(0);
                Frame::clear(self.frame.get());
            }
        }
    }
}

impl FrameObject {
    /// The code that runs in it; nothing where the frame is gone.
    pub fn code(&self) -> Option<Ref<Code>> {
        self.frame().map(|frame| frame.code().to_ref())
    }

    /// `f_trace`.
    pub(crate) fn trace_function(&self) -> Option<Value> {
        self.trace.get()
    }

    /// Sets `f_trace`.
    pub(crate) fn set_trace_function(&self, function: Option<Value>) {
        self.trace.set(function);
    }

    /// `f_trace_lines`.
    pub(crate) fn traces_lines(&self) -> bool {
        self.trace_lines.get()
    }

    /// `f_trace_opcodes`.
    pub(crate) fn traces_opcodes(&self) -> bool {
        self.trace_opcodes.get()
    }

    fn owns_frame(&self) -> bool {
        // SAFETY: only looked at, with no Python code running.
        unsafe { (*self.memory.as_ptr()).is_some() }
    }

    /// The frame object of a frame.
    ///
    /// # Safety
    /// The caller links it to the frame.
    pub(crate) unsafe fn of_frame(frame: *mut Frame) -> Ref<FrameObject> {
        Object::new(FrameObject {
            frame: Cell::new(frame),
            memory: GilCell::new(None),
            back: GilCell::new(None),
            trace: GilCell::new(None),
            trace_lines: Cell::new(true),
            trace_opcodes: Cell::new(false),
            extra_locals: GilCell::new(None),
            replaced: GilCell::new(Vec::new()),
        })
    }

    /// Takes over the words of a frame that is about to go.
    ///
    /// # Safety
    /// The frame is linked to this object and not used afterwards but to free its memory.
    pub(crate) unsafe fn take_over(object: &Value, frame: *mut Frame) {
        let Some(this) = object.downcast_exact::<FrameObject>() else { return };
        // SAFETY: the words are copied with their ownership; borrowed ones get references of their own.
        unsafe {
            let previous = (*frame).previous;
            let back = if previous.is_null() { None } else { Some(Frame::object(previous).into_value()) };
            let used = (*frame).stack_pointer.offset_from(frame.cast::<u64>()) as usize;
            let header = size_of::<Frame>() / 8;
            let mut memory = vec![0u64; used].into_boxed_slice();
            let copy: *mut Frame = memory.as_mut_ptr().cast();
            copy.copy_from_nonoverlapping(frame, 1);
            for index in 0..used - header {
                *Frame::local(copy, index) = word::keep(*Frame::local(frame, index));
            }
            (*copy).function = word::keep((*frame).function);
            (*copy).stack_pointer = copy.cast::<u64>().add(used);
            (*copy).previous = std::ptr::null_mut();
            (*copy).owner = Owner::FrameObject;
            (*copy).generator = std::ptr::null();
            (*copy).frame_object.set(0);
            (*frame).function = 0;
            (*frame).locals = 0;
            this.memory.set(Some(memory));
            this.frame.set(copy);
            this.back.set(back);
        }
    }

    /// The frame has moved into a generator.
    pub(crate) fn move_to(object: &Value, frame: *mut Frame) {
        let object = std::mem::ManuallyDrop::new(object);
        if let Some(this) = object.downcast_exact::<FrameObject>() {
            this.frame.set(frame);
        }
    }

    /// The frame goes and nobody else refers to this object.
    pub(crate) fn detach(object: &Value) {
        if let Some(this) = object.downcast_exact::<FrameObject>() {
            this.frame.set(std::ptr::null_mut());
        }
    }

    /// The frame.
    pub(crate) fn frame(&self) -> Option<&Frame> {
        let frame = self.frame.get();
        // SAFETY: the pointer is followed as the frame moves.
        (!frame.is_null()).then(|| unsafe { &*frame })
    }

    /// The line being executed.
    pub fn line_number(&self) -> Option<i32> {
        let frame = self.frame()?;
        frame.code().line(frame.instruction_index())
    }

    /// The frame below that Python sees.
    pub fn back(&self) -> Option<Value> {
        if let Some(back) = self.back.get() {
            return Some(back);
        }
        let previous = self.frame()?.previous;
        // SAFETY: linked frames are alive.
        (!previous.is_null()).then(|| unsafe { Frame::object(previous) }.into_value())
    }

    fn is_optimized(&self) -> bool {
        self.frame().is_some_and(|frame| frame.code().flags & flags::OPTIMIZED != 0) || self.has_hidden()
    }

    /// Whether an inlined comprehension runs whose variables the names around it do not include.
    fn has_hidden(&self) -> bool {
        let Some(frame) = self.frame() else { return false };
        let code = frame.code();
        (0..code.variable_count()).any(|index| {
            code.body().variable_kinds[index] & local_kind::HIDDEN != 0 && self.variable(index).is_some()
        })
    }

    /// The value of a variable by index, seen through cells.
    fn variable(&self, index: usize) -> Option<Value> {
        let frame = self.frame.get();
        // SAFETY: the index is below the code's number of variables; the words are valid.
        unsafe {
            let word = *Frame::local(frame, index);
            if word == 0 {
                return None;
            }
            let value = crate::object::Borrow::clone_value(&word::look(word));
            let kind = (*frame).code().body().variable_kinds[index];
            if kind & local_kind::FREE != 0
                || (kind & local_kind::CELL != 0 && value.downcast_exact::<CellObject>().is_some())
            {
                return value.downcast_exact::<CellObject>().and_then(|cell| cell.get());
            }
            Some(value)
        }
    }

    fn set_variable(&self, index: usize, value: Value) {
        let frame = self.frame.get();
        // SAFETY: as for `variable`; the replaced word is kept alive, since the stack may borrow it.
        unsafe {
            let place = Frame::local(frame, index);
            let kind = (*frame).code().body().variable_kinds[index];
            if kind & (local_kind::FREE | local_kind::CELL) != 0
                && *place != 0
                && let Some(cell) = word::look(*place).downcast_exact::<CellObject>()
            {
                drop(cell.replace(Some(value)));
                return;
            }
            let old = place.replace(value.into_bits());
            if old != 0 {
                self.replaced.borrow_mut().push(word::take(old));
            }
        }
    }

    /// Names and values of all variables that are set.
    fn variables(&self) -> Vec<(Ref<Str>, Value)> {
        let Some(frame) = self.frame() else { return Vec::new() };
        let code = frame.code();
        (0..code.variable_count())
            .filter_map(|index| Some((code.variable_name(index).to_ref(), self.variable(index)?)))
            .collect()
    }

    fn index_of(&self, name: &Value) -> Option<usize> {
        let code = self.frame()?.code();
        let name = name.downcast::<Str>()?;
        (0..code.variable_count()).find(|&index| code.variable_name(index).same_text(name))
    }

    /// A dict of the variables as they are now; for functions it is a copy.
    pub fn locals_snapshot(this: &Object<FrameObject>, vm: &Vm) -> PyResult {
        if !this.is_optimized() {
            return FrameObject::locals(this, vm);
        }
        let dict = Dict::new();
        for (name, value) in this.variables() {
            dict.set_str(&name, value);
        }
        if let Some(extra) = this.extra_locals.get() {
            dict.merge(vm, &extra, true)?;
        }
        Ok(dict.into_value())
    }

    /// `f_locals`.
    pub fn locals(this: &Object<FrameObject>, _vm: &Vm) -> PyResult {
        if this.is_optimized() {
            return Ok(Object::new(FrameLocals { frame: this.to_ref() }).into_value());
        }
        let Some(frame) = this.frame() else { return Ok(Dict::new().into_value()) };
        match frame.locals() {
            Some(locals) => Ok(crate::object::Borrow::clone_value(&locals)),
            None => Ok(Dict::new().into_value()),
        }
    }
}

#[pymethods]
impl FrameObject {
    #[slot(repr)]
    fn repr(this: &Object<FrameObject>) -> String {
        let address = std::ptr::from_ref(this) as usize;
        match this.frame() {
            Some(frame) => {
                let code = frame.code();
                let line = this.line_number().map_or_else(|| "None".to_owned(), |line| line.to_string());
                format!(
                    "<frame at {address:#x}, file '{}', line {line}, code {}>",
                    code.filename().to_string_lossy(),
                    code.name.to_string_lossy()
                )
            }
            None => format!("<frame at {address:#x}>"),
        }
    }

    #[getter("f_back")]
    fn f_back(&self) -> Option<Value> {
        self.back()
    }

    #[getter("f_code")]
    fn f_code(this: &Object<FrameObject>, vm: &Vm) -> PyResult<Option<Ref<Code>>> {
        audit::raise_read(vm, &this.as_value(), "f_code")?;
        Ok(this.code())
    }

    #[getter("f_globals")]
    fn f_globals(&self) -> Option<Value> {
        self.frame().map(|frame| frame.globals().to_value())
    }

    #[getter("f_builtins")]
    fn f_builtins(&self) -> Option<Value> {
        self.frame().map(|frame| frame.builtins().to_value())
    }

    #[getter("f_locals")]
    fn f_locals(this: &Object<FrameObject>, vm: &Vm) -> PyResult {
        FrameObject::locals(this, vm)
    }

    #[getter("f_lasti")]
    fn f_lasti(&self) -> i64 {
        self.frame().map_or(-1, |frame| {
            let index = frame.instruction_index();
            if index < 0 { -1 } else { index as i64 * 2 }
        })
    }

    #[getter("f_lineno")]
    fn f_lineno(&self) -> Option<i32> {
        self.line_number()
    }

    #[setter("f_lineno")]
    fn set_f_lineno(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(vm.bare_attribute_error("attribute 'f_lineno' of 'frame' objects cannot be deleted"));
        };
        // SAFETY: a frame whose line is traced waits for the trace function; others are refused.
        unsafe { super::frame_jump::jump(vm, self.frame.get(), value) }
    }

    #[getter("f_trace")]
    fn f_trace(&self) -> Option<Value> {
        self.trace.get()
    }

    #[setter("f_trace")]
    fn set_f_trace(&self, value: Option<&Value>) -> PyResult<()> {
        self.trace.set(value.filter(|value| !is_none(value)).cloned());
        Ok(())
    }

    #[getter("f_trace_lines", member)]
    fn f_trace_lines(&self) -> bool {
        self.trace_lines.get()
    }

    #[setter("f_trace_lines")]
    fn set_f_trace_lines(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        match value.and_then(crate::types::bool::as_bool) {
            Some(truth) => self.trace_lines.set(truth),
            None => return Err(vm.type_error("attribute value type must be bool")),
        }
        Ok(())
    }

    #[getter("f_trace_opcodes")]
    fn f_trace_opcodes(&self) -> bool {
        self.trace_opcodes.get()
    }

    #[setter("f_trace_opcodes")]
    fn set_f_trace_opcodes(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        match value.and_then(crate::types::bool::as_bool) {
            Some(truth) => self.trace_opcodes.set(truth),
            None => return Err(vm.type_error("attribute value type must be bool")),
        }
        Ok(())
    }

    #[getter("f_generator")]
    fn f_generator(&self) -> Option<Value> {
        let generator = self.frame()?.generator;
        // SAFETY: a frame in a generator lives no longer than it.
        (!generator.is_null()).then(|| unsafe { (*generator).to_value() })
    }

    /// Clear all references held by the frame.
    #[method("clear(self, /)")]
    fn clear_method(this: &Object<FrameObject>, vm: &Vm) -> PyResult<()> {
        let Some(frame) = this.frame() else { return Ok(()) };
        match frame.owner {
            Owner::FrameObject => {
                // SAFETY: the frame has finished.
                unsafe { Frame::clear_words(this.frame.get()) };
                Ok(())
            }
            Owner::Generator | Owner::GeneratorEntry => {
                // SAFETY: a frame in a generator lives no longer than it.
                let generator = unsafe { (!frame.generator.is_null()).then(|| (*frame.generator).to_ref()) };
                match generator {
                    Some(generator) if generator.stage() == generator::Stage::Running => {
                        Err(vm.runtime_error("cannot clear an executing frame"))
                    }
                    Some(generator) if generator.stage() == generator::Stage::Suspended => {
                        Err(vm.runtime_error("cannot clear a suspended frame"))
                    }
                    Some(generator) => {
                        generator::asynchronous::finalize(vm, generator.value());
                        generator::Generator::close_value(&generator, vm).map(drop)
                    }
                    None => Ok(()),
                }
            }
            _ => Err(vm.runtime_error("cannot clear an executing frame")),
        }
    }

    /// Return the size of the frame in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(&self) -> usize {
        size_of::<Object<FrameObject>>() + self.frame().map_or(0, |frame| frame.code().frame_words() * 8)
    }
}

/// `f_locals` of a function: its variables as a mapping that writes through (PEP 667).
#[pyclass(name = "FrameLocalsProxy", tracked, mapping)]
pub struct FrameLocals {
    frame: Ref<FrameObject>,
}

impl FrameLocals {
    fn snapshot(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        let dict = FrameObject::locals_snapshot(&self.frame, vm)?;
        dict.downcast_into::<Dict>().map_err(|_| vm.system_error("locals are no dict"))
    }

    fn missing(vm: &Vm, key: &Value) -> Exception {
        match vm.repr(key) {
            Ok(shown) => vm.key_error(
                &vm.new_str(&format!("local variable '{}' is not defined", shown.to_string_lossy())),
            ),
            Err(error) => error,
        }
    }
}

#[pymethods]
impl FrameLocals {
    #[new("FrameLocalsProxy(frame, /)")]
    fn new(_vm: &Vm, _cls: &crate::object::TypeObject, frame: Ref<FrameObject>) -> Ref<FrameLocals> {
        Object::new(FrameLocals { frame })
    }

    #[slot(repr)]
    fn repr(this: &Object<FrameLocals>, vm: &Vm) -> PyResult {
        let Some(_guard) = vm.enter_repr(&this.as_value()) else { return Ok(vm.new_str("{...}")) };
        vm.repr(this.snapshot(vm)?.value()).map(Into::into)
    }

    #[slot(length)]
    fn length(&self, vm: &Vm) -> PyResult<usize> {
        Ok(self.snapshot(vm)?.len())
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        if let Some(index) = self.frame.index_of(key)
            && let Some(value) = self.frame.variable(index)
        {
            return Ok(value);
        }
        if let Some(extra) = self.frame.extra_locals.get()
            && let Some(value) = extra.get(vm, key)?
        {
            return Ok(value);
        }
        Err(FrameLocals::missing(vm, key))
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        match (self.frame.index_of(key), value) {
            (Some(index), Some(value)) => {
                self.frame.set_variable(index, value.clone());
                Ok(())
            }
            (Some(_), None) => Err(vm.value_error("cannot remove local variables from FrameLocalsProxy")),
            (None, Some(value)) => {
                if self.frame.extra_locals.borrow().is_none() {
                    self.frame.extra_locals.set(Some(Dict::new()));
                }
                match self.frame.extra_locals.get() {
                    Some(extra) => extra.set(vm, key, value.clone()),
                    None => Ok(()),
                }
            }
            (None, None) => {
                let removed = match self.frame.extra_locals.get() {
                    Some(extra) => extra.remove(vm, key)?,
                    None => None,
                };
                removed.map(drop).ok_or_else(|| vm.key_error(key))
            }
        }
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        self.snapshot(vm)?.contains(vm, key)
    }

    #[slot(iter)]
    fn iter(&self, vm: &Vm) -> PyResult {
        let keys = crate::types::list::List::from_vec(self.snapshot(vm)?.keys()).into_value();
        vm.iter(&keys)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: crate::slots::Comparison) -> PyResult {
        let own = self.snapshot(vm)?.into_value();
        match other.downcast::<FrameLocals>() {
            Some(other) if std::ptr::eq(other.frame.as_ptr(), self.frame.as_ptr()) => match comparison {
                crate::slots::Comparison::Equal => Ok(crate::types::bool::boolean(true)),
                crate::slots::Comparison::NotEqual => Ok(crate::types::bool::boolean(false)),
                _ => Ok(crate::types::none::not_implemented()),
            },
            Some(_) => Ok(crate::types::none::not_implemented()),
            None if crate::types::dict::is_dict(other) => vm.compare(&own, other, comparison),
            None => Ok(crate::types::none::not_implemented()),
        }
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let plain = |value: &Value| match value.downcast::<FrameLocals>() {
            Some(locals) => locals.snapshot(vm).map(Into::into),
            None => Ok(value.clone()),
        };
        let (left, right): (Value, Value) = (plain(left)?, plain(right)?);
        if !crate::types::dict::is_dict(&left) || !crate::types::dict::is_dict(&right) {
            return Ok(crate::types::none::not_implemented());
        }
        vm.binary_operation(7, &left, &right)
    }

    #[slot(inplace_or)]
    fn inplace_or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let Some(this) = left.downcast::<FrameLocals>() else {
            return Ok(crate::types::none::not_implemented());
        };
        this.update(vm, right)?;
        Ok(left.clone())
    }

    /// The names of the variables.
    #[method("keys(self, /)")]
    fn keys(&self, vm: &Vm) -> PyResult<Vec<Value>> {
        Ok(self.snapshot(vm)?.keys())
    }

    /// The values of the variables.
    #[method("values(self, /)")]
    fn values(&self, vm: &Vm) -> PyResult<Vec<Value>> {
        Ok(self.snapshot(vm)?.values())
    }

    /// Names and values of the variables.
    #[method("items(self, /)")]
    fn items(&self, vm: &Vm) -> PyResult<Vec<(Value, Value)>> {
        Ok(self.snapshot(vm)?.pairs())
    }

    /// The value of a variable, or the default.
    #[method("get(self, key, default=None, /)")]
    fn get(&self, vm: &Vm, key: &Value, default: Option<Value>) -> PyResult {
        match self.get_item(vm, key) {
            Err(error) if error.is_key_error() => Ok(default.unwrap_or_else(none)),
            result => result,
        }
    }

    /// The value of a variable, set to the default if it has none.
    #[method("setdefault(self, key, default=None, /)")]
    fn setdefault(&self, vm: &Vm, key: &Value, default: Option<Value>) -> PyResult {
        match self.get_item(vm, key) {
            Err(error) if error.is_key_error() => {
                let default = default.unwrap_or_else(none);
                self.set_item(vm, key, Some(&default))?;
                Ok(default)
            }
            result => result,
        }
    }

    /// Remove a name that is no variable and return its value.
    #[method("pop(self, key, default=<unrepresentable>, /)")]
    fn pop(&self, vm: &Vm, key: &Value, default: Option<Value>) -> PyResult {
        if self.frame.index_of(key).is_some() {
            return Err(vm.value_error("cannot remove local variables from FrameLocalsProxy"));
        }
        let removed = match self.frame.extra_locals.get() {
            Some(extra) => extra.remove(vm, key)?,
            None => None,
        };
        removed.or(default).ok_or_else(|| vm.key_error(key))
    }

    /// Set variables from a mapping.
    #[method("update(self, other, /)")]
    fn update(&self, vm: &Vm, other: &Value) -> PyResult<()> {
        let from = Dict::new();
        match other.downcast::<FrameLocals>() {
            Some(locals) => from.merge(vm, &*locals.snapshot(vm)?, true)?,
            None => crate::types::dict::protocol::update_from(vm, &from, other)?,
        }
        for (key, value) in from.pairs() {
            self.set_item(vm, &key, Some(&value))?;
        }
        Ok(())
    }

    /// A dict of the variables as they are now.
    #[method("copy(self, /)")]
    fn copy(&self, vm: &Vm) -> PyResult<Ref<Dict>> {
        self.snapshot(vm)
    }

    /// An iterator over the names in reverse.
    #[method("__reversed__(self, /)")]
    fn reversed(&self, vm: &Vm) -> PyResult {
        let mut keys = self.snapshot(vm)?.keys();
        keys.reverse();
        let keys = crate::types::list::List::from_vec(keys).into_value();
        vm.iter(&keys)
    }
}
