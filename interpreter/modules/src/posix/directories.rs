//! Reading folders: `listdir`, and `scandir` with its entries.

use std::ffi::CString;

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::audit;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, Directory, DirectoryEntry, Errno, c};
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::paths::{self, OrRaise, PathArgument};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::status::{file_status, status_value};

/// Where entries come from.
enum Source {
    Disk(Directory),
    /// Names in the frozen library, the last one first, and whether each is a folder.
    Archive(Vec<(String, bool)>),
}

impl Source {
    fn next_entry(&mut self) -> host::Result<Option<DirectoryEntry>> {
        match self {
            Source::Disk(folder) => folder.next_entry(),
            Source::Archive(names) => Ok(names.pop().map(|(name, is_folder)| DirectoryEntry {
                name: name.into_bytes(),
                inode: 0,
                kind: if is_folder { c::DT_DIR } else { c::DT_REG },
            })),
        }
    }
}

type FolderArgument = PathArgument<true, true>;

/// Opens the folder that a path, a descriptor or nothing stands for.
fn open_folder(vm: &Vm, path: Option<&FolderArgument>) -> host::Result<Source> {
    match path {
        None | Some(PathArgument { descriptor: Some(-1), .. }) => {
            vm.allow_threads(|| Directory::open(c".")).map(Source::Disk)
        }
        Some(PathArgument { descriptor: Some(descriptor), .. }) => {
            vm.allow_threads(|| Directory::open_descriptor(*descriptor)).map(Source::Disk)
        }
        Some(path) => match paths::archived(vm, path.bytes()) {
            Some(inner) => archived_folder(vm, inner),
            None => vm.allow_threads(|| Directory::open(path.as_c_str())).map(Source::Disk),
        },
    }
}

fn archived_folder(vm: &Vm, inner: &str) -> host::Result<Source> {
    let library = vm.interpreter.library.borrow();
    let Some(library) = &*library else { return Err(Errno(c::ENOTDIR)) };
    let names = match library.entry(inner) {
        None => return Err(Errno(c::ENOENT)),
        Some(entry) if !entry.is_folder => return Err(Errno(c::ENOTDIR)),
        Some(_) => library.list(inner).unwrap_or_default(),
    };
    let mut entries: Vec<(String, bool)> = names
        .into_iter()
        .map(|name| {
            let path = if inner.is_empty() { name.clone() } else { format!("{inner}/{name}") };
            let is_folder = library.entry(&path).is_some_and(|entry| entry.is_folder);
            (name, is_folder)
        })
        .collect();
    entries.reverse();
    Ok(Source::Archive(entries))
}

/// The exception for a folder; a descriptor is not named.
fn folder_error(vm: &Vm, path: Option<&FolderArgument>, error: Errno) -> rspy_runtime::Exception {
    match path {
        Some(path) if path.descriptor.is_none() => path.error(vm, error),
        _ => vm.os_error(error.0, None, None),
    }
}

/// An entry that `scandir` yields.
#[pyclass(name = "DirEntry", module = "posix", no_new)]
pub struct DirEntry {
    name: Value,
    path: Value,
    inode: u64,
    kind: u8,
    /// The folder's descriptor, where it was opened by one.
    folder: Option<i32>,
    /// What `stat` found, and what it found without following links.
    stat: GilCell<Option<Value>>,
    lstat: GilCell<Option<Value>>,
}

impl DirEntry {
    /// The path for the system, and the folder that it is seen from.
    fn location(&self, vm: &Vm) -> PyResult<(i32, CString)> {
        let shown = if self.folder.is_some() { &self.name } else { &self.path };
        Ok((self.folder.unwrap_or(host::CURRENT_FOLDER), paths::to_system(vm, shown)?))
    }

    fn fetch(&self, vm: &Vm, follow: bool) -> PyResult {
        let (folder, path) = self.location(vm)?;
        let status = file_status(vm, folder, &path, follow).or_raise_for(vm, &self.path)?;
        Ok(status_value(vm, &status))
    }

    fn link_status(&self, vm: &Vm) -> PyResult {
        if let Some(known) = self.lstat.get() {
            return Ok(known);
        }
        let status = self.fetch(vm, false)?;
        self.lstat.set(Some(status.clone()));
        Ok(status)
    }

    fn status(&self, vm: &Vm, follow: bool) -> PyResult {
        if !follow {
            return self.link_status(vm);
        }
        if let Some(known) = self.stat.get() {
            return Ok(known);
        }
        let status = if self.is_link(vm)? { self.fetch(vm, true)? } else { self.link_status(vm)? };
        self.stat.set(Some(status.clone()));
        Ok(status)
    }

