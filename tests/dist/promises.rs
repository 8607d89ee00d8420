//! What must hold for every application: the same bytes from the same input, damage that is noticed, nothing beside it.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use dist::{Work, build, freezer};

/// Work with an application of a few modules and a data file, and the executable that it is built to.
fn sample(work: &Work, folder: &str) {
    work.write(&format!("{folder}/main.py"), "import part\nprint('started')\nprint(part.text(), end='')\n")
        .unwrap();
    work.write(
        &format!("{folder}/part.py"),
        "import os\ndef text():\n    return open(os.path.dirname(__file__) + '/data/text').read()\n",
    )
    .unwrap();
    work.write(&format!("{folder}/data/text"), "a text\n").unwrap();
}

fn built(work: &Work, words: &[&str]) -> Output {
    let output = build(work, words).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn write_program(path: &Path, contents: &[u8]) {
    fs::write(path, contents).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Where the application's container lies in an executable: it is the last that begins so.
fn container(file: &[u8]) -> std::ops::Range<usize> {
    let magic = b"\x8arspyar\n";
    let start = (0..file.len()).step_by(64).rev().find(|&start| file[start..].starts_with(magic));
    start.unwrap()..file.len() - 1
}

#[test]
fn same_input_same_bytes() {
    let work = Work::new().unwrap();
    sample(&work, "here");
    sample(&work, "elsewhere/deep");
    let words = |folder: &'static str, output: &'static str| {
        [format!("{folder}/main.py"), "--include-data".into(), "data/*".into(), "-qo".into(), output.into()]
    };
    let build_with = |folder, output, threads: &str, extra: &[&str]| {
        let words = words(folder, output);
        let status = freezer(&work)
            .args(["build", "--base"])
            .arg(dist::rspy())
            .args(&words)
            .args(extra)
            .env("RAYON_NUM_THREADS", threads)
            .env("LC_ALL", if threads == "1" { "C" } else { "tr_TR.UTF-8" })
            .status();
        assert!(status.unwrap().success());
        fs::read(work.path(output)).unwrap()
    };
    let first = build_with("here", "one", "2", &["--no-cache"]);
    assert!(first == build_with("elsewhere/deep", "two", "1", &["--no-cache"]));
    assert!(first == build_with("here", "three", "1", &[]), "into an empty cache");
    assert!(first == build_with("elsewhere/deep", "four", "2", &[]), "from the cache");
    let output = Command::new(work.path("four")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "started\na text\n");
}

#[test]
fn builds_at_the_same_time_do_not_meet() {
    let work = Work::new().unwrap();
    sample(&work, "source");
    thread::scope(|scope| {
        for number in 0..4 {
            let work = &work;
            scope.spawn(move || {
                let name = format!("app-{number}");
                built(work, &["source/main.py", "--include-data", "data/*", "-o", &name]);
            });
        }
    });
    let first = fs::read(work.path("app-0")).unwrap();
    for number in 1..4 {
        assert!(fs::read(work.path(&format!("app-{number}"))).unwrap() == first);
    }
}

#[test]
fn what_changed_is_built_anew() {
    let work = Work::new().unwrap();
    sample(&work, "source");
    let words = ["source/main.py", "--include-data", "data/*", "-o", "app"];
    built(&work, &words);
    work.write("source/data/text", "another text\n").unwrap();
    work.write("source/part.py", "def text(): return 'no file'\n").unwrap();
    built(&work, &words);
    let output = Command::new(work.path("app")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "started\nno file");
}

#[test]
fn every_altered_byte_is_noticed() {
    let work = Work::new().unwrap();
    sample(&work, "source");
    built(&work, &["source/main.py", "--include-data", "data/*", "-o", "app"]);
    let mut file = fs::read(work.path("app")).unwrap();
    let range = container(&file);
    let count = 2000;
    let path = work.path("altered");
    write_program(&path, &file);
    // A file that runs cannot be written to: the runs come one after the other.
    let write = |position: usize, byte: u8| {
        let handle = fs::OpenOptions::new().write(true).open(&path).unwrap();
        handle.write_all_at(&[byte], position as u64).unwrap();
    };
    for number in 0..count {
        let position = range.start + number * range.len() / count;
        let bit = 1 << (number % 8);
        file[position] ^= bit;
        write(position, file[position]);
        let output = Command::new(&path).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "byte {position}: {message}");
        assert!(message.contains(": the file is damaged: "), "byte {position}: {message}");
        assert!(output.stdout.is_empty(), "byte {position}");
        file[position] ^= bit;
        write(position, file[position]);
    }
    let verified = freezer(&work).arg("verify").arg(&path).output().unwrap();
    assert!(verified.status.success());
}

#[test]
fn a_file_that_was_cut_says_so() {
    let work = Work::new().unwrap();
    sample(&work, "source");
    built(&work, &["source/main.py", "--include-data", "data/*", "-o", "app"]);
    let file = fs::read(work.path("app")).unwrap();
    let path = work.path("cut");
    for lost in [2, 100, container(&file).len(), container(&file).len() + 100_000, 3_000_000] {
        write_program(&path, &file[..file.len() - lost]);
        let output = Command::new(&path).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{lost} bytes: {message}");
        assert!(message.contains(": the file is damaged: "), "{lost} bytes: {message}");
        assert!(output.stdout.is_empty());
        assert!(!freezer(&work).arg("verify").arg(&path).output().unwrap().status.success());
    }
}

#[test]
fn bases_that_cannot_carry_an_application_are_refused() {
    let work = Work::new().unwrap();
    sample(&work, "source");
    let whole = fs::read(dist::rspy()).unwrap();
    let mut altered = whole.clone();
    let mark = b"\x8arspyar\n";
    let library =
        (0..altered.len()).step_by(64).rev().find(|&start| altered[start..].starts_with(mark)).unwrap();
    altered[library + 1_000_000] ^= 1;
    let cases: [(&str, &[u8], &str); 6] = [
        ("nothing", b"", "no rspy"),
        ("script", b"#!/bin/sh\n", "no rspy"),
        ("other", &fs::read("/bin/sh").unwrap(), "no rspy"),
        ("half", &whole[..library / 2], "the file is cut"),
        ("most", &whole[..library + 2_000_000], "the file is cut"),
        ("altered", &altered, "altered: the checksum"),
    ];
    for (name, contents, reason) in cases {
        write_program(&work.path(name), contents);
        let words = ["build", "source/main.py", "--base", name, "-o", "app"];
        let output = freezer(&work).args(words).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {message}");
        assert!(message.contains(&format!("{name}: ")) && message.contains(reason), "{name}: {message}");
        assert!(!work.path("app").exists(), "{name}");
    }
}

#[test]
fn another_machine_is_built_for_as_well() {
    /// Where an ELF file says for which machine it is, and what stands there for AArch64.
    const MACHINE: std::ops::Range<usize> = 18..20;
    const AARCH64: [u8; 2] = [183, 0];
    let work = Work::new().unwrap();
    sample(&work, "source");
    built(&work, &["source/main.py", "--include-data", "data/*", "-o", "here"]);
    let mut other = fs::read(dist::rspy()).unwrap();
    other[MACHINE].copy_from_slice(&AARCH64);
    write_program(&work.path("other"), &other);
    let words = ["build", "source/main.py", "--include-data", "data/*", "--base", "other", "-o", "there"];
    let output = freezer(&work).args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut expected = fs::read(work.path("here")).unwrap();
    expected[MACHINE].copy_from_slice(&AARCH64);
    assert!(fs::read(work.path("there")).unwrap() == expected);
}

#[test]
fn nothing_is_needed_beside_it() {
    let work = Work::new().unwrap();
    sample(&work, "source");
    built(&work, &["source/main.py", "--include-data", "data/*", "-o", "root/app"]);
    let mut command = if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        Command::new("chroot")
    } else {
        let mut command = Command::new("unshare");
        command.args(["-r", "chroot"]);
        command
    };
    let output = command.arg(work.path("root")).arg("/app").output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    if message.contains("unshare failed") {
        // The system does not let users do this; the empty root is for those that may.
        return;
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), "started\na text\n", "{message}");
}

