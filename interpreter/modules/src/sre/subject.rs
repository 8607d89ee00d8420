//! What a pattern is applied to: text or bytes; and the search through it, match after match.

use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::string::build;
use rspy_runtime::types::string::{Characters, Kind, Str};
use rspy_runtime::value::Value;
use rspy_runtime::vm::{Vm, request};

use std::sync::atomic::Ordering;

use super::engine::{Interrupted, Mode, State};
use super::pattern::Pattern;

/// Text or bytes, kept alive and in place.
pub enum Subject {
    /// A string.
    Text(Ref<Str>),
    /// A bytes-like object.
    Bytes(BufferView),
}

impl Subject {
    /// The subject that a value is.
    pub fn new(vm: &Vm, value: &Value) -> PyResult<Subject> {
        if let Some(text) = value.downcast::<Str>() {
            return Ok(Subject::Text(text.to_ref()));
        }
        match buffer::view(vm, value) {
            Ok(view) => Ok(Subject::Bytes(view)),
            Err(_) => Err(vm.type_error(format!(
                "expected string or bytes-like object, got '{}'",
                value.type_of().full_name()
            ))),
        }
    }

    /// Whether it is bytes.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Subject::Bytes(_))
    }

    /// How long it is.
    pub fn len(&self) -> usize {
        match self {
            Subject::Text(text) => text.length(),
            Subject::Bytes(view) => view.len(),
        }
    }

    /// A part of it; `whole` is the object that it was made from.
    pub fn slice(&self, whole: &Value, start: usize, end: usize) -> Value {
        match self {
            Subject::Text(text) => text.slice(start, end).into_value(),
            Subject::Bytes(view) => {
                if start == 0 && end == view.len() && whole.downcast_exact::<Bytes>().is_some() {
                    return whole.clone();
                }
                // The object may have become shorter since a match was found in it.
                let data = view.as_slice();
                Bytes::new(&data[start.min(data.len())..end.min(data.len()).max(start.min(data.len()))]).into_value()
            }
        }
    }

    /// Nothing, of the same type.
    pub fn empty(&self) -> Value {
        match self {
            Subject::Text(_) => Str::empty().into_value(),
            Subject::Bytes(_) => Bytes::empty().into_value(),
        }
    }
}

/// A search through a subject.
pub struct Search<'p> {
    /// What is looked for.
    pub pattern: &'p Object<Pattern>,
    /// The object that is looked through.
    pub string: Value,
    /// Its contents.
    pub subject: Subject,
    /// Where the search began.
    pub first: usize,
    /// Where it ends.
    pub end: usize,
    /// Where it goes on.
    pub at: usize,
    /// Whether the next match may not be empty where it goes on.
    pub must_advance: bool,
    /// The last match.
    pub state: Box<State>,
}

impl<'p> Search<'p> {
    /// A search between two positions, which may lie outside.
    pub fn new(vm: &Vm, pattern: &'p Object<Pattern>, string: &Value, pos: isize, endpos: isize) -> PyResult<Self> {
        let subject = Subject::new(vm, string)?;
        pattern.check_kind(vm, &subject)?;
        let length = subject.len();
        let clamp = |position: isize| usize::try_from(position).unwrap_or(0).min(length);
        let (first, end) = (clamp(pos), clamp(endpos));
        let state = pattern.take_state();
        Ok(Search { pattern, string: string.clone(), subject, first, end, at: first, must_advance: false, state })
    }

