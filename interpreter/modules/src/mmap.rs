//! The module `mmap`: files and anonymous memory seen as mutable bytes.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::audit;
use rspy_runtime::buffer::{self, BufferView, ExportableMapping};
use rspy_runtime::exceptions::os_error::OsError;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::host::{self, Mapping, c};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::paths::OrRaise;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::bytes::search;
use rspy_runtime::types::int;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::slice::Slice;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::datetime::arguments::{Parameters, c_int};

/// How a map may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Access {
    Default,
    Read,
    Write,
    Copy,
}

impl Access {
    const ALL: [Access; 4] = [Access::Default, Access::Read, Access::Write, Access::Copy];

    const fn name(self) -> &'static str {
        match self {
            Access::Default => "ACCESS_DEFAULT",
            Access::Read => "ACCESS_READ",
            Access::Write => "ACCESS_WRITE",
            Access::Copy => "ACCESS_COPY",
        }
    }
}

/// Windows: mmap(fileno, length[, tagname[, access[, offset]]])
///
/// Maps length bytes from the file specified by the file handle fileno,
/// and returns a mmap object.  If length is larger than the current size
/// of the file, the file is extended to contain length bytes.  If length
/// is 0, the maximum length of the map is the current size of the file,
/// except that if the file is empty Windows raises an exception (you cannot
/// create an empty mapping on Windows).
///
/// Unix: mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])
///
/// Maps length bytes from the file specified by the file descriptor fileno,
/// and returns a mmap object.  If length is 0, the maximum length of the map
/// will be the current size of the file when mmap is called.
/// flags specifies the nature of the mapping. MAP_PRIVATE creates a
/// private copy-on-write mapping, so changes to the contents of the mmap
/// object will be private to this process, and MAP_SHARED creates a mapping
/// that's shared with all other processes mapping the same areas of the file.
/// The default value is MAP_SHARED.
///
/// To map anonymous memory, pass -1 as the fileno (both versions).
#[pyclass(name = "mmap", module = "mmap", subclassable, weak)]
pub struct Map {
    pages: ExportableMapping,
    position: Cell<usize>,
    offset: i64,
    access: Access,
    flags: i32,
    /// A descriptor of the file of one's own, or -1.
    descriptor: Cell<i32>,
    /// Whether one was to be kept.
    tracks: bool,
}

impl Drop for Map {
    fn drop(&mut self) {
        self.close_descriptor();
    }
}

static PARAMETERS: Parameters<7> = Parameters {
    function: "function",
    names: ["fileno", "length", "flags", "prot", "access", "offset", "trackfd"],
    required: 2,
    positional: 6,
};

/// A number of bytes.
fn size(vm: &Vm, value: &Value) -> PyResult<i64> {
    let index = vm.index(value)?;
    int::small_value(&index).ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))
}

fn closed(vm: &Vm) -> Exception {
    vm.value_error("mmap closed or invalid")
}

impl Map {
    fn close_descriptor(&self) {
        let descriptor = self.descriptor.replace(-1);
        if descriptor != -1 {
            let _ = host::close(descriptor);
        }
    }

    /// Looks at the bytes; no Python code may run meanwhile.
    fn with<R>(&self, vm: &Vm, look: impl FnOnce(&[u8]) -> R) -> PyResult<R> {
        match &*self.pages.borrow() {
            Some(mapping) => Ok(look(mapping.as_slice())),
            None => Err(closed(vm)),
        }
    }

    fn len(&self, vm: &Vm) -> PyResult<usize> {
        match &*self.pages.borrow() {
            Some(mapping) => Ok(mapping.len()),
            None => Err(closed(vm)),
        }
    }

    /// Changes the bytes; no Python code may run meanwhile.
    fn edit<R>(&self, vm: &Vm, edit: impl FnOnce(&mut [u8]) -> R) -> PyResult<R> {
        self.pages.edit(edit).ok_or_else(|| closed(vm))
    }

    fn check_writable(&self, vm: &Vm) -> PyResult<()> {
        if self.access == Access::Read {
            return Err(vm.type_error("mmap can't modify a readonly memory map."));
        }
        Ok(())
    }

