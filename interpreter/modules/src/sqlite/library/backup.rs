//! Copying one database to another while it is in use.

use std::ffi::{CStr, c_int};
use std::rc::Rc;

use libsqlite3_sys as c;
use rspy_runtime::vm::Vm;

use super::{Database, Outcome, outcome};

/// A copy under way.
pub struct Backup {
    /// Null once the copy has ended.
    handle: *mut c::sqlite3_backup,
    /// Keep the handle valid.
    _databases: [Rc<Database>; 2],
}

impl Backup {
    /// Begins to copy one of a database's attached databases to the main one of another. `None` where it cannot be; the
    /// target knows why.
    pub fn begin(vm: &Vm, target: &Rc<Database>, source: &Rc<Database>, name: &CStr) -> Option<Backup> {
        let (to, from) = (target.raw(), source.raw());
        let handle = vm.allow_threads(|| {
            // SAFETY: handles and names are valid.
            unsafe { c::sqlite3_backup_init(to, c"main".as_ptr(), from, name.as_ptr()) }
        });
        let backup = Backup { handle, _databases: [target.clone(), source.clone()] };
        (!handle.is_null()).then_some(backup)
    }

    /// Copies some pages, or all that are left.
    pub fn step(&self, vm: &Vm, pages: c_int) -> c_int {
        // SAFETY: the handle is valid.
        vm.allow_threads(|| unsafe { c::sqlite3_backup_step(self.handle, pages) })
    }

    /// How many pages are left, and how many there are.
    pub fn pages(&self) -> (c_int, c_int) {
        // SAFETY: the handle is valid.
        unsafe { (c::sqlite3_backup_remaining(self.handle), c::sqlite3_backup_pagecount(self.handle)) }
    }

    /// Ends the copy.
    pub fn finish(mut self, vm: &Vm) -> Outcome {
        let handle = std::mem::replace(&mut self.handle, std::ptr::null_mut());
        // SAFETY: the handle is valid and used for the last time.
        outcome(vm.allow_threads(|| unsafe { c::sqlite3_backup_finish(handle) }))
    }

    /// Waits before pages that are locked are tried again.
    pub fn wait(vm: &Vm, milliseconds: c_int) {
        // SAFETY: the call only waits.
        vm.allow_threads(|| unsafe { c::sqlite3_sleep(milliseconds) });
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        let handle = self.handle;
        // SAFETY: the handle is valid, or null, which is no copy.
        Vm::with_current(|vm| vm.allow_threads(|| unsafe { c::sqlite3_backup_finish(handle) }));
    }
}
