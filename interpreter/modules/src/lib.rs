//! Native modules of the standard library.

use rspy_runtime::native::NativeModule;

macro_rules! modules {
    ($($name:ident)*) => {
        $(pub mod $name;)*

        static MODULES: &[&NativeModule] = &[$(&$name::MODULE,)*];
    };
}

// One a line, in alphabetical order.
modules! {
    collections
    functools
    io
    itertools
    math
    operator
    posix
    sre
    thread
}

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    MODULES
}
