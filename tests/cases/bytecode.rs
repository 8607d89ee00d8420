//! Altered bytecode, thousands of times: whatever it does, the interpreter lives on.
//!
//! `tests/bytecode/alter.py` makes the alterations, the same ones each time. The seeds here are such that none of them
//! loops for ever where it cannot be interrupted, which CPython does with such code as well.

use std::path::Path;
use std::process::Command;

/// Runs of a seed.
const RUNS: &str = "250";

#[test]
fn altered_bytecode_never_crashes() {
    let Ok(interpreter) = std::env::var("RSPY") else {
        eprintln!("skipped: RSPY names no interpreter");
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bytecode");
    for seed in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        let output = Command::new(&interpreter)
            .args(["-X", "faulthandler"])
            .arg(folder.join("alter.py"))
            .arg(folder.join("sample.py"))
            .args([seed, RUNS])
            .output()
            .expect("the interpreter starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.ends_with("done\n"),
            "seed {seed}, after {:?}: {} {}",
            text.lines().last(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
