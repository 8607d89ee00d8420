//! `FileIO`: an unbuffered file of the system.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::audit;
use rspy_runtime::buffer::BufferView;
use rspy_runtime::exceptions::{Exception, PyResult, hierarchy};
use rspy_runtime::host::{self, Destination, c};
use rspy_runtime::object::{Object, Payload, TypeObject};
use rspy_runtime::paths::{OrRaise, PathName};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::base::{IOBase, RawIOBase, cannot_pickle, finalize_stream, size_argument};
use super::{DEFAULT_BUFFER_SIZE, unsupported};

/// Open a file.
///
/// The mode can be 'r' (default), 'w', 'x' or 'a' for reading, writing, exclusive creation or appending. Add a '+' to
/// the mode to allow simultaneous reading and writing.
#[pyclass(
    name = "FileIO", hides_del, module = "_io", extends = RawIOBase, tracked, subclassable,
    signature = "(file, mode='r', closefd=True, opener=None)"
)]
#[repr(C)]
pub struct FileIO {
    base: RawIOBase,
    descriptor: Cell<i32>,
    created: Cell<bool>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    appending: Cell<bool>,
    close_descriptor: Cell<bool>,
    finalizing: Cell<bool>,
    /// Whether the position can be moved, once that was asked.
    seekable: Cell<Option<bool>>,
    block_size: Cell<i64>,
    /// What the system said of the file's length when it was opened, where it was a plain file.
    length_at_open: Cell<Option<i64>>,
    /// Whether the file was a character device when it was opened, and so may be a terminal.
    device_at_open: Cell<bool>,
}

/// What a mode string asks for.
struct Flags {
    flags: i32,
    created: bool,
    readable: bool,
    writable: bool,
    appending: bool,
}

impl Flags {
    fn parse(vm: &Vm, mode: &str) -> PyResult<Flags> {
        let wrong = || {
            vm.value_error(
                "Must have exactly one of create/read/write/append mode and at most one plus",
            )
        };
        let mut parsed = Flags { flags: 0, created: false, readable: false, writable: false, appending: false };
        let (mut kind, mut plus) = (false, false);
        for letter in mode.chars() {
            match letter {
                'x' | 'r' | 'w' | 'a' if kind => return Err(wrong()),
                'x' => {
                    parsed.created = true;
                    parsed.writable = true;
                    parsed.flags |= c::O_EXCL | c::O_CREAT;
                }
                'r' => parsed.readable = true,
                'w' => {
                    parsed.writable = true;
                    parsed.flags |= c::O_CREAT | c::O_TRUNC;
                }
                'a' => {
                    parsed.writable = true;
                    parsed.appending = true;
                    parsed.flags |= c::O_APPEND | c::O_CREAT;
                }
                'b' => {}
                '+' if plus => return Err(wrong()),
                '+' => {
                    parsed.readable = true;
                    parsed.writable = true;
                    plus = true;
                }
                _ => return Err(vm.value_error(format!("invalid mode: {mode}"))),
            }
            kind |= matches!(letter, 'x' | 'r' | 'w' | 'a');
        }
        if !kind {
            return Err(wrong());
        }
        parsed.flags |= match (parsed.readable, parsed.writable) {
            (true, true) => c::O_RDWR,
            (true, false) => c::O_RDONLY,
            _ => c::O_WRONLY,
        };
        parsed.flags |= c::O_CLOEXEC;
        Ok(parsed)
    }
}

impl FileIO {
    /// The descriptor; `ValueError` where the file is closed.
    pub(super) fn descriptor(&self, vm: &Vm) -> PyResult<i32> {
        match self.descriptor.get() {
            descriptor if descriptor >= 0 => Ok(descriptor),
            _ => Err(vm.value_error("I/O operation on closed file")),
        }
    }

