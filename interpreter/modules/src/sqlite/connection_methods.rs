//! The methods of connections that are about SQL: running statements, transactions, context management.

use rspy_macros::pymethods;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::import::import_module;
use rspy_runtime::object::Object;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::connection::Connection;
use super::cursor::Cursor;

/// Calls a method of a new cursor.
fn with_cursor(this: &Object<Connection>, vm: &Vm, method: &str, arguments: &[Value]) -> PyResult {
    let connection = this.to_value();
    let cursor = vm.call_method_str(&connection, "cursor", &[])?;
    vm.call_method_str(&cursor, method, arguments)
}

#[pymethods(METHODS_OF_SQL)]
impl Connection {
    /// Close the database connection.
    ///
    /// Any pending transaction is not committed implicitly.
    #[method("close(self, /)")]
    fn close_method(&self, vm: &Vm) -> PyResult<()> {
        self.close(vm)
    }

    /// Commit any pending transaction to the database.
    ///
    /// If there is no open transaction, this method is a no-op.
    #[method("commit(self, /)")]
    fn commit(&self, vm: &Vm) -> PyResult<()> {
        self.end_transaction(vm, c"COMMIT")
    }

    /// Roll back to the start of any pending transaction.
    ///
    /// If there is no open transaction, this method is a no-op.
    #[method("rollback(self, /)")]
    fn rollback(&self, vm: &Vm) -> PyResult<()> {
        self.end_transaction(vm, c"ROLLBACK")
    }

    /// Return a cursor for the connection.
    #[method("cursor(self, /, factory=<unrepresentable>)")]
    fn cursor(this: &Object<Connection>, vm: &Vm, factory: Option<&Value>) -> PyResult {
        this.usable(vm)?;
        let factory = factory.cloned().unwrap_or_else(|| {
            <Cursor as rspy_runtime::object::Payload>::static_type().to_value()
        });
        let made = vm.call(&factory, &[this.to_value()])?;
        let Some(cursor) = made.downcast::<Cursor>() else {
            let got = made.type_of().full_name();
            return Err(vm.type_error(format!("factory must return a cursor, not {got}")));
        };
        if let Some(factory) = this.row_factory() {
            cursor.set_row_factory(factory);
        }
        Ok(made)
    }

    /// Executes an SQL statement.
    #[method("execute(self, sql, parameters=(), /)")]
    fn execute(this: &Object<Connection>, vm: &Vm, sql: &Value, parameters: Option<&Value>) -> PyResult {
        let mut arguments = vec![expect_text(vm, "execute() argument 1", sql)?];
        arguments.extend(parameters.cloned());
        with_cursor(this, vm, "execute", &arguments)
    }

    /// Repeatedly executes an SQL statement.
    #[method("executemany(self, sql, parameters, /)")]
    fn executemany(this: &Object<Connection>, vm: &Vm, sql: &Value, parameters: &Value) -> PyResult {
        let sql = expect_text(vm, "executemany() argument 1", sql)?;
        with_cursor(this, vm, "executemany", &[sql, parameters.clone()])
    }

    /// Executes multiple SQL statements at once.
    #[method("executescript(self, sql_script, /)")]
    fn executescript(this: &Object<Connection>, vm: &Vm, sql_script: &Value) -> PyResult {
        with_cursor(this, vm, "executescript", std::slice::from_ref(sql_script))
    }

    /// Abort any pending database operation.
    #[method("interrupt(self, /)")]
    fn interrupt(&self, vm: &Vm) -> PyResult<()> {
        self.database(vm)?.interrupt();
        Ok(())
    }

    /// Returns iterator to the dump of the database in an SQL text format.
    ///
    ///   filter
    ///     An optional LIKE pattern for database objects to dump
    #[method("iterdump(self, /, *, filter=None)")]
    fn iterdump(this: &Object<Connection>, vm: &Vm, filter: Option<&Value>) -> PyResult {
        this.database(vm)?;
        let dump = vm.get_attribute_str(&import_module(vm, "sqlite3.dump")?, "_iterdump")?;
        let keywords = Dict::new();
        keywords.set(vm, &vm.new_str("filter"), filter.cloned().unwrap_or_else(none))?;
        vm.call_with_dict(&dump, &[this.to_value()], &keywords)
    }

    /// Called when the connection is used as a context manager.
    ///
    /// Returns itself as a convenience to the caller.
    #[method("__enter__(self, /)")]
    fn enter(this: &Object<Connection>, vm: &Vm) -> PyResult {
        this.database(vm)?;
        Ok(this.to_value())
    }

    /// Called when the connection is used as a context manager.
    ///
    /// If there was any exception, a rollback takes place; otherwise we
    /// commit.
    #[method("__exit__(self, type, value, traceback, /)")]
    fn exit(&self, vm: &Vm, typ: &Value, value: &Value, traceback: &Value) -> PyResult<bool> {
        if !(is_none(typ) && is_none(value) && is_none(traceback)) {
            self.end_transaction(vm, c"ROLLBACK")?;
            return Ok(false);
        }
        if let Err(error) = self.end_transaction(vm, c"COMMIT") {
            // The database must not stay locked.
            return Err(match self.end_transaction(vm, c"ROLLBACK") {
                Ok(()) => error,
                Err(second) => second.with_context(error),
            });
        }
        Ok(false)
    }
}

fn expect_text(vm: &Vm, what: &str, value: &Value) -> PyResult {
    if value.downcast::<Str>().is_none() {
        let got = if is_none(value) { "None".to_owned() } else { value.type_of().full_name() };
        return Err(vm.type_error(format!("{what} must be str, not {got}")));
    }
    Ok(value.clone())
}
