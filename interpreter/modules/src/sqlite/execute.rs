//! Running statements with a cursor: transactions begin, parameters are bound, columns are described, rows converted.

use std::ffi::CString;

use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::bytes::bytearray::ByteArray;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::adapters;
use super::binding::bind;
use super::connection::{Autocommit, Connection, PARSE_COLNAMES, PARSE_DECLTYPES};
use super::cursor::Cursor;
use super::errors::{self, OperationalError, ProgrammingError};
use super::library::{DONE, Database, Datum, ROW};
use super::statement::{Statement, check_length};

/// What a statement is run with.
enum Runs<'a> {
    Once(Option<&'a Value>),
    Each(Value),
}

impl Cursor {
    /// Runs a statement once.
    ///
    /// # Errors
    /// SQLite's, and those of adapting the parameters.
    pub fn run_one(
        this: &Object<Cursor>,
        vm: &Vm,
        sql: &Object<Str>,
        parameters: Option<&Value>,
    ) -> PyResult {
        let connection = this.check(vm)?;
        let locked = this.lock();
        let result = this.run(vm, &connection, sql, Runs::Once(parameters));
        drop(locked);
        Cursor::finish(this, vm, result)
    }

    /// Runs a statement with each of the parameters that an iterable yields.
    ///
    /// # Errors
    /// As for one, and those of the iterable.
    pub fn run_many(this: &Object<Cursor>, vm: &Vm, sql: &Object<Str>, each: &Value) -> PyResult {
        let connection = this.check(vm)?;
        let locked = this.lock();
        let result = vm.iter(each).and_then(|iterator| this.run(vm, &connection, sql, Runs::Each(iterator)));
        drop(locked);
        Cursor::finish(this, vm, result)
    }

    fn finish(this: &Object<Cursor>, vm: &Vm, result: PyResult<()>) -> PyResult {
        match result {
            Ok(()) => {
                if this.statement.get().is_some_and(|statement| !statement.is_busy()) {
                    this.statement.set(None);
                }
                Ok(this.to_value())
            }
            Err(error) => {
                this.drop_statement(vm);
                this.row_count.set(-1);
                Err(error)
            }
        }
    }

