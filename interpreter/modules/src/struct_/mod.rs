//! The module `_struct`: packing values into bytes by format strings.

mod codec;
pub mod item;
pub mod layout;

use std::cell::Cell;

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::{exception, no_keywords};
use layout::Layout;

exception! {
    /// What a format string or a value that does not fit it raises.
    StructError, "error", "struct", PlainException, weak
}

/// Struct(fmt) --> compiled struct object
///
#[pyclass(name = "Struct", shows_get, shows_set, module = "_struct", subclassable, weak)]
pub struct Struct {
    compiled: GilCell<Option<(Ref<Str>, std::rc::Rc<Layout>)>>,
}

impl Struct {
    fn layout(&self, vm: &Vm) -> PyResult<std::rc::Rc<Layout>> {
        match &*self.compiled.borrow() {
            Some((_, layout)) => Ok(layout.clone()),
            None => Err(vm.runtime_error("Struct object is not initialized")),
        }
    }
}

/// The text of a format argument.
fn format_text<'a>(vm: &Vm, format: &'a Value) -> PyResult<&'a [u8]> {
    if let Some(text) = format.downcast::<Str>() {
        if let Some(ascii) = text.as_ascii() {
            return Ok(ascii.as_bytes());
        }
        let position = text.characters().iter().position(|c| c > 127).unwrap_or(0);
        return Err(vm.unicode_encode_error("ascii", format, position, position + 1, "ordinal not in range(128)"));
    }
    format.downcast::<Bytes>().map(|bytes| bytes.as_slice()).ok_or_else(|| {
        vm.type_error(format!(
            "Struct() argument 1 must be a str or bytes object, not {}",
            format.type_of().full_name()
        ))
    })
}

fn compile(vm: &Vm, text: &[u8]) -> PyResult<Layout> {
    Layout::parse(text).map_err(|error| {
        // No format has a null character, and that is what is told of it.
        let message = if text.contains(&0) { "embedded null character" } else { error.message() };
        StructError::error(vm, message)
    })
}

/// Layouts of formats used lately, each in a place that its object's address gives. Formats are constants of code as a
/// rule, so the same object comes again; that it is kept here sees to it that no other one gets its address.
mod cache {
    use super::Layout;
    use rspy_runtime::cell::GilCell;
    use rspy_runtime::value::Value;
    use std::rc::Rc;

    const PLACES: usize = 64;

    static LAYOUTS: GilCell<[Option<(Value, Rc<Layout>)>; PLACES]> = GilCell::new([const { None }; PLACES]);

    fn place_of(format: &Value) -> usize {
        // Objects lie 16 bytes apart at least.
        format.id() as usize / 16 % PLACES
    }

    #[inline]
    pub fn get(format: &Value) -> Option<Rc<Layout>> {
        match &LAYOUTS.borrow()[place_of(format)] {
            Some((known, layout)) if known.is(format) => Some(layout.clone()),
            _ => None,
        }
    }

    pub fn insert(format: &Value, layout: Rc<Layout>) {
        let entry = Some((format.clone(), layout));
        let before = std::mem::replace(&mut LAYOUTS.borrow_mut()[place_of(format)], entry);
        drop(before);
    }

    pub fn clear() {
        drop(LAYOUTS.replace([const { None }; PLACES]));
    }
}

/// The layout of a format argument, which may be a `Struct`.
fn layout_of(vm: &Vm, format: &Value) -> PyResult<std::rc::Rc<Layout>> {
    if let Some(layout) = cache::get(format) {
        return Ok(layout);
    }
    if let Some(compiled) = format.downcast::<Struct>() {
        return compiled.layout(vm);
    }
    // CPython looks formats up in a dict.
    drop(Dict::new().get(vm, format)?);
    let layout = std::rc::Rc::new(compile(vm, format_text(vm, format)?)?);
    if layout.runs.len() < LONGEST_KEPT {
        cache::insert(format, layout.clone());
    }
    Ok(layout)
}

/// Layouts of more runs are not worth keeping.
const LONGEST_KEPT: usize = 1000;

fn pack_values(vm: &Vm, layout: &Layout, values: &[Value], bytes: &mut [u8]) -> PyResult<()> {
    let mut rest = values;
    for run in &layout.runs {
        let (values, behind) = rest.split_at(run.count);
        rest = behind;
        (run.codec.pack)(vm, run, values, bytes)?;
    }
    Ok(())
}

