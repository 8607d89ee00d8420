//! The container of frozen modules: one run of bytes that is at once an index of modules, a folder tree of
//! their sources and data files, and their compiled code.
//!
//! The frozen library inside `rspy`, and an application packaged behind it, are such containers. Opening one
//! decodes nothing but a header of fixed size; a module or a path is found by binary search in tables that stay
//! where they are; what is stored of it is unpacked when somebody asks. So a start-up that imports thirty modules
//! pays for thirty modules and not for six hundred.
//!
//! * [`layout`] is the format, byte by byte.
//! * [`Directory`] says where in an executable the containers are.
//! * [`Archive`] reads it. It never panics on damaged bytes: what it cannot trust is an [`ArchiveError`].
//! * `Builder` (feature `write`) makes it: same input, same bytes, however many cores compress.
//!
//! # The names in code objects
//!
//! Code is compiled with the *path in the container* as its file name (`lib/python3.14/json/decoder.py`), since
//! nobody knows yet where the executable will stand. All code objects of a module bear the same one. Whoever
//! unmarshals code out of an archive gives it `<executable>/<path in the container>` as `co_filename` instead of
//! what the stream says: [`Module::path`] names it. Nothing else in the code depends on the place.

pub mod directory;
mod error;
pub mod layout;
mod metadata;
mod reader;
#[cfg(feature = "write")]
mod writer;

pub use directory::Directory;
pub use error::{ArchiveError, Part};
pub use metadata::{Application, Metadata, Start};
pub use reader::{Archive, Entry, Module, Summary};
#[cfg(feature = "write")]
pub use writer::{BuildError, Builder, Code, Compression, FrozenModule};
