//! The format of a container, byte by byte. All numbers are little-endian.
//!
//! ```text
//! header    128 bytes, see below
//! index     names      the texts that the tables refer to, without separators
//!           entries    one record of 32 bytes a folder or file; the children of a folder stand together, by name
//!           modules    one record of 32 bytes a module, by dotted name
//!           blocks     one record of 32 bytes a block
//!           metadata   `Metadata`, encoded by bincode
//! blocks    each at a multiple of 64: first the start-up modules' code, stored as it is so that it can be
//!           unmarshalled where it lies; then the dictionary; then everything else, compressed: the code of each other
//!           module by itself, files several to a block
//! trailer   24 bytes: the length of the container, the checksum of all before, a magic number
//!
//! header    0 magic · 8 version (u32) · 12 zero (u32) · 16 length of the container (u64)
//!           24 offset and length (u64 each) of names, entries, modules, blocks, metadata
//!           104 the block that is the dictionary of code (u32, NONE without) · 108 zero (u32)
//!           112 checksum of the index (u64) · 120 checksum of the header so far (u64)
//!
//! entry     0 offset of its name (u32) · 4 length of it (u16) · 6 kind (u8) · 7 zero · 8 its folder (u32)
//!           folder: 12 first child (u32) · 16 number of children (u32) · 20 zero
//!           file: 12 block (u32, NONE when empty) · 16 offset in the block, unpacked (u32) · 20 size (u32)
//!                 24 checksum of the contents (u32) · 28 the module it is the source of (u32, or NONE)
//!
//! module    0 offset of its name (u32) · 4 length of it (u16) · 6 flags (u16) · 8 the entry of its source (u32)
//!           12 block (u32) · 16 offset in the block, unpacked (u32) · 20 length (u32) · 24 checksum (u32) · 28 zero
//!
//! block     0 offset in the container (u64) · 8 length as stored (u32) · 12 length unpacked (u32)
//!           16 checksum of the stored bytes (u64) · 24 codec (u8) · 25 zero
//! ```
//!
//! Checksums are XXH3, cut to 32 bits where 32 bits are meant.

/// How a container begins. The first byte is no text, the last one does not survive a change of line ends.
pub const MAGIC: [u8; 8] = *b"\x8arspyar\n";
/// How a container ends.
pub const END_MAGIC: [u8; 8] = *b"\x8aendyar\n";
/// The version of this format.
pub const VERSION: u32 = 2;
/// No block, no module, no entry.
pub const NONE: u32 = u32::MAX;

/// The size of the header.
pub const HEADER: usize = 128;
/// The size of an entry's, a module's and a block's record.
pub const RECORD: usize = 32;
/// The size of the trailer.
pub const TRAILER: usize = 24;
/// What blocks are aligned to.
pub const ALIGNMENT: usize = 64;

/// An entry that is a folder.
pub const FOLDER: u8 = 0;
/// An entry that is a file.
pub const FILE: u8 = 1;

/// A module's flag: it is a package.
pub const PACKAGE: u16 = 1;

/// A block that is stored as it is.
pub const STORED: u8 = 0;
/// A block of zstd.
pub const ZSTD: u8 = 1;
/// A block of zstd with the dictionary of code.
pub const ZSTD_CODE: u8 = 2;

/// Reads a `u16` at `offset`; a record is always long enough.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    bytes.get(offset..offset + 2).map_or(0, |found| u16::from_le_bytes(found.try_into().unwrap_or_default()))
}

/// Reads a `u32` at `offset`.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    bytes.get(offset..offset + 4).map_or(0, |found| u32::from_le_bytes(found.try_into().unwrap_or_default()))
}

/// Reads a `u64` at `offset`.
pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..offset + 8).map_or(0, |found| u64::from_le_bytes(found.try_into().unwrap_or_default()))
}

/// The checksum of a block or of the index.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// The checksum of one file's or module's contents.
pub(crate) fn short_checksum(bytes: &[u8]) -> u32 {
    checksum(bytes) as u32
}
