//! Databases against a map in memory, and files that make no sense.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rspy_gdbm::{Access, Database, Options};

/// A path that is removed in the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Temporary {
        Temporary(std::env::temp_dir().join(format!("rspy-gdbm-{}-{name}", std::process::id())))
    }

    fn open(&self, access: Access) -> Result<Database, rspy_gdbm::Error> {
        Database::open(&self.0, Options { access, locks: true, synchronizes: false, mode: 0o600 })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.below(256) as u8).collect()
    }
}

fn contents(database: &mut Database) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let keys = database.keys().expect("keys");
    let items = keys.into_iter().map(|key| {
        let value = database.fetch(&key).expect("a readable item").expect("an item");
        (key, value)
    });
    items.collect()
}

#[test]
fn a_database_is_a_map() {
    let path = Temporary::new("map");
    let mut numbers = Numbers(1);
    let mut map = BTreeMap::new();
    let mut database = path.open(Access::New).expect("a new database");
    for step in 0..20_000 {
        let key = format!("key {}", numbers.below(4000)).into_bytes();
        if numbers.below(3) > 0 {
            let value = numbers.bytes(if step % 100 == 0 { 9000 } else { 60 });
            database.store(&key, &value).expect("room");
            map.insert(key, value);
        } else {
            assert_eq!(database.delete(&key).expect("a change"), map.remove(&key).is_some());
        }
        if step % 5000 == 4999 {
            drop(database);
            database = path.open(Access::Write).expect("the same database");
            assert_eq!(contents(&mut database), map);
            assert_eq!(database.count().expect("a count"), map.len());
        }
    }
    let before = std::fs::metadata(&path.0).expect("a file").len();
    database.reorganize().expect("a smaller file");
    assert!(std::fs::metadata(&path.0).expect("a file").len() < before);
    assert_eq!(contents(&mut database), map);
    let mut key = database.first_key().expect("a key");
    let mut seen = 0;
    while let Some(this) = key {
        seen += 1;
        key = database.next_key(&this).expect("a key");
    }
    assert_eq!(seen, map.len());
}

#[test]
fn a_writer_is_alone() {
    let path = Temporary::new("lock");
    let _writer = path.open(Access::New).expect("a new database");
    assert!(matches!(path.open(Access::Read), Err(rspy_gdbm::Error::Locked)));
    assert!(matches!(path.open(Access::Write), Err(rspy_gdbm::Error::Locked)));
}

#[test]
fn senseless_files_are_errors() {
    let path = Temporary::new("hostile");
    let mut database = path.open(Access::New).expect("a new database");
    for number in 0..400 {
        database.store(format!("key {number}").as_bytes(), &[b'x'; 40]).expect("room");
    }
    drop(database);
    let whole = std::fs::read(&path.0).expect("a file");
    let mut numbers = Numbers(7);
    for _ in 0..1500 {
        let mut bytes = whole.clone();
        for _ in 0..1 + numbers.below(4) {
            let limit = if numbers.below(2) == 0 { 12_000 } else { bytes.len() as u64 };
            let place = numbers.below(limit) as usize;
            bytes[place] = if numbers.below(2) == 0 { 0xff } else { numbers.below(256) as u8 };
        }
        if numbers.below(8) == 0 {
            let length = numbers.below(bytes.len() as u64) as usize;
            bytes.truncate(length);
        }
        std::fs::write(&path.0, &bytes).expect("a file");
        // Any outcome will do that is none of crashing, hanging and filling the memory.
        let Ok(mut database) = path.open(Access::Write) else { continue };
        let _ = database.keys();
        let _ = database.count();
        for number in 0..20 {
            let _ = database.store(format!("key {}", number * 17).as_bytes(), &[b'y'; 100]);
            let _ = database.delete(format!("key {}", number * 13).as_bytes());
        }
    }
}
