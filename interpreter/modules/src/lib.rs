//! Native modules of the standard library.

pub mod itertools;
pub mod math;
pub mod sre;

use rspy_runtime::native::NativeModule;

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    &[
        &itertools::MODULE,
        &math::MODULE,
        &sre::MODULE,
    ]
}
