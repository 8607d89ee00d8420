//! `-X importtime`: how long each import takes, told on the standard error descriptor.

use std::cell::Cell;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::exceptions::PyResult;
use crate::object::Object;
use crate::types::string::Str;
use crate::vm::Vm;

/// The level at which imports of what is there already are told of, too.
const WITH_CACHED: i32 = 2;

/// How far an interpreter's imports are.
#[derive(Default)]
pub struct Times {
    has_begun: Cell<bool>,
    depth: Cell<usize>,
    /// What imports inside the present one have taken.
    inner: Cell<Duration>,
}

impl Times {
    fn tell(&self, own: &str, whole: &str, name: &Object<Str>) {
        let mut stderr = std::io::stderr();
        // Where it cannot be told, the import goes on.
        if !self.has_begun.replace(true) {
            drop(stderr.write_all(b"import time: self [us] | cumulative | imported package\n"));
        }
        let mut line = format!("import time: {own:>9} | {whole:>10} | {:1$}", "", self.depth.get() * 2);
        for c in name.characters().iter() {
            match char::from_u32(c) {
                Some(c) => line.push(c),
                None => line.push_str(&format!("\\u{c:04x}")),
            }
        }
        line.push('\n');
        drop(stderr.write_all(line.as_bytes()));
    }
}

/// Loads a module, and tells how long that took where it is wanted.
///
/// # Errors
/// What loading raises.
pub fn timed(vm: &Vm, name: &Object<Str>, load: impl FnOnce() -> PyResult) -> PyResult {
    if vm.interpreter.configuration.import_time == 0 {
        return load();
    }
    let times = &vm.interpreter.import_times;
    times.depth.set(times.depth.get() + 1);
    let before = times.inner.take();
    let start = Instant::now();
    let result = load();
    let whole = start.elapsed();
    let own = whole.saturating_sub(times.inner.get());
    times.depth.set(times.depth.get() - 1);
    times.inner.set(before + whole);
    times.tell(&own.as_micros().to_string(), &whole.as_micros().to_string(), name);
    result
}

/// Tells of a module that was there already, where that is wanted.
#[inline]
pub fn tell_cached(vm: &Vm, name: &Object<Str>) {
    if vm.interpreter.configuration.import_time == WITH_CACHED {
        vm.interpreter.import_times.tell("cached   ", "cached    ", name);
    }
}
