//! [`Constants`]: every constant of a compilation, equal ones kept once.

use rspy_code::Constant;
use rustc_hash::FxHashMap;

/// A constant of one compilation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConstantId(u32);

/// Every constant seen so far.
#[derive(Debug, Default)]
pub struct Constants {
    ids: FxHashMap<Constant, ConstantId>,
    values: Vec<Constant>,
}

impl Constants {
    /// The number of a constant.
    ///
    /// A NaN equals nothing, so each is a constant of its own.
    pub fn intern(&mut self, value: Constant) -> ConstantId {
        if let Some(&id) = self.ids.get(&value) {
            return id;
        }
        let id = ConstantId(self.values.len() as u32);
        self.values.push(value.clone());
        if !matches!(value, Constant::Float(value) if value.is_nan()) {
            self.ids.insert(value, id);
        }
        id
    }

    /// The constant itself.
    pub fn value(&self, id: ConstantId) -> &Constant {
        &self.values[id.0 as usize]
    }
}
