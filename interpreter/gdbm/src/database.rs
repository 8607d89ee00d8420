//! Databases: opening them, looking for items, storing and deleting them, going through all.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::bucket::{Bucket, Element, hash_of};
use crate::error::Error;
use crate::layout::{HASH_BITS, Header, LEAST_BLOCK, Piece, u64_at};

/// What a database is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Reading one that exists.
    Read,
    /// Reading and writing one that exists.
    Write,
    /// The same, making one where there is none.
    Create,
    /// Making a new one in any case.
    New,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// For what.
    pub access: Access,
    /// Whether the file is locked meanwhile.
    pub locks: bool,
    /// Whether each change is to be on the disk before it is done.
    pub synchronizes: bool,
    /// The permissions of a new file.
    pub mode: u32,
}

/// An open database.
pub struct Database {
    pub(crate) file: File,
    pub(crate) header: Header,
    /// Whether the header is to be written when the change under way has been made.
    pub(crate) header_changed: bool,
    directory: Vec<u64>,
    /// Buckets by their addresses.
    buckets: HashMap<u64, Bucket>,
    path: PathBuf,
    options: Options,
}

/// The most buckets that are remembered.
const MOST_BUCKETS: usize = 128;
/// The system's number for a folder in the place of a file.
const IS_A_DIRECTORY: i32 = 21;
/// The largest items.
const MOST_ITEM: usize = i32::MAX as usize;

/// Where an item was found.
struct Found {
    place: usize,
    element: Element,
    value: Vec<u8>,
}

fn lock(file: &File, options: Options) -> Result<(), Error> {
    if !options.locks {
        return Ok(());
    }
    let locked = if options.access == Access::Read { file.try_lock_shared() } else { file.try_lock() };
    locked.map_err(|error| match error {
        TryLockError::WouldBlock => Error::Locked,
        TryLockError::Error(error) => Error::Io(error),
    })
}

impl Database {
    /// Opens a database.
    ///
    /// # Errors
    /// The system's, and those of a file that is no database.
    pub fn open(path: &Path, options: Options) -> Result<Database, Error> {
        let writes = options.access != Access::Read;
        let makes = matches!(options.access, Access::Create | Access::New);
        let mut opening = OpenOptions::new();
        opening.read(true).write(writes).create(makes).mode(options.mode);
        let file = opening.open(path)?;
        if file.metadata()?.is_dir() {
            return Err(Error::Io(io::Error::from_raw_os_error(IS_A_DIRECTORY)));
        }
        lock(&file, options)?;
        let length = file.metadata()?.len();
        if options.access == Access::New || (length == 0 && writes) {
            let block = file.metadata()?.blksize().clamp(LEAST_BLOCK, 1 << 20) as u32;
            return Database::make(file, path, options, block);
        }
        if length == 0 {
            return Err(Error::Empty);
        }
        let mut start = [0; 8];
        file.read_exact_at(&mut start, 0)?;
        let block_size = Header::block_size_of(&start)?;
        if u64::from(block_size) > length {
            return Err(Error::UnexpectedEnd);
        }
        let mut block = vec![0; block_size as usize];
        file.read_exact_at(&mut block, 0)?;
        if block.len() < LEAST_BLOCK as usize {
            return Err(Error::BlockSize);
        }
        let header = Header::parse(&block, length)?;
        let mut bytes = vec![0; 8 << header.directory_bits];
        file.read_exact_at(&mut bytes, header.directory)?;
        let directory = (0..1 << header.directory_bits).map(|place| u64_at(&bytes, place * 8)).collect();
        Ok(Database::with(file, header, directory, path, options))
    }

    fn with(file: File, header: Header, directory: Vec<u64>, path: &Path, options: Options) -> Database {
        Database {
            file,
            header,
            header_changed: false,
            directory,
            buckets: HashMap::new(),
            path: path.to_owned(),
            options,
        }
    }

    /// Makes a database in a file, whatever was there.
    fn make(file: File, path: &Path, options: Options, block: u32) -> Result<Database, Error> {
        file.set_len(0)?;
        let mut header = Header::new(block);
        let places = 1usize << header.directory_bits;
        let directory_end = header.directory + (8 << header.directory_bits);
        let block = u64::from(block);
        let bucket = directory_end.div_ceil(block) * block;
        header.next_block = bucket + block;
        let mut database = Database::with(file, header, vec![bucket; places], path, options);
        database.write_header()?;
        database.file.set_len(database.header.next_block)?;
        database.write_directory(0..places)?;
        database.keep(bucket, Bucket::new(0, database.header.bucket_size))?;
        Ok(database)
    }

    /// Whether nothing can be stored.
    pub fn is_reader(&self) -> bool {
        self.options.access == Access::Read
    }

    pub(crate) fn write_header(&mut self) -> Result<(), Error> {
        self.header_changed = false;
        Ok(self.file.write_all_at(&self.header.to_block(), 0)?)
    }

    fn write_directory(&self, places: std::ops::Range<usize>) -> Result<(), Error> {
        let start = self.header.directory + places.start as u64 * 8;
        let bytes: Vec<u8> =
            self.directory[places].iter().flat_map(|address| address.to_le_bytes()).collect();
        Ok(self.file.write_all_at(&bytes, start)?)
    }

