//! Waiting until descriptors are ready: `poll` and `epoll`; `select` is made from `poll`.

use super::Result;
use super::call::check;

/// A descriptor, what is waited for, and what has happened.
pub type PollDescriptor = libc::pollfd;

/// What has happened to a descriptor of an `epoll`.
pub type EpollEvent = libc::epoll_event;

/// Waits for some time in milliseconds (-1 for ever); answers how many descriptors are ready.
pub fn poll(descriptors: &mut [PollDescriptor], timeout: i32) -> Result<usize> {
    // SAFETY: the array is as long as said.
    check(unsafe { libc::poll(descriptors.as_mut_ptr(), descriptors.len() as _, timeout) })
        .map(|count| count as usize)
}

/// A set of descriptors as `select` takes it.
#[derive(Clone)]
pub struct DescriptorSet(libc::fd_set);

impl DescriptorSet {
    /// No descriptors.
    pub fn new() -> DescriptorSet {
        // SAFETY: all zeros are the empty set.
        DescriptorSet(unsafe { std::mem::zeroed() })
    }

    /// One more than the largest descriptor that a set can have.
    pub const LIMIT: i32 = libc::FD_SETSIZE as i32;

    /// Adds a descriptor below the limit.
    pub fn add(&mut self, descriptor: i32) {
        if (0..Self::LIMIT).contains(&descriptor) {
            // SAFETY: the descriptor is below the limit.
            unsafe { libc::FD_SET(descriptor, &raw mut self.0) }
        }
    }

    /// Whether a descriptor is in the set.
    pub fn contains(&self, descriptor: i32) -> bool {
        // SAFETY: the descriptor is below the limit.
        (0..Self::LIMIT).contains(&descriptor) && unsafe { libc::FD_ISSET(descriptor, &raw const self.0) }
    }
}

impl Default for DescriptorSet {
    fn default() -> Self {
        DescriptorSet::new()
    }
}

/// Waits until a descriptor of one of the sets is ready to be read, written or has an exception; leaves those.
/// The timeout is in microseconds.
pub fn select(limit: i32, sets: &mut [DescriptorSet; 3], timeout: Option<i64>) -> Result<usize> {
    let mut time = timeout.map(|time| libc::timeval { tv_sec: time / 1_000_000, tv_usec: time % 1_000_000 });
    let place = time.as_mut().map_or(std::ptr::null_mut(), |time| &raw mut *time);
    let [read, write, except] = sets;
    // SAFETY: sets and time are initialised.
    check(unsafe { libc::select(limit, &raw mut read.0, &raw mut write.0, &raw mut except.0, place) })
        .map(|count| count as usize)
}

system_calls! {
    /// A descriptor that waits for others.
    epoll_create(flags: i32) -> i32 = libc::epoll_create1(flags);
}

/// Adds, changes or removes a descriptor.
pub fn epoll_control(epoll: i32, operation: i32, descriptor: i32, events: u32) -> Result {
    let mut event = libc::epoll_event { events, u64: descriptor as u64 };
    // SAFETY: the event is initialised.
    check(unsafe { libc::epoll_ctl(epoll, operation, descriptor, &raw mut event) }).map(drop)
}

/// Waits for some time in milliseconds (-1 for ever); answers what has happened.
pub fn epoll_wait(epoll: i32, most: usize, timeout: i32) -> Result<Vec<(i32, u32)>> {
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; most];
    // SAFETY: the array is as long as said.
    let count = check(unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), most as i32, timeout) })?;
    events.truncate(count as usize);
    Ok(events.iter().map(|event| (event.u64 as i32, event.events)).collect())
}
