//! Code of modules that was unpacked before anybody asked for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rspy_runtime::frozen_code::OutlinedCode;

/// The code of one container's modules, by their numbers. One thread puts in, another one takes out and does not wait: what
/// is not there yet it unpacks itself.
#[derive(Default)]
pub struct Ahead {
    /// `None` in the place of code that need not be unpacked any more; no map where nobody unpacks ahead.
    codes: Mutex<Option<HashMap<u32, Option<OutlinedCode>>>>,
}

impl Ahead {
    fn codes(&self) -> MutexGuard<'_, Option<HashMap<u32, Option<OutlinedCode>>>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it is worth looking.
    pub fn begin(&self) {
        *self.codes() = Some(HashMap::new());
    }

    /// The code of a module, if it is there.
    pub fn take(&self, module: u32) -> Option<OutlinedCode> {
        self.codes().as_mut()?.insert(module, None).flatten()
    }

    /// Whether nobody has asked for the code of a module so far.
    pub fn is_wanted(&self, module: u32) -> bool {
        self.codes().as_ref().is_some_and(|codes| !codes.contains_key(&module))
    }

    /// Puts in the code of a module, unless somebody has asked for it meanwhile.
    pub fn put(&self, module: u32, code: OutlinedCode) {
        if let Some(codes) = self.codes().as_mut() {
            codes.entry(module).or_insert(Some(code));
        }
    }
}
