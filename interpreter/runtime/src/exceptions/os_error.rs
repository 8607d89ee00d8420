//! `OSError` and the classes that stand for single error numbers.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::arguments::KeywordArguments;
use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::exceptions::base::{self, BaseException, ExceptionPayload, attributes, reduced, reject_keywords};
use crate::exceptions::fields::{derived_types, member};
use crate::exceptions::hierarchy::PlainException;
use crate::native::GetSetDef;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::int;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Base class for I/O related errors.
#[pyclass(name = "OSError", extends = PlainException, tracked, subclassable)]
#[repr(C)]
pub struct OsError {
    base: BaseException,
    /// The error number.
    pub errno: GilCell<Option<Value>>,
    /// What the number means.
    pub strerror: GilCell<Option<Value>>,
    /// The file.
    pub filename: GilCell<Option<Value>>,
    /// The second file of operations on two.
    pub filename2: GilCell<Option<Value>>,
    /// How much was written before the operation would have blocked; -1 where that is not known.
    #[untraced]
    pub characters_written: Cell<isize>,
}

impl ExceptionPayload for OsError {
    fn empty(base: BaseException) -> Self {
        OsError {
            base,
            errno: GilCell::default(),
            strerror: GilCell::default(),
            filename: GilCell::default(),
            filename2: GilCell::default(),
            characters_written: Cell::new(-1),
        }
    }
}

derived_types! { OsError:
    /// I/O operation would block.
    class "BlockingIOError" BlockingIOError(OsError);
    /// Connection error.
    class "ConnectionError" ConnectionError(OsError);
    /// Child process error.
    class "ChildProcessError" ChildProcessError(OsError);
    /// Broken pipe.
    class "BrokenPipeError" BrokenPipeError(ConnectionError);
    /// Connection aborted.
    class "ConnectionAbortedError" ConnectionAbortedError(ConnectionError);
    /// Connection refused.
    class "ConnectionRefusedError" ConnectionRefusedError(ConnectionError);
    /// Connection reset.
    class "ConnectionResetError" ConnectionResetError(ConnectionError);
    /// File already exists.
    class "FileExistsError" FileExistsError(OsError);
    /// File not found.
    class "FileNotFoundError" FileNotFoundError(OsError);
    /// Operation doesn't work on directories.
    class "IsADirectoryError" IsADirectoryError(OsError);
    /// Operation only works on directories.
    class "NotADirectoryError" NotADirectoryError(OsError);
    /// Interrupted by signal.
    class "InterruptedError" InterruptedError(OsError);
    /// Not enough permissions.
    class "PermissionError" PermissionError(OsError);
    /// Process not found.
    class "ProcessLookupError" ProcessLookupError(OsError);
    /// Timeout expired.
    class "TimeoutError" TimeoutError(OsError);
}

/// The classes derived from `OSError`, bases first.
pub(crate) const TYPES: &[fn() -> &'static TypeObject] = &[
    BlockingIOError::static_type,
    ConnectionError::static_type,
    ChildProcessError::static_type,
    BrokenPipeError::static_type,
    ConnectionAbortedError::static_type,
    ConnectionRefusedError::static_type,
    ConnectionResetError::static_type,
    FileExistsError::static_type,
    FileNotFoundError::static_type,
    IsADirectoryError::static_type,
    NotADirectoryError::static_type,
    InterruptedError::static_type,
    PermissionError::static_type,
    ProcessLookupError::static_type,
    TimeoutError::static_type,
];

