//! `sqlite3.Connection`: an open database. Here is how it is opened and closed, what it can be asked for, and its
//! transactions; `connection_methods` has the methods that are about SQL and callbacks.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::rc::Rc;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult, print};
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::weakref;
use rspy_runtime::types::float;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::warnings;

use super::blob::Blob;
use super::errors::{self, ProgrammingError};
use super::hooks::Pending;
use super::library::Database;
use super::opening::{autocommit_of, level_of};
use super::statement::Statement;

/// A column's name tells its type.
pub const PARSE_COLNAMES: i32 = 2;
/// A column's declaration tells its type.
pub const PARSE_DECLTYPES: i32 = 1;
/// The number that stands for [`Autocommit::Legacy`].
pub const LEGACY_TRANSACTION_CONTROL: i32 = -1;

/// Who begins transactions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Autocommit {
    /// Statements that change rows begin one, as the isolation level says.
    #[default]
    Legacy,
    /// One is always open.
    Disabled,
    /// The program, with statements of its own.
    Enabled,
}

/// How a transaction begins by isolation level.
pub const LEVELS: [(&str, &CStr); 4] = [
    ("", c"BEGIN "),
    ("DEFERRED", c"BEGIN DEFERRED"),
    ("IMMEDIATE", c"BEGIN IMMEDIATE"),
    ("EXCLUSIVE", c"BEGIN EXCLUSIVE"),
];

/// What a connection is told when it is opened.
pub struct Manner {
    /// How types of columns are found.
    pub detects: i32,
    /// The place of the isolation level.
    pub level: Option<usize>,
    /// Who begins transactions.
    pub autocommit: Autocommit,
    /// Whether other threads are kept away.
    pub check_same_thread: bool,
}

/// SQLite database connection object.
#[derive(Default)]
#[pyclass(
    name = "Connection", module = "sqlite3", manual_trace, subclassable, hides_new,
    methods(METHODS_OF_SQL, METHODS_OF_DATABASES, METHODS_OF_CALLBACKS)
)]
pub struct Connection {
    database: GilCell<Option<Rc<Database>>>,
    initialized: Cell<bool>,
    detects: Cell<i32>,
    pub(super) autocommit: Cell<Autocommit>,
    /// The place in [`LEVELS`], or nothing where transactions do not begin by themselves.
    level: Cell<Option<usize>>,
    check_same_thread: Cell<bool>,
    thread: Cell<u64>,
    /// Statements by their texts.
    statements: GilCell<Option<Value>>,
    /// Weak references to the blobs that were opened.
    blobs: GilCell<Vec<Value>>,
    row_factory: GilCell<Option<Value>>,
    /// What makes strings, where it is not `str`.
    pub(super) text_factory: GilCell<Option<Value>>,
    /// The exception of a collation.
    pub(super) pending: Rc<Pending>,
}

impl Trace for Connection {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.statements.trace(visitor);
        self.blobs.trace(visitor);
        self.row_factory.trace(visitor);
        self.text_factory.trace(visitor);
        // SAFETY: the collector runs no Python code while it traces.
        if let Some(database) = unsafe { &*self.database.as_ptr() } {
            database.trace_hooks(visitor);
        }
    }

    fn clear_references(&self) {
        self.statements.clear_references();
        self.blobs.clear_references();
        self.row_factory.clear_references();
        self.text_factory.clear_references();
        if let Some(database) = self.database.get() {
            Vm::with_current(|vm| database.forget_hooks(vm));
        }
    }
}

impl Connection {
    /// Whether types are to be found in one of these ways.
    pub fn detects(&self, ways: i32) -> bool {
        self.detects.get() & ways != 0
    }

    /// The open database.
    ///
    /// # Errors
    /// `ProgrammingError` where there is none.
    pub fn database(&self, vm: &Vm) -> PyResult<Rc<Database>> {
        if !self.initialized.get() {
            return Err(self.not_initialized(vm));
        }
        self.database.get().ok_or_else(|| ProgrammingError::error(vm, "Cannot operate on a closed database."))
    }

