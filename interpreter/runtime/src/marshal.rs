//! `marshal`: values to bytes and back, for code objects above all. The module of that name is here too.

use std::rc::Rc;

use num_bigint::BigInt;
use rspy_code::CodeObject;
use rspy_code::marshal::read::{ErrorClass, read};
use rspy_code::marshal::{self, Builder, CodeHead, CodeParts, Container, ReadError, WriteError, Writer};
use rspy_macros::pyfunctions;

use crate::audit;
use crate::exceptions::{Exception, PyResult};
use crate::frozen_code::{BodySource, FrozenCode};
use crate::native_module;
use crate::object::{Object, Ref};
use crate::types::bytes::{ByteArray, Bytes, memoryview_of};
use crate::types::code::{Code, CodeFields, shown_line_table};
use crate::types::complex::Complex;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::set::{FrozenSet, Set};
use crate::types::slice::Slice;
use crate::types::string::{Str, build, intern};
use crate::types::tuple::Tuple;
use crate::types::{float, int, none};
use crate::value::Value;
use crate::vm::Vm;

/// Makes values of what a reader finds.
pub(crate) struct ValueBuilder<'a> {
    pub vm: &'a Vm,
    /// The executable's own code that this is a piece of, if it is one.
    pub frozen: Option<&'a Rc<FrozenCode>>,
}

/// What can go wrong while reading.
pub(crate) struct Failure(FailureKind);

enum FailureKind {
    Read(ReadError),
    Raised(Exception),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Failure(FailureKind::Read(error))
    }
}

impl From<Exception> for Failure {
    fn from(error: Exception) -> Self {
        Failure(FailureKind::Raised(error))
    }
}

impl Failure {
    pub fn into_exception(self, vm: &Vm) -> Exception {
        match self.0 {
            FailureKind::Raised(error) => error,
            FailureKind::Read(error) => {
                let message = error.to_string();
                match error.class() {
                    ErrorClass::EndOfFile => vm.eof_error(message),
                    ErrorClass::Value => vm.value_error(message),
                    ErrorClass::Type => vm.type_error(message),
                }
            }
        }
    }
}

impl ValueBuilder<'_> {
    pub fn tuple_of_names(&self, value: Value, what: &str) -> Result<Ref<Tuple>, Failure> {
        let tuple: Ref<Tuple> = value.downcast_into().map_err(|_| self.bad(what))?;
        if tuple.items().iter().any(|name| name.downcast_exact::<Str>().is_none()) {
            return Err(self.bad(what));
        }
        if tuple
            .items()
            .iter()
            .all(|name| name.downcast_exact::<Str>().is_some_and(|name| name.is_interned()))
        {
            return Ok(tuple);
        }
        let names: Vec<Value> = tuple
            .items()
            .iter()
            .filter_map(|name| name.downcast_exact::<Str>())
            .map(|name| intern::intern(name).into_value())
            .collect();
        Ok(Tuple::of_constants(names))
    }

    pub fn bad(&self, what: &str) -> Failure {
        self.vm.type_error(format!("code: {what} is of the wrong type")).into()
    }

    pub fn part<T: crate::object::Payload>(&self, value: Value, what: &str) -> Result<Ref<T>, Failure> {
        value.downcast_into().map_err(|_| self.bad(what))
    }
}

