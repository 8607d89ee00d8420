//! What a container promises: what goes in comes out, the same bytes each time, and damage is an error.

use std::borrow::Cow;

use rspy_archive::{
    Archive, ArchiveError, BuildError, Builder, Code, Compression, Directory, FrozenModule, Metadata, Part,
};

const SMALL: Compression = Compression { level: 3, dictionary: 512 };

fn metadata() -> Metadata {
    Metadata {
        python: "3.14.10".into(),
        bytecode: 3627,
        optimize: 0,
        root: "lib/python3.14".into(),
        modified: Metadata::EARLIEST,
        application: None,
    }
}

fn module(name: &str, path: &str, at_startup: bool, code: &[u8]) -> FrozenModule {
    FrozenModule {
        name: name.into(),
        is_package: path.ends_with("__init__.py"),
        at_startup,
        source: Some(path.into()),
        code: Code::Own(code.to_vec()),
    }
}

/// Fifty modules of a package, one that every start-up needs, a namespace folder and data that does not shrink.
fn sample() -> Builder {
    let mut builder = Builder::new(metadata(), SMALL);
    let noise: Vec<u8> = (0..600u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    builder.file("lib/python3.14/os.py", b"import sys\n".to_vec()).unwrap();
    builder.module(module("os", "lib/python3.14/os.py", true, b"code of os, as it is")).unwrap();
    builder.file("lib/python3.14/package/__init__.py", Vec::new()).unwrap();
    builder
        .module(module("package", "lib/python3.14/package/__init__.py", false, b"an empty package's code"))
        .unwrap();
    for number in 0..50 {
        let path = format!("lib/python3.14/package/module_{number}.py");
        builder
            .file(&path, format!("def function_{number}():\n    return {number}\n").repeat(20).into_bytes())
            .unwrap();
        let code = format!("code of function_{number} in module_{number}").repeat(30);
        builder.module(module(&format!("package.module_{number}"), &path, false, code.as_bytes())).unwrap();
    }
    builder.file("lib/python3.14/namespace/data.bin", noise).unwrap();
    builder.file("LICENSE", b"A licence.\n".to_vec()).unwrap();
    builder
}

#[test]
fn what_goes_in_comes_out() {
    let bytes = sample().finish().unwrap();
    let archive = Archive::open(&bytes).unwrap();
    let summary = archive.verify().unwrap();
    assert_eq!((summary.modules, summary.files, summary.folders), (52, 54, 5));
    assert_eq!(archive.metadata().unwrap(), metadata());

    let os = archive.module("os").unwrap();
    assert!(!os.is_package);
    assert!(matches!(archive.code(&os).unwrap(), Cow::Borrowed(b"code of os, as it is")));
    assert_eq!(os.path(&archive).unwrap(), "lib/python3.14/os.py");

    let seven = archive.module("package.module_7").unwrap();
    assert_eq!(&*archive.code(&seven).unwrap(), "code of function_7 in module_7".repeat(30).as_bytes());
    let source = archive.entry("lib/python3.14/package/module_7.py").unwrap();
    assert_eq!(source.module, Some(seven.number));
    assert_eq!(archive.read(&source).unwrap().len() as u32, source.size);
    assert!(archive.module("package").unwrap().is_package);
    assert!(archive.module("package.module_50").is_none());
    assert!(archive.module("").is_none());
}

#[test]
fn it_is_a_folder() {
    let bytes = sample().finish().unwrap();
    let archive = Archive::open(&bytes).unwrap();
    let names = |path: &str| -> Vec<&str> {
        archive.children(&archive.entry(path).unwrap()).map(|child| child.name).collect()
    };
    assert_eq!(names(""), ["LICENSE", "lib"]);
    assert_eq!(names("lib/python3.14"), ["namespace", "os.py", "package"]);
    assert_eq!(names("lib/python3.14/namespace"), ["data.bin"]);
    assert!(names("LICENSE").is_empty());
    let folder = archive.entry("lib/python3.14").unwrap();
    assert!(folder.is_folder);
    assert_eq!(archive.path(&folder), "lib/python3.14");
    assert_eq!(archive.read(&folder), Err(ArchiveError::WrongKind));
    for missing in
        ["lib/", "/lib", "lib//python3.14", "lib/..", "lib/python3.14/os.py/x", "LICENSE/", "licence"]
    {
        assert!(archive.entry(missing).is_none(), "{missing}");
    }
    let empty = archive.entry("lib/python3.14/package/__init__.py").unwrap();
    assert_eq!((empty.size, &*archive.read(&empty).unwrap()), (0, &b""[..]));
}

#[test]
fn same_input_same_bytes() {
    let bytes = sample().finish().unwrap();
    for threads in [1, 2, 5] {
        let pool = rayon_pool(threads);
        assert!(pool.install(|| sample().finish().unwrap()) == bytes, "{threads} threads");
    }
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn it_is_found_in_an_executable() {
    let container = sample().finish().unwrap();
    let directory = Directory::of_library(container.len() as u64);
    // The mark alone, as it stands in the executable's own constants, is no directory.
    let mut file = rspy_archive::directory::MARK.to_vec();
    file.resize(8192, 0);
    assert_eq!(Directory::find(&file), None);
    file.extend(directory.to_bytes());
    file.extend(&container);
    assert_eq!(Directory::find(&file), Some((8192, directory.clone())));
    let library = &file[8192 + directory.library.start as usize..][..container.len()];
    Archive::open(library).unwrap().check().unwrap();
    let cut = &library[..library.len() - 1];
    assert!(matches!(Archive::open(cut).err(), Some(ArchiveError::Truncated { .. })));
}

/// Uses every way into a container; whatever is damaged must answer with an error or with nothing.
fn use_all(archive: &Archive<'_>) {
    let _ = archive.metadata();
    for module in archive.all_modules() {
        let _ = archive.code(&module);
        let _ = module.path(archive);
        let _ = archive.module(module.name);
    }
    for number in 0..archive.entry_count() {
        if let Some(entry) = archive.entry_at(number) {
            let _ = archive.read(&entry);
            let _ = archive.path(&entry);
            let _ = archive.children(&entry).take(1000).count();
        }
    }
}

#[test]
fn every_altered_byte_is_an_error() {
    let mut bytes = sample().finish().unwrap();
    // The header and the index byte by byte; of the blocks, which are all alike, a sample.
    for position in (0..6000).chain((6000..bytes.len()).step_by(23)) {
        let change = 1 << (position % 8);
        bytes[position] ^= change;
        if let Ok(archive) = Archive::open(&bytes) {
            assert!(archive.verify().is_err(), "byte {position}");
            assert!(archive.check().is_err(), "byte {position}");
            use_all(&archive);
        }
        bytes[position] ^= change;
    }
}

#[test]
fn every_shorter_file_is_an_error() {
    let bytes = sample().finish().unwrap();
    for length in 0..bytes.len() {
        match Archive::open(&bytes[..length]) {
            Err(ArchiveError::NotAnArchive) => assert!(length < 8),
            Err(ArchiveError::Truncated { .. }) => assert!(length >= 8),
            other => panic!("{length} bytes: {:?}", other.map(|_| ())),
        }
    }
    let mut longer = bytes.clone();
    longer.extend(b"what follows is not the container's");
    assert_eq!(Archive::open(&longer).unwrap().length(), bytes.len());
}

#[test]
fn damage_says_what_is_damaged() {
    let mut bytes = sample().finish().unwrap();
    let version = std::mem::replace(&mut bytes[8], 9);
    assert_eq!(Archive::open(&bytes).err(), Some(ArchiveError::Version { found: 9 }));
    bytes[8] = version;
    bytes[40] ^= 1;
    assert_eq!(Archive::open(&bytes).err(), Some(ArchiveError::Checksum(Part::Header)));
    assert_eq!(Archive::open(b"#!/usr/bin/env python3\n").err(), Some(ArchiveError::NotAnArchive));
}

#[test]
fn impossible_input_is_refused() {
    let mut builder = Builder::new(metadata(), SMALL);
    builder.file("a/b", Vec::new()).unwrap();
    for path in ["a/b", "", "/a", "a//b", "a/../b", "./a"] {
        assert!(matches!(builder.file(path, Vec::new()), Err(BuildError::Path(_))), "{path}");
    }
    builder.file("a/b/c", Vec::new()).unwrap();
    assert!(matches!(builder.finish(), Err(BuildError::Path(_))));

    let mut builder = Builder::new(metadata(), SMALL);
    builder.module(module("m", "m.py", false, b"code")).unwrap();
    assert!(matches!(builder.finish(), Err(BuildError::Module(_))));
}

#[test]
fn an_application_may_start_with_thousands_of_modules() {
    let at_start: Vec<String> = (0..5000).map(|number| format!("package.module_{number}")).collect();
    let application = rspy_archive::Application {
        name: "many".into(),
        start: rspy_archive::Start::Module("package".into()),
        isolated: true,
        paths: Vec::new(),
        at_start,
    };
    let metadata = Metadata { application: Some(application), ..metadata() };
    let bytes = Builder::new(metadata.clone(), SMALL).finish().unwrap();
    assert_eq!(Archive::open(&bytes).unwrap().metadata(), Ok(metadata));
}

#[test]
fn an_empty_container_is_one() {
    let bytes = Builder::new(metadata(), Compression::BEST).finish().unwrap();
    let archive = Archive::open(&bytes).unwrap();
    archive.verify().unwrap();
    assert_eq!(archive.children(&archive.entry("").unwrap()).count(), 0);
    assert!(archive.module("os").is_none());
}

/// Makes a header's checksum right again, so that what it says is believed.
fn sign(bytes: &mut [u8]) {
    let sum = xxhash_rust::xxh3::xxh3_64(&bytes[..120]);
    bytes[120..128].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn a_header_that_lies_is_an_error() {
    let sound = sample().finish().unwrap();
    let mut numbers: Vec<u64> = (0..64).map(|bit| 1 << bit).collect();
    numbers.extend([0, u64::MAX, u64::MAX - 15, sound.len() as u64, sound.len() as u64 - 1]);
    for field in (16..104).step_by(8) {
        for &number in &numbers {
            let mut bytes = sound.clone();
            bytes[field..field + 8].copy_from_slice(&number.to_le_bytes());
            if bytes == sound {
                continue;
            }
            sign(&mut bytes);
            if let Ok(archive) = Archive::open(&bytes) {
                assert!(archive.verify().is_err(), "field {field}, {number}");
                use_all(&archive);
            }
        }
    }
}
