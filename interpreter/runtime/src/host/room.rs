//! Memory that system calls write to: a slice, or room behind a vector that nobody has to fill with zeros first.

/// Room for more bytes behind those of a vector; what a call wrote belongs to the vector then.
pub struct Room<'a> {
    bytes: &'a mut Vec<u8>,
    length: usize,
}

impl<'a> Room<'a> {
    /// Room for `length` more bytes, or nothing where there is no memory for so many.
    pub fn behind(bytes: &'a mut Vec<u8>, length: usize) -> Option<Room<'a>> {
        bytes.try_reserve_exact(length).ok()?;
        Some(Room { bytes, length })
    }
}

/// The bytes in memory of their own size: reading reserves much more than most often comes.
pub fn fitted(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() <= bytes.capacity() / 2 {
        return bytes.as_slice().to_vec();
    }
    bytes.shrink_to_fit();
    bytes
}

/// What a system call may write to.
pub trait Destination: sealed::Destination {
    /// How many bytes may be written.
    fn room(&mut self) -> usize {
        self.place().1
    }

    /// Writes bytes, as many as there is room for.
    fn put(&mut self, bytes: &[u8]) {
        let (place, length) = self.place();
        let count = bytes.len().min(length);
        // SAFETY: there is place for so many, and what is written to is borrowed exclusively.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, count);
            self.written(count);
        }
    }
}

impl Destination for Room<'_> {}
impl Destination for [u8] {}

pub(super) mod sealed {
    /// The memory itself; only this module says what it is.
    pub trait Destination {
        /// Where it begins, and how many bytes may be written there.
        fn place(&mut self) -> (*mut u8, usize);

        /// Takes the first `count` bytes as written.
        ///
        /// # Safety
        /// They are, and are no more than there is place for; `place` was asked last.
        unsafe fn written(&mut self, count: usize);
    }

    impl Destination for super::Room<'_> {
        fn place(&mut self) -> (*mut u8, usize) {
            (self.bytes.spare_capacity_mut().as_mut_ptr().cast(), self.length)
        }

        unsafe fn written(&mut self, count: usize) {
            self.length -= count;
            // SAFETY: as promised.
            unsafe { self.bytes.set_len(self.bytes.len() + count) };
        }
    }

    impl Destination for [u8] {
        fn place(&mut self) -> (*mut u8, usize) {
            (self.as_mut_ptr(), self.len())
        }

        unsafe fn written(&mut self, _count: usize) {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Destination, Room, fitted};

    #[test]
    fn what_was_written_follows_the_bytes() {
        let mut bytes = b"ab".to_vec();
        let mut room = Room::behind(&mut bytes, 100).expect("memory");
        room.put(b"cd");
        assert_eq!(room.room(), 98);
        room.put(b"e");
        assert_eq!(fitted(bytes), b"abcde");
        assert!(Room::behind(&mut Vec::new(), usize::MAX).is_none());
        let mut slice = [0; 2];
        slice.put(b"xyz");
        assert_eq!(&slice, b"xy");
    }
}
