//! What was made before, by what it was made from: compiled code and packed containers, kept from build to build.
//!
//! An entry is named by a hash of everything that it depends on, the freezer itself included, so that nothing in it is ever
//! out of date. It is written beside its place and renamed, so that builds at the same time do not meet, and it bears a
//! checksum, so that a damaged one is made anew.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::{Purpose, write_atomically};

/// How long an entry stays that nobody made anew.
const LIFETIME: Duration = Duration::from_hours(24 * 30);

/// A folder of entries.
#[derive(Debug)]
pub struct Store {
    /// Nothing is kept without one.
    folder: Option<PathBuf>,
    /// Stands for the freezer that makes the entries.
    identity: u128,
}

/// Names an entry.
#[derive(Clone)]
pub struct Key(Xxh3);

impl Store {
    /// The store in a folder, or one that keeps nothing.
    pub fn new(folder: Option<PathBuf>) -> Store {
        // Who cannot read its own executable cannot say what made its entries.
        let executable = std::env::current_exe().and_then(fs::read);
        match executable {
            Ok(bytes) => Store { folder, identity: xxh3_128(&bytes) },
            Err(_) => Store { folder: None, identity: 0 },
        }
    }

    /// Where a user's programs keep what can be made anew.
    pub fn usual_folder() -> Option<PathBuf> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
        Some(caches.join("rspy"))
    }

    /// Begins the name of an entry of a kind.
    pub fn key(&self, kind: &str) -> Key {
        let mut key = Key(Xxh3::new());
        key.add(&self.identity.to_le_bytes());
        key.add(kind.as_bytes());
        key
    }

    fn path(&self, key: &Key) -> Option<PathBuf> {
        let name = format!("{:032x}", key.0.digest128());
        Some(self.folder.as_ref()?.join(&name[..2]).join(&name[2..]))
    }

    /// What was kept under a name.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let mut entry = fs::read(self.path(key)?).ok()?;
        let contents = entry.len().checked_sub(16)?;
        let sum = xxh3_128(&entry[..contents]).to_le_bytes();
        (entry[contents..] == sum).then(|| {
            entry.truncate(contents);
            entry
        })
    }

    /// Keeps something under a name. A store that cannot be written to keeps nothing, and nothing depends on it.
    pub fn put(&self, key: &Key, contents: &[u8]) {
        let Some(path) = self.path(key) else { return };
        let entry = [contents, &xxh3_128(contents).to_le_bytes()].concat();
        if let Some(folder) = path.parent()
            && fs::create_dir_all(folder).is_ok()
        {
            drop(write_atomically(&path, &entry, Purpose::Cache));
        }
    }

    /// Removes the entries that have become old.
    pub fn prune(&self) {
        let Some(folders) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        let now = SystemTime::now();
        let is_old = |entry: &fs::DirEntry| {
            let modified = entry.metadata().and_then(|found| found.modified());
            modified.is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age > LIFETIME))
        };
        for entry in
            folders.flatten().filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().flatten()
        {
            if is_old(&entry) {
                // Another build may have removed it.
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

impl Key {
    /// What stands for all that was added, to be added elsewhere.
    pub fn digest(&self) -> [u8; 16] {
        self.0.digest128().to_le_bytes()
    }

    /// Adds something that the entry depends on.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_until_they_are_damaged() {
        let folder = std::env::temp_dir().join(format!("freezer-store-{}", std::process::id()));
        let store = Store::new(Some(folder.clone()));
        let mut key = store.key("test");
        key.add(b"one");
        assert_eq!(store.get(&key), None);
        store.put(&key, b"contents");
        assert_eq!(store.get(&key).as_deref(), Some(&b"contents"[..]));
        store.prune();
        let path = store.path(&key).unwrap();
        fs::write(&path, b"something else, which is long enough").unwrap();
        assert_eq!(store.get(&key), None);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(Store::new(None).get(&key), None);
    }

    #[test]
    fn parts_do_not_run_together() {
        let store = Store { folder: Some(PathBuf::new()), identity: 1 };
        let name = |parts: [&str; 2]| {
            let mut key = store.key("test");
            parts.iter().for_each(|part| key.add(part.as_bytes()));
            store.path(&key)
        };
        assert_ne!(name(["ab", "c"]), name(["a", "bc"]));
    }
}