    fn not_initialized(&self, vm: &Vm) -> Exception {
        ProgrammingError::error(vm, "Base Connection.__init__ not called.")
    }

    /// Checks that the thread is the one that made the connection, if that matters.
    ///
    /// # Errors
    /// `ProgrammingError` in another thread.
    pub fn check_thread(&self, vm: &Vm) -> PyResult<()> {
        if self.initialized.get() && self.check_same_thread.get() && self.thread.get() != vm.thread_id {
            return Err(errors::wrong_thread(vm, self.thread.get()));
        }
        Ok(())
    }

    /// The open database, in the thread that may use it.
    ///
    /// # Errors
    /// `ProgrammingError` otherwise.
    pub fn usable(&self, vm: &Vm) -> PyResult<Rc<Database>> {
        self.check_thread(vm)?;
        self.database(vm)
    }

    /// Runs a statement without rows.
    ///
    /// # Errors
    /// SQLite's.
    pub fn run(&self, vm: &Vm, database: &Database, text: &CStr) -> PyResult<()> {
        match database.run(vm, text) {
            Ok(()) => Ok(()),
            Err(result) => {
                errors::raise_last(vm, database)?;
                errors::raise_result(vm, result)
            }
        }
    }

    /// The statement of a text, which may have been compiled before.
    ///
    /// # Errors
    /// SQLite's.
    pub fn statement(&self, vm: &Vm, sql: &Object<Str>) -> PyResult<Ref<Statement>> {
        let Some(cache) = self.statements.get() else { return Statement::compile(vm, &self.database(vm)?, sql) };
        vm.call(&cache, &[sql.to_value()])?
            .downcast_into::<Statement>()
            .map_err(|other| vm.type_error(format!("expected a statement, not {}", other.type_of().full_name())))
    }

    /// Begins a transaction before a statement that changes rows, where there is none and the isolation level asks
    /// for it.
    ///
    /// # Errors
    /// SQLite's.
    pub fn begin_before(&self, vm: &Vm, database: &Database, statement: &Statement) -> PyResult<()> {
        match self.level.get() {
            Some(level)
                if self.autocommit.get() == Autocommit::Legacy
                    && statement.changes_rows
                    && database.is_autocommit() =>
            {
                self.run(vm, database, LEVELS[level].1)
            }
            _ => Ok(()),
        }
    }

    /// Ends the transaction, if one is open, and begins another where one is always open.
    pub(super) fn end_transaction(&self, vm: &Vm, how: &CStr) -> PyResult<()> {
        let database = self.usable(vm)?;
        match self.autocommit.get() {
            Autocommit::Legacy if !database.is_autocommit() => self.run(vm, &database, how),
            Autocommit::Disabled => {
                self.run(vm, &database, how)?;
                self.run(vm, &database, c"BEGIN")
            }
            _ => Ok(()),
        }
    }

    /// Remembers a blob that ends with the connection.
    pub(super) fn register_blob(&self, vm: &Vm, blob: &Ref<Blob>) -> PyResult<()> {
        let reference = weakref::new_reference(vm, blob.value(), None)?;
        let mut kept = self.blobs.take();
        kept.retain(|reference| matches!(weakref::referent(reference), Some(Some(_))));
        kept.push(reference);
        self.blobs.set(kept);
        Ok(())
    }

    fn close_blobs(&self) {
        for reference in self.blobs.take() {
            if let Some(Some(blob)) = weakref::referent(&reference)
                && let Some(blob) = blob.downcast::<Blob>()
            {
                blob.end();
            }
        }
    }

    /// Lets go of the database; it is closed when the last statement of it has ended.
    fn close_database(&self, vm: &Vm) -> PyResult<()> {
        let Some(database) = self.database.get() else { return Ok(()) };
        if self.autocommit.get() == Autocommit::Disabled && !database.is_autocommit() {
            self.run(vm, &database, c"ROLLBACK")?;
        }
        self.database.set(None);
        database.forget_hooks(vm);
        Ok(())
    }

