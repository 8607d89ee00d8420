//! Room in the file: where it is taken from, and where it is listed once it is free.

use std::os::unix::fs::FileExt;

use crate::bucket::{Bucket, FREE_PIECES};
use crate::database::Database;
use crate::error::Error;
use crate::layout::{FreeList, LIST_HEAD, PIECE, Piece, take_piece};

/// Pieces that are not larger are not worth a place in a list.
const TOO_SMALL: u32 = 4;

impl Database {
    /// Finds room: among what the bucket or the header lists, or at the end of the file. What is left of a piece that was too
    /// large goes back to the bucket.
    pub(crate) fn allocate(&mut self, bucket: &mut Bucket, size: u32) -> Result<u64, Error> {
        let piece = match take_piece(&mut bucket.free, size) {
            Some(piece) => piece,
            None => self.allocate_from_file(size)?,
        };
        let rest = Piece { size: piece.size - size, address: piece.address + u64::from(size) };
        self.release(bucket, rest)?;
        Ok(piece.address)
    }

    /// Finds a piece that is large enough outside of buckets.
    fn allocate_from_file(&mut self, size: u32) -> Result<Piece, Error> {
        if self.header.free.pieces.is_empty() && self.header.free.next != 0 {
            self.take_back_list()?;
        }
        self.header_changed = true;
        if let Some(piece) = self.header.free.take(size) {
            return Ok(piece);
        }
        let block = u64::from(self.header.block_size);
        let grown = u64::from(size).max(1).div_ceil(block) * block;
        let size = u32::try_from(grown).map_err(|_| Error::TooLarge)?;
        let piece = Piece { size, address: self.header.next_block };
        self.header.next_block = piece.address.checked_add(grown).ok_or(Error::TooLarge)?;
        // The header comes first: a file that is longer than it says is taken for one that needs repair.
        self.write_header()?;
        self.file.set_len(self.header.next_block)?;
        Ok(piece)
    }

    /// Finds room for something that belongs to no bucket.
    pub(crate) fn allocate_alone(&mut self, size: u32) -> Result<u64, Error> {
        let piece = self.allocate_from_file(size)?;
        self.release_to_header(Piece { size: piece.size - size, address: piece.address + u64::from(size) })?;
        Ok(piece.address)
    }

    /// Gives room back: small pieces to the bucket, large ones and what it has no place for to the header.
    pub(crate) fn release(&mut self, bucket: &mut Bucket, piece: Piece) -> Result<(), Error> {
        if piece.size <= TOO_SMALL {
            return Ok(());
        }
        if piece.size < self.header.block_size && bucket.free.len() < FREE_PIECES {
            let place = bucket.free.partition_point(|other| other.size < piece.size);
            bucket.free.insert(place, piece);
            return Ok(());
        }
        self.release_to_header(piece)
    }

    /// Gives room back to the header.
    pub(crate) fn release_to_header(&mut self, piece: Piece) -> Result<(), Error> {
        if piece.size <= TOO_SMALL {
            return Ok(());
        }
        if self.header.free.pieces.len() >= self.header.free.capacity {
            self.put_away_list()?;
        }
        self.header.free.insert(piece);
        self.header_changed = true;
        Ok(())
    }

    /// Bytes of a list that is chained to the header's.
    fn list_size(&self) -> u32 {
        (self.header.free.capacity * PIECE / 2 + LIST_HEAD + PIECE) as u32
    }

    /// Moves half of the header's list to a block of its own.
    fn put_away_list(&mut self) -> Result<(), Error> {
        let size = self.list_size();
        let piece = match self.header.free.take(size) {
            Some(piece) => piece,
            None => self.allocate_from_file(size)?,
        };
        let address = piece.address;
        let rest = Piece { size: piece.size - size, address: address + u64::from(size) };
        let mut kept = Vec::new();
        let mut away = FreeList { capacity: self.header.free.capacity, ..FreeList::default() };
        away.next = self.header.free.next;
        for (index, piece) in self.header.free.pieces.drain(..).enumerate() {
            if index % 2 == 0 { away.pieces.push(piece) } else { kept.push(piece) }
        }
        let mut bytes = vec![0; size as usize];
        away.put(&mut bytes);
        self.file.write_all_at(&bytes, address)?;
        self.header.free.pieces = kept;
        self.header.free.next = address;
        if rest.size > TOO_SMALL {
            self.header.free.insert(rest);
        }
        self.write_header()
    }

    /// Takes the pieces of the next list back to the header's, which is empty.
    fn take_back_list(&mut self) -> Result<(), Error> {
        let address = self.header.free.next;
        let own = Piece { size: self.list_size(), address };
        if !own.is_within(self.header.next_block) {
            return Err(Error::BadAvail);
        }
        let mut bytes = vec![0; own.size as usize];
        self.file.read_exact_at(&mut bytes, address)?;
        let list = FreeList::parse(&bytes, self.header.next_block)?;
        if list.pieces.len() >= self.header.free.capacity {
            return Err(Error::BadAvail);
        }
        self.header.free.pieces = list.pieces;
        self.header.free.next = list.next;
        self.header.free.insert(own);
        self.write_header()
    }
}
