//! SQLite's C interface, as safe Rust: databases, statements, blobs, backups, and the calls that come back from them.
//!
//! # Safety argument
//!
//! * SQLite is built for threads and opened in its default mode, where calls on one database take turns with the
//!   database's mutex. Calls that can wait for it, or for a file, are made through [`Vm::allow_threads`].
//! * A [`Database`] is shared by `Rc`: what is opened on it (statements, blobs, backups) keeps it alive, so no handle
//!   outlives the database, and a database is closed only after all of these.
//! * Memory that SQLite hands out is looked at before anything else can happen to what it belongs to. A statement or
//!   blob is marked while it is in use, also while another thread may run; whoever comes to it then is sent away.
//!   Messages are copied under the database's mutex.
//! * Whoever waits for the database's mutex has given the interpreter's lock up: a thread that runs a statement may need
//!   that for a callback while it has the mutex. Calls that only look at what a statement has take the mutex themselves
//!   for a moment, so they are made with it ([`Database::with_mutex`]).
//! * Callbacks take the interpreter's lock before they touch a value (`callbacks`). What they are given to know their
//!   purpose by is counted, and SQLite lets go of it before the last reference goes.

mod backup;
mod blob;
mod callbacks;
mod statement;

use std::ffi::{CStr, c_char, c_int};
use std::ptr::{self, NonNull};
use std::rc::Rc;

use libsqlite3_sys as c;
use rspy_runtime::cell::GilCell;
use rspy_runtime::gc::Visitor;
use rspy_runtime::threads;
use rspy_runtime::vm::Vm;

pub use backup::Backup;
pub use blob::Blob;
pub use callbacks::{Arguments, Callback, Context, Event, Kind};
pub use statement::Statement;

use super::codes;

/// What a call answers that is not about rows.
pub type Outcome = Result<(), c_int>;

/// The results of calls that are asked for by name.
pub const OK: c_int = c::SQLITE_OK;
/// A row is there.
pub const ROW: c_int = c::SQLITE_ROW;
/// The statement has ended.
pub const DONE: c_int = c::SQLITE_DONE;
/// Something is called that must not be.
pub const MISUSE: c_int = c::SQLITE_MISUSE;
/// Another connection is in the way.
pub const BUSY: c_int = c::SQLITE_BUSY;
/// A table is locked.
pub const LOCKED: c_int = c::SQLITE_LOCKED;
/// Memory is used up.
pub const NO_MEMORY: c_int = c::SQLITE_NOMEM;

/// A value of SQLite's.
#[derive(Clone, Copy)]
pub enum Datum<'a> {
    /// `NULL`.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// A text; it ought to be UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
    /// Memory was used up while the value was being converted.
    NoMemory,
}

/// What went wrong last.
pub struct Failure {
    /// The kind, without details.
    pub kind: c_int,
    /// The kind with details.
    pub code: c_int,
    /// The message.
    pub message: String,
}

/// The hooks of a database, each at its place.
#[derive(Clone, Copy)]
pub enum Hook {
    /// Is asked whether something may be done.
    Authorizer,
    /// Is called now and then.
    Progress,
    /// Is told of statements.
    Trace,
}

/// An open database.
pub struct Database {
    handle: NonNull<c::sqlite3>,
    hooks: GilCell<[Option<Rc<Callback>>; 3]>,
}

fn outcome(result: c_int) -> Outcome {
    if result == OK { Ok(()) } else { Err(result) }
}

/// The bytes at an address that SQLite handed out; a null pointer stands for none.
///
/// # Safety
/// The bytes must stay as they are for all of `'a`.
unsafe fn bytes_at<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: as promised.
    unsafe { std::slice::from_raw_parts(start, length.max(0) as usize) }
}

/// The text of a result.
pub fn message_of(result: c_int) -> String {
    // SAFETY: the answer is a static text.
    unsafe { CStr::from_ptr(c::sqlite3_errstr(result)) }.to_string_lossy().into_owned()
}

/// The library's version.
pub fn version() -> &'static str {
    // SAFETY: the answer is a static text.
    unsafe { CStr::from_ptr(c::sqlite3_libversion()) }.to_str().unwrap_or_default()
}

/// Whether a text holds at least one whole statement.
pub fn is_complete(text: &CStr) -> Result<bool, c_int> {
    // SAFETY: the text ends with a zero.
    match unsafe { c::sqlite3_complete(text.as_ptr()) } {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(other),
    }
}

impl Failure {
    /// A failure that is known by its number alone.
    pub fn of_result(result: c_int) -> Failure {
        Failure { kind: result & 0xff, code: result, message: message_of(result) }
    }