/// The class that stands for an error number (PEP 3151), `OSError` itself for most.
pub fn class_of(errno: i64) -> &'static TypeObject {
    let Ok(errno) = i32::try_from(errno) else { return OsError::static_type() };
    match errno {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => BlockingIOError::static_type(),
        errno if errno == libc::EWOULDBLOCK => BlockingIOError::static_type(),
        libc::EPIPE => BrokenPipeError::static_type(),
        #[cfg(unix)]
        libc::ESHUTDOWN => BrokenPipeError::static_type(),
        libc::ECHILD => ChildProcessError::static_type(),
        libc::ECONNABORTED => ConnectionAbortedError::static_type(),
        libc::ECONNREFUSED => ConnectionRefusedError::static_type(),
        libc::ECONNRESET => ConnectionResetError::static_type(),
        libc::EEXIST => FileExistsError::static_type(),
        libc::ENOENT => FileNotFoundError::static_type(),
        libc::EISDIR => IsADirectoryError::static_type(),
        libc::ENOTDIR => NotADirectoryError::static_type(),
        libc::EINTR => InterruptedError::static_type(),
        libc::EACCES | libc::EPERM => PermissionError::static_type(),
        libc::ESRCH => ProcessLookupError::static_type(),
        libc::ETIMEDOUT => TimeoutError::static_type(),
        _ => OsError::static_type(),
    }
}

/// The arguments of the class by meaning.
#[derive(Default)]
struct Parsed {
    errno: Option<Value>,
    strerror: Option<Value>,
    filename: Option<Value>,
    filename2: Option<Value>,
}

impl Parsed {
    fn of(args: &[Value]) -> Parsed {
        if !(2..=5).contains(&args.len()) {
            return Parsed::default();
        }
        // The fourth argument is Windows' error number.
        Parsed {
            errno: args.first().cloned(),
            strerror: args.get(1).cloned(),
            filename: args.get(2).cloned(),
            filename2: args.get(4).cloned(),
        }
    }
}

impl OsError {
    /// What all exceptions have.
    pub const fn base(&self) -> &BaseException {
        &self.base
    }

    /// Whether arguments are left to `__init__`: where a class overrides that and keeps our `__new__`.
    fn uses_init(class: &TypeObject) -> bool {
        let slots = class.slots();
        let own_init = slots.init.get().is_some_and(|init| init as usize == Self::init as *const () as usize);
        let own_new = slots.new.get().is_some_and(|new| new as usize == Self::new as *const () as usize);
        !own_init && own_new
    }

