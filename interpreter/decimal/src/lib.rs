//! The General Decimal Arithmetic specification: numbers, contexts and all operations.
//!
//! [`Decimal`] is a number: a sign, a [`Coefficient`] and an exponent, or infinity, or NaN. A [`Context`] says how
//! results are rounded and what exponents they may have; its methods are the specification's operations. An operation
//! adds what it has to report to a set of [`Signals`] that the caller hands it, and always has a result.
//!
//! * `limbs` is the arithmetic of natural numbers, `coefficient` those numbers as digits of a decimal.
//! * `rounding` fits results into the context; `arithmetic`, `division`, `power`, `transcendental`, `rescaling`,
//!   `comparison`, `neighbours` and `digitwise` have the operations, `text` and `format` go from and to text.
//!
//! Where the specification leaves room, results are those of libmpdec, which CPython uses.

mod arithmetic;
mod coefficient;
mod comparison;
mod context;
mod digitwise;
mod division;
#[cfg(test)]
mod facts;
mod format;
mod limbs;
mod neighbours;
mod number;
mod power;
mod rescaling;
mod rounding;
mod text;
mod transcendental;

pub use coefficient::{Coefficient, TEXT_ROOM};
pub use context::{Context, MAX_EMAX, MAX_PRECISION, MIN_EMIN, MIN_ETINY, Rounding, Signals};
pub use format::{FormatError, FormatSpec, Locale};
pub use number::{Decimal, Kind};
