//! Compiled statements: parameters go in, rows come out.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::rc::Rc;

use libsqlite3_sys as c;
use rspy_runtime::vm::Vm;

use super::{Database, Datum, MISUSE, Outcome, bytes_at, outcome};

/// A compiled statement. One that was made of nothing but blanks and comments does nothing.
pub struct Statement {
    /// Null for a statement that does nothing.
    handle: *mut c::sqlite3_stmt,
    database: Rc<Database>,
    /// Whether somebody is inside, perhaps another thread.
    in_use: Cell<bool>,
}

/// A statement and what follows it in its text.
pub struct Prepared {
    /// The statement.
    pub statement: Statement,
    /// Where the rest of the text begins.
    pub tail: usize,
}

/// Ends the mark of a statement in use.
struct InUse<'a>(&'a Cell<bool>);

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Statement {
    /// Compiles the first statement of a text.
    pub fn prepare(vm: &Vm, database: &Rc<Database>, text: &CStr) -> Result<Prepared, c_int> {
        let length = c_int::try_from(text.count_bytes() + 1).map_err(|_| c::SQLITE_TOOBIG)?;
        let (mut handle, mut tail) = (ptr::null_mut(), text.as_ptr());
        let raw = database.raw();
        let result = vm.allow_threads(|| {
            // SAFETY: the text is as long as said; handle and tail are written before the call returns.
            unsafe { c::sqlite3_prepare_v2(raw, text.as_ptr(), length, &raw mut handle, &raw mut tail) }
        });
        let statement = Statement { handle, database: database.clone(), in_use: Cell::new(false) };
        outcome(result)?;
        // SAFETY: the tail points into the text, or to its end.
        let tail = unsafe { tail.offset_from(text.as_ptr()) } as usize;
        Ok(Prepared { statement, tail })
    }

    /// Runs with the statement for oneself, unless somebody is inside.
    fn alone<R>(&self, otherwise: R, run: impl FnOnce(*mut c::sqlite3_stmt) -> R) -> R {
        if self.in_use.replace(true) {
            return otherwise;
        }
        let _in_use = InUse(&self.in_use);
        run(self.handle)
    }

    /// As [`alone`](Self::alone), for calls that need the database's mutex for a moment.
    fn briefly<R>(&self, otherwise: R, run: impl FnOnce(*mut c::sqlite3_stmt) -> R) -> R {
        self.alone(otherwise, |handle| self.database.with_mutex(|| run(handle)))
    }

    /// Goes on to the next row or the end.
    pub fn step(&self, vm: &Vm) -> c_int {
        self.alone(MISUSE, |handle| {
            // SAFETY: the handle is valid or null, and nobody else is inside.
            vm.allow_threads(|| unsafe { c::sqlite3_step(handle) })
        })
    }

    /// Makes the statement ready for another run.
    pub fn reset(&self, vm: &Vm) {
        self.alone((), |handle| {
            // SAFETY: as for `step`. The result tells how the last run ended, which is known.
            vm.allow_threads(|| unsafe { c::sqlite3_reset(handle) });
        });
    }

    /// Whether the statement was made of nothing but blanks and comments.
    pub fn is_nothing(&self) -> bool {
        self.handle.is_null()
    }

    /// Whether the statement has begun and not ended, or somebody is inside.
    pub fn is_busy(&self) -> bool {
        // SAFETY: the handle is valid or null.
        self.alone(true, |handle| unsafe { c::sqlite3_stmt_busy(handle) != 0 })
    }

    /// Whether the statement changes nothing.
    pub fn is_readonly(&self) -> bool {
        // SAFETY: the handle is valid or null.
        self.alone(true, |handle| unsafe { c::sqlite3_stmt_readonly(handle) != 0 })
    }

    /// How many columns rows have.
    pub fn columns(&self) -> c_int {
        // SAFETY: the handle is valid or null.
        self.alone(0, |handle| unsafe { c::sqlite3_column_count(handle) })
    }

    /// How many columns the row has that is there; 0 without a row.
    pub fn row_columns(&self) -> c_int {
        // SAFETY: the handle is valid or null.
        self.alone(0, |handle| unsafe { c::sqlite3_data_count(handle) })
    }

    /// The name of a column.
    pub fn column_name(&self, index: c_int) -> Option<Vec<u8>> {
        self.briefly(None, |handle| {
            if handle.is_null() {
                return None;
            }
            // SAFETY: the handle is valid; the text is copied before anything else is done with the statement.
            unsafe { copied(c::sqlite3_column_name(handle, index)) }
        })
    }

    /// The type that a column was declared with.
    pub fn declared_type(&self, index: c_int) -> Option<Vec<u8>> {
        self.briefly(None, |handle| {
            if handle.is_null() {
                return None;
            }
            // SAFETY: as for `column_name`.
            unsafe { copied(c::sqlite3_column_decltype(handle, index)) }
        })
    }

    /// Hands over the value of a column, which lives for the time of the call.
    pub fn column<R>(&self, index: c_int, with: impl FnOnce(Datum<'_>) -> R) -> R {
        if self.handle.is_null() || self.in_use.replace(true) {
            return with(Datum::Null);
        }
        let _in_use = InUse(&self.in_use);
        self.database.with_mutex(|| self.datum(index, with))
    }

    /// The value of a column; the statement is marked.
    fn datum<R>(&self, index: c_int, with: impl FnOnce(Datum<'_>) -> R) -> R {
        let handle = self.handle;
        // SAFETY: the handle is valid, and the mark keeps others from it until the value was looked at. The text or blob
        // is asked for before its size, as SQLite wants it.
        unsafe {
            match c::sqlite3_column_type(handle, index) {
                c::SQLITE_INTEGER => with(Datum::Integer(c::sqlite3_column_int64(handle, index))),
                c::SQLITE_FLOAT => with(Datum::Real(c::sqlite3_column_double(handle, index))),
                c::SQLITE_TEXT => {
                    let start = c::sqlite3_column_text(handle, index);
                    if start.is_null() && self.memory_is_used_up() {
                        return with(Datum::NoMemory);
                    }
                    with(Datum::Text(bytes_at(start, c::sqlite3_column_bytes(handle, index))))
                }
                c::SQLITE_BLOB => self.blob(index, |blob| match blob {
                    Ok(blob) => with(Datum::Blob(blob.unwrap_or_default())),
                    Err(()) => with(Datum::NoMemory),
                }),
                _ => with(Datum::Null),
            }
        }
    }

    /// As [`column`](Self::column), with whatever is there as bytes; `None` for `NULL` and for nothing.
    pub fn column_bytes<R>(&self, index: c_int, with: impl FnOnce(Result<Option<&[u8]>, ()>) -> R) -> R {
        if self.handle.is_null() || self.in_use.replace(true) {
            return with(Ok(None));
        }
        let _in_use = InUse(&self.in_use);
        self.database.with_mutex(|| self.blob(index, with))
    }

    /// The bytes of a column; the statement is marked.
    fn blob<R>(&self, index: c_int, with: impl FnOnce(Result<Option<&[u8]>, ()>) -> R) -> R {
        // SAFETY: as in `column`, whose mark is set.
        unsafe {
            let start = c::sqlite3_column_blob(self.handle, index).cast::<u8>();
            if start.is_null() {
                return with(if self.memory_is_used_up() { Err(()) } else { Ok(None) });
            }
            with(Ok(Some(bytes_at(start, c::sqlite3_column_bytes(self.handle, index)))))
        }
    }

    fn memory_is_used_up(&self) -> bool {
        // SAFETY: the database is alive.
        unsafe { c::sqlite3_errcode(self.database.raw()) == c::SQLITE_NOMEM }
    }

    /// How many parameters there are.
    pub fn parameters(&self) -> c_int {
        // SAFETY: the handle is valid or null.
        self.alone(0, |handle| unsafe { c::sqlite3_bind_parameter_count(handle) })
    }

    /// The name of a parameter with its sign; parameters are counted from 1.
    pub fn parameter_name(&self, position: c_int) -> Option<CString> {
        self.alone(None, |handle| {
            // SAFETY: the handle is valid or null; the text is copied before anything else is done with the statement.
            unsafe {
                let name = c::sqlite3_bind_parameter_name(handle, position);
                (!name.is_null()).then(|| CStr::from_ptr(name).to_owned())
            }
        })
    }

    /// Gives a parameter its value, which is copied. Texts and blobs must be shorter than 2 GB.
    pub fn bind(&self, position: c_int, value: Datum<'_>) -> Outcome {
        self.briefly(Err(MISUSE), |handle| {
            let transient = c::SQLITE_TRANSIENT();
            // SAFETY: the handle is valid or null; texts and blobs are copied during the call and as long as said.
            outcome(unsafe {
                match value {
                    Datum::Null => c::sqlite3_bind_null(handle, position),
                    Datum::Integer(number) => c::sqlite3_bind_int64(handle, position, number),
                    Datum::Real(number) => c::sqlite3_bind_double(handle, position, number),
                    Datum::Text(text) => {
                        let length = c_int::try_from(text.len()).map_err(|_| c::SQLITE_TOOBIG)?;
                        c::sqlite3_bind_text(handle, position, text.as_ptr().cast(), length, transient)
                    }
                    Datum::Blob(blob) => {
                        let length = c_int::try_from(blob.len()).map_err(|_| c::SQLITE_TOOBIG)?;
                        c::sqlite3_bind_blob(handle, position, blob.as_ptr().cast(), length, transient)
                    }
                    Datum::NoMemory => c::SQLITE_NOMEM,
                }
            })
        })
    }
}

/// A copy of a text of SQLite's, if there is one.
///
/// # Safety
/// The text must be valid for the time of the call.
unsafe fn copied(text: *const std::ffi::c_char) -> Option<Vec<u8>> {
    // SAFETY: as promised.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes().to_vec())
}

impl Drop for Statement {
    fn drop(&mut self) {
        let handle = self.handle;
        // SAFETY: whoever is inside holds a reference, so nobody is; the database is alive until after this.
        Vm::with_current(|vm| vm.allow_threads(|| unsafe { c::sqlite3_finalize(handle) }));
    }
}