fn check_count(vm: &Vm, function: &str, layout: &Layout, given: usize) -> PyResult<()> {
    if given == layout.values {
        return Ok(());
    }
    Err(StructError::error(vm, format!("{function} expected {} items for packing (got {given})", layout.values)))
}

fn pack(vm: &Vm, layout: &Layout, values: &[Value]) -> PyResult<Ref<Bytes>> {
    check_count(vm, "pack", layout, values.len())?;
    if !rspy_runtime::heap::can_allocate(layout.size) {
        return Err(vm.memory_error());
    }
    Bytes::filled(layout.size, |bytes| pack_values(vm, layout, values, bytes))
}

fn pack_into(vm: &Vm, layout: &Layout, args: &[Value]) -> PyResult<()> {
    let (target, offset, values) = match args {
        [] => return Err(StructError::error(vm, "pack_into expected buffer argument")),
        [_] => return Err(StructError::error(vm, "pack_into expected offset argument")),
        [target, offset, values @ ..] => (target, offset, values),
    };
    check_count(vm, "pack_into", layout, values.len())?;
    let mut view = buffer::writable_view(vm, target).map_err(|_| {
        vm.type_error(format!("argument must be read-write bytes-like object, not {}", target.type_of().full_name()))
    })?;
    let offset = vm.index_size(offset, |vm| vm.index_error("cannot fit 'int' into an index-sized integer"))?;
    let length = view.len();
    let mut start = offset;
    if start < 0 {
        if start.saturating_add_unsigned(layout.size) > 0 {
            return Err(StructError::error(
                vm,
                format!("no space to pack {} bytes at offset {offset}", layout.size),
            ));
        }
        if start + (length as isize) < 0 {
            return Err(StructError::error(vm, format!("offset {offset} out of range for {length}-byte buffer")));
        }
        start += length as isize;
    }
    let start = start as usize;
    if length.saturating_sub(start) < layout.size || start > length {
        let needed = start.saturating_add(layout.size);
        return Err(StructError::error(
            vm,
            format!(
                "pack_into requires a buffer of at least {needed} bytes for packing {} bytes at offset {start} \
                 (actual buffer size is {length})",
                layout.size
            ),
        ));
    }
    let place = start..start + layout.size;
    // The values are made into bytes first: that can run code which looks at the buffer.
    let mut small = [0; SMALL];
    let mut large = Vec::new();
    let bytes = match small.get_mut(..layout.size) {
        Some(bytes) => bytes,
        None => {
            large.resize(layout.size, 0);
            &mut large[..]
        }
    };
    let result = pack_values(vm, layout, values, bytes);
    view.as_mut_slice()[place].copy_from_slice(bytes);
    result
}

/// Bytes of structs that are put together on the stack.
const SMALL: usize = 128;

fn unpack_bytes(layout: &Layout, bytes: &[u8]) -> Ref<Tuple> {
    Tuple::filled(layout.values, |values| {
        for run in &layout.runs {
            (run.codec.unpack)(run, bytes, values);
        }
    })
}

/// Works on the bytes of an argument.
fn with_bytes<R>(vm: &Vm, source: &Value, work: impl FnOnce(&[u8]) -> PyResult<R>) -> PyResult<R> {
    match source.downcast_exact::<Bytes>() {
        Some(bytes) => work(bytes.as_slice()),
        None => work(buffer::view(vm, source)?.as_slice()),
    }
}

fn unpack(vm: &Vm, layout: &Layout, source: &[u8]) -> PyResult<Ref<Tuple>> {
    if source.len() != layout.size {
        return Err(StructError::error(vm, format!("unpack requires a buffer of {} bytes", layout.size)));
    }
    Ok(unpack_bytes(layout, source))
}

fn unpack_from(vm: &Vm, layout: &Layout, source: &[u8], offset: isize) -> PyResult<Ref<Tuple>> {
    let length = source.len();
    let mut start = offset;
    if start < 0 {
        if start.saturating_add_unsigned(layout.size) > 0 {
            return Err(StructError::error(
                vm,
                format!("not enough data to unpack {} bytes at offset {offset}", layout.size),
            ));
        }
        if start + (length as isize) < 0 {
            return Err(StructError::error(vm, format!("offset {offset} out of range for {length}-byte buffer")));
        }
        start += length as isize;
    }
    let start = start as usize;
    if start > length || length - start < layout.size {
        let needed = start.saturating_add(layout.size);
        return Err(StructError::error(
            vm,
            format!(
                "unpack_from requires a buffer of at least {needed} bytes for unpacking {} bytes at offset {start} \
                 (actual buffer size is {length})",
                layout.size
            ),
        ));
    }
    Ok(unpack_bytes(layout, &source[start..start + layout.size]))
}

