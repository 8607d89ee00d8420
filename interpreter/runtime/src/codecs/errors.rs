//! What to do with characters and bytes that an encoding has no place for.

use crate::exceptions::unicode::UnicodeDecodeError;
use crate::exceptions::{Exception, PyResult};
use crate::object::{Object, Ref};
use crate::types::bytes::Bytes;
use crate::types::int;
use crate::types::none::none;
use crate::types::string::build::StrBuilder;
use crate::types::string::{Characters, Str};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// The error handlers that are built in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handler {
    /// Raises the error.
    Strict,
    /// Leaves out what does not fit.
    Ignore,
    /// Question marks, or U+FFFD.
    Replace,
    /// `&#number;`
    XmlCharRefReplace,
    /// `\xNN`, `\uNNNN` and `\UNNNNNNNN`.
    BackslashReplace,
    /// `\N{name}`
    NameReplace,
    /// Bytes from 0x80 as the surrogates U+DC80 to U+DCFF (PEP 383).
    SurrogateEscape,
    /// Surrogates like other characters.
    SurrogatePass,
}

impl Handler {
    /// All of them.
    pub const ALL: [Handler; 8] = [
        Handler::Strict,
        Handler::Ignore,
        Handler::Replace,
        Handler::XmlCharRefReplace,
        Handler::BackslashReplace,
        Handler::NameReplace,
        Handler::SurrogateEscape,
        Handler::SurrogatePass,
    ];

    /// The name that it is asked for by.
    pub const fn name(self) -> &'static str {
        match self {
            Handler::Strict => "strict",
            Handler::Ignore => "ignore",
            Handler::Replace => "replace",
            Handler::XmlCharRefReplace => "xmlcharrefreplace",
            Handler::BackslashReplace => "backslashreplace",
            Handler::NameReplace => "namereplace",
            Handler::SurrogateEscape => "surrogateescape",
            Handler::SurrogatePass => "surrogatepass",
        }
    }
}

/// A chosen way to handle errors.
pub enum Errors {
    /// One that is built in.
    Builtin(Handler),
    /// One that is looked up in the registry when it is needed.
    Registered(Ref<Str>),
}

/// What is put in the place of characters that do not fit.
pub enum Replacement {
    /// Text that is still to be encoded.
    Text(Ref<Str>),
    /// Bytes as they are.
    Bytes(Vec<u8>),
}

impl Errors {
    /// Raise the error.
    pub const fn strict() -> Errors {
        Errors::Builtin(Handler::Strict)
    }

    /// Keep bytes as surrogates.
    pub const fn surrogateescape() -> Errors {
        Errors::Builtin(Handler::SurrogateEscape)
    }

    /// The handler with a name.
    pub fn named(name: &Object<Str>) -> Errors {
        match Handler::ALL.into_iter().find(|handler| name.equals_str(handler.name())) {
            Some(handler) => Errors::Builtin(handler),
            None => Errors::Registered(name.to_exact()),
        }
    }

    /// The replacement of characters that do not fit, and where to go on.
    ///
    /// # Errors
    /// `UnicodeEncodeError`, or what the handler raises.
    pub fn encoding(
        &self,
        vm: &Vm,
        encoding: &str,
        text: &Object<Str>,
        start: usize,
        end: usize,
        reason: &str,
    ) -> PyResult<(Replacement, usize)> {
        let error = || vm.unicode_encode_error(encoding, &text.as_value(), start, end, reason);
        match self {
            Errors::Builtin(handler) => {
                let part = text.characters().slice(start, end);
                replace_characters(vm, *handler, encoding, part)
                    .map_or_else(|| Err(error()), |replacement| Ok((replacement?, end)))
            }
            Errors::Registered(name) => {
                let (replacement, position) = call(vm, name, &error(), true)?;
                let next = place(vm, position, text.length())?;
                if let Some(bytes) = replacement.downcast::<Bytes>() {
                    return Ok((Replacement::Bytes(bytes.as_slice().to_vec()), next));
                }
                match replacement.downcast::<Str>() {
                    Some(text) => Ok((Replacement::Text(text.to_ref()), next)),
                    None => Err(wrong_answer(vm, true)),
                }
            }
        }
    }

    /// Whether surrogates that stand for bytes become those bytes.
    pub fn escapes_surrogates(&self) -> bool {
        matches!(self, Errors::Builtin(Handler::SurrogateEscape))
    }

