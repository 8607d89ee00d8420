//! `StringIO`: a stream of text in memory.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::build::{self, StrBuilder};
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::base::{TextIOBase, finalize_stream, size_argument};
use super::newline::{LineEnding, Newlines, line_end, replace_line_feeds};

/// Text I/O implementation using an in-memory buffer.
///
/// The initial_value argument sets the value of object. The newline argument is like the one of TextIOWrapper's
/// constructor.
#[pyclass(
    name = "StringIO", hides_del, module = "_io", extends = TextIOBase, tracked, subclassable,
    signature = "(initial_value='', newline='\\n')"
)]
#[repr(C)]
pub struct StringIO {
    base: TextIOBase,
    #[untraced]
    contents: GilCell<Contents>,
    position: Cell<usize>,
    closed: Cell<bool>,
    ready: Cell<bool>,
    /// The translation of what is written, where there is one.
    #[untraced]
    newlines: GilCell<Option<Newlines>>,
    /// What `\n` becomes when it is written, `None` where it stays.
    write_as: Cell<Option<&'static str>>,
    #[untraced]
    newline: GilCell<Option<String>>,
}

/// The text: while it only grows it is being built, else it lies as code points.
enum Contents {
    Growing(StrBuilder),
    Points(Vec<u32>),
}

impl Default for Contents {
    fn default() -> Self {
        Contents::Growing(StrBuilder::new())
    }
}

impl Contents {
    fn len(&self) -> usize {
        match self {
            Contents::Growing(text) => text.len(),
            Contents::Points(points) => points.len(),
        }
    }

    /// The text as code points, from now on.
    fn points(&mut self) -> &mut Vec<u32> {
        if let Contents::Growing(text) = self {
            let text = std::mem::take(text).finish();
            *self = Contents::Points(text.characters().to_vec());
        }
        match self {
            Contents::Points(points) => points,
            Contents::Growing(_) => unreachable!("changed above"),
        }
    }

    fn write(&mut self, position: usize, text: &Object<Str>) {
        match self {
            Contents::Growing(built) if built.len() == position => built.push_object(text),
            _ => {
                let points = self.points();
                let end = position + text.length();
                if points.len() < end {
                    points.resize(end, 0);
                }
                for (place, c) in points[position..end].iter_mut().zip(text.characters().iter()) {
                    *place = c;
                }
            }
        }
    }
}

impl StringIO {
    fn check_open(&self, vm: &Vm) -> PyResult<()> {
        if !self.ready.get() {
            return Err(vm.value_error("I/O operation on uninitialized object"));
        }
        if self.closed.get() {
            return Err(vm.value_error("I/O operation on closed file"));
        }
        Ok(())
    }

    fn put(&self, text: &Object<Str>) {
        let translated = match &*self.newlines.borrow() {
            Some(newlines) => newlines.decode(text, true),
            None => text.to_exact(),
        };
        let written = match self.write_as.get() {
            Some(by) => replace_line_feeds(&translated, by),
            None => translated,
        };
        let position = self.position.get();
        self.contents.borrow_mut().write(position, &written);
        self.position.set(position + written.length());
    }

    fn text(&self) -> Ref<Str> {
        let mut contents = self.contents.borrow_mut();
        match &mut *contents {
            Contents::Growing(built) => {
                // The text is handed out and building goes on from a copy of it.
                let text = std::mem::take(built).finish();
                built.push_object(&text);
                text
            }
            Contents::Points(points) => build::from_characters(Characters::Four(points)),
        }
    }

    /// Takes from the position up to an end that `end` finds.
    fn take(&self, end: impl FnOnce(&[u32], usize) -> usize) -> Ref<Str> {
        let mut contents = self.contents.borrow_mut();
        let position = self.position.get();
        if position >= contents.len() {
            return Str::empty();
        }
        let points = contents.points();
        let end = end(points, position);
        let text = build::from_characters(Characters::Four(&points[position..end]));
        self.position.set(end);
        text
    }

    fn take_line(&self, most: Option<usize>) -> Ref<Str> {
        let ending = match (self.newlines.borrow().as_ref(), self.newline.borrow().as_deref()) {
            (Some(newlines), _) if newlines.translate => LineEnding::LineFeed,
            (Some(_), _) => LineEnding::Any,
            (None, Some("\r")) => LineEnding::CarriageReturn,
            (None, Some("\r\n")) => LineEnding::Both,
            _ => LineEnding::LineFeed,
        };
        self.take(|points, start| {
            let most = most.map_or(points.len(), |most| start.saturating_add(most).min(points.len()));
            line_end(Characters::Four(&points[..most]), start, &ending).unwrap_or(most)
        })
    }