impl Builder for ValueBuilder<'_> {
    type Value = Value;
    type Error = Failure;

    fn none(&mut self) -> Value {
        none::none()
    }

    fn ellipsis(&mut self) -> Value {
        none::ellipsis()
    }

    fn stop_iteration(&mut self) -> Result<Value, Failure> {
        Ok(<crate::exceptions::stop::StopIteration as crate::object::Payload>::static_type().to_value())
    }

    fn bool(&mut self, value: bool) -> Value {
        crate::types::bool::boolean(value)
    }

    fn int(&mut self, value: i64) -> Result<Value, Failure> {
        Ok(int::new(value))
    }

    fn big_int(&mut self, value: BigInt) -> Result<Value, Failure> {
        Ok(int::from_big(value))
    }

    fn float(&mut self, value: f64) -> Result<Value, Failure> {
        Ok(float::new(value))
    }

    fn complex(&mut self, real: f64, imaginary: f64) -> Result<Value, Failure> {
        Ok(crate::types::complex::new(real, imaginary))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<Value, Failure> {
        Ok(Bytes::new(bytes).into_value())
    }

    fn utf8(&mut self, bytes: &[u8], interned: bool) -> Result<Value, Failure> {
        let text = build::from_wtf8(bytes)
            .ok_or_else(|| Failure::from(self.vm.value_error("bad marshal data (invalid UTF-8)")))?;
        Ok(if interned { intern::intern(&text).into_value() } else { text.into_value() })
    }

    fn latin1(&mut self, bytes: &[u8], interned: bool) -> Result<Value, Failure> {
        let text = build::from_latin1(bytes);
        Ok(if interned { intern::intern(&text).into_value() } else { text.into_value() })
    }

    fn reserve(&mut self, kind: Container, length: usize) -> Option<Value> {
        match kind {
            Container::Tuple => Some(Tuple::reserve(length).into_value()),
            Container::List => Some(List::new().into_value()),
            Container::Dict => Some(Dict::new().into_value()),
            Container::Set => Some(Set::new().into_value()),
            Container::FrozenSet => None,
        }
    }

    fn container(
        &mut self,
        kind: Container,
        reserved: Option<Value>,
        items: Vec<Value>,
    ) -> Result<Value, Failure> {
        let vm = self.vm;
        Ok(match kind {
            Container::Tuple => match reserved.and_then(|reserved| reserved.downcast_into::<Tuple>().ok()) {
                Some(tuple) => {
                    Tuple::complete(&tuple, items);
                    tuple.into_value()
                }
                None => Tuple::of_constants(items).into_value(),
            },
            Container::FrozenSet => FrozenSet::from_values(vm, items)?.into_value(),
            Container::List => {
                let list = reserved.unwrap_or_else(|| List::new().into_value());
                if let Some(list) = list.downcast::<List>() {
                    list.items().borrow_mut().extend(items);
                }
                list
            }
            Container::Dict => {
                let dict = reserved.unwrap_or_else(|| Dict::new().into_value());
                if let Some(dict) = dict.downcast::<Dict>() {
                    for pair in items.chunks_exact(2) {
                        dict.set(vm, &pair[0], pair[1].clone())?;
                    }
                }
                dict
            }
            Container::Set => {
                let set = reserved.unwrap_or_else(|| Set::new().into_value());
                if let Some(set) = set.downcast::<Set>() {
                    for item in &items {
                        set.add(vm, item)?;
                    }
                }
                set
            }
        })
    }

    fn slice(&mut self, start: Value, stop: Value, step: Value) -> Result<Value, Failure> {
        Ok(Slice::new(start, stop, step).into_value())
    }

    fn code(&mut self, parts: CodeParts<Value>) -> Result<Value, Failure> {
        let count = |number: i32| u32::try_from(number).map_err(|_| self.bad("a count"));
        let code = self.part::<Bytes>(parts.code, "the bytecode")?;
        let variable_names = self.tuple_of_names(parts.locals_plus_names, "a variable name")?;
        let kinds = self.part::<Bytes>(parts.locals_plus_kinds, "the kinds")?;
        if kinds.as_slice().len() != variable_names.items().len() || code.as_slice().len() % 2 != 0 {
            return Err(self.vm.value_error("code: inconsistent sizes").into());
        }
        let fields = CodeFields {
            arg_count: count(parts.arg_count)?,
            positional_only_count: count(parts.positional_only_arg_count)?,
            keyword_only_count: count(parts.keyword_only_arg_count)?,
            flags: parts.flags as u32,
            stack_size: count(parts.stack_size)?,
            first_line: parts.first_line,
            code: code.as_slice().to_vec(),
            constants: self.part(parts.constants, "the constants")?,
            names: self.tuple_of_names(parts.names, "a name")?,
            variable_names,
            variable_kinds: kinds.as_slice().to_vec(),
            filename: self.part(parts.filename, "the file name")?,
            name: self.part(parts.name, "the name")?,
            qualified_name: self.part(parts.qualified_name, "the qualified name")?,
            line_table: shown_line_table(self.vm, self.part(parts.line_table, "the line table")?),
            exception_table: self.part(parts.exception_table, "the exception table")?,
        };
        crate::types::code_methods::check(self.vm, &fields)?;
        Ok(Code::from_outside(fields).into_value())
    }

    fn code_without_body(&mut self, number: usize, head: CodeHead<Value>) -> Result<Value, Failure> {
        let Some(frozen) = self.frozen else { return Err(ReadError::CodeDisallowed.into()) };
        let count = |number: i32| u32::try_from(number).map_err(|_| self.bad("a count"));
        let head = crate::types::code::CodeHead {
            arg_count: count(head.arg_count)?,
            positional_only_count: count(head.positional_only_arg_count)?,
            keyword_only_count: count(head.keyword_only_arg_count)?,
            flags: head.flags as u32,
            stack_size: count(head.stack_size)?,
            first_line: head.first_line,
            filename: frozen.filename.clone(),
            name: self.part(head.name, "the name")?,
            qualified_name: self.part(head.qualified_name, "the qualified name")?,
            variable_count: head.variables,
            free_count: head.free,
        };
        Ok(Code::without_body(head, BodySource::new(frozen, number)).into_value())
    }
}

