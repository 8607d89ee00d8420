//! What happens when rspy itself has a bug: a report, and not a stack of Rust.

/// Says that the executable's file is not what was built, and ends the process.
pub fn damaged(how: &str) -> ! {
    let program = std::env::args_os().next().unwrap_or_else(|| "rspy".into());
    eprintln!("{}: the file is damaged: {how}", program.to_string_lossy());
    std::process::exit(1)
}

/// Has panics reported as bugs.
pub fn install() {
    std::panic::set_hook(Box::new(|information| {
        let place = information.location().map_or_else(String::new, |place| format!(" at {place}"));
        let message = information.payload_as_str().unwrap_or("something that should not happen has happened");
        eprintln!("rspy {} has a bug{place}: {message}", env!("CARGO_PKG_VERSION"));
        eprintln!("Please report it with the program that shows it.");
        std::process::exit(70);
    }));
}
