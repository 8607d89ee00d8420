//! What can be wrong with a container.

use std::fmt;

/// The part of a container that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The fixed header.
    Header,
    /// The names, tables and metadata behind the header.
    Index,
    /// A block of code, sources or data, by its number.
    Block(u32),
    /// One file or module inside a block.
    Contents,
    /// The last bytes, by which a container is found at the end of an executable.
    Trailer,
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Header => formatter.write_str("header"),
            Part::Index => formatter.write_str("index"),
            Part::Block(number) => write!(formatter, "block {number}"),
            Part::Contents => formatter.write_str("contents"),
            Part::Trailer => formatter.write_str("trailer"),
        }
    }
}

/// Why a container, or something in it, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveError {
    /// The bytes do not begin like a container.
    NotAnArchive,
    /// The container was made by a freezer of another format version.
    Version {
        /// The version that the container claims.
        found: u32,
    },
    /// The container says that it is longer than what there is.
    Truncated {
        /// The length that the header gives.
        expected: u64,
        /// The length that there is.
        found: u64,
    },
    /// A checksum does not fit the bytes it stands for.
    Checksum(Part),
    /// A number in the container points outside of it or contradicts another.
    Malformed(Part),
    /// A compressed block does not decompress.
    Compression(Part),
    /// A folder was read, or a file listed.
    WrongKind,
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArchiveError::NotAnArchive => formatter.write_str("not a container of frozen modules"),
            ArchiveError::Version { found } => {
                write!(formatter, "format version {found}, where {} is understood", crate::layout::VERSION)
            }
            ArchiveError::Truncated { expected, found } => {
                write!(formatter, "cut short: {found} bytes of {expected}")
            }
            ArchiveError::Checksum(part) => {
                write!(formatter, "altered: the checksum of the {part} does not fit")
            }
            ArchiveError::Malformed(part) => write!(formatter, "damaged: the {part} contradicts itself"),
            ArchiveError::Compression(part) => write!(formatter, "damaged: the {part} does not decompress"),
            ArchiveError::WrongKind => formatter.write_str("a folder where a file is needed, or the reverse"),
        }
    }
}

impl std::error::Error for ArchiveError {}