    /// What went wrong last in a database, whose calls must not be made meanwhile.
    ///
    /// # Safety
    /// The handle must be valid.
    unsafe fn of_handle(handle: *mut c::sqlite3) -> Failure {
        // SAFETY: as promised; the mutex keeps the message in place until it is copied.
        unsafe {
            let mutex = c::sqlite3_db_mutex(handle);
            c::sqlite3_mutex_enter(mutex);
            let failure = Failure {
                kind: c::sqlite3_errcode(handle) & 0xff,
                code: c::sqlite3_extended_errcode(handle),
                message: CStr::from_ptr(c::sqlite3_errmsg(handle)).to_string_lossy().into_owned(),
            };
            c::sqlite3_mutex_leave(mutex);
            failure
        }
    }
}

impl Database {
    /// Opens or makes a database.
    pub fn open(vm: &Vm, path: &CStr, uri: bool, patience: c_int) -> Result<Rc<Database>, Failure> {
        let flags = c::SQLITE_OPEN_READWRITE | c::SQLITE_OPEN_CREATE | if uri { c::SQLITE_OPEN_URI } else { 0 };
        vm.allow_threads(|| {
            let mut handle = ptr::null_mut();
            // SAFETY: the path ends with a zero; the handle is written before the call returns.
            let result = unsafe { c::sqlite3_open_v2(path.as_ptr(), &raw mut handle, flags, ptr::null()) };
            let Some(handle) = NonNull::new(handle) else { return Err(Failure::of_result(NO_MEMORY)) };
            let database = Database { handle, hooks: GilCell::default() };
            if result != OK {
                return Err(database.failure_now());
            }
            // SAFETY: the handle is valid.
            unsafe { c::sqlite3_busy_timeout(handle.as_ptr(), patience) };
            Ok(Rc::new(database))
        })
    }

    fn raw(&self) -> *mut c::sqlite3 {
        self.handle.as_ptr()
    }

    fn failure_now(&self) -> Failure {
        // SAFETY: the handle is valid.
        unsafe { Failure::of_handle(self.raw()) }
    }

    /// Runs with the database's mutex, for which the interpreter's lock is given up if another thread has it. What runs must
    /// be short and call no Python code.
    fn with_mutex<R>(&self, run: impl FnOnce() -> R) -> R {
        if !threads::has_others() {
            return run();
        }
        // SAFETY: the handle is valid, and the mutex is left by the thread that entered it.
        unsafe {
            let mutex = c::sqlite3_db_mutex(self.raw());
            if c::sqlite3_mutex_try(mutex) != OK {
                Vm::with_current(|vm| vm.allow_threads(|| c::sqlite3_mutex_enter(mutex)));
            }
            let result = run();
            c::sqlite3_mutex_leave(mutex);
            result
        }
    }

    /// What went wrong last.
    pub fn failure(&self, vm: &Vm) -> Failure {
        vm.allow_threads(|| self.failure_now())
    }

    /// Whether no transaction is open.
    pub fn is_autocommit(&self) -> bool {
        // SAFETY: the handle is valid.
        self.with_mutex(|| unsafe { c::sqlite3_get_autocommit(self.raw()) != 0 })
    }

    /// How many rows were changed since the database was opened.
    pub fn total_changes(&self) -> c_int {
        // SAFETY: the handle is valid.
        self.with_mutex(|| unsafe { c::sqlite3_total_changes(self.raw()) })
    }

    /// How many rows the last statement changed.
    pub fn changes(&self) -> c_int {
        // SAFETY: the handle is valid.
        self.with_mutex(|| unsafe { c::sqlite3_changes(self.raw()) })
    }

    /// The number of the row that was inserted last.
    pub fn last_row(&self) -> i64 {
        // SAFETY: the handle is valid.
        self.with_mutex(|| unsafe { c::sqlite3_last_insert_rowid(self.raw()) })
    }

    /// Stops what other threads are doing in the database.
    pub fn interrupt(&self) {
        // SAFETY: the handle is valid.
        unsafe { c::sqlite3_interrupt(self.raw()) }
    }

    /// Sets a limit, unless the new one is negative; answers the old one, or a negative number if there is none such.
    pub fn limit(&self, category: c_int, limit: c_int) -> c_int {
        // SAFETY: the handle is valid.
        self.with_mutex(|| unsafe { c::sqlite3_limit(self.raw(), category, limit) })
    }