    /// The position that an index means.
    fn place(&self, vm: &Vm, index: isize) -> PyResult<usize> {
        let length = self.len(vm)?;
        let index = if index < 0 { index + length as isize } else { index };
        usize::try_from(index)
            .ok()
            .filter(|&index| index < length)
            .ok_or_else(|| vm.index_error("mmap index out of range"))
    }

    /// Bytes from the position on, as many as there are; the position moves behind them.
    fn take(&self, vm: &Vm, count: impl FnOnce(&[u8]) -> usize) -> PyResult<Ref<Bytes>> {
        let position = self.position.get();
        let taken = self.with(vm, |bytes| {
            let rest = &bytes[position.min(bytes.len())..];
            rest[..count(rest).min(rest.len())].to_vec()
        })?;
        self.position.set(position + taken.len());
        Ok(Bytes::new(taken))
    }

    fn search(
        &self,
        vm: &Vm,
        what: &Value,
        start: Option<&Value>,
        end: Option<&Value>,
        from_right: bool,
    ) -> PyResult<i64> {
        let what = buffer::view(vm, what)?;
        let bound = |value: Option<&Value>| -> PyResult<Option<i64>> {
            match value.filter(|value| !is_none(value)) {
                None => Ok(None),
                Some(value) => vm
                    .index_size(value, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer"))
                    .map(|bound| Some(bound as i64)),
            }
        };
        let (start, end) = (bound(start)?, bound(end)?);
        let length = self.len(vm)? as i64;
        let clamp = |bound: i64| (if bound < 0 { bound + length } else { bound }).clamp(0, length) as usize;
        let start = start.map_or_else(|| self.position.get(), clamp);
        let end = end.map_or(length as usize, clamp);
        let found = self.with(vm, |bytes| {
            let part = bytes.get(start..end)?;
            let what = what.as_slice();
            let found = if from_right { search::rfind(part, what) } else { search::find(part, what) };
            found.map(|found| found + start)
        })?;
        Ok(found.map_or(-1, |found| found as i64))
    }

    /// Checks the file that is to be mapped, and answers how many bytes of it.
    fn length_of_file(vm: &Vm, descriptor: i32, length: i64, offset: i64) -> PyResult<i64> {
        let status = host::status_of(descriptor).or_raise(vm)?;
        if status.st_mode & c::S_IFMT != c::S_IFREG {
            return Ok(length);
        }
        if length == 0 {
            if status.st_size == 0 {
                return Err(vm.value_error("cannot mmap an empty file"));
            }
            if offset >= status.st_size {
                return Err(vm.value_error("mmap offset is greater than file size"));
            }
            return Ok(status.st_size - offset);
        }
        if offset > status.st_size || status.st_size - offset < length {
            return Err(vm.value_error("mmap length is greater than file size"));
        }
        Ok(length)
    }
}

#[pymethods]
impl Map {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = PARAMETERS.bind(vm, args, names)?;
        let number = |place: usize, default: i32| match bound.get(place) {
            None => Ok(default),
            Some(value) => c_int(vm, value),
        };
        const BOTH: i32 = c::PROT_READ | c::PROT_WRITE;
        let descriptor = bound.int(vm, 0)?;
        let length = size(vm, bound.require(vm, 1)?)?;
        let (mut flags, mut protection) = (number(2, c::MAP_SHARED)?, number(3, BOTH)?);
        let access = number(4, 0)?;
        let offset = bound.get(5).map_or(Ok(0), |offset| size(vm, offset))?;
        let tracks = bound.get(6).map_or(Ok(true), |tracks| vm.is_true(tracks))?;
        bound.finish(vm)?;
        if length < 0 {
            return Err(vm.overflow_error("memory mapped length must be positive"));
        }
        if offset < 0 {
            return Err(vm.overflow_error("memory mapped offset must be positive"));
        }
        if access != 0 && (flags != c::MAP_SHARED || protection != BOTH) {
            return Err(vm.value_error("mmap can't specify both access and flags, prot."));
        }
        let known = usize::try_from(access).ok().and_then(|access| Access::ALL.get(access));
        let mut access = *known.ok_or_else(|| vm.value_error("mmap invalid access parameter."))?;
        match access {
            Access::Read => protection = c::PROT_READ,
            Access::Write => {}
            Access::Copy => flags = c::MAP_PRIVATE,
            Access::Default if protection & BOTH == BOTH => {}
            Access::Default if protection & c::PROT_WRITE != 0 => access = Access::Write,
            Access::Default => access = Access::Read,
        }
        audit::raise_event(vm, "mmap.__new__", || {
            [i64::from(descriptor), length, known.map_or(0, |access| *access as i64), offset].map(int::new).into()
        })?;
        let length =
            if descriptor == -1 { length } else { Self::length_of_file(vm, descriptor, length, offset)? };
        let kept = if descriptor != -1 && tracks {
            host::control(descriptor, c::F_DUPFD_CLOEXEC, 0).or_raise(vm)?
        } else {
            -1
        };
        if descriptor == -1 {
            flags |= c::MAP_ANONYMOUS;
        }
        match Mapping::new(length as usize, protection, flags, descriptor, offset).or_raise(vm) {
            Ok(mapping) => {
                let map = Map {
                    pages: ExportableMapping::new(mapping, access == Access::Read),
                    position: Cell::new(0),
                    offset,
                    access,
                    flags,
                    descriptor: Cell::new(kept),
                    tracks,
                };
                Ok(Object::with_type(cls, map).into_value())
            }
            Err(error) => {
                if kept != -1 {
                    let _ = host::close(kept);
                }
                Err(error)
            }
        }
    }

