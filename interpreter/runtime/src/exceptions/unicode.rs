//! `UnicodeEncodeError`, `UnicodeDecodeError` and `UnicodeTranslateError`: errors with a place in a text or in bytes.

use std::cell::Cell;

use rspy_macros::pyclass;

use crate::cell::GilCell;
use crate::exceptions::base::{self, BaseException, ExceptionPayload};
use crate::exceptions::fields::member;
use crate::exceptions::hierarchy::UnicodeError;
use crate::exceptions::{Exception, PyResult};
use crate::native::GetSetDef;
use crate::object::{Object, Payload};
use crate::slots::KeywordNames;
use crate::types::bytes::Bytes;
use crate::types::int;
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::value::Value;
use crate::vm::Vm;

macro_rules! unicode_error {
    ($(#[$($meta:tt)*])* $name:ident) => {
        $(#[$($meta)*])*
        #[pyclass(extends = UnicodeError, tracked, subclassable)]
        #[repr(C)]
        pub struct $name {
            base: BaseException,
            /// The encoding's name.
            pub encoding: GilCell<Option<Value>>,
            /// What was being converted.
            pub object: GilCell<Option<Value>>,
            /// Why it could not be.
            pub reason: GilCell<Option<Value>>,
            /// Where the trouble begins.
            #[untraced]
            pub start: Cell<isize>,
            /// Where it ends.
            #[untraced]
            pub end: Cell<isize>,
        }

        impl ExceptionPayload for $name {
            fn empty(base: BaseException) -> Self {
                $name {
                    base,
                    encoding: GilCell::default(),
                    object: GilCell::default(),
                    reason: GilCell::default(),
                    start: Cell::new(0),
                    end: Cell::new(0),
                }
            }
        }

        impl $name {
            #[doc(hidden)]
            pub const METHODS: &'static [crate::native::NativeDef] = &[];
            #[doc(hidden)]
            pub const ATTRIBUTES: &'static [GetSetDef] = &[
                member!($name.encoding, "encoding", "exception encoding"),
                member!($name.object, "object", "exception object"),
                position!($name.start, "start", "exception start"),
                position!($name.end, "end", "exception end"),
                member!($name.reason, "reason", "exception reason"),
            ];
            #[doc(hidden)]
            #[allow(clippy::declare_interior_mutable_const)]
            pub const SLOTS: crate::slots::Slots = crate::slots::Slots {
                new: Cell::new(Some(base::new)),
                init: Cell::new(Some($name::init)),
                str: Cell::new(Some($name::str)),
                ..crate::slots::Slots::EMPTY
            };

            /// What all exceptions have.
            pub const fn base(&self) -> &BaseException {
                &self.base
            }

            fn fill(&self, encoding: Option<Value>, object: Value, start: isize, end: isize, reason: Value) {
                self.encoding.set(encoding);
                self.object.set(Some(object));
                self.start.set(start);
                self.end.set(end);
                self.reason.set(Some(reason));
            }

            /// The text before the colon and the reason; nothing where the object is not set.
            fn describe(
                &self,
                vm: &Vm,
                verb: &str,
                singular: impl FnOnce(&Value, isize) -> PyResult<String>,
                plural: &str,
                encodes: bool,
                is_bytes: bool,
            ) -> PyResult {
                if self.object.get().is_none() {
                    return Ok(vm.new_str(""));
                }
                let reason = str_or_null(vm, self.reason.get())?;
                let encoding = if encodes { Some(str_or_null(vm, self.encoding.get())?) } else { None };
                let object = self.object.get().unwrap_or_else(crate::types::none::none);
                let right = if is_bytes { object.downcast::<Bytes>().is_some() } else { object.downcast::<Str>().is_some() };
                if !right {
                    let what = if is_bytes { "bytes" } else { "string" };
                    return Err(vm.type_error(format!("UnicodeError 'object' attribute must be a {what}")));
                }
                let length = vm.length(&object)? as isize;
                let (start, end) = (self.start.get(), self.end.get());
                let mut out = StrBuilder::new();
                if let Some(encoding) = &encoding {
                    out.push('\'' as u32);
                    out.push_object(encoding);
                    out.push_str("' codec ");
                }
                out.push_str(verb);
                if (0..length).contains(&start) && end <= length && end == start + 1 {
                    out.push_str(&format!(" {} in position {start}: ", singular(&object, start)?));
                } else {
                    out.push_str(&format!(" {plural} in position {start}-{}: ", end.wrapping_sub(1)));
                }
                out.push_object(&reason);
                Ok(out.finish().into_value())
            }
        }
    };
}

/// A position that shows as a member of type `ssize_t`.
macro_rules! position {
    ($payload:ident.$field:ident, $name:literal, $doc:literal) => {
        GetSetDef {
            name: $name,
            doc: $doc,
            get: |_: &Vm, this: &Value| {
                Ok(int::new(crate::convert::payload_of::<$payload>(this).$field.get() as i64))
            },
            set: Some(|vm: &Vm, this: &Value, value: Option<&Value>| {
                let position = position_of(vm, value)?;
                crate::convert::payload_of::<$payload>(this).$field.set(position);
                Ok(())
            }),
            member: true,
        }
    };
}

unicode_error! {
    /// Unicode encoding error.
    UnicodeEncodeError
}
unicode_error! {
    /// Unicode decoding error.
    UnicodeDecodeError
}
unicode_error! {
    /// Unicode translation error.
    UnicodeTranslateError
}

fn position_of(vm: &Vm, value: Option<&Value>) -> PyResult<isize> {
    match value {
        None => Err(vm.type_error("can't delete numeric/char attribute")),
        Some(value) if !int::is_int(value) => Err(vm.type_error("an integer is required")),
        Some(value) => int::small_value(value)
            .map(|position| position as isize)
            .ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

fn str_or_null(vm: &Vm, value: Option<Value>) -> PyResult<crate::object::Ref<Str>> {
    match value {
        Some(value) => vm.str(&value),
        None => Ok(Str::new("<NULL>")),
    }
}

fn bad_character(object: &Value, start: isize) -> String {
    let character = object.downcast::<Str>().map_or(0, |text| text.char_at(start as usize));
    match character {
        0..=0xff => format!("character '\\x{character:02x}'"),
        0x100..=0xffff => format!("character '\\u{character:04x}'"),
        _ => format!("character '\\U{character:08x}'"),
    }
}

/// The constructor's arguments, counted.
fn expect_count(vm: &Vm, args: &[Value], count: usize) -> PyResult<()> {
    if args.len() == count {
        return Ok(());
    }
    Err(vm.type_error(format!("function takes exactly {count} arguments ({} given)", args.len())))
}

fn expect_str(vm: &Vm, args: &[Value], index: usize) -> PyResult {
    let value = &args[index];
    if value.downcast::<Str>().is_some() {
        return Ok(value.clone());
    }
    let what =
        if crate::types::none::is_none(value) { "None".to_owned() } else { value.type_of().full_name() };
    Err(vm.type_error(format!("argument {} must be str, not {what}", index + 1)))
}

fn expect_position(vm: &Vm, args: &[Value], index: usize) -> PyResult<isize> {
    vm.index_size(&args[index], |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))
}

impl UnicodeEncodeError {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        base::init(vm, this, args, names)?;
        expect_count(vm, args, 5)?;
        let (encoding, object) = (expect_str(vm, args, 0)?, expect_str(vm, args, 1)?);
        let (start, end) = (expect_position(vm, args, 2)?, expect_position(vm, args, 3)?);
        let reason = expect_str(vm, args, 4)?;
        crate::convert::payload_of::<Self>(this).fill(Some(encoding), object, start, end, reason);
        Ok(())
    }

    fn str(vm: &Vm, this: &Value) -> PyResult {
        let singular = |object: &Value, start| Ok(bad_character(object, start));
        crate::convert::payload_of::<Self>(this).describe(
            vm,
            "can't encode",
            singular,
            "characters",
            true,
            false,
        )
    }
}

impl UnicodeDecodeError {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        base::init(vm, this, args, names)?;
        expect_count(vm, args, 5)?;
        let encoding = expect_str(vm, args, 0)?;
        let (start, end) = (expect_position(vm, args, 2)?, expect_position(vm, args, 3)?);
        let reason = expect_str(vm, args, 4)?;
        let mut object = args[1].clone();
        if object.downcast::<Bytes>().is_none() {
            if object.type_of().slots().buffer.get().is_none() {
                return Err(vm.type_error(format!(
                    "a bytes-like object is required, not '{}'",
                    object.type_of().full_name()
                )));
            }
            object = vm.call(&Bytes::static_type().to_value(), &[object])?;
        }
        crate::convert::payload_of::<Self>(this).fill(Some(encoding), object, start, end, reason);
        Ok(())
    }

    fn str(vm: &Vm, this: &Value) -> PyResult {
        let singular = |object: &Value, start: isize| {
            let byte = vm.get_item(object, &int::new(start as i64))?;
            Ok(format!("byte 0x{:02x}", int::small_value(&byte).unwrap_or(0)))
        };
        crate::convert::payload_of::<Self>(this).describe(vm, "can't decode", singular, "bytes", true, true)
    }
}

impl UnicodeTranslateError {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        base::init(vm, this, args, names)?;
        expect_count(vm, args, 4)?;
        let object = expect_str(vm, args, 0)?;
        let (start, end) = (expect_position(vm, args, 1)?, expect_position(vm, args, 2)?);
        let reason = expect_str(vm, args, 3)?;
        crate::convert::payload_of::<Self>(this).fill(None, object, start, end, reason);
        Ok(())
    }

    fn str(vm: &Vm, this: &Value) -> PyResult {
        let singular = |object: &Value, start| Ok(bad_character(object, start));
        crate::convert::payload_of::<Self>(this).describe(
            vm,
            "can't translate",
            singular,
            "characters",
            false,
            false,
        )
    }
}

/// The error for a text that UTF-8 cannot encode.
pub fn surrogates_not_allowed(vm: &Vm, text: &Object<Str>) -> Exception {
    let is_surrogate = |c: u32| (0xd800..0xe000).contains(&c);
    let characters = text.characters();
    let start = characters.iter().position(is_surrogate).unwrap_or(0);
    let end = start + characters.iter().skip(start).take_while(|&c| is_surrogate(c)).count();
    vm.unicode_encode_error("utf-8", &text.as_value(), start, end, "surrogates not allowed")
}
