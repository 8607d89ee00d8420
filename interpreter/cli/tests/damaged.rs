//! An executable whose end was lost says so.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn a_file_that_was_cut_says_that_it_is_damaged() {
    let whole = fs::read(env!("CARGO_BIN_EXE_rspy")).unwrap();
    // How a container ends, and the library's is the last.
    let mark = b"\x8aendyar\n";
    let end = mark.len() + whole.windows(mark.len()).rposition(|window| window == mark).unwrap();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cut-rspy");
    for lost in [1, 100_000, 3_000_000] {
        fs::write(&path, &whole[..end - lost]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let output = Command::new(&path).args(["-c", "print(1)"]).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{lost} bytes before the mark: {message}");
        assert!(message.ends_with(": the file is damaged: its end is missing\n"), "{message}");
        assert!(output.stdout.is_empty());
    }
    fs::remove_file(&path).unwrap();
}