    /// Closes the connection.
    pub(super) fn close(&self, vm: &Vm) -> PyResult<()> {
        self.check_thread(vm)?;
        if !self.initialized.get() {
            return Err(self.not_initialized(vm));
        }
        self.close_blobs();
        self.statements.set(None);
        self.close_database(vm)
    }

    /// Whether the connection was opened.
    pub(super) fn is_initialized(&self) -> bool {
        self.initialized.get()
    }

    /// Lets go of everything before the connection is opened anew.
    pub(super) fn end(&self, vm: &Vm) -> PyResult<()> {
        self.close_blobs();
        self.statements.set(None);
        self.initialized.set(false);
        self.close_database(vm)
    }

    /// Has the connection be one to a database that was opened, with something that remembers statements.
    pub(super) fn begin(&self, vm: &Vm, database: Rc<Database>, statements: Value, manner: Manner) {
        self.database.set(Some(database));
        self.statements.set(Some(statements));
        self.detects.set(manner.detects);
        self.level.set(manner.level);
        self.autocommit.set(manner.autocommit);
        self.check_same_thread.set(manner.check_same_thread);
        self.thread.set(vm.thread_id);
        self.row_factory.set(Some(none()));
        self.text_factory.set(None);
        self.initialized.set(true);
    }

    /// What makes rows, where it is not `None`.
    pub(super) fn row_factory(&self) -> Option<Value> {
        self.row_factory.get().filter(|factory| !is_none(factory))
    }
}