fn iter_unpack(vm: &Vm, layout: std::rc::Rc<Layout>, source: &Value) -> PyResult<Ref<UnpackIterator>> {
    if layout.size == 0 {
        return Err(StructError::error(vm, "cannot iteratively unpack with a struct of length 0"));
    }
    let view = buffer::view(vm, source)?;
    if view.len() % layout.size != 0 {
        return Err(StructError::error(
            vm,
            format!("iterative unpacking requires a buffer of a multiple of {} bytes", layout.size),
        ));
    }
    Ok(Object::new(UnpackIterator { layout, source: GilCell::new(Some(view)), offset: Cell::new(0) }))
}

#[pymethods]
impl Struct {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Struct { compiled: GilCell::new(None) }).into_value())
    }

    #[init("Struct(format)")]
    fn init(&self, vm: &Vm, format: &Value) -> PyResult<()> {
        let text = format_text(vm, format)?;
        let layout = std::rc::Rc::new(compile(vm, text)?);
        let text = match format.downcast_exact::<Str>() {
            Some(format) => format.to_ref(),
            None => rspy_runtime::types::string::build::from_latin1(text),
        };
        self.compiled.set(Some((text, layout)));
        Ok(())
    }

    #[slot(repr)]
    fn repr(this: &Object<Struct>, vm: &Vm) -> PyResult<String> {
        this.layout(vm)?;
        let format = this.compiled.borrow().as_ref().map(|(format, _)| format.clone());
        let shown = match format {
            Some(format) => vm.repr(format.value())?.to_string_lossy().into_owned(),
            None => String::new(),
        };
        Ok(format!("{}({shown})", this.type_of().name()))
    }

    /// struct format string
    #[getter("format")]
    fn format(&self, vm: &Vm) -> PyResult<Option<Ref<Str>>> {
        self.layout(vm)?;
        Ok(self.compiled.borrow().as_ref().map(|(format, _)| format.clone()))
    }

    /// struct size in bytes
    #[getter("size")]
    fn size(&self) -> isize {
        // CPython's number for a struct that has not been initialised.
        self.compiled.borrow().as_ref().map_or(-1, |(_, layout)| layout.size as isize)
    }

    /// S.pack(v1, v2, ...) -> bytes
    ///
    /// Return a bytes object containing values v1, v2, ... packed according
    /// to the format string S.format.
    #[method("pack")]
    fn pack(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Bytes>> {
        no_keywords(vm, "Struct.pack", names)?;
        pack(vm, &*self.layout(vm)?, args)
    }

    /// S.pack_into(buffer, offset, v1, v2, ...)
    ///
    /// Pack the values v1, v2, ... according to the format string S.format
    /// and write the packed bytes into the writable buffer buf starting at
    /// offset.
    #[method("pack_into")]
    fn pack_into(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        no_keywords(vm, "Struct.pack_into", names)?;
        pack_into(vm, &*self.layout(vm)?, args)
    }

    /// Return a tuple containing unpacked values.
    ///
    /// Unpack according to the format string Struct.format. The buffer's size in bytes must be Struct.size.
    #[method("unpack(self, buffer, /)")]
    fn unpack(&self, vm: &Vm, buffer: &Value) -> PyResult<Ref<Tuple>> {
        let layout = self.layout(vm)?;
        with_bytes(vm, buffer, |source| unpack(vm, &layout, source))
    }

    /// Return a tuple containing unpacked values.
    ///
    /// Values are unpacked according to the format string Struct.format. The buffer's size in bytes, starting at
    /// position offset, must be at least Struct.size.
    #[method("unpack_from(self, buffer, offset=0)")]
    fn unpack_from(&self, vm: &Vm, buffer: &Value, offset: isize) -> PyResult<Ref<Tuple>> {
        let layout = self.layout(vm)?;
        with_bytes(vm, buffer, |source| unpack_from(vm, &layout, source, offset))
    }

    /// Return an iterator yielding tuples.
    ///
    /// Tuples are unpacked from the given bytes source, like a repeated invocation of unpack_from(). Requires that
    /// the bytes length be a multiple of the struct size.
    #[method("iter_unpack(self, buffer, /)")]
    fn iter_unpack(&self, vm: &Vm, buffer: &Value) -> PyResult<Ref<UnpackIterator>> {
        iter_unpack(vm, self.layout(vm)?, buffer)
    }

    /// S.__sizeof__() -> size of S in memory, in bytes
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<Struct>, vm: &Vm) -> PyResult<usize> {
        Ok(size_of_val(this) + size_of::<Layout>() + this.layout(vm)?.runs.len() * size_of::<layout::Run>())
    }
}

