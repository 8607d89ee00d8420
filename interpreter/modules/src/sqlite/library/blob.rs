//! Blobs that are read and written in place.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};
use std::rc::Rc;

use libsqlite3_sys as c;
use rspy_runtime::vm::Vm;

use super::{Database, MISUSE, OK, Outcome, outcome};

/// An open blob. Whoever uses it shares it, so that it is closed when all have done.
pub struct Blob {
    handle: NonNull<c::sqlite3_blob>,
    /// Keeps the handle valid.
    _database: Rc<Database>,
    in_use: Cell<bool>,
}

impl Blob {
    /// Opens the blob of a row.
    pub fn open(
        vm: &Vm,
        database: &Rc<Database>,
        [name, table, column]: [&CStr; 3],
        row: i64,
        writable: bool,
    ) -> Result<Rc<Blob>, c_int> {
        let mut handle = ptr::null_mut();
        let raw = database.raw();
        let result = vm.allow_threads(|| {
            // SAFETY: handle and names are valid; the blob's handle is written before the call returns.
            unsafe {
                c::sqlite3_blob_open(
                    raw,
                    name.as_ptr(),
                    table.as_ptr(),
                    column.as_ptr(),
                    row,
                    c_int::from(writable),
                    &raw mut handle,
                )
            }
        });
        match NonNull::new(handle) {
            Some(handle) if result == OK => {
                Ok(Rc::new(Blob { handle, _database: database.clone(), in_use: Cell::new(false) }))
            }
            _ => Err(if result == OK { MISUSE } else { result }),
        }
    }

    /// How many bytes there are; their number stays.
    pub fn len(&self) -> usize {
        // SAFETY: the handle is valid.
        unsafe { c::sqlite3_blob_bytes(self.handle.as_ptr()) as usize }
    }

    /// Fills a buffer with the bytes from a place on.
    pub fn read(&self, vm: &Vm, offset: usize, buffer: &mut [u8]) -> Outcome {
        let length = buffer.len();
        self.alone(vm, offset, length, |handle, offset, length| {
            // SAFETY: the handle is valid, and the buffer as long as said.
            unsafe { c::sqlite3_blob_read(handle, buffer.as_mut_ptr().cast(), length, offset) }
        })
    }

    /// Writes bytes at a place.
    pub fn write(&self, vm: &Vm, offset: usize, data: &[u8]) -> Outcome {
        self.alone(vm, offset, data.len(), |handle, offset, length| {
            // SAFETY: the handle is valid, and the data as long as said.
            unsafe { c::sqlite3_blob_write(handle, data.as_ptr().cast(), length, offset) }
        })
    }

    fn alone(
        &self,
        vm: &Vm,
        offset: usize,
        length: usize,
        run: impl FnOnce(*mut c::sqlite3_blob, c_int, c_int) -> c_int,
    ) -> Outcome {
        let (Ok(offset), Ok(length)) = (c_int::try_from(offset), c_int::try_from(length)) else {
            return Err(c::SQLITE_TOOBIG);
        };
        if self.in_use.replace(true) {
            return Err(MISUSE);
        }
        let result = vm.allow_threads(|| run(self.handle.as_ptr(), offset, length));
        self.in_use.set(false);
        outcome(result)
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        let handle = self.handle.as_ptr();
        // SAFETY: nobody uses the blob any more; the database is alive until after this.
        Vm::with_current(|vm| vm.allow_threads(|| unsafe { c::sqlite3_blob_close(handle) }));
    }
}
