//! Putting an application into a copy of `rspy`, so that the system maps it together with the library.
//!
//! The library is the last segment of the executable, in the file and in memory: see [`Directory`]. What comes behind it in
//! the file (section headers, symbols) is for tools alone and is left out, since the application takes its place.

use std::fmt;
use std::ops::Range;

use rspy_archive::{Archive, ArchiveError, Directory, Metadata};
use rspy_code::pyc::MAGIC_NUMBER;

/// An executable that an application can be put into.
pub struct Base {
    file: Vec<u8>,
    /// Where the directory stands in the file.
    start: usize,
    directory: Directory,
    /// The program header of the segment that the directory begins.
    header: Range<usize>,
}

/// Why an executable cannot carry an application.
#[derive(Debug)]
pub enum BaseError {
    /// It is no rspy: it has no library where one would be.
    NotRspy,
    /// It is an executable of a kind that is not known.
    NotElf,
    /// The file ends before what it says is in it: so many bytes of so many.
    Cut(u64, u64),
    /// Its library is for another version of the bytecode than what is compiled here.
    OtherBytecode(String),
    /// The library is not the last segment.
    NotLast,
    /// Its library is damaged, or in a format that is not known.
    Library(ArchiveError),
}

impl fmt::Display for BaseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BaseError::NotRspy => formatter.write_str(
                "this is no rspy, or one of another version than the freezer: take both from one release",
            ),
            BaseError::NotElf => {
                formatter.write_str("not a 64-bit ELF executable, and no other kind can carry an application")
            }
            BaseError::Cut(found, expected) => write!(
                formatter,
                "the file is cut: {found} of at least {expected} bytes are there; fetch it again"
            ),
            BaseError::OtherBytecode(python) => write!(
                formatter,
                "this rspy is of another version, for Python {python}: take it and the freezer from one release"
            ),
            BaseError::NotLast => {
                formatter.write_str("its library is not its last segment, so nothing can be put behind it")
            }
            BaseError::Library(ArchiveError::Version { .. }) => formatter
                .write_str("this rspy is of another version: take it and the freezer from one release"),
            BaseError::Library(error) => write!(formatter, "its library: {error}"),
        }
    }
}

impl std::error::Error for BaseError {}

/// A segment that is mapped from the file (`PT_LOAD`).
const LOAD: u32 = 1;

/// Fields of the file's header and of program headers.
mod field {
    pub const PROGRAM_HEADERS: usize = 32;
    pub const SECTION_HEADERS: usize = 40;
    pub const PROGRAM_HEADER_SIZE: usize = 54;
    pub const PROGRAM_HEADER_COUNT: usize = 56;
    pub const SECTION_HEADER_COUNT: usize = 60;
    pub const SECTION_NAMES: usize = 62;
    pub const OFFSET: usize = 8;
    pub const ADDRESS: usize = 16;
    pub const FILE_SIZE: usize = 32;
    pub const MEMORY_SIZE: usize = 40;
}

impl Base {
    /// Takes an executable's bytes.
    pub fn new(file: Vec<u8>) -> Result<Self, BaseError> {
        // 64 bits, the lowest byte first.
        if !file.starts_with(b"\x7fELF\x02\x01") {
            return Err(
                if file.starts_with(b"\x7fELF")
                    || file.starts_with(b"MZ")
                    || file.starts_with(b"\xcf\xfa\xed\xfe")
                {
                    BaseError::NotElf
                } else {
                    BaseError::NotRspy
                },
            );
        }
        let (found, expected) = (file.len() as u64, mapped_end(&file).unwrap_or(u64::MAX));
        if found < expected {
            return Err(BaseError::Cut(found, expected));
        }
        let (start, directory) = Directory::find(&file).ok_or(BaseError::NotRspy)?;
        let header = last_segment(&file, start).ok_or(BaseError::NotLast)?;
        let base = Base { file, start, directory, header };
        let metadata = base.check().map_err(BaseError::Library)?;
        if metadata.bytecode != u32::from(MAGIC_NUMBER) {
            return Err(BaseError::OtherBytecode(metadata.python));
        }
        Ok(base)
    }

    /// What the library says of itself, if it is whole.
    fn check(&self) -> Result<Metadata, ArchiveError> {
        let library = self.library()?;
        library.check()?;
        library.metadata()
    }

    /// The library that it carries.
    pub fn library(&self) -> Result<Archive<'_>, ArchiveError> {
        Archive::open(self.bytes(&self.directory.library))
    }

    fn bytes(&self, range: &Range<u64>) -> &[u8] {
        let range =
            self.start.saturating_add(range.start as usize)..self.start.saturating_add(range.end as usize);
        self.file.get(range).unwrap_or_default()
    }

    /// The executable with an application, and with another library in the place of its own if one is given.
    pub fn with(&self, library: Option<&[u8]>, application: &[u8]) -> Vec<u8> {
        let library = library.unwrap_or_else(|| self.bytes(&self.directory.library));
        let directory =
            Directory::of_library(library.len() as u64).with_application(application.len() as u64);
        let range = directory.application.clone().unwrap_or_default();
        let mut file = Vec::with_capacity(self.start + directory.end() as usize + 1);
        file.extend(&self.file[..self.start]);
        file.extend(directory.to_bytes());
        file.extend(library);
        file.resize(self.start + range.start as usize, 0);
        file.extend(application);
        file.push(0);
        let size = ((file.len() - self.start) as u64).to_le_bytes();
        for place in [field::FILE_SIZE, field::MEMORY_SIZE] {
            file[self.header.start + place..][..8].copy_from_slice(&size);
        }
        // What section headers and their names would be found at has become the application's.
        file[field::SECTION_HEADERS..][..8].fill(0);
        file[field::SECTION_HEADER_COUNT..][..2].fill(0);
        file[field::SECTION_NAMES..][..2].fill(0);
        file
    }
}

