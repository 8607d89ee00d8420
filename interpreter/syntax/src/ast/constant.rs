//! [`Constant`]: the value of a literal.

use std::sync::Arc;

use num_bigint::BigInt;
use rspy_code::Text;

/// A constant value as it stands in a tree.
///
/// The parser makes no `Tuple` and no `FrozenSet`; they are what an optimiser folds into.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// `None`.
    None,
    /// `True`.
    True,
    /// `False`.
    False,
    /// `...`.
    Ellipsis,
    /// An integer that fits a machine word.
    Int(i64),
    /// Any other integer.
    BigInt(Arc<BigInt>),
    /// A floating point number.
    Float(f64),
    /// A complex number.
    Complex {
        /// The real part.
        real: f64,
        /// The imaginary part.
        imag: f64,
    },
    /// A string.
    Str(Text),
    /// A byte string.
    Bytes(Arc<[u8]>),
    /// A tuple of constants.
    Tuple(Arc<[Constant]>),
    /// A frozen set of constants, in the order they were written.
    FrozenSet(Arc<[Constant]>),
}

impl From<BigInt> for Constant {
    fn from(value: BigInt) -> Self {
        match i64::try_from(&value) {
            Ok(small) => Self::Int(small),
            Err(_) => Self::BigInt(Arc::new(value)),
        }
    }
}
