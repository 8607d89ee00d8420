//! The methods of connections that are about whole databases: copies, bytes, blobs, limits and settings.

use std::borrow::Cow;

use rspy_macros::pymethods;
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::blob::Blob;
use super::codes;
use super::connection::{Connection, milliseconds, name_of};
use super::errors::{self, OperationalError, ProgrammingError};
use super::functions::to_integer;
use super::library::{self, Backup, MISUSE, OK};

fn or_main(name: Option<Cow<'_, str>>) -> Cow<'_, str> {
    name.unwrap_or(Cow::Borrowed("main"))
}

fn check_setting(vm: &Vm, number: i32) -> PyResult<()> {
    if codes::is_setting(number) {
        return Ok(());
    }
    Err(vm.value_error(format!("unknown config 'op': {number}")))
}

#[pymethods(METHODS_OF_DATABASES)]
impl Connection {
    /// Makes a backup of the database.
    #[method("backup(self, /, target, *, pages=-1, progress=None, name='main', sleep=0.25)")]
    fn backup(
        this: &Object<Connection>,
        vm: &Vm,
        target: &Object<Connection>,
        pages: i32,
        progress: Option<&Value>,
        name: Option<Cow<'_, str>>,
        sleep: Option<&Value>,
    ) -> PyResult<()> {
        let pause = sleep.map_or(Ok(250), |sleep| milliseconds(sleep, vm))?;
        let name = name_of(vm, &or_main(name))?;
        let source = this.usable(vm)?;
        if std::ptr::eq(this, target) {
            return Err(vm.value_error("target cannot be the same connection instance"));
        }
        let to = target.usable(vm)?;
        if progress.is_some_and(|progress| !vm.is_callable(progress)) {
            return Err(vm.type_error("progress argument must be a callable"));
        }
        let pages = if pages == 0 { -1 } else { pages };
        let Some(backup) = Backup::begin(vm, &to, &source, &name) else {
            errors::raise_last(vm, &to)?;
            return Err(OperationalError::error(vm, "backup cannot begin"));
        };
        loop {
            let result = backup.step(vm, pages);
            if let Some(progress) = progress {
                let (left, all) = backup.pages();
                vm.call(progress, &[result, left, all].map(|number| int::new(i64::from(number))))?;
            }
            match result {
                library::BUSY | library::LOCKED => Backup::wait(vm, pause),
                OK => {}
                _ => break,
            }
        }
        backup.finish(vm).or_else(|result| errors::raise_result(vm, result))
    }

    /// Serialize a database into a byte string.
    ///
    ///   name
    ///     Which database to serialize.
    ///
    /// For an ordinary on-disk database file, the serialization is just
    /// a copy of the disk file.  For an in-memory database or a "temp"
    /// database, the serialization is the same sequence of bytes which
    /// would be written to disk if that database were backed up to disk.
    #[method("serialize(self, /, *, name='main')")]
    fn serialize(&self, vm: &Vm, name: Option<Cow<'_, str>>) -> PyResult<Ref<Bytes>> {
        let shown = or_main(name);
        let name = name_of(vm, &shown)?;
        let bytes = self.usable(vm)?.serialize(vm, &name);
        bytes.map(Bytes::new).ok_or_else(|| OperationalError::error(vm, format!("unable to serialize '{shown}'")))
    }

    /// Load a serialized database.
    ///
    ///   data
    ///     The serialized database content.
    ///   name
    ///     Which database to reopen with the deserialization.
    ///
    /// The deserialize interface causes the database connection to
    /// disconnect from the target database, and then reopen it as
    /// an in-memory database based on the given serialized data.
    ///
    /// The deserialize interface will fail with SQLITE_BUSY if the database
    /// is currently in a read transaction or is involved in a backup
    /// operation.
    #[method("deserialize(self, data, /, *, name='main')")]
    fn deserialize(&self, vm: &Vm, data: &Value, name: Option<Cow<'_, str>>) -> PyResult<()> {
        let name = name_of(vm, &or_main(name))?;
        let text;
        let view: BufferView;
        let bytes = if let Some(string) = data.downcast::<Str>() {
            text = string.to_utf8(vm)?;
            text.as_bytes()
        } else {
            view = buffer::view(vm, data)?;
            view.as_slice()
        };
        let database = self.usable(vm)?;
        match database.deserialize(vm, &name, bytes) {
            Ok(()) => Ok(()),
            Err(library::NO_MEMORY) => Err(vm.memory_error()),
            Err(result) => {
                errors::raise_last(vm, &database)?;
                errors::raise_result(vm, result)
            }
        }
    }

    /// Open and return a BLOB object.
    ///
    ///   table
    ///     Table name.
    ///   column
    ///     Column name.
    ///   rowid
    ///     Row id.
    ///   readonly
    ///     Open the BLOB without write permissions.
    ///   name
    ///     Database name.
    #[method("blobopen(self, table, column, rowid, /, *, readonly=False, name='main')")]
    fn blobopen(
        this: &Object<Connection>,
        vm: &Vm,
        table: Cow<'_, str>,
        column: Cow<'_, str>,
        rowid: &Value,
        readonly: bool,
        name: Option<Cow<'_, str>>,
    ) -> PyResult<Ref<Blob>> {
        if !int::is_int(rowid) {
            return Err(vm.type_error("expected 'int'"));
        }
        let row = to_integer(vm, rowid)?;
        let (table, column) = (name_of(vm, &table)?, name_of(vm, &column)?);
        let name = name_of(vm, &or_main(name))?;
        let database = this.usable(vm)?;
        match library::Blob::open(vm, &database, [&name, &table, &column], row, !readonly) {
            Ok(blob) => {
                let blob = Blob::make(this.to_ref(), blob);
                this.register_blob(vm, &blob)?;
                Ok(blob)
            }
            Err(result) => {
                if result != MISUSE {
                    errors::raise_last(vm, &database)?;
                }
                errors::raise_result(vm, result)?;
                Err(vm.memory_error())
            }
        }
    }

    /// Set connection run-time limits.
    ///
    ///   category
    ///     The limit category to be set.
    ///   limit
    ///     The new limit. If the new limit is a negative number, the limit
    ///     is unchanged.
    ///
    /// Attempts to increase a limit above its hard upper bound are silently
    /// truncated to the hard upper bound. Regardless of whether or not the
    /// limit was changed, the prior value of the limit is returned.
    #[method("setlimit(self, category, limit, /)")]
    fn setlimit(&self, vm: &Vm, category: i32, limit: i32) -> PyResult<i32> {
        let old = self.usable(vm)?.limit(category, limit);
        if old < 0 {
            return Err(ProgrammingError::error(vm, "'category' is out of bounds"));
        }
        Ok(old)
    }

    /// Get connection run-time limits.
    ///
    ///   category
    ///     The limit category to be queried.
    #[method("getlimit(self, category, /)")]
    fn getlimit(&self, vm: &Vm, category: i32) -> PyResult<i32> {
        self.setlimit(vm, category, -1)
    }

    /// Set a boolean connection configuration option.
    ///
    ///   op
    ///     The configuration verb; one of the sqlite3.SQLITE_DBCONFIG codes.
    #[method("setconfig(self, op, enable=True, /)")]
    fn setconfig(&self, vm: &Vm, op: i32, enable: bool) -> PyResult<()> {
        let database = self.usable(vm)?;
        check_setting(vm, op)?;
        match database.setting(vm, op, Some(enable)) {
            Ok(now) if now == enable => Ok(()),
            Ok(_) => Err(OperationalError::error(vm, "Unable to set config")),
            Err(result) => {
                errors::raise_last(vm, &database)?;
                errors::raise_result(vm, result)
            }
        }
    }

    /// Query a boolean connection configuration option.
    ///
    ///   op
    ///     The configuration verb; one of the sqlite3.SQLITE_DBCONFIG codes.
    #[method("getconfig(self, op, /)")]
    fn getconfig(&self, vm: &Vm, op: i32) -> PyResult<bool> {
        let database = self.usable(vm)?;
        check_setting(vm, op)?;
        match database.setting(vm, op, None) {
            Ok(now) => Ok(now),
            Err(result) => {
                errors::raise_last(vm, &database)?;
                errors::raise_result(vm, result).map(|()| false)
            }
        }
    }
}
