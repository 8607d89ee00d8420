//! Databases in the file format of GDBM: keys with values, in one file, by extendible hashing.
//!
//! A file begins with a [`layout::Header`]. It says where the directory is: a power of two of places, each with the address
//! of a bucket. The upper bits of a key's hash pick the place; several places next to each other may share a bucket. A
//! [`bucket::Bucket`] is a small hash table of its own whose elements say where key and value lie. A bucket that is full is
//! split, and the directory doubled where it has no places for both halves ([`database`]). Room that is given back is listed
//! in the bucket, and what that has no place for in the header and the blocks that are chained to it ([`space`]).
//!
//! Everything is written as soon as it changes, in an order in which what is cut off loses room, but no item that was there
//! before: first the items, then the buckets that refer to them. What a file says is checked before it is believed: a file
//! that makes no sense is an [`Error`].

mod bucket;
mod database;
mod error;
mod layout;
mod space;

pub use database::{Access, Database, Options};
pub use error::Error;
