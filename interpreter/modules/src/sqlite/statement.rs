//! `sqlite3.Statement`: a compiled statement, as connections keep them for their texts.

use std::ffi::CString;
use std::rc::Rc;

use rspy_macros::pyclass;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::string::Str;
use rspy_runtime::vm::Vm;

use super::errors::{self, DataError, ProgrammingError};
use super::library::{self, Database};

#[pyclass(name = "Statement", module = "sqlite3", no_new, no_methods)]
pub struct Statement {
    inner: library::Statement,
    /// Whether rows are inserted, updated, deleted or replaced.
    pub changes_rows: bool,
}

impl std::ops::Deref for Statement {
    type Target = library::Statement;

    fn deref(&self) -> &library::Statement {
        &self.inner
    }
}

/// The limit of the length of statements.
const SQL_LENGTH: i32 = 1;

/// What is said of texts that are longer than the limit.
///
/// # Errors
/// `DataError` for such a text.
pub fn check_length(vm: &Vm, database: &Database, length: usize) -> PyResult<()> {
    let limit = database.limit(SQL_LENGTH, -1);
    if length as i64 > i64::from(limit) {
        return Err(DataError::error(vm, "query string is too large"));
    }
    Ok(())
}

impl Statement {
    /// Compiles a text of one statement.
    ///
    /// # Errors
    /// SQLite's, and `ProgrammingError` where there is more than one statement.
    pub fn compile(vm: &Vm, database: &Rc<Database>, text: &Object<Str>) -> PyResult<Ref<Statement>> {
        let utf8 = text.to_utf8(vm)?;
        check_length(vm, database, utf8.len())?;
        let sql = CString::new(utf8.as_bytes())
            .map_err(|_| ProgrammingError::error(vm, "the query contains a null character"))?;
        let prepared = library::Statement::prepare(vm, database, &sql)
            .map_err(|result| failed(vm, database, result))?;
        if !without_blanks(&sql.to_bytes()[prepared.tail..]).is_empty() {
            let message = "You can only execute one statement at a time.";
            return Err(ProgrammingError::error(vm, message));
        }
        let changes_rows = !prepared.statement.is_readonly() && begins_with_change(without_blanks(sql.to_bytes()));
        Ok(Object::new(Statement { inner: prepared.statement, changes_rows }))
    }
}

/// The exception of a call that failed with a result.
pub fn failed(vm: &Vm, database: &Database, result: i32) -> Exception {
    let raised = errors::raise_last(vm, database).and_then(|()| errors::raise_result(vm, result));
    raised.err().unwrap_or_else(|| errors::InternalError::error(vm, library::message_of(result)))
}

fn begins_with_change(text: &[u8]) -> bool {
    [&b"insert"[..], b"update", b"delete", b"replace"]
        .iter()
        .any(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

/// A text without the blanks and comments that it begins with.
fn without_blanks(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b' ' | b'\t' | b'\x0c' | b'\n' | b'\r', rest @ ..] => rest,
            [b'-', b'-', rest @ ..] => match memchr::memchr(b'\n', rest) {
                Some(end) => &rest[end + 1..],
                None => return &[],
            },
            [b'/', b'*', rest @ ..] => match memchr::memmem::find(rest, b"*/") {
                Some(end) => &rest[end + 2..],
                None => return &[],
            },
            _ => return text,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_statements() {
        for blank in ["", " \t\n", "-- a", "-- a\n /* b -- */ -- c", "/* open"] {
            assert_eq!(without_blanks(blank.as_bytes()), b"", "{blank:?}");
        }
        assert_eq!(without_blanks(b"/* a */ select"), b"select");
        assert_eq!(without_blanks(b"- 1"), b"- 1");
    }
}
