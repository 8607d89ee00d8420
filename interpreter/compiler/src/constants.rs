//! [`Constants`]: every constant of a compilation, equal ones kept once.

use std::sync::Arc;

use rspy_code::{Constant, Text};
use rustc_hash::{FxHashMap, FxHashSet};

/// A constant of one compilation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConstantId(u32);

/// Every constant seen so far.
#[derive(Debug, Default)]
pub struct Constants {
    ids: FxHashMap<Constant, ConstantId>,
    values: Vec<Constant>,
    /// Strings that were seen as names before they were seen as literals.
    names: FxHashSet<ConstantId>,
    /// The constants of finished code objects.
    lists: FxHashMap<Vec<ConstantId>, Arc<[Constant]>>,
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
        let is_nan = match value {
            Constant::Float(value) => value.is_nan(),
            Constant::Complex { real, imaginary } => real.is_nan() || imaginary.is_nan(),
            _ => false,
        };
        if !is_nan {
            self.ids.insert(value, id);
        }
        id
    }

    /// The number of a string that is an identifier of the program.
    pub fn intern_name(&mut self, name: &Text) -> ConstantId {
        let count = self.values.len();
        let id = self.intern(Constant::Str(name.clone()));
        if self.values.len() > count {
            self.names.insert(id);
        }
        id
    }

    /// The constant itself.
    pub fn value(&self, id: ConstantId) -> &Constant {
        &self.values[id.0 as usize]
    }

    /// The constants of a code object. Code objects with the same constants share them.
    ///
    /// When CPython makes a code object, it interns the strings in its constants. A frozen set with a string that is
    /// interned as another object already, `is_identifier` says which are, is replaced by a new one, so that code objects
    /// with different constants do not share it.
    pub fn list(&mut self, ids: &[ConstantId], is_identifier: impl Fn(&Text) -> bool) -> Arc<[Constant]> {
        if let Some(list) = self.lists.get(ids) {
            return list.clone();
        }
        let is_replaced = |item: &Constant| match item {
            // Shorter strings exist once only.
            Constant::Str(text) if text.char_count() > 1 => {
                is_identifier(text) && self.ids.get(item).is_none_or(|id| !self.names.contains(id))
            }
            _ => false,
        };
        let list: Arc<[Constant]> = ids
            .iter()
            .map(|&id| match self.value(id) {
                Constant::FrozenSet(items) if items.iter().any(is_replaced) => {
                    Constant::FrozenSet(items.iter().cloned().collect())
                }
                other => other.clone(),
            })
            .collect();
        self.lists.insert(ids.to_vec(), list.clone());
        list
    }
}