/// Reads one value; answers it with the number of bytes that it took.
///
/// # Errors
/// `EOFError`, `ValueError` or `TypeError` as CPython raises them.
pub fn load(vm: &Vm, bytes: &[u8], allow_code: bool) -> PyResult<(Value, usize)> {
    let mut source = bytes;
    let mut builder = ValueBuilder { vm, frozen: None };
    match read(&mut source, &mut builder, allow_code) {
        Ok(value) => Ok((value, bytes.len() - source.len())),
        Err(failure) => Err(failure.into_exception(vm)),
    }
}

/// Writes values, remembering those that may come again.
struct ValueWriter<'a> {
    vm: &'a Vm,
    writer: Writer,
    /// Indexes of what was written, by identity.
    seen: std::collections::HashMap<u64, usize>,
    allow_code: bool,
    /// Keeps alive what was made only to be written, so that identities stay distinct.
    kept: Vec<Value>,
    /// Slices and code objects that are being written: nothing in them can refer to them.
    unfinished: Vec<u64>,
}

/// The ints that CPython has once in the whole process, so that each is referred to.
const SHARED_INTS: std::ops::RangeInclusive<i64> = -5..=256;

/// Writes a value.
///
/// # Errors
/// `ValueError` for what cannot be marshalled.
pub fn dump(vm: &Vm, value: &Value, version: u32, allow_code: bool) -> PyResult<Vec<u8>> {
    if allow_code
        && let Some(code) = value.downcast_exact::<Code>()
        && let Some(plain) = crate::plain_code::plain_code(code)
    {
        return dump_plain_code(vm, &plain, version, value.reference_count() > 1);
    }
    let mut writer = ValueWriter {
        vm,
        writer: Writer::new(version),
        seen: std::collections::HashMap::new(),
        allow_code,
        kept: Vec::new(),
        unfinished: Vec::new(),
    };
    writer.value(value)?;
    Ok(writer.writer.finish())
}

/// Writes code as CPython does, which shares more between the parts of a code object than this interpreter.
fn dump_plain_code(vm: &Vm, code: &CodeObject, version: u32, held: bool) -> PyResult<Vec<u8>> {
    let bytes = if vm.interpreter.configuration.no_debug_ranges {
        marshal::dump_held_without_columns(code, version)
    } else if held {
        marshal::dump_held(code, version)
    } else {
        marshal::dump(code, version)
    };
    bytes.map_err(|error| vm.value_error(error.to_string()))
}

