//! The frozen standard library as data.
