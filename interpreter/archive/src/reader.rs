//! Reading a container where it lies.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use zstd::zstd_safe::{DCtx, DDict};

use crate::layout::{
    END_MAGIC, FOLDER, HEADER, MAGIC, NONE, PACKAGE, RECORD, STORED, TRAILER, VERSION, ZSTD, ZSTD_CODE,
    checksum, short_checksum, u16_at, u32_at, u64_at,
};
use crate::{ArchiveError, Metadata, Part};

/// How much of a container is checked at once.
const PIECE: usize = 1 << 20;

/// A container, opened. Copies nothing out of `bytes`; unpacked blocks belong to whoever asked for them.
pub struct Archive<'a> {
    bytes: &'a [u8],
    names: &'a [u8],
    entries: &'a [u8],
    modules: &'a [u8],
    blocks: &'a [u8],
    metadata: &'a [u8],
    dictionary: Dictionary<'a>,
    /// Decompressors that are at rest, one for each thread that has unpacked at the same time as others. To make one costs
    /// about as much as to unpack a module.
    contexts: Mutex<Vec<DCtx<'static>>>,
}

/// A dictionary and the block it comes from, prepared when the first block needs it.
struct Dictionary<'a> {
    block: u32,
    prepared: OnceLock<DDict<'a>>,
}

/// A folder or a file of a container, by its number; numbers are stable and start with the root at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The number of the entry, which serves as an inode.
    pub number: u32,
    /// The last part of its path; empty for the root.
    pub name: &'a str,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// A file's size in bytes; a folder's number of children.
    pub size: u32,
    /// The number of the folder it is in; the root is in itself.
    pub folder: u32,
    /// The module whose source it is, if it is one.
    pub module: Option<u32>,
    place: Place,
}

/// A module of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module<'a> {
    /// Its number; modules are numbered by name.
    pub number: u32,
    /// Its dotted name.
    pub name: &'a str,
    /// Whether it is a package.
    pub is_package: bool,
    /// The entry that is its source, where sources were kept.
    pub source: Option<u32>,
    place: Place,
}

/// Where contents lie: in which block, at which offset of the unpacked block, how long, with which checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    block: u32,
    offset: u32,
    length: u32,
    checksum: u32,
}

/// What [`Archive::verify`] went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Number of modules.
    pub modules: u32,
    /// Number of files.
    pub files: u32,
    /// Number of folders.
    pub folders: u32,
    /// Number of blocks.
    pub blocks: u32,
    /// Bytes of code, unpacked.
    pub code: u64,
    /// Bytes of files, unpacked.
    pub contents: u64,
}

struct Block<'a> {
    stored: &'a [u8],
    length: usize,
    codec: u8,
}