    /// Whether the file is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.descriptor.get() < 0
    }

    /// Whether the file is a terminal; a plain file is none without asking the system.
    pub(super) fn is_terminal_for_open(&self) -> bool {
        self.device_at_open.get() && host::is_terminal(self.descriptor.get())
    }

    fn not_open_for(vm: &Vm, what: &str) -> Exception {
        unsupported(vm, &format!("File not open for {what}"))
    }

    /// Reads into memory; nothing where the descriptor does not block and has nothing.
    pub(super) fn read_into(
        &self,
        vm: &Vm,
        buffer: &mut (impl Destination + ?Sized),
    ) -> PyResult<Option<usize>> {
        let descriptor = self.descriptor(vm)?;
        if !self.readable.get() {
            return Err(Self::not_open_for(vm, "reading"));
        }
        match vm.blocking(|| host::read(descriptor, buffer))? {
            Err(error) if error.0 == c::EAGAIN => Ok(None),
            result => result.or_raise(vm).map(Some),
        }
    }

    /// Writes from memory; nothing where the descriptor does not block and takes nothing.
    pub(super) fn write_from(&self, vm: &Vm, bytes: &[u8]) -> PyResult<Option<usize>> {
        let descriptor = self.descriptor(vm)?;
        if !self.writable.get() {
            return Err(Self::not_open_for(vm, "writing"));
        }
        match vm.blocking(|| host::write(descriptor, bytes))? {
            Err(error) if error.0 == c::EAGAIN => Ok(None),
            result => result.or_raise(vm).map(Some),
        }
    }

    /// Moves the position.
    pub(super) fn seek_to(&self, vm: &Vm, offset: i64, whence: i32) -> PyResult<i64> {
        let descriptor = self.descriptor(vm)?;
        let result = vm.allow_threads(|| host::seek(descriptor, offset, whence));
        if self.seekable.get().is_none() {
            self.seekable.set(Some(result.is_ok()));
        }
        result.or_raise(vm)
    }

    fn open(vm: &Vm, file: &Value, flags: &Flags, opener: Option<&Value>) -> PyResult<i32> {
        if let Some(opener) = opener {
            let opened = vm.call(opener, &[file.clone(), Value::int(flags.flags)])?;
            if !int::is_int(&opened) {
                return Err(vm.type_error("expected integer from opener"));
            }
            let descriptor: i32 = int::to_fixed(vm, &opened, "int")?;
            if descriptor < 0 {
                return Err(vm.value_error(format!("opener returned {descriptor}")));
            }
            if let Err(error) = host::set_inheritable(descriptor, false) {
                return Err(vm.os_error(error.0, None, None));
            }
            return Ok(descriptor);
        }
        let place = rspy_runtime::arguments::Place { function: "open", name: "file", position: 1, by_name: true };
        let path = <PathName as rspy_runtime::arguments::FromArgument<'_>>::from_argument(vm, file, &place)
            .map_err(|error| if error.is_value_error() && !error.is_unicode_error() { vm.value_error("embedded null byte") } else { error })?;
        crate::posix::open_path(vm, host::CURRENT_FOLDER, &path, flags.flags, 0o666)
    }

    /// Looks at the file that was opened: folders are refused.
    fn inspect(&self, vm: &Vm, file: &Value) -> PyResult<()> {
        let descriptor = self.descriptor.get();
        match host::status_of(descriptor) {
            Ok(status) => {
                if status.st_mode & c::S_IFMT == c::S_IFDIR {
                    return Err(vm.os_error(c::EISDIR, Some(file), None));
                }
                self.device_at_open.set(status.st_mode & c::S_IFMT == c::S_IFCHR);
                if status.st_mode & c::S_IFMT == c::S_IFREG {
                    self.length_at_open.set(Some(status.st_size));
                }
                if status.st_blksize > 1 {
                    self.block_size.set(i64::from(status.st_blksize));
                }
                Ok(())
            }
            Err(error) if error.0 == c::EBADF => Err(vm.os_error(error.0, Some(file), None)),
            // Descriptors that cannot be asked, such as those of some devices, are taken as they are.
            Err(_) => Ok(()),
        }
    }

    fn mode_text(&self) -> &'static str {
        match (self.created.get(), self.appending.get(), self.readable.get(), self.writable.get()) {
            (true, _, true, _) => "xb+",
            (true, ..) => "xb",
            (_, true, true, _) => "ab+",
            (_, true, ..) => "ab",
            (_, _, true, true) => "rb+",
            (_, _, true, false) => "rb",
            _ => "wb",
        }
    }

    fn close_now(&self, vm: &Vm) -> PyResult<()> {
        let descriptor = self.descriptor.replace(-1);
        if descriptor >= 0 && self.close_descriptor.get() {
            vm.allow_threads(|| host::close(descriptor)).or_raise(vm)?;
        }
        Ok(())
    }

    /// Everything up to the end.
    pub(super) fn read_all(&self, vm: &Vm) -> PyResult<Option<Vec<u8>>> {
        let descriptor = self.descriptor(vm)?;
        if !self.readable.get() {
            return Err(Self::not_open_for(vm, "reading"));
        }
        let mut room = DEFAULT_BUFFER_SIZE.min(1 << 16);
        if let Some(length) = self.length_at_open.get() {
            let position = if length > 65536 { host::seek(descriptor, 0, c::SEEK_CUR).unwrap_or(0) } else { 0 };
            room = usize::try_from(length - position).unwrap_or(0) + 1;
        }
        let mut all = Vec::new();
        loop {
            if room == 0 {
                room = (all.len() >> 3) + 256 * 1024;
            }
            let mut place = crate::posix::room_behind(vm, &mut all, room)?;
            match vm.blocking(|| host::read(descriptor, &mut place))? {
                Ok(0) => break,
                Ok(count) => room -= count,
                Err(error) if error.0 == c::EAGAIN && !all.is_empty() => break,
                Err(error) if error.0 == c::EAGAIN => return Ok(None),
                Err(error) => return Err(vm.os_error(error.0, None, None)),
            }
        }
        Ok(Some(host::fitted(all)))
    }

    fn warn_unclosed(vm: &Vm, this: &Value, source: &Value) {
        let Some(file) = this.downcast::<FileIO>() else { return };
        if file.is_closed() || !file.close_descriptor.get() {
            return;
        }
        let warned = vm.repr(source).and_then(|shown| {
            let message = format!("unclosed file {}", shown.to_string_lossy());
            rspy_runtime::warnings::resource_warning(vm, source, &message, 1)
        });
        if let Err(error) = warned
            && error.is(hierarchy::Warning::static_type())
        {
            let doing = "Exception ignored while finalizing file";
            rspy_runtime::exceptions::print::write_unraisable_about(vm, error, doing, this);
        }
    }
}