    /// Writes a bucket, and remembers it.
    fn keep(&mut self, address: u64, bucket: Bucket) -> Result<(), Error> {
        self.file.write_all_at(&bucket.to_bytes(self.header.bucket_size), address)?;
        self.remember(address, bucket);
        Ok(())
    }

    fn remember(&mut self, address: u64, bucket: Bucket) {
        if self.buckets.len() >= MOST_BUCKETS && !self.buckets.contains_key(&address) {
            self.buckets.clear();
        }
        self.buckets.insert(address, bucket);
    }

    /// Ends a change: what is left to be written is written.
    fn end_change(&mut self) -> Result<(), Error> {
        if self.header_changed {
            self.write_header()?;
        }
        if self.options.synchronizes {
            self.synchronize()?;
        }
        Ok(())
    }

    fn place_of(&self, hash: u32) -> usize {
        (hash >> (HASH_BITS - self.header.directory_bits)) as usize
    }

    /// The bucket that a place of the directory leads to.
    fn bucket(&mut self, place: usize) -> Result<(u64, &Bucket), Error> {
        let address = self.directory[place];
        if !self.buckets.contains_key(&address) {
            let size = self.header.bucket_size;
            if !(Piece { size, address }.is_within(self.header.next_block)) {
                return Err(Error::BadDirectory);
            }
            let mut bytes = vec![0; size as usize];
            self.file.read_exact_at(&mut bytes, address)?;
            let bucket = Bucket::parse(&bytes, self.header.next_block, self.header.directory_bits)?;
            self.remember(address, bucket);
        }
        Ok((address, &self.buckets[&address]))
    }