    fn new(vm: &Vm, class: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if Self::uses_init(class) {
            return Ok(base::allocate(class, Tuple::empty()));
        }
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        reject_keywords(vm, class, &keywords)?;
        let parsed = Parsed::of(positional);
        let class = match parsed.errno.as_ref().and_then(int::small_value) {
            Some(errno) if std::ptr::eq(class, OsError::static_type()) => class_of(errno),
            _ => class,
        };
        let error = base::allocate(class, Tuple::from_slice(positional));
        Self::fill(vm, &error, positional, parsed)?;
        Ok(error)
    }

    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        if !Self::uses_init(this.type_of()) {
            return Ok(());
        }
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        reject_keywords(vm, this.type_of(), &keywords)?;
        Self::fill(vm, this, positional, Parsed::of(positional))
    }

    fn fill(vm: &Vm, this: &Value, args: &[Value], parsed: Parsed) -> PyResult<()> {
        let error = crate::convert::payload_of::<OsError>(this);
        let mut kept = args;
        if let Some(filename) = parsed.filename.filter(|filename| !is_none(filename)) {
            let blocking = std::ptr::eq(this.type_of(), BlockingIOError::static_type());
            if blocking && is_number(&filename) {
                error.characters_written.set(size(vm, &filename)?);
            } else {
                error.filename.set(Some(filename));
                if let Some(second) = parsed.filename2.filter(|second| !is_none(second)) {
                    error.filename2.set(Some(second));
                }
                // `errno, strerror = error.args` works however many files are named.
                kept = &args[..2];
            }
        }
        error.errno.set(parsed.errno);
        error.strerror.set(parsed.strerror);
        error.base.set_args(Tuple::from_slice(kept));
        Ok(())
    }

    fn str(vm: &Vm, this: &Value) -> PyResult {
        let error = crate::convert::payload_of::<OsError>(this);
        let (errno, strerror) = (error.errno.get(), error.strerror.get());
        let filename = error.filename.get();
        if filename.is_none() && (errno.is_none() || strerror.is_none()) {
            return error.base.show(vm).map(Ref::into_value);
        }
        let text = |value: Option<Value>| -> PyResult<Ref<Str>> { vm.str(&value.unwrap_or_else(none)) };
        let mut out = StrBuilder::new();
        out.push_str("[Errno ");
        out.push_object(&*text(errno)?);
        out.push_str("] ");
        out.push_object(&*text(strerror)?);
        if let Some(filename) = filename {
            out.push_str(": ");
            out.push_object(&*vm.repr(&filename)?);
            if let Some(second) = error.filename2.get() {
                out.push_str(" -> ");
                out.push_object(&*vm.repr(&second)?);
            }
        }
        Ok(out.finish().into_value())
    }

    fn get_characters_written(vm: &Vm, this: &Value) -> PyResult {
        match crate::convert::payload_of::<OsError>(this).characters_written.get() {
            -1 => Err(vm.bare_attribute_error("characters_written")),
            count => Ok(int::new(count as i64)),
        }
    }

    fn set_characters_written(vm: &Vm, this: &Value, value: Option<&Value>) -> PyResult<()> {
        let error = crate::convert::payload_of::<OsError>(this);
        let count = match value {
            Some(value) => size(vm, value)?,
            None if error.characters_written.get() == -1 => {
                return Err(vm.bare_attribute_error("characters_written"));
            }
            None => -1,
        };
        error.characters_written.set(count);
        Ok(())
    }

    #[doc(hidden)]
    pub const METHODS: &'static [crate::native::NativeDef] = OsError::PICKLING;
    #[doc(hidden)]
    pub const ATTRIBUTES: &'static [GetSetDef] = &[
        member!(OsError.errno, "errno", "POSIX exception code"),
        member!(OsError.strerror, "strerror", "exception strerror"),
        member!(OsError.filename, "filename", "exception filename"),
        member!(OsError.filename2, "filename2", "second exception filename"),
        GetSetDef {
            name: "characters_written",
            doc: "",
            get: OsError::get_characters_written,
            set: Some(OsError::set_characters_written),
            member: false,
        },
    ];
    #[doc(hidden)]
    #[allow(clippy::declare_interior_mutable_const)]
    pub const SLOTS: crate::slots::Slots = crate::slots::Slots {
        new: Cell::new(Some(OsError::new)),
        init: Cell::new(Some(OsError::init)),
        str: Cell::new(Some(OsError::str)),
        ..crate::slots::Slots::EMPTY
    };
}

#[pymethods(PICKLING)]
impl OsError {
    /// Helper for pickle.
    #[method("__reduce__")]
    fn reduce(this: &Object<OsError>, vm: &Vm) -> Value {
        let mut args = this.base.args();
        if let [errno, strerror] = args.items()
            && let Some(filename) = this.filename.get()
        {
            let mut all = vec![errno.clone(), strerror.clone(), filename];
            if let Some(second) = this.filename2.get() {
                all.extend([none(), second]);
            }
            args = Tuple::from_values(all);
        }
        let this = this.as_value();
        reduced(&this, args, attributes(vm, &this).map(Ref::into_value))
    }
}

fn is_number(value: &Value) -> bool {
    let slots = value.type_of().slots();
    slots.index.get().is_some()
        || slots.int.get().is_some()
        || slots.float.get().is_some()
        || value.downcast::<crate::types::complex::Complex>().is_some()
}

fn size(vm: &Vm, value: &Value) -> PyResult<isize> {
    vm.index_size(value, |vm| {
        vm.value_error(format!("cannot fit '{}' into an index-sized integer", value.type_of().full_name()))
    })
}
