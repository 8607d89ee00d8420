//! A folder in, a container out: compile everything on all cores, then pack.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rspy_archive::{BuildError, Builder, Code, Compression, FrozenModule, Metadata};

use rspy_code::pyc;

use crate::{CompileFailure, Kind, Tree, TreeError, TreeFile};

/// How to freeze a folder.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the folder's contents go in the container, such as `lib/python3.14`; empty for its root.
    pub root: String,
    /// Paths in the folder that are left out, files or folders.
    pub exclude: Vec<String>,
    /// The modules that every start-up imports.
    pub startup: Vec<String>,
    /// Whether sources are kept, for tracebacks and `inspect`.
    pub sources: bool,
    /// The optimisation level to compile with.
    pub optimize: u8,
    /// The release of CPython whose library or language it is.
    pub python: String,
    /// The modification time its files show.
    pub modified: u64,
    /// Folders whose files are put beside those of the folder that is frozen.
    pub added: Vec<PathBuf>,
    /// Whether a module that does not compile is kept as a mere file, and reported, instead of being an error.
    pub keep_going: bool,
    /// How hard to compress.
    pub compression: Compression,
}

/// A frozen folder.
#[derive(Debug)]
pub struct FrozenTree {
    /// The container.
    pub container: Vec<u8>,
    /// The modules that did not compile, with [`Options::keep_going`].
    pub skipped: Vec<(PathBuf, FileError)>,
}

/// What freezing is at, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many files were found.
    Found(usize),
    /// One more file was read, and compiled if it is a module.
    Done,
    /// All files are there; they are being compressed.
    Packing,
}

/// Why a folder cannot be frozen.
#[derive(Debug)]
pub enum FreezeError {
    /// The folder cannot be taken stock of.
    Tree(TreeError),
    /// These files do not compile or cannot be read.
    Files(Vec<(PathBuf, FileError)>),
    /// What was compiled does not fit into a container.
    Build(BuildError),
}

/// What is wrong with one file.
#[derive(Debug)]
pub enum FileError {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It does not compile.
    Compile(CompileFailure),
    /// It is no `.pyc` file of this bytecode.
    Header(pyc::HeaderError),
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Unreadable(error) => write!(formatter, "{error}"),
            FileError::Compile(failure) => write!(formatter, "{failure}"),
            FileError::Header(error) => write!(formatter, "{error}"),
        }
    }
}

impl fmt::Display for FreezeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FreezeError::Tree(error) => write!(formatter, "{error}"),
            FreezeError::Files(failures) => {
                for (number, (path, error)) in failures.iter().enumerate() {
                    let separator = if number == 0 { "" } else { "\n" };
                    write!(formatter, "{separator}{}: {error}", path.display())?;
                }
                Ok(())
            }
            FreezeError::Build(error) => write!(formatter, "{error}"),
        }
    }
}

impl std::error::Error for FreezeError {}

impl From<TreeError> for FreezeError {
    fn from(error: TreeError) -> Self {
        FreezeError::Tree(error)
    }
}

impl From<BuildError> for FreezeError {
    fn from(error: BuildError) -> Self {
        FreezeError::Build(error)
    }
}

/// Freezes a folder. `compile` makes code out of a source and the name it is known by.
pub fn freeze(
    folder: &Path,
    options: &Options,
    compile: impl Fn(&[u8], &str, u8) -> Result<Vec<u8>, CompileFailure> + Sync,
    progress: impl Fn(Progress) + Sync,
) -> Result<FrozenTree, FreezeError> {
    let mut tree = Tree::scan(folder, &options.exclude)?;
    for added in &options.added {
        tree.add(Tree::scan(added, &[])?);
    }
    progress(Progress::Found(tree.files.len()));
    let frozen: Vec<Result<FrozenFile, FileError>> = tree
        .files
        .par_iter()
        .map(|file| {
            let frozen = freeze_file(file, options, &compile);
            progress(Progress::Done);
            frozen
        })
        .collect();
    progress(Progress::Packing);

    let mut builder = Builder::new(metadata(options), options.compression);
    let mut failures = Vec::new();
    let mut skipped = Vec::new();
    for (file, frozen) in tree.files.iter().zip(frozen) {
        match frozen {
            Err(error) => failures.push((file.location.clone(), error)),
            Ok(FrozenFile { path, contents, module, failure }) => {
                if let Some(failure) = failure {
                    skipped.push((file.location.clone(), FileError::Compile(failure)));
                }
                if let Some(contents) = contents {
                    builder.file(&path, contents)?;
                }
                if let Some(module) = module {
                    builder.module(module)?;
                }
            }
        }
    }
    if !failures.is_empty() {
        return Err(FreezeError::Files(failures));
    }
    Ok(FrozenTree { container: builder.finish()?, skipped })
}

/// What becomes of one file.
struct FrozenFile {
    path: String,
    contents: Option<Vec<u8>>,
    module: Option<FrozenModule>,
    failure: Option<CompileFailure>,
}

fn freeze_file(
    file: &TreeFile,
    options: &Options,
    compile: &impl Fn(&[u8], &str, u8) -> Result<Vec<u8>, CompileFailure>,
) -> Result<FrozenFile, FileError> {
    let contents = fs::read(&file.location).map_err(FileError::Unreadable)?;
    let path =
        if options.root.is_empty() { file.path.clone() } else { format!("{}/{}", options.root, file.path) };
    let as_data =
        |path, contents, failure| FrozenFile { path, contents: Some(contents), module: None, failure };
    let (module, is_package, code, is_source) = match &file.kind {
        // The archive of a distribution is larger unpacked, and takes less room when it is compressed as a whole.
        Kind::Data if path.ends_with(".whl") => {
            let stored = crate::stored::stored(&contents).unwrap_or(contents);
            return Ok(as_data(path, stored, None));
        }
        Kind::Data => return Ok(as_data(path, contents, None)),
        Kind::Source { module, is_package } => match compile(&contents, &path, options.optimize) {
            Ok(code) => (module, *is_package, Code::Own(code), true),
            Err(failure) if options.keep_going => return Ok(as_data(path, contents, Some(failure))),
            Err(failure) => return Err(FileError::Compile(failure)),
        },
        Kind::Compiled { module, is_package } => {
            let (_, code) = pyc::read_header(&contents).map_err(FileError::Header)?;
            let code = Code::InSource { offset: contents.len() - code.len() };
            (module, *is_package, code, false)
        }
    };
    // A module that came without its source keeps its file, as it would be found on disk.
    let kept = !is_source || options.sources;
    let module = FrozenModule {
        at_startup: options.startup.contains(module),
        name: module.clone(),
        is_package,
        source: kept.then(|| path.clone()),
        code,
    };
    Ok(FrozenFile { path, contents: kept.then_some(contents), module: Some(module), failure: None })
}

fn metadata(options: &Options) -> Metadata {
    Metadata {
        python: options.python.clone(),
        bytecode: u32::from(pyc::MAGIC_NUMBER),
        optimize: options.optimize,
        root: options.root.clone(),
        modified: options.modified.max(Metadata::EARLIEST),
        application: None,
    }
}