    #[slot(repr)]
    fn repr(this: &Object<Map>) -> String {
        let name = this.type_of().full_name();
        match &*this.pages.borrow() {
            None => format!("<{name} closed=True>"),
            Some(mapping) => format!(
                "<{name} closed=False, access={}, length={}, pos={}, offset={}>",
                this.access.name(),
                mapping.len(),
                this.position.get(),
                this.offset
            ),
        }
    }

    #[slot(length)]
    fn length(&self, vm: &Vm) -> PyResult<usize> {
        self.len(vm)
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult<Ref<Bytes>> {
        let place = usize::try_from(index).ok();
        let byte = self.with(vm, |bytes| place.and_then(|place| bytes.get(place)).copied())?;
        byte.map(|byte| Bytes::new([byte])).ok_or_else(|| vm.index_error("mmap index out of range"))
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        self.len(vm)?;
        if let Some(slice) = key.downcast::<Slice>() {
            let range = slice.indices(vm, self.len(vm)?)?;
            let picked: Vec<u8> = self.with(vm, |bytes| {
                range.iter().filter_map(|index| bytes.get(index).copied()).collect()
            })?;
            return Ok(Bytes::new(picked).into_value());
        }
        if key.type_of().slots().index.get().is_none() {
            return Err(vm.type_error("mmap indices must be integers"));
        }
        let index = vm.index_size(key, |vm| {
            vm.index_error(format!("cannot fit '{}' into an index-sized integer", key.type_of().full_name()))
        })?;
        let place = self.place(vm, index)?;
        Ok(int::new(i64::from(self.with(vm, |bytes| bytes.get(place).copied().unwrap_or(0))?)))
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        self.len(vm)?;
        self.check_writable(vm)?;
        if let Some(slice) = key.downcast::<Slice>() {
            let length = self.len(vm)?;
            let mut range = slice.indices(vm, length)?;
            let Some(value) = value else {
                return Err(vm.type_error("mmap object doesn't support slice deletion"));
            };
            let new = buffer::view(vm, value)?;
            // Asking the value may have closed or resized the map.
            if self.len(vm)? != length {
                range = slice.indices(vm, self.len(vm)?)?;
            }
            if new.len() != range.count() {
                return Err(vm.index_error("mmap slice assignment is wrong size"));
            }
            let new = new.to_vec();
            return self.edit(vm, |bytes| {
                for (index, byte) in range.iter().zip(new) {
                    if let Some(place) = bytes.get_mut(index) {
                        *place = byte;
                    }
                }
            });
        }
        if key.type_of().slots().index.get().is_none() {
            return Err(vm.type_error("mmap indices must be integer"));
        }
        let index = vm.index_size(key, |vm| {
            vm.index_error(format!("cannot fit '{}' into an index-sized integer", key.type_of().full_name()))
        })?;
        let place = self.place(vm, index)?;
        let Some(value) = value else { return Err(vm.type_error("mmap doesn't support item deletion")) };
        if value.type_of().slots().index.get().is_none() {
            return Err(vm.type_error("mmap item value must be an int"));
        }
        let number = vm.index(value)?;
        let byte = int::small_value(&number).and_then(|number| u8::try_from(number).ok());
        let byte = byte.ok_or_else(|| vm.value_error("mmap item value must be in range(0, 256)"))?;
        // Asking the value may have closed the map.
        let place = self.place(vm, place as isize)?;
        self.edit(vm, |bytes| bytes[place] = byte)
    }

    #[slot(buffer)]
    fn buffer(this: &Object<Map>, vm: &Vm, flags: u32) -> PyResult<BufferView> {
        if flags & buffer::flags::WRITABLE != 0 && this.pages.is_readonly() {
            return Err(vm.buffer_error("Object is not writable."));
        }
        BufferView::of_mapping(this, |map| &map.pages).ok_or_else(|| closed(vm))
    }

    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult<()> {
        let Some(mut pages) = self.pages.exclusive() else {
            return Err(vm.buffer_error("cannot close exported pointers exist"));
        };
        drop(pages.take());
        drop(pages);
        self.close_descriptor();
        Ok(())
    }

    #[getter("closed")]
    fn closed(&self) -> bool {
        self.pages.borrow().is_none()
    }

    #[method("__enter__(self, /)")]
    fn enter(this: &Object<Map>, vm: &Vm) -> PyResult<Ref<Map>> {
        this.len(vm)?;
        Ok(this.to_ref())
    }

    #[method("__exit__(self, exc_type, exc_value, traceback, /)")]
    fn exit(&self, vm: &Vm, _exc_type: &Value, _exc_value: &Value, _traceback: &Value) -> PyResult<()> {
        self.close(vm)
    }

    #[method("find(self, view, start=None, end=None, /)")]
    fn find(&self, vm: &Vm, view: &Value, start: Option<&Value>, end: Option<&Value>) -> PyResult<i64> {
        self.search(vm, view, start, end, false)
    }

    #[method("rfind(self, view, start=None, end=None, /)")]
    fn rfind(&self, vm: &Vm, view: &Value, start: Option<&Value>, end: Option<&Value>) -> PyResult<i64> {
        self.search(vm, view, start, end, true)
    }

    #[method("flush(self, offset=0, size=None, /)")]
    fn flush(&self, vm: &Vm, offset: isize, size: Option<&Value>) -> PyResult<()> {
        let size = match size {
            None => None,
            Some(size) => Some(vm.index_size(size, |vm| {
                vm.overflow_error("cannot fit 'int' into an index-sized integer")
            })?),
        };
        let length = self.len(vm)? as isize;
        let size = size.unwrap_or(length);
        if offset < 0 || size < 0 || size > length || length - size < offset {
            return Err(vm.value_error("flush values out of range"));
        }
        if matches!(self.access, Access::Read | Access::Copy) {
            return Ok(());
        }
        match &*self.pages.borrow() {
            Some(mapping) => mapping.flush(offset as usize, size as usize).or_raise(vm),
            None => Err(closed(vm)),
        }
    }

    #[method("madvise(self, option, start=0, length=None, /)")]
    fn madvise(&self, vm: &Vm, option: i32, start: isize, length: Option<&Value>) -> PyResult<()> {
        let all = self.len(vm)? as isize;
        let length = match length {
            None => all,
            Some(length) => vm.index_size(length, |vm| {
                vm.overflow_error("cannot fit 'int' into an index-sized integer")
            })?,
        };
        if start < 0 || start >= all {
            return Err(vm.value_error("madvise start out of bounds"));
        }
        if length < 0 {
            return Err(vm.value_error("madvise length invalid"));
        }
        if isize::MAX - start < length {
            return Err(vm.overflow_error("madvise length too large"));
        }
        let length = length.min(all - start);
        match &*self.pages.borrow() {
            Some(mapping) => mapping.advise(start as usize, length as usize, option).or_raise(vm),
            None => Err(closed(vm)),
        }
    }

    #[method("move(self, dest, src, count, /)")]
    fn move_bytes(&self, vm: &Vm, dest: isize, src: isize, count: isize) -> PyResult<()> {
        let length = self.len(vm)? as isize;
        self.check_writable(vm)?;
        let fits = |start: isize| start >= 0 && length - start >= count;
        if count < 0 || !fits(dest) || !fits(src) {
            return Err(vm.value_error("source, destination, or count out of range"));
        }
        let (dest, src, count) = (dest as usize, src as usize, count as usize);
        self.edit(vm, |bytes| bytes.copy_within(src..src + count, dest))
    }

    #[method("read(self, n=None, /)")]
    fn read(&self, vm: &Vm, n: Option<&Value>) -> PyResult<Ref<Bytes>> {
        let count = match n {
            None => None,
            Some(n) if n.type_of().slots().index.get().is_none() => {
                let got = n.type_of().full_name();
                return Err(vm.type_error(format!("argument should be integer or None, not '{got}'")));
            }
            Some(n) => Some(vm.index_size(n, |vm| {
                vm.overflow_error("cannot fit 'int' into an index-sized integer")
            })?),
        };
        self.take(vm, |rest| count.map_or(rest.len(), |count| usize::try_from(count).unwrap_or(rest.len())))
    }

    #[method("read_byte(self, /)")]
    fn read_byte(&self, vm: &Vm) -> PyResult<i32> {
        let position = self.position.get();
        let byte = self.with(vm, |bytes| bytes.get(position).copied())?;
        let byte = byte.ok_or_else(|| vm.value_error("read byte out of range"))?;
        self.position.set(position + 1);
        Ok(i32::from(byte))
    }

    #[method("readline(self, /)")]
    fn readline(&self, vm: &Vm) -> PyResult<Ref<Bytes>> {
        self.take(vm, |rest| memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1))
    }

