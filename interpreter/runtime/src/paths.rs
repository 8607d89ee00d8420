//! Paths and other texts of the system: from `str`, `bytes` and path objects to bytes with a zero behind them and back,
//! as UTF-8 with `surrogateescape` (PEP 383); descriptors given as arguments; errors of the system as exceptions.

use std::ffi::{CStr, CString};

use crate::arguments::{FromArgument, Place};
use crate::exceptions::{Exception, PyResult};
use crate::host::{self, Errno};
use crate::object::{Object, Ref};
use crate::types::bytes::Bytes;
use crate::types::none::is_none;
use crate::types::string::build::StrBuilder;
use crate::types::string::{Characters, Str};
use crate::value::Value;
use crate::vm::Vm;

/// The text of bytes from the system; bytes that are no UTF-8 become lone surrogates.
pub fn decode(bytes: &[u8]) -> Ref<Str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Str::new(text);
    }
    let mut out = StrBuilder::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for &byte in chunk.invalid() {
            out.push(0xdc00 + u32::from(byte));
        }
    }
    out.finish()
}

/// The bytes of a text for the system: what [`decode`] was made from.
///
/// # Errors
/// `UnicodeEncodeError` for surrogates that stand for no byte.
pub fn encode(vm: &Vm, text: &Object<Str>) -> PyResult<Vec<u8>> {
    if let Some(ascii) = text.as_ascii() {
        return Ok(ascii.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(text.length() * 2);
    for c in text.characters().iter() {
        match c {
            0xdc80..=0xdcff => out.push((c - 0xdc00) as u8),
            0xd800..=0xdfff => return Err(crate::exceptions::unicode::surrogates_not_allowed(vm, text)),
            _ => crate::types::string::build::push_wtf8(&mut out, c),
        }
    }
    Ok(out)
}

/// The text of a Rust string made of arguments or variables, for messages and `sys`.
pub fn from_os_string(text: &std::ffi::OsStr) -> Ref<Str> {
    decode(text.as_encoded_bytes())
}

/// What `__fspath__` makes of an object: a `str` or `bytes`.
///
/// # Errors
/// `TypeError` where it is no path, and what `__fspath__` raises.
pub fn fspath(vm: &Vm, path: &Value) -> PyResult {
    if path.downcast::<Str>().is_some() || path.downcast::<Bytes>().is_some() {
        return Ok(path.clone());
    }
    let no_path = || {
        vm.type_error(format!(
            "expected str, bytes or os.PathLike object, not {}",
            path.type_of().full_name()
        ))
    };
    let name = vm.intern("__fspath__");
    let Some((method, unbound)) = vm.special_method(path, &name)? else { return Err(no_path()) };
    if is_none(&method) {
        return Err(no_path());
    }
    let result = if unbound { vm.call(&method, std::slice::from_ref(path))? } else { vm.call(&method, &[])? };
    if result.downcast::<Str>().is_some() || result.downcast::<Bytes>().is_some() {
        return Ok(result);
    }
    Err(vm.type_error(format!(
        "expected {}.__fspath__() to return str or bytes, not {}",
        path.type_of().name(),
        result.type_of().name()
    )))
}

/// The bytes of a `str`, `bytes` or path object (`os.fsencode`).
///
/// # Errors
/// `TypeError` where it is none of them, and what `__fspath__` and encoding raise.
pub fn to_bytes(vm: &Vm, path: &Value) -> PyResult<Vec<u8>> {
    let path = fspath(vm, path)?;
    match path.downcast::<Str>() {
        Some(text) => encode(vm, text),
        None => Ok(path.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default()),
    }
}

/// As [`to_bytes`], for a call of the system.
///
/// # Errors
/// Those of `to_bytes`, and `ValueError` for a zero byte within.
pub fn to_system(vm: &Vm, path: &Value) -> PyResult<CString> {
    CString::new(to_bytes(vm, path)?).map_err(|_| vm.value_error("embedded null byte"))
}

/// A text for a call of the system that is no path (`str` only).
///
/// # Errors
/// `ValueError` for a zero character within.
pub fn text_to_system(vm: &Vm, text: &Object<Str>) -> PyResult<CString> {
    CString::new(encode(vm, text)?).map_err(|_| vm.value_error("embedded null character"))
}

/// A path given as argument, or where `DESCRIPTOR` a descriptor. `NULLABLE` is for messages: the function takes
/// `None` too.
pub struct PathArgument<const DESCRIPTOR: bool, const NULLABLE: bool> {
    /// The object, for errors: a `str` or `bytes`, or the descriptor.
    pub object: Value,
    /// The path; empty where there is a descriptor.
    pub path: CString,
    /// The descriptor.
    pub descriptor: Option<i32>,
}

/// A path.
pub type PathName = PathArgument<false, false>;
/// A path or descriptor.
pub type PathOrDescriptor = PathArgument<true, false>;

impl<const DESCRIPTOR: bool, const NULLABLE: bool> PathArgument<DESCRIPTOR, NULLABLE> {
    /// The path's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.path.as_bytes()
    }

    /// The path for the system.
    pub fn as_c_str(&self) -> &CStr {
        &self.path
    }

    /// Whether the path was given as `bytes`, so that results are too.
    pub fn is_bytes(&self) -> bool {
        self.object.downcast::<Bytes>().is_some()
    }

    /// A text from the system in the type that the path was given in.
    pub fn result(&self, bytes: &[u8]) -> Value {
        if self.is_bytes() { Bytes::new(bytes.to_vec()).into_value() } else { decode(bytes).into_value() }
    }

    /// The exception for an error with this path.
    pub fn error(&self, vm: &Vm, error: Errno) -> Exception {
        vm.os_error(error.0, Some(&self.object), None)
    }

    fn wrong_type(vm: &Vm, value: &Value, place: &Place) -> Exception {
        let expected = match (DESCRIPTOR, NULLABLE) {
            (true, true) => "string, bytes, os.PathLike, integer or None",
            (true, false) => "string, bytes, os.PathLike or integer",
            (false, true) => "string, bytes, os.PathLike or None",
            (false, false) => "string, bytes or os.PathLike",
        };
        vm.type_error(format!(
            "{}: {} should be {expected}, not {}",
            place.function,
            place.name,
            value.type_of().full_name()
        ))
    }

    fn of_object(vm: &Vm, object: Value, place: &Place) -> PyResult<Self> {
        let bytes = match object.downcast::<Str>() {
            Some(text) => encode(vm, text)?,
            None => object.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default(),
        };
        match CString::new(bytes) {
            Ok(path) => Ok(PathArgument { object, path, descriptor: None }),
            Err(_) => {
                Err(vm.value_error(format!("{}: embedded null character in {}", place.function, place.name)))
            }
        }
    }
}

impl<const DESCRIPTOR: bool, const NULLABLE: bool> FromArgument<'_> for PathArgument<DESCRIPTOR, NULLABLE> {
    fn from_argument(vm: &Vm, value: &Value, place: &Place) -> PyResult<Self> {
        if value.downcast::<Str>().is_some() || value.downcast::<Bytes>().is_some() {
            return Self::of_object(vm, value.clone(), place);
        }
        if DESCRIPTOR && value.type_of().slots().index.get().is_some() {
            let descriptor = descriptor_number(vm, value)?;
            return Ok(PathArgument {
                object: crate::types::int::new(i64::from(descriptor)),
                path: CString::default(),
                descriptor: Some(descriptor),
            });
        }
        let name = vm.intern("__fspath__");
        match vm.special_method(value, &name)? {
            Some((method, _)) if !is_none(&method) => Self::of_object(vm, fspath(vm, value)?, place),
            _ => Err(Self::wrong_type(vm, value, place)),
        }
    }
}