    /// The replacement of bytes that do not fit, and where to go on.
    ///
    /// # Errors
    /// `UnicodeDecodeError`, or what the handler raises.
    pub fn decoding(
        &self,
        vm: &Vm,
        encoding: &str,
        input: &[u8],
        start: usize,
        end: usize,
        reason: &str,
    ) -> PyResult<Handled> {
        let object = Bytes::new(input).into_value();
        let error = || vm.unicode_decode_error(encoding, &object, start, end, reason);
        match self {
            Errors::Builtin(handler) => replace_bytes(*handler, encoding, input, start, end)
                .map(|(text, next)| Handled { text, next, replaced: None })
                .ok_or_else(error),
            Errors::Registered(name) => {
                let error = error();
                let (replacement, position) = call(vm, name, &error, false)?;
                let Some(text) = replacement.downcast::<Str>() else { return Err(wrong_answer(vm, false)) };
                let now = error.value().downcast::<UnicodeDecodeError>().and_then(|error| error.object.get());
                let Ok(now) = now.unwrap_or_else(none).downcast_into::<Bytes>() else {
                    return Err(vm.type_error("UnicodeError 'object' attribute must be a bytes"));
                };
                let next = place(vm, position, now.len())?;
                let replaced = Some(now).filter(|now| !now.is(&object));
                Ok(Handled { text: text.to_ref(), next, replaced })
            }
        }
    }
}

/// What the handler of a decoding error answers.
pub struct Handled {
    /// What to put in the place of the bytes.
    pub text: Ref<Str>,
    /// Where to go on.
    pub next: usize,
    /// Other bytes to go on with.
    pub replaced: Option<Ref<Bytes>>,
}

fn wrong_answer(vm: &Vm, encodes: bool) -> Exception {
    vm.type_error(if encodes {
        "encoding error handler must return (str/bytes, int) tuple"
    } else {
        "decoding error handler must return (str, int) tuple"
    })
}

/// Calls a registered handler; answers the replacement and where to go on, as it is.
fn call(vm: &Vm, name: &Object<Str>, error: &Exception, encodes: bool) -> PyResult<(Value, i64)> {
    let handler = super::registry::lookup_error(vm, name)?;
    let answer = vm.call(&handler, std::slice::from_ref(error.value()))?;
    let items = answer.downcast::<Tuple>().map_or(&[][..], |tuple| tuple.payload().items());
    let [replacement, position] = items else { return Err(wrong_answer(vm, encodes)) };
    if !int::is_int(position) {
        return Err(wrong_answer(vm, encodes));
    }
    Ok((replacement.clone(), int::small_value(position).unwrap_or(i64::MAX)))
}

/// The place in the input that a handler means.
fn place(vm: &Vm, position: i64, length: usize) -> PyResult<usize> {
    let next = if position < 0 { position + length as i64 } else { position };
    match usize::try_from(next) {
        Ok(next) if next <= length => Ok(next),
        _ => Err(vm.index_error(format!("position {next} from error handler out of bounds"))),
    }
}

fn is_surrogate(c: u32) -> bool {
    (0xd800..0xe000).contains(&c)
}

/// What a handler puts in the place of characters; `None` where it gives up.
pub(super) fn replace_characters(
    vm: &Vm,
    handler: Handler,
    encoding: &str,
    part: Characters<'_>,
) -> Option<PyResult<Replacement>> {
    let text = |text: String| Some(Ok(Replacement::Text(Str::new(&text))));
    match handler {
        Handler::Strict => None,
        Handler::Ignore => text(String::new()),
        Handler::Replace => text("?".repeat(part.len())),
        Handler::XmlCharRefReplace => text(part.iter().map(|c| format!("&#{c};")).collect()),
        Handler::BackslashReplace => text(part.iter().map(backslashed).collect()),
        Handler::NameReplace => Some(named(vm, part).map(Replacement::Text)),
        Handler::SurrogateEscape => {
            let bytes: Option<Vec<u8>> =
                part.iter().map(|c| (0xdc80..=0xdcff).contains(&c).then(|| (c - 0xdc00) as u8)).collect();
            bytes.map(|bytes| Ok(Replacement::Bytes(bytes)))
        }
        Handler::SurrogatePass => {
            let form = Form::of(encoding)?;
            if !part.iter().all(is_surrogate) {
                return None;
            }
            let mut out = Vec::new();
            part.iter().for_each(|c| form.push(&mut out, c));
            Some(Ok(Replacement::Bytes(out)))
        }
    }
}

