//! The parts of a file as bytes: the header and the lists of free room. Numbers have the machine's order, which is taken to
//! be from the least byte to the greatest.

use crate::error::Error;

/// What a file begins with whose addresses have 64 bits.
const MAGIC: u32 = 0x1357_9acf;
/// The same of old files, which did not tell the size of their addresses.
const OLD_MAGIC: u32 = 0x1357_9ace;
/// The same of files that count how often they were synchronised.
const COUNTED_MAGIC: u32 = 0x1357_9ad1;
/// What files begin with whose addresses have 32 bits.
const SHORT_MAGICS: [u32; 2] = [0x1357_9acd, 0x1357_9ad0];

/// Bytes of the header before its list of free room.
const FIXED: usize = 40;
/// Bytes that files have there in addition which count how often they were synchronised.
const EXTENSION: usize = 32;
/// Bytes of a list of free room before its elements.
pub const LIST_HEAD: usize = 16;
/// Bytes of a piece of free room in a list.
pub const PIECE: usize = 16;
/// The least bits that a directory has.
const LEAST_DIRECTORY_BITS: u32 = 3;
/// The most bits that the directory of a new file has.
const MOST_NEW_DIRECTORY_BITS: u32 = 12;
/// The most bits that a directory can have: a hash has no more.
pub const HASH_BITS: u32 = 31;
/// The smallest blocks.
pub const LEAST_BLOCK: u64 = 512;

/// A piece of free room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// How many bytes it has.
    pub size: u32,
    /// Where it begins.
    pub address: u64,
}

/// A list of free room, ordered by size.
#[derive(Clone, Default, Debug)]
pub struct FreeList {
    /// The most pieces that it has a place for.
    pub capacity: usize,
    /// The pieces.
    pub pieces: Vec<Piece>,
    /// Where the next list is, or 0.
    pub next: u64,
}

/// What is said of the whole file.
#[derive(Clone, Debug)]
pub struct Header {
    magic: u32,
    /// The unit in which the file grows.
    pub block_size: u32,
    /// Where the directory is.
    pub directory: u64,
    /// The logarithm of the number of places in the directory.
    pub directory_bits: u32,
    /// Bytes of a bucket.
    pub bucket_size: u32,
    /// Where the file ends and grows.
    pub next_block: u64,
    /// The extension as it was found, for files that have it.
    extension: [u8; EXTENSION],
    /// Free room.
    pub free: FreeList,
}

/// A number of 32 bits at a place.
pub fn u32_at(bytes: &[u8], place: usize) -> u32 {
    u32::from_le_bytes(bytes[place..place + 4].try_into().expect("four bytes"))
}

/// A number of 64 bits at a place.
pub fn u64_at(bytes: &[u8], place: usize) -> u64 {
    u64::from_le_bytes(bytes[place..place + 8].try_into().expect("eight bytes"))
}

/// Sets a number of 32 bits.
pub fn put_u32(bytes: &mut [u8], place: usize, number: u32) {
    bytes[place..place + 4].copy_from_slice(&number.to_le_bytes());
}

/// Sets a number of 64 bits.
pub fn put_u64(bytes: &mut [u8], place: usize, number: u64) {
    bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
}

impl Piece {
    /// Reads a piece.
    pub fn at(bytes: &[u8], place: usize) -> Piece {
        Piece { size: u32_at(bytes, place), address: u64_at(bytes, place + 8) }
    }

    /// Writes a piece.
    pub fn put(self, bytes: &mut [u8], place: usize) {
        put_u32(bytes, place, self.size);
        put_u64(bytes, place + 8, self.address);
    }

    /// Whether the piece lies in the part of a file that things are kept in.
    pub fn is_within(self, end: u64) -> bool {
        self.address.checked_add(u64::from(self.size)).is_some_and(|after| after <= end)
            && self.address >= LEAST_BLOCK
            && i32::try_from(self.size).is_ok()
    }
}

impl FreeList {
    /// Reads a list; the bytes may have room for more.
    ///
    /// # Errors
    /// The list has more pieces than places, or a piece lies outside of the file.
    pub fn parse(bytes: &[u8], end: u64) -> Result<FreeList, Error> {
        if bytes.len() < LIST_HEAD {
            return Err(Error::BadAvail);
        }
        let (capacity, count) = (u32_at(bytes, 0) as usize, u32_at(bytes, 4) as usize);
        if count > capacity || count > (bytes.len() - LIST_HEAD) / PIECE {
            return Err(Error::BadAvail);
        }
        let mut pieces: Vec<Piece> =
            (0..count).map(|index| Piece::at(bytes, LIST_HEAD + index * PIECE)).collect();
        if !pieces.iter().all(|piece| piece.is_within(end)) {
            return Err(Error::BadAvail);
        }
        pieces.sort_by_key(|piece| piece.size);
        Ok(FreeList { capacity, pieces, next: u64_at(bytes, 8) })
    }

    /// Writes the list.
    pub fn put(&self, bytes: &mut [u8]) {
        put_u32(bytes, 0, self.capacity as u32);
        put_u32(bytes, 4, self.pieces.len() as u32);
        put_u64(bytes, 8, self.next);
        for (index, piece) in self.pieces.iter().enumerate() {
            piece.put(bytes, LIST_HEAD + index * PIECE);
        }
    }