#[pymethods]
impl Connection {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Connection::default()).into_value())
    }

    #[slot(init)]
    fn init(this: &Object<Connection>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        Connection::initialize(this, vm, args, names)
    }

    #[slot(finalize)]
    fn finalize(this: &Value, vm: &Vm) {
        let Some(connection) = this.downcast::<Connection>() else { return };
        if connection.database.borrow().is_some() {
            let shown = vm.repr(this).map(|shown| shown.to_string_lossy().into_owned());
            let warned = shown.and_then(|shown| {
                warnings::resource_warning(vm, this, &format!("unclosed database in {shown}"), 1)
            });
            if let Err(error) = warned {
                print::write_unraisable(vm, error, None, Some(this));
            }
        }
        if let Err(error) = connection.close_database(vm) {
            print::write_unraisable_about(vm, error, "Exception ignored while finalizing database connection", this);
        }
    }

    #[slot(call)]
    fn call(this: &Object<Connection>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let database = this.database(vm)?;
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("sqlite3.Connection() takes no keyword arguments"));
        }
        let [sql] = args else {
            return Err(vm.type_error(format!("function takes exactly 1 argument ({} given)", args.len())));
        };
        let Some(sql) = sql.downcast::<Str>() else {
            let got = if is_none(sql) { "None".to_owned() } else { sql.type_of().full_name() };
            return Err(vm.type_error(format!("argument 1 must be str, not {got}")));
        };
        Ok(Statement::compile(vm, &database, sql)?.into_value())
    }

    #[getter("isolation_level")]
    fn isolation_level(&self, vm: &Vm) -> PyResult<Option<&'static str>> {
        self.database(vm)?;
        Ok(self.level.get().map(|level| LEVELS[level].0))
    }

    #[setter("isolation_level")]
    fn set_isolation_level(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else { return Err(vm.bare_attribute_error("cannot delete attribute")) };
        let level = level_of(vm, value)?;
        self.level.set(level);
        if level.is_none() {
            // What was begun by itself ends by itself.
            self.end_transaction(vm, c"COMMIT")?;
        }
        Ok(())
    }

    #[getter("total_changes")]
    fn total_changes(&self, vm: &Vm) -> PyResult<i32> {
        Ok(self.database(vm)?.total_changes())
    }

    #[getter("in_transaction")]
    fn in_transaction(&self, vm: &Vm) -> PyResult<bool> {
        Ok(!self.database(vm)?.is_autocommit())
    }

    #[getter("autocommit")]
    fn get_autocommit(&self, vm: &Vm) -> PyResult {
        self.usable(vm)?;
        Ok(match self.autocommit.get() {
            Autocommit::Enabled => boolean(true),
            Autocommit::Disabled => boolean(false),
            Autocommit::Legacy => Value::int(LEGACY_TRANSACTION_CONTROL),
        })
    }

    #[setter("autocommit")]
    fn set_autocommit(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(vm.bare_attribute_error("cannot delete autocommit attribute"));
        };
        let database = self.usable(vm)?;
        let autocommit = autocommit_of(vm, value)?;
        match autocommit {
            Autocommit::Enabled if !database.is_autocommit() => self.run(vm, &database, c"COMMIT")?,
            Autocommit::Disabled if database.is_autocommit() => self.run(vm, &database, c"BEGIN")?,
            _ => {}
        }
        self.autocommit.set(autocommit);
        Ok(())
    }

    #[getter("__text_signature__")]
    fn text_signature(&self) -> &'static str {
        "(sql, /)"
    }

    #[getter("row_factory")]
    fn get_row_factory(&self) -> Option<Value> {
        self.row_factory.get()
    }

    #[setter("row_factory")]
    fn set_row_factory(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(vm.bare_attribute_error("cannot delete row_factory attribute"));
        };
        self.row_factory.set(Some(value.clone()));
        Ok(())
    }

    #[getter("text_factory")]
    fn get_text_factory(&self) -> Value {
        self.text_factory.get().unwrap_or_else(|| Str::static_type().to_value())
    }

    #[setter("text_factory")]
    fn set_text_factory(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(vm.bare_attribute_error("cannot delete text_factory attribute"));
        };
        self.text_factory.set(Some(value.clone()).filter(|value| !Str::static_type().is(value)));
        Ok(())
    }

    #[getter("Warning", member)]
    fn warning(&self) -> Value {
        errors::Warning::static_type().to_value()
    }

    #[getter("Error", member)]
    fn error(&self) -> Value {
        errors::Error::static_type().to_value()
    }

    #[getter("InterfaceError", member)]
    fn interface_error(&self) -> Value {
        errors::InterfaceError::static_type().to_value()
    }

    #[getter("DatabaseError", member)]
    fn database_error(&self) -> Value {
        errors::DatabaseError::static_type().to_value()
    }

    #[getter("DataError", member)]
    fn data_error(&self) -> Value {
        errors::DataError::static_type().to_value()
    }

    #[getter("OperationalError", member)]
    fn operational_error(&self) -> Value {
        errors::OperationalError::static_type().to_value()
    }

    #[getter("IntegrityError", member)]
    fn integrity_error(&self) -> Value {
        errors::IntegrityError::static_type().to_value()
    }

    #[getter("InternalError", member)]
    fn internal_error(&self) -> Value {
        errors::InternalError::static_type().to_value()
    }

    #[getter("ProgrammingError", member)]
    fn programming_error(&self) -> Value {
        ProgrammingError::static_type().to_value()
    }

    #[getter("NotSupportedError", member)]
    fn not_supported_error(&self) -> Value {
        errors::NotSupportedError::static_type().to_value()
    }
}

/// A name as SQLite takes it.
///
/// # Errors
/// `ValueError` for a zero character within.
pub fn name_of(vm: &Vm, name: &str) -> PyResult<CString> {
    CString::new(name).map_err(|_| vm.value_error("embedded null character"))
}

/// A number of seconds in milliseconds.
pub fn milliseconds(seconds: &Value, vm: &Vm) -> PyResult<i32> {
    Ok((float::to_f64(vm, seconds)? * 1000.0) as i32)
}
