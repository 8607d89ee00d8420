//! Why an application cannot be built. Every message names the file or the option, what is wrong and what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rspy_archive::BuildError;

use crate::executable::BaseError;
use crate::{CompileFailure, TreeError};

/// Why an application cannot be built.
#[derive(Debug)]
pub enum ApplicationError {
    /// A file cannot be read or written.
    File(PathBuf, io::Error),
    /// A folder cannot be taken stock of.
    Tree(TreeError),
    /// A file is not what it should be: what is wrong with it, and what to do.
    Input(PathBuf, String),
    /// What was asked for cannot be: what is wrong, and what to do.
    Request(String),
    /// These files do not compile.
    Compile(Vec<(String, CompileFailure)>),
    /// These files are compiled extension modules, by where they come from.
    Native(Vec<(String, Vec<String>)>),
    /// What was collected does not fit into a container.
    Container(BuildError),
    /// The executable cannot carry an application.
    Base(PathBuf, BaseError),
}

impl fmt::Display for ApplicationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplicationError::File(path, error) => write!(formatter, "{}: {error}", path.display()),
            ApplicationError::Tree(error) => write!(formatter, "{error}"),
            ApplicationError::Input(path, what) => write!(formatter, "{}: {what}", path.display()),
            ApplicationError::Request(what) => formatter.write_str(what),
            ApplicationError::Compile(failures) => {
                for (number, (path, failure)) in failures.iter().enumerate() {
                    let separator = if number == 0 { "" } else { "\n" };
                    write!(formatter, "{separator}{path}: {failure}")?;
                }
                formatter.write_str("\n--exclude MODULE leaves out what the application does not need")
            }
            ApplicationError::Native(found) => {
                formatter.write_str("compiled extension modules cannot be part of an application:")?;
                for (origin, files) in found {
                    write!(formatter, "\n  {origin}:")?;
                    for file in files {
                        write!(formatter, "\n    {file}")?;
                    }
                }
                formatter.write_str(
                    "\nFor packages that also work without theirs, --allow-missing-native leaves these files out.",
                )
            }
            ApplicationError::Container(error) => write!(formatter, "{error}"),
            ApplicationError::Base(path, error) => write!(formatter, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for ApplicationError {}

impl From<TreeError> for ApplicationError {
    fn from(error: TreeError) -> Self {
        ApplicationError::Tree(error)
    }
}

impl From<BuildError> for ApplicationError {
    fn from(error: BuildError) -> Self {
        ApplicationError::Container(error)
    }
}

impl ApplicationError {
    /// The error of a call of the system with a file.
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(io::Error) -> ApplicationError {
        move |error| ApplicationError::File(path.to_owned(), error)
    }

    /// What is wrong with a file.
    pub(crate) fn input(path: &std::path::Path, what: impl Into<String>) -> ApplicationError {
        ApplicationError::Input(path.to_owned(), what.into())
    }
}