/// `\xNN`, `\uNNNN` or `\UNNNNNNNN`.
pub(super) fn backslashed(c: u32) -> String {
    match c {
        0..=0xff => format!("\\x{c:02x}"),
        0x100..=0xffff => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    }
}

/// `\N{name}`, or the number for characters without a name.
fn named(vm: &Vm, part: Characters<'_>) -> PyResult<Ref<Str>> {
    let module = crate::import::import_module(vm, "unicodedata")?;
    let mut out = StrBuilder::new();
    for c in part.iter() {
        let empty = Str::empty().into_value();
        let name = vm.call_method_str(&module, "name", &[Str::from_char(c).into_value(), empty])?;
        match name.downcast::<Str>().filter(|name| name.length() > 0) {
            Some(name) => {
                out.push_str("\\N{");
                out.push_object(name);
                out.push_str("}");
            }
            None => out.push_str(&backslashed(c)),
        }
    }
    Ok(out.finish())
}

/// What a handler puts in the place of bytes, and where to go on; `None` where it gives up.
pub(super) fn replace_bytes(
    handler: Handler,
    encoding: &str,
    input: &[u8],
    start: usize,
    end: usize,
) -> Option<(Ref<Str>, usize)> {
    match handler {
        Handler::Strict | Handler::XmlCharRefReplace | Handler::NameReplace => None,
        Handler::Ignore => Some((Str::empty(), end)),
        Handler::Replace => Some((Str::from_char(0xfffd), end)),
        Handler::BackslashReplace => {
            let text: String = input[start..end].iter().map(|byte| format!("\\x{byte:02x}")).collect();
            Some((Str::new(&text), end))
        }
        Handler::SurrogateEscape => {
            let bytes = &input[start..end.min(start + 4)];
            let escaped: Vec<u32> = bytes
                .iter()
                .take_while(|byte| **byte >= 0x80)
                .map(|&byte| 0xdc00 + u32::from(byte))
                .collect();
            if escaped.is_empty() {
                return None;
            }
            Some((Str::from_code_points(&escaped), start + escaped.len()))
        }
        Handler::SurrogatePass => {
            let form = Form::of(encoding)?;
            let (c, length) = form.read(&input[start..])?;
            is_surrogate(c).then(|| (Str::from_code_points(&[c]), start + length))
        }
    }
}

/// How an encoding writes a surrogate.
#[derive(Clone, Copy)]
enum Form {
    Utf8,
    Utf16 { big: bool },
    Utf32 { big: bool },
}

impl Form {
    fn of(encoding: &str) -> Option<Form> {
        let name = encoding.to_ascii_lowercase().replace('_', "-");
        let native = cfg!(target_endian = "big");
        Some(match name.as_str() {
            "utf-8" | "utf8" | "cp65001" => Form::Utf8,
            "utf-16" | "utf16" => Form::Utf16 { big: native },
            "utf-16-le" | "utf-16le" | "utf16-le" | "utf16le" => Form::Utf16 { big: false },
            "utf-16-be" | "utf-16be" | "utf16-be" | "utf16be" => Form::Utf16 { big: true },
            "utf-32" | "utf32" => Form::Utf32 { big: native },
            "utf-32-le" | "utf-32le" | "utf32-le" | "utf32le" => Form::Utf32 { big: false },
            "utf-32-be" | "utf-32be" | "utf32-be" | "utf32be" => Form::Utf32 { big: true },
            _ => return None,
        })
    }

    fn push(self, out: &mut Vec<u8>, c: u32) {
        match self {
            Form::Utf8 => crate::types::string::build::push_wtf8(out, c),
            Form::Utf16 { big: false } => out.extend((c as u16).to_le_bytes()),
            Form::Utf16 { big: true } => out.extend((c as u16).to_be_bytes()),
            Form::Utf32 { big: false } => out.extend(c.to_le_bytes()),
            Form::Utf32 { big: true } => out.extend(c.to_be_bytes()),
        }
    }

    fn read(self, input: &[u8]) -> Option<(u32, usize)> {
        match (self, input) {
            (Form::Utf8, &[0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..]) => {
                Some((0xd000 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f), 3))
            }
            (Form::Utf16 { big }, &[a, b, ..]) => {
                let pair = [a, b];
                Some((u32::from(if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }), 2))
            }
            (Form::Utf32 { big }, &[a, b, c, d, ..]) => {
                let four = [a, b, c, d];
                Some((if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }, 4))
            }
            _ => None,
        }
    }
}
