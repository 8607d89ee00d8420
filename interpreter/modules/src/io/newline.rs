//! Universal newlines: the translation itself, and `IncrementalNewlineDecoder`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

const CR: u32 = b'\r' as u32;
const LF: u32 = b'\n' as u32;

/// Line endings that were seen.
pub mod seen {
    /// `\r`
    pub const CR: u8 = 1;
    /// `\n`
    pub const LF: u8 = 2;
    /// `\r\n`
    pub const CRLF: u8 = 4;
}

/// The state of a translation.
#[derive(Default)]
pub struct Newlines {
    /// Whether all line endings become `\n`.
    pub translate: bool,
    /// Whether a `\r` was held back, behind which a `\n` may come.
    pub pending_cr: Cell<bool>,
    /// Which line endings were seen.
    pub seen: Cell<u8>,
}

impl Newlines {
    /// A translation at its start.
    pub fn new(translate: bool) -> Newlines {
        Newlines { translate, ..Newlines::default() }
    }

    /// The next part of the text.
    pub fn decode(&self, text: &Object<Str>, last: bool) -> Ref<Str> {
        let length = text.length();
        let characters = text.characters();
        let held = self.pending_cr.get() && (length > 0 || last);
        let ends_with_cr = !last && length > 0 && characters.get(length - 1) == CR;
        if held {
            self.pending_cr.set(false);
        }
        if !held && !ends_with_cr && !has_cr(characters) {
            if self.seen.get() & seen::LF == 0 && has(characters, LF) {
                self.seen.set(self.seen.get() | seen::LF);
            }
            return text.to_exact();
        }
        let end = if ends_with_cr { length - 1 } else { length };
        if ends_with_cr {
            self.pending_cr.set(true);
        }
        self.translate(characters, end, held)
    }

    fn translate(&self, characters: Characters<'_>, end: usize, held: bool) -> Ref<Str> {
        let mut out = StrBuilder::with_capacity(end + 1);
        let mut found = self.seen.get();
        let mut index = 0;
        let mut before_is_cr = held;
        loop {
            let character = if index < end { Some(characters.get(index)) } else { None };
            if before_is_cr {
                before_is_cr = false;
                if character == Some(LF) {
                    found |= seen::CRLF;
                    if !self.translate {
                        out.push(CR);
                    }
                    out.push(LF);
                    index += 1;
                    continue;
                }
                found |= seen::CR;
                out.push(if self.translate { LF } else { CR });
            }
            match character {
                None => break,
                Some(CR) => before_is_cr = true,
                Some(other) => {
                    if other == LF {
                        found |= seen::LF;
                    }
                    out.push(other);
                }
            }
            index += 1;
        }
        self.seen.set(found);
        out.finish()
    }

    /// The line endings seen, as `newlines` shows them.
    pub fn shown(&self, vm: &Vm) -> Value {
        let mut endings = Vec::new();
        for (bit, ending) in [(seen::CR, "\r"), (seen::LF, "\n"), (seen::CRLF, "\r\n")] {
            if self.seen.get() & bit != 0 {
                endings.push(vm.new_str(ending));
            }
        }
        match endings.len() {
            0 => none(),
            1 => endings.remove(0),
            _ => Tuple::from_values(endings).into_value(),
        }
    }
}

fn has(characters: Characters<'_>, wanted: u32) -> bool {
    match characters {
        Characters::One(data) => memchr::memchr(wanted as u8, data).is_some(),
        Characters::Two(data) => data.contains(&(wanted as u16)),
        Characters::Four(data) => data.contains(&wanted),
    }
}

fn has_cr(characters: Characters<'_>) -> bool {
    has(characters, CR)
}

/// Codec used when reading a file in universal newlines mode.
///
/// It wraps another incremental decoder, translating \r\n and \r into \n. When used with decoder=None, it expects
/// unicode strings as decode input.
#[pyclass(
    name = "IncrementalNewlineDecoder", hides_new, module = "_io", tracked, subclassable,
    signature = "(decoder, translate, errors='strict')"
)]
pub struct IncrementalNewlineDecoder {
    decoder: GilCell<Option<Value>>,
    #[untraced]
    newlines: GilCell<Option<Newlines>>,
}

impl IncrementalNewlineDecoder {
    fn with<R>(&self, vm: &Vm, run: impl FnOnce(&Newlines) -> R) -> PyResult<R> {
        match &*self.newlines.borrow() {
            Some(newlines) => Ok(run(newlines)),
            None => Err(vm.value_error("IncrementalNewlineDecoder.__init__() not called")),
        }
    }
}

