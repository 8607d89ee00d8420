//! Tells the executable which compiler built it, and the linker where the frozen library and what runs
//! at the start go, and what a release goes without.

use std::process::Command;

fn main() {
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(compiler).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let short: Vec<&str> = version.split_whitespace().take(2).collect();
    println!("cargo::rustc-env=RSPY_COMPILER={}", short.join(" "));
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        let mut scripts = vec!["library.ld", "startup.ld"];
        // What is built to be measured or debugged keeps them.
        if std::env::var("DEBUG").is_ok_and(|level| level == "false") {
            scripts.push("unwinding.ld");
        }
        for name in scripts {
            let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
            println!("cargo::rerun-if-changed={name}");
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
}