    /// Looks for the next match.
    pub fn run(&mut self, vm: &Vm, mode: Mode) -> PyResult<bool> {
        let program = self.pattern.program();
        let mut raised: Option<Exception> = None;
        let mut interrupt = || {
            if vm.interpreter.requests.load(Ordering::Relaxed) & request::SIGNAL == 0 {
                return Ok(());
            }
            vm.check_signals().map_err(|error| {
                raised = Some(error);
                Interrupted
            })
        };
        let (state, at, must_advance) = (&mut *self.state, self.at, self.must_advance);
        let interrupt = &mut interrupt;
        let result = if self.at > self.end {
            Ok(false)
        } else {
            match &self.subject {
                Subject::Bytes(view) => {
                    state.run(program, &view.as_slice()[..self.end], at, mode, must_advance, interrupt)
                }
                Subject::Text(text) => match text.characters() {
                    Characters::One(data) => state.run(program, &data[..self.end], at, mode, must_advance, interrupt),
                    Characters::Two(data) => state.run(program, &data[..self.end], at, mode, must_advance, interrupt),
                    Characters::Four(data) => state.run(program, &data[..self.end], at, mode, must_advance, interrupt),
                },
            }
        };
        match (result, raised) {
            (Ok(found), _) => Ok(found),
            (Err(Interrupted), Some(error)) => Err(error),
            (Err(Interrupted), None) => Ok(false),
        }
    }

    /// Looks for the next match and makes the search go on behind it.
    pub fn advance(&mut self, vm: &Vm) -> PyResult<bool> {
        if !self.run(vm, Mode::Search)? {
            return Ok(false);
        }
        self.go_on();
        Ok(true)
    }

    /// Makes the search go on behind the match just found.
    pub fn go_on(&mut self) {
        self.must_advance = self.state.start == self.state.end;
        self.at = self.state.end;
    }

    /// A part of the string.
    pub fn slice(&self, start: usize, end: usize) -> Value {
        self.subject.slice(&self.string, start, end)
    }

    /// What a group, counted from 1, has matched.
    pub fn group(&self, number: usize) -> Option<Value> {
        self.state.group(number - 1).map(|(start, end)| self.slice(start, end))
    }
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        self.pattern.give_back_state(std::mem::take(&mut self.state));
    }
}

/// A piece of a string that is being put together.
pub enum Piece {
    /// A part of the subject.
    Part(usize, usize),
    /// A whole object.
    Object(Value),
}

/// Puts pieces together, with the errors of `join`.
pub fn join(vm: &Vm, subject: &Subject, pieces: &[Piece]) -> PyResult {
    match subject {
        Subject::Text(text) => {
            let whole = text.characters();
            let mut parts = Vec::with_capacity(pieces.len());
            let mut kind = Kind::Ascii;
            for (index, piece) in pieces.iter().enumerate() {
                let part = match piece {
                    Piece::Part(start, end) => {
                        let part = whole.slice(*start, *end);
                        if kind < text.kind() {
                            kind = kind.max(kind_of(part, text.kind()));
                        }
                        part
                    }
                    Piece::Object(object) => match object.downcast::<Str>() {
                        Some(text) => {
                            kind = kind.max(text.kind());
                            text.characters()
                        }
                        None => {
                            return Err(vm.type_error(format!(
                                "sequence item {index}: expected str instance, {} found",
                                object.type_of().full_name()
                            )));
                        }
                    },
                };
                parts.push(part);
            }
            Ok(build::join(&parts, kind).into_value())
        }
        Subject::Bytes(view) => {
            let mut out = Vec::new();
            for (index, piece) in pieces.iter().enumerate() {
                match piece {
                    Piece::Part(start, end) => out.extend_from_slice(&view.as_slice()[*start..*end]),
                    Piece::Object(object) => match buffer::view(vm, object) {
                        Ok(part) => out.extend_from_slice(part.as_slice()),
                        Err(_) => {
                            return Err(vm.type_error(format!(
                                "sequence item {index}: expected a bytes-like object, {} found",
                                object.type_of().full_name()
                            )));
                        }
                    },
                }
            }
            Ok(Bytes::new(out).into_value())
        }
    }
}

/// The narrowest kind that holds characters of a string of kind `at_most`.
fn kind_of(part: Characters<'_>, at_most: Kind) -> Kind {
    match part {
        _ if at_most == Kind::Ascii => Kind::Ascii,
        Characters::One(data) => {
            if data.is_ascii() {
                Kind::Ascii
            } else {
                Kind::Latin1
            }
        }
        Characters::Two(data) => Kind::of(u32::from(data.iter().fold(0, |all, &c| all | c))),
        Characters::Four(data) => Kind::of(data.iter().copied().max().unwrap_or(0)),
    }
}
