//! The module `_dbm`: databases as programs for `ndbm` have them, two files each. GDBM's own layer of that name keeps the items
//! in the file with the ending `.pag`; that with `.dir` only says that it does.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rspy_gdbm::{Access, Database, Error, Options};
use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::{Flavour, Store, bytes_or_none, path_at, path_of};

static FLAVOUR: Flavour = Flavour {
    module: "_dbm",
    closed: "DBM object has already been closed",
    error: PerInterpreter::new(GilCell::default),
};

/// What the file `.dir` begins with, before three numbers of a version.
const DIRECTORY_MAGIC: &[u8; 4] = b"GDBM";
/// The version.
const VERSION: [u32; 3] = [1, 26, 0];

#[pyclass(name = "dbm", module = "_dbm", no_new)]
pub struct Dbm {
    store: Store,
}

impl Dbm {
    fn key(vm: &Vm, key: &Value) -> PyResult<Vec<u8>> {
        let key = bytes_or_none(vm, key)?;
        key.ok_or_else(|| vm.type_error("dbm mappings have bytes or string keys only"))
    }

    fn set(&self, vm: &Vm, key: &Value, value: &Value) -> PyResult<()> {
        let key = Dbm::key(vm, key)?;
        self.store.check(vm)?;
        let value = bytes_or_none(vm, value)?;
        let value = value.ok_or_else(|| vm.type_error("dbm mappings have bytes or string elements only"))?;
        if self.store.with(vm, |database| Ok(database.is_reader()))? {
            return Err(FLAVOUR.error(vm, "cannot add item to database"));
        }
        self.store.with(vm, |database| database.store(&key, &value))
    }
}

#[pymethods]
impl Dbm {
    #[slot(bool)]
    fn is_true(&self, vm: &Vm) -> PyResult<bool> {
        Ok(self.store.with(vm, Database::first_key)?.is_some())
    }

    #[slot(length)]
    fn length(&self, vm: &Vm) -> PyResult<usize> {
        self.store.with(vm, Database::count)
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        self.store.get_item(vm, key)
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        let Some(value) = value else {
            let bytes = Dbm::key(vm, key)?;
            if self.store.with(vm, |database| Ok(database.is_reader()))? {
                return Err(FLAVOUR.error(vm, "cannot delete item from database"));
            }
            return self.store.delete(vm, key, &bytes);
        };
        self.set(vm, key, value)
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        self.store.contains(vm, key, "dbm")
    }

    /// Close the database.
    #[method("close(self, /)")]
    fn close(&self) {
        self.store.close();
    }

    /// Return a list of all keys in the database.
    #[method("keys(self, /)")]
    fn keys(&self, vm: &Vm) -> PyResult<Ref<List>> {
        self.store.keys(vm)
    }

    /// Return the value for key if present, otherwise default.
    #[method("get(self, key, default=None, /)")]
    fn get(&self, vm: &Vm, key: &Value, default: Option<&Value>) -> PyResult {
        Ok(self.store.fetch(vm, key)?.unwrap_or_else(|| default.cloned().unwrap_or_else(none)))
    }

    /// Return the value for key if present, otherwise default.
    ///
    /// If key is not in the database, it is inserted with default as the
    /// value.
    #[method("setdefault(self, key, default=b'', /)")]
    fn setdefault(&self, vm: &Vm, key: &Value, default: Option<&Value>) -> PyResult {
        if let Some(value) = self.store.fetch(vm, key)? {
            return Ok(value);
        }
        let default = default.cloned().unwrap_or_else(|| Bytes::empty().into_value());
        self.set(vm, key, &default)?;
        Ok(default)
    }

    /// Remove all items from the database.
    #[method("clear(self, /)")]
    fn clear(&self, vm: &Vm) -> PyResult<()> {
        self.store.clear(vm)
    }

    #[method("__enter__(self, /)")]
    fn enter(this: &Value) -> Value {
        this.clone()
    }

    #[method("__exit__")]
    fn exit(&self, _args: &[Value], _names: KeywordNames<'_>) {
        self.store.close();
    }
}

/// Looks into the file `.dir`, or makes it. One that is the file with the items under another name is how it once was.
fn check_directory(path: &Path, items: &Path, options: Options) -> Result<(), Error> {
    let makes = matches!(options.access, Access::Create | Access::New);
    let writes = options.access != Access::Read;
    let mut file = OpenOptions::new().read(true).write(writes).create(makes).mode(options.mode).open(path)?;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    if std::fs::metadata(items)
        .is_ok_and(|of_items| Some(identity(of_items)) == file.metadata().ok().map(identity))
    {
        return Ok(());
    }
    if options.access == Access::New {
        file.set_len(0)?;
    }
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(DIRECTORY_MAGIC.len() as u64).read_to_end(&mut start)?;
    if start.is_empty() && writes {
        file.write_all(DIRECTORY_MAGIC)?;
        for number in VERSION {
            file.write_all(&number.to_be_bytes())?;
        }
        return Ok(());
    }
    if start == DIRECTORY_MAGIC {
        return Ok(());
    }
    Err(if start.is_empty() { io::Error::from(io::ErrorKind::UnexpectedEof).into() } else { Error::BadMagic })
}

/// The functions.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Return a database object.
    ///
    ///   filename
    ///     The filename to open.
    ///   flags
    ///     How to open the file.  "r" for reading, "w" for writing, etc.
    ///   mode
    ///     If creating a new file, the mode bits for the new file
    ///     (e.g. os.O_RDWR).
    #[function("open(filename, flags='r', mode=0o666, /)")]
    fn open(vm: &Vm, filename: &Value, flags: Option<&Object<Str>>, mode: Option<i32>) -> PyResult<Ref<Dbm>> {
        let flags = flags.map_or(Ok("r".into()), |flags| flags.to_utf8(vm))?;
        if flags.contains('\0') {
            return Err(vm.value_error("embedded null character"));
        }
        let path = path_of(vm, filename)?;
        let access = match &*flags {
            "r" => Access::Read,
            "w" | "rw" => Access::Write,
            "c" => Access::Create,
            "n" => Access::New,
            _ => return Err(FLAVOUR.error(vm, "arg 2 to open should be 'r', 'w', 'c', or 'n'")),
        };
        let options =
            Options { access, locks: true, synchronizes: false, mode: mode.unwrap_or(0o666) as u32 };
        let [items, directory] = [".pag", ".dir"].map(|ending| [path.as_slice(), ending.as_bytes()].concat());
        let database = super::open(vm, &FLAVOUR, &items, options, filename)?;
        check_directory(path_at(&directory), path_at(&items), options)
            .map_err(|error| FLAVOUR.failed(vm, &error, Some(filename)))?;
        Ok(Object::new(Dbm { store: Store::new(&FLAVOUR, database) }))
    }
}

native_module! {
    name: "_dbm",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        Dbm::static_type().ready(vm);
        module.set(vm, "error", FLAVOUR.make_error(vm)?);
        module.set_str(vm, "library", "GNU gdbm");
        Ok(())
    },
}