    fn run(&self, vm: &Vm, connection: &Connection, sql: &Object<Str>, runs: Runs<'_>) -> PyResult<()> {
        let database = connection.database(vm)?;
        self.description.set(None);
        if let Some(pending) = self.statement.get() {
            pending.reset(vm);
        }
        let statement = match connection.statement(vm, sql) {
            Ok(statement) => statement,
            Err(error) => {
                self.statement.set(None);
                return Err(error);
            }
        };
        self.statement.set(Some(statement.clone()));
        if matches!(runs, Runs::Each(_)) && statement.is_readonly() {
            return Err(ProgrammingError::error(vm, "executemany() can only execute DML statements."));
        }
        let statement = if statement.is_busy() {
            let another = Statement::compile(vm, &database, sql)?;
            self.statement.set(Some(another.clone()));
            another
        } else {
            statement
        };
        statement.reset(vm);
        self.row_count.set(if statement.changes_rows { 0 } else { -1 });
        connection.begin_before(vm, &database, &statement)?;
        match runs {
            Runs::Once(parameters) => {
                let empty = Tuple::empty().into_value();
                let ran = self.run_with(vm, connection, &database, &statement, parameters.unwrap_or(&empty))?;
                if ran {
                    self.last_row.set(Some(int::new(database.last_row())));
                }
            }
            Runs::Each(iterator) => {
                while let Some(parameters) = vm.next(&iterator)? {
                    if !self.run_with(vm, connection, &database, &statement, &parameters)? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs a statement with its parameters up to its first row. Answers whether there was a statement at all.
    fn run_with(
        &self,
        vm: &Vm,
        connection: &Connection,
        database: &Database,
        statement: &Statement,
        parameters: &Value,
    ) -> PyResult<bool> {
        bind(vm, database, statement, parameters)?;
        let result = statement.step(vm);
        let exception = connection.pending.take();
        if result != DONE && result != ROW {
            // Where there is no statement this is what went wrong before, if anything did, as in CPython.
            errors::raise_last(vm, database)?;
            if !statement.is_nothing() {
                errors::raise_result(vm, result)?;
            }
            return Ok(false);
        }
        self.find_converters(vm, connection, statement)?;
        let columns = statement.columns();
        if columns > 0 && self.description.borrow().is_none() {
            self.describe(vm, connection, statement, columns)?;
        }
        if result == DONE {
            if statement.changes_rows {
                self.row_count.set(self.row_count.get() + i64::from(database.changes()));
            }
            statement.reset(vm);
        }
        exception.map_or(Ok(true), Err)
    }

    fn describe(&self, vm: &Vm, connection: &Connection, statement: &Statement, columns: i32) -> PyResult<()> {
        let mut descriptions = Vec::new();
        for index in 0..columns {
            let name = statement.column_name(index).ok_or_else(|| vm.memory_error())?;
            let shown = if connection.detects(PARSE_COLNAMES) { without_type(&name) } else { &name };
            let name = vm.decode_utf8(shown)?.into_value();
            let nothing = none();
            let mut fields = vec![nothing; 7];
            fields[0] = name;
            descriptions.push(Tuple::from_values(fields).into_value());
        }
        self.description.set(Some(Tuple::from_values(descriptions).into_value()));
        Ok(())
    }

    fn find_converters(&self, vm: &Vm, connection: &Connection, statement: &Statement) -> PyResult<()> {
        if !connection.detects(PARSE_COLNAMES | PARSE_DECLTYPES) {
            return Ok(());
        }
        let mut converters = Vec::new();
        for index in 0..statement.columns() {
            let converter = find_converter(vm, connection, statement, index).map_err(|cause| {
                OperationalError::error(vm, "Error while building row_cast_map").with_cause(cause)
            })?;
            converters.push(converter);
        }
        self.converters.set(converters);
        Ok(())
    }

    /// The row that is there.
    ///
    /// # Errors
    /// What converting its values raises.
    pub fn fetch(
        &self,
        vm: &Vm,
        connection: &Connection,
        statement: &Statement,
        columns: i32,
    ) -> PyResult<Ref<Tuple>> {
        let detects = connection.detects(PARSE_COLNAMES | PARSE_DECLTYPES);
        let factory = connection.text_factory.get();
        let mut values = Vec::with_capacity(columns as usize);
        for index in 0..columns {
            let converter =
                if detects { self.converters.borrow().get(index as usize).cloned().flatten() } else { None };
            values.push(match converter {
                Some(converter) => converted(vm, statement, index, &converter)?,
                None => value_of(vm, statement, index, factory.as_ref())?,
            });
        }
        Ok(Tuple::from_values(values))
    }

    /// Runs a script, after a transaction that is open was committed.
    ///
    /// # Errors
    /// SQLite's.
    pub fn run_script(this: &Object<Cursor>, vm: &Vm, script: &Object<Str>) -> PyResult {
        let utf8 = script.to_utf8(vm)?;
        let sql = CString::new(utf8.as_bytes()).map_err(|_| vm.value_error("embedded null character"))?;
        let connection = this.check(vm)?;
        let database = connection.database(vm)?;
        check_length(vm, &database, sql.count_bytes())?;
        if connection.autocommit.get() == Autocommit::Legacy && !database.is_autocommit() {
            connection.run(vm, &database, c"COMMIT")?;
        }
        if let Err(result) = database.run_script(vm, &sql) {
            connection.pending.take();
            errors::raise_last(vm, &database)?;
            errors::raise_result(vm, result)?;
        }
        Ok(this.to_value())
    }
}

/// The name of a column before the type in brackets.
fn without_type(name: &[u8]) -> &[u8] {
    match name.iter().position(|&c| c == b'[') {
        Some(end) if end > 0 && name[end - 1] == b' ' => &name[..end - 1],
        Some(end) => &name[..end],
        None => name,
    }
}

fn find_converter(
    vm: &Vm,
    connection: &Connection,
    statement: &Statement,
    index: i32,
) -> PyResult<Option<Value>> {
    if connection.detects(PARSE_COLNAMES) {
        let name = statement.column_name(index).ok_or_else(|| vm.memory_error())?;
        if let Some(typ) = type_in_brackets(&name)
            && let Some(converter) = adapters::converter(vm, typ)?
        {
            return Ok(Some(converter));
        }
    }
    if connection.detects(PARSE_DECLTYPES)
        && let Some(declared) = statement.declared_type(index)
    {
        // `INTEGER NOT NULL` is an integer, and `NUMBER(10)` a number.
        let end = declared.iter().position(|c| matches!(c, b' ' | b'(')).unwrap_or(declared.len());
        return adapters::converter(vm, &declared[..end]);
    }
    Ok(None)
}

fn type_in_brackets(name: &[u8]) -> Option<&[u8]> {
    let mut start = None;
    for (place, c) in name.iter().enumerate() {
        match (c, start) {
            (b'[', _) => start = Some(place + 1),
            (b']', Some(start)) => return Some(&name[start..place]),
            _ => {}
        }
    }
    None
}

fn converted(vm: &Vm, statement: &Statement, index: i32, converter: &Value) -> PyResult {
    let bytes = statement.column_bytes(index, |bytes| bytes.map(|bytes| bytes.map(Bytes::new)));
    match bytes {
        Err(()) => Err(vm.memory_error()),
        Ok(None) => Ok(none()),
        Ok(Some(bytes)) => vm.call(converter, &[bytes.into_value()]),
    }
}

/// A text whose meaning is up to the connection's factory.
enum Column {
    Value(Value),
    Text(Vec<u8>),
    NoMemory,
}

fn value_of(vm: &Vm, statement: &Statement, index: i32, factory: Option<&Value>) -> PyResult {
    let column = statement.column(index, |datum| match datum {
        Datum::Null => Column::Value(none()),
        Datum::Integer(number) => Column::Value(int::new(number)),
        Datum::Real(number) => Column::Value(float::new(number)),
        Datum::Blob(bytes) => Column::Value(Bytes::new(bytes).into_value()),
        Datum::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if factory.is_none() => Column::Value(vm.new_str(text)),
            _ => Column::Text(bytes.to_vec()),
        },
        Datum::NoMemory => Column::NoMemory,
    });
    match column {
        Column::Value(value) => Ok(value),
        Column::NoMemory => Err(vm.memory_error()),
        Column::Text(bytes) => match factory {
            Some(factory) if Bytes::static_type().is(factory) => Ok(Bytes::new(bytes).into_value()),
            Some(factory) if ByteArray::static_type().is(factory) => Ok(ByteArray::new(bytes).into_value()),
            Some(factory) => vm.call(factory, &[Bytes::new(bytes).into_value()]),
            None => Err(not_decoded(vm, statement, index, &bytes)),
        },
    }
}

/// The error for a text that is no UTF-8; it shows the beginning.
fn not_decoded(vm: &Vm, statement: &Statement, index: i32, text: &[u8]) -> Exception {
    const MOST_SHOWN: usize = 198;
    let name = statement.column_name(index).unwrap_or_default();
    let shown_text = text.split(|&c| c == 0).next().unwrap_or_default();
    let mut shown = b"Could not decode to UTF-8 column '".to_vec();
    shown.extend_from_slice(&name);
    shown.extend_from_slice(b"' with text '");
    shown.extend_from_slice(shown_text);
    shown.push(b'\'');
    shown.truncate(MOST_SHOWN);
    let shown: String =
        shown.iter().map(|&c| if c.is_ascii() { c as char } else { char::REPLACEMENT_CHARACTER }).collect();
    OperationalError::error(vm, shown)
}