    fn set_up(&self, vm: &Vm, initial: Option<&Value>, newline: Option<&Value>) -> PyResult<()> {
        let newline = match newline {
            None => Some("\n".to_owned()),
            Some(given) if is_none(given) => None,
            Some(given) => match given.downcast::<Str>() {
                Some(text) => Some(text.to_string_lossy().into_owned()),
                None => {
                    return Err(vm.type_error(format!(
                        "StringIO() argument 'newline' must be str or None, not {}",
                        given.type_of().full_name()
                    )));
                }
            },
        };
        if !matches!(newline.as_deref(), None | Some("" | "\n" | "\r" | "\r\n")) {
            let shown = vm.repr(newline_value(vm, newline.as_deref()).as_ref().unwrap_or(&none()))?;
            return Err(vm.value_error(format!("illegal newline value: {}", shown.to_string_lossy())));
        }
        let initial = match initial.filter(|initial| !is_none(initial)) {
            None => None,
            Some(initial) => match initial.downcast::<Str>() {
                Some(text) => Some(text),
                None => {
                    return Err(vm.type_error(format!(
                        "initial_value must be str or None, not {}",
                        initial.type_of().full_name()
                    )));
                }
            },
        };
        self.contents.set(Contents::default());
        self.position.set(0);
        let universal = newline.as_deref().is_none_or(str::is_empty);
        self.newlines.set(universal.then(|| Newlines::new(newline.is_none())));
        self.write_as.set(match newline.as_deref() {
            Some("\r") => Some("\r"),
            Some("\r\n") => Some("\r\n"),
            _ => None,
        });
        self.newline.set(newline);
        self.closed.set(false);
        self.ready.set(true);
        if let Some(initial) = initial {
            self.put(initial);
            self.position.set(0);
        }
        Ok(())
    }
}

fn newline_value(vm: &Vm, newline: Option<&str>) -> Option<Value> {
    newline.map(|newline| vm.new_str(newline))
}