#[pymethods]
impl FileIO {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: rspy_runtime::slots::KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(
            cls,
            FileIO {
                base: RawIOBase { base: IOBase },
                descriptor: Cell::new(-1),
                created: Cell::new(false),
                readable: Cell::new(false),
                writable: Cell::new(false),
                appending: Cell::new(false),
                close_descriptor: Cell::new(true),
                finalizing: Cell::new(false),
                seekable: Cell::new(None),
                block_size: Cell::new(DEFAULT_BUFFER_SIZE as i64),
                length_at_open: Cell::new(None),
                device_at_open: Cell::new(false),
            },
        )
        .into_value())
    }

    #[init("FileIO(file, mode='r', closefd=True, opener=None)")]
    fn init(
        this: &Object<FileIO>,
        vm: &Vm,
        file: &Value,
        mode: Option<&Object<Str>>,
        closefd: bool,
        opener: Option<&Value>,
    ) -> PyResult<()> {
        if this.close_descriptor.get() {
            this.close_now(vm)?;
        } else {
            this.descriptor.set(-1);
        }
        let given = if int::is_int(file) {
            let descriptor: i32 = int::to_fixed(vm, file, "int")?;
            if descriptor < 0 {
                return Err(vm.value_error("negative file descriptor"));
            }
            Some(rspy_runtime::paths::as_descriptor(vm, file)?)
        } else {
            None
        };
        let mode = mode.map_or_else(|| "r".into(), |mode| mode.to_string_lossy());
        let flags = Flags::parse(vm, &mode)?;
        audit::raise_event(vm, "open", || vec![file.clone(), vm.new_str(&mode), Value::int(flags.flags)])?;
        this.created.set(flags.created);
        this.readable.set(flags.readable);
        this.writable.set(flags.writable);
        this.appending.set(flags.appending);
        this.seekable.set(None);
        this.close_descriptor.set(closefd);
        match given {
            Some(descriptor) => this.descriptor.set(descriptor),
            None if !closefd => return Err(vm.value_error("Cannot use closefd=False with file name")),
            None => this.descriptor.set(FileIO::open(vm, file, &flags, opener)?),
        }
        let prepared = this.inspect(vm, file).and_then(|()| {
            vm.set_attribute_str(&this.to_value(), "name", file)?;
            if flags.appending {
                // Appending begins at the end, which not every kind of file has.
                let _ = this.seek_to(vm, 0, c::SEEK_END);
            }
            Ok(())
        });
        if prepared.is_err() {
            // A descriptor that was given stays the caller's.
            let descriptor = this.descriptor.replace(-1);
            if given.is_none() {
                let _ = host::close(descriptor);
            }
        }
        prepared
    }

    #[slot(repr)]
    fn repr(this: &Object<FileIO>, vm: &Vm) -> PyResult {
        let type_name = this.type_of().full_name();
        if this.is_closed() {
            return Ok(vm.new_str(&format!("<{type_name} [closed]>")));
        }
        let closes = if this.close_descriptor.get() { "True" } else { "False" };
        let mode = this.mode_text();
        let name = vm.get_attribute_optional(&this.as_value(), &vm.intern("name"))?;
        let text = match name {
            None => format!("<{type_name} fd={} mode='{mode}' closefd={closes}>", this.descriptor.get()),
            Some(name) => {
                let Some(_guard) = vm.enter_repr(&this.as_value()) else {
                    return Err(vm.runtime_error(format!("reentrant call inside {type_name}.__repr__")));
                };
                let shown = vm.repr(&name)?;
                format!("<{type_name} name={} mode='{mode}' closefd={closes}>", shown.to_string_lossy())
            }
        };
        Ok(vm.new_str(&text))
    }

    #[slot(finalize)]
    fn finalize(vm: &Vm, this: &Value) {
        if let Some(file) = this.downcast_exact::<FileIO>()
            && file.is_closed()
        {
            return;
        }
        finalize_stream(vm, this);
    }

    /// True if the file is closed
    #[getter("closed")]
    fn closed(&self) -> bool {
        self.is_closed()
    }

    /// True if the file descriptor will be closed by close().
    #[getter("closefd")]
    fn closefd(&self) -> bool {
        self.close_descriptor.get()
    }

    /// String giving the file mode
    #[getter("mode")]
    fn mode(&self) -> &'static str {
        self.mode_text()
    }

    /// Stat st_blksize if available
    #[getter("_blksize")]
    fn block_size(&self) -> i64 {
        self.block_size.get()
    }

    #[getter("_finalizing", member)]
    fn is_finalizing(&self) -> bool {
        self.finalizing.get()
    }

    #[setter("_finalizing")]
    fn set_finalizing(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        self.finalizing.set(super::base::finalizing_argument(vm, value)?);
        Ok(())
    }

    /// Close the file.
    #[method("close(self, /)")]
    fn close(vm: &Vm, this: &Value) -> PyResult<()> {
        let file = rspy_runtime::convert::object_of::<FileIO>(this);
        let base_closed = IOBase::close_stream(vm, this);
        if !file.close_descriptor.get() {
            file.descriptor.set(-1);
            return base_closed;
        }
        if file.finalizing.get() {
            FileIO::warn_unclosed(vm, this, this);
        }
        let closed = file.close_now(vm);
        base_closed?;
        closed
    }

    /// True if file supports random-access.
    #[method("seekable(self, /)")]
    fn seekable(&self, vm: &Vm) -> PyResult<bool> {
        self.descriptor(vm)?;
        if self.seekable.get().is_none() {
            // Whoever asks is told no where the position cannot even be read.
            let _ = self.seek_to(vm, 0, c::SEEK_CUR);
        }
        Ok(self.seekable.get().unwrap_or(false))
    }

    /// True if file was opened in a read mode.
    #[method("readable(self, /)")]
    fn readable(&self, vm: &Vm) -> PyResult<bool> {
        self.descriptor(vm)?;
        Ok(self.readable.get())
    }

    /// True if file was opened in a write mode.
    #[method("writable(self, /)")]
    fn writable(&self, vm: &Vm) -> PyResult<bool> {
        self.descriptor(vm)?;
        Ok(self.writable.get())
    }

    /// Return the underlying file descriptor (an integer).
    #[method("fileno(self, /)")]
    fn fileno(&self, vm: &Vm) -> PyResult<i32> {
        self.descriptor(vm)
    }

    /// True if the file is connected to a TTY device.
    #[method("isatty(self, /)")]
    fn isatty(&self, vm: &Vm) -> PyResult<bool> {
        let descriptor = self.descriptor(vm)?;
        Ok(vm.allow_threads(|| host::is_terminal(descriptor)))
    }

    #[method("_isatty_open_only(self, /)")]
    fn isatty_open_only(&self) -> bool {
        self.is_terminal_for_open()
    }

    /// Read at most size bytes, returned as bytes.
    #[method("read(self, size=-1, /)")]
    fn read(this: &Object<FileIO>, vm: &Vm, size: Option<&Value>) -> PyResult {
        this.descriptor(vm)?;
        if !this.readable.get() {
            return Err(FileIO::not_open_for(vm, "reading"));
        }
        let Some(size) = size_argument(vm, size)? else {
            return vm.call_method_str(&this.as_value(), "readall", &[]);
        };
        let mut bytes = Vec::new();
        let mut room = crate::posix::room_behind(vm, &mut bytes, size.min(0x7fff_f000))?;
        Ok(this.read_into(vm, &mut room)?.map_or_else(none, |_| Bytes::new(host::fitted(bytes)).into_value()))
    }

    /// Read all data from the file, returned as bytes.
    #[method("readall(self, /)")]
    fn readall(&self, vm: &Vm) -> PyResult {
        Ok(self.read_all(vm)?.map_or_else(none, |all| Bytes::new(all).into_value()))
    }

    /// Same as RawIOBase.readinto().
    #[method("readinto(self, buffer, /)")]
    fn readinto(&self, vm: &Vm, buffer: &Value) -> PyResult {
        let mut view = crate::posix::writable_argument(vm, "readinto", 0, buffer)?;
        Ok(self.read_into(vm, view.as_mut_slice())?.map_or_else(none, |count| int::new(count as i64)))
    }

    /// Write buffer b to file, return number of bytes written.
    #[method("write(self, b, /)")]
    fn write(&self, vm: &Vm, b: BufferView) -> PyResult {
        Ok(self.write_from(vm, b.as_slice())?.map_or_else(none, |count| int::new(count as i64)))
    }

    /// Move to new file position and return the file position.
    #[method("seek(self, pos, whence=0, /)")]
    fn seek(&self, vm: &Vm, pos: &Value, whence: i32) -> PyResult<i64> {
        self.descriptor(vm)?;
        self.seek_to(vm, offset_argument(vm, pos)?, whence)
    }

    /// Current file position.
    #[method("tell(self, /)")]
    fn tell(&self, vm: &Vm) -> PyResult<i64> {
        self.seek_to(vm, 0, c::SEEK_CUR)
    }

    /// Truncate the file to at most size bytes and return the truncated size.
    #[method("truncate(self, size=None, /)")]
    fn truncate(&self, vm: &Vm, size: Option<&Value>) -> PyResult {
        let descriptor = self.descriptor(vm)?;
        if !self.writable.get() {
            return Err(FileIO::not_open_for(vm, "writing"));
        }
        let size = match size.filter(|size| !is_none(size)) {
            Some(size) => size.clone(),
            None => int::new(self.seek_to(vm, 0, c::SEEK_CUR)?),
        };
        let length = offset_argument(vm, &size)?;
        vm.blocking(|| host::truncate_descriptor(descriptor, length))?.or_raise(vm)?;
        self.length_at_open.set(None);
        Ok(size)
    }

    #[method("_dealloc_warn(self, source, /)")]
    fn dealloc_warn(vm: &Vm, this: &Value, source: &Value) {
        FileIO::warn_unclosed(vm, this, source);
    }

    #[method("__getstate__(self, /)")]
    fn getstate(vm: &Vm, this: &Value) -> PyResult {
        cannot_pickle(vm, this)
    }
}

/// A position in a file given as argument.
pub(super) fn offset_argument(vm: &Vm, value: &Value) -> PyResult<i64> {
    if value.type_of().slots().index.get().is_none() {
        return Err(
            vm.type_error(format!("'{}' object cannot be interpreted as an integer", value.type_of().full_name()))
        );
    }
    let number = vm.index(value)?;
    match int::small_value(&number) {
        Some(offset) => Ok(offset),
        None => int::to_fixed(vm, &number, "long"),
    }
}

impl IOBase {
    /// `_IOBase.close`, for streams derived from it.
    pub(super) fn close_stream(vm: &Vm, stream: &Value) -> PyResult<()> {
        if vm.get_attribute_optional(stream, &vm.intern("__IOBase_closed"))?.is_some() {
            return Ok(());
        }
        let flushed = vm.call_method_str(stream, "flush", &[]);
        let marked = vm.set_attribute_str(stream, "__IOBase_closed", &boolean(true));
        flushed?;
        marked
    }
}