/// The program headers of the segments that are mapped from the file.
fn segments(file: &[u8]) -> Option<Vec<Range<usize>>> {
    let size = usize::from(u16_at(file, field::PROGRAM_HEADER_SIZE)?);
    let count = usize::from(u16_at(file, field::PROGRAM_HEADER_COUNT)?);
    let first = usize::try_from(u64_at(file, field::PROGRAM_HEADERS)?).ok()?;
    let mut found = Vec::new();
    for number in 0..count {
        let header = first.checked_add(number.checked_mul(size)?)?;
        if u32_at(file, header)? == LOAD {
            found.push(header..header.checked_add(size)?);
        }
    }
    Some(found)
}

/// Where what is mapped from the file ends: it has at least so many bytes. Nothing where not even the headers are there.
fn mapped_end(file: &[u8]) -> Option<u64> {
    let end = |header: Range<usize>| {
        let offset = u64_at(file, header.start + field::OFFSET)?;
        Some(offset.saturating_add(u64_at(file, header.start + field::FILE_SIZE)?))
    };
    segments(file)?.into_iter().map(end).try_fold(0, |last, end| Some(end?.max(last)))
}

/// The program header of the segment that begins at an offset of the file, if no other segment comes after it.
fn last_segment(file: &[u8], start: usize) -> Option<Range<usize>> {
    let mut found = None;
    for header in segments(file)? {
        let offset = u64_at(file, header.start + field::OFFSET)?;
        let address = u64_at(file, header.start + field::ADDRESS)?;
        if offset == start as u64 {
            found = Some((header, address));
        } else if offset > start as u64 || found.as_ref().is_some_and(|(_, other)| address > *other) {
            return None;
        }
    }
    found.map(|(header, _)| header)
}

fn u16_at(file: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(file.get(offset..offset.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(file: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(file.get(offset..offset.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(file: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(file.get(offset..offset.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rspy_archive::{Builder, Compression};

    /// An executable of one page with two segments, the second a directory and an empty library.
    fn sample() -> Vec<u8> {
        sample_of(u32::from(MAGIC_NUMBER))
    }

    /// The same for some version of the bytecode.
    fn sample_of(bytecode: u32) -> Vec<u8> {
        let metadata = Metadata { bytecode, python: "3.99".into(), ..Metadata::default() };
        let library = Builder::new(metadata, Compression::FAST).finish().unwrap();
        let directory = Directory::of_library(library.len() as u64);
        let mut file = b"\x7fELF\x02\x01".to_vec();
        file.resize(4096, 0);
        file[field::PROGRAM_HEADERS] = 64;
        file[field::SECTION_HEADERS] = 1;
        file[field::PROGRAM_HEADER_SIZE] = 56;
        file[field::PROGRAM_HEADER_COUNT] = 2;
        for (header, offset, address) in [(64, 0u64, 0x20_0000u64), (120, 4096, 0x30_0000)] {
            file[header] = LOAD as u8;
            file[header + field::OFFSET..][..8].copy_from_slice(&offset.to_le_bytes());
            file[header + field::ADDRESS..][..8].copy_from_slice(&address.to_le_bytes());
        }
        file.extend(directory.to_bytes());
        file.extend(library);
        let size = (file.len() as u64 - 4096).to_le_bytes();
        file[120 + field::FILE_SIZE..][..8].copy_from_slice(&size);
        file.extend(b"section headers");
        file
    }

    #[test]
    fn an_application_comes_behind_the_library_and_into_its_segment() {
        let base = Base::new(sample()).unwrap();
        let file = base.with(None, b"application");
        let (start, directory) = Directory::find(&file).unwrap();
        let range = directory.application.unwrap();
        assert_eq!(&file[start + range.start as usize..start + range.end as usize], b"application");
        assert_eq!(u64_at(&file, 120 + field::MEMORY_SIZE).unwrap(), range.end + 1);
        assert_eq!(file[field::SECTION_HEADERS], 0);
        // What carries an application already gets the new one in its place.
        assert_eq!(Base::new(file.clone()).unwrap().with(None, b"application"), file);
    }

    #[test]
    fn what_cannot_carry_one_is_refused() {
        assert!(matches!(Base::new(b"#!/bin/sh".to_vec()), Err(BaseError::NotRspy)));
        assert!(matches!(Base::new(b"\x7fELF\x01\x01".to_vec()), Err(BaseError::NotElf)));
        let mut file = sample();
        file[64 + field::ADDRESS + 2] = 0x40;
        file.swap(64 + field::OFFSET + 1, 64 + field::OFFSET + 2);
        assert!(Base::new(file).is_ok());
        let mut file = sample();
        file[64 + field::OFFSET + 2] = 0x10;
        file.resize(0x10_0000, 0);
        assert!(matches!(Base::new(file), Err(BaseError::NotLast)));
    }

    #[test]
    fn what_is_cut_altered_or_of_another_version_is_refused() {
        let whole = sample();
        let end = mapped_end(&whole).unwrap();
        for length in [20, 100, 4096, 5000.min(end as usize - 1), end as usize - 1] {
            let found = Base::new(whole[..length].to_vec()).err();
            assert!(matches!(found, Some(BaseError::Cut(..))), "{length}: {found:?}");
        }
        for position in 4096 + Directory::of_library(1).library.start as usize..end as usize {
            let mut file = whole.clone();
            file[position] ^= 1;
            let found = Base::new(file).err();
            assert!(matches!(found, Some(BaseError::Library(_))), "{position}: {found:?}");
        }
        assert!(matches!(Base::new(sample_of(1)), Err(BaseError::OtherBytecode(python)) if python == "3.99"));
    }
}
