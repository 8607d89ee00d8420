//! Where the containers of an executable lie: a few numbers in front of the frozen library.
//!
//! The library is the executable's last segment, and an application is appended to it, so that the system maps both when it
//! starts the file. The numbers say where each begins, counted from themselves; whoever appends writes them anew.

use std::ops::Range;

use crate::layout::{checksum, u64_at};

/// How a directory begins.
pub const MARK: [u8; 16] = *b"\x8arspy contents\n\n";
/// What it is aligned to in memory and in the file.
const PAGE: usize = 4096;
/// The room that it takes, which is where the library begins.
pub const SIZE: usize = 64;

/// The places of the library and of the application, from the directory's first byte on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// The standard library.
    pub library: Range<u64>,
    /// The application, where there is one.
    pub application: Option<Range<u64>>,
}

impl Directory {
    /// The directory in front of a library of a length, without application.
    pub fn of_library(length: u64) -> Self {
        Directory { library: SIZE as u64..SIZE as u64 + length, application: None }
    }

    /// The directory with an application behind the library.
    #[must_use]
    pub fn with_application(self, length: u64) -> Self {
        let start = self.library.end.next_multiple_of(crate::layout::ALIGNMENT as u64);
        Directory { application: Some(start..start + length), ..self }
    }

    /// Where the last of the two ends. A zero byte follows.
    pub fn end(&self) -> u64 {
        self.application.as_ref().unwrap_or(&self.library).end
    }

    /// The directory of an executable, and at which byte of the file it stands. It begins a segment, and so a page.
    pub fn find(file: &[u8]) -> Option<(usize, Self)> {
        (0..file.len()).step_by(PAGE).find_map(|start| {
            let bytes = file.get(start..start + SIZE)?;
            Some((start, Self::from_bytes(bytes.try_into().ok()?)?))
        })
    }

    /// As it stands in the file: the mark, beginning and end of both (zero without an application), a checksum.
    pub fn to_bytes(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..16].copy_from_slice(&MARK);
        let application = self.application.clone().unwrap_or_default();
        let numbers = [self.library.start, self.library.end, application.start, application.end];
        for (place, number) in bytes[16..].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let sum = checksum(&bytes[..48]);
        bytes[48..56].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads what [`Directory::to_bytes`] wrote; nothing where it is something else, or altered.
    pub fn from_bytes(bytes: &[u8; SIZE]) -> Option<Self> {
        if bytes[..16] != MARK || u64_at(bytes, 48) != checksum(&bytes[..48]) {
            return None;
        }
        let range = |offset| u64_at(bytes, offset)..u64_at(bytes, offset + 8);
        let (library, application) = (range(16), range(32));
        let fits = library.start == SIZE as u64
            && library.start < library.end
            && (application == (0..0)
                || library.end <= application.start && application.start < application.end);
        fits.then(|| Directory { library, application: (application.end > 0).then_some(application) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_as_it_was_written() {
        let alone = Directory::of_library(1000);
        assert_eq!(Directory::from_bytes(&alone.to_bytes()), Some(alone.clone()));
        let with = alone.with_application(7);
        assert_eq!(with.application, Some(1088..1095));
        assert_eq!(Directory::from_bytes(&with.to_bytes()), Some(with));
    }

    #[test]
    fn every_altered_bit_that_counts_is_noticed() {
        let whole = Directory::of_library(1000).with_application(7).to_bytes();
        for bit in 0..56 * 8 {
            let mut bytes = whole;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Directory::from_bytes(&bytes), None, "bit {bit}");
        }
    }
}