    #[method("resize(self, newsize, /)")]
    fn resize(&self, vm: &Vm, newsize: &Value) -> PyResult<()> {
        let new = size(vm, newsize)?;
        self.len(vm)?;
        if self.pages.exports() > 0 {
            return Err(vm.buffer_error("mmap can't resize with extant buffers exported."));
        }
        if !self.tracks {
            return Err(vm.value_error("mmap can't resize with trackfd=False."));
        }
        if matches!(self.access, Access::Read | Access::Copy) {
            let message = "mmap can't resize a readonly or copy-on-write memory map.";
            return Err(vm.type_error(message));
        }
        let Some(end) = self.offset.checked_add(new).filter(|_| new >= 0) else {
            return Err(vm.value_error("new size out of range"));
        };
        let descriptor = self.descriptor.get();
        if descriptor != -1 {
            host::truncate_descriptor(descriptor, end).or_raise(vm)?;
        } else if self.flags & c::MAP_PRIVATE == 0 && new as usize > self.len(vm)? {
            return Err(vm.value_error("mmap: can't expand a shared anonymous mapping"));
        }
        let Some(mut pages) = self.pages.exclusive() else { return Err(closed(vm)) };
        match &mut *pages {
            Some(mapping) => mapping.resize(new as usize).or_raise(vm),
            None => Err(closed(vm)),
        }
    }

