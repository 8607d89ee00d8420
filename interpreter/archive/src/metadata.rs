//! What a container says about itself as a whole; read by tools, and by the interpreter for an application.

use bincode::{Decode, Encode};

/// The part of the index that start-up does not need, and that can grow without a new table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Metadata {
    /// The release of CPython whose library or language it holds, such as `3.14.10`.
    pub python: String,
    /// The magic number of its bytecode, as in `.pyc` files.
    pub bytecode: u32,
    /// The optimisation level that its code was compiled with (`-O` is 1).
    pub optimize: u8,
    /// The folder in the container that belongs on `sys.path`, such as `lib/python3.14`.
    pub root: String,
    /// The modification time that its files show, in seconds since 1970. Zip files cannot express what lies
    /// before 1980, and programs do zip what they find beside a module, so it is never earlier.
    pub modified: u64,
    /// What there is to run, if it is an application.
    pub application: Option<Application>,
}

/// An application that an executable carries.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Application {
    /// Its name, for those who look inside.
    pub name: String,
    /// What runs.
    pub start: Start,
    /// Whether the environment's variables and the user's folders count for nothing.
    pub isolated: bool,
    /// The folders in the container that stand on `sys.path` before the library.
    pub paths: Vec<String>,
    /// The modules, its own and the library's, that its start imports, about in that order: worth unpacking ahead.
    pub at_start: Vec<String>,
}

/// Where an application starts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Start {
    /// A file, as `python FILE` runs it: its path in the container.
    Script(String),
    /// A module or package, as `python -m MODULE` runs it.
    Module(String),
    /// A function of a module, as the scripts that pip writes for entry points call it.
    Function {
        /// The module.
        module: String,
        /// The function, with dots where it is an attribute of something in the module.
        function: String,
    },
}

impl Metadata {
    /// The earliest modification time, two days into 1980 so that it is 1980 in every time zone.
    pub const EARLIEST: u64 = 315_619_200;

    #[cfg(feature = "write")]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        bincode::encode_to_vec(self, bincode::config::standard()).expect("a vector takes every byte")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // The limit keeps a damaged length from being allocated.
        let configuration = bincode::config::standard().with_limit::<{ 1 << 20 }>();
        bincode::decode_from_slice(bytes, configuration).ok().map(|(metadata, _)| metadata)
    }
}
