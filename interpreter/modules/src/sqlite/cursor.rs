//! `sqlite3.Cursor`: runs statements and hands out their rows.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::arguments::{FromArgument, Place, positional};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::connection::Connection;
use super::errors::{self, ProgrammingError};
use super::library::{DONE, ROW};
use super::statement::Statement;

/// SQLite database cursor class.
#[derive(Default)]
#[pyclass(
    name = "Cursor", module = "sqlite3", tracked, weak, subclassable, hides_new, methods(METHODS_OF_ROWS)
)]
pub struct Cursor {
    pub(super) connection: GilCell<Option<Ref<Connection>>>,
    pub(super) description: GilCell<Option<Value>>,
    pub(super) last_row: GilCell<Option<Value>>,
    row_factory: GilCell<Option<Value>>,
    /// The converter of each column, where there are any.
    pub(super) converters: GilCell<Vec<Option<Value>>>,
    #[untraced]
    pub(super) statement: GilCell<Option<Ref<Statement>>>,
    pub(super) row_count: Cell<i64>,
    array_size: Cell<u32>,
    closed: Cell<bool>,
    locked: Cell<bool>,
    initialized: Cell<bool>,
}

/// Ends the time in which a cursor must not be used by those that it calls.
pub struct Locked<'a>(&'a Cell<bool>);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Cursor {
    /// The description of the columns, or `None`.
    pub fn description(&self) -> Value {
        self.description.get().unwrap_or_else(none)
    }

    /// Has rows made by a function.
    pub fn set_row_factory(&self, factory: Value) {
        self.row_factory.set(Some(factory));
    }

    /// Keeps others from the cursor for some time.
    pub fn lock(&self) -> Locked<'_> {
        self.locked.set(true);
        Locked(&self.locked)
    }

    fn check_unlocked(&self, vm: &Vm) -> PyResult<()> {
        if self.locked.get() {
            return Err(ProgrammingError::error(vm, "Recursive use of cursors not allowed."));
        }
        Ok(())
    }

    /// The connection of a cursor that can be used.
    ///
    /// # Errors
    /// `ProgrammingError` where the cursor or the connection is closed, in use, or of another thread.
    pub fn check(&self, vm: &Vm) -> PyResult<Ref<Connection>> {
        let connection = match self.connection.get() {
            Some(connection) if self.initialized.get() => connection,
            _ => return Err(ProgrammingError::error(vm, "Base Cursor.__init__ not called.")),
        };
        if self.closed.get() {
            return Err(ProgrammingError::error(vm, "Cannot operate on a closed cursor."));
        }
        connection.check_thread(vm)?;
        connection.database(vm)?;
        self.check_unlocked(vm)?;
        Ok(connection)
    }

    /// Lets go of the statement.
    pub fn drop_statement(&self, vm: &Vm) {
        if let Some(statement) = self.statement.take() {
            statement.reset(vm);
        }
    }

    /// The next row, if there is one.
    fn next_row(this: &Object<Cursor>, vm: &Vm) -> PyResult<Option<Value>> {
        let connection = this.check(vm)?;
        let Some(statement) = this.statement.get() else { return Ok(None) };
        let database = connection.database(vm)?;
        let columns = statement.row_columns();
        if columns == 0 {
            this.drop_statement(vm);
            return Ok(None);
        }
        let locked = this.lock();
        let row = this.fetch(vm, &connection, &statement, columns);
        let row = match row {
            Ok(row) => row.into_value(),
            Err(error) => return Err(error),
        };
        let result = statement.step(vm);
        drop(locked);
        match result {
            ROW => {}
            DONE => {
                if statement.changes_rows {
                    this.row_count.set(i64::from(database.changes()));
                }
                this.drop_statement(vm);
            }
            other => {
                let raised = errors::raise_last(vm, &database).and_then(|()| errors::raise_result(vm, other));
                connection.pending.take();
                this.drop_statement(vm);
                raised?;
            }
        }
        if let Some(exception) = connection.pending.take() {
            this.drop_statement(vm);
            return Err(exception);
        }
        match this.row_factory.get().filter(|factory| !is_none(factory)) {
            Some(factory) => vm.call(&factory, &[this.to_value(), row]).map(Some),
            None => Ok(Some(row)),
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // The statement stays with the connection and must not be left half way.
        if self.statement.borrow().is_some() {
            Vm::with_current(|vm| self.drop_statement(vm));
        }
    }
}