#[pymethods]
impl IncrementalNewlineDecoder {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        let decoder = IncrementalNewlineDecoder { decoder: GilCell::default(), newlines: GilCell::new(None) };
        Ok(Object::with_type(cls, decoder).into_value())
    }

    #[init("IncrementalNewlineDecoder(decoder, translate, errors='strict')")]
    fn init(&self, decoder: &Value, translate: bool, errors: Option<&Value>) -> PyResult<()> {
        // Errors are the inner decoder's; the argument is taken for the sake of its siblings.
        let _ = errors;
        self.decoder.set(if is_none(decoder) { None } else { Some(decoder.clone()) });
        self.newlines.set(Some(Newlines::new(translate)));
        Ok(())
    }

    #[method("decode(self, input, final=False)")]
    fn decode(&self, vm: &Vm, input: &Value, last: bool) -> PyResult<Ref<Str>> {
        self.with(vm, |_| ())?;
        let decoded = match self.decoder.get() {
            Some(decoder) => {
                vm.call_method_str(&decoder, "decode", &[input.clone(), rspy_runtime::types::bool::boolean(last)])?
            }
            None => input.clone(),
        };
        let Some(text) = decoded.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "decoder should return a string result, not '{}'",
                decoded.type_of().full_name()
            )));
        };
        self.with(vm, |newlines| newlines.decode(text, last))
    }

    #[method("getstate(self, /)")]
    fn getstate(&self, vm: &Vm) -> PyResult {
        let pending = self.with(vm, |newlines| newlines.pending_cr.get())?;
        let (buffer, flag) = match self.decoder.get() {
            None => (Bytes::new(Vec::new()).into_value(), 0),
            Some(decoder) => {
                let state = vm.call_method_str(&decoder, "getstate", &[])?;
                let Some(items) = state.downcast::<Tuple>().filter(|state| state.items().len() == 2) else {
                    return Err(vm.type_error("illegal decoder state"));
                };
                (items.items()[0].clone(), int::to_fixed::<i64>(vm, &items.items()[1], "long")?)
            }
        };
        Ok(Tuple::from_values([buffer, int::new(flag << 1 | i64::from(pending))]).into_value())
    }

    #[method("setstate(self, state, /)")]
    fn setstate(&self, vm: &Vm, state: &Value) -> PyResult<()> {
        let Some(items) = state.downcast::<Tuple>() else { return Err(vm.type_error("state argument must be a tuple")) };
        let [buffer, flag] = items.items() else { return Err(vm.type_error("illegal decoder state")) };
        let flag: i64 = int::to_fixed(vm, flag, "long")?;
        self.with(vm, |newlines| newlines.pending_cr.set(flag & 1 != 0))?;
        if let Some(decoder) = self.decoder.get() {
            let inner = Tuple::from_values([buffer.clone(), int::new(flag >> 1)]).into_value();
            vm.call_method_str(&decoder, "setstate", &[inner])?;
        }
        Ok(())
    }

    #[method("reset(self, /)")]
    fn reset(&self, vm: &Vm) -> PyResult<()> {
        self.with(vm, |newlines| {
            newlines.pending_cr.set(false);
            newlines.seen.set(0);
        })?;
        if let Some(decoder) = self.decoder.get() {
            vm.call_method_str(&decoder, "reset", &[])?;
        }
        Ok(())
    }

    #[getter("newlines")]
    fn newlines(&self, vm: &Vm) -> PyResult {
        self.with(vm, |newlines| newlines.shown(vm))
    }
}

/// Where the first line in some characters ends, line endings included; nothing where it does not end.
pub fn line_end(characters: Characters<'_>, start: usize, ending: &LineEnding) -> Option<usize> {
    match ending {
        LineEnding::LineFeed => find(characters, start, LF).map(|at| at + 1),
        LineEnding::CarriageReturn => find(characters, start, CR).map(|at| at + 1),
        LineEnding::Both => {
            let mut from = start;
            while let Some(at) = find(characters, from, CR) {
                if at + 1 < characters.len() && characters.get(at + 1) == LF {
                    return Some(at + 2);
                }
                from = at + 1;
            }
            None
        }
        LineEnding::Any => {
            let line_feed = find(characters, start, LF);
            let before = line_feed.unwrap_or(characters.len());
            match find(characters.slice(0, before), start, CR) {
                None => line_feed.map(|at| at + 1),
                Some(at) if at + 1 < characters.len() && characters.get(at + 1) == LF => Some(at + 2),
                Some(at) => Some(at + 1),
            }
        }
    }
}

/// What ends a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnding {
    /// `\n`
    LineFeed,
    /// `\r`
    CarriageReturn,
    /// `\r\n`
    Both,
    /// Any of the three.
    Any,
}

fn find(characters: Characters<'_>, start: usize, wanted: u32) -> Option<usize> {
    match characters {
        Characters::One(data) => memchr::memchr(wanted as u8, &data[start..]),
        Characters::Two(data) => data[start..].iter().position(|&c| u32::from(c) == wanted),
        Characters::Four(data) => data[start..].iter().position(|&c| c == wanted),
    }
    .map(|at| at + start)
}

/// A text with every `\n` replaced.
pub fn replace_line_feeds(text: &Object<Str>, by: &str) -> Ref<Str> {
    if !has(text.characters(), LF) {
        return text.to_exact();
    }
    let mut out = StrBuilder::with_capacity(text.length() + 16);
    let mut start = 0;
    while let Some(at) = find(text.characters(), start, LF) {
        out.push_characters(text.characters().slice(start, at));
        out.push_str(by);
        start = at + 1;
    }
    out.push_characters(text.characters().slice(start, text.length()));
    out.finish()
}