    #[method("seek(self, pos, whence=0, /)")]
    fn seek(&self, vm: &Vm, pos: &Value, whence: i32) -> PyResult<i64> {
        let distance = size(vm, pos)?;
        let length = self.len(vm)? as i64;
        let from = match whence {
            0 => 0,
            1 => self.position.get() as i64,
            2 => length,
            _ => return Err(vm.value_error("unknown seek type")),
        };
        let target = from.checked_add(distance).filter(|target| (0..=length).contains(target));
        let target = target.ok_or_else(|| vm.value_error("seek out of range"))?;
        self.position.set(target as usize);
        Ok(target)
    }

    #[method("seekable(self, /)")]
    fn seekable(&self) -> bool {
        true
    }

    #[method("size(self, /)")]
    fn size(&self, vm: &Vm) -> PyResult<i64> {
        self.len(vm)?;
        Ok(host::status_of(self.descriptor.get()).or_raise(vm)?.st_size)
    }

    #[method("tell(self, /)")]
    fn tell(&self, vm: &Vm) -> PyResult<usize> {
        self.len(vm)?;
        Ok(self.position.get())
    }

    #[method("write(self, bytes, /)")]
    fn write(&self, vm: &Vm, bytes: &Value) -> PyResult<usize> {
        let data = buffer::view(vm, bytes)?.to_vec();
        let length = self.len(vm)?;
        self.check_writable(vm)?;
        let start = self.position.get();
        if start > length || length - start < data.len() {
            return Err(vm.value_error("data out of range"));
        }
        self.edit(vm, |bytes| bytes[start..start + data.len()].copy_from_slice(&data))?;
        self.position.set(start + data.len());
        Ok(data.len())
    }