impl ValueWriter<'_> {
    fn failed(&self, error: &WriteError) -> Exception {
        self.vm.value_error(error.to_string())
    }

    /// Whether the value gets a reference flag; answers nothing where a reference was written instead.
    fn flag(&mut self, value: &Value) -> PyResult<Option<bool>> {
        if !self.writer.has_references() {
            return Ok(Some(false));
        }
        let interned = value.downcast_exact::<Str>().is_some_and(|text| text.is_interned());
        if !interned && value.is_object() && value.reference_count() == 1 {
            return Ok(Some(false));
        }
        if !value.is_object() && !value.small_int().is_some_and(|number| SHARED_INTS.contains(&number)) {
            // Other numbers in words have no identity to refer to.
            return Ok(Some(false));
        }
        if let Some(&index) = self.seen.get(&value.bits()) {
            if self.unfinished.contains(&value.bits()) {
                return Err(self.unmarshallable());
            }
            self.writer.reference(index).map_err(|error| self.failed(&error))?;
            return Ok(None);
        }
        self.seen.insert(value.bits(), self.seen.len());
        Ok(Some(true))
    }

    fn value(&mut self, value: &Value) -> PyResult<()> {
        self.writer.enter().map_err(|error| self.failed(&error))?;
        self.body(value)?;
        self.writer.leave();
        Ok(())
    }

    fn body(&mut self, value: &Value) -> PyResult<()> {
        if none::is_none(value) {
            self.writer.none();
            return Ok(());
        }
        if none::is_ellipsis(value) {
            self.writer.ellipsis();
            return Ok(());
        }
        if let Some(truth) = crate::types::bool::as_bool(value) {
            self.writer.bool(truth);
            return Ok(());
        }
        if value
            .is(&<crate::exceptions::stop::StopIteration as crate::object::Payload>::static_type().to_value())
        {
            self.writer.stop_iteration();
            return Ok(());
        }
        let Some(flagged) = self.flag(value)? else { return Ok(()) };
        self.flagged(value, flagged)
    }

    fn flagged(&mut self, value: &Value, flagged: bool) -> PyResult<()> {
        if int::is_exact_int(value) {
            return match int::small_value(value) {
                Some(small) => {
                    self.writer.int(small, flagged);
                    Ok(())
                }
                None => {
                    let big = int::borrow_big(value).unwrap_or_default();
                    self.writer.big_int(&big, flagged).map_err(|error| self.failed(&error))
                }
            };
        }
        if value.is_small_float() || value.downcast_exact::<float::Float>().is_some() {
            self.writer.float(float::as_f64(value).unwrap_or(0.0), flagged);
            return Ok(());
        }
        if let Some(complex) = value.downcast_exact::<Complex>() {
            let (real, imaginary) = complex.parts();
            self.writer.complex(real, imaginary, flagged);
            return Ok(());
        }
        if let Some(text) = value.downcast_exact::<Str>() {
            return self
                .writer
                .text(&text.to_wtf8(), text.is_interned(), flagged)
                .map_err(|error| self.failed(&error));
        }
        if let Some(bytes) = value.downcast_exact::<Bytes>() {
            return self.writer.bytes(bytes.as_slice(), flagged).map_err(|error| self.failed(&error));
        }
        if let Some(tuple) = value.downcast_exact::<Tuple>() {
            self.writer.tuple(tuple.items().len(), flagged).map_err(|error| self.failed(&error))?;
            return tuple.items().iter().try_for_each(|item| self.value(item));
        }
        if let Some(list) = value.downcast_exact::<List>() {
            let items = list.to_vec();
            self.writer.list(items.len(), flagged).map_err(|error| self.failed(&error))?;
            return self.items(items);
        }
        if let Some(dict) = value.downcast_exact::<Dict>() {
            self.writer.dict(flagged);
            for (key, value) in dict.pairs() {
                self.items(vec![key, value])?;
            }
            self.writer.null();
            return Ok(());
        }
        if let Some(set) = value.downcast_exact::<Set>() {
            let length = set.len();
            let items = self.sorted(set.to_vec())?;
            if set.len() != length {
                return Err(self.vm.runtime_error("set changed size during iteration"));
            }
            self.writer.set(length, flagged).map_err(|error| self.failed(&error))?;
            self.items(items)?;
            return if set.len() == length {
                Ok(())
            } else {
                Err(self.vm.runtime_error("set changed size during iteration"))
            };
        }
        if let Some(set) = value.downcast_exact::<FrozenSet>() {
            let items = self.sorted(set.to_vec())?;
            self.writer.frozen_set(items.len(), flagged).map_err(|error| self.failed(&error))?;
            return self.items(items);
        }
        if let Some(slice) = value.downcast_exact::<Slice>() {
            if self.writer.version() < 5 {
                self.writer.unknown(flagged);
                return Err(self.vm.value_error("unmarshallable object"));
            }
            self.begin(value);
            self.writer.slice(flagged).map_err(|error| self.failed(&error))?;
            let parts = [slice.start(), slice.stop(), slice.step()];
            parts.iter().try_for_each(|part| self.value(part))?;
            self.unfinished.pop();
            return Ok(());
        }
        if let Some(code) = value.downcast_exact::<Code>() {
            if !self.allow_code {
                return Err(self.vm.value_error("marshalling code objects is disallowed"));
            }
            self.begin(value);
            self.code(code, flagged)?;
            self.unfinished.pop();
            return Ok(());
        }
        if let Ok(view) = crate::buffer::view(self.vm, value) {
            return self.writer.bytes(view.as_slice(), flagged).map_err(|error| self.failed(&error));
        }
        self.writer.unknown(flagged);
        Err(self.unmarshallable())
    }

    fn unmarshallable(&self) -> Exception {
        self.vm.value_error("unmarshallable object")
    }

    /// Notes that a value is being written which nothing in it can refer to.
    fn begin(&mut self, value: &Value) {
        self.unfinished.push(value.bits());
    }

    /// Writes values that may live no longer than this: they are kept, lest others take their identity.
    fn items(&mut self, items: Vec<Value>) -> PyResult<()> {
        let mut items = items.into_iter();
        while let Some(item) = items.next() {
            let counted = item.header().is_some_and(|header| !header.is_immortal());
            // The clone in the vector is not one of the value's own references.
            if counted && item.reference_count() == 2 {
                let header = item.header();
                header.inspect(|header| header.remove_reference_quietly());
                let result = self.value(&item);
                header.inspect(|header| header.add_reference());
                result?;
            } else {
                self.value(&item)?;
            }
        }
        Ok(())
    }

    /// The items of a set in the order of their marshalled bytes, so that equal sets give equal bytes.
    fn sorted(&mut self, values: Vec<Value>) -> PyResult<Vec<Value>> {
        let mut pairs = Vec::with_capacity(values.len());
        for value in values {
            pairs.push((dump(self.vm, &value, self.writer.version(), self.allow_code)?, value));
        }
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(pairs.into_iter().map(|(_, value)| value).collect())
    }

    fn code(&mut self, code: &Object<Code>, flagged: bool) -> PyResult<()> {
        self.writer.code(flagged);
        for number in [
            code.arg_count as i32,
            code.positional_only_count as i32,
            code.keyword_only_count as i32,
            code.stack_size as i32,
            code.flags as i32,
        ] {
            self.writer.int32(number);
        }
        let plain = code.plain_bytes().into_value();
        // CPython makes these bytes anew, so they are never shared.
        self.writer
            .bytes(plain.downcast_exact::<Bytes>().map_or(&[], |bytes| bytes.as_slice()), false)
            .map_err(|error| self.failed(&error))?;
        self.kept.push(plain);
        self.value(code.body().constants.value())?;
        self.value(code.body().names.value())?;
        self.value(code.body().variable_names.value())?;
        let kinds = Bytes::new(&code.body().variable_kinds[..]).into_value();
        self.value(&kinds)?;
        self.kept.push(kinds);
        self.value(code.filename().value())?;
        self.value(code.name.value())?;
        self.value(code.qualified_name.value())?;
        self.writer.int32(code.first_line);
        self.value(code.body().line_table.value())?;
        self.value(code.body().exception_table.value())
    }
}