#[pymethods]
impl StringIO {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(
            cls,
            StringIO {
                base: TextIOBase::new(),
                contents: GilCell::default(),
                position: Cell::new(0),
                closed: Cell::new(false),
                ready: Cell::new(false),
                newlines: GilCell::new(None),
                write_as: Cell::new(None),
                newline: GilCell::new(None),
            },
        )
        .into_value())
    }

    #[init("StringIO(initial_value='', newline='\\n')")]
    fn init(&self, vm: &Vm, initial_value: Option<&Value>, newline: Option<&Value>) -> PyResult<()> {
        self.set_up(vm, initial_value, newline)
    }

    #[slot(finalize)]
    fn finalize(vm: &Vm, this: &Value) {
        // Nothing is lost when a plain object ends; classes derived from it may want to be closed.
        if this.downcast_exact::<StringIO>().is_none() {
            finalize_stream(vm, this);
        }
    }

    #[slot(next)]
    fn next(vm: &Vm, this: &Value) -> PyResult<Option<Value>> {
        let stream = rspy_runtime::convert::object_of::<StringIO>(this);
        stream.check_open(vm)?;
        if this.downcast_exact::<StringIO>().is_some() {
            let line = stream.take_line(None);
            return Ok(if line.length() == 0 { None } else { Some(line.into_value()) });
        }
        let line = vm.call_method_str(this, "readline", &[])?;
        if line.downcast::<Str>().is_none() {
            return Err(vm.os_error_message(format!(
                "readline() should have returned a str object, not '{}'",
                line.type_of().full_name()
            )));
        }
        Ok(if vm.length(&line)? == 0 { None } else { Some(line) })
    }

    #[getter("closed")]
    fn closed(&self, vm: &Vm) -> PyResult<bool> {
        if !self.ready.get() {
            return Err(vm.value_error("I/O operation on uninitialized object"));
        }
        Ok(self.closed.get())
    }

    #[getter("line_buffering")]
    fn line_buffering(&self, vm: &Vm) -> PyResult<bool> {
        self.check_open(vm).map(|()| false)
    }

    #[getter("newlines")]
    fn newlines(&self, vm: &Vm) -> PyResult {
        self.check_open(vm)?;
        Ok(self.newlines.borrow().as_ref().map_or_else(none, |newlines| newlines.shown(vm)))
    }

    /// Returns True if the IO object can be read.
    #[method("readable(self, /)")]
    fn readable(&self, vm: &Vm) -> PyResult<bool> {
        self.check_open(vm).map(|()| true)
    }

    /// Returns True if the IO object can be written.
    #[method("writable(self, /)")]
    fn writable(&self, vm: &Vm) -> PyResult<bool> {
        self.check_open(vm).map(|()| true)
    }

    /// Returns True if the IO object can be seeked.
    #[method("seekable(self, /)")]
    fn seekable(&self, vm: &Vm) -> PyResult<bool> {
        self.check_open(vm).map(|()| true)
    }

    /// Retrieve the entire contents of the object.
    #[method("getvalue(self, /)")]
    fn getvalue(&self, vm: &Vm) -> PyResult<Ref<Str>> {
        self.check_open(vm)?;
        Ok(self.text())
    }

    /// Tell the current file position.
    #[method("tell(self, /)")]
    fn tell(&self, vm: &Vm) -> PyResult<usize> {
        self.check_open(vm)?;
        Ok(self.position.get())
    }

    /// Read at most size characters, returned as a string.
    #[method("read(self, size=-1, /)")]
    fn read(&self, vm: &Vm, size: Option<&Value>) -> PyResult<Ref<Str>> {
        self.check_open(vm)?;
        let most = size_argument(vm, size)?;
        if self.position.get() == 0 && most.is_none_or(|most| most >= self.contents.borrow().len()) {
            let text = self.text();
            self.position.set(text.length());
            return Ok(text);
        }
        Ok(self.take(|points, start| most.map_or(points.len(), |most| start.saturating_add(most).min(points.len()))))
    }

    /// Read until newline or EOF.
    #[method("readline(self, size=-1, /)")]
    fn readline(&self, vm: &Vm, size: Option<&Value>) -> PyResult<Ref<Str>> {
        self.check_open(vm)?;
        Ok(self.take_line(size_argument(vm, size)?))
    }

    /// Truncate size to pos.
    #[method("truncate(self, pos=None, /)")]
    fn truncate(&self, vm: &Vm, pos: Option<&Value>) -> PyResult<usize> {
        self.check_open(vm)?;
        let size = match pos.filter(|pos| !is_none(pos)) {
            None => self.position.get(),
            Some(pos) => match size_argument(vm, Some(pos))? {
                Some(size) => size,
                None => {
                    let shown = vm.str(&vm.index(pos)?)?;
                    return Err(vm.value_error(format!("negative pos value {}", shown.to_string_lossy())));
                }
            },
        };
        let mut contents = self.contents.borrow_mut();
        if size < contents.len() {
            contents.points().truncate(size);
        }
        Ok(size)
    }

    /// Change stream position.
    #[method("seek(self, pos, whence=0, /)")]
    fn seek(&self, vm: &Vm, pos: isize, whence: i32) -> PyResult<usize> {
        self.check_open(vm)?;
        if !(0..=2).contains(&whence) {
            return Err(vm.value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)")));
        }
        if pos < 0 && whence == 0 {
            return Err(vm.value_error(format!("Negative seek position {pos}")));
        }
        if whence != 0 && pos != 0 {
            return Err(vm.os_error_message("Can't do nonzero cur-relative seeks"));
        }
        self.position.set(match whence {
            0 => pos as usize,
            1 => self.position.get(),
            _ => self.contents.borrow().len(),
        });
        Ok(self.position.get())
    }

    /// Write string to file.
    #[method("write(self, s, /)")]
    fn write(&self, vm: &Vm, s: &Value) -> PyResult<usize> {
        let Some(text) = s.downcast::<Str>() else {
            return Err(vm.type_error(format!("string argument expected, got '{}'", s.type_of().full_name())));
        };
        self.check_open(vm)?;
        if text.length() > 0 {
            self.put(text);
        }
        Ok(text.length())
    }

    /// Close the IO object.
    #[method("close(self, /)")]
    fn close(&self) {
        self.closed.set(true);
        self.contents.set(Contents::default());
    }

    #[method("__getstate__(self, /)")]
    fn getstate(vm: &Vm, this: &Value) -> PyResult {
        let stream = rspy_runtime::convert::object_of::<StringIO>(this);
        stream.check_open(vm)?;
        let value = stream.text().into_value();
        let newline = newline_value(vm, stream.newline.borrow().as_deref()).unwrap_or_else(none);
        let position = int::new(stream.position.get() as i64);
        let dict = rspy_runtime::types::typ::instance::dict(vm, this);
        let dict = if dict.is_empty() { none() } else { dict.copy().into_value() };
        Ok(Tuple::from_values([value, newline, position, dict]).into_value())
    }

    #[method("__setstate__(self, state, /)")]
    fn setstate(vm: &Vm, this: &Value, state: &Value) -> PyResult<()> {
        let stream = rspy_runtime::convert::object_of::<StringIO>(this);
        let Some([value, newline, position, dict]) = state.downcast::<Tuple>().map(|state| state.items()) else {
            return Err(vm.type_error(format!(
                "{}.__setstate__ argument should be 4-tuple, got {}",
                this.type_of().full_name(),
                state.type_of().full_name()
            )));
        };
        stream.set_up(vm, None, Some(newline))?;
        let Some(text) = value.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "first item of state must be a str, not {}",
                value.type_of().full_name()
            )));
        };
        // The text was translated when it was written.
        stream.contents.borrow_mut().write(0, text);
        if !int::is_int(position) {
            return Err(vm.type_error(format!(
                "third item of state must be an integer, got {}",
                position.type_of().full_name()
            )));
        }
        let position: isize = int::to_fixed(vm, position, "index")?;
        match usize::try_from(position) {
            Ok(position) => stream.position.set(position),
            Err(_) => return Err(vm.value_error("position value cannot be negative")),
        }
        if !is_none(dict) {
            let Some(dict) = dict.downcast::<Dict>() else {
                return Err(vm.type_error(format!(
                    "fourth item of state should be a dict, got a {}",
                    dict.type_of().full_name()
                )));
            };
            rspy_runtime::types::typ::instance::dict(vm, this).merge(vm, dict, true)?;
        }
        Ok(())
    }
}