impl<'a> Archive<'a> {
    /// Opens a container. Only the header is looked at; it does not touch the other pages.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let header = bytes.get(..HEADER).ok_or(if bytes.starts_with(&MAGIC) {
            ArchiveError::Truncated { expected: HEADER as u64, found: bytes.len() as u64 }
        } else {
            ArchiveError::NotAnArchive
        })?;
        if !header.starts_with(&MAGIC) {
            return Err(ArchiveError::NotAnArchive);
        }
        let version = u32_at(header, 8);
        if version != VERSION {
            return Err(ArchiveError::Version { found: version });
        }
        if u64_at(header, 120) != checksum(&header[..120]) {
            return Err(ArchiveError::Checksum(Part::Header));
        }
        let length = u64_at(header, 16);
        let found = bytes.len() as u64;
        if length > found {
            return Err(ArchiveError::Truncated { expected: length, found });
        }
        let bytes = &bytes[..length as usize];
        let section = |number: usize| {
            let offset = u64_at(header, 24 + number * 16);
            let length = u64_at(header, 32 + number * 16);
            let end = offset.checked_add(length).ok_or(ArchiveError::Malformed(Part::Header))?;
            bytes.get(offset as usize..end as usize).ok_or(ArchiveError::Malformed(Part::Header))
        };
        Ok(Archive {
            bytes,
            names: section(0)?,
            entries: section(1)?,
            modules: section(2)?,
            blocks: section(3)?,
            metadata: section(4)?,
            dictionary: Dictionary { block: u32_at(header, 104), prepared: OnceLock::new() },
            contexts: Mutex::new(Vec::new()),
        })
    }

    /// What the container says about itself.
    pub fn metadata(&self) -> Result<Metadata, ArchiveError> {
        Metadata::from_bytes(self.metadata).ok_or(ArchiveError::Malformed(Part::Index))
    }

    /// The length of the container, which may be less than what it was opened with.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The number of modules.
    pub fn module_count(&self) -> u32 {
        (self.modules.len() / RECORD) as u32
    }

    /// The number of folders and files.
    pub fn entry_count(&self) -> u32 {
        (self.entries.len() / RECORD) as u32
    }

    /// The module of a dotted name.
    pub fn module(&self, name: &str) -> Option<Module<'a>> {
        let number =
            find(0..self.module_count(), |number| self.name_of(self.modules, number).cmp(name.as_bytes()))?;
        self.module_at(number)
    }

    /// The module of a number.
    pub fn module_at(&self, number: u32) -> Option<Module<'a>> {
        let record = record(self.modules, number)?;
        Some(Module {
            number,
            name: std::str::from_utf8(self.name_of(self.modules, number)).ok()?,
            is_package: u16_at(record, 6) & PACKAGE != 0,
            source: present(u32_at(record, 8)),
            place: Place {
                block: u32_at(record, 12),
                offset: u32_at(record, 16),
                length: u32_at(record, 20),
                checksum: u32_at(record, 24),
            },
        })
    }

    /// All modules, by name.
    pub fn all_modules(&self) -> impl Iterator<Item = Module<'a>> {
        (0..self.module_count()).filter_map(|number| self.module_at(number))
    }

    /// The entry of a path in the container: parts separated by `/`, without one at the start. The empty path is
    /// the root. Empty parts, `.` and `..` are for the caller to resolve: here they are names that do not exist.
    pub fn entry(&self, path: &str) -> Option<Entry<'a>> {
        let mut entry = self.entry_at(0)?;
        if path.is_empty() {
            return Some(entry);
        }
        for part in path.split('/') {
            entry = self.child(&entry, part)?;
        }
        Some(entry)
    }

    /// The entry of a number.
    pub fn entry_at(&self, number: u32) -> Option<Entry<'a>> {
        let record = record(self.entries, number)?;
        // Whatever is not a folder is a file; a damaged one has contents that do not check out.
        let is_folder = record[6] == FOLDER;
        Some(Entry {
            number,
            name: std::str::from_utf8(self.name_of(self.entries, number)).ok()?,
            is_folder,
            size: u32_at(record, if is_folder { 16 } else { 20 }),
            folder: u32_at(record, 8),
            module: if is_folder { None } else { present(u32_at(record, 28)) },
            place: Place {
                block: u32_at(record, 12),
                offset: u32_at(record, 16),
                length: u32_at(record, 20),
                checksum: u32_at(record, 24),
            },
        })
    }

    /// A folder's child of a name.
    pub fn child(&self, folder: &Entry<'a>, name: &str) -> Option<Entry<'a>> {
        let number = find(self.children_range(folder)?, |number| {
            self.name_of(self.entries, number).cmp(name.as_bytes())
        })?;
        self.entry_at(number)
    }

    /// A folder's children by name; nothing for a file.
    pub fn children(&self, folder: &Entry<'a>) -> impl Iterator<Item = Entry<'a>> {
        self.children_range(folder).unwrap_or_default().filter_map(|number| self.entry_at(number))
    }

    /// An entry's path in the container.
    pub fn path(&self, entry: &Entry<'a>) -> String {
        let mut parts = vec![entry.name];
        let mut number = entry.folder;
        // A folder's number is less than its children's: a damaged one cannot make this run for ever.
        let mut limit = entry.number;
        while number != 0 && number < limit {
            let Some(folder) = self.entry_at(number) else { break };
            parts.push(folder.name);
            limit = number;
            number = folder.folder;
        }
        parts.reverse();
        parts.join("/")
    }

    /// A module's code: what `marshal` writes. It is borrowed when it lies in the container as it is.
    pub fn code(&self, module: &Module<'a>) -> Result<Cow<'a, [u8]>, ArchiveError> {
        self.contents(&module.place)
    }

    /// A file's contents.
    pub fn read(&self, file: &Entry<'a>) -> Result<Cow<'a, [u8]>, ArchiveError> {
        if file.is_folder {
            return Err(ArchiveError::WrongKind);
        }
        self.contents(&file.place)
    }

    /// The bytes that a file takes in the container.
    pub fn stored_size(&self, file: &Entry<'a>) -> u32 {
        if file.is_folder { 0 } else { self.stored(&file.place) }
    }

    /// The bytes that a module's code takes in the container, beyond those of its file.
    pub fn stored_code_size(&self, module: &Module<'a>) -> u32 {
        let file = module.source.and_then(|source| self.entry_at(source));
        let is_in_file = file.is_some_and(|file| file.place.block == module.place.block);
        if is_in_file { 0 } else { self.stored(&module.place) }
    }

    fn stored(&self, place: &Place) -> u32 {
        match self.block(place.block) {
            // Several may share a block.
            Ok(block) if block.length > 0 => {
                (block.stored.len() as u64 * u64::from(place.length) / block.length as u64) as u32
            }
            _ => 0,
        }
    }

    /// The checksum of the container, which stands for its contents.
    pub fn sum(&self) -> u64 {
        u64_at(self.bytes, self.bytes.len().saturating_sub(TRAILER) + 8)
    }

    /// Checks that no byte of the container has been altered, by the checksum of them all.
    pub fn check(&self) -> Result<(), ArchiveError> {
        self.check_in_pieces(|_| ())
    }

    /// As [`Archive::check`], piece by piece; `checked` is told of each, and may let go of it.
    pub fn check_in_pieces(&self, mut checked: impl FnMut(&'a [u8])) -> Result<(), ArchiveError> {
        let (body, trailer) =
            self.bytes.split_at_checked(self.bytes.len().saturating_sub(TRAILER)).unwrap_or_default();
        if trailer.get(16..) != Some(&END_MAGIC) || u64_at(trailer, 0) != self.bytes.len() as u64 {
            return Err(ArchiveError::Malformed(Part::Trailer));
        }
        let mut sum = xxhash_rust::xxh3::Xxh3::new();
        for piece in body.chunks(PIECE) {
            sum.update(piece);
            checked(piece);
        }
        if u64_at(trailer, 8) != sum.digest() { Err(ArchiveError::Checksum(Part::Trailer)) } else { Ok(()) }
    }

    /// Checks everything: each checksum, each record, each block's unpacking.
    pub fn verify(&self) -> Result<Summary, ArchiveError> {
        if u64_at(self.bytes, 112) != checksum(self.index()?) {
            return Err(ArchiveError::Checksum(Part::Index));
        }
        let mut summary = Summary::default();
        for number in 0..(self.blocks.len() / RECORD) as u32 {
            self.unpack(number)?;
            summary.blocks += 1;
        }
        self.metadata()?;
        self.verify_modules(&mut summary)?;
        self.verify_entries(&mut summary)?;
        self.check()?;
        Ok(summary)
    }

    fn verify_modules(&self, summary: &mut Summary) -> Result<(), ArchiveError> {
        let malformed = ArchiveError::Malformed(Part::Index);
        let mut previous = "";
        for number in 0..self.module_count() {
            let module = self.module_at(number).ok_or(malformed.clone())?;
            if number > 0 && previous >= module.name {
                return Err(malformed);
            }
            previous = module.name;
            if let Some(source) = module.source {
                let entry = self.entry_at(source).ok_or(malformed.clone())?;
                if entry.module != Some(number) {
                    return Err(malformed);
                }
            }
            summary.modules += 1;
            summary.code += self.code(&module)?.len() as u64;
        }
        Ok(())
    }

    fn verify_entries(&self, summary: &mut Summary) -> Result<(), ArchiveError> {
        let malformed = ArchiveError::Malformed(Part::Index);
        for number in 0..self.entry_count() {
            let entry = self.entry_at(number).ok_or(malformed.clone())?;
            if number > 0 && entry.folder >= number {
                return Err(malformed);
            }
            if !entry.is_folder {
                summary.files += 1;
                summary.contents += self.read(&entry)?.len() as u64;
                continue;
            }
            summary.folders += 1;
            let children = self.children_range(&entry).ok_or(malformed.clone())?;
            let mut previous: Option<&str> = None;
            for child in children {
                let child = self.entry_at(child).ok_or(malformed.clone())?;
                if child.folder != number || previous.is_some_and(|previous| previous >= child.name) {
                    return Err(malformed);
                }
                previous = Some(child.name);
            }
        }
        Ok(())
    }

    /// The bytes between the header and the first block.
    fn index(&self) -> Result<&'a [u8], ArchiveError> {
        let end = u64_at(self.bytes, 88).saturating_add(u64_at(self.bytes, 96));
        self.bytes.get(HEADER..end as usize).ok_or(ArchiveError::Malformed(Part::Header))
    }

    fn children_range(&self, folder: &Entry<'a>) -> Option<Range<u32>> {
        if !folder.is_folder {
            return None;
        }
        let end = folder.place.block.checked_add(folder.size)?;
        (end <= self.entry_count()).then_some(folder.place.block..end)
    }

    /// The name in a record; a damaged one is empty, and so not found.
    fn name_of(&self, table: &'a [u8], number: u32) -> &'a [u8] {
        let Some(record) = record(table, number) else { return &[] };
        let start = u32_at(record, 0) as usize;
        let length = u16_at(record, 4) as usize;
        self.names.get(start..start + length).unwrap_or_default()
    }

    fn contents(&self, place: &Place) -> Result<Cow<'a, [u8]>, ArchiveError> {
        if place.block == NONE {
            return Ok(Cow::Borrowed(&[]));
        }
        let start = place.offset as usize;
        let range = start..start + place.length as usize;
        let malformed = ArchiveError::Malformed(Part::Block(place.block));
        let block = self.block(place.block)?;
        let contents = if block.codec == STORED {
            // The block's own checksum would mean reading all of it; that of the contents says as much.
            Cow::Borrowed(block.stored.get(range).ok_or(malformed)?)
        } else {
            let mut unpacked = self.unpack(place.block)?.into_owned();
            if range.end > unpacked.len() {
                return Err(malformed);
            }
            unpacked.truncate(range.end);
            unpacked.drain(..range.start);
            Cow::Owned(unpacked)
        };
        if short_checksum(&contents) != place.checksum {
            return Err(ArchiveError::Checksum(Part::Contents));
        }
        Ok(contents)
    }

    fn block(&self, number: u32) -> Result<Block<'a>, ArchiveError> {
        let malformed = ArchiveError::Malformed(Part::Block(number));
        let record = record(self.blocks, number).ok_or(malformed.clone())?;
        let end = u64_at(record, 0).checked_add(u64::from(u32_at(record, 8))).ok_or(malformed.clone())?;
        let stored = self.bytes.get(u64_at(record, 0) as usize..end as usize).ok_or(malformed)?;
        Ok(Block { stored, length: u32_at(record, 12) as usize, codec: record[24] })
    }

    fn unpack(&self, number: u32) -> Result<Cow<'a, [u8]>, ArchiveError> {
        let block = self.block(number)?;
        let record = record(self.blocks, number).ok_or(ArchiveError::Malformed(Part::Block(number)))?;
        if checksum(block.stored) != u64_at(record, 16) {
            return Err(ArchiveError::Checksum(Part::Block(number)));
        }
        let dictionary = match block.codec {
            STORED if block.stored.len() == block.length => return Ok(Cow::Borrowed(block.stored)),
            ZSTD => None,
            ZSTD_CODE => Some(self.dictionary()?),
            _ => return Err(ArchiveError::Malformed(Part::Block(number))),
        };
        // No zstd frame shrinks its input more than this: a damaged length is not allocated.
        if block.length / 32_768 > block.stored.len() {
            return Err(ArchiveError::Malformed(Part::Block(number)));
        }
        let failed = ArchiveError::Compression(Part::Block(number));
        let at_rest = self.contexts.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = match at_rest {
            Some(context) => context,
            None => DCtx::try_create().ok_or(failed.clone())?,
        };
        let mut unpacked = Vec::with_capacity(block.length);
        let result = match dictionary {
            None => context.decompress(&mut unpacked, block.stored),
            Some(dictionary) => context.decompress_using_ddict(&mut unpacked, block.stored, dictionary),
        };
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).push(context);
        match result {
            Ok(length) if length == block.length => Ok(Cow::Owned(unpacked)),
            _ => Err(failed),
        }
    }

    fn dictionary(&self) -> Result<&DDict<'a>, ArchiveError> {
        let dictionary = &self.dictionary;
        if let Some(prepared) = dictionary.prepared.get() {
            return Ok(prepared);
        }
        let block = self.block(dictionary.block)?;
        if block.codec != STORED {
            return Err(ArchiveError::Malformed(Part::Block(dictionary.block)));
        }
        // Its checksum, which also catches what the decompressor would trip over.
        self.unpack(dictionary.block)?;
        Ok(dictionary.prepared.get_or_init(|| DDict::create_by_reference(block.stored)))
    }
}

impl<'a> Module<'a> {
    /// The path in the container that the module's code bears as its file name, where its source was kept.
    pub fn path(&self, archive: &Archive<'a>) -> Option<String> {
        Some(archive.path(&archive.entry_at(self.source?)?))
    }

    /// Whether its code lies unpacked among that of the modules that every start-up imports.
    pub fn at_startup(&self) -> bool {
        self.place.block == 0
    }

    /// The length of its code.
    pub fn code_length(&self) -> u32 {
        self.place.length
    }
}

fn record(table: &[u8], number: u32) -> Option<&[u8]> {
    let start = (number as usize).checked_mul(RECORD)?;
    table.get(start..start.checked_add(RECORD)?)
}

fn present(number: u32) -> Option<u32> {
    (number != NONE).then_some(number)
}

fn find(mut range: Range<u32>, compare: impl Fn(u32) -> Ordering) -> Option<u32> {
    while range.start < range.end {
        let middle = range.start + (range.end - range.start) / 2;
        match compare(middle) {
            Ordering::Less => range.start = middle + 1,
            Ordering::Greater => range.end = middle,
            Ordering::Equal => return Some(middle),
        }
    }
    None
}
