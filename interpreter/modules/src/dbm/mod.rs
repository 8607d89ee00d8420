//! Databases of keys and values in GDBM's file format: what the modules `_gdbm` and `_dbm` share.

pub mod gnu;
pub mod ndbm;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rspy_gdbm::{Database, Error};
use rspy_runtime::buffer;
use rspy_runtime::cell::{BorrowedMut, GilCell};
use rspy_runtime::exceptions::construct::error_message;
use rspy_runtime::exceptions::os_error::OsError;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::object::Payload;
use rspy_runtime::object::Ref;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::{host, paths};

/// What tells one module from the other.
struct Flavour {
    /// The module's name.
    module: &'static str,
    /// What is said of a database that was closed.
    closed: &'static str,
    /// The class of the module's exceptions.
    error: PerInterpreter<GilCell<Option<Value>>>,
}

impl Flavour {
    /// Makes the class of the module's exceptions.
    fn make_error(&'static self, vm: &Vm) -> PyResult {
        let namespace = Dict::new();
        namespace.set_str(&vm.intern("__module__"), vm.new_str(self.module));
        let bases = Tuple::from_values([OsError::static_type().to_value()]);
        let arguments = [vm.new_str("error"), bases.into_value(), namespace.into_value()];
        let class = vm.call(&Type::static_type().to_value(), &arguments)?;
        self.error.of(vm).set(Some(class.clone()));
        Ok(class)
    }

    #[cold]
    fn exception(&'static self, vm: &Vm, arguments: &[Value]) -> Exception {
        let class = self.error.of(vm).get();
        let class = class.as_ref().and_then(|class| class.downcast::<Type>());
        vm.exception_with_args(class.unwrap_or_else(|| OsError::static_type()), arguments)
    }

    /// The module's exception with a message.
    #[cold]
    fn error(&'static self, vm: &Vm, message: &str) -> Exception {
        self.exception(vm, &[vm.new_str(message)])
    }

    /// The module's exception for what went wrong with a database, perhaps while a file was being opened.
    #[cold]
    fn failed(&'static self, vm: &Vm, error: &Error, file: Option<&Value>) -> Exception {
        let number = match error {
            Error::Locked => Some(host::c::EWOULDBLOCK),
            Error::Io(error) => error.raw_os_error(),
            _ => None,
        };
        let Some(number) = number else { return self.error(vm, &error.to_string()) };
        let mut arguments = vec![Value::int(number), vm.new_str(&error_message(number))];
        arguments.extend(file.cloned());
        self.exception(vm, &arguments)
    }
}

/// The bytes that an argument stands for: those of a string are UTF-8. `None` where it is of another type.
fn bytes_or_none(vm: &Vm, value: &Value) -> PyResult<Option<Vec<u8>>> {
    if let Some(text) = value.downcast::<Str>() {
        return Ok(Some(text.to_utf8(vm)?.as_bytes().to_vec()));
    }
    if !buffer::has_buffer(value) {
        return Ok(None);
    }
    let view = buffer::view(vm, value)?;
    let fixed = value.downcast::<Bytes>().is_some();
    Ok(fixed.then(|| view.to_vec()))
}

/// The bytes that an argument stands for.
///
/// # Errors
/// `TypeError` where it is neither text nor bytes that cannot change.
fn bytes_of(vm: &Vm, value: &Value) -> PyResult<Vec<u8>> {
    if let Some(bytes) = bytes_or_none(vm, value)? {
        return Ok(bytes);
    }
    let got = if is_none(value) { "None".to_owned() } else { value.type_of().full_name() };
    Err(if buffer::has_buffer(value) {
        vm.type_error(format!("argument must be read-only bytes-like object, not {got}"))
    } else {
        vm.type_error(format!("a bytes-like object is required, not '{got}'"))
    })
}

/// A database that is open, or was.
struct Store {
    flavour: &'static Flavour,
    database: GilCell<Option<Database>>,
}

impl Store {
    fn new(flavour: &'static Flavour, database: Database) -> Store {
        Store { flavour, database: GilCell::new(Some(database)) }
    }

    fn close(&self) {
        self.database.set(None);
    }

    /// Does something with the open database.
    fn with<R>(&self, vm: &Vm, run: impl FnOnce(&mut Database) -> Result<R, Error>) -> PyResult<R> {
        let mut database: BorrowedMut<'_, Option<Database>> = self.database.borrow_mut();
        let Some(database) = database.as_mut() else {
            return Err(self.flavour.error(vm, self.flavour.closed));
        };
        run(database).map_err(|error| self.flavour.failed(vm, &error, None))
    }

    fn check(&self, vm: &Vm) -> PyResult<()> {
        self.with(vm, |_| Ok(()))
    }

    fn fetch(&self, vm: &Vm, key: &Value) -> PyResult<Option<Value>> {
        let key = bytes_of(vm, key)?;
        Ok(self.with(vm, |database| database.fetch(&key))?.map(|value| Bytes::new(value).into_value()))
    }

    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        self.fetch(vm, key)?.ok_or_else(|| vm.key_error(key))
    }

    /// Whether a key is there; it must be of one of the usual types.
    fn contains(&self, vm: &Vm, key: &Value, name: &str) -> PyResult<bool> {
        self.check(vm)?;
        if key.downcast::<Str>().is_none() && key.downcast::<Bytes>().is_none() {
            let got = key.type_of().full_name();
            return Err(vm.type_error(format!("{name} key must be bytes or string, not {got}")));
        }
        let key = bytes_of(vm, key)?;
        self.with(vm, |database| database.contains(&key))
    }

    fn delete(&self, vm: &Vm, key: &Value, bytes: &[u8]) -> PyResult<()> {
        if self.with(vm, |database| database.delete(bytes))? { Ok(()) } else { Err(vm.key_error(key)) }
    }

    fn keys(&self, vm: &Vm) -> PyResult<Ref<List>> {
        let keys = self.with(vm, Database::keys)?;
        Ok(List::from_vec(keys.into_iter().map(|key| Bytes::new(key).into_value()).collect()))
    }

    fn clear(&self, vm: &Vm) -> PyResult<()> {
        self.with(vm, |database| Ok(database.is_reader() && database.first_key()?.is_some())).and_then(
            |refuses| match refuses {
                true => Err(self.flavour.error(vm, "cannot delete item from database")),
                false => self.with(vm, Database::clear),
            },
        )
    }
}

fn open(
    vm: &Vm,
    flavour: &'static Flavour,
    path: &[u8],
    options: rspy_gdbm::Options,
    shown: &Value,
) -> PyResult<Database> {
    let opened = Database::open(path_at(path), options);
    opened.map_err(|error| flavour.failed(vm, &error, Some(shown)))
}

/// A file name as the system takes it.
fn path_of(vm: &Vm, name: &Value) -> PyResult<Vec<u8>> {
    Ok(paths::to_system(vm, name)?.into_bytes())
}

/// The path that bytes are.
fn path_at(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
