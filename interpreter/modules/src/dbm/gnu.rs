//! The module `_gdbm`: databases as GDBM has them.

use rspy_gdbm::{Access, Database, Options};
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

use super::{Flavour, Store, bytes_of, bytes_or_none, path_of};

static FLAVOUR: Flavour = Flavour {
    module: "_gdbm",
    closed: "GDBM object has already been closed",
    error: PerInterpreter::new(GilCell::default),
};

/// The flags that databases can be opened with.
const FLAGS: &str = "rwcnfsu";
/// The version of GDBM whose behaviour this is.
const VERSION: (i32, i32, i32) = (1, 26, 0);
/// What is said of keys and values of other types.
const WRONG_TYPE: &str = "gdbm mappings have bytes or string indices only";

/// This object represents a GDBM database.
///
/// GDBM objects behave like mappings whose keys and values are bytes; strings are encoded as UTF-8. `items()` and
/// `values()` are not supported, but firstkey, nextkey, reorganize, and sync are.
#[pyclass(name = "gdbm", module = "_gdbm", no_new)]
pub struct Gdbm {
    store: Store,
}

impl Gdbm {
    fn bytes(vm: &Vm, value: &Value) -> PyResult<Vec<u8>> {
        bytes_or_none(vm, value)?.ok_or_else(|| vm.type_error(WRONG_TYPE))
    }

    fn set(&self, vm: &Vm, key: &Value, value: &Value) -> PyResult<()> {
        let key = Gdbm::bytes(vm, key)?;
        self.store.check(vm)?;
        let value = Gdbm::bytes(vm, value)?;
        self.store.with(vm, |database| database.store(&key, &value))
    }
}

#[pymethods]
impl Gdbm {
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
        match value {
            Some(value) => self.set(vm, key, value),
            None => {
                let bytes = Gdbm::bytes(vm, key)?;
                self.store.delete(vm, key, &bytes)
            }
        }
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        self.store.contains(vm, key, "gdbm")
    }

    /// Close the database.
    #[method("close(self, /)")]
    fn close(&self) {
        self.store.close();
    }

    /// Get a list of all keys in the database.
    #[method("keys(self, /)")]
    fn keys(&self, vm: &Vm) -> PyResult<Ref<List>> {
        self.store.keys(vm)
    }

    /// Return the starting key for the traversal.
    ///
    /// Every key of the database is reached with this method and the nextkey() method, in the order of their hashes.
    #[method("firstkey(self, /)")]
    fn firstkey(&self, vm: &Vm) -> PyResult<Option<Ref<Bytes>>> {
        Ok(self.store.with(vm, Database::first_key)?.map(Bytes::new))
    }

    /// Returns the key that follows key in the traversal.
    ///
    /// The following code prints every key in the database db, without
    /// having to create a list in memory that contains them all:
    ///
    ///       k = db.firstkey()
    ///       while k is not None:
    ///           print(k)
    ///           k = db.nextkey(k)
    #[method("nextkey(self, key, /)")]
    fn nextkey(&self, vm: &Vm, key: &Value) -> PyResult<Option<Ref<Bytes>>> {
        let key = bytes_of(vm, key)?;
        Ok(self.store.with(vm, |database| database.next_key(&key))?.map(Bytes::new))
    }

    /// Reorganize the database.
    ///
    /// The items are copied to a new file, which takes the place of the old one: it is the only way to give room back that
    /// items took which were deleted.
    #[method("reorganize(self, /)")]
    fn reorganize(&self, vm: &Vm) -> PyResult<()> {
        self.store.with(vm, Database::reorganize)
    }

    /// Flush the database to the disk file.
    #[method("sync(self, /)")]
    fn sync(&self, vm: &Vm) -> PyResult<()> {
        self.store.with(vm, Database::synchronize)
    }

    /// Get the value for key, or default if not present.
    #[method("get(self, key, default=None, /)")]
    fn get(&self, vm: &Vm, key: &Value, default: Option<&Value>) -> PyResult {
        Ok(self.store.fetch(vm, key)?.unwrap_or_else(|| default.cloned().unwrap_or_else(none)))
    }

    /// Get value for key, or set it to default and return default if not present.
    #[method("setdefault(self, key, default=None, /)")]
    fn setdefault(&self, vm: &Vm, key: &Value, default: Option<&Value>) -> PyResult {
        if let Some(value) = self.store.fetch(vm, key)? {
            return Ok(value);
        }
        self.set(vm, key, &default.cloned().unwrap_or_else(none))?;
        self.store.get_item(vm, key)
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

/// The functions.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Open a dbm database and return a dbm object.
    ///
    /// The first flag tells what for: 'r' to read one that exists, 'w' to read and write it, 'c' to make it where there is none,
    /// 'n' to make a new one in any case. Further flags are listed in the module constant 'open_flags': 's' has every
    /// change written to the disk before it is done, 'u' leaves the file unlocked, 'f' allows to write later, which is not
    /// made use of. The mode is that of a file that is made.
    #[function("open(filename, flags='r', mode=0o666, /)")]
    fn open(
        vm: &Vm,
        filename: &Value,
        flags: Option<&Object<Str>>,
        mode: Option<i32>,
    ) -> PyResult<Ref<Gdbm>> {
        let flags = flags.map_or(Ok("r".into()), |flags| flags.to_utf8(vm))?;
        if flags.contains('\0') {
            return Err(vm.value_error("embedded null character"));
        }
        let path = path_of(vm, filename)?;
        let mut flags = flags.chars();
        let access = match flags.next() {
            Some('r') => Access::Read,
            Some('w') => Access::Write,
            Some('c') => Access::Create,
            Some('n') => Access::New,
            _ => return Err(FLAVOUR.error(vm, "First flag must be one of 'r', 'w', 'c' or 'n'")),
        };
        let mode = mode.unwrap_or(0o666) as u32;
        let mut options = Options { access, locks: true, synchronizes: false, mode };
        for flag in flags {
            match flag {
                'f' => {}
                's' => options.synchronizes = true,
                'u' => options.locks = false,
                other => return Err(FLAVOUR.error(vm, &format!("Flag '{other}' is not supported."))),
            }
        }
        let database = super::open(vm, &FLAVOUR, &path, options, filename)?;
        Ok(Object::new(Gdbm { store: Store::new(&FLAVOUR, database) }))
    }
}

native_module! {
    name: "_gdbm",
    doc: "Databases of keys and values in files of the GNU DBM format.\n\nThe file formats of this module and of dbm differ.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        Gdbm::static_type().ready(vm);
        module.set(vm, "error", FLAVOUR.make_error(vm)?);
        module.set_str(vm, "open_flags", FLAGS);
        let (major, minor, patch) = VERSION;
        module.set(vm, "_GDBM_VERSION", rspy_runtime::convert::IntoValue::into_value((major, minor, patch), vm));
        Ok(())
    },
}
