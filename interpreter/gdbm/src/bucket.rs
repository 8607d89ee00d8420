//! Buckets: small hash tables whose elements say where keys and values lie.

use crate::error::Error;
use crate::layout::{HASH_BITS, PIECE, Piece, put_u32, put_u64, u32_at, u64_at};

/// How many pieces of free room a bucket lists.
pub const FREE_PIECES: usize = 6;
/// Bytes before the pieces.
const FREE_PLACE: usize = 8;
/// Where the number of bits is that all hashes in a bucket share.
const BITS_PLACE: usize = FREE_PLACE + FREE_PIECES * PIECE;
/// Where the number of elements is.
const COUNT_PLACE: usize = BITS_PLACE + 4;
/// Where the elements begin.
const ELEMENTS_PLACE: usize = COUNT_PLACE + 4;
/// Bytes of an element.
const ELEMENT: usize = 24;
/// How many bytes of its key an element repeats.
const KEY_START: usize = 4;
/// The hash of a place without element.
const VACANT: u32 = u32::MAX;

/// What is known of an item without looking for it in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element {
    /// The key's hash.
    pub hash: u32,
    /// The first bytes of the key.
    pub key_start: [u8; KEY_START],
    /// Where key and value lie, one after the other.
    pub address: u64,
    /// Bytes of the key.
    pub key_size: u32,
    /// Bytes of the value.
    pub value_size: u32,
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// How many leading bits the hashes of all its elements share.
    pub bits: u32,
    /// Free room, ordered by size.
    pub free: Vec<Piece>,
    /// The places of the table.
    places: Vec<Option<Element>>,
    count: usize,
}

/// How many elements a bucket of a size has, if it has room for any.
pub fn elements_of(size: u32) -> Option<u32> {
    let elements = (size as usize).checked_sub(ELEMENTS_PLACE)? / ELEMENT;
    (elements > 0 && i32::try_from(size).is_ok()).then_some(elements as u32)
}

/// The hash of a key, of 31 bits.
pub fn hash_of(key: &[u8]) -> u32 {
    const MASK: u32 = 0x7fff_ffff;
    let mut value = 0x238f_13af_u32.wrapping_mul(key.len() as u32);
    for (index, &byte) in key.iter().enumerate() {
        // Bytes count as signed numbers, and their places shift them.
        let moved = i32::from(byte as i8).wrapping_shl((index * 5 % 24) as u32) as u32;
        value = value.wrapping_add(moved) & MASK;
    }
    value.wrapping_mul(1_103_515_243).wrapping_add(12345) & MASK
}

impl Element {
    /// Whether the element may be that of a key, as far as it tells.
    pub fn may_be(&self, hash: u32, key: &[u8]) -> bool {
        let known = key.len().min(KEY_START);
        self.hash == hash && self.key_size as usize == key.len() && self.key_start[..known] == key[..known]
    }

    /// The element of an item.
    pub fn of(hash: u32, key: &[u8], value_size: u32, address: u64) -> Element {
        let mut key_start = [0; KEY_START];
        let known = key.len().min(KEY_START);
        key_start[..known].copy_from_slice(&key[..known]);
        Element { hash, key_start, address, key_size: key.len() as u32, value_size }
    }

    /// The room that key and value take.
    pub fn piece(&self) -> Piece {
        Piece { size: self.key_size + self.value_size, address: self.address }
    }

    fn at(bytes: &[u8], place: usize) -> Option<Element> {
        let hash = u32_at(bytes, place);
        (hash != VACANT).then(|| Element {
            hash,
            key_start: [bytes[place + 4], bytes[place + 5], bytes[place + 6], bytes[place + 7]],
            address: u64_at(bytes, place + 8),
            key_size: u32_at(bytes, place + 16),
            value_size: u32_at(bytes, place + 20),
        })
    }

    fn put(&self, bytes: &mut [u8], place: usize) {
        put_u32(bytes, place, self.hash);
        bytes[place + 4..place + 8].copy_from_slice(&self.key_start);
        put_u64(bytes, place + 8, self.address);
        put_u32(bytes, place + 16, self.key_size);
        put_u32(bytes, place + 20, self.value_size);
    }
}

impl Bucket {
    /// A bucket without elements, for files whose buckets have that size.
    pub fn new(bits: u32, size: u32) -> Bucket {
        let places = vec![None; elements_of(size).unwrap_or(0) as usize];
        Bucket { bits, free: Vec::new(), places, count: 0 }
    }