#[pymethods]
impl Cursor {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Cursor::default()).into_value())
    }

    #[slot(init)]
    fn init(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let [connection] = positional(vm, "Cursor", args, names, 1, 1)? else {
            return Err(vm.system_error("an argument is missing"));
        };
        let place = Place { function: "Cursor", name: "connection", position: 1, by_name: false };
        let connection = <Ref<Connection>>::from_argument(vm, connection, &place)?;
        self.check_unlocked(vm)?;
        self.drop_statement(vm);
        self.connection.set(Some(connection.clone()));
        self.converters.set(Vec::new());
        self.description.set(None);
        self.last_row.set(None);
        self.row_factory.set(None);
        self.array_size.set(1);
        self.closed.set(false);
        self.row_count.set(-1);
        connection.check_thread(vm)?;
        self.initialized.set(true);
        Ok(())
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(this: &Object<Cursor>, vm: &Vm) -> PyResult<Option<Value>> {
        Cursor::next_row(this, vm)
    }

    /// The connection that the cursor belongs to.
    #[getter("connection", member)]
    fn get_connection(&self) -> Option<Ref<Connection>> {
        self.connection.get()
    }

    /// The columns of the last query: tuples of seven, of which only the name is filled.
    #[getter("description", member)]
    fn get_description(&self) -> Value {
        self.description()
    }

    /// The number of the row that was inserted last.
    #[getter("lastrowid", member)]
    fn get_last_row(&self) -> Option<Value> {
        self.last_row.get()
    }

    /// How many rows were changed, or -1.
    #[getter("rowcount", member)]
    fn get_row_count(&self) -> i64 {
        self.row_count.get()
    }

    #[getter("arraysize")]
    fn get_array_size(&self) -> u32 {
        self.array_size.get()
    }

    #[setter("arraysize")]
    fn set_array_size(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            let message = "attribute 'arraysize' of 'sqlite3.Cursor' objects cannot be deleted";
            return Err(vm.bare_attribute_error(message));
        };
        self.array_size.set(to_count(vm, value)?);
        Ok(())
    }

    #[getter("row_factory")]
    fn get_row_factory(&self) -> Option<Value> {
        self.row_factory.get()
    }

    #[setter("row_factory")]
    fn assign_row_factory(&self, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(vm.bare_attribute_error("cannot delete row_factory attribute"));
        };
        self.row_factory.set(Some(value.clone()));
        Ok(())
    }
}

/// A number of rows.
fn to_count(vm: &Vm, value: &Value) -> PyResult<u32> {
    let number = vm.index(value)?;
    if int::sign(&number) < 0 {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    let fits = int::small_value(&number).and_then(|number| u32::try_from(number).ok());
    fits.ok_or_else(|| vm.overflow_error("Python int too large for C uint32_t"))
}

#[pymethods(METHODS_OF_ROWS)]
impl Cursor {
    /// Closes the cursor.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult<()> {
        self.check_unlocked(vm)?;
        let Some(connection) = self.connection.get() else {
            return Err(ProgrammingError::error(vm, "Base Cursor.__init__ not called."));
        };
        connection.check_thread(vm)?;
        connection.database(vm)?;
        self.drop_statement(vm);
        self.closed.set(true);
        Ok(())
    }

    /// Repeatedly executes an SQL statement.
    #[method("executemany(self, sql, seq_of_parameters, /)")]
    fn executemany(this: &Object<Cursor>, vm: &Vm, sql: &Object<Str>, seq_of_parameters: &Value) -> PyResult {
        Cursor::run_many(this, vm, sql, seq_of_parameters)
    }

    /// Executes multiple SQL statements at once.
    #[method("executescript(self, sql_script, /)")]
    fn executescript(this: &Object<Cursor>, vm: &Vm, sql_script: &Object<Str>) -> PyResult {
        Cursor::run_script(this, vm, sql_script)
    }

    /// Executes an SQL statement.
    #[method("execute(self, sql, parameters=(), /)")]
    fn execute(this: &Object<Cursor>, vm: &Vm, sql: &Object<Str>, parameters: Option<&Value>) -> PyResult {
        Cursor::run_one(this, vm, sql, parameters)
    }

    /// Fetches all rows from the resultset.
    #[method("fetchall(self, /)")]
    fn fetchall(this: &Object<Cursor>, vm: &Vm) -> PyResult<Ref<List>> {
        let mut rows = Vec::new();
        while let Some(row) = Cursor::next_row(this, vm)? {
            rows.push(row);
        }
        Ok(List::from_vec(rows))
    }

    /// Fetches several rows from the resultset.
    ///
    ///   size
    ///     The default value is set by the Cursor.arraysize attribute.
    #[method("fetchmany(self, /, size=1)")]
    fn fetchmany(this: &Object<Cursor>, vm: &Vm, size: Option<&Value>) -> PyResult<Ref<List>> {
        let most = match size {
            Some(size) => to_count(vm, size)?,
            None => this.array_size.get(),
        };
        let mut rows = Vec::new();
        while (rows.len() as u64) < u64::from(most) {
            let Some(row) = Cursor::next_row(this, vm)? else { break };
            rows.push(row);
        }
        Ok(List::from_vec(rows))
    }

    /// Fetches one row from the resultset.
    #[method("fetchone(self, /)")]
    fn fetchone(this: &Object<Cursor>, vm: &Vm) -> PyResult<Option<Value>> {
        Cursor::next_row(this, vm)
    }

    /// Required by DB-API. Does nothing in sqlite3.
    #[method("setinputsizes(self, sizes, /)")]
    fn setinputsizes(&self, _sizes: &Value) {}

    /// Required by DB-API. Does nothing in sqlite3.
    #[method("setoutputsize(self, size, column=None, /)")]
    fn setoutputsize(&self, _size: &Value, _column: Option<&Value>) {}
}
