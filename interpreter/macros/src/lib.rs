//! The macros with which native types, functions and modules are declared.