    /// Sets a setting, or only asks for it; answers how it is now.
    pub fn setting(&self, vm: &Vm, number: c_int, enable: Option<bool>) -> Result<bool, c_int> {
        if !codes::is_setting(number) {
            return Err(MISUSE);
        }
        let wanted = enable.map_or(-1, c_int::from);
        vm.allow_threads(|| {
            let mut current: c_int = 0;
            // SAFETY: the handle is valid; all settings that are let through take these two arguments.
            let result = unsafe { c::sqlite3_db_config(self.raw(), number, wanted, &raw mut current) };
            outcome(result).map(|()| current != 0)
        })
    }

    /// One of the databases that are attached, as bytes.
    pub fn serialize(&self, vm: &Vm, name: &CStr) -> Option<Vec<u8>> {
        vm.allow_threads(|| {
            let mut size = 0;
            // SAFETY: handle and name are valid; the answer is memory of that size which is ours.
            unsafe {
                let start = c::sqlite3_serialize(self.raw(), name.as_ptr(), &raw mut size, 0);
                if start.is_null() {
                    return None;
                }
                let bytes = std::slice::from_raw_parts(start, size as usize).to_vec();
                c::sqlite3_free(start.cast());
                Some(bytes)
            }
        })
    }

    /// Has one of the attached databases consist of these bytes.
    pub fn deserialize(&self, vm: &Vm, name: &CStr, data: &[u8]) -> Outcome {
        let flags = (c::SQLITE_DESERIALIZE_FREEONCLOSE | c::SQLITE_DESERIALIZE_RESIZEABLE) as u32;
        let size = data.len() as i64;
        // SAFETY: the copy is as large as the data and made by SQLite's own allocator, which gets it back.
        let copy = unsafe {
            let copy = c::sqlite3_malloc64(data.len().max(1) as u64).cast::<u8>();
            if copy.is_null() {
                return Err(NO_MEMORY);
            }
            ptr::copy_nonoverlapping(data.as_ptr(), copy, data.len());
            copy
        };
        vm.allow_threads(|| {
            // SAFETY: handle and name are valid; the copy is given away, also where the call fails.
            outcome(unsafe { c::sqlite3_deserialize(self.raw(), name.as_ptr(), copy, size, size, flags) })
        })
    }

    /// Runs a statement that answers no rows, such as `COMMIT`.
    pub fn run(&self, vm: &Vm, text: &CStr) -> Outcome {
        vm.allow_threads(|| {
            let mut statement = ptr::null_mut();
            // SAFETY: the text ends with a zero; the statement is used and ended here alone.
            unsafe {
                let result = c::sqlite3_prepare_v2(
                    self.raw(),
                    text.as_ptr(),
                    -1,
                    &raw mut statement,
                    ptr::null_mut(),
                );
                outcome(result)?;
                c::sqlite3_step(statement);
                outcome(c::sqlite3_finalize(statement))
            }
        })
    }

    /// Runs the statements of a script one after the other, dropping what they answer.
    pub fn run_script(&self, vm: &Vm, script: &CStr) -> Outcome {
        let mut rest = script.as_ptr();
        vm.allow_threads(|| {
            // SAFETY: what is left of the script always ends with its zero; each statement is ended before the next.
            unsafe {
                while *rest != 0 {
                    let mut statement = ptr::null_mut();
                    let mut tail: *const c_char = ptr::null();
                    outcome(c::sqlite3_prepare_v2(self.raw(), rest, -1, &raw mut statement, &raw mut tail))?;
                    while c::sqlite3_step(statement) == ROW {}
                    outcome(c::sqlite3_finalize(statement))?;
                    rest = tail;
                }
            }
            Ok(())
        })
    }

    /// Lets go of all hooks.
    pub fn forget_hooks(&self, vm: &Vm) {
        for hook in [Hook::Authorizer, Hook::Progress, Hook::Trace] {
            let _ = self.set_hook(vm, hook, None, 0);
        }
    }

    /// Visits what the hooks refer to.
    pub fn trace_hooks(&self, visitor: &mut Visitor<'_>) {
        // SAFETY: the collector runs no Python code while it traces.
        for hook in unsafe { &*self.hooks.as_ptr() }.iter().flatten() {
            hook.trace(visitor);
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The last statement may end where no interpreter runs, after a failure to open.
        let handle = self.raw();
        // SAFETY: nobody has the handle any more; statements, blobs and backups have ended before.
        let close = || unsafe { c::sqlite3_close(handle) };
        if Vm::is_entered() { Vm::with_current(|vm| vm.allow_threads(close)) } else { close() };
    }
}