/// Unpacks one struct after the other.
#[pyclass(name = "unpack_iterator", shows_get, module = "_struct", no_new)]
pub struct UnpackIterator {
    layout: std::rc::Rc<Layout>,
    source: GilCell<Option<BufferView>>,
    offset: Cell<usize>,
}

#[pymethods]
impl UnpackIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let offset = self.offset.get();
        let result = match &*self.source.borrow() {
            Some(view) if offset < view.len() => {
                Some(unpack_bytes(&self.layout, &view.as_slice()[offset..offset + self.layout.size]))
            }
            _ => None,
        };
        match result {
            Some(values) => {
                self.offset.set(offset + self.layout.size);
                Ok(Some(values.into_value()))
            }
            None => {
                self.source.set(None);
                Ok(None)
            }
        }
    }

    #[method("__length_hint__(self, /)")]
    fn length_hint(&self) -> usize {
        let length = self.source.borrow().as_ref().map_or(0, BufferView::len);
        length.saturating_sub(self.offset.get()) / self.layout.size
    }
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Clear the internal cache.
    #[function("_clearcache()")]
    fn clearcache() {
        cache::clear();
    }

    /// Return size in bytes of the struct described by the format string.
    #[function("calcsize(format, /)")]
    fn calcsize(vm: &Vm, format: &Value) -> PyResult<usize> {
        Ok(layout_of(vm, format)?.size)
    }

    /// pack(format, v1, v2, ...) -> bytes
    ///
    /// Return a bytes object containing the values v1, v2, ... packed according
    /// to the format string.
    #[function("pack")]
    fn pack(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Bytes>> {
        no_keywords(vm, "_struct.pack", names)?;
        let Some((format, values)) = args.split_first() else {
            return Err(vm.type_error("missing format argument"));
        };
        pack(vm, &*layout_of(vm, format)?, values)
    }

    /// pack_into(format, buffer, offset, v1, v2, ...)
    ///
    /// Pack the values v1, v2, ... according to the format string and write
    /// the packed bytes into the writable buffer buf starting at offset.
    #[function("pack_into")]
    fn pack_into(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        no_keywords(vm, "_struct.pack_into", names)?;
        let Some((format, values)) = args.split_first() else {
            return Err(vm.type_error("missing format argument"));
        };
        pack_into(vm, &*layout_of(vm, format)?, values)
    }

    /// Return a tuple containing values unpacked according to the format string.
    ///
    /// The buffer's size in bytes must be calcsize(format).
    #[function("unpack(format, buffer, /)")]
    fn unpack(vm: &Vm, format: &Value, buffer: &Value) -> PyResult<Ref<Tuple>> {
        let layout = layout_of(vm, format)?;
        with_bytes(vm, buffer, |source| unpack(vm, &layout, source))
    }

    /// Return a tuple containing values unpacked according to the format string.
    ///
    /// The buffer's size, minus offset, must be at least calcsize(format).
    #[function("unpack_from(format, /, buffer, offset=0)")]
    fn unpack_from(vm: &Vm, format: &Value, buffer: &Value, offset: isize) -> PyResult<Ref<Tuple>> {
        let layout = layout_of(vm, format)?;
        with_bytes(vm, buffer, |source| unpack_from(vm, &layout, source, offset))
    }

    /// Return an iterator yielding tuples unpacked from the given bytes.
    ///
    /// The bytes are unpacked according to the format string, like a repeated invocation of unpack_from(). Requires
    /// that the bytes length be a multiple of the format struct size.
    #[function("iter_unpack(format, buffer, /)")]
    fn iter_unpack(vm: &Vm, format: &Value, buffer: &Value) -> PyResult<Ref<UnpackIterator>> {
        iter_unpack(vm, layout_of(vm, format)?, buffer)
    }
}

native_module! {
    name: "_struct", doc: "Functions to convert between Python values and C structs.",
    functions: [Functions::FUNCTIONS], types: [Struct, StructError],
    execute: |vm, _| {
        UnpackIterator::static_type().ready(vm);
        Ok(())
    }
}