struct Marshal;

#[pyfunctions]
impl Marshal {
    /// Write the value on the open file.
    #[function("dump(value, file, version=5, /, *, allow_code=True)")]
    fn dump(vm: &Vm, value: &Value, file: &Value, version: i32, allow_code: bool) -> PyResult {
        audit::raise_event(vm, "marshal.dumps", || vec![value.clone(), Value::int(version)])?;
        let bytes = Bytes::new(dump(vm, value, version.max(0) as u32, allow_code)?);
        vm.call_method(file, &crate::names::write, &[bytes.into_value()])
    }

    /// Return the bytes that dump() would write.
    #[function("dumps(value, version=5, /, *, allow_code=True)")]
    fn dumps(vm: &Vm, value: &Value, version: i32, allow_code: bool) -> PyResult<Ref<Bytes>> {
        audit::raise_event(vm, "marshal.dumps", || vec![value.clone(), Value::int(version)])?;
        Ok(Bytes::new(dump(vm, value, version.max(0) as u32, allow_code)?))
    }

    /// Read one value from the open file and return it.
    #[function("load(file, /, *, allow_code=True)")]
    fn load(vm: &Vm, file: &Value, allow_code: bool) -> PyResult {
        let first = vm.call_method(file, &crate::names::read, &[Value::int(0)])?;
        if first.downcast::<Bytes>().is_none() {
            return Err(
                vm.type_error(format!("file.read() returned not bytes but {}", first.type_of().full_name()))
            );
        }
        audit::raise_event(vm, "marshal.load", Vec::new)?;
        let mut source = FileSource { vm, file, bytes: Vec::new() };
        let mut builder = ValueBuilder { vm, frozen: None };
        read(&mut source, &mut builder, allow_code).map_err(|failure| failure.into_exception(vm))
    }

