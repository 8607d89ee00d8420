//! Native modules of the standard library.

pub mod sre;

use rspy_runtime::native::NativeModule;

/// All modules.
pub fn modules() -> &'static [&'static NativeModule] {
    &[
        &sre::MODULE,
    ]
}