    /// Adds a piece where it belongs by its size.
    pub fn insert(&mut self, piece: Piece) {
        let place = self.pieces.partition_point(|other| other.size < piece.size);
        self.pieces.insert(place, piece);
    }

    /// Takes the smallest piece that is large enough.
    pub fn take(&mut self, size: u32) -> Option<Piece> {
        take_piece(&mut self.pieces, size)
    }
}

/// Takes the smallest piece that is large enough out of pieces that are ordered by size.
pub fn take_piece(pieces: &mut Vec<Piece>, size: u32) -> Option<Piece> {
    let place = pieces.partition_point(|piece| piece.size < size);
    (place < pieces.len()).then(|| pieces.remove(place))
}

impl Header {
    /// The header of a new file.
    pub fn new(block_size: u32) -> Header {
        let mut bits = LEAST_DIRECTORY_BITS;
        while (8u32 << bits) < block_size && bits < MOST_NEW_DIRECTORY_BITS {
            bits += 1;
        }
        let mut header = Header {
            magic: MAGIC,
            block_size,
            directory: u64::from(block_size),
            directory_bits: bits,
            bucket_size: block_size,
            next_block: 0,
            extension: [0; EXTENSION],
            free: FreeList::default(),
        };
        header.free.capacity = (block_size as usize - header.list_place() - LIST_HEAD) / PIECE;
        header
    }

    /// Where the header's list of free room begins.
    fn list_place(&self) -> usize {
        FIXED + if self.magic == COUNTED_MAGIC { EXTENSION } else { 0 }
    }

    /// The size of blocks that the first bytes of a file tell.
    ///
    /// # Errors
    /// The file is no database, or one of another kind of machine.
    pub fn block_size_of(start: &[u8]) -> Result<u32, Error> {
        let magic = u32_at(start, 0);
        if SHORT_MAGICS.contains(&magic) {
            return Err(Error::BadOffsetSize);
        }
        let known = [MAGIC, OLD_MAGIC, COUNTED_MAGIC];
        if known.iter().chain(&SHORT_MAGICS).any(|known| known.swap_bytes() == magic) {
            return Err(Error::ByteSwapped);
        }
        if !known.contains(&magic) {
            return Err(Error::BadMagic);
        }
        let size = u32_at(start, 4);
        if size == 0 || i32::try_from(size).is_err() { Err(Error::BlockSize) } else { Ok(size) }
    }

    /// Reads a header, which is the file's first block.
    ///
    /// # Errors
    /// What it says makes no sense for a file of that length.
    pub fn parse(block: &[u8], length: u64) -> Result<Header, Error> {
        let mut header = Header {
            magic: u32_at(block, 0),
            block_size: Header::block_size_of(block)?,
            directory: u64_at(block, 8),
            directory_bits: u32_at(block, 20),
            bucket_size: u32_at(block, 24),
            next_block: u64_at(block, 32),
            extension: [0; EXTENSION],
            free: FreeList::default(),
        };
        if header.next_block < length {
            return Err(Error::NeedsRecovery);
        }
        let (directory_size, elements) = (u32_at(block, 16), u32_at(block, 28));
        let directory_end = header.directory.checked_add(u64::from(directory_size));
        let fits = header.directory >= u64::from(header.block_size).min(LEAST_BLOCK)
            && directory_end.is_some_and(|end| end <= length)
            && (LEAST_DIRECTORY_BITS..=HASH_BITS - 3).contains(&header.directory_bits)
            && u64::from(directory_size) == 8u64 << header.directory_bits
            && crate::bucket::elements_of(header.bucket_size) == Some(elements)
            && u64::from(header.bucket_size) <= length;
        let list = header.list_place();
        if !fits || block.len() < list + LIST_HEAD {
            return Err(Error::BadHeader);
        }
        header.extension.copy_from_slice(&block[FIXED..FIXED + EXTENSION]);
        header.free = FreeList::parse(&block[list..], header.next_block)?;
        if header.free.capacity < 2 || header.free.capacity > (block.len() - list - LIST_HEAD) / PIECE {
            return Err(Error::BadHeader);
        }
        Ok(header)
    }

    /// The header as the file's first block.
    pub fn to_block(&self) -> Vec<u8> {
        let mut block = vec![0; self.block_size as usize];
        put_u32(&mut block, 0, self.magic);
        put_u32(&mut block, 4, self.block_size);
        put_u64(&mut block, 8, self.directory);
        put_u32(&mut block, 16, 8 << self.directory_bits);
        put_u32(&mut block, 20, self.directory_bits);
        put_u32(&mut block, 24, self.bucket_size);
        put_u32(&mut block, 28, crate::bucket::elements_of(self.bucket_size).unwrap_or(0));
        put_u64(&mut block, 32, self.next_block);
        if self.magic == COUNTED_MAGIC {
            block[FIXED..FIXED + EXTENSION].copy_from_slice(&self.extension);
        }
        self.free.put(&mut block[self.list_place()..]);
        block
    }

    /// Counts that the file was synchronised, where it counts that.
    pub fn count_synchronisation(&mut self) -> bool {
        if self.magic == COUNTED_MAGIC {
            let count = u32_at(&self.extension, 4).wrapping_add(1);
            put_u32(&mut self.extension, 4, count);
        }
        self.magic == COUNTED_MAGIC
    }
}
