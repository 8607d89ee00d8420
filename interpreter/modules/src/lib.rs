//! Native modules of the standard library.

pub mod functools;
pub mod itertools;
pub mod operator;
pub mod sre;

use rspy_runtime::native::NativeModule;

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    &[
        &functools::MODULE,
        &itertools::MODULE,
        &operator::MODULE,
        &sre::MODULE,
    ]
}
