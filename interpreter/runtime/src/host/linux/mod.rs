//! Linux, by way of its C library.

#[macro_use]
mod call;
mod clock;
mod directories;
mod faults;
mod files;
mod identity;
mod interfaces;
mod log;
mod mapping;
mod memory;
mod process;
mod readiness;
mod remote;
mod shared;
mod signals;
mod socket;
mod standard;
mod terminal;
mod thread;
mod wait;

pub use call::{Errno, Result};
pub use clock::*;
pub use directories::*;
pub use faults::*;
pub use files::*;
pub use identity::*;
pub use interfaces::*;
pub use log::*;
pub use mapping::*;
pub use memory::*;
pub use process::*;
pub use readiness::*;
pub use remote::*;
pub use shared::*;
pub use signals::*;
pub use socket::*;
pub use standard::*;
pub use terminal::*;
pub use thread::*;
pub use wait::*;

/// The system's own types and numbers.
pub use libc as c;