#[test]
fn what_is_inside_can_be_seen() {
    let work = Work::new().unwrap();
    sample(&work, "source");
    built(&work, &["source/main.py", "--include-data", "data/*", "-o", "app"]);
    let run = |words: &[&str]| {
        let output = freezer(&work).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&["inspect", "app", "--modules"]);
    assert!(text.starts_with("main: runs app/main.py, isolated\n"), "{text}");
    assert!(text.lines().any(|line| line.ends_with("  part  (by main)")), "{text}");
    assert!(run(&["inspect", "app", "--json"]).contains(r#""path": "app/data/text""#));
    assert!(run(&["inspect", "app", "--sbom"]).contains(r#""bomFormat": "CycloneDX""#));
    run(&["inspect", "app", "--html", "page.html"]);
    let page = fs::read_to_string(work.path("page.html")).unwrap();
    assert!(page.contains("app/data/text") && !page.contains("{{contents}}"));
    run(&["extract", "app", "-o", "files"]);
    for name in ["main.py", "part.py", "data/text"] {
        let (one, other) = (work.path("source").join(name), work.path("files/app").join(name));
        assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap(), "{name}");
    }
}

#[test]
fn images_are_the_same_each_time() {
    let work = Work::new().unwrap();
    sample(&work, "source");
    let images = ["one.tar", "two.tar"].map(|name| {
        built(&work, &["source/main.py", "--include-data", "data/*", "-o", "app", "--container", name]);
        fs::read(work.path(name)).unwrap()
    });
    assert!(images[0] == images[1]);
    assert!(images[0].starts_with(b"oci-layout\0"));
}