/// Warns where a truth value is taken for a descriptor.
fn warn_of_bool(vm: &Vm, value: &Value) -> PyResult<()> {
    if crate::types::bool::as_bool(value).is_none() {
        return Ok(());
    }
    let category = <crate::exceptions::hierarchy::RuntimeWarning as crate::object::Payload>::static_type();
    crate::warnings::warn(vm, category, "bool is used as a file descriptor", 1)
}

/// The number of a descriptor given where a path could be.
fn descriptor_number(vm: &Vm, value: &Value) -> PyResult<i32> {
    warn_of_bool(vm, value)?;
    let number = vm.index(value)?;
    let small = crate::types::int::small_value(&number);
    match small.map(i32::try_from) {
        Some(Ok(descriptor)) => Ok(descriptor),
        _ if crate::types::int::sign(&number) < 0 => Err(vm.overflow_error("fd is less than minimum")),
        _ => Err(vm.overflow_error("fd is greater than maximum")),
    }
}

/// The folder that a relative path is seen from (`dir_fd`).
#[derive(Clone, Copy)]
pub struct FolderDescriptor(pub i32);

impl FromArgument<'_> for FolderDescriptor {
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        if value.type_of().slots().index.get().is_none() {
            return Err(vm.type_error(format!(
                "argument should be integer or None, not {}",
                value.type_of().full_name()
            )));
        }
        descriptor_number(vm, value).map(FolderDescriptor)
    }
}

