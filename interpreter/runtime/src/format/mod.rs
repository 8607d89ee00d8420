//! Text from values and values from text: numbers in all notations, the format mini-language, `%` formatting and
//! `str.format`.
//!
//! [`float`], [`hexadecimal`], [`digits`], [`spec`] and [`markup`] know nothing of Python objects; the others do.

pub mod builtin;
pub mod digits;
pub mod float;
pub mod hexadecimal;
pub mod int;
pub mod markup;
pub mod percent;
#[cfg(test)]
mod recorded;
pub mod spec;
pub mod string_module;
pub mod template;
