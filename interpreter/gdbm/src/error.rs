//! What can go wrong, in the words of GDBM.

use std::fmt;
use std::io;

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// The system could not do it.
    Io(io::Error),
    /// Something else has the file open.
    Locked,
    /// The file is no database.
    BadMagic,
    /// The file comes from a machine that has its bytes the other way round.
    ByteSwapped,
    /// The file has addresses of 32 bits.
    BadOffsetSize,
    /// The size of blocks makes no sense.
    BlockSize,
    /// There is nothing in the file.
    Empty,
    /// The file ends too early.
    UnexpectedEnd,
    /// The header makes no sense.
    BadHeader,
    /// The directory makes no sense.
    BadDirectory,
    /// A bucket makes no sense.
    BadBucket,
    /// An element of a bucket makes no sense.
    BadElement,
    /// A list of free room makes no sense.
    BadAvail,
    /// The file is longer than it says.
    NeedsRecovery,
    /// The directory cannot grow any more.
    DirectoryOverflow,
    /// A reader cannot store.
    ReaderStore,
    /// A reader cannot delete.
    ReaderDelete,
    /// A reader cannot reorganize.
    ReaderReorganize,
    /// A key or value is too large.
    TooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Io(error) => return error.fmt(f),
            Error::Locked => "Resource temporarily unavailable",
            Error::BadMagic => "Bad magic number",
            Error::ByteSwapped => "Byte-swapped file",
            Error::BadOffsetSize => "File header assumes wrong off_t size",
            Error::BlockSize => "Block size error",
            Error::Empty => "Empty database",
            Error::UnexpectedEnd => "Unexpected end of file",
            Error::BadHeader => "Malformed database file header",
            Error::BadDirectory => "Invalid directory entry",
            Error::BadBucket => "Malformed bucket header",
            Error::BadElement => "Malformed bucket hash entry",
            Error::BadAvail => "Malformed avail_block",
            Error::NeedsRecovery => "Database needs recovery",
            Error::DirectoryOverflow => "Bucket directory overflow",
            Error::ReaderStore => "Reader can't store",
            Error::ReaderDelete => "Reader can't delete",
            Error::ReaderReorganize => "Reader can't reorganize",
            Error::TooLarge => "Malformed data",
        })
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::UnexpectedEof { Error::UnexpectedEnd } else { Error::Io(error) }
    }
}