/// The descriptor of an optional `dir_fd`.
pub fn folder_or_current(folder: Option<FolderDescriptor>) -> i32 {
    folder.map_or(host::CURRENT_FOLDER, |folder| folder.0)
}

/// A descriptor, or an object with a method `fileno`.
#[derive(Clone, Copy)]
pub struct FileDescriptor(pub i32);

impl FromArgument<'_> for FileDescriptor {
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        as_descriptor(vm, value).map(FileDescriptor)
    }
}

/// The descriptor that an integer or an object with a method `fileno` stands for.
///
/// # Errors
/// `TypeError` and `ValueError` where it stands for none.
pub fn as_descriptor(vm: &Vm, value: &Value) -> PyResult<i32> {
    let descriptor: i32 = if crate::types::int::is_int(value) {
        warn_of_bool(vm, value)?;
        crate::types::int::to_fixed(vm, value, "int")?
    } else {
        let method = vm.get_attribute_optional(value, &vm.intern("fileno"))?;
        let Some(method) = method else {
            return Err(vm.type_error("argument must be an int, or have a fileno() method."));
        };
        let number = vm.call(&method, &[])?;
        if !crate::types::int::is_int(&number) {
            return Err(vm.type_error("fileno() returned a non-integer"));
        }
        crate::types::int::to_fixed(vm, &number, "int")?
    };
    if descriptor < 0 {
        return Err(vm.value_error(format!("file descriptor cannot be a negative integer ({descriptor})")));
    }
    Ok(descriptor)
}

/// Turns errors of the system into exceptions.
pub trait OrRaise<T> {
    /// The result, or an `OSError`.
    ///
    /// # Errors
    /// The system's error.
    fn or_raise(self, vm: &Vm) -> PyResult<T>;

    /// The result, or an `OSError` about a file.
    ///
    /// # Errors
    /// The system's error.
    fn or_raise_for(self, vm: &Vm, file: &Value) -> PyResult<T>;

    /// The result, or an `OSError` about two files.
    ///
    /// # Errors
    /// The system's error.
    fn or_raise_for_both(self, vm: &Vm, first: &Value, second: &Value) -> PyResult<T>;
}

impl<T> OrRaise<T> for host::Result<T> {
    fn or_raise(self, vm: &Vm) -> PyResult<T> {
        self.map_err(|error| vm.os_error(error.0, None, None))
    }

    fn or_raise_for(self, vm: &Vm, file: &Value) -> PyResult<T> {
        self.map_err(|error| vm.os_error(error.0, Some(file), None))
    }

    fn or_raise_for_both(self, vm: &Vm, first: &Value, second: &Value) -> PyResult<T> {
        self.map_err(|error| vm.os_error(error.0, Some(first), Some(second)))
    }
}

/// The path inside the frozen library that a path leads to, if it lies below the executable.
pub fn archived<'a>(vm: &Vm, path: &'a [u8]) -> Option<&'a str> {
    host::archive_path(&vm.interpreter.configuration.executable, path)
}

/// Whether any character of a text stands for a byte that is no UTF-8, or cannot be a byte at all.
pub fn has_surrogates(text: &Object<Str>) -> bool {
    match text.characters() {
        Characters::One(_) => false,
        other => other.iter().any(|c| (0xd800..0xe000).contains(&c)),
    }
}