    fn is_link(&self, vm: &Vm) -> PyResult<bool> {
        match self.kind {
            c::DT_UNKNOWN => self.has_mode(vm, false, c::S_IFLNK),
            kind => Ok(kind == c::DT_LNK),
        }
    }

    /// Whether the status tells of a kind of file; a file that is gone is of no kind.
    fn has_mode(&self, vm: &Vm, follow: bool, kind: u32) -> PyResult<bool> {
        match self.status(vm, follow) {
            Ok(status) => {
                let mode = vm.get_attribute_str(&status, "st_mode")?.small_int().unwrap_or(0) as u32;
                Ok(mode & c::S_IFMT == kind)
            }
            Err(error) if is_file_not_found(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_kind(&self, vm: &Vm, follow: bool, kind: u32, quick: u8) -> PyResult<bool> {
        let is_link = self.kind == c::DT_LNK;
        if self.kind == c::DT_UNKNOWN || (follow && is_link) {
            return self.has_mode(vm, follow, kind);
        }
        Ok(self.kind == quick)
    }
}

fn is_file_not_found(error: &rspy_runtime::Exception) -> bool {
    error.is_a::<rspy_runtime::exceptions::os_error::FileNotFoundError>()
}

#[pymethods]
impl DirEntry {
    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let mut out = StrBuilder::new();
        out.push_str("<DirEntry ");
        out.push_object(&*vm.repr(&self.name)?);
        out.push_str(">");
        Ok(out.finish().into_value())
    }

    /// the entry's base filename, relative to scandir() "path" argument
    #[getter("name", member)]
    fn name(&self) -> Value {
        self.name.clone()
    }

    /// the entry's full path name; equivalent to os.path.join(scandir_path, entry.name)
    #[getter("path", member)]
    fn path(&self) -> Value {
        self.path.clone()
    }

    /// Return True if the entry is a directory.
    #[method("is_dir(self, *, follow_symlinks=True)")]
    fn is_dir(&self, vm: &Vm, follow_symlinks: bool) -> PyResult<bool> {
        self.is_kind(vm, follow_symlinks, c::S_IFDIR, c::DT_DIR)
    }

    /// Return True if the entry is a file.
    #[method("is_file(self, *, follow_symlinks=True)")]
    fn is_file(&self, vm: &Vm, follow_symlinks: bool) -> PyResult<bool> {
        self.is_kind(vm, follow_symlinks, c::S_IFREG, c::DT_REG)
    }

    /// Return True if the entry is a symbolic link.
    #[method("is_symlink(self, /)")]
    fn is_symlink(&self, vm: &Vm) -> PyResult<bool> {
        self.is_link(vm)
    }

    /// Return True if the entry is a junction; always False here.
    #[method("is_junction(self, /)")]
    fn is_junction(&self) -> bool {
        false
    }

    /// Return stat_result object for the entry.
    #[method("stat(self, *, follow_symlinks=True)")]
    fn entry_stat(&self, vm: &Vm, follow_symlinks: bool) -> PyResult {
        self.status(vm, follow_symlinks)
    }

    /// Return inode of the entry.
    #[method("inode(self, /)")]
    fn inode(&self) -> Value {
        int::from_i128(i128::from(self.inode))
    }

    /// Returns the path for the entry.
    #[method("__fspath__(self, /)")]
    fn fspath(&self) -> Value {
        self.path.clone()
    }

    /// Supports generic types: DirEntry[str].
    #[classmethod("__class_getitem__(cls, item, /)")]
    fn class_getitem(vm: &Vm, cls: &rspy_runtime::object::TypeObject, item: &Value) -> PyResult {
        Ok(rspy_runtime::types::generic_alias::new(vm, &cls.to_value(), item))
    }
}

/// What `scandir` returns.
#[pyclass(name = "ScandirIterator", module = "posix", no_new)]
pub struct ScandirIterator {
    source: GilCell<Option<Source>>,
    path: Option<FolderArgument>,
}

impl ScandirIterator {
    /// The entry's path: the folder's with the name behind it.
    fn joined(&self, name: &[u8]) -> Vec<u8> {
        match &self.path {
            Some(path) if path.descriptor.is_none() => {
                let mut joined = path.bytes().to_vec();
                if !joined.is_empty() && !joined.ends_with(b"/") {
                    joined.push(b'/');
                }
                joined.extend_from_slice(name);
                joined
            }
            Some(_) => name.to_vec(),
            None => [b"./", name].concat(),
        }
    }

    fn text(&self, bytes: &[u8]) -> Value {
        match &self.path {
            Some(path) => path.result(bytes),
            None => paths::decode(bytes).into_value(),
        }
    }

    fn make_entry(&self, entry: &DirectoryEntry) -> Value {
        Object::new(DirEntry {
            name: self.text(&entry.name),
            path: self.text(&self.joined(&entry.name)),
            inode: entry.inode,
            kind: entry.kind,
            folder: self.path.as_ref().and_then(|path| path.descriptor),
            stat: GilCell::default(),
            lstat: GilCell::default(),
        })
        .into_value()
    }
}

#[pymethods]
impl ScandirIterator {
    #[slot(iter)]
    fn iter(this: &Object<ScandirIterator>) -> Value {
        this.to_value()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(mut source) = self.source.take() else { return Ok(None) };
        match vm.allow_threads(|| source.next_entry()) {
            Ok(Some(entry)) => {
                self.source.set(Some(source));
                Ok(Some(self.make_entry(&entry)))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(folder_error(vm, self.path.as_ref(), error)),
        }
    }

    #[slot(finalize)]
    fn finalize(this: &Value, vm: &Vm) {
        let Some(iterator) = this.downcast::<ScandirIterator>() else { return };
        if iterator.source.borrow().is_none() {
            return;
        }
        let warned = vm.repr(this).and_then(|shown| {
            let message = format!("unclosed scandir iterator {}", shown.to_string_lossy());
            rspy_runtime::warnings::resource_warning(vm, this, &message, 1)
        });
        if let Err(error) = warned {
            // The warning was made an exception: there is nobody to raise it to.
            rspy_runtime::exceptions::print::write_unraisable(vm, error, None, Some(this));
        }
        drop(iterator.source.take());
    }

    /// Close the iterator and free its resources.
    #[method("close()")]
    fn close(&self) {
        drop(self.source.take());
    }

    #[method("__enter__()")]
    fn enter(this: &Object<ScandirIterator>) -> Value {
        this.to_value()
    }

    #[method("__exit__()")]
    fn exit(&self, args: &[Value], names: KeywordNames<'_>) {
        let _ = (args, names);
        self.close();
    }
}

/// A folder that was asked for, as audit events show it.
fn shown(path: Option<&FolderArgument>) -> Value {
    path.map_or_else(none, |path| path.object.clone())
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return a list containing the names of the files in the directory.
    ///
    /// path can be specified as str, bytes, a path-like object or a file descriptor. The list is in arbitrary order.
    #[function("listdir(path=None)")]
    fn listdir(vm: &Vm, path: Option<FolderArgument>) -> PyResult<Vec<Value>> {
        audit::raise_event(vm, "os.listdir", || vec![shown(path.as_ref())])?;
        let failed = |error| folder_error(vm, path.as_ref(), error);
        let mut source = open_folder(vm, path.as_ref()).map_err(failed)?;
        let names = vm.allow_threads(|| {
            let mut names = Vec::new();
            while let Some(entry) = source.next_entry()? {
                names.push(entry.name);
            }
            Ok(names)
        });
        let is_bytes = path.as_ref().is_some_and(PathArgument::is_bytes);
        Ok(names
            .map_err(failed)?
            .into_iter()
            .map(|name| if is_bytes { Bytes::new(name).into_value() } else { paths::decode(&name).into_value() })
            .collect())
    }

    /// Return an iterator of DirEntry objects for given path.
    #[function("scandir(path=None)")]
    fn scandir(vm: &Vm, path: Option<FolderArgument>) -> PyResult<Ref<ScandirIterator>> {
        audit::raise_event(vm, "os.scandir", || vec![shown(path.as_ref())])?;
        let source = open_folder(vm, path.as_ref()).map_err(|error| folder_error(vm, path.as_ref(), error))?;
        Ok(Object::new(ScandirIterator { source: GilCell::new(Some(source)), path }))
    }

    /// Return a unicode string representing the current working directory.
    #[function("getcwd()")]
    fn getcwd(vm: &Vm) -> PyResult<Ref<Str>> {
        Ok(paths::decode(&vm.allow_threads(host::current_folder).or_raise(vm)?))
    }

    /// Return a bytes string representing the current working directory.
    #[function("getcwdb()")]
    fn getcwdb(vm: &Vm) -> PyResult {
        Ok(Bytes::new(vm.allow_threads(host::current_folder).or_raise(vm)?).into_value())
    }
}