    #[method("write_byte(self, byte, /)")]
    fn write_byte(&self, vm: &Vm, byte: u8) -> PyResult<()> {
        let length = self.len(vm)?;
        self.check_writable(vm)?;
        let position = self.position.get();
        if position >= length {
            return Err(vm.value_error("write byte out of range"));
        }
        self.edit(vm, |bytes| bytes[position] = byte)?;
        self.position.set(position + 1);
        Ok(())
    }
}

const CONSTANTS: &[(&str, i32)] = &[
    ("ACCESS_COPY", Access::Copy as i32),
    ("ACCESS_DEFAULT", Access::Default as i32),
    ("ACCESS_READ", Access::Read as i32),
    ("ACCESS_WRITE", Access::Write as i32),
    ("MADV_DODUMP", c::MADV_DODUMP),
    ("MADV_DOFORK", c::MADV_DOFORK),
    ("MADV_DONTDUMP", c::MADV_DONTDUMP),
    ("MADV_DONTFORK", c::MADV_DONTFORK),
    ("MADV_DONTNEED", c::MADV_DONTNEED),
    ("MADV_FREE", c::MADV_FREE),
    ("MADV_HUGEPAGE", c::MADV_HUGEPAGE),
    ("MADV_HWPOISON", c::MADV_HWPOISON),
    ("MADV_MERGEABLE", c::MADV_MERGEABLE),
    ("MADV_NOHUGEPAGE", c::MADV_NOHUGEPAGE),
    ("MADV_NORMAL", c::MADV_NORMAL),
    ("MADV_RANDOM", c::MADV_RANDOM),
    ("MADV_REMOVE", c::MADV_REMOVE),
    ("MADV_SEQUENTIAL", c::MADV_SEQUENTIAL),
    ("MADV_UNMERGEABLE", c::MADV_UNMERGEABLE),
    ("MADV_WILLNEED", c::MADV_WILLNEED),
    ("MAP_32BIT", 0x40),
    ("MAP_ANON", c::MAP_ANON),
    ("MAP_ANONYMOUS", c::MAP_ANONYMOUS),
    ("MAP_DENYWRITE", c::MAP_DENYWRITE),
    ("MAP_EXECUTABLE", c::MAP_EXECUTABLE),
    ("MAP_NORESERVE", c::MAP_NORESERVE),
    ("MAP_POPULATE", c::MAP_POPULATE),
    ("MAP_PRIVATE", c::MAP_PRIVATE),
    ("MAP_SHARED", c::MAP_SHARED),
    ("MAP_STACK", c::MAP_STACK),
    ("PROT_EXEC", c::PROT_EXEC),
    ("PROT_READ", c::PROT_READ),
    ("PROT_WRITE", c::PROT_WRITE),
];

native_module! {
    name: "mmap",
    doc: "",
    functions: [],
    types: [Map],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in CONSTANTS {
        module.set_int(vm, name, i64::from(*number));
    }
    let page = host::page_size();
    module.set_int(vm, "PAGESIZE", page);
    module.set_int(vm, "ALLOCATIONGRANULARITY", page);
    module.set(vm, "error", OsError::static_type().to_value());
    Ok(())
}