    /// Reads what an element refers to: the key and the value.
    fn item(&self, element: &Element) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let piece = element.piece();
        if piece.address + u64::from(piece.size) > self.file.metadata()?.len() {
            return Err(Error::UnexpectedEnd);
        }
        let mut key = vec![0; piece.size as usize];
        self.file.read_exact_at(&mut key, piece.address)?;
        let value = key.split_off(element.key_size as usize);
        Ok((key, value))
    }

    fn find(&mut self, key: &[u8]) -> Result<Option<Found>, Error> {
        let hash = hash_of(key);
        let (_, bucket) = self.bucket(self.place_of(hash))?;
        for (place, element) in bucket.candidates(hash, key) {
            let (found, value) = self.item(&element)?;
            if found == key {
                return Ok(Some(Found { place, element, value }));
            }
        }
        Ok(None)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn fetch(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.find(key)?.map(|found| found.value))
    }

    /// Whether there is a key.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn contains(&mut self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.find(key)?.is_some())
    }

    /// Stores an item, in the place of one with that key, if there is one.
    ///
    /// # Errors
    /// `ReaderStore`, and those of reading and writing the file.
    pub fn store(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.is_reader() {
            return Err(Error::ReaderStore);
        }
        let size =
            key.len().checked_add(value.len()).filter(|&size| size <= MOST_ITEM).ok_or(Error::TooLarge)?;
        let hash = hash_of(key);
        let found = self.find(key)?;
        if found.is_none() {
            self.make_place(hash)?;
        }
        let (address, bucket) = self.bucket(self.place_of(hash))?;
        let mut bucket = bucket.clone();
        let item_address = self.allocate(&mut bucket, size as u32)?;
        self.file.write_all_at(key, item_address)?;
        self.file.write_all_at(value, item_address + key.len() as u64)?;
        let element = Element::of(hash, key, value.len() as u32, item_address);
        if self.header_changed {
            self.write_header()?;
        }
        match found {
            None => {
                bucket.insert(element);
                self.keep(address, bucket)?;
            }
            Some(found) => {
                bucket.replace(found.place, element);
                self.release(&mut bucket, found.element.piece())?;
                self.keep(address, bucket)?;
            }
        }
        self.end_change()
    }

    /// Splits the bucket that a hash belongs to until it has a place for another element.
    fn make_place(&mut self, hash: u32) -> Result<(), Error> {
        loop {
            let place = self.place_of(hash);
            let (address, bucket) = self.bucket(place)?;
            if !bucket.is_full() {
                return Ok(());
            }
            let bucket = bucket.clone();
            if bucket.bits >= HASH_BITS - 3 {
                return Err(Error::DirectoryOverflow);
            }
            if bucket.bits == self.header.directory_bits {
                self.double_directory()?;
            }
            let [lower, upper] = bucket.split(self.header.bucket_size);
            let upper_address = self.allocate_alone(self.header.bucket_size)?;
            if self.header_changed {
                self.write_header()?;
            }
            let width = 1usize << (self.header.directory_bits - lower.bits);
            let start = (self.place_of(hash) / width | 1) * width;
            self.keep(upper_address, upper)?;
            self.directory[start..start + width].fill(upper_address);
            self.write_directory(start..start + width)?;
            self.keep(address, lower)?;
        }
    }

    fn double_directory(&mut self) -> Result<(), Error> {
        let old = Piece { size: 8 << self.header.directory_bits, address: self.header.directory };
        if self.header.directory_bits + 1 > HASH_BITS - 3 {
            return Err(Error::DirectoryOverflow);
        }
        let address = self.allocate_alone(old.size * 2)?;
        self.directory = self.directory.iter().flat_map(|&bucket| [bucket, bucket]).collect();
        self.header.directory = address;
        self.header.directory_bits += 1;
        self.write_directory(0..self.directory.len())?;
        self.write_header()?;
        self.release_to_header(old)
    }

    /// Deletes an item; answers whether there was one.
    ///
    /// # Errors
    /// `ReaderDelete`, and those of reading and writing the file.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, Error> {
        if self.is_reader() {
            return Err(Error::ReaderDelete);
        }
        let Some(found) = self.find(key)? else { return Ok(false) };
        let (address, bucket) = self.bucket(self.place_of(found.element.hash))?;
        let mut bucket = bucket.clone();
        bucket.remove(found.place);
        self.release(&mut bucket, found.element.piece())?;
        self.keep(address, bucket)?;
        self.end_change()?;
        Ok(true)
    }

    /// Deletes all items.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete).
    pub fn clear(&mut self) -> Result<(), Error> {
        for key in self.keys()? {
            self.delete(&key)?;
        }
        Ok(())
    }

    /// The first key, in the order in which the keys lie.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn first_key(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.key_from(0, 0)
    }

    /// The key behind another one; none behind a key that is not there.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn next_key(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.find(key)? {
            Some(found) => self.key_from(self.place_of(found.element.hash), found.place + 1),
            None => Ok(None),
        }
    }

    fn key_from(&mut self, mut place: usize, mut from: usize) -> Result<Option<Vec<u8>>, Error> {
        while place < self.directory.len() {
            let (address, bucket) = self.bucket(place)?;
            if let Some((_, element)) = bucket.next_from(from) {
                return Ok(Some(self.item(&element)?.0));
            }
            place = self.behind(place, address);
            from = 0;
        }
        Ok(None)
    }

    /// The next place of the directory that leads to another bucket.
    fn behind(&self, place: usize, address: u64) -> usize {
        let same = self.directory[place..].iter().take_while(|&&other| other == address).count();
        place + same.max(1)
    }

    /// All keys.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn keys(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        let mut keys = Vec::new();
        self.for_each_element(|database, element| {
            keys.push(database.item(element)?.0);
            Ok(())
        })?;
        Ok(keys)
    }

    fn for_each_element(
        &mut self,
        mut with: impl FnMut(&Database, &Element) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut place = 0;
        while place < self.directory.len() {
            let (address, bucket) = self.bucket(place)?;
            let mut elements = Vec::with_capacity(bucket.len());
            let mut from = 0;
            while let Some((at, element)) = bucket.next_from(from) {
                elements.push(element);
                from = at + 1;
            }
            for element in &elements {
                with(self, element)?;
            }
            place = self.behind(place, address);
        }
        Ok(())
    }

    /// How many items there are.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn count(&mut self) -> Result<usize, Error> {
        let (mut place, mut count) = (0, 0);
        while place < self.directory.len() {
            let (address, bucket) = self.bucket(place)?;
            count += bucket.len();
            place = self.behind(place, address);
        }
        Ok(count)
    }

    /// Has the system write everything to the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn synchronize(&mut self) -> Result<(), Error> {
        if !self.is_reader() && self.header.count_synchronisation() {
            self.write_header()?;
        }
        Ok(self.file.sync_all()?)
    }

    /// Copies all items to a new file, which takes the place of the old one: room that is free is given back.
    ///
    /// # Errors
    /// `ReaderReorganize`, and those of reading and writing the files.
    pub fn reorganize(&mut self) -> Result<(), Error> {
        if self.is_reader() {
            return Err(Error::ReaderReorganize);
        }
        let mode = self.file.metadata()?.mode() & 0o7777;
        let (file, path) = beside(&self.path, mode)?;
        let moved = self.copy_to(file, &path);
        if moved.is_err() {
            let _ = fs::remove_file(&path);
        }
        *self = moved?;
        Ok(())
    }

    fn copy_to(&mut self, file: File, path: &Path) -> Result<Database, Error> {
        lock(&file, self.options)?;
        let options = Options { synchronizes: false, ..self.options };
        let mut copy = Database::make(file, &self.path, options, self.header.block_size)?;
        self.for_each_element(|database, element| {
            let (key, value) = database.item(element)?;
            copy.store(&key, &value)
        })?;
        copy.synchronize()?;
        fs::rename(path, &self.path)?;
        copy.options = self.options;
        Ok(copy)
    }
}

/// A new file with another name beside one.
fn beside(path: &Path, mode: u32) -> Result<(File, PathBuf), Error> {
    for number in 0..u16::MAX {
        let mut name = OsString::from(path.file_name().unwrap_or_default());
        name.push(format!(".{}.{number}", std::process::id()));
        let path = path.with_file_name(name);
        match OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Io(io::ErrorKind::AlreadyExists.into()))
}
