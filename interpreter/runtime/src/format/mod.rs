//! Text from values and values from text: numbers in all notations, the format mini-language, `%` formatting and
//! `str.format`.
//!
//! [`float`], [`digits`] and [`spec`] know nothing of Python objects; [`int`], [`builtin`], [`percent`] and
//! [`template`] do.

pub mod builtin;
pub mod digits;
pub mod float;
pub mod hexadecimal;
pub mod int;
pub mod percent;
pub mod spec;
pub mod template;