    /// Reads a bucket of a file that ends there and has so many bits in its directory.
    ///
    /// # Errors
    /// What it says makes no sense.
    pub fn parse(bytes: &[u8], end: u64, directory_bits: u32) -> Result<Bucket, Error> {
        let free_count = u32_at(bytes, 0) as usize;
        let (bits, count) = (u32_at(bytes, BITS_PLACE), u32_at(bytes, COUNT_PLACE) as usize);
        let elements = elements_of(bytes.len() as u32).ok_or(Error::BadBucket)? as usize;
        if free_count > FREE_PIECES || bits > directory_bits || count > elements {
            return Err(Error::BadBucket);
        }
        let mut free: Vec<Piece> =
            (0..free_count).map(|index| Piece::at(bytes, FREE_PLACE + index * PIECE)).collect();
        if !free.iter().all(|piece| piece.is_within(end)) {
            return Err(Error::BadAvail);
        }
        free.sort_by_key(|piece| piece.size);
        let places: Vec<Option<Element>> =
            (0..elements).map(|index| Element::at(bytes, ELEMENTS_PLACE + index * ELEMENT)).collect();
        let mut found = 0;
        for element in places.iter().flatten() {
            let room = element.key_size.checked_add(element.value_size);
            let piece = room.map(|size| Piece { size, address: element.address });
            if element.hash >> HASH_BITS != 0 || !piece.is_some_and(|piece| piece.is_within(end)) {
                return Err(Error::BadElement);
            }
            found += 1;
        }
        if found != count {
            return Err(Error::BadBucket);
        }
        Ok(Bucket { bits, free, places, count })
    }

    /// The bucket as bytes.
    pub fn to_bytes(&self, size: u32) -> Vec<u8> {
        let mut bytes = vec![0; size as usize];
        put_u32(&mut bytes, 0, self.free.len() as u32);
        for (index, piece) in self.free.iter().enumerate() {
            piece.put(&mut bytes, FREE_PLACE + index * PIECE);
        }
        put_u32(&mut bytes, BITS_PLACE, self.bits);
        put_u32(&mut bytes, COUNT_PLACE, self.count as u32);
        for (index, place) in self.places.iter().enumerate() {
            let at = ELEMENTS_PLACE + index * ELEMENT;
            match place {
                Some(element) => element.put(&mut bytes, at),
                None => put_u32(&mut bytes, at, VACANT),
            }
        }
        bytes
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no place for another element.
    pub fn is_full(&self) -> bool {
        self.count == self.places.len()
    }

    /// The elements that may be those of a key, with their places.
    pub fn candidates(&self, hash: u32, key: &[u8]) -> Vec<(usize, Element)> {
        let size = self.places.len();
        let home = hash as usize % size;
        (0..size)
            .map(|step| (home + step) % size)
            .map_while(|place| self.places[place].map(|element| (place, element)))
            .filter(|(_, element)| element.may_be(hash, key))
            .collect()
    }

    /// The next element from a place on.
    pub fn next_from(&self, place: usize) -> Option<(usize, Element)> {
        let rest = self.places.get(place..)?;
        rest.iter().enumerate().find_map(|(index, element)| element.map(|element| (place + index, element)))
    }

    /// Puts an element into the first vacant place from its home on. There must be one.
    pub fn insert(&mut self, element: Element) {
        let size = self.places.len();
        let home = element.hash as usize % size;
        let vacant = (0..size).map(|step| (home + step) % size).find(|&place| self.places[place].is_none());
        self.places[vacant.expect("a bucket that is not full")] = Some(element);
        self.count += 1;
    }

    /// Replaces the element at a place.
    pub fn replace(&mut self, place: usize, element: Element) {
        self.places[place] = Some(element);
    }

    /// Removes the element at a place, and moves others so that all are still found from their homes.
    pub fn remove(&mut self, place: usize) {
        let size = self.places.len();
        self.places[place] = None;
        self.count -= 1;
        let mut hole = place;
        let mut at = (place + 1) % size;
        while at != hole {
            let Some(element) = self.places[at] else { break };
            let home = element.hash as usize % size;
            let reaches = if hole < at { home <= hole || home > at } else { home <= hole && home > at };
            if reaches {
                self.places[hole] = self.places[at].take();
                hole = at;
            }
            at = (at + 1) % size;
        }
    }

    /// The two buckets that this one is split into by one more bit; the lower one keeps the free room.
    pub fn split(&self, size: u32) -> [Bucket; 2] {
        let bits = self.bits + 1;
        let mut halves = [Bucket::new(bits, size), Bucket::new(bits, size)];
        for element in self.places.iter().flatten() {
            halves[(element.hash >> (HASH_BITS - bits)) as usize & 1].insert(*element);
        }
        halves[0].free.clone_from(&self.free);
        halves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_gdbm() {
        assert_eq!(hash_of(b"hello"), 1_730_502_474);
        assert_eq!(hash_of(b"\x80\xff\x90abc"), 331_439_353);
        assert_eq!(hash_of(b""), 12345);
    }

    #[test]
    fn elements_stay_reachable_when_others_go() {
        let mut bucket = Bucket::new(0, 4096);
        let size = bucket.places.len() as u32;
        let keys: Vec<u32> = (0..size / 2).map(|number| number * 7 % 5 + number / 3 * size).collect();
        for &hash in &keys {
            bucket.insert(Element::of(hash, b"", 0, 4096));
        }
        for (gone, hash) in keys.iter().enumerate() {
            let (place, _) = bucket.candidates(*hash, b"")[0];
            bucket.remove(place);
            for left in &keys[gone + 1..] {
                assert!(!bucket.candidates(*left, b"").is_empty());
            }
        }
        assert_eq!(bucket.len(), 0);
    }
}