    /// Convert the bytes-like object to a value.
    #[function("loads(bytes, /, *, allow_code=True)")]
    fn loads(vm: &Vm, bytes: &Value, allow_code: bool) -> PyResult {
        let view = crate::buffer::view(vm, bytes)?;
        audit::raise_event(vm, "marshal.loads", || vec![Bytes::new(view.as_slice()).into_value()])?;
        Ok(load(vm, view.as_slice(), allow_code)?.0)
    }
}

/// Bytes read from a file object as they are needed, and no further.
struct FileSource<'a> {
    vm: &'a Vm,
    file: &'a Value,
    bytes: Vec<u8>,
}

impl FileSource<'_> {
    fn fill(&mut self, count: usize) -> Result<(), Failure> {
        let vm = self.vm;
        let room = ByteArray::new(vec![0; count]);
        let view = memoryview_of(vm, crate::buffer::writable_view(vm, room.value())?);
        let read = vm.call_method_str(self.file, "readinto", &[view])?;
        let read = match none::is_none(&read) {
            true => 0,
            false => {
                vm.index_size(&read, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer"))?
            }
        };
        match usize::try_from(read) {
            Ok(read) if read == count => {}
            Ok(read) if read > count => {
                let message =
                    format!("read() returned too much data: {count} bytes requested, {read} returned");
                return Err(vm.value_error(message).into());
            }
            _ => return Err(vm.eof_error("EOF read where not expected").into()),
        }
        self.bytes = room.borrow().clone();
        Ok(())
    }
}

impl marshal::Source<Failure> for FileSource<'_> {
    fn byte(&mut self) -> Result<u8, Failure> {
        self.fill(1)?;
        Ok(self.bytes[0])
    }

    fn bytes(&mut self, count: usize) -> Result<&[u8], Failure> {
        self.fill(count)?;
        Ok(&self.bytes)
    }
}

native_module! {
    name: "marshal",
    doc: "Reading and writing values in a binary form of Python's own.",
    functions: [Marshal::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        module.set_int(vm, "version", 5);
        Ok(())
    },
}
